package scanner

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"dekey/scanner/keyfile"
	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// An inlineKey is key material that is written out in an object that is no Secret.
type inlineKey struct {
	place
	ref           Ref
	container     string
	containerType string
	podSpec       object.Path
	env           string
	field         object.Path
	holder        Holder
	keys          []string
	at            []Origin
	generated     string
}

// findInline looks for keys in every string of an object. In kubectl's own copy of the object they are copies of the key,
// and no use of it.
func (c *collector) findInline(o *Object, at place, pods []wiring.Pod) {
	if isKind(o.Ref, "Secret", "") {
		return
	}
	var ofEntries map[string]keyfile.Result
	if isKind(o.Ref, "ConfigMap", "") {
		ofEntries = keysOfConfigMap(o)
	}
	w := stringWalk{}
	w.walk(o.Content, trail(), 0)
	for _, s := range w.found {
		if s.field.HasPrefix(object.Keys("status")) || s.field.HasPrefix(object.Keys("metadata", "managedFields")) {
			continue
		}
		found, together := ofEntries[s.field[len(s.field)-1].Key]
		if !together || len(s.field) != 2 || s.field[0].Key != "data" && s.field[0].Key != "binaryData" {
			found = keyfile.Find([]byte(s.value), s.field[len(s.field)-1].Key)
		}
		if found.Kind != keyfile.Key && found.Kind != keyfile.Malformed {
			continue
		}
		where := origins(o, s.field)
		k := inlineKey{place: at, ref: o.Ref, field: s.field, at: where, generated: o.Generated}
		k.holder = Holder{Kind: o.Ref.Kind, Namespace: o.Ref.Namespace, Name: o.Ref.Name, Entry: s.field.String()}
		if isKind(o.Ref, "ConfigMap", "") && len(s.field) == 2 {
			k.holder.Entry = s.field[1].Key
		}
		k.keys = c.copies(found, k.holder, where...)
		if s.field.Equal(object.Keys("metadata", "annotations", lastApplied)) {
			continue
		}
		k.attribute(o, pods)
		c.inline = append(c.inline, k)
	}
}

// again says that the key stands in the values of a release as another object shows them, which are read as the chart's too: it
// is one key at one place.
func (k *inlineKey) again(all []inlineKey) bool {
	return isMergedValue(k.holder) && slices.ContainsFunc(all, func(other inlineKey) bool {
		return other.ref == k.ref && !isMergedValue(other.holder) && sharesPlace(other.at, k.at)
	})
}

// isMergedValue says that a holder is a chart's values merged, and no field of the object itself.
func isMergedValue(h Holder) bool { return strings.HasPrefix(h.Entry, "values.") }

func sharesPlace(a, b []Origin) bool {
	return slices.ContainsFunc(a, func(o Origin) bool { return slices.Contains(b, o) })
}

// attribute finds the container and the variable that hold the key.
func (k *inlineKey) attribute(o *Object, pods []wiring.Pod) {
	for _, p := range pods {
		for _, container := range p.Spec().Containers {
			if !under(o.Content, k.field, container.Field) {
				continue
			}
			k.container, k.containerType, k.podSpec = container.Name, container.Type, p.Path()
			k.field = append(container.Field.Join(), k.field[len(container.Field):]...)
			rest := k.field[len(container.Field):]
			if len(rest) > 1 && rest[0].Key == "env" {
				item, _ := k.field[:len(container.Field)+2].Lookup(o.Content)
				k.env = text(lookup(item, "name"))
				if k.env != "" && unique(o.Content, k.field[:len(container.Field)+1], k.env) {
					k.field[len(container.Field)+1] = object.Item("name", k.env)
				}
			}
			return
		}
	}
}

// unique says that one item alone of the list at field has that name.
func unique(content map[string]any, field object.Path, name string) bool {
	items, _ := field.Lookup(content)
	n := 0
	for _, item := range list(items) {
		if text(lookup(item, "name")) == name {
			n++
		}
	}
	return n == 1
}

// under says that field, written with indexes, lies below outer, which may name its items.
func under(content any, field, outer object.Path) bool {
	if len(field) < len(outer) {
		return false
	}
	for i := range outer {
		if outer[i] == field[i] {
			if next, ok := field[i : i+1].Lookup(content); ok {
				content = next
				continue
			}
			return false
		}
		items, ok := content.([]any)
		if !ok || outer[i].By == "" || outer[i].Position(items) != field[i].Index || field[i].Key != "" {
			return false
		}
		content = items[field[i].Index]
	}
	return true
}

// trail is the path of a walk at its root. A walk goes on with append, which writes over the steps of the fields before:
// whatever keeps a path keeps a copy (Join). A path of its own for each field would be most of what a walk costs.
func trail() object.Path { return make(object.Path, 0, 32) }

// A stringWalk collects the strings that may hold a key.
type stringWalk struct {
	found []stringField
}

type stringField struct {
	field object.Path
	value string
}

func (w *stringWalk) walk(value any, at object.Path, depth int) {
	if depth > 1000 {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			switch item := v[key].(type) {
			case string:
				if mayHoldKey(item) {
					w.found = append(w.found, stringField{at.Join(object.Key(key)), item})
				}
			case map[string]any, []any:
				w.walk(item, append(at, object.Key(key)), depth+1)
			}
		}
	case []any:
		for i, raw := range v {
			switch item := raw.(type) {
			case string:
				if mayHoldKey(item) {
					w.found = append(w.found, stringField{at.Join(object.At(i)), item})
				}
			case map[string]any, []any:
				w.walk(item, append(at, object.At(i)), depth+1)
			}
		}
	}
}

// mayHoldKey is a cheap look at a string: whether it is long enough for a key, and has its words or a run of base64.
func mayHoldKey(s string) bool {
	if len(s) < 100 {
		return false
	}
	for _, mark := range []string{"private_key", "PRIVATE KEY", "refresh_token", "_json_key"} {
		if strings.Contains(s, mark) {
			return true
		}
	}
	run := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c == '=', c == '-', c == '_', c == '%':
			run++
		case c == '\n' || c == '\r':
		default:
			run = 0
		}
		if run >= 120 {
			return true
		}
	}
	return false
}

// decoded is a Secret's value without its base64, or the value itself.
func decoded(value []byte) []byte {
	if out, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(value))); err == nil {
		return out
	}
	return slices.Clone(value)
}
