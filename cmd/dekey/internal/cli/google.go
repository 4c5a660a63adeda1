package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/gcp"
)

// google are the flags of every command that asks Google's APIs.
type google struct {
	endpoints    []string
	quotaProject string
}

func (g *google) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&g.endpoints, "google-endpoint", nil, "`URL` below which Google's APIs answer, each by its name, or NAME=URL for one of them (https, or loopback without credentials)")
	flags.StringVar(&g.quotaProject, "google-quota-project", "", "the `PROJECT` that calls of Google's APIs are charged to")
}

// open prepares the client of Google's APIs. It asks them nothing yet.
func (g *google) open(ctx context.Context, sys System) (*gcp.Client, error) {
	client, err := gcp.Open(ctx, gcp.Options{
		Endpoints: g.endpoints, LookupEnv: sys.LookupEnv, QuotaProject: g.quotaProject, UserAgent: strings.ReplaceAll(tool(), " ", "/"), Now: sys.Now,
	})
	if err != nil {
		return nil, usagef("the endpoints of Google's APIs: %w", err)
	}
	return client, nil
}

// enrich adds to an inventory what Google knows about it.
func (g *google) enrich(ctx context.Context, sys System, inventory *scanner.Inventory, policy planner.Policy) error {
	client, err := g.open(ctx, sys)
	if err != nil {
		return err
	}
	var targets gcp.Targets
	for _, c := range policy.Clusters {
		targets.Clusters = append(targets.Clusters, gcp.ClusterTarget{Project: c.Project, Location: c.Location, Name: c.Name, Context: c.Context})
	}
	for _, a := range policy.Accounts {
		targets.Accounts = append(targets.Accounts, a.Email)
	}
	for _, w := range policy.Workloads {
		targets.Accounts = append(targets.Accounts, w.Account)
	}
	done := progress(sys, "asking Google")
	err = client.Enrich(ctx, inventory, targets)
	done()
	if err != nil {
		return fmt.Errorf("asking Google: %w", err)
	}
	return nil
}
