package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/cluster"
	"dekey/scanner/iam"
	"dekey/scanner/manifest"
)

// reading are the flags of every command that scans.
type reading struct {
	facts
	context        string
	kubeconfig     string
	namespaces     []string
	allNamespaces  bool
	noSecretValues bool
	asksGoogle     bool
	google         google

	flags *pflag.FlagSet
	// roots are the checkouts of inventories that were read, where they are still there: their policy files count too.
	roots []string
}

func (r *reading) add(flags *pflag.FlagSet) {
	r.flags = flags
	r.facts.add(flags)
	flags.StringVar(&r.context, "context", "", "read the live cluster of this kubeconfig `CONTEXT`")
	flags.StringVar(&r.kubeconfig, "kubeconfig", "", "the kubeconfig `FILE`")
	flags.StringSliceVarP(&r.namespaces, "namespace", "n", nil, "read these `NAMESPACES` of the cluster alone")
	flags.BoolVarP(&r.allNamespaces, "all-namespaces", "A", false, "read every namespace of the cluster")
	flags.BoolVar(&r.asksGoogle, "google", false, "ask Google's APIs too: whose keys, are they used, what is granted, how clusters and projects are set up (Application Default Credentials)")
	r.google.add(flags)
	flags.BoolVar(&r.noSecretValues, "no-secret-values", false, "read no value of a live Secret: metadata and wiring alone")
}

// live says whether the command line asks for a cluster.
func (r *reading) live() bool {
	return r.context != "" || r.kubeconfig != "" || len(r.namespaces) > 0 || r.allNamespaces
}

// scan reads every source that the command line names, and gives the policy in force. skip are folders of the
// checkouts that are dekey's own output.
func (r *reading) scan(ctx context.Context, sys System, paths, skip []string) (scanner.Inventory, planner.Policy, error) {
	var none scanner.Inventory
	if len(paths) == 0 && !r.live() {
		paths = []string{"."}
	}
	roots := slices.Clone(r.roots)
	for _, path := range paths {
		if path == "-" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return none, planner.Policy{}, hintf(usagef("reading %s: %w", path, causeOf(err)),
				"give the folder of a checkout, a file, or - for standard input")
		}
		if info.IsDir() {
			roots = append(roots, path)
		}
	}
	policy, err := r.facts.read(sys, roots...)
	if err != nil {
		return none, policy, err
	}
	var readers []scanner.Reader
	listener := iam.Listener{Wants: iam.OfConnector}
	comments := make([]notes, len(paths))
	for i, path := range paths {
		heard := &comments[i]
		heard.source = path
		options := manifestOptions(sys, path, skip, policy.Namespaces, policy.Limits)
		options.Also = &manifest.Also{
			// What keeps allow policies is read with the keys; what else is taken of a file changes nothing about what the scan reads.
			File: func(name string, text []byte) bool {
				heard.comment(name, text)
				heard.code.Take(name, text)
				return iam.Keeps(text)
			},
			Wants:    heard.code.Wants,
			Document: iam.Keeps,
		}
		readers = append(readers, listener.Reader(manifest.New(options)))
	}
	if r.live() {
		reader, err := r.cluster()
		if err != nil {
			return none, policy, err
		}
		readers = append(readers, reader)
	}
	done := progress(sys, "reading")
	inventory, err := scanner.Scan(ctx, readers...)
	var more []iam.Facts
	for i, path := range paths {
		more = append(more, comments[i].code.Result(path).Facts)
		inventory.Except(comments[i].noted()...)
	}
	addCode(&inventory, listener.Facts(more...))
	done()
	if err != nil {
		return none, policy, fmt.Errorf("reading: %w", err)
	}
	if r.asksGoogle {
		if err := r.google.enrich(ctx, sys, &inventory, policy); err != nil {
			return none, policy, err
		}
	}
	return inventory, policy, nil
}

// addCode adds what the checkouts' code says of accounts: what makes keys (what an expression hides of that is lint's to say),
// and what keeps policies, whose next run takes an additive grant away.
func addCode(inventory *scanner.Inventory, facts iam.Facts) {
	for _, k := range facts.Keys {
		if k.Language == iam.Terraform && k.Account.Known() && k.Account != "" {
			inventory.KeyMakers = append(inventory.KeyMakers, scanner.KeyMaker{Account: string(k.Account), Resource: k.What, Origin: k.Block})
		}
	}
	slices.SortFunc(inventory.KeyMakers, scanner.KeyMaker.Compare)
	inventory.KeyMakers = slices.Compact(inventory.KeyMakers)
	scanner.Scrub(&inventory.KeyMakers)
	inventory.Authorities = facts.Authorities()
	scanner.Scrub(&inventory.Authorities)
}

// cluster opens the live cluster that the flags name. It asks the cluster nothing yet.
func (r *reading) cluster() (scanner.Reader, error) {
	if r.allNamespaces && len(r.namespaces) > 0 {
		return nil, usagef("--all-namespaces and --namespace exclude each other")
	}
	options := cluster.Options{
		Kubeconfig: r.kubeconfig, Context: r.context, Namespaces: slices.Clone(r.namespaces),
		NoSecretValues: r.noSecretValues, UserAgent: tool(),
	}
	reader, err := cluster.Open(options)
	if err != nil {
		return nil, hintf(usagef("reading the kubeconfig: %w", err), "give --context and, where it is not the usual one, --kubeconfig FILE; kubectl config get-contexts lists them")
	}
	return reader, nil
}

// renderChild is the word by which dekey runs itself to render an overlay or a chart. It is no command for people.
const renderChild = "render-child"

// manifestOptions say how a checkout is read: by scan, and again by the rewriter.
func manifestOptions(sys System, root string, skip []string, namespaces []planner.NamespaceRule, limits planner.Limits) manifest.Options {
	options := manifest.Options{
		Root: root, Stdin: sys.Stdin,
		Limits: manifest.Limits{
			FileBytes: limits.FileBytes, Levels: limits.Levels, Documents: limits.Documents,
			RenderTime: limits.RenderTime, RenderBytes: limits.RenderBytes,
		},
		Skip: below(root, skip),
	}
	if self, err := os.Executable(); err == nil {
		options.Child = []string{self, renderChild}
	}
	for _, rule := range namespaces {
		options.Namespaces = append(options.Namespaces, manifest.NamespaceRule{Path: rule.Path, Namespace: rule.Namespace})
	}
	return options
}

// below gives those of the paths that are below root, relative to it with forward slashes.
func below(root string, paths []string) []string {
	base, err := filepath.Abs(root)
	if err != nil {
		return nil
	}
	var found []string
	for _, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			continue
		}
		if relative, err := filepath.Rel(base, absolute); err == nil && filepath.IsLocal(relative) && relative != "." {
			found = append(found, filepath.ToSlash(relative))
		}
	}
	return found
}
