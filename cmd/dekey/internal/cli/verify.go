package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"dekey/planner"
	"dekey/planner/planfile"
)

// verifyChangeset computes from the files alone what a reader is asked to trust: the plan's id, that the changeset is
// of that plan, and that the plan was made from the inventory that lies beside it. One that does not hold is exit
// code 4.
func verifyChangeset(sys System, name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return usagef("reading %s: %w", name, causeOf(err))
	}
	wrong := 0
	say := func(holds bool, format string, args ...any) {
		verdict := "holds "
		if !holds {
			verdict = "BROKEN"
			wrong++
		}
		fmt.Fprintf(sys.Stdout, "%s  %s\n", verdict, visible(fmt.Sprintf(format, args...)))
	}
	var plan planner.Plan
	if !info.IsDir() {
		data, err := readNamed(name)
		if err != nil {
			return usagef("reading %s: %w", name, causeOf(err))
		}
		if plan, err = planfile.ReadPlan(name, data); err != nil {
			return usageError{err}
		}
		say(planfile.Verify(plan) == nil, "the plan's id %s is that of its content", plan.ID)
		return verdict(wrong)
	}
	input, err := readChangeset(name)
	if err != nil {
		return err
	}
	plan = *input.Plan
	say(planfile.Verify(plan) == nil, "the plan's id %s is that of its content", plan.ID)
	say(input.Changeset.Plan == plan.ID, "the changeset is of that plan")
	if len(plan.Basis) == 1 {
		digest, err := digestOf(name, "inventory.json")
		if err != nil {
			return err
		}
		say(plan.Basis[0].SHA256 == digest, "the plan was made from the inventory in the folder, %s", digest)
	}
	for _, file := range input.Changeset.Folder {
		sum := sha256.Sum256(input.Files[file.Path])
		say(hex.EncodeToString(sum[:]) == file.SHA256, "%s is as it was written", file.Path)
	}
	for _, file := range input.Changeset.Reports {
		digest, err := digestOf(name, file.Path)
		if err != nil {
			return err
		}
		say(digest == file.SHA256, "%s is as it was written", file.Path)
	}
	return verdict(wrong)
}

// digestOf is the SHA-256 of a file of a changeset folder, in hex; "" where it is not there.
func digestOf(folder, name string) (string, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	data, err := root.ReadFile(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", filepath.Join(folder, name), causeOf(err))
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

func verdict(wrong int) error {
	if wrong > 0 {
		return outcome(exitViolation)
	}
	return nil
}

// day reads a date of a flag; "" is the zero time.
func day(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, usagef("--%s %s: it is a day, YYYY-MM-DD", flag, text)
	}
	return date, nil
}
