package scanner

import (
	"regexp"
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// A nameField is a string of a custom resource that could be a Secret's name, with what stands beside it.
type nameField struct {
	value     string
	field     string // the path, as plans spell it
	namespace string // stated beside it, or ""
	entry     string // stated beside it, or ""
	at        []Origin
}

// builtIn are the API groups of Kubernetes itself: their references to Secrets are known, and are wiring or none of ours.
var builtIn = map[string]bool{
	"": true, "apps": true, "batch": true, "extensions": true, "policy": true, "autoscaling": true,
	"rbac.authorization.k8s.io": true, "networking.k8s.io": true, "admissionregistration.k8s.io": true,
	"apiextensions.k8s.io": true, "apiregistration.k8s.io": true, "storage.k8s.io": true, "coordination.k8s.io": true,
	"events.k8s.io": true, "discovery.k8s.io": true, "scheduling.k8s.io": true, "node.k8s.io": true,
	"certificates.k8s.io": true, "authentication.k8s.io": true, "authorization.k8s.io": true,
	"flowcontrol.apiserver.k8s.io": true, "resource.k8s.io": true, "internal.apiserver.k8s.io": true,
	"kustomize.config.k8s.io": true,
}

// resource keeps what of o may name a Secret with a key: what the catalogue knows, and of custom resources every string
// that can be a name.
func (c *collector) resource(o *Object, at place, pods []wiring.Pod) {
	var r resource
	for _, ref := range append(catalog.References(o), chartReferences(o)...) {
		r.references = append(r.references, located[catalog.Reference]{ref, origins(o, ref.Field)})
	}
	if !builtIn[o.Ref.Group()] {
		w := nameWalk{object: o, skip: podFields(pods)}
		for _, key := range sortedKeys(o.Content) {
			if key != "apiVersion" && key != "kind" && key != "metadata" && key != "status" && !object.Aside(key) {
				w.walk(o.Content[key], nil, object.Keys(key), 0)
			}
		}
		r.names = w.found
	}
	if len(r.references)+len(r.names) > 0 {
		r.place, r.ref, r.origins, r.generated, r.managers = at, o.Ref, slices.Clone(o.Origins), o.Generated, slices.Clone(o.Managers)
		c.resources = append(c.resources, &r)
	}
}

// podFields are the fields that wiring reads: a Secret that they name is no reference.
func podFields(pods []wiring.Pod) []object.Path {
	var fields []object.Path
	for _, p := range pods {
		for _, key := range []string{"volumes", "imagePullSecrets", "env", "envFrom", "volumeMounts"} {
			fields = append(fields, p.Path().Join(object.Key(key)))
		}
		for _, container := range p.Spec().Containers {
			fields = append(fields, container.Field)
		}
	}
	return fields
}

// A nameWalk collects strings that can be names. It is bounded: an object with more is a list of something else.
type nameWalk struct {
	object *Object
	skip   []object.Path
	found  []nameField
}

const (
	maxNames     = 5000
	maxNameDepth = 100
)

// objectName is what Kubernetes takes as a Secret's name (RFC 1123 subdomain).
var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

func (w *nameWalk) walk(value any, parent map[string]any, at object.Path, depth int) {
	if depth > maxNameDepth || len(w.found) >= maxNames {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		if slices.ContainsFunc(w.skip, func(p object.Path) bool { return len(p) == len(at) && at.Equal(p) }) {
			return
		}
		for _, key := range sortedKeys(v) {
			if key != "" {
				w.walk(v[key], v, at.Join(object.Key(key)), depth+1)
			}
		}
	case []any:
		if slices.ContainsFunc(w.skip, func(p object.Path) bool { return len(p) == len(at) && at.Equal(p) }) {
			return
		}
		for i, item := range v {
			w.walk(item, parent, at.Join(object.At(i)), depth+1)
		}
	case string:
		if len(v) < 2 || len(v) > 253 || !objectName.MatchString(v) || number(v) {
			return
		}
		if namesOther(at, parent) {
			return
		}
		f := nameField{value: v, field: at.String()}
		if parent != nil && at[len(at)-1].Key != "namespace" {
			f.namespace = text(parent["namespace"])
			f.entry = text(parent["key"])
		}
		w.found = append(w.found, f)
	}
}

// otherNames are fields that name something else than a Secret, and otherParents those below which every name does: names of
// objects of one program are often alike.
var (
	otherNames = map[string]bool{
		"namespace": true, "targetNamespace": true, "storageNamespace": true, "kind": true, "apiVersion": true, "type": true, "provider": true,
		"serviceAccount": true, "serviceAccountName": true, "releaseName": true, "chart": true, "image": true, "project": true,
		"projectID": true, "projectId": true, "host": true, "container": true, "containerName": true,
	}
	otherParents = map[string]bool{
		"labels": true, "matchLabels": true, "selector": true, "podSelector": true, "nodeSelector": true, "scaleTargetRef": true, "targetRef": true,
		"sourceRef": true, "dependsOn": true, "serviceAccountRef": true, "configMapRef": true, "configMapKeyRef": true, "issuerRef": true,
	}
)

// namesOther says that a field says itself that it names no Secret: by its own name, by the fields above, or by a kind
// beside it.
func namesOther(at object.Path, parent map[string]any) bool {
	last := at[len(at)-1].Key
	if otherNames[last] || slices.ContainsFunc(at[:len(at)-1], func(s object.Step) bool { return otherParents[s.Key] }) {
		return true
	}
	kind, typed := parent["kind"].(string)
	return typed && last == "name" && len(at) > 1 && kind != "" && kind != "Secret"
}

func number(s string) bool { return strings.Trim(s, "0123456789.") == "" }
