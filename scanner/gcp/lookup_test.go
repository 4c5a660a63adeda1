package gcp_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/gcp"
	"dekey/scanner/gcp/gcptest"
	"dekey/scanner/keyfile/keytest"
)

const (
	project = "demo-proj"
	number  = "123456789012"
	email   = "api-gsa@demo-proj.iam.gserviceaccount.com"
)

// open gives a server with one project, and a client of it that never waits.
func open(t *testing.T, change func(*gcptest.State)) (*gcptest.Server, *gcp.Client) {
	t.Helper()
	google := gcptest.Start(t)
	google.Update(func(s *gcptest.State) {
		s.Project(project, number)
		if change != nil {
			change(s)
		}
	})
	return google, client(t, google, gcp.Options{})
}

func client(t *testing.T, google *gcptest.Server, o gcp.Options) *gcp.Client {
	t.Helper()
	o.Endpoints = []string{google.URL}
	google.View(func(s *gcptest.State) {
		now := s.Now
		o.Now = func() time.Time { return now }
	})
	if o.Wait == nil {
		o.Wait = func(context.Context, time.Duration) error { return nil }
	}
	c, err := gcp.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAccount(t *testing.T) {
	_, c := open(t, func(s *gcptest.State) {
		a := s.Project(project, "").Account(email)
		a.Disabled = true
	})
	got, err := c.Account(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	disabled := true
	want := scanner.Account{
		Email: email, UniqueID: "100000000000000000001", Project: project, Disabled: &disabled, Exists: scanner.Yes,
		Bindings: []scanner.Binding{}, ReadAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Account(t.Context(), "nobody@demo-proj.iam.gserviceaccount.com"); !errors.Is(err, gcp.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func TestHostileNamesReachNoAddress(t *testing.T) {
	google, c := open(t, nil)
	for _, name := range []string{"", "a/b@p.iam.gserviceaccount.com", "x@evil.example", "../../x@p.iam.gserviceaccount.com", "a?b@p.iam.gserviceaccount.com", "a@p.iam.gserviceaccount.com/keys"} {
		if _, err := c.Account(t.Context(), name); err == nil {
			t.Errorf("the account %q is read", name)
		}
		if _, err := c.PublicKeys(t.Context(), name); err == nil {
			t.Errorf("the certificates of %q are read", name)
		}
	}
	for _, name := range []string{"", "a/b", "..", "p?x=1", "-"} {
		if _, err := c.Project(t.Context(), name); err == nil {
			t.Errorf("the project %q is read", name)
		}
		if _, err := c.Cluster(t.Context(), name, name, name); err == nil {
			t.Errorf("the cluster %q is read", name)
		}
	}
	if n := len(google.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestPolicyKeepsConditions(t *testing.T) {
	_, c := open(t, func(s *gcptest.State) {
		a := s.Project(project, "").Account(email)
		s.Bind(a.Policy, "roles/iam.workloadIdentityUser", "serviceAccount:demo-proj.svc.id.goog[apps/api]")
		b := s.Bind(a.Policy, "roles/iam.serviceAccountTokenCreator", "serviceAccount:"+email)
		b.Condition = gcptest.Condition("until", `request.time < timestamp("2027-01-01T00:00:00Z")`)
	})
	got, err := c.Policy(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	want := []scanner.Binding{
		{Role: "roles/iam.serviceAccountTokenCreator", Members: []string{"serviceAccount:" + email}, Condition: `request.time < timestamp("2027-01-01T00:00:00Z")`, Title: "until"},
		{Role: "roles/iam.workloadIdentityUser", Members: []string{"serviceAccount:demo-proj.svc.id.goog[apps/api]"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCluster(t *testing.T) {
	_, c := open(t, func(s *gcptest.State) {
		found := s.Project(project, "").Cluster("us-central1", "c1")
		found.Endpoint = "203.0.113.7"
		found.NodePools = append(found.NodePools, gcptest.NodePool("old", "GCE_METADATA"), gcptest.NodePool("ancient", ""))
	})
	got, err := c.Cluster(t.Context(), project, "us-central1", "c1")
	if err != nil {
		t.Fatal(err)
	}
	if got.Pool != "demo-proj.svc.id.goog" || *got.Autopilot || got.WorkloadIdentity != scanner.Yes {
		t.Errorf("cluster %+v", got)
	}
	modes := map[string]string{}
	for _, p := range got.NodePools {
		modes[p.Name] = p.MetadataMode
	}
	if diff := cmp.Diff(map[string]string{"default-pool": "GKE_METADATA", "old": "GCE_METADATA", "ancient": "GCE_METADATA"}, modes); diff != "" {
		t.Error(diff)
	}
	for server, want := range map[string]scanner.Tri{"https://203.0.113.7": scanner.Yes, "https://203.0.113.7:443": scanner.Yes, "https://203.0.113.8": scanner.No} {
		if got := got.Serves(server); got != want {
			t.Errorf("serves %s: %s, want %s", server, got, want)
		}
	}
}

func TestProject(t *testing.T) {
	_, c := open(t, func(s *gcptest.State) {
		p := s.Project(project, "")
		p.Services["sts.googleapis.com"] = false
		p.Ancestors = []string{"folders/7", "organizations/9"}
		p.OrgPolicies["iam.disableServiceAccountCreation"] = gcptest.Enforced()
		p.OrgPolicies["iam.allowedPolicyMemberDomains"] = gcptest.AllowedValues("C0abc")
	})
	for _, name := range []string{project, number} {
		got, err := c.Project(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != project || got.Number != number {
			t.Errorf("project %+v", got)
		}
	}
	above, err := c.Ancestors(t.Context(), project)
	if err != nil || !slices.Equal(above, []string{"folders/7", "organizations/9"}) {
		t.Errorf("ancestors %q, %v", above, err)
	}
	apis, err := c.APIs(t.Context(), project, gcp.RequiredAPIs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range apis {
		if want := scanner.Yes; api.Name == "sts.googleapis.com" && api.Enabled != scanner.No || api.Name != "sts.googleapis.com" && api.Enabled != want {
			t.Errorf("%+v", api)
		}
	}
	for constraint, want := range map[string]gcp.Constraint{
		"iam.disableServiceAccountCreation":          {Name: "iam.disableServiceAccountCreation", Enforced: true},
		"constraints/iam.allowedPolicyMemberDomains": {Name: "iam.allowedPolicyMemberDomains", Enforced: true, Allowed: []string{"C0abc"}},
		"iam.disableWorkloadIdentityClusterCreation": {Name: "iam.disableWorkloadIdentityClusterCreation"},
	} {
		got, err := c.OrgPolicy(t.Context(), project, constraint)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// key is one that the seed's file would give an inventory.
func key(seed string) scanner.Key {
	k := keytest.New(seed, email)
	return scanner.Key{ID: k.ID(), Type: scanner.TypeServiceAccount, Email: email, KeyID: k.KeyID, Algorithm: "RSA-2048", ClientID: "100000000000000000001"}
}

func TestKeyStates(t *testing.T) {
	k := keytest.New("api", email)
	_, c := open(t, func(s *gcptest.State) {
		a := s.Project(project, "").Account(email)
		one := a.AddKey(k.KeyID, &k.Private.PublicKey)
		one.Disabled, one.Reason = true, "SERVICE_ACCOUNT_KEY_DISABLE_REASON_EXPOSED"
		one.Expires = s.Now.AddDate(0, 0, -1)
	})
	got, err := c.Key(t.Context(), email, k.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != k.ID() || !got.Disabled || got.Reason != "SERVICE_ACCOUNT_KEY_DISABLE_REASON_EXPOSED" || !got.Expired(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)) || !got.Managed {
		t.Errorf("key %+v", got)
	}
	list, err := c.Keys(t.Context(), email)
	if err != nil || len(list) != 1 || list[0].ID != k.KeyID {
		t.Errorf("keys %+v, %v", list, err)
	}
	if _, err := c.Key(t.Context(), email, "0123456789abcdef0123456789abcdef01234567"); !errors.Is(err, gcp.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}
