// Package cli is dekey's command line: one file per command, with its options, its run function and its wiring.
// It is the only place that speaks to people, reads the environment, and knows about files and terminals.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"dekey/scanner/manifest"
)

// A System is the world as the commands see it: what a test replaces.
type System struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	// Terminal says whether standard error is one: progress is shown only there. ColorOutput is the same for standard
	// output, and NO_COLOR unset.
	Terminal, ColorOutput bool
	Width                 int // of standard output, in characters; 0 where it is no terminal
	Now                   func() time.Time
	Program               string // the path that this process was called by
	// Sleep waits, or ends early with the context's error; nil is the machine's own.
	Sleep func(context.Context, time.Duration) error
}

// Process is the System of this process.
func Process() System {
	_, noColor := os.LookupEnv("NO_COLOR")
	width := 0
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		width = w
	}
	return System{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		LookupEnv:   os.LookupEnv,
		Terminal:    term.IsTerminal(int(os.Stderr.Fd())),
		ColorOutput: term.IsTerminal(int(os.Stdout.Fd())) && !noColor,
		Width:       width,
		Now:         time.Now,
		Program:     os.Args[0],
	}
}

// Main runs one command line and gives the exit code.
func Main(ctx context.Context, args []string, sys System) int {
	if len(args) > 0 && args[0] == renderChild {
		return manifest.RenderChild(sys.Stdin, sys.Stdout, args[1:]...)
	}
	out := &printed{Writer: sys.Stdout}
	sys.Stdout = out
	root := newRoot(sys)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.err // of a command that prints on and on, and never asks
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted: nothing was written")
	}
	return reportError(sys.Stderr, err)
}

// printed is standard output with the first error that it met.
type printed struct {
	io.Writer
	err error
}

func (o *printed) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

func newRoot(sys System) *cobra.Command {
	root := &cobra.Command{
		Use:           "dekey",
		Short:         "Take Google service account key files out of GKE",
		Long:          manual,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	if plugin := filepath.Base(sys.Program); plugin == "kubectl-dekey" || plugin == "kubectl-dekey.exe" {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl dekey"}
	}
	root.SetIn(sys.Stdin)
	root.SetOut(sys.Stdout)
	root.SetErr(sys.Stderr)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", max(sys.Width, 80))))
	root.SetVersionTemplate("dekey {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hintf(usageError{err}, "%s --help lists the flags", cmd.CommandPath())
	})
	root.AddCommand(
		newScan(sys), newPlan(sys), newRewrite(sys), newDraft(sys), newReport(sys), newLint(sys), newGuard(sys), newPublish(sys),
		newCheck(sys), newSchema(sys), newExplain(sys), newPermissions(sys), newVersion(sys),
	)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return setFromEnvironment(cmd, sys) }
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.RunE = root.RunE // so that a shell that it does not know is an error, and no reason for help alone
	}
	usageErrors(root)
	return root
}

// usageErrors makes a wrong number of arguments and an unknown command exit like a wrong flag.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return hintf(usageError{err}, "%s --help shows how it is used", cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// setFromEnvironment gives every flag that was not set on the command line the value of DEKEY_<FLAG>, where
// that is not empty.
func setFromEnvironment(cmd *cobra.Command, sys System) error {
	var err error
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || err != nil || flag.Name == "help" || flag.Name == "version" {
			return
		}
		name := "DEKEY_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if value, ok := sys.LookupEnv(name); ok && value != "" {
			if setErr := cmd.Flags().Set(flag.Name, value); setErr != nil {
				err = usagef("%s: %w", name, setErr)
			}
		}
	})
	return err
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

func newVersion(sys System) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(sys.Stdout, "dekey %s\n", version())
			return err
		},
	}
}

// Commands are the names of dekey's commands, sorted; those that dekey runs itself are left out.
func Commands() []string {
	var names []string
	for _, cmd := range newRoot(System{}).Commands() {
		if !cmd.Hidden {
			names = append(names, cmd.Name())
		}
	}
	return names
}
