package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
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
	digest, err := planfile.Digest(*input.Inventory)
	if err != nil {
		return err
	}
	if len(plan.Basis) == 1 {
		say(plan.Basis[0].SHA256 == digest, "the plan was made from the inventory in the folder, %s", digest)
	}
	for _, file := range input.Changeset.Folder {
		sum := sha256.Sum256(input.Files[file.Path])
		say(hex.EncodeToString(sum[:]) == file.SHA256, "%s is as it was written", file.Path)
	}
	return verdict(wrong)
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
