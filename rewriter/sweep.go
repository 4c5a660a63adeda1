package rewriter

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner"
	"dekey/scanner/object"
)

// sweepProven makes the second stage of what can go without changing anything else: every rendering is compared before and
// after. What can not is left to people. files are those of the first stage.
func (w *work) sweepProven(merged *overlay, files map[string][]byte, found []leftover) (*secondStage, error) {
	whole, err := w.sweepUp(merged, found)
	if err != nil {
		return nil, err
	}
	ok, err := w.sweepsClean(files, whole, found)
	if err != nil || ok {
		return whole, err
	}
	proven, err := w.sweepUp(merged, nil)
	if err != nil {
		return nil, err
	}
	var kept []leftover
	var manual []Manual
	for _, group := range byKey(found) {
		more := slices.Concat(kept, group)
		s, err := w.sweepUp(merged, more)
		if err != nil {
			return nil, err
		}
		if ok, err = w.sweepsClean(files, s, more); err != nil {
			return nil, err
		}
		if ok {
			proven, kept = s, more
			continue
		}
		for _, l := range group {
			manual = append(manual, Manual{Where: l.path, What: "remove " + l.object.String(), Why: l.why + "; what else is made from the file would not stay as it is"})
		}
	}
	proven.manual = append(proven.manual, manual...)
	return proven, nil
}

// byKey groups leftovers of the same keys: a generator and the file that it reads go together, or neither does.
func byKey(found []leftover) [][]leftover {
	groups := map[string][]leftover{}
	for _, l := range found {
		id := l.object.String()
		if len(l.keys) > 0 {
			id = l.keys[0]
		}
		groups[id] = append(groups[id], l)
	}
	var list [][]leftover
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		list = append(list, groups[id])
	}
	return list
}

// sweepsClean renders the checkout before and after the second stage: every object but those that the stage is about must be the
// same, in every rendering.
func (w *work) sweepsClean(files map[string][]byte, s *secondStage, found []leftover) (bool, error) {
	if len(s.files) == 0 {
		return true, nil
	}
	changed, after := map[string]bool{}, maps.Clone(files)
	for name, file := range s.files {
		changed[name], after[name] = true, file.new
	}
	part := w.near(changed)
	about := map[scanner.Ref]bool{}
	for _, l := range found {
		about[l.object] = true
	}
	rendered := func(files map[string][]byte) (map[identity][]any, error) {
		objects, err := w.renderer.Render(w.ctx, newOverlay(part, files), nil)
		if err != nil {
			return nil, fmt.Errorf("rendering the checkout for the second stage: %w", err)
		}
		contents := map[identity][]any{}
		for _, o := range objects {
			if !about[o.Ref] {
				id := identify(o)
				id.document = 0 // documents in front of it may go
				contents[id] = append(contents[id], o.Content)
			}
		}
		return contents, nil
	}
	was, err := rendered(files)
	if err != nil {
		return false, err
	}
	is, err := rendered(after)
	if err != nil {
		return false, err
	}
	return maps.EqualFunc(was, is, func(a, b []any) bool { return slices.EqualFunc(a, b, same) }), nil
}

// listing are the fields of a kustomization whose entries are files, or name one as their path.
var listing = []string{"resources", "patches", "patchesJson6902", "patchesStrategicMerge"}

// unlistGone takes files that go out of the kustomizations that list them.
func (w *work) unlistGone(merged *overlay, gone map[string]leftover, s *secondStage) {
	for _, k := range w.kustomizations() {
		text, err := readFile(merged, k.path)
		if err != nil {
			continue
		}
		if file := s.files[k.path]; file != nil {
			text = file.new
		}
		value, err := yamledit.Decode(text, 1)
		content, ok := value.(map[string]any)
		if err != nil || !ok {
			continue
		}
		edits, why := k.entriesOf(content, gone)
		if len(edits) == 0 {
			continue
		}
		after, err := yamledit.Apply(text, edits)
		if err != nil {
			s.manual = append(s.manual, Manual{Where: k.path, What: "remove the entries of files that are gone", Why: err.Error()})
			continue
		}
		file := s.files[k.path]
		if file == nil {
			old, _ := readFile(merged, k.path)
			file = &File{Path: k.path, Stage: StageCleanup, Mode: w.mode(k.path), Moves: []string{}, Edits: []FileEdit{}, prefix: w.source.Prefix, old: old, patched: old}
			s.files[k.path] = file
		}
		file.new, file.patched = after.Content, after.Content
		for i, line := range after.Lines {
			file.Edits = append(file.Edits, FileEdit{Line: line, Op: planner.OpRemove, Field: edits[i].Field, Why: "its file is gone"})
			s.removals = append(s.removals, Removal{Path: k.path, From: line, To: line, Object: why[i].object, Keys: nonNil(why[i].keys), Why: "the file that it names is gone", Document: 1, Field: edits[i].Field})
		}
	}
}

// entriesOf are the removals of the entries that name files which go, and for each what goes.
func (k *kustomization) entriesOf(content map[string]any, gone map[string]leftover) (edits []yamledit.Edit, why []leftover) {
	for _, field := range listing {
		entries, _ := content[field].([]any)
		for i, entry := range entries {
			if m, ok := entry.(map[string]any); ok {
				entry = m["path"]
			}
			name, ok := entry.(string)
			if !ok || name == "" || strings.Contains(name, "\n") {
				continue
			}
			if l, goes := gone[path.Join(k.dir(), name)]; goes {
				edits = append(edits, yamledit.Edit{Document: 1, Op: yamledit.Remove, Field: object.Keys(field).Join(object.At(i))})
				why = append(why, l)
			}
		}
	}
	return edits, why
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
