package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter"
	"dekey/rewriter/report"
	"dekey/rewriter/runbook"
	"dekey/scanner"
)

func newReport(sys System) *cobra.Command {
	var output output
	var approval planner.Approval
	var verify, compare, ledger bool
	var merge string
	cmd := &cobra.Command{
		Use:   "report FROM",
		Short: "Show an inventory, a plan or a changeset folder; compare two; count keys over many",
		Long: `Shows what was saved, long after the scan and with no access to anything: FROM is an
inventory, a plan, or a changeset folder. Holds and gaps come first.

With --verify it computes again, from the files alone, the plan's id and the digests
that the changeset records. With --diff it compares two inventories, plans or folders,
the older one first. With --ledger it counts keys over many inventories, the oldest
first: how many are left, which are new, who holds each up. A folder is one of them:
the inventories in it, of the clusters of one night, are joined.`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case compare && ledger, verify && (compare || ledger):
				return usagef("--verify, --diff and --ledger exclude each other")
			case compare:
				return cobra.ExactArgs(2)(cmd, args)
			case ledger:
				return cobra.MinimumNArgs(1)(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.check(); err != nil {
				return err
			}
			switch {
			case verify:
				return verifyChangeset(sys, args[0])
			case compare:
				before, _, err := readReported(args[0])
				if err != nil {
					return err
				}
				after, _, err := readReported(args[1])
				if err != nil {
					return err
				}
				return output.printSheet(sys, report.Compare(before, after))
			case ledger:
				entries, err := readLedger(args)
				if err != nil {
					return err
				}
				return output.printSheet(sys, report.Ledger(entries))
			}
			input, document, err := readReported(args[0])
			if err != nil {
				return err
			}
			input.Now, input.Tool = sys.Now(), tool()
			if input.Merge, err = day("merge", merge); err != nil {
				return err
			}
			if input.Plan != nil {
				input.Plan.Approval = overlay(input.Plan.Approval, approval)
			}
			if output.format == "json" && document != nil {
				return output.print(sys, nil, document)
			}
			return output.print(sys, report.New(input), nil)
		},
	}
	output.add(cmd.Flags(), "text")
	cmd.Flags().BoolVar(&verify, "verify", false, "compute the plan's id and the recorded digests again, and say whether they hold")
	cmd.Flags().BoolVar(&compare, "diff", false, "compare OLD and NEW")
	cmd.Flags().BoolVar(&ledger, "ledger", false, "count keys over INVENTORY... (files, or folders of files)")
	cmd.Flags().StringVar(&merge, "merge", "", "the `DAY` of the merge, YYYY-MM-DD: the dates of the later steps follow from it")
	cmd.Flags().StringVar(&approval.Ticket, "ticket", "", "the change's ticket `NUMBER`")
	cmd.Flags().StringVar(&approval.Approver, "approver", "", "who approves the change")
	cmd.Flags().StringVar(&approval.Window, "window", "", "the change `WINDOW`")
	return cmd
}

// overlay lays what the flags say over what the plan holds.
func overlay(plan, flags planner.Approval) planner.Approval {
	for _, room := range []struct{ from, to *string }{
		{&flags.Ticket, &plan.Ticket}, {&flags.Approver, &plan.Approver}, {&flags.Window, &plan.Window},
	} {
		if *room.from != "" {
			*room.to = *room.from
		}
	}
	return plan
}

// printSheet shows a comparison or a ledger.
func (o *output) printSheet(sys System, sheet *report.Sheet) error {
	var b bytes.Buffer
	var err error
	switch o.format {
	case "text":
		err = sheet.Text(&b, o.text(sys))
	case "markdown":
		err = sheet.Markdown(&b)
	case "html":
		err = sheet.HTML(&b)
	case "csv":
		table := o.table
		if table == report.TableFindings {
			table = "" // the first
		}
		err = sheet.CSV(&b, table)
	default:
		return usagef("--output %s: a comparison or ledger is text, markdown, html or csv", o.format)
	}
	if err != nil {
		return usageError{err}
	}
	_, err = io.Copy(sys.Stdout, &b)
	return err
}

// readLedger reads inventories in the order of the command line. A folder is one entry: the inventories in it, of the
// clusters and checkouts of one night, joined.
func readLedger(names []string) ([]report.Entry, error) {
	var entries []report.Entry
	for _, name := range names {
		files := []string{name}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			if files, err = inventoriesIn(name); err != nil || len(files) == 0 {
				return nil, usagef("reading %s: there is no inventory (*.json) in it", name)
			}
		}
		var inventories []scanner.Inventory
		for _, file := range files {
			data, err := readNamed(file)
			if err != nil {
				return nil, usagef("reading %s: %w", file, causeOf(err))
			}
			inventory, err := planfile.ReadInventory(file, data)
			if err != nil {
				return nil, usageError{err}
			}
			inventories = append(inventories, inventory)
		}
		inventory := inventories[0]
		if len(inventories) > 1 {
			inventory = scanner.Merge(inventories...)
		}
		entries = append(entries, report.Entry{Name: name, Inventory: &inventory})
	}
	return entries, nil
}

// inventoriesIn are the JSON files of a folder, by name.
func inventoriesIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() && filepath.Ext(entry.Name()) == ".json" {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	return files, nil
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
	data, err := readNamed(name)
	if err != nil {
		return report.Input{}, nil, usagef("reading %s: %w", name, causeOf(err))
	}
	const hint = "FROM is what scan or plan printed, or the folder that draft wrote"
	kind, err := planfile.Kind(name, data)
	if err != nil {
		return report.Input{}, nil, hintf(usageError{err}, hint)
	}
	switch kind {
	case "Inventory":
		inventory, err := planfile.ReadInventory(name, data)
		if err != nil {
			return report.Input{}, nil, usageError{err}
		}
		return report.Input{Inventory: &inventory}, data, nil
	case "Plan":
		plan, err := planfile.ReadPlan(name, data)
		if err != nil {
			return report.Input{}, nil, usageError{err}
		}
		return report.Input{Plan: &plan}, data, nil
	}
	return report.Input{}, nil, hintf(usagef("reading %s: it is a %s", name, kind), hint)
}

// readChangeset reads a changeset folder.
func readChangeset(dir string) (report.Input, error) {
	read := func(name string) (string, []byte, error) {
		path := filepath.Join(dir, name)
		data, err := readNamed(path)
		if err != nil {
			return path, nil, hintf(usagef("reading %s: %w", path, causeOf(err)),
				"a changeset folder is what `dekey draft --out` or `dekey rewrite --out` wrote")
		}
		return path, data, nil
	}
	path, data, err := read("changeset.json")
	if err != nil {
		return report.Input{}, err
	}
	var changeset rewriter.Changeset
	if err := planfile.Read(path, data, "Changeset", &changeset); err != nil {
		return report.Input{}, usageError{err}
	}
	if path, data, err = read("plan.json"); err != nil {
		return report.Input{}, err
	}
	plan, err := planfile.ReadPlan(path, data)
	if err != nil {
		return report.Input{}, usageError{err}
	}
	if path, data, err = read("inventory.json"); err != nil {
		return report.Input{}, err
	}
	var inventory scanner.Inventory
	if inventory, err = planfile.ReadInventory(path, data); err != nil {
		return report.Input{}, usageError{err}
	}
	files, err := readFiles(dir)
	if err != nil {
		return report.Input{}, fmt.Errorf("reading %s: %w", dir, err)
	}
	e := runbook.ReadEvidence(os.DirFS(filepath.Join(dir, filepath.FromSlash(evidence))), plan.ID)
	input := report.Input{Inventory: &inventory, Plan: &plan, Changeset: &changeset, Files: files, Edited: e.Edited()}
	for _, d := range runbook.Progress(plan, e) {
		input.Done = append(input.Done, report.Done(d))
	}
	return input, nil
}
