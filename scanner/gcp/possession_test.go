package gcp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"dekey/scanner"
	"dekey/scanner/gcp"
	"dekey/scanner/gcp/gcptest"
	"dekey/scanner/keyfile/keytest"
)

func TestPossession(t *testing.T) {
	own, other := keytest.New("own", email), keytest.New("other", email)
	public := &own.Private.PublicKey
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecdsaID := digestOf(t, &curve.PublicKey)
	tests := []struct {
		name    string
		account func(*gcptest.State, *gcptest.Account)
		faults  []gcptest.Fault
		key     func(*scanner.Key)
		want    string
		gaps    int
	}{
		{name: "the right key", want: scanner.VerdictLive,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, public) }},
		{name: "the right key under an id that the file does not give", want: scanner.VerdictLive,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey("", public) },
			key:     func(k *scanner.Key) { k.KeyID = "" }},
		{name: "a key uploaded by users is the account's too", want: scanner.VerdictLive,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, public).Origin = "USER_PROVIDED" }},
		{name: "the account's unique id does not matter where the key itself is right", want: scanner.VerdictLive,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, public) },
			key:     func(k *scanner.Key) { k.ClientID = "999" }},
		{name: "another account's key with this account's e-mail", want: scanner.VerdictForeign,
			account: func(s *gcptest.State, a *gcptest.Account) {
				a.AddKey(other.KeyID, &other.Private.PublicKey)
				s.Project(project, "").Account("other-gsa@demo-proj.iam.gserviceaccount.com").AddKey(own.KeyID, public)
			},
			key: func(k *scanner.Key) { k.ClientID = "100000000000000000002" }},
		{name: "another key under the id of one of the account's", want: scanner.VerdictForeign,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, &other.Private.PublicKey) }},
		{name: "rotated: the account has another key by now", want: scanner.VerdictDeletedKey,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(other.KeyID, &other.Private.PublicKey) }},
		{name: "deleted: the account has no key", want: scanner.VerdictDeletedKey},
		{name: "disabled", want: scanner.VerdictDisabled,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, public).Disabled = true }},
		{name: "expired", want: scanner.VerdictExpired,
			account: func(s *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, public).Expires = s.Now }},
		{name: "the whole account is disabled", want: scanner.VerdictDisabled,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, public); a.Disabled = true }},
		{name: "the account is deleted", want: scanner.VerdictDeletedAccount,
			account: func(s *gcptest.State, a *gcptest.Account) { delete(s.Project(project, "").Accounts, a.Email) }},
		{name: "the account was made again under the same e-mail", want: scanner.VerdictForeign,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.UniqueID = "100000000000000000077" }},
		{name: "an EC key, which no account of Google's has", want: scanner.VerdictForeign,
			key: func(k *scanner.Key) { k.Algorithm, k.ID, k.ClientID = "EC-P256", ecdsaID, "" }},
		{name: "garbage where the key should be", want: scanner.VerdictMalformed,
			key: func(k *scanner.Key) { k.ID = "" }},
		{name: "an e-mail that is no account's", want: scanner.VerdictMalformed,
			key: func(k *scanner.Key) { k.Email = "x@evil.example/..;rm -rf" }},
		{name: "no permission, and the public certificates have it", want: scanner.VerdictLive, gaps: 1,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, public) },
			faults:  []gcptest.Fault{gcptest.Denied("iam.v1:*", "iam.serviceAccounts.get")}},
		{name: "no permission, and the certificates have another key of this id", want: scanner.VerdictForeign, gaps: 1,
			account: func(_ *gcptest.State, a *gcptest.Account) { a.AddKey(own.KeyID, &other.Private.PublicKey) },
			faults:  []gcptest.Fault{gcptest.Denied("iam.v1:*", "iam.serviceAccounts.get")}},
		{name: "no permission, and not among the certificates: it may be disabled", want: scanner.VerdictNoPermission, gaps: 1,
			account: func(s *gcptest.State, a *gcptest.Account) {
				a.AddKey(own.KeyID, public).Disabled = true
				s.HideDisabled = true
			},
			faults: []gcptest.Fault{gcptest.Denied("iam.v1:*", "iam.serviceAccounts.get")}},
		{name: "the keys alone must not be listed", want: scanner.VerdictNoPermission, gaps: 1,
			faults: []gcptest.Fault{gcptest.Denied("iam.v1:projects.serviceAccounts.keys.*", "iam.serviceAccountKeys.list")}},
		{name: "the API is off, and nothing is published", want: scanner.VerdictOffline, gaps: 1,
			faults: []gcptest.Fault{gcptest.Disabled("iam.v1:*", "iam.googleapis.com")}},
		{name: "nothing answers", want: scanner.VerdictOffline, gaps: 1,
			faults: []gcptest.Fault{{Code: 500}}},
		{name: "an answer that is empty is no account", want: scanner.VerdictOffline, gaps: 1,
			faults: []gcptest.Fault{{Method: "iam.v1:*"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			google, c := open(t, func(s *gcptest.State) {
				a := s.Project(project, "").Account(email)
				if test.account != nil {
					test.account(s, a)
				}
			})
			google.Secret(own.Secrets()...)
			google.Fail(test.faults...)
			k := key("own")
			if test.key != nil {
				test.key(&k)
			}
			fact, gaps := c.Fact(t.Context(), k)
			if fact.Verdict != test.want {
				t.Errorf("verdict %s (%s), want %s", fact.Verdict, fact.Why, test.want)
			}
			// The time is that of what was read: where nothing was, the same input gives the same bytes.
			unread := test.want == scanner.VerdictOffline || test.want == scanner.VerdictMalformed
			if fact.Key != k.ID || fact.ReadAt.IsZero() != unread {
				t.Errorf("the evidence has no key, or a time of what was not read, or none: %+v", fact)
			}
			if len(gaps) != test.gaps {
				t.Errorf("gaps %+v, want %d", gaps, test.gaps)
			}
			for _, r := range google.Requests() {
				if r.Writes() {
					t.Errorf("%s %s writes", r.HTTP, r.Path)
				}
			}
		})
	}
}

func TestUseOfAKey(t *testing.T) {
	k := keytest.New("own", email)
	day := 24 * time.Hour
	tests := []struct {
		name   string
		key    func(*gcptest.State, *gcptest.Key)
		faults []gcptest.Fault
		want   string
		count  int64 // -1: not read
		gaps   int
	}{
		{name: "used", want: scanner.Used, count: 3, key: func(s *gcptest.State, k *gcptest.Key) { k.Use(s.Now.Add(-5*day), 3) }},
		{name: "used half a year ago, which Monitoring forgot", want: scanner.Used, key: func(s *gcptest.State, k *gcptest.Key) { k.Use(s.Now.Add(-180*day), 3) }},
		{name: "not used", want: scanner.NotUsed},
		{name: "not seen by Policy Analyzer, and counted by Monitoring", want: scanner.UseUnknown, count: 2,
			key: func(s *gcptest.State, k *gcptest.Key) { k.Use(s.Now.Add(-5*day), 2); k.LastUse = time.Time{} }},
		{name: "a period that ended long ago says nothing", want: scanner.UseUnknown,
			key: func(s *gcptest.State, k *gcptest.Key) { s.ObservationEnd = s.Now.Add(-30 * day) }},
		{name: "a disabled key is missing from the evidence", want: scanner.UseUnknown, count: -1,
			key: func(_ *gcptest.State, k *gcptest.Key) { k.Disabled = true }},
		{name: "a key that Policy Analyzer has not seen yet", want: scanner.UseUnknown, key: func(_ *gcptest.State, k *gcptest.Key) { k.Unseen = true }},
		{name: "Policy Analyzer is off: zero counts do not show that it is not used", want: scanner.UseUnknown, gaps: 1,
			faults: []gcptest.Fault{gcptest.Disabled("policyanalyzer.*", "policyanalyzer.googleapis.com")}},
		{name: "Policy Analyzer must not be asked", want: scanner.UseUnknown, gaps: 1,
			faults: []gcptest.Fault{gcptest.Denied("policyanalyzer.*", "policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query")}},
		{name: "Monitoring must not be asked", want: scanner.NotUsed, count: -1, gaps: 1,
			faults: []gcptest.Fault{gcptest.Denied("monitoring.*", "monitoring.timeSeries.list")}},
		{name: "empty answers say nothing", want: scanner.UseUnknown,
			faults: []gcptest.Fault{{Method: "policyanalyzer.*"}, {Method: "monitoring.*"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			google, c := open(t, func(s *gcptest.State) {
				one := s.Project(project, "").Account(email).AddKey(k.KeyID, &k.Private.PublicKey)
				if test.key != nil {
					test.key(s, one)
				}
			})
			google.Fail(test.faults...)
			fact, gaps := c.Fact(t.Context(), key("own"))
			if fact.Use != test.want {
				t.Errorf("use %s (%s), want %s", fact.Use, fact.Why, test.want)
			}
			if fact.Use == scanner.UseUnknown && fact.Why == "" {
				t.Error("nothing says why it is unknown")
			}
			switch {
			case test.count < 0 && fact.Authentications != nil:
				t.Errorf("%d authentications, want none read", *fact.Authentications)
			case test.count >= 0 && (fact.Authentications == nil || *fact.Authentications != test.count):
				t.Errorf("authentications %v, want %d", fact.Authentications, test.count)
			}
			if len(gaps) != test.gaps {
				t.Errorf("gaps %+v, want %d", gaps, test.gaps)
			}
		})
	}
}

// Without a login only the public certificates are read. They prove possession, and there is one gap however much is asked.
func TestWithoutCredentials(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing.json"))
	k := keytest.New("own", email)
	google, _ := open(t, func(s *gcptest.State) { s.Project(project, "").Account(email).AddKey(k.KeyID, &k.Private.PublicKey) })
	c, err := gcp.Open(t.Context(), gcp.Options{
		Endpoints: []string{"certificates=" + google.URL + "/certificates"},
		Wait:      func(context.Context, time.Duration) error { return errors.New("there is nothing to wait for") },
	})
	if err != nil {
		t.Fatal(err)
	}
	inv := inventory(key("own"))
	targets := gcp.Targets{Clusters: []gcp.ClusterTarget{{Project: project, Location: "us-central1", Name: "c1"}}}
	if err := c.Enrich(t.Context(), &inv, targets); err != nil {
		t.Fatal(err)
	}
	if f := inv.KeyFacts[0]; f.Verdict != scanner.VerdictLive || f.Use != scanner.UseUnknown || f.Why == "" {
		t.Errorf("fact %+v", f)
	}
	if len(inv.Gaps) != 1 || inv.Gaps[0].What != "Application Default Credentials" {
		t.Errorf("gaps %+v", inv.Gaps)
	}
	if a := inv.Accounts[0]; a.Exists != scanner.Unknown || a.PolicyRead || a.GrantsRead {
		t.Errorf("account %+v", a)
	}
	if calls := google.Calls(); len(calls) != 1 || calls["certificates"] != 1 {
		t.Errorf("calls %v", calls)
	}
}
