package yamledit

import (
	"errors"
	"strings"
	"testing"

	"dekey/scanner/object"
)

// path reads a path as plans write it.
func path(t testing.TB, s string) object.Path {
	t.Helper()
	p, err := object.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// edits reads one edit a line: OP PATH [VALUE].
func edits(t testing.TB, lines ...string) []Edit {
	t.Helper()
	var out []Edit
	for _, line := range lines {
		document := 1
		if rest, ok := strings.CutPrefix(line, "2 "); ok {
			document, line = 2, rest
		}
		op, rest, _ := strings.Cut(line, " ")
		field, value, has := strings.Cut(rest, " = ")
		e := Edit{Document: document, Op: op, Field: path(t, field)}
		if has {
			e.Value = value
			if name, v, ok := strings.Cut(value, "=>"); ok {
				e.Value = map[string]any{"name": name, "value": v}
			}
		}
		out = append(out, e)
	}
	return out
}

const (
	pod = "spec.template.spec"
	app = pod + ".containers[name=app]"
)

func TestApplyBlock(t *testing.T) {
	const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      # pod
      containers:
      - name: app
        image: x # pinned
        env:
        - name: A
          value: "1"

        # Where the key is.
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/key.json
          # from the vault
        - name: B
          value: '2'
        volumeMounts:
        - name: key
          mountPath: /var
      volumes:
      - name: key
        secret:
          secretName: sa
`
	tests := []struct {
		name, in string
		edits    []string
		cut, add string // lines of the difference
	}{
		{
			name: "the whole wiring goes with its emptied lists and its comments", in: deployment,
			edits: []string{
				"remove " + app + ".env[name=GOOGLE_APPLICATION_CREDENTIALS]",
				"remove " + app + ".volumeMounts[mountPath=/var]",
				"remove " + pod + ".volumes[name=key]",
				"set " + pod + ".serviceAccountName = api-wi",
			},
			cut: `        # Where the key is.
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/key.json
          # from the vault
        volumeMounts:
        - name: key
          mountPath: /var
      volumes:
      - name: key
        secret:
          secretName: sa
`,
			add: "      serviceAccountName: api-wi\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result, err := Apply([]byte(test.in), edits(t, test.edits...))
			if err != nil {
				t.Fatal(err)
			}
			t.Log(string(result.Content))
		})
	}
	var refusal *Refusal
	if _, err := Apply([]byte("a: b\n"), edits(t, "remove c")); !errors.As(err, &refusal) {
		t.Error("no refusal")
	}
}
