package chart

import (
	"path"
	"slices"
	"strings"

	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// A Release is one use of a chart: who it is for, and what values it gets.
type Release struct {
	ID        string // the root that its objects name: the chart's folder, and what tells this release from others
	Chart     *Chart
	Name      string
	Namespace string   // "" where it is not known
	Layers    []*Layer // over the chart's own values; later ones win

	levels int
	roots  func(file string) []string
}

// UnknownNamespace stands for the namespace of a release that is not known. It is taken out of what is rendered.
const UnknownNamespace = "dekey-namespace-not-known"

// NewRelease makes a release. roots gives the releases that a file takes part in; levels bounds the depth of documents.
func NewRelease(id string, c *Chart, name, namespace string, layers []*Layer, levels int, roots func(string) []string) *Release {
	return &Release{ID: id, Chart: c, Name: name, Namespace: namespace, Layers: layers, levels: levels, roots: roots}
}

// all are the layers with the chart's own.
func (r *Release) all() []*Layer {
	if r.Chart.Own == nil {
		return r.Layers
	}
	return append([]*Layer{r.Chart.Own}, r.Layers...)
}

// Values are the values that the chart is rendered with.
func (r *Release) Values() map[string]any { return Merge(r.all()) }

// Files are the files that the release is made of, sorted.
func (r *Release) Files() []string {
	var names []string
	for name := range r.Chart.Files {
		names = append(names, path.Join(r.Chart.Dir, name))
	}
	for _, l := range r.Layers {
		names = append(names, l.File)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// An Object is one object of a rendered template. It is an object.Locator once it is traced.
type Object struct {
	Content  map[string]any
	Text     []byte // of its document
	Template string // the path in the chart
	Index    int    // of its document in the rendered text, and of it in a list there

	release     *Release
	source      string
	leaves      []leaf
	annotations *object.Path // the value that holds annotations of the object
	accounts    []decision
	toggled     []toggled
}

// A Rendered is the text that one template gave; Again is that of a second time, where it differs.
type Rendered struct{ Template, Text, Again string }

// Objects reads what was rendered. why names a template whose text is no YAML.
func (r *Release) Objects(templates []Rendered, source string) (objects []*Object, why string) {
	for _, t := range templates {
		documents, _ := document.Split([]byte(t.Text), 10_000)
		again, _ := document.Split([]byte(t.Again), 10_000)
		for i, d := range documents {
			content, ok := r.content(d)
			if !ok {
				why = "what the template " + path.Join(r.Chart.Dir, t.Template) + " gives is no YAML"
				continue
			}
			if len(again) == len(documents) {
				if other, ok := r.content(again[i]); ok {
					steady(content, other)
				}
			}
			if content == nil {
				continue
			}
			objects = append(objects, &Object{Content: content, Text: d.Text, Template: t.Template, Index: i, release: r, source: source})
		}
	}
	return objects, why
}

func (r *Release) content(d document.Document) (map[string]any, bool) {
	node, problem := document.Parse(d, r.levels)
	if problem != nil || node.Rest {
		return nil, false
	}
	value, problem := node.Value()
	if problem != nil {
		return nil, false
	}
	content, ok := value.(map[string]any)
	return content, ok || value == nil
}

// Random stands for text that differs from rendering to rendering.
const Random = "differs from rendering to rendering"

// steady replaces what two renderings do not have in common.
func steady(value, other any) any {
	switch v := value.(type) {
	case map[string]any:
		if o, ok := other.(map[string]any); ok {
			for key, item := range v {
				v[key] = steady(item, o[key])
			}
		}
	case []any:
		if o, ok := other.([]any); ok && len(o) == len(v) {
			for i, item := range v {
				v[i] = steady(item, o[i])
			}
		}
	case string:
		if o, ok := other.(string); ok && o != v {
			return Random
		}
	}
	return value
}

// Key tells the objects of one rendering apart, and is the same in the next.
func (o *Object) Key() string { return o.Template + "\x00" + string(rune(o.Index)) }

// Origins are where the object is written: its template.
func (o *Object) Origins() []object.Origin {
	origin := object.Origin{Source: o.source, Path: path.Join(o.release.Chart.Dir, o.Template), Document: 1, Line: 1, Column: 1}
	if s := o.read(); s != nil {
		if d, _, ok := s.find(o.Content, nil); ok {
			at := d.node.Start()
			origin.Document, origin.Line, origin.Column = d.index, at.Line, at.Column
		}
	}
	return []object.Origin{origin}
}

func (o *Object) read() *source {
	text, ok := o.release.Chart.Files[o.Template]
	if !ok {
		return nil
	}
	return readSource(text, o.release.levels)
}

// HasTemplate says whether a file of the chart is a template that can give objects.
func HasTemplate(name string) bool {
	return strings.HasPrefix(name, "templates/") && !strings.HasPrefix(path.Base(name), "_")
}
