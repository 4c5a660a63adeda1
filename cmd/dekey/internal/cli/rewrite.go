package cli

import (
	"github.com/spf13/cobra"

	"dekey/planner/planfile"
	"dekey/scanner"
)

func newRewrite(sys System) *cobra.Command {
	var planName, repo, out, inventoryName string
	cmd := &cobra.Command{
		Use:   "rewrite --plan PLAN [--repo DIR] --out OUT",
		Short: "Write the changeset of a plan: edits, scripts, reports",
		Long: `Writes the changeset folder of a plan, from the checkout that the plan was made from. A
file that changed since the scan is refused. An edit that can not be proven becomes a
hold, and its file stays as it is.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if planName == "" || out == "" {
				return usagef("rewrite needs --plan and --out")
			}
			data, err := readNamed(planName)
			if err != nil {
				return usagef("reading the plan: %w", err)
			}
			plan, err := planfile.ReadPlan(planName, data)
			if err != nil {
				return usageError{err}
			}
			if err := planfile.Verify(plan); err != nil {
				return hintf(usagef("reading %s: %w", planName, err), "what the plan should say otherwise belongs in the policy file; then plan again")
			}
			if err := refuseFolder(out, samePlan(plan.ID)); err != nil {
				return err
			}
			var inventory *scanner.Inventory
			if inventoryName != "" {
				found, isInventory, err := readInventory(inventoryName)
				if err != nil {
					return err
				}
				if !isInventory {
					return usagef("--inventory %s: it is no inventory of dekey", inventoryName)
				}
				inventory = &found
			}
			return writeChangeset(cmd.Context(), sys, repo, out, plan, inventory)
		},
	}
	cmd.Flags().StringVar(&planName, "plan", "", "`PLAN` that `dekey plan` printed")
	cmd.Flags().StringVar(&repo, "repo", ".", "the checkout, `DIR`, that the plan was made from")
	cmd.Flags().StringVar(&out, "out", "", "`OUT`, the changeset folder to write")
	cmd.Flags().StringVar(&inventoryName, "inventory", "", "the `INVENTORY` that the plan was made from, to lay beside it in the folder")
	return cmd
}
