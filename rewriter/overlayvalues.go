package rewriter

import (
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner/object"
)

// An ownLocator knows where one release of a chart can have a value that the other releases do not get.
type ownLocator interface {
	LocateOwn(object.Path) []object.Place
}

// overlayValues makes the edits of one object in the values that its release alone gets: what lands in a file that several
// releases share, and not all of them want.
func (w *work) overlayValues(_ *build, u *unit, moves []string, landed map[string][]owned) error {
	o := w.before[u.object]
	for _, edit := range u.edits {
		if own, _ := w.landAccount(o, w.moveOf(u.move), edit, ownRelease); len(own) > 0 {
			for _, l := range own {
				for _, move := range moves {
					landed[l.path] = append(landed[l.path], owned{l, move})
				}
			}
			continue
		}
		var places []object.Place
		if locator, ok := o.Locator.(ownLocator); ok && edit.Op == planner.OpSet {
			places = locator.LocateOwn(edit.Field)
		}
		if len(places) == 0 {
			return fmt.Errorf("%s is written for several releases of the chart (%s), which do not all move the same way", edit.Field, strings.Join(w.sharers(o.Root, edit, u), ", "))
		}
		for _, place := range places {
			l := landing{
				path: place.Origin.Path, role: place.Role, roots: place.Roots, plan: edit,
				edit: yamledit.Edit{Document: place.Origin.Document, Op: edit.Op, Field: place.Field, Value: w.written(o, edit)},
			}
			if place.Inner != nil {
				l.inner, l.text, l.edit.Document, l.edit.Field = true, place.Field, 1, place.Inner
			}
			for _, move := range moves {
				landed[l.path] = append(landed[l.path], owned{l, move})
			}
		}
	}
	return nil
}

// sharers are the other releases that the place of an edit reaches, sorted.
func (w *work) sharers(own string, edit planner.Edit, u *unit) []string {
	var roots []string
	landed, _ := w.land(w.before[u.object], edit)
	for _, l := range landed {
		for _, root := range l.roots {
			if root != own && !slices.Contains(roots, root) {
				roots = append(roots, root)
			}
		}
	}
	slices.Sort(roots)
	return roots
}
