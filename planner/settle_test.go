package planner

import (
	"strings"
	"testing"

	"dekey/scanner"
)

// An answer to a code that takes none settles nothing.
func TestNoAnswerToFacts(t *testing.T) {
	for _, code := range []string{HoldInvalidName, HoldKeyNotOwned, HoldUserCredential, HoldSeveralAccounts, HoldConflict, HoldNoRecipe} {
		for _, test := range holdCases {
			if test.code != code {
				continue
			}
			b, policy := apiWorld()
			test.change(b, policy)
			policy.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{code: "yes"}}}
			if p := b.plan(t, *policy); len(p.Moves) > 0 {
				t.Errorf("%s, %s: an answer made it move", code, test.name)
			}
		}
	}
}

// What a hold names as its answer settles it: not another way out, and none where there is none.
func TestAnswerSettles(t *testing.T) {
	no := false
	for _, test := range []struct {
		name, code, answer string
		change             func(b *build, p *Policy)
		settle             func(p *Policy) // nil: nothing does
	}{
		{"a split without the account's roles", HoldRolesUnknown, "workloads: [{workload: payments/Deployment/api, split: false}]", func(_ *build, p *Policy) {
			yes := true
			p.Workloads = []WorkloadRule{{Workload: api.String(), Split: &yes}}
		}, func(p *Policy) { p.Workloads[0].Split = &no }},
		{"a hold of the policy", HoldExcluded, "", func(_ *build, p *Policy) {
			p.Workloads = []WorkloadRule{{Workload: api.String(), Hold: "not before May"}}
		}, func(p *Policy) { p.Workloads = nil }},
		{"a projected token without the cluster's name", HoldHostNetwork, "clusters: [PROJECT/LOCATION/NAME]", func(b *build, p *Policy) {
			b.inv.Workloads[0].HostNetwork = true
			p.HostNetwork = "projected-token"
		}, func(p *Policy) {
			p.Clusters = []ClusterRule{{Project: "acme-shop", Location: "europe-west1", Name: "prod"}}
		}},
		{"a projected token for a private variable", HoldHostNetwork, "", func(b *build, _ *Policy) {
			b.inv.Workloads[0].HostNetwork = true
			b.inv.Findings[0].Env = "PUBSUB_KEY"
		}, nil},
		{"a ConfigMap with the key written out", HoldProgramReadsKey, "", func(b *build, _ *Policy) {
			b.inv.Workloads = nil
			f := &b.inv.Findings[0]
			f.Via, f.Workload = scanner.Inline, scanner.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "payments", Name: "keys"}
		}, nil},
		{"a controller whose service account was not seen", HoldServiceAccountUnseen, "", func(b *build, p *Policy) {
			f := &b.inv.Findings[0]
			f.Via, f.Env, f.Field = scanner.Reference, "", "spec.credentials"
			f.Recipe = []scanner.FieldEdit{{Op: OpRemove, Field: f.At[0]}}
			f.Identity = &scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "operators", Name: "controller"}
			p.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{HoldServiceAccountClaimed: "not-used"}}}
		}, nil},
	} {
		b, policy := apiWorld()
		test.change(b, policy)
		p := b.plan(t, *policy)
		if len(p.Holds) != 1 || p.Holds[0].Code != test.code || p.Holds[0].Answer != test.answer {
			t.Errorf("%s: %d moves; holds %+v", test.name, len(p.Moves), p.Holds)
			continue
		}
		if test.settle == nil && strings.Contains(p.Holds[0].Reason, HoldNamespaceUnknown) {
			t.Errorf("%s: it asks for a namespace that it has: %s", test.name, p.Holds[0].Reason)
		}
		if test.settle != nil {
			test.settle(policy)
			if p = b.plan(t, *policy); len(p.Moves) != 1 {
				t.Errorf("%s: after its answer: %+v", test.name, p.Holds)
			}
		}
	}
}

// No answer gives the object of a controller a service account of its own, under which nothing would run.
func TestControllerTakesNoAnswer(t *testing.T) {
	b, policy := apiWorld()
	f := &b.inv.Findings[0]
	f.Via, f.Env, f.Field = scanner.Reference, "", "spec.credentials"
	f.Recipe = []scanner.FieldEdit{{Op: OpRemove, Field: f.At[0]}}
	f.Identity = &scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "operators", Name: "controller"}
	policy.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{
		HoldServiceAccountClaimed: "not-used", HoldServiceAccountUnseen: "carries-nothing",
	}}}
	if p := b.plan(t, *policy); len(p.Moves) != 0 || len(p.Holds) != 1 || p.Holds[0].Answer != "" {
		t.Errorf("%d moves; %+v", len(p.Moves), p.Holds)
	}
}
