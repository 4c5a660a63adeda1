package gcp

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"dekey/scanner"
)

// Targets are what to read beyond what the inventory names.
type Targets struct {
	Clusters []ClusterTarget
	Accounts []string // e-mails that the operator gave
}

// A ClusterTarget is a GKE cluster, and the kubeconfig context that reaches it, where one is known.
type ClusterTarget struct{ Project, Location, Name, Context string }

// Enrich reads what Google knows about a finished inventory: its accounts (of keys, of annotations, of the operator), the
// clusters that it or the targets name, their projects, and every key. The number of calls grows with these, not with
// workloads. What could not be read is a gap, and the fact stays unknown.
//
// An error means that the context ended; the inventory is then as it was.
func (c *Client) Enrich(ctx context.Context, inv *scanner.Inventory, t Targets) error {
	e := &enrichment{
		client: c, inv: inv, accounts: map[string]*scanner.Account{}, facts: map[string]scanner.KeyFact{}, pools: map[string]string{}, owners: map[string]bool{}, projects: map[string]*scanner.Project{},
	}
	e.collect(t)
	steps := []func(context.Context){e.readClusters, e.readAccounts, e.readKeys, e.readProjects, e.readGrants}
	for _, step := range steps {
		step(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	e.finish()
	return nil
}

// atOnce is how many things are read at a time. The transport has limits of its own.
const atOnce = 16

// An enrichment is one run of Enrich.
type enrichment struct {
	client *Client
	inv    *scanner.Inventory

	mu       sync.Mutex
	emails   []string
	targets  []ClusterTarget
	clusters []scanner.Cluster
	pools    map[string]string // the projects of workload identity pools
	owners   map[string]bool   // the projects that own the clusters' pools
	accounts map[string]*scanner.Account
	facts    map[string]scanner.KeyFact
	projects map[string]*scanner.Project
	direct   []holding
	refusals []error
	gaps     []scanner.Gap
}

// accountAnnotation names the Google service account of a Kubernetes one.
// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
const accountAnnotation = "iam.gke.io/gcp-service-account"

// collect finds the accounts and clusters to read. What is no account's e-mail is left to the planner, which holds it.
func (e *enrichment) collect(t Targets) {
	add := func(email string) {
		if email, err := normal(email); err == nil && !slices.Contains(e.emails, email) {
			e.emails = append(e.emails, email)
		}
	}
	for _, k := range e.inv.Keys {
		if k.Type == scanner.TypeServiceAccount {
			add(k.Email)
		}
	}
	for _, sa := range e.inv.ServiceAccounts {
		add(sa.Annotations[accountAnnotation])
	}
	for _, email := range t.Accounts {
		add(email)
	}
	slices.Sort(e.emails)
	e.targets = slices.Clone(t.Clusters)
	for _, known := range e.inv.Clusters {
		if p, ok := parseCluster(known.ID); ok && !slices.ContainsFunc(e.targets, func(t ClusterTarget) bool { return t.id() == p.id() }) {
			e.targets = append(e.targets, p)
		}
	}
	slices.SortFunc(e.targets, func(a, b ClusterTarget) int { return cmp.Compare(a.id(), b.id()) })
	e.targets = slices.CompactFunc(e.targets, func(a, b ClusterTarget) bool { return a.id() == b.id() })
}

// each runs read for every item, several at a time. Its errors are refusals, kept for the gaps.
func each[T any](ctx context.Context, e *enrichment, items []T, read func(context.Context, T) error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, item := range items {
		group.Go(func() error {
			e.refuse(read(ctx, item))
			return nil
		})
	}
	_ = group.Wait() // no function gives an error
}

// refuse keeps an error for the gaps.
func (e *enrichment) refuse(errs ...error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, err := range errs {
		if err != nil {
			e.refusals = append(e.refusals, err)
		}
	}
}

func (e *enrichment) readAccounts(ctx context.Context) {
	each(ctx, e, e.emails, func(ctx context.Context, email string) error {
		account, err := e.client.Account(ctx, email)
		if err != nil {
			account = scanner.Account{Email: email, Exists: scanner.Unknown, Bindings: []scanner.Binding{}}
		}
		if errors.Is(err, ErrNotFound) {
			account.Exists, err = scanner.No, nil
		} else {
			bindings, refused := e.client.Policy(ctx, email)
			if refused == nil {
				account.Bindings, account.PolicyRead = bindings, true
			} else if !errors.Is(refused, ErrNotFound) {
				e.refuse(refused)
			}
		}
		if account.Exists != scanner.Unknown || account.PolicyRead { // otherwise nothing was read, and there is no time of it
			account.ReadAt = e.client.now().UTC()
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.accounts[email] = &account
		return err
	})
}

func (e *enrichment) readKeys(ctx context.Context) {
	var keys []scanner.Key
	for _, k := range e.inv.Keys {
		if k.Type == scanner.TypeServiceAccount {
			keys = append(keys, k)
		}
	}
	proofs := map[string][]*proof{} // by account
	each(ctx, e, keys, func(ctx context.Context, key scanner.Key) error {
		p := e.client.proof(ctx, key)
		e.refuse(p.refused...)
		e.mu.Lock()
		defer e.mu.Unlock()
		proofs[p.email] = append(proofs[p.email], p)
		return nil
	})
	each(ctx, e, slices.Sorted(maps.Keys(proofs)), func(ctx context.Context, email string) error {
		e.refuse(e.client.use(ctx, proofs[email])...)
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, p := range proofs[email] {
			e.facts[p.fact.Key] = p.fact
		}
		return nil
	})
}

// finish puts what was read into the inventory, sorted.
func (e *enrichment) finish() {
	inv := e.inv
	for _, account := range e.accounts {
		i := slices.IndexFunc(inv.Accounts, func(a scanner.Account) bool { return a.Email == account.Email })
		if i < 0 {
			inv.Accounts = append(inv.Accounts, *account)
			continue
		}
		account.Authoritative = inv.Accounts[i].Authoritative
		inv.Accounts[i] = *account
	}
	slices.SortFunc(inv.Accounts, func(a, b scanner.Account) int { return cmp.Compare(a.Email, b.Email) })
	inv.KeyFacts = slices.DeleteFunc(inv.KeyFacts, func(f scanner.KeyFact) bool { _, again := e.facts[f.Key]; return again })
	for _, fact := range e.facts {
		inv.KeyFacts = append(inv.KeyFacts, fact)
	}
	slices.SortFunc(inv.KeyFacts, func(a, b scanner.KeyFact) int { return cmp.Compare(a.Key, b.Key) })
	inv.Projects = slices.DeleteFunc(inv.Projects, func(p scanner.Project) bool { return e.projects[p.ID] != nil })
	for _, p := range e.projects {
		inv.Projects = append(inv.Projects, *p)
	}
	slices.SortFunc(inv.Projects, func(a, b scanner.Project) int { return cmp.Compare(a.ID, b.ID) })
	inv.Clusters = e.clusters
	slices.SortFunc(inv.Clusters, func(a, b scanner.Cluster) int { return cmp.Compare(a.ID, b.ID) })
	e.giveDirect()
	inv.Gaps = append(inv.Gaps, e.gaps...)
	inv.Gaps = append(inv.Gaps, grouped(e.refusals)...)
	slices.SortFunc(inv.Gaps, func(a, b scanner.Gap) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why))
	})
	inv.Gaps = slices.Compact(inv.Gaps)
	if inv.Gaps == nil {
		inv.Gaps = []scanner.Gap{}
	}
}
