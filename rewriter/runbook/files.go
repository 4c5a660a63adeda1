package runbook

import (
	"fmt"

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
	for name, write := range map[string]func() (string, error){
		"1-grant.sh": j.grantScript, "2-verify.sh": j.verifyScript, "3-disable.sh": j.disableScript, "4-delete.sh": j.deleteScript,
		"rollback.sh": j.rollbackScript,
	} {
		text, err := write()
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
		files["runbook/"+name] = []byte(text)
	}
	return files, nil
}
