package rewriter

import (
	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner/object"
)

// leaveEmpty turns removals of values into empty ones where a removal would do something else: where another layer's values
// would show in their place, where nothing would be left of all the values, and where templates can not do without a list.
func (w *work) leaveEmpty(path string, edits []owned) []owned {
	type text struct {
		in    int
		field string
	}
	groups := map[text][]int{}
	for i, e := range edits {
		if e.role == object.Values && e.edit.Op == planner.OpRemove {
			at := text{in: e.edit.Document}
			if e.inner {
				at = text{e.in, e.text.String()}
			}
			groups[at] = append(groups[at], i)
		}
	}
	if len(groups) == 0 {
		return edits
	}
	out := append([]owned(nil), edits...)
	for at, group := range groups {
		values, ok := w.valuesAt(path, edits[group[0]], at.in)
		if !ok {
			continue
		}
		var removals []planner.Edit
		for _, i := range group {
			removals = append(removals, planner.Edit{Op: planner.OpRemove, Field: edits[i].edit.Field})
		}
		left, err := expect(values, removals)
		if err != nil {
			continue
		}
		for _, i := range group {
			e := &out[i]
			if !e.covers && len(left) > 0 && !w.leave[e.move] {
				continue
			}
			if n := len(e.edit.Field); e.edit.Field[n-1].Key == "" && n > 1 {
				if rest, there := e.edit.Field.Parent().Lookup(left); there && size(rest) > 0 {
					continue // other items are left
				}
				e.edit.Op, e.edit.Field, e.edit.Value, e.edit.Was = planner.OpSet, e.edit.Field.Parent(), []any{}, ""
			} else if e.covers {
				e.edit.Op, e.edit.Value, e.edit.Was = planner.OpSet, nil, ""
				if old, _ := e.edit.Field.Lookup(values); size(old) > 0 {
					if _, list := old.([]any); list {
						e.edit.Value = []any{}
					}
				}
			}
		}
	}
	return out
}

// valuesAt are the values that a landing is a part of.
func (w *work) valuesAt(path string, e owned, in int) (map[string]any, bool) {
	content, err := w.file(path)
	if err != nil {
		return nil, false
	}
	value, err := yamledit.Decode(content, in)
	if err == nil && e.inner {
		text, _ := e.text.Lookup(value)
		s, _ := text.(string)
		value, err = yamledit.Decode([]byte(s), 1)
	}
	values, ok := value.(map[string]any)
	return values, err == nil && ok
}
