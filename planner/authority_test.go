package planner

import (
	"slices"
	"strings"
	"testing"

	"dekey/scanner"
)

// Code that keeps an allow policy takes an added grant away: the move is held where it keeps the account's, held with a
// question where an expression hides a part of that, and says so where it hides all.
func TestWhatKeepsAPolicyIsNeverFine(t *testing.T) {
	const sure, likely, any = HoldAuthoritative, HoldAuthoritativeUnknown, "notice"
	for _, test := range []struct {
		name      string
		authority scanner.Authority
		want      string
	}{
		{"the account's whole policy", scanner.Authority{Target: "service_account", Name: payments}, sure},
		{"the role of the grant", scanner.Authority{Target: "service_account", Name: payments, Role: RoleWorkloadIdentityUser}, sure},
		{"a role that an expression hides", scanner.Authority{Target: "service_account", Name: payments, Role: "*"}, sure},
		{"another role", scanner.Authority{Target: "service_account", Name: payments, Role: "roles/iam.serviceAccountUser"}, ""},
		{"written in capitals", scanner.Authority{Target: "service_account", Name: strings.ToUpper(payments)}, sure},
		{"by the unique id", scanner.Authority{Target: "service_account", Name: "1234567"}, sure},
		{"the project is hidden", scanner.Authority{Target: "service_account", Name: "payments-api@*.iam.gserviceaccount.com", Hides: []string{"var.project"}}, likely},
		{"a part of the id is hidden", scanner.Authority{Target: "service_account", Name: "*-api@acme-shop.iam.gserviceaccount.com"}, likely},
		{"the hidden account is another", scanner.Authority{Target: "service_account", Name: "web@*.iam.gserviceaccount.com"}, ""},
		{"the account of the same project is hidden", scanner.Authority{Target: "service_account", Name: "*@acme-shop.iam.gserviceaccount.com"}, any},
		{"the account of another project is hidden", scanner.Authority{Target: "service_account", Name: "*@acme-other.iam.gserviceaccount.com"}, ""},
		{"all is hidden", scanner.Authority{Target: "service_account", Name: "*"}, any},
		{"all is hidden, and the role is another", scanner.Authority{Target: "service_account", Name: "*", Role: "roles/iam.serviceAccountUser"}, ""},
		{"a module from elsewhere is given the account", scanner.Authority{Name: payments}, any},
		{"the project's policy, to which no grant goes", scanner.Authority{Target: "project", Name: "acme-shop"}, ""},
	} {
		b, policy := apiWorld()
		yes := false
		b.inv.Accounts = []scanner.Account{{Email: payments, UniqueID: "1234567", Exists: scanner.Yes, Disabled: &yes}}
		test.authority.Owner, test.authority.Origin = "the owner", origin("iam.tf", 3)[0]
		b.inv.Authorities = []scanner.Authority{test.authority}
		p := b.plan(t, *policy)
		got := ""
		for _, h := range p.Holds {
			if h.Code == sure || h.Code == likely {
				got = h.Code
				if !strings.Contains(h.Reason, "the owner in iam.tf") {
					t.Errorf("%s: the reason %q does not name the owner", test.name, h.Reason)
				}
			}
		}
		for _, m := range p.Moves {
			if slices.ContainsFunc(m.Notices, func(n Notice) bool { return n.Code == HoldAuthoritativeUnknown }) {
				got = any
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// In the direct model the grants go where the account has them, and so do those of an account that a split makes.
func TestWhatKeepsTheResourcesOfDirectGrants(t *testing.T) {
	for _, test := range []struct {
		name      string
		authority scanner.Authority
		want      string
	}{
		{"the role on the project", scanner.Authority{Target: "project", Name: "acme-shop", Role: "roles/pubsub.publisher"}, HoldAuthoritative},
		{"another role on the project", scanner.Authority{Target: "project", Name: "acme-shop", Role: "roles/viewer"}, ""},
		{"the project's whole policy", scanner.Authority{Target: "project", Name: "projects/acme-shop"}, HoldAuthoritative},
		{"a project of which a part is hidden", scanner.Authority{Target: "project", Name: "acme-*"}, HoldAuthoritativeUnknown},
		{"another project", scanner.Authority{Target: "project", Name: "acme-dev"}, ""},
		{"a topic of the project's name", scanner.Authority{Target: "pubsub_topic", Name: "acme-shop"}, ""},
		{"the account's own policy, which gets no grant", scanner.Authority{Target: "service_account", Name: payments}, ""},
	} {
		b, policy := apiWorld()
		b.grants("roles/pubsub.publisher")
		policy.Model = Direct
		b.inv.Authorities = []scanner.Authority{test.authority}
		got := ""
		for _, h := range b.plan(t, *policy).Holds {
			if h.Code == HoldAuthoritative || h.Code == HoldAuthoritativeUnknown {
				got = h.Code
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// Only a search of all that stands above the pool's project says that the service account holds nothing itself.
func TestDirectGrantsAreUnreadUntilSearched(t *testing.T) {
	for _, test := range []struct {
		name    string
		cluster scanner.Cluster
		want    bool
	}{
		{"nobody searched", scanner.Cluster{ID: "acme-shop/l/c", Pool: shopPool}, true},
		{"another pool was searched", scanner.Cluster{ID: "acme-dev/l/c", Pool: "acme-dev.svc.id.goog", GrantsRead: true}, true},
		{"searched", scanner.Cluster{ID: "acme-shop/l/c", Pool: shopPool, GrantsRead: true}, false},
	} {
		b, policy := apiWorld()
		b.inv.Clusters = []scanner.Cluster{test.cluster}
		got := false
		for _, m := range b.plan(t, *policy).Moves {
			got = got || slices.ContainsFunc(m.Notices, func(n Notice) bool { return n.Code == NoticeDirectGrantsUnread })
		}
		if got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
