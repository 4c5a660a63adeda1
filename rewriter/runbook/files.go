package runbook

import (
	"fmt"
	"maps"

	"dekey/planner"
)

// Files are the files of the changeset folder that say how a plan is carried out, by path (runbook/1-grant.sh,
// terraform/main.tf, ...).
//
// The error is for a plan that holds what no script may hold: a name that Kubernetes or Google would not accept, or a
// grant that gcloud can not make. A plan that the planner made has neither.
func Files(plan planner.Plan) (map[string][]byte, error) {
	j, err := newJob(plan)
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
	patches, err := j.patches()
	if err != nil {
		return nil, err
	}
	maps.Copy(files, patches)
	if len(j.bindings()) > 0 {
		files["terraform/main.tf"] = j.terraform()
		maps.Copy(files, j.configConnector())
	}
	if len(j.plan.Moves) > 0 {
		files["runbook/probe.yaml"] = j.probe()
	}
	return files, nil
}
