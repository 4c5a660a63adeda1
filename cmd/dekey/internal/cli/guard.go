package cli

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter/guard"
)

// guardFormats are what -o of guard takes.
var guardFormats = []string{"yaml", "bash", "hcl", "markdown"}

func newGuard(sys System) *cobra.Command {
	var policyFile, out, format, mode string
	var options guard.Options
	cmd := &cobra.Command{
		Use:   "guard [--policy FILE] --out DIR",
		Short: "Write policies that keep keys out, as files: organisation policies and admission policies",
		Long: `Writes policies that keep keys out once they are gone; it applies none. DIR gets
admission policies for clusters (ValidatingAdmissionPolicy), organisation policies for
Google Cloud (gcloud and Terraform), and a README that says what each breaks. The
exceptions of the policy file are in them, each with its last day.

Only what is new is judged: what uses a key already can be scaled, restarted and changed.
Without --out one of them goes to standard output: -o yaml the admission policies,
bash the gcloud script, hcl Terraform, markdown the README.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(guardFormats, format) {
				return usagef("--output %q: it is one of %s (a format, never a path)", format, strings.Join(guardFormats, ", "))
			}
			policy, err := guardPolicy(sys, policyFile)
			if err != nil {
				return err
			}
			options.Mode = guard.Mode(mode)
			g, err := guard.New(policy, options)
			if err != nil {
				return usageError{err}
			}
			for _, notice := range g.Notices {
				fmt.Fprintf(sys.Stderr, "notice: %s\n", visible(notice))
			}
			if out == "" || cmd.Flags().Changed("output") {
				text := map[string]func() []byte{"yaml": g.Admission, "bash": g.Script, "hcl": g.Terraform, "markdown": g.Readme}[format]()
				if _, err := sys.Stdout.Write(text); err != nil {
					return err
				}
			}
			if out == "" {
				return nil
			}
			files := g.Files()
			if err := refuseFolder(out, onlyHas(files)); err != nil {
				return err
			}
			if err := writeFolder(out, files); err != nil {
				return err
			}
			fmt.Fprintf(sys.Stderr, "written to %s: read README.md first; nothing was applied\n", visible(out))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&policyFile, "policy", "", "policy `FILE`: its exclude is the exception register")
	flags.StringVar(&mode, "mode", string(guard.Warn), "what admission policies do: audit, `warn` or deny")
	flags.StringVar(&options.Organization, "organization", "", "the organisation's `NUMBER`")
	flags.StringArrayVar(&options.On, "on", nil, "`RESOURCE` that organisation policies are set on: organizations/NUMBER, folders/NUMBER, projects/ID (repeatable; default the organisation)")
	flags.StringVar(&out, "out", "", "`DIR`, the folder to write")
	flags.StringVarP(&format, "output", "o", "yaml", "`FORMAT` of standard output: "+strings.Join(guardFormats, ", "))
	return cmd
}

// guardPolicy reads the policy file that was named. The checkout's own is not asked: whoever can push there must not choose what
// the guard lets through.
func guardPolicy(sys System, name string) (planner.Policy, error) {
	var policy planner.Policy
	if name != "" {
		data, err := readNamed(name)
		if err != nil {
			return policy, usagef("reading the policy: %w", err)
		}
		if policy, err = planfile.ReadPolicy(name, data); err != nil {
			return policy, usageError{err}
		}
	}
	policy.Now = sys.Now().UTC()
	return policy, nil
}

// onlyHas says of a folder that it holds nothing but an earlier result of the guard: files of these names, or policies of the
// same constraints for other resources.
func onlyHas(files map[string][]byte) func(fs.FS) bool {
	names := slices.Collect(maps.Keys(files))
	return func(folder fs.FS) bool {
		only := true
		err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				only = only && (slices.Contains(names, name) || strings.HasPrefix(name, "organisation-policy/") && strings.HasSuffix(name, ".yaml"))
			}
			return err
		})
		return err == nil && only
	}
}
