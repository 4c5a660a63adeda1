package rewriter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/unified"
	"dekey/rewriter/yamledit"
	"dekey/scanner"
	"dekey/scanner/keyfile"
	"dekey/scanner/object"
)

// A build is what the checkout becomes with some moves.
type build struct {
	files   map[string]*File
	values  map[stands][]object.Path // values that are edited where an object deploys a chart
	patch   []byte
	created map[scanner.Ref]planner.Edit
}

// build makes all edits of drafts, file by file. It gives the moves that can not be made instead, when there are any.
func (w *work) build(drafts []*draft) (*build, []fault) {
	b := &build{files: map[string]*File{}, values: map[stands][]object.Path{}, created: map[scanner.Ref]planner.Edit{}}
	landed := map[string][]owned{}
	over := w.overlaid(drafts)
	overlays := map[int]*unit{}
	movesOfObject := map[int][]string{}
	for _, d := range drafts {
		for _, u := range d.units {
			if left := u.only(func(i int) bool { return over[asked{u, i}] }); len(left.edits) > 0 {
				overlays[u.object] = joined(overlays[u.object], left)
				movesOfObject[u.object] = append(movesOfObject[u.object], u.move)
			}
			for _, l := range u.landed {
				if over[asked{u, l.of}] {
					continue
				}
				for _, l := range append(w.deletions(l, w.before[u.object].Root), l) {
					landed[l.path] = append(landed[l.path], owned{l, d.move.ID})
				}
			}
		}
	}
	bad := w.create(b, drafts, overlays, landed)
	for _, i := range slices.Sorted(maps.Keys(overlays)) {
		overlay := w.overlayPatch
		if _, chart := w.before[i].Locator.(ownLocator); chart {
			overlay = w.overlayValues
		}
		if err := overlay(b, overlays[i], movesOfObject[i], landed); err != nil {
			for _, move := range movesOfObject[i] {
				bad = append(bad, fault{move: move, hold: hold(planner.HoldNotProvable, fmt.Sprintf("%s in %s: %v", w.before[i].Ref, w.before[i].Root, err), "")})
			}
		}
	}
	b.noteValues(landed)
	for path, edits := range landed {
		landed[path] = w.leaveEmpty(path, edits)
	}
	// Patches first: one that is empty then goes with its entry in the kustomization.
	for _, path := range slices.Sorted(maps.Keys(landed)) {
		if isPatchFile(landed[path]) {
			bad = append(bad, w.apply(b, path, landed[path])...)
			if file := b.files[path]; file != nil && changesNothing(file.new) {
				file.new = nil
				for _, removal := range w.unlist(path, file.Moves) {
					landed[removal.path] = append(landed[removal.path], removal)
				}
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(landed)) {
		if !isPatchFile(landed[path]) {
			bad = append(bad, w.apply(b, path, landed[path])...)
		}
	}
	return b, bad
}

// A stands is one document of a file.
type stands struct {
	path     string
	document int
}

// noteValues remembers which values are edited: they are parts of the objects that deploy charts, where those hold them.
func (b *build) noteValues(landed map[string][]owned) {
	for path, edits := range landed {
		for _, e := range edits {
			at, field := stands{path, e.edit.Document}, e.edit.Field
			if e.inner {
				at.document, field = e.in, e.text
			}
			if e.role == object.Values {
				b.values[at] = append(b.values[at], field)
			}
		}
	}
}

// only is a unit with some of its edits.
func (u *unit) only(keep func(int) bool) *unit {
	part := &unit{move: u.move, object: u.object}
	for i, edit := range u.edits {
		if keep(i) {
			part.edits = append(part.edits, edit)
		}
	}
	return part
}

// joined is what two moves change of one object.
func joined(a, b *unit) *unit {
	if a == nil {
		return b
	}
	both := *a
	both.edits = slices.Clone(a.edits)
	for _, edit := range b.edits {
		if !slices.ContainsFunc(both.edits, func(o planner.Edit) bool { return sameChange(o, edit) }) {
			both.edits = append(both.edits, edit)
		}
	}
	return &both
}

// owned is a landing with the move that it is a part of.
type owned struct {
	landing
	move string
}

// apply makes the edits of one file in one batch.
func (w *work) apply(b *build, path string, edits []owned) []fault {
	content, err := w.file(path)
	if err != nil {
		return blame(edits, hold(planner.HoldNotProvable, path+" can not be read", "Can the file be read?"))
	}
	result, err := applyOnce(content, edits)
	if err == nil {
		b.files[path] = &File{Path: path, Stage: StageMigrate, Mode: w.mode(path), old: content, new: result.content, prefix: w.source.Prefix, Edits: result.edits, Moves: movesOf(edits)}
		return nil
	}
	// Who is it? A move whose own edits are refused is; otherwise it is all of them together.
	var bad []fault
	for _, move := range movesOf(edits) {
		own := slices.DeleteFunc(slices.Clone(edits), func(e owned) bool { return e.move != move })
		if _, err := applyOnce(content, own); err != nil {
			bad = append(bad, fault{move: move, hold: refused(path, err)})
		}
	}
	if len(bad) == 0 {
		bad = blame(edits, refused(path, err))
	}
	return bad
}

type applied struct {
	content []byte
	edits   []FileEdit
}

// applyOnce makes edits, each once, however many moves want it: first those inside of texts, then those of the file.
func applyOnce(content []byte, edits []owned) (applied, error) {
	done := applied{content: content}
	var direct, inner []owned
	for _, e := range edits {
		done.edits = append(done.edits, FileEdit{Move: e.move, Op: e.plan.Op, Field: e.plan.Field, Why: e.plan.Why})
		if e.inner {
			inner = append(inner, e)
		} else {
			direct = append(direct, e)
		}
	}
	content, emptied, err := applyInner(content, inner)
	if err != nil {
		return applied{}, err
	}
	direct = append(direct, emptied...)
	if slices.ContainsFunc(direct, func(e owned) bool { return e.role == object.JSON6902 }) {
		if patch, err := yamledit.Decode(content, 1); err == nil {
			direct = wholeOperations(patch, direct)
		}
	}
	batch, at := distinct(direct)
	apply := applyPatch
	if slices.ContainsFunc(direct, func(e owned) bool { return e.role == object.Template }) {
		apply = yamledit.ApplyTemplate
	}
	result, err := apply(content, batch)
	if err != nil {
		return applied{}, err
	}
	done.content = result.Content
	n := 0
	for i, e := range edits {
		if !e.inner {
			done.edits[i].Line = result.Lines[at[n]]
			n++
		}
	}
	slices.SortStableFunc(done.edits, func(a, b FileEdit) int { return a.Line - b.Line })
	return done, nil
}

// distinct is a batch without repeats. at says where in it each edit is.
func distinct(edits []owned) (batch []yamledit.Edit, at []int) {
	at = make([]int, len(edits))
	for i, e := range edits {
		if first := slices.IndexFunc(edits[:i], func(o owned) bool { return o.sameEdit(e.landing) }); first >= 0 {
			at[i] = at[first]
			continue
		}
		at[i] = len(batch)
		batch = append(batch, e.edit)
	}
	return batch, at
}

// applyInner makes the edits inside of texts, and gives removals of the entries whose patches are then empty.
func applyInner(content []byte, edits []owned) ([]byte, []owned, error) {
	var emptied []owned
	for len(edits) > 0 {
		first := edits[0]
		var group, rest []owned
		for _, e := range edits {
			if e.in == first.in && e.text.Equal(first.text) {
				group = append(group, e)
			} else {
				rest = append(rest, e)
			}
		}
		edits = rest
		document, err := yamledit.Decode(content, first.in)
		if err != nil {
			return nil, nil, err
		}
		value, _ := first.text.Lookup(document)
		text, _ := value.(string)
		if patch, err := yamledit.Decode([]byte(text), 1); err == nil {
			group = wholeOperations(patch, group)
		}
		batch, _ := distinct(group)
		if first.role == object.Values {
			if content, err = inlineEdit(content, first.in, first.text, batch); err != nil {
				return nil, nil, err
			}
			continue
		}
		result, err := applyPatch([]byte(text), batch)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", first.text, err)
		}
		if changesNothing(result.Content) {
			entry := entryOf(first.text)
			emptied = append(emptied, owned{move: first.move, landing: landing{path: first.path, role: object.Setting,
				edit: yamledit.Edit{Document: first.in, Op: planner.OpRemove, Field: entry}}})
			continue
		}
		if content, err = inlineEdit(content, first.in, first.text, batch); err != nil {
			return nil, nil, err
		}
	}
	return content, emptied, nil
}

func refused(path string, err error) planner.Hold {
	h := hold(planner.HoldNotProvable, path+": "+err.Error(), "Can the edit of "+path+" be made by hand?")
	var refusal *yamledit.Refusal
	if errors.As(err, &refusal) && refusal.Line > 0 {
		h.At = &scanner.Origin{Path: path, Document: max(1, refusal.Document), Line: refusal.Line, Column: 1}
	}
	return h
}

func movesOf(edits []owned) []string {
	var moves []string
	for _, e := range edits {
		if !slices.Contains(moves, e.move) {
			moves = append(moves, e.move)
		}
	}
	slices.Sort(moves)
	return moves
}

// blame finds every move of some edits guilty together.
func blame(edits []owned, h planner.Hold) []fault {
	var bad []fault
	moves := movesOf(edits)
	for _, move := range moves {
		bad = append(bad, fault{move: move, hold: h, shared: len(moves) > 1})
	}
	return bad
}

// mode is a file's mode as git has it.
func (w *work) mode(path string) string {
	info, err := fs.Stat(w.tree, path)
	if err == nil && info.Mode()&0o111 != 0 {
		return "100755"
	}
	return "100644"
}

// print writes the patch of a build. A move that has no line free of key material beside its edit is held.
func (w *work) print(b *build, drafts []*draft) []fault {
	b.patch = nil
	var bad []fault
	for _, path := range slices.Sorted(maps.Keys(b.files)) {
		file := b.files[path]
		patch, err := file.diff(file.old, file.new)
		if err == nil {
			b.patch = append(b.patch, patch...)
			continue
		}
		var own []fault
		for _, move := range file.Moves {
			alone := w.alone(path, move, drafts)
			if alone == nil {
				continue
			}
			if _, err := file.diff(file.old, alone); err != nil {
				own = append(own, fault{move: move, hold: unprintable(path, err)})
			}
		}
		if len(own) == 0 {
			for _, move := range file.Moves {
				own = append(own, fault{move: move, hold: unprintable(path, err), shared: len(file.Moves) > 1})
			}
		}
		bad = append(bad, own...)
	}
	return bad
}

// alone is a file with the edits of one move, nil when they are not all of what the move does to it.
func (w *work) alone(path, move string, drafts []*draft) []byte {
	var own []owned
	for _, d := range drafts {
		for _, u := range d.units {
			for _, l := range u.landed {
				if d.move.ID == move && l.path == path {
					own = append(own, owned{l, move})
				}
			}
		}
	}
	result, err := applyOnce(w.read[path], own)
	if err != nil || len(own) == 0 {
		return nil
	}
	return result.content
}

func unprintable(path string, err error) planner.Hold {
	var key *unified.KeyError
	if !errors.As(err, &key) {
		return hold(planner.HoldNotProvable, err.Error(), "Can the edit of "+path+" be made by hand?")
	}
	reason := fmt.Sprintf("%s:%d holds key material beside the edit, so no patch can be written that does not print it", path, key.Line)
	if key.Edited {
		reason = fmt.Sprintf("%s:%d holds key material, and the edit touches the line", path, key.Line)
	}
	h := hold(planner.HoldKeyInContext, reason, "Can the key be taken out of "+path+" first?")
	h.At = &scanner.Origin{Path: path, Document: 1, Line: max(1, key.Line), Column: 1}
	return h
}

// diff is the patch from one content of the file to another, without a line that holds key material.
func (f *File) diff(before, after []byte) ([]byte, error) {
	secret := map[string]bool{}
	for _, text := range [][]byte{before, after} {
		marked := keyfile.KeyLines(text)
		for i, line := range bytes.SplitAfter(text, []byte("\n")) {
			if i < len(marked) && marked[i] {
				secret[strings.TrimRight(string(line), "\r\n")] = true
			}
		}
	}
	return unified.Diff([]unified.File{{Path: f.prefix + f.Path, Old: before, New: after, Mode: f.Mode}}, func(line []byte) bool {
		return secret[strings.TrimRight(string(line), "\r\n")] || keyfile.IsKeyMaterial(line)
	})
}
