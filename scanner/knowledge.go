package scanner

import (
	"path"
	"slices"
	"strings"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// A holderName is how references name a Secret: by kind and name; the namespace is decided by place.
type holderName struct{ kind, name string }

// An index finds holders by name.
type index struct {
	loud  map[holderName][]*holder
	quiet *quiet
}

func (c *collector) index() index {
	x := index{loud: map[holderName][]*holder{}, quiet: &c.quiet}
	for _, h := range c.holders {
		key := holderName{h.ref.Kind, h.ref.Name}
		x.loud[key] = append(x.loud[key], h)
	}
	for _, list := range x.loud {
		sortHolders(list)
	}
	for _, h := range c.holders {
		h.replicate(x.loud)
	}
	c.quiet.sort()
	return x
}

// replicate gives a copy that is still to be filled the keys of what it is copied from.
func (h *holder) replicate(loud map[holderName][]*holder) {
	if h.replica.Name == "" || slices.ContainsFunc(h.entries, func(e wiring.Entry) bool { return e.Holds == object.Yes }) {
		return
	}
	for _, source := range loud[holderName{"Secret", h.replica.Name}] {
		if source.ref.Namespace != h.replica.Namespace || source.replica.Name != "" {
			continue
		}
		for _, e := range source.entries {
			if !slices.ContainsFunc(h.entries, func(own wiring.Entry) bool { return own.Name == e.Name }) {
				h.entries = append(h.entries, e)
			}
		}
		h.complete = source.complete
		h.sort()
		return
	}
}

func sortHolders(list []*holder) {
	slices.SortFunc(list, func(a, b *holder) int {
		if n := a.ref.Compare(b.ref); n != 0 {
			return n
		}
		return compareOrigins(a.origins, b.origins)
	})
}

// named gives every holder of a name, sorted.
func (x index) named(name holderName) []*holder {
	loud := x.loud[name]
	if name.kind != "Secret" {
		return loud
	}
	found := x.quiet.named(name.name)
	if len(found) == 0 {
		return loud
	}
	all := slices.Concat(loud, found)
	sortHolders(all)
	return all
}

func compareOrigins(a, b []Origin) int { return slices.CompareFunc(a, b, Origin.Compare) }

// find gives the holders that a reference from an object at that place, in that namespace, can mean.
//
// A known namespace decides. Where the namespace of one side is not known, only what lies in the same folder or rendering
// joins: anything else would be a guess about whose key it is. Where neither is known, the nearest does.
func (x index) find(kind, name, namespace string, at place) []*holder {
	all := x.named(holderName{kind, name})
	if len(all) == 0 {
		return nil
	}
	if namespace == "" {
		if near := nearest(filter(all, func(h *holder) bool { return h.ref.Namespace == "" && h.source == at.source }), at); len(near) > 0 {
			return near
		}
		near := filter(all, func(h *holder) bool { return together(h.place, at) })
		if len(near) > 0 && !slices.ContainsFunc(near, func(h *holder) bool { return h.ref.Namespace != near[0].ref.Namespace }) {
			return near
		}
		return nil
	}
	exact := filter(all, func(h *holder) bool { return h.ref.Namespace == namespace })
	if at.live {
		own := filter(exact, func(h *holder) bool { return h.source == at.source })
		if slices.ContainsFunc(own, func(h *holder) bool { return h.complete }) {
			return own
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return filter(all, func(h *holder) bool { return h.ref.Namespace == "" && together(h.place, at) })
}

// together says that two objects are of one rendering, or stand in one folder.
func together(a, b place) bool {
	return a.source == b.source && a.root == b.root && (a.root != "" || a.dir() == b.dir())
}

func filter[T any](all []T, keep func(T) bool) []T {
	var out []T
	for _, one := range all {
		if keep(one) {
			out = append(out, one)
		}
	}
	return out
}

// nearest gives those of the same rendering, else of the same file, else of the folder that has most of its path in
// common.
func nearest(all []*holder, at place) []*holder {
	best, found := -1, []*holder(nil)
	for _, h := range all {
		n := nearness(h.place, at)
		switch {
		case n > best:
			best, found = n, []*holder{h}
		case n == best:
			found = append(found, h)
		}
	}
	return found
}

func nearness(a, b place) int {
	if a.root != "" && a.root == b.root {
		return 1 << 20
	}
	if (a.root == "") != (b.root == "") {
		return 0
	}
	if a.file == b.file {
		return 1 << 19
	}
	n := 1
	as, bs := strings.Split(a.dir(), "/"), strings.Split(b.dir(), "/")
	for n <= min(len(as), len(bs)) && as[n-1] == bs[n-1] {
		n++
	}
	if a.dir() == b.dir() {
		return 1 << 18
	}
	return n
}

// presumed are entries of which nothing is known but their use: the wiring of some workload says that they are keys. By
// kind, namespace and name, and where the namespace is not known by folder or rendering.
type presumed map[presumption]map[string]bool

type presumption struct {
	holderName
	namespace string
	where     string
}

func presume(kind, namespace, name string, at place) presumption {
	p := presumption{holderName: holderName{kind, name}, namespace: namespace}
	if namespace == "" {
		p.where = at.source + "\x00" + at.root + "\x00"
		if at.root == "" {
			p.where += path.Dir(at.file)
		}
	}
	return p
}

// A view is the Knowledge of one object: bound to its namespace and place.
type view struct {
	index     index
	presumed  presumed
	namespace string
	at        place
	cache     map[holderName]wiring.Contents
}

func (a *analysis) view(namespace string, at place) *view {
	return &view{index: a.index, presumed: a.presumed, namespace: namespace, at: at, cache: map[holderName]wiring.Contents{}}
}

// Contents implements wiring.Knowledge.
func (v *view) Contents(kind, name string) wiring.Contents {
	key := holderName{kind, name}
	if content, ok := v.cache[key]; ok {
		return content
	}
	content := merge(v.index.find(kind, name, v.namespace, v.at))
	if entries := v.presumed[presume(kind, v.namespace, name, v.at)]; len(entries) > 0 && !content.Complete {
		for _, entry := range sortedKeys(entries) {
			i := slices.IndexFunc(content.Entries, func(e wiring.Entry) bool { return e.Name == entry })
			if i < 0 {
				content.Entries = append(content.Entries, wiring.Entry{Name: entry, Holds: object.Yes, Presumed: true})
			} else if content.Entries[i].Holds == object.Unknown {
				content.Entries[i].Holds, content.Entries[i].Presumed = object.Yes, true
			}
		}
		slices.SortFunc(content.Entries, func(a, b wiring.Entry) int { return strings.Compare(a.Name, b.Name) })
	}
	v.cache[key] = content
	return content
}

// merge joins what several definitions of one object say. An entry that holds a key anywhere holds one; one that was read
// and holds none outweighs one that was not read.
func merge(holders []*holder) wiring.Contents {
	var out wiring.Contents
	byName := map[string]*wiring.Entry{}
	for _, h := range holders {
		out.Complete = out.Complete || h.complete
		for _, e := range h.entries {
			old, ok := byName[e.Name]
			if !ok {
				e := e
				e.Keys, e.At, e.Facts = slices.Clone(e.Keys), slices.Clone(e.At), slices.Clone(e.Facts)
				byName[e.Name] = &e
				continue
			}
			old.Holds = stronger(old.Holds, e.Holds)
			old.Keys = union(old.Keys, e.Keys)
			old.At = append(old.At, e.At...)
			old.Facts = append(old.Facts, e.Facts...)
			if old.Known != e.Known || old.Value != e.Value {
				old.Known, old.Value = false, "" // which of the two it is, is not known
			}
		}
	}
	for _, name := range sortedKeys(byName) {
		out.Entries = append(out.Entries, *byName[name])
	}
	return out
}

func stronger(a, b Tri) Tri {
	for _, t := range []Tri{object.Yes, object.No} {
		if a == t || b == t {
			return t
		}
	}
	return object.Unknown
}

func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
