package wiring

import (
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/object"
)

// container decodes one container into the pod. Suffix is its place from the pod spec.
func (e *extraction) container(pod *Pod, m map[string]any, typ string, suffix object.Path) {
	c := container{
		name: e.intern(text(m["name"])), typ: typ, image: strings.Clone(text(m["image"])), suffix: e.internPath(suffix),
		workingDir: e.intern(text(m["workingDir"])),
		sidecar:    typ == "initContainer" && text(m["restartPolicy"]) == "Always",
	}
	env, first := list(m["env"]), len(e.variables)
	steps := e.steps(env, "name")
	for i, raw := range env {
		if name := e.intern(text(field(raw, "name"))); name != "" {
			e.variables = append(e.variables, e.variable(raw, name, steps[i]))
		}
	}
	c.env = e.variables[first:len(e.variables):len(e.variables)]
	for i, raw := range list(m["envFrom"]) {
		c.fromAll = true
		from := envSource{prefix: e.intern(text(field(raw, "prefix"))), index: int32(i)}
		for _, ref := range [...]struct{ kind, key string }{{"ConfigMap", "configMapRef"}, {"Secret", "secretRef"}} {
			if raw := field(raw, ref.key); raw != nil {
				from.kind, from.name = ref.kind, e.intern(text(field(raw, "name")))
				from.optional, _ = field(raw, "optional").(bool)
			}
		}
		if from.name != "" {
			c.from = append(c.from, from)
		}
	}
	mounts := list(m["volumeMounts"])
	c.mounts = make([]mount, 0, len(mounts))
	steps = e.steps(mounts, "mountPath")
	for i, raw := range mounts {
		mt := mount{
			volume:  e.intern(text(field(raw, "name"))),
			path:    e.intern(text(field(raw, "mountPath"))),
			subPath: e.intern(text(field(raw, "subPath"))),
			step:    steps[i],
		}
		if expr := text(field(raw, "subPathExpr")); expr != "" {
			mt.subPath, mt.expand = e.intern(expr), true
		}
		if mt.volume != "" && mt.path != "" {
			c.mounts = append(c.mounts, mt)
		}
	}
	c.words = make([]word, 0, len(list(m["command"]))+len(list(m["args"])))
	for _, key := range []string{"command", "args"} {
		c.words = append(c.words, e.words(m[key], key)...)
	}
	for _, key := range []string{"script", "source"} {
		if script, ok := m[key].(string); ok && script != "" && !strings.Contains(script, keyMark) {
			c.words = append(c.words, word{text: strings.Clone(script), name: key, script: true})
		}
	}
	for _, key := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		c.texts = append(c.texts, e.words(field(m, key, "exec", "command"), key)...)
	}
	for _, key := range []string{"postStart", "preStop"} {
		c.texts = append(c.texts, e.words(field(m, "lifecycle", key, "exec", "command"), key)...)
	}
	c.words, c.texts = slices.Clip(c.words), slices.Clip(c.texts)
	pod.containers = append(pod.containers, c)
}

func (e *extraction) variable(raw any, name string, at step) variable {
	v := variable{name: name, step: at}
	if value := text(field(raw, "value")); len(value) <= longValue && !strings.Contains(value, keyMark) {
		v.value = value // trim keeps few of them
	} else {
		v.dropped = true
	}
	from, _ := field(raw, "valueFrom").(map[string]any)
	if from == nil {
		return v
	}
	v.kind = "other"
	for _, ref := range [...]struct{ kind, key string }{{"ConfigMap", "configMapKeyRef"}, {"Secret", "secretKeyRef"}} {
		if raw := field(from, ref.key); raw != nil {
			v.kind = ref.kind
			v.object, v.entry = e.intern(text(field(raw, "name"))), e.intern(text(field(raw, "key")))
			v.optional, _ = field(raw, "optional").(bool)
		}
	}
	return v
}

// words reads command or args: a list, or (in some custom resources) one text.
func (e *extraction) words(value any, name string) []word {
	if s, ok := value.(string); ok && s != "" && !strings.Contains(s, keyMark) {
		return []word{{text: strings.Clone(s), name: name, script: true}}
	}
	items := list(value)
	words := make([]word, 0, len(items))
	for i, raw := range items {
		s := text(raw)
		if strings.Contains(s, keyMark) {
			s, _, _ = strings.Cut(s, "{") // what names the key, not the key
		}
		words = append(words, word{text: e.intern(s), name: name, index: int32(i)})
	}
	return words
}

// keyMark tells that a text holds a key itself: it is inline, and names no file.
const keyMark = "PRIVATE KEY"

// longValue is where a value can be no path any more.
const longValue = 4096

// trim drops variables that can name no file and are no piece of a path; their names stay. The values that are left are
// the only ones worth a copy.
func (e *extraction) trim(c *container) {
	c.names = make([]string, len(c.env))
	for i := range c.env {
		c.names[i] = c.env[i].name
	}
	c.env = slices.Clone(slices.DeleteFunc(c.env, func(v variable) bool {
		if v.kind == "Secret" || v.kind == "ConfigMap" || strings.ContainsAny(v.value, "/$") || catalog.KeyEnv(v.name) {
			return false
		}
		return !c.mentions(v.name) && !slices.ContainsFunc(c.env, func(o variable) bool { return o.name == v.name && o.step != v.step })
	}))
	for i := range c.env {
		c.env[i].value = e.intern(c.env[i].value)
	}
}

// mentions says that some other text of the container is put together from the variable.
func (c *container) mentions(name string) bool {
	in := func(s string) bool {
		return strings.Contains(s, "$("+name+")") || strings.Contains(s, "$"+name) || strings.Contains(s, "${"+name)
	}
	return slices.ContainsFunc(c.env, func(v variable) bool { return in(v.value) }) ||
		slices.ContainsFunc(c.words, func(w word) bool { return in(w.text) }) ||
		slices.ContainsFunc(c.texts, func(w word) bool { return in(w.text) }) ||
		slices.ContainsFunc(c.mounts, func(m mount) bool { return in(m.path) || m.expand && in(m.subPath) })
}

// interest says whether the container may get at a key without a volume of the pod, and whether something in it tells of
// a key by itself.
func (e *extraction) interest(c *container) (interesting, telling bool) {
	interesting = len(c.from) > 0
	program := c.program()
	for _, v := range c.env {
		if e.isKeyEnv(v.name) || v.name == "CLOUDSDK_CONFIG" {
			telling = true
		} else if strings.Contains(v.value, "/") || v.object != "" {
			if _, known := catalog.LookupEnv(c.image, program, v.name); known {
				telling = true
			}
		}
		interesting = interesting || v.kind == "Secret" || v.kind == "ConfigMap"
	}
	for _, m := range c.mounts {
		if catalog.WellKnownPath(m.path) || catalog.WellKnownPath(m.path+"/"+defaultFile) {
			telling = true
		}
	}
	for _, w := range c.words {
		if telling {
			break
		}
		if w.script || strings.ContainsAny(w.text, " \n") {
			telling = e.tellingScript(c.image, w.text)
			continue
		}
		telling = w.text == activation || strings.HasPrefix(w.text, "-") && knownFlag(c.image, program, w.text)
	}
	return interesting || telling, telling
}

// tellingScript says that a text may name a key by itself.
func (e *extraction) tellingScript(image, s string) bool {
	if strings.Contains(s, activation) {
		return true
	}
	for _, n := range readScript(s) {
		if n.name != "" && (n.assigned && e.isKeyEnv(n.name) || !n.assigned && knownFlag(image, n.program, n.name)) {
			return true
		}
	}
	return false
}

func knownFlag(image, program, text string) bool {
	name, _, _ := strings.Cut(text, "=")
	_, known := catalog.LookupFlag(image, program, name)
	return known
}

// activation is how a script hands a key to gcloud.
const activation = "activate-service-account"

// program is the program that the container runs: the first word of its command, "" where the image decides.
func (c *container) program() string {
	for _, w := range c.words {
		if w.name == "command" && !w.script {
			return w.text
		}
	}
	return ""
}
