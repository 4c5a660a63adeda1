package wiring

import (
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/object"
)

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

// An Extractor finds pod specs. Texts that many objects share are kept once; it is not safe for concurrent use.
type Extractor struct {
	names  map[string]string
	paths  map[string]object.Path
	keyEnv map[string]bool
	values []string // of one list, see steps

	// variables are those of one object's containers, in memory for the next object again: finish copies what is kept.
	variables []variable
	recent    []object.Path // that internPath gave last
}

// NewExtractor makes an Extractor.
func NewExtractor() *Extractor {
	return &Extractor{names: map[string]string{}, paths: map[string]object.Path{}, keyEnv: map[string]bool{}}
}

// Extract finds the pod specs of o by shape: a mapping with a list of containers, wherever it stands; and what looks like
// one container by itself (Argo's container and script, a Spark driver, a resource with volumeMounts of its own). Schemas,
// status and the copy in kubectl's annotation are passed over. The result is in the order of the fields' names, and keeps
// nothing of o alive.
func (x *Extractor) Extract(o *object.Object) []Pod {
	if o == nil || slices.Contains(chartKinds, o.Ref.Kind) {
		return nil
	}
	e := &extraction{Extractor: x, object: o}
	e.walk(o.Content, nil, make(object.Path, 0, 16), scope{})
	clear(x.variables) // they would keep parts of o alive
	x.variables = x.variables[:0]
	return e.pods
}

// intern gives one copy of texts that are alike.
func (x *Extractor) intern(s string) string {
	if s == "" {
		return ""
	}
	if one, ok := x.names[s]; ok {
		return one
	}
	s = strings.Clone(s)
	if len(s) < 256 {
		x.names[s] = s
	}
	return s
}

// internPath gives one copy of paths that are alike.
func (x *Extractor) internPath(p object.Path) object.Path {
	for _, one := range x.recent {
		if one.Equal(p) {
			return one
		}
	}
	key := p.String()
	one, ok := x.paths[key]
	if !ok || !one.Equal(p) {
		one = p.Join()
		for i := range one {
			one[i].Key, one[i].By, one[i].Value = x.intern(one[i].Key), x.intern(one[i].By), x.intern(one[i].Value)
		}
		x.paths[key] = one
	}
	const few = 6 // most objects have the same ones
	if len(x.recent) == few {
		x.recent = x.recent[:copy(x.recent, x.recent[1:])]
	}
	x.recent = append(x.recent, one)
	return one
}

// isKeyEnv is catalog.KeyEnv, asked once for each name.
func (x *Extractor) isKeyEnv(name string) bool {
	known, ok := x.keyEnv[name]
	if !ok {
		known = catalog.KeyEnv(name)
		x.keyEnv[x.intern(name)] = known
	}
	return known
}

// An extraction is the walk through one object.
type extraction struct {
	*Extractor
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

// walk looks at m, which stands at a path. Nobody keeps the path: the memory after it is for the paths below.
func (e *extraction) walk(m map[string]any, parent map[string]any, at object.Path, outer scope) {
	if outer.depth > maxDepth {
		return
	}
	inner := outer
	inner.depth++
	if own := e.decodeVolumes(m["volumes"], at); len(own) > 0 {
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
		switch m[key].(type) {
		case map[string]any, []any:
			e.descend(m[key], m, append(at, object.Key(key)), inner)
		}
	}
}

func (e *extraction) descend(value any, parent map[string]any, at object.Path, outer scope) {
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
				e.descend(item, parent, append(at, itemStep(v, i, "name")), outer)
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
	return depth == 0 && object.Aside(key)
}

// pod decodes a pod spec at m, when there is one, and says which fields it took.
func (e *extraction) pod(m, parent map[string]any, at object.Path, s scope) map[string]bool {
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
				e.container(&pod, c, list.typ, object.Path{object.Key(list.key), itemStep(items, i, "name")})
			}
		}
	}
	for _, key := range containerFields {
		if c, ok := m[key].(map[string]any); ok && (looksLikeContainer(c) || bareContainer(c)) {
			consumed[key] = true
			e.container(&pod, c, "container", object.Keys(key))
			listed = listed || key != "stepTemplate"
		}
	}
	if len(at) > 0 && bareContainer(m) {
		// By itself, or beside a list of patches of containers (Prometheus).
		for _, key := range []string{"env", "envFrom", "volumeMounts", "volumes", "command", "args"} {
			consumed[key] = true
		}
		e.container(&pod, m, "container", nil)
	}
	if len(pod.containers) == 0 {
		return consumed
	}
	consumed["volumes"] = true
	pod.path = e.internPath(at)
	pod.volumes = slices.Clip(s.volumes)
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
func (e *extraction) podFields(pod *Pod, m, parent map[string]any, at object.Path, s scope, listed bool) {
	pod.account = e.intern(text(m["serviceAccountName"]))
	pod.deprecated = e.intern(text(m["serviceAccount"]))
	switch {
	case m["serviceAccountName"] != nil || m["serviceAccount"] != nil:
	case s.accountField != nil:
		pod.accountField, pod.account = e.internPath(s.accountField), e.intern(s.account)
	default:
		pod.accountElsewhere = !listed || hasKey(at, "containerSet")
	}
	switch m["automountServiceAccountToken"] {
	case true:
		pod.automount = object.Yes
	case false:
		pod.automount = object.No
	}
	pod.hostNetwork, _ = m["hostNetwork"].(bool)
	pod.affinity = field(m["affinity"], "nodeAffinity") != nil
	pod.nodeSelector = e.Pairs(m["nodeSelector"])
	pod.scheduling = e.intern(SchedulingOf(m).packed())
	metadata := templateMetadata(m, parent, at, e.object.Content)
	pod.labels = e.Pairs(field(metadata, "labels"))
	pod.annotations = e.Pairs(field(metadata, "annotations"))
	pulls := list(m["imagePullSecrets"])
	for i, item := range pulls {
		if name := text(field(item, "name")); name != "" {
			pod.pulls = append(pod.pulls, pull{name: e.intern(name), step: e.step(pulls, i, "name")})
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
func (e *extraction) finish(pod *Pod) {
	pod.plain = len(pod.pulls) == 0 && !slices.ContainsFunc(pod.volumes, func(v volume) bool { return len(v.sources) > 0 })
	for i := range pod.containers {
		interesting, telling := e.interest(&pod.containers[i])
		pod.plain = pod.plain && !interesting
		pod.telling = pod.telling || telling
	}
	if !pod.plain {
		for i := range pod.containers {
			e.trim(&pod.containers[i])
		}
		e.locate(pod)
		return
	}
	pod.volumes, pod.annotations = nil, nil
	for i := range pod.containers {
		c := &pod.containers[i]
		pod.containers[i] = container{name: c.name, typ: c.typ, image: c.image, suffix: c.suffix, sidecar: c.sidecar}
	}
}

// locate remembers where the pieces stand that may become findings. A live object has no text: its own origins do.
func (e *extraction) locate(pod *Pod) {
	if e.object.Locator == nil {
		return
	}
	for n := range pod.pulls {
		pod.pulls[n].at = e.origins(pod.pullField(n))
	}
	for i := range pod.containers {
		c := &pod.containers[i]
		for n := range c.env {
			if v := &c.env[n]; v.object != "" || strings.ContainsAny(v.value, "/$") || e.isKeyEnv(v.name) {
				v.at = e.origins(pod.envField(i, n))
			}
		}
		for n := range c.from {
			c.from[n].at = e.origins(pod.fromField(i, n))
		}
		for n := range c.words {
			// A word that may name a file, or the flag before it.
			if strings.ContainsAny(c.words[n].text, "/$") || n+1 < len(c.words) && strings.HasPrefix(c.words[n].text, "-") && strings.ContainsAny(c.words[n+1].text, "/$") {
				c.words[n].at = e.origins(pod.wordField(i, c.words[n]))
			}
		}
		for n := range c.mounts {
			if pod.volume(c.mounts[n].volume) != nil {
				c.mounts[n].at = e.origins(pod.mountField(i, n))
			}
		}
	}
}

func (e *extraction) origins(field object.Path) []object.Origin {
	var origins []object.Origin
	for _, place := range e.object.Places(field) {
		origins = append(origins, place.Origin)
	}
	return slices.Clip(origins)
}
