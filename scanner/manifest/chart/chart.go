// Package chart knows what a Helm chart in a checkout is made of, which values its releases give it, and where the fields
// of what it renders are written: in the values, or in the template.
//
// It renders nothing: the library does, in a process of its own. A field is traced to the values by rendering once more
// with marked values, and to the template by reading the template with its actions masked.
package chart

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// Files are the files of a checkout.
type Files interface {
	ReadFile(name string) ([]byte, error)
	List(name string) ([]fs.DirEntry, error)
}

// A Chart is a chart in the checkout.
type Chart struct {
	Dir     string
	Name    string
	Library bool
	// Missing are the dependencies that the checkout does not have: charts of others, that are not rendered.
	Missing []Dependency
	Files   map[string][]byte // by the path in the chart
	// Own are the chart's own values, nil without any.
	Own *Layer

	keys map[string][]string // of the values of the charts that it depends on, by their names
}

// A Dependency is another chart that a chart uses. Key is the key of its values.
type Dependency struct{ Name, Key string }

// The bounds of what is read of one chart.
const (
	maxFiles = 5000
	maxBytes = 32 << 20
	maxDepth = 20
)

// Load reads a chart. levels bounds the depth of its values.
func Load(files Files, dir string, levels int) (*Chart, string) {
	c := &Chart{Dir: dir, Files: map[string][]byte{}, keys: map[string][]string{}}
	left := maxBytes
	if why := c.read(files, "", 0, &left); why != "" {
		return nil, why
	}
	about := decode(c.Files["Chart.yaml"], levels)
	c.Name, _ = about["name"].(string)
	if c.Name == "" {
		return nil, "the chart has no name"
	}
	c.Library = about["type"] == "library"
	dependencies, _ := about["dependencies"].([]any)
	if dependencies == nil { // charts of version 1
		dependencies, _ = decode(c.Files["requirements.yaml"], levels)["dependencies"].([]any)
	}
	for _, item := range dependencies {
		d, _ := item.(map[string]any)
		name, _ := d["name"].(string)
		key, _ := d["alias"].(string)
		if key == "" {
			key = name
		}
		c.keys[name] = append(c.keys[name], key)
		if name != "" && !c.has(name) {
			c.Missing = append(c.Missing, Dependency{Name: name, Key: key})
		}
	}
	if text, ok := c.Files["values.yaml"]; ok {
		layer, problem := ParseLayer(path.Join(dir, "values.yaml"), text, levels)
		if problem != nil {
			return nil, "its values.yaml can not be read"
		}
		c.Own = layer
	}
	return c, ""
}

// has says whether the chart holds another one.
func (c *Chart) has(name string) bool {
	for file := range c.Files {
		rest, ok := strings.CutPrefix(file, "charts/")
		if ok && (strings.HasPrefix(rest, name+"/") || strings.HasPrefix(rest, name+"-") && strings.HasSuffix(rest, ".tgz")) {
			return true
		}
	}
	return false
}

func (c *Chart) read(files Files, dir string, depth int, left *int) string {
	entries, err := files.List(path.Join(c.Dir, dir))
	if err != nil {
		return "the chart can not be listed"
	}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		switch {
		case strings.EqualFold(entry.Name(), ".git"):
		case entry.IsDir():
			if depth == maxDepth {
				return "the chart's folders are nested too deep"
			}
			if why := c.read(files, name, depth+1, left); why != "" {
				return why
			}
		case entry.Type().IsRegular() || entry.Type()&fs.ModeSymlink != 0 && strings.Contains(name, "templates/"):
			text, err := files.ReadFile(path.Join(c.Dir, name))
			if err != nil {
				continue // the walk has said it
			}
			if *left -= len(text); *left < 0 || len(c.Files) == maxFiles {
				return "the chart is too large"
			}
			c.Files[name] = text
		}
	}
	return ""
}

func decode(text []byte, levels int) map[string]any {
	documents, _ := document.Split(text, 1)
	if len(documents) == 0 {
		return nil
	}
	node, problem := document.Parse(documents[0], levels)
	if problem != nil {
		return nil
	}
	value, _ := node.Value()
	content, _ := value.(map[string]any)
	return content
}

// BesideValues are the files in the chart's folder that hold values for one of its releases, sorted.
func (c *Chart) BesideValues() []string {
	var names []string
	for name := range c.Files {
		dir, base := path.Split(name)
		stem, yaml := strings.CutSuffix(base, ".yaml")
		if !yaml {
			stem, yaml = strings.CutSuffix(base, ".yml")
		}
		if !yaml || stem == "values" || dir != "" && dir != "values/" {
			continue
		}
		for _, separator := range []string{"-", ".", "_"} {
			if dir == "values/" || strings.HasPrefix(stem, "values"+separator) || strings.HasSuffix(stem, separator+"values") {
				names = append(names, path.Join(c.Dir, name))
				break
			}
		}
	}
	slices.Sort(names)
	return names
}

// A Layer is one set of values: a file, or what a release writes out. Later layers win.
type Layer struct {
	File     string
	Document int
	Values   map[string]any
	// At is where the values stand in the document; for parameters, where each of them does.
	At     object.Path
	Inline *Inline // the values are the text of a scalar
	// Parameters are values that are given one by one, with where each stands in the document.
	Parameters []Parameter

	node *document.Node
	file []byte
}

// Name tells the layer from all others: its file, and where it stands there when that is not all of it.
func (l *Layer) Name() string {
	field := l.At
	switch {
	case l.Inline != nil:
		field = l.Inline.Field
	case l.Parameters != nil:
		field = l.Parameters[0].Field
	}
	if len(field) == 0 {
		return l.File
	}
	return l.File + "#" + strconv.Itoa(l.Document) + "#" + field.String()
}

// An Inline is values as a text in another document.
type Inline struct {
	Text  document.Text
	Field object.Path
	node  *document.Node
}

// A Parameter is one value, by its path.
type Parameter struct{ Value, Field object.Path }

// ParseLayer reads a file of values.
func ParseLayer(file string, text []byte, levels int) (*Layer, *document.Error) {
	documents, _ := document.Split(text, 2)
	layer := &Layer{File: file, Document: 1, Values: map[string]any{}, file: text}
	if len(documents) == 0 {
		return layer, nil
	}
	node, problem := document.Parse(documents[0], levels)
	if problem == nil && node.Rest {
		problem = &document.Error{Line: 1, Why: "found text after the end of the document"}
	}
	if problem != nil {
		return nil, problem
	}
	value, problem := node.Value()
	if problem != nil {
		return nil, problem
	}
	layer.node, layer.Document = node, documents[0].Index
	if value != nil {
		content, ok := value.(map[string]any)
		if !ok {
			return nil, &document.Error{Line: documents[0].Line, Why: "holds no values"}
		}
		layer.Values = content
	}
	return layer, nil
}

// WrittenLayer is values that stand in another document, at a path.
func WrittenLayer(file string, index int, text []byte, node *document.Node, at object.Path, values map[string]any) *Layer {
	return &Layer{File: file, Document: index, Values: values, At: at, node: node, file: text}
}

// TextLayer is values that stand in another document, as the text of a scalar at a path.
func TextLayer(file string, index int, text []byte, node *document.Node, at object.Path, levels int) (*Layer, *document.Error) {
	scalar, ok := node.Text(at)
	if !ok {
		return nil, &document.Error{Why: "holds no values"}
	}
	inner, problem := ParseLayer(file, []byte(scalar.Value), levels)
	if problem != nil {
		problem.Line = scalar.Line
		return nil, problem
	}
	return &Layer{
		File: file, Document: index, Values: inner.Values, node: node, file: text,
		Inline: &Inline{Text: scalar, Field: at, node: inner.node},
	}, nil
}

// ParameterLayer is values that are given one by one.
func ParameterLayer(file string, index int, text []byte, node *document.Node) *Layer {
	return &Layer{File: file, Document: index, Values: map[string]any{}, node: node, file: text}
}

// SetText gives one value by its name, as Helm's --set does: what reads as true, false, null or a whole number is one.
// https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set
func (l *Layer) SetText(name, text string, field object.Path) {
	var value any = text
	switch {
	case text == "true" || text == "false":
		value = text == "true"
	case text == "null":
		value = nil
	case text == "0" || text != "" && text[0] != '0':
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			value = n
		}
	}
	l.Set(name, value, field)
}

// Set gives one value by its name: a.b[0].c, as Helm's --set spells it.
func (l *Layer) Set(name string, value any, field object.Path) {
	at, ok := parseName(name)
	if !ok {
		return
	}
	l.Values, _ = put(l.Values, at, value).(map[string]any)
	l.Parameters = append(l.Parameters, Parameter{Value: at, Field: field})
}

// writesText says whether a value is a parameter that is written as a text.
func (l *Layer) writesText(value object.Path) bool {
	for _, p := range l.Parameters {
		if p.Value.Equal(value) {
			value, _ := l.node.Value()
			written, _ := p.Field.Lookup(value)
			_, ok := written.(string)
			return ok
		}
	}
	return false
}

func parseName(name string) (object.Path, bool) {
	var at object.Path
	for part := range strings.SplitSeq(strings.ReplaceAll(name, `\.`, "\x00"), ".") {
		part = strings.ReplaceAll(part, "\x00", ".")
		key, rest, _ := strings.Cut(part, "[")
		if key == "" {
			return nil, false
		}
		at = append(at, object.Key(key))
		for rest != "" {
			digits, after, ok := strings.Cut(rest, "]")
			n := 0
			for _, d := range digits {
				if d < '0' || d > '9' || n > 1000 {
					return nil, false
				}
				n = n*10 + int(d-'0')
			}
			if !ok || digits == "" {
				return nil, false
			}
			at, rest = append(at, object.At(n)), strings.TrimPrefix(after, "[")
		}
	}
	return at, len(at) > 0
}

// put is value with another one at a path.
func put(in any, at object.Path, value any) any {
	if len(at) == 0 {
		return value
	}
	if at[0].Key != "" {
		m, ok := in.(map[string]any)
		if !ok {
			m = map[string]any{}
		}
		m[at[0].Key] = put(m[at[0].Key], at[1:], value)
		return m
	}
	list, _ := in.([]any)
	for len(list) <= at[0].Index {
		list = append(list, nil)
	}
	list[at[0].Index] = put(list[at[0].Index], at[1:], value)
	return list
}

// place is where a value of the layer is written.
func (l *Layer) place(value object.Path) (object.Place, bool) {
	p := object.Place{Role: object.Values, Origin: object.Origin{Path: l.File, Document: l.Document}}
	if l.node == nil {
		return p, false
	}
	var at document.Position
	var ok bool
	switch {
	case l.Inline != nil:
		if l.Inline.node == nil {
			return p, false
		}
		p.Field, p.Inner = l.Inline.Field, value
		if at, ok = l.Inline.node.Locate(value); ok {
			at = l.Inline.Text.InFile(at, l.file)
		}
	case l.Parameters != nil:
		for _, parameter := range l.Parameters {
			if parameter.Value.Equal(value) {
				p.Field = parameter.Field
				at, ok = l.node.Locate(p.Field)
			}
		}
	default:
		p.Field = l.At.Join(value...)
		at, ok = l.node.Locate(p.Field)
	}
	p.Origin.Line, p.Origin.Column = at.Line, at.Column
	return p, ok
}

// room is where a value of the layer is written, or would be: then the place is that of the nearest map around it. False for
// parameters, and for a path through a list, which would replace the list.
func (l *Layer) room(value object.Path) (object.Place, bool) {
	if l.Parameters != nil || slices.ContainsFunc(value, func(s object.Step) bool { return s.Key == "" }) {
		return object.Place{}, false
	}
	for n := len(value); n >= 0; n-- {
		p, ok := l.place(value[:n])
		if !ok {
			continue
		}
		if p.Inner != nil || l.Inline != nil {
			p.Inner = value
		} else {
			p.Field = l.At.Join(value...)
		}
		return p, true
	}
	return object.Place{}, false
}

// Merge lays values over each other, as Helm does: maps are merged, everything else is replaced.
func Merge(layers []*Layer) map[string]any {
	merged := map[string]any{}
	for _, l := range layers {
		if l != nil {
			merge(merged, l.Values)
		}
	}
	return merged
}

func merge(into, from map[string]any) {
	for key, value := range from {
		if inner, ok := value.(map[string]any); ok {
			if old, ok := into[key].(map[string]any); ok {
				merge(old, inner)
				continue
			}
		}
		into[key] = Clone(value)
	}
}

// Clone is a copy of a decoded value.
func Clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[key] = Clone(item)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = Clone(item)
		}
		return list
	}
	return value
}
