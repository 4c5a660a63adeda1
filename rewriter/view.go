package rewriter

import (
	"io/fs"
	"path"
	"slices"

	"dekey/planner"
	"dekey/scanner"
)

// A view is a tree of which only some files are seen.
type view struct {
	under fs.FS
	files map[string]bool
	dirs  map[string]bool // that lead to them
}

func newView(under fs.FS, files map[string]bool) *view {
	v := &view{under: under, files: files, dirs: map[string]bool{".": true}}
	for name := range files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			v.dirs[dir] = true
		}
	}
	return v
}

func (v *view) Open(name string) (fs.File, error) {
	if v.dirs[name] {
		entries, err := v.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info: fileInfo{name: path.Base(name), dir: true}, entries: entries}, nil
	}
	if !v.files[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return v.under.Open(name)
}

// ReadDir lists what is seen of a folder.
func (v *view) ReadDir(name string) ([]fs.DirEntry, error) {
	if !v.dirs[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	entries, err := fs.ReadDir(v.under, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		full := path.Join(name, e.Name())
		return !v.files[full] && !v.dirs[full]
	}), err
}

// refs are the objects that the plan is about: what its moves change, and their workloads.
func refs(plan planner.Plan, more []scanner.Ref) []scanner.Ref {
	list := slices.Clone(more)
	for _, move := range plan.Moves {
		list = append(list, move.Workload)
		for _, edit := range move.Edits {
			if edit.Op != planner.OpCreate {
				list = append(list, edit.Object)
			}
		}
	}
	slices.SortFunc(list, scanner.Ref.Compare)
	return slices.Compact(list)
}

// near narrows the tree that is rendered to what changed files can reach: those files, every kustomization that uses one
// of them, directly or not, and everything that these use. All objects of that are compared; what lies outside of it is
// made of files that no edit touches.
func (w *work) near(changed map[string]bool) fs.FS {
	files := map[string]bool{}
	var queue []*kustomization
	seen := map[string]bool{}
	reach := func(k *kustomization) {
		if !seen[k.path] {
			seen[k.path] = true
			queue = append(queue, k)
		}
	}
	for name := range changed {
		files[name] = true
	}
	all := w.kustomizations()
	// Upwards: whatever uses a file, or a kustomization that does. Downwards: what those use.
	for again := true; again; {
		again = false
		for _, k := range all {
			if !seen[k.path] && (files[k.path] || slices.ContainsFunc(w.uses(k), func(name string) bool { return files[name] || seen[name] })) {
				reach(k)
				again = true
			}
		}
		for len(queue) > 0 {
			k := queue[0]
			queue = queue[1:]
			files[k.path] = true
			for _, name := range w.uses(k) {
				files[name] = true
				for _, other := range all {
					if other.path == name {
						reach(other)
					}
				}
			}
		}
	}
	return newView(w.tree, files)
}

// uses are the files and kustomizations that a kustomization names anywhere: every text in it that leads to one.
func (w *work) uses(k *kustomization) []string {
	if names, known := w.used[k.path]; known {
		return names
	}
	var names []string
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, field := range v {
				walk(field)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		case string:
			for _, text := range entries(v) {
				names = append(names, w.reached(path.Join(k.dir(), text))...)
			}
		}
	}
	walk(k.content)
	slices.Sort(names)
	names = slices.Compact(names)
	if w.used == nil {
		w.used = map[string][]string{}
	}
	w.used[k.path] = names
	return names
}

// entries are the paths that a text of a kustomization may be: itself, or what stands behind the name of a generator's
// entry.
func entries(text string) []string {
	const longest = 4096
	if text == "" || len(text) > longest || path.IsAbs(text) || slices.Contains([]byte(text), '\n') {
		return nil
	}
	list := []string{text}
	for i, c := range text {
		if c == '=' {
			return append(list, text[i+1:])
		}
	}
	return list
}

// reached is a file, or the kustomization of a folder.
func (w *work) reached(name string) []string {
	info, err := fs.Stat(w.tree, name)
	switch {
	case err != nil || !fs.ValidPath(name):
		return nil
	case info.Mode().IsRegular():
		return []string{name}
	case info.IsDir() && name != ".":
		if k := w.kustomizationIn(name); k != nil {
			return []string{k.path}
		}
	}
	return nil
}
