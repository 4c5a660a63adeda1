package scanner

import (
	"slices"
	"strings"

	"dekey/scanner/wiring"
)

// An address names an object in its source.
type address struct{ source, namespace, kind, name string }

// owned says that the object is made from another one that was seen: that one is the workload. A pod that names a Secret
// which its owner's template does not name is a workload of its own: an admission webhook added it, or it is older than
// the template.
func (a *analysis) owned(d *definition) bool {
	if len(d.owners) == 0 {
		return false
	}
	if a.addresses == nil {
		a.addresses = map[address]*definition{}
		for _, o := range a.workloads {
			a.addresses[address{o.source, o.Ref.Namespace, o.Ref.Kind, o.Ref.Name}] = o
		}
		for i := range a.idle.packed {
			o, _ := a.idle.head(i)
			a.addresses[address{o.source, o.key.Namespace, o.key.Kind, o.key.Name}] = nil // its pods name no Secret
		}
	}
	return slices.ContainsFunc(d.owners, func(owner string) bool {
		kind, name, _ := strings.Cut(owner, "/")
		made, found := a.addresses[address{d.source, d.Ref.Namespace, kind, name}]
		if !found {
			kind, name = climb(kind, name, wiring.Unpaired(d.labels))
			made, found = a.addresses[address{d.source, d.Ref.Namespace, kind, name}]
		}
		return found && (d.Ref.Kind != "Pod" || !namesMore(d, made))
	})
}

// climb is the owner of an owner that a dump leaves out, by how controllers name what they make: a Deployment's ReplicaSets
// by a hash that their pods have as a label, a CronJob's Jobs by the minute.
func climb(kind, name string, labels map[string]string) (string, string) {
	at := strings.LastIndexByte(name, '-')
	if at < 0 {
		return "", ""
	}
	suffix := name[at+1:]
	switch {
	case kind == "ReplicaSet" && suffix != "" && labels["pod-template-hash"] == suffix:
		return "Deployment", name[:at]
	case kind == "Job" && suffix != "" && strings.Trim(suffix, "0123456789") == "":
		return "CronJob", name[:at]
	}
	return "", ""
}

// namesMore says that a pod names a Secret that its owner does not.
func namesMore(pod, owner *definition) bool {
	var known []string
	if owner != nil {
		for i := range owner.pods {
			known = append(known, owner.pods[i].Secrets()...)
		}
	}
	for i := range pod.pods {
		for _, name := range pod.pods[i].Secrets() {
			if !slices.Contains(known, name) {
				return true
			}
		}
	}
	return false
}
