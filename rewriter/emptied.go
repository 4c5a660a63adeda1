package rewriter

import (
	"slices"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner/object"
)

// inert says whether a strategic-merge patch changes nothing: only what names its object and its items is left.
func inert(patch any) bool {
	content, ok := patch.(map[string]any)
	if !ok {
		return patch == nil
	}
	for key, value := range content {
		switch key {
		case "apiVersion", "kind":
		case "metadata":
			metadata, _ := value.(map[string]any)
			for name := range metadata {
				if name != "name" && name != "namespace" {
					return false
				}
			}
		default:
			if !inertField(value) {
				return false
			}
		}
	}
	return true
}

func inertField(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for key, field := range v {
			if key == "$patch" || !inertField(field) {
				return false
			}
		}
		return true
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool {
			m, ok := item.(map[string]any)
			if !ok {
				return true
			}
			for key, field := range m {
				if key == "name" {
					continue
				}
				if !inertField(field) || key == "$patch" {
					return true
				}
			}
			return false
		})
	}
	return false
}

// wholeOperations turns removals that leave an operation of a JSON patch without a value into removals of the operation.
func wholeOperations(patch any, edits []owned) []owned {
	operations, ok := patch.([]any)
	if !ok {
		return edits
	}
	byOperation := map[int][]planner.Edit{}
	for _, e := range edits {
		if len(e.edit.Field) > 1 && e.edit.Op == planner.OpRemove && e.edit.Field[0].Key == "" && e.edit.Field[0].By == "" {
			n := e.edit.Field[0].Index
			byOperation[n] = append(byOperation[n], planner.Edit{Op: e.edit.Op, Field: e.edit.Field[1:]})
		}
	}
	out := slices.Clone(edits)
	for i, e := range out {
		if len(e.edit.Field) == 0 || e.edit.Field[0].Key != "" || e.edit.Field[0].By != "" || e.edit.Field[0].Index >= len(operations) {
			continue
		}
		n := e.edit.Field[0].Index
		operation, _ := operations[n].(map[string]any)
		left, err := expect(operation, byOperation[n])
		if err != nil || len(byOperation[n]) == 0 {
			continue
		}
		if value, there := left["value"]; !there || size(operation["value"]) > 0 && size(value) == 0 {
			out[i].edit.Field, out[i].edit.Was = e.edit.Field[:1], ""
		}
	}
	return out
}

// applyPatch makes edits. A JSON patch of which every operation goes becomes an empty list: no document can be left without
// anything, and this one goes with its entry.
func applyPatch(content []byte, edits []yamledit.Edit) (yamledit.Result, error) {
	result, err := yamledit.Apply(content, edits)
	if err == nil {
		return result, nil
	}
	patch, failed := yamledit.Decode(content, 1)
	operations, ok := patch.([]any)
	if failed != nil || !ok || len(operations) == 0 {
		return result, err
	}
	empty := yamledit.Result{Content: []byte("[]\n")}
	going := make([]bool, len(operations))
	for _, e := range edits {
		if e.Op != planner.OpRemove || len(e.Field) != 1 || e.Field[0].Key != "" || e.Field[0].By != "" || e.Field[0].Index >= len(operations) {
			return result, err
		}
		going[e.Field[0].Index] = true
		at, failed := yamledit.Locate(content, 1, e.Field)
		if failed != nil {
			return result, err
		}
		empty.Lines = append(empty.Lines, at[0].Line)
	}
	if slices.Contains(going, false) {
		return result, err
	}
	return empty, nil
}

// changesNothing says whether every document of a patch file changes nothing any more.
func changesNothing(text []byte) bool {
	documents, err := yamledit.Documents(text)
	if err != nil {
		return false
	}
	for i := range documents {
		patch, err := yamledit.Decode(text, i+1)
		if err != nil {
			return false
		}
		if list, ok := patch.([]any); ok && len(list) > 0 || !ok && !inert(patch) {
			return false
		}
	}
	return true
}

// unlist gives the removals of a file's entries among the patches of all kustomizations.
func (w *work) unlist(file string, moves []string) []owned {
	var removals []owned
	add := func(k *kustomization, field object.Path) {
		for _, move := range moves {
			removals = append(removals, owned{move: move, landing: landing{
				path: k.path, role: object.Setting,
				plan: planner.Edit{Op: planner.OpRemove, Field: field, Why: "the patch is empty without the key's wiring"},
				edit: yamledit.Edit{Document: 1, Op: planner.OpRemove, Field: field},
			}})
		}
	}
	for _, k := range w.kustomizations() {
		for _, field := range []string{"patches", "patchesJson6902", "patchesStrategicMerge"} {
			entries, _ := k.content[field].([]any)
			for i, entry := range entries {
				if m, ok := entry.(map[string]any); ok {
					entry = m["path"]
				}
				if k.names(entry, file) {
					add(k, object.Keys(field).Join(object.At(i)))
				}
			}
		}
	}
	return removals
}

// entryOf is the entry of a kustomization that an inline patch stands in: patches[0] of patches[0].patch.
func entryOf(text object.Path) object.Path {
	if text[len(text)-1].Key == "" {
		return text
	}
	return text.Parent()
}

// isPatchFile says whether landings change a file of patches.
func isPatchFile(edits []owned) bool {
	return slices.ContainsFunc(edits, func(e owned) bool {
		return !e.inner && (e.role == object.Strategic || e.role == object.JSON6902)
	})
}
