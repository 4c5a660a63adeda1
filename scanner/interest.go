package scanner

import (
	"cmp"
	"slices"

	"dekey/scanner/object"
)

// interest is what else has to be looked at: the service accounts of workloads with findings (and the names that a new one
// would get), the Secrets and ConfigMaps that they name, and the workloads themselves.
func (a *analysis) interest() Interest {
	var in Interest
	account := func(namespace, name string) {
		if name != "" {
			in.ServiceAccounts = append(in.ServiceAccounts, Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: namespace, Name: name})
		}
	}
	type at struct {
		place
		ref Ref
	}
	own := map[at]*definition{}
	for _, d := range a.workloads {
		own[at{d.place, d.Ref}] = d
	}
	held := map[*definition]bool{}
	for _, f := range a.findings {
		if f.definition == nil {
			// A field of the resource names the key, and its own pods use it (an Argo Workflow).
			f.definition = own[at{f.place, f.Workload}]
		}
		if f.Secret.Kind == "Secret" || f.Secret.Kind == "SecretProviderClass" {
			in.Secrets = append(in.Secrets, Holder{Kind: f.Secret.Kind, Namespace: f.Secret.Namespace, Name: f.Secret.Name})
		}
		if f.Identity != nil {
			account(f.Identity.Namespace, f.Identity.Name)
		}
		if f.Workload.Kind == "ServiceAccount" {
			account(f.Workload.Namespace, f.Workload.Name)
		}
		if f.definition == nil || held[f.definition] {
			continue
		}
		held[f.definition] = true
		ref := f.definition.Ref
		in.Workloads = append(in.Workloads, ref)
		account(ref.Namespace, ref.Name)
		account(ref.Namespace, ref.Name+"-wi")
		account(ref.Namespace, f.definition.ServiceAccount)
		for _, p := range f.definition.pods {
			name, _ := p.Account()
			account(ref.Namespace, name)
		}
	}
	for _, h := range a.holders {
		for _, e := range h.entries {
			if e.Holds == object.Yes && h.ref.Kind == "Secret" {
				in.Secrets = append(in.Secrets, Holder{Kind: "Secret", Namespace: h.ref.Namespace, Name: h.ref.Name})
				break
			}
		}
		if h.ref.Kind == "ConfigMap" && h.points() {
			in.ConfigMaps = append(in.ConfigMaps, Holder{Kind: "ConfigMap", Namespace: h.ref.Namespace, Name: h.ref.Name})
		}
	}
	for p, entries := range a.presumed {
		if len(entries) > 0 && p.kind == "Secret" {
			in.Secrets = append(in.Secrets, Holder{Kind: "Secret", Namespace: p.namespace, Name: p.name})
		}
	}
	// ConfigMaps that lead to a key by themselves were found by that; others only add to what pods with a key say.
	for _, r := range a.resolved {
		for i := range r.specs {
			for kind, name := range r.pods[i].Names {
				if kind == "ConfigMap" {
					in.ConfigMaps = append(in.ConfigMaps, Holder{Kind: kind, Namespace: r.Ref.Namespace, Name: name})
				}
			}
		}
	}
	in.sort()
	return in
}

func (i *Interest) sort() {
	i.ServiceAccounts = sorted(i.ServiceAccounts, Ref.Compare)
	i.Workloads = sorted(i.Workloads, Ref.Compare)
	i.Secrets = sorted(i.Secrets, compareHolders)
	i.ConfigMaps = sorted(i.ConfigMaps, compareHolders)
}

func (i Interest) equal(o Interest) bool {
	return slices.Equal(i.ServiceAccounts, o.ServiceAccounts) && slices.Equal(i.Workloads, o.Workloads) &&
		slices.Equal(i.Secrets, o.Secrets) && slices.Equal(i.ConfigMaps, o.ConfigMaps)
}

func compareHolders(a, b Holder) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Entry, b.Entry))
}

// sorted sorts and drops repeats; it is never nil.
func sorted[T comparable](list []T, compare func(a, b T) int) []T {
	if list == nil {
		return []T{}
	}
	slices.SortFunc(list, compare)
	return slices.Compact(list)
}
