package rewriter

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner"
	"dekey/scanner/object"
)

// mergeKeys are the lists of pod specs that a strategic-merge patch merges item by item, with what tells the items apart.
// https://kubernetes.io/docs/reference/using-api/ (the patchMergeKey of each list)
var mergeKeys = map[string]string{
	"containers": "name", "initContainers": "name", "ephemeralContainers": "name", "volumes": "name", "env": "name",
	"volumeMounts": "mountPath", "imagePullSecrets": "name",
}

// mergedKinds are kinds whose lists Kustomize merges so: it knows their schema.
var mergedKinds = map[string]bool{
	"Deployment": true, "StatefulSet": true, "DaemonSet": true, "ReplicaSet": true, "Job": true, "CronJob": true, "Pod": true,
	"ReplicationController": true, "ServiceAccount": true,
}

// overlayPatch writes the edits of one object as a patch in its outermost kustomization: a strategic-merge patch where one
// can say them, else a JSON patch that tests before it removes.
func (w *work) overlayPatch(b *build, u *unit, moves []string, landed map[string][]owned) error {
	o := w.before[u.object]
	k := w.kustomizationIn(o.Root)
	if k == nil {
		return fmt.Errorf("the kustomization of %s was not read", o.Root)
	}
	bare := w.bareName(o)
	if bare == "" {
		return fmt.Errorf("the manifest of %s was not found", o.Ref)
	}
	var content any
	entry := map[string]any{}
	if patch, ok := w.strategic(o, bare, u.edits); ok {
		content = patch
	} else {
		operations, err := jsonPatch(o, u.edits, func(e planner.Edit) any { return w.written(o, e) })
		if err != nil {
			return err
		}
		content = operations
		entry["target"] = yamledit.Map{{Key: "kind", Value: o.Ref.Kind}, {Key: "name", Value: bare}}
		if group := o.Ref.Group(); group != "" {
			entry["target"] = yamledit.Map{{Key: "group", Value: group}, {Key: "kind", Value: o.Ref.Kind}, {Key: "name", Value: bare}}
		}
	}
	neighbour, err := w.file(k.path)
	if err != nil {
		return fmt.Errorf("%s can not be read", k.path)
	}
	style := yamledit.StyleOf(neighbour)
	text, err := yamledit.Encode(content, style)
	if err != nil {
		return err
	}
	name := w.freePatch(b, k.dir(), strings.ToLower(bare+"-"+o.Ref.Kind))
	b.files[name] = &File{Path: name, Stage: StageMigrate, new: text, prefix: w.source.Prefix, Moves: moves}
	for _, edit := range u.edits {
		b.files[name].Edits = append(b.files[name].Edits, FileEdit{Move: moves[0], Op: edit.Op, Field: edit.Field, Why: edit.Why})
	}
	value := yamledit.Map{{Key: "path", Value: relativePath(k.dir(), name)}}
	if target, ok := entry["target"]; ok {
		value = append(value, yamledit.Field{Key: "target", Value: target})
	}
	field := object.Keys("patches")
	for _, move := range moves {
		landed[k.path] = append(landed[k.path], owned{move: move, landing: landing{
			path: k.path, role: object.Setting,
			plan: planner.Edit{Object: o.Ref, Op: planner.OpAppend, Field: field, Why: "applies the patch to this overlay alone"},
			edit: yamledit.Edit{Document: 1, Op: planner.OpAppend, Field: field, Value: value},
		}})
	}
	return nil
}

func (w *work) freePatch(b *build, dir, base string) string {
	base = fileName(base)
	for i := 1; ; i++ {
		name := path.Join(dir, base+"-keyless.yaml")
		if i > 1 {
			name = path.Join(dir, base+"-keyless-"+strconv.Itoa(i)+".yaml")
		}
		if _, err := w.file(name); err != nil && b.files[name] == nil {
			return name
		}
	}
}

// strategic writes edits as a strategic-merge patch. False: it can not say one of them.
func (w *work) strategic(o *scanner.Object, bare string, edits []planner.Edit) (yamledit.Map, bool) {
	if !mergedKinds[o.Ref.Kind] {
		return nil, false
	}
	root := &branch{}
	edits = slices.Clone(edits) // what is set reads better before what goes
	slices.SortStableFunc(edits, func(a, b planner.Edit) int { return strings.Compare(b.Op, a.Op) })
	for _, edit := range edits {
		value := edit.Value
		if edit.Op == planner.OpSet {
			value = w.written(o, edit)
		}
		if !root.add(edit.Field, edit.Op, value) {
			return nil, false
		}
	}
	body := root.value().(yamledit.Map)
	metadata := yamledit.Map{{Key: "name", Value: bare}}
	var rest yamledit.Map
	for _, field := range body {
		if more, ok := field.Value.(yamledit.Map); ok && field.Key == "metadata" {
			metadata = append(metadata, more...)
			continue
		}
		rest = append(rest, field)
	}
	head := yamledit.Map{{Key: "apiVersion", Value: o.Ref.APIVersion}, {Key: "kind", Value: o.Ref.Kind}, {Key: "metadata", Value: metadata}}
	return append(head, rest...), true
}

// A branch is a node of a strategic-merge patch in the making.
type branch struct {
	keys   []string
	fields map[string]*branch
	items  []*branch // of a merged list
	by     [2]string // the field that tells an item apart, and its value
	leaf   any
	isLeaf bool
	gone   bool
}

func (b *branch) add(path object.Path, op string, value any) bool {
	if len(path) == 0 {
		return false
	}
	step := path[0]
	if step.Key == "" {
		return false // the list that holds it takes it
	}
	child := b.field(step.Key)
	rest := path[1:]
	if len(rest) > 0 && rest[0].Key == "" {
		item := rest[0]
		if item.By == "" || mergeKeys[step.Key] != item.By {
			return false
		}
		child = child.item(item)
		rest = rest[1:]
	}
	if len(rest) > 0 {
		return child.add(rest, op, value)
	}
	switch op {
	case planner.OpRemove:
		child.gone = true
	case planner.OpSet:
		child.leaf, child.isLeaf = value, true
	default:
		key := mergeKeys[step.Key]
		m, ok := value.(map[string]any)
		if key == "" || !ok || len(path) > 1 {
			return false
		}
		name, ok := m[key].(string)
		if !ok {
			return false
		}
		added := child.item(object.Item(key, name))
		for field, v := range m {
			if field != key {
				leaf := added.field(field)
				leaf.leaf, leaf.isLeaf = v, true
			}
		}
		slices.Sort(added.keys)
	}
	return true
}

func (b *branch) field(key string) *branch {
	if b.fields == nil {
		b.fields = map[string]*branch{}
	}
	if b.fields[key] == nil {
		b.fields[key] = &branch{}
		b.keys = append(b.keys, key)
	}
	return b.fields[key]
}

func (b *branch) item(step object.Step) *branch {
	for _, item := range b.items {
		if item.by == [2]string{step.By, step.Value} {
			return item
		}
	}
	item := &branch{by: [2]string{step.By, step.Value}}
	b.items = append(b.items, item)
	return item
}

func (b *branch) value() any {
	switch {
	case b.gone && b.by[0] != "":
		return yamledit.Map{{Key: "$patch", Value: "delete"}, {Key: b.by[0], Value: b.by[1]}}
	case b.gone:
		return nil // null removes a field
	case b.isLeaf:
		return b.leaf
	case len(b.items) > 0:
		list := []any{}
		for _, item := range b.items {
			list = append(list, item.value())
		}
		return list
	}
	m := yamledit.Map{}
	if b.by[0] != "" {
		m = append(m, yamledit.Field{Key: b.by[0], Value: b.by[1]})
	}
	for _, key := range b.keys {
		m = append(m, yamledit.Field{Key: key, Value: b.fields[key].value()})
	}
	return m
}
