package rewriter

import (
	"maps"
	"slices"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/object"
)

// A reach says which releases may get a value that is set.
type reach bool

const (
	anyRelease reach = false
	ownRelease reach = true
)

// landAccount finds the values of a chart that give a workload its new service account. made says that the chart then makes
// the manifest. Nothing is found for other edits, and where no value decides it.
func (w *work) landAccount(o *scanner.Object, move planner.Move, edit planner.Edit, r reach) (landed []landing, made bool) {
	locator, ok := o.Locator.(object.AccountLocator)
	if !ok || edit.Op != planner.OpSet || len(edit.Field) == 0 || edit.Field[len(edit.Field)-1].Key != "serviceAccountName" {
		return nil, false
	}
	manifest, ok := newManifest(move)
	if !ok {
		return nil, false
	}
	sets, made := locator.LocateAccount(edit.Field, manifest, r == ownRelease)
	for _, set := range sets {
		landed = append(landed, landOn(set.Place, nil, edit, set.Value))
	}
	return landed, made
}

// newManifest is the service account that a move makes.
func newManifest(move planner.Move) (map[string]any, bool) {
	for _, edit := range move.Edits {
		if edit.Op == planner.OpCreate && edit.Object.Kind == "ServiceAccount" && edit.Object.Name == move.ServiceAccount.Name {
			manifest, ok := edit.Value.(map[string]any)
			return manifest, ok
		}
	}
	return nil, false
}

// moveOf is the plan's move of that id.
func (w *work) moveOf(id string) planner.Move {
	for _, move := range w.plan.Moves {
		if move.ID == id {
			return move
		}
	}
	return planner.Move{}
}

// switchOff lands what a unit removes from a template on a value that switches just that off, where the chart has one.
func (w *work) switchOff(u *unit, r reach) bool {
	o := w.before[u.object]
	locator, ok := o.Locator.(object.SwitchLocator)
	if !ok {
		return false
	}
	var removals []planner.Edit
	inTemplate := map[int]bool{}
	for _, l := range u.landed {
		if l.role == object.Template && l.edit.Op == planner.OpRemove && !inTemplate[l.of] {
			inTemplate[l.of] = true
			removals = append(removals, u.edits[l.of])
		}
	}
	if len(removals) == 0 {
		return false
	}
	want, err := expect(o.Content, removals)
	if err != nil {
		return false
	}
	set, ok := locator.LocateSwitch(func(content map[string]any) bool { return same(want, content) }, r == ownRelease)
	if !ok {
		return false
	}
	u.landed = slices.DeleteFunc(u.landed, func(l landing) bool { return inTemplate[l.of] })
	for _, i := range slices.Sorted(maps.Keys(inTemplate)) {
		plan := u.edits[i]
		l := landOn(set.Place, nil, plan, set.Value)
		l.edit.Op, l.of = planner.OpSet, i
		u.landed = append(u.landed, l)
	}
	return true
}

// sharesAccount names a workload that moves and whose service account is chosen by the value that chooses the object's, or "".
func (w *work) sharesAccount(o *scanner.Object, drafts []*draft) string {
	choice, ok := chosenBy(o)
	if !ok {
		return ""
	}
	for _, d := range drafts {
		for _, i := range d.homes {
			if other, ok := chosenBy(w.before[i]); ok && other.By == choice.By {
				return w.before[i].Ref.String()
			}
		}
	}
	return ""
}

func chosenBy(o *scanner.Object) (object.AccountChoice, bool) {
	chooser, ok := o.Locator.(object.AccountChooser)
	if !ok {
		return object.AccountChoice{}, false
	}
	return chooser.AccountChoice()
}
