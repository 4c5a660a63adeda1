package rewriter

import (
	"slices"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/object"
)

// An asked edit is one edit of one unit.
type asked struct {
	unit *unit
	edit int // an index of its edits
}

// landings are the places of an asked edit.
func (a asked) landings() []landing {
	var list []landing
	for _, l := range a.unit.landed {
		if l.of == a.edit {
			list = append(list, l)
		}
	}
	return list
}

// overlaid decides which edits are made by a patch in the outermost kustomization of their object: those that land in a file
// which reaches another rendering too, where the same edit is not wanted. All others are made where the field is written.
//
// An edit that goes to a patch takes its vote for the shared file away, so that is repeated until nothing changes.
func (w *work) overlaid(drafts []*draft) map[asked]bool {
	var all []asked
	for _, d := range drafts {
		for _, u := range d.units {
			for i := range u.edits {
				all = append(all, asked{u, i})
			}
		}
	}
	over := map[asked]bool{}
	for again := true; again; {
		again = false
		for _, a := range all {
			if !over[a] && w.before[a.unit.object].Root != "" && !w.agreed(a, all, over) {
				over[a], again = true, true
			}
		}
	}
	return over
}

// agreed says whether every rendering that an edit reaches wants it.
func (w *work) agreed(a asked, all []asked, over map[asked]bool) bool {
	own := w.before[a.unit.object].Root
	for _, l := range a.landings() {
		for _, root := range l.roots {
			if root == own {
				continue
			}
			wanted := slices.ContainsFunc(all, func(o asked) bool {
				return !over[o] && w.before[o.unit.object].Root == root && slices.ContainsFunc(o.landings(), l.sameEdit)
			})
			if !wanted && !w.indifferent(l, root) {
				return false
			}
		}
	}
	return true
}

// indifferent says whether no object of a rendering has the field that a landing removes, although its file reaches it:
// something between removes it already.
func (w *work) indifferent(l landing, root string) bool {
	return l.edit.Op == planner.OpRemove && l.role != object.Values && !slices.ContainsFunc(w.renderedFrom(l, root), func(o *scanner.Object) bool {
		_, there := l.plan.Field.Lookup(o.Content)
		return there
	})
}

// renderedFrom are the objects of a rendering that a landing's document is a part of.
func (w *work) renderedFrom(l landing, root string) []*scanner.Object {
	var list []*scanner.Object
	for _, o := range w.before {
		if o.Root == root && slices.ContainsFunc(o.Origins, func(at scanner.Origin) bool { return at.Path == l.path && at.Document == l.edit.Document }) {
			list = append(list, o)
		}
	}
	return list
}

// deletions are the items of other overlays' patches that delete what a landing removes: they go with it.
func (w *work) deletions(l landing, own string) []landing {
	var list []landing
	if l.edit.Op != planner.OpRemove {
		return nil
	}
	for _, root := range l.roots {
		if root == own {
			continue
		}
		for _, o := range w.renderedFrom(l, root) {
			for _, at := range o.Origins {
				if at.Path == l.path || isKustomization(at.Path) {
					continue
				}
				patch, err := w.document(at.Path, at.Document)
				if err != nil {
					continue
				}
				item, _ := l.plan.Field.Lookup(patch)
				if m, ok := item.(map[string]any); !ok || m["$patch"] != any("delete") {
					continue
				}
				deletion := l
				deletion.path, deletion.role, deletion.inner, deletion.text, deletion.in = at.Path, object.Strategic, false, nil, 0
				deletion.edit.Document, deletion.edit.Field, deletion.edit.Was = at.Document, l.plan.Field, ""
				list = append(list, deletion)
			}
		}
	}
	return list
}
