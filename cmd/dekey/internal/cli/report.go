package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dekey/planner/planfile"
	"dekey/rewriter"
	"dekey/rewriter/report"
)

func newReport(sys System) *cobra.Command {
	var output output
	cmd := &cobra.Command{
		Use:   "report FROM",
		Short: "Show an inventory, a plan or a changeset folder",
		Long: `Shows what was saved, long after the scan and with no access to anything: FROM is an
inventory, a plan, or a changeset folder. Holds and gaps come first.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.check(); err != nil {
				return err
			}
			input, document, err := readReported(args[0])
			if err != nil {
				return err
			}
			input.Now, input.Tool = sys.Now(), tool()
			if output.format == "json" && document != nil {
				return output.print(sys, nil, document)
			}
			return output.print(sys, report.New(input), document)
		},
	}
	output.add(cmd.Flags(), "text")
	return cmd
}

// readReported reads an inventory, a plan or a changeset folder.
func readReported(name string) (report.Input, []byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return report.Input{}, nil, usagef("reading %s: %w", name, causeOf(err))
	}
	if info.IsDir() {
		input, err := readChangeset(name)
		return input, nil, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return report.Input{}, nil, usagef("reading %s: %w", name, causeOf(err))
	}
	var input report.Input
	kind, err := planfile.Kind(name, data)
	if err != nil {
		return input, nil, hintf(usageError{err}, "FROM is what scan or plan printed, or the folder that draft wrote")
	}
	switch kind {
	case "Inventory":
		inventory, err := planfile.ReadInventory(name, data)
		if err != nil {
			return input, nil, err
		}
		input.Inventory = &inventory
	case "Plan":
		plan, err := planfile.ReadPlan(name, data)
		if err != nil {
			return input, nil, err
		}
		input.Plan = &plan
	default:
		return input, nil, hintf(usagef("reading %s: it is a %s", name, kind), "FROM is what scan or plan printed, or the folder that draft wrote")
	}
	return input, data, nil
}

// readChangeset reads a changeset folder.
func readChangeset(dir string) (report.Input, error) {
	var input report.Input
	read := func(name string) ([]byte, error) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, hintf(usagef("reading %s: %w", filepath.Join(dir, name), causeOf(err)), "a changeset folder is what `dekey draft --out` or `dekey rewrite --out` wrote")
		}
		return data, nil
	}
	data, err := read("changeset.json")
	if err != nil {
		return input, err
	}
	var changeset rewriter.Changeset
	if err := planfile.Read(filepath.Join(dir, "changeset.json"), data, "Changeset", &changeset); err != nil {
		return input, err
	}
	if data, err = read("plan.json"); err != nil {
		return input, err
	}
	plan, err := planfile.ReadPlan(filepath.Join(dir, "plan.json"), data)
	if err != nil {
		return input, err
	}
	if data, err = read("inventory.json"); err != nil {
		return input, err
	}
	inventory, err := planfile.ReadInventory(filepath.Join(dir, "inventory.json"), data)
	if err != nil {
		return input, err
	}
	files, err := readFiles(dir)
	if err != nil {
		return input, fmt.Errorf("reading %s: %w", dir, err)
	}
	return report.Input{Inventory: &inventory, Plan: &plan, Changeset: &changeset, Files: files}, nil
}
