package rewriter

import (
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
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
	land := func(l landing) {
		for _, move := range moves {
			landed[l.path] = append(landed[l.path], owned{l, move})
		}
	}
	switched := w.switchedOwn(u)
	for _, l := range switched {
		land(l)
	}
	for i, edit := range u.edits {
		if slices.ContainsFunc(switched, func(l landing) bool { return l.of == i }) {
			continue
		}
		if own, _ := w.landAccount(o, w.moveOf(u.move), edit, ownRelease); len(own) > 0 {
			for _, l := range own {
				land(l)
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
			l := landOn(place, nil, edit, w.written(o, edit))
			land(l)
		}
	}
	return nil
}

// switchedOwn are the landings of a unit's removals on a value that switches them off for its release alone, none where there is
// no such value.
func (w *work) switchedOwn(u *unit) []landing {
	again := &unit{move: u.move, object: u.object, edits: u.edits}
	for i, edit := range u.edits {
		landed, _ := w.land(w.before[u.object], edit)
		for _, l := range landed {
			l.of = i
			again.landed = append(again.landed, l)
		}
	}
	if !w.switchOff(again, ownRelease) {
		return nil
	}
	return slices.DeleteFunc(again.landed, func(l landing) bool {
		return l.role != object.Values || l.edit.Op != planner.OpSet || l.plan.Op != planner.OpRemove
	})
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
