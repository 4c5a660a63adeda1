package yamledit

import (
	"errors"
	"testing"
)

const (
	pod = "spec.template.spec"
	app = pod + ".containers[name=app]"
)

// wiring is a Deployment with a key, around the lines given.
func wiring(env, mounts, volumes string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
      - name: app
        image: x # pinned
` + env + mounts + `        ports: []
` + volumes
}

const (
	keyEnv = `        env:
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/key.json
`
	keyMount = `        volumeMounts:
        - name: key
          mountPath: /var
`
	keyVolume = `      volumes:
      - name: key
        secret:
          secretName: sa
`
)

var dropAll = []string{
	"remove " + app + ".env[name=GOOGLE_APPLICATION_CREDENTIALS]",
	"remove " + app + ".volumeMounts[mountPath=/var]",
	"remove " + pod + ".volumes[name=key]",
}

func TestRemoveBlock(t *testing.T) {
	tests := []shape{
		{
			name: "lists that are left with nothing go with their keys", in: wiring(keyEnv, keyMount, keyVolume), edits: dropAll,
			want: `
-        env:
-        - name: GOOGLE_APPLICATION_CREDENTIALS
-          value: /var/key.json
-        volumeMounts:
-        - name: key
-          mountPath: /var
-      volumes:
-      - name: key
-        secret:
-          secretName: sa
`,
		},
		{
			name: "neighbours stay, with their comments and blank lines",
			in: wiring(`        env:
        # for all
        - name: A
          value: "1"   # one

        # Where the key is.
        - name: GOOGLE_APPLICATION_CREDENTIALS # path
          value: /var/key.json
          # from the vault

        # About B.
        - name: B
          value: '2'
`, keyMount, keyVolume),
			edits: dropAll[:1],
			want: `
-        # Where the key is.
-        - name: GOOGLE_APPLICATION_CREDENTIALS # path
-          value: /var/key.json
-          # from the vault
`,
		},
		{
			name: "a comment over the first item is about all items",
			in: wiring(`        env:
        # environment
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/key.json
        - name: B
          value: "2"
`, keyMount, keyVolume),
			edits: dropAll[:1],
			want: `
-        - name: GOOGLE_APPLICATION_CREDENTIALS
-          value: /var/key.json
`,
		},
		{
			name: "unless it speaks of the credentials",
			in: wiring(`        env:
        # the service account's credentials
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/key.json
        - name: B
          value: "2"
`, keyMount, keyVolume),
			edits: dropAll[:1],
			want: `
-        # the service account's credentials
-        - name: GOOGLE_APPLICATION_CREDENTIALS
-          value: /var/key.json
`,
		},
		{
			name: "an item that somebody commented out stays",
			in: wiring(`        env:
        - name: A
          value: "1"
        # - name: DEBUG
        #   value: "true"
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/key.json
`, keyMount, keyVolume),
			edits: dropAll[:1],
			want: `
-        - name: GOOGLE_APPLICATION_CREDENTIALS
-          value: /var/key.json
`,
		},
		{
			name: "a comment at another indent stays, one that stands deeper below goes",
			in: wiring(`        env:
        - name: A
          value: "1"
      # at another indent
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/key.json
             # deeper

             # and deeper still
      # shallower
`, keyMount, keyVolume),
			edits: dropAll[:1],
			want: `
-        - name: GOOGLE_APPLICATION_CREDENTIALS
-          value: /var/key.json
-             # deeper
-
-             # and deeper still
`,
		},
		{
			name: "the first key of an item leaves its dash to the next",
			in: `spec:
  containers:
  - env:
    - name: K
      value: x
    image: y
    name: app
`,
			edits: []string{"remove spec.containers[name=app].env[name=K]"},
			want: `
-  - env:
-    - name: K
-      value: x
-    image: y
+  - image: y
`,
		},
		{
			name: "and to the comment of the next",
			in: `spec:
  containers:
  - env:
    - name: K
      value: x

    # the image
    image: y
    name: app
`,
			edits: []string{"remove spec.containers[name=app].env[name=K]"},
			want: `
-  - env:
-    - name: K
-      value: x
-
-    # the image
+  - # the image
`,
		},
		{
			name: "two first keys of an item",
			in: `spec:
  containers:
  - env: # all of it
    - name: K
      value: x
    # mounts of the key
    volumeMounts:
    - name: key
      mountPath: /k
    name: app
`,
			edits: []string{"remove spec.containers[name=app].env[name=K]", "remove spec.containers[name=app].volumeMounts[name=key]"},
			want: `
-  - env: # all of it
-    - name: K
-      value: x
-    # mounts of the key
-    volumeMounts:
-    - name: key
-      mountPath: /k
-    name: app
+  - name: app
`,
		},
		{
			name: "a comment beside the dash",
			in: `spec:
  containers:
  - # the app
    name: app
    env:
    - # the key
      name: K
      value: x
    - # another
      name: L
      value: y
`,
			edits: []string{"remove spec.containers[name=app].env[name=K]"},
			want: `
-    - # the key
-      name: K
-      value: x
`,
		},
		{
			name: "a dash on a line of its own",
			in: `env:
-
  name: K
  value: x
-
  name: L
  value: y
`,
			edits: []string{"remove env[name=L]"},
			want:  "--\n-  name: L\n-  value: y\n",
		},
		{
			name: "nested lists on one line",
			in: `a:
- - x
  - y
- - z
`,
			edits: []string{"remove a[0][0]"},
			want: `
-- - x
-  - y
+- - y
`,
		},
		{
			name: "values that are not there",
			in: `env:
- name: A
  value:
- name: K
  value:   # nothing
- name: B
  value: ~
other:
`,
			edits: []string{"remove env[name=K]", "remove other"},
			want: `
-- name: K
-  value:   # nothing
-other:
`,
		},
		{
			name: "literals with comments, markers and dashes in them",
			in: `env:
- name: A
  value: |
    # - name: K
    ---x
    - name: K
- name: K
  value: |-
     text
      deeper

   # a comment at last
- name: B
  value: >+
    folded
      more

- name: C
`,
			edits: []string{"remove env[name=K]"},
			want: `
-- name: K
-  value: |-
-     text
-      deeper
-
-   # a comment at last
`,
		},
		{
			name: "scalars over several lines",
			in: `env:
- name: A
  value: plain words
    that go on

    and on
- name: K
  value: "double \" quoted
    # no comment
    on"
- name: B
  value: 'single ''
    on'
`,
			edits: []string{"remove env[name=K]", "remove env[name=B]"},
			want: `
-- name: K
-  value: "double \" quoted
-    # no comment
-    on"
-- name: B
-  value: 'single ''
-    on'
`,
		},
		{
			name:  "tabs behind colons and at ends of lines",
			in:    "env:\t\n- name:\tA\t# a\n  value:\t\"\t\"\n- name:\tK\n  value: x\t\nz: 1\n",
			edits: []string{"remove env[name=K]"},
			want:  "-- name:\tK\n-  value: x\t\n",
		},
		{
			name: "characters outside of ASCII",
			in: `größe: 1 # 日本語
"日本": {ключ: [α, β]} # 😀
env: [{name: é, value: "ü"}, {name: K, value: ß}]
last: ö
`,
			edits: []string{"remove env[name=K]", `remove ["größe"]`},
			want: `
-größe: 1 # 日本語
-env: [{name: é, value: "ü"}, {name: K, value: ß}]
+env: [{name: é, value: "ü"}]
`,
		},
		{
			name:  "the last lines of a file without a final newline",
			in:    "a: 1\nenv:\n- name: A\n- name: K\n  value: x",
			edits: []string{"remove env[name=K]"},
			want:  "-- name: A\n-- name: K\n-  value: x\\\n+- name: A\\\n",
		},
		{
			name:    "a literal that would lose its line break with the end of the file",
			in:      "a: |\n  x\nb: 1",
			edits:   []string{"remove b"},
			refusal: errUnproven,
		},
		{
			name:  "trailing blank lines stay",
			in:    "a: 1\nb: 2\n\n\n",
			edits: []string{"remove b"},
			want:  "-b: 2\n",
		},
		{
			name: "the same edit twice, and one inside of another",
			in:   wiring(keyEnv, keyMount, keyVolume),
			edits: append(append([]string{}, dropAll[2], dropAll[2], "remove "+pod+".volumes[name=key].secret"),
				"remove "+pod+".volumes[0]"),
			want: `
-      volumes:
-      - name: key
-        secret:
-          secretName: sa
`,
		},
		{name: "the last container", in: wiring("", "", ""), edits: []string{"remove " + app}, refusal: `under "containers"`},
		{name: "everything", in: "a: 1\n", edits: []string{"remove a"}, refusal: "nothing would be left"},
		{name: "all of a list item", in: "l:\n- a: 1\n- b: 2\n", edits: []string{"remove l[0].a"}, refusal: "nothing would be left of a list item"},
		{name: "what is not there", in: "a: 1\n", edits: []string{"remove b"}, refusal: "no such field"},
		{name: "an item that is not there", in: "l: [1]\n", edits: []string{"remove l[1]"}, refusal: "no item 1"},
		{name: "an item by name that is not there", in: "l: [1]\n", edits: []string{"remove l[name=x]"}, refusal: "no item has the name"},
		{name: "one of several items of a name", in: "l: [{name: x}, {name: x}]\n", edits: []string{"remove l[name=x]"}, refusal: "several items"},
		{name: "one of two keys of a name", in: "a: 1\na: 2\nb: 3\n", edits: []string{"remove a"}, refusal: "stands twice"},
		{name: "a document that is not there", in: "a: 1\n", edits: []string{"2 remove a"}, refusal: "no document 2"},
		{name: "an explicit key", in: "? a\n: 1\nb: 2\n", edits: []string{"remove b"}, refusal: "explicit key"},
		{name: "broken YAML", in: "a: [\nb: 2\n", edits: []string{"remove b"}, refusal: "does not parse"},
		{name: "UTF-16", in: "\xff\xfea\x00:\x00", edits: []string{"remove b"}, refusal: "UTF-16"},
		{name: "not UTF-8", in: "a: 1 # \xe9\nb: 2\n", edits: []string{"remove b"}, refusal: "UTF-8"},
		{name: "a template that happens to parse", in: "{{ x }}\na: 1\nb: 2\n", edits: []string{"remove b"}, refusal: "template"},
		{name: "a marker behind a line break that nobody sees", in: "a: 1 #\u2028---\nb: 2\n", edits: []string{"remove b"}, refusal: "marker"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}

func TestRefusalNamesThePlace(t *testing.T) {
	in := "a: 1\n---\nb:\n- c: SECRET\n"
	_, err := Apply([]byte(in), edits(t, "2 remove b[0].d"))
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%T is no refusal", err)
	}
	if refusal.Document != 2 || refusal.Field.String() != "b[0].d" || refusal.Line != 4 {
		t.Errorf("got document %d, field %s, line %d", refusal.Document, refusal.Field, refusal.Line)
	}
}
