package runbook_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter/precondition"
	"dekey/rewriter/runbook"
	"dekey/scanner"
)

// The scripts and package precondition ask the same questions in two languages. Here both stand before the same states of
// the world, and must say the same.

// scriptOf is the script of a step.
var scriptOf = map[string]string{precondition.Grant: "1-grant.sh", precondition.Verify: "2-verify.sh", precondition.Disable: "3-disable.sh", precondition.Delete: "4-delete.sh"}

// sealed is a plan with the id of its content.
func sealed(t *testing.T, plan planner.Plan) planner.Plan {
	t.Helper()
	plan, err := planfile.Seal(plan)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// facts reads what a step needs from the stand-ins' cloud, as the programs would answer: what FailOn names fails.
func (c *cloud) facts(needs precondition.Needs) precondition.Facts {
	cut := func(command string) string {
		if c.FailOn != "" && strings.Contains(command, c.FailOn) {
			return "cut"
		}
		return ""
	}
	f := precondition.Facts{Servers: map[string]precondition.Server{}, Lists: map[precondition.List]precondition.Objects{}, Clusters: map[string]precondition.Cluster{},
		APIs: map[precondition.API]precondition.Switch{}, Accounts: map[string]precondition.AccountKeys{}, Policies: map[string]precondition.Policy{}}
	for _, context := range needs.Contexts {
		f.Servers[context] = precondition.Server{URL: c.Servers[context], Why: cut("kubectl config view")}
	}
	for _, list := range needs.Lists {
		objects := precondition.Objects{Why: cut("kubectl get " + list.Kind)}
		for _, o := range c.Objects[list.Context] {
			metadata, _ := o["metadata"].(map[string]any)
			if o["kind"] == list.Kind && (list.Namespace == "" || metadata["namespace"] == list.Namespace) && (list.Name == "" || metadata["name"] == list.Name) {
				objects.Items = append(objects.Items, o)
			}
		}
		f.Lists[list] = objects
	}
	for _, at := range needs.Clusters {
		name := at.Project + "/" + at.Location + "/" + at.Name
		cluster := precondition.Cluster{Why: cut("gcloud container clusters describe")}
		if k := c.Clusters[name]; k == nil {
			cluster.Why = "not found"
		} else {
			cluster.Pool, cluster.Autopilot, cluster.Endpoints = k.Pool, k.Autopilot, []string{k.Endpoint}
			for pool, mode := range k.NodePools {
				cluster.NodePools = append(cluster.NodePools, scanner.NodePool{Name: pool, MetadataMode: mode, Labels: k.PoolLabels[pool], Taints: k.PoolTaints[pool]})
			}
		}
		f.Clusters[name] = cluster
	}
	for _, api := range needs.APIs {
		f.APIs[api] = precondition.Switch{On: slices.Contains(c.APIs[api.Project], api.Name), Why: cut("gcloud services list")}
	}
	for _, need := range needs.Accounts {
		f.Accounts[need.Email] = c.accountKeys(need, cut)
	}
	for _, g := range needs.Policies {
		f.Policies[g.Resource] = c.policyOf(g.Resource, cut("gcloud get-iam-policy"))
	}
	return f
}

func (c *cloud) accountKeys(need precondition.Account, cut func(string) string) precondition.AccountKeys {
	account := precondition.AccountKeys{Why: cut("gcloud iam service-accounts keys list")}
	a := c.Accounts[need.Email]
	if a == nil {
		account.Why = "not found"
		return account
	}
	for _, k := range a.Keys {
		key := precondition.Key{ID: k.ID, Disabled: k.Disabled, Reason: k.Reason}
		key.Expires, _ = time.Parse(time.RFC3339, k.Expires)
		if i := slices.IndexFunc(keyPairs(), func(p certified) bool { return p.pem == k.PEM }); i >= 0 && need.Digests && cut("get-public-key") == "" {
			key.Digest = keyPairs()[i].digest
		}
		if slices.ContainsFunc(need.Use, func(r runbook.Retiree) bool { return r.Key == key.Digest }) {
			key.Use = &precondition.Use{Why: cut("gcloud policy-intelligence query-activity")}
			if seen, ok := c.Activity["//iam.googleapis.com/projects/"+need.Project+"/serviceAccounts/"+need.Email+"/keys/"+k.ID]; ok && !k.Disabled {
				key.Use.Last, _ = time.Parse(time.RFC3339, seen.Last)
				key.Use.From, _ = time.Parse(time.RFC3339, seen.From)
				key.Use.To, _ = time.Parse(time.RFC3339, seen.To)
			}
		}
		account.Keys = append(account.Keys, key)
	}
	return account
}

func (c *cloud) policyOf(resource, why string) precondition.Policy {
	policy := precondition.Policy{Why: why}
	bindings, found := c.Projects[strings.TrimPrefix(resource, "//cloudresourcemanager.googleapis.com/projects/")], true
	if _, email, ok := strings.Cut(resource, "/serviceAccounts/"); ok {
		a := c.Accounts[email]
		if found = a != nil; found {
			bindings = a.Policy
		}
	}
	if !found {
		policy.Why = "not found"
	}
	for _, b := range bindings {
		binding := scanner.Binding{Role: b.Role, Members: b.Members}
		if b.Condition != nil {
			binding.Title, binding.Condition = b.Condition.Title, b.Condition.Expression
		}
		policy.Bindings = append(policy.Bindings, binding)
	}
	return policy
}

// check is the verdict of package precondition on the place as it is now.
func (p *place) check(plan planner.Plan, step string) precondition.Result {
	p.t.Helper()
	needs, err := precondition.NeedsOf(plan, step)
	if err != nil {
		p.t.Fatal(err)
	}
	files, err := runbook.Files(plan)
	if err != nil {
		p.t.Fatal(err)
	}
	in := precondition.Input{Step: step, Plan: plan, ChangesetPlan: plan.ID, Facts: p.cloud().facts(needs), Now: time.Now().Add(p.offset),
		Evidence: runbook.ReadEvidence(os.DirFS(filepath.Join(p.dir, "runbook", "evidence")), plan.ID)}
	for name, content := range files {
		sum := sha256.Sum256(content)
		in.Written = append(in.Written, scanner.FileDigest{Path: name, SHA256: hex.EncodeToString(sum[:])})
		if content, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(name))); err == nil {
			sum := sha256.Sum256(content)
			in.Found = append(in.Found, scanner.FileDigest{Path: name, SHA256: hex.EncodeToString(sum[:])})
		}
	}
	result, err := precondition.Check(in)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// same demands that script and check say the same. code is the condition that check must name, "" for a step that goes on.
func (p *place) same(plan planner.Plan, step, code string) {
	p.t.Helper()
	result := p.check(plan, step)
	exit, out := p.run(scriptOf[step])
	if result.Go != (exit == 0) || result.Go != (code == "") {
		p.t.Errorf("%s: check says go=%v and the script exits %d, want %q:\n%s\n%s", step, result.Go, exit, code, failing(result), out)
		return
	}
	if code != "" && !strings.Contains(failing(result), code+" ") {
		p.t.Errorf("%s: check does not name %s:\n%s\n%s", step, code, failing(result), out)
	}
}

// stops demands that check stops the step.
func (p *place) stops(plan planner.Plan, step string) {
	p.t.Helper()
	if result := p.check(plan, step); result.Go {
		p.t.Errorf("check lets %s go on", step)
	}
}

func failing(r precondition.Result) string {
	var b strings.Builder
	for _, c := range r.Conditions {
		if c.Needed && c.Holds != scanner.Yes {
			fmt.Fprintf(&b, "%s %s %s: %s\n", c.Code, c.Holds, c.Object, c.Reason)
		}
	}
	return b.String()
}

// copyOf is a place in the same state, for one test.
func (p *place) copyOf(t *testing.T) *place {
	t.Helper()
	other := &place{t: t, dir: t.TempDir(), offset: p.offset}
	if err := os.CopyFS(other.dir, os.DirFS(p.dir)); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return other
}

// A stage is how far a migration has come.
type stage int

const (
	begun stage = iota
	granted
	merged
	verified
	soaked
	disabled
	soakedAgain
	deleted
	stages
)

// journey is a place in every stage.
func journey(t *testing.T, plan planner.Plan) [stages]*place {
	t.Helper()
	var at [stages]*place
	p := newPlace(t, plan, shopCloud())
	step := func(s stage) { at[s] = p; p = p.copyOf(t) }
	step(begun)
	p.must(0, "Everything is granted", "1-grant.sh")
	step(granted)
	p.change(merge)
	step(merged)
	p.must(0, "keyless", "2-verify.sh")
	step(verified)
	p.offset = 15 * 24 * time.Hour
	p.seen(time.Now())
	step(soaked)
	p.must(0, "disabled: the key", "3-disable.sh")
	step(disabled)
	p.offset += 31 * 24 * time.Hour
	step(soakedAgain)
	p.must(0, "deleted: key", "4-delete.sh")
	step(deleted)
	return at
}

func TestParity(t *testing.T) {
	plan := sealed(t, shopPlan(t))
	at := journey(t, plan)

	// Every step in every stage.
	const g, v, d, x = precondition.Grant, precondition.Verify, precondition.Disable, precondition.Delete
	for s, want := range [stages]map[string]string{
		begun:       {g: "", v: precondition.CodeServiceAccount, d: precondition.CodeCutOver, x: precondition.CodeDisabled},
		granted:     {g: "", v: precondition.CodePods, d: precondition.CodeCutOver, x: precondition.CodeDisabled},
		merged:      {g: "", v: "", d: precondition.CodeCutOver, x: precondition.CodeDisabled},
		verified:    {g: "", v: "", d: precondition.CodeSoak, x: precondition.CodeDisabled},
		soaked:      {g: "", v: "", d: "", x: precondition.CodeDisabled},
		disabled:    {g: "", v: "", d: "", x: precondition.CodeSoak},
		soakedAgain: {g: "", v: "", d: "", x: ""},
		deleted:     {g: "", v: "", d: "", x: ""},
	} {
		for _, step := range []string{g, v, d, x} {
			t.Run(fmt.Sprintf("stage %d/%s", s, step), func(t *testing.T) { at[s].copyOf(t).same(plan, step, want[step]) })
		}
	}
	for _, test := range doubts() {
		t.Run(test.step+"/"+test.name, func(t *testing.T) {
			p := at[test.at].copyOf(t)
			test.change(p)
			p.same(plan, test.step, test.code)
		})
	}
}

// What Monitoring counted only check can see: gcloud has no command for metrics.
func TestMonitoringIsSeenByCheckAlone(t *testing.T) {
	plan := sealed(t, shopPlan(t))
	p := journey(t, plan)[soaked]
	needs, err := precondition.NeedsOf(plan, precondition.Disable)
	if err != nil {
		t.Fatal(err)
	}
	facts := p.cloud().facts(needs)
	for i, key := range facts.Accounts[account].Keys {
		if key.Use != nil {
			count := int64(3)
			facts.Accounts[account].Keys[i].Use.Authentications = &count
		}
	}
	result, err := precondition.Check(precondition.Input{Step: precondition.Disable, Plan: plan, ChangesetPlan: plan.ID, Facts: facts, Now: time.Now().Add(p.offset),
		Evidence: runbook.ReadEvidence(os.DirFS(filepath.Join(p.dir, "runbook", "evidence")), plan.ID)})
	if err != nil {
		t.Fatal(err)
	}
	if result.Go || !strings.Contains(failing(result), "Monitoring counted 3") {
		t.Errorf("go=%v\n%s", result.Go, failing(result))
	}
}

// A key that Terraform makes is deleted by Terraform: under its block the next apply would make a new one.
func TestTerraformKey(t *testing.T) {
	plan := shopPlan(t)
	plan.Retirements[0].Makers = []scanner.KeyMaker{{Account: account, Resource: "google_service_account_key.api", Origin: scanner.Origin{Path: "infra/it's.tf", Line: 7}}}
	plan = sealed(t, plan)
	p := newPlace(t, plan, shopCloud())
	p.must(0, "Everything is granted", "1-grant.sh")
	p.change(merge)
	p.must(0, "keyless", "2-verify.sh")
	p.offset = 15 * 24 * time.Hour
	p.seen(time.Now())
	p.must(0, "disabled: the key", "3-disable.sh")
	p.offset += 31 * 24 * time.Hour
	p.must(1, "remove google_service_account_key.api (infra/it's.tf:7) and apply", "4-delete.sh")
	p.same(plan, precondition.Delete, precondition.CodeKeyState)
	p.change(func(c *cloud) { c.Accounts[account].Keys = c.Accounts[account].Keys[:1] }) // the apply
	p.same(plan, precondition.Delete, "")
	for _, change := range p.changes() {
		if strings.Contains(change, "keys delete") {
			t.Errorf("the script deleted a key of Terraform's: %s", change)
		}
	}
}
