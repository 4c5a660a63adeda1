package yamledit_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/rewriter/yamledit"
)

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name, file string
		document   int
		want       any
		refused    bool
	}{
		{name: "a list of files", file: "resources:\n- a.yaml # first\n- \"b.yaml\"\n", document: 1,
			want: map[string]any{"resources": []any{"a.yaml", "b.yaml"}}},
		{name: "JSON", file: `{"resources": ["a.yaml"], "n": 1, "on": true, "none": null}`, document: 1,
			want: map[string]any{"resources": []any{"a.yaml"}, "n": json.Number("1"), "on": true, "none": nil}},
		{name: "the second document", file: "a: 1\n---\nb: x\n", document: 2, want: map[string]any{"b": "x"}},
		{name: "a document that is not there", file: "a: 1\n", document: 2, refused: true},
		{name: "an alias is refused", file: "a: &x [1]\nb: *x\n", document: 1, refused: true},
		{name: "a template is refused", file: "a: {{ .Values.x }}\n{{ end }}\n", document: 1, refused: true},
	} {
		got, err := yamledit.Decode([]byte(test.file), test.document)
		if (err != nil) != test.refused {
			t.Errorf("%s: error %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}
