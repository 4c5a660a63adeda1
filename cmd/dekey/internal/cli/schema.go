package cli

import (
	"github.com/spf13/cobra"

	"dekey/planner/planfile"
)

func newSchema(sys System) *cobra.Command {
	kinds := []string{"inventory", "plan", "changeset", "policy"}
	return &cobra.Command{
		Use:       "schema {inventory|plan|changeset|policy}",
		Short:     "Print the JSON Schema of a document",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: kinds,
		RunE: func(_ *cobra.Command, args []string) error {
			schema, err := planfile.Schema(args[0])
			if err != nil {
				return err
			}
			_, err = sys.Stdout.Write(schema)
			return err
		},
	}
}
