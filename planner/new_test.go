package planner

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A dedicated service account is kept and annotated; the variable, mount and volume go together.
func TestKeptServiceAccount(t *testing.T) {
	b := newBuild()
	b.key("k1", payments, "payments", "api-key")
	b.serviceAccount("payments", "api", nil)
	b.mounted(b.workload(deployment("payments", "api"), "api"), "api-key", "k1")
	p := b.plan(t, shop)
	m := one(t, p)
	want := []string{
		"remove payments/Deployment/api spec.template.spec.containers[name=app].env[name=GOOGLE_APPLICATION_CREDENTIALS]",
		"remove payments/Deployment/api spec.template.spec.containers[name=app].volumeMounts[mountPath=/secrets/api-key]",
		"remove payments/Deployment/api spec.template.spec.volumes[name=vol-api-key]",
		`set payments/ServiceAccount/api metadata.annotations["iam.gke.io/gcp-service-account"] = ` + payments,
	}
	if diff := cmp.Diff(want, editList(m.Edits)); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
	grants := []Grant{{
		Resource: "//iam.googleapis.com/projects/-/serviceAccounts/" + payments, Role: RoleWorkloadIdentityUser,
		Member: "serviceAccount:acme-shop.svc.id.goog[payments/api]", Project: "acme-shop",
	}}
	if diff := cmp.Diff(grants, m.Grants); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if m.ServiceAccount != (ServiceAccount{Namespace: "payments", Name: "api"}) || m.Account != payments {
		t.Errorf("service account %+v, account %s", m.ServiceAccount, m.Account)
	}
	if diff := cmp.Diff([]Access{{Workload: m.Workload, Before: []string{payments}, After: []string{payments}}}, p.Access); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	if len(p.Retirements) != 1 || p.Retirements[0].Ready || p.Retirements[0].Consumers != 1 || p.Retirements[0].Moved != 1 {
		t.Errorf("retirements %+v", p.Retirements)
	}
}

// default is never annotated: the workload gets a service account of its own, and the others under default get nothing.
func TestDefaultIsReplaced(t *testing.T) {
	b := newBuild()
	b.key("k1", payments, "payments", "api-key")
	b.workload(deployment("payments", "web"), "")
	b.mounted(b.workload(deployment("payments", "api"), ""), "api-key", "k1")
	m := one(t, b.plan(t, shop))
	want := []string{
		"create payments/ServiceAccount/api ",
		"set payments/Deployment/api spec.template.spec.serviceAccountName = api",
	}
	if diff := cmp.Diff(want, editList(m.Edits)[3:]); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
	if got := m.Grants[0].Member; got != "serviceAccount:acme-shop.svc.id.goog[payments/api]" {
		t.Errorf("member %s", got)
	}
	content, err := json.Marshal(m.Edits[3].Value)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(content), `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"annotations":{"iam.gke.io/gcp-service-account":"`+payments+`"},"name":"api","namespace":"payments"}}`; got != want {
		t.Errorf("service account\ngot  %s\nwant %s", got, want)
	}
}

// An asserted account stands in after and not in before, and the move says so.
func TestAssertedAccount(t *testing.T) {
	b := newBuild()
	b.serviceAccount("payments", "api", nil)
	b.mounted(b.workload(deployment("payments", "api"), "api"), "api-key", "")
	if p := b.plan(t, shop); len(p.Holds) != 1 || p.Holds[0].Code != HoldAccountUnknown {
		t.Fatalf("without an account: %+v", p.Holds)
	}
	policy := shop
	policy.Accounts = []AccountRule{{Namespace: "payments", Secret: "api-key", Email: payments}}
	p := b.plan(t, policy)
	m := one(t, p)
	if !slices.ContainsFunc(m.Notices, func(n Notice) bool { return n.Code == NoticeAccountAsserted }) {
		t.Errorf("notices %+v", m.Notices)
	}
	if a := p.Access[0]; len(a.Before) != 0 || !slices.Equal(a.After, []string{payments}) {
		t.Errorf("access %+v", a)
	}
	if r := p.Retirements; len(r) != 1 || r[0].Key != "" || r[0].Email != payments || r[0].Ready {
		t.Errorf("retirements %+v", r)
	}
}
