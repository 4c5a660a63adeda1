package scanner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// What is packed comes back whole, under its own name alone; what is worth more than its name is not packed.
func TestQuiet(t *testing.T) {
	live := func(namespace, name string, entries ...wiring.Entry) *holder {
		return &holder{
			place: place{source: "cluster:a", live: true}, typ: "Opaque", origins: []Origin{{Source: "cluster:a"}}, complete: true,
			ref: Ref{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: name}, entries: entries, managers: []string{"helm:x", "owner:A/b"},
		}
	}
	no := func(name string) wiring.Entry {
		return wiring.Entry{Name: name, Holds: object.No, At: []Origin{{Source: "cluster:a"}}}
	}
	packed := []*holder{live("b", "token", no("a"), no("z")), live("a", "token"), live("a", "token-2", no("x")), live("", "tok")}
	loud := map[string]*holder{
		"with a key":          live("a", "key", wiring.Entry{Name: "key.json", Holds: object.Yes, Keys: []string{"id"}}),
		"with an unread one":  live("a", "sealed", wiring.Entry{Name: "x", Holds: object.Unknown}),
		"with a path":         live("a", "path", wiring.Entry{Name: "x", Holds: object.No, Known: true, Value: "/a"}),
		"not read whole":      func() *holder { h := live("a", "part"); h.complete = false; return h }(),
		"of a checkout":       func() *holder { h := live("a", "file"); h.live, h.place.live = false, false; return h }(),
		"of a file of a dump": func() *holder { h := live("a", "dump"); h.file = "dump.yaml"; return h }(),
	}
	var q quiet
	for _, h := range packed {
		if !q.take(h) {
			t.Errorf("%s is not packed", h.ref)
		}
	}
	for name, h := range loud {
		if q.take(h) {
			t.Errorf("one %s is packed", name)
		}
	}
	q.sort()
	compare := cmp.AllowUnexported(holder{}, place{})
	if got, want := q.named("token"), []*holder{packed[1], packed[0]}; !cmp.Equal(got, want, compare) {
		t.Error(cmp.Diff(want, got, compare))
	}
	if got := q.named("tok"); !cmp.Equal(got, packed[3:], compare) {
		t.Error(cmp.Diff(packed[3:], got, compare))
	}
	if got := q.named("toke"); got != nil {
		t.Errorf("a name that nobody has: %v", got)
	}
}
