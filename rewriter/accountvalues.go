package rewriter

import (
	"dekey/planner"
	"dekey/rewriter/yamledit"
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
		l := landing{
			path: set.Place.Origin.Path, role: set.Place.Role, roots: set.Place.Roots, plan: edit,
			edit: yamledit.Edit{Document: set.Place.Origin.Document, Op: planner.OpSet, Field: set.Place.Field, Value: set.Value},
		}
		if set.Place.Inner != nil {
			l.inner, l.text, l.edit.Document, l.edit.Field = true, set.Place.Field, 1, set.Place.Inner
		}
		landed = append(landed, l)
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
