package lint_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/planner"
)

// What Terraform can write in many ways.
var terraformCases = []struct {
	name  string
	files map[string]string
	want  []string
}{
	{"a key that is counted out", map[string]string{"a.tf": "resource \"google_service_account_key\" \"k\" {\n  count = 0\n}\n"}, []string{}},
	{"a key for nobody", map[string]string{"a.tf": "resource \"google_service_account_key\" \"k\" {\n  for_each = toset([])\n}\nresource \"google_service_account_key\" \"l\" {\n  for_each = {}\n}\n"}, []string{}},
	{"a key that may be counted in", map[string]string{"a.tf": "resource \"google_service_account_key\" \"k\" {\n  count = var.keys ? 1 : 0\n}\n"}, []string{"a.tf:1 key-resource"}},
	{"a key for each", map[string]string{"a.tf": "resource \"google_service_account_key\" \"k\" {\n  for_each = toset([\"a\"])\n}\n"}, []string{"a.tf:1 key-resource"}},
	{"a grant that is counted out", map[string]string{"a.tf": account, "b.tf": counted("count = 0"), "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, []string{"a.yaml:7 annotation-without-grant"}},
	{"a grant that may be counted in", map[string]string{"a.tf": account, "b.tf": counted("count = local.one"), "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, []string{}},
	{"a grant for each", map[string]string{"a.tf": account, "b.tf": counted("for_each = toset(var.names)"), "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, []string{}},

	{"a policy as an object", map[string]string{"a.tf": policy(`jsonencode({ bindings = [{ role = "roles/iam.workloadIdentityUser", members = ["serviceAccount:123456789012.svc.id.goog[shop/api]"] }] })`)}, []string{"a.tf:1 authoritative-iam", "a.tf:1 project-wide-grant", "a.tf:3 malformed-principal"}},
	{"a policy as text", map[string]string{"a.tf": policy("<<EOF\n{\"bindings\": [{\"role\": \"roles/iam.workloadIdentityUser\", \"members\": [\"serviceAccount:${var.project}.svc.id.goog[shop/api]\"]}]}\nEOF")}, []string{"a.tf:1 authoritative-iam", "a.tf:1 project-wide-grant"}},
	{"a policy as text that lists the grant", map[string]string{"a.tf": "resource \"google_service_account_iam_policy\" \"p\" {\n  service_account_id = \"projects/acme/serviceAccounts/" + email + "\"\n  policy_data = <<EOF\n{\"bindings\": [{\"role\": \"roles/iam.workloadIdentityUser\", \"members\": [\"serviceAccount:acme.svc.id.goog[shop/api]\"]}]}\nEOF\n}\n", "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, []string{"a.tf:1 authoritative-iam"}},
	{"a policy of a file", map[string]string{"a.tf": policy(`file("policy.json")`)}, []string{"a.tf:1 authoritative-iam"}},
	{"a policy that nobody can read", map[string]string{"a.tf": policy(`jsonencode(var.policy)`)}, []string{"a.tf:1 authoritative-iam"}},

	{"a prefix with blanks", map[string]string{"a.tf": condition(`resource.name.startsWith (\"projects/_/buckets/my-app\")`)}, []string{"a.tf:6 prefix-condition"}},
	{"a prefix that is a local", map[string]string{"a.tf": "locals {\n  bucket = \"projects/_/buckets/my-app\"\n}\n" + condition(`resource.name.startsWith('${local.bucket}')`)}, []string{"a.tf:9 prefix-condition"}},
	{"a prefix that is a local, with its slash", map[string]string{"a.tf": "locals {\n  bucket = \"projects/_/buckets/my-app\"\n}\n" + condition(`resource.name.startsWith('${local.bucket}/')`)}, []string{}},
	{"members of old", map[string]string{"a.sh": fmt.Sprintf(wi, "deleted:serviceAccount:"+email+"?uid=123")}, []string{}},
}

func counted(argument string) string {
	return "resource \"google_service_account_iam_member\" \"api\" {\n  " + argument + "\n  service_account_id = google_service_account.api.id\n  role = \"roles/iam.workloadIdentityUser\"\n  member = \"serviceAccount:acme.svc.id.goog[shop/api]\"\n}\n"
}

func policy(data string) string {
	return "resource \"google_project_iam_policy\" \"p\" {\n  project = \"acme\"\n  policy_data = " + data + "\n}\n"
}

func TestTerraform(t *testing.T) {
	for _, test := range terraformCases {
		t.Run(test.name, func(t *testing.T) {
			result := run(t, test.files, planner.Policy{Now: day("2026-11-22")})
			if diff := cmp.Diff(test.want, summary(result)); diff != "" {
				t.Errorf("violations (-want +got)\n%s", diff)
				for _, v := range result.Violations {
					t.Logf("%s: %s", v.Object, v.Text)
				}
			}
		})
	}
}
