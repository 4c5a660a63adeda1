package scanner

import (
	"cmp"
	"maps"
	"slices"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// secrets describes the Secrets (and ConfigMaps) that hold a key or that a finding names: their shape and their makers.
func (a *analysis) secrets(findings []Finding) []Secret {
	type name struct{ kind, namespace, name string }
	wanted := map[name]bool{}
	for _, f := range findings {
		switch f.Secret.Kind {
		case "Secret", "ConfigMap", "SecretProviderClass":
			wanted[name{f.Secret.Kind, f.Secret.Namespace, f.Secret.Name}] = true
		}
	}
	byName := map[name]*Secret{}
	get := func(n name) *Secret {
		s := byName[n]
		if s == nil {
			s = &Secret{Ref: Ref{APIVersion: "v1", Kind: n.kind, Namespace: n.namespace, Name: n.name}, Entries: []SecretEntry{}, Origins: []Origin{}, Provenance: []Provenance{}}
			if n.kind == "SecretProviderClass" {
				s.Ref.APIVersion = "secrets-store.csi.x-k8s.io/v1"
			}
			byName[n] = s
		}
		return s
	}
	for _, h := range a.holders {
		n := name{h.ref.Kind, h.ref.Namespace, h.ref.Name}
		if !wanted[n] && !slices.ContainsFunc(h.entries, func(e wiring.Entry) bool { return e.Holds == object.Yes }) {
			continue
		}
		get(n).see(h)
	}
	for n := range wanted {
		s := get(n)
		if n.kind != "Secret" {
			continue
		}
		for _, h := range a.quiet.named(n.name) {
			if h.ref.Namespace == n.namespace {
				s.see(h)
			}
		}
	}
	presumed := map[name]map[string]bool{}
	for p, entries := range a.presumed {
		n := name{p.kind, p.namespace, p.name}
		if presumed[n] == nil {
			presumed[n] = map[string]bool{}
		}
		maps.Copy(presumed[n], entries)
	}
	for n, s := range byName {
		for entry := range presumed[n] {
			if !slices.ContainsFunc(s.Entries, func(e SecretEntry) bool { return e.Name == entry }) {
				s.Entries = append(s.Entries, SecretEntry{Name: entry, Holds: object.Unknown})
			}
		}
		for _, m := range a.made {
			if m.Secret.Kind == n.kind && m.Secret.Name == n.name && (m.Secret.Namespace == n.namespace || m.Secret.Namespace == "" || n.namespace == "") {
				s.Provenance = append(s.Provenance, Provenance{Kind: m.Kind, Object: m.By, Origin: m.at, Recreates: m.Recreates})
			}
		}
	}
	var out []Secret
	for _, s := range byName {
		out = append(out, *s)
	}
	return out
}

// see adds one definition.
func (s *Secret) see(h *holder) {
	s.Ref.APIVersion = cmp.Or(h.ref.APIVersion, s.Ref.APIVersion)
	s.Type = max(s.Type, h.typ)
	s.Read = s.Read || h.complete
	s.Live = s.Live || h.live
	s.Hash = s.Hash || h.generated
	s.Origins = append(s.Origins, h.origins...)
	for _, m := range h.managers {
		if !slices.Contains(s.Managers, m) {
			s.Managers = append(s.Managers, m)
		}
	}
	for _, e := range h.entries {
		entry := SecretEntry{Name: e.Name, Holds: e.Holds}
		if len(e.Keys) > 0 {
			entry.Key = e.Keys[0]
		}
		i := slices.IndexFunc(s.Entries, func(o SecretEntry) bool { return o.Name == e.Name })
		if i < 0 {
			s.Entries = append(s.Entries, entry)
			continue
		}
		s.Entries[i].Holds = stronger(s.Entries[i].Holds, entry.Holds)
		if s.Entries[i].Key == "" || entry.Key != "" && entry.Key < s.Entries[i].Key {
			s.Entries[i].Key = entry.Key
		}
	}
	switch {
	case h.generated:
		s.Provenance = append(s.Provenance, Provenance{Kind: "kustomize-generator", Origin: firstOrigin(h.origins), Recreates: true})
	case h.templated:
		s.Provenance = append(s.Provenance, Provenance{Kind: "helm", Object: h.ref, Origin: firstOrigin(h.origins), Recreates: true})
	case !h.live && h.ref.Kind == "Secret" && h.complete:
		s.Provenance = append(s.Provenance, Provenance{Kind: "plain", Object: h.ref, Origin: firstOrigin(h.origins), Recreates: true})
	}
}

func firstOrigin(origins []Origin) *Origin {
	if len(origins) == 0 {
		return nil
	}
	first := origins[0]
	return &first
}
