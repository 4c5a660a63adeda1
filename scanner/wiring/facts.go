package wiring

import (
	"slices"
	"strings"

	"dekey/scanner/object"
)

// A Pod is one pod spec of an object as compact facts: the object itself can be dropped. Resolve joins it with what is
// known of Secrets and ConfigMaps.
type Pod struct {
	path         object.Path
	account      string // as written, or of an outer level
	deprecated   string
	accountField object.Path // "" is path.serviceAccountName
	automount    object.Tri  // "" where it is not written

	labels, annotations, nodeSelector []string // keys and values by turns
	scheduling                        string   // packed

	volumes    []volume // every volume that its containers can mount, outer ones included
	containers []container
	pulls      []pull

	accountElsewhere, hostNetwork, affinity bool

	plain   bool
	telling bool
	preset  bool // a preset brings a part of it
}

// A step names an item of a list: by its own name, or by its place where the name is missing or not its own.
type step struct {
	index int32
	named bool
}

func (s step) of(by, value string) object.Step {
	if s.named {
		return object.Item(by, value)
	}
	return object.At(int(s.index))
}

func (x *Extractor) step(items []any, i int, by string) step {
	return step{index: int32(i), named: itemStep(items, i, by).By != ""}
}

// steps are the steps of all items of a list. A variable's name is its own unless another one has it.
func (x *Extractor) steps(items []any, by string) []step {
	steps := make([]step, len(items))
	x.values = x.values[:0]
	for i := range items {
		value := text(field(items[i], by))
		x.values = append(x.values, value)
		steps[i] = step{index: int32(i), named: value != ""}
	}
	if len(items) > 64 { // nobody writes so many by hand
		first := make(map[string]int, len(items))
		for i, value := range x.values {
			if j, again := first[value]; again {
				steps[i].named, steps[j].named = false, false
			} else {
				first[value] = i
			}
		}
		return steps
	}
	for i, value := range x.values {
		for j := range i {
			if x.values[j] == value {
				steps[i].named, steps[j].named = false, false
			}
		}
	}
	return steps
}

// A pull is one entry of imagePullSecrets.
type pull struct {
	name string
	step step
	at   []object.Origin
}

// A container is what Resolve needs of one container.
type container struct {
	name, typ, image string
	suffix           object.Path // from the pod spec
	sidecar          bool

	names      []string // of all its variables, in order
	env        []variable
	from       []envSource
	fromAll    bool // it has envFrom
	mounts     []mount
	words      []word // command, then args, or the text of a script
	texts      []word // what probes and hooks run
	workingDir string
}

// A variable is one entry of env that can be (a part of) a path or comes from elsewhere.
type variable struct {
	name, value string
	// kind is Secret or ConfigMap when the value comes from an entry of one, "other" when from elsewhere.
	kind          string
	object, entry string
	at            []object.Origin
	preset        string // the preset that brings it, or ""
	step          step
	optional      bool
	dropped       bool // the value was not kept, because it can name no file
}

// An envSource is one entry of envFrom.
type envSource struct {
	kind, name, prefix string
	at                 []object.Origin
	index              int32
	optional           bool
}

// A mount is one entry of volumeMounts.
type mount struct {
	volume, path, subPath string
	preset                string
	at                    []object.Origin
	step                  step
	expand                bool // subPathExpr
}

// A word is one element of command or args, or a text that a container runs.
type word struct {
	text   string
	name   string // command, args, script, livenessProbe, ...
	at     []object.Origin
	index  int32
	script bool // a whole text for an interpreter, and no element of a list
}

// Plain says that nothing of the pod spec can get at a key: no volume from a Secret, ConfigMap or CSI driver, no variable
// from elsewhere, no variable or flag that is known to name a key, no pull secret.
func (p *Pod) Plain() bool { return p.plain && !p.preset }

// Telling says that a variable, flag or path of the pod spec tells of a key by itself. One that is neither plain nor
// telling uses a key only when something that it Names holds one.
func (p *Pod) Telling() bool { return p.telling || p.preset }

// Path is where the pod spec stands in its object.
func (p *Pod) Path() object.Path { return p.path }

// Account is the name of the service account as written (the deprecated alias counts where the name is missing), and
// whether the object can name one at all.
func (p *Pod) Account() (name string, here bool) {
	if p.account != "" {
		return p.account, true
	}
	return p.deprecated, !p.accountElsewhere
}

// AccountFields are the fields that name the service account, written or not.
func (p *Pod) AccountFields() []object.Path {
	fields := []object.Path{p.path.Join(object.Key("serviceAccountName")), p.path.Join(object.Key("serviceAccount"))}
	if len(p.accountField) > 0 {
		fields = append(fields, p.accountField)
	}
	return fields
}

// HostNetwork says that the pods share their node's network.
func (p *Pod) HostNetwork() bool { return p.hostNetwork }

// Names gives what the pod spec names, as KIND and NAME by turns: Secrets, ConfigMaps and SecretProviderClasses.
func (p *Pod) Names(yield func(kind, name string) bool) {
	for _, v := range p.volumes {
		for _, s := range v.sources {
			if !yield(s.kind, s.name) {
				return
			}
		}
	}
	for i := range p.containers {
		c := &p.containers[i]
		for _, from := range c.from {
			if !yield(from.kind, from.name) {
				return
			}
		}
		for _, v := range c.env {
			if v.object != "" && !yield(v.kind, v.object) {
				return
			}
		}
	}
	for _, pull := range p.pulls {
		if !yield("Secret", pull.name) {
			return
		}
	}
}

// tokenFolder is where the token of every pod is mounted, from a Secret in old clusters.
const tokenFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

// Secrets are the names of the Secrets that the pod spec wires into its containers, sorted. What every pod is given (its
// token, pull secrets) is not among them.
func (p *Pod) Secrets() []string {
	tokens := map[string]bool{}
	names := []string{}
	add := func(kind, name string) {
		if kind == "Secret" {
			names = append(names, name)
		}
	}
	for i := range p.containers {
		c := &p.containers[i]
		for _, m := range c.mounts {
			if m.path == tokenFolder {
				tokens[m.volume] = true
			}
		}
		for _, from := range c.from {
			add(from.kind, from.name)
		}
		for _, v := range c.env {
			add(v.kind, v.object)
		}
	}
	for _, v := range p.volumes {
		for _, s := range v.sources {
			if !tokens[v.name] {
				add(s.kind, s.name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Spec is the pod spec for the planner, without what only Resolve knows: the files of its volumes, and mentions.
func (p *Pod) Spec() PodSpec {
	spec := PodSpec{
		Path: p.path, ServiceAccountName: p.account, DeprecatedServiceAccount: p.deprecated, AccountField: p.accountField,
		AccountElsewhere: p.accountElsewhere, HostNetwork: p.hostNetwork, Affinity: p.affinity,
		NodeSelector: Unpaired(p.nodeSelector), Labels: Unpaired(p.labels), Annotations: Unpaired(p.annotations),
		Containers: []Container{}, Scheduling: unpacked(p.scheduling),
	}
	if p.automount != "" {
		automount := p.automount == object.Yes
		spec.Automount = &automount
	}
	for _, pull := range p.pulls {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, pull.name)
	}
	for n, v := range p.volumes {
		if len(v.sources) > 0 && v.preset == "" && !slices.ContainsFunc(p.volumes[:n], func(o volume) bool { return o.name == v.name }) {
			spec.Volumes = append(spec.Volumes, v.spec())
		}
	}
	for i := range p.containers {
		c := &p.containers[i]
		out := Container{Name: c.name, Type: c.typ, Field: p.containerField(i), Image: c.image, Sidecar: c.sidecar, Env: slices.Clone(c.names), EnvFrom: c.fromAll}
		for n, m := range c.mounts {
			if m.preset == "" && p.volume(m.volume) != nil {
				out.Mounts = append(out.Mounts, VolumeMount{Volume: m.volume, MountPath: m.path, SubPath: m.subPath, Field: p.mountField(i, n)})
			}
		}
		spec.Containers = append(spec.Containers, out)
	}
	return spec
}

// Pairs keeps a mapping of strings without kubectl's copy of the object, as keys and values by turns.
func (x *Extractor) Pairs(value any) []string {
	m, _ := value.(map[string]any)
	var out []string
	for _, key := range sortedKeys(m) {
		if s, ok := m[key].(string); ok && key != lastApplied {
			out = append(out, x.intern(key), strings.Clone(s)) // values are mostly one object's own
		}
	}
	return slices.Clip(out)
}

// Unpaired is the mapping that Pairs kept.
func Unpaired(pairs []string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// The fields of the pieces.

func (p *Pod) containerField(i int) object.Path { return p.path.Join(p.containers[i].suffix...) }

func (p *Pod) envField(i, n int) object.Path {
	v := &p.containers[i].env[n]
	return p.containerField(i).Join(object.Key("env"), v.step.of("name", v.name))
}

func (p *Pod) fromField(i, n int) object.Path {
	return p.containerField(i).Join(object.Key("envFrom"), object.At(int(p.containers[i].from[n].index)))
}

func (p *Pod) mountField(i, n int) object.Path {
	m := &p.containers[i].mounts[n]
	return p.containerField(i).Join(object.Key("volumeMounts"), m.step.of("mountPath", m.path))
}

// wordField is the element, or the field of a text.
func (p *Pod) wordField(i int, w word) object.Path {
	field := p.containerField(i).Join(object.Key(w.name))
	if w.script {
		return field
	}
	return field.Join(object.At(int(w.index)))
}

func (p *Pod) pullField(n int) object.Path {
	return p.path.Join(object.Key("imagePullSecrets"), p.pulls[n].step.of("name", p.pulls[n].name))
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
