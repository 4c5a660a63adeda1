package iam_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/iam"
	"dekey/scanner/object"
)

// What keeps policies is listed once each, with * for what is hidden and the names of what hides it.
func TestAuthorities(t *testing.T) {
	at := func(what string) iam.At {
		return iam.At{Language: iam.Terraform, What: what, Block: object.Origin{Path: "iam.tf", Line: 1}}
	}
	project := iam.Hidden("main:var.project")
	for _, test := range []struct {
		name  string
		facts iam.Facts
		want  []scanner.Authority
	}{
		{"an additive grant keeps nothing", iam.Facts{Grants: []iam.Grant{{At: at("a"), Mode: iam.Additive, Target: iam.TargetAccount, Name: "x@y"}}}, nil},
		{"a policy is one, however many roles it lists, and keeps all", iam.Facts{Grants: []iam.Grant{
			{At: at("a"), Mode: iam.Policy, Target: iam.TargetAccount, Name: "x@y", Role: "roles/a"},
			{At: at("a"), Mode: iam.Policy, Target: iam.TargetAccount, Name: "x@y", Role: "roles/b"},
		}}, []scanner.Authority{{Owner: "a", Target: iam.TargetAccount, Name: "x@y"}}},
		{"a binding keeps its role", iam.Facts{Grants: []iam.Grant{{At: at("a"), Mode: iam.Binding, Target: iam.TargetProject, Name: "p", Role: "roles/a"}}},
			[]scanner.Authority{{Owner: "a", Target: iam.TargetProject, Name: "p", Role: "roles/a"}}},
		{"what hides a name is said once", iam.Facts{Grants: []iam.Grant{
			{At: at("a"), Mode: iam.Binding, Target: iam.TargetAccount, Name: "api@" + project + ".iam.gserviceaccount.com", Role: project},
		}}, []scanner.Authority{{Owner: "a", Target: iam.TargetAccount, Name: "api@*.iam.gserviceaccount.com", Role: "*", Hides: []string{"var.project"}}}},
		{"a star that is written is no hole", iam.Facts{Grants: []iam.Grant{{At: at("a"), Mode: iam.Policy, Target: iam.TargetAccount, Name: "*@y"}}},
			[]scanner.Authority{{Owner: "a", Target: iam.TargetAccount, Name: "?@y"}}},
		{"a module is one for each account that it is given", iam.Facts{Opaque: []iam.Opaque{{At: at("module.m"), Values: []iam.Value{
			"a name", "projects/p/serviceAccounts/x@p.iam.gserviceaccount.com", "serviceAccount:z@p.iam.gserviceaccount.com", iam.Hidden("main:var.x"),
		}}}}, []scanner.Authority{{Owner: "module.m", Name: "x@p.iam.gserviceaccount.com"}, {Owner: "module.m", Name: "z@p.iam.gserviceaccount.com"}}},
	} {
		got := test.facts.Authorities()
		for i := range got {
			got[i].Origin = scanner.Origin{}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
