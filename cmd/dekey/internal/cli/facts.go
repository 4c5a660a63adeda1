package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"dekey/planner"
	"dekey/planner/planfile"
)

// facts are what the operator says on the command line where there is no access, and the policy file.
type facts struct {
	policy        string
	pool          string
	projectNumber string
	accounts      []string
	namespaceOf   []string
	clusters      []string
	model         string
	ticket        string
	approver      string
	window        string
}

func (f *facts) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.policy, "policy", "", "policy `FILE`: facts, overrides, answers to holds, exclusions, limits")
	flags.StringVar(&f.pool, "pool", "", "the clusters' workload identity `POOL`, PROJECT.svc.id.goog")
	flags.StringVar(&f.projectNumber, "project-number", "", "the `NUMBER` of the pool's project")
	flags.StringArrayVar(&f.accounts, "account", nil, "whose key a Secret holds that can not be read: `SECRET=EMAIL`, with the Secret as NAMESPACE/SECRET[/ENTRY], /SECRET where the namespace is unknown, */SECRET for any, or * for the rest (repeatable)")
	flags.StringArrayVar(&f.namespaceOf, "namespace-of", nil, "`PATH=NAMESPACE` of manifests that name none (repeatable; the longest match wins)")
	flags.StringArrayVar(&f.clusters, "cluster", nil, "a GKE `CLUSTER` that the scripts talk to: PROJECT/LOCATION/NAME[=CONTEXT] (repeatable)")
	flags.StringVar(&f.model, "model", "", "how workloads act as accounts: `impersonation` or direct (default impersonation)")
	flags.StringVar(&f.ticket, "ticket", "", "the change's ticket `NUMBER`, for the report")
	flags.StringVar(&f.approver, "approver", "", "who approves the change, for the report")
	flags.StringVar(&f.window, "window", "", "the change `WINDOW`, for the report")
}

// read gives the policy that is in force for the checkouts at roots: the flags over the named policy file, or over the
// little that each checkout's own dekey.yaml is trusted with.
func (f *facts) read(sys System, roots ...string) (planner.Policy, error) {
	var policy planner.Policy
	if f.policy != "" {
		data, err := readNamed(f.policy)
		if err != nil {
			return policy, usagef("reading the policy: %w", err)
		}
		if policy, err = planfile.ReadPolicy(f.policy, data); err != nil {
			return policy, usageError{err}
		}
	} else {
		for _, root := range roots {
			name := filepath.Join(root, "dekey.yaml")
			data, err := readWithin(root, "dekey.yaml")
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return policy, usagef("reading the policy: %w", err)
			}
			own, err := planfile.ReadCheckoutPolicy(name, data)
			if err != nil {
				return policy, usageError{err}
			}
			policy = stricter(policy, own)
		}
	}
	flags, err := f.parse()
	if err != nil {
		return policy, err
	}
	policy = planfile.Overlay(policy, flags)
	policy.Now = sys.Now().UTC()
	return policy, nil
}

// stricter joins what two checkouts hold, exclude, and bound.
func stricter(a, b planner.Policy) planner.Policy {
	a.Exclude = append(a.Exclude, b.Exclude...)
	a.Workloads = append(a.Workloads, b.Workloads...)
	for _, setting := range b.Untrusted {
		if !slices.Contains(a.Untrusted, setting) {
			a.Untrusted = append(a.Untrusted, setting)
		}
	}
	a.Soak = planner.Soak{Disable: max(a.Soak.Disable, b.Soak.Disable), Delete: max(a.Soak.Delete, b.Soak.Delete)}
	a.Limits = planner.Limits{
		FileBytes: lower(a.Limits.FileBytes, b.Limits.FileBytes), Levels: lower(a.Limits.Levels, b.Limits.Levels),
		Documents: lower(a.Limits.Documents, b.Limits.Documents), RenderTime: lower(a.Limits.RenderTime, b.Limits.RenderTime),
		RenderBytes: lower(a.Limits.RenderBytes, b.Limits.RenderBytes),
	}
	return a
}

// lower is the lower of two limits, of which zero is none.
func lower[T ~int | ~int64](a, b T) T {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}

// parse gives what the flags say, as a policy of their own.
func (f *facts) parse() (planner.Policy, error) {
	policy := planner.Policy{Approval: planner.Approval{Ticket: f.ticket, Approver: f.approver, Window: f.window}}
	for _, one := range []struct {
		flag, text string
		parse      func(string) (string, error)
		into       *string
	}{
		{"pool", f.pool, planfile.ParsePool, &policy.Pool},
		{"project-number", f.projectNumber, planfile.ParseProjectNumber, &policy.ProjectNumber},
		{"model", f.model, planfile.ParseModel, &policy.Model},
	} {
		if one.text == "" {
			continue
		}
		value, err := one.parse(one.text)
		if err != nil {
			return policy, usagef("--%s: %w", one.flag, err)
		}
		*one.into = value
	}
	var err error
	if policy.Accounts, err = parseAll("account", f.accounts, planfile.ParseAccount, planfile.AddAccount); err != nil {
		return policy, err
	}
	if policy.Namespaces, err = parseAll("namespace-of", f.namespaceOf, planfile.ParseNamespaceOf, planfile.AddNamespace); err != nil {
		return policy, err
	}
	policy.Clusters, err = parseAll("cluster", f.clusters, planfile.ParseCluster, planfile.AddCluster)
	return policy, err
}

// parseAll reads the values of a repeatable flag. Add refuses one that contradicts an earlier one.
func parseAll[T any](flag string, texts []string, parse func(string) (T, error), add func([]T, T) ([]T, error)) ([]T, error) {
	var values []T
	for _, text := range texts {
		value, err := parse(text)
		if err == nil {
			values, err = add(values, value)
		}
		if err != nil {
			return nil, usagef("--%s: %w", flag, err)
		}
	}
	return values, nil
}

// maxPolicy bounds the checkout's own policy file, which anyone may have pushed to.
const maxPolicy = 1 << 20

// readWithin reads a file below root; a link that leads out of it is not followed.
func readWithin(root, name string) ([]byte, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	info, err := dir.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New(name + " is no regular file")
	}
	file, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxPolicy+1))
	if err == nil && len(data) > maxPolicy {
		err = errors.New(name + " is larger than a policy file can be (1 MiB)")
	}
	return data, err
}
