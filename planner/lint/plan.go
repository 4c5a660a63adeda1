package lint

import (
	"strings"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/iam"
)

// PlanFacts are what a plan of dekey would grant, as facts that stand in the plan's file: rules judge its members, and
// whether an authoritative resource of a checkout would take its grants away. What exists already is left out.
func PlanFacts(source, path string, plan planner.Plan) iam.Facts {
	var facts iam.Facts
	here := scanner.Origin{Source: source, Path: path, Document: 1, Line: 1, Column: 1}
	for _, move := range plan.Moves {
		for _, g := range move.Grants {
			if g.Exists {
				continue
			}
			target, name := planTarget(g.Resource)
			facts.Grants = append(facts.Grants, iam.Grant{
				At:   iam.At{Language: iam.Plan, What: "the plan's move of " + move.Workload.String(), Origin: here, Block: here},
				Mode: iam.Additive, Target: target, Name: iam.Text(name), Role: iam.Text(g.Role),
				Members: []iam.Member{{Value: iam.Text(g.Member), Origin: here}}, Condition: iam.Text(g.Condition), ConditionAt: here,
			})
		}
	}
	return facts
}

// planTarget reads a full resource name.
// https://cloud.google.com/iam/docs/full-resource-names
func planTarget(resource string) (target, name string) {
	for _, kind := range []struct{ prefix, target string }{
		{"//cloudresourcemanager.googleapis.com/projects/", iam.TargetProject},
		{"//cloudresourcemanager.googleapis.com/folders/", iam.TargetFolder},
		{"//cloudresourcemanager.googleapis.com/organizations/", iam.TargetOrganization},
		{"//storage.googleapis.com/projects/_/buckets/", iam.TargetBucket},
	} {
		if rest, found := strings.CutPrefix(resource, kind.prefix); found {
			return kind.target, rest
		}
	}
	if _, email, found := strings.Cut(resource, "/serviceAccounts/"); found {
		return iam.TargetAccount, email
	}
	return "resource", resource
}
