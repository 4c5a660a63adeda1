package runbook

import (
	"dekey/planner"
	"dekey/scanner"
)

// Files are the files of the changeset folder that say how a plan is carried out, by path (runbook/1-grant.sh,
// terraform/main.tf, ...). facts are Google's evidence about keys, as the inventory has it.
//
// The error is for a plan that holds what no script may hold: a name that Kubernetes or Google would not accept, or a
// grant that gcloud can not make. A plan that the planner made has neither.
func Files(plan planner.Plan, facts []scanner.KeyFact) (map[string][]byte, error) {
	j, err := newJob(plan, facts)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	grant, err := j.grantScript()
	if err != nil {
		return nil, err
	}
	files["runbook/1-grant.sh"] = []byte(grant)
	return files, nil
}
