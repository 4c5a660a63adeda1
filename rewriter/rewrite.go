package rewriter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/runbook"
	"dekey/scanner"
	"dekey/scanner/object"
)

// Options are what Rewrite is told beside the plan. The zero value is complete for a plan of one checkout.
type Options struct {
	// Source is the id of the plan's checkout that tree is, "" for the only one.
	Source string
	// Secrets are the shapes of Secrets, as the inventory has them: they say what makes a Secret of another name.
	Secrets []scanner.Secret
}

// A StaleError says that the checkout is not the one that the plan was made from.
type StaleError struct {
	Paths []string // files that changed since, or are gone
}

func (e *StaleError) Error() string {
	const most = 5
	shown := e.Paths[:min(len(e.Paths), most)]
	text := strings.Join(shown, ", ")
	if more := len(e.Paths) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return "the checkout is not the one that the plan was made from: changed since: " + text
}

// Rewrite turns a plan into text: where every edit of every move lands in tree (whose root is the scanned root), the files
// before and after, the steps, and the other files of the changeset folder.
//
// A move that can not be written and proven is a hold in the Result's plan, and none of its edits is made. The error is a
// *StaleError for a checkout that moved, or says what could not be read or rendered at all.
func Rewrite(ctx context.Context, tree fs.FS, plan planner.Plan, r Renderer, o Options) (Result, error) {
	w, err := newWork(ctx, tree, plan, r, o)
	if err != nil {
		return Result{}, err
	}
	if err := w.settle(); err != nil {
		return Result{}, err
	}
	return w.result()
}

// work is one rewriting.
type work struct {
	ctx      context.Context
	tree     fs.FS
	plan     planner.Plan
	renderer Renderer
	options  Options
	source   scanner.Source

	part    fs.FS                   // the part of tree that edits can reach: what is rendered
	before  []*scanner.Object       // everything in that part
	objects map[scanner.Ref][]int   // indexes of before
	read    map[string][]byte       // files as they are
	drafts  map[string]*draft       // by move, of those that are still in
	listed  []*kustomization        // all of the checkout; nil: not read yet
	used    map[string][]string     // by kustomization: what it names
	built   *build                  // the last one that was proven
	failed  map[string]planner.Hold // moves that were withdrawn
	leave   map[string]bool         // moves that leave emptied lists of values
	byHand  map[string]bool         // moves whose templates are edited: no value of the chart makes them alone
}

func newWork(ctx context.Context, tree fs.FS, plan planner.Plan, r Renderer, o Options) (*work, error) {
	w := &work{
		ctx: ctx, tree: tree, plan: plan, renderer: r, options: o,
		read: map[string][]byte{}, drafts: map[string]*draft{},
		failed: map[string]planner.Hold{}, byHand: map[string]bool{}, leave: map[string]bool{},
	}
	source, found, err := checkout(plan, tree, o.Source)
	if err != nil || !found {
		return w, err
	}
	w.source = source
	if err := w.fresh(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(plan.Moves, func(m planner.Move) bool { return !m.Live }) {
		return w, nil
	}
	return w, w.look()
}

// look reads the objects that edits are about, and then everything that the files of those edits can reach.
func (w *work) look() error {
	var err error
	if w.before, err = w.renderer.Render(w.ctx, w.tree, refs(w.plan, nil)); err != nil {
		return fmt.Errorf("rendering the checkout: %w", err)
	}
	w.index()
	if slices.ContainsFunc(w.plan.Moves, func(m planner.Move) bool { return !m.Live && len(w.objects[m.Workload]) == 0 }) {
		return w.everything() // a name that is made in a template stands in no file
	}
	changed, roots := map[string]bool{}, map[string]bool{}
	for _, o := range w.before {
		for _, origin := range o.Origins {
			changed[origin.Path] = true
		}
	}
	for _, move := range w.plan.Moves {
		d, hold := w.draft(move)
		if hold != nil {
			continue
		}
		for _, u := range d.units {
			for _, l := range u.landed {
				changed[l.path] = true
				for _, root := range l.roots {
					roots[root] = true
				}
			}
		}
	}
	found := w.before
	w.part = w.near(changed)
	if w.before, err = w.renderer.Render(w.ctx, w.part, nil); err != nil {
		return fmt.Errorf("rendering the checkout: %w", err)
	}
	for _, o := range w.before {
		delete(roots, o.Root)
	}
	if len(roots) > 0 || !contains(w.before, found) {
		// A rendering needs more than can be read off its kustomizations.
		return w.everything()
	}
	w.index()
	return nil
}

// everything renders the whole checkout.
func (w *work) everything() error {
	var err error
	w.part = w.tree
	if w.before, err = w.renderer.Render(w.ctx, w.part, nil); err != nil {
		return fmt.Errorf("rendering the checkout: %w", err)
	}
	w.index()
	return nil
}

func (w *work) index() {
	w.objects = map[scanner.Ref][]int{}
	for i, object := range w.before {
		w.objects[object.Ref] = append(w.objects[object.Ref], i)
	}
}

// contains says whether every one of some objects is among all, and the same there.
func contains(all, some []*scanner.Object) bool {
	known := map[identity][]*scanner.Object{}
	for _, o := range all {
		known[identify(o)] = append(known[identify(o)], o)
	}
	return !slices.ContainsFunc(some, func(o *scanner.Object) bool {
		return !slices.ContainsFunc(known[identify(o)], func(k *scanner.Object) bool { return same(k.Content, o.Content) })
	})
}

// checkout is the source of the plan that the tree is: the one that was named, the only one, or the one of several whose
// files the tree has as they were read. A plan may have none: what came from a cluster, its dump or standard input stands
// in no file that is edited.
func checkout(plan planner.Plan, tree fs.FS, id string) (scanner.Source, bool, error) {
	var repositories []scanner.Source
	for _, source := range plan.Sources {
		if isCheckout(source) && (id == "" || source.ID == id) {
			repositories = append(repositories, source)
		}
	}
	switch {
	case id != "" && len(repositories) == 0:
		return scanner.Source{}, false, fmt.Errorf("the plan has no checkout %q", id)
	case tree == nil || len(repositories) == 0:
		return scanner.Source{}, false, nil
	case len(repositories) == 1:
		return repositories[0], true, nil
	}
	var same []scanner.Source
	for _, source := range repositories {
		if stale, err := changed(tree, source); err != nil {
			return scanner.Source{}, false, err
		} else if len(stale) == 0 && len(source.Files) > 0 {
			same = append(same, source)
		}
	}
	switch len(same) {
	case 0:
		return scanner.Source{}, false, fmt.Errorf("the plan was made from %d checkouts, and this is none of them as it was then", len(repositories))
	case 1:
		return same[0], true, nil
	}
	return scanner.Source{}, false, fmt.Errorf("the plan was made from %d checkouts, and this could be %d of them: scan each of them once", len(repositories), len(same))
}

// isCheckout says whether a source has files that people edit: not a cluster, and not what came on standard input.
func isCheckout(s scanner.Source) bool { return s.Kind == "repository" && !s.Dump && s.Root != "-" }

// fresh compares every file with what the scan read.
func (w *work) fresh() error {
	stale, err := changed(w.tree, w.source)
	if err != nil {
		return err
	}
	if len(stale) > 0 {
		return &StaleError{Paths: stale}
	}
	return w.ctx.Err()
}

// changed are the files of a source that are not in the tree as the scan read them, sorted.
func changed(tree fs.FS, source scanner.Source) ([]string, error) {
	var stale []string
	for _, file := range source.Files {
		if !fs.ValidPath(file.Path) {
			return nil, fmt.Errorf("the plan names the file %q, which is no path in a checkout", file.Path)
		}
		content, err := fs.ReadFile(tree, file.Path)
		if err != nil || digest(content) != file.SHA256 {
			stale = append(stale, file.Path)
		}
	}
	slices.Sort(stale)
	return stale, nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// file reads a file of the checkout once.
func (w *work) file(path string) ([]byte, error) {
	if content, ok := w.read[path]; ok {
		return content, nil
	}
	content, err := fs.ReadFile(w.tree, path)
	if err != nil {
		return nil, err
	}
	w.read[path] = content
	return content, nil
}

// settle drafts every move, and withdraws moves until all that are left are written and proven together.
func (w *work) settle() error {
	for _, move := range w.plan.Moves {
		if err := runbook.Refuses(move); err != nil {
			w.failed[move.ID] = hold(planner.HoldInvalidName, err.Error(), "")
			continue
		}
		if i := slices.IndexFunc(move.Grants, func(g planner.Grant) bool { return !runbook.Grantable(g) }); i >= 0 {
			w.failed[move.ID] = hold(planner.HoldRolesUnknown, fmt.Sprintf("gcloud has no command for %s on %s", move.Grants[i].Role, move.Grants[i].Resource), "")
			continue
		}
		if move.Live {
			if err := runbook.Patchable(move); err != nil {
				w.failed[move.ID] = hold(planner.HoldNotProvable, move.Workload.String()+": "+err.Error(), "")
			}
			continue
		}
		draft, hold := w.draft(move)
		if hold != nil {
			w.failed[move.ID] = *hold
			continue
		}
		w.drafts[move.ID] = draft
	}
	suspects := map[string]planner.Hold{}
	for {
		b, bad, err := w.try(w.active())
		if err != nil {
			return err
		}
		if len(bad) == 0 {
			w.built = b
			break
		}
		for _, f := range bad {
			if w.again(f.move) {
				continue
			}
			if f.shared {
				suspects[f.move] = f.hold
			}
			w.failed[f.move] = f.hold
		}
	}
	// Moves that were withdrawn together, because no single one could be blamed, get another try on their own.
	for _, move := range slices.Sorted(maps.Keys(suspects)) {
		delete(w.failed, move)
		b, bad, err := w.try(w.active())
		if err != nil {
			return err
		}
		if len(bad) > 0 {
			w.failed[move] = suspects[move]
			continue
		}
		w.built = b
	}
	return nil
}

// again says whether a move can be written in another way, and will be: a value of its chart was to make it, and does not make
// it alone (then the template is edited); or lists went from the values that templates can not do without.
func (w *work) again(move string) bool {
	d := w.drafts[move]
	if d == nil {
		return false
	}
	if d.switched && !w.byHand[move] {
		w.byHand[move] = true
		if again, hold := w.draft(d.move); hold == nil {
			w.drafts[move] = again
			return true
		}
	}
	removes := slices.ContainsFunc(d.units, func(u *unit) bool {
		return slices.ContainsFunc(u.landed, func(l landing) bool { return l.role == object.Values && l.edit.Op == planner.OpRemove })
	})
	if !removes || w.leave[move] {
		return false
	}
	w.leave[move] = true
	return true
}

// active are the drafts that are still in, in the plan's order.
func (w *work) active() []*draft {
	var drafts []*draft
	for _, move := range w.plan.Moves {
		if _, out := w.failed[move.ID]; !out && w.drafts[move.ID] != nil {
			drafts = append(drafts, w.drafts[move.ID])
		}
	}
	return drafts
}

// A fault is a move that can not be made as it is. Shared: it was found guilty with others.
type fault struct {
	move   string
	hold   planner.Hold
	shared bool
}

// try writes, proves and prints drafts together.
func (w *work) try(drafts []*draft) (*build, []fault, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, nil, err
	}
	b, bad := w.build(drafts)
	if len(bad) > 0 {
		return nil, bad, nil
	}
	if bad = w.print(b, drafts); len(bad) > 0 {
		return nil, bad, nil
	}
	bad, err := w.prove(b, drafts)
	return b, bad, err
}

// hold makes a hold of the rewriter's own.
func hold(code, reason, ask string) planner.Hold {
	return planner.Hold{Code: code, Reason: reason, Ask: ask}
}
