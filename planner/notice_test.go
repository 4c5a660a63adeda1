package planner

import (
	"slices"
	"strings"
	"testing"

	"dekey/scanner"
	"dekey/scanner/object"
)

// A noticeCase is the smallest world in which a move (or, where bystander is set, the plan) carries a notice, and a word of
// its text. The plain world of the cases must not carry it, but where always is set.
type noticeCase struct {
	code, name, text string
	change           func(b *build, p *Policy)
	bystander        bool
	always           bool
}

func (b *build) sidecar(c scanner.Container) {
	p := &b.inv.Workloads[0].PodSpecs[0]
	c.Type, c.Field = "container", p.Path.Join(object.Key("containers"), object.Item("name", c.Name))
	p.Containers = append(p.Containers, c)
}

// kind makes the case's workload one of another kind.
func (b *build) kind(apiVersion, kind string) {
	ref := api
	ref.APIVersion, ref.Kind = apiVersion, kind
	b.inv.Workloads[0].Ref, b.inv.Findings[0].Workload = ref, ref
}

// shared puts a bystander under the case's service account, so that a new one is needed.
func (b *build) shared() { b.workload(deployment("payments", "web"), "api") }

func (b *build) egress(egress ...scanner.Egress) {
	b.inv.Workloads[0].PodSpecs[0].Labels = map[string]string{"app": "api"}
	b.inv.NetworkPolicies = []scanner.NetworkPolicy{{
		Ref:       scanner.Ref{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Namespace: "payments", Name: "deny"},
		Selectors: scanner.Selector{MatchLabels: map[string]string{"app": "api"}}, Isolates: true, Egress: egress,
	}}
}

// whole makes the case's world one that was listed whole, on a cluster with a node pool in that mode.
func (b *build) whole(mode string) {
	c := b.cluster("acme-shop/europe-west1/prod", shopPool)
	c.Complete = []string{"payments"}
	c.GrantsRead = true
	c.NodePools = []scanner.NodePool{{Name: "pool", MetadataMode: mode}}
	b.inv.Workloads[0].Origins = append(b.inv.Workloads[0].Origins, scanner.Origin{Source: c.Source})
	for i := range b.inv.ServiceAccounts {
		b.inv.ServiceAccounts[i].Live = true
	}
}

// impersonator lets members act as the account by its own policy.
func (b *build) impersonator(members ...string) {
	a := scanner.Account{Email: payments, Project: "acme-shop", Exists: scanner.Yes, PolicyRead: true, Bindings: []scanner.Binding{}}
	if len(members) > 0 {
		a.Bindings = append(a.Bindings, scanner.Binding{Role: RoleWorkloadIdentityUser, Members: members})
	}
	b.inv.Accounts = append(b.inv.Accounts, a)
}

func (b *build) grants(roles ...string) {
	a := scanner.Account{Email: payments, PolicyRead: true, GrantsRead: true, Bindings: []scanner.Binding{}}
	for _, role := range roles {
		a.Grants = append(a.Grants, scanner.Grant{Resource: "//cloudresourcemanager.googleapis.com/projects/acme-shop", Role: role})
	}
	b.inv.Accounts = []scanner.Account{a}
}

var yes = true

var noticeCases = []noticeCase{
	{code: NoticeMountKept, name: "the Secret has another entry", text: `still sees the key at "/secrets/api-key/key.json"`, change: func(b *build, _ *Policy) { b.password() }},
	{code: NoticeRecreate, name: "a Job is immutable", text: "Job", change: func(b *build, _ *Policy) { b.kind("batch/v1", "Job") }},
	{code: NoticeRecreate, name: "a Pod is immutable", text: "Pod", change: func(b *build, _ *Policy) { b.kind("v1", "Pod") }},
	{code: NoticeRecreate, name: "a ReplicaSet keeps its pods", text: "ReplicaSet", change: func(b *build, _ *Policy) { b.kind("apps/v1", "ReplicaSet") }},
	{code: NoticeProjectDiffers, name: "the key's project is another", text: "GOOGLE_CLOUD_PROJECT=acme-data", change: func(b *build, _ *Policy) { b.inv.Keys[0].Project = "acme-data" }},
	{code: NoticeProjectDiffers, name: "and the container sets it", text: "sets its project itself", change: func(b *build, _ *Policy) {
		b.inv.Keys[0].Project = "acme-data"
		b.inv.Workloads[0].PodSpecs[0].Containers[0].Env = []string{"GOOGLE_CLOUD_PROJECT"}
	}},
	{code: NoticeProjectDiffers, name: "and variables that are not known may set it", text: "not seen may set it", change: func(b *build, _ *Policy) {
		b.inv.Keys[0].Project = "acme-data"
		b.inv.Workloads[0].PodSpecs[0].Containers[0].EnvFrom = true
	}},
	{code: NoticeProjectDiffers, name: "an asserted account's e-mail has another", text: "acme-data", change: func(b *build, p *Policy) {
		b.inv.Keys, b.inv.Findings[0].Key = nil, ""
		p.Accounts = []AccountRule{{Namespace: "*", Secret: "*", Email: "x@acme-data.iam.gserviceaccount.com"}}
	}},
	{code: NoticeRBACUnseen, name: "a new service account, and nothing was listed whole", text: "may not all have been seen", change: func(b *build, _ *Policy) { b.shared() }},
	{code: NoticeServiceAccountUnread, name: "the old one was not seen live", text: "old service account", change: func(b *build, _ *Policy) { b.shared() }},
	{code: NoticeServiceAccountUnread, name: "the kept one was not seen live", text: "not seen live", always: true},
	{code: NoticeServiceAccountSharedUnseen, name: "the kept one may have others under it", text: "workloads that were not seen", always: true},
	{code: NoticeNetworkPolicy, name: "egress is denied", text: "does not let it reach", change: func(b *build, _ *Policy) { b.egress() }},
	{code: NoticeNetworkPolicy, name: "a policy of another kind", text: "not read", change: func(b *build, _ *Policy) {
		b.egress()
		b.inv.NetworkPolicies[0].Opaque, b.inv.NetworkPolicies[0].Ref.Kind = true, "CiliumNetworkPolicy"
	}},
	{code: NoticeNetworkPolicy, name: "a policy is added", text: "lets it through", change: func(b *build, _ *Policy) {
		b.egress()
		b.whole("GKE_METADATA")
	}},
	{code: NoticeStartUpRace, name: "a Job gives up", text: "Job", change: func(b *build, _ *Policy) { b.kind("batch/v1", "Job") }},
	{code: NoticeStartUpRace, name: "a mesh's proxy", text: "mesh", change: func(b *build, _ *Policy) {
		b.inv.Workloads[0].PodSpecs[0].Annotations = map[string]string{"sidecar.istio.io/inject": "true"}
	}},
	{code: NoticeIdentitySameness, name: "two clusters share the pool", text: "c1, c2", change: func(b *build, _ *Policy) {
		b.cluster("c1", shopPool)
		b.cluster("c2", shopPool)
	}},
	{code: NoticeAuthoritativeUnknown, name: "Terraform keeps a policy that expressions hide", text: "google_service_account_iam_policy.all in iam.tf (var.account hides which) could", change: func(b *build, _ *Policy) {
		b.inv.Authorities = []scanner.Authority{{Owner: "google_service_account_iam_policy.all", Target: "service_account", Name: "*", Origin: origin("iam.tf", 1)[0], Hides: []string{"var.account"}}}
	}},
	{code: NoticeDirectGrantsUnread, name: "nobody searched for roles of the service account", text: "payments/api holds roles itself was not read", always: true, change: func(*build, *Policy) {}},
	{code: NoticeGrantsUnlisted, name: "the direct model", text: "by a group that it is in", change: func(b *build, p *Policy) {
		b.grants("roles/pubsub.publisher")
		p.Model = Direct
	}},
	{code: NoticeGrantsUnlisted, name: "the direct model, and buckets", text: "uniform bucket-level access", change: func(b *build, p *Policy) {
		b.grants("roles/storage.objectViewer")
		p.Model = Direct
	}},
	{code: NoticeGrantsUnlisted, name: "a split", text: "by a group that it is in", change: func(b *build, p *Policy) {
		b.grants("roles/pubsub.publisher")
		split := true
		p.Workloads = []WorkloadRule{{Workload: "payments/Deployment/api", Split: &split}}
	}},
	{code: NoticeSigning, name: "the container seems to sign", text: "seems to sign", change: func(b *build, _ *Policy) {
		b.inv.Workloads[0].PodSpecs[0].Containers[0].Signs = []string{"SIGNED_URL_TTL"}
	}},
	{code: NoticeSigning, name: "the policy says that it signs", text: "is planned", change: func(_ *build, p *Policy) {
		p.Workloads = []WorkloadRule{{Workload: api.String(), Signs: &yes}}
	}},
	{code: NoticeSharedAccount, name: "another workload uses the account", text: "2 workloads", change: func(b *build, _ *Policy) {
		b.key("k1b", payments, "web", "other")
		b.mounted(b.workload(deployment("web", "web"), ""), "other", "k1b")
	}},
	{code: NoticeSecretSource, name: "an ExternalSecret makes it", text: "external-secret", change: func(b *build, _ *Policy) {
		b.inv.Secrets[0].Provenance = []scanner.Provenance{{Kind: "external-secret", Recreates: true}}
	}},
	{code: NoticeMeshIdentity, name: "a mesh policy names the old service account", text: "AuthorizationPolicy", change: func(b *build, _ *Policy) {
		b.shared()
		b.inv.Mentions = []scanner.Mention{{
			ServiceAccount: scanner.Ref{Kind: "ServiceAccount", Namespace: "payments", Name: "api"},
			Object:         scanner.Ref{APIVersion: "security.istio.io/v1", Kind: "AuthorizationPolicy", Namespace: "payments", Name: "p"}, Field: "spec.rules[0].from[0].source.principals[0]", Why: "istio",
		}}
	}},
	{code: NoticeMeshIdentity, name: "Vault's agent signs in as the old service account", text: "payments-read", change: func(b *build, _ *Policy) {
		b.shared()
		b.inv.Workloads[0].PodSpecs[0].Annotations = map[string]string{"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "payments-read"}
	}},
	{code: NoticeMeshIdentity, name: "Consul knows the pod by its service account", text: "Consul", change: func(b *build, _ *Policy) {
		b.shared()
		b.inv.Workloads[0].PodSpecs[0].Annotations = map[string]string{"consul.hashicorp.com/connect-inject": "true"}
	}},
	{code: NoticeBindingUnverified, name: "annotated for the same account, and no grant was seen", text: "counted as access", change: func(b *build, _ *Policy) {
		b.inv.ServiceAccounts[0].Annotations = map[string]string{AccountAnnotation: payments}
	}},
	{code: NoticeBindingUnverified, name: "a bystander's annotation", text: "web", bystander: true, change: func(b *build, _ *Policy) {
		b.serviceAccount("payments", "web", map[string]string{AccountAnnotation: ledger})
		b.workload(deployment("payments", "web"), "web")
	}},
	{code: NoticeKeyUnverified, name: "nothing proved possession", text: "not proven", always: true},
	{code: NoticeAccountAsserted, name: "the operator names the account", text: payments, change: func(b *build, p *Policy) {
		b.inv.Keys, b.inv.Findings[0].Key = nil, ""
		p.Accounts = []AccountRule{{Namespace: "payments", Secret: "api-key", Entry: "key.json", Email: payments}}
	}},
	{code: NoticePolicyUntrusted, name: "the checkout's policy sets a pool", text: "pool", bystander: true, change: func(_ *build, p *Policy) { p.Untrusted = []string{"pool"} }},
	{code: NoticeAnswered, name: "the policy answers", text: "reads-adc (read the code; jo)", change: func(b *build, p *Policy) {
		b.inv.Findings[0].Standard = false
		p.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{HoldProgramReadsKey: "reads-adc"}, By: "jo", Reason: "read the code"}}
	}},
	{code: NoticeContainerIdentity, name: "a sidecar without the key", text: "agent", change: func(b *build, _ *Policy) { b.sidecar(scanner.Container{Name: "agent"}) }},
	{code: NoticeOverPrivileged, name: "the account is editor", text: "roles/editor", change: func(b *build, _ *Policy) { b.grants("roles/editor", "roles/viewer") }},
	{code: NoticeOverBroadGrant, name: "a whole namespace may act as the account", text: "every service account of the namespace other", change: func(b *build, _ *Policy) {
		b.impersonator("principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/" + shopPool + "/namespace/other")
	}},
	{code: NoticeOverBroadGrant, name: "the default service account may act as the account", text: "that names no service account", change: func(b *build, _ *Policy) {
		b.impersonator("serviceAccount:" + shopPool + "[other/default]")
	}},
	{code: NoticeOverBroadGrant, name: "a grant on the whole project", text: "every account of the project acme-shop", change: func(b *build, _ *Policy) {
		b.impersonator()
		b.inv.Projects = []scanner.Project{{ID: "acme-shop", Impersonators: []scanner.Binding{{Role: RoleWorkloadIdentityUser, Members: []string{"serviceAccount:" + shopPool + "[other/job]"}}}}}
	}},
	{code: NoticeDrift, name: "live and checkout differ", text: "image", change: func(b *build, _ *Policy) { b.inv.Workloads[0].Drift = "the image differs" }},
	{code: NoticeSoak, name: "a CronJob", text: "0 4 1 * *", change: func(b *build, _ *Policy) {
		b.kind("batch/v1", "CronJob")
		b.inv.Workloads[0].Schedule = "0 4 1 * *"
	}},
	{code: NoticeControllerIdentity, name: "a ClusterIssuer", text: "cert-manager/cert-manager", change: func(b *build, _ *Policy) {
		b.serviceAccount("cert-manager", "cert-manager", nil)
		b.inv.Workloads = nil
		f := &b.inv.Findings[0]
		*f = scanner.Finding{
			ID: f.ID, Workload: scanner.Ref{APIVersion: "cert-manager.io/v1", Kind: "ClusterIssuer", Name: "dns"}, Via: scanner.Reference, Field: "spec.secret", Key: "k1", Origins: f.Origins,
			Recipe: []scanner.FieldEdit{{Op: OpRemove, Field: object.Keys("spec", "secret")}}, Identity: &scanner.Ref{Kind: "ServiceAccount", Namespace: "cert-manager", Name: "cert-manager"},
		}
	}},
	{code: NoticeDirectUnsupported, name: "a role that a federated principal cannot use", text: "roles/run.invoker", change: func(b *build, p *Policy) {
		b.grants("roles/run.invoker")
		p.Model = Direct
	}},
	{code: NoticeSplitAccount, name: "an account of its own", text: "payments-api@acme-shop", change: func(b *build, p *Policy) {
		b.inv.Keys[0].Email = "everybody@acme-shop.iam.gserviceaccount.com"
		b.grants("roles/pubsub.publisher")
		b.inv.Accounts[0].Email = "everybody@acme-shop.iam.gserviceaccount.com"
		p.Workloads = []WorkloadRule{{Workload: api.String(), Split: &yes}}
	}},
	{code: NoticeLongSubject, name: "a name of 140 characters", text: "127 bytes", change: func(b *build, _ *Policy) {
		long := strings.Repeat("a", 140)
		b.inv.ServiceAccounts[0].Ref.Name, b.inv.Workloads[0].ServiceAccount, b.inv.Workloads[0].PodSpecs[0].ServiceAccountName = long, long, long
	}},
	{code: NoticeProjectedToken, name: "the host network", text: "host network", change: func(b *build, p *Policy) {
		b.inv.Workloads[0].HostNetwork = true
		p.HostNetwork = "projected-token"
		p.Clusters = []ClusterRule{{Project: "acme-shop", Location: "europe-west1", Name: "prod"}}
	}},
	{code: NoticeVariableElsewhere, name: "a ConfigMap sets the variable", text: "settings", change: func(b *build, _ *Policy) {
		f := &b.inv.Findings[0]
		f.At, f.Elsewhere = nil, &scanner.Holder{Kind: "ConfigMap", Namespace: "payments", Name: "settings", Entry: "GOOGLE_APPLICATION_CREDENTIALS"}
	}},
	{code: NoticeTokenSecret, name: "the old service account lists Secrets", text: "api-token", change: func(b *build, _ *Policy) {
		b.shared()
		b.inv.ServiceAccounts[0].Secrets = []string{"api-token"}
	}},
	{code: NoticeSecretSource, name: "a held workload's Secret comes from a SealedSecret", text: "sealed-secret", bystander: true, change: func(b *build, _ *Policy) {
		b.inv.Secrets[0].Provenance = []scanner.Provenance{{Kind: "sealed-secret", Recreates: true}}
		b.inv.Workloads[0].PodSpecs[0].HostNetwork = true
	}},
	{code: NoticeTerraformKey, name: "Terraform makes a key that was not seen", text: "none of which was seen", bystander: true, change: func(b *build, _ *Policy) {
		b.inv.KeyMakers = []scanner.KeyMaker{{Account: "other@acme-shop.iam.gserviceaccount.com", Resource: "google_service_account_key.other", Origin: scanner.Origin{Path: "keys.tf", Line: 3}}}
	}},
	{code: NoticeTerraformKey, name: "Terraform makes the account's keys", text: "google_service_account_key.api (keys.tf:3)", bystander: true, change: func(b *build, _ *Policy) {
		b.inv.KeyMakers = []scanner.KeyMaker{{Account: b.inv.Keys[0].Email, Resource: "google_service_account_key.api", Origin: scanner.Origin{Path: "keys.tf", Line: 3}}}
	}},
}

// Every notice has a case, and the plain world does not have it.
func TestNotices(t *testing.T) {
	covered := map[string]bool{}
	for _, test := range noticeCases {
		covered[test.code] = true
		t.Run(test.code+"/"+test.name, func(t *testing.T) {
			plain, policy := apiWorld()
			without := plain.plan(t, *policy)
			if has(without, test, test.text) && !test.always {
				t.Error("the plain world has it too: the case shows nothing")
			}
			b, policy := apiWorld()
			if test.change != nil {
				test.change(b, policy)
			}
			p := b.plan(t, *policy)
			if !has(p, test, test.text) {
				t.Errorf("moves %+v\nholds %+v\nnotices %+v", p.Moves, p.Holds, p.Notices)
			}
			for _, v := range Check(b.inv, p) {
				t.Error(v)
			}
		})
	}
	for code, constant := range constants(t, "Notice") {
		if !covered[code] {
			t.Errorf("%s has no case", constant)
		}
	}
}

func has(p Plan, test noticeCase, text string) bool {
	notices := p.Notices
	if !test.bystander {
		notices = nil
		for _, m := range p.Moves {
			notices = append(notices, m.Notices...)
		}
	}
	return slices.ContainsFunc(notices, func(n Notice) bool { return n.Code == test.code && strings.Contains(n.Text, text) })
}

// With everything seen live and proven there is nothing left to say about what was not seen.
func TestNothingUnseen(t *testing.T) {
	b, policy := apiWorld()
	b.whole("GKE_METADATA")
	b.fact(scanner.VerdictLive)
	m := one(t, b.plan(t, *policy))
	for _, n := range m.Notices {
		t.Errorf("%+v", n)
	}
}
