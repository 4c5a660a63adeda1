package precondition

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter/runbook"
	"dekey/scanner"
	"dekey/scanner/object"
)

const (
	email   = "api@acme.iam.gserviceaccount.com"
	pool    = "acme.svc.id.goog"
	cluster = "acme/europe-west1/shop"
)

var (
	digest = strings.Repeat("ab", 32)
	now    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	grant  = planner.Grant{Resource: planner.AccountResource(email), Role: planner.RoleWorkloadIdentityUser, Member: "serviceAccount:" + pool + "[shop/api]", Project: "acme"}
)

// shopPlan moves one Deployment off its one key.
func shopPlan(t *testing.T) planner.Plan {
	t.Helper()
	workload := scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "api"}
	plan, err := planfile.Seal(planner.Plan{
		Moves: []planner.Move{{
			ID: workload.String(), Workload: workload, Account: email, Model: planner.Impersonation, Before: "default", Keys: []string{digest}, Prove: []string{digest},
			ServiceAccount: planner.ServiceAccount{Namespace: "shop", Name: "api", Create: true}, Cluster: cluster, Grants: []planner.Grant{grant},
			Edits: []planner.Edit{{Object: workload, Op: planner.OpSet, Field: object.Keys("spec", "template", "spec", "serviceAccountName"), Value: "api"}},
		}},
		Clusters: []planner.ClusterRef{{ID: cluster, Project: "acme", Location: "europe-west1", Name: "shop", Pool: pool, ProjectNumber: "123456789012", Context: "shop"}},
		Keys:     []scanner.Key{{ID: digest, Type: scanner.TypeServiceAccount, Email: email, Project: "acme"}},
		Retirements: []planner.Retirement{{Key: digest, Email: email, Project: "acme", Consumers: 1, Moved: 1, Workloads: []scanner.Ref{workload},
			BlockedBy: []planner.Blocker{{Code: planner.BlockerUseUnknown}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func check(t *testing.T, in Input) Result {
	t.Helper()
	in.ChangesetPlan, in.Now, in.Evidence = in.Plan.ID, now, runbook.ReadEvidence(fstest.MapFS{}, in.Plan.ID)
	result, err := Check(in)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// Where nothing was read no step may go on, and every condition that was not looked at says so.
func TestNothingReadIsNoGo(t *testing.T) {
	for _, step := range Steps {
		r := check(t, Input{Step: step, Plan: shopPlan(t)})
		if r.Go {
			t.Errorf("%s may go on although nothing was read: %+v", step, r.Conditions)
		}
		for _, c := range r.Conditions {
			if c.Holds != scanner.Yes && (c.Reason == "" || c.Do == "") {
				t.Errorf("%s: %s has no reason, or nothing to do: %+v", step, c.Code, c)
			}
			if c.Holds == scanner.Yes && c.Code != CodeChangeset && c.Code != CodeEvidence {
				t.Errorf("%s: %s holds although nothing was read: %+v", step, c.Code, c)
			}
		}
	}
	if _, err := Check(Input{Step: "merge ", Plan: shopPlan(t)}); err == nil || !strings.Contains(err.Error(), "one of grant, merge") {
		t.Errorf("a step that there is not: %v", err)
	}
}

// The merge asks for the binding itself: either spelling of the member, the role and the condition, and its age.
func TestMergeAsksForTheBinding(t *testing.T) {
	uri := "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/" + pool + "/subject/ns/shop/sa/api"
	bound := func(change func(*scanner.Binding)) Policy {
		b := scanner.Binding{Role: grant.Role, Members: []string{"user:x@example.com", grant.Member}}
		change(&b)
		return Policy{Bindings: []scanner.Binding{b}}
	}
	same := func(*scanner.Binding) {}
	for _, test := range []struct {
		name   string
		policy Policy
		age    time.Duration // since when somebody who waits has read it; 0 is never
		want   scanner.Tri   // of the binding
		aged   scanner.Tri   // "": not asked
	}{
		{"there, for ten minutes", bound(same), 10 * time.Minute, scanner.Yes, scanner.Yes},
		{"there, for exactly seven minutes", bound(same), Spread, scanner.Yes, scanner.Yes},
		{"there, for a second less", bound(same), Spread - time.Second, scanner.Yes, scanner.No},
		{"there, nobody knows since when", bound(same), 0, scanner.Yes, scanner.Unknown},
		{"the other spelling", bound(func(b *scanner.Binding) { b.Members = []string{uri} }), time.Hour, scanner.Yes, scanner.Yes},
		{"the other spelling of another project's number", bound(func(b *scanner.Binding) { b.Members = []string{strings.Replace(uri, "123456789012", "999", 1)} }), time.Hour, scanner.No, ""},
		{"the whole namespace", bound(func(b *scanner.Binding) {
			b.Members = []string{strings.Replace(uri, "principal://", "principalSet://", 1)}
		}), time.Hour, scanner.No, ""},
		{"a service account that was deleted", bound(func(b *scanner.Binding) { b.Members = []string{"deleted:" + grant.Member + "?uid=1"} }), time.Hour, scanner.No, ""},
		{"another role", bound(func(b *scanner.Binding) { b.Role = "roles/iam.serviceAccountUser" }), time.Hour, scanner.No, ""},
		{"under a condition", bound(func(b *scanner.Binding) { b.Condition, b.Title = "false", "never" }), time.Hour, scanner.No, ""},
		{"an empty policy", Policy{}, time.Hour, scanner.No, ""},
		{"a policy that was not read", Policy{Why: "denied"}, time.Hour, scanner.Unknown, ""},
	} {
		in := Input{Step: Merge, Plan: shopPlan(t), Facts: Facts{Policies: map[string]Policy{grant.Resource: test.policy}}}
		if test.age > 0 {
			in.Seen = map[string]time.Time{grantName(grant): now.Add(-test.age)}
		}
		r := check(t, in)
		holds := func(code string) scanner.Tri {
			i := slices.IndexFunc(r.Conditions, func(c Condition) bool { return c.Code == code })
			if i < 0 {
				return ""
			}
			return r.Conditions[i].Holds
		}
		if got, aged := holds(CodeGrant), holds(CodeGrantAge); got != test.want || aged != test.aged {
			t.Errorf("%s: %s, aged %q, want %s and %q", test.name, got, aged, test.want, test.aged)
		}
		if want := test.want == scanner.Yes && test.aged == scanner.Yes; r.Go != want {
			t.Errorf("%s: go is %v", test.name, r.Go)
		}
		if waits := test.want == scanner.No || test.aged == scanner.No || test.aged == scanner.Unknown; r.Waits() != waits {
			t.Errorf("%s: that time alone can help is said to be %v", test.name, r.Waits())
		}
	}
}

// A binding that is gone between two readings starts anew.
func TestSeeStartsAnew(t *testing.T) {
	seen := map[string]time.Time{}
	see := func(at time.Time, holds scanner.Tri) {
		Result{Time: at, Conditions: []Condition{{Code: CodeGrant, Object: "g", Holds: holds}, {Code: CodeGrantAge, Object: "g"}}}.See(seen)
	}
	see(now, scanner.Yes)
	see(now.Add(time.Minute), scanner.Yes)
	if !seen["g"].Equal(now) {
		t.Errorf("seen since %s", seen["g"])
	}
	see(now.Add(2*time.Minute), scanner.Unknown)
	see(now.Add(3*time.Minute), scanner.Yes)
	if !seen["g"].Equal(now.Add(3 * time.Minute)) {
		t.Errorf("seen since %s, and it was gone in between", seen["g"])
	}
}

// The folder that was reviewed is the one that runs.
func TestChangedFoldersAreSeen(t *testing.T) {
	plan := shopPlan(t)
	written := []scanner.FileDigest{{Path: "runbook/1-grant.sh", SHA256: "a"}}
	for _, test := range []struct {
		name string
		in   Input
		want string // in the reason; "" where nothing is wrong
	}{
		{"as it was written", Input{Plan: plan, Written: written, Found: written}, ""},
		{"a file is missing", Input{Plan: plan, Written: written}, "missing"},
		{"a file was edited", Input{Plan: plan, Written: written, Found: []scanner.FileDigest{{Path: "runbook/1-grant.sh", SHA256: "b"}}}, "not as it was written"},
		{"the plan was edited", Input{Plan: func() planner.Plan { p := plan; p.Moves = nil; return p }(), Written: written, Found: written}, "edited"},
	} {
		test.in.Step = Merge
		r := check(t, test.in)
		got := ""
		for _, c := range r.Conditions {
			if c.Code == CodeChangeset && c.Holds != scanner.Yes {
				got += c.Reason
			}
		}
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// Each thing is read once, in one order.
func TestNeedsAreSortedAndOnce(t *testing.T) {
	for _, step := range Steps {
		needs, err := NeedsOf(shopPlan(t), step)
		if err != nil {
			t.Fatal(err)
		}
		lists := map[List]bool{}
		for _, l := range needs.Lists {
			if lists[l] {
				t.Errorf("%s reads %+v twice", step, l)
			}
			lists[l] = true
		}
		asksCluster := step != Merge // a required check of a pull request reads Google alone
		if (len(needs.Contexts) == 1) != asksCluster || (len(needs.Clusters) == 1) != asksCluster {
			t.Errorf("%s reads contexts %v and clusters %v", step, needs.Contexts, needs.Clusters)
		}
		if uses := len(needs.Accounts) == 1 && len(needs.Accounts[0].Use) == 1; uses != (step == Disable) {
			t.Errorf("%s reads the last use: %v", step, uses)
		}
	}
}

// Nothing that comes from a manifest or from Google is markup in a pull request.
func TestMarkdownIsInert(t *testing.T) {
	hostile := "a|b\n<img src=x> [x](http://evil) @team `c` #1 ~~x~~"
	var b bytes.Buffer
	Markdown(&b, Result{Step: Merge, Conditions: []Condition{{Code: CodeGrant, Object: hostile, Holds: scanner.No, Reason: hostile, Do: hostile, Needed: true}},
		Left: []Left{{Key: hostile, Email: hostile, Why: hostile}}, Notes: []string{hostile}})
	for _, markup := range []string{"<img", "](", "@team", "`c`", "~~", "://", "a|b"} {
		if strings.Contains(b.String(), markup) {
			t.Errorf("%q stands in %s", markup, b.String())
		}
	}
	rows := 0
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| no |") {
			rows++
		}
	}
	if rows != 1 {
		t.Errorf("%d rows for one condition:\n%s", rows, b.String())
	}
}
