package scanner

import (
	"slices"
	"sort"
	"strings"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// quiet keeps the Secrets of live clusters that were read whole and hold no key. There are tens of thousands of them, and
// what is asked of one, seldom, is that it is there and holds none: each is its name and a dozen bytes.
type quiet struct {
	packed []string // the name, an end, and the rest
	words  wiring.Words
	buffer []byte
	sorted bool
}

// packedField ends a name.
const packedField = "\x00"

// take packs a holder, and says whether it did: whatever is worth more than its name is left to the caller.
func (q *quiet) take(h *holder) bool {
	if !h.live || !h.complete || h.generated || len(h.origins) != 1 || h.origins[0] != (Origin{Source: h.source}) || h.place != (place{source: h.source, live: true}) {
		return false
	}
	if slices.ContainsFunc(h.entries, func(e wiring.Entry) bool {
		return e.Holds != object.No || e.Known || len(e.Keys)+len(e.Facts) > 0
	}) {
		return false
	}
	b := append(append(q.buffer[:0], h.ref.Name...), packedField...)
	for _, s := range []string{h.ref.Namespace, h.source, h.ref.APIVersion, h.typ} {
		b = q.words.Shared(b, s)
	}
	b = q.words.All(b, h.managers)
	for _, e := range h.entries {
		b = q.words.Shared(b, e.Name)
	}
	q.buffer = b
	q.packed = append(q.packed, string(b))
	q.sorted = false
	return true
}

func (q *quiet) sort() {
	if !q.sorted {
		slices.Sort(q.packed)
		q.sorted = true
	}
}

// named unpacks the Secrets of a name, sorted. The store must be sorted.
func (q *quiet) named(name string) []*holder {
	prefix := name + packedField
	from := sort.SearchStrings(q.packed, prefix)
	var found []*holder
	for _, packed := range q.packed[from:] {
		if !strings.HasPrefix(packed, prefix) {
			break
		}
		found = append(found, q.unpack(name, packed[len(prefix):]))
	}
	sortHolders(found) // the numbers of words tell who was read first
	return found
}

func (q *quiet) unpack(name, packed string) *holder {
	r := q.words.Reader(packed)
	h := &holder{complete: true, ref: Ref{Kind: "Secret", Namespace: r.Shared(), Name: name}}
	at := Origin{Source: r.Shared()}
	h.place, h.origins = place{source: at.Source, live: true}, []Origin{at}
	h.ref.APIVersion, h.typ, h.managers = r.Shared(), r.Shared(), r.All()
	for !r.Done() {
		h.entries = append(h.entries, wiring.Entry{Name: r.Shared(), Holds: object.No, At: []Origin{at}})
	}
	return h
}
