package planner

import (
	"cmp"
	"fmt"
	"slices"

	"dekey/scanner"
	"dekey/scanner/object"
)

// plan makes the move of a workload that nothing holds.
func (w *world) plan(x *work) {
	t := &x.target
	m := &Move{
		ID: moveID(x.ref), Workload: x.ref, Account: t.account, Model: t.model, Grants: []Grant{}, Edits: []Edit{}, Notices: []Notice{},
		Findings: []string{}, Keys: []string{}, Secrets: []scanner.Ref{}, Before: t.old.name, Cluster: first(t.clusters),
	}
	x.move = m
	if len(t.clusters) > 1 {
		m.Clusters = t.clusters
	}
	w.describe(x, m)
	if !t.keep {
		t.name = w.nameNew(x)
		w.made[name{t.old.namespace, t.name}] = true
	}
	m.ServiceAccount = ServiceAccount{Namespace: t.old.namespace, Name: t.name, Create: !t.keep}
	m.Grants = w.grants(x)
	m.Prove = w.prove(x)
	m.Edits = append(m.Edits, w.unwire(x)...)
	m.Edits = append(m.Edits, w.addProject(x)...)
	if t.keep {
		m.Edits = append(m.Edits, w.annotate(x)...)
	} else {
		m.Edits = append(m.Edits, w.replaceServiceAccount(x)...)
	}
	m.Edits = append(m.Edits, w.openMetadata(x)...)
	m.Edits = compactEdits(m.Edits)
	if m.Live {
		point(m.Edits, x)
	}
	m.Why = w.why(x)
	m.Notices = w.notices(x)
}

// point gives the edits of a live workload their places.
func point(edits []Edit, x *work) {
	for i := range edits {
		e := &edits[i]
		if e.Object != x.ref || e.Op == OpCreate {
			continue
		}
		pointer, ok := x.obj.Pointers.Find(e.Field)
		if !ok {
			continue
		}
		if _, list := x.obj.Pointers[e.Field.String()]; list && e.Op == OpAppend {
			pointer += "/-"
		}
		e.Pointer = pointer
	}
}

// moveID is NAMESPACE/KIND/NAME, with the API group where that is not one of Kubernetes' own.
func moveID(ref scanner.Ref) string {
	switch group := ref.Group(); group {
	case "", "apps", "batch", "extensions":
		return ref.String()
	default:
		return ref.String() + "." + group
	}
}

// describe fills in what the move says about the workload and its keys.
func (w *world) describe(x *work, m *Move) {
	for _, u := range x.uses {
		m.Findings = append(m.Findings, u.ID)
		if u.key != nil {
			m.Keys = append(m.Keys, u.key.ID)
		}
		switch u.Secret.Kind {
		case "Secret", "ConfigMap":
			m.Secrets = append(m.Secrets, scanner.Ref{APIVersion: "v1", Kind: u.Secret.Kind, Namespace: u.Secret.Namespace, Name: u.Secret.Name})
		}
	}
	slices.Sort(m.Findings)
	m.Keys = sorted(m.Keys)
	slices.SortFunc(m.Secrets, scanner.Ref.Compare)
	m.Secrets = slices.Compact(m.Secrets)
	switch x.ref.Kind {
	case "Job", "Pod", "ReplicaSet", "ReplicationController":
		m.Recreate = x.ref.Group() == "" || x.ref.Group() == "batch" || x.ref.Group() == "apps" || x.ref.Group() == "extensions"
	}
	if x.obj != nil {
		m.Live = x.obj.Live && !w.inCheckout(x.obj.Origins)
		m.Schedule = x.obj.Schedule
		m.Period = period(x.obj.Schedule)
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// grants are the bindings that must be there before the merge.
func (w *world) grants(x *work) []Grant {
	t := &x.target
	if t.model == Direct {
		return w.directGrants(x)
	}
	grants := []Grant{}
	for _, p := range t.pools {
		principal := Principal{Pool: p.pool, Number: p.number, Namespace: t.old.namespace, Name: t.name}
		grants = append(grants, Grant{
			Resource: AccountResource(t.account), Role: RoleWorkloadIdentityUser, Member: principal.Member(),
			Project: w.projectOfAccount(t.account), Exists: w.isGranted(t.account, principal),
		})
	}
	if x.rule != nil && x.rule.Signs != nil && *x.rule.Signs {
		grants = append(grants, Grant{
			Resource: AccountResource(t.account), Role: RoleTokenCreator, Member: "serviceAccount:" + t.account,
			Project: w.projectOfAccount(t.account), Exists: w.holdsOnItself(t.account),
		})
	}
	return grants
}

// isGranted says whether the principal was seen with roles/iam.workloadIdentityUser on the account, in either spelling and
// without a condition.
func (w *world) isGranted(account string, p Principal) bool {
	return slices.ContainsFunc(w.granted[name{p.Namespace, p.Name}], func(g granted) bool {
		return g.email == account && g.project == "" && g.role == RoleWorkloadIdentityUser && g.condition == "" && g.principal.Same(p)
	})
}

func (w *world) holdsOnItself(account string) bool {
	a := w.accounts[account]
	return a != nil && slices.ContainsFunc(a.Bindings, func(b scanner.Binding) bool {
		return b.Role == RoleTokenCreator && b.Condition == "" && slices.Contains(b.Members, "serviceAccount:"+account)
	})
}

func (w *world) projectOfAccount(account string) string {
	if a := w.accounts[account]; a != nil && ValidProject(a.Project) {
		return a.Project
	}
	return ProjectOf(account)
}

// prove are the keys whose possession the grant depends on: the workload's own, and those by which the others under a kept
// service account claim the account, because they get it with the annotation.
func (w *world) prove(x *work) []string {
	var ids []string
	add := func(y *work) {
		for _, u := range y.uses {
			if u.key != nil && !u.asserted {
				ids = append(ids, u.key.ID)
			}
		}
	}
	add(x)
	if x.target.keep {
		for _, y := range w.underKSA[x.target.old] {
			add(y.work)
		}
	}
	return sorted(ids)
}

// annotate are the edits of a service account that is kept.
func (w *world) annotate(x *work) []Edit {
	if !x.target.annotate {
		return nil
	}
	return []Edit{{
		Object: x.target.oldKSA.Ref, Op: OpSet, Field: object.Keys("metadata", "annotations", AccountAnnotation), Value: x.target.account,
		Was: x.target.oldKSA.Annotations[AccountAnnotation], Why: "its pods act as the account",
	}}
}

// addProject adds GOOGLE_CLOUD_PROJECT where the key's project is not the pool's: client libraries took the project from the
// key, and would take the metadata server's, the cluster's, without it.
// https://cloud.google.com/docs/authentication/application-default-credentials
func (w *world) addProject(x *work) []Edit {
	var edits []Edit
	for _, c := range x.keyContainers() {
		value := w.projectToSet(x, c.Name)
		if value == "" || c.EnvFrom || setsProject(c) {
			continue
		}
		edits = append(edits, Edit{
			Object: x.ref, Op: OpAppend, Field: c.Field.Join(object.Key("env")),
			Value: map[string]any{"name": projectVariable, "value": value}, Why: "client libraries took the project from the key",
		})
	}
	return edits
}

const projectVariable = "GOOGLE_CLOUD_PROJECT"

// setsProject says whether the container sets the project already, in the present spelling or the one before it, which some
// libraries prefer.
func setsProject(c *scanner.Container) bool {
	return slices.Contains(c.Env, projectVariable) || slices.Contains(c.Env, "GCLOUD_PROJECT")
}

// keyContainers are the containers that used the key, in the order of the object.
func (x *work) keyContainers() []*scanner.Container {
	var list []*scanner.Container
	if x.obj == nil {
		return nil
	}
	for i := range x.obj.PodSpecs {
		p := &x.obj.PodSpecs[i]
		for j := range p.Containers {
			c := &p.Containers[j]
			if slices.ContainsFunc(x.uses, func(u *use) bool {
				return u.Container == c.Name && (u.ContainerType == "" || u.ContainerType == c.Type) && (len(u.PodSpec) == 0 || u.PodSpec.Equal(p.Path))
			}) {
				list = append(list, c)
			}
		}
	}
	return list
}

// projectToSet is the project of the keys that a container used, where it is not the pool's and the only one; else "".
func (w *world) projectToSet(x *work, container string) string {
	var project string
	for _, u := range x.uses {
		if u.Container != container {
			continue
		}
		p := u.projectOfUse()
		if p == "" || project != "" && project != p {
			return ""
		}
		project = p
	}
	if project == "" {
		return ""
	}
	for _, pool := range x.target.pools {
		if !w.sameProject(project, pool) {
			return project
		}
	}
	return ""
}

// sameProject says whether a project, by id or number, is the one that owns the pool.
func (w *world) sameProject(project string, p poolRef) bool {
	id := ProjectOfPool(p.pool)
	if project == id || p.number != "" && project == p.number {
		return true
	}
	known := w.projects[project]
	return known != nil && (known.ID == id || known.Number != "" && known.Number == p.number)
}

// replaceServiceAccount are the edits that give a workload a new service account with everything that the old one carries.
func (w *world) replaceServiceAccount(x *work) []Edit {
	t := &x.target
	content, carried := w.newServiceAccount(x)
	ref := scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: t.old.namespace, Name: t.name}
	edits := []Edit{{Object: ref, Op: OpCreate, Value: content, Why: "a service account of the workload's own"}}
	edits = append(edits, x.setServiceAccount()...)
	edits = append(edits, w.carryBindings(x, carried)...)
	x.move.Carried = carried
	return edits
}

// setServiceAccount writes the name into the pod specs. The deprecated alias goes: two spellings must not differ.
func (x *work) setServiceAccount() []Edit {
	var edits []Edit
	for _, i := range x.target.specs {
		p := x.obj.PodSpecs[i]
		field := p.AccountField
		if len(field) == 0 {
			field = p.Path.Join(object.Key("serviceAccountName"))
		}
		if slices.ContainsFunc(edits, func(e Edit) bool { return e.Field.Equal(field) }) {
			continue // an outer level names it for several
		}
		edits = append(edits, Edit{
			Object: x.ref, Op: OpSet, Field: field, Value: x.target.name,
			Was: p.ServiceAccountName, Why: "the workload's new service account",
		})
		if p.DeprecatedServiceAccount != "" {
			edits = append(edits, Edit{
				Object: x.ref, Op: OpRemove, Field: p.Path.Join(object.Key("serviceAccount")), Was: p.DeprecatedServiceAccount,
				Why: "the deprecated spelling of the service account's name",
			})
		}
	}
	return edits
}

func (w *world) why(x *work) string {
	t := &x.target
	acts := "acts as " + t.account
	if t.model == Direct {
		acts = "acts as itself, with the roles of " + x.account
	}
	switch {
	case t.keep && x.identity:
		return fmt.Sprintf("the controller's service account %s/%s %s", t.old.namespace, t.name, acts)
	case t.keep:
		return fmt.Sprintf("the service account %s is kept: every workload that was seen under it uses this account; it %s", t.name, acts)
	case t.old.name == "default":
		return fmt.Sprintf("default is never annotated: a new service account %s %s", t.name, acts)
	case t.model == Direct && t.oldKSA != nil && len(t.oldKSA.accounts) > 0:
		return fmt.Sprintf("the service account %s is annotated, and its pods do not act as themselves: a new one, %s, %s", t.old.name, t.name, acts)
	case t.oldKSA == nil:
		return fmt.Sprintf("the service account %s was not seen: a new one, %s, %s", t.old.name, t.name, acts)
	}
	return fmt.Sprintf("others under the service account %s do not use this account: a new one, %s, %s", t.old.name, t.name, acts)
}

// compareRefs is for lists of pointers.
func compareBindings(a, b *subject) int {
	return cmp.Or(a.binding.Ref.Compare(b.binding.Ref), cmp.Compare(a.subject.Kind, b.subject.Kind))
}
