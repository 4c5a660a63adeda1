package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"dekey/planner"
	"dekey/scanner/object"
)

// objectsOf decodes the manifests of a tree by another parser than dekey's, by name: lists are taken apart, and what
// does not parse or is no object is left out.
func objectsOf(tree map[string]string) map[object.Ref]map[string]any {
	found := make(map[object.Ref]map[string]any)
	var add func(value map[string]any)
	add = func(value map[string]any) {
		if items, isList := value["items"].([]any); isList && value["kind"] == "List" {
			for _, item := range items {
				if inner, isObject := item.(map[string]any); isObject {
					add(inner)
				}
			}
			return
		}
		metadata, _ := value["metadata"].(map[string]any)
		var ref object.Ref
		ref.APIVersion, _ = value["apiVersion"].(string)
		ref.Kind, _ = value["kind"].(string)
		ref.Namespace, _ = metadata["namespace"].(string)
		ref.Name, _ = metadata["name"].(string)
		if ref.Kind != "" && ref.Name != "" {
			found[ref] = value
		}
	}
	for name, text := range tree {
		if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".json") {
			continue
		}
		decoder := yaml.NewDecoder(strings.NewReader(text))
		for {
			var value map[string]any
			err := decoder.Decode(&value)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				break
			}
			add(plain(value).(map[string]any))
		}
	}
	return found
}

// plain is a value as JSON has it, so that two decoders' numbers compare.
func plain(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		panic(err)
	}
	return decoded
}

// The lists and mappings that go when an edit empties them.
var emptied = []string{"env", "envFrom", "volumes", "volumeMounts", "args", "command", "items", "sources", "annotations", "imagePullSecrets"}

// replay carries a plan's edits of one object out on its decoded value: the judge of what the bytes became.
func replay(t *testing.T, content map[string]any, edits []planner.Edit) map[string]any {
	t.Helper()
	value := plain(content)
	type target struct {
		parent object.Path
		step   object.Step
		index  int
	}
	// Indexes are those of the original: removals go from the end.
	var removals []target
	for _, edit := range edits {
		parent, step := edit.Field.Parent(), edit.Field[len(edit.Field)-1]
		switch edit.Op {
		case planner.OpRemove:
			holder, found := parent.Lookup(value)
			if !found {
				t.Errorf("%s: nothing to remove at %s", edit.Object, edit.Field)
				continue
			}
			index := -1
			if list, isList := holder.([]any); isList {
				index = step.Position(list)
			}
			removals = append(removals, target{parent, step, index})
		case planner.OpSet, planner.OpAppend:
			value = put(value, edit.Field, edit.Op, plain(edit.Value))
		}
	}
	slices.SortStableFunc(removals, func(a, b target) int { return b.index - a.index })
	for _, r := range removals {
		value = change(value, r.parent, func(holder any) any {
			switch holder := holder.(type) {
			case map[string]any:
				delete(holder, r.step.Key)
				return holder
			case []any:
				return append(slices.Clone(holder[:r.index]), holder[r.index+1:]...)
			}
			return holder
		})
	}
	return prune(value, "").(map[string]any)
}

// change replaces the value at a path.
func change(value any, path object.Path, f func(any) any) any {
	if len(path) == 0 {
		return f(value)
	}
	switch holder := value.(type) {
	case map[string]any:
		holder[path[0].Key] = change(holder[path[0].Key], path[1:], f)
	case []any:
		if i := path[0].Position(holder); i >= 0 {
			holder[i] = change(holder[i], path[1:], f)
		}
	}
	return value
}

// put sets or appends at a path, making the mappings on the way.
func put(value any, path object.Path, op string, to any) any {
	if len(path) == 0 {
		if op == planner.OpAppend {
			list, _ := value.([]any)
			return append(list, to)
		}
		return to
	}
	if path[0].Key != "" {
		holder, isMap := value.(map[string]any)
		if !isMap {
			holder = make(map[string]any)
		}
		holder[path[0].Key] = put(holder[path[0].Key], path[1:], op, to)
		return holder
	}
	if list, isList := value.([]any); isList {
		if i := path[0].Position(list); i >= 0 {
			list[i] = put(list[i], path[1:], op, to)
		}
	}
	return value
}

// prune drops the pod spec's lists that are empty.
func prune(value any, key string) any {
	switch holder := value.(type) {
	case map[string]any:
		for name, inner := range holder {
			inner = prune(inner, name)
			list, isList := inner.([]any)
			if isList && len(list) == 0 && slices.Contains(emptied, name) {
				delete(holder, name)
				continue
			}
			holder[name] = inner
		}
	case []any:
		for i, inner := range holder {
			holder[i] = prune(inner, "")
		}
	}
	return value
}

// checkReplay is invariant 5 by another parser: every object is after the patch what it was, plus exactly the planned
// edits, and every new object is as planned. Objects that only a rendering names are not judged here.
func checkReplay(t *testing.T, before, after map[string]string, plan planner.Plan) {
	t.Helper()
	was, is := objectsOf(before), objectsOf(after)
	planned := make(map[object.Ref][]planner.Edit)
	for _, move := range plan.Moves {
		for _, edit := range move.Edits {
			planned[edit.Object] = append(planned[edit.Object], edit)
		}
	}
	for ref, content := range was {
		edits := planned[ref]
		if ref.Namespace == "" && len(edits) == 0 && rendered(before) {
			continue // a base: what it becomes has a namespace
		}
		if now, found := is[ref]; !found {
			t.Errorf("invariant 5: %s is gone", ref)
		} else if diff := cmp.Diff(replay(t, content, edits), now); diff != "" {
			t.Errorf("invariant 5: %s is not what was planned (-planned +is):\n%s", ref, diff)
		}
	}
	for ref, content := range is {
		if _, found := was[ref]; found {
			continue
		}
		edits := planned[ref]
		if len(edits) == 0 {
			// A rendering gives it its namespace: the file has none.
			continue
		}
		if diff := cmp.Diff(plain(edits[0].Value), any(content)); diff != "" {
			t.Errorf("invariant 5: the new %s is not what was planned (-planned +is):\n%s", ref, diff)
		}
	}
}

// rendered says whether a tree has overlays.
func rendered(tree map[string]string) bool {
	for name := range tree {
		if strings.HasSuffix(name, "/kustomization.yaml") {
			return true
		}
	}
	return false
}

// The judge itself must catch a wrong edit.
func TestJudgeCatches(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: c\n    env:\n    - {name: A, value: a}\n    - {name: B, value: b}\n"
	content := objectsOf(map[string]string{"p.yaml": manifest})[object.Ref{APIVersion: "v1", Kind: "Pod", Name: "p"}]
	edit := planner.Edit{Op: planner.OpRemove, Field: object.Keys("spec", "containers").Join(object.At(0), object.Key("env"), object.Item("name", "A"))}
	got := replay(t, content, []planner.Edit{edit})
	right := objectsOf(map[string]string{"p.yaml": strings.Replace(manifest, "    - {name: A, value: a}\n", "", 1)})
	wrong := objectsOf(map[string]string{"p.yaml": strings.Replace(manifest, "    - {name: B, value: b}\n", "", 1)})
	for ref := range right {
		if diff := cmp.Diff(right[ref], got); diff != "" {
			t.Error(diff)
		}
		if cmp.Equal(wrong[ref], got) {
			t.Error("the judge takes a wrong edit for right")
		}
	}
}
