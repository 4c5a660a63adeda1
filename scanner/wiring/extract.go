package wiring

import (
	"slices"
	"strings"

	"dekey/scanner/object"
)

// A Pod is one pod spec of an object as compact facts: the object itself can be dropped. Resolve joins it with what is
// known of Secrets and ConfigMaps.
type Pod struct {
	// Spec is what the planner asks, without what only Resolve knows (files and keys of volumes, mentions).
	Spec PodSpec

	volumes    []volume    // every volume that its containers can mount, outer ones included
	containers []container // as Spec.Containers
	pulls      []pull
	preset     bool // a preset brings a part of it
}

// A pull is one entry of imagePullSecrets.
type pull struct {
	name  string
	field object.Path
	at    []object.Origin
}

// The lists of a mapping that hold containers, with the type that the contract gives them. Tekton has steps and sidecars,
// Argo Workflows containers, initContainers and sidecars.
var containerLists = []struct{ key, typ string }{
	{"containers", "container"},
	{"steps", "container"},
	{"sidecars", "container"},
	{"initContainers", "initContainer"},
	{"ephemeralContainers", "ephemeralContainer"},
}

// The fields that hold one container: Argo Workflows' container and script, Tekton's stepTemplate.
var containerFields = []string{"container", "script", "stepTemplate"}

// The kinds that carry the values of a chart: what they render is looked at, not they.
var chartKinds = []string{"HelmRelease", "HelmChart", "Application", "ApplicationSet"}

// Extract finds the pod specs of o by shape: a mapping with a list of containers, wherever it stands; and what looks like
// one container by itself (Argo's container and script, a Spark driver, a Prow preset, a resource with volumeMounts of its
// own). Schemas, status and the copy in kubectl's annotation are passed over. The result is in the order of the fields'
// names.
func Extract(o *object.Object) []Pod {
	if o == nil || slices.Contains(chartKinds, o.Ref.Kind) {
		return nil
	}
	e := &extractor{object: o}
	e.walk(o.Content, nil, nil, scope{})
	return e.pods
}

type extractor struct {
	object *object.Object
	pods   []Pod
}

// A scope is what the outer levels give to a pod spec.
type scope struct {
	volumes []volume
	// account is the service account that an outer level names, and where.
	account      string
	accountField object.Path
	depth        int
}

// maxDepth bounds the walk: no pod spec of the real world is deeper, and readers refuse deeper files anyway.
const maxDepth = 200

func (e *extractor) walk(m map[string]any, parent map[string]any, at object.Path, outer scope) {
	if outer.depth > maxDepth {
		return
	}
	inner := outer
	inner.depth++
	if own := e.decodeVolumes(m["volumes"], at.Join(object.Key("volumes"))); len(own) > 0 {
		inner.volumes = append(own, outer.volumes...)
	}
	for _, key := range []string{"serviceAccountName", "serviceAccount"} {
		if name, ok := m[key].(string); ok {
			inner.account, inner.accountField = name, at.Join(object.Key("serviceAccountName"))
			break
		}
	}
	consumed := e.pod(m, parent, at, inner)
	for _, key := range sortedKeys(m) {
		if key == "" || consumed[key] || skipped(key, len(at)) { // a path cannot name an empty key
			continue
		}
		e.descend(m[key], m, at.Join(object.Key(key)), inner)
	}
}

func (e *extractor) descend(value any, parent map[string]any, at object.Path, outer scope) {
	if outer.depth > maxDepth {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		e.walk(v, parent, at, outer)
	case []any:
		outer.depth++
		for i, item := range v {
			switch item.(type) {
			case map[string]any, []any:
				e.descend(item, parent, at.Join(itemStep(v, i, "name")), outer)
			}
		}
	}
}

// skipped says that nothing below the key describes pods of this object.
func skipped(key string, depth int) bool {
	switch key {
	case "openAPIV3Schema", "managedFields", "volumeClaimTemplates":
		return true
	case "status", "metadata":
		return depth == 0
	}
	return false
}

// pod decodes a pod spec at m, when there is one, and says which fields it took.
func (e *extractor) pod(m, parent map[string]any, at object.Path, s scope) map[string]bool {
	var pod Pod
	consumed := map[string]bool{}
	listed := false
	for _, list := range containerLists {
		items, ok := m[list.key].([]any)
		if !ok || !looksLikeContainers(list.key, items) {
			continue
		}
		listed = listed || list.key != "steps" && list.key != "sidecars"
		consumed[list.key] = true
		for i, item := range items {
			if c, ok := item.(map[string]any); ok {
				e.container(&pod, c, list.typ, at.Join(object.Key(list.key), itemStep(items, i, "name")))
			}
		}
	}
	for _, key := range containerFields {
		if c, ok := m[key].(map[string]any); ok && (looksLikeContainer(c) || bareContainer(c)) {
			consumed[key] = true
			e.container(&pod, c, "container", at.Join(object.Key(key)))
			listed = listed || key != "stepTemplate"
		}
	}
	if len(pod.containers) == 0 && len(at) > 0 && bareContainer(m) {
		for _, key := range []string{"env", "envFrom", "volumeMounts", "volumes", "command", "args"} {
			consumed[key] = true
		}
		e.container(&pod, m, "container", at)
	} else if len(pod.containers) > 0 && bareContainer(m) {
		// A resource that lists patches of containers and has mounts of its own beside them (Prometheus).
		for _, key := range []string{"env", "envFrom", "volumeMounts"} {
			consumed[key] = true
		}
		e.container(&pod, m, "container", at)
	}
	if len(pod.containers) == 0 {
		return consumed
	}
	consumed["volumes"] = true
	pod.Spec.Path = at
	pod.volumes = s.volumes
	e.podFields(&pod, m, parent, at, s, listed)
	e.finish(&pod)
	e.pods = append(e.pods, pod)
	return consumed
}

// looksLikeContainers says that a list holds containers and is no list of something else that is called alike (a schema's
// containers, the steps of a CI file).
func looksLikeContainers(key string, items []any) bool {
	for _, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			return false
		}
		if key == "steps" || key == "sidecars" {
			if _, ci := m["uses"]; !ci && text(m["image"]) != "" {
				return true
			}
			continue
		}
		if looksLikeContainer(m) {
			return true
		}
	}
	return false
}

// looksLikeContainer says that a mapping is a container, whole or in part (a strategic merge patch).
func looksLikeContainer(m map[string]any) bool {
	_, named := m["name"].(string)
	if text(m["image"]) != "" && (named || len(m) > 1) {
		return true
	}
	if !named {
		return false
	}
	for _, key := range []string{"env", "envFrom", "volumeMounts", "command", "args"} {
		if _, ok := m[key].([]any); ok {
			return true
		}
	}
	return false
}

// bareContainer says that a mapping has mounts or variables of its own, in Kubernetes' form.
func bareContainer(m map[string]any) bool {
	for _, mount := range list(m["volumeMounts"]) {
		if text(field(mount, "name")) != "" && text(field(mount, "mountPath")) != "" {
			return true
		}
	}
	for _, env := range list(m["env"]) {
		entry, _ := env.(map[string]any)
		if text(entry["name"]) == "" {
			continue
		}
		if _, ok := entry["value"].(string); ok {
			return true
		}
		if _, ok := entry["valueFrom"].(map[string]any); ok {
			return true
		}
	}
	for _, from := range list(m["envFrom"]) {
		if field(from, "secretRef") != nil || field(from, "configMapRef") != nil {
			return true
		}
	}
	return false
}

// podFields reads what the pod spec says beside containers and volumes.
func (e *extractor) podFields(pod *Pod, m, parent map[string]any, at object.Path, s scope, listed bool) {
	spec := &pod.Spec
	spec.ServiceAccountName = text(m["serviceAccountName"])
	spec.DeprecatedServiceAccount = text(m["serviceAccount"])
	switch {
	case m["serviceAccountName"] != nil || m["serviceAccount"] != nil:
	case s.accountField != nil:
		spec.AccountField, spec.ServiceAccountName = s.accountField, s.account
	default:
		spec.AccountElsewhere = !listed || hasKey(at, "containerSet")
	}
	if automount, ok := m["automountServiceAccountToken"].(bool); ok {
		spec.Automount = &automount
	}
	spec.HostNetwork, _ = m["hostNetwork"].(bool)
	spec.NodeSelector = texts(m["nodeSelector"])
	spec.Affinity = field(m["affinity"], "nodeAffinity") != nil
	metadata := templateMetadata(m, parent, at, e.object.Content)
	spec.Labels = texts(field(metadata, "labels"))
	spec.Annotations = texts(field(metadata, "annotations"))
	delete(spec.Annotations, lastApplied)
	pulls := list(m["imagePullSecrets"])
	for i, item := range pulls {
		if name := text(field(item, "name")); name != "" {
			p := pull{name: name, field: at.Join(object.Key("imagePullSecrets"), itemStep(pulls, i, "name"))}
			spec.ImagePullSecrets = append(spec.ImagePullSecrets, name)
			pod.pulls = append(pod.pulls, p)
		}
	}
}

// lastApplied is kubectl's copy of the whole object, key material included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// templateMetadata is the metadata that the pods get: beside the spec of a template, inside an Argo template, or the
// object's own where the object is a Pod.
func templateMetadata(m, parent map[string]any, at object.Path, root map[string]any) any {
	switch {
	case len(at) == 1 && at[0].Key == "spec" && text(root["kind"]) == "Pod":
		return root["metadata"]
	case len(at) > 1 && at[len(at)-1].Key == "spec":
		return parent["metadata"]
	case len(at) > 0:
		return m["metadata"]
	}
	return nil
}

func hasKey(p object.Path, key string) bool {
	return slices.ContainsFunc(p, func(s object.Step) bool { return s.Key == key })
}

// finish drops what a pod spec without any way to a Secret does not need, and locates what may become a finding.
func (e *extractor) finish(pod *Pod) {
	for _, v := range pod.volumes {
		if len(v.sources) > 0 {
			pod.Spec.Volumes = append(pod.Spec.Volumes, v.spec())
		}
	}
	if pod.Plain() {
		pod.volumes = nil
		for i := range pod.containers {
			pod.containers[i] = container{}
		}
		for i := range pod.Spec.Containers {
			pod.Spec.Containers[i].Env = nil
		}
		return
	}
	e.locate(pod)
}

// Plain says that nothing of the pod spec can get at a key: no volume from a Secret, ConfigMap or CSI driver, no variable
// from elsewhere, no variable or flag that is known to name a key, no pull secret.
func (p *Pod) Plain() bool {
	if len(p.Spec.Volumes) > 0 || len(p.pulls) > 0 || p.preset {
		return false
	}
	for i := range p.containers {
		if p.containers[i].interesting(p.Spec.Containers[i].Image) {
			return false
		}
	}
	return true
}

// locate remembers where the pieces stand that may become findings. A live object has no text: its own origins do.
func (e *extractor) locate(pod *Pod) {
	if e.object.Locator == nil {
		return
	}
	for i := range pod.pulls {
		pod.pulls[i].at = e.origins(pod.pulls[i].field)
	}
	for i := range pod.containers {
		c := &pod.containers[i]
		for j := range c.env {
			if v := &c.env[j]; v.object != "" || candidate(v.name, v.value) {
				v.at = e.origins(v.field)
			}
		}
		for j := range c.from {
			c.from[j].at = e.origins(c.from[j].field)
		}
		for j := range c.words {
			if strings.ContainsAny(c.words[j].text, "/$") {
				c.words[j].at = e.origins(c.words[j].field)
			}
		}
		for j := range c.mounts {
			if pod.volume(c.mounts[j].volume) != nil {
				c.mounts[j].at = e.origins(c.mounts[j].field)
			}
		}
	}
}

func (e *extractor) origins(field object.Path) []object.Origin {
	var origins []object.Origin
	for _, place := range e.object.Places(field) {
		origins = append(origins, place.Origin)
	}
	return origins
}

// volume is the volume of that name which a Secret, ConfigMap or CSI driver fills, or nil.
func (p *Pod) volume(name string) *volume {
	for i := range p.volumes {
		if p.volumes[i].name == name {
			if len(p.volumes[i].sources) == 0 {
				return nil
			}
			return &p.volumes[i]
		}
	}
	return nil
}

// declared says that the pod has a volume of that name, of any kind.
func (p *Pod) declared(name string) bool {
	return slices.ContainsFunc(p.volumes, func(v volume) bool { return v.name == name })
}

// ConfigMaps are the names of the ConfigMaps that fill variables or volumes of the pod, sorted.
func (p *Pod) ConfigMaps() []string {
	var names []string
	for _, v := range p.volumes {
		for _, s := range v.sources {
			if s.kind == "ConfigMap" {
				names = append(names, s.name)
			}
		}
	}
	for _, c := range p.containers {
		for _, from := range c.from {
			if from.kind == "ConfigMap" {
				names = append(names, from.name)
			}
		}
		for _, v := range c.env {
			if v.kind == "ConfigMap" && v.object != "" {
				names = append(names, v.object)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
