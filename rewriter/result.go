package rewriter

import (
	"fmt"
	"maps"
	"slices"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter/runbook"
	"dekey/scanner"
)

// The stages of a File.
const (
	StageMigrate = "migrate"
	StageCleanup = "cleanup"
)

// result is the changeset of what was proven.
func (w *work) result() (Result, error) {
	plan := w.plan
	for _, move := range slices.Sorted(maps.Keys(w.failed)) {
		h := w.failed[move]
		if h.At != nil && h.At.Source == "" {
			at := *h.At
			at.Source = w.source.ID
			h.At = &at
		}
		var err error
		if plan, err = planner.Withdraw(plan, move, h); err != nil {
			return Result{}, err
		}
	}
	if len(w.failed) > 0 {
		var err error
		if plan, err = planfile.Seal(plan); err != nil {
			return Result{}, err
		}
	}
	c := Changeset{
		APIVersion: "dekey/v1", Kind: "Changeset", Plan: plan.ID, Commit: w.source.Commit,
		Files: []File{}, Steps: []Step{}, Removals: []Removal{}, Manual: []Manual{}, Folder: []scanner.FileDigest{}, Reports: []scanner.FileDigest{},
	}
	if slices.ContainsFunc(plan.Sources, func(s scanner.Source) bool { return isCheckout(s) && s.ID != w.source.ID }) {
		c.Source = w.source.ID
	}
	result := Result{Plan: plan}
	if w.built != nil {
		result.Patch = w.built.patch
		for _, path := range w.built.paths() {
			c.Files = append(c.Files, w.built.files[path].sealed())
		}
	}
	var err error
	if c.Steps, err = steps(plan); err != nil {
		return Result{}, fmt.Errorf("writing the steps: %w", err)
	}
	if w.source.ID != "" {
		if result.Cleanup, err = w.cleanup(plan, &c); err != nil {
			return Result{}, err
		}
	}
	folder, err := runbook.Files(plan)
	if err != nil {
		return Result{}, fmt.Errorf("writing the runbook: %w", err)
	}
	result.Changeset, result.Folder = c, folder
	return result, nil
}

// sealed is the file with its digests.
func (f *File) sealed() File {
	s := *f
	if s.old != nil {
		s.Before = digest(s.old)
	}
	if s.new != nil {
		s.After = digest(s.new)
	}
	if s.old == nil {
		s.Mode = ""
	}
	return s
}
