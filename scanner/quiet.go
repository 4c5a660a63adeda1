package scanner

import (
	"slices"
	"sort"
	"strings"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// quiet keeps the Secrets of live clusters that were read whole and hold no key. There are tens of thousands of them, and
// what is asked of one, seldom, is that it is there and holds none: each is one string of some hundred bytes, where a
// holder is seven times that.
type quiet struct {
	packed []string
	sorted bool
}

const (
	packedField = "\x00"
	packedItem  = "\x01"
)

// take packs a holder, and says whether it did: whatever is worth more than its name is left to the caller.
func (q *quiet) take(h *holder) bool {
	if !h.live || !h.complete || h.generated || len(h.origins) != 1 || h.origins[0] != (Origin{Source: h.source}) || h.place != (place{source: h.source, live: true}) {
		return false
	}
	names := make([]string, len(h.entries))
	for i, e := range h.entries {
		if e.Holds != object.No || e.Known || len(e.Keys)+len(e.Facts) > 0 {
			return false
		}
		names[i] = e.Name
	}
	q.packed = append(q.packed, strings.Join([]string{
		h.ref.Name, h.ref.Namespace, h.source, h.ref.APIVersion, h.typ, strings.Join(h.managers, packedItem), strings.Join(names, packedItem),
	}, packedField))
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
		found = append(found, unpack(packed))
	}
	return found
}

func unpack(packed string) *holder {
	fields := strings.Split(packed, packedField)
	at := Origin{Source: fields[2]}
	h := &holder{
		place: place{source: fields[2], live: true}, typ: fields[4], origins: []Origin{at}, complete: true,
		ref: Ref{APIVersion: fields[3], Kind: "Secret", Namespace: fields[1], Name: fields[0]},
	}
	if fields[5] != "" {
		h.managers = strings.Split(fields[5], packedItem)
	}
	if fields[6] != "" {
		for _, name := range strings.Split(fields[6], packedItem) {
			h.entries = append(h.entries, wiring.Entry{Name: name, Holds: object.No, At: []Origin{at}})
		}
	}
	return h
}
