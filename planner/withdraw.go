package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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
			plan.Retirements[i] = withdrawn(plan, plan.Retirements[i], move.Workload, hold.Code)
		}
	}
	return plan, nil
}

// withdrawAccess makes the workload who it is now, and who it becomes by the moves that stay: the others under a service
// account that is kept annotate it all the same. Where none does any more, nobody else gets the account by it either.
func withdrawAccess(plan *Plan, move Move) {
	annotated := slices.ContainsFunc(plan.Moves, func(m Move) bool {
		return m.Model == Impersonation && !m.ServiceAccount.Create && m.ServiceAccount == move.ServiceAccount && m.Account == move.Account
	})
	if annotated { // what its owner answered that it does not need, it still loses
		for _, n := range move.Notices {
			if n.Code == NoticeAnswered && (strings.HasPrefix(n.Text, HoldDirectGrants+":") || strings.HasPrefix(n.Text, HoldMetadataIdentity+":")) {
				plan.Notices = append(slices.Clip(plan.Notices), Notice{Code: n.Code, Text: n.Text, Object: refOf(move.Workload)})
			}
		}
	}
	for _, n := range move.Notices {
		if n.Code == NoticeSecretSource {
			plan.Notices = append(slices.Clip(plan.Notices), Notice{Code: n.Code, Text: n.Text, Object: refOf(move.Workload)})
		}
	}
	controller := slices.ContainsFunc(move.Notices, func(n Notice) bool { return n.Code == NoticeControllerIdentity })
	plan.Notices = slices.Clone(plan.Notices)
	access := []Access{}
	for _, a := range plan.Access {
		switch {
		case a.Workload == move.Workload:
			a.After = slices.Clone(a.Before)
			if annotated && !controller && !slices.Contains(a.After, move.Account) {
				a.After = sorted(append(a.After, move.Account))
				text := gainText(move.Workload, move.Account, move.ServiceAccount.Name) + "; that it had it before is only asserted"
				plan.Notices = append(plan.Notices, Notice{Code: NoticeAccountAsserted, Object: refOf(move.Workload), Text: text})
			}
		case !annotated && a.Workload.Namespace == move.ServiceAccount.Namespace && !slices.Contains(a.Before, move.Account):
			gained := func(n Notice) bool {
				return n.Object != nil && *n.Object == a.Workload && strings.HasPrefix(n.Text, gainText(a.Workload, move.Account, move.ServiceAccount.Name))
			}
			if slices.ContainsFunc(plan.Notices, gained) {
				plan.Notices = slices.DeleteFunc(plan.Notices, gained)
				a.After = slices.DeleteFunc(slices.Clone(a.After), func(email string) bool { return email == move.Account })
			}
		}
		if len(a.Before)+len(a.After) > 0 {
			access = append(access, a)
		}
	}
	slices.SortFunc(plan.Notices, compareNotices)
	plan.Access = access
}

// withdrawn is the retirement of a key after one of its consumers was held.
func withdrawn(plan Plan, r Retirement, workload scanner.Ref, code string) Retirement {
	pulls := slices.ContainsFunc(plan.Findings, func(f PlannedFinding) bool {
		return f.Via == scanner.ImagePull && f.Workload == workload && f.Key == r.Key && f.Email == r.Email
	})
	if !pulls { // with an image pull it was not counted
		r.Moved = max(0, r.Moved-1)
	}
	r.Ready = false
	block := Blocker{Code: BlockerConsumer, What: workload.String() + " is held", Clear: "settle the hold of " + workload.String()}
	if code == HoldManagedElsewhere {
		block = Blocker{
			Code: BlockerConsumerElsewhere, What: "the source of " + workload.String() + " is not in this checkout",
			Clear: "move it where it is written, and scan that again",
		}
	}
	r.BlockedBy = append(slices.Clone(r.BlockedBy), block)
	slices.SortFunc(r.BlockedBy, func(a, b Blocker) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.What, b.What))
	})
	return r
}
