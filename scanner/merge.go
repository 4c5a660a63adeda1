package scanner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner/object"
)

// Merge joins inventories: of a checkout and of the cluster that it is applied to, or of a fleet. A workload that several
// of them saw is one workload with all its origins; keys are joined by their ids; a finding that one inventory could not
// name the key of gets it from another one that read the Secret. Sources with one id that are not the same source get ids
// of their own.
func Merge(inventories ...Inventory) Inventory {
	m := merger{ids: map[string]Source{}}
	for _, inv := range inventories {
		m.take(inv)
	}
	return m.merged()
}

type merger struct {
	out  Inventory
	ids  map[string]Source
	live map[string]bool // sources that are clusters
}

// take adds one inventory, with its sources renamed where their ids are taken.
func (m *merger) take(inv Inventory) {
	inv = clone(inv)
	names := map[string]string{}
	for i, s := range inv.Sources {
		id := s.ID
		for n := 2; ; n++ {
			taken, ok := m.ids[id]
			if !ok {
				break
			}
			taken.ID = s.ID
			if spelledOut(taken) == spelledOut(s) {
				break // the same source, scanned twice
			}
			id = fmt.Sprintf("%s#%d", s.ID, n)
		}
		names[s.ID] = id
		inv.Sources[i].ID = id
		if _, ok := m.ids[id]; !ok {
			m.out.Sources = append(m.out.Sources, inv.Sources[i])
			m.ids[id] = inv.Sources[i]
		}
	}
	rename(&inv, func(id string) string { return cmp.Or(names[id], id) })
	m.out.Gaps = append(m.out.Gaps, inv.Gaps...)
	m.out.Keys = append(m.out.Keys, inv.Keys...)
	m.out.Workloads = append(m.out.Workloads, inv.Workloads...)
	m.out.Findings = append(m.out.Findings, inv.Findings...)
	m.out.ServiceAccounts = append(m.out.ServiceAccounts, inv.ServiceAccounts...)
	m.out.RoleBindings = append(m.out.RoleBindings, inv.RoleBindings...)
	m.out.NetworkPolicies = append(m.out.NetworkPolicies, inv.NetworkPolicies...)
	m.out.Mentions = append(m.out.Mentions, inv.Mentions...)
	m.out.Clusters = append(m.out.Clusters, inv.Clusters...)
	m.out.Accounts = append(m.out.Accounts, inv.Accounts...)
	m.out.KeyFacts = append(m.out.KeyFacts, inv.KeyFacts...)
	m.out.KeyMakers = append(m.out.KeyMakers, inv.KeyMakers...)
	m.out.Authorities = append(m.out.Authorities, inv.Authorities...)
	m.out.Secrets = append(m.out.Secrets, inv.Secrets...)
	m.out.Projects = append(m.out.Projects, inv.Projects...)
	m.out.Exceptions = append(m.out.Exceptions, inv.Exceptions...)
}

// clone is a deep copy: merging renames origins in place.
func clone(inv Inventory) Inventory {
	data, err := json.Marshal(inv)
	if err != nil {
		panic(err) // plain values: cannot fail
	}
	var out Inventory
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}

// rename gives every origin its source's new id.
func rename(inv *Inventory, to func(string) string) {
	all := func(origins []Origin) {
		for i := range origins {
			origins[i].Source = to(origins[i].Source)
		}
	}
	one := func(origin *Origin) {
		if origin != nil {
			origin.Source = to(origin.Source)
		}
	}
	for i := range inv.Gaps {
		inv.Gaps[i].Source = to(inv.Gaps[i].Source)
	}
	for i := range inv.Keys {
		for j := range inv.Keys[i].Copies {
			one(&inv.Keys[i].Copies[j].Origin)
		}
	}
	for i := range inv.Workloads {
		all(inv.Workloads[i].Origins)
	}
	for i := range inv.Findings {
		all(inv.Findings[i].Origins)
		for j := range inv.Findings[i].Hold {
			one(inv.Findings[i].Hold[j].At)
		}
	}
	for i := range inv.ServiceAccounts {
		all(inv.ServiceAccounts[i].Origins)
	}
	for i := range inv.RoleBindings {
		all(inv.RoleBindings[i].Origins)
	}
	for i := range inv.NetworkPolicies {
		all(inv.NetworkPolicies[i].Origins)
	}
	for i := range inv.Mentions {
		all(inv.Mentions[i].Origins)
	}
	for i := range inv.KeyMakers {
		one(&inv.KeyMakers[i].Origin)
	}
	for i := range inv.Authorities {
		one(&inv.Authorities[i].Origin)
	}
	for i := range inv.Exceptions {
		one(&inv.Exceptions[i].Origin)
	}
	for i := range inv.Clusters {
		inv.Clusters[i].Source = to(inv.Clusters[i].Source)
	}
	for i := range inv.Secrets {
		all(inv.Secrets[i].Origins)
		for j := range inv.Secrets[i].Provenance {
			one(inv.Secrets[i].Provenance[j].Origin)
		}
	}
}

func (m *merger) merged() Inventory {
	inv := m.out
	inv.APIVersion, inv.Kind = APIVersion, "Inventory"
	m.live = map[string]bool{}
	for _, s := range inv.Sources {
		m.live[s.ID] = s.Kind == "cluster" || s.Dump
	}
	inv.Keys = joinKeys(inv.Keys)
	inv.Secrets = joinSecrets(inv.Secrets)
	slices.SortStableFunc(inv.Findings, func(a, b Finding) int {
		return cmp.Or(compareLive(m.onlyLive(a.Origins), m.onlyLive(b.Origins)), a.Workload.Compare(b.Workload), compareOrigins(a.Origins, b.Origins))
	})
	unjoined := inv.Findings
	inv.Findings = group(know(inv.Findings, inv.Secrets))
	inv.Workloads = m.joinWorkloads(inv.Workloads, unjoined)
	inv.Clusters = joinClusters(inv.Clusters)
	inv.Accounts = joinAccounts(inv.Accounts)
	inv.KeyFacts = latest(inv.KeyFacts, func(f KeyFact) string { return f.Key }, func(a, b KeyFact) int { return a.ReadAt.Compare(b.ReadAt) })
	inv.Projects = latest(inv.Projects, func(p Project) string { return p.ID }, func(a, b Project) int { return cmp.Compare(len(a.APIs), len(b.APIs)) })
	inv.normalise()
	return inv
}

// onlyLive says that nothing was written where people can edit it.
func (m *merger) onlyLive(origins []Origin) bool {
	return !slices.ContainsFunc(origins, func(o Origin) bool { return !m.live[o.Source] })
}

func joinKeys(keys []Key) []Key {
	byID := map[string]*Key{}
	for _, k := range keys {
		old := byID[k.ID]
		if old == nil {
			byID[k.ID] = &k
			continue
		}
		old.Copies = append(old.Copies, k.Copies...)
		for _, f := range []struct {
			to   *string
			from string
		}{
			{&old.Type, k.Type}, {&old.Email, k.Email}, {&old.Project, k.Project}, {&old.KeyID, k.KeyID},
			{&old.Algorithm, k.Algorithm}, {&old.Universe, k.Universe}, {&old.ClientID, k.ClientID},
		} {
			*f.to = max(*f.to, f.from)
		}
	}
	out := make([]Key, 0, len(byID))
	for _, id := range sortedKeys(byID) {
		out = append(out, *byID[id])
	}
	return out
}

func joinSecrets(secrets []Secret) []Secret {
	var out []Secret
	at := map[Ref]int{}
	for _, s := range secrets {
		key := s.Ref
		key.APIVersion = ""
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			out = append(out, s)
			continue
		}
		old := &out[i]
		old.Type = max(old.Type, s.Type)
		old.Read, old.Live, old.Hash = old.Read || s.Read, old.Live || s.Live, old.Hash || s.Hash
		old.Origins = append(old.Origins, s.Origins...)
		old.Provenance = append(old.Provenance, s.Provenance...)
		for _, manager := range s.Managers {
			if !slices.Contains(old.Managers, manager) {
				old.Managers = append(old.Managers, manager)
			}
		}
		for _, e := range s.Entries {
			j := slices.IndexFunc(old.Entries, func(o SecretEntry) bool { return o.Name == e.Name })
			if j < 0 {
				old.Entries = append(old.Entries, e)
				continue
			}
			old.Entries[j].Holds = stronger(old.Entries[j].Holds, e.Holds)
			if old.Entries[j].Key == "" || e.Key != "" && e.Key < old.Entries[j].Key {
				old.Entries[j].Key = e.Key
			}
		}
	}
	return out
}

// know names the keys of findings whose Secret another inventory read, and drops those whose entry it read and found to
// hold none.
func know(findings []Finding, secrets []Secret) []Finding {
	var out []Finding
	for _, f := range findings {
		if f.Key == "" && f.Secret.Name != "" && f.Secret.Namespace != "" {
			i := slices.IndexFunc(secrets, func(s Secret) bool {
				return s.Ref.Kind == f.Secret.Kind && s.Ref.Namespace == f.Secret.Namespace && s.Ref.Name == f.Secret.Name
			})
			if i >= 0 {
				j := slices.IndexFunc(secrets[i].Entries, func(e SecretEntry) bool { return e.Name == f.Secret.Entry })
				switch {
				case j >= 0 && secrets[i].Entries[j].Holds == object.No:
					continue
				case j >= 0:
					f.Key = secrets[i].Entries[j].Key
				}
			}
		}
		out = append(out, f)
	}
	return out
}

// joinWorkloads makes one workload of its definitions, the one that people can edit first.
func (m *merger) joinWorkloads(workloads []Workload, findings []Finding) []Workload {
	slices.SortStableFunc(workloads, func(a, b Workload) int {
		return cmp.Or(compareLive(m.onlyLive(a.Origins), m.onlyLive(b.Origins)), a.Ref.Compare(b.Ref), compareOrigins(a.Origins, b.Origins))
	})
	var out []Workload
	at := map[Ref]int{}
	for _, w := range workloads {
		key := workloadKey(w.Ref)
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			out = append(out, w)
			continue
		}
		old := &out[i]
		if spelledOut(old.Origins) == spelledOut(w.Origins) {
			continue // the same source, scanned twice
		}
		what := sentence(m.differ(*old, w, findings))
		if m.onlyLive(w.Origins) && !m.onlyLive(old.Origins) {
			old.Drift = sentence(slices.DeleteFunc([]string{old.Drift, w.Drift, what}, func(s string) bool { return s == "" }))
		} else {
			old.Conflict = sentence(slices.DeleteFunc([]string{old.Conflict, w.Conflict, what}, func(s string) bool { return s == "" }))
		}
		old.Origins = append(old.Origins, w.Origins...)
		for _, manager := range w.Managers {
			if !slices.Contains(old.Managers, manager) {
				old.Managers = append(old.Managers, manager)
			}
		}
		slices.Sort(old.Managers)
		old.Live = old.Live || w.Live
		old.HostNetwork = old.HostNetwork || w.HostNetwork
		old.Suspended = old.Suspended && w.Suspended
		if old.Replicas == nil {
			old.Replicas = w.Replicas
		}
	}
	return out
}

// differ says how two definitions differ in what matters. What one inventory did not know of a Secret is no difference:
// only variables that the other definition does not have are.
func (m *merger) differ(a, b Workload, findings []Finding) []string {
	var out []string
	if a.ServiceAccount != b.ServiceAccount {
		out = append(out, fmt.Sprintf("serviceAccountName is %s, and %s in %s", a.ServiceAccount, b.ServiceAccount, m.where(b)))
	}
	if a.HostNetwork != b.HostNetwork {
		out = append(out, fmt.Sprintf("hostNetwork is %t, and %t in %s", a.HostNetwork, b.HostNetwork, m.where(b)))
	}
	for _, f := range findings {
		if workloadKey(f.Workload) != workloadKey(a.Ref) || f.Env == "" {
			continue
		}
		if !a.sets(f) && b.sets(f) {
			out = append(out, fmt.Sprintf("the variable %s of %s is in %s alone", f.Env, f.Container, m.where(b)))
		}
		if a.sets(f) && !b.sets(f) {
			out = append(out, fmt.Sprintf("the variable %s of %s is missing in %s", f.Env, f.Container, m.where(b)))
		}
	}
	return out
}

// sets says that the finding's container has its variable.
func (w Workload) sets(f Finding) bool {
	return slices.ContainsFunc(w.PodSpecs, func(s PodSpec) bool {
		return slices.ContainsFunc(s.Containers, func(c Container) bool {
			return c.Name == f.Container && c.Type == f.ContainerType && (c.EnvFrom || slices.Contains(c.Env, f.Env))
		})
	})
}

func (m *merger) where(w Workload) string {
	if m.onlyLive(w.Origins) {
		return "the cluster"
	}
	return w.Origins[0].Path
}

func joinClusters(clusters []Cluster) []Cluster {
	var out []Cluster
	at := map[string]int{}
	for _, c := range clusters {
		i, ok := at[c.ID]
		if !ok {
			at[c.ID] = len(out)
			out = append(out, c)
			continue
		}
		old := &out[i]
		for _, f := range []struct {
			to   *string
			from string
		}{
			{&old.Pool, c.Pool}, {&old.ProjectNumber, c.ProjectNumber}, {&old.Context, c.Context}, {&old.Server, c.Server}, {&old.Source, c.Source},
		} {
			*f.to = cmp.Or(*f.to, f.from)
		}
		old.Complete = append(old.Complete, c.Complete...)
		if old.Autopilot == nil {
			old.Autopilot = c.Autopilot
		}
		old.Version = cmp.Or(old.Version, c.Version)
		old.NodePools = joinNodePools(old.NodePools, c.NodePools)
		old.GKE = known(old.GKE, c.GKE)
		old.DataplaneV2 = known(old.DataplaneV2, c.DataplaneV2)
		old.WorkloadIdentity = known(old.WorkloadIdentity, c.WorkloadIdentity)
		old.GrantsRead = old.GrantsRead || c.GrantsRead
	}
	return out
}

// joinNodePools joins what several readings say of a cluster's pools: live nodes know of no pool that is empty, and only
// Google of one's mode where its nodes differ.
func joinNodePools(a, b []NodePool) []NodePool {
	joined := slices.Clone(a)
	for _, p := range b {
		i := slices.IndexFunc(joined, func(have NodePool) bool { return have.Name == p.Name })
		if i < 0 {
			joined = append(joined, p)
			continue
		}
		have := &joined[i]
		if have.MetadataMode != "" && p.MetadataMode != "" && have.MetadataMode != p.MetadataMode {
			have.MetadataMode = "" // it is being changed
		} else {
			have.MetadataMode = cmp.Or(have.MetadataMode, p.MetadataMode)
		}
		have.ServiceAccount = cmp.Or(have.ServiceAccount, p.ServiceAccount)
		have.Nodes = max(have.Nodes, p.Nodes)
		// A taint that only one reading has may be on some of the nodes alone.
		have.Taints = slices.DeleteFunc(slices.Clone(have.Taints), func(t string) bool { return !slices.Contains(p.Taints, t) })
	}
	slices.SortFunc(joined, func(a, b NodePool) int { return strings.Compare(a.Name, b.Name) })
	return joined
}

func known(a, b Tri) Tri {
	if a == "" || a == object.Unknown {
		return cmp.Or(b, a)
	}
	return a
}

// joinAccounts keeps the last reading of each account, and every owner of its policy: those stand in checkouts.
func joinAccounts(accounts []Account) []Account {
	owners := map[string][]string{}
	for _, a := range accounts {
		owners[a.Email] = append(owners[a.Email], a.Authoritative...)
	}
	out := latest(accounts, func(a Account) string { return a.Email }, func(a, b Account) int { return a.ReadAt.Compare(b.ReadAt) })
	for i := range out {
		list := owners[out[i].Email]
		slices.Sort(list)
		out[i].Authoritative = slices.Compact(list)
	}
	return out
}

// latest keeps of several readings of one thing the last one.
func latest[T any](all []T, id func(T) string, age func(a, b T) int) []T {
	byID := map[string]T{}
	for _, one := range all {
		old, ok := byID[id(one)]
		if n := 0; ok {
			if n = age(one, old); n < 0 || n == 0 && strings.Compare(spelledOut(one), spelledOut(old)) <= 0 {
				continue
			}
		}
		byID[id(one)] = one
	}
	out := make([]T, 0, len(byID))
	for _, key := range sortedKeys(byID) {
		out = append(out, byID[key])
	}
	return out
}
