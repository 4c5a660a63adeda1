package runbook_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"dekey/rewriter/precondition"
)

const member = "serviceAccount:acme.svc.id.goog[shop/api]"

// The whole migration, every script run twice, and nothing is done before its time.
func TestMigration(t *testing.T) {
	p := newPlace(t, shopPlan(t), shopCloud())
	p.must(0, "Everything is granted", "1-grant.sh")
	if got := p.members(); !slices.Equal(got, []string{member}) {
		t.Errorf("members %v", got)
	}
	first := p.evidence()
	p.must(0, "was proven at", "1-grant.sh")
	if !maps.Equal(first, p.evidence()) {
		t.Error("the second run changed the evidence of the first")
	}
	if got := p.changes(); len(got) != 1 {
		t.Errorf("changes %q", got)
	}

	out := p.must(1, "still has the", "2-verify.sh")
	for _, want := range []string{"runs as default", "the pod api-1", "the service account shop/api is not there"} {
		if !strings.Contains(out, want) {
			t.Errorf("2-verify.sh does not say %q:\n%s", want, out)
		}
	}
	p.must(1, "2-verify.sh has not verified", "3-disable.sh")
	p.change(merge)
	p.must(0, "keyless: shop/Deployment/api", "2-verify.sh")
	p.must(0, "keyless", "2-verify.sh")
	p.must(0, "Everything is granted", "1-grant.sh") // the new service account is there now, and is ours

	p.seen(time.Now())
	p.must(1, "the soak is over at", "3-disable.sh")
	p.offset = 15 * 24 * time.Hour
	p.must(1, "before the soak is over", "3-disable.sh") // the evidence is still that of the first day
	p.seen(time.Now())
	p.must(0, "disabled: the key "+keyID, "3-disable.sh")
	p.must(0, "disabled at", "3-disable.sh")
	p.must(1, "the second soak is over at", "4-delete.sh")
	p.offset += 31 * 24 * time.Hour
	p.must(0, "deleted: key", "4-delete.sh")
	out = p.must(0, "gone: key", "4-delete.sh")
	if !strings.Contains(out, "can not be observed") {
		t.Errorf("4-delete.sh does not say what can not be observed:\n%s", out)
	}
	if keys := p.cloud().Accounts[account].Keys; len(keys) != 1 || keys[0].ID != otherKey {
		t.Errorf("keys %+v", keys)
	}
	p.must(0, "deleted by now", "3-disable.sh")
	p.must(1, "can not be brought back", "rollback.sh", "delete")
	p.must(1, "nothing can bring it back", "rollback.sh", "disable")
	p.must(1, "nothing can bring it back", "rollback.sh", "merge")
	p.must(1, "has moved", "rollback.sh", "grant")
}

// Nothing is granted when anything that was read is not as the plan has it.
func TestGrantRefuses(t *testing.T) {
	sa := func(name string, more map[string]any) map[string]any {
		o := map[string]any{"kind": "ServiceAccount", "metadata": map[string]any{"name": name, "namespace": "shop"}}
		for key, value := range more {
			o[key] = value
		}
		return o
	}
	for _, test := range []struct {
		name, says string
		change     func(*cloud)
	}{
		{"another cluster behind the context", "no endpoint of the cluster", func(c *cloud) { c.Servers[shopCTX] = "https://198.51.100.1" }},
		{"another pool", "the workload pool of", func(c *cloud) { c.Clusters[shopGKE].Pool = "other.svc.id.goog" }},
		{"no pool", "not set", func(c *cloud) { c.Clusters[shopGKE].Pool = "" }},
		{"an API that is off", "is off in acme", func(c *cloud) { c.APIs = nil }},
		{"a node pool with the node's metadata", "may run in the node pool old", func(c *cloud) { c.Clusters[shopGKE].NodePools["old"] = "" }},
		{"the name of the new service account is somebody's", "is not this changeset's", func(c *cloud) {
			c.Objects[shopCTX] = append(c.Objects[shopCTX], sa("api", nil))
		}},
		{"the name is somebody's with another account", "is not this changeset's", func(c *cloud) {
			o := newAccount()
			o["metadata"].(map[string]any)["annotations"] = map[string]any{"iam.gke.io/gcp-service-account": "x@acme.iam.gserviceaccount.com"}
			c.Objects[shopCTX] = append(c.Objects[shopCTX], o)
		}},
		{"a pull secret that nobody saw", "has the secret more", func(c *cloud) {
			c.Objects[shopCTX][3]["imagePullSecrets"] = []any{map[string]any{"name": "registry"}, map[string]any{"name": "more"}}
		}},
		{"an annotation that nobody saw", "has the annotation eks.amazonaws.com/role-arn", func(c *cloud) {
			c.Objects[shopCTX][3]["metadata"].(map[string]any)["annotations"] = map[string]any{"eks.amazonaws.com/role-arn": "x", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
		}},
		{"a role binding that nobody saw", "the live RoleBinding/far/extra names shop/default", func(c *cloud) {
			c.Objects[shopCTX] = append(c.Objects[shopCTX], map[string]any{"kind": "RoleBinding", "metadata": map[string]any{"name": "extra", "namespace": "far"},
				"subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": "shop", "name": "default"}}})
		}},
		{"a cluster role binding by user name", "the live ClusterRoleBinding/admin names shop/default", func(c *cloud) {
			c.Objects[shopCTX] = append(c.Objects[shopCTX], map[string]any{"kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "admin"},
				"subjects": []any{map[string]any{"kind": "User", "name": "system:serviceaccount:shop:default"}}})
		}},
		{"another account's key", "no public key of", func(c *cloud) { c.Accounts[account].Keys[1].PEM = keyPairs()[1].pem }},
		{"a deleted key", "no public key of", func(c *cloud) { c.Accounts[account].Keys = c.Accounts[account].Keys[:1] }},
		{"a disabled key", "is disabled", func(c *cloud) { c.Accounts[account].Keys[1].Disabled = true }},
		{"an expired key", "expired at", func(c *cloud) { c.Accounts[account].Keys[1].Expires = "2020-01-01T00:00:00Z" }},
		{"an account that is not there", "could not be read", func(c *cloud) { delete(c.Accounts, account) }},
		{"garbage in place of a public key", "no public key of", func(c *cloud) { c.Accounts[account].Keys[1].PEM = "garbage" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := shopCloud()
			test.change(c)
			plan := sealed(t, shopPlan(t))
			p := newPlace(t, plan, c)
			p.stops(plan, precondition.Grant)
			p.must(1, test.says, "1-grant.sh")
			if got := p.changes(); len(got) != 0 {
				t.Errorf("changes %q", got)
			}
		})
	}
}

// A key whose file names another id is found by its public key.
func TestKeyIsFoundByItsDigest(t *testing.T) {
	plan := shopPlan(t)
	plan.Keys[0].KeyID, plan.Retirements[0].KeyID = otherKey, otherKey
	p := newPlace(t, plan, shopCloud())
	p.must(0, "Everything is granted", "1-grant.sh")
	p.change(merge)
	p.must(0, "keyless", "2-verify.sh")
	p.offset = 15 * 24 * time.Hour
	p.seen(time.Time{})
	p.must(0, "disabled: the key "+keyID, "3-disable.sh")
	if p.cloud().Accounts[account].Keys[0].Disabled {
		t.Error("the key that the file names was disabled, and is another one")
	}
}

func TestOtherSpellingIsThere(t *testing.T) {
	c := shopCloud()
	c.Accounts[account].Policy = []policyBinding{{Role: "roles/iam.workloadIdentityUser", Members: []string{
		"principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"}}}
	p := newPlace(t, shopPlan(t), c)
	p.must(0, "Everything is granted", "1-grant.sh")
	if got := p.changes(); len(got) != 0 {
		t.Errorf("changes %q", got)
	}
	p.must(0, "was there before", "rollback.sh", "grant")
	if got := p.members(); len(got) != 1 {
		t.Errorf("members %v", got)
	}
}

// A policy with conditions refuses bindings that say nothing about conditions.
func TestConditionalPolicy(t *testing.T) {
	c := shopCloud()
	c.Accounts[account].Policy = []policyBinding{{Role: "roles/iam.workloadIdentityUser", Members: []string{member}, Condition: &condition{"until", "request.time < x"}}}
	p := newPlace(t, shopPlan(t), c)
	p.must(0, "Everything is granted", "1-grant.sh")
	if got := p.members(); !slices.Equal(got, []string{member, member}) {
		t.Errorf("members %v", got)
	}
	p.must(0, "taken back", "rollback.sh", "grant")
	if got := p.members(); !slices.Equal(got, []string{member}) {
		t.Errorf("members %v", got)
	}
}

// A cut between a command and its record loses nothing: the next run finishes, and the undo still knows what was done.
func TestCut(t *testing.T) {
	p := newPlace(t, shopPlan(t), shopCloud())
	// The binding is made, and reading it back fails.
	p.change(func(c *cloud) { c.FailOn, c.FailAfter = "get-iam-policy", 1 })
	p.must(1, "could not be read back", "1-grant.sh")
	if got := p.members(); len(got) != 1 {
		t.Fatalf("members %v", got)
	}
	p.change(func(c *cloud) { c.FailOn = "" })
	p.must(0, "Everything is granted", "1-grant.sh")
	p.must(0, "taken back", "rollback.sh", "grant")
	if got := p.members(); len(got) != 0 {
		t.Errorf("members %v", got)
	}
	// A new turn, with evidence of its own.
	p.must(0, "Everything is granted", "1-grant.sh")
	p.change(merge)
	p.must(0, "keyless", "2-verify.sh")
	p.offset = 15 * 24 * time.Hour
	p.seen(time.Now())
	// The key is disabled, and reading it back fails.
	p.change(func(c *cloud) { c.FailOn, c.FailAfter = "keys list", 1 })
	p.must(1, "could not be read back", "3-disable.sh")
	p.change(func(c *cloud) { c.FailOn = "" })
	p.must(0, "disabled by an earlier run", "3-disable.sh")
	p.offset += 31 * 24 * time.Hour
	p.change(func(c *cloud) { c.FailOn, c.FailAfter = "keys list", 1 })
	p.must(1, "could not be read back", "4-delete.sh")
	p.change(func(c *cloud) { c.FailOn = "" })
	p.must(0, "gone: key", "4-delete.sh")
	if got := p.evidence()["delete-1/deleted-"+keyPairs()[0].digest[:16]]; !strings.Contains(got, "by: this script") {
		t.Errorf("evidence %s", got)
	}
}

// Backwards, step by step, and forwards again.
func TestRollback(t *testing.T) {
	p := newPlace(t, shopPlan(t), shopCloud())
	p.must(2, "usage", "rollback.sh")
	p.must(2, "usage", "rollback.sh", "everything")
	p.must(0, "has deleted no key", "rollback.sh", "delete")
	p.must(0, "Everything is granted", "1-grant.sh")
	p.change(merge)
	p.must(1, "has moved", "rollback.sh", "grant")
	p.must(0, "keyless", "2-verify.sh")
	p.offset = 15 * 24 * time.Hour
	p.seen(time.Now())
	p.must(0, "disabled: the key", "3-disable.sh")
	p.must(1, "rollback.sh disable first", "rollback.sh", "merge")
	p.must(0, "are enabled", "rollback.sh", "disable")
	p.must(0, "The keys work", "rollback.sh", "merge")
	p.must(1, "has moved", "rollback.sh", "grant") // nobody has reverted yet
	p.change(unmerge)
	p.must(0, "taken back", "rollback.sh", "grant")
	if got := p.members(); len(got) != 0 {
		t.Errorf("members %v", got)
	}
	if p.cloud().Accounts[account].Keys[1].Disabled {
		t.Error("the key is still disabled")
	}
	// Forwards again: the old verification and the old export count for nothing.
	p.must(0, "Everything is granted", "1-grant.sh")
	p.must(1, "has not verified", "3-disable.sh")
	p.change(merge)
	p.must(0, "keyless", "2-verify.sh")
	p.must(1, "the soak is over at", "3-disable.sh")
	p.offset += 15 * 24 * time.Hour
	p.seen(time.Now())
	p.must(0, "disabled: the key", "3-disable.sh")
	if p.evidence()["disable-2/export-"+keyPairs()[0].digest[:16]] == "" {
		t.Errorf("evidence %v", slices.Sorted(maps.Keys(p.evidence())))
	}
}

func TestDisableRefuses(t *testing.T) {
	for _, test := range []struct {
		name, says string
		change     func(*place)
	}{
		{"no evidence", "Google says nothing about its use", func(p *place) { p.change(func(c *cloud) { c.Activity = nil }) }},
		{"used after the cut-over", "it was used on", func(p *place) { p.seen(time.Now().Add(5 * 24 * time.Hour)) }},
		{"disabled by somebody else", "disabled by somebody else", func(p *place) {
			p.change(func(c *cloud) { c.Accounts[account].Keys[1].Disabled = true })
		}},
		{"deleted by somebody else", "is not this account's, or is deleted", func(p *place) {
			p.change(func(c *cloud) { c.Accounts[account].Keys = c.Accounts[account].Keys[:1] })
		}},
		{"edited evidence", "was edited", func(p *place) {
			for name, text := range p.evidence() {
				if strings.Contains(name, "cutover-") {
					p.write("runbook/evidence/"+name, strings.Replace(text, "pods: 1", "pods: 9", 1), 0o644)
				}
			}
		}},
		{"evidence of another plan", "was edited", func(p *place) {
			for name, text := range p.evidence() {
				if strings.Contains(name, "cutover-") {
					p.write("runbook/evidence/"+name, strings.Replace(text, "plan: ", "plan: 0", 1), 0o644)
				}
			}
		}},
		{"another cluster", "no endpoint of the cluster", func(p *place) { p.change(func(c *cloud) { c.Servers[shopCTX] = "https://198.51.100.1" }) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := sealed(t, shopPlan(t))
			p := newPlace(t, plan, shopCloud())
			p.must(0, "Everything is granted", "1-grant.sh")
			p.change(merge)
			p.must(0, "keyless", "2-verify.sh")
			p.offset = 15 * 24 * time.Hour
			p.seen(time.Now())
			test.change(p)
			p.stops(plan, precondition.Disable)
			before := len(p.changes())
			p.must(1, test.says, "3-disable.sh")
			if got := p.changes(); len(got) != before {
				t.Errorf("changes %q", got[before:])
			}
		})
	}
}

func TestDeleteRefuses(t *testing.T) {
	for _, test := range []struct {
		name, says string
		change     func(*place)
	}{
		{"enabled since", "somebody enabled it", func(p *place) { p.change(func(c *cloud) { c.Accounts[account].Keys[1].Disabled = false }) }},
		{"the cut-over was undone", "was undone or verified again", func(p *place) {
			p.must(0, "are enabled", "rollback.sh", "disable")
			p.must(0, "The keys work", "rollback.sh", "merge")
			for name, text := range p.evidence() { // somebody takes the marker of the disabling away
				if name == "disable-1/rolled-back" {
					_ = text
					p.remove("runbook/evidence/" + name)
				}
			}
		}},
		{"rolled back", "3-disable.sh has not disabled it", func(p *place) { p.must(0, "are enabled", "rollback.sh", "disable") }},
		{"edited cut-over", "was edited", func(p *place) {
			for name, text := range p.evidence() {
				if strings.Contains(name, "cutover-") {
					p.write("runbook/evidence/"+name, strings.Replace(text, "pods: 1", "pods: 0", 1), 0o644)
				}
			}
		}},
		{"edited export", "was edited", func(p *place) {
			for name, text := range p.evidence() {
				if strings.Contains(name, "export-") {
					p.write("runbook/evidence/"+name, text+"to: 2099-01-01T00:00:00Z\n", 0o644)
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := sealed(t, shopPlan(t))
			p := newPlace(t, plan, shopCloud())
			p.must(0, "Everything is granted", "1-grant.sh")
			p.change(merge)
			p.must(0, "keyless", "2-verify.sh")
			p.offset = 15 * 24 * time.Hour
			p.seen(time.Now())
			p.must(0, "disabled: the key", "3-disable.sh")
			p.offset += 31 * 24 * time.Hour
			test.change(p)
			p.stops(plan, precondition.Delete)
			p.must(1, test.says, "4-delete.sh")
			for _, change := range p.changes() {
				if strings.Contains(change, "keys delete") {
					t.Errorf("changed: %s", change)
				}
			}
		})
	}
}

// A key that Google disabled stays disabled.
func TestGoogleDisabled(t *testing.T) {
	p := newPlace(t, shopPlan(t), shopCloud())
	p.must(0, "Everything is granted", "1-grant.sh")
	p.change(merge)
	p.must(0, "keyless", "2-verify.sh")
	p.offset = 15 * 24 * time.Hour
	p.seen(time.Now())
	p.must(0, "disabled: the key", "3-disable.sh")
	p.change(func(c *cloud) { c.Accounts[account].Keys[1].Reason = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_EXPOSED" })
	p.must(1, "it stays disabled", "rollback.sh", "disable")
	if !p.cloud().Accounts[account].Keys[1].Disabled {
		t.Error("a key that Google disabled was enabled")
	}
}

// Without a cluster the grants are made, the rest waits.
func TestNoCluster(t *testing.T) {
	plan := shopPlan(t)
	plan.Clusters, plan.Moves[0].Cluster = nil, ""
	p := newPlace(t, plan, shopCloud())
	p.must(0, "not checked, because the plan knows no cluster", "1-grant.sh")
	if got := p.members(); len(got) != 1 {
		t.Errorf("members %v", got)
	}
	p.must(1, "missing: the cluster of shop/Deployment/api", "2-verify.sh")
	p.offset = 99 * 24 * time.Hour
	p.seen(time.Time{})
	p.must(1, "2-verify.sh has not verified", "3-disable.sh")
	p.must(1, "3-disable.sh has not disabled it", "4-delete.sh")
	p.must(1, "the plan knows no cluster", "rollback.sh", "grant")
}
