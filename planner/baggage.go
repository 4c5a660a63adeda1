package planner

import (
	"slices"
	"strings"

	"dekey/scanner"
	"dekey/scanner/object"
)

// carriedAnnotations are prefixes of annotations of a service account that say how its pods are treated, by other clouds,
// GKE, and Kubernetes itself: a new service account keeps them. Others (release tracking, descriptions) stay with the old.
var carriedAnnotations = []string{
	"eks.amazonaws.com/",
	"azure.workload.identity/",
	"iam.gke.io/",
	"kubernetes.io/enforce-mountable-secrets",
	"vault.hashicorp.com/",
	"consul.hashicorp.com/",
	"linkerd.io/",
	"config.linkerd.io/",
}

// trackingLabels are written by the tools that apply manifests. Copied to another object they would make the tool take it
// for its own, and delete it.
var trackingLabels = []string{
	"app.kubernetes.io/managed-by",
	"app.kubernetes.io/instance",
	"app.kubernetes.io/version",
	"argocd.argoproj.io/",
	"helm.sh/",
	"helm.toolkit.fluxcd.io/",
	"kustomize.toolkit.fluxcd.io/",
	"addonmanager.kubernetes.io/",
	"objectset.rio.cattle.io/",
	"components.gke.io/",
}

func hasPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// newServiceAccount is the content of a workload's new service account, with what the old one carries: pull secrets, the
// automount setting, annotations of other clouds, and labels that policies may select.
func (w *world) newServiceAccount(x *work) (map[string]any, *Carried) {
	t := &x.target
	carried := &Carried{Bindings: []scanner.Ref{}, ImagePullSecrets: []string{}, Annotations: []string{}, Labels: []string{}, Left: []string{}}
	annotations := map[string]any{}
	metadata := map[string]any{"name": t.name, "namespace": t.old.namespace}
	content := map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
	if old := t.oldKSA; old != nil {
		labels := map[string]any{}
		for key, value := range old.Labels {
			if !hasPrefix(key, trackingLabels) {
				labels[key] = value
				carried.Labels = append(carried.Labels, key)
			}
		}
		if len(labels) > 0 {
			metadata["labels"] = labels
		}
		for key, value := range old.Annotations {
			if key != AccountAnnotation && hasPrefix(key, carriedAnnotations) {
				annotations[key] = value
				carried.Annotations = append(carried.Annotations, key)
			} else {
				carried.Left = append(carried.Left, key)
			}
		}
		if old.Annotations["kubernetes.io/enforce-mountable-secrets"] != "" {
			content["secrets"] = references(old.Secrets)
		}
		if len(old.ImagePullSecrets) > 0 {
			content["imagePullSecrets"] = references(old.ImagePullSecrets)
			carried.ImagePullSecrets = append(carried.ImagePullSecrets, old.ImagePullSecrets...)
		}
		if old.Automount != nil {
			content["automountServiceAccountToken"] = *old.Automount
		}
	}
	if t.model == Impersonation {
		annotations[AccountAnnotation] = t.account
	}
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	slices.Sort(carried.Labels)
	slices.Sort(carried.Annotations)
	slices.Sort(carried.Left)
	carried.ImagePullSecrets = sorted(carried.ImagePullSecrets)
	return content, carried
}

func references(names []string) []any {
	list := make([]any, len(names))
	for i, n := range names {
		list[i] = map[string]any{"name": n}
	}
	return list
}

// carryBindings gives the new service account every role binding of the old one: a subject more where the binding is in a
// checkout; a binding of its own where it was only seen live, so that nobody else's object is edited. The groups
// system:serviceaccounts and system:serviceaccounts:NAMESPACE go on by themselves.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects
func (w *world) carryBindings(x *work, carried *Carried) []Edit {
	t := &x.target
	var edits []Edit
	subjects := slices.Clone(w.bindings[t.old])
	slices.SortStableFunc(subjects, compareBindings)
	for _, s := range subjects {
		b := s.binding
		value := newSubject(s.subject, t)
		if !slices.Contains(carried.Bindings, b.Ref) {
			carried.Bindings = append(carried.Bindings, b.Ref)
		}
		if s.editable {
			edits = append(edits, Edit{
				Object: b.Ref, Op: OpAppend, Field: object.Keys("subjects"), Value: value, Why: "the new service account keeps the old one's roles",
			})
			continue
		}
		edits = append(edits, w.ownBinding(x, b))
	}
	return edits
}

func newSubject(old scanner.Subject, t *target) map[string]any {
	if old.Kind == "User" {
		return map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:serviceaccount:" + t.old.namespace + ":" + t.name}
	}
	return map[string]any{"kind": "ServiceAccount", "name": t.name, "namespace": t.old.namespace}
}

// ownBinding is a binding of the same role for the new service account alone.
func (w *world) ownBinding(x *work, b *scanner.RoleBinding) Edit {
	t := &x.target
	ref := b.Ref
	ref.Name = shorten(b.Ref.Name+"-"+t.name, 253)
	if ref.Kind == "ClusterRoleBinding" {
		ref.Name = shorten(b.Ref.Name+"-"+t.old.namespace+"-"+t.name, 253)
	}
	for w.bindingNames[refKey(ref)] {
		ref.Name = shorten(ref.Name, 250) + "-wi"
	}
	w.bindingNames[refKey(ref)] = true
	metadata := map[string]any{"name": ref.Name}
	if ref.Namespace != "" {
		metadata["namespace"] = ref.Namespace
	}
	return Edit{Object: ref, Op: OpCreate, Why: "the new service account keeps the old one's roles", Value: map[string]any{
		"apiVersion": ref.APIVersion, "kind": ref.Kind, "metadata": metadata,
		"roleRef": map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": b.RoleRef.Kind, "name": b.RoleRef.Name},
		"subjects": []any{
			map[string]any{"kind": "ServiceAccount", "name": t.name, "namespace": t.old.namespace},
		},
	}}
}
