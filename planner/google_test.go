package planner

import (
	"slices"
	"strings"
	"testing"

	"dekey/scanner"
)

// A grant on a whole project lets the service account act, and counts as access; the grant on the account is planned all
// the same, because what is read back later is the account's own policy.
func TestGrantOnAProjectIsAccessAndNoGrant(t *testing.T) {
	b, policy := apiWorld()
	b.impersonator()
	member := "serviceAccount:" + shopPool + "[payments/web]"
	b.inv.Projects = []scanner.Project{{ID: "acme-shop", Impersonators: []scanner.Binding{
		{Role: RoleWorkloadIdentityUser, Members: []string{member, "serviceAccount:" + shopPool + "[payments/api]"}},
	}}}
	b.serviceAccount("payments", "web", nil)
	b.workload(deployment("payments", "web"), "web")
	p := b.plan(t, *policy)
	if len(p.Moves) != 1 || p.Moves[0].Grants[0].Exists {
		t.Fatalf("moves %+v", p.Moves)
	}
	i := slices.IndexFunc(p.Access, func(a Access) bool { return a.Workload == deployment("payments", "web") })
	if i < 0 || !slices.Equal(p.Access[i].Before, []string{payments}) {
		t.Errorf("access %+v", p.Access)
	}
}

// A constraint blocks where it is in force: pools in the cluster's project, members in the account's, accounts where a
// split makes them.
func TestOrganisationPoliciesBlockWhereTheyAct(t *testing.T) {
	all := []string{"iam.allowedPolicyMemberDomains", "iam.disableServiceAccountCreation", "iam.disableWorkloadIdentityClusterCreation"}
	for _, test := range []struct {
		name   string
		change func(b *build, p *Policy)
		want   []string
	}{
		{"the account's project refuses members alone", func(*build, *Policy) {}, all[:1]},
		{"a split makes an account", func(b *build, p *Policy) {
			b.grants("roles/viewer")
			split := true
			p.Workloads = []WorkloadRule{{Workload: "payments/Deployment/api", Split: &split}}
		}, all[:2]},
		{"Workload Identity has to be switched on", func(b *build, _ *Policy) {
			b.whole("GKE_METADATA")
			b.inv.Clusters[0].Pool, b.inv.Clusters[0].WorkloadIdentity = "", scanner.No
		}, []string{all[0], all[2]}},
	} {
		b, policy := apiWorld()
		b.inv.Projects = []scanner.Project{{ID: "acme-shop", Policies: all}}
		test.change(b, policy)
		var got []string
		for _, p := range b.plan(t, *policy).Prerequisites {
			if p.Code == PrerequisiteOrgPolicy {
				got = append(got, strings.TrimPrefix(p.Target, "acme-shop/"))
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// What Google did not answer hides no consumer: evidence that it misses blocks by a code of its own.
func TestGapsOfGoogleHideNoConsumer(t *testing.T) {
	b, policy := apiWorld()
	b.inv.Findings = nil
	b.inv.Workloads = nil
	b.inv.KeyFacts = []scanner.KeyFact{{Key: "k1", Verdict: scanner.VerdictLive, Use: scanner.NotUsed, KeyID: strings.Repeat("a", 40)}}
	b.inv.Gaps = []scanner.Gap{{Source: scanner.SourceGoogle, What: "projects/acme-shop: cloudasset.assets.searchAllIamPolicies"}}
	r := b.plan(t, *policy).Retirements
	if len(r) != 1 || !r[0].Ready {
		t.Errorf("retirements %+v", r)
	}
	b.inv.KeyFacts[0].Use = scanner.UseUnknown
	if r := b.plan(t, *policy).Retirements; r[0].Ready {
		t.Error("a key is ready although its use is unknown")
	}
}
