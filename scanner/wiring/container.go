package wiring

import (
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/object"
)

// A container is what Resolve needs of one container.
type container struct {
	env        []variable
	from       []envSource
	mounts     []mount
	words      []word // command, then args, or the text of a script
	texts      []word // what probes and hooks run
	workingDir string
}

// A variable is one entry of env.
type variable struct {
	name  string
	value string
	// kind is Secret or ConfigMap when the value comes from an entry of one, "other" when from elsewhere.
	kind          string
	object, entry string
	optional      bool
	field         object.Path
	at            []object.Origin
	// dropped: the value was not kept, because it can name no file.
	dropped bool
	preset  string // the preset that brings it, or ""
}

// An envSource is one entry of envFrom.
type envSource struct {
	kind, name, prefix string
	optional           bool
	field              object.Path
	at                 []object.Origin
}

// A mount is one entry of volumeMounts.
type mount struct {
	volume, path, subPath string
	expand                bool // subPathExpr
	preset                string
	field                 object.Path
	at                    []object.Origin
}

// A word is one element of command or args, or a text that a container runs.
type word struct {
	text   string
	name   string // command, args, script, livenessProbe, ...
	script bool   // a whole text for an interpreter
	field  object.Path
	at     []object.Origin
}

// container decodes one container into the pod.
func (e *extractor) container(pod *Pod, m map[string]any, typ string, at object.Path) {
	spec := Container{Name: text(m["name"]), Type: typ, Field: at, Image: text(m["image"])}
	spec.Sidecar = typ == "initContainer" && text(m["restartPolicy"]) == "Always"
	c := container{workingDir: text(m["workingDir"])}
	env := list(m["env"])
	for i, raw := range env {
		if name := text(field(raw, "name")); name != "" {
			spec.Env = append(spec.Env, name)
			c.env = append(c.env, decodeVariable(raw, name, at.Join(object.Key("env"), itemStep(env, i, "name"))))
		}
	}
	for i, raw := range list(m["envFrom"]) {
		from := envSource{prefix: text(field(raw, "prefix")), field: at.Join(object.Key("envFrom"), object.At(i))}
		for _, ref := range [...]struct{ kind, key string }{{"ConfigMap", "configMapRef"}, {"Secret", "secretRef"}} {
			if raw := field(raw, ref.key); raw != nil {
				from.kind, from.name = ref.kind, text(field(raw, "name"))
				from.optional, _ = field(raw, "optional").(bool)
			}
		}
		spec.EnvFrom = true
		if from.name != "" {
			c.from = append(c.from, from)
		}
	}
	mounts := list(m["volumeMounts"])
	for i, raw := range mounts {
		mt := mount{
			volume:  text(field(raw, "name")),
			path:    text(field(raw, "mountPath")),
			subPath: text(field(raw, "subPath")),
			field:   at.Join(object.Key("volumeMounts"), itemStep(mounts, i, "mountPath")),
		}
		if expr := text(field(raw, "subPathExpr")); expr != "" {
			mt.subPath, mt.expand = expr, true
		}
		if mt.volume != "" && mt.path != "" {
			c.mounts = append(c.mounts, mt)
		}
	}
	for _, key := range []string{"command", "args"} {
		c.words = append(c.words, decodeWords(m[key], key, at.Join(object.Key(key)))...)
	}
	for _, key := range []string{"script", "source"} {
		if script, ok := m[key].(string); ok && script != "" {
			c.words = append(c.words, word{text: script, name: key, script: true, field: at.Join(object.Key(key))})
		}
	}
	for _, key := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		c.texts = append(c.texts, decodeWords(field(m, key, "exec", "command"), key, at.Join(object.Keys(key, "exec", "command")...))...)
	}
	for _, key := range []string{"postStart", "preStop"} {
		c.texts = append(c.texts, decodeWords(field(m, "lifecycle", key, "exec", "command"), key, at.Join(object.Keys("lifecycle", key, "exec", "command")...))...)
	}
	c.trim()
	pod.containers = append(pod.containers, c)
	pod.Spec.Containers = append(pod.Spec.Containers, spec)
}

func decodeVariable(raw any, name string, at object.Path) variable {
	v := variable{name: name, field: at}
	v.value = text(field(raw, "value"))
	from, _ := field(raw, "valueFrom").(map[string]any)
	if from == nil {
		return v
	}
	v.kind = "other"
	for _, ref := range [...]struct{ kind, key string }{{"ConfigMap", "configMapKeyRef"}, {"Secret", "secretKeyRef"}} {
		if raw := field(from, ref.key); raw != nil {
			v.kind = ref.kind
			v.object, v.entry = text(field(raw, "name")), text(field(raw, "key"))
			v.optional, _ = field(raw, "optional").(bool)
		}
	}
	return v
}

// decodeWords reads command or args: a list, or (in some custom resources) one text.
func decodeWords(value any, name string, at object.Path) []word {
	if s, ok := value.(string); ok && s != "" {
		return []word{{text: s, name: name, script: true, field: at}}
	}
	items := list(value)
	words := make([]word, 0, len(items))
	for i, raw := range items {
		words = append(words, word{text: text(raw), name: name, field: at.Join(object.At(i))})
	}
	return words
}

// longValue is where a value can be no path any more.
const longValue = 4096

// trim drops values that can name no file: neither a path nor a piece of one.
func (c *container) trim() {
	for i := range c.env {
		v := &c.env[i]
		if len(v.value) > longValue || len(v.value) > 64 && !strings.ContainsAny(v.value, "/$") {
			v.value, v.dropped = "", true
		}
	}
}

// interesting says that the container may get at a key without a volume of the pod.
func (c *container) interesting(image string) bool {
	if len(c.from) > 0 {
		return true
	}
	for _, v := range c.env {
		if v.kind == "Secret" || v.kind == "ConfigMap" || catalog.KeyEnv(v.name) {
			return true
		}
		if strings.Contains(v.value, "/") {
			if _, known := catalog.LookupEnv(image, c.program(), v.name); known {
				return true
			}
		}
	}
	for _, w := range c.words {
		if strings.Contains(w.text, "GOOGLE_APPLICATION_CREDENTIALS") || strings.Contains(w.text, activation) {
			return true
		}
		if name, _, _ := strings.Cut(w.text, "="); strings.HasPrefix(name, "-") && !strings.ContainsAny(name, " \n") {
			if _, known := catalog.LookupFlag(image, c.program(), name); known {
				return true
			}
		}
	}
	return false
}

// activation is how a script hands a key to gcloud.
const activation = "activate-service-account"

// candidate says that a variable with a literal value may name a key file.
func candidate(name, value string) bool {
	return strings.ContainsAny(value, "/$") || catalog.KeyEnv(name)
}

// program is the program that the container runs: the first word of its command, "" where the image decides.
func (c *container) program() string {
	for _, w := range c.words {
		if w.name == "command" && !w.script {
			return w.text
		}
	}
	return ""
}
