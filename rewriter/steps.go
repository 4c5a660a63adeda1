package rewriter

import (
	"fmt"

	"dekey/planner"
	"dekey/rewriter/runbook"
)

// steps are what people do, phase by phase. The scripts of the runbook do the same, with the checks around it.
func steps(plan planner.Plan) []Step {
	list := []Step{}
	for _, move := range plan.Moves {
		step := Step{Phase: PhaseGrant, Moves: []string{move.ID}, Run: []Command{}, Check: []Command{}, Undo: []Command{},
			What: fmt.Sprintf("let %s/%s act as %s", move.ServiceAccount.Namespace, move.ServiceAccount.Name, move.Account)}
		for _, grant := range move.Grants {
			step.Run = append(step.Run, runbook.AddBinding(grant))
			step.Check = append(step.Check, runbook.ReadPolicy(grant))
			if !grant.Exists {
				step.Undo = append(step.Undo, runbook.RemoveBinding(grant))
			}
		}
		list = append(list, step)
	}
	return list
}
