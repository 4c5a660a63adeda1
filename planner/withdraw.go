package planner

import (
	"cmp"
	"fmt"
	"slices"

	"dekey/scanner"
)

// Withdraw gives the plan without one move, whose findings hold then holds: the move turned out to be nothing that can be
// written and proven. Who can act as whom, the waves, the accounts to create and the retirements follow; a key of the
// workload is not ready to go. plan is not changed. The caller gives the plan its new ID.
//
// Only Code, Reason, Ask, Answer and At of hold are used; Ask is the code's usual question where it is "". The error is for a move that the plan does not have.
func Withdraw(plan Plan, moveID string, hold Hold) (Plan, error) {
	at := slices.IndexFunc(plan.Moves, func(m Move) bool { return m.ID == moveID })
	if at < 0 {
		return Plan{}, fmt.Errorf("withdrawing %q: the plan has no such move", moveID)
	}
	move := plan.Moves[at]
	plan.Moves = slices.Delete(slices.Clone(plan.Moves), at, at+1)

	if hold.Ask == "" {
		hold.Ask = ask(hold.Code, &work{ref: move.Workload}, &use{Finding: &scanner.Finding{}})
	}
	hold.Findings, hold.Workload = slices.Clone(move.Findings), move.Workload
	plan.Holds = append(slices.Clone(plan.Holds), hold)
	slices.SortStableFunc(plan.Holds, func(a, b Hold) int {
		return cmp.Or(a.Workload.Compare(b.Workload), cmp.Compare(a.Code, b.Code), slices.Compare(a.Findings, b.Findings))
	})

	withdrawAccess(&plan, move)

	waves := []Wave{}
	for _, wave := range plan.Waves {
		wave.Moves = slices.DeleteFunc(slices.Clone(wave.Moves), func(id string) bool { return id == moveID })
		if len(wave.Moves) > 0 {
			waves = append(waves, wave)
		}
	}
	plan.Waves = waves

	plan.Accounts = slices.DeleteFunc(slices.Clone(plan.Accounts), func(a NewAccount) bool { return a.For == move.Workload })
	if plan.Accounts == nil {
		plan.Accounts = []NewAccount{}
	}

	plan.Retirements = slices.Clone(plan.Retirements)
	for i := range plan.Retirements {
		if slices.Contains(plan.Retirements[i].Workloads, move.Workload) {
			plan.Retirements[i] = withdrawn(plan.Retirements[i], move.Workload)
		}
	}
	return plan, nil
}

// withdrawAccess makes the workload who it is now, and who it becomes by the moves that stay: the others under a service
// account that is kept annotate it all the same.
func withdrawAccess(plan *Plan, move Move) {
	annotated := slices.ContainsFunc(plan.Moves, func(m Move) bool {
		return m.Model == Impersonation && !m.ServiceAccount.Create && m.ServiceAccount == move.ServiceAccount && m.Account == move.Account
	})
	access := []Access{}
	for _, a := range plan.Access {
		if a.Workload == move.Workload {
			after := slices.Clone(a.Before)
			if annotated && !slices.Contains(after, move.Account) {
				after = sorted(append(after, move.Account))
				plan.Notices = append(slices.Clone(plan.Notices), Notice{
					Code: NoticeAccountAsserted, Object: refOf(move.Workload),
					Text: move.Workload.String() + " gets " + move.Account + " with the annotation of its service account " + move.Before + "; that it had it before is only asserted",
				})
				slices.SortFunc(plan.Notices, compareNotices)
			}
			if len(a.Before)+len(after) == 0 {
				continue
			}
			a.After = after
		}
		access = append(access, a)
	}
	plan.Access = access
}

// withdrawn is the retirement of a key after one of its consumers was held.
func withdrawn(r Retirement, workload scanner.Ref) Retirement {
	r.Moved = max(0, r.Moved-1)
	r.Ready = false
	r.BlockedBy = append(slices.Clone(r.BlockedBy), Blocker{
		Code:  BlockerConsumer,
		What:  workload.String() + " is held",
		Clear: "settle the hold of " + workload.String(),
	})
	slices.SortFunc(r.BlockedBy, func(a, b Blocker) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.What, b.What))
	})
	return r
}
