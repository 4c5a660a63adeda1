package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dekey/planner"
	"dekey/rewriter/precondition"
	"dekey/rewriter/runbook"
	"dekey/scanner"
	"dekey/scanner/cluster"
	"dekey/scanner/gcp"
)

// asking reads facts side by side. Nothing that can not be read is an error: it is unknown, with the reason.
type asking struct {
	mu    sync.Mutex
	facts precondition.Facts
}

// read reads what a step needs.
func (c *checking) read(ctx context.Context, sys System, needs precondition.Needs, left runbook.Evidence) (precondition.Facts, error) {
	a := &asking{facts: precondition.Facts{
		Servers: map[string]precondition.Server{}, Lists: map[precondition.List]precondition.Objects{}, Clusters: map[string]precondition.Cluster{},
		APIs: map[precondition.API]precondition.Switch{}, Accounts: map[string]precondition.AccountKeys{}, Policies: map[string]precondition.Policy{},
	}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	readers := map[string]*cluster.Reader{}
	for _, name := range needs.Contexts {
		reader, err := cluster.Open(cluster.Options{Kubeconfig: c.kubeconfig, Context: orName(c.context, name), UserAgent: tool()})
		if err != nil {
			a.facts.Servers[name] = precondition.Server{Why: err.Error()}
			continue
		}
		readers[name], a.facts.Servers[name] = reader, precondition.Server{URL: reader.Server()}
	}
	for _, list := range needs.Lists {
		if reader := readers[list.Context]; reader != nil {
			group.Go(func() error { return a.list(ctx, reader, list) })
		}
	}
	google, err := c.open(ctx, sys)
	if err != nil {
		return a.facts, err
	}
	for _, at := range needs.Clusters {
		group.Go(func() error { return a.cluster(ctx, google, at) })
	}
	for _, api := range needs.APIs {
		group.Go(func() error { return a.api(ctx, google, api) })
	}
	for _, account := range needs.Accounts {
		group.Go(func() error { return a.account(ctx, google, account, left) })
	}
	for _, g := range needs.Policies {
		group.Go(func() error { return a.policy(ctx, google, g) })
	}
	err = group.Wait()
	return a.facts, err
}

func orName(name, other string) string {
	if name != "" {
		return name
	}
	return other
}

// why is the reason for what could not be read. Only an interrupted command is an error.
func why(ctx context.Context, err error) (string, error) {
	switch {
	case ctx.Err() != nil:
		return "", context.Canceled
	case err != nil:
		return err.Error(), nil
	}
	return "", nil
}

func (a *asking) keep(set func(*precondition.Facts)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	set(&a.facts)
}

func (a *asking) list(ctx context.Context, reader *cluster.Reader, list precondition.List) error {
	items, err := reader.List(ctx, scanner.Ref{APIVersion: list.APIVersion, Kind: list.Kind, Namespace: list.Namespace, Name: list.Name})
	reason, err := why(ctx, err)
	a.keep(func(f *precondition.Facts) { f.Lists[list] = precondition.Objects{Items: items, Why: reason} })
	return err
}

func (a *asking) cluster(ctx context.Context, google *gcp.Client, at planner.ClusterRef) error {
	found, err := google.Cluster(ctx, at.Project, at.Location, at.Name)
	reason, err := why(ctx, err)
	facts := precondition.Cluster{Pool: found.Pool, Endpoints: found.Endpoints, NodePools: found.NodePools, Why: reason}
	facts.Autopilot = found.Autopilot != nil && *found.Autopilot
	a.keep(func(f *precondition.Facts) { f.Clusters[at.Project+"/"+at.Location+"/"+at.Name] = facts })
	return err
}

func (a *asking) api(ctx context.Context, google *gcp.Client, api precondition.API) error {
	found, err := google.APIs(ctx, api.Project, api.Name)
	reason, err := why(ctx, err)
	var facts precondition.Switch
	switch {
	case reason != "":
		facts.Why = reason
	case len(found) != 1 || found[0].Enabled == scanner.Unknown:
		facts.Why = "Google does not say"
	default:
		facts.On = found[0].Enabled == scanner.Yes
	}
	a.keep(func(f *precondition.Facts) { f.APIs[api] = facts })
	return err
}

// account reads an account's keys, and the last use of those that the step asks about.
func (a *asking) account(ctx context.Context, google *gcp.Client, need precondition.Account, left runbook.Evidence) error {
	found, err := google.Keys(ctx, need.Email)
	reason, err := why(ctx, err)
	facts := precondition.AccountKeys{Why: reason}
	for _, k := range found {
		key := precondition.Key{ID: k.ID, Disabled: k.Disabled, Reason: k.Reason, Expires: k.Expires}
		if need.Digests {
			if public, err := google.Key(ctx, need.Email, k.ID); err == nil {
				key.Digest = public.Digest
			}
		}
		for _, retiree := range need.Use {
			if retiree.Key == key.Digest {
				key.Use = lastUse(ctx, google, need, key.ID, precondition.CutOver(retiree, left))
			}
		}
		facts.Keys = append(facts.Keys, key)
	}
	a.keep(func(f *precondition.Facts) { f.Accounts[need.Email] = facts })
	return err
}

// lastUse reads Google's evidence about a key. Monitoring counts by day, and is asked from the second day after the cut-over on:
// before that a pod that was being replaced may have used the key.
func lastUse(ctx context.Context, google *gcp.Client, need precondition.Account, key string, cutOver time.Time) *precondition.Use {
	use := &precondition.Use{}
	found, err := google.Activities(ctx, need.Email, need.Project, key)
	if err != nil {
		use.Why = err.Error()
		return use
	}
	seen := found[key]
	use.Last, use.From, use.To = seen.Last, seen.From, seen.To
	if cutOver.IsZero() {
		return use
	}
	since := cutOver.UTC().Truncate(24*time.Hour).AddDate(0, 0, 2)
	if count, err := google.Authentications(ctx, need.Project, key, since); err == nil {
		use.Authentications, use.Since = &count, since
	}
	return use
}

func (a *asking) policy(ctx context.Context, google *gcp.Client, g planner.Grant) error {
	bindings, err := google.PolicyOf(ctx, g.Resource)
	if errors.Is(err, gcp.ErrNotFound) {
		err = errors.New("no such resource is known to Google")
	}
	unsupported := errors.Is(err, gcp.ErrUnsupported)
	reason, err := why(ctx, err)
	a.keep(func(f *precondition.Facts) {
		f.Policies[g.Resource] = precondition.Policy{Bindings: bindings, Why: reason, Unsupported: unsupported}
	})
	return err
}
