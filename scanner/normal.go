package scanner

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"dekey/scanner/object"
)

// normalise sorts every list, drops repeats, makes every list one that is written as [], and lets no key material through.
func (inv *Inventory) normalise() {
	scrub(reflect.ValueOf(inv))
	inv.Sources = orEmpty(inv.Sources)
	slices.SortFunc(inv.Sources, func(a, b Source) int { return strings.Compare(a.ID, b.ID) })
	inv.Gaps = sorted(inv.Gaps, func(a, b Gap) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.What, b.What), strings.Compare(a.Why, b.Why))
	})
	for i := range inv.Keys {
		inv.Keys[i].Copies = sorted(inv.Keys[i].Copies, func(a, b Copy) int {
			return cmp.Or(compareHolders(a.Holder, b.Holder), a.Origin.Compare(b.Origin))
		})
	}
	inv.Keys = orEmpty(inv.Keys)
	slices.SortFunc(inv.Keys, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	for i := range inv.Findings {
		inv.Findings[i].normalise()
	}
	inv.Findings = orEmpty(inv.Findings)
	slices.SortFunc(inv.Findings, compareFindings)
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		w.Origins = sortedOrigins(w.Origins)
		w.PodSpecs = orEmpty(w.PodSpecs)
		for j := range w.PodSpecs {
			w.PodSpecs[j].Containers = orEmpty(w.PodSpecs[j].Containers)
		}
	}
	inv.Workloads = orEmpty(inv.Workloads)
	slices.SortFunc(inv.Workloads, func(a, b Workload) int { return a.Ref.Compare(b.Ref) })
	for i := range inv.ServiceAccounts {
		inv.ServiceAccounts[i].Origins = sortedOrigins(inv.ServiceAccounts[i].Origins)
	}
	inv.ServiceAccounts = distinct(inv.ServiceAccounts, func(a, b ServiceAccount) int {
		return cmp.Or(a.Ref.Compare(b.Ref), compareLive(a.Live, b.Live), compareOrigins(a.Origins, b.Origins), strings.Compare(a.Root, b.Root))
	})
	for i := range inv.RoleBindings {
		inv.RoleBindings[i].Origins = sortedOrigins(inv.RoleBindings[i].Origins)
	}
	inv.RoleBindings = distinct(inv.RoleBindings, func(a, b RoleBinding) int {
		return cmp.Or(a.Ref.Compare(b.Ref), compareLive(a.Live, b.Live), compareOrigins(a.Origins, b.Origins))
	})
	for i := range inv.NetworkPolicies {
		inv.NetworkPolicies[i].Origins = sortedOrigins(inv.NetworkPolicies[i].Origins)
	}
	inv.NetworkPolicies = distinct(inv.NetworkPolicies, func(a, b NetworkPolicy) int {
		return cmp.Or(a.Ref.Compare(b.Ref), compareLive(a.Live, b.Live), compareOrigins(a.Origins, b.Origins))
	})
	for i := range inv.Mentions {
		inv.Mentions[i].Origins = sortedOrigins(inv.Mentions[i].Origins)
	}
	inv.Mentions = distinct(inv.Mentions, func(a, b Mention) int {
		return cmp.Or(a.ServiceAccount.Compare(b.ServiceAccount), a.Object.Compare(b.Object), strings.Compare(a.Field, b.Field), strings.Compare(a.Value, b.Value), compareOrigins(a.Origins, b.Origins))
	})
	inv.Clusters = orEmpty(inv.Clusters)
	for i := range inv.Clusters {
		inv.Clusters[i].NodePools = orEmpty(inv.Clusters[i].NodePools)
		inv.Clusters[i].Complete = sorted(inv.Clusters[i].Complete, strings.Compare)
	}
	slices.SortFunc(inv.Clusters, func(a, b Cluster) int { return strings.Compare(a.ID, b.ID) })
	inv.Accounts = orEmpty(inv.Accounts)
	slices.SortFunc(inv.Accounts, func(a, b Account) int { return strings.Compare(a.Email, b.Email) })
	slices.SortFunc(inv.KeyMakers, KeyMaker.Compare)
	inv.KeyMakers = slices.Compact(inv.KeyMakers)
	slices.SortFunc(inv.Authorities, Authority.Compare)
	inv.Authorities = slices.CompactFunc(inv.Authorities, func(a, b Authority) bool { return a.Compare(b) == 0 })
	inv.KeyFacts = orEmpty(inv.KeyFacts)
	slices.SortFunc(inv.KeyFacts, func(a, b KeyFact) int { return strings.Compare(a.Key, b.Key) })
	for i := range inv.Secrets {
		inv.Secrets[i].normalise()
	}
	inv.Secrets = orEmpty(inv.Secrets)
	slices.SortFunc(inv.Secrets, func(a, b Secret) int { return a.Ref.Compare(b.Ref) })
	inv.Projects = orEmpty(inv.Projects)
	slices.SortFunc(inv.Projects, func(a, b Project) int { return strings.Compare(a.ID, b.ID) })
}

func (s *Secret) normalise() {
	s.Origins = sortedOrigins(s.Origins)
	s.Entries = orEmpty(s.Entries)
	slices.SortFunc(s.Entries, func(a, b SecretEntry) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(s.Managers)
	s.Provenance = distinct(s.Provenance, func(a, b Provenance) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), a.Object.Compare(b.Object), comparePlaces(a.Origin, b.Origin))
	})
}

func comparePlaces(a, b *Origin) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Compare(*b)
}

func (f *Finding) normalise() {
	f.Origins = sortedOrigins(f.Origins)
	f.At = orEmpty(f.At)
	slices.SortStableFunc(f.Hold, func(a, b Obstacle) int {
		return cmp.Or(strings.Compare(a.Code, b.Code), strings.Compare(a.What, b.What), comparePlaces(a.At, b.At))
	})
}

// compareFindings orders findings as people read them: by workload, container and what names the key.
func compareFindings(a, b Finding) int {
	return cmp.Or(
		a.Workload.Compare(b.Workload), strings.Compare(a.PodSpec.String(), b.PodSpec.String()),
		strings.Compare(a.Container, b.Container), cmp.Compare(a.Via, b.Via), strings.Compare(a.Env, b.Env),
		strings.Compare(a.Field, b.Field), compareHolders(a.Secret, b.Secret), strings.Compare(a.Key, b.Key),
		compareOrigins(a.Origins, b.Origins), strings.Compare(a.ID, b.ID),
	)
}

func sortedOrigins(origins []Origin) []Origin { return sorted(origins, object.Origin.Compare) }

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// distinct sorts, and drops what is written alike.
func distinct[T any](list []T, compare func(a, b T) int) []T {
	slices.SortFunc(list, func(a, b T) int {
		if n := compare(a, b); n != 0 {
			return n
		}
		return strings.Compare(spelledOut(a), spelledOut(b))
	})
	out := orEmpty(list[:0])
	for _, one := range list {
		if len(out) == 0 || spelledOut(out[len(out)-1]) != spelledOut(one) {
			out = append(out, one)
		}
	}
	return out
}

func spelledOut(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values: cannot fail
	}
	return string(data)
}
