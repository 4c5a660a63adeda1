package cluster

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"dekey/scanner/catalog"
)

// A Rule is one rule of a Role or ClusterRole.
type Rule struct {
	Why       string // for people
	Groups    []string
	Resources []string
	Verbs     []string
}

// String is the rule as it is written in a manifest: apiGroups: [""], resources: ["secrets"], verbs: ["list"].
func (r Rule) String() string {
	return "apiGroups: " + list(r.Groups) + ", resources: " + list(r.Resources) + ", verbs: " + list(r.Verbs)
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// lines is list as a field's value, one word a line where there are many.
func lines(words []string) string {
	if len(words) <= 6 {
		return " " + list(words)
	}
	var b strings.Builder
	for _, w := range words {
		fmt.Fprintf(&b, "\n  - %q", w)
	}
	return b.String()
}

// customGroups are the API groups of custom resources that a scan of any cluster may list: products of the catalogue,
// and the kinds with pod templates, GitOps tools, meshes and policies below.
func customGroups() []string {
	groups := append(catalog.Groups(), otherGroups...)
	slices.Sort(groups)
	return slices.Compact(groups)
}

// otherGroups hold pod templates, say where objects come from, or name service accounts.
var otherGroups = []string{
	"apps.kruise.io", "argoproj.io", "batch.volcano.sh", "cilium.io", "configsync.gke.io", "crd.projectcalico.org", "eventing.knative.dev",
	"flink.apache.org", "helm.toolkit.fluxcd.io", "jobset.x-k8s.io", "kubeflow.org", "kustomize.toolkit.fluxcd.io", "kyverno.io",
	"leaderworkerset.x-k8s.io", "networking.gke.io", "networking.istio.io", "opentelemetry.io", "pkg.crossplane.io", "policy.linkerd.io",
	"policy.networking.k8s.io", "projectcalico.org", "ray.io", "secrets-store.csi.x-k8s.io", "security.istio.io", "serving.knative.dev",
	"serving.kserve.io", "source.toolkit.fluxcd.io", "sparkoperator.k8s.io", "tekton.dev", "velero.io",
}

// customClusterScoped are resources of customGroups without a namespace: with -n they are all that is read of the
// cluster's custom resources outside the namespaces.
var customClusterScoped = []schema.GroupResource{
	{Group: "argoproj.io", Resource: "clusterworkflowtemplates"},
	{Group: "cert-manager.io", Resource: "clusterissuers"},
	{Group: "cilium.io", Resource: "ciliumclusterwidenetworkpolicies"},
	{Group: "core.cnrm.cloud.google.com", Resource: "configconnectors"},
	{Group: "crd.projectcalico.org", Resource: "globalnetworkpolicies"},
	{Group: "external-secrets.io", Resource: "clusterexternalsecrets"},
	{Group: "external-secrets.io", Resource: "clustersecretstores"},
	{Group: "gcp.crossplane.io", Resource: "providerconfigs"},
	{Group: "gcp.upbound.io", Resource: "providerconfigs"},
	{Group: "keda.sh", Resource: "clustertriggerauthentications"},
	{Group: "kyverno.io", Resource: "clusterpolicies"},
	{Group: "pkg.crossplane.io", Resource: "deploymentruntimeconfigs"},
	{Group: "policy.networking.k8s.io", Resource: "adminnetworkpolicies"},
	{Group: "policy.networking.k8s.io", Resource: "baselineadminnetworkpolicies"},
}

// clusterScoped are the built-in resources without a namespace that a scan lists.
var clusterScoped = map[string]bool{
	"clusterrolebindings": true, "flowschemas": true, "mutatingadmissionpolicies": true, "namespaces": true, "nodes": true,
	"persistentvolumes": true, "storageclasses": true, "validatingadmissionpolicies": true,
}

// asked says whether a resource without a namespace is read although only some namespaces are asked for: what the
// planner has to know about pods in them, wherever they are.
func asked(r schema.GroupResource) bool {
	switch r.Resource {
	case "clusterrolebindings", "nodes":
		return true
	}
	return slices.Contains(customClusterScoped, r)
}

// A Resource is what a cluster serves beyond the rules: a custom resource of a group that dekey does not know.
type Resource struct {
	Group, Name string
	Namespaced  bool
}

// Unknown asks the cluster what it serves and gives the custom resources that a scan lists and Rules does not cover,
// sorted.
func (r *Reader) Unknown(ctx context.Context) ([]Resource, error) {
	found, _, err := r.client.discover(ctx)
	if err != nil {
		return nil, err
	}
	unknown, known := []Resource{}, customGroups()
	for _, f := range found {
		if (f.phase == phaseCustom || f.phase == phaseSources) && !slices.Contains(known, f.Group) {
			unknown = append(unknown, Resource{Group: f.Group, Name: f.Resource, Namespaced: f.namespaced})
		}
	}
	slices.SortFunc(unknown, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(unknown), nil
}

// Scope says for whom rules are.
type Scope struct {
	Namespaces []string   // empty: all
	Unknown    []Resource // what Reader.Unknown found
}

// ClusterRules are the rules of a ClusterRole for a scan of the scope: everything for a scan of all namespaces, and what
// has no namespace for a scan of some. The verb is list alone: one object is listed by its name.
func ClusterRules(s Scope) []Rule {
	if len(s.Namespaces) == 0 {
		return append(builtinRules(func(string) bool { return true }), customRules(s)...)
	}
	rules := builtinRules(func(resource string) bool { return asked(schema.GroupResource{Resource: resource}) })
	groups := map[string][]string{}
	for _, r := range customClusterScoped {
		groups[r.Group] = append(groups[r.Group], r.Resource)
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		rules = append(rules, Rule{Why: "custom resources that name Secrets or service accounts", Groups: []string{group},
			Resources: groups[group], Verbs: []string{"list"}})
	}
	return rules
}

// NamespaceRules are the rules of a Role in each namespace for a scan of some namespaces, beside ClusterRules.
func NamespaceRules(s Scope) []Rule {
	return append(builtinRules(func(resource string) bool { return !clusterScoped[resource] }), customRules(s)...)
}

func customRules(s Scope) []Rule {
	rules := []Rule{{
		Why:    "custom resources that name Secrets or service accounts, and GitOps tools",
		Groups: customGroups(), Resources: []string{"*"}, Verbs: []string{"list"},
	}}
	groups := map[string][]string{}
	for _, r := range s.Unknown {
		if r.Namespaced || len(s.Namespaces) == 0 {
			groups[r.Group] = append(groups[r.Group], r.Name)
		}
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		rules = append(rules, Rule{Why: "custom resources that this cluster serves", Groups: []string{group},
			Resources: groups[group], Verbs: []string{"list"}})
	}
	return rules
}

// why says what each group of built-in resources is read for.
var why = map[string]string{
	"":                             "Secrets and ConfigMaps hold keys; pods and service accounts use them; nodes name their pools",
	"apps":                         "workloads",
	"batch":                        "workloads",
	"rbac.authorization.k8s.io":    "a new service account keeps the bindings of the old one",
	"networking.k8s.io":            "policies that keep pods from the metadata server",
	"storage.k8s.io":               "storage classes name Secrets of their drivers",
	"admissionregistration.k8s.io": "policies name service accounts",
	"flowcontrol.apiserver.k8s.io": "flow schemas name service accounts",
}

// builtinRules has one rule for each API group, in the order of the groups' names.
func builtinRules(keep func(resource string) bool) []Rule {
	groups := map[string][]string{"": {}}
	for _, name := range []string{"namespaces", "nodes"} {
		if keep(name) {
			groups[""] = append(groups[""], name)
		}
	}
	for r := range builtin {
		if keep(r.Resource) {
			groups[r.Group] = append(groups[r.Group], r.Resource)
		}
	}
	rules := []Rule{}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[group]) > 0 {
			rules = append(rules, Rule{Why: why[group], Groups: []string{group}, Resources: slices.Sorted(slices.Values(groups[group])),
				Verbs: []string{"list"}})
		}
	}
	return rules
}

// Permissions writes what a scan of the scope needs, ready for kubectl apply: the service account dekey in the namespace
// dekey, its roles and their bindings, as YAML. Namespaces must be valid names.
func Permissions(s Scope) []byte {
	var b bytes.Buffer
	b.WriteString(`apiVersion: v1
kind: Namespace
metadata:
  name: dekey
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: dekey
  namespace: dekey
`)
	role(&b, "ClusterRole", "", ClusterRules(s))
	for _, namespace := range s.Namespaces {
		role(&b, "Role", namespace, NamespaceRules(s))
	}
	return b.Bytes()
}

// role writes a role and its binding.
func role(b *bytes.Buffer, kind, namespace string, rules []Rule) {
	about := "  name: dekey-scan\n"
	if namespace != "" {
		about += fmt.Sprintf("  namespace: %q\n", namespace)
	}
	fmt.Fprintf(b, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n%srules:\n", kind, about)
	for _, r := range rules {
		fmt.Fprintf(b, "# %s\n- apiGroups:%s\n  resources:%s\n  verbs: %s\n", r.Why, lines(r.Groups), lines(r.Resources), list(r.Verbs))
	}
	fmt.Fprintf(b, `---
apiVersion: rbac.authorization.k8s.io/v1
kind: %[1]sBinding
metadata:
%[2]sroleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: %[1]s
  name: dekey-scan
subjects:
- kind: ServiceAccount
  name: dekey
  namespace: dekey
`, kind, about)
}
