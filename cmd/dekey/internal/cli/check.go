package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dekey/planner/planfile"
	"dekey/rewriter/precondition"
	"dekey/rewriter/runbook"
)

// checking are the options of check.
type checking struct {
	google
	step       string
	context    string
	kubeconfig string
	format     string
	wait       time.Duration
}

func newCheck(sys System) *cobra.Command {
	var c checking
	cmd := &cobra.Command{
		Use:   "check OUT --step grant|merge|verify|disable|delete",
		Short: "Say whether a step of the runbook may go on now",
		Long: `Reads the changeset folder OUT, the evidence that its scripts have left, the clusters of its
plan and Google's APIs, and says whether the step's precondition is true now. It only reads.
The scripts of the runbook ask the same and come to the same verdict; they do not need dekey.

What can not be read is unknown, and unknown is not fine: exit code 4. A condition that the
scripts too name and pass over does not stop the step: exit code 3.

  grant    before 1-grant.sh: clusters, nodes and API ready, names free, keys possessed
  merge    before the merge: the bindings are stored, and seven minutes old. It reads Google
           alone: a required check of a pull request. With --wait, a binding that is read again and
           again for seven minutes is old enough, whoever made it
  verify   after the merge: every workload and pod is keyless
  disable  before 3-disable.sh: verified, soaked, and unused as far as Google saw
  delete   before 4-delete.sh: disabled by it, not enabled since, soaked again`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(precondition.Steps, c.step) {
				return usagef("--step %q: it is one of %s", c.step, strings.Join(precondition.Steps, ", "))
			}
			if formats := []string{"text", "json", "markdown"}; !slices.Contains(formats, c.format) {
				return usagef("--output %q: it is one of %s (a format, never a path)", c.format, strings.Join(formats, ", "))
			}
			if c.wait != 0 && c.step != precondition.Merge || c.wait < 0 {
				return usagef("--wait %s: only the grants of --step merge can be waited for", c.wait)
			}
			return c.run(cmd.Context(), sys, args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&c.step, "step", "", "the `STEP`: "+strings.Join(precondition.Steps, ", "))
	c.google.add(flags)
	flags.StringVar(&c.context, "context", "", "the kubeconfig `CONTEXT` that reaches the plan's one cluster, in place of the plan's")
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "the kubeconfig `FILE`")
	flags.StringVarP(&c.format, "output", "o", "text", "`FORMAT` of standard output: text, json, markdown")
	flags.DurationVar(&c.wait, "wait", 0, "with --step merge: ask again for the grants until they are old enough, at most this `TIME` (10m)")
	return cmd
}

func (c *checking) run(ctx context.Context, sys System, out string) error {
	input, err := readChangeset(out)
	if err != nil {
		return err
	}
	folder, err := os.OpenRoot(out)
	if err != nil {
		return usagef("reading %s: %w", out, causeOf(err))
	}
	defer folder.Close()
	left := runbook.ReadEvidence(os.DirFS(filepath.Join(out, filepath.FromSlash(evidence))), input.Plan.ID) // it may be missing
	if records, err := folder.OpenRoot(filepath.FromSlash(evidence)); err == nil {
		defer records.Close()
		left = runbook.ReadEvidence(records.FS(), input.Plan.ID)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return usagef("reading %s/%s: %w", out, evidence, causeOf(err))
	}
	found := map[string][]byte{}
	for _, file := range input.Changeset.Folder {
		if data, err := folder.ReadFile(filepath.FromSlash(file.Path)); err == nil { // what is missing is said by Check
			found[file.Path] = data
		}
	}
	needs, err := precondition.NeedsOf(*input.Plan, c.step)
	if err != nil {
		return usagef("reading %s: %w", out, err)
	}
	if c.context != "" && len(needs.Contexts) > 1 {
		return usagef("--context %s: the plan has %d clusters, each with a context of its own", c.context, len(needs.Contexts))
	}
	ask := func(seen map[string]time.Time) (precondition.Result, error) {
		done := progress(sys, "asking")
		facts, err := c.read(ctx, sys, needs, left)
		done()
		if err != nil {
			return precondition.Result{}, err
		}
		return precondition.Check(precondition.Input{
			Step: c.step, Plan: *input.Plan, ChangesetPlan: input.Changeset.Plan, Written: input.Changeset.Folder, Found: digests(found),
			Evidence: left, Facts: facts, Now: sys.Now(), Seen: seen,
		})
	}
	result, err := c.askUntil(ctx, sys, ask)
	if err != nil {
		return err
	}
	if err := c.print(sys, result); err != nil {
		return err
	}
	switch {
	case !result.Go:
		return outcome(exitViolation)
	case !result.Complete():
		return outcome(exitIncomplete)
	}
	return nil
}

// often is how long to wait before Google is asked again.
const often = 30 * time.Second

// askUntil asks, and with --wait again until the step may go on, or time alone does not help, or is over.
func (c *checking) askUntil(ctx context.Context, sys System, ask func(map[string]time.Time) (precondition.Result, error)) (precondition.Result, error) {
	seen, end := map[string]time.Time{}, sys.Now().Add(c.wait)
	for first := true; ; first = false {
		result, err := ask(seen)
		left := end.Sub(sys.Now())
		if err != nil || !result.Waits() || left <= 0 {
			return result, err
		}
		if first {
			fmt.Fprintf(sys.Stderr, "waiting for the grants until %s at the most\n", end.UTC().Format(time.RFC3339))
		}
		result.See(seen)
		if err := (systemClock{sys}).Sleep(ctx, min(often, left)); err != nil {
			return result, err
		}
	}
}

func (c *checking) print(sys System, result precondition.Result) error {
	var b bytes.Buffer
	switch c.format {
	case "json":
		document, err := planfile.Marshal(result)
		if err != nil {
			return err
		}
		b.Write(document)
	case "markdown":
		precondition.Markdown(&b, result)
	default:
		var text bytes.Buffer
		precondition.Text(&text, result)
		b.WriteString(visible(text.String()))
	}
	if _, err := io.Copy(sys.Stdout, &b); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}
