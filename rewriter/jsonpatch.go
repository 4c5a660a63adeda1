package rewriter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner"
	"dekey/scanner/object"
)

// jsonPatch writes edits of an object as a JSON patch (RFC 6902), a test of what is there before every removal and
// replacement. Removals go from the back of a list to its front, so that indexes stay true.
func jsonPatch(o *scanner.Object, edits []planner.Edit, value func(planner.Edit) any) ([]any, error) {
	type removal struct {
		at   []int
		edit planner.Edit
	}
	var operations []any
	var removals []removal
	for _, edit := range edits {
		switch edit.Op {
		case planner.OpRemove:
			removals = append(removals, removal{indexes(o.Content, edit.Field), edit})
		case planner.OpSet:
			more, err := setOperations(o, edit, value(edit))
			if err != nil {
				return nil, err
			}
			operations = append(operations, more...)
		case planner.OpAppend:
			if list, there := edit.Field.Lookup(o.Content); there && list != nil {
				to, err := pointer(o.Content, edit.Field)
				if err != nil {
					return nil, err
				}
				operations = append(operations, operation("add", to+"/-", edit.Value))
				continue
			}
			more, err := addOperations(o, edit.Field, []any{edit.Value})
			if err != nil {
				return nil, err
			}
			operations = append(operations, more...)
		}
	}
	slices.SortStableFunc(removals, func(a, b removal) int { return slices.Compare(b.at, a.at) })
	for _, r := range removals {
		from, err := pointer(o.Content, r.edit.Field)
		if err != nil {
			return nil, err
		}
		operations = append(operations, tests(o, r.edit.Field, from)...)
		operations = append(operations, operation("remove", from, nil))
	}
	return operations, nil
}

func operation(op, path string, value any) yamledit.Map {
	m := yamledit.Map{{Key: "op", Value: op}, {Key: "path", Value: path}}
	if op != "remove" {
		m = append(m, yamledit.Field{Key: "value", Value: value})
	}
	return m
}

// tests say what must stand where something is removed: a scalar itself, of an item what tells it apart.
func tests(o *scanner.Object, field object.Path, at string) []any {
	value, _ := field.Lookup(o.Content)
	switch v := value.(type) {
	case map[string]any:
		for _, key := range []string{"name", "mountPath", "key"} {
			if text, ok := v[key].(string); ok {
				return []any{operation("test", at+"/"+key, text)}
			}
		}
		if len(v) == 1 {
			for key, inner := range v {
				if m, ok := inner.(map[string]any); ok && m["name"] != nil {
					return []any{operation("test", at+"/"+escape(key)+"/name", m["name"])}
				}
			}
		}
		return nil
	case []any, nil:
		return nil
	}
	return []any{operation("test", at, value)}
}

// setOperations replace or add a scalar.
func setOperations(o *scanner.Object, edit planner.Edit, value any) ([]any, error) {
	if old, there := edit.Field.Lookup(o.Content); there {
		at, err := pointer(o.Content, edit.Field)
		if err != nil {
			return nil, err
		}
		return []any{operation("test", at, old), operation("replace", at, value)}, nil
	}
	return addOperations(o, edit.Field, value)
}

// addOperations add a field, with the mappings above it that are not there.
func addOperations(o *scanner.Object, field object.Path, value any) ([]any, error) {
	for i := len(field) - 1; i >= 0; i-- {
		if _, there := field[:i].Lookup(o.Content); !there {
			continue
		}
		at, err := pointer(o.Content, field[:i])
		if err != nil {
			return nil, err
		}
		for j := len(field) - 1; j > i; j-- {
			if field[j].Key == "" {
				return nil, fmt.Errorf("%s is not there", field[:j+1])
			}
			value = map[string]any{field[j].Key: value}
		}
		return []any{operation("add", at+"/"+escape(field[i].Key), value)}, nil
	}
	return nil, fmt.Errorf("%s can not be added", field)
}

// pointer writes a path as a JSON pointer (RFC 6901): items by their index.
func pointer(content any, field object.Path) (string, error) {
	var b strings.Builder
	at := content
	for i, step := range field {
		if step.Key != "" {
			b.WriteString("/" + escape(step.Key))
		} else {
			list, _ := at.([]any)
			n := step.Position(list)
			if n < 0 {
				return "", fmt.Errorf("%s is not there", field[:i+1])
			}
			b.WriteString("/" + strconv.Itoa(n))
		}
		at, _ = object.Path{step}.Lookup(at)
	}
	return b.String(), nil
}

func escape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

// indexes are the list positions along a path: what comes later in a list compares greater.
func indexes(content any, field object.Path) []int {
	var list []int
	at := content
	for _, step := range field {
		if step.Key == "" {
			items, _ := at.([]any)
			list = append(list, step.Position(items))
		}
		at, _ = object.Path{step}.Lookup(at)
	}
	return list
}
