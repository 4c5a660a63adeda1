package yamledit_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
	kubernetes "sigs.k8s.io/yaml"

	"dekey/rewriter/yamledit"
)

func TestEncode(t *testing.T) {
	account := map[string]any{
		"kind": "ServiceAccount", "apiVersion": "v1",
		"metadata": map[string]any{
			"annotations": map[string]any{"iam.gke.io/gcp-service-account": "api@acme.iam.gserviceaccount.com"},
			"namespace":   "payments", "name": "api", "labels": map[string]any{},
		},
		"imagePullSecrets":             []any{map[string]any{"name": "regcred"}},
		"automountServiceAccountToken": false,
	}
	tests := []struct {
		name  string
		value any
		style yamledit.Style
		want  string
	}{
		{
			name: "as kubectl prints it", value: account,
			want: `apiVersion: v1
kind: ServiceAccount
metadata:
  name: api
  namespace: payments
  annotations:
    iam.gke.io/gcp-service-account: api@acme.iam.gserviceaccount.com
  labels: {}
automountServiceAccountToken: false
imagePullSecrets:
- name: regcred
`,
		},
		{
			name: "wide, with CRLF", value: yamledit.Map{{Key: "b", Value: []any{[]any{1, 2}, yamledit.Map{{Key: "z", Value: nil}, {Key: "a", Value: "y"}}}}, {Key: "a", Value: map[string]string{"x": "no"}}},
			style: yamledit.Style{Step: 4, Indented: true, EOL: "\r\n", Single: true},
			want:  "b:\r\n    - - 1\r\n      - 2\r\n    - z: null\r\n      a: 'y'\r\na:\r\n    x: 'no'\r\n",
		},
		{name: "a list", value: []string{"a", "1"}, want: "- a\n- \"1\"\n"},
		{name: "a scalar", value: "x: y", want: "\"x: y\"\n"},
		{name: "nothing", value: map[string]any{}, want: "{}\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := yamledit.Encode(test.value, test.style)
			if err != nil || string(got) != test.want {
				t.Errorf("%v\n%q, want\n%q", err, got, test.want)
			}
		})
	}
	for _, bad := range []any{struct{}{}, map[string]any{"x": make(chan int)}, []any{func() {}}, json.Number("")} {
		if out, err := yamledit.Encode(bad, yamledit.Style{}); err == nil {
			t.Errorf("%T was written as %q", bad, out)
		}
	}
}

var awkward = []string{
	"", " ", "a", "y", "Y", "n", "yes", "No", "on", "OFF", "true", "False", "null", "Null", "~", "1", "-1", "+1", "0x1f", "0o17", "017", "0b1", "1_000", "1.5", ".5", "1e3",
	"1E+3", "12:30:45", "2001-01-01", "2001-01-01T00:00:00Z", ".inf", "-.INF", ".nan", "=", "<<", "-", "--", "---", "...", "- a", "a: b", "a:", ":a", "a #b", "#a", "a#b", "&a", "*a", "!a",
	"%a", "@a", "`a", "|", ">", "{a}", "[a]", "a,b", "a, b", "'", "\"", "a'b", "a\"b", "\\", "a\\b", "a\nb", "\n", "a\n", "\ta", "a\tb", "a\r", "é", "日本", "😀", "\u0085", "\u2028", "\ufeff", "\x00", "\x1b[31m",
	"\x7f", "\ufffd", "api@acme.iam.gserviceaccount.com", "/var/run/key.json", "https://x:1/y?z=1&b", "$(A)", "${A}", "{{ .Values.x }}", "--flag=a=b", "a  b", " a", "a ", "a:b", "1.2.3", "1:2", "e1",
	"0e", "0777", "08", "1e", "_1", "0x", "-0", "?", "? a", "key", "a\u00a0b", "\u202ereversed",
}

// TestStringsReadBack writes awkward strings as keys, values and items, in every quoting, and three readers (YAML 1.1 among
// them) must read them back as those strings.
func TestStringsReadBack(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	words := append([]string(nil), awkward...)
	for range 150 {
		word := ""
		for range 1 + r.Intn(3) {
			word += awkward[r.Intn(len(awkward))]
		}
		words = append(words, word)
	}
	for _, word := range words {
		value := map[string]any{"k": word, "l": []any{word}, "m": map[string]any{"x" + word: "v", "v": []any{[]any{word}}}}
		for _, style := range []yamledit.Style{{}, {Single: true, Step: 3}, {Indented: true, EOL: "\r\n"}} {
			text, err := yamledit.Encode(value, style)
			if err != nil {
				t.Errorf("%q: %v", word, err)
				continue
			}
			readBack(t, text, value)
		}
		// In flow text, too.
		for _, file := range []string{"a: [b]\n", "a: ['b']\n", "a: [\"b\"]\n", "{\"a\": [\"b\"]}\n"} {
			result, err := yamledit.Apply([]byte(file), []yamledit.Edit{{Document: 1, Op: yamledit.Append, Field: keys("a"), Value: word}})
			if err != nil {
				t.Errorf("%q in %q: %v", word, file, err)
				continue
			}
			if wrong := judge([]byte(file), result.Content, []yamledit.Edit{{Document: 1, Op: yamledit.Append, Field: keys("a"), Value: word}}); wrong != "" {
				t.Errorf("%q in %q: %s", word, file, wrong)
			}
		}
	}
}

func readBack(t *testing.T, text []byte, value any) {
	t.Helper()
	want, _ := json.Marshal(value)
	var v3 any
	if err := yaml.Unmarshal(text, &v3); err != nil {
		t.Errorf("yaml.v3 on %q: %v", text, err)
	} else if got, _ := json.Marshal(v3); string(got) != string(want) {
		t.Errorf("yaml.v3 reads %q as %s", text, got)
	}
	if got, err := kubernetes.YAMLToJSON(text); err != nil || !sameJSON(got, want) {
		t.Errorf("Kubernetes reads %q as %s, %v", text, got, err)
	}
	if v, ok := decodeOne(text); !ok {
		t.Errorf("goccy does not read %q", text)
	} else if got, _ := json.Marshal(v); string(got) != string(want) {
		t.Errorf("goccy reads %q as %s", text, got)
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

// TestValuesInEveryLayout appends a value with everything in it to lists of every layout.
func TestValuesInEveryLayout(t *testing.T) {
	value := map[string]any{
		"name": "x", "many": []any{json.Number("0"), int64(1), 2.5, true, nil}, "empty": map[string]any{}, "none": []any{},
		"nested": []any{map[string]any{"name": "a", "value": "yes"}, []any{"b"}},
	}
	edits := []yamledit.Edit{{Document: 1, Op: yamledit.Append, Field: keys("l"), Value: value}}
	for _, in := range []string{"l:\n- a\n", "l:\n  -   a\n", "l:\n- b: c\n  d:\n  - e\n", "l: [a]\n", "l: [ {\"a\":b} ]\n", "l: []\n", "l:\n", `{"l": ["a"]}`, `{"l":[]}`, "{\n\t\"l\": [\n\t\t\"a\"\n\t]\n}\n"} {
		result, err := yamledit.Apply([]byte(in), edits)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		want := map[string]any{}
		if documents, ok := decode([]byte(in)); ok {
			want, _ = documents[0].(map[string]any)
		}
		list, _ := want["l"].([]any)
		want["l"] = append(list, value)
		if documents, ok := decode(result.Content); !ok || !sameData(documents[0], want) {
			t.Errorf("%q became\n%s", in, result.Content)
		}
	}
}

func sameData(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return sameJSON(x, y)
}
