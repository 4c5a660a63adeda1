package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// A target is the service account that a workload has after its move, and where it acts.
type target struct {
	old      name
	oldKSA   *serviceAccount // nil: not seen
	keep     bool
	annotate bool // the kept one has no (or another spelling of the) annotation yet
	name     string
	pools    []poolRef
	clusters []string // ids, sorted
	unread   string   // a cluster that it runs in and whose pool is not known
	off      bool     // because it has none: Workload Identity is off
	model    string
	account  string // the account that it acts as: its key's, or a new one where accounts are split
	split    bool
	refused  []string // why the direct model that was asked for is not used
	specs    []int    // the pod specs that get the name
}

// A poolRef is a workload identity pool with its project's number, "" where unknown.
type poolRef struct{ pool, number string }

func (w *world) modelOf(x *work) string {
	if x.rule != nil && x.rule.Model != "" {
		return x.rule.Model
	}
	return cmp.Or(w.policy.Model, Impersonation)
}

// identify chooses the service account of a workload after its move, or finds why it cannot. The rule: one that is not
// default, is seen, is not annotated for another account, and under which every workload uses the same one account, is
// kept; otherwise the workload gets a new one.
func (w *world) identify(x *work) {
	t := &x.target
	t.old, t.oldKSA = x.ksa, w.ksas[x.ksa]
	t.account = x.account
	if x.ref.Kind == "" {
		return
	}
	w.settleModel(x)
	w.judgePools(x)
	if x.mixed || x.identity && x.own {
		x.problems = append(x.problems, problem{code: HoldConflict, reason: "its uses act under different service accounts"})
	}
	if t.old.name == "" {
		w.judgeUnknownIdentity(x)
		return
	}
	w.findSpecs(x)
	w.judgeServiceAccount(x)
	w.choose(x)
}

// judgeUnknownIdentity holds an object of which it is not known whose service account is used.
func (w *world) judgeUnknownIdentity(x *work) {
	if len(x.codes()) == 0 {
		x.hold(HoldNoRecipe, "which service account the object's pods run under is not known")
	}
}

// judgeServiceAccount holds what the present service account forbids, whether it would be kept or replaced.
func (w *world) judgeServiceAccount(x *work) {
	t := &x.target
	if t.oldKSA == nil {
		if t.old.name != "default" && t.old.namespace != "" {
			x.hold(HoldServiceAccountUnseen, fmt.Sprintf("the service account %s/%s is named and nowhere seen: what it carries is not known", t.old.namespace, t.old.name))
		}
		return
	}
	if t.oldKSA.conflict != "" {
		x.problems = append(x.problems, problem{code: HoldConflict, reason: t.oldKSA.conflict})
	}
	for _, other := range t.oldKSA.accounts {
		if x.account != "" && other != x.account {
			x.hold(HoldServiceAccountClaimed, fmt.Sprintf("the service account %s is annotated for %s; under another one the workload would lose it", t.old.name, quoted(other)))
		}
	}
	if g := t.oldKSA.Grants; len(g) > 0 && t.model == Impersonation {
		x.hold(HoldDirectGrants, fmt.Sprintf("the service account %s holds %s on %s itself, which pods that act as an account do not use", t.old.name, g[0].Role, g[0].Resource))
	}
}

// choose keeps the service account, or finds that a new one is needed and whether it can be written.
func (w *world) choose(x *work) {
	t := &x.target
	annotated := t.oldKSA != nil && len(t.oldKSA.accounts) > 0
	claimed := annotated && slices.ContainsFunc(t.oldKSA.accounts, func(a string) bool { return a != t.account })
	t.keep = t.oldKSA != nil && t.old.name != "default" && t.account != "" && !claimed && w.sameTarget(x)
	if t.model == Direct && annotated {
		t.keep = false // pods of an annotated service account do not act as themselves
	}
	switch {
	case t.keep:
		t.name = t.old.name
		t.annotate = t.model == Impersonation && t.oldKSA.Annotations[AccountAnnotation] != t.account
		if t.annotate && !w.inCheckout(t.oldKSA.Origins) && len(t.oldKSA.Managers) > 0 {
			x.hold(HoldManagedElsewhere, fmt.Sprintf("the service account %s needs the annotation, and %s owns it, whose source is not in the input", t.old.name, t.oldKSA.Managers[0]))
		}
	case x.identity:
		// No answer settles it: no other service account can be given to the controller here.
		x.problems = append(x.problems, problem{code: HoldServiceAccountClaimed, reason: fmt.Sprintf("the controller's service account %s/%s was not seen, or serves others who do not use this account", t.old.namespace, t.old.name)})
	case len(t.specs) == 0:
		x.hold(HoldNoRecipe, "where this object's service account is written is not known, and it needs one of its own")
	default:
		// A generateName ends with a dash, and the jobs of Prow have names of their own: both can be made one.
		if !ValidName(newName(x.ref.Name, func(string) bool { return false })) || !ValidName(strings.TrimRight(x.ref.Name, "-.")) && x.ref.Kind != "ProwJob" {
			x.problems = append(x.problems, problem{code: HoldInvalidName, reason: "a new service account would be named after it, and " + quoted(x.ref.Name) + " is no name for one"})
		}
		w.judgeBindings(x)
		w.judgeGranted(x)
		if t.oldKSA != nil && len(t.oldKSA.Grants) > 0 && t.model == Direct {
			g := t.oldKSA.Grants[0]
			x.hold(HoldDirectGrants, fmt.Sprintf("the service account %s holds %s on %s itself, which a new one would not have", t.old.name, g.Role, g.Resource))
		}
	}
}

// judgeGranted holds a workload whose service account is granted another account, without being annotated for it: code can
// use such a grant, and a new service account would not have it.
func (w *world) judgeGranted(x *work) {
	for _, g := range w.grantsOf(x, x.target.old) {
		if g.principal.Name != "" && g.email != x.account {
			x.hold(HoldServiceAccountClaimed, fmt.Sprintf("the service account %s may act as %s by a grant; under another one the workload would lose that", x.target.old.name, quoted(g.email)))
			return
		}
	}
}

// sameTarget says whether every workload under x's service account gets the account that x gets.
func (w *world) sameTarget(x *work) bool {
	if x.target.split {
		return len(w.underKSA[x.ksa]) == 1 && len(w.underKSA[name{name: x.ksa.name}]) == 0 && !w.runsUnseen(x.ksa)
	}
	if w.annotationHarms(x) {
		return false
	}
	return w.sameAccount(x.ksa, x.account) && !w.runsUnseen(x.ksa) && !slices.ContainsFunc(w.underKSA[x.ksa], func(y under) bool {
		// One that acts as itself must not run under a service account that others annotate.
		return len(y.uses) > 0 && (w.effectiveModel(y.work) != x.target.model || w.effectiveModel(y.work) == Impersonation && w.splits(y.work))
	})
}

// annotationHarms says whether another workload under x's service account would lose by the annotation: roles that the
// service account holds itself, or the node's identity. What its owner answered is no loss.
func (w *world) annotationHarms(x *work) bool {
	t := &x.target
	if t.oldKSA == nil || t.model != Impersonation || t.oldKSA.Annotations[AccountAnnotation] != "" {
		return false
	}
	return slices.ContainsFunc(w.underKSA[x.ksa], func(y under) bool {
		if y.work == x {
			return false
		}
		if len(t.oldKSA.Grants) > 0 && !y.settled(HoldDirectGrants) {
			return true
		}
		return y.obj != nil && !y.settled(HoldMetadataIdentity) && slices.ContainsFunc(y.obj.PodSpecs, func(p scanner.PodSpec) bool {
			return slices.ContainsFunc(p.Containers, func(c scanner.Container) bool { return y.usesNode(&c) })
		})
	})
}

// effectiveModel is the model that a workload would move by.
func (w *world) effectiveModel(x *work) string {
	if m := w.modelOf(x); m == Direct && len(w.refusals(x)) == 0 {
		return Direct
	}
	return Impersonation
}

// runsUnseen says whether an object other than the known workloads says that pods run under the service account: an operator's
// setting. What those pods use is not known.
func (w *world) runsUnseen(ksa name) bool {
	return slices.ContainsFunc(w.mentions[ksa], func(m *scanner.Mention) bool {
		return m.Why == "operator" && w.byRef[refKey(m.Object)] == nil
	})
}

// judgeBindings holds a workload whose roles cannot be carried over.
func (w *world) judgeBindings(x *work) {
	for _, s := range w.bindings[x.target.old] {
		if !validBinding(s.binding.Ref.Name) || !validBinding(s.binding.RoleRef.Name) {
			x.problems = append(x.problems, problem{code: HoldInvalidName, reason: "the role binding is " + quoted(s.binding.Ref.Name) + " of " + quoted(s.binding.RoleRef.Name) + ", which Kubernetes would not accept"})
			return
		}
	}
}

// findSpecs finds the pod specs whose service account is meant. All that use a key must run under the same one.
func (w *world) findSpecs(x *work) {
	if x.obj == nil || x.identity {
		return
	}
	for i, p := range x.obj.PodSpecs {
		if p.AccountElsewhere || len(x.obj.PodSpecs) > 1 && !x.usesSpec(p) {
			continue
		}
		x.target.specs = append(x.target.specs, i)
		if effective(p) != x.ksa.name {
			if len(x.target.specs) == 1 {
				x.ksa.name = effective(p)
				x.target.old, x.target.oldKSA = x.ksa, w.ksas[x.ksa]
				continue
			}
			x.problems = append(x.problems, problem{code: HoldConflict, reason: "its pod templates run under different service accounts"})
		}
	}
}

// usesSpec says whether a use stands in the pod spec.
func (x *work) usesSpec(p scanner.PodSpec) bool {
	return slices.ContainsFunc(x.uses, func(u *use) bool { return u.PodSpec.Equal(p.Path) })
}

// effective is the service account that the pods of a spec run under: serviceAccountName wins over its deprecated alias.
func effective(p scanner.PodSpec) string {
	return cmp.Or(p.ServiceAccountName, p.DeprecatedServiceAccount, "default")
}

// findPools finds the pools that the workload's pods act in: those of the clusters that it was seen in, else the one that
// was given, else the one of the only cluster. A pool is read or given, never made up.
func (w *world) findPools(x *work) {
	t := &x.target
	seen := w.seenIn(x)
	for _, c := range seen {
		t.clusters = append(t.clusters, c.ID)
		p := poolRef{c.Pool, cmp.Or(c.ProjectNumber, w.policy.ProjectNumber)}
		if p.pool == "" {
			p.pool = w.policy.Pool
		} else if w.policy.Pool != "" && w.policy.Pool != p.pool {
			p.number = c.ProjectNumber
		}
		if p.pool == "" {
			t.unread, t.off = c.ID, c.WorkloadIdentity == scanner.No
			continue
		}
		t.addPool(p)
	}
	if len(seen) == 0 {
		w.givenPool(t)
	}
	slices.Sort(t.clusters)
	t.clusters = slices.Compact(t.clusters)
}

// judgePools holds a workload of which a pool is not known.
func (w *world) judgePools(x *work) {
	t := &x.target
	switch {
	case t.off || len(t.pools) == 0 && w.allOff():
		x.hold(HoldPoolUnknown, "Workload Identity is off in the cluster, which then has no pool: switch it on, or give the pool that it will have")
	case t.unread != "":
		x.hold(HoldPoolUnknown, "the pool of cluster "+quoted(t.unread)+" was not read and is not given")
	case len(t.pools) == 0:
		x.hold(HoldPoolUnknown, "no pool is given, and none was read from a cluster")
	}
	for _, p := range t.pools {
		if !ValidPool(p.pool) {
			x.problems = append(x.problems, problem{code: HoldInvalidName, reason: "the pool is " + quoted(p.pool)})
		}
		if t.model == Direct && !ValidProjectNumber(p.number) {
			x.hold(HoldPoolUnknown, "the direct model names the pool's project by its number, which is not known")
		}
	}
}

// allOff says whether clusters are known, and Workload Identity is off in each.
func (w *world) allOff() bool {
	return len(w.inv.Clusters) > 0 && !slices.ContainsFunc(w.inv.Clusters, func(c scanner.Cluster) bool { return c.WorkloadIdentity != scanner.No })
}

// givenPool is the pool of a workload that was seen in no cluster.
func (w *world) givenPool(t *target) {
	var pools []poolRef
	for _, c := range w.inv.Clusters {
		p := poolRef{c.Pool, c.ProjectNumber}
		if c.Pool != "" && !slices.Contains(pools, p) {
			pools = append(pools, p)
		}
	}
	switch {
	case w.policy.Pool != "":
		p := poolRef{w.policy.Pool, w.policy.ProjectNumber}
		for _, q := range pools {
			if q.pool == p.pool {
				p.number = cmp.Or(p.number, q.number)
			}
		}
		t.addPool(p)
	case len(pools) == 1:
		p := pools[0]
		p.number = cmp.Or(p.number, w.policy.ProjectNumber)
		t.addPool(p)
	}
	if refs := w.refs; len(refs) == 1 && (refs[0].Pool == "" || len(t.pools) == 0 || refs[0].Pool == t.pools[0].pool) {
		t.clusters = append(t.clusters, refs[0].ID)
	}
}

func (t *target) addPool(p poolRef) {
	for i := range t.pools {
		if t.pools[i].pool == p.pool {
			t.pools[i].number = cmp.Or(t.pools[i].number, p.number)
			return
		}
	}
	t.pools = append(t.pools, p)
	slices.SortFunc(t.pools, func(a, b poolRef) int { return cmp.Compare(a.pool, b.pool) })
}

// seenIn are the clusters that the workload was seen in.
func (w *world) seenIn(x *work) []*scanner.Cluster {
	var seen []*scanner.Cluster
	if x.obj == nil {
		return nil
	}
	for _, o := range x.obj.Origins {
		if c := w.clusters[o.Source]; c != nil && !slices.Contains(seen, c) {
			seen = append(seen, c)
		}
	}
	return seen
}

// taken says whether a name may not be given to a new service account of the namespace: one has it, something names it
// already (a workload, a role binding, a mesh policy), or it is granted another account.
func (w *world) taken(namespace, account string) func(string) bool {
	return func(candidate string) bool {
		key := name{namespace, candidate}
		if candidate == "default" || w.ksas[key] != nil || len(w.underKSA[key]) > 0 || len(w.bindings[key]) > 0 || len(w.mentions[key]) > 0 || w.made[key] {
			return true
		}
		return slices.ContainsFunc(w.granted[key], func(g granted) bool { return g.email != account })
	}
}
