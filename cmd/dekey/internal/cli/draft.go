package cli

import (
	"os"

	"github.com/spf13/cobra"

	"dekey/scanner"
)

func newDraft(sys System) *cobra.Command {
	var reading reading
	var out string
	cmd := &cobra.Command{
		Use:   "draft [PATH] --out OUT",
		Short: "Scan, plan and rewrite in one go",
		Long: `Reads the checkout at PATH (the current folder), a cluster, or both joined, and writes
the changeset folder OUT: what was found, what was decided and what was not, the patch,
the scripts of every step, and reports for people. PATH can also be a cluster's dump: a
file that kubectl get -o yaml printed, or - for standard input.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return hintf(usagef("draft needs --out OUT, the folder to write"), "dekey draft . --out out")
			}
			if err := refuseFolder(out, isChangeset); err != nil {
				return err
			}
			inventory, policy, err := reading.scan(cmd.Context(), sys, args, []string{out})
			if err != nil {
				return err
			}
			plan, err := decide(inventory, policy, []scanner.Inventory{inventory})
			if err != nil {
				return err
			}
			if err := refuseFolder(out, samePlan(plan.ID)); err != nil {
				return err
			}
			return writeChangeset(cmd.Context(), sys, checkoutOf(args, reading.live()), out, plan, &inventory)
		},
	}
	reading.add(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "`OUT`, the changeset folder to write")
	return cmd
}

// checkoutOf is the folder whose manifests are edited: "" where only a cluster was read.
func checkoutOf(args []string, live bool) string {
	switch {
	case len(args) > 0 && args[0] != "-":
		if info, err := os.Stat(args[0]); err == nil && !info.IsDir() {
			return "" // a dump
		}
		return args[0]
	case len(args) > 0 || live:
		return ""
	}
	return "."
}
