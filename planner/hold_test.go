package planner

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dekey/scanner"
	"dekey/scanner/object"
)

// constants are the constants of codes.go with that prefix, by value.
func constants(t *testing.T, prefix string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, id := range spec.Names {
			if literal, ok := spec.Values[i].(*ast.BasicLit); ok && strings.HasPrefix(id.Name, prefix) {
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				found[value] = id.Name
			}
		}
		return true
	})
	return found
}

// A caseOf makes the smallest world that is held by a code, and says what settles it.
type caseOf struct {
	code   string
	name   string
	change func(b *build, p *Policy)
	answer string // a value of the policy file that turns the hold into a move; "" where none does
}

// api is the workload of every case: a Deployment with a key of its own and a service account of its own.
var api = deployment("payments", "api")

func apiWorld() (*build, *Policy) {
	b := newBuild()
	b.key("k1", payments, "payments", "api-key")
	b.serviceAccount("payments", "api", nil)
	b.mounted(b.workload(api, "api"), "api-key", "k1")
	policy := shop
	return b, &policy
}

func (b *build) fact(verdict string) {
	b.inv.KeyFacts = append(b.inv.KeyFacts, scanner.KeyFact{Key: "k1", Verdict: verdict, Use: scanner.UseUnknown})
}

func (b *build) live(managers ...string) *scanner.Workload {
	b.inv.Sources = append(b.inv.Sources, scanner.Source{ID: "live", Kind: "cluster"})
	w := &b.inv.Workloads[0]
	w.Live, w.Origins, w.Managers = true, []scanner.Origin{{Source: "live"}}, managers
	return w
}

func (b *build) cluster(id, pool string) *scanner.Cluster {
	b.inv.Sources = append(b.inv.Sources, scanner.Source{ID: id, Kind: "cluster"})
	b.inv.Clusters = append(b.inv.Clusters, scanner.Cluster{ID: id, Source: id, Pool: pool, GKE: scanner.Yes})
	return &b.inv.Clusters[len(b.inv.Clusters)-1]
}

func (b *build) obstacle(code string) {
	b.inv.Findings[0].Hold = []scanner.Obstacle{{Code: code, What: "seen in a script", At: &scanner.Origin{Source: "repo", Path: "run.sh", Line: 7}}}
}

// password puts another entry beside the key of the case's Secret, and its volume.
func (b *build) password() {
	source := &b.inv.Workloads[0].PodSpecs[0].Volumes[0].Sources[0]
	source.Files = append(source.Files, scanner.VolumeFile{Entry: "password", Path: "password", Holds: scanner.No})
}

var holdCases = []caseOf{
	{code: HoldAccountUnknown, name: "the Secret is not in the input", change: func(b *build, _ *Policy) {
		b.inv.Keys, b.inv.Secrets, b.inv.Findings[0].Key = nil, nil, ""
	}},
	{code: HoldNamespaceUnknown, name: "nothing names a namespace", change: func(b *build, _ *Policy) {
		b.inv.Workloads[0].Ref.Namespace, b.inv.Findings[0].Workload.Namespace, b.inv.ServiceAccounts[0].Ref.Namespace = "", "", ""
	}},
	{code: HoldPoolUnknown, name: "no pool is given or read", change: func(_ *build, p *Policy) { p.Pool = "" }},
	{code: HoldPoolUnknown, name: "the pool of the cluster that it runs in was not read", change: func(b *build, p *Policy) {
		p.Pool = ""
		b.cluster("c1", "")
		b.inv.Workloads[0].Origins = append(b.inv.Workloads[0].Origins, scanner.Origin{Source: "c1"})
	}},
	{code: HoldPoolUnknown, name: "two clusters with different pools, and it was seen in neither", change: func(b *build, p *Policy) {
		p.Pool = ""
		b.cluster("c1", "a-project.svc.id.goog")
		b.cluster("c2", "b-project.svc.id.goog")
	}},
	{code: HoldPoolUnknown, name: "the direct model without the project's number", change: func(_ *build, p *Policy) { p.Model, p.ProjectNumber = Direct, "" }},
	{code: HoldSeveralAccounts, name: "two accounts in one pod", change: func(b *build, _ *Policy) {
		b.key("k2", ledger, "payments", "ledger-key")
		b.mounted(&b.inv.Workloads[0], "ledger-key", "k2")
	}},
	{code: HoldProgramReadsKey, name: "a private variable", answer: "reads-adc", change: func(b *build, _ *Policy) { b.inv.Findings[0].Standard = false }},
	{code: HoldProgramReadsKey, name: "the key in a variable", answer: "reads-adc", change: func(b *build, _ *Policy) {
		b.inv.Findings[0].Via, b.inv.Findings[0].Standard = scanner.EnvValue, false
	}},
	{code: HoldProgramReadsKey, name: "every entry as a variable", answer: "reads-adc", change: func(b *build, _ *Policy) { b.inv.Findings[0].Via = scanner.EnvFrom }},
	{code: HoldProgramReadsKey, name: "a flag of an unknown program", answer: "reads-adc", change: func(b *build, _ *Policy) { b.inv.Findings[0].Via = scanner.ArgFile }},
	{code: HoldProgramReadsKey, name: "a mount that nothing names", answer: "reads-adc", change: func(b *build, _ *Policy) {
		f := &b.inv.Findings[0]
		f.Via, f.Env, f.Standard, f.At = scanner.Mount, "", false, nil
	}},
	{code: HoldProgramReadsKey, name: "the key written out in an argument", change: func(b *build, _ *Policy) { b.inv.Findings[0].Via = scanner.Inline }},
	{code: HoldProgramReadsKey, name: "a script copies the key", answer: "reads-adc", change: func(b *build, _ *Policy) { b.obstacle(HoldProgramReadsKey) }},
	{code: HoldMountNeeded, name: "the library's own path among other entries, answered", change: func(b *build, p *Policy) {
		f := &b.inv.Findings[0]
		f.Via, f.Env, f.Standard, f.At = scanner.Mount, "", false, nil
		b.password()
		p.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{HoldProgramReadsKey: "reads-adc"}}}
	}},
	{code: HoldMountNeeded, name: "where client libraries look by themselves", change: func(b *build, _ *Policy) {
		f := &b.inv.Findings[0]
		f.Via, f.Env, f.Standard, f.At = scanner.Mount, "", true, nil
		b.password()
	}},
	{code: HoldHostNetwork, name: "the host network", change: func(b *build, _ *Policy) { b.inv.Workloads[0].HostNetwork = true }},
	{code: HoldHostNetwork, name: "a projected token without a known cluster", change: func(b *build, p *Policy) {
		b.inv.Workloads[0].HostNetwork = true
		p.HostNetwork = "projected-token"
	}},
	{code: HoldHostNetwork, name: "with a known cluster", answer: "projected-token", change: func(b *build, p *Policy) {
		b.inv.Workloads[0].PodSpecs[0].HostNetwork = true
		p.Clusters = []ClusterRule{{Project: "acme-shop", Location: "europe-west1", Name: "prod"}}
	}},
	{code: HoldUserCredential, name: "a person's refresh token", change: func(b *build, _ *Policy) { b.inv.Keys[0].Type = scanner.TypeAuthorizedUser }},
	{code: HoldDelegation, name: "domain-wide delegation", answer: "not-delegated", change: func(b *build, _ *Policy) { b.obstacle(HoldDelegation) }},
	{code: HoldServiceAccountUnseen, name: "a service account that is nowhere", answer: "carries-nothing", change: func(b *build, _ *Policy) { b.inv.ServiceAccounts = nil }},
	{code: HoldServiceAccountClaimed, name: "annotated for another account", answer: "not-used", change: func(b *build, _ *Policy) {
		b.inv.ServiceAccounts[0].Annotations = map[string]string{AccountAnnotation: ledger}
	}},
	{code: HoldServiceAccountClaimed, name: "default is annotated for another account", answer: "not-used", change: func(b *build, _ *Policy) {
		b.inv.ServiceAccounts[0].Ref.Name = "default"
		b.inv.ServiceAccounts[0].Annotations = map[string]string{AccountAnnotation: ledger}
		b.inv.Workloads[0].ServiceAccount, b.inv.Workloads[0].PodSpecs[0].ServiceAccountName = "default", ""
	}},
	{code: HoldServiceAccountClaimed, name: "the live one is annotated for another account", answer: "not-used", change: func(b *build, _ *Policy) {
		sa := b.serviceAccount("payments", "api", map[string]string{AccountAnnotation: ledger})
		sa.Live, sa.Origins = true, []scanner.Origin{{Source: "live"}}
		b.inv.Sources = append(b.inv.Sources, scanner.Source{ID: "live", Kind: "cluster"})
	}},
	{code: HoldServiceAccountClaimed, name: "granted another account, and shared", answer: "not-used", change: func(b *build, _ *Policy) {
		b.workload(deployment("payments", "web"), "api")
		b.inv.Accounts = []scanner.Account{{Email: ledger, Bindings: []scanner.Binding{{Role: RoleWorkloadIdentityUser, Members: []string{"serviceAccount:" + shopPool + "[payments/api]"}}}}}
	}},
	{code: HoldServiceAccountClaimed, name: "a controller that serves others", answer: "", change: func(b *build, _ *Policy) {
		b.key("k2", ledger, "cert-manager", "dns")
		b.serviceAccount("cert-manager", "cert-manager", nil)
		b.inv.Workloads, b.inv.Findings = nil, nil
		for i, key := range []string{"k1", "k2"} {
			b.finding(scanner.Finding{
				Workload: scanner.Ref{APIVersion: "cert-manager.io/v1", Kind: "ClusterIssuer", Name: fmt.Sprintf("issuer-%d", i)}, Via: scanner.Reference, Field: "spec.secret", Key: key,
				Recipe: []scanner.FieldEdit{{Op: OpRemove, Field: object.Keys("spec", "secret")}}, Identity: &scanner.Ref{Kind: "ServiceAccount", Namespace: "cert-manager", Name: "cert-manager"},
			})
		}
	}},
	{code: HoldManagedElsewhere, name: "a live object of a Helm release", answer: "unmanaged", change: func(b *build, _ *Policy) { b.live("helm:api") }},
	{code: HoldManagedElsewhere, name: "a live service account of a Helm release", answer: "unmanaged", change: func(b *build, _ *Policy) {
		b.inv.Sources = append(b.inv.Sources, scanner.Source{ID: "live", Kind: "cluster"})
		sa := &b.inv.ServiceAccounts[0]
		sa.Live, sa.Origins, sa.Managers = true, []scanner.Origin{{Source: "live"}}, []string{"helm:api"}
	}},
	{code: HoldManagedElsewhere, name: "an object of an operator", answer: "unmanaged", change: func(b *build, _ *Policy) { b.live("owner:Kafka/events") }},
	{code: HoldManagedElsewhere, name: "an object of GKE itself", answer: "unmanaged", change: func(b *build, _ *Policy) { b.live("gke") }},
	{code: HoldGenerated, name: "a generated file", answer: "edited-by-hand", change: func(b *build, _ *Policy) { b.inv.Workloads[0].Generated = "a banner" }},
	{code: HoldTemplate, name: "a template", change: func(b *build, _ *Policy) {
		b.inv.Workloads = nil
		b.inv.Findings[0].Workload, b.inv.Findings[0].Key = scanner.Ref{}, ""
		b.obstacle(HoldTemplate)
	}},
	{code: HoldNotProvable, name: "the pods were not read", change: func(b *build, _ *Policy) { b.inv.Workloads = nil }},
	{code: HoldNotProvable, name: "where the variable is written is not known", change: func(b *build, _ *Policy) { b.inv.Findings[0].At = nil }},
	{code: HoldWorkloadHeld, name: "another use is held", change: func(b *build, _ *Policy) {
		f := b.mounted(&b.inv.Workloads[0], "other-key", "k1")
		f.Env, f.Standard = "KEY_FILE", false
	}},
	{code: HoldNotGKE, name: "a cluster elsewhere", answer: "runs-on-gke", change: func(b *build, _ *Policy) {
		b.cluster("c1", "").GKE = scanner.No
		b.inv.Workloads[0].Origins = append(b.inv.Workloads[0].Origins, scanner.Origin{Source: "c1"})
	}},
	{code: HoldKeyNotOwned, name: "a key of nobody", change: func(b *build, _ *Policy) { b.fact(scanner.VerdictForeign) }},
	{code: HoldImagePull, name: "a pull secret", change: func(b *build, _ *Policy) {
		b.finding(scanner.Finding{Workload: api, Via: scanner.ImagePull, Field: "imagePullSecrets[name=regcred]", Key: "k1", Secret: scanner.Holder{Kind: "Secret", Namespace: "payments", Name: "regcred"}})
	}},
	{code: HoldNoRecipe, name: "a custom resource that the catalogue does not know", change: func(b *build, _ *Policy) {
		f := &b.inv.Findings[0]
		f.Via, f.Field, f.Env, f.Standard = scanner.Reference, "spec.secretName", "", false
	}},
	{code: HoldNoRecipe, name: "its pods' service account is written elsewhere", change: func(b *build, _ *Policy) {
		b.inv.Workloads[0].PodSpecs[0].AccountElsewhere = true
		b.inv.ServiceAccounts = nil
		b.inv.Workloads[0].ServiceAccount, b.inv.Workloads[0].PodSpecs[0].ServiceAccountName = "default", ""
	}},
	{code: HoldRolesUnknown, name: "the direct model without a view of the roles", change: func(_ *build, p *Policy) { p.Model = Direct }},
	{code: HoldRolesUnknown, name: "a split without a view of the roles", change: func(_ *build, p *Policy) {
		yes := true
		p.Workloads = []WorkloadRule{{Workload: api.String(), Split: &yes}}
	}},
	{code: HoldInvalidName, name: "shell in a namespace", change: func(b *build, _ *Policy) {
		ns := "$(id)"
		b.inv.Workloads[0].Ref.Namespace, b.inv.Findings[0].Workload.Namespace, b.inv.ServiceAccounts[0].Ref.Namespace = ns, ns, ns
	}},
	{code: HoldInvalidName, name: "an e-mail with a line break", change: func(b *build, _ *Policy) { b.inv.Keys[0].Email = "a@b.iam.gserviceaccount.com\nrm" }},
	{code: HoldInvalidName, name: "a Secret with a quote", change: func(b *build, _ *Policy) { b.inv.Findings[0].Secret.Name = "a'b" }},
	{code: HoldInvalidName, name: "a project with a quote", change: func(b *build, _ *Policy) { b.inv.Keys[0].Project = "a'b" }},
	{code: HoldInvalidName, name: "a kind with a space", change: func(b *build, _ *Policy) {
		b.inv.Workloads[0].Ref.Kind, b.inv.Findings[0].Workload.Kind = "De ploy", "De ploy"
	}},
	{code: HoldInvalidName, name: "a role binding with a quote", change: func(b *build, _ *Policy) {
		b.workload(deployment("payments", "web"), "api")
		b.inv.RoleBindings = []scanner.RoleBinding{{
			Ref: scanner.Ref{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding", Namespace: "payments", Name: "a'b"}, RoleRef: scanner.Ref{Kind: "Role", Name: "r"},
			Subjects: []scanner.Subject{{Kind: "ServiceAccount", Namespace: "payments", Name: "api"}},
		}}
	}},
	{code: HoldInvalidName, name: "a pool that is none", change: func(b *build, p *Policy) { p.Pool = "acme;id" }},
	{code: HoldKeyNotLive, name: "a deleted key", answer: "grant-again", change: func(b *build, _ *Policy) { b.fact(scanner.VerdictDeletedKey) }},
	{code: HoldKeyNotLive, name: "a disabled key", answer: "grant-again", change: func(b *build, _ *Policy) { b.fact(scanner.VerdictDisabled) }},
	{code: HoldKeyNotLive, name: "an expired key", answer: "grant-again", change: func(b *build, _ *Policy) { b.fact(scanner.VerdictExpired) }},
	{code: HoldKeyNotLive, name: "an account that Google does not have, named by hand", answer: "grant-again", change: func(b *build, p *Policy) {
		b.inv.Keys, b.inv.Findings[0].Key = nil, ""
		p.Accounts = []AccountRule{{Namespace: "*", Secret: "*", Email: payments}}
		b.inv.Accounts = []scanner.Account{{Email: payments, Exists: scanner.No}}
	}},
	{code: HoldKeyNotLive, name: "an account that is disabled", answer: "grant-again", change: func(b *build, _ *Policy) {
		disabled := true
		b.inv.Accounts = []scanner.Account{{Email: payments, Exists: scanner.Yes, Disabled: &disabled}}
	}},
	{code: HoldPoolUnknown, name: "Workload Identity is off, so that there is no pool to read", change: func(b *build, p *Policy) {
		p.Pool = ""
		b.cluster("acme-shop/europe-west1/prod", "").WorkloadIdentity = scanner.No
	}},
	{code: HoldExcluded, name: "an exclusion by name", change: func(_ *build, p *Policy) {
		p.Exclude = []Exclusion{{Workload: "*/Deployment/api", Reason: "later"}}
	}},
	{code: HoldExcluded, name: "an exclusion by path", change: func(_ *build, p *Policy) {
		p.Exclude = []Exclusion{{Path: "api.yaml", Reason: "later"}}
	}},
	{code: HoldExcluded, name: "on its last day", change: func(_ *build, p *Policy) {
		p.Now = time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC)
		p.Exclude = []Exclusion{{Workload: "payments/*/*", Reason: "later", Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}}
	}},
	{code: HoldExcluded, name: "a hold of the policy", change: func(_ *build, p *Policy) {
		p.Workloads = []WorkloadRule{{Workload: api.String(), Hold: "not before May"}}
	}},
	{code: HoldConflict, name: "two definitions differ", change: func(b *build, _ *Policy) { b.inv.Workloads[0].Conflict = "hostNetwork differs" }},
	{code: HoldConflict, name: "two clusters disagree about the account", change: func(b *build, _ *Policy) {
		b.key("k2", ledger, "payments", "api-key")
		b.cluster("c1", shopPool)
		b.cluster("c2", shopPool)
		b.inv.Workloads[0].Origins = []scanner.Origin{{Source: "c1"}, {Source: "c2"}, origin("api.yaml", 1)[0]}
		f := b.inv.Findings[0]
		f.Key = "k2"
		b.finding(f)
	}},
	{code: HoldConflict, name: "two files annotate its service account differently", change: func(b *build, _ *Policy) {
		b.serviceAccount("payments", "api", map[string]string{AccountAnnotation: payments})
	}},
	{code: HoldConflict, name: "listed twice", change: func(b *build, _ *Policy) { b.inv.Workloads = append(b.inv.Workloads, b.inv.Workloads[0]) }},
	{code: HoldAuthoritativeUnknown, name: "an expression hides whether Terraform keeps the account's policy", answer: "other-policy", change: func(b *build, _ *Policy) {
		b.inv.Authorities = []scanner.Authority{{Owner: "google_service_account_iam_policy.api", Target: "service_account", Name: "payments-api@*.iam.gserviceaccount.com", Origin: origin("iam.tf", 1)[0], Hides: []string{"var.project"}}}
	}},
	{code: HoldAuthoritative, name: "Terraform keeps the account's policy", answer: "granted-by-owner", change: func(b *build, _ *Policy) {
		b.inv.Accounts = []scanner.Account{{Email: payments, Authoritative: []string{"google_service_account_iam_policy.api"}}}
	}},
	{code: HoldMetadataIdentity, name: "a sidecar uses the node's identity", answer: "not-used", change: func(b *build, _ *Policy) {
		p := &b.inv.Workloads[0].PodSpecs[0]
		p.Containers = append(p.Containers, scanner.Container{Name: "agent", Type: "container", Metadata: "used: command names the metadata server"})
	}},
	{code: HoldDirectGrants, name: "the service account holds roles itself", answer: "not-used", change: func(b *build, _ *Policy) {
		b.inv.ServiceAccounts[0].Grants = []scanner.Grant{{Resource: "//storage.googleapis.com/projects/_/buckets/b", Role: "roles/storage.objectViewer"}}
	}},
	{code: HoldLimit, name: "a full policy", change: func(b *build, _ *Policy) {
		members := make([]string, maxPrincipals)
		for i := range members {
			members[i] = fmt.Sprintf("user:%d@example.com", i)
		}
		b.inv.Accounts = []scanner.Account{{Email: payments, PolicyRead: true, Bindings: []scanner.Binding{{Role: "roles/viewer", Members: members}}}}
	}},
	{code: HoldDangling, name: "nothing brings the file", change: func(b *build, _ *Policy) { b.obstacle(HoldDangling) }},
}

// notPlanned are holds that only a later stage finds.
var notPlanned = []string{HoldKeyInContext}

// Every hold has a case: the code, a question, and what settles it; and the answer that the hold names makes a move.
func TestHolds(t *testing.T) {
	covered := map[string]bool{}
	for _, code := range notPlanned {
		covered[code] = true
	}
	for _, test := range holdCases {
		covered[test.code] = true
		t.Run(test.code+"/"+test.name, func(t *testing.T) {
			b, policy := apiWorld()
			test.change(b, policy)
			p := b.plan(t, *policy)
			i := slices.IndexFunc(p.Holds, func(h Hold) bool { return h.Code == test.code })
			if i < 0 {
				t.Fatalf("%d moves; holds %+v", len(p.Moves), p.Holds)
			}
			h := p.Holds[i]
			if h.Reason == "" || !strings.HasSuffix(h.Ask, "?") || strings.Count(h.Ask, "?") != 1 {
				t.Errorf("reason %q, question %q", h.Reason, h.Ask)
			}
			if test.code != HoldImagePull && len(p.Moves) > 0 {
				t.Errorf("it moves: %+v", p.Moves)
			}
			for _, v := range Check(b.inv, p) {
				t.Error(v)
			}
			if test.answer == "" {
				return
			}
			if want := "workloads: [{workload: payments/Deployment/api, answers: {" + test.code + ": " + test.answer + "}}]"; h.Answer != want {
				t.Errorf("answer %q, want %q", h.Answer, want)
			}
			policy.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{test.code: test.answer}, By: "jo", Reason: "asked"}}
			answered := b.plan(t, *policy)
			m := one(t, answered)
			if !slices.ContainsFunc(m.Notices, func(n Notice) bool {
				return n.Code == NoticeAnswered && strings.Contains(n.Text, test.code) && strings.Contains(n.Text, "jo")
			}) {
				t.Errorf("the move does not say who answered: %+v", m.Notices)
			}
			for _, v := range Check(b.inv, answered) {
				t.Error(v)
			}
		})
	}
	for code, constant := range constants(t, "Hold") {
		if !covered[code] {
			t.Errorf("%s has no case", constant)
		}
		if asks[code] == "" {
			t.Errorf("%s has no question", constant)
		}
		if !slices.Contains(order, code) {
			t.Errorf("%s has no rank", constant)
		}
	}
	for _, code := range []string{HoldInvalidName, HoldKeyNotOwned, HoldUserCredential, HoldSeveralAccounts} {
		if Answers[code] != nil {
			t.Errorf("%s takes an answer", code)
		}
	}
}

// The hold of the more fundamental problem is named, and the others with it: nobody is asked for a pool and then told that
// the workload cannot move.
func TestHoldNamesTheOthers(t *testing.T) {
	b, policy := apiWorld()
	b.inv.Workloads[0].HostNetwork = true
	policy.Pool = ""
	b.inv.Findings[0].Key = ""
	p := b.plan(t, *policy)
	if len(p.Holds) != 1 || p.Holds[0].Code != HoldHostNetwork || !strings.Contains(p.Holds[0].Reason, HoldAccountUnknown) || !strings.Contains(p.Holds[0].Reason, HoldPoolUnknown) {
		t.Errorf("%+v", p.Holds)
	}
}

// A policy that is full takes a principal that it has already, and counts one that two workloads share once.
func TestLimitCountsPrincipalsOnce(t *testing.T) {
	for _, have := range []int{maxPrincipals, maxPrincipals - 1} {
		b, policy := apiWorld()
		b.mounted(b.workload(deployment("payments", "web"), "api"), "api-key", "k1")
		members := make([]string, have)
		for i := range members {
			members[i] = fmt.Sprintf("user:%d@example.com", i)
		}
		if have == maxPrincipals {
			members[0] = "serviceAccount:" + policy.Pool + "[payments/api]"
		}
		b.inv.Accounts = []scanner.Account{{Email: payments, PolicyRead: true, Bindings: []scanner.Binding{{Role: RoleWorkloadIdentityUser, Members: members}}}}
		if p := b.plan(t, *policy); len(p.Moves) != 2 {
			t.Errorf("%d principals: %+v", have, p.Holds)
		}
	}
}

// An exclusion that is over holds nothing, and stands in the register as expired.
func TestExpiredExclusion(t *testing.T) {
	b, policy := apiWorld()
	policy.Now = time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	policy.Exclude = []Exclusion{{Workload: "payments/*/*", Reason: "later", By: "jo", Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}}
	p := b.plan(t, *policy)
	one(t, p)
	if len(p.Exceptions) != 1 || !p.Exceptions[0].Expired || p.Exceptions[0].Expires != "2027-01-31" || p.Exceptions[0].By != "jo" {
		t.Errorf("%+v", p.Exceptions)
	}
}

// An image pull is held by itself, and holds nothing else.
func TestImagePullStaysAside(t *testing.T) {
	b, policy := apiWorld()
	b.finding(scanner.Finding{Workload: api, Via: scanner.ImagePull, Key: "k1", Secret: scanner.Holder{Kind: "Secret", Namespace: "payments", Name: "regcred"}})
	p := b.plan(t, *policy)
	one(t, p)
	r := p.Retirements[0]
	if r.Consumers != 1 || r.Moved != 0 || !slices.ContainsFunc(r.BlockedBy, func(b Blocker) bool { return b.Code == BlockerImagePull }) {
		t.Errorf("%+v", r)
	}
}
