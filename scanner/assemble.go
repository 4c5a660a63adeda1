package scanner

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// inventory is what was found, whole and sorted.
func (a *analysis) inventory() Inventory {
	inv := Inventory{APIVersion: APIVersion, Kind: "Inventory"}
	for _, id := range sortedKeys(a.sources) {
		inv.Sources = append(inv.Sources, a.sources[id])
	}
	for _, id := range sortedKeys(a.clusters) {
		inv.Clusters = append(inv.Clusters, a.clusters[id])
	}
	inv.Gaps = slices.Clone(a.gaps)
	inv.Findings = a.assemble()
	for _, id := range sortedKeys(a.keys) {
		key := *a.keys[id]
		key.Copies = slices.DeleteFunc(slices.Clone(key.Copies), func(c Copy) bool {
			return isMergedValue(c.Holder) && slices.ContainsFunc(key.Copies, func(other Copy) bool {
				return other.Origin == c.Origin && other.Holder.Kind == c.Holder.Kind && other.Holder.Name == c.Holder.Name && !isMergedValue(other.Holder)
			})
		})
		inv.Keys = append(inv.Keys, key)
	}
	names := a.accountsThatMatter()
	inv.Workloads = a.workloadsThatMatter(inv.Findings, names)
	namespaces := map[string]bool{}
	for n := range names {
		namespaces[n.namespace] = true
	}
	for _, sa := range a.accounts {
		if namespaces[sa.Ref.Namespace] || names[accountName{sa.Ref.Namespace, sa.Ref.Name}] || len(sa.ImagePullSecrets) > 0 && hasFinding(inv.Findings, sa.Ref) {
			inv.ServiceAccounts = append(inv.ServiceAccounts, sa)
		}
	}
	for _, b := range a.bindings {
		if slices.ContainsFunc(b.Subjects, func(s Subject) bool { return s.names(b.Ref.Namespace, names) }) {
			inv.RoleBindings = append(inv.RoleBindings, b)
		}
	}
	for _, p := range a.policies {
		if p.Ref.Namespace == "" || namespaces[p.Ref.Namespace] || namespaces[""] {
			inv.NetworkPolicies = append(inv.NetworkPolicies, p)
		}
	}
	for _, m := range a.mentions {
		inv.Mentions = append(inv.Mentions, m.about(names)...)
	}
	inv.Secrets = a.secrets(inv.Findings)
	inv.normalise()
	return inv
}

func hasFinding(findings []Finding, ref Ref) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Workload == ref })
}

// workloadKey joins spellings of one object: a Deployment of extensions/v1beta1 is the one of apps/v1.
func workloadKey(ref Ref) Ref {
	ref.APIVersion = ref.Group()
	switch ref.Kind {
	case "Deployment", "DaemonSet", "ReplicaSet", "StatefulSet", "NetworkPolicy", "Ingress":
		if ref.APIVersion == "apps" || ref.APIVersion == "extensions" || ref.APIVersion == "networking.k8s.io" {
			ref.APIVersion = ""
		}
	}
	return ref
}

// An identity is what makes a finding the same one (CONTRACT: workload, container, via, what names it, Secret, entry), and
// the pod spec, for objects with several.
type identity struct {
	Workload      Ref
	PodSpec       string
	Container     string
	ContainerType string
	Via           Via
	Named         string
	Secret        Holder
	Place         string // where there is no workload
}

func (f Finding) identity() identity {
	id := identity{
		Workload: workloadKey(f.Workload), PodSpec: f.PodSpec.String(), Container: f.Container, ContainerType: f.ContainerType,
		Via: f.Via, Named: cmp.Or(f.Env, f.Field), Secret: f.Secret,
	}
	if f.Workload.Kind == "" {
		id.Place = spell(f.Origins)
	}
	return id
}

// id is a digest of the identity; of a use of several keys in one entry, also of the key.
func (i identity) id(key string) string {
	data, err := json.Marshal(struct {
		identity
		Key string
	}{i, key})
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// assemble makes Findings of candidates: those with one identity are one, with all their origins.
func (a *analysis) assemble() []Finding {
	slices.SortStableFunc(a.findings, func(x, y candidate) int {
		return cmp.Or(compareLive(x.live, y.live), x.Workload.Compare(y.Workload), compareOrigins(x.Origins, y.Origins), strings.Compare(x.root, y.root))
	})
	found := make([]Finding, 0, len(a.findings))
	for _, c := range a.findings {
		found = append(found, c.Finding)
	}
	return group(found)
}

// group joins findings with one identity. The first of them says what can be edited.
func group(all []Finding) []Finding {
	groups := map[identity][]Finding{}
	var order []identity
	for _, f := range all {
		id := f.identity()
		if groups[id] == nil {
			order = append(order, id)
		}
		groups[id] = append(groups[id], f)
	}
	var findings []Finding
	for _, id := range order {
		group := groups[id]
		var keys []string
		for _, c := range group {
			if c.Key != "" {
				keys = union(keys, []string{c.Key})
			}
		}
		switch len(keys) {
		case 0, 1:
			f := combine(group)
			f.ID = id.id("")
			if len(keys) == 1 {
				f.Key = keys[0]
			}
			findings = append(findings, f)
		default:
			for _, key := range keys {
				f := combine(filter(group, func(f Finding) bool { return f.Key == key }))
				f.ID = id.id(key)
				findings = append(findings, f)
			}
		}
	}
	return findings
}

// combine joins what says the same: the first one's fields, everybody's origins and obstacles.
func combine(group []Finding) Finding {
	f := group[0]
	f.Origins, f.Hold = nil, nil
	for _, c := range group {
		f.Origins = append(f.Origins, c.Origins...)
		for _, h := range c.Hold {
			if !slices.ContainsFunc(f.Hold, func(o Obstacle) bool { return o.Code == h.Code && o.What == h.What }) {
				f.Hold = append(f.Hold, h)
			}
		}
	}
	return f
}

// accountsThatMatter are the service accounts that workloads with findings run under, those that they may get, and those
// that the catalogue names.
func (a *analysis) accountsThatMatter() map[accountName]bool {
	names := map[accountName]bool{}
	for _, ref := range a.interest().ServiceAccounts {
		names[accountName{ref.Namespace, ref.Name}] = true
	}
	return names
}

// policed are the namespaces of workloads with findings where a network policy isolates egress: a policy that lets such a
// workload through must be known to select nobody else, so everybody there matters.
func (a *analysis) policed(findings []Finding) map[string]bool {
	isolated, policed := map[string]bool{}, map[string]bool{}
	for _, p := range a.policies {
		isolated[p.Ref.Namespace] = isolated[p.Ref.Namespace] || p.Isolates
	}
	for _, f := range findings {
		if ns := f.Workload.Namespace; ns != "" && isolated[ns] {
			policed[ns] = true
		}
	}
	return policed
}

// workloadsThatMatter are the workloads with findings, those that run under an account that matters, and those that a new
// network policy could select.
func (a *analysis) workloadsThatMatter(findings []Finding, names map[accountName]bool) []Workload {
	used := map[Ref]bool{}
	for _, f := range findings {
		used[workloadKey(f.Workload)] = true
	}
	policed := a.policed(findings)
	groups := map[Ref][]resolvedWorkload{}
	var order []Ref
	for _, r := range a.resolved {
		key := workloadKey(r.Ref)
		if !used[key] && !policed[r.Ref.Namespace] && !r.runsUnder(names) {
			continue
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], r)
	}
	for _, d := range a.idle.that(func(d *idleWorkload) bool {
		return used[d.key] || groups[d.key] != nil || policed[d.ref.Namespace] || d.runsUnder(names)
	}) {
		key := workloadKey(d.Ref)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], resolvedWorkload{definition: d})
	}
	var out []Workload
	for _, key := range order {
		group := groups[key]
		if key.Kind == "ProwJob" {
			// Jobs of several repositories share names: one without a key is another job.
			if users := filter(group, func(r resolvedWorkload) bool { return len(r.uses) > 0 }); len(users) > 0 {
				group = users
			}
		}
		out = append(out, join(group))
	}
	return append(out, a.resourcesThatMatter(findings, groups)...)
}

// runsUnder says that the workload's pods have one of the accounts. The default account of a namespace that is not known
// is anybody's, and nobody's.
func (r resolvedWorkload) runsUnder(names map[accountName]bool) bool {
	return matters(names, r.Ref.Namespace, r.ServiceAccount) || slices.ContainsFunc(r.pods, func(p wiring.Pod) bool {
		name, _ := p.Account()
		return matters(names, r.Ref.Namespace, name)
	})
}

// matters says that a service account is one of names, or may be: a namespace that is not known may be any. The default one
// of an unknown namespace is nobody's in particular.
func matters(names map[accountName]bool, namespace, name string) bool {
	if namespace == "" {
		return name != "default" && anyNamespace(names, name)
	}
	return names[accountName{namespace, name}]
}

// resourcesThatMatter are the custom resources with findings and without pods.
func (a *analysis) resourcesThatMatter(findings []Finding, groups map[Ref][]resolvedWorkload) []Workload {
	var out []Workload
	found := map[Ref]int{}
	for _, r := range a.resources {
		key := workloadKey(r.ref)
		if groups[key] != nil || !slices.ContainsFunc(findings, func(f Finding) bool { return workloadKey(f.Workload) == key && f.Via == object.Reference }) {
			continue
		}
		if i, ok := found[key]; ok {
			out[i].Origins = append(out[i].Origins, r.origins...)
			continue
		}
		found[key] = len(out)
		out = append(out, Workload{
			Ref: r.ref, Origins: slices.Clone(r.origins), PodSpecs: []PodSpec{}, Managers: r.managers, Live: r.live,
			Root: r.root, Generated: r.generated,
		})
	}
	return out
}

// join makes one workload of its definitions: the first one in the order of analyse (what people can edit, before what
// runs), with everybody's origins.
func join(group []resolvedWorkload) Workload {
	w := group[0].Workload
	w.PodSpecs = group[0].podSpecs()
	w.Labels = wiring.Unpaired(group[0].labels)
	w.Origins = nil
	var conflicts, drifts []string
	for _, r := range group {
		w.Origins = append(w.Origins, r.Origins...)
		for _, m := range r.Managers {
			if !slices.Contains(w.Managers, m) {
				w.Managers = append(slices.Clip(w.Managers), m)
			}
		}
		what := differences(group[0], r)
		if r.Live && !group[0].Live {
			drifts = append(drifts, what...)
		} else {
			conflicts = append(conflicts, what...)
		}
		w.Suspended = w.Suspended && r.Suspended
		w.HostNetwork = w.HostNetwork || r.HostNetwork
	}
	slices.Sort(w.Managers)
	w.Conflict, w.Drift = sentence(conflicts), sentence(drifts)
	w.Live = slices.ContainsFunc(group, func(r resolvedWorkload) bool { return r.Live })
	return w
}

func sentence(parts []string) string {
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), "; ")
}

// differences says how two definitions of one object differ in what matters here.
func differences(a, b resolvedWorkload) []string {
	var out []string
	if a.ServiceAccount != b.ServiceAccount {
		out = append(out, fmt.Sprintf("serviceAccountName is %s, and %s in %s", a.ServiceAccount, b.ServiceAccount, b.where()))
	}
	if a.HostNetwork != b.HostNetwork {
		out = append(out, fmt.Sprintf("hostNetwork is %t, and %t in %s", a.HostNetwork, b.HostNetwork, b.where()))
	}
	as, bs := a.spelled(), b.spelled()
	for _, u := range as {
		if !slices.Contains(bs, u) {
			out = append(out, fmt.Sprintf("%s is missing in %s", u, b.where()))
		}
	}
	for _, u := range bs {
		if !slices.Contains(as, u) {
			out = append(out, fmt.Sprintf("%s is in %s alone", u, b.where()))
		}
	}
	return out
}

func (r resolvedWorkload) where() string {
	if r.Live {
		return "the cluster"
	}
	return r.file
}

// spelled are the uses of a definition as text.
func (r resolvedWorkload) spelled() []string {
	var out []string
	for _, u := range r.uses {
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s of %s/%s", u.Via, u.Container, u.Named(), u.Secret.Name, u.Secret.Entry)), " "))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
