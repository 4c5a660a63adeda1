package kustomize

import (
	"bytes"
	"encoding/json"
	"path"
	"strconv"

	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// markPrefix starts the annotations by which a rendered object says which documents made it.
const markPrefix = "dekey.trace/"

// A Trace is one document that takes part in a rendering: a manifest, a patch, a generator's entry.
type Trace struct {
	File     string
	Document int
	Role     object.Role
	Node     *document.Node // of the document, or of the inline patch
	Prefix   object.Path    // of the object in the document
	// For inline patches: the text and its path in the kustomization. Nil otherwise.
	Inline *Inline
	// Missing says that the content of a generated object is not known: a source is not in the checkout.
	Missing bool

	content any // of the object, patch or entry
	file    []byte
}

// An Inline is a patch that is written in a kustomization.
type Inline struct {
	Text  document.Text
	Field object.Path
}

// A Build is a rendering that is ready to be done.
type Build struct {
	Root   string
	Files  map[string][]byte // what the library reads, by absolute path; documents carry marks
	Traces []*Trace          // by the number in the mark
	Read   []string          // the checkout's files that take part
	// Why says why it can not be rendered, or "".
	Why string

	graph  *Graph
	chain  []*Kustomization
	levels int
}

// Build prepares the rendering of a root.
func (g *Graph) Build(root string) *Build {
	b := &Build{Root: root, Files: map[string][]byte{}, graph: g, levels: g.Levels}
	order, cycle := g.below(root)
	if cycle != "" {
		b.Why = "a kustomization uses itself"
		return b
	}
	b.chain = order
	for _, k := range order {
		b.kustomization(k)
	}
	return b
}

func (b *Build) fail(why string) {
	if b.Why == "" {
		b.Why = why
	}
}

func (b *Build) mark(t *Trace) string {
	b.Traces = append(b.Traces, t)
	return markPrefix + strconv.Itoa(len(b.Traces)-1)
}

// kustomization writes one kustomization, without what is left out, and the files that it uses.
func (b *Build) kustomization(k *Kustomization) {
	b.Read = append(b.Read, k.File)
	_, value := k.parsed()
	content := clone(value).(map[string]any)
	drop := map[string]bool{}
	for _, u := range k.Uses {
		switch {
		case u.Problem != "" || (u.Role == Base || u.Role == Component) && b.graph.byDir[u.Path] == nil:
			drop[u.Field.String()] = true
		case u.Text != nil && u.Role == Strategic:
			if !b.inline(k, content, u) {
				drop[u.Field.String()] = true
			}
		case u.Path == "" || u.Role == Base || u.Role == Component:
		case u.Role == Resource || u.Role == Strategic:
			b.documents(u)
		default:
			b.plain(u.Path)
		}
	}
	for _, field := range []string{"secretGenerator", "configMapGenerator"} {
		b.generators(k, content, field)
	}
	prune(content, nil, drop)
	options, _ := content["generatorOptions"].(map[string]any)
	if options == nil {
		options = map[string]any{}
	}
	options["disableNameSuffixHash"] = true // generated objects go by their name without it
	content["generatorOptions"] = options
	delete(content, "buildMetadata")
	b.write(path.Join(k.Dir, "kustomization.yaml"), content)
}

func (b *Build) write(name string, content any) {
	text, err := json.Marshal(content)
	if err != nil {
		b.fail("a document can not be passed on")
		return
	}
	b.Files["/"+name] = append(text, '\n')
}

func (b *Build) plain(name string) {
	text, err := b.graph.Files.ReadFile(name)
	if err != nil {
		b.fail("a file that it uses can not be read")
		return
	}
	b.Read = append(b.Read, name)
	b.Files["/"+name] = text
}

// documents writes a file of objects or patches, with a mark in each.
func (b *Build) documents(u Use) {
	if b.Files["/"+u.Path] != nil {
		return // two kustomizations use it
	}
	file, err := b.graph.Files.ReadFile(u.Path)
	if err != nil {
		b.fail("a file that it uses can not be read")
		return
	}
	b.Read = append(b.Read, u.Path)
	text := b.marked(u, file, &Trace{File: u.Path, file: file})
	if text == nil {
		text = []byte{'\n'}
	}
	b.Files["/"+u.Path] = text
}

// inline writes an inline patch back into the kustomization, with a mark. Without any document it is left out.
func (b *Build) inline(k *Kustomization, content map[string]any, u Use) bool {
	node, _ := k.parsed()
	text, ok := node.Text(u.Text)
	if !ok {
		return false
	}
	marked := b.marked(u, []byte(text.Value), &Trace{File: k.File, Document: 1, file: k.text, Inline: &Inline{Text: text, Field: u.Text}})
	if marked == nil {
		return false
	}
	set(content, u.Text, string(marked))
	return true
}

// marked gives the documents of a text as JSON, with a mark in each; nil where there is none.
func (b *Build) marked(u Use, text []byte, like *Trace) []byte {
	var out bytes.Buffer
	documents, _ := document.Split(text, 100_000)
	for _, d := range documents {
		node, err := document.Parse(d, b.levels)
		if err == nil && node.Rest {
			err = &document.Error{}
		}
		var value any
		if err == nil {
			value, err = node.Value()
		}
		if err != nil {
			b.fail("a file that it uses can not be read")
			return nil
		}
		if value == nil {
			continue
		}
		t := *like
		t.Node, t.content = node, value
		if t.Inline == nil {
			t.Document = d.Index
		}
		switch v := clone(value).(type) {
		case map[string]any:
			value = b.markObject(u, v, &t, nil)
		case []any:
			t.Role = object.JSON6902
			value = append(v, map[string]any{"op": "add", "path": "/metadata/annotations/" + escape(b.mark(&t)), "value": ""})
		}
		line, failed := json.Marshal(value)
		if failed != nil {
			b.fail("a document can not be passed on")
			return nil
		}
		if out.Len() > 0 {
			out.WriteString("---\n")
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func escape(token string) string {
	return string(bytes.ReplaceAll([]byte(token), []byte("/"), []byte("~1")))
}

// markObject marks an object or patch, or the items of a list.
func (b *Build) markObject(u Use, content map[string]any, t *Trace, at object.Path) map[string]any {
	if items, ok := content["items"].([]any); ok && u.Role == Resource {
		for i, item := range items {
			if m, ok := item.(map[string]any); ok {
				each := *t
				each.content, _ = at.Join(object.Key("items"), object.At(i)).Lookup(t.content)
				items[i] = b.markObject(u, m, &each, at.Join(object.Key("items"), object.At(i)))
			}
		}
		return content
	}
	t.Prefix = at
	t.Role = object.Manifest
	if u.Role == Strategic {
		t.Role = object.Strategic
	}
	annotate(content, b.mark(t))
	return content
}

// annotate adds an annotation, unless a patch says that there shall be none.
func annotate(content map[string]any, key string) {
	metadata, ok := content["metadata"].(map[string]any)
	if !ok {
		if content["metadata"] != nil {
			return
		}
		metadata = map[string]any{}
		content["metadata"] = metadata
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		if value, there := metadata["annotations"]; there && value == nil {
			return
		}
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	annotations[key] = ""
}

// generators marks what the entries of a generator make.
func (b *Build) generators(k *Kustomization, content map[string]any, field string) {
	list, _ := content[field].([]any)
	for i, item := range list {
		entry, ok := item.(map[string]any)
		if !ok {
			continue
		}
		at := object.Keys(field).Join(object.At(i))
		t := &Trace{File: k.File, Document: 1, Role: object.Generator, Node: k.node, Prefix: at, content: entry, file: k.text}
		for _, u := range k.Uses {
			t.Missing = t.Missing || u.Role == Source && u.Problem != "" && u.Field.HasPrefix(at)
		}
		options, _ := entry["options"].(map[string]any)
		if options == nil {
			options = map[string]any{}
		}
		annotations, _ := options["annotations"].(map[string]any)
		if annotations == nil {
			annotations = map[string]any{}
		}
		annotations[b.mark(t)] = ""
		options["annotations"] = annotations
		entry["options"] = options
	}
}

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[key] = clone(item)
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

// set sets a field that is there.
func set(content any, field object.Path, value any) {
	parent, ok := field.Parent().Lookup(content)
	if !ok || len(field) == 0 {
		return
	}
	switch step := field[len(field)-1]; p := parent.(type) {
	case map[string]any:
		p[step.Key] = value
	case []any:
		if i := step.Position(p); i >= 0 {
			p[i] = value
		}
	}
}

// prune drops fields and items by their paths.
func prune(value any, at object.Path, drop map[string]bool) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			if p := at.Join(object.Key(key)); drop[p.String()] {
				delete(v, key)
			} else {
				v[key] = prune(item, p, drop)
			}
		}
	case []any:
		kept := make([]any, 0, len(v))
		for i, item := range v {
			if p := at.Join(object.At(i)); !drop[p.String()] {
				kept = append(kept, prune(item, p, drop))
			}
		}
		return kept
	}
	return value
}
