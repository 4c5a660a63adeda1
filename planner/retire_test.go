package planner

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
)

// Every reason why a key cannot go has a case, and what would clear it.
func TestBlockers(t *testing.T) {
	covered := map[string]bool{}
	for _, test := range []struct {
		code, name string
		change     func(b *build)
		also       []string // other blockers of the world
	}{
		{BlockerUseUnknown, "offline nothing is known", func(*build) {}, nil},
		{BlockerUseUnknown, "evidence from before the cut-over", func(b *build) { b.evidence(scanner.NotUsed) }, nil},
		{BlockerUseUnknown, "evidence that could not be read, of a key without a consumer", func(b *build) {
			b.orphan()
			b.evidence(scanner.UseUnknown)
		}, nil},
		{BlockerInUse, "used, and by nothing that was seen", func(b *build) {
			b.orphan()
			b.evidence(scanner.Used)
		}, nil},
		{BlockerConsumer, "a consumer is held", func(b *build) { b.inv.Findings[0].Standard = false }, []string{BlockerUseUnknown}},
		{BlockerConsumerElsewhere, "a consumer's source is in another repository", func(b *build) { b.live("argocd:api") }, []string{BlockerUseUnknown}},
		{BlockerSourceRecreates, "Config Connector would make a new key", func(b *build) {
			b.inv.Secrets[0].Provenance = []scanner.Provenance{{Kind: "config-connector", Object: scanner.Ref{Kind: "IAMServiceAccountKey", Namespace: "payments", Name: "api-key"}, Recreates: true}}
		}, []string{BlockerUseUnknown}},
		{BlockerUseUnknown, "an ExternalSecret brings the same key again, which is dead then", func(b *build) {
			b.inv.Secrets[0].Provenance = []scanner.Provenance{{Kind: "external-secret", Recreates: true}}
		}, nil},
		{BlockerUseUnknown, "another Secret in use was not read", func(b *build) {
			b.mounted(b.workload(deployment("web", "web"), ""), "unread", "")
		}, nil},
		{BlockerGaps, "a file could not be read", func(b *build) { b.inv.Gaps = []scanner.Gap{{Source: "repo", What: "x.yaml"}} }, []string{BlockerUseUnknown}},
		{BlockerCopyElsewhere, "a copy that nobody uses", func(b *build) {
			b.inv.Keys[0].Copies = append(b.inv.Keys[0].Copies, scanner.Copy{Holder: scanner.Holder{Kind: "Secret", Namespace: "web", Name: "copy", Entry: "key.json"}})
		}, []string{BlockerUseUnknown}},
		{BlockerImagePull, "images are pulled with it", func(b *build) {
			b.finding(scanner.Finding{Workload: api, Via: scanner.ImagePull, Key: "k1"})
		}, []string{BlockerUseUnknown}},
		{BlockerInline, "a ConfigMap has it written out", func(b *build) {
			b.finding(scanner.Finding{Workload: scanner.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "payments", Name: "c"}, Via: scanner.Inline, Field: "data.key", Key: "k1"})
		}, []string{BlockerUseUnknown}},
		{BlockerKeyUnknown, "the file names no key", func(b *build) { b.inv.Keys[0].KeyID = "" }, []string{BlockerUseUnknown}},
		{BlockerKeyNotOwned, "a key of nobody", func(b *build) { b.fact(scanner.VerdictForeign) }, []string{BlockerConsumer}},
		{BlockerAlreadyGone, "a deleted key", func(b *build) { b.fact(scanner.VerdictDeletedKey) }, []string{BlockerConsumer}},
	} {
		covered[test.code] = true
		b, policy := apiWorld()
		test.change(b)
		r := b.plan(t, *policy).Retirements[0]
		var codes []string
		for _, blocker := range r.BlockedBy {
			codes = append(codes, blocker.Code)
			if blocker.What == "" || blocker.Clear == "" {
				t.Errorf("%s: %+v", test.name, blocker)
			}
		}
		want := append([]string{test.code}, test.also...)
		slices.Sort(want)
		if !slices.Equal(slices.Compact(codes), want) || r.Ready {
			t.Errorf("%s: ready %t, %v, want %v", test.name, r.Ready, codes, want)
		}
	}
	for code, constant := range constants(t, "Blocker") {
		if !covered[code] {
			t.Errorf("%s has no case", constant)
		}
	}
}

func (b *build) evidence(use string) {
	b.inv.KeyFacts = []scanner.KeyFact{{Key: "k1", Verdict: scanner.VerdictLive, Use: use}}
}

// orphan takes the key's consumer away.
func (b *build) orphan() { b.inv.Workloads, b.inv.Findings = nil, nil }

// A key without a consumer, of which Google says that it is not used, is ready, and nothing else is.
func TestReady(t *testing.T) {
	b, policy := apiWorld()
	b.orphan()
	b.evidence(scanner.NotUsed)
	r := b.plan(t, *policy).Retirements
	if len(r) != 1 || !r[0].Ready || len(r[0].BlockedBy) != 0 || r[0].Consumers != 0 || len(r[0].KeyID) != 40 {
		t.Errorf("%+v", r)
	}
}

// Two workloads share a key: it is counted by workload, not by use.
func TestConsumers(t *testing.T) {
	b, policy := apiWorld()
	f := b.inv.Findings[0]
	f.Env = "GOOGLE_CLOUD_KEYFILE"
	b.finding(f)
	b.mounted(b.workload(deployment("payments", "held"), "api"), "api-key", "k1").Standard = false
	b.key("p", "", "payments", "person")
	b.inv.Keys[1].Type = scanner.TypeAuthorizedUser
	r := b.plan(t, *policy).Retirements
	if len(r) != 1 || r[0].Consumers != 2 || r[0].Moved != 1 {
		t.Fatalf("%+v", r)
	}
	if diff := cmp.Diff([]scanner.Ref{api, deployment("payments", "held")}, r[0].Workloads); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]scanner.Ref{{APIVersion: "v1", Kind: "Secret", Namespace: "payments", Name: "api-key"}}, r[0].Secrets); diff != "" {
		t.Error(diff)
	}
}

func TestPrerequisites(t *testing.T) {
	covered := map[string]bool{}
	for _, test := range []struct {
		code, name, target, command string
		change                      func(b *build)
	}{
		{PrerequisiteAPIUnread, "nothing is known of the API", "acme-shop/iamcredentials.googleapis.com", "gcloud services enable iamcredentials.googleapis.com --project=acme-shop", func(*build) {}},
		{PrerequisiteAPI, "the API is off", "acme-shop/iamcredentials.googleapis.com", "gcloud services enable iamcredentials.googleapis.com --project=acme-shop", func(b *build) {
			b.inv.Projects = []scanner.Project{{ID: "acme-shop", APIs: []scanner.API{{Name: credentialsAPI, Enabled: scanner.No}}}}
		}},
		{PrerequisiteWorkloadIdentity, "Workload Identity is off", "acme-shop/europe-west1/prod", "gcloud container clusters update prod --workload-pool=acme-shop.svc.id.goog --location=europe-west1 --project=acme-shop", func(b *build) {
			b.whole("GKE_METADATA")
			b.inv.Clusters[0].Pool, b.inv.Clusters[0].WorkloadIdentity = "", scanner.No
		}},
		{PrerequisiteNodePool, "a pool has the node's metadata: a new one before a switched one", "acme-shop/europe-west1/prod/pool", "gcloud container node-pools create pool-wi --cluster=prod --workload-metadata=GKE_METADATA --location=europe-west1 --project=acme-shop", func(b *build) {
			b.whole("GCE_METADATA")
			w := b.workload(deployment("payments", "web"), "web")
			w.Origins = append(w.Origins, scanner.Origin{Source: b.inv.Clusters[0].Source})
		}},
		{PrerequisiteNodePoolUnread, "a pool was not read", "acme-shop/europe-west1/prod/pool", "gcloud container node-pools describe pool --cluster=prod --format=value(config.workloadMetadataConfig.mode) --location=europe-west1 --project=acme-shop", func(b *build) { b.whole("") }},
		{PrerequisiteOrgPolicy, "members of other organisations are refused", "acme-shop/constraints/iam.allowedPolicyMemberDomains", "gcloud org-policies describe iam.allowedPolicyMemberDomains --effective --project=acme-shop --format=json", func(b *build) {
			b.inv.Projects = []scanner.Project{{ID: "acme-shop", Policies: []string{"constraints/iam.allowedPolicyMemberDomains", "constraints/compute.other"}, APIs: []scanner.API{{Name: credentialsAPI, Enabled: scanner.Yes}}}}
		}},
	} {
		covered[test.code] = true
		b, policy := apiWorld()
		test.change(b)
		p := b.plan(t, *policy)
		i := slices.IndexFunc(p.Prerequisites, func(p Prerequisite) bool { return p.Code == test.code })
		if i < 0 {
			t.Errorf("%s: %+v", test.name, p.Prerequisites)
			continue
		}
		got := p.Prerequisites[i]
		if got.Target != test.target || strings.Join(got.Commands[0], " ") != test.command || got.Why == "" {
			t.Errorf("%s: %s: %q", test.name, got.Target, strings.Join(got.Commands[0], " "))
		}
		if test.code == PrerequisiteNodePool && !slices.ContainsFunc(got.Effects, func(s string) bool { return strings.HasPrefix(s, "payments/Deployment/web ") }) {
			t.Errorf("the pods that would be hit: %v", got.Effects)
		}
	}
	for code, constant := range constants(t, "Prerequisite") {
		if !covered[code] {
			t.Errorf("%s has no case", constant)
		}
	}
	b, policy := apiWorld()
	b.whole("GKE_METADATA")
	b.inv.Projects = []scanner.Project{{ID: "acme-shop", APIs: []scanner.API{{Name: credentialsAPI, Enabled: scanner.Yes}}}}
	if p := b.plan(t, *policy); len(p.Prerequisites) > 0 {
		t.Errorf("all is ready, and something is asked for: %+v", p.Prerequisites)
	}
	b, policy = apiWorld()
	b.inv.Findings[0].Standard = false
	if p := b.plan(t, *policy); len(p.Prerequisites) > 0 {
		t.Errorf("nothing moves, and something is asked for: %+v", p.Prerequisites)
	}
}

// Staging goes before production and few replicas before many; what shares a kept service account goes together.
func TestWaves(t *testing.T) {
	b := newBuild()
	many, few := int64(9), int64(1)
	add := func(ns, n, ksa string, replicas *int64) {
		if !slices.ContainsFunc(b.inv.Keys, func(k scanner.Key) bool { return k.ID == ns }) {
			b.key(ns, ns+"-account@acme-shop.iam.gserviceaccount.com", ns, "key")
		}
		w := b.workload(deployment(ns, n), ksa)
		w.Replicas = replicas
		b.mounted(w, "key", ns)
	}
	add("payments", "big", "", &many)
	add("payments", "small", "", &few)
	add("payments-staging", "big", "", &many)
	add("test", "any", "", nil)
	b.serviceAccount("shared", "shared", nil)
	add("shared", "one", "shared", &few)
	add("shared", "two", "shared", &many)
	add("payments", "told", "", &many)
	policy := shop
	policy.Workloads = []WorkloadRule{{Workload: "payments/Deployment/told", Wave: "0-first"}}
	var got []string
	for _, w := range b.plan(t, policy).Waves {
		got = append(got, w.Name+": "+strings.Join(w.Moves, " "))
	}
	want := []string{
		"0-first: payments/Deployment/told",
		"1-development-a: test/Deployment/any",
		"2-staging-c: payments-staging/Deployment/big",
		"3-production-a: payments/Deployment/small",
		"3-production-c: payments/Deployment/big shared/Deployment/one shared/Deployment/two",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
