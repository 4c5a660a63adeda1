package runbook

import (
	"time"

	"dekey/planner"
)

// Done is one thing that a script did, or saw done, by its record.
type Done struct {
	Step   string // grant, verify, disable, delete
	What   string // granted, cut over, disabled, deleted
	Object string // the grant's member and resource, the workload, the key's id
	Time   time.Time
	Record string // FOLDER/NAME below runbook/evidence
}

// Progress lists what the evidence of the turns that run now says was done, in the order of the steps and of the plan. A
// record that was edited counts for nothing: Edited names it.
func Progress(plan planner.Plan, e Evidence) []Done {
	done := []Done{}
	seen := map[string]bool{} // two workloads of one service account need the same grant
	add := func(step, what, object string, r Record, err error) {
		if err == nil && !seen[r.Name] {
			seen[r.Name] = true
			done = append(done, Done{step, what, object, r.Time, r.Name})
		}
	}
	for _, m := range plan.Moves {
		for _, g := range m.Grants {
			r, err := e.Granted(g)
			add(StepGrant, "granted", g.Role+" on "+g.Resource+" to "+g.Member, r, err)
		}
	}
	for _, m := range plan.Moves {
		r, err := e.CutOver(m)
		add(StepVerify, "cut over", m.Workload.String(), r, err)
	}
	for _, k := range plan.Retirements {
		if k.Key == "" {
			continue
		}
		r, err := e.Disabled(k.Key)
		add(StepDisable, "disabled", k.Key, r, err)
	}
	for _, k := range plan.Retirements {
		if k.Key == "" {
			continue
		}
		r, err := e.Deleted(k.Key)
		add(StepDelete, "deleted", k.Key, r, err)
	}
	return done
}
