package planner

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/object"
)

func TestNames(t *testing.T) {
	for _, test := range []struct {
		name string
		got  bool
		want bool
	}{
		{"an ordinary account", ValidEmail("api@acme-shop.iam.gserviceaccount.com"), true},
		{"a domain-scoped project's", ValidEmail("api@proj.example.com.iam.gserviceaccount.com"), true},
		{"Compute Engine's", ValidEmail("123-compute@developer.gserviceaccount.com"), true},
		{"App Engine's", ValidEmail("acme-shop@appspot.gserviceaccount.com"), true},
		{"a person", ValidEmail("me@example.com"), false},
		{"a lookalike", ValidEmail("api@acme.iam.gserviceaccount.com.example.com"), false},
		{"shell", ValidEmail("$(id)@acme.iam.gserviceaccount.com"), false},
		{"a second line", ValidEmail("api@acme.iam.gserviceaccount.com\nx"), false},
		{"upper case", ValidEmail("API@acme.iam.gserviceaccount.com"), false},
		{"a namespace of 63", ValidNamespace(strings.Repeat("a", 63)), true},
		{"of 64", ValidNamespace(strings.Repeat("a", 64)), false},
		{"with a dot", ValidNamespace("a.b"), false},
		{"a name of 253", ValidName(strings.Repeat("a", 253)), true},
		{"of 254", ValidName(strings.Repeat("a", 254)), false},
		{"with dots", ValidName("a.b-c.d"), true},
		{"that ends in a hyphen", ValidName("a-"), false},
		{"a pool", ValidPool("acme-shop.svc.id.goog"), true},
		{"of another universe", ValidPool("acme-shop.s3ns.svc.id.goog"), true},
		{"of a domain-scoped project", ValidPool("example.com:proj.svc.id.goog"), true},
		{"a project for a pool", ValidPool("acme-shop"), false},
		{"a number", ValidProjectNumber("123456789012"), true},
		{"an id for a number", ValidProjectNumber("acme"), false},
	} {
		if test.got != test.want {
			t.Errorf("%s: %t", test.name, test.got)
		}
	}
	for email, want := range map[string]string{
		"api@acme-shop.iam.gserviceaccount.com":        "acme-shop",
		"api@proj.example.com.iam.gserviceaccount.com": "example.com:proj",
		"123-compute@developer.gserviceaccount.com":    "123",
		"acme-shop@appspot.gserviceaccount.com":        "acme-shop",
		"me@example.com":                               "",
	} {
		if got := ProjectOf(email); got != want {
			t.Errorf("project of %s: %q", email, got)
		}
	}
	for pool, want := range map[string]string{"acme-shop.svc.id.goog": "acme-shop", "example.com:proj.svc.id.goog": "example.com:proj", "acme": ""} {
		if got := ProjectOfPool(pool); got != want {
			t.Errorf("project of pool %s: %q", pool, got)
		}
	}
}

// The new service account is named after the workload; NAME-wi where that is taken, and taken is also a name that something
// refers to, because the new one would get what was meant for another.
func TestNewName(t *testing.T) {
	rbac := func(b *build) {
		b.inv.RoleBindings = []scanner.RoleBinding{{
			Ref: scanner.Ref{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding", Name: "admin"}, RoleRef: scanner.Ref{Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects: []scanner.Subject{{Kind: "ServiceAccount", Namespace: "payments", Name: "api"}},
		}}
	}
	granted := func(email string) func(*build) {
		return func(b *build) {
			b.inv.Accounts = []scanner.Account{{Email: email, Bindings: []scanner.Binding{{Role: RoleWorkloadIdentityUser, Members: []string{"serviceAccount:" + shopPool + "[payments/api]"}}}}}
		}
	}
	for _, test := range []struct {
		name, want string
		change     func(b *build)
	}{
		{"free", "api", func(*build) {}},
		{"a service account has it", "api-wi", func(b *build) { b.serviceAccount("payments", "api", nil) }},
		{"both names are taken", "api-wi-2", func(b *build) {
			b.serviceAccount("payments", "api", nil)
			b.serviceAccount("payments", "api-wi", nil)
		}},
		{"a service account of another namespace has it", "api", func(b *build) { b.serviceAccount("web", "api", nil) }},
		{"a workload names it, and it is nowhere", "api-wi", func(b *build) { b.workload(deployment("payments", "web"), "api") }},
		{"a role binding waits for it", "api-wi", rbac},
		{"another account is granted to it", "api-wi", granted(ledger)},
		{"the same account is granted to it: the runbook ran already", "api", granted(payments)},
	} {
		b := newBuild()
		b.key("k1", payments, "payments", "api-key")
		b.mounted(b.workload(api, ""), "api-key", "k1")
		test.change(b)
		if got := one(t, b.plan(t, shop)).ServiceAccount.Name; got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	long := newName(strings.Repeat("a", 253), func(s string) bool { return len(s) == 253 && !strings.HasSuffix(s, "-wi") })
	if len(long) > 253 || !ValidName(long) || !strings.HasSuffix(long, "-wi") {
		t.Errorf("a name of 253 that is taken: %q", long)
	}
	if got := newName("job-", func(string) bool { return false }); got != "job" {
		t.Errorf("a generated name: %q", got)
	}
	for given, want := range map[string]string{"ESPv2-gke_e2e": "espv2-gke-e2e", "a.-b": "a--b", "prow/jobs/x.yaml": "prow-jobs-x.yaml", "-.a.-": "a"} {
		if got := newName(given, func(string) bool { return false }); got != want || !ValidName(got) {
			t.Errorf("after %q: %q, want %q", given, got, want)
		}
	}
	one, two := shorten(strings.Repeat("a", 300)+"1", 253), shorten(strings.Repeat("a", 300)+"2", 253)
	if one == two || len(one) > 253 {
		t.Error("two long names became one")
	}
}

// A second run, with the grants of the first in place, finds them in either spelling and grants nothing again.
func TestGrantExists(t *testing.T) {
	p := Principal{Pool: shopPool, Number: "123456789012", Namespace: "payments", Name: "api"}
	for member, want := range map[string]bool{p.Member(): true, p.URI(): true, "serviceAccount:" + shopPool + "[payments/web]": false} {
		b, policy := apiWorld()
		b.inv.Accounts = []scanner.Account{{Email: payments, Bindings: []scanner.Binding{{Role: RoleWorkloadIdentityUser, Members: []string{member}}}}}
		if got := one(t, b.plan(t, *policy)).Grants[0].Exists; got != want {
			t.Errorf("%s: %t", member, got)
		}
	}
	b, policy := apiWorld()
	b.inv.Accounts = []scanner.Account{{Email: payments, Bindings: []scanner.Binding{{Role: RoleWorkloadIdentityUser, Members: []string{p.Member()}, Condition: "request.time < timestamp('2027-01-01T00:00:00Z')"}}}}
	if one(t, b.plan(t, *policy)).Grants[0].Exists {
		t.Error("a conditional grant counts as the grant")
	}
}

// A new service account takes everything along that the old one has.
func TestBaggage(t *testing.T) {
	b, policy := apiWorld()
	b.shared()
	automount := false
	old := &b.inv.ServiceAccounts[0]
	old.ImagePullSecrets, old.Automount, old.Secrets = []string{"registry"}, &automount, []string{"mountable"}
	old.Labels = map[string]string{"team": "payments", "app.kubernetes.io/managed-by": "Helm"}
	old.Annotations = map[string]string{
		"eks.amazonaws.com/role-arn": "arn", "azure.workload.identity/client-id": "id", "kubernetes.io/enforce-mountable-secrets": "true", "meta.helm.sh/release-name": "api",
	}
	b.inv.Workloads[0].PodSpecs[0].DeprecatedServiceAccount = "api"
	rbac := func(kind, namespace, n string, live bool, s scanner.Subject) scanner.RoleBinding {
		rb := scanner.RoleBinding{Ref: scanner.Ref{APIVersion: "rbac.authorization.k8s.io/v1", Kind: kind, Namespace: namespace, Name: n}, RoleRef: scanner.Ref{Kind: "ClusterRole", Name: "view"}, Subjects: []scanner.Subject{s}, Origins: origin("rbac.yaml", 1)}
		if live {
			rb.Live, rb.Origins = true, []scanner.Origin{{Source: "live"}}
		}
		return rb
	}
	b.inv.Sources = append(b.inv.Sources, scanner.Source{ID: "live", Kind: "cluster"})
	b.inv.RoleBindings = []scanner.RoleBinding{
		rbac("RoleBinding", "payments", "by-name", false, scanner.Subject{Kind: "ServiceAccount", Namespace: "payments", Name: "api"}),
		rbac("RoleBinding", "payments", "by-name", true, scanner.Subject{Kind: "ServiceAccount", Namespace: "payments", Name: "api"}),
		rbac("ClusterRoleBinding", "", "by-user", false, scanner.Subject{Kind: "User", Name: "system:serviceaccount:payments:api"}),
		rbac("ClusterRoleBinding", "", "by-group", false, scanner.Subject{Kind: "Group", Name: "system:serviceaccounts:payments"}),
		rbac("ClusterRoleBinding", "", "of-another", false, scanner.Subject{Kind: "ServiceAccount", Namespace: "web", Name: "api"}),
		rbac("RoleBinding", "payments", "live-only", true, scanner.Subject{Kind: "ServiceAccount", Namespace: "payments", Name: "api"}),
	}
	m := one(t, b.plan(t, *policy))
	want := []string{
		"create payments/ServiceAccount/api-wi ",
		"set payments/Deployment/api spec.template.spec.serviceAccountName = api-wi",
		"remove payments/Deployment/api spec.template.spec.serviceAccount",
		"append ClusterRoleBinding/by-user subjects = map[apiGroup:rbac.authorization.k8s.io kind:User name:system:serviceaccount:payments:api-wi]",
		"append payments/RoleBinding/by-name subjects = map[kind:ServiceAccount name:api-wi namespace:payments]",
		"create payments/RoleBinding/live-only-api-wi ",
	}
	if diff := cmp.Diff(want, editList(m.Edits)[3:]); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
	content, err := json.MarshalIndent(m.Edits[3].Value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"registry"`, `"automountServiceAccountToken": false`, `"mountable"`, `"team": "payments"`, `"eks.amazonaws.com/role-arn"`, `"azure.workload.identity/client-id"`, `"kubernetes.io/enforce-mountable-secrets"`} {
		if !strings.Contains(string(content), part) {
			t.Errorf("the new service account lacks %s:\n%s", part, content)
		}
	}
	if strings.Contains(string(content), "elm") {
		t.Errorf("the new service account carries the release's tracking:\n%s", content)
	}
	carried := &Carried{
		Bindings: []scanner.Ref{
			{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding", Name: "by-user"},
			{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding", Namespace: "payments", Name: "by-name"},
			{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding", Namespace: "payments", Name: "live-only"},
		},
		ImagePullSecrets: []string{"registry"},
		Annotations:      []string{"azure.workload.identity/client-id", "eks.amazonaws.com/role-arn", "kubernetes.io/enforce-mountable-secrets"},
		Labels:           []string{"team"},
		Left:             []string{"meta.helm.sh/release-name"},
	}
	if diff := cmp.Diff(carried, m.Carried); diff != "" {
		t.Errorf("carried (-want +got):\n%s", diff)
	}
}

// What only the live service account carries is carried too.
func TestLiveBaggage(t *testing.T) {
	b, policy := apiWorld()
	b.shared()
	live := b.serviceAccount("payments", "api", map[string]string{"eks.amazonaws.com/role-arn": "arn"})
	live.Live, live.ImagePullSecrets, live.Origins = true, []string{"by-hand"}, []scanner.Origin{{Source: "live"}}
	b.inv.Sources = append(b.inv.Sources, scanner.Source{ID: "live", Kind: "cluster"})
	m := one(t, b.plan(t, *policy))
	if !slices.Equal(m.Carried.ImagePullSecrets, []string{"by-hand"}) || !slices.Equal(m.Carried.Annotations, []string{"eks.amazonaws.com/role-arn"}) {
		t.Errorf("%+v", m.Carried)
	}
}

// A service account is kept only where every workload under it uses the one account.
func TestKeep(t *testing.T) {
	for _, test := range []struct {
		name   string
		create bool
		change func(b *build)
	}{
		{"alone", false, func(*build) {}},
		{"with another that uses the same account", false, func(b *build) {
			b.key("k1b", payments, "payments", "other")
			b.mounted(b.workload(deployment("payments", "web"), "api"), "other", "k1b")
		}},
		{"with another that uses the same account and is held", false, func(b *build) {
			b.mounted(b.workload(deployment("payments", "web"), "api"), "api-key", "k1").Standard = false
		}},
		{"with another that uses no key", true, func(b *build) { b.shared() }},
		{"with another that uses no key, in a namespace that is not known", true, func(b *build) { b.workload(deployment("", "web"), "api") }},
		{"with another of its name in another namespace", false, func(b *build) { b.workload(deployment("search", "web"), "api") }},
		{"with another that uses another account", true, func(b *build) {
			b.key("k2", ledger, "payments", "other")
			b.mounted(b.workload(deployment("payments", "web"), "api"), "other", "k2")
		}},
		{"with another whose account is not known", true, func(b *build) {
			b.mounted(b.workload(deployment("payments", "web"), "api"), "unread", "")
		}},
		{"with another whose key is dead", true, func(b *build) {
			b.key("k1b", payments, "payments", "other")
			b.inv.KeyFacts = []scanner.KeyFact{{Key: "k1b", Verdict: scanner.VerdictDeletedKey}}
			b.mounted(b.workload(deployment("payments", "web"), "api"), "other", "k1b")
		}},
		{"with another that only pulls images with it", true, func(b *build) {
			w := b.workload(deployment("payments", "web"), "api")
			b.finding(scanner.Finding{Workload: w.Ref, Via: scanner.ImagePull, Key: "k1"})
		}},
		{"annotated for the same account", false, func(b *build) {
			b.inv.ServiceAccounts[0].Annotations = map[string]string{AccountAnnotation: payments}
		}},
		{"with another that is held for the roles of the service account itself", true, func(b *build) {
			b.mounted(b.workload(deployment("payments", "web"), "api"), "api-key", "k1")
			b.inv.ServiceAccounts[0].Grants = []scanner.Grant{{Resource: "//storage.googleapis.com/projects/_/buckets/b", Role: "roles/storage.objectViewer"}}
		}},
		{"with another that is held for a container with the node's identity", true, func(b *build) {
			w := b.workload(deployment("payments", "web"), "api")
			b.mounted(w, "api-key", "k1")
			w = &b.inv.Workloads[len(b.inv.Workloads)-1]
			w.PodSpecs[0].Containers = append(w.PodSpecs[0].Containers, scanner.Container{Name: "agent", Type: "container", Metadata: "used: command names the metadata server"})
		}},
		{"an operator runs pods under it", true, func(b *build) {
			b.inv.Mentions = []scanner.Mention{{ServiceAccount: scanner.Ref{Namespace: "payments", Name: "api"}, Object: scanner.Ref{APIVersion: "x/v1", Kind: "Prometheus", Namespace: "payments", Name: "p"}, Why: "operator"}}
		}},
		{"a mesh policy names it", false, func(b *build) {
			b.inv.Mentions = []scanner.Mention{{ServiceAccount: scanner.Ref{Namespace: "payments", Name: "api"}, Object: scanner.Ref{APIVersion: "x/v1", Kind: "AuthorizationPolicy", Namespace: "payments", Name: "p"}, Why: "istio"}}
		}},
	} {
		b, policy := apiWorld()
		test.change(b)
		policy.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{HoldDirectGrants: "not-used"}}}
		p := b.plan(t, *policy)
		i := slices.IndexFunc(p.Moves, func(m Move) bool { return m.Workload == api })
		if i < 0 {
			t.Errorf("%s: held: %+v", test.name, p.Holds)
			continue
		}
		if got := p.Moves[i].ServiceAccount.Create; got != test.create {
			t.Errorf("%s: a new service account: %t", test.name, got)
		}
		for _, v := range Check(b.inv, p) {
			t.Errorf("%s: %s", test.name, v)
		}
	}
}

// An annotation that is spelled otherwise is written again.
func TestAnnotationSpelling(t *testing.T) {
	b, policy := apiWorld()
	b.inv.ServiceAccounts[0].Annotations = map[string]string{AccountAnnotation: " " + strings.ToUpper(payments)}
	m := one(t, b.plan(t, *policy))
	e := m.Edits[len(m.Edits)-1]
	if e.Op != OpSet || e.Value != payments || e.Was != " "+strings.ToUpper(payments) {
		t.Errorf("%+v", e)
	}
	b.inv.ServiceAccounts[0].Annotations = map[string]string{AccountAnnotation: payments}
	if m := one(t, b.plan(t, *policy)); len(m.Edits) != 3 {
		t.Errorf("an annotation that is right is edited: %v", editList(m.Edits))
	}
}

// The field of a custom resource that speaks for all of its pods is where the name goes.
func TestAccountField(t *testing.T) {
	b, policy := apiWorld()
	b.shared()
	w := &b.inv.Workloads[0]
	w.PodSpecs[0].AccountField = object.Keys("spec", "serviceAccountName")
	got := editList(one(t, b.plan(t, *policy)).Edits)
	if !slices.Contains(got, "set payments/Deployment/api spec.serviceAccountName = api-wi") {
		t.Errorf("%v", got)
	}
}

// The pool is read or given, never made of an account's project.
func TestPools(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(b *build, p *Policy)
		want   []string
	}{
		{"given", func(*build, *Policy) {}, []string{shopPool}},
		{"read from the cluster that it was seen in, which wins", func(b *build, _ *Policy) {
			b.cluster("c1", "acme-prod.svc.id.goog")
			b.inv.Workloads[0].Origins = append(b.inv.Workloads[0].Origins, scanner.Origin{Source: "c1"})
		}, []string{"acme-prod.svc.id.goog"}},
		{"read from the only cluster", func(b *build, p *Policy) {
			p.Pool = ""
			b.cluster("c1", "acme-prod.svc.id.goog")
		}, []string{"acme-prod.svc.id.goog"}},
		{"of both clusters that it was seen in", func(b *build, p *Policy) {
			p.Pool = ""
			b.cluster("c1", "acme-prod.svc.id.goog")
			b.cluster("c2", "acme-dev.svc.id.goog")
			b.inv.Workloads[0].Origins = append(b.inv.Workloads[0].Origins, scanner.Origin{Source: "c1"}, scanner.Origin{Source: "c2"})
		}, []string{"acme-dev.svc.id.goog", "acme-prod.svc.id.goog"}},
	} {
		b, policy := apiWorld()
		test.change(b, policy)
		var got []string
		for _, g := range one(t, b.plan(t, *policy)).Grants {
			p, _ := ParsePrincipal(g.Member)
			got = append(got, p.Pool)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// The direct model repeats the account's roles for the service account, conditions included, and annotates nothing.
func TestDirect(t *testing.T) {
	b, policy := apiWorld()
	b.grants("roles/pubsub.publisher")
	b.inv.Accounts[0].Grants[0].Condition, b.inv.Accounts[0].Grants[0].Title = "resource.name.startsWith('x')", "only x"
	policy.Model = Direct
	p := b.plan(t, *policy)
	m := one(t, p)
	want := []Grant{{
		Resource: "//cloudresourcemanager.googleapis.com/projects/acme-shop", Role: "roles/pubsub.publisher", Condition: "resource.name.startsWith('x')", Title: "only x", Project: "acme-shop",
		Member: "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme-shop.svc.id.goog/subject/ns/payments/sa/api",
	}}
	if diff := cmp.Diff(want, m.Grants); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if m.Model != Direct || len(m.Edits) != 3 || m.ServiceAccount.Create {
		t.Errorf("%s, %v", m.Model, editList(m.Edits))
	}
	if a := p.Access[0]; !slices.Equal(a.Before, []string{payments}) || len(a.After) != 0 {
		t.Errorf("access %+v", a)
	}
	// An annotated service account's pods act as the account, not as themselves: it is not kept.
	b.inv.ServiceAccounts[0].Annotations = map[string]string{AccountAnnotation: payments}
	if m := one(t, b.plan(t, *policy)); !m.ServiceAccount.Create {
		t.Error("an annotated service account is kept")
	}
	// What a federated principal cannot hold keeps the workload on impersonation.
	b.inv.Accounts[0].Grants[0].Role = "roles/run.invoker"
	if m := one(t, b.plan(t, *policy)); m.Model != Impersonation || m.Grants[0].Role != RoleWorkloadIdentityUser {
		t.Errorf("%s %+v", m.Model, m.Grants)
	}
}

// A split makes one account per workload, with the shared one's roles, and takes nothing from it.
func TestSplit(t *testing.T) {
	b, policy := apiWorld()
	b.inv.Keys[0].Email = "everybody@acme-shop.iam.gserviceaccount.com"
	b.mounted(b.workload(deployment("payments", "a-workload-with-quite-a-long-name"), "api"), "api-key", "k1")
	b.inv.Accounts = []scanner.Account{{Email: "everybody@acme-shop.iam.gserviceaccount.com", PolicyRead: true, GrantsRead: true, Grants: []scanner.Grant{
		{Resource: "//cloudresourcemanager.googleapis.com/projects/acme-shop", Role: "roles/pubsub.publisher", Condition: "true", Title: "t"},
		{Resource: AccountResource("everybody@acme-shop.iam.gserviceaccount.com"), Role: RoleTokenCreator},
	}}}
	policy.Split = true
	p := b.plan(t, *policy)
	if len(p.Moves) != 2 || len(p.Accounts) != 2 {
		t.Fatalf("%d moves, %d accounts, holds %+v", len(p.Moves), len(p.Accounts), p.Holds)
	}
	for _, v := range Check(b.inv, p) {
		t.Error(v)
	}
	seen := map[string]bool{}
	for i, a := range p.Accounts {
		id, _, _ := strings.Cut(a.Email, "@")
		if len(id) < 6 || len(id) > 30 || !ValidEmail(a.Email) || seen[a.Email] || a.Project != "acme-shop" {
			t.Errorf("account %+v", a)
		}
		seen[a.Email] = true
		want := []Grant{
			{Resource: "//cloudresourcemanager.googleapis.com/projects/acme-shop", Role: "roles/pubsub.publisher", Condition: "true", Title: "t", Member: "serviceAccount:" + a.Email, Project: "acme-shop"},
			{Resource: AccountResource(a.Email), Role: RoleTokenCreator, Member: "serviceAccount:" + a.Email, Project: "acme-shop"},
		}
		if diff := cmp.Diff(want, a.Grants); diff != "" {
			t.Errorf("grants of account %d (-want +got):\n%s", i, diff)
		}
	}
	for _, m := range p.Moves {
		if !seen[m.Account] || m.Grants[0].Resource != AccountResource(m.Account) || !m.ServiceAccount.Create {
			t.Errorf("%s: %s, %+v", m.ID, m.Account, m.Grants)
		}
	}
}

// Ids that are shortened stay different, and start with a letter.
func TestAccountID(t *testing.T) {
	valid := func(id string) bool {
		return len(id) >= 6 && len(id) <= 30 && id[0] >= 'a' && id[0] <= 'z' && !strings.HasSuffix(id, "-") && ValidNamespace(id)
	}
	seen := map[string]string{}
	for _, words := range []string{"payments-api", "a-b", "1-2", "payments-" + strings.Repeat("x", 40), "payments-" + strings.Repeat("x", 40) + "y", "a.b-c", "a-b-c", "", "---", "-x"} {
		id := accountID(words, words, false)
		if !valid(id) {
			t.Errorf("%q: %q", words, id)
		}
		if other, found := seen[id]; found {
			t.Errorf("%q and %q are both %q", words, other, id)
		}
		seen[id] = words
	}
	if accountID("payments-api", "x", false) != "payments-api" {
		t.Error("an id that fits was changed")
	}
	if accountID("payments-api", "x", true) == accountID("payments-api", "y", true) {
		t.Error("two ids that must differ are one")
	}
}
