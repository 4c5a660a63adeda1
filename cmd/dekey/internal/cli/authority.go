package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/code"
	"dekey/scanner/iam"
	"dekey/scanner/manifest"
)

// authorities notes of the inventory's accounts what keeps their policies in the checkouts: Terraform's _policy and
// _binding, Config Connector's IAMPolicy. The next run of such an owner takes an additive grant away.
func authorities(ctx context.Context, sys System, paths []string, policy planner.Policy, inventory *scanner.Inventory) error {
	var listener iam.Listener
	var more []iam.Facts
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			continue
		}
		options := manifestOptions(sys, path, nil, policy.Namespaces, policy.Limits)
		var others code.Collector
		options.Also = &manifest.Also{
			File: func(name string, text []byte) bool {
				others.Take(name, text)
				return iam.Concerns(text)
			},
			Wants: others.Wants, Document: iam.Concerns,
		}
		if err := listener.Reader(manifest.New(options)).Read(ctx, iam.Silence{}); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		more = append(more, others.Result(path).Facts)
	}
	for _, g := range listener.Facts(more...).Grants {
		if g.Mode == iam.Additive || g.Target != iam.TargetAccount || !g.Name.Known() {
			continue
		}
		if g.Mode == iam.Binding && g.Role != planner.RoleWorkloadIdentityUser && g.Role.Known() {
			continue
		}
		owner := g.What + " in " + g.Origin.Path
		for i := range inventory.Accounts {
			a := &inventory.Accounts[i]
			if name := strings.ToLower(string(g.Name)); (name == a.Email || strings.HasSuffix(name, "/"+a.Email)) && !slices.Contains(a.Authoritative, owner) {
				a.Authoritative = append(a.Authoritative, owner)
				slices.Sort(a.Authoritative)
			}
		}
	}
	scanner.Scrub(&inventory.Accounts)
	return nil
}
