package chart

import (
	"bytes"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"

	"dekey/scanner/object"
)

// A Toggle is a value that conditions of templates ask for, and what it is when it is off.
type Toggle struct {
	value object.Path
	off   any
}

// A toggled is an object as it is with one value off.
type toggled struct {
	by      Toggle
	content map[string]any
}

// maxToggles bounds how many values are tried.
const maxToggles = 40

var condition = regexp.MustCompile(`\{\{-?\s*(?:if|else if|with|else with)\b[^}]*\}\}`)

// Toggles are the values that are on and may switch something off: those that conditions of the chart's templates name.
func (r *Release) Toggles() []Toggle {
	asked := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(r.Chart.Files)) {
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" && ext != ".tpl" {
			continue
		}
		for _, action := range condition.FindAll(r.Chart.Files[name], -1) {
			for _, word := range bytes.FieldsFunc(action, func(c rune) bool {
				return !(c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
			}) {
				asked[string(word)] = true
			}
		}
	}
	var found []Toggle
	var find func(value any, at object.Path)
	find = func(value any, at object.Path) {
		m, _ := value.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if key == "" || len(at) > 8 {
				continue
			}
			here := at.Join(object.Key(key))
			switch v := m[key].(type) {
			case bool:
				if v && asked[key] {
					found = append(found, Toggle{here, false})
				}
			case string:
				if v != "" && asked[key] {
					found = append(found, Toggle{here, ""})
				}
			default:
				find(v, here)
			}
		}
	}
	values := r.Chart.below()
	merge(values, r.Values())
	find(values, nil)
	// What is a switch by its type comes before names that are left out.
	slices.SortStableFunc(found, func(a, b Toggle) int {
		_, aText := a.off.(string)
		_, bText := b.off.(string)
		switch {
		case aText == bText:
			return 0
		case aText:
			return 1
		}
		return -1
	})
	return found[:min(len(found), maxToggles)]
}

// Without are the release's values with a value off.
func (r *Release) Without(t Toggle) map[string]any {
	values, _ := put(Clone(r.Values()), t.value, t.off).(map[string]any)
	return values
}

// LearnToggles sees what the objects are with each value off.
func LearnToggles(objects []*Object, off [][]*Object, toggles []Toggle) {
	for k, rendered := range off {
		byKey := map[string]*Object{}
		for _, o := range rendered {
			byKey[o.Key()] = o
		}
		for _, o := range objects {
			other := byKey[o.Key()]
			if other != nil && reflect.DeepEqual(shape(o.Content), shape(other.Content)) && !reflect.DeepEqual(o.Content, other.Content) {
				o.toggled = append(o.toggled, toggled{toggles[k], other.Content})
			}
		}
	}
}

// LocateSwitch is the way of object.SwitchLocator.
func (o *Object) LocateSwitch(accept func(content map[string]any) bool, own bool) (object.ValueEdit, bool) {
	for _, t := range o.toggled {
		if accept(t.content) {
			edit, _, ok := o.set(t.by.value, t.by.off, own, -1)
			return edit, ok
		}
	}
	return object.ValueEdit{}, false
}
