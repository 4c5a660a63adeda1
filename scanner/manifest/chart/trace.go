package chart

import (
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dekey/scanner/object"
)

// A leaf is a text in a rendered object that comes from a value.
type leaf struct {
	field object.Path // in the object
	layer *Layer
	value object.Path // in the layer's values
	exact bool        // the text is the value, and not only holds it
}

// A Mark is a text among the values that was marked, so that it is seen where it comes out.
type Mark struct {
	layer *Layer
	value object.Path
	text  string
}

// maxMarks bounds how many values are marked.
const maxMarks = 400

// Marks are the texts among the values that objects may have from them.
func (r *Release) Marks(objects []*Object) []Mark {
	seen := map[string]bool{}
	for _, o := range objects {
		eachText(o.Content, nil, func(_ object.Path, text string) { seen[text] = true })
	}
	var marks []Mark
	for _, l := range r.all() {
		eachText(l.Values, nil, func(at object.Path, text string) {
			if len(text) < 2 || len(marks) == maxMarks {
				return
			}
			found := seen[text]
			for other := range seen {
				found = found || len(text) > 4 && strings.Contains(other, text)
			}
			if found {
				marks = append(marks, Mark{layer: l, value: at, text: text})
			}
		})
	}
	return marks
}

// eachText calls take for every text in a value, in the order of the keys.
func eachText(value any, at object.Path, take func(at object.Path, text string)) {
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			if key != "" {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			eachText(v[key], at.Join(object.Key(key)), take)
		}
	case []any:
		for i, item := range v {
			eachText(item, at.Join(object.At(i)), take)
		}
	case string:
		take(at, v)
	}
}

var marker = regexp.MustCompile(`-dk([0-9]+)z`)

func (m Mark) marked(n int) string { return fmt.Sprintf("%s-dk%dz", m.text, n) }

// Marked are the values with some of the marks, by their numbers.
func (r *Release) Marked(marks []Mark, which ...int) map[string]any {
	var layers []*Layer
	for _, l := range r.all() {
		values := Clone(l.Values)
		for _, n := range which {
			if marks[n].layer == l {
				values = put(values, marks[n].value, marks[n].marked(n))
			}
		}
		same := *l
		same.Values, _ = values.(map[string]any)
		layers = append(layers, &same)
	}
	return Merge(layers)
}

// Trace learns from a rendering with marked values where the objects have their texts from. It is false when the marks
// changed more than texts: then nothing was learned.
func Trace(objects, marked []*Object, marks []Mark) bool {
	byKey := map[string]*Object{}
	for _, o := range marked {
		byKey[o.Key()] = o
	}
	found := make([][]leaf, len(objects))
	for i, o := range objects {
		other := byKey[o.Key()]
		if other == nil || !compare(o.Content, other.Content, nil, marks, &found[i]) {
			return false
		}
	}
	for i, o := range objects {
		o.leaves = append(o.leaves, found[i]...)
	}
	return true
}

func compare(plain, marked any, at object.Path, marks []Mark, found *[]leaf) bool {
	switch p := plain.(type) {
	case map[string]any:
		m, ok := marked.(map[string]any)
		if !ok || len(m) != len(p) {
			return false
		}
		for key, item := range p {
			other, there := m[key]
			if !there || key == "" || !compare(item, other, at.Join(object.Key(key)), marks, found) {
				return false
			}
		}
		return true
	case []any:
		m, ok := marked.([]any)
		if !ok || len(m) != len(p) {
			return false
		}
		for i := range p {
			if !compare(p[i], m[i], at.Join(object.At(i)), marks, found) {
				return false
			}
		}
		return true
	case string:
		m, ok := marked.(string)
		if !ok || m == p {
			return ok
		}
		if marker.ReplaceAllString(m, "") != p {
			return p == Random || checksum(at) // of what is marked
		}
		for _, match := range marker.FindAllStringSubmatch(m, -1) {
			n, err := strconv.Atoi(match[1])
			if err != nil || n >= len(marks) {
				return false
			}
			*found = append(*found, leaf{field: at, layer: marks[n].layer, value: marks[n].value, exact: m == marks[n].marked(n)})
		}
		return true
	}
	return reflect.DeepEqual(plain, marked)
}

// checksum says whether a field can hold a checksum of something else: by custom, an annotation does.
func checksum(at object.Path) bool {
	return slices.ContainsFunc(at, func(s object.Step) bool { return s.Key == "annotations" })
}

// annotationProbe starts the annotations by which it is seen whose annotations a value holds.
const annotationProbe = "dekey.trace/value-"

// Probed are the values with an annotation in each place that is named like annotations of a service account; and the
// places.
func (r *Release) Probed() (values map[string]any, places []object.Path) {
	values = r.Values()
	var find func(value any, at object.Path)
	find = func(value any, at object.Path) {
		m, _ := value.(map[string]any)
		keys := make([]string, 0, len(m))
		for key := range m {
			if key != "" {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			here := at.Join(object.Key(key))
			if strings.EqualFold(key, "serviceAccount") {
				if account, ok := m[key].(map[string]any); ok {
					if _, isMap := account["annotations"].(map[string]any); isMap || account["annotations"] == nil {
						places = append(places, here.Join(object.Key("annotations")))
					}
				}
			} else if strings.EqualFold(key, "serviceAccountAnnotations") {
				places = append(places, here)
			}
			find(m[key], here)
		}
	}
	find(values, nil)
	for i, at := range places {
		values, _ = put(values, at.Join(object.Key(annotationProbe+strconv.Itoa(i))), "").(map[string]any)
	}
	return values, places
}

// LearnProbes sees in which objects the annotations came out.
func LearnProbes(objects, probed []*Object, places []object.Path) {
	byKey := map[string]*Object{}
	for _, o := range probed {
		byKey[o.Key()] = o
	}
	for _, o := range objects {
		other := byKey[o.Key()]
		if other == nil {
			continue
		}
		found, _ := object.Keys("metadata", "annotations").Lookup(other.Content)
		annotations, _ := found.(map[string]any)
		for i := range places {
			if _, there := annotations[annotationProbe+strconv.Itoa(i)]; there {
				o.annotations = &places[i]
			}
		}
	}
}

// Locate finds where a field is written: in the values that it comes from, else in the template.
func (o *Object) Locate(field object.Path) []object.Place {
	indexed := byIndex(field, o.Content)
	for _, l := range o.leaves {
		if l.exact && indexed != nil && l.field.Equal(indexed) {
			if p, ok := o.place(l.layer, l.value); ok {
				return []object.Place{p}
			}
		}
	}
	if p, ok := o.whole(field, indexed); ok {
		return []object.Place{p}
	}
	if p, ok := o.variable(field, indexed); ok {
		return []object.Place{p}
	}
	if p, ok := o.annotation(field); ok {
		return []object.Place{p}
	}
	s := o.read()
	if s == nil {
		return nil
	}
	d, at, ok := s.find(o.Content, field)
	if !ok {
		return nil
	}
	where, _ := d.node.Locate(at)
	file := path.Join(o.release.Chart.Dir, o.Template)
	return []object.Place{{
		Role: object.Template, Field: at, Roots: o.release.roots(file),
		Origin: object.Origin{Source: o.source, Path: file, Document: d.index, Line: where.Line, Column: where.Column},
	}}
}

func (o *Object) place(l *Layer, value object.Path) (object.Place, bool) {
	p, ok := l.place(value)
	p.Origin.Source, p.Roots = o.source, o.release.roots(l.Name())
	p.Covers = o.release.covers(l, value)
	return p, ok
}

// covers says whether a layer below has a value, or a list that the value is an item of, in the same place.
func (r *Release) covers(l *Layer, value object.Path) bool {
	if i := slices.IndexFunc(value, func(s object.Step) bool { return s.Key == "" }); i >= 0 {
		value = value[:i]
	}
	below := r.Chart.below()
	for _, other := range r.all() {
		if other == l {
			break
		}
		merge(below, other.Values)
	}
	found, ok := value.Lookup(below)
	list, isList := found.([]any)
	return ok && found != nil && (!isList || len(list) > 0)
}

// byIndex spells a field with the indexes of its items; nil where it is not in the content.
func byIndex(field object.Path, content any) object.Path {
	at := object.Path{}
	for _, step := range field {
		if step.Key != "" {
			m, _ := content.(map[string]any)
			next, ok := m[step.Key]
			if !ok {
				return nil
			}
			content, at = next, append(at, step)
			continue
		}
		list, _ := content.([]any)
		i := step.Position(list)
		if i < 0 {
			return nil
		}
		content, at = list[i], append(at, object.At(i))
	}
	return at
}

// whole finds the value that a map or list comes from: what stands in it comes from below the same value, and both are
// equal.
func (o *Object) whole(field, indexed object.Path) (object.Place, bool) {
	if indexed == nil {
		return object.Place{}, false
	}
	rendered, _ := field.Lookup(o.Content)
	for _, l := range o.leaves {
		rest := len(l.field) - len(indexed)
		if !l.exact || rest <= 0 || rest >= len(l.value) || !l.field.HasPrefix(indexed) {
			continue
		}
		base := l.value[:len(l.value)-rest]
		if !l.field[len(indexed):].Equal(l.value[len(base):]) {
			continue
		}
		if value, ok := base.Lookup(l.layer.Values); !ok || !reflect.DeepEqual(value, rendered) {
			continue
		}
		if p, ok := o.place(l.layer, base); ok {
			return p, true
		}
	}
	return object.Place{}, false
}

// variable is the value that a container's variable is made of, where its name is the key: env: {NAME: value}.
func (o *Object) variable(field, indexed object.Path) (object.Place, bool) {
	if indexed == nil || len(field) < 2 || field[len(field)-2].Key != "env" || field[len(field)-1].By != "name" {
		return object.Place{}, false
	}
	for _, l := range o.leaves {
		if l.exact && l.field.Equal(indexed.Join(object.Key("value"))) && l.value[len(l.value)-1] == object.Key(field[len(field)-1].Value) {
			return o.place(l.layer, l.value)
		}
	}
	return object.Place{}, false
}

// annotation is the value that holds the annotations of the object, in the last layer that has it or what it is in.
func (o *Object) annotation(field object.Path) (object.Place, bool) {
	under := object.Keys("metadata", "annotations")
	if o.annotations == nil || !field.HasPrefix(under) {
		return object.Place{}, false
	}
	layers := o.release.all()
	for i := len(layers) - 1; i >= 0; i-- {
		if p, ok := o.place(layers[i], *o.annotations); ok {
			if p.Inner != nil {
				p.Inner = p.Inner.Join(field[len(under):]...)
			} else {
				p.Field = p.Field.Join(field[len(under):]...)
			}
			return p, true
		}
	}
	return object.Place{}, false
}

// LocateOwn is where this release alone can have another value for a field: the last layer that no other release gets. It may
// not have the value yet. None where there is no such layer, or the field is not one value.
func (o *Object) LocateOwn(field object.Path) []object.Place {
	value, ok := o.valueOf(field)
	if !ok {
		return nil
	}
	for _, l := range slices.Backward(o.release.Layers) {
		if len(o.release.roots(l.Name())) != 1 {
			continue
		}
		if p, ok := l.room(value); ok {
			p.Origin.Source, p.Roots = o.source, o.release.roots(l.Name())
			return []object.Place{p}
		}
	}
	return nil
}

// valueOf is the path among the values that a field is, or would be.
func (o *Object) valueOf(field object.Path) (object.Path, bool) {
	if indexed := byIndex(field, o.Content); indexed != nil {
		for _, l := range o.leaves {
			if l.exact && l.field.Equal(indexed) {
				return l.value, true
			}
		}
	}
	under := object.Keys("metadata", "annotations")
	if o.annotations != nil && field.HasPrefix(under) && len(field) > len(under) {
		return o.annotations.Join(field[len(under):]...), true
	}
	return nil, false
}
