package runbook_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"dekey/planner"
	"dekey/rewriter/runbook"
)

var update = flag.Bool("update", false, "write testdata/terraform/plans anew")

// terraformPlans are plans with every kind of grant that the scripts can make.
func terraformPlans(t *testing.T) map[string]planner.Plan {
	list := map[string]planner.Plan{}
	all := plans(t)
	list["one-move"], list["split"] = all["one move"], all["split"]

	there := shopPlan(t)
	there.Moves[0].Grants[0].Exists = true
	list["imported"] = there

	direct := all["direct"]
	member := direct.Moves[0].Grants[0].Member
	for _, g := range [][2]string{
		{"//cloudresourcemanager.googleapis.com/folders/42", "roles/viewer"},
		{"//cloudresourcemanager.googleapis.com/organizations/43", "roles/viewer"},
		{"//pubsub.googleapis.com/projects/acme/subscriptions/orders", "roles/pubsub.subscriber"},
		{"//secretmanager.googleapis.com/projects/acme/secrets/token", "roles/secretmanager.secretAccessor"},
		{"//artifactregistry.googleapis.com/projects/acme/locations/eu/repositories/images", "roles/artifactregistry.reader"},
		{"//run.googleapis.com/projects/acme/locations/europe-west1/services/web", "roles/run.invoker"},
		{"//spanner.googleapis.com/projects/acme/instances/main/databases/orders", "roles/spanner.databaseReader"},
	} {
		direct.Moves[0].Grants = append(direct.Moves[0].Grants, planner.Grant{Resource: g[0], Role: g[1], Member: member, Project: "acme", Exists: true})
	}
	direct.Moves[0].Grants[1].Exists = true // with a condition
	list["direct"] = direct
	return list
}

// What dekey writes is what testdata/terraform holds to the real terraform, and is well formatted.
func TestTerraform(t *testing.T) {
	for name, plan := range terraformPlans(t) {
		files, err := runbook.Files(plan)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := files["terraform/main.tf"]
		if _, diagnostics := hclwrite.ParseConfig(got, name, hcl.InitialPos); diagnostics.HasErrors() || !bytes.Equal(hclwrite.Format(got), got) {
			t.Errorf("%s: not well formatted: %v", name, diagnostics)
		}
		if n := strings.Count(string(got), "\nimport {"); name == "imported" && n != 1 || name == "direct" && n != 8 {
			t.Errorf("%s: %d import blocks", name, n)
		}
		golden := filepath.Join("..", "..", "testdata", "terraform", "plans", name, "main.tf")
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: it is not what testdata/terraform validates (go test ./rewriter/runbook -run TestTerraform -update, then go -C testdata/terraform test ./...):\n%s", name, got)
		}
	}
}
