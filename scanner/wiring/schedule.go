package wiring

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A Scheduling is what a pod spec says of the nodes that it can run on, beside its node selector. Whatever is not understood
// is left out, so that a pod seems to fit more nodes than it does, never fewer.
//
// https://kubernetes.io/docs/concepts/scheduling-eviction/
type Scheduling struct {
	// Tolerations are those that are written, and those for devices that containers ask for, which an admission plugin of GKE
	// adds. Those of Kubernetes' own taints are left out: no node pool has these.
	Tolerations []Toleration `json:"tolerations,omitempty"`
	// NodeTerms are the required node affinity: a node fits where it fits all requirements of one term. None: any node fits.
	NodeTerms [][]NodeRequirement `json:"nodeTerms,omitempty"`
}

// A Toleration is a taint, or taints, that a pod can run in spite of. Key "" is every key, Effect "" every effect.
type Toleration struct {
	Key      string `json:"key,omitempty"`
	Operator string `json:"operator"` // Equal | Exists
	Value    string `json:"value,omitempty"`
	Effect   string `json:"effect,omitempty"`
}

// A NodeRequirement is one expression over a node's labels.
type NodeRequirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"` // In | NotIn | Exists | DoesNotExist | Gt | Lt
	Values   []string `json:"values,omitempty"`
}

// maxScheduling bounds what is kept of one pod spec's tolerations and affinity. Beyond it nothing is.
const maxScheduling = 64 << 10

// SchedulingOf reads a decoded pod spec.
func SchedulingOf(spec map[string]any) Scheduling {
	s := Scheduling{NodeTerms: nodeTerms(spec)}
	for _, item := range list(spec["tolerations"]) {
		m, ok := item.(map[string]any)
		key := text(m["key"])
		if !ok || strings.HasPrefix(key, "node.kubernetes.io/") {
			continue
		}
		t := Toleration{Key: key, Operator: "Exists", Effect: text(m["effect"])}
		if value, plain := m["value"].(string); text(m["operator"]) != "Exists" && (plain || m["value"] == nil) {
			t.Operator, t.Value = "Equal", value
		}
		s.Tolerations = append(s.Tolerations, t)
	}
	for _, device := range devices(spec) {
		s.Tolerations = append(s.Tolerations, Toleration{Key: device, Operator: "Exists"})
	}
	return s
}

// devices are the extended resources that containers ask for. Their nodes are tainted with the resource's name.
// https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#extendedresourcetoleration
func devices(spec map[string]any) []string {
	found := map[string]bool{}
	for _, containers := range []string{"containers", "initContainers"} {
		for _, c := range list(spec[containers]) {
			for _, amounts := range []string{"limits", "requests"} {
				amounts, _ := field(field(c, "resources"), amounts).(map[string]any)
				for name := range amounts {
					if strings.Contains(name, "/") && !strings.Contains(name, "kubernetes.io/") {
						found[name] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// nodeTerms are the terms of the required node affinity; none where one of them is not understood whole, or is empty.
func nodeTerms(spec map[string]any) [][]NodeRequirement {
	required := field(field(spec["affinity"], "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution")
	var terms [][]NodeRequirement
	for _, term := range list(field(required, "nodeSelectorTerms")) {
		requirements := []NodeRequirement{}
		for _, e := range list(field(term, "matchExpressions")) {
			r := NodeRequirement{Key: text(field(e, "key")), Operator: text(field(e, "operator"))}
			whole := r.Key != ""
			for _, value := range list(field(e, "values")) {
				v, plain := value.(string)
				whole = whole && plain
				r.Values = append(r.Values, v)
			}
			if whole {
				requirements = append(requirements, r)
			}
		}
		if len(requirements) == 0 {
			return nil // names of nodes, or what is not read: any node may fit
		}
		terms = append(terms, requirements)
	}
	return terms
}

// packed is a Scheduling as one text, "" for none: most pods share theirs with many others.
func (s Scheduling) packed() string {
	if len(s.Tolerations)+len(s.NodeTerms) == 0 {
		return ""
	}
	data, err := json.Marshal(s)
	if err != nil || len(data) > maxScheduling {
		return ""
	}
	return string(data)
}

// unpacked reads what packed wrote.
func unpacked(text string) Scheduling {
	var s Scheduling
	if text != "" && json.Unmarshal([]byte(text), &s) != nil {
		return Scheduling{} // not possible: packed wrote it
	}
	return s
}

// Lands says whether a pod can run on nodes with the labels and taints (key=value:Effect). A label that only a node itself
// would tell counts as fitting; so do taints that GKE adds the toleration of.
func (s Scheduling) Lands(selector, labels map[string]string, taints []string) bool {
	for key, value := range selector {
		if !(NodeRequirement{Key: key, Operator: "In", Values: []string{value}}).fits(labels) {
			return false
		}
	}
	if len(s.NodeTerms) > 0 && !slices.ContainsFunc(s.NodeTerms, func(term []NodeRequirement) bool {
		return !slices.ContainsFunc(term, func(r NodeRequirement) bool { return !r.fits(labels) })
	}) {
		return false
	}
	return !slices.ContainsFunc(taints, func(taint string) bool { return !s.tolerates(taint) })
}

func (r NodeRequirement) fits(labels map[string]string) bool {
	have, written := labels[r.Key]
	if !written && strings.Contains(r.Key, "kubernetes.io/") || !written && strings.Contains(r.Key, "cloud.google.com/") {
		return true // what GKE and Kubernetes label nodes with is not among a pool's own labels
	}
	switch r.Operator {
	case "In":
		return written && slices.Contains(r.Values, have)
	case "NotIn":
		return !written || !slices.Contains(r.Values, have)
	case "Exists":
		return written
	case "DoesNotExist":
		return !written
	}
	return true
}

// tolerates says whether a taint keeps the pod away.
// https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
func (s Scheduling) tolerates(taint string) bool {
	at := strings.LastIndexByte(taint, ':')
	key, value, _ := strings.Cut(taint[:max(at, 0)], "=")
	effect := taint[at+1:]
	if effect != "NoSchedule" && effect != "NoExecute" || key == "" || strings.Contains(key, "kubernetes.io/") || strings.Contains(key, "gke.io/") {
		return true
	}
	return slices.ContainsFunc(s.Tolerations, func(t Toleration) bool {
		return (t.Effect == "" || t.Effect == effect) && (t.Operator == "Exists" && t.Key == "" || t.Key == key && (t.Operator == "Exists" || t.Value == value))
	})
}
