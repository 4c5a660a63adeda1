package rewriter

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/yamledit"
	"dekey/scanner"
	"dekey/scanner/keyfile"
	"dekey/scanner/object"
)

// A leftover is what the second stage takes away, in the checkout as it is after the merge: a document, a field, or a file.
type leftover struct {
	path     string
	document int         // 0: the whole file
	field    object.Path // nil: the whole document
	object   scanner.Ref
	keys     []string
	why      string
}

// A doomed entry is what of a Secret goes, and with which keys.
type doomed struct {
	ref     scanner.Ref
	entries map[string]bool
	keys    []string
}

// cleanup is the second stage, for after the deletion: the Secrets of keys whose consumers all move, what makes these
// Secrets, and key files. Nothing of it is in changes.patch.
func (w *work) cleanup(plan planner.Plan, c *Changeset) ([]byte, error) {
	going := doomedSecrets(plan)
	if len(going) == 0 || w.tree == nil {
		return nil, nil
	}
	files := map[string][]byte{}
	if w.built != nil {
		for name, file := range w.built.files {
			files[name] = file.new
		}
	}
	merged := newOverlay(w.tree, files)
	objects, err := w.renderer.Render(w.ctx, merged, w.makers(going))
	if err != nil {
		return nil, fmt.Errorf("rendering the checkout for the second stage: %w", err)
	}
	var found []leftover
	for _, d := range going {
		found = append(found, w.leftovers(d, objects, c)...)
	}
	found = append(found, keyFiles(plan)...)
	swept, err := w.sweepProven(merged, files, found)
	if err != nil {
		return nil, err
	}
	c.Removals = append(c.Removals, swept.removals...)
	c.Manual = append(c.Manual, swept.manual...)
	for _, name := range slices.Sorted(maps.Keys(swept.files)) {
		c.Files = append(c.Files, swept.files[name].sealed())
	}
	return swept.patch, nil
}

// doomedSecrets are the Secrets of every key whose consumers all move, with the entries that hold it.
func doomedSecrets(plan planner.Plan) []doomed {
	byRef := map[scanner.Ref]*doomed{}
	staying := map[scanner.Ref]bool{}
	for _, r := range plan.Retirements {
		for _, ref := range r.Secrets {
			if ref.Kind != "Secret" {
				continue
			}
			if r.Consumers == 0 || r.Moved < r.Consumers {
				staying[ref] = true
				continue
			}
			d := byRef[ref]
			if d == nil {
				d = &doomed{ref: ref, entries: map[string]bool{}}
				byRef[ref] = d
			}
			if r.Key != "" {
				d.keys = append(d.keys, r.Key)
			}
			for _, cp := range r.Copies {
				if cp.Holder.Kind == "Secret" && cp.Holder.Namespace == ref.Namespace && cp.Holder.Name == ref.Name {
					d.entries[cp.Holder.Entry] = true
				}
			}
			for _, f := range plan.Findings {
				if f.Secret.Kind == "Secret" && f.Secret.Namespace == ref.Namespace && f.Secret.Name == ref.Name && f.Secret.Entry != "" && f.Key == r.Key {
					d.entries[f.Secret.Entry] = true
				}
			}
		}
	}
	var list []doomed
	for _, ref := range slices.SortedFunc(maps.Keys(byRef), scanner.Ref.Compare) {
		if !staying[ref] || len(byRef[ref].entries) > 0 {
			d := *byRef[ref]
			slices.Sort(d.keys)
			d.keys = slices.Compact(d.keys)
			list = append(list, d)
		}
	}
	return list
}

// makers are the objects that can make Secrets: themselves, and what has their name or is known to make them.
func (w *work) makers(going []doomed) []scanner.Ref {
	var list []scanner.Ref
	for _, d := range going {
		list = append(list, d.ref)
		for _, kind := range []scanner.Ref{
			{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret"}, {APIVersion: "external-secrets.io/v1beta1", Kind: "ExternalSecret"},
			{APIVersion: "external-secrets.io/v1alpha1", Kind: "ExternalSecret"}, {APIVersion: "bitnami.com/v1alpha1", Kind: "SealedSecret"},
		} {
			kind.Namespace, kind.Name = d.ref.Namespace, d.ref.Name
			list = append(list, kind)
		}
	}
	for _, secret := range w.options.Secrets {
		if slices.ContainsFunc(going, func(d doomed) bool { return d.ref.Namespace == secret.Ref.Namespace && d.ref.Name == secret.Ref.Name }) {
			for _, p := range secret.Provenance {
				if p.Object.Kind != "" {
					list = append(list, p.Object)
				}
			}
		}
	}
	slices.SortFunc(list, scanner.Ref.Compare)
	return slices.Compact(list)
}

// leftovers are the places of one Secret and of what makes it.
func (w *work) leftovers(d doomed, objects []*scanner.Object, c *Changeset) []leftover {
	var found []leftover
	for _, o := range objects {
		fields, whole := partOf(o, d)
		if !whole && len(fields) == 0 || o.Locator == nil {
			continue
		}
		why := fmt.Sprintf("%s holds a key that nothing uses any more", d.ref)
		if o.Ref.Kind != "Secret" {
			why = fmt.Sprintf("it makes %s, which holds a key that nothing uses any more", d.ref)
		}
		if whole {
			fields = []object.Path{nil}
		}
		for _, field := range fields {
			places := o.Locator.Locate(field)
			if len(places) == 0 {
				c.Manual = append(c.Manual, Manual{Where: o.Ref.String(), What: "remove " + strings.TrimSpace(field.String()+" it"), Why: why})
				continue
			}
			for _, place := range places {
				if place.Inner != nil || place.Role == object.Template || place.Role == object.Values {
					c.Manual = append(c.Manual, Manual{Where: fmt.Sprintf("%s:%d", place.Origin.Path, place.Origin.Line), What: "remove what makes " + d.ref.String(), Why: why})
					continue
				}
				found = append(found, leftover{path: place.Origin.Path, document: place.Origin.Document, field: place.Field, object: o.Ref, keys: d.keys, why: why})
			}
		}
	}
	if len(found) == 0 {
		c.Manual = append(c.Manual, Manual{Where: d.ref.String(), What: "after the key is deleted, remove its entry, and the Secret when that is all it holds",
			Why: "it holds a key that nothing uses any more, and no file of the checkout makes it"})
	}
	return found
}

// partOf says what of an object goes with a Secret's doomed entries: all of it, or some fields.
func partOf(o *scanner.Object, d doomed) (fields []object.Path, whole bool) {
	spec, _ := o.Content["spec"].(map[string]any)
	switch o.Ref.Kind {
	case "Secret":
		if o.Ref.Namespace != d.ref.Namespace || o.Ref.Name != d.ref.Name {
			return nil, false
		}
		all := true
		for _, list := range []string{"data", "stringData"} {
			content, _ := o.Content[list].(map[string]any)
			for _, entry := range slices.Sorted(maps.Keys(content)) {
				if d.entries[entry] {
					fields = append(fields, object.Keys(list, entry))
				} else {
					all = false
				}
			}
		}
		return fields, all
	case "ExternalSecret":
		target, _ := spec["target"].(map[string]any)
		name, named := target["name"].(string)
		if !named {
			name = o.Ref.Name
		}
		if name != d.ref.Name || o.Ref.Namespace != d.ref.Namespace {
			return nil, false
		}
		items, _ := spec["data"].([]any)
		for i, item := range items {
			m, _ := item.(map[string]any)
			if entry, _ := m["secretKey"].(string); d.entries[entry] {
				fields = append(fields, object.Keys("spec", "data").Join(object.At(i)))
			}
		}
		more := spec["dataFrom"] != nil || len(fields) < len(items)
		return fields, !more || len(d.entries) == 0
	case "SealedSecret":
		encrypted, _ := spec["encryptedData"].(map[string]any)
		if o.Ref.Name != d.ref.Name || o.Ref.Namespace != d.ref.Namespace {
			return nil, false
		}
		for _, entry := range slices.Sorted(maps.Keys(encrypted)) {
			if d.entries[entry] {
				fields = append(fields, object.Keys("spec", "encryptedData", entry))
			}
		}
		return fields, len(d.entries) == 0 || len(fields) == len(encrypted)
	}
	return nil, false
}

// keyFiles are the files of the checkout that are keys.
func keyFiles(plan planner.Plan) []leftover {
	var found []leftover
	for _, r := range plan.Retirements {
		if r.Consumers == 0 || r.Moved < r.Consumers {
			continue
		}
		for _, cp := range r.Copies {
			if cp.Holder.Kind == "File" && cp.Holder.Name != "" {
				found = append(found, leftover{path: cp.Holder.Name, keys: []string{r.Key}, why: "it is a key that nothing uses any more",
					object: scanner.Ref{Kind: "File", Name: cp.Holder.Name}})
			}
		}
	}
	return found
}

// A secondStage is the second stage in the making.
type secondStage struct {
	files    map[string]*File
	removals []Removal
	manual   []Manual
	patch    []byte
}

// sweepUp makes the second stage of leftovers, file by file. A removal whose lines hold key material is described, and in
// no patch.
func (w *work) sweepUp(merged *overlay, found []leftover) (*secondStage, error) {
	byPath := map[string][]leftover{}
	for _, l := range found {
		if !slices.ContainsFunc(byPath[l.path], func(o leftover) bool { return o.document == l.document && o.field.Equal(l.field) }) {
			byPath[l.path] = append(byPath[l.path], l)
		}
	}
	s := &secondStage{files: map[string]*File{}}
	gone := map[string]leftover{}
	for _, name := range slices.Sorted(maps.Keys(byPath)) {
		if err := w.sweepFile(merged, name, byPath[name], s, gone); err != nil {
			return nil, err
		}
	}
	w.unlistGone(merged, gone, s)
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		file := s.files[name]
		if !bytes.Equal(file.old, file.patched) || file.patched == nil && file.old != nil {
			if more, err := file.diff(file.old, file.patched); err == nil {
				s.patch = append(s.patch, more...)
			} else {
				// A key stands right beside it: publish makes this removal too.
				for i := range s.removals {
					if s.removals[i].Path == name {
						s.removals[i].Key = true
					}
				}
			}
		}
	}
	slices.SortFunc(s.removals, func(a, b Removal) int {
		return strings.Compare(fmt.Sprintf("%s %09d", a.Path, a.From), fmt.Sprintf("%s %09d", b.Path, b.From))
	})
	return s, nil
}

// sweepFile removes the leftovers of one file.
func (w *work) sweepFile(merged *overlay, name string, list []leftover, s *secondStage, gone map[string]leftover) error {
	text, err := readFile(merged, name)
	if err != nil {
		return nil // the first stage took it away, or it is in another checkout
	}
	marked := keyfile.KeyLines(text)
	file := &File{Path: name, Stage: StageCleanup, Mode: w.mode(name), Moves: []string{}, Edits: []FileEdit{}, prefix: w.source.Prefix, old: text, new: text, patched: text}
	var removals []Removal
	for _, l := range list {
		removal, err := located(text, l)
		if err != nil {
			s.manual = append(s.manual, Manual{Where: name, What: "remove " + l.object.String(), Why: l.why + " (" + err.Error() + ")"})
			continue
		}
		removals = append(removals, removal)
	}
	slices.SortStableFunc(removals, backwards)
	for _, removal := range removals {
		l := leftover{path: name, document: removal.Document, field: removal.Field, object: removal.Object, keys: removal.Keys, why: removal.Why}
		for line := removal.From; line <= removal.To && line-1 < len(marked); line++ {
			removal.Key = removal.Key || marked[line-1]
		}
		next, err := removed(file.new, l)
		if err != nil {
			s.manual = append(s.manual, Manual{Where: fmt.Sprintf("%s:%d", name, removal.From), What: "remove " + l.object.String(), Why: l.why + " (" + err.Error() + ")"})
			continue
		}
		file.new = next
		if removal.Whole = next == nil; removal.Whole {
			gone[name] = l
		}
		if !removal.Key {
			if file.patched, err = removed(file.patched, l); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		file.Edits = append(file.Edits, FileEdit{Line: removal.From, Op: planner.OpRemove, Field: l.field, Why: l.why})
		s.removals = append(s.removals, removal)
		if next == nil {
			break
		}
	}
	if len(file.Edits) > 0 {
		s.files[name] = file
	}
	return nil
}

// backwards orders removals from the back of a file to its front, so that what is in front keeps its number; fields come
// before whole documents.
func backwards(a, b Removal) int {
	return cmp.Or(b.Document-a.Document, len(b.Field)-len(a.Field), b.From-a.From)
}

// Sweep makes the removals of one file again: text is the file before them, the result is nil when nothing is left of it.
// What comes out has the digest File.After; a caller makes sure. It is for removals whose lines are in no patch.
func Sweep(text []byte, removals []Removal) ([]byte, error) {
	list := slices.SortedStableFunc(slices.Values(removals), backwards)
	for _, removal := range list {
		next, err := removed(text, leftover{document: removal.Document, field: removal.Field})
		if err != nil {
			return nil, fmt.Errorf("removing lines %d to %d of %s: %w", removal.From, removal.To, removal.Path, err)
		}
		if text = next; text == nil {
			break
		}
	}
	return text, nil
}

// located says on which lines a leftover stands.
func located(text []byte, l leftover) (Removal, error) {
	r := Removal{Path: l.path, Object: l.object, Keys: nonNil(l.keys), Why: l.why, From: 1, To: max(1, lines(text)), Document: l.document, Field: l.field}
	switch {
	case l.document == 0:
		return r, nil
	case len(l.field) > 0:
		positions, err := yamledit.Locate(text, l.document, l.field)
		if err != nil {
			return r, err
		}
		if r.From, r.To = positions[0].Line, positions[0].LastLine; r.From == 0 {
			return r, fmt.Errorf("%s is not found", l.field)
		}
		return r, nil
	}
	documents, err := yamledit.Documents(text)
	if err != nil {
		return r, err
	}
	if l.document > len(documents) {
		return r, fmt.Errorf("document %d is not found", l.document)
	}
	d := documents[l.document-1]
	r.From = d.Line
	r.To = d.Line + max(0, lines(text[d.Start:d.End])-1)
	return r, nil
}

func lines(text []byte) int {
	n := bytes.Count(text, []byte("\n"))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}

// removed is a text after one removal, nil when nothing is left of it.
func removed(text []byte, l leftover) ([]byte, error) {
	switch {
	case text == nil || l.document == 0:
		return nil, nil
	case len(l.field) > 0:
		result, err := yamledit.Apply(text, []yamledit.Edit{{Document: l.document, Op: yamledit.Remove, Field: l.field}})
		return result.Content, err
	}
	documents, err := yamledit.Documents(text)
	if err != nil {
		return nil, err
	}
	if len(documents) == 1 {
		return nil, nil
	}
	result, err := yamledit.RemoveDocument(text, l.document)
	return result.Content, err
}
