package planner

import (
	"slices"
	"strings"

	"dekey/scanner"
	"dekey/scanner/object"
)

// namespaced gives objects of the inventory that name no namespace the one that the rules say for their files: the longest
// match wins, a written namespace is never overridden, and an object that stands in files of several namespaces gets none.
// The inventory that is given is not changed. A scan with the same rules has done this already.
func namespaced(inv scanner.Inventory, rules []NamespaceRule) scanner.Inventory {
	if len(rules) == 0 {
		return inv
	}
	workloads := make(map[scanner.Ref]string)
	inv.Workloads = slices.Clone(inv.Workloads)
	for i := range inv.Workloads {
		o := &inv.Workloads[i]
		if ns := namespaceOf(o.Ref, o.Origins, rules); ns != "" {
			workloads[o.Ref] = ns
			o.Ref.Namespace = ns
		}
	}
	inv.Findings = slices.Clone(inv.Findings)
	for i := range inv.Findings {
		f := &inv.Findings[i]
		ns := workloads[f.Workload]
		if ns == "" && f.Workload.Kind != "" {
			ns = namespaceOf(f.Workload, f.Origins, rules)
		}
		if ns == "" {
			continue
		}
		f.Workload.Namespace = ns
		if f.Secret.Namespace == "" && f.Secret.Kind != "File" && f.Secret.Name != "" {
			f.Secret.Namespace = ns
		}
	}
	inv.ServiceAccounts = slices.Clone(inv.ServiceAccounts)
	for i := range inv.ServiceAccounts {
		o := &inv.ServiceAccounts[i]
		o.Ref = withNamespace(o.Ref, o.Origins, rules)
	}
	inv.RoleBindings = slices.Clone(inv.RoleBindings)
	for i := range inv.RoleBindings {
		o := &inv.RoleBindings[i]
		o.Ref = withNamespace(o.Ref, o.Origins, rules)
	}
	inv.NetworkPolicies = slices.Clone(inv.NetworkPolicies)
	for i := range inv.NetworkPolicies {
		o := &inv.NetworkPolicies[i]
		o.Ref = withNamespace(o.Ref, o.Origins, rules)
	}
	inv.Secrets = slices.Clone(inv.Secrets)
	for i := range inv.Secrets {
		o := &inv.Secrets[i]
		o.Ref = withNamespace(o.Ref, o.Origins, rules)
	}
	return inv
}

func withNamespace(ref scanner.Ref, origins []scanner.Origin, rules []NamespaceRule) scanner.Ref {
	if ns := namespaceOf(ref, origins, rules); ns != "" {
		ref.Namespace = ns
	}
	return ref
}

// namespaceOf is the namespace that the rules give an object that has none, "" where they do not.
func namespaceOf(ref scanner.Ref, origins []scanner.Origin, rules []NamespaceRule) string {
	if ref.Namespace != "" || object.ClusterScoped(ref.Kind) {
		return ""
	}
	var namespace string
	for _, o := range origins {
		ns := ruleFor(o.Path, rules)
		if ns == "" || namespace != "" && namespace != ns {
			return ""
		}
		namespace = ns
	}
	return namespace
}

func ruleFor(path string, rules []NamespaceRule) string {
	best, namespace := -1, ""
	for _, r := range rules {
		under := r.Path == "." || path == r.Path || strings.HasPrefix(path, r.Path+"/")
		length := len(r.Path)
		if r.Path == "." {
			length = 0 // the root: anything else is longer
		}
		if path != "" && under && length >= best {
			best, namespace = length, r.Namespace
		}
	}
	return namespace
}
