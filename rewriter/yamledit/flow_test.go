package yamledit

import "testing"

func TestFlow(t *testing.T) {
	const sql = `spec:
  containers:
  - name: proxy
    command: ["/cloud_sql_proxy",
              "-instances=a:b:c=tcp:3306",
              # If running on a VPC, see the manual.
              # "-ip_address_types=PRIVATE",
              "-credential_file=/secrets/key.json"]
    args: [
      # first
      "--http_port", "8080",
      "--key", "/etc/key.json",   # where the key is
      "--last",
    ]
`
	tests := []shape{
		{name: "one of one line", in: "a: [x, y, z]\n", edits: []string{"remove a[1]"}, want: "-a: [x, y, z]\n+a: [x, z]\n"},
		{name: "the first of one line", in: "a: [ x, y, z ]\n", edits: []string{"remove a[0]"}, want: "-a: [ x, y, z ]\n+a: [ y, z ]\n"},
		{name: "the last of one line", in: "a: [ x, y, z ]\n", edits: []string{"remove a[2]"}, want: "-a: [ x, y, z ]\n+a: [ x, y ]\n"},
		{name: "the last before a comma", in: "a: [x, y, ]\n", edits: []string{"remove a[1]"}, want: "-a: [x, y, ]\n+a: [x, ]\n"},
		{name: "some of one line", in: "a: [a, b, c, d, e]\n", edits: []string{"remove a[0]", "remove a[2]", "remove a[4]"}, want: "-a: [a, b, c, d, e]\n+a: [b, d]\n"},
		{name: "all of one line", in: "a: [a, b]\nb: 1\n", edits: []string{"remove a[0]", "remove a[1]"}, want: "-a: [a, b]\n"},
		{name: "a list of mappings", in: "env: [{name: A, value: x}, {name: K, value: y}]\n", edits: []string{"remove env[name=K]"},
			want: "-env: [{name: A, value: x}, {name: K, value: y}]\n+env: [{name: A, value: x}]\n"},
		{name: "a key of a mapping", in: "a: {b: 1, 'c': 2, \"d\": }\n", edits: []string{"remove a.c"}, want: "-a: {b: 1, 'c': 2, \"d\": }\n+a: {b: 1, \"d\": }\n"},
		{
			name: "the last of several lines, below a comment", in: sql, edits: []string{"remove spec.containers[0].command[2]"},
			want: `
-              "-credential_file=/secrets/key.json"]
+              ]
`,
		},
		{
			name: "a pair that has a line for itself, and its comment", in: sql,
			edits: []string{"remove spec.containers[0].args[2]", "remove spec.containers[0].args[3]"},
			want:  "-      \"--key\", \"/etc/key.json\",   # where the key is\n",
		},
		{
			name: "the second of a pair", in: sql, edits: []string{"remove spec.containers[0].args[1]"},
			want: "-      \"--http_port\", \"8080\",\n+      \"--http_port\",\n",
		},
		{
			name: "one between comments", in: sql, edits: []string{"remove spec.containers[0].command[1]"},
			want: "-              \"-instances=a:b:c=tcp:3306\",\n",
		},
		{
			name: "the last of several lines", in: "a: [\n  \"x\",\n  \"y\"\n]\n", edits: []string{"remove a[1]"},
			want: "-  \"x\",\n-  \"y\"\n+  \"x\"\n",
		},
		{
			name: "the last of several lines, with a comma", in: "a: [\n  \"x\",\n  # y\n  \"y\",\n]\n", edits: []string{"remove a[1]"},
			want: "-  # y\n-  \"y\",\n",
		},
		{
			name: "a comment between two that go", in: "a: [x, # x\n  # -- y\n  y, z]\n", edits: []string{"remove a[0]", "remove a[1]"},
			refusal: "comment",
		},
		{name: "an item more", in: "a: [x, y]\n", edits: []string{"append a = z"}, want: "-a: [x, y]\n+a: [x, y, z]\n"},
		{name: "an item more, without blanks", in: "a: [x,y]\n", edits: []string{"append a = z"}, want: "-a: [x,y]\n+a: [x,y,z]\n"},
		{
			name: "an item more, over lines", in: "a: [\n  \"x\",\n  \"y\" # y\n]\nb: [\n  x,\n]\n", edits: []string{"append a = z", "append b = z"},
			want: "-  \"y\" # y\n+  \"y\", # y\n+  z\n+  z,\n",
		},
		{name: "an item for another", in: "a: [x]\n", edits: []string{"remove a[0]", "append a = z"}, want: "-a: [x]\n+a: [z]\n"},
		{name: "a key more", in: "a: {b: 1}\n", edits: []string{"set a.c = it: x", "set a.d.e = f"},
			want: "-a: {b: 1}\n+a: {c: \"it: x\", d: {e: f}, b: 1}\n"},
		{name: "a key more, in quotes", in: "a: { \"b\":1 }\n", edits: []string{"set a.c = d"}, want: "-a: { \"b\":1 }\n+a: { \"c\":\"d\", \"b\":1 }\n"},
		{name: "a value", in: "a: {b: , c: 'x', d: y}\n", edits: []string{"set a.b = z", "set a.c = z", "set a.d = a, b"},
			want: "-a: {b: , c: 'x', d: y}\n+a: {b: z, c: 'z', d: 'a, b'}\n"},
		{name: "a value for a key without a colon", in: "a: {b, c: 1}\n", edits: []string{"set a.b = z"}, refusal: "colon"},
		{name: "a pair without braces", in: "a: [b: 1, c: 2]\n", edits: []string{"set a[0].x = z"}, refusal: "braces"},
		{name: "a pair without braces as a whole", in: "a: [b: 1, c: 2]\n", edits: []string{"remove a[0]"}, want: "-a: [b: 1, c: 2]\n+a: [c: 2]\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}

func TestJSON(t *testing.T) {
	const spread = "{\n\t\"kind\": \"Pod\",\n\t\"spec\": {\n\t\t\"containers\": [\n\t\t\t{\n\t\t\t\t\"name\": \"app\",\n\t\t\t\t\"env\": [\n" +
		"\t\t\t\t\t{\"name\": \"A\", \"value\": \"\\/\\ud83d\\ude00\"},\n\t\t\t\t\t{\n\t\t\t\t\t\t\"name\": \"K\",\n\t\t\t\t\t\t\"value\": \"x\"\n\t\t\t\t\t}\n\t\t\t\t]\n\t\t\t}\n\t\t]\n\t}\n}\n"
	tests := []shape{
		{
			name: "tabs, escaped slashes and surrogates", in: spread, edits: []string{"remove spec.containers[name=app].env[name=K]"},
			want: "-\t\t\t\t\t{\"name\": \"A\", \"value\": \"\\/\\ud83d\\ude00\"},\n-\t\t\t\t\t{\n-\t\t\t\t\t\t\"name\": \"K\",\n-\t\t\t\t\t\t\"value\": \"x\"\n-\t\t\t\t\t}\n" +
				"+\t\t\t\t\t{\"name\": \"A\", \"value\": \"\\/\\ud83d\\ude00\"}\n",
		},
		{
			name: "a field and an item more", in: spread,
			edits: []string{"set spec.serviceAccountName = api-wi", "append spec.containers[0].env = B=><&>"},
			want:  "+\t\t\"serviceAccountName\": \"api-wi\",\n+\t\t\t\t\t},\n+\t\t\t\t\t{\n+\t\t\t\t\t\t\"name\": \"B\",\n+\t\t\t\t\t\t\"value\": \"<&>\"\n",
		},
		{
			name: "new mappings and lists", in: "{\n  \"metadata\": {\n    \"name\": \"x\"\n  }\n}\n",
			edits: []string{"set metadata.annotations.a = b", "append spec.env = A=>b"},
			want: `
+  "spec": {
+    "env": [
+      {
+        "name": "A",
+        "value": "b"
+      }
+    ]
+  },
+    "annotations": {
+      "a": "b"
+    },
`,
		},
		{name: "without white space", in: `{"a":{"b":1,"c":[1,2]}}`, edits: []string{"set a.d = x", "append a.c = y", "remove a.b"},
			want: "-{\"a\":{\"b\":1,\"c\":[1,2]}}\\\n+{\"a\":{\"d\":\"x\",\"c\":[1,2,\"y\"]}}\\\n"},
		{name: "empty ones", in: "{\"a\": {}, \"b\": [], \"c\": null}\n", edits: []string{"set a.x = y", "append b = x", "append c = x"},
			want: "-{\"a\": {}, \"b\": [], \"c\": null}\n+{\"a\": {\"x\": \"y\"}, \"b\": [\"x\"], \"c\": [\"x\"]}\n"},
		{name: "a value with escapes", in: "{\"a\": \"x\"}\n", edits: []string{"set a = a\"b\\c"}, want: "-{\"a\": \"x\"}\n+{\"a\": \"a\\\"b\\\\c\"}\n"},
		{name: "lists that close on the same line", in: "{\"env\": [{\n  \"name\": \"A\"\n}, {\n  \"name\": \"K\"\n}]}\n", edits: []string{"remove env[name=K]"},
			want: "-}, {\n-  \"name\": \"K\"\n"},
		{name: "several values in a row", in: "{\"a\": 1}\n{\"b\": 2}\n", edits: []string{"remove a"}, refusal: "laid out"},
		{name: "behind a marker", in: "---\n{\"a\": 1, \"b\": 2}\n---\n[{\"c\": \"\\/\"}, 1]\n", edits: []string{"remove a", "2 remove [0]"},
			want: "-{\"a\": 1, \"b\": 2}\n+{\"b\": 2}\n-[{\"c\": \"\\/\"}, 1]\n+[1]\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}
