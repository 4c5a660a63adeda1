package planner

import (
	"net/netip"
	"slices"

	"dekey/scanner"
)

// The addresses by which pods reach the GKE metadata server: without and with Dataplane V2. Policies match before the
// address is translated with the second, after with the first.
// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
var (
	metadataClassic = endpoint{netip.MustParseAddr("169.254.169.252"), 988}
	metadataV2      = endpoint{netip.MustParseAddr("169.254.169.254"), 80}
)

type endpoint struct {
	addr netip.Addr
	port int
}

// blocking are the policies that keep a pod of the workload from the metadata server: all that isolate its egress, where
// together they do not allow it. Opaque are policies of kinds that are not decoded.
func (w *world) blocking(x *work) (blocking, opaque []*scanner.NetworkPolicy) {
	if x.obj == nil || x.identity {
		return nil, nil
	}
	for _, p := range slices.Concat(w.policies[x.ref.Namespace], w.policies[""]) {
		if p.Opaque {
			if p.Ref.Namespace == "" || p.Ref.Namespace == x.ref.Namespace {
				opaque = append(opaque, p)
			}
			continue
		}
		if p.Isolates && p.Ref.Namespace == x.ref.Namespace && slices.ContainsFunc(x.obj.PodSpecs, func(s scanner.PodSpec) bool { return matches(p.Selectors, s.Labels) }) {
			blocking = append(blocking, p)
		}
	}
	for _, e := range w.endpoints(x) {
		if !slices.ContainsFunc(blocking, func(p *scanner.NetworkPolicy) bool { return allows(p, e) }) {
			return blocking, opaque
		}
	}
	return nil, opaque
}

// endpoints are what must be reachable: both where the data plane is not known.
func (w *world) endpoints(x *work) []endpoint {
	plane := scanner.Tri("")
	for _, id := range w.clustersOf(x) {
		switch p := w.clusters[id].DataplaneV2; {
		case plane == "":
			plane = p
		case plane != p:
			plane = scanner.Unknown
		}
	}
	switch plane {
	case scanner.Yes:
		return []endpoint{metadataV2}
	case scanner.No:
		return []endpoint{metadataClassic}
	}
	return []endpoint{metadataClassic, metadataV2}
}

func allows(p *scanner.NetworkPolicy, e endpoint) bool {
	return slices.ContainsFunc(p.Egress, func(rule scanner.Egress) bool {
		return (rule.AllPeers || slices.ContainsFunc(rule.CIDRs, func(c scanner.CIDR) bool { return inBlock(c, e.addr) })) &&
			(rule.AllPorts || slices.ContainsFunc(rule.Ports, func(port scanner.EgressPort) bool { return inPorts(port, e.port) }))
	})
}

func inBlock(c scanner.CIDR, addr netip.Addr) bool {
	prefix, err := netip.ParsePrefix(c.CIDR)
	if err != nil || !prefix.Contains(addr) {
		return false
	}
	return !slices.ContainsFunc(c.Except, func(s string) bool {
		except, err := netip.ParsePrefix(s)
		return err == nil && except.Contains(addr)
	})
}

// inPorts says whether a TCP port is allowed. A named port belongs to a pod: none of the metadata server's is one.
func inPorts(p scanner.EgressPort, port int) bool {
	if p.Protocol != "" && p.Protocol != "TCP" || p.Name != "" {
		return false
	}
	return p.Port == 0 || p.Port == port || p.EndPort != 0 && p.Port <= port && port <= p.EndPort
}

// matches says whether a label selector selects.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
func matches(s scanner.Selector, labels map[string]string) bool {
	for key, value := range s.MatchLabels {
		if have, ok := labels[key]; !ok || have != value {
			return false
		}
	}
	for _, r := range s.MatchExpressions {
		have, ok := labels[r.Key]
		var holds bool
		switch r.Operator {
		case "In":
			holds = ok && slices.Contains(r.Values, have)
		case "NotIn":
			holds = !ok || !slices.Contains(r.Values, have)
		case "Exists":
			holds = ok
		case "DoesNotExist":
			holds = !ok
		default:
			holds = true // a selector that is not understood may select
		}
		if !holds {
			return false
		}
	}
	return true
}

// sayPolicies names the policies that may keep the pods from the metadata server.
func (w *world) sayPolicies(x *work, say sayer) {
	blocking, opaque := w.blocking(x)
	for _, p := range blocking {
		if len(w.openMetadata(x)) > 0 {
			say(NoticeNetworkPolicy, "%s isolates the pod's egress from the metadata server; a policy that selects this workload alone lets it through", p.Ref)
			continue
		}
		say(NoticeNetworkPolicy, "%s isolates the pod's egress and does not let it reach the metadata server; no policy is added, because it was not proven that it would select this workload alone, and only where every node has the GKE metadata server", p.Ref)
	}
	for _, p := range opaque {
		say(NoticeNetworkPolicy, "%s %s may keep the pod from the metadata server: policies of this kind are not read", p.Ref.APIVersion, p.Ref)
	}
}

// openMetadata are the edits that let the workload's pods reach the metadata server where an egress policy does not: a new
// policy that selects them alone, and only where every node pool that they can land on was read as GKE_METADATA. Elsewhere
// it would open the node's own account to them. A policy is added only where one isolates already: it would isolate itself.
func (w *world) openMetadata(x *work) []Edit {
	blocking, _ := w.blocking(x)
	if len(blocking) == 0 || len(x.obj.PodSpecs) != 1 || !w.landsOnMetadata(x) {
		return nil
	}
	labels := x.obj.PodSpecs[0].Labels
	if len(labels) == 0 || !w.selectsAlone(x, labels) {
		return nil
	}
	selector := make(map[string]any, len(labels))
	for key, value := range labels {
		selector[key] = value
	}
	ref := scanner.Ref{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Namespace: x.ref.Namespace, Name: shorten(x.target.name+"-gke-metadata", 253)}
	rule := func(cidr string, ports ...int) map[string]any {
		list := make([]any, len(ports))
		for i, port := range ports {
			list[i] = map[string]any{"protocol": "TCP", "port": port}
		}
		return map[string]any{"to": []any{map[string]any{"ipBlock": map[string]any{"cidr": cidr}}}, "ports": list}
	}
	return []Edit{{Object: ref, Op: OpCreate, Why: "an egress policy keeps the pods from the metadata server", Value: map[string]any{
		"apiVersion": ref.APIVersion, "kind": ref.Kind, "metadata": map[string]any{"name": ref.Name, "namespace": ref.Namespace},
		"spec": map[string]any{
			"podSelector": map[string]any{"matchLabels": selector},
			"policyTypes": []any{"Egress"},
			// Both pairs: a cluster may be upgraded to, or made again with, the other data plane.
			"egress": []any{rule(metadataClassic.addr.String()+"/32", 988, 987), rule(metadataV2.addr.String()+"/32", 80, 8080)},
		},
	}}}
}

// landsOnMetadata says whether every node pool that the pods can land on was read as GKE_METADATA.
func (w *world) landsOnMetadata(x *work) bool {
	ids := w.clustersOf(x)
	for _, id := range ids {
		c := w.clusters[id]
		if c.Autopilot != nil && *c.Autopilot {
			continue
		}
		possible := 0
		for _, p := range c.NodePools {
			if !p.Takes(x.obj.PodSpecs[0].NodeSelector, x.obj.PodSpecs[0].Scheduling) {
				continue
			}
			possible++
			if p.MetadataMode != "GKE_METADATA" {
				return false
			}
		}
		if possible == 0 {
			return false
		}
	}
	return len(ids) > 0
}

// selectsAlone says whether no other workload of the namespace, which was listed whole, has these labels.
func (w *world) selectsAlone(x *work, labels map[string]string) bool {
	if !w.listedWhole(x, x.ref.Namespace) {
		return false
	}
	for _, y := range w.inNamespace[x.ref.Namespace] {
		if y == x || y.obj == nil {
			continue
		}
		for _, s := range y.obj.PodSpecs {
			if matches(scanner.Selector{MatchLabels: labels}, s.Labels) {
				return false
			}
		}
	}
	return true
}
