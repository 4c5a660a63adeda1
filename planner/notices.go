package planner

import (
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// notices are what a reviewer must know about a move, sorted.
func (w *world) notices(x *work) []Notice {
	var list []Notice
	say := func(code, format string, args ...any) {
		list = append(list, Notice{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	w.sayAccount(x, say)
	w.sayServiceAccount(x, say)
	w.sayPods(x, say)
	w.sayObject(x, say)
	x.sayMounts(say)
	list = append(list, w.unverified(x)...)
	slices.SortFunc(list, compareNotices)
	return slices.CompactFunc(list, func(a, b Notice) bool { return compareNotices(a, b) == 0 })
}

type sayer func(code, format string, args ...any)

// sayAccount says what concerns the account and its keys.
func (w *world) sayAccount(x *work, say sayer) {
	if x.asserted {
		say(NoticeAccountAsserted, "that the key is one of %s is asserted by hand, not read", x.account)
	}
	for _, u := range x.uses {
		if u.key != nil && !u.asserted && !w.provenLive(u) {
			say(NoticeKeyUnverified, "that the key %s is one of %s was not proven yet", short(u.key.ID), x.account)
		}
	}
	if n := w.users[x.account]; n > 1 {
		say(NoticeSharedAccount, "%d workloads use the account %s", n, x.account)
	}
	if a := w.accounts[x.account]; a != nil {
		for _, g := range a.Grants {
			if overPrivileged(g.Role) {
				say(NoticeOverPrivileged, "%s holds %s on %s", x.account, g.Role, g.Resource)
			}
		}
	}
	w.sayImpersonators(x, say)
	w.sayAuthority(x, say)
	for _, code := range sortedKeys(x.answers) {
		effect := ""
		if code == HoldKeyNotLive {
			effect = "; the workload gets " + x.target.account + " again"
		}
		say(NoticeAnswered, "%s: %s%s%s", code, x.rule.Answers[code], effect, by(x.rule))
	}
	w.sayUnlisted(x, say)
	if x.target.split {
		say(NoticeSplitAccount, "the workload gets %s, with the roles of %s, which it no longer acts as", x.target.account, x.account)
	}
	for _, why := range x.target.refused {
		say(NoticeDirectUnsupported, "the direct model was asked for and is not used: %s", why)
	}
	w.saySigning(x, say)
	for _, u := range x.uses {
		if secret := w.secrets[name{u.Secret.Namespace, u.Secret.Name}]; secret != nil && u.Secret.Kind == "Secret" {
			for _, p := range secret.Provenance {
				if p.Kind != "plain" {
					say(NoticeSecretSource, "%s", sourceText(secret, p))
				}
			}
		}
	}
}

// sayUnlisted says what no search of allow policies shows, where the account's roles are repeated for somebody else.
func (w *world) sayUnlisted(x *work, say sayer) {
	if x.target.model != Direct && !x.target.split {
		return
	}
	say(NoticeGrantsUnlisted, "%s may hold roles that no search of allow policies lists, and that are not repeated: by a group that it is in, by the access lists of buckets and of BigQuery datasets, by a grant of the last hours", x.account)
	if x.target.model != Direct {
		return
	}
	for _, g := range w.accounts[x.account].Grants {
		if strings.HasPrefix(g.Role, "roles/storage.") {
			say(NoticeGrantsUnlisted, "%s on %s works for the service account itself on buckets with uniform bucket-level access alone, which was not read: gcloud storage buckets describe gs://BUCKET --format='value(uniform_bucket_level_access)'", g.Role, g.Resource)
		}
	}
}

// directRead says whether the roles that service accounts of the pools hold themselves were searched.
func (w *world) directRead(pools []poolRef) bool {
	return !slices.ContainsFunc(pools, func(p poolRef) bool {
		return !slices.ContainsFunc(w.inv.Clusters, func(c scanner.Cluster) bool { return c.Pool == p.pool && c.GrantsRead })
	})
}

// sayImpersonators says which grants let more act as the account than a workload needs.
func (w *world) sayImpersonators(x *work, say sayer) {
	for _, g := range w.impersonators[x.target.account] {
		p := g.principal
		who := fmt.Sprintf("the service account %s/%s of %s", p.Namespace, p.Name, p.Pool)
		switch {
		case p.Cluster != "":
			who = "every service account of the cluster " + p.Cluster
		case p.Name == "":
			who = fmt.Sprintf("every service account of the namespace %s of %s", p.Namespace, p.Pool)
		case p.Name == "default":
			who = fmt.Sprintf("every pod of the namespace %s that names no service account", p.Namespace)
		case g.project == "":
			continue
		}
		if g.project != "" {
			say(NoticeOverBroadGrant, "%s may act as every account of the project %s, %s among them, by %s", who, g.project, g.email, g.role)
			continue
		}
		say(NoticeOverBroadGrant, "%s may act as %s, by %s", who, g.email, g.role)
	}
}

// sayMounts says where the key can still be seen after the move.
func (x *work) sayMounts(say sayer) {
	if x.token {
		return
	}
	for _, u := range x.uses {
		for _, s := range x.sights(u, x.move.Edits) {
			say(NoticeMountKept, "the volume %s is mounted for something else too and stays: the container %s still sees the key at %s, which nothing that is known uses, until the entry leaves %s %s", quoted(u.Volume), s.container, quoted(s.path), u.Secret.Kind, u.Secret.Name)
		}
	}
}

func (w *world) saySigning(x *work, say sayer) {
	if x.rule != nil && x.rule.Signs != nil {
		if *x.rule.Signs {
			say(NoticeSigning, "the program signs: %s on %s itself is planned", RoleTokenCreator, x.target.account)
		}
		return
	}
	for _, c := range x.keyContainers() {
		if len(c.Signs) > 0 {
			say(NoticeSigning, "the container %s seems to sign with the key (%s): it then needs %s on %s itself; set signs in the policy file", c.Name, strings.Join(c.Signs, ", "), RoleTokenCreator, x.target.account)
		}
	}
}

// sayLogins says where a pod signs in by the name of its service account, with something that no manifest shows.
// Source: "Vault Agent Injector annotations"; "Annotations and labels" of Consul on Kubernetes.
func (x *work) sayLogins(say sayer) {
	if x.obj == nil {
		return
	}
	old := x.target.old.name
	for _, p := range x.obj.PodSpecs {
		if p.Annotations["vault.hashicorp.com/agent-inject"] == "true" {
			role := p.Annotations["vault.hashicorp.com/role"]
			say(NoticeMeshIdentity, "Vault's agent signs in as the pod's service account: the role %s, which is bound to names of service accounts, has to allow the new one beside %s", quoted(role), old)
		}
		if p.Annotations["consul.hashicorp.com/connect-inject"] == "true" {
			say(NoticeMeshIdentity, "Consul knows the pod by its service account: with access control on, its name %s has to be the service's, and intentions name it", old)
		}
	}
}

// sayServiceAccount says what concerns the Kubernetes service account.
func (w *world) sayServiceAccount(x *work, say sayer) {
	t := &x.target
	ns := t.old.namespace
	whole := w.listedWhole(x, ns)
	if t.keep && t.annotate && t.oldKSA.Annotations[AccountAnnotation] == "" && !w.directRead(t.pools) {
		say(NoticeDirectGrantsUnread, "whether the service account %s/%s holds roles itself was not read: once it is annotated, its pods do not use them any more", ns, t.name)
	}
	switch {
	case t.keep:
		if !t.oldKSA.Live {
			say(NoticeServiceAccountUnread, "the service account %s/%s was not seen live", ns, t.name)
		}
		if !whole {
			say(NoticeServiceAccountSharedUnseen, "workloads that were not seen may run under the service account %s/%s", ns, t.name)
		}
	default:
		if t.oldKSA == nil || !t.oldKSA.Live {
			say(NoticeServiceAccountUnread, "the old service account %s/%s was not seen live: what it carries there is not known", ns, t.old.name)
		}
		if !whole {
			say(NoticeServiceAccountUnread, "whether a service account %s/%s exists already was not seen live", ns, t.name)
			say(NoticeRBACUnseen, "the role bindings of %s/%s may not all have been seen", ns, t.old.name)
		}
		for _, m := range w.mentions[t.old] {
			say(NoticeMeshIdentity, "%s names the old service account %s in %s%s", m.Object, t.old.name, m.Field, parenthesis(m.Why))
		}
		x.sayLogins(say)
		if t.oldKSA != nil && len(t.oldKSA.Secrets) > 0 {
			say(NoticeTokenSecret, "the old service account %s lists Secrets of its own (%s), which whoever uses its token may need", t.old.name, strings.Join(t.oldKSA.Secrets, ", "))
		}
	}
	if x.token {
		say(NoticeProjectedToken, "a projected token replaces the key, because the pod is on the host network; the client library must read external_account configurations; try one pod before the rest")
	}
	for _, u := range x.uses {
		if u.Elsewhere == nil || len(u.At) > 0 {
			continue
		}
		if w.soleReader(x, *u.Elsewhere) {
			say(NoticeVariableElsewhere, "the ConfigMap %s sets %s for the whole container; it is removed there, and workloads that were not seen may read it too", u.Elsewhere.Name, u.Env)
		} else {
			say(NoticeVariableElsewhere, "the ConfigMap %s sets %s for several workloads and stays as it is; this one sets the variable to nothing", u.Elsewhere.Name, u.Env)
		}
	}
	if x.identity {
		say(NoticeControllerIdentity, "the grant goes to the controller's service account %s/%s, which acts for every object that it serves", ns, t.name)
	}
	for _, p := range t.pools {
		others := w.clustersOfPool(p.pool)
		if len(others) > 1 {
			say(NoticeIdentitySameness, "%d clusters share the pool %s (%s): %s/%s is the same identity in each", len(others), p.pool, strings.Join(others, ", "), ns, t.name)
		}
	}
	if subject := "ns/" + ns + "/sa/" + t.name; len(subject) > 127 {
		say(NoticeLongSubject, "the subject %s is longer than 127 bytes, the limit that Google documents for mapped subjects", subject)
	}
}

// clustersOfPool are the clusters known to share a pool.
func (w *world) clustersOfPool(pool string) []string {
	var ids []string
	for _, r := range w.refs {
		if r.Pool == pool {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// sayPods says what concerns the containers.
func (w *world) sayPods(x *work, say sayer) {
	if x.obj == nil || x.identity {
		return
	}
	for _, p := range x.obj.PodSpecs {
		if len(x.obj.PodSpecs) > 1 && !x.usesSpec(p) {
			continue
		}
		for _, c := range p.Containers {
			if !x.usesIn(c.Name) {
				say(NoticeContainerIdentity, "the container %s has no key and will be able to act as %s too", c.Name, x.target.account)
			}
		}
		if meshed(p) {
			say(NoticeStartUpRace, "a mesh sidecar may not let the program reach the metadata server in its first seconds")
		}
	}
	for _, c := range x.keyContainers() {
		project := w.projectToSet(x, c.Name)
		switch {
		case project == "":
		case setsProject(c):
			say(NoticeProjectDiffers, "the key's project %s is not the cluster's, and the container %s sets its project itself", project, c.Name)
		case c.EnvFrom:
			say(NoticeProjectDiffers, "the key's project %s is not the cluster's; %s is not added to the container %s, because variables that were not seen may set it", project, projectVariable, c.Name)
		default:
			say(NoticeProjectDiffers, "the key's project is not the cluster's: %s=%s is added to the container %s", projectVariable, project, c.Name)
		}
	}
}

// meshed says whether a sidecar proxy is injected or written out.
func meshed(p scanner.PodSpec) bool {
	if p.Annotations["sidecar.istio.io/inject"] == "true" || p.Labels["sidecar.istio.io/inject"] == "true" || p.Annotations["linkerd.io/inject"] == "enabled" {
		return true
	}
	return slices.ContainsFunc(p.Containers, func(c scanner.Container) bool {
		return (c.Name == "istio-proxy" || c.Name == "linkerd-proxy") && !c.Sidecar
	})
}

// sayObject says what concerns the object itself.
func (w *world) sayObject(x *work, say sayer) {
	if x.move.Recreate {
		say(NoticeRecreate, "the %s can not be changed in place: it is replaced", x.ref.Kind)
	}
	switch x.ref.Kind {
	case "Job", "CronJob", "Pod":
		say(NoticeStartUpRace, "a %s may ask for a token before the metadata server answers, and give up", x.ref.Kind)
	}
	if x.move.Schedule != "" {
		say(NoticeSoak, "the schedule %s must come round at least once before the key is disabled", quoted(x.move.Schedule))
	}
	if x.obj != nil && x.obj.Drift != "" {
		say(NoticeDrift, "%s", x.obj.Drift)
	}
	w.sayPolicies(x, say)
}

// overPrivileged says whether a role is one of the basic ones or an administrator's.
func overPrivileged(role string) bool {
	return role == "roles/owner" || role == "roles/editor" || strings.HasSuffix(strings.ToLower(role), "admin")
}

func by(r *WorkloadRule) string {
	var parts []string
	if r.Reason != "" {
		parts = append(parts, r.Reason)
	}
	if r.By != "" {
		parts = append(parts, r.By)
	}
	return parenthesis(strings.Join(parts, "; "))
}

func parenthesis(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// ofObject names an object after a space, or nothing.
func ofObject(ref scanner.Ref) string {
	if ref.Kind == "" {
		return ""
	}
	return " " + ref.String()
}

func short(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return id
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
