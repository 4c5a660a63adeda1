package pullrequest

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMerge(t *testing.T) {
	old := marker{Plan: "old", Stage: Migrate}
	m := marker{Plan: "new", Stage: Migrate}
	ours := func(m marker, text string) string { return managed(m, text) }
	for _, test := range []struct{ name, body, text, want string }{
		{"a body of ours is written anew", ours(old, "was"), "is", ours(m, "is")},
		{"text above and below stays, byte for byte", "Owner:  x\n\n" + ours(old, "was") + "\n\n- [x] mine\n", "is", "Owner:  x\n\n" + ours(m, "is") + "\n\n- [x] mine\n"},
		{"a ticked box stays ticked", ours(old, "- [x] a `b`\n- [ ] c"), "- [ ] a `b`\n- [ ] c\n- [ ] d", ours(m, "- [x] a `b`\n- [ ] c\n- [ ] d")},
		{"a box in a list below stays ticked", ours(old, "- [ ] a\n  - [X] b"), "- [ ] a\n  - [ ] b", ours(m, "- [ ] a\n  - [x] b")},
		{"a box that people wrote outside ticks none of ours", "- [x] a\n" + ours(old, "- [ ] a"), "- [ ] a", "- [x] a\n" + ours(m, "- [ ] a")},
		{"an end in the middle of a line ends nothing", ours(old, "x "+end+" y"), "is", ours(m, "is")},
		{"a dollar is no reference", ours(old, "- [x] a $1"), "- [ ] a $1", ours(m, "- [x] a $1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := merge(test.body, m, test.text)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if again := merge(got, m, test.text); again != got {
				t.Errorf("a second time it is another body:\n%s", again)
			}
		})
	}
}

func TestMarker(t *testing.T) {
	hostile := marker{Plan: `x --> <script> " \ ` + "\n" + end, Stage: "--!>", Closed: closedAsked, Folder: "<!-- -->/", Commits: []string{"a", "b"}}
	body := managed(hostile, "text")
	if got, found := readMarker(body); !found || !reflect.DeepEqual(got, hostile) {
		t.Errorf("read back: %+v", got)
	}
	if n := strings.Count(body, "-->"); n != 3 {
		t.Errorf("the marker ends early: %d ends in\n%s", n, body)
	}
	for _, foreign := range []string{"", "a body of a person", markerHead + `{"plan":"x"}` + markerTail, begin + "\nno end", end + "\n" + begin} {
		if _, found := readMarker(foreign); found {
			t.Errorf("taken for ours: %q", foreign)
		}
	}
	if got, _ := readMarker(remark(body, func(m *marker) { m.Dressed = true })); !got.Dressed || got.Plan != hostile.Plan {
		t.Errorf("remarked: %+v", got)
	}
}
