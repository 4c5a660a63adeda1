package planner

import "testing"

// The golden strings: both spellings of one service account, and of the sets. demo-proj is 123456789012.
func TestPrincipal(t *testing.T) {
	const base = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/demo-proj.svc.id.goog/"
	for _, test := range []struct {
		name, member string
		want         Principal
		no           bool
	}{
		{name: "the bracket form", member: "serviceAccount:demo-proj.svc.id.goog[apps/api]", want: Principal{Pool: "demo-proj.svc.id.goog", Namespace: "apps", Name: "api"}},
		{name: "the principal form", member: "principal:" + base + "subject/ns/apps/sa/api", want: Principal{Pool: "demo-proj.svc.id.goog", Number: "123456789012", Namespace: "apps", Name: "api"}},
		{name: "a name with dots", member: "principal:" + base + "subject/ns/apps/sa/api.v1", want: Principal{Pool: "demo-proj.svc.id.goog", Number: "123456789012", Namespace: "apps", Name: "api.v1"}},
		{name: "a namespace", member: "principalSet:" + base + "namespace/apps", want: Principal{Pool: "demo-proj.svc.id.goog", Number: "123456789012", Namespace: "apps"}},
		{name: "a cluster", member: "principalSet:" + base + "kubernetes.cluster/https://container.googleapis.com/v1/projects/demo-proj/locations/us-central1/clusters/c1", want: Principal{Pool: "demo-proj.svc.id.goog", Number: "123456789012", Cluster: "https://container.googleapis.com/v1/projects/demo-proj/locations/us-central1/clusters/c1"}},
		{name: "an account", member: "serviceAccount:api@demo-proj.iam.gserviceaccount.com", no: true},
		{name: "a person", member: "user:me@example.com", no: true},
		{name: "the whole pool is no set of GKE's", member: "principalSet:" + base + "*", no: true},
		{name: "an attribute belongs to other pools", member: "principalSet:" + base + "attribute.namespace/apps", no: true},
		{name: "a deleted principal", member: "deleted:principal:" + base + "subject/ns/apps/sa/api", no: true},
		{name: "a bracket too many", member: "serviceAccount:demo-proj.svc.id.goog[apps/api]]", no: true},
		{name: "no name", member: "serviceAccount:demo-proj.svc.id.goog[apps/]", no: true},
		{name: "a host that only looks like IAM's", member: "principal://iam0googleapis0com/projects/123456789012/locations/global/workloadIdentityPools/demo-proj.svc.id.goog/subject/ns/apps/sa/api", no: true},
		{name: "a set's host that only looks like IAM's", member: "principalSet://iam-googleapis-com/projects/123456789012/locations/global/workloadIdentityPools/demo-proj.svc.id.goog/namespace/apps", no: true},
		{name: "white space", member: "serviceAccount:demo-proj.svc.id.goog[apps/a pi]", no: true},
	} {
		got, ok := ParsePrincipal(test.member)
		if ok == test.no || got != test.want {
			t.Errorf("%s: %+v, %t", test.name, got, ok)
			continue
		}
		if !test.no && got.Member() != test.member && got.URI() != test.member {
			t.Errorf("%s: spelled %q and %q", test.name, got.Member(), got.URI())
		}
	}
	a, _ := ParsePrincipal("serviceAccount:demo-proj.svc.id.goog[apps/api]")
	b, _ := ParsePrincipal("principal:" + base + "subject/ns/apps/sa/api")
	set, _ := ParsePrincipal("principalSet:" + base + "namespace/apps")
	other := b
	other.Number = "9"
	if !a.Same(b) || !b.Same(a) || b.Same(other) || a.Same(set) {
		t.Error("the two spellings are one principal, another number is not")
	}
	if !set.Covers(a) || !b.Covers(a) || a.Covers(set) || set.Covers(Principal{Pool: a.Pool, Namespace: "other", Name: "api"}) {
		t.Error("a namespace covers its service accounts, and no others")
	}
	if (Principal{Pool: "p.svc.id.goog", Namespace: "a", Name: "b"}).URI() != "" {
		t.Error("the project's number was made up")
	}
}

func FuzzPrincipal(f *testing.F) {
	f.Add("serviceAccount:demo-proj.svc.id.goog[apps/api]")
	f.Add("principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/subject/ns/a/sa/b")
	f.Add("principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/namespace/a")
	f.Fuzz(func(t *testing.T, member string) {
		p, ok := ParsePrincipal(member)
		if ok && p.Member() != member && p.URI() != member {
			t.Errorf("%q is spelled %q and %q", member, p.Member(), p.URI())
		}
	})
}
