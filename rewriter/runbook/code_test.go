package runbook_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"dekey/planner"
	"dekey/rewriter/runbook"
)

// Terraform and Config Connector say exactly the grants that 1-grant.sh makes.
func TestTheSameGrants(t *testing.T) {
	for name, plan := range plans(t) {
		files, err := runbook.Files(plan)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		add := func(grants []planner.Grant) {
			for _, g := range grants {
				want = append(want, g.Role+" "+g.Member+" "+g.Condition)
			}
		}
		for _, account := range plan.Accounts {
			add(account.Grants)
		}
		for _, move := range plan.Moves {
			add(move.Grants)
		}
		slices.Sort(want)
		if len(want) == 0 {
			if files["terraform/main.tf"] != nil {
				t.Errorf("%s: Terraform without a grant", name)
			}
			continue
		}
		if got := hclGrants(t, plan, files["terraform/main.tf"]); !slices.Equal(got, want) {
			t.Errorf("%s: Terraform grants %q, want %q", name, got, want)
		}
		if got := connectorGrants(t, files); !slices.Equal(got, want) {
			t.Errorf("%s: Config Connector grants %q, want %q", name, got, want)
		}
	}
}

func hclGrants(t *testing.T, plan planner.Plan, text []byte) []string {
	t.Helper()
	file, diagnostics := hclparse.NewParser().ParseHCL(text, "main.tf")
	if diagnostics.HasErrors() {
		t.Fatalf("%v\n%s", diagnostics, text)
	}
	if formatted := hclwrite.Format(text); !bytes.Equal(formatted, text) {
		t.Errorf("not formatted:\n%s", text)
	}
	var grants []string
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		if block.Type != "resource" || !strings.HasSuffix(block.Labels[0], "_iam_member") {
			if block.Type == "resource" && block.Labels[0] != "google_service_account" {
				t.Errorf("an authoritative resource: %v", block.Labels)
			}
			continue
		}
		text := func(b *hclsyntax.Body, name string) string {
			if b.Attributes[name] == nil {
				return ""
			}
			value, diagnostics := b.Attributes[name].Expr.Value(nil)
			if diagnostics.HasErrors() { // a reference to a new account
				return "serviceAccount:" + plan.Accounts[0].Email
			}
			return value.AsString()
		}
		condition := ""
		for _, inner := range block.Body.Blocks {
			condition = text(inner.Body, "expression")
		}
		grants = append(grants, text(block.Body, "role")+" "+text(block.Body, "member")+" "+condition)
	}
	slices.Sort(grants)
	return grants
}

func connectorGrants(t *testing.T, files map[string][]byte) []string {
	t.Helper()
	var grants []string
	for path, content := range files {
		if !strings.HasPrefix(path, "config-connector/") {
			continue
		}
		decoder := yaml.NewDecoder(bytes.NewReader(content))
		for {
			var o struct {
				Kind     string
				Metadata struct{ Name, Namespace string }
				Spec     struct {
					Member, Role string
					Condition    struct{ Expression string }
					ResourceRef  struct{ Kind, Name, External string } `yaml:"resourceRef"`
				}
			}
			if err := decoder.Decode(&o); err != nil {
				if err.Error() != "EOF" {
					t.Fatalf("%v\n%s", err, content)
				}
				break
			}
			if o.Kind != "IAMPolicyMember" {
				if o.Kind != "IAMServiceAccount" {
					t.Errorf("an authoritative object: %s", o.Kind)
				}
				continue
			}
			if !planner.ValidName(o.Metadata.Name) || (o.Spec.ResourceRef.Name == "") == (o.Spec.ResourceRef.External == "") {
				t.Errorf("%+v", o)
			}
			grants = append(grants, o.Spec.Role+" "+o.Spec.Member+" "+o.Spec.Condition.Expression)
		}
	}
	slices.Sort(grants)
	return grants
}

// Grants that were there are imported, and no others.
func TestImports(t *testing.T) {
	plan := shopPlan(t)
	plan.Moves[0].Grants[0].Exists = true
	files, err := runbook.Files(plan)
	if err != nil {
		t.Fatal(err)
	}
	want := `  id = "projects/acme/serviceAccounts/api@acme.iam.gserviceaccount.com roles/iam.workloadIdentityUser serviceAccount:acme.svc.id.goog[shop/api]"`
	if !bytes.Contains(files["terraform/main.tf"], []byte(want)) {
		t.Errorf("no import:\n%s", files["terraform/main.tf"])
	}
	plan.Moves[0].Grants[0].Exists = false
	if files, _ = runbook.Files(plan); bytes.Contains(files["terraform/main.tf"], []byte("import {")) {
		t.Errorf("an import of what is not there:\n%s", files["terraform/main.tf"])
	}
}

// Terraform itself judges the format, where it is installed.
func TestTerraformFormat(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Log("NOT SHOWN: terraform is not installed, so its own judgement of the format is missing")
		return
	}
	for name, plan := range plans(t) {
		files, err := runbook.Files(plan)
		if err != nil {
			t.Fatal(err)
		}
		if files["terraform/main.tf"] == nil {
			continue
		}
		file := filepath.Join(t.TempDir(), "main.tf")
		if err := os.WriteFile(file, files["terraform/main.tf"], 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(terraform, "fmt", "-check", "-diff", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// The probe is YAML, one pod for each service account, and prints no token.
func TestProbe(t *testing.T) {
	files, err := runbook.Files(shopPlan(t))
	if err != nil {
		t.Fatal(err)
	}
	var pod struct {
		Kind string
		Spec struct {
			ServiceAccountName string `yaml:"serviceAccountName"`
			Containers         []struct{ Command []string }
		}
	}
	if err := yaml.Unmarshal(files["runbook/probe.yaml"], &pod); err != nil {
		t.Fatalf("%v\n%s", err, files["runbook/probe.yaml"])
	}
	if pod.Kind != "Pod" || pod.Spec.ServiceAccountName != "api" || len(pod.Spec.Containers) != 1 {
		t.Errorf("%+v", pod)
	}
	script := pod.Spec.Containers[0].Command[2]
	if !strings.Contains(script, `-o /dev/null -w '%{http_code}' "$at/instance/service-accounts/default/token"`) {
		t.Errorf("the token may be printed:\n%s", script)
	}
}
