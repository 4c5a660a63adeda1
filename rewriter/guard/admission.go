package guard

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An admission is a ValidatingAdmissionPolicy with its binding.
type admission struct {
	name, about, notes string
	rules              []resourceRule
	conditions         []condition
	variables          []variable
	validations        []validation
}

type (
	resourceRule struct {
		group     string
		resources []string
	}
	condition  struct{ name, expression string }
	variable   struct{ name, why, expression string }
	validation struct{ expression, message, reason string }
)

// spared are the namespaces of the cluster's own, which no policy may stop.
var spared = []string{"gke-managed-system", "gmp-system", "kube-node-lease", "kube-public", "kube-system"}

// exemption is the condition that an object is not one of the register.
func (g *Guard) exemption(kinds []string) condition {
	var terms []string
	for _, x := range g.exceptions {
		if x.project != "" || x.kind != "" && !slices.Contains(kinds, x.kind) {
			continue
		}
		var parts []string
		if x.namespace != "" {
			parts = append(parts, "request.namespace == "+celString(x.namespace))
		}
		if x.kind != "" {
			parts = append(parts, "request.kind.kind == "+celString(x.kind))
		}
		if x.object != "" {
			parts = append(parts, `object.metadata.?name.orValue("") == `+celString(x.object))
		}
		for _, key := range slices.Sorted(maps.Keys(x.labels)) {
			parts = append(parts, fmt.Sprintf(`object.metadata.?labels[?%s] == optional.of(%s)`, celString(key), celString(x.labels[key])))
		}
		terms = append(terms, strings.Join(parts, " && "))
	}
	slices.Sort(terms)
	terms = slices.Compact(terms)
	if len(terms) == 0 {
		return condition{}
	}
	return condition{"not-an-exception", "!(" + strings.Join(terms, " ||\n  ") + ")"}
}

// register is the exceptions as text, one a line.
func (g *Guard) register(keep func(exception) bool) []string {
	var lines []string
	for _, x := range g.exceptions {
		if keep(x) {
			lines = append(lines, x.what+" until "+x.until+": "+x.why)
		}
	}
	return lines
}

// render writes the policy and its binding.
func (g *Guard) render(p admission) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	block := func(indent, key, text string) {
		line("%s%s: |-", indent, key)
		for one := range strings.Lines(text) {
			line("%s  %s", strings.Replace(indent, "-", " ", 1), strings.TrimRight(one, "\n"))
		}
	}
	for _, text := range []string{p.about, p.notes} {
		for one := range strings.Lines(text) {
			line("# %s", strings.TrimRight(one, "\n"))
		}
	}
	exceptions := g.register(func(x exception) bool { return x.project == "" })
	if len(exceptions) > 0 {
		line("# Exceptions (the cluster does not know what day it is: write this file again when one is over):")
		for _, e := range exceptions {
			line("#   %s", e)
		}
	}
	line("# To switch it off: kubectl delete validatingadmissionpolicybinding %s", p.name)
	line("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata:\n  name: %s\n  annotations:", p.name)
	line("    kubernetes.io/description: %s", quoted(p.about))
	if len(exceptions) > 0 {
		line("    dekey-exceptions: %s", quoted(strings.Join(exceptions, "\n")))
	}
	line("spec:\n  failurePolicy: Fail\n  matchConstraints:\n    matchPolicy: Equivalent\n    resourceRules:")
	for _, r := range p.rules {
		line("    - apiGroups: [%q]\n      apiVersions: [\"v1\"]\n      operations: [\"CREATE\", \"UPDATE\"]", r.group)
		line("      resources: [%s]", strings.Join(quotedAll(r.resources), ", "))
	}
	conditions := slices.DeleteFunc(slices.Clone(p.conditions), func(c condition) bool { return c.name == "" })
	if len(conditions) > 0 {
		line("  matchConditions:")
		for _, c := range conditions {
			line("  - name: %s", c.name)
			block("    ", "expression", c.expression)
		}
	}
	line("  variables:")
	for _, v := range p.variables {
		line("  # %s", v.why)
		line("  - name: %s", v.name)
		block("    ", "expression", v.expression)
	}
	line("  validations:")
	for _, v := range p.validations {
		line("  - expression: %s", quoted(v.expression))
		block("    ", "messageExpression", v.message)
		line("    reason: %s", v.reason)
	}
	line("---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata:\n  name: %s\nspec:", p.name)
	line("  policyName: %s", p.name)
	line("  validationActions: [%s]", strings.Join(quotedAll(g.mode.actions()), ", "))
	line("  matchResources:\n    # The cluster's own namespaces: a policy must not be able to stop the cluster.")
	line("    namespaceSelector:\n      matchExpressions:\n      - key: kubernetes.io/metadata.name\n        operator: NotIn")
	line("        values: [%s]", strings.Join(quotedAll(spared), ", "))
	return b.String()
}

// quoted writes text as a double-quoted scalar of YAML, which reads all of JSON's.
func quoted(s string) string {
	data, err := json.Marshal(strings.ToValidUTF8(s, "\ufffd"))
	if err != nil {
		panic(err) // a string has no reason to fail
	}
	return string(data)
}

func quotedAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quoted(s)
	}
	return out
}
