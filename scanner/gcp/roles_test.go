package gcp_test

import (
	"slices"
	"strings"
	"testing"

	"dekey/scanner/gcp"
	"dekey/scanner/gcp/gcptest"
)

// A refusal names a permission and a role: both are among those that `dekey permissions` prints for the scan.
func TestEveryRefusalIsAmongTheRoles(t *testing.T) {
	const gsa = "api-gsa@demo-proj.iam.gserviceaccount.com"
	for _, method := range []string{
		"iam.v1:projects.serviceAccounts.get", "iam.v1:projects.serviceAccounts.getIamPolicy", "iam.v1:projects.serviceAccounts.keys.get", "iam.v1:projects.serviceAccounts.keys.list",
		"container.*", "cloudresourcemanager.v3:projects.get", "cloudresourcemanager.v3:projects.getIamPolicy", "cloudresourcemanager.v1:*",
		"policyanalyzer.*", "monitoring.*", "cloudasset.*", "serviceusage.*", "orgpolicy.*",
	} {
		t.Run(method, func(t *testing.T) {
			k := key("own")
			google, c := open(t, func(s *gcptest.State) { s.Project(project, "").Account(gsa) })
			if err := google.World("cluster demo-proj/us-central1/c1\nkey " + gsa + " own"); err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(method, "keys.list") {
				k.KeyID = ""
			}
			google.Fail(gcptest.Fault{Method: method, Code: 403})
			inv := inventory(k)
			targets := gcp.Targets{Clusters: []gcp.ClusterTarget{{Project: project, Location: "us-central1", Name: "c1"}}}
			if err := c.Enrich(t.Context(), &inv, targets); err != nil {
				t.Fatal(err)
			}
			if len(inv.Gaps) == 0 {
				t.Fatal("the refusal is no gap")
			}
			for _, gap := range inv.Gaps {
				permission := gap.What[strings.LastIndex(gap.What, ": ")+2:]
				if !slices.ContainsFunc(gcp.Roles(), func(r gcp.Role) bool {
					return r.Command == "dekey scan --google" && slices.Contains(r.Permissions, permission) && strings.Contains(gap.Why, r.Name+" has it")
				}) {
					t.Errorf("the roles do not have %q of %q", permission, gap.Why)
				}
			}
		})
	}
}
