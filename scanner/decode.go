package scanner

import (
	"encoding/json"
	"slices"
)

func text(value any) string {
	s, _ := value.(string)
	return s
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

func mapping(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// lookup is the value below keys, or nil.
func lookup(value any, keys ...string) any {
	for _, key := range keys {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}

// texts is a mapping of strings, nil where there are none.
func texts(value any) map[string]string {
	var out map[string]string
	for key, v := range mapping(value) {
		if s, ok := v.(string); ok {
			if out == nil {
				out = map[string]string{}
			}
			out[key] = s
		}
	}
	return out
}

// words are the strings of a list.
func words(value any) []string {
	var out []string
	for _, v := range list(value) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func integer(value any) *int64 {
	var n int64
	switch v := value.(type) {
	case int64:
		n = v
	case int:
		n = int64(v)
	case float64:
		n = int64(v)
		if float64(n) != v {
			return nil
		}
	case json.Number:
		var err error
		if n, err = v.Int64(); err != nil {
			return nil
		}
	default:
		return nil
	}
	return &n
}

func boolean(value any) *bool {
	b, ok := value.(bool)
	if !ok {
		return nil
	}
	return &b
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
