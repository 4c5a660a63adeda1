package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeFolder writes files below dir, whole or not at all: they are written to a new folder, which then takes its place.
// Scripts are executable.
//
// A folder that is there already stays the one that it is, with whatever else is in it: it can be a link, a mount, or where
// the user stands. Its new content is written inside of it, and then every part takes its place.
func writeFolder(dir string, files map[string][]byte) error {
	target, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("writing %s: %w", dir, err)
	}
	if real, err := filepath.EvalSymlinks(target); err == nil {
		target = real
	}
	parent := target
	_, err = os.Lstat(target)
	exists := err == nil
	if !exists {
		parent = filepath.Dir(target)
		if err := os.MkdirAll(parent, 0o777); err != nil {
			return fmt.Errorf("writing %s: %w", dir, err)
		}
	}
	work, err := os.MkdirTemp(parent, "."+filepath.Base(target)+"-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", dir, causeOf(err))
	}
	defer os.RemoveAll(work)
	fresh := filepath.Join(work, "new") // not work itself, which no other user may read
	if err := os.Mkdir(fresh, 0o777); err != nil {
		return fmt.Errorf("writing %s: %w", dir, err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		target := filepath.Join(fresh, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
			return fmt.Errorf("writing %s: %w", name, causeOf(err))
		}
		mode := os.FileMode(0o666)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o777
		}
		if err := writeNew(target, files[name], mode); err != nil {
			return fmt.Errorf("writing %s: %w", name, causeOf(err))
		}
	}
	if exists {
		err = swap(fresh, target, filepath.Join(work, "old"))
	} else {
		err = os.Rename(fresh, target)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", dir, err)
	}
	return nil
}

// swap puts everything in the folder fresh into dir, and what is there by the same names into the folder old. When one
// can not be moved, those before it go back. Last comes what makes a folder a changeset.
func swap(fresh, dir, old string) error {
	entries, err := os.ReadDir(fresh)
	if err != nil {
		return err
	}
	if err := os.Mkdir(old, 0o777); err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int {
		switch {
		case a.Name() == planFile:
			return 1
		case b.Name() == planFile:
			return -1
		}
		return 0
	})
	type step struct{ from, to string }
	var steps []step
	for _, entry := range slices.Backward(entries) {
		if _, err := os.Lstat(filepath.Join(dir, entry.Name())); err == nil {
			steps = append(steps, step{filepath.Join(dir, entry.Name()), filepath.Join(old, entry.Name())})
		}
	}
	for _, entry := range entries {
		steps = append(steps, step{filepath.Join(fresh, entry.Name()), filepath.Join(dir, entry.Name())})
	}
	for i, s := range steps {
		if err := os.Rename(s.from, s.to); err != nil {
			for _, done := range slices.Backward(steps[:i]) {
				err = errors.Join(err, os.Rename(done.to, done.from))
			}
			return err
		}
	}
	return nil
}

// writeFile writes one file, whole or not at all: beside its place, and then renamed.
func writeFile(name string, data []byte) error {
	name = filepath.Clean(name)
	work, err := os.MkdirTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, causeOf(err))
	}
	defer os.RemoveAll(work)
	fresh := filepath.Join(work, "new")
	if err = writeNew(fresh, data, 0o666); err == nil {
		err = os.Rename(fresh, name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, causeOf(err))
	}
	return nil
}

func writeNew(name string, data []byte, mode os.FileMode) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// planFile is the file that makes a folder a changeset.
const planFile = "plan.json"

// evidence is the folder in which the scripts keep what they learn.
const evidence = "runbook/evidence"

// refuseFolder says why dir can not be written: it is not empty, and it is not an unexecuted changeset of plan. It is
// called before any work, with plan "", and again with the plan's id.
func refuseFolder(dir string, samePlan func(folder fs.FS) bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return usagef("--out %s: %w", dir, err)
	}
	folder := os.DirFS(dir)
	if found, err := fs.ReadDir(folder, evidence); err == nil && len(found) > 0 {
		return hintf(usagef("--out %s: it holds evidence of steps that were run; dekey never replaces that", dir), "choose another folder")
	}
	if !samePlan(folder) {
		return hintf(usagef("--out %s: the folder is not empty, and it holds no changeset of this plan", dir), "choose another folder, or remove it")
	}
	return nil
}
