package rewriter

import (
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/object"
)

// prove renders the edited checkout and compares: every object must be what it was plus exactly the planned edits, in
// every rendering, and the new objects must be what the plan makes. What differs is a fault of the moves that touch it.
func (w *work) prove(b *build, drafts []*draft) ([]fault, error) {
	if len(b.files) == 0 {
		return nil, nil
	}
	files := map[string][]byte{}
	for path, file := range b.files {
		files[path] = file.new
	}
	after, err := w.renderer.Render(w.ctx, newOverlay(w.part, files), nil)
	if err != nil {
		return nil, fmt.Errorf("rendering the edited checkout: %w", err)
	}
	edits, wanted := map[int][]planner.Edit{}, map[int][]string{}
	for _, d := range drafts {
		for _, u := range d.units {
			i := u.object
			wanted[i] = append(wanted[i], d.move.ID)
			for _, edit := range u.edits {
				if !slices.ContainsFunc(edits[i], func(o planner.Edit) bool { return sameChange(o, edit) }) {
					edits[i] = append(edits[i], edit)
				}
			}
		}
	}
	c := comparison{w: w, b: b, drafts: drafts, seen: map[string]bool{}}
	left := map[identity][]*scanner.Object{}
	for _, o := range after {
		left[identify(o)] = append(left[identify(o)], o)
	}
	for i, o := range w.before {
		id := identify(o)
		if len(left[id]) == 0 {
			c.differs(o, wanted[i], "is gone after the edit")
			continue
		}
		now := left[id][0]
		left[id] = left[id][1:]
		want, err := expect(o.Content, edits[i])
		if err != nil {
			c.differs(o, wanted[i], "can not be edited as planned: "+err.Error())
		} else if o.Ref.Kind == "" && same(settings(o.Content), settings(now.Content)) {
			continue // the configuration that holds other objects, which are compared themselves
		} else if !same(want, now.Content) && !b.sameButValues(o, want, now.Content) {
			if with := w.sharesAccount(o, drafts); with != "" && len(wanted[i]) == 0 {
				c.differs(o, nil, "would get the new service account of "+with+" too: one value of the chart chooses it for both")
				continue
			}
			c.differs(o, wanted[i], "would differ from the plan after the edit")
		}
	}
	for _, edit := range sortedEdits(b.created) {
		c.isCreated(edit, left)
	}
	for _, o := range after {
		if rest := left[identify(o)]; slices.Contains(rest, o) {
			c.differs(o, nil, "would be new, and the plan does not make it")
		}
	}
	return c.bad, nil
}

// sameButValues says whether an object is what it must be but for the values of a chart that it deploys. That those are edited
// as planned is proven where the file is edited, and that nothing else comes of it by what the chart renders to.
func (b *build) sameButValues(o *scanner.Object, want, now map[string]any) bool {
	if o.Root != "" || len(o.Origins) == 0 {
		return false
	}
	edited := b.values[stands{o.Origins[0].Path, o.Origins[0].Document}]
	if len(edited) == 0 {
		return false
	}
	stripped := [2]any{clone(want), clone(now)}
	for i := range stripped {
		for _, field := range edited {
			stripped[i] = withoutField(stripped[i], valuesOf(field))
		}
	}
	return same(stripped[0], stripped[1])
}

// valuesOf is the field of an object that holds the values which a field is a part of.
func valuesOf(field object.Path) object.Path {
	for i, step := range field {
		switch step.Key {
		case "values", "valuesObject", "parameters":
			return field[:i+1]
		}
	}
	return field
}

// withoutField takes a field out of a value, and what holds nothing else.
func withoutField(value any, field object.Path) any {
	if len(field) == 0 {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		if inner, ok := v[field[0].Key]; ok {
			if inner = withoutField(inner, field[1:]); inner == nil || size(inner) == 0 && len(field) > 1 {
				delete(v, field[0].Key)
			} else {
				v[field[0].Key] = inner
			}
		}
		return v
	case []any:
		if field[0].Key == "" && field[0].By == "" && field[0].Index < len(v) {
			v[field[0].Index] = withoutField(v[field[0].Index], field[1:])
		}
		return v
	}
	return value
}

// identity is what makes two renderings of one object the same object.
type identity struct {
	ref      scanner.Ref
	root     string
	path     string
	document int
}

func identify(o *scanner.Object) identity {
	id := identity{ref: o.Ref, root: o.Root}
	if o.Root == "" && len(o.Origins) > 0 {
		id.path, id.document = o.Origins[0].Path, o.Origins[0].Document
	}
	return id
}

// settings are the fields of a Prow configuration that are not its jobs: each job is an object of its own.
func settings(content map[string]any) map[string]any {
	rest := map[string]any{}
	for key, value := range content {
		if key != "periodics" && key != "presubmits" && key != "postsubmits" {
			rest[key] = value
		}
	}
	return rest
}

func sameChange(a, b planner.Edit) bool {
	return a.Object == b.Object && a.Op == b.Op && a.Field.Equal(b.Field) && same(a.Value, b.Value)
}

func sortedEdits(created map[scanner.Ref]planner.Edit) []planner.Edit {
	var edits []planner.Edit
	for _, edit := range created {
		edits = append(edits, edit)
	}
	slices.SortFunc(edits, func(a, b planner.Edit) int { return a.Object.Compare(b.Object) })
	return edits
}

// A comparison collects what differs and whose fault it is.
type comparison struct {
	w      *work
	b      *build
	drafts []*draft
	bad    []fault
	seen   map[string]bool
}

// differs blames the moves that want to change the object; where none does, those that change one of its files; and
// where that is none either, all.
func (c *comparison) differs(o *scanner.Object, moves []string, what string) {
	if len(moves) == 0 {
		for _, origin := range o.Origins {
			if file := c.b.files[origin.Path]; file != nil {
				moves = append(moves, file.Moves...)
			}
		}
	}
	if len(moves) == 0 {
		for _, d := range c.drafts {
			moves = append(moves, d.move.ID)
		}
	}
	name := o.Ref.String()
	if o.Root != "" {
		name += " of " + o.Root
	}
	h := hold(planner.HoldNotProvable, name+" "+what, "Can the change be made by hand?")
	if len(o.Origins) > 0 {
		origin := o.Origins[0]
		h.At = &origin
	}
	c.blame(moves, h)
}

func (c *comparison) blame(moves []string, h planner.Hold) {
	slices.Sort(moves)
	moves = slices.Compact(moves)
	for _, move := range moves {
		if !c.seen[move] {
			c.seen[move] = true
			c.bad = append(c.bad, fault{move: move, hold: h, shared: len(moves) > 1})
		}
	}
}

// isCreated takes a planned new object out of what is left over, wherever it is rendered.
func (c *comparison) isCreated(edit planner.Edit, left map[identity][]*scanner.Object) {
	var roots []string
	homes := map[string]*scanner.Object{}
	for _, d := range c.drafts {
		if slices.ContainsFunc(d.created, func(e planner.Edit) bool { return e.Object == edit.Object }) {
			for _, i := range d.homes {
				home := c.w.before[i]
				roots = append(roots, home.Root)
				homes[home.Root] = home
			}
		}
	}
	slices.Sort(roots)
	for _, root := range slices.Compact(roots) {
		if !takeCreated(edit, homes[root], left) {
			c.blame(c.makers(edit.Object), hold(planner.HoldNotProvable,
				strings.TrimSpace(fmt.Sprintf("%s would not come out of %s as the plan makes it", edit.Object, root)),
				"Can the new manifest be added by hand?"))
		}
	}
}

func takeCreated(edit planner.Edit, home *scanner.Object, left map[identity][]*scanner.Object) bool {
	found := false
	for id, objects := range left {
		if id.ref != edit.Object || id.root != home.Root {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(objects), func(o *scanner.Object) bool { return sameObject(edit.Value, o, home) })
		found = found || len(rest) < len(objects)
		left[id] = rest
	}
	return found
}

// sameObject compares a new object with the plan's. Its namespace may be given from outside of its manifest, and so may
// the labels and annotations that an overlay gives all of its resources: its workload has them too.
func sameObject(want any, o, home *scanner.Object) bool {
	got, ok := clone(o.Content).(map[string]any)
	if !ok {
		return false
	}
	if metadata, ok := got["metadata"].(map[string]any); ok {
		if metadata["namespace"] == nil && o.Ref.Namespace != "" {
			metadata["namespace"] = o.Ref.Namespace
		}
		// A chart's own templates give labels of their own, which nothing in the plan knows.
		if labels, ok := metadata["labels"].(map[string]any); ok && isMade(home) {
			wanted, _ := object.Keys("metadata", "labels").Lookup(want)
			if size(wanted) == 0 {
				clear(labels)
			}
		}
		if o.Root != "" {
			for _, field := range []string{"labels", "annotations"} {
				dropCommon(want, metadata, home, field)
			}
		}
	}
	// Absent, it is true: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/service-account-v1/
	if wanted, ok := want.(map[string]any); ok && wanted["automountServiceAccountToken"] == nil {
		if mounts := got["automountServiceAccountToken"]; mounts == nil || mounts == true {
			delete(got, "automountServiceAccountToken")
		}
	}
	return same(want, got)
}

// isMade says whether a workload's chart may make its service account.
func isMade(home *scanner.Object) bool {
	_, ok := home.Locator.(object.AccountLocator)
	return ok
}

// dropCommon takes the labels or annotations out of a rendering that the plan does not write and the workload has with the
// same value.
func dropCommon(want any, metadata map[string]any, home *scanner.Object, field string) {
	got, _ := metadata[field].(map[string]any)
	planned, _ := object.Keys("metadata", field).Lookup(want)
	common, _ := object.Keys("metadata", field).Lookup(map[string]any(home.Content))
	wanted, _ := planned.(map[string]any)
	shared, _ := common.(map[string]any)
	for key, value := range got {
		if _, ours := wanted[key]; !ours && shared[key] != nil && same(value, shared[key]) {
			delete(got, key)
		}
	}
	if len(got) == 0 && planned == nil {
		delete(metadata, field)
	}
}

func (c *comparison) makers(ref scanner.Ref) []string {
	var moves []string
	for _, d := range c.drafts {
		if slices.ContainsFunc(d.created, func(e planner.Edit) bool { return e.Object == ref }) {
			moves = append(moves, d.move.ID)
		}
	}
	return moves
}
