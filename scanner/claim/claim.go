// Package claim says who claims a live object: whoever would undo an edit of it, or make it anew.
//
// It reads the object's own labels and annotations, who set its fields, and what Argo CD's and Flux's objects in the same
// cluster say about their repositories. What people apply by hand (kubectl) is claimed by nobody, and so is what a tool
// applies under kubectl's name.
package claim

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"dekey/scanner/object"
)

// An Index knows the GitOps objects of one cluster. The zero Index knows none; it is not safe for concurrent Learn.
type Index struct {
	applications map[string]string // Argo CD: name, and namespace/name, to where its source is
	flux         map[string]string // kind/namespace/name to where its source is, or to the source object
	repositories map[string]string // Flux sources: kind/namespace/name to URL
}

// Learn keeps what an Argo CD Application, a Flux Kustomization, HelmRelease or source says about a repository. Other
// objects are nothing to it.
func (x *Index) Learn(ref object.Ref, content map[string]any) {
	switch {
	case ref.Group() == "argoproj.io" && ref.Kind == "Application":
		set(&x.applications, ref.Name, applicationSource(content))
		set(&x.applications, ref.Namespace+"/"+ref.Name, applicationSource(content))
	case ref.Group() == "source.toolkit.fluxcd.io":
		where := address(text(content, "spec", "url"))
		if branch := text(content, "spec", "ref", "branch"); branch != "" && where != "" {
			where += "@" + branch
		}
		set(&x.repositories, ref.Kind+"/"+ref.Namespace+"/"+ref.Name, where)
	case ref.Group() == "kustomize.toolkit.fluxcd.io" && ref.Kind == "Kustomization":
		source := sourceKey(ref.Namespace, field(content, "spec", "sourceRef"))
		set(&x.flux, "Kustomization/"+ref.Namespace+"/"+ref.Name, source+" "+text(content, "spec", "path"))
	case ref.Group() == "helm.toolkit.fluxcd.io" && ref.Kind == "HelmRelease":
		source := sourceKey(ref.Namespace, field(content, "spec", "chart", "spec", "sourceRef"))
		set(&x.flux, "HelmRelease/"+ref.Namespace+"/"+ref.Name, source+" "+text(content, "spec", "chart", "spec", "chart"))
	}
}

// Of gives the claims on an object, sorted: "helm:RELEASE", "argocd:APPLICATION", "flux:NAME", "configsync:NAME",
// "gke", "owner:KIND/NAME", "managed-by:TOOL", .... A release or Kustomization of another namespace than the object's is
// written NAMESPACE/NAME. Where the source is known, " from REPOSITORY PATH@REVISION" follows.
//
// An owner is only named when it is the controller (ownerReferences[].controller); the caller leaves out what it
// climbs over.
func (x *Index) Of(ref object.Ref, content map[string]any) []string {
	labels, annotations := textsAt(content, "labels"), textsAt(content, "annotations")
	if len(labels)+len(annotations) == 0 && field(content, "metadata", "ownerReferences") == nil &&
		field(content, "metadata", "managedFields") == nil && !SystemNamespace(ref.Namespace) && ref.Kind != "Namespace" {
		return nil
	}
	claims := map[string]bool{}
	if release := annotations.of("meta.helm.sh/release-name"); release != "" {
		claims["helm:"+within(ref.Namespace, annotations.of("meta.helm.sh/release-namespace"), release)] = true
	}
	x.argo(ref, labels, annotations, claims)
	x.fluxOf(ref, labels, claims)
	configSync(labels, annotations, claims)
	if owner := controller(content); owner != "" {
		claims["owner:"+owner] = true
	}
	if SystemNamespace(ref.Namespace) || ref.Kind == "Namespace" && SystemNamespace(ref.Name) {
		claims["gke"] = true
	}
	for _, m := range []texts{labels, annotations} {
		for name := range m {
			if strings.HasPrefix(name, "components.gke.io/") || name == "addonmanager.kubernetes.io/mode" {
				claims["gke"] = true
			}
			if value := m.of(name); marks[name] != "" && value != "" {
				claims[marks[name]+":"+value] = true
			}
		}
	}
	// Last, because it says the least: a tool that is not named otherwise.
	if tool := labels.of("app.kubernetes.io/managed-by"); tool != "" && len(claims) == 0 && tools[strings.ToLower(tool)] {
		claims["managed-by:"+tool] = true
	}
	if len(claims) == 0 {
		managers, _ := field(content, "metadata", "managedFields").([]any)
		for _, m := range managers {
			entry, _ := m.(map[string]any)
			if tool := FieldManager(text(entry, "manager")); tool != "" {
				claims["managed-by:"+tool] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(claims))
}

// marks are labels and annotations that one tool puts on everything that it applies; the value says for which of its
// own objects.
var marks = map[string]string{
	"kapp.k14s.io/app":               "kapp", // carvel.dev/kapp
	"olm.owner":                      "olm",  // Operator Lifecycle Manager
	"objectset.rio.cattle.io/id":     "fleet",
	"fleet.cattle.io/bundle-id":      "fleet",
	"crossplane.io/composite":        "crossplane",
	"applyset.kubernetes.io/part-of": "applyset", // kubectl apply --prune --applyset
	"config.k8s.io/owning-inventory": "inventory",
}

// tools are the values of app.kubernetes.io/managed-by that name something which applies its objects again.
var tools = map[string]bool{
	"helm": true, "tiller": true, "terraform": true, "pulumi": true, "crossplane": true, "argocd": true, "argo-cd": true,
	"flux": true, "fluxcd": true, "kustomize-controller": true, "helm-controller": true, "configmanagement.gke.io": true,
	"kapp-controller": true, "fleet": true, "skaffold": true, "kluctl": true, "tanka": true, "werf": true, "timoni": true,
	"porter": true, "operator-lifecycle-manager": true, "olm": true,
}

// FieldManager is the tool of a field manager that applies its objects again, or "". Such an object bears a mark of
// the tool nearly always; it has none where Argo CD tracks by a label and its Application is in another cluster, and where
// Terraform or Pulumi made it.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers; the names are those that the tools give.
func FieldManager(manager string) string {
	switch name := strings.ToLower(manager); {
	case strings.HasPrefix(name, "terraform"), name == "hashicorp":
		return "terraform"
	case strings.HasPrefix(name, "pulumi"):
		return "pulumi"
	case name == "argocd-controller", name == "argocd-application-controller":
		return "argocd"
	case name == "kustomize-controller", name == "helm-controller":
		return "flux"
	case name == "configsync", name == "configmanagement":
		return "configsync"
	case name == "kapp-server":
		return "kapp"
	case name == "fleetagent", name == "fleet-agent":
		return "fleet"
	}
	return ""
}

// SystemNamespace says that GKE fills a namespace and sets right what others change in it.
// https://cloud.google.com/kubernetes-engine/docs/concepts/control-plane-security
func SystemNamespace(name string) bool {
	switch name {
	case "kube-system", "kube-public", "kube-node-lease", "gmp-system", "gmp-public", "config-management-system",
		"config-management-monitoring", "resource-group-system", "asm-system":
		return true
	}
	return strings.HasPrefix(name, "gke-")
}

// argo reads Argo CD's mark. The annotation names the object that it is for: a controller that copies annotations to
// what it makes does not make that Argo CD's. The label counts only when an Application of that name is known, because
// Helm charts write the same label.
// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
func (x *Index) argo(ref object.Ref, labels, annotations texts, claims map[string]bool) {
	app, rest, tracked := strings.Cut(annotations.of("argocd.argoproj.io/tracking-id"), ":")
	switch {
	case tracked && trackingFits(rest, ref):
	case !tracked && x.applications[labels.of("app.kubernetes.io/instance")] != "":
		app = labels.of("app.kubernetes.io/instance")
	case !tracked && labels.of("argocd.argoproj.io/instance") != "":
		app = labels.of("argocd.argoproj.io/instance")
	default:
		return
	}
	where := x.applications[app]
	if where == "" {
		where = x.applications[strings.Replace(app, "_", "/", 1)] // an Application outside Argo CD's own namespace
	}
	claims["argocd:"+app+from(where)] = true
}

// trackingFits says whether GROUP/KIND:NAMESPACE/NAME is the object.
func trackingFits(id string, ref object.Ref) bool {
	what, who, _ := strings.Cut(id, ":")
	group, kind, _ := strings.Cut(what, "/")
	namespace, name, _ := strings.Cut(who, "/")
	return group == ref.Group() && kind == ref.Kind && name == ref.Name && (namespace == ref.Namespace || ref.Namespace == "")
}

func (x *Index) fluxOf(ref object.Ref, labels texts, claims map[string]bool) {
	for _, tool := range [...]struct{ name, namespace, kind string }{
		{"kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace", "Kustomization"},
		{"helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace", "HelmRelease"},
	} {
		name, namespace := labels.of(tool.name), labels.of(tool.namespace)
		if name == "" {
			continue
		}
		source, path, _ := strings.Cut(x.flux[tool.kind+"/"+namespace+"/"+name], " ")
		where := x.repositories[source]
		if where != "" && path != "" {
			repository, revision, _ := strings.Cut(where, "@")
			where = join(repository, path, revision)
		}
		claims["flux:"+within(ref.Namespace, namespace, name)+from(where)] = true
	}
}

// configSync reads the marks of Config Sync.
// https://cloud.google.com/kubernetes-engine/enterprise/config-sync/docs/reference/labels-and-annotations
func configSync(labels, annotations texts, claims map[string]bool) {
	if annotations.of("configmanagement.gke.io/managed") != "enabled" {
		return
	}
	name := cmp.Or(annotations.of("configmanagement.gke.io/sync-name"), labels.of("configmanagement.gke.io/sync-name"), "root-sync")
	var git struct{ Repo, Branch string }
	where := ""
	if json.Unmarshal([]byte(annotations.of("configsync.gke.io/git-context")), &git) == nil && git.Repo != "" {
		where = join(address(git.Repo), annotations.of("configmanagement.gke.io/source-path"), git.Branch)
	}
	claims["configsync:"+name+from(where)] = true
}

// controller is KIND/NAME of the controlling owner, or "".
func controller(content map[string]any) string {
	owners, _ := field(content, "metadata", "ownerReferences").([]any)
	for _, o := range owners {
		owner, _ := o.(map[string]any)
		if is, _ := owner["controller"].(bool); is {
			return text(owner, "kind") + "/" + text(owner, "name")
		}
	}
	return ""
}

func applicationSource(content map[string]any) string {
	var all []string
	add := func(source any) {
		s, _ := source.(map[string]any)
		path := text(s, "path")
		if path == "" {
			path = text(s, "chart")
		}
		if where := join(address(text(s, "repoURL")), path, text(s, "targetRevision")); where != "" {
			all = append(all, where)
		}
	}
	add(field(content, "spec", "source"))
	several, _ := field(content, "spec", "sources").([]any)
	for _, source := range several {
		add(source)
	}
	if len(all) == 0 {
		return "unknown source"
	}
	return strings.Join(all, ", ")
}

// address is a repository's address without a user and password.
func address(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.Scheme != "" {
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		return u.String()
	}
	if strings.Contains(raw, "://") {
		return "" // not to be parsed, so that nobody knows where its password is
	}
	return raw // git@host:path
}

func join(repository, path, revision string) string {
	if repository == "" {
		return ""
	}
	where := repository
	if path = strings.Trim(strings.TrimPrefix(path, "./"), "/"); path != "" {
		where += " " + path
	}
	if revision != "" {
		where += "@" + revision
	}
	return where
}

func from(where string) string {
	if where == "" || where == "unknown source" {
		return ""
	}
	return " from " + where
}

func within(namespace, other, name string) string {
	if other == "" || other == namespace {
		return name
	}
	return other + "/" + name
}

func sourceKey(namespace string, ref any) string {
	r, _ := ref.(map[string]any)
	if other := text(r, "namespace"); other != "" {
		namespace = other
	}
	return text(r, "kind") + "/" + namespace + "/" + text(r, "name")
}

func set(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

func field(content map[string]any, path ...string) any {
	var value any = content
	for _, key := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}

func text(content map[string]any, path ...string) string {
	s, _ := field(content, path...).(string)
	return s
}

// texts are an object's labels or annotations. No copy: there are as many as objects.
type texts map[string]any

func textsAt(content map[string]any, name string) texts {
	m, _ := field(content, "metadata", name).(map[string]any)
	return m
}

func (m texts) of(name string) string {
	s, _ := m[name].(string)
	return s
}
