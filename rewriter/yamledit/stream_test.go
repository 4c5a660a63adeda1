package yamledit

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"dekey/scanner/manifest/document"
)

var streams = []string{
	"", "# only\n", "---\n", "---\n---\n", "a: 1", "a: 1\n---\nb: 2\n", "# lic\n---\na: 1\n", "a: 1\n---\n", "a: 1\n---\n# c\n",
	"a: 1\n...\n---\nb: 2\n", "a: 1\n...\nb: 2\n", "a: 1\n...\n# c\n", "...\na: 1\n", "%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\nb: 2\n",
	"\ufeffa: 1\n---\nb: 2\n", "--- # c\na: 1\n--- {b: 2}\n--- |\n c\n", "a: |\n  ---\n  x\n---\nb: 2\n", "a: 1\r\n---\r\nb: 2\r\n", "a: 1\r---\rb: 2\r",
	"---x: 1\n", "a: 1\n----\n", "--- ---\n", "# a\n\n# b\n---\n# c\n\n---\n# d\n", "a: 1\n---\t\nb: 2\n",
}

// TestDocumentsCount holds the split against yaml.v3's own and against the one that origins are counted by.
func TestDocumentsCount(t *testing.T) {
	for _, text := range streams {
		documents, err := Documents([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		decoder := yaml.NewDecoder(strings.NewReader(strings.ReplaceAll(text, "%YAML 1.2", "%YAML 1.1")))
		count := 0
		for {
			var n yaml.Node
			err := decoder.Decode(&n)
			if err == io.EOF {
				break
			}
			if err != nil {
				count = -1
				break
			}
			count++
		}
		if count >= 0 && count != len(documents) {
			t.Errorf("%q: %d documents, yaml.v3 has %d", text, len(documents), count)
		}
		scanned, _ := document.Split([]byte(text), 1000)
		if len(scanned) != len(documents) {
			t.Errorf("%q: %d documents, the scan has %d", text, len(documents), len(scanned))
		}
		end := 0
		for i, d := range documents {
			if d.Start < end || d.Body < d.Start || d.Tail < d.Body || d.End < d.Tail || d.Line != tableOf([]byte(text)).line(d.Start) {
				t.Errorf("%q: document %d is %+v", text, i+1, d)
			}
			end = d.End
		}
	}
}

func TestRemoveDocument(t *testing.T) {
	tests := []struct {
		name, in string
		document int
		want     string
		refusal  string
	}{
		{name: "the first", in: "a: 1\n---\nb: 2\n", document: 1, want: "b: 2\n"},
		{name: "the first, below a licence", in: "# licence\n\n# about a\na: 1\n---\nb: 2\n", document: 1, want: "# licence\n\n---\nb: 2\n"},
		{name: "the first, with a comment of its own", in: "# about a\na: 1\n---\nb: 2\n", document: 1, want: "b: 2\n"},
		{name: "the first, marked", in: "# licence\n---\na: 1\n---\nb: 2\n", document: 1, want: "# licence\n---\nb: 2\n"},
		{name: "the first, before a marker that says more", in: "a: 1\n--- # two\nb: 2\n", document: 1, want: "--- # two\nb: 2\n"},
		{name: "the first, before directives", in: "a: 1\n...\n%YAML 1.1\n---\nb: 2\n", document: 1, want: "%YAML 1.1\n---\nb: 2\n"},
		{name: "one in the middle", in: "a: 1\n---\n# about b\nb: 2\n---\nc: 3\n", document: 2, want: "a: 1\n---\nc: 3\n"},
		{name: "the last", in: "a: 1\n# end of a\n---\nb: 2\n", document: 2, want: "a: 1\n# end of a\n"},
		{name: "the last, without a final newline", in: "a: 1\r\n---\r\nb: 2", document: 2, want: "a: 1"},
		{name: "an empty one", in: "a: 1\n---\n---\nb: 2\n", document: 2, want: "a: 1\n---\nb: 2\n"},
		{name: "broken neighbours", in: "a: [\n---\nb: 2\n", document: 2, want: "a: [\n"},
		{name: "a byte order mark", in: "\ufeffa: 1\n---\nb: 2\n", document: 1, want: "\ufeffb: 2\n"},
		{name: "the only one", in: "a: 1\n", document: 1, refusal: "all that"},
		{name: "one that is not there", in: "a: 1\n", document: 2, refusal: "no document 2"},
		{name: "a literal before the end of the file", in: "a: |\n  x\n---\nb: 2", document: 2, refusal: errUnproven},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result, err := RemoveDocument([]byte(test.in), test.document)
			if err != nil {
				if test.refusal == "" || !strings.Contains(err.Error(), test.refusal) {
					t.Error(err)
				}
				return
			}
			if test.refusal != "" || string(result.Content) != test.want {
				t.Errorf("got %q, want %q%s", result.Content, test.want, test.refusal)
			}
		})
	}
}

func TestAppendDocument(t *testing.T) {
	tests := []struct{ name, in, add, want, refusal string }{
		{name: "to others", in: "a: 1\n", add: "b: 2\n", want: "a: 1\n---\nb: 2\n"},
		{name: "to a file that ends in a marker of its end", in: "a: 1\n...\n", add: "b: 2\n", want: "a: 1\n...\n---\nb: 2\n"},
		{name: "to nothing", in: "", add: "b: 2\n", want: "b: 2\n"},
		{name: "to a comment", in: "# licence\n", add: "b: 2\n", want: "# licence\nb: 2\n"},
		{name: "to a file without a final newline", in: "a: 1", add: "b: 2\n", want: "a: 1\n---\nb: 2"},
		{name: "one with a marker", in: "a: 1\n", add: "---\nb: 2\n", want: "a: 1\n---\nb: 2\n"},
		{name: "two", in: "a: 1\n", add: "b: 2\n---\nc: 3\n", refusal: "not one"},
		{name: "to JSON", in: "{\"a\": 1}\n", add: "b: 2\n", refusal: "no YAML"},
		{name: "to a literal without a final newline", in: "a: |\n  x", add: "b: 2\n", refusal: errUnproven},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result, err := AppendDocument([]byte(test.in), []byte(test.add))
			if err != nil {
				if test.refusal == "" || !strings.Contains(err.Error(), test.refusal) {
					t.Error(err)
				}
				return
			}
			if test.refusal != "" || string(result.Content) != test.want {
				t.Errorf("got %q, want %q%s", result.Content, test.want, test.refusal)
			}
		})
	}
}

// TestEditsOfManyDocuments: what is not edited may be broken.
func TestEditsOfManyDocuments(t *testing.T) {
	tests := []shape{
		{name: "two of them", in: "# x\n---\na: 1\nb: 1\n--- # y\n# z\na: 2\nb: 2\n...\n", edits: []string{"2 remove a", "remove a"}, want: "-a: 1\n-a: 2\n"},
		{name: "beside broken ones", in: "a: [\n---\nb: 2\nc: 3\n---\n{{ x\n", edits: []string{"2 remove b"}, want: "-b: 2\n"},
		{name: "directives", in: "%YAML 1.2\n%TAG ! tag:x,2000:\n---\na: 1\nb: 2\n", edits: []string{"remove b"}, want: "-b: 2\n"},
		{name: "the last lines before a marker", in: "a: 1\nb: 2\n---\nc: 3\n", edits: []string{"remove b"}, want: "-b: 2\n"},
		{name: "the last lines before an end", in: "a: 1\nb: 2\n...\n# x\n", edits: []string{"append l = x", "remove b"}, want: "-b: 2\n+l:\n+- x\n"},
		{name: "items of a list of objects", in: "apiVersion: v1\nkind: List\nitems:\n- kind: A\n  a: 1\n- kind: B\n  b:\n  - name: x\n  - name: y\n",
			edits: []string{"remove items[1].b[name=x]", "set items[0].c.d = e"}, want: "+  c:\n+    d: e\n-  - name: x\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}

func TestLocate(t *testing.T) {
	file := []byte("# ö\na: 1\n---\nb:\n  ö: [x, yz]\n  l:\n  - name: n\n    v: |\n      text\n    w:\n")
	fields := []string{"b", "b.l[name=n]", "b.l[0].v", `b["ö"][1]`, "b.nothing", "b.l[0].w"}
	want := []Position{
		{Line: 4, Column: 1, LastLine: 10}, {Line: 7, Column: 3, LastLine: 10}, {Line: 8, Column: 5, LastLine: 9},
		{Line: 5, Column: 10, LastLine: 5}, {}, {Line: 10, Column: 5, LastLine: 10},
	}
	for i, field := range fields {
		got, err := Locate(file, 2, path(t, field))
		if err != nil {
			t.Fatal(err)
		}
		p := got[0]
		if p.Line != want[i].Line || p.Column != want[i].Column || p.LastLine != want[i].LastLine {
			t.Errorf("%s: %+v", field, p)
		}
	}
	all, err := Locate(file, 2, path(t, `b["ö"][1]`))
	if err != nil || !bytes.Equal(file[all[0].From:all[0].To], []byte("yz")) {
		t.Errorf("%v %v", all, err)
	}
	if _, err := Locate(file, 3); err == nil {
		t.Error("a document that is not there was located")
	}
}
