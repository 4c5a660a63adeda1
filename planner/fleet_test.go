package planner

import (
	"slices"
	"strings"
	"testing"

	"dekey/scanner"
)

// inventoryOf is what one scan saw: a checkout, or a cluster with a pool.
func inventoryOf(source, pool string, build func(b *build)) scanner.Inventory {
	b := newBuild()
	b.inv.Sources = []scanner.Source{{ID: source, Kind: "repository", Root: source}}
	build(b)
	if pool == "" {
		return b.inv
	}
	b.inv.Sources = []scanner.Source{{ID: source, Kind: "cluster", Context: source}}
	b.inv.Clusters = []scanner.Cluster{{ID: source, Source: source, Pool: pool, GKE: scanner.Yes, NodePools: []scanner.NodePool{}, Complete: []string{"payments"}}}
	live := []scanner.Origin{{Source: source}}
	for i := range b.inv.Workloads {
		b.inv.Workloads[i].Origins, b.inv.Workloads[i].Live = live, true
	}
	for i := range b.inv.Findings {
		b.inv.Findings[i].Origins = live
	}
	for i := range b.inv.ServiceAccounts {
		b.inv.ServiceAccounts[i].Origins, b.inv.ServiceAccounts[i].Live = live, true
	}
	return b.inv
}

func apiOf(account string) func(b *build) {
	return func(b *build) {
		b.key("key-of-"+account, account, "payments", "api-key")
		b.serviceAccount("payments", "api", nil)
		b.mounted(b.workload(api, "api"), "api-key", "key-of-"+account)
	}
}

// Inventories of many clusters and checkouts are one plan: what is seen in several is one workload, whose grants reach every
// pool that it runs in.
func TestFleet(t *testing.T) {
	gitOnly := func(b *build) {
		b.serviceAccount("payments", "api", nil)
		b.mounted(b.workload(api, "api"), "api-key", "")
	}
	for _, test := range []struct {
		name    string
		parts   []scanner.Inventory
		moves   int
		members []string
		hold    string
		notice  string
	}{
		{name: "the checkout names the Secret, the cluster has its content",
			parts: []scanner.Inventory{inventoryOf("repo", "", gitOnly), inventoryOf("prod", shopPool, apiOf(payments))},
			moves: 1, members: []string{"serviceAccount:" + shopPool + "[payments/api]"}},
		{name: "two clusters of one pool", parts: []scanner.Inventory{inventoryOf("repo", "", gitOnly), inventoryOf("a", shopPool, apiOf(payments)), inventoryOf("b", shopPool, apiOf(payments))},
			moves: 1, members: []string{"serviceAccount:" + shopPool + "[payments/api]"}, notice: NoticeIdentitySameness},
		{name: "two clusters of two pools", parts: []scanner.Inventory{inventoryOf("repo", "", gitOnly), inventoryOf("a", "a-project.svc.id.goog", apiOf(payments)), inventoryOf("b", "b-project.svc.id.goog", apiOf(payments))},
			moves: 1, members: []string{"serviceAccount:a-project.svc.id.goog[payments/api]", "serviceAccount:b-project.svc.id.goog[payments/api]"}},
		{name: "two clusters disagree about the account",
			parts: []scanner.Inventory{inventoryOf("a", shopPool, apiOf(payments)), inventoryOf("b", shopPool, apiOf(ledger))}, hold: HoldConflict},
		{name: "another cluster has a bystander under the service account", parts: []scanner.Inventory{inventoryOf("repo", "", gitOnly), inventoryOf("a", shopPool, apiOf(payments)), inventoryOf("b", shopPool, func(b *build) {
			b.serviceAccount("payments", "api", nil)
			b.workload(deployment("payments", "web"), "api")
		})}, moves: 1, members: []string{"serviceAccount:" + shopPool + "[payments/api-wi]"}},
		{name: "another cluster's service account is annotated for another account", parts: []scanner.Inventory{inventoryOf("repo", "", gitOnly), inventoryOf("a", shopPool, apiOf(payments)), inventoryOf("b", shopPool, func(b *build) {
			b.serviceAccount("payments", "api", map[string]string{AccountAnnotation: ledger})
		})}, hold: HoldServiceAccountClaimed},
	} {
		merged := scanner.Merge(test.parts...)
		backwards := slices.Clone(test.parts)
		slices.Reverse(backwards)
		p, err := New(merged, Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if other, _ := New(scanner.Merge(backwards...), Policy{}); len(other.Moves) != len(p.Moves) || len(other.Holds) != len(p.Holds) {
			t.Errorf("%s: another order of the inventories gives another plan", test.name)
		}
		var members []string
		notices := []string{}
		for _, m := range p.Moves {
			for _, g := range m.Grants {
				members = append(members, g.Member)
			}
			for _, n := range m.Notices {
				notices = append(notices, n.Code)
			}
		}
		if len(p.Moves) != test.moves || !slices.Equal(members, test.members) {
			t.Errorf("%s: %d moves, %v; holds %+v", test.name, len(p.Moves), members, p.Holds)
		}
		if test.hold != "" && !slices.ContainsFunc(p.Holds, func(h Hold) bool { return h.Code == test.hold }) {
			t.Errorf("%s: %+v", test.name, p.Holds)
		}
		if test.notice != "" && !slices.Contains(notices, test.notice) {
			t.Errorf("%s: notices %v", test.name, notices)
		}
		for _, v := range Check(merged, p) {
			t.Errorf("%s: %s", test.name, v)
		}
	}
}

// A key is not retired while a consumer in any of the merged inventories has not moved.
func TestFleetRetirement(t *testing.T) {
	here := inventoryOf("repo", "", apiOf(payments))
	there := inventoryOf("other", "", func(b *build) {
		b.key("key-of-"+payments, payments, "batch", "copied")
		b.mounted(b.workload(deployment("batch", "job"), ""), "copied", "key-of-"+payments).Standard = false
	})
	p, err := New(scanner.Merge(here, there), shop)
	if err != nil {
		t.Fatal(err)
	}
	r := p.Retirements[0]
	if len(p.Retirements) != 1 || r.Consumers != 2 || r.Moved != 1 || len(r.Copies) != 2 {
		t.Fatalf("%+v", p.Retirements)
	}
	if !slices.ContainsFunc(r.BlockedBy, func(b Blocker) bool {
		return b.Code == BlockerConsumer && strings.Contains(b.What, "batch/Deployment/job")
	}) {
		t.Errorf("%+v", r.BlockedBy)
	}
}

// A move that is withdrawn stays under a service account that another move annotates: who that makes it is said.
func TestWithdrawUnderKept(t *testing.T) {
	b := newBuild()
	b.serviceAccount("payments", "shared", nil)
	b.mounted(b.workload(api, "shared"), "api-key", "")
	b.mounted(b.workload(deployment("payments", "web"), "shared"), "api-key", "")
	policy := shop
	policy.Accounts = []AccountRule{{Namespace: "*", Secret: "*", Email: payments}}
	p := b.plan(t, policy)
	if len(p.Moves) != 2 || p.Moves[0].ServiceAccount.Create {
		t.Fatalf("%+v", p.Moves)
	}
	got, err := Withdraw(p, p.Moves[0].ID, Hold{Code: HoldNotProvable, Reason: "an alias"})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range Check(b.inv, got) {
		t.Error(v)
	}
	if a := got.Access[0]; len(a.Before) != 0 || !slices.Equal(a.After, []string{payments}) {
		t.Errorf("%+v", a)
	}
}
