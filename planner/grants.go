package planner

import (
	"fmt"
	"slices"
	"strings"
)

// judgeGrants holds a workload whose grants cannot be planned.
func (w *world) judgeGrants(x *work) {
	if x.ref.Kind == "" || x.account == "" {
		return
	}
	account := w.accounts[x.account]
	if account != nil && len(account.Authoritative) > 0 {
		x.hold(HoldAuthoritative, fmt.Sprintf("the account's policy is kept by %s, whose next run would remove the grant", strings.Join(account.Authoritative, ", ")))
	}
	if x.target.model != Direct {
		return
	}
	if account == nil || !account.GrantsRead {
		x.hold(HoldRolesUnknown, fmt.Sprintf("the direct model repeats every role of %s for the service account, and what it holds was not read", x.account))
	}
}

// directGrants repeat what the account holds for the service account itself.
func (w *world) directGrants(x *work) []Grant {
	t := &x.target
	grants := []Grant{}
	account := w.accounts[x.account]
	if account == nil {
		return grants
	}
	for _, p := range t.pools {
		member := Principal{Pool: p.pool, Number: p.number, Namespace: t.old.namespace, Name: t.name}.URI()
		for _, g := range account.Grants {
			grants = append(grants, Grant{
				Resource: g.Resource, Role: g.Role, Member: member, Condition: g.Condition, Title: g.Title, Project: w.projectOfAccount(x.account),
			})
		}
	}
	return slices.Compact(grants)
}

// newAccounts are the accounts that a split creates.
func (w *world) newAccounts() []NewAccount { return []NewAccount{} }

// projectedToken says whether the policy asks for the alternative to a hold for pods on the host network.
func (w *world) projectedToken(*work) bool { return false }
