package runbook_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mvdan.cc/sh/v3/syntax"

	"dekey/planner"
	"dekey/rewriter/runbook"
	"dekey/scanner"
)

// plans are one of each kind.
func plans(t *testing.T) map[string]planner.Plan {
	list := map[string]planner.Plan{"one move": shopPlan(t), "nothing": {ID: "0"}}

	none := shopPlan(t)
	none.Clusters, none.Moves[0].Cluster = nil, ""
	list["no cluster"] = none

	contextOnly := shopPlan(t)
	contextOnly.Clusters = []planner.ClusterRef{{ID: "kind", Context: "it's $(here)", Server: "https://127.0.0.1:6443"}}
	contextOnly.Moves[0].Cluster = "kind"
	list["a context without a name"] = contextOnly

	direct := shopPlan(t)
	uri := planner.Principal{Pool: pool, Number: "123456789012", Namespace: "shop", Name: "api"}.URI()
	direct.Moves[0].Model, direct.Moves[0].Keys, direct.Moves[0].Prove = planner.Direct, nil, nil
	direct.Moves[0].Grants = []planner.Grant{
		{Resource: "//storage.googleapis.com/projects/_/buckets/acme-data", Role: "roles/storage.objectViewer", Member: uri, Project: "acme"},
		{Resource: "//cloudresourcemanager.googleapis.com/projects/acme", Role: "roles/pubsub.publisher", Member: uri, Project: "acme",
			Condition: `resource.name.startsWith("projects/_/buckets/a,b") && request.time < timestamp("2030-01-01T00:00:00Z")`, Title: "until, 'then'"},
		{Resource: "//pubsub.googleapis.com/projects/acme/topics/orders", Role: "roles/pubsub.publisher", Member: uri, Project: "acme"},
		{Resource: "//cloudkms.googleapis.com/projects/acme/locations/eu/keyRings/ring/cryptoKeys/key", Role: "roles/cloudkms.cryptoKeyDecrypter", Member: uri, Project: "acme"},
	}
	list["direct"] = direct

	split := shopPlan(t)
	email := "wlifgke-shop-api@acme.iam.gserviceaccount.com"
	split.Accounts = []planner.NewAccount{{Email: email, Project: "acme", DisplayName: "shop's `api`\n$(rm)", For: split.Moves[0].Workload, Grants: []planner.Grant{
		{Resource: "//cloudresourcemanager.googleapis.com/projects/acme", Role: "roles/pubsub.publisher", Member: "serviceAccount:" + email, Project: "acme"}}}}
	split.Moves[0].Account = email
	split.Moves[0].Grants[0].Resource = planner.AccountResource(email)
	list["split"] = split

	list["live"] = livePlan(t)

	cron := shopPlan(t)
	cron.Moves[0].Workload.Kind, cron.Moves[0].Workload.APIVersion = "CronJob", "batch/v1beta1"
	cron.Moves[0].Schedule, cron.Moves[0].Period = "0 0 1 * *", 31*24*3600
	for i := range cron.Moves[0].Edits {
		cron.Moves[0].Edits[i].Object = cron.Moves[0].Workload
		text := strings.Replace(cron.Moves[0].Edits[i].Field.String(), "spec.template", "spec.jobTemplate.spec.template", 1)
		cron.Moves[0].Edits[i].Field = field(t, text)
	}
	cron.Retirements[0].Workloads = []scanner.Ref{cron.Moves[0].Workload}
	list["a monthly job"] = cron
	return list
}

func TestScriptsParse(t *testing.T) {
	dir := t.TempDir()
	arguments := []string{"--shell=bash"}
	for name, plan := range plans(t) {
		files, err := runbook.Files(plan)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for path, content := range files {
			if !strings.HasSuffix(path, ".sh") {
				continue
			}
			if _, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(bytes.NewReader(content), path); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			full := filepath.Join(dir, strings.NewReplacer("/", "_", " ", "_").Replace(name+"_"+path))
			if err := os.WriteFile(full, content, 0o644); err != nil {
				t.Fatal(err)
			}
			arguments = append(arguments, full)
		}
	}
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Log("NOT SHOWN: shellcheck is not installed, so the scripts are only parsed")
		return
	}
	if out, err := exec.Command(shellcheck, arguments...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// calls are the commands of a script that start with one of the programs, with run, show and retry looked through.
func calls(t *testing.T, script []byte, program string) [][]string {
	t.Helper()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(bytes.NewReader(script), "")
	if err != nil {
		t.Fatal(err)
	}
	var list [][]string
	syntax.Walk(file, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok {
			return true
		}
		var words []string
		for _, word := range call.Args {
			var b strings.Builder
			if err := syntax.NewPrinter().Print(&b, word); err != nil {
				t.Fatal(err)
			}
			words = append(words, b.String())
		}
		if i := slices.Index(words, program); i >= 0 && (i == 0 || words[0] == "run" || words[0] == "retry" || words[0] == "bind" || words[0] == "unbind") {
			list = append(list, words[i:])
		}
		return true
	})
	return list
}

// Every kubectl call names its context and every gcloud call its project, and nothing calls another tool.
func TestEveryCallIsAddressed(t *testing.T) {
	for name, plan := range plans(t) {
		files, err := runbook.Files(plan)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for path, content := range files {
			if !strings.HasSuffix(path, ".sh") {
				continue
			}
			for program, flag := range map[string]string{"kubectl": "--context=", "gcloud": "--project="} {
				for _, argv := range calls(t, content, program) {
					found++
					if !slices.ContainsFunc(argv, func(word string) bool { return strings.HasPrefix(strings.TrimLeft(word, "'\""), flag) }) {
						t.Errorf("%s: %s: %s without %s", name, path, strings.Join(argv, " "), flag)
					}
				}
			}
			for _, tool := range []string{"jq", "dekey", "python3", "yq", "curl"} {
				if got := calls(t, content, tool); len(got) > 0 {
					t.Errorf("%s: %s calls %q", name, path, got)
				}
			}
		}
		if found == 0 && len(plan.Moves) > 0 {
			t.Errorf("%s: no call was found", name)
		}
	}
}

// The member of every grant stands literally in 1-grant.sh, and grants of every kind are made and taken back.
func TestGrants(t *testing.T) {
	for name, plan := range plans(t) {
		files, err := runbook.Files(plan)
		if err != nil {
			t.Fatal(err)
		}
		for _, move := range plan.Moves {
			for _, grant := range move.Grants {
				if !bytes.Contains(files["runbook/1-grant.sh"], []byte(grant.Member)) {
					t.Errorf("%s: %s is not in 1-grant.sh", name, grant.Member)
				}
			}
		}
	}
}

// Names that no system accepts reach no script, whoever wrote the plan.
func TestHostileNames(t *testing.T) {
	for _, bad := range []string{"a b", "a\nb", "$(id)", "a'b", "a`b", "\x1b[31m", "-x", "é", "a;b", "../a"} {
		for name, change := range map[string]func(*planner.Plan){
			"account":         func(p *planner.Plan) { p.Moves[0].Account = bad + "@acme.iam.gserviceaccount.com" },
			"namespace":       func(p *planner.Plan) { p.Moves[0].Workload.Namespace = bad },
			"workload":        func(p *planner.Plan) { p.Moves[0].Workload.Name = bad },
			"service account": func(p *planner.Plan) { p.Moves[0].ServiceAccount.Name = bad },
			"old account":     func(p *planner.Plan) { p.Moves[0].Before = bad },
			"new account": func(p *planner.Plan) {
				p.Accounts = []planner.NewAccount{{Email: bad + "@acme.iam.gserviceaccount.com", Project: "acme"}}
			},
		} {
			plan := shopPlan(t)
			change(&plan)
			if _, err := runbook.Files(plan); err == nil {
				t.Errorf("the %s %q reached a script", name, bad)
			}
		}
	}
}

// A cluster-scoped resource (a ClusterIssuer) has no namespace; its controller's service account has one.
func TestClusterScoped(t *testing.T) {
	plan := shopPlan(t)
	move := &plan.Moves[0]
	move.Workload = scanner.Ref{APIVersion: "cert-manager.io/v1", Kind: "ClusterIssuer", Name: "letsencrypt"}
	move.Edits = []planner.Edit{{Object: move.Workload, Op: planner.OpRemove, Field: field(t, "spec.acme.solver.cloudDNS.serviceAccountSecretRef")}}
	plan.Retirements[0].Workloads = []scanner.Ref{move.Workload}
	files, err := runbook.Files(plan)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if strings.HasSuffix(name, "2-verify.sh") && !bytes.Contains(content, []byte("check_fields")) {
			t.Error("2-verify.sh does not ask about the resource")
		}
	}
	move.ServiceAccount.Namespace = ""
	if _, err := runbook.Files(plan); err == nil {
		t.Error("a service account without a namespace reached a script")
	}
}

// What is text and no name is quoted: nothing of it runs.
func TestHostileText(t *testing.T) {
	for _, text := range []string{"$(touch /tmp/dekey-pwned)", "`id`", "'; id; '", "\"; id; \"", "\\", "!!", "|x|", "*"} {
		plan := plans(t)["direct"]
		plan.Moves[0].Grants[1].Condition, plan.Moves[0].Grants[1].Title = text, text
		plan.Clusters[0].Context = text
		plan.Findings[0].Named, plan.Findings[0].Secret.Name = text, text
		plan.Retirements[0].BlockedBy = []planner.Blocker{{Code: "gaps", What: text + "\n" + text}}
		files, err := runbook.Files(plan)
		if err != nil {
			continue // refused
		}
		for path, content := range files {
			if !strings.HasSuffix(path, ".sh") {
				continue
			}
			file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(bytes.NewReader(content), path)
			if err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			syntax.Walk(file, func(node syntax.Node) bool {
				if call, ok := node.(*syntax.CallExpr); ok && len(call.Args) > 0 && (call.Args[0].Lit() == "id" || call.Args[0].Lit() == "touch") {
					t.Errorf("%q became a command in %s", text, path)
				}
				return true
			})
		}
	}
}

// A conditional grant, and grants on other resources, go to gcloud as they were planned.
func TestDirectModel(t *testing.T) {
	plan := plans(t)["direct"]
	plan.Moves[0].Grants = plan.Moves[0].Grants[1:2] // the stub has projects
	c := shopCloud()
	c.Projects = map[string][]policyBinding{"acme": {{Role: "roles/owner", Members: []string{"user:me@example.com"}}}}
	p := newPlace(t, plan, c)
	p.must(0, "Everything is granted", "1-grant.sh")
	got := p.cloud().Projects["acme"]
	grant := plan.Moves[0].Grants[0]
	if len(got) != 2 || got[1].Condition == nil || got[1].Condition.Expression != grant.Condition || got[1].Condition.Title != grant.Title || got[1].Members[0] != grant.Member {
		t.Errorf("policy %+v", got)
	}
	p.must(0, "taken back", "rollback.sh", "grant")
	if got := p.cloud().Projects["acme"]; len(got[1].Members) != 0 || len(got[0].Members) != 1 {
		t.Errorf("policy %+v", got)
	}
}

// The accounts of a split are made once, and only those are deleted again.
func TestSplit(t *testing.T) {
	plan := plans(t)["split"]
	p := newPlace(t, plan, shopCloud())
	p.must(0, "Everything is granted", "1-grant.sh")
	p.must(0, "Everything is granted", "1-grant.sh")
	if p.cloud().Accounts[plan.Accounts[0].Email] == nil {
		t.Fatal("the account is not there")
	}
	p.must(0, "deleted: the account", "rollback.sh", "grant")
	if p.cloud().Accounts[plan.Accounts[0].Email] != nil || p.cloud().Accounts[account] == nil {
		t.Errorf("accounts %v", p.cloud().Accounts)
	}
	c := shopCloud()
	c.Accounts[plan.Accounts[0].Email] = &gsa{Project: "acme", UniqueID: "7"}
	p = newPlace(t, plan, c)
	p.must(0, "Everything is granted", "1-grant.sh")
	p.must(0, "taken back", "rollback.sh", "grant")
	if p.cloud().Accounts[plan.Accounts[0].Email] == nil {
		t.Error("an account that was there before was deleted")
	}
}

// The soak is the longer of the policy's and the longest consumer's schedule plus two days.
func TestSoak(t *testing.T) {
	plan := plans(t)["a monthly job"]
	files, err := runbook.Files(plan)
	if err != nil {
		t.Fatal(err)
	}
	if want := " " + "2851200" + " 0\n"; !bytes.Contains(files["runbook/3-disable.sh"], []byte(want)) { // 33 days
		t.Errorf("3-disable.sh does not wait 33 days")
	}
	plan.Moves[0].Period = 0
	files, err = runbook.Files(plan)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(files["runbook/3-disable.sh"], []byte("how often shop/CronJob/api runs is not known")) {
		t.Error("an unknown schedule has a soak")
	}
}

// Keys that something holds up are in no script.
func TestListedKeys(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*planner.Plan)
		listed bool
	}{
		{"only Google's evidence is missing", func(*planner.Plan) {}, true},
		{"a consumer has not moved", func(p *planner.Plan) { p.Retirements[0].Consumers = 2 }, false},
		{"a consumer is not among the moves", func(p *planner.Plan) { p.Retirements[0].Workloads[0].Name = "other" }, false},
		{"something could not be read", func(p *planner.Plan) {
			p.Retirements[0].BlockedBy = []planner.Blocker{{Code: planner.BlockerGaps, What: "2 places"}}
		}, false},
		{"it is in use", func(p *planner.Plan) { p.Retirements[0].BlockedBy = []planner.Blocker{{Code: planner.BlockerInUse}} }, false},
		{"known only by its account", func(p *planner.Plan) { p.Retirements[0].Key = "" }, false},
		{"nothing uses it, and Google was not asked", func(p *planner.Plan) {
			p.Retirements[0].Consumers, p.Retirements[0].Moved, p.Retirements[0].Workloads = 0, 0, nil
		}, false},
		{"nothing uses it, and Google says so too", func(p *planner.Plan) {
			p.Retirements[0].Consumers, p.Retirements[0].Moved, p.Retirements[0].Workloads = 0, 0, nil
			p.Retirements[0].NotUsedAt = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
		}, true},
	} {
		plan := shopPlan(t)
		test.change(&plan)
		files, err := runbook.Files(plan)
		if err != nil {
			t.Fatal(err)
		}
		for path, call := range map[string]string{"runbook/3-disable.sh": "begin_key " + account, "runbook/4-delete.sh": "delete_key " + account} {
			if got := bytes.Contains(files[path], []byte("  "+call)); got != test.listed {
				t.Errorf("%s: in %s: %v", test.name, path, got)
			}
		}
	}
}
