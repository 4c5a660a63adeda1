package manifest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"dekey/scanner"
	"dekey/scanner/manifest"
	"dekey/scanner/object"
)

func TestProw(t *testing.T) {
	const job = `  - name: NAME
    spec:
      containers:
      - image: a
        env:
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /c/key.json
`
	for _, test := range []struct {
		name string
		text string
		want []string
	}{
		{
			name: "jobs are objects, by repository or not",
			text: "periodics:\n" + job + "presubmits:\n  org/repo:\n" + job,
			want: []string{"ProwJob/NAME 2:5", "ProwJob/NAME 11:5"},
		},
		{
			name: "presets stand in an object without a kind",
			text: "presets:\n- labels: {preset-key: \"true\"}\n  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/key.json}]\n",
			want: []string{"/ 1:1"},
		},
		{
			name: "what merely has such a field is none",
			text: "presets: [{name: a, value: GOOGLE_APPLICATION_CREDENTIALS}]\nperiodics: [weekly, monthly]\npostsubmits: {a: [b]}\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := read(t, manifest.Options{Root: write(t, map[string]string{"jobs.yaml": test.text}), ID: "repo"})
			var got []string
			for _, o := range h.objects {
				got = append(got, fmt.Sprintf("%s %d:%d", o.Ref, o.Origins[0].Line, o.Origins[0].Column))
				if o.Ref.Kind == "" {
					continue
				}
				field := object.Path{object.Key("spec"), object.Key("containers"), object.At(0), object.Key("env"), object.Item("name", "GOOGLE_APPLICATION_CREDENTIALS")}
				places := o.Places(field)
				if len(places) != 1 || places[0].Origin.Line != o.Origins[0].Line+5 {
					t.Errorf("%s stands at %+v", field, places)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFlagsInTemplates(t *testing.T) {
	const head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\n"
	for _, test := range []struct{ name, text, want string }{
		{"a proxy's flag", head + "args:\n- -credential_file=/secrets/{{ .Values.file }}\n", "d.yaml:5:4: template -credential_file (a Helm or Go template)"},
		{"a flag and its value", head + "args: [\"--service_account_key\", {{ .Values.key | quote }}]\n", "d.yaml:4:9: template --service_account_key (a Helm or Go template)"},
		{"a script that hands the key to gcloud", head + "args: ['gcloud auth activate-service-account --key-file {{ .Values.key }}']\n", "d.yaml:4:21: template --key-file (a Helm or Go template)"},
		{"a comment", head + "args:\n# -credential_file=/secrets/key.json\n- -instances={{ .Values.instance }}\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := read(t, manifest.Options{Root: write(t, map[string]string{"d.yaml": test.text}), ID: "repo"})
			if got := strings.Join(h.hints, "; "); got != test.want {
				t.Errorf("hints %q, want %q", got, test.want)
			}
		})
	}
}

// Prow takes names that Kubernetes does not: capitals and underscores. Rendering by name must find them.
func TestRenderFindsOddNames(t *testing.T) {
	tree := fstest.MapFS{"jobs.yaml": {Data: []byte("apiVersion: prow.k8s.io/v1\nkind: ProwJob\nmetadata:\n  name: ESPv2-build_main\n  namespace: ci\nspec:\n  pod_spec:\n    containers:\n    - name: build\n      image: build\n")}}
	ref := scanner.Ref{APIVersion: "prow.k8s.io/v1", Kind: "ProwJob", Namespace: "ci", Name: "ESPv2-build_main"}
	objects, err := manifest.New(manifest.Options{Root: "."}).Render(t.Context(), tree, []scanner.Ref{ref})
	if err != nil || len(objects) != 1 || objects[0].Ref != ref {
		t.Errorf("found %d objects, want %s: %v", len(objects), ref, err)
	}
}
