package rewriter

import (
	"fmt"
	"slices"

	"dekey/planner"
	"dekey/rewriter/runbook"
)

// steps are what people do, phase by phase. The scripts of the runbook do the same, with the checks around it.
func steps(plan planner.Plan) ([]Step, error) {
	list := []Step{}
	add := func(s Step) { list = append(list, s) }
	command := func(argv ...string) []Command { return []Command{argv} }
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
		add(step)
	}
	var merged, live []string
	for _, move := range plan.Moves {
		if move.Live {
			live = append(live, move.ID)
		} else {
			merged = append(merged, move.ID)
		}
	}
	if len(merged) > 0 {
		add(Step{Phase: PhaseMerge, What: "merge the pull request that holds changes.patch, and let it roll out", Moves: merged,
			Run: command("git", "apply", "changes.patch"), Check: command("git", "apply", "--check", "changes.patch"),
			Undo: []Command{{"bash", "runbook/rollback.sh", "merge"}, {"git", "apply", "--reverse", "changes.patch"}}})
	}
	for _, id := range live {
		add(Step{Phase: PhaseMerge, What: "patch the live workload " + id + ": patches/ has its commands", Moves: []string{id},
			Run: []Command{}, Check: []Command{}, Undo: command("bash", "runbook/rollback.sh", "merge")})
	}
	if len(plan.Moves) > 0 {
		add(Step{Phase: PhaseVerify, What: "see that every workload is keyless", Moves: append(merged, live...),
			Run: command("bash", "runbook/2-verify.sh"), Check: []Command{}, Undo: []Command{}})
	}
	retirees, err := runbook.Retirees(plan)
	if err != nil {
		return nil, err
	}
	for _, r := range retirees {
		if r.Left != "" {
			continue
		}
		what := fmt.Sprintf("the key %s of %s", r.KeyID, r.Email)
		flags := []string{"--iam-account=" + r.Email, "--project=" + r.Project}
		key := func(verb string, more ...string) Command {
			return append(append(Command{"gcloud", "iam", "service-accounts", "keys", verb, r.KeyID}, flags...), more...)
		}
		disable := Step{Phase: PhaseDisable, Keys: []string{r.Key}, What: fmt.Sprintf("export the last use of %s, then disable it, %d days after the last cut-over", what, int(r.SoakDisable.Hours()/24)),
			Run: []Command{}, Check: []Command{}, Undo: []Command{}}
		remove := Step{Phase: PhaseDelete, Keys: []string{r.Key}, What: fmt.Sprintf("delete %s, %d days after that. This can not be undone", what, int(r.SoakDelete.Hours()/24)),
			Run: []Command{}, Check: []Command{}, Undo: []Command{}}
		if r.KeyID != "" {
			disable.Run, disable.Undo = []Command{key("disable")}, []Command{key("enable")}
			remove.Run = []Command{key("delete", "--quiet")}
		}
		add(disable)
		add(remove)
	}
	order := map[Phase]int{PhaseGrant: 0, PhaseMerge: 1, PhaseVerify: 2, PhaseDisable: 3, PhaseDelete: 4}
	slices.SortStableFunc(list, func(a, b Step) int { return order[a.Phase] - order[b.Phase] })
	return list, nil
}
