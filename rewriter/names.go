package rewriter

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner"
	"dekey/scanner/object"
)

// written is the value of an edit as its file must say it, where a rendering changes it on its way: the name of a new service
// account gets the prefix and suffix of its kustomizations.
func (w *work) written(o *scanner.Object, edit planner.Edit) any {
	name, ok := edit.Value.(string)
	if !ok || o.Root == "" || edit.Field[len(edit.Field)-1].Key != "serviceAccountName" {
		return edit.Value
	}
	prefix, suffix := w.affixes(o)
	if bare, ok := strip(name, prefix, suffix); ok {
		return bare
	}
	return edit.Value
}

func strip(name, prefix, suffix string) (string, bool) {
	if len(name) > len(prefix)+len(suffix) && strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) {
		return name[len(prefix) : len(name)-len(suffix)], true
	}
	return name, false
}

// affixes are what a rendering puts before and behind an object's name.
func (w *work) affixes(o *scanner.Object) (prefix, suffix string) {
	bare := w.bareName(o)
	if i := strings.Index(o.Ref.Name, bare); bare != "" && i >= 0 {
		return o.Ref.Name[:i], o.Ref.Name[i+len(bare):]
	}
	return "", ""
}

// bareName is an object's name as its manifest has it.
func (w *work) bareName(o *scanner.Object) string {
	if o.Locator == nil {
		return o.Ref.Name
	}
	for _, place := range o.Locator.Locate(object.Keys("metadata")) {
		if place.Role != object.Manifest || place.Inner != nil {
			continue
		}
		content, err := w.document(place.Origin.Path, place.Origin.Document)
		if err != nil {
			return ""
		}
		if name, ok := place.Field.Join(object.Key("name")).Lookup(content); ok {
			text, _ := name.(string)
			return text
		}
	}
	return ""
}

// document is one document of a file as data.
func (w *work) document(file string, number int) (any, error) {
	text, err := w.file(file)
	if err != nil {
		return nil, err
	}
	return yamledit.Decode(text, number)
}

// A kustomization is one file of that name.
type kustomization struct {
	path    string
	content map[string]any
}

func (k *kustomization) dir() string { return path.Dir(k.path) }

func (k *kustomization) text(field string) string {
	text, _ := k.content[field].(string)
	return text
}

// kustomizationIn is the kustomization of a folder, or nil.
func (w *work) kustomizationIn(dir string) *kustomization {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		file := path.Join(dir, name)
		if value, err := w.document(file, 1); err == nil {
			if content, ok := value.(map[string]any); ok {
				return &kustomization{path: file, content: content}
			}
		}
	}
	return nil
}

// manifestOf is the file of the object's own manifest, "" where it has none that can be traced.
func (w *work) manifestOf(o *scanner.Object) (file string, roots []string) {
	if o.Locator != nil {
		for _, place := range o.Locator.Locate(nil) {
			if place.Role == object.Manifest && place.Inner == nil {
				return place.Origin.Path, place.Roots
			}
		}
	}
	if len(o.Origins) > 0 {
		return o.Origins[0].Path, nil
	}
	return "", nil
}

// A home is where a new object is written.
type home struct {
	beside string // a file whose style it takes
	dir    string
	lists  []*kustomization // that list it
	// prefix and suffix are what its kustomizations add to its name; namespace says that they give it one.
	prefix, suffix string
	namespace      bool
}

// besideWorkload is the home in the workload's folder, listed wherever the workload is.
func (w *work) besideWorkload(o *scanner.Object) (home, error) {
	file, _ := w.manifestOf(o)
	if file == "" {
		return home{}, fmt.Errorf("the manifest of %s was not found", o.Ref)
	}
	h := home{beside: file, dir: path.Dir(file), lists: w.lists(file), namespace: !w.writesNamespace(o)}
	// The namespace of one file is not that of a new one beside it.
	if o.Root == "" && slices.ContainsFunc(w.plan.Namespaces, func(r planner.NamespaceRule) bool { return r.Path == file }) {
		h.namespace = false
	}
	h.prefix, h.suffix = w.affixes(o)
	return h, nil
}

// inRoot is the home beside the outermost kustomization, listed there.
func (w *work) inRoot(o *scanner.Object) (home, error) {
	k := w.kustomizationIn(o.Root)
	if k == nil {
		return home{}, fmt.Errorf("the kustomization of %s was not read", o.Root)
	}
	h := home{beside: k.path, dir: k.dir(), lists: []*kustomization{k}, prefix: k.text("namePrefix"), suffix: k.text("nameSuffix"),
		namespace: k.text("namespace") != ""}
	if file, _ := w.manifestOf(o); file != "" {
		h.beside = file
	}
	return h, nil
}

// writesNamespace says whether the object's own manifest names its namespace.
func (w *work) writesNamespace(o *scanner.Object) bool {
	if o.Locator == nil {
		return true
	}
	for _, place := range o.Locator.Locate(object.Keys("metadata", "namespace")) {
		if place.Role == object.Manifest {
			return true
		}
	}
	if o.Root == "" {
		return false
	}
	// A transformer changes the namespace that the manifest names: then it is not found by its value.
	for _, place := range o.Locator.Locate(object.Keys("metadata")) {
		if place.Role == object.Manifest && place.Inner == nil {
			content, err := w.document(place.Origin.Path, place.Origin.Document)
			_, there := place.Field.Join(object.Key("namespace")).Lookup(content)
			return err == nil && there
		}
	}
	return false
}
