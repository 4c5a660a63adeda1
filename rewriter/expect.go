package rewriter

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"dekey/planner"

	"dekey/scanner/object"
)

// expect gives an object's content after its edits: what it must be, however its files are written. Every path is one of the
// content as it was. content is not changed.
func expect(content map[string]any, edits []planner.Edit) (map[string]any, error) {
	result, _ := clone(content).(map[string]any)
	for _, op := range []string{planner.OpRemove, planner.OpSet, planner.OpAppend} {
		for _, edit := range edits {
			if edit.Op != op {
				continue
			}
			if err := change(result, edit); err != nil {
				return nil, fmt.Errorf("%s: %w", edit.Field, err)
			}
		}
	}
	result, _ = sweep(result).(map[string]any)
	return result, nil
}

// gone stands for what was removed until all edits are made: indexes stay those of the original.
type gone struct{}

func change(root map[string]any, edit planner.Edit) error {
	if len(edit.Field) == 0 {
		return fmt.Errorf("no field")
	}
	var at any = root
	for i, step := range edit.Field[:len(edit.Field)-1] {
		next, ok := object.Path{step}.Lookup(at)
		if _, removed := next.(gone); removed {
			return nil // an edit removes what this one is a part of
		}
		if !ok || next == nil && edit.Op != planner.OpRemove {
			m, isMap := at.(map[string]any)
			if step.Key == "" || !isMap || edit.Op == planner.OpRemove {
				return fmt.Errorf("%s is not there", edit.Field[:i+1])
			}
			next = map[string]any{}
			m[step.Key] = next
		}
		at = next
	}
	last := edit.Field[len(edit.Field)-1]
	old, there := object.Path{last}.Lookup(at)
	if _, removed := old.(gone); removed {
		return nil
	}
	switch edit.Op {
	case planner.OpRemove:
		if !there {
			return fmt.Errorf("is not there")
		}
		return put(at, last, gone{})
	case planner.OpSet:
		return put(at, last, clone(edit.Value))
	default:
		list, isList := old.([]any)
		if there && old != nil && !isList {
			return fmt.Errorf("is no list")
		}
		return put(at, last, append(append([]any{}, list...), clone(edit.Value)))
	}
}

func put(at any, step object.Step, value any) error {
	switch container := at.(type) {
	case map[string]any:
		if step.Key != "" {
			container[step.Key] = value
			return nil
		}
	case []any:
		if i := step.Position(container); i >= 0 {
			container[i] = value
			return nil
		}
	}
	return fmt.Errorf("can not be set")
}

// sweep takes away what was removed, and what that left empty.
func sweep(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, field := range v {
			had := size(field)
			swept := sweep(field)
			if _, removed := swept.(gone); removed || had > 0 && size(swept) == 0 {
				delete(v, key)
				continue
			}
			v[key] = swept
		}
	case []any:
		kept := make([]any, 0, len(v))
		for _, item := range v {
			if item = sweep(item); item != (gone{}) {
				kept = append(kept, item)
			}
		}
		return kept
	}
	return value
}

func size(value any) int {
	switch v := value.(type) {
	case map[string]any:
		return len(v)
	case []any:
		return len(v)
	}
	return 0
}

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, field := range v {
			m[key] = clone(field)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = clone(item)
		}
		return list
	}
	return value
}

// lists are the fields of a pod spec that may be left empty or taken away when their last item goes: both mean the same.
var lists = map[string]bool{
	"env": true, "envFrom": true, "volumes": true, "volumeMounts": true, "args": true, "items": true, "sources": true,
}

// same says whether two contents mean the same: numbers by value, an empty list of a pod spec like a missing one.
func same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for key, field := range x {
			other, there := y[key]
			if !there && !(lists[key] && size(field) == 0) || there && !same(field, other) && !(lists[key] && size(field)+size(other) == 0) {
				return false
			}
		}
		for key, field := range y {
			if _, there := x[key]; !there && !(lists[key] && size(field) == 0) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	if p, ok := number(a); ok {
		q, ok := number(b)
		return ok && p == q
	}
	return reflect.DeepEqual(a, b)
}

// number writes a number as text that is the same for the same value, or says that it is none.
func number(value any) (string, bool) {
	switch v := value.(type) {
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if v == float64(int64(v)) {
			return strconv.FormatInt(int64(v), 10), true
		}
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return strconv.FormatInt(i, 10), true
		}
		if f, err := v.Float64(); err == nil {
			return number(f)
		}
		return v.String(), true
	}
	return "", false
}
