package cli

import (
	"github.com/spf13/cobra"

	"dekey/planner/planfile"
	"dekey/rewriter/report"
)

func newScan(sys System) *cobra.Command {
	var reading reading
	var output output
	var out string
	cmd := &cobra.Command{
		Use:   "scan [PATH...]",
		Short: "Find keys and their uses in repositories and clusters",
		Long: `Finds every Google service account key and every use of it, and prints an inventory.

PATH is the folder of a checkout, a file, or - for manifests on standard input (a
cluster dump works: kubectl get ... -o yaml). Without PATH and --context it is the
current folder. With --out the inventory goes to a file: in a pod, standard output is
a log, which is cut.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.check(); err != nil {
				return err
			}
			inventory, _, err := reading.scan(cmd.Context(), sys, args, nil)
			if err != nil {
				return err
			}
			document, err := planfile.Marshal(inventory)
			if err != nil {
				return err
			}
			r := report.New(report.Input{Inventory: &inventory, Now: sys.Now(), Tool: tool()})
			if out != "" {
				if err := writeFile(out, document); err != nil {
					return err
				}
			}
			if out == "" || cmd.Flags().Changed("output") {
				if err := output.print(sys, r, document); err != nil {
					return err
				}
			}
			if out != "" || output.format != "text" {
				if err := summarize(sys, r); err != nil {
					return err
				}
			}
			return incomplete(len(inventory.Gaps))
		},
	}
	reading.add(cmd.Flags())
	output.add(cmd.Flags(), "json")
	cmd.Flags().StringVar(&out, "out", "", "write the inventory to this `FILE`; standard output then has what -o asks for")
	return cmd
}

// tool names the program, for SARIF and the foot of pages.
func tool() string { return "dekey " + version() }
