package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"dekey/planner/planfile"
)

func newSchema(sys System) *cobra.Command {
	return &cobra.Command{
		Use:       "schema {" + strings.Join(planfile.Kinds, "|") + "}",
		Short:     "Print the JSON Schema of a document",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: planfile.Kinds,
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
