package yamledit

import (
	"testing"

	"dekey/scanner/object"
)

func TestSet(t *testing.T) {
	const name = "set " + pod + ".serviceAccountName = api-wi"
	tests := []shape{
		{
			name: "a field that is not there stands before the first key and its comment",
			in: `spec:
  template:
    spec:
      # the pod
      containers: []
`,
			edits: []string{name},
			want:  "+      serviceAccountName: api-wi\n",
		},
		{
			name:  "a field that is there keeps its quotes and its comment",
			in:    "spec: {}\nb:\n  c: 'old'  # why\n  d: \"old\"\n  e: old\n",
			edits: []string{"set b.c = it's", "set b.d = a \"b\"", "set b.e = on"},
			want: `
-  c: 'old'  # why
-  d: "old"
-  e: old
+  c: 'it''s'  # why
+  d: "a \"b\""
+  e: "on"
`,
		},
		{
			name:  "folded and literal text give way to one line",
			in:    "a: >-\n  x\n  y\nb: |\n  z\nc: 1\n",
			edits: []string{"set a = x", "set b = w"},
			want:  "-a: >-\n-  x\n-  y\n-b: |\n-  z\n+a: x\n+b: w\n",
		},
		{
			name: "mappings that are not there are made",
			in: `apiVersion: v1
kind: ServiceAccount
metadata:
    name: api
`,
			edits: []string{`set metadata.annotations["iam.gke.io/gcp-service-account"] = api@acme.iam.gserviceaccount.com`,
				`set metadata.annotations.two = "2"`, "set spec.a.b = c"},
			want: `
+    annotations:
+        iam.gke.io/gcp-service-account: api@acme.iam.gserviceaccount.com
+        two: '"2"'
+spec:
+    a:
+        b: c
`,
		},
		{
			name:  "nulls and empty mappings become mappings",
			in:    "metadata:\n  annotations: # none\n  labels: {}   # none\n  other: null\n  name: x\n",
			edits: []string{"set metadata.annotations.a = b", "set metadata.labels.a = b", "set metadata.other.a = b"},
			want: `
-  labels: {}   # none
-  other: null
+    a: b
+  labels:   # none
+    a: b
+  other:
+    a: b
`,
		},
		{
			name:  "an item keeps its first key beside the dash",
			in:    "containers:\n- name: app\n  # where from\n  image: x\n- name: solo\n",
			edits: []string{"set containers[name=app].env = x", "set containers[name=solo].env = x"},
			want:  "+  env: x\n+  env: x\n",
		},
		{
			name:  "the new field of an object stands below its metadata",
			in:    "# licence\n\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: x\n  # end\n\nsecrets: []\n",
			edits: []string{"set automountServiceAccountToken = x"},
			want:  "+automountServiceAccountToken: x\n",
		},
		{
			name:  "a file without a final newline gets none",
			in:    "kind: X\nmetadata:\n  name: x",
			edits: []string{"set a = b"},
			want:  "+a: b\n",
		},
		{
			name:  "a file of one line without a final newline",
			in:    "metadata:\n  name: x",
			edits: []string{"set a = b"},
			want:  "-  name: x\\\n+  name: x\n+a: b\\\n",
		},
		{
			name:  "an alias is replaced, not what it stands for",
			in:    "a: &x one\nb: *x\nc: *x\n",
			edits: []string{"set b = two"},
			want:  "-b: *x\n+b: two\n",
		},
		{
			name:  "a value with an anchor of its own keeps it",
			in:    "a: &x one\nb: 1\n",
			edits: []string{"set a = two"},
			want:  "-a: &x one\n+a: &x two\n",
		},
		{name: "a value that other places share", in: "a: &x one\nb: *x\n", edits: []string{"set a = two"}, refusal: "shared"},
		{
			name:  "a value that all places want to change",
			in:    "a: &x {n: one}\nb: *x\n",
			edits: []string{"set a.n = two", "set b.n = two"},
			want:  "-a: &x {n: one}\n+a: &x {n: two}\n",
		},
		{name: "a field that has the value and one that goes", in: "a: x\nb: x\n", edits: []string{"set a = x", "remove b"}, want: "-b: x\n"},
		{name: "a field that has the value and goes", in: "a: x\nb: x\n", edits: []string{"set a = x", "remove a"}, refusal: "disagree"},
		{name: "two values for one field", in: "a: 1\n", edits: []string{"set a = x", "set a = y"}, refusal: "different values"},
		{name: "two values for one new field", in: "a: 1\n", edits: []string{"set b = x", "set b = y"}, refusal: "different values"},
		{name: "a field of a scalar", in: "a: 1\n", edits: []string{"set a.b = x"}, refusal: "no mapping"},
		{name: "a field in what is removed", in: "a:\n  b: 1\nc: 1\n", edits: []string{"remove a", "set a.b = x"}, refusal: "disagree"},
		{name: "a new field in what is removed", in: "a:\n  b: 1\nc: 1\n", edits: []string{"remove a", "set a.c = x"}, refusal: "disagree"},
		{name: "a field in what gets another value", in: "a:\n  b: {c: 1}\nc: 1\n", edits: []string{"set a = x", "remove a.b.c"}, refusal: "disagree"},
		{name: "a tagged value", in: "a: !!str 1\nb: 1\n", edits: []string{"set a = x"}, refusal: "tag"},
		{name: "a list item", in: "a:\n- 1\n", edits: []string{"set a[1] = x"}, refusal: "no item 1"},
		{name: "an item of a list that is not there", in: "a: 1\n", edits: []string{"set b[name=x].c = x"}, refusal: "not there"},
		{name: "an empty document", in: "---\n", edits: []string{"set b = x"}, refusal: "empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}

func TestAppend(t *testing.T) {
	tests := []shape{
		{
			name:  "the last item's dash and gap are copied",
			in:    "env:\n  -   name: A\n      value: x\n  # about nothing\nz:\n- a\n- b # b\n\n",
			edits: []string{"append env = B=>y", "append z = c"},
			want:  "+  -   name: B\n+      value: \"y\"\n+- c\n",
		},
		{
			name:  "a list that is not there looks like the others",
			in:    "spec:\n    ports:\n      - 1\n    name: x\n",
			edits: []string{"append spec.env = B=>x", "append spec.env = C=>x"},
			want:  "+    env:\n+        - name: B\n+          value: x\n+        - name: C\n+          value: x\n",
		},
		{
			name:  "an empty list and a null become lists",
			in:    "a: [] # none\nb:\nc: ~\nd:\n- x\n",
			edits: []string{"append a = x", "append b = x", "append c = x"},
			want:  "-a: [] # none\n+a: # none\n+- x\n-c: ~\n+- x\n+c:\n+- x\n",
		},
		{
			name:  "one goes and one comes",
			in:    "env:\n- name: K\n  value: x\nz: 1\n",
			edits: []string{"remove env[name=K]", "append env = B=>x"},
			want:  "-- name: K\n+- name: B\n",
		},
		{
			name:  "the end of a file without a newline",
			in:    "env:\n- name: A",
			edits: []string{"append env = B=>x"},
			want:  "-- name: A\\\n+- name: A\n+- name: B\n+  value: x\\\n",
		},
		{
			name:  "one goes and one comes at the end of a file without a newline",
			in:    "env:\n- name: A\n- name: K",
			edits: []string{"remove env[name=K]", "append env = B=>x"},
			want:  "-- name: K\\\n+- name: B\n+  value: x\\\n",
		},
		{
			name:    "behind a literal at the end of a file without a newline",
			in:      "env:\n- |\n  x",
			edits:   []string{"append env = x"},
			refusal: errUnproven,
		},
		{
			name:  "CRLF",
			in:    "env:\r\n- name: A\r\n- name: K\r\nz: 1\r\n",
			edits: []string{"remove env[name=K]", "append env = B=>x", "set new.a = b"},
			want:  "-- name: K␍\n+- name: B␍\n+  value: x␍\n+new:␍\n+  a: b␍\n",
		},
		{
			name:  "a byte order mark",
			in:    "\ufeffenv:\n- name: A\n- name: K\n",
			edits: []string{"remove env[name=K]", "append env = B=>x"},
			want:  "-- name: K\n+- name: B\n+  value: x\n",
		},
		{
			name:  "the same item twice",
			in:    "r:\n- a\n",
			edits: []string{"append r = b", "append r = b"},
			want:  "+- b\n",
		},
		{name: "to a mapping", in: "a: {b: 1}\n", edits: []string{"append a = x"}, refusal: "no list"},
		{name: "to a list that others share", in: "a: &x\n- 1\nb: *x\n", edits: []string{"append b = x"}, refusal: "shared"},
		{
			name:  "to a list, by all that share it",
			in:    "a: &x\n- 1\nb: *x\n",
			edits: []string{"append a = x", "append b = x"},
			want:  "+- x\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}

func TestAnchors(t *testing.T) {
	const shared = `base: &base
  env: &env
  - name: K
    value: x
  - name: A
a:
  <<: *base
  image: x
b:
  env: *env
`
	tests := []shape{
		{name: "an item reached through a merge key and an alias", in: shared, edits: []string{"remove a.env[name=K]"}, refusal: "shared"},
		{
			name: "an item that every way wants gone", in: shared,
			edits: []string{"remove a.env[name=K]", "remove b.env[name=K]", "remove base.env[name=K]"},
			want:  "-  - name: K\n-    value: x\n",
		},
		{name: "the user of an alias goes alone", in: shared, edits: []string{"remove b"}, want: "-b:\n-  env: *env\n"},
		{name: "an anchor that is used elsewhere", in: shared, edits: []string{"remove base"}, refusal: "anchor"},
		{name: "an anchor and all its users", in: shared + "z: 1\n", edits: []string{"remove base", "remove a", "remove b"},
			want: "-base: &base\n-  env: &env\n-  - name: K\n-    value: x\n-  - name: A\n-a:\n-  <<: *base\n-  image: x\n-b:\n-  env: *env\n"},
		{name: "an anchor that nobody uses", in: "a: &x\n- 1\n- 2\nb: 1\n", edits: []string{"remove a[0]"}, want: "-- 1\n"},
		{name: "an alias as an item", in: "x: &x {name: A}\nl: [*x, {name: K}]\n", edits: []string{"remove l[name=A]"},
			want: "-l: [*x, {name: K}]\n+l: [{name: K}]\n"},
		{name: "an anchor on a line of its own", in: "a: &x\n  b: 1\n  c: 2\nd: 1\n", edits: []string{"remove a.b"}, want: "-  b: 1\n"},
		{name: "a key beside a merge key", in: "x: &x {a: 1}\ny:\n  <<: *x\n  b: 1\n", edits: []string{"set y.c = d"}, want: "+  c: d\n"},
		{name: "a merge key that leads back", in: "a: &x\n  <<: {<<: *x}\n  c: 1\nb: 1\n", edits: []string{"remove a.d"}, refusal: "no such field"},
		{name: "an anchor that holds itself", in: "a: &x\n  b: *x\n  c: 1\n", edits: []string{"remove a.c"}, refusal: "itself"},
		{name: "tags and anchors", in: "a: !!map &x\n  b: !!str 1\n  c: &y !!int 2\nd: 1\n", edits: []string{"remove a.b"}, want: "-  b: !!str 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}

func TestSetOtherValues(t *testing.T) {
	const values = `gcp: # the cloud
  enabled: true
  secret: key # its name
  extraEnv: # more
  # the key
  - name: K
    value: x
    # deeper
  # - name: L
  replicas: 2
  args: [a, b]
  nodeSelector:
    a: b
`
	tests := []struct {
		name, field string
		value       any
		want        string
	}{
		{"an empty list", "gcp.extraEnv", []any{}, "-  extraEnv: # more\n-  # the key\n-  - name: K\n-    value: x\n-    # deeper\n+  extraEnv: [] # more\n"},
		{"an empty mapping", "gcp.nodeSelector", map[string]any{}, "-  nodeSelector:\n-    a: b\n+  nodeSelector: {}\n"},
		{"null", "gcp.nodeSelector", nil, "-  nodeSelector:\n-    a: b\n+  nodeSelector: null\n"},
		{"an empty list for one on a line", "gcp.args", []any{}, "-  args: [a, b]\n+  args: []\n"},
		{"an empty text", "gcp.secret", "", "-  secret: key # its name\n+  secret: \"\" # its name\n"},
		{"false", "gcp.enabled", false, "-  enabled: true\n+  enabled: false\n"},
		{"a number", "gcp.replicas", 3, "-  replicas: 2\n+  replicas: 3\n"},
		{"a number for a list", "gcp.args", 3, "-  args: [a, b]\n+  args: 3\n"},
		{"what is there already", "gcp.replicas", 2, ""},
		{"a mapping that is there already", "gcp.nodeSelector", map[string]any{"a": "b"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result, err := Apply([]byte(values), []Edit{{Document: 1, Op: Set, Field: path(t, test.field), Value: test.value}})
			if err != nil {
				t.Fatal(err)
			}
			if got := changed([]byte(values), result.Content); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	if _, err := Apply([]byte("a: 1\n"), []Edit{{Document: 1, Op: Set, Field: object.Keys("a"), Value: struct{}{}}}); err == nil {
		t.Error("a struct was written")
	}
}

func TestWas(t *testing.T) {
	in := []byte("a: 'one'\nl: [x]\n")
	for _, test := range []struct {
		was   string
		field string
		ok    bool
	}{{"one", "a", true}, {"two", "a", false}, {"x", "l[0]", true}, {"x", "l", false}} {
		_, err := Apply(in, []Edit{{Document: 1, Op: Set, Field: path(t, test.field), Value: "new", Was: test.was}})
		if (err == nil) != test.ok {
			t.Errorf("%s was %s: %v", test.field, test.was, err)
		}
	}
}
