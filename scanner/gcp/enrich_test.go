package gcp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/gcp"
	"dekey/scanner/gcp/gcptest"
	"dekey/scanner/keyfile/keytest"
)

func inventory(keys ...scanner.Key) scanner.Inventory {
	return scanner.Inventory{Keys: keys, Gaps: []scanner.Gap{}}
}

func TestEnrich(t *testing.T) {
	const annotated = "linked@other-proj.iam.gserviceaccount.com"
	k := keytest.New("own", email)
	google, c := open(t, func(s *gcptest.State) {
		p := s.Project(project, "")
		a := p.Account(email)
		a.AddKey(k.KeyID, &k.Private.PublicKey).Use(s.Now.AddDate(0, 0, -4), 2)
		s.Bind(a.Policy, "roles/iam.workloadIdentityUser", "serviceAccount:demo-proj.svc.id.goog[apps/api]")
		s.Bind(a.Policy, "roles/iam.serviceAccountTokenCreator", "serviceAccount:"+email)
		s.Bind(p.Policy, "roles/editor", "serviceAccount:"+email, "user:somebody@example.com")
		s.Bind(p.Policy, "roles/iam.workloadIdentityUser", "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/demo-proj.svc.id.goog/namespace/apps", "user:x@example.com")
		b := s.Bind(p.Policy, "projects/demo-proj/roles/custom", "serviceAccount:"+email)
		b.Condition = gcptest.Condition("prefix", `resource.name.startsWith("projects/_/buckets/b/")`)
		s.Bind(p.Policy, "roles/pubsub.publisher", "serviceAccount:demo-proj.svc.id.goog[apps/direct]")
		other := s.Project("other-proj", "222222222222")
		other.Account(annotated)
		other.OrgPolicies["iam.allowedPolicyMemberDomains"] = gcptest.AllowedValues("C0abc")
		other.Resources["//storage.googleapis.com/projects/_/buckets/b"] = p.Policy
		p.Cluster("us-central1", "c1").NodePools = append(p.Cluster("us-central1", "c1").NodePools, gcptest.NodePool("old", "GCE_METADATA"))
	})
	inv := inventory(key("own"))
	inv.Clusters = []scanner.Cluster{{ID: "cluster:prod", Source: "cluster:prod", Context: "prod", Complete: []string{"apps"}, NodePools: []scanner.NodePool{{Name: "old", Nodes: 3, Labels: map[string]string{"a": "b"}}}}}
	inv.ServiceAccounts = []scanner.ServiceAccount{
		{Ref: scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "apps", Name: "linked"}, Annotations: map[string]string{"iam.gke.io/gcp-service-account": annotated}},
		{Ref: scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "apps", Name: "direct"}},
	}
	targets := gcp.Targets{Clusters: []gcp.ClusterTarget{{Project: project, Location: "us-central1", Name: "c1", Context: "prod"}}, Accounts: []string{"", "not an e-mail", "gone@demo-proj.iam.gserviceaccount.com"}}
	if err := c.Enrich(t.Context(), &inv, targets); err != nil {
		t.Fatal(err)
	}
	if len(inv.Gaps) > 0 {
		t.Errorf("gaps %+v", inv.Gaps)
	}
	var emails []string
	for _, a := range inv.Accounts {
		emails = append(emails, fmt.Sprint(a.Email, " ", a.Exists, " ", a.PolicyRead, " ", a.GrantsRead))
	}
	if diff := cmp.Diff([]string{email + " yes true true", "gone@demo-proj.iam.gserviceaccount.com no false false", annotated + " yes true true"}, emails); diff != "" {
		t.Error(diff)
	}
	const storage, resources = "//storage.googleapis.com/projects/_/buckets/b", "//cloudresourcemanager.googleapis.com/projects/demo-proj"
	condition := `resource.name.startsWith("projects/_/buckets/b/")`
	want := []scanner.Grant{
		{Resource: resources, Role: "projects/demo-proj/roles/custom", Condition: condition, Title: "prefix"},
		{Resource: resources, Role: "roles/editor"},
		{Resource: "//iam.googleapis.com/projects/-/serviceAccounts/" + email, Role: "roles/iam.serviceAccountTokenCreator"},
		{Resource: storage, Role: "projects/demo-proj/roles/custom", Condition: condition, Title: "prefix"},
		{Resource: storage, Role: "roles/editor"},
	}
	if diff := cmp.Diff(want, inv.Accounts[0].Grants); diff != "" {
		t.Error(diff)
	}
	cluster := inv.Clusters[0]
	if len(inv.Clusters) != 1 || cluster.Pool != "demo-proj.svc.id.goog" || cluster.ProjectNumber != number || cluster.Complete[0] != "apps" || cluster.ID != "cluster:prod" {
		t.Errorf("clusters %+v", inv.Clusters)
	}
	if p := cluster.NodePools[1]; p.Name != "old" || p.Nodes != 3 || p.MetadataMode != "GCE_METADATA" || p.Labels["a"] != "b" {
		t.Errorf("node pool %+v", p)
	}
	if p := inv.Projects[0]; p.ID != project || len(p.APIs) != 4 || len(p.Impersonators) != 1 || len(p.Impersonators[0].Members) != 1 {
		t.Errorf("project %+v", p)
	}
	if p := inv.Projects[1]; p.ID != "other-proj" || !slices.Equal(p.Policies, []string{"iam.allowedPolicyMemberDomains"}) {
		t.Errorf("project %+v", p)
	}
	direct := []scanner.Grant{{Resource: resources, Role: "roles/pubsub.publisher"}, {Resource: storage, Role: "roles/pubsub.publisher"}}
	if diff := cmp.Diff(direct, inv.ServiceAccounts[1].Grants); diff != "" {
		t.Error(diff)
	}
	if f := inv.KeyFacts[0]; f.Verdict != scanner.VerdictLive || f.Use != scanner.Used {
		t.Errorf("fact %+v", f)
	}
	for _, r := range google.Requests() {
		if r.Writes() {
			t.Errorf("%s %s writes", r.HTTP, r.Path)
		}
	}
}

// Calls grow with accounts and keys. Workloads, copies and service accounts without an annotation ask for nothing.
func TestCallsGrowWithAccountsAndKeys(t *testing.T) {
	count := func(accounts, keys, workloads int) (int, map[string]int) {
		google, c := open(t, nil)
		made := keytest.New("own", email)
		inv := inventory()
		google.Update(func(s *gcptest.State) {
			for n := range accounts {
				address := fmt.Sprintf("gsa-%d@demo-proj.iam.gserviceaccount.com", n)
				a := s.Project(project, "").Account(address)
				for m := range keys {
					one := a.AddKey(fmt.Sprintf("%040d", m), &made.Private.PublicKey)
					inv.Keys = append(inv.Keys, scanner.Key{ID: fmt.Sprintf("%062d%02d", n, m), Type: scanner.TypeServiceAccount, Email: address, KeyID: one.ID, Algorithm: "RSA-2048"})
				}
			}
			s.Project(project, "").Cluster("us-central1", "c1")
		})
		for n := range workloads {
			name := fmt.Sprintf("w%d", n)
			ref := scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "apps", Name: name}
			inv.Workloads = append(inv.Workloads, scanner.Workload{Ref: ref, ServiceAccount: name})
			inv.ServiceAccounts = append(inv.ServiceAccounts, scanner.ServiceAccount{Ref: scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "apps", Name: name}})
			for _, k := range inv.Keys {
				inv.Findings = append(inv.Findings, scanner.Finding{ID: name + k.ID, Workload: ref, Key: k.ID})
			}
		}
		targets := gcp.Targets{Clusters: []gcp.ClusterTarget{{Project: project, Location: "us-central1", Name: "c1"}}}
		if err := c.Enrich(t.Context(), &inv, targets); err != nil {
			t.Fatal(err)
		}
		return c.Calls(), google.Calls()
	}
	one, _ := count(1, 1, 1)
	if many, _ := count(1, 1, 500); many != one {
		t.Errorf("500 workloads take %d calls, one takes %d", many, one)
	}
	three, _ := count(3, 1, 1)
	six, calls := count(6, 1, 1)
	per := (three - one) / 2
	if six-three != 3*per || per > 8 {
		t.Errorf("an account with a key takes %d calls, six accounts %d after %d: %v", per, six, three, calls)
	}
	for method, n := range calls {
		if strings.HasPrefix(method, "cloudresourcemanager") && n != 1 {
			t.Errorf("%s is called %d times for one project", method, n)
		}
	}
	t.Logf("one account, key, cluster and project: %d calls; each more account with its key: %d", one, per)
}

func TestWhatIsRefusedIsAGap(t *testing.T) {
	tests := []struct {
		name   string
		faults []gcptest.Fault
		gaps   []string // WHAT | WHY, each a part
		check  func(*testing.T, scanner.Inventory)
	}{
		{name: "accounts", faults: []gcptest.Fault{gcptest.Denied("iam.v1:projects.serviceAccounts.get", "iam.serviceAccounts.get")},
			gaps: []string{"a-gsa@demo-proj.iam.gserviceaccount.com, api-gsa@demo-proj.iam.gserviceaccount.com: iam.serviceAccounts.get | roles/iam.serviceAccountViewer has it"},
			check: func(t *testing.T, inv scanner.Inventory) {
				if a := inv.Accounts[0]; a.Exists != scanner.Unknown || a.Disabled != nil {
					t.Errorf("account %+v", a)
				}
			}},
		{name: "policies of accounts", faults: []gcptest.Fault{gcptest.Denied("iam.v1:projects.serviceAccounts.getIamPolicy", "x")},
			gaps: []string{"iam.serviceAccounts.getIamPolicy | roles/iam.serviceAccountViewer"},
			check: func(t *testing.T, inv scanner.Inventory) {
				if inv.Accounts[0].PolicyRead {
					t.Error("the policy counts as read")
				}
			}},
		{name: "the cluster", faults: []gcptest.Fault{gcptest.Denied("container.*", "x")},
			gaps: []string{"cluster demo-proj/us-central1/c1: container.clusters.get | roles/container.clusterViewer"},
			check: func(t *testing.T, inv scanner.Inventory) {
				if len(inv.Clusters) > 0 {
					t.Errorf("clusters %+v", inv.Clusters)
				}
			}},
		{name: "a cluster that is not there", faults: []gcptest.Fault{{Method: "container.*", Code: 404}},
			gaps: []string{"cluster demo-proj/us-central1/c1: container.clusters.get | there is no such cluster"}},
		{name: "projects", faults: []gcptest.Fault{gcptest.Denied("cloudresourcemanager.v3:projects.get", "x")},
			gaps: []string{"projects/demo-proj: resourcemanager.projects.get | roles/browser"},
			check: func(t *testing.T, inv scanner.Inventory) {
				if inv.Clusters[0].ProjectNumber != "" || inv.Clusters[0].Pool == "" {
					t.Errorf("cluster %+v", inv.Clusters[0])
				}
			}},
		{name: "what is above the project", faults: []gcptest.Fault{gcptest.Denied("cloudresourcemanager.v1:projects.getAncestry", "x")},
			gaps: []string{"resourcemanager.projects.get | roles/browser"},
			check: func(t *testing.T, inv scanner.Inventory) {
				if inv.Accounts[1].GrantsRead {
					t.Error("grants of a project alone count as all")
				}
			}},
		{name: "the organisation's policies", faults: []gcptest.Fault{{Method: "cloudasset.*", Path: "organizations/", Code: 403}},
			gaps: []string{"organizations/1000: cloudasset.assets.searchAllIamPolicies | roles/cloudasset.viewer"},
			check: func(t *testing.T, inv scanner.Inventory) {
				a := inv.Accounts[1]
				if a.GrantsRead || len(a.Grants) != 1 || a.Grants[0].Role != "roles/owner" {
					t.Errorf("account %+v", a)
				}
			}},
		{name: "the search is off everywhere", faults: []gcptest.Fault{gcptest.Disabled("cloudasset.*", "cloudasset.googleapis.com")},
			gaps: []string{"organizations/1000: cloudasset.assets.searchAllIamPolicies | gcloud services enable cloudasset.googleapis.com"},
			check: func(t *testing.T, inv scanner.Inventory) {
				if a := inv.Accounts[1]; a.GrantsRead || len(a.Grants) != 1 {
					t.Errorf("the project's own policy shows the owner all the same: %+v", a)
				}
			}},
		{name: "which APIs are on", faults: []gcptest.Fault{gcptest.Denied("serviceusage.*", "x")},
			gaps: []string{"projects/demo-proj: serviceusage.services.get | roles/serviceusage.serviceUsageViewer"}},
		{name: "organisation policies", faults: []gcptest.Fault{gcptest.Denied("orgpolicy.*", "x")},
			gaps: []string{"projects/demo-proj: orgpolicy.policy.get | roles/orgpolicy.policyViewer"}},
		{name: "a second page that fails is no shorter list", faults: []gcptest.Fault{{Method: "cloudasset.*", Code: 400, Message: "page"}},
			gaps: []string{"cloudasset.assets.searchAllIamPolicies | Google answered 400: page"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			google, c := open(t, func(s *gcptest.State) {
				p := s.Project(project, "")
				p.Account(email)
				p.Account("a-gsa@demo-proj.iam.gserviceaccount.com")
				s.Bind(p.Policy, "roles/owner", "serviceAccount:"+email)
				p.Cluster("us-central1", "c1")
			})
			google.Fail(test.faults...)
			inv := inventory()
			targets := gcp.Targets{Clusters: []gcp.ClusterTarget{{Project: project, Location: "us-central1", Name: "c1"}}, Accounts: []string{email, "a-gsa@demo-proj.iam.gserviceaccount.com"}}
			if err := c.Enrich(t.Context(), &inv, targets); err != nil {
				t.Fatal(err)
			}
			if len(inv.Gaps) != len(test.gaps) {
				t.Fatalf("gaps %+v, want %q", inv.Gaps, test.gaps)
			}
			for i, want := range test.gaps {
				what, why, _ := strings.Cut(want, " | ")
				if g := inv.Gaps[i]; !strings.Contains(g.What, what) || !strings.Contains(g.Why, why) || g.Source != gcp.Source {
					t.Errorf("gap %+v, want %q", g, want)
				}
			}
			if test.check != nil {
				test.check(t, inv)
			}
		})
	}
}

func TestPagesAreReadToTheEnd(t *testing.T) {
	google, c := open(t, func(s *gcptest.State) {
		p := s.Project(project, "")
		p.Account(email)
		for n := range 25 {
			p.Resources[fmt.Sprintf("//storage.googleapis.com/projects/_/buckets/b%02d", n)] = p.Policy
		}
		s.Bind(p.Policy, "roles/viewer", "serviceAccount:"+email)
	})
	google.PageSize(3)
	inv := inventory()
	if err := c.Enrich(t.Context(), &inv, gcp.Targets{Accounts: []string{email}}); err != nil {
		t.Fatal(err)
	}
	if n := len(inv.Accounts[0].Grants); n != 26 || !inv.Accounts[0].GrantsRead {
		t.Errorf("%d grants, want 26", n)
	}
	if n := google.Calls()["cloudasset.v1:searchAllIamPolicies"]; n != 9 {
		t.Errorf("%d pages, want 9", n)
	}
}

func TestEnrichTwiceGivesTheSame(t *testing.T) {
	k := keytest.New("own", email)
	google, _ := open(t, func(s *gcptest.State) {
		s.Project(project, "").Account(email).AddKey(k.KeyID, &k.Private.PublicKey)
	})
	inv := inventory(key("own"))
	for range 2 {
		before := inv.Accounts
		if err := client(t, google, gcp.Options{}).Enrich(t.Context(), &inv, gcp.Targets{}); err != nil {
			t.Fatal(err)
		}
		if before != nil {
			if diff := cmp.Diff(before, inv.Accounts); diff != "" || len(inv.KeyFacts) != 1 || len(inv.Projects) != 1 {
				t.Errorf("%s %+v", diff, inv)
			}
		}
	}
}

func TestEnrichEndsWithItsContext(t *testing.T) {
	google, c := open(t, func(s *gcptest.State) { s.Project(project, "").Account(email) })
	google.Fail(gcptest.Fault{Hang: true})
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	cancel(cause)
	inv := inventory(key("own"))
	if err := c.Enrich(ctx, &inv, gcp.Targets{}); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	if len(inv.Accounts)+len(inv.KeyFacts) > 0 {
		t.Errorf("the inventory is changed: %+v", inv)
	}
}

func TestContextOfAnotherClusterIsAGap(t *testing.T) {
	_, c := open(t, func(s *gcptest.State) { s.Project(project, "").Cluster("us-central1", "c1").Endpoint = "203.0.113.7" })
	inv := inventory()
	inv.Clusters = []scanner.Cluster{{ID: "cluster:prod", Context: "prod", Server: "https://198.51.100.1"}}
	targets := gcp.Targets{Clusters: []gcp.ClusterTarget{{Project: project, Location: "us-central1", Name: "c1", Context: "prod"}}}
	if err := c.Enrich(t.Context(), &inv, targets); err != nil {
		t.Fatal(err)
	}
	if len(inv.Gaps) != 1 || inv.Clusters[0].Pool != "" {
		t.Errorf("gaps %+v, clusters %+v", inv.Gaps, inv.Clusters)
	}
}

// Policy Analyzer is asked once for all keys of an account, and each key gets its own answer.
func TestLastUsesAreAskedOfAccounts(t *testing.T) {
	var keys []scanner.Key
	google, c := open(t, func(s *gcptest.State) {
		a := s.Project(project, number).Account(email)
		for i := range 3 {
			k := keytest.New(fmt.Sprint("batch", i), email)
			added := a.AddKey(k.KeyID, &k.Private.PublicKey)
			if i == 1 {
				added.Use(s.Now.AddDate(0, 0, -4), 2)
			}
			added.Disabled = i == 2
			keys = append(keys, key(fmt.Sprint("batch", i)))
		}
	})
	inv := inventory(keys...)
	if err := c.Enrich(t.Context(), &inv, gcp.Targets{}); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, r := range google.Requests() {
		if strings.HasPrefix(r.Method, "policyanalyzer.") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("%d questions for the keys of one account", asked)
	}
	for i, want := range []string{scanner.NotUsed, scanner.Used, scanner.UseUnknown} {
		for _, fact := range inv.KeyFacts {
			if fact.Key == keys[i].ID && fact.Use != want {
				t.Errorf("key %d: %s (%s), want %s", i, fact.Use, fact.Why, want)
			}
		}
	}
}
