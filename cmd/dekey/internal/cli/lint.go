package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"dekey/planner"
	"dekey/planner/lint"
	"dekey/planner/planfile"
	"dekey/scanner"
	"dekey/scanner/code"
	"dekey/scanner/iam"
	"dekey/scanner/keyfile"
	"dekey/scanner/manifest"
)

// linting are the flags of lint.
type linting struct {
	facts         facts
	format        string
	since         string
	baseline      string
	writeBaseline string
	now           string
	history       bool
}

// lintFormats are what lint's -o takes.
var lintFormats = []string{"text", "json", "sarif", "github"}

func newLint(sys System) *cobra.Command {
	var l linting
	cmd := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Find what brings keys back, or breaks Workload Identity, for CI",
		Long: `Reads manifests, Terraform, scripts and CI files, and reports violations: new key
wiring, key files, malformed principals, misspelled annotations, grants that are
missing, too wide, or wiped by an authoritative resource. Exit code 4 says that
there are violations.

PATH is the folder of a checkout, a file, or a plan or changeset folder of dekey;
without PATH it is the current folder. What an expression or a template hides is unknown:
it is no violation, and no proof that all is well. Where a use of a key is likely, and what
decides it was not read, a note says so; notes do not change the exit code.

A violation is excused by a comment with a reason and a last day,

    # dekey:ignore CODE[,CODE] REASON until 2027-01-31

on its line or above it, or by an entry of exclude in the policy file. Both are
the exception register. "dekey explain CODE" says what a code means.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return l.run(cmd.Context(), sys, args) },
	}
	flags := cmd.Flags()
	l.facts.add(flags)
	flags.StringVarP(&l.format, "output", "o", "text", "`FORMAT` of standard output: "+strings.Join(lintFormats, ", "))
	flags.StringVar(&l.since, "since", "", "report violations in files that differ from this git `REVISION`, and those that the difference makes in others")
	flags.StringVar(&l.baseline, "baseline", "", "`FILE` of violations that were there before: they do not count")
	flags.StringVar(&l.writeBaseline, "write-baseline", "", "write the violations to this `FILE` as a baseline, and exit as if there were none")
	flags.StringVar(&l.now, "now", "", "the `DATE` (YYYY-MM-DD) that expiry dates are compared with (default today)")
	flags.BoolVar(&l.history, "history", false, "look for key files in the repository's Git history, too")
	return cmd
}

func (l *linting) run(ctx context.Context, sys System, paths []string) error {
	if !slices.Contains(lintFormats, l.format) {
		return usagef("--output %q: it is one of %s (a format, never a path)", l.format, strings.Join(lintFormats, ", "))
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	in, err := l.read(ctx, sys, paths)
	if err != nil {
		return err
	}
	result := lint.Run(in)
	document := lintDocument{lint.Document{
		APIVersion: scanner.APIVersion, Kind: "Lint", Violations: result.Violations, Suppressed: result.Suppressed,
		Undecided: result.Undecided, Exceptions: result.Exceptions, Gaps: append([]scanner.Gap{}, in.Inventory.Gaps...),
	}}
	if l.writeBaseline != "" {
		if err := writeBaseline(l.writeBaseline, result.Violations); err != nil {
			return err
		}
		fmt.Fprintf(sys.Stderr, "wrote %d violations to %s\n", len(result.Violations), visible(l.writeBaseline))
		return incomplete(len(in.Inventory.Gaps))
	}
	var b bytes.Buffer
	if err := document.print(&b, l.format); err != nil {
		return err
	}
	if _, err := io.Copy(sys.Stdout, &b); err != nil {
		return err
	}
	if l.format != "text" {
		fmt.Fprintln(sys.Stderr, document.headline())
	}
	if len(result.Violations) > 0 {
		return outcome(exitViolation)
	}
	return incomplete(len(in.Inventory.Gaps))
}

// readPlanFile reads a path that is a plan of dekey; a changeset folder is read as scripts, Terraform and manifests.
func readPlanFile(path string) (planner.Plan, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || filepath.Ext(path) != ".json" {
		return planner.Plan{}, false
	}
	data, err := readNamed(path)
	if err != nil {
		return planner.Plan{}, false
	}
	plan, err := planfile.ReadPlan(path, data)
	return plan, err == nil
}

// joinGaps sorts gaps, and keeps one for each place: two readers meet the same file.
func joinGaps(a, b []scanner.Gap) []scanner.Gap {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(a, b scanner.Gap) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.What, b.What))
	})
	return slices.CompactFunc(all, func(a, b scanner.Gap) bool { return a.Source == b.Source && a.What == b.What })
}

// suppressing is a Reader with the comments that its files hold.
type suppressing struct {
	scanner.Reader
	notes *notes
}

// notes collect the comments of files, and what is no manifest, while the checkout is walked.
type notes struct {
	source string
	mu     sync.Mutex
	found  []lint.Suppression
	keys   []scanner.Key
	glance iam.Glance
	code   code.Collector
}

// noted gives the comments as the register's entries.
func (n *notes) noted() []scanner.Exception { return lint.Exceptions(n.sorted()) }

// comment keeps a file's comments.
func (n *notes) comment(name string, text []byte) {
	if !bytes.Contains(text, []byte(lint.Marker())) {
		return
	}
	found := lint.Suppressions(n.source, strings.Clone(name), text)
	n.mu.Lock()
	n.found = append(n.found, found...)
	n.mu.Unlock()
}

// embedded keeps the keys that Terraform or a script holds: a scan looks for them in YAML, JSON and key files alone.
func (n *notes) embedded(name string, text []byte) {
	line := 1
	for i, l := range bytes.Split(text, []byte("\n")) {
		if keyfile.IsKeyMaterial(l) {
			line = i + 1
			break
		}
	}
	at := scanner.Origin{Source: n.source, Path: strings.Clone(name), Document: 1, Line: line, Column: 1}
	for _, found := range keyfile.Find(text, path.Base(name)).Identities {
		if found.ID == "" {
			continue
		}
		n.mu.Lock()
		n.keys = append(n.keys, scanner.Key{ID: found.ID, Type: string(found.Type), Email: found.Email, Copies: []scanner.Copy{{
			Holder: scanner.Holder{Kind: "File", Name: at.Path}, Origin: at,
		}}})
		n.mu.Unlock()
	}
}

// file says whether a manifest matters to the rules, and keeps what they ask of other files.
func (n *notes) file(name string, text []byte) bool {
	n.code.Take(name, text)
	n.comment(name, text)
	if ext := path.Ext(name); (n.code.Wants(name) || n.code.Peeks(name) && bytes.HasPrefix(text, []byte("#!"))) && ext != ".yaml" && ext != ".yml" && ext != ".json" && manifest.MayHoldKey(name, text) {
		n.embedded(name, text)
	}
	return n.glance.File(name, text)
}

func (n *notes) sorted() []lint.Suppression {
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.SortFunc(n.found, func(a, b lint.Suppression) int { return a.Origin.Compare(b.Origin) })
	return n.found
}

// writeBaseline writes the violations as a baseline.
func writeBaseline(name string, violations []lint.Violation) error {
	document := lint.Baseline{APIVersion: scanner.APIVersion, Kind: "Baseline", Violations: []lint.BaselineEntry{}}
	for _, v := range violations {
		document.Violations = append(document.Violations, lint.BaselineEntry{Fingerprint: v.Fingerprint, Code: v.Code, Path: v.Origin.Path, Object: v.Object})
	}
	slices.SortFunc(document.Violations, func(a, b lint.BaselineEntry) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	data, err := planfile.Marshal(document)
	if err != nil {
		return err
	}
	return replaceFile(name, data)
}

// readBaseline counts the violations of a baseline by fingerprint. Without a file there are none.
func readBaseline(name string) (map[string]int, error) {
	if name == "" {
		return nil, nil
	}
	data, err := readNamed(name)
	if err != nil {
		return nil, hintf(usagef("reading the baseline: %w", err), "--write-baseline %s makes one", name)
	}
	var document lint.Baseline
	if err := json.Unmarshal(data, &document); err != nil || document.Kind != "Baseline" || document.APIVersion != scanner.APIVersion {
		return nil, usagef("reading the baseline %s: it is no baseline of this version of dekey", name)
	}
	counts := map[string]int{}
	for _, v := range document.Violations {
		counts[v.Fingerprint]++
	}
	return counts, nil
}

// replaceFile writes a file beside its target and renames it.
func replaceFile(name string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), ".dekey-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, causeOf(err))
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err := errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, causeOf(err))
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return fmt.Errorf("writing %s: %w", name, causeOf(err))
	}
	return nil
}
