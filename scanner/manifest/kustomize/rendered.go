package kustomize

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"dekey/scanner/object"
)

// A Rendered object knows which documents made it. It is an object.Locator.
type Rendered struct {
	Content map[string]any
	Traces  []*Trace // in the order in which they were applied
	Origins []object.Origin

	build  *Build
	source string
}

// Take reads one rendered object: its content without the marks, and the documents that made it. source is the id that
// its origins name. The result is nil for a generated object whose content is not known.
func (b *Build) Take(content map[string]any, source string) *Rendered {
	r := &Rendered{Content: content, build: b, source: source}
	var numbers []int
	if metadata, ok := content["metadata"].(map[string]any); ok {
		if annotations, ok := metadata["annotations"].(map[string]any); ok {
			for key := range annotations {
				if text, marked := strings.CutPrefix(key, markPrefix); marked {
					if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(b.Traces) {
						numbers = append(numbers, n)
					}
					delete(annotations, key)
				}
			}
			if len(annotations) == 0 {
				delete(metadata, "annotations")
			}
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		t := b.Traces[n]
		if t.Missing {
			return nil
		}
		r.Traces = append(r.Traces, t)
	}
	r.order()
	for _, t := range r.Traces {
		origin := t.origin(source)
		if !slices.Contains(r.Origins, origin) {
			r.Origins = append(r.Origins, origin)
		}
	}
	return r
}

// order puts the manifest or generators first: patches are applied to what is there.
func (r *Rendered) order() {
	slices.SortStableFunc(r.Traces, func(a, b *Trace) int { return rank(a) - rank(b) })
}

func rank(t *Trace) int {
	if t.Role == object.Manifest || t.Role == object.Generator {
		return 0
	}
	return 1
}

// origin is where the document's object, patch or entry starts.
func (t *Trace) origin(source string) object.Origin {
	at, _ := t.Node.LocateValue(t.Prefix)
	if t.Inline != nil {
		at = t.Inline.Text.InFile(t.Node.Start(), t.file)
	}
	return object.Origin{Source: source, Path: t.File, Document: t.Document, Line: at.Line, Column: at.Column}
}

// Locate finds where a field of the object is written: the manifest and every patch that sets it, in the order in
// which they are applied.
func (r *Rendered) Locate(field object.Path) []object.Place {
	var places []object.Place
	value, _ := field.Lookup(r.Content)
	for _, t := range r.Traces {
		var inner object.Path
		var ok bool
		switch t.Role {
		case object.JSON6902:
			inner, ok = t.operation(field, value, r.Content)
		case object.Generator:
			inner, ok = t.generated(field)
		default:
			inner, ok = t.written(field, value)
		}
		if ok {
			places = append(places, r.place(t, inner))
		}
	}
	if field.Equal(object.Keys("metadata", "namespace")) {
		places = append(places, r.namespaces()...)
	}
	return places
}

func (r *Rendered) place(t *Trace, inner object.Path) object.Place {
	at, _ := t.Node.Locate(inner)
	p := object.Place{
		Role: t.Role, Field: inner, Roots: r.build.graph.Roots(t.File),
		Origin: object.Origin{Source: r.source, Path: t.File, Document: t.Document},
	}
	if t.Inline != nil {
		at = t.Inline.Text.InFile(at, t.file)
		p.Field, p.Inner = t.Inline.Field, inner
	}
	p.Origin.Line, p.Origin.Column = at.Line, at.Column
	return p
}

// namespaces are the kustomizations that set the namespace of what they use; the outermost wins, and comes last.
func (r *Rendered) namespaces() []object.Place {
	var places []object.Place
	for _, k := range r.build.chain {
		node, _ := k.parsed()
		at, ok := node.Locate(object.Keys("namespace"))
		if k.Namespace == "" || k.Namespace != r.Content["metadata"].(map[string]any)["namespace"] || !ok {
			continue
		}
		places = append(places, object.Place{
			Role: object.Setting, Field: object.Keys("namespace"), Roots: r.build.graph.Roots(k.File),
			Origin: object.Origin{Source: r.source, Path: k.File, Document: 1, Line: at.Line, Column: at.Column},
		})
	}
	return places
}

// written finds a field in a manifest or a strategic-merge patch. Items that are found by a name have it there too. An
// item that is found by its index is the one with the same value: patches move items.
func (t *Trace) written(field object.Path, rendered any) (object.Path, bool) {
	value, ok := field.Lookup(t.content)
	last := len(field) - 1
	if last >= 0 && field[last].Key == "" && field[last].By == "" && (!ok || !reflect.DeepEqual(value, rendered)) {
		list, _ := field.Parent().Lookup(t.content)
		items, _ := list.([]any)
		i := only(items, rendered)
		if i < 0 {
			return nil, false
		}
		field, ok = field.Parent().Join(object.At(i)), true
	}
	if !ok {
		return nil, false
	}
	return t.Prefix.Join(field...), true
}

// only is the index of the one item that equals value, or -1.
func only(items []any, value any) int {
	found := -1
	for i, item := range items {
		if reflect.DeepEqual(item, value) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// operation finds the operation of a JSON patch that wrote a field, and the field in its value.
func (t *Trace) operation(field object.Path, rendered any, content map[string]any) (object.Path, bool) {
	operations, _ := t.content.([]any)
	for i := len(operations) - 1; i >= 0; i-- { // the last one wins
		operation, _ := operations[i].(map[string]any)
		if op, _ := operation["op"].(string); op != "add" && op != "replace" {
			continue
		}
		pointer, _ := operation["path"].(string)
		rest, ok := match(pointer, field, operation["value"], content)
		if !ok {
			continue
		}
		value, ok := rest.Lookup(operation["value"])
		if !ok || len(rest) == 0 && !reflect.DeepEqual(value, rendered) {
			continue
		}
		return object.Path{object.At(i), object.Key("value")}.Join(rest...), true
	}
	return nil, false
}

// match says whether a JSON pointer names the field or what holds it, and gives the rest of the field. Items stand at
// indexes in a pointer, and under names in a field: the rendered object, or the value that is put there, tells.
func match(pointer string, field object.Path, value any, content map[string]any) (object.Path, bool) {
	tokens := strings.Split(pointer, "/")
	if len(tokens) < 2 || tokens[0] != "" || len(tokens)-1 > len(field) {
		return nil, false
	}
	tokens = tokens[1:]
	for i, token := range tokens {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		step := field[i]
		if step.Key != "" {
			if step.Key != token {
				return nil, false
			}
			continue
		}
		index, err := strconv.Atoi(token)
		if err != nil && token != "-" {
			return nil, false
		}
		switch {
		case i == len(tokens)-1 && step.By != "":
			item, ok := value.(map[string]any)
			if !ok || item[step.By] != any(step.Value) {
				return nil, false
			}
		case i < len(tokens)-1:
			list, _ := field[:i].Lookup(content)
			if items, _ := list.([]any); step.Position(items) != index {
				return nil, false
			}
		}
	}
	return field[len(tokens):], true
}

// generated finds the entry of a generator that makes a field of a Secret or ConfigMap.
func (t *Trace) generated(field object.Path) (object.Path, bool) {
	entry, _ := t.content.(map[string]any)
	switch {
	case len(field) == 0:
		return t.Prefix, true
	case field.Equal(object.Keys("metadata", "name")):
		return t.Prefix.Join(object.Key("name")), entry["name"] != nil
	case len(field) == 2 && (field[0].Key == "data" || field[0].Key == "stringData" || field[0].Key == "binaryData"):
	default:
		return nil, false
	}
	for _, list := range []string{"files", "literals"} {
		items, _ := entry[list].([]any)
		for i, item := range items {
			text, _ := item.(string)
			name, _, named := strings.Cut(text, "=")
			if !named {
				name = text[strings.LastIndexByte(text, '/')+1:]
			}
			if name == field[1].Key {
				return t.Prefix.Join(object.Key(list), object.At(i)), true
			}
		}
	}
	return nil, false
}
