package scanner

import (
	"slices"
	"strings"
)

// policyKind says that a kind can restrict where pods connect to.
func policyKind(ref Ref) bool {
	switch ref.Kind {
	case "NetworkPolicy", "GlobalNetworkPolicy", "FQDNNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy",
		"ClusterNetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy":
		return true
	}
	return false
}

// networkPolicy decodes a policy that restricts egress. Of kinds other than Kubernetes' own it is only said that they are
// there. The second result is false for one that has nothing to do with egress.
func networkPolicy(o *Object) (NetworkPolicy, bool) {
	p := NetworkPolicy{Ref: o.Ref, Live: o.Live, Origins: slices.Clone(o.Origins), Egress: []Egress{}}
	spec := lookup(o.Content, "spec")
	standard := o.Ref.Kind == "NetworkPolicy" && (o.Ref.Group() == "networking.k8s.io" || o.Ref.Group() == "extensions")
	if !standard {
		p.Opaque, p.Isolates = true, true
		return p, o.Ref.Kind == "FQDNNetworkPolicy" || mentionsEgress(o.Content)
	}
	p.Selectors = selector(lookup(spec, "podSelector"))
	rules, written := mapping(spec)["egress"]
	p.Isolates = slices.Contains(words(lookup(spec, "policyTypes")), "Egress") || len(list(lookup(spec, "policyTypes"))) == 0 && written && len(list(rules)) > 0
	for _, rule := range list(rules) {
		p.Egress = append(p.Egress, egress(rule))
	}
	return p, p.Isolates
}

// mentionsEgress says that a policy of another kind has egress rules or types.
func mentionsEgress(content map[string]any) bool {
	specs := append([]any{content["spec"]}, list(content["specs"])...)
	for _, spec := range specs {
		for key := range mapping(spec) {
			if strings.HasPrefix(key, "egress") {
				return true
			}
		}
		for _, typ := range append(words(lookup(spec, "types")), words(lookup(spec, "policyTypes"))...) {
			if typ == "Egress" {
				return true
			}
		}
	}
	return false
}

func selector(value any) Selector {
	s := Selector{MatchLabels: texts(lookup(value, "matchLabels"))}
	for _, item := range list(lookup(value, "matchExpressions")) {
		s.MatchExpressions = append(s.MatchExpressions, SelectorRequirement{
			Key: text(lookup(item, "key")), Operator: text(lookup(item, "operator")), Values: words(lookup(item, "values")),
		})
	}
	return s
}

func egress(rule any) Egress {
	e := Egress{}
	peers := list(lookup(rule, "to"))
	e.AllPeers = len(peers) == 0
	for _, peer := range peers {
		if block := lookup(peer, "ipBlock"); block != nil {
			e.CIDRs = append(e.CIDRs, CIDR{CIDR: text(lookup(block, "cidr")), Except: words(lookup(block, "except"))})
		} else {
			e.Other = true
		}
	}
	ports := list(lookup(rule, "ports"))
	e.AllPorts = len(ports) == 0
	for _, item := range ports {
		port := EgressPort{Protocol: firstOf(text(lookup(item, "protocol")), "TCP"), Name: text(lookup(item, "port"))}
		if n := integer(lookup(item, "port")); n != nil {
			port.Port = int(*n)
		}
		if n := integer(lookup(item, "endPort")); n != nil {
			port.EndPort = int(*n)
		}
		e.Ports = append(e.Ports, port)
	}
	return e
}
