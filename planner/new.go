package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// New decides what becomes of every finding. It is pure: the same inventory and policy give the same plan. The plan's ID
// and Basis are left to planfile.Seal, which knows the files.
//
// An error means that the policy cannot be followed at all (a model that does not exist); what cannot be decided about a
// workload is a Hold.
func New(inv scanner.Inventory, policy Policy) (Plan, error) {
	if err := policy.check(); err != nil {
		return Plan{}, err
	}
	w := newWorld(namespaced(inv, policy.Namespaces), policy)
	for _, x := range w.work {
		w.findPools(x)
		w.judge(x)
		if len(x.uses) > 0 {
			w.identify(x)
			w.judgeGrants(x)
		}
	}
	for _, x := range w.work {
		x.held = len(x.codes()) > 0
	}
	for _, x := range w.work {
		if len(x.uses) > 0 && !x.held {
			w.plan(x)
		}
	}
	return w.result(), nil
}

func (p Policy) check() error {
	models := []string{p.Model}
	for _, r := range p.Workloads {
		models = append(models, r.Model)
	}
	for _, model := range models {
		switch model {
		case "", Impersonation, Direct:
		default:
			return fmt.Errorf("model %q: it is %s or %s", model, Impersonation, Direct)
		}
	}
	return nil
}

// result is the plan as a document.
func (w *world) result() Plan {
	access := w.access()
	p := Plan{
		APIVersion: scanner.APIVersion, Kind: "Plan", Basis: []Basis{},
		Moves: []Move{}, Holds: []Hold{}, Notices: w.bystanders(), Prerequisites: w.prerequisites(), Access: access,
		Accounts: w.newAccounts(), Exceptions: w.exceptions(), Soak: w.policy.soak(), Clusters: w.refs,
		Sources: nonNil(w.inv.Sources), Gaps: nonNil(w.inv.Gaps), Findings: w.findings(), Keys: nonNil(w.inv.Keys),
		Limits: w.policy.Limits, Approval: w.policy.Approval, Namespaces: nonNil(w.policy.Namespaces),
	}
	for _, x := range w.work {
		if x.move != nil {
			p.Moves = append(p.Moves, *x.move)
		} else {
			p.Holds = append(p.Holds, w.holdsOf(x)...)
		}
		p.Holds = append(p.Holds, w.pullsOf(x)...)
	}
	for i := range p.Holds {
		slices.Sort(p.Holds[i].Findings)
	}
	slices.SortStableFunc(p.Holds, func(a, b Hold) int {
		return cmp.Or(a.Workload.Compare(b.Workload), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Reason, b.Reason), cmp.Compare(first(a.Findings), first(b.Findings)))
	})
	p.Waves = waves(w, p.Moves)
	p.Retirements = w.retirements()
	p.Notices = nonNil(slices.Concat(p.Notices, w.secretSources(), terraformKeys(w.inv.KeyMakers, p.Retirements)))
	slices.SortFunc(p.Notices, compareNotices)
	return p
}

// pullsOf are the holds of a workload's image pulls, which do not hold its other uses.
func (w *world) pullsOf(x *work) []Hold {
	aside := &work{ref: x.ref, obj: x.obj, rule: x.rule, uses: x.pulls, answers: x.answers}
	return w.holdsOf(aside)
}

func (w *world) findings() []PlannedFinding {
	list := make([]PlannedFinding, 0, len(w.inv.Findings))
	for _, x := range w.work {
		for _, u := range slices.Concat(x.uses, x.pulls) {
			list = append(list, PlannedFinding{
				ID: u.ID, Workload: u.Workload, Container: u.Container, Via: u.Via, Named: cmp.Or(u.Env, u.Field), Secret: u.Secret,
				Key: u.Finding.Key, Email: u.email, Origins: nonNil(u.Origins),
			})
		}
	}
	slices.SortFunc(list, func(a, b PlannedFinding) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// clusterRefs are the clusters that commands can be given for: those of the inventory, and those of the policy.
func (w *world) clusterRefs() []ClusterRef {
	refs := []ClusterRef{}
	for _, c := range w.inv.Clusters {
		r := ClusterRef{ID: c.ID, Context: c.Context, Server: c.Server, Pool: cmp.Or(c.Pool, w.policy.Pool), ProjectNumber: c.ProjectNumber}
		if parts := strings.Split(c.ID, "/"); len(parts) == 3 {
			r.Project, r.Location, r.Name = parts[0], parts[1], parts[2]
		} else if s := w.sources[c.Source]; s != nil {
			r.Project, r.Location, r.Name = s.Project, s.Location, s.Cluster
		}
		if r.Pool == w.policy.Pool {
			r.ProjectNumber = cmp.Or(r.ProjectNumber, w.policy.ProjectNumber)
		}
		refs = append(refs, r)
	}
	for _, rule := range w.policy.Clusters {
		id := rule.Project + "/" + rule.Location + "/" + rule.Name
		i := slices.IndexFunc(refs, func(r ClusterRef) bool {
			return r.ID == id || r.Project == "" && rule.Context != "" && r.Context == rule.Context
		})
		if i < 0 {
			refs = append(refs, ClusterRef{
				ID: id, Project: rule.Project, Location: rule.Location, Name: rule.Name, Context: rule.Context,
				Pool: w.policy.Pool, ProjectNumber: w.policy.ProjectNumber,
			})
			continue
		}
		refs[i].Project, refs[i].Location, refs[i].Name = rule.Project, rule.Location, rule.Name
		refs[i].Context = cmp.Or(rule.Context, refs[i].Context)
	}
	slices.SortFunc(refs, func(a, b ClusterRef) int { return cmp.Compare(a.ID, b.ID) })
	return refs
}

func (p Policy) soak() Soak {
	return Soak{Disable: cmp.Or(p.Soak.Disable, 14), Delete: cmp.Or(p.Soak.Delete, 30)}
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
