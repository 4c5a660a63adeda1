package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dekey/scanner/cluster"
	"dekey/scanner/gcp"
)

func newPermissions(sys System) *cobra.Command {
	var namespaces []string
	var kubeContext, kubeconfig string
	cmd := &cobra.Command{
		Use:   "permissions",
		Short: "Print the Kubernetes RBAC and the Google roles that each command needs",
		Long: `Prints the Kubernetes objects that let dekey's service account read what a scan reads
(list, nothing else), ready for kubectl apply -f -, with the Google roles that
each command needs as comments. With --context the cluster's own custom resources are
among the rules.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			scope := cluster.Scope{Namespaces: namespaces}
			if kubeContext != "" || kubeconfig != "" {
				reader, err := cluster.Open(cluster.Options{Kubeconfig: kubeconfig, Context: kubeContext, Namespaces: namespaces, UserAgent: tool()})
				if err != nil {
					return usagef("reading the kubeconfig: %w", err)
				}
				if scope.Unknown, err = reader.Unknown(cmd.Context()); err != nil {
					return fmt.Errorf("asking the cluster what it serves: %w", err)
				}
			}
			var b strings.Builder
			b.WriteString("# Google roles, by command:\n")
			for _, role := range gcp.Roles() {
				fmt.Fprintf(&b, "#   %-20s %s on %s: %s (%s)\n", role.Command, role.Name, role.On, role.Why, strings.Join(role.Permissions, ", "))
			}
			b.Write(cluster.Permissions(scope))
			_, err := fmt.Fprint(sys.Stdout, b.String())
			return err
		},
	}
	cmd.Flags().StringSliceVarP(&namespaces, "namespace", "n", nil, "for scans of these `NAMESPACES` alone")
	cmd.Flags().StringVar(&kubeContext, "context", "", "ask the cluster of this kubeconfig `CONTEXT` which custom resources it serves, and add them")
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "the kubeconfig `FILE`")
	return cmd
}
