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

// A creation is a new object of one move for one rendering of its workload.
type creation struct {
	move     string
	edit     planner.Edit
	workload *scanner.Object
	made     bool // by the chart
}

// creations are the new objects of drafts, one for every rendering.
func (w *work) creations(drafts []*draft) []creation {
	var list []creation
	for _, d := range drafts {
		for _, edit := range d.created {
			for _, i := range d.homes {
				made := edit.Object.Kind == "ServiceAccount" && d.made[w.before[i].Root]
				list = append(list, creation{d.move.ID, edit, w.before[i], made})
			}
		}
	}
	return list
}

// create writes the new objects of drafts into files of their own: beside the workload, where every rendering of the
// workload gets the same, else beside the outermost kustomization. They are listed where the workload is, or there.
func (w *work) create(b *build, drafts []*draft, overlays map[int]*unit, landed map[string][]owned) []fault {
	var bad []fault
	list := w.creations(drafts)
	for _, c := range list {
		if at, there := b.created[c.edit.Object]; there && !same(at.Value, c.edit.Value) {
			bad = append(bad, fault{move: c.move, hold: hold(planner.HoldConflict, fmt.Sprintf("two moves make %s, and not the same", c.edit.Object), "")})
			continue
		}
		b.created[c.edit.Object] = c.edit
		if c.made {
			continue
		}
		h, err := w.homeOf(c, list, overlays)
		if err != nil {
			bad = append(bad, fault{move: c.move, hold: hold(planner.HoldNotProvable, err.Error(), "")})
			continue
		}
		if err := w.createIn(b, h, c, landed); err != nil {
			bad = append(bad, fault{move: c.move, hold: hold(planner.HoldNotProvable, err.Error(), "")})
		}
	}
	return bad
}

// homeOf is beside the workload when all that its manifest reaches get the same object there.
func (w *work) homeOf(c creation, all []creation, overlays map[int]*unit) (home, error) {
	near, err := w.besideWorkload(c.workload)
	if err != nil || c.workload.Root == "" {
		return near, err
	}
	file, roots := w.manifestOf(c.workload)
	want, ok := formIn(near, c.edit)
	if !ok || overlays[slices.Index(w.before, c.workload)] != nil {
		return w.inRoot(c.workload)
	}
	for _, root := range roots {
		if root == c.workload.Root {
			continue
		}
		if !slices.ContainsFunc(all, func(o creation) bool {
			if f, _ := w.manifestOf(o.workload); f != file || o.workload.Root != root {
				return false
			}
			there, err := w.besideWorkload(o.workload)
			form, ok := formIn(there, o.edit)
			return err == nil && ok && same(form, want)
		}) {
			return w.inRoot(c.workload)
		}
	}
	return near, nil
}

// formIn is a new object as it is written in a home: without the prefix, the suffix and the namespace that it gets there.
// False: the home would give it another name.
func formIn(h home, edit planner.Edit) (map[string]any, bool) {
	content, ok := clone(edit.Value).(map[string]any)
	if !ok {
		return nil, false
	}
	metadata, ok := content["metadata"].(map[string]any)
	if !ok {
		return nil, false
	}
	if h.prefix != "" || h.suffix != "" {
		name, fits := strip(fmt.Sprint(metadata["name"]), h.prefix, h.suffix)
		if !fits {
			return nil, false
		}
		metadata["name"] = name
	}
	if h.namespace {
		delete(metadata, "namespace")
	}
	return content, true
}

// createIn writes one new object, or joins the file that says the same.
func (w *work) createIn(b *build, h home, c creation, landed map[string][]owned) error {
	content, ok := formIn(h, c.edit)
	if !ok {
		return fmt.Errorf("no manifest in %s can have the name %s: its kustomizations change it", h.dir, c.edit.Object.Name)
	}
	text, err := w.manifest(content, h.beside)
	if err != nil {
		return fmt.Errorf("%s: %w", c.edit.Object, err)
	}
	workload, ext := w.bareName(c.workload), path.Ext(h.beside)
	if workload == "" {
		workload = c.workload.Ref.Name
	}
	name := w.free(b, h.dir, workload, c.edit.Object, ext, text)
	file := b.files[name]
	if file == nil {
		file = &File{Path: name, Stage: StageMigrate, new: text, prefix: w.source.Prefix, Moves: []string{}}
		b.files[name] = file
	}
	if !slices.Contains(file.Moves, c.move) {
		file.Moves = append(file.Moves, c.move)
		slices.Sort(file.Moves)
		file.Edits = append(file.Edits, FileEdit{Move: c.move, Op: c.edit.Op, Why: c.edit.Why})
	}
	for _, list := range h.lists {
		relative := relativePath(list.dir(), name)
		if slices.ContainsFunc(landed[list.path], func(o owned) bool { return o.move == c.move && o.edit.Value == any(relative) }) {
			continue
		}
		field := object.Keys("resources")
		landed[list.path] = append(landed[list.path], owned{
			landing: landing{
				path: list.path, role: object.Setting,
				plan: planner.Edit{Object: c.edit.Object, Op: planner.OpAppend, Field: field, Why: "lists the new file"},
				edit: yamledit.Edit{Document: 1, Op: planner.OpAppend, Field: field, Value: relative},
			},
			move: c.move,
		})
	}
	return nil
}

// free is a name for a new manifest: WORKLOAD-KIND.yaml, with the namespace or a number where that is taken. The file of
// another move that says the same is not taken.
func (w *work) free(b *build, dir, workload string, ref scanner.Ref, ext string, text []byte) string {
	if ext != ".json" && ext != ".yml" {
		ext = ".yaml"
	}
	workload = fileName(workload)
	base := strings.ToLower(workload + "-" + ref.Kind)
	names := []string{base}
	if ref.Namespace != "" {
		names = append(names, strings.ToLower(workload+"-"+ref.Namespace+"-"+ref.Kind))
	}
	for i := 2; ; i++ {
		for _, name := range names {
			name = path.Join(dir, name+ext)
			if file := b.files[name]; file != nil {
				if bytes.Equal(file.new, text) {
					return name
				}
				continue
			}
			if _, err := fs.Stat(w.tree, name); err != nil {
				return name
			}
		}
		names = []string{fmt.Sprintf("%s-%d", base, i)}
	}
}

// fileName is the part of a workload's name that a file's name has room for beside namespace, kind and number: an object's
// name may have 253 bytes, a file's 255.
func fileName(workload string) string {
	const room = 150
	if len(workload) > room {
		workload = strings.TrimRight(workload[:room], "-.")
	}
	return workload
}

// manifest writes a new object in the style of its neighbour.
func (w *work) manifest(content map[string]any, beside string) ([]byte, error) {
	neighbour, err := w.file(beside)
	if err != nil {
		return nil, err
	}
	if path.Ext(beside) == ".json" {
		return jsonManifest(content, neighbour)
	}
	text, err := yamledit.Encode(content, yamledit.StyleOf(neighbour))
	if err != nil {
		return nil, err
	}
	if documents, err := yamledit.Documents(neighbour); err == nil && len(documents) > 0 && documents[0].Marked() {
		text = append([]byte("---"+eol(neighbour)), text...)
	}
	return text, nil
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

// isKustomization are the names that Kustomize takes for its own file.
func isKustomization(name string) bool {
	return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
}

// lists gives the kustomizations whose resources name a file, sorted by path.
func (w *work) lists(file string) []*kustomization {
	var found []*kustomization
	for _, k := range w.kustomizations() {
		resources, _ := k.content["resources"].([]any)
		if slices.ContainsFunc(resources, func(entry any) bool { return k.names(entry, file) }) {
			found = append(found, k)
		}
	}
	return found
}

// names says whether an entry of the kustomization is the file.
func (k *kustomization) names(entry any, file string) bool {
	name, ok := entry.(string)
	return ok && name != "" && !path.IsAbs(name) && path.Join(k.dir(), name) == file
}

// kustomizations are all that can be read, in the order of their paths.
func (w *work) kustomizations() []*kustomization {
	if w.listed != nil {
		return w.listed
	}
	w.listed = []*kustomization{}
	_ = fs.WalkDir(w.tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || !isKustomization(entry.Name()) {
			return nil
		}
		value, err := w.document(name, 1)
		if content, ok := value.(map[string]any); err == nil && ok {
			w.listed = append(w.listed, &kustomization{path: name, content: content})
		}
		return nil
	})
	slices.SortFunc(w.listed, func(a, b *kustomization) int { return strings.Compare(a.path, b.path) })
	return w.listed
}

// relativePath is the way from a folder to a file, both of the checkout.
func relativePath(dir, file string) string {
	up := ""
	for dir != "." && dir != "/" {
		if rest, ok := strings.CutPrefix(file, dir+"/"); ok {
			return up + rest
		}
		dir, up = path.Dir(dir), up+"../"
	}
	return up + file
}

// paths of a build, sorted.
func (b *build) paths() []string { return slices.Sorted(maps.Keys(b.files)) }
