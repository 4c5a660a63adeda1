package document

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// same says how two trees differ, or "".
func same(a, b *node) string {
	if a.kind != b.kind || a.tag != b.tag || a.value != b.value || a.line != b.line || a.column != b.column || a.style != b.style || len(a.content) != len(b.content) {
		return fmt.Sprintf("%d:%d kind %d tag %s style %d value %q with %d nodes, want %d:%d kind %d tag %s style %d value %q with %d nodes",
			a.line, a.column, a.kind, a.tag, a.style, a.value, len(a.content), b.line, b.column, b.kind, b.tag, b.style, b.value, len(b.content))
	}
	for i := range a.content {
		if d := same(a.content[i], b.content[i]); d != "" {
			return d
		}
	}
	return ""
}

// agree holds a document that is read without the library against the library.
func agree(t *testing.T, text string) (read bool) {
	t.Helper()
	for _, d := range first(Split([]byte(text), 1000)) {
		root, ok := parseSimple(d.Text, d.Line)
		if !ok {
			continue
		}
		read = true
		decoder := yaml.NewDecoder(strings.NewReader(string(d.Text)))
		var want, more yaml.Node
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("%q: the library says %v", d.Text, err)
		}
		if diff := same(root, fromLibrary(want.Content[0], d.Line-1)); diff != "" {
			t.Fatalf("%q: %s", d.Text, diff)
		}
		if err := decoder.Decode(&more); err == nil || err.Error() != "EOF" {
			t.Fatalf("%q: the library sees more", d.Text)
		}
	}
	return read
}

func first[T any](v T, _ bool) T { return v }

func TestSimple(t *testing.T) {
	tests := []struct {
		name, text string
		library    bool // it has to read this
	}{
		{name: "a manifest", text: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers:\n  - name: a\n    args: [--x, \"b\", 1]\n  - name: b\n    env: {}\n"},
		{name: "both indentations", text: "a:\n- b\n- c: 1\n  d:\n    - e\n    -   f: 2\n        g: 3\n"},
		{name: "comments and blank lines", text: "# a\n\na: 1 # b\n  # c\nb:\n\n  # d\n  c: x#y\n\n"},
		{name: "values that are missing", text: "a:\nb: ~\nc:\n  -\n  - x\n  -\nd:\n"},
		{name: "numbers, booleans, dates", text: "a: 1\nb: 0644\nc: 1.5\nd: true\ne: False\nf: 2020-01-01\ng: null\nh: 0x1F\ni: .5\nj: -3\nk: yes\nl: <<\n1: x\n"},
		{name: "literals", text: "a: |\n  x\n   y\n\n  z\n\nb: |-\n    x\n    \n\nc: |+\n  x\n\n\nd: 1\n"},
		{name: "a literal at the end, without a break", text: "a: |\n  x\n  y"},
		{name: "a kept literal at the end", text: "a: |+\n  x\n\n\n"},
		{name: "a literal in an item", text: "- |\n x\n- a: |-\n    # y\n  b: 2\n"},
		{name: "carriage returns", text: "a:\r\n  b: |\r\n    x\r\n    y\r\n  c: 'd'\r\n"},
		{name: "quotes", text: "\"a b\": 'c d'\n'e': \"f: g\"\n\"h\":\n  i: j\n"},
		{name: "flow", text: "a: {b: c, \"d\": [e, {f: g}], h: {}}\ni: [ ]\nj: [a , b]\nk: [{}, []]\n"},
		{name: "items in items", text: "- - a\n  - b\n-   - c\n"},
		{name: "colons that are none", text: "a: b:c\nimage: gcr.io/x/y:v1@sha256:00\nurl: https://x/y#z\n"},
		{name: "text that is not ASCII", text: "# é\na: ü\nb: |\n  日本\n"},
		{name: "a document with its marker", text: "--- # x\na: 1\n---\nb: 2\n"},
		{name: "a quoted key that is not ASCII", text: "'\u00e9': \n\"\u00fc\": a\n", library: true},
		{name: "an anchor", text: "a: &x 1\nb: *x\n", library: true},
		{name: "a tag", text: "a: !!str 1\n", library: true},
		{name: "a folded text", text: "a: >\n  x\n", library: true},
		{name: "a continued line", text: "a: b\n  c\n", library: true},
		{name: "a quoted text on two lines", text: "a: \"b\n  c\"\n", library: true},
		{name: "a mapping in a value", text: "a: b: c\n", library: true},
		{name: "a tab", text: "a:\n\tb: 1\n", library: true},
		{name: "an item that is not deep enough", text: "a:\n  b: 1\n c: 2\n", library: true},
		{name: "a list in a mapping", text: "a: 1\n- b\n", library: true},
		{name: "brackets on two lines", text: "a: [b,\n  c]\n", library: true},
		{name: "an escape", text: "a: \"\\x41\"\n", library: true},
		{name: "a template", text: "a: {{ .x }}\n", library: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if read := agree(t, test.text); read == test.library {
				t.Errorf("read without the library: %v", read)
			}
		})
	}
}

func FuzzSimple(f *testing.F) {
	for _, seed := range []string{
		"a: 1\nb:\n- c\n- d: |\n    x\n   \n", "a: {b: [c, 'd']}\n# x\n", "- |+\n x\n\n- ''\n", "a:\n  - b:\n    c: \"x\" # y\n", "? a\n", "a: -\n", "'a': b\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { agree(t, text) })
}

// Random lines of what manifests are made of, at random depths: most are wrong, and the two must agree on the rest.
func TestSimpleAgreesOnRandomLines(t *testing.T) {
	seed := rand.Int63()
	random := rand.New(rand.NewSource(seed))
	pieces := []string{
		"a:", "b: 1", "- c", "- d: e", "-", "- - f", "g: |", "- h: |-", "# i", "", "   ", "j: {k: l, m: [n]}", "'o': \"p\"", "- 'q' # r", "s: t#u",
		"v: |+", "text", "- w:", "x: ~", "y: [ ]", "z: {}", "- {a: b}", "---", "k: 'it''s'", "l: -1", "- |", "m:  n  ", "o : p", "q: 1.0 # r", "é: ü", "s: é",
	}
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	read := 0
	for range 40_000 {
		var b strings.Builder
		for range 1 + random.Intn(9) {
			b.WriteString(strings.Repeat(" ", random.Intn(4)) + strings.Repeat("  ", random.Intn(2)) + pieces[random.Intn(len(pieces))])
			if random.Intn(12) == 0 {
				b.WriteByte('\r')
			}
			b.WriteByte('\n')
		}
		text := b.String()
		if random.Intn(4) == 0 {
			text = strings.TrimSuffix(text, "\n")
		}
		if agree(t, text) {
			read++
		}
	}
	if read < 500 {
		t.Errorf("only %d texts were read without the library", read)
	}
}
