package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dekey/planner/lint"
	"dekey/scanner"
	"dekey/scanner/iam"
	"dekey/scanner/manifest"
)

// A lintRoot is something that lint reads: where it is, and the name by which violations have it.
type lintRoot struct{ at, name string }

// read gathers what the rules look at.
func (l *linting) read(ctx context.Context, sys System, paths []string) (lint.Input, error) {
	var in lint.Input
	var folders []string
	var roots []lintRoot
	for _, path := range paths {
		roots = append(roots, lintRoot{path, path})
		if path == "-" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return in, hintf(usagef("reading %s: %w", path, causeOf(err)), "give the folder of a checkout, or a file")
		}
		switch {
		case info.IsDir():
			folders = append(folders, path)
		case !info.Mode().IsRegular():
			return in, hintf(usagef("reading %s: %w", path, errNoFile), "give the folder of a checkout, a file, or - for standard input")
		}
	}
	policy, err := l.facts.read(sys, folders...)
	if err != nil {
		return in, err
	}
	if l.now != "" {
		if policy.Now, err = time.Parse("2006-01-02", l.now); err != nil {
			return in, usagef("--now %q: it is a date, YYYY-MM-DD", l.now)
		}
	}
	in.Policy = policy
	if in.Baseline, err = readBaseline(l.baseline); err != nil {
		return in, err
	}
	if l.since != "" {
		var differs bool
		if in.Changed, differs, err = changedSince(ctx, l.since, paths, folders); err != nil {
			return in, err
		}
		if differs && len(folders) > 0 {
			if in.Past, err = l.past(ctx, sys, in, folders); err != nil {
				return in, err
			}
		}
	}
	done := progress(sys, "reading")
	defer done()
	if err := scanForLint(ctx, sys, &in, roots); err != nil || !l.history {
		return in, err
	}
	return in, readHistory(ctx, &in, folders)
}

// past is what the rules say of the folders as they were at the revision.
func (l *linting) past(ctx context.Context, sys System, now lint.Input, folders []string) (*lint.Past, error) {
	done := progress(sys, "reading "+l.since)
	defer done()
	temporary, err := os.MkdirTemp("", "dekey-lint-")
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", l.since, err)
	}
	defer os.RemoveAll(temporary)
	files := map[string]bool{}
	var roots []lintRoot
	for i, folder := range folders {
		at := filepath.Join(temporary, fmt.Sprint(i))
		if err := os.Mkdir(at, 0o700); err != nil {
			return nil, fmt.Errorf("reading %s: %w", l.since, err)
		}
		names, err := manifest.Snapshot(ctx, folder, l.since, at)
		if err != nil {
			return nil, err
		}
		for name := range names {
			if !now.Changed[name] {
				files[name] = true
			}
		}
		roots = append(roots, lintRoot{at, folder})
	}
	then := lint.Input{Policy: now.Policy}
	if err := scanForLint(ctx, sys, &then, roots); err != nil {
		return nil, err
	}
	return lint.PastOf(then, files), nil
}

// changedSince is what differs from a revision, by the path that origins have: from the folder that was given, or the name
// of a file that was. What stands on standard input is in no revision, and differs. differs says that anything does, were it
// a file that is gone.
func changedSince(ctx context.Context, since string, paths, folders []string) (changed map[string]bool, differs bool, err error) {
	changed = map[string]bool{}
	for _, given := range paths {
		if given == "-" {
			changed[given] = true
			continue
		}
		folder, only := given, ""
		if !slices.Contains(folders, given) {
			folder, only = filepath.Dir(given), filepath.Base(given)
		}
		names, gone, err := manifest.Changed(ctx, folder, since)
		differs = differs || len(gone) > 0
		if err != nil {
			return nil, false, hintf(usageError{err}, "in CI, fetch enough history: actions/checkout needs fetch-depth: 0")
		}
		for _, name := range names {
			switch only {
			case "":
				changed[name] = true
			case name:
				changed[name], changed[given] = true, true // a plan's origins have the path as it was given
			}
		}
	}
	return changed, differs || len(changed) > 0, nil
}

// readHistory looks for keys that commits hold and the checkout does not any more.
func readHistory(ctx context.Context, in *lint.Input, folders []string) error {
	here := map[string]bool{}
	for _, k := range in.Inventory.Keys {
		here[k.ID] = true
	}
	for _, folder := range folders {
		found, gaps, err := manifest.History(ctx, folder)
		if err != nil {
			return hintf(err, "in CI, fetch the whole history: actions/checkout needs fetch-depth: 0")
		}
		in.Inventory.Gaps = joinGaps(in.Inventory.Gaps, gaps)
		for _, k := range found {
			if !here[k.Identity.ID] {
				in.History = append(in.History, lint.HistoricKey{Source: folder, Path: k.Path, Commit: k.Commit, Key: k.Identity.ID, Email: k.Identity.Email})
			}
		}
	}
	return nil
}

// scanForLint reads every path: as a scan does, and for what else the rules ask.
func scanForLint(ctx context.Context, sys System, in *lint.Input, roots []lintRoot) error {
	var listener iam.Listener
	var readers []scanner.Reader
	var more []iam.Facts
	var gaps []scanner.Gap
	for _, root := range roots {
		if plan, ok := readPlanFile(root.at); ok {
			more = append(more, lint.PlanFacts(root.name, root.name, plan))
			continue
		}
		notes := &notes{source: root.name}
		options := manifestOptions(sys, root.at, nil, in.Policy.Namespaces, in.Policy.Limits)
		options.ID = root.name
		options.Also = &manifest.Also{File: notes.file, Wants: notes.code.Wants, Peeks: notes.code.Peeks, Document: iam.Concerns}
		readers = append(readers, suppressing{listener.Reader(manifest.New(options)), notes})
	}
	inventory, err := scanner.Scan(ctx, readers...)
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	for _, r := range readers {
		notes := r.(suppressing).notes
		read := notes.code.Result(notes.source)
		more, gaps = append(more, read.Facts, notes.glance.Facts()), append(gaps, read.Gaps...)
		in.Suppressions = append(in.Suppressions, notes.sorted()...)
		slices.SortStableFunc(notes.keys, func(a, b scanner.Key) int {
			return cmp.Or(a.Copies[0].Origin.Compare(b.Copies[0].Origin), cmp.Compare(a.ID, b.ID))
		})
		inventory.Keys = append(inventory.Keys, slices.CompactFunc(notes.keys, func(a, b scanner.Key) bool {
			return a.ID == b.ID && a.Copies[0].Origin == b.Copies[0].Origin
		})...)
	}
	// What is granted has to be there: the accounts that grants name are looked for as far as nothing was said of them.
	if interest := lint.Interest(listener.Facts(more...)); !interest.Empty() {
		for _, r := range readers {
			if err := r.Related(ctx, interest, iam.Silence{}); err != nil {
				return fmt.Errorf("reading: %w", err)
			}
		}
	}
	in.Facts = listener.Facts(more...)
	inventory.Gaps = joinGaps(inventory.Gaps, gaps)
	in.Inventory = inventory
	return nil
}
