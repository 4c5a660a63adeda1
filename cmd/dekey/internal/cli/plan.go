package cli

import (
	"bytes"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter/report"
	"dekey/scanner"
)

func newPlan(sys System) *cobra.Command {
	var reading reading
	var output output
	cmd := &cobra.Command{
		Use:   "plan INPUT...",
		Short: "Decide which service account acts as which, and say what can not be decided",
		Long: `Plans the migration: per workload the Kubernetes service account, the Google service
account, the grant and the edits; what is held, with one question each; what blocks
each key.

INPUT is an inventory that scan printed (.json), or a PATH as for scan. Several
inventories, of many clusters and repositories, are merged.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.check(); err != nil {
				return err
			}
			var inventories []scanner.Inventory
			var paths []string
			for _, arg := range args {
				inventory, found, err := readInventory(arg)
				if err != nil {
					return err
				}
				if !found {
					paths = append(paths, arg)
					continue
				}
				inventories = append(inventories, inventory)
				reading.roots = append(reading.roots, checkouts(inventory)...)
			}
			policy, err := reading.facts.read(sys, reading.roots...)
			if err != nil {
				return err
			}
			if len(paths) > 0 || reading.live() {
				inventory, scanned, err := reading.scan(cmd.Context(), sys, paths, nil)
				if err != nil {
					return err
				}
				inventories, policy = append(inventories, inventory), scanned
			}
			if reading.asksGoogle && len(paths) == 0 && !reading.live() {
				return hintf(usagef("plan --google needs a PATH or a cluster to read"), "dekey scan --google adds what Google knows to an inventory")
			}
			inventory := inventories[0]
			if len(inventories) > 1 {
				inventory = scanner.Merge(inventories...)
			}
			plan, err := decide(inventory, policy, inventories)
			if err != nil {
				return err
			}
			document, err := planfile.Marshal(plan)
			if err != nil {
				return err
			}
			r := report.New(report.Input{Inventory: &inventory, Plan: &plan, Now: sys.Now(), Tool: tool()})
			if err := output.print(sys, r, document); err != nil {
				return err
			}
			if output.format != "text" {
				if err := summarize(sys, r); err != nil {
					return err
				}
			}
			return incomplete(len(plan.Gaps))
		},
	}
	reading.add(cmd.Flags())
	output.add(cmd.Flags(), "json")
	return cmd
}

// checkouts are the folders that an inventory was made from, where they are here.
func checkouts(inventory scanner.Inventory) []string {
	var roots []string
	for _, source := range inventory.Sources {
		if source.Kind != "repository" || source.Root == "" {
			continue
		}
		if info, err := os.Stat(source.Root); err == nil && info.IsDir() {
			roots = append(roots, source.Root)
		}
	}
	return roots
}

// decide plans, and seals the plan with what it was made from.
func decide(inventory scanner.Inventory, policy planner.Policy, basis []scanner.Inventory) (planner.Plan, error) {
	plan, err := planner.New(inventory, policy)
	if err != nil {
		return plan, err
	}
	return planfile.Seal(plan, basis...)
}

// readInventory reads an inventory; found is false for a path that holds manifests.
func readInventory(name string) (inventory scanner.Inventory, found bool, err error) {
	if !strings.HasSuffix(name, ".json") {
		return inventory, false, nil
	}
	data, err := readNamed(name)
	if err != nil {
		return inventory, false, usagef("reading %s: %w", name, causeOf(err))
	}
	kind, err := planfile.Kind(name, data)
	switch {
	case err != nil && !bytes.Contains(data, []byte(`"dekey/`)):
		return inventory, false, nil // a manifest in JSON, or no JSON at all: scan says what it is
	case err != nil:
		return inventory, false, usageError{err}
	case kind != "Inventory":
		return inventory, false, usagef("reading %s: it is a %s, and plan takes inventories", name, kind)
	}
	inventory, err = planfile.ReadInventory(name, data)
	return inventory, true, err
}
