package wiring

import (
	"slices"

	"dekey/scanner/object"
)

func text(value any) string {
	s, _ := value.(string)
	return s
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

// field is the value of one key of a mapping, or nil.
func field(value any, keys ...string) any {
	for _, key := range keys {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}

// texts is a mapping of strings; other values are left out. It is nil where there are none.
func texts(value any) map[string]string {
	m, ok := value.(map[string]any)
	if !ok || len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for key, v := range m {
		if s, ok := v.(string); ok {
			out[key] = s
		}
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// itemStep names the i-th item of a list by its field by, or by its index where that field is missing or is not its own.
func itemStep(items []any, i int, by string) object.Step {
	value := text(field(items[i], by))
	if value == "" {
		return object.At(i)
	}
	for j, other := range items {
		if j != i && text(field(other, by)) == value {
			return object.At(i)
		}
	}
	return object.Item(by, value)
}
