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

// writeFolder writes files below dir, whole or not at all: they are written to a new folder beside it, which then
// takes its place. Scripts are executable.
func writeFolder(dir string, files map[string][]byte) error {
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return fmt.Errorf("writing %s: %w", dir, err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", dir, err)
	}
	defer os.RemoveAll(fresh)
	if err := os.Chmod(fresh, 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", dir, err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		target := filepath.Join(fresh, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o755
		}
		if err := writeNew(target, files[name], mode); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		// A folder with an unexecuted changeset of the same plan: prepareFolder has seen that it is one.
		old := fresh + ".old"
		if err := os.Rename(dir, old); err != nil {
			return fmt.Errorf("replacing %s: %w", dir, err)
		}
		defer os.RemoveAll(old)
		if err := os.Rename(fresh, dir); err != nil {
			return errors.Join(fmt.Errorf("replacing %s: %w", dir, err), os.Rename(old, dir))
		}
		return nil
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("writing %s: %w", dir, err)
	}
	return nil
}

// writeFile writes one file, whole or not at all: beside its place, and then renamed.
func writeFile(name string, data []byte) error {
	name = filepath.Clean(name)
	fresh, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, causeOf(err))
	}
	defer os.Remove(fresh.Name())
	_, err = fresh.Write(data)
	err = errors.Join(err, fresh.Chmod(0o644), fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), name)
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
