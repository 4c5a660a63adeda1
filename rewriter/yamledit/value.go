package yamledit

import (
	"encoding/json"
	"math"
	"sort"
	"strconv"
)

// A Map is a mapping whose keys are written in the order given. A map[string]any is written in the order that people
// use: apiVersion, kind, metadata, name, namespace first, then by name.
type Map []Field

// A Field is an entry of a Map.
type Field struct {
	Key   string
	Value any
}

// normal turns a value into Map, []any, string, bool, nil, int64 or json.Number, or refuses it.
func normal(value any) (any, error) {
	switch v := value.(type) {
	case nil, string, bool:
		return v, nil
	case int:
		return json.Number(strconv.Itoa(v)), nil
	case int32:
		return json.Number(strconv.FormatInt(int64(v), 10)), nil
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, refuse("a number is not finite")
		}
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64)), nil
	case json.Number:
		return v, nil
	case Map:
		out := make(Map, 0, len(v))
		for _, f := range v {
			n, err := normal(f.Value)
			if err != nil {
				return nil, err
			}
			out = append(out, Field{f.Key, n})
		}
		return out, nil
	case map[string]any:
		out := make(Map, 0, len(v))
		for key, field := range v {
			out = append(out, Field{key, field})
		}
		sort.Slice(out, func(i, j int) bool {
			if a, b := rank(out[i].Key), rank(out[j].Key); a != b {
				return a < b
			}
			return out[i].Key < out[j].Key
		})
		return normal(out)
	case map[string]string:
		out := make(map[string]any, len(v))
		for key, field := range v {
			out[key] = field
		}
		return normal(out)
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			n, err := normal(item)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
		return out, nil
	case []string:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, item)
		}
		return out, nil
	case []map[string]any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, item)
		}
		return normal(out)
	}
	return nil, refuse("a value of type %T cannot be written", value)
}

func rank(key string) int {
	switch key {
	case "apiVersion":
		return 0
	case "kind":
		return 1
	case "metadata":
		return 2
	case "name":
		return 3
	case "namespace":
		return 4
	}
	return 5
}

// sameValue compares normalised values; mappings in any order.
func sameValue(a, b any) bool {
	switch x := a.(type) {
	case Map:
		y, ok := b.(Map)
		if !ok || len(x) != len(y) {
			return false
		}
		for _, f := range x {
			found := false
			for _, g := range y {
				if f.Key == g.Key {
					found = sameValue(f.Value, g.Value)
				}
			}
			if !found {
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
			if !sameValue(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case Map, []any:
		return false
	}
	return a == b
}

// A pending value is one in the making: several edits may add to a mapping or a list that is not there yet.
type pending struct {
	leaf   any // normalised; in use when neither mapping nor list is
	kind   kind
	keys   []string
	fields map[string]*pending
	items  []any
}

func (p *pending) value() any {
	switch p.kind {
	case mapping:
		out := Map{}
		for _, key := range p.keys {
			out = append(out, Field{key, p.fields[key].value()})
		}
		return out
	case sequence:
		return append([]any{}, p.items...)
	}
	return p.leaf
}

// field is the pending value of a key, made on demand.
func (p *pending) field(key string) *pending {
	if p.fields == nil {
		p.fields = map[string]*pending{}
	}
	if p.fields[key] == nil {
		p.fields[key] = &pending{leaf: unset{}}
		p.keys = append(p.keys, key)
	}
	return p.fields[key]
}

// unset is the leaf of a pending value that no edit has given yet.
type unset struct{}

func (p *pending) isUnset() bool {
	_, ok := p.leaf.(unset)
	return ok && p.kind == scalar
}
