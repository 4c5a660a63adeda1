package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
)

// day is how dates are written.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func (b *builder) keys(r *Report) {
	facts := map[string]scanner.KeyFact{}
	known := map[string]scanner.Key{}
	consumers := map[string][]string{}
	if inv := b.in.Inventory; inv != nil {
		for _, fact := range inv.KeyFacts {
			facts[fact.Key] = fact
		}
		for _, key := range inv.Keys {
			known[key.ID] = key
		}
		for _, f := range inv.Findings {
			if f.Key != "" {
				consumers[f.Key] = append(consumers[f.Key], Visible(f.Workload.String()))
			}
		}
	}
	if b.in.Plan == nil {
		for _, id := range sortedKeys(known) {
			workloads := consumers[id]
			slices.Sort(workloads)
			workloads = slices.Compact(workloads)
			row := b.keyRow(known[id], facts[id])
			row.Workloads, row.Consumers = workloads, len(workloads)
			r.Keys = append(r.Keys, row)
		}
		return
	}
	for _, key := range b.in.Plan.Keys {
		known[key.ID] = key
	}
	listed := map[string]bool{}
	for _, retirement := range b.in.Plan.Retirements {
		key := known[retirement.Key]
		listed[retirement.Key] = true
		key.ID, key.Email = cmp.Or(key.ID, retirement.Key), cmp.Or(retirement.Email, key.Email)
		key.KeyID, key.Project = cmp.Or(retirement.KeyID, key.KeyID), cmp.Or(retirement.Project, key.Project)
		if len(retirement.Copies) > 0 {
			key.Copies = retirement.Copies
		}
		row := b.keyRow(key, facts[retirement.Key])
		row.Consumers, row.Moved, row.Ready = retirement.Consumers, retirement.Moved, retirement.Ready
		for _, blocker := range retirement.BlockedBy {
			row.Blockers = append(row.Blockers, Blocker{Code: Visible(blocker.Code), What: Visible(blocker.What), Clear: Visible(blocker.Clear)})
		}
		for _, ref := range retirement.Workloads {
			row.Workloads = append(row.Workloads, Visible(ref.String()))
		}
		r.Keys = append(r.Keys, row)
	}
	// A person's token has no retirement; it is listed all the same.
	for _, id := range sortedKeys(known) {
		if !listed[id] {
			r.Keys = append(r.Keys, b.keyRow(known[id], facts[id]))
		}
	}
}

func (b *builder) keyRow(key scanner.Key, fact scanner.KeyFact) Key {
	row := Key{
		ID: short(key.ID), Email: Visible(key.Email), KeyID: Visible(cmp.Or(fact.KeyID, key.KeyID)), Project: Visible(key.Project),
		Type: Visible(key.Type), Algorithm: Visible(key.Algorithm), Verdict: Visible(cmp.Or(fact.Verdict, scanner.VerdictOffline)),
		Use: Visible(cmp.Or(fact.Use, scanner.UseUnknown)), LastUse: day(fact.LastAuthenticated), Created: day(fact.Created),
		Expires: day(fact.Expires), ReadAt: day(fact.ReadAt), AgeDays: -1, Copies: []string{}, Blockers: []Blocker{}, Workloads: []string{},
	}
	if !fact.From.IsZero() && !fact.To.IsZero() {
		row.From, row.To = day(fact.From), day(fact.To)
	}
	if !fact.Created.IsZero() && !b.in.Now.IsZero() && b.in.Now.After(fact.Created) {
		row.AgeDays = int(b.in.Now.Sub(fact.Created).Hours() / 24)
	}
	for _, c := range key.Copies {
		text := holder(c.Holder)
		if at := b.place(c.Origin).Text; at != "" && at != c.Holder.Name {
			text += " (" + at + ")"
		}
		row.Copies = append(row.Copies, text)
	}
	return row
}

func (b *builder) serviceAccounts(r *Report) {
	type key struct{ namespace, name string }
	rows := map[key]*ServiceAccount{}
	get := func(namespace, name string) *ServiceAccount {
		k := key{namespace, name}
		if rows[k] == nil {
			rows[k] = &ServiceAccount{Namespace: Visible(namespace), Name: Visible(name), Workloads: []string{}, Joining: []string{}, Leaving: []string{}}
		}
		return rows[k]
	}
	if inv := b.in.Inventory; inv != nil {
		for _, account := range inv.ServiceAccounts {
			get(account.Ref.Namespace, account.Ref.Name).Account = Visible(account.Annotations[annotation])
		}
		for _, workload := range inv.Workloads {
			if workload.ServiceAccount != "" && len(workload.PodSpecs) > 0 {
				row := get(workload.Ref.Namespace, workload.ServiceAccount)
				row.Workloads = append(row.Workloads, within(workload.Ref))
			}
		}
	}
	if b.in.Plan != nil {
		for _, move := range b.in.Plan.Moves {
			if b.in.Inventory == nil && move.Before != "" {
				row := get(move.Workload.Namespace, move.Before)
				row.Workloads = append(row.Workloads, within(move.Workload))
			}
			row := get(move.ServiceAccount.Namespace, move.ServiceAccount.Name)
			row.New = row.New || move.ServiceAccount.Create
			if move.Before != move.ServiceAccount.Name {
				row.Joining = append(row.Joining, within(move.Workload))
				if move.Before != "" {
					was := get(move.Workload.Namespace, move.Before)
					was.Leaving = append(was.Leaving, within(move.Workload))
				}
			}
			if move.Model != planner.Direct {
				row.Planned = Visible(move.Account)
			}
		}
	}
	for _, row := range rows {
		r.ServiceAccounts = append(r.ServiceAccounts, *row)
	}
	// Who runs as default comes first: a grant there reaches a whole namespace.
	slices.SortFunc(r.ServiceAccounts, func(x, y ServiceAccount) int {
		return cmp.Or(rank(x.Name != "default")-rank(y.Name != "default"), strings.Compare(x.Namespace, y.Namespace), strings.Compare(x.Name, y.Name))
	})
}

// whoRuns lists the workloads of a service account, at most most of them, and how many more there are: those who leave it and
// those who join it say so.
func (s ServiceAccount) whoRuns(most int, show func(string) string) []string {
	var list []string
	for _, name := range s.Workloads {
		if slices.Contains(s.Leaving, name) {
			list = append(list, show(name)+" (leaves)")
		} else {
			list = append(list, show(name))
		}
	}
	for _, name := range s.Joining {
		list = append(list, show(name)+" (joins)")
	}
	if more := len(list) - most; more > 1 {
		list = append(list[:most], "and "+thousands(more)+" more")
	}
	return list
}

// within names a workload inside its namespace: KIND/NAME.
func within(ref scanner.Ref) string { return Visible(ref.Kind + "/" + ref.Name) }

// annotation links a KSA to a Google service account.
// https://docs.cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
const annotation = "iam.gke.io/gcp-service-account"

func (b *builder) access(r *Report) {
	if b.in.Plan == nil {
		return
	}
	for _, a := range b.in.Plan.Access {
		row := Access{Workload: nameOf(a.Workload), Before: allVisible(a.Before), After: allVisible(a.After), Gained: []string{}, Lost: []string{}}
		for _, email := range row.After {
			if !slices.Contains(row.Before, email) {
				row.Gained = append(row.Gained, email)
			}
		}
		for _, email := range row.Before {
			if !slices.Contains(row.After, email) {
				row.Lost = append(row.Lost, email)
			}
		}
		r.Access = append(r.Access, row)
	}
	slices.SortStableFunc(r.Access, func(x, y Access) int {
		return rank(len(x.Gained)+len(x.Lost) == 0) - rank(len(y.Gained)+len(y.Lost) == 0)
	})
}

func allVisible(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, Visible(s))
	}
	return out
}

// exceptions is the register: the plan's, or what an inventory's comments say.
func (b *builder) exceptions() []planner.Exception {
	switch {
	case b.in.Plan != nil:
		return b.in.Plan.Exceptions
	case b.in.Inventory != nil:
		return planner.Commented(b.in.Inventory.Exceptions, b.in.Now)
	}
	return nil
}

// rest are the lists that are shown as they stand.
func (b *builder) rest(r *Report) {
	for _, e := range b.exceptions() {
		r.Exceptions = append(r.Exceptions, Exception{What: Visible(e.What), Reason: Visible(e.Reason), By: Visible(e.By), Expires: Visible(e.Expires), Expired: e.Expired})
	}
	if plan := b.in.Plan; plan != nil {
		for _, p := range plan.Prerequisites {
			row := Prerequisite{Code: Visible(p.Code), Target: Visible(p.Target), Why: Visible(p.Why), Commands: []string{}, Effects: allVisible(p.Effects)}
			for _, argv := range p.Commands {
				row.Commands = append(row.Commands, Visible(rewriter.Command(argv).String()))
			}
			r.Prerequisites = append(r.Prerequisites, row)
		}
		for _, a := range plan.Accounts {
			row := Account{Email: Visible(a.Email), Project: Visible(a.Project), For: Visible(a.For.String()), Grants: []Grant{}}
			for _, grant := range a.Grants {
				row.Grants = append(row.Grants, grantOf(grant))
			}
			r.Accounts = append(r.Accounts, row)
		}
	}
	if cs := b.in.Changeset; cs != nil {
		for _, removal := range cs.Removals {
			where := Visible(removal.Path)
			if !removal.Whole {
				where = fmt.Sprintf("%s:%d-%d", where, removal.From, removal.To)
			}
			r.Removals = append(r.Removals, Removal{Where: where, What: Visible(removal.Object.String()), Why: Visible(removal.Why), Key: removal.Key})
		}
		for _, manual := range cs.Manual {
			r.Manual = append(r.Manual, Manual{Where: Visible(manual.Where), What: Visible(manual.What), Why: Visible(manual.Why)})
		}
	}
	for _, path := range sortedKeys(b.in.Files) {
		if Shows(path) && path != patchFile {
			r.Scripts = append(r.Scripts, Script{Path: Visible(path), Text: visibleLines(string(b.in.Files[path]))})
		}
	}
}
