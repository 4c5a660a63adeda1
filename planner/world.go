package planner

import (
	"cmp"
	"slices"
	"strings"

	"dekey/scanner"
)

// A name is a namespaced name: of a service account, a Secret.
type name struct{ namespace, name string }

// A world is the inventory with everything that the planner looks up, and the work that is planned. Each index is built
// in one pass over its list.
type world struct {
	inv    scanner.Inventory
	policy Policy

	work  []*work               // sorted by ref
	byRef map[scanner.Ref]*work // by refKey
	// underKSA are the workloads by the service account that they run under, identities of references included.
	underKSA    map[name][]under
	users       map[string]int     // workloads by account
	inNamespace map[string][]*work // by namespace

	keys     map[string]*scanner.Key
	facts    map[string]*scanner.KeyFact
	ksas     map[name]*serviceAccount
	bindings map[name][]*subject                 // role bindings by the service account they name
	mentions map[name][]*scanner.Mention         // by service account
	secrets  map[name]*scanner.Secret            // Secrets only
	policies map[string][]*scanner.NetworkPolicy // by namespace
	accounts map[string]*scanner.Account         // by email
	projects map[string]*scanner.Project         // by id and number
	sources  map[string]*scanner.Source          // by id
	clusters map[string]*scanner.Cluster         // by id and source id
	complete map[string]map[string]bool          // namespaces listed whole, by cluster
	refs     []ClusterRef

	granted    map[name][]granted   // impersonation that was seen, by exact service account
	grantedSet map[string][]granted // the same by namespace, for sets ("" for clusters)
	// impersonators are all of these by account.
	impersonators map[string][]granted
	rules         map[string]*WorkloadRule
	asserted      map[AccountRule]string // with an empty Email

	// What planning one workload leaves for the next.
	made         map[name]bool        // names given to new service accounts
	chosen       map[string]string    // those given to all workloads whose service account one value chooses
	bindingNames map[scanner.Ref]bool // role bindings that exist or are planned
	planned      map[string]*work     // accounts that a split creates
	principals   map[string]int       // members of accounts' policies, planned ones included
	counted      map[Grant]bool       // the planned ones of service accounts that are kept, by account and member

	elsewhere     map[scanner.Holder][]*work // users of a ConfigMap that sets their variable
	unreadSecrets map[name][]string          // entries in use, of the Secrets of which neither content nor account is known
}

// A subject is a role binding with the subject that matched.
type subject struct {
	binding  *scanner.RoleBinding
	subject  scanner.Subject
	editable bool // a definition of the binding is in a checkout
}

// A granted is impersonation of an account by a principal.
type granted struct {
	email     string
	principal Principal
	role      string
	condition string
	project   string // it stands in the policy of this whole project, "" in the account's own
}

// A work is one workload (or other object with findings) while it is planned.
type work struct {
	ref     scanner.Ref
	obj     *scanner.Workload // nil: nothing but findings is known
	uses    []*use
	pulls   []*use // image pulls, which go their own way
	rule    *WorkloadRule
	answers map[string]bool // the codes whose answers were used

	ksa      name   // the service account that it runs under, or whose identity its references get
	identity bool   // ksa is another object's: the controller's
	mixed    bool   // uses act under several identities
	own      bool   // a use acts under the object's own service account
	account  string // the one account, "" where none or several are known
	emails   []string
	asserted bool // the account comes from the operator, not from a key
	unknown  bool // a use whose account is not known

	problems []problem // of the workload as a whole
	move     *Move
	held     bool
	target   target
	gained   []string // accounts that it gets by the plan
	twice    bool     // the inventory lists it more than once
	token    bool     // a projected token replaces the key
}

// A use is a finding with what is known about its account.
type use struct {
	*scanner.Finding
	key      *scanner.Key
	email    string
	asserted bool
	problems []problem
}

func newWorld(inv scanner.Inventory, policy Policy) *world {
	w := &world{
		inv: inv, policy: policy,
		made: make(map[name]bool), bindingNames: make(map[scanner.Ref]bool), planned: make(map[string]*work),
		principals: make(map[string]int), counted: make(map[Grant]bool), elsewhere: make(map[scanner.Holder][]*work),
	}
	w.indexObjects()
	w.refs = w.clusterRefs()
	w.indexAccess()
	w.indexWork()
	return w
}

func (w *world) indexObjects() {
	w.keys = make(map[string]*scanner.Key, len(w.inv.Keys))
	for i := range w.inv.Keys {
		w.keys[w.inv.Keys[i].ID] = &w.inv.Keys[i]
	}
	w.facts = make(map[string]*scanner.KeyFact, len(w.inv.KeyFacts))
	for i := range w.inv.KeyFacts {
		w.facts[w.inv.KeyFacts[i].Key] = &w.inv.KeyFacts[i]
	}
	w.secrets = make(map[name]*scanner.Secret, len(w.inv.Secrets))
	for i, s := range w.inv.Secrets {
		if s.Ref.Kind == "Secret" {
			w.secrets[name{s.Ref.Namespace, s.Ref.Name}] = &w.inv.Secrets[i]
		}
	}
	w.projects = make(map[string]*scanner.Project)
	for i, p := range w.inv.Projects {
		w.projects[p.ID] = &w.inv.Projects[i]
		if p.Number != "" {
			w.projects[p.Number] = &w.inv.Projects[i]
		}
	}
	w.sources = make(map[string]*scanner.Source)
	for i := range w.inv.Sources {
		w.sources[w.inv.Sources[i].ID] = &w.inv.Sources[i]
	}
	w.clusters = make(map[string]*scanner.Cluster)
	w.complete = make(map[string]map[string]bool)
	for i := range w.inv.Clusters {
		c := &w.inv.Clusters[i]
		for _, id := range []string{c.ID, c.Source} {
			if id == "" {
				continue
			}
			w.clusters[id] = c
			if w.complete[id] == nil {
				w.complete[id] = make(map[string]bool)
			}
			for _, ns := range c.Complete {
				w.complete[id][ns] = true
			}
		}
	}
	w.policies = make(map[string][]*scanner.NetworkPolicy)
	for i, p := range w.inv.NetworkPolicies {
		w.policies[p.Ref.Namespace] = append(w.policies[p.Ref.Namespace], &w.inv.NetworkPolicies[i])
	}
	w.joinServiceAccounts()
	w.mentions = make(map[name][]*scanner.Mention)
	for i, m := range w.inv.Mentions {
		key := name{m.ServiceAccount.Namespace, m.ServiceAccount.Name}
		w.mentions[key] = append(w.mentions[key], &w.inv.Mentions[i])
	}
}

// indexAccess indexes who is granted what: role bindings and IAM policies.
func (w *world) indexAccess() {
	w.indexBindings()
	w.accounts = make(map[string]*scanner.Account, len(w.inv.Accounts))
	w.impersonators = make(map[string][]granted)
	w.granted = make(map[name][]granted)
	w.grantedSet = make(map[string][]granted)
	for i := range w.inv.Accounts {
		a := &w.inv.Accounts[i]
		w.accounts[accountEmail(a.Email)] = a
		w.indexImpersonators(accountEmail(a.Email), a.Bindings, "")
		if p := w.projects[cmp.Or(a.Project, ProjectOf(a.Email))]; p != nil {
			w.indexImpersonators(accountEmail(a.Email), p.Impersonators, p.ID)
		}
	}
	w.rules = make(map[string]*WorkloadRule, len(w.policy.Workloads))
	for i := range w.policy.Workloads {
		w.rules[w.policy.Workloads[i].Workload] = &w.policy.Workloads[i]
	}
	w.asserted = make(map[AccountRule]string, len(w.policy.Accounts))
	for _, r := range w.policy.Accounts {
		w.asserted[AccountRule{Namespace: r.Namespace, Secret: r.Secret, Entry: r.Entry}] = accountEmail(r.Email)
	}
}

// indexImpersonators indexes the bindings of one policy, the account's own or its project's, by who may act as the account.
func (w *world) indexImpersonators(email string, bindings []scanner.Binding, project string) {
	for _, b := range bindings {
		if b.Role != RoleWorkloadIdentityUser && b.Role != RoleTokenCreator {
			continue
		}
		for _, member := range b.Members {
			p, ok := ParsePrincipal(member)
			if !ok {
				continue
			}
			g := granted{email: email, principal: p, role: b.Role, condition: b.Condition, project: project}
			w.impersonators[email] = append(w.impersonators[email], g)
			if p.Name == "" {
				w.grantedSet[p.Namespace] = append(w.grantedSet[p.Namespace], g)
				continue
			}
			w.granted[name{p.Namespace, p.Name}] = append(w.granted[name{p.Namespace, p.Name}], g)
		}
	}
}

// indexBindings indexes role bindings by the service accounts that they name. The checkout's definition of a binding and the
// live one are one binding, which is edited in the checkout.
func (w *world) indexBindings() {
	editable := make(map[scanner.Ref]bool)
	for i := range w.inv.RoleBindings {
		b := &w.inv.RoleBindings[i]
		w.bindingNames[refKey(b.Ref)] = true
		if w.inCheckout(b.Origins) {
			editable[refKey(b.Ref)] = true
		}
	}
	type seen struct {
		ref  scanner.Ref
		kind string
		ksa  name
	}
	known := make(map[seen]bool)
	w.bindings = make(map[name][]*subject)
	for i := range w.inv.RoleBindings {
		b := &w.inv.RoleBindings[i]
		for _, s := range b.Subjects {
			ksa, ok := subjectName(s, b.Ref.Namespace)
			key := seen{refKey(b.Ref), s.Kind, ksa}
			if !ok || known[key] {
				continue
			}
			known[key] = true
			w.bindings[ksa] = append(w.bindings[ksa], &subject{binding: b, subject: s, editable: editable[refKey(b.Ref)]})
		}
	}
}

// subjectName is the one service account that a subject of a role binding names, in either spelling.
func subjectName(s scanner.Subject, bindingNamespace string) (name, bool) {
	switch s.Kind {
	case "ServiceAccount":
		ns := s.Namespace
		if ns == "" {
			ns = bindingNamespace
		}
		return name{ns, s.Name}, true
	case "User":
		rest, found := strings.CutPrefix(s.Name, "system:serviceaccount:")
		if !found {
			return name{}, false
		}
		ns, sa, found := strings.Cut(rest, ":")
		return name{ns, sa}, found
	}
	return name{}, false
}

// indexWork joins workloads and findings.
func (w *world) indexWork() {
	w.byRef = make(map[scanner.Ref]*work, len(w.inv.Workloads))
	add := func(ref scanner.Ref, origins []scanner.Origin) *work {
		x := w.byRef[refKey(ref)]
		if x == nil {
			x = &work{ref: ref, rule: w.ruleOf(ref, origins), answers: make(map[string]bool)}
			w.byRef[refKey(ref)] = x
			w.work = append(w.work, x)
		}
		return x
	}
	for i := range w.inv.Workloads {
		x := add(w.inv.Workloads[i].Ref, w.inv.Workloads[i].Origins)
		if x.obj != nil {
			x.twice = true
		}
		x.obj = &w.inv.Workloads[i]
		x.ksa = name{x.ref.Namespace, x.obj.ServiceAccount}
	}
	for i := range w.inv.Findings {
		f := &w.inv.Findings[i]
		x := add(f.Workload, f.Origins)
		u := w.newUse(x, f)
		if f.Via == scanner.ImagePull {
			x.pulls = append(x.pulls, u)
			continue
		}
		x.uses = append(x.uses, u)
		if f.Identity != nil && f.Identity.Name != "" {
			ksa := name{f.Identity.Namespace, f.Identity.Name}
			x.mixed = x.mixed || x.identity && x.ksa != ksa
			x.ksa, x.identity = ksa, true
		} else {
			x.own = true
		}
		if f.Elsewhere != nil {
			w.elsewhere[holderKey(*f.Elsewhere)] = append(w.elsewhere[holderKey(*f.Elsewhere)], x)
		}
	}
	slices.SortFunc(w.work, func(a, b *work) int { return a.ref.Compare(b.ref) })
	w.underKSA = make(map[name][]under)
	w.users = make(map[string]int)
	w.inNamespace = make(map[string][]*work)
	w.unreadSecrets = make(map[name][]string)
	for _, x := range w.work {
		w.settleAccount(x)
		w.inNamespace[x.ref.Namespace] = append(w.inNamespace[x.ref.Namespace], x)
		for _, u := range w.runsUnder(x) {
			w.underKSA[u.ksa] = append(w.underKSA[u.ksa], u)
		}
		for _, email := range x.emails {
			if x.acts() { // an object with a copy of the key in its text is no user of the account
				w.users[email]++
			}
		}
		for _, u := range x.uses {
			if u.key == nil && u.email == "" {
				key := name{u.Secret.Namespace, u.Secret.Name}
				w.unreadSecrets[key] = sorted(append(w.unreadSecrets[key], u.Secret.Entry))
			}
		}
	}
}

// ruleOf is what the policy says of a workload. One whose namespace comes from the policy is also found by the name that it has
// without: what was answered before the namespace was known still counts.
func (w *world) ruleOf(ref scanner.Ref, origins []scanner.Origin) *WorkloadRule {
	if r := w.rules[ref.String()]; r != nil || ref.Namespace == "" {
		return r
	}
	bare := ref
	bare.Namespace = ""
	if r := w.rules[bare.String()]; r != nil && namespaceOf(bare, origins, w.policy.Namespaces) == ref.Namespace {
		return r
	}
	return nil
}

// An under is one workload under one service account. Keyed says that pods under it use the workload's keys: a custom
// resource may have several pod templates with service accounts of their own.
type under struct {
	*work
	ksa   name
	keyed bool
}

func (w *world) runsUnder(x *work) []under {
	if x.ksa.name == "" {
		return nil
	}
	all := []under{{work: x, ksa: x.ksa, keyed: len(x.uses) > 0}}
	if x.obj == nil || x.identity {
		if x.identity && x.obj != nil && x.obj.ServiceAccount != "" {
			all = append(all, under{work: x, ksa: name{x.ref.Namespace, x.obj.ServiceAccount}})
		}
		return all
	}
	if len(x.obj.PodSpecs) < 2 {
		return all
	}
	all[0].keyed = false
	for _, p := range x.obj.PodSpecs {
		u := under{work: x, ksa: name{x.ref.Namespace, effective(p)}, keyed: x.usesSpec(p) || !x.specific()}
		i := slices.IndexFunc(all, func(v under) bool { return v.ksa == u.ksa })
		if i < 0 {
			all = append(all, u)
			continue
		}
		all[i].keyed = all[i].keyed || u.keyed
	}
	return all
}

// specific says whether every use names its pod spec.
func (x *work) specific() bool {
	return !slices.ContainsFunc(x.uses, func(u *use) bool { return len(u.PodSpec) == 0 })
}

// listedWhole says whether a namespace was listed whole in every cluster that x was seen in (or, for one that was seen in
// none, in a cluster of the input).
func (w *world) listedWhole(x *work, namespace string) bool {
	seen := false
	for _, id := range w.clustersOf(x) {
		if !w.complete[id][namespace] {
			return false
		}
		seen = true
	}
	return seen
}

// clustersOf are the source ids of the clusters that x runs in: those that it was seen in, or the only one there is.
func (w *world) clustersOf(x *work) []string {
	var ids []string
	if x.obj != nil {
		for _, o := range x.obj.Origins {
			if w.clusters[o.Source] != nil && !slices.Contains(ids, o.Source) {
				ids = append(ids, o.Source)
			}
		}
	}
	if len(ids) == 0 && len(w.inv.Clusters) == 1 {
		if c := w.inv.Clusters[0]; c.Source != "" {
			ids = append(ids, c.Source)
		} else {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// inCheckout says whether one of the origins is in a repository, so that the object's source can be edited.
func (w *world) inCheckout(origins []scanner.Origin) bool {
	return slices.ContainsFunc(origins, func(o scanner.Origin) bool {
		s := w.sources[o.Source]
		if s == nil {
			return o.Path != "" // a source that the inventory does not list: text has a path
		}
		return s.Kind == "repository" && !s.Dump
	})
}
