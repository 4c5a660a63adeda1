package rewriter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner"
	"dekey/scanner/object"
)

// create writes the new objects of drafts into files of their own beside the workloads, and lists them wherever a
// kustomization lists the workload.
func (w *work) create(b *build, drafts []*draft, landed map[string][]owned) []fault {
	var bad []fault
	taken := map[string]scanner.Ref{}
	for _, d := range drafts {
		for _, edit := range d.created {
			if _, there := b.created[edit.Object]; there {
				if same(b.created[edit.Object].Value, edit.Value) {
					continue
				}
				bad = append(bad, fault{move: d.move.ID, hold: hold(planner.HoldConflict,
					fmt.Sprintf("two moves make %s, and not the same", edit.Object), "Which of the two is right?")})
				continue
			}
			dir, beside := w.folder(d)
			name := w.free(dir, d.move.Workload, edit.Object, path.Ext(beside), taken)
			content, err := w.manifest(edit, beside, d)
			if err != nil {
				bad = append(bad, fault{move: d.move.ID, hold: hold(planner.HoldNotProvable, name+": "+err.Error(), "Can "+name+" be written by hand?")})
				continue
			}
			taken[name] = edit.Object
			b.created[edit.Object] = edit
			b.files[name] = &File{Path: name, Stage: StageMigrate, new: content, prefix: w.source.Prefix, Moves: []string{d.move.ID},
				Edits: []FileEdit{{Move: d.move.ID, Op: edit.Op, Why: edit.Why}}}
			for _, list := range w.lists(beside) {
				relative, err := relativePath(path.Dir(list.path), name)
				if err != nil {
					continue
				}
				field := object.Keys("resources")
				landed[list.path] = append(landed[list.path], owned{
					landing: landing{
						path: list.path,
						plan: planner.Edit{Object: edit.Object, Op: planner.OpAppend, Field: field, Why: "lists the new file"},
						edit: yamledit.Edit{Document: 1, Op: planner.OpAppend, Field: field, Value: relative},
					},
					move: d.move.ID,
				})
			}
		}
	}
	return bad
}

// free is a name for a new manifest: WORKLOAD-KIND.yaml, with the namespace or a number where that is taken.
func (w *work) free(dir string, workload, ref scanner.Ref, ext string, taken map[string]scanner.Ref) string {
	if ext != ".json" && ext != ".yml" {
		ext = ".yaml"
	}
	base := strings.ToLower(workload.Name + "-" + ref.Kind)
	names := []string{base}
	if ref.Namespace != "" {
		names = append(names, strings.ToLower(workload.Name+"-"+ref.Namespace+"-"+ref.Kind))
	}
	for i := 2; ; i++ {
		for _, name := range names {
			name = path.Join(dir, name+ext)
			if _, used := taken[name]; used {
				continue
			}
			if _, err := fs.Stat(w.tree, name); err != nil {
				return name
			}
		}
		names = []string{fmt.Sprintf("%s-%d", base, i)}
	}
}

// manifest writes a new object in the style of its neighbour.
func (w *work) manifest(edit planner.Edit, beside string, d *draft) ([]byte, error) {
	content, ok := clone(edit.Value).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the new object has no content")
	}
	// Where the workload names no namespace, whatever gives it one gives it to its service account too.
	if !w.namesNamespace(d) {
		if metadata, ok := content["metadata"].(map[string]any); ok && metadata["namespace"] == d.move.Workload.Namespace {
			delete(metadata, "namespace")
		}
	}
	neighbour, err := w.file(beside)
	if err != nil {
		return nil, err
	}
	style := yamledit.StyleOf(neighbour)
	if path.Ext(beside) == ".json" {
		return jsonManifest(content, neighbour)
	}
	text, err := yamledit.Encode(content, style)
	if err != nil {
		return nil, err
	}
	if documents, err := yamledit.Documents(neighbour); err == nil && len(documents) > 0 && documents[0].Marked() {
		text = append([]byte("---"+eol(neighbour)), text...)
	}
	return text, nil
}

// namesNamespace says whether the workload's own manifest has a namespace.
func (w *work) namesNamespace(d *draft) bool {
	o := w.before[d.at]
	field := object.Keys("metadata", "namespace")
	if _, there := field.Lookup(o.Content); !there {
		return false
	}
	if o.Locator == nil {
		return true
	}
	return slices.ContainsFunc(o.Locator.Locate(field), func(p object.Place) bool { return p.Role == object.Manifest })
}

func eol(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// jsonManifest writes JSON with the indentation of its neighbour.
func jsonManifest(content map[string]any, neighbour []byte) ([]byte, error) {
	indent := "  "
	if _, rest, found := bytes.Cut(neighbour, []byte("\n")); found {
		if n := len(rest) - len(bytes.TrimLeft(rest, " \t")); n > 0 {
			indent = string(rest[:n])
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(content); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return []byte(strings.ReplaceAll(b.String(), "\n", eol(neighbour))), nil
}

// A kustomization names files.
type kustomization struct {
	path    string
	content map[string]any
}

// isKustomization are the names that Kustomize takes for its own file.
func isKustomization(name string) bool {
	return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
}

// lists gives the kustomizations whose resources name a file, sorted by path.
func (w *work) lists(file string) []kustomization {
	if w.listed == nil {
		w.listed = map[string][]kustomization{}
		for _, k := range w.kustomizations() {
			resources, _ := k.content["resources"].([]any)
			for _, entry := range resources {
				if name, ok := entry.(string); ok && !path.IsAbs(name) {
					target := path.Join(path.Dir(k.path), name)
					w.listed[target] = append(w.listed[target], k)
				}
			}
		}
	}
	return w.listed[file]
}

// kustomizations are all that can be read, in the order of their paths. Only folders of changed files and those above and
// beside them can matter; a checkout has few of these files, and their names tell.
func (w *work) kustomizations() []kustomization {
	var found []kustomization
	_ = fs.WalkDir(w.tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || !isKustomization(entry.Name()) {
			return nil
		}
		text, err := w.file(name)
		if err != nil {
			return nil
		}
		value, err := yamledit.Decode(text, 1)
		if content, ok := value.(map[string]any); err == nil && ok {
			found = append(found, kustomization{path: name, content: content})
		}
		return nil
	})
	slices.SortFunc(found, func(a, b kustomization) int { return strings.Compare(a.path, b.path) })
	return found
}

// relativePath is the way from a folder to a file, both of the checkout.
func relativePath(dir, file string) (string, error) {
	if dir == "." {
		return file, nil
	}
	up := ""
	for dir != "." && dir != "/" {
		if rest, ok := strings.CutPrefix(file, dir+"/"); ok {
			return up + rest, nil
		}
		dir, up = path.Dir(dir), up+"../"
	}
	return up + file, nil
}

// paths of a build, sorted.
func (b *build) paths() []string { return slices.Sorted(maps.Keys(b.files)) }
