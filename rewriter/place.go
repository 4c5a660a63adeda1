package rewriter

import (
	"fmt"
	"slices"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner"
	"dekey/scanner/object"
)

// A draft is one move with the places where its edits land.
type draft struct {
	move    planner.Move
	units   []*unit
	created []planner.Edit // new objects
	homes   []int          // the workload's objects: indexes of before, one for every rendering
	// made are the renderings whose charts make the new service account themselves, once their values ask for it.
	made map[string]bool
	// switched says that a value switches wiring off that stands in a template.
	switched bool
}

// A unit is what one move changes of one object in one rendering.
type unit struct {
	move   string
	object int // an index of before
	edits  []planner.Edit
	landed []landing
}

// A landing is one edit of one file.
type landing struct {
	path  string
	role  object.Role
	inner bool // path and field lead to a text that holds the document: a patch in a kustomization
	roots []string
	edit  yamledit.Edit
	text  object.Path // of that text, when inner
	in    int         // the document of the file that has that text
	// covers says that other values would show if this one went: an empty one is left.
	covers bool
	plan   planner.Edit // what it carries out
	of     int          // the index of that among its unit's edits
}

// draft finds where the edits of a move land, or says why they can not.
func (w *work) draft(move planner.Move) (*draft, *planner.Hold) {
	if len(w.objects[move.Workload]) == 0 {
		return nil, w.elsewhere(move)
	}
	d := &draft{move: move, homes: w.concerned(move.Workload, move.Edits), made: map[string]bool{}}
	for _, edit := range move.Edits {
		if edit.Op == planner.OpCreate {
			d.created = append(d.created, edit)
			continue
		}
		found := w.concerned(edit.Object, move.Edits)
		if len(found) == 0 {
			h := hold(planner.HoldNotProvable, fmt.Sprintf("%s does not stand in this checkout", edit.Object),
				fmt.Sprintf("Where is %s written?", edit.Object))
			return nil, &h
		}
		for _, i := range found {
			landed, made := w.landAccount(w.before[i], move, edit, anyRelease)
			d.made[w.before[i].Root] = d.made[w.before[i].Root] || made
			if len(landed) == 0 {
				var h *planner.Hold
				if landed, h = w.land(w.before[i], edit); h != nil {
					return nil, h
				}
			}
			u := d.unit(i)
			u.edits = append(u.edits, edit)
			for _, l := range landed {
				l.of = len(u.edits) - 1
				if !slices.ContainsFunc(u.landed, l.sameEdit) {
					u.landed = append(u.landed, l)
				}
			}
		}
	}
	if !w.byHand[move.ID] {
		for _, u := range d.units {
			d.switched = w.switchOff(u, anyRelease) || d.switched
		}
	}
	if len(d.created) > 0 && len(d.homes) == 0 {
		h := hold(planner.HoldNotProvable, "the workload does not stand in this checkout, so there is no folder for its service account",
			fmt.Sprintf("Where is %s written?", move.Workload))
		return nil, &h
	}
	return d, nil
}

// elsewhere holds a move whose workload is not written in the tree: in another checkout of the plan, or nowhere that can
// be edited.
func (w *work) elsewhere(move planner.Move) *planner.Hold {
	why, where := "its manifest is in another checkout of the plan, and a changeset is one of one checkout", "In which of the plan's checkouts is %s written? (dekey rewrite --repo takes that)"
	if w.source.ID == "" {
		why, where = "its manifest was read from a single file or from standard input, so there is no checkout to edit", "In which checkout is %s written? (dekey draft takes its folder)"
	}
	h := hold(planner.HoldManagedElsewhere, why, fmt.Sprintf(where, move.Workload))
	return &h
}

// concerned are the objects of that name that edits are about. One of which the edits would remove nothing, while they do of
// another, is another variant of it, without the key: it stays as it is.
func (w *work) concerned(ref scanner.Ref, edits []planner.Edit) []int {
	found := w.objects[ref]
	if len(found) < 2 {
		return found
	}
	var with []int
	for _, i := range found {
		if slices.ContainsFunc(edits, func(e planner.Edit) bool {
			_, there := e.Field.Lookup(w.before[i].Content)
			return e.Object == ref && e.Op == planner.OpRemove && there
		}) {
			with = append(with, i)
		}
	}
	if len(with) == 0 {
		return found
	}
	return with
}

// unit is the draft's unit for an object, made on demand.
func (d *draft) unit(i int) *unit {
	for _, u := range d.units {
		if u.object == i {
			return u
		}
	}
	u := &unit{move: d.move.ID, object: i}
	d.units = append(d.units, u)
	return u
}

// sameEdit says whether both change the same field of the same file to the same value.
func (l landing) sameEdit(o landing) bool {
	return l.path == o.path && l.edit.Document == o.edit.Document && l.in == o.in && l.edit.Op == o.edit.Op && l.text.Equal(o.text) &&
		l.edit.Field.Equal(o.edit.Field) && same(l.edit.Value, o.edit.Value)
}

// land finds the places of one edit of one object.
func (w *work) land(o *scanner.Object, edit planner.Edit) ([]landing, *planner.Hold) {
	if o.Generated != "" {
		h := hold(planner.HoldGenerated, fmt.Sprintf("the file of %s is written by %s", o.Ref, o.Generated),
			fmt.Sprintf("What is the source of %s?", o.Ref))
		return nil, &h
	}
	places, rest := locate(o, edit)
	if len(places) == 0 {
		h := hold(planner.HoldNotProvable, fmt.Sprintf("%s of %s can not be traced to a line of a file", edit.Field, o.Ref),
			fmt.Sprintf("Where does %s of %s come from?", edit.Field, o.Ref))
		return nil, &h
	}
	var landed []landing
	for _, place := range places {
		if h := editable(o, place, edit); h != nil {
			return nil, h
		}
		l := landOn(place, rest, edit, w.written(o, edit))
		l.edit.Was = was(o, edit)
		landed = append(landed, l)
	}
	return landed, nil
}

// landOn is an edit at a place, or at what rest leads to from there.
func landOn(place object.Place, rest object.Path, edit planner.Edit, value any) landing {
	l := landing{
		path: place.Origin.Path, role: place.Role, roots: place.Roots, covers: place.Covers, plan: edit,
		edit: yamledit.Edit{Document: place.Origin.Document, Op: edit.Op, Field: place.Field.Join(rest...), Value: value},
	}
	if place.Inner != nil {
		l.inner, l.text, l.in = true, place.Field, max(1, place.Origin.Document)
		l.edit.Document, l.edit.Field = 1, place.Inner.Join(rest...)
	}
	return l
}

// locate finds the places that an edit must touch. What is added stands where the nearest field above it stands: rest is the
// path from there.
func locate(o *scanner.Object, edit planner.Edit) (places []object.Place, rest scanner.Path) {
	if o.Locator == nil {
		return nil, nil
	}
	if _, there := edit.Field.Lookup(o.Content); there {
		places = o.Locator.Locate(edit.Field)
		if edit.Op != planner.OpRemove && len(places) > 1 {
			places = places[len(places)-1:] // the one that wins
		}
		return places, nil
	}
	if edit.Op == planner.OpRemove {
		return nil, nil
	}
	for _, place := range o.Locator.Locate(edit.Field) {
		if place.Role == object.Values { // the chart takes it from a value that does not have it yet
			return []object.Place{place}, nil
		}
	}
	for i := len(edit.Field) - 1; i >= 0; i-- {
		above := edit.Field[:i]
		if _, there := above.Lookup(o.Content); !there {
			continue
		}
		for _, place := range o.Locator.Locate(above) {
			if place.Role == object.Manifest {
				return []object.Place{place}, edit.Field[i:]
			}
			places = []object.Place{place}
		}
		return places, edit.Field[i:]
	}
	return nil, nil
}

// was is the value that a scalar must have now, "" where any will do. Of a removed list item only the item is named.
func was(o *scanner.Object, edit planner.Edit) string {
	if _, scalar := value(o, edit).(string); scalar {
		return edit.Was
	}
	return ""
}

func value(o *scanner.Object, edit planner.Edit) any {
	v, _ := edit.Field.Lookup(o.Content)
	return v
}

// editable says why a place can not be edited, or nil.
func editable(o *scanner.Object, place object.Place, edit planner.Edit) *planner.Hold {
	where := fmt.Sprintf("%s:%d", place.Origin.Path, place.Origin.Line)
	var h planner.Hold
	switch place.Role {
	case object.Manifest, object.Strategic, object.JSON6902, object.Values, object.Template:
		return nil
	default:
		h = hold(planner.HoldNotProvable, fmt.Sprintf("%s of %s is made by something that is not edited (%s)", edit.Field, o.Ref, where),
			"Can it be changed by hand?")
	}
	h.At = &place.Origin
	return &h
}
