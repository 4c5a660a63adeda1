package scanner

import (
	"cmp"
	"slices"
	"strings"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// An analysis joins what was collected so far.
type analysis struct {
	*collector
	index    index
	presumed presumed
	resolved []resolvedWorkload
	findings []candidate
	names    map[string]bool // of Secrets that are presumed to hold a key
	// addresses are the workloads of each source.
	addresses map[address]*definition
}

// A resolvedWorkload is one definition with its uses.
type resolvedWorkload struct {
	*definition
	specs map[int]wiring.PodSpec // of the pods that were resolved
	uses  []wiring.Use
}

// A candidate is a use of a key, of one definition. Several make up a Finding.
type candidate struct {
	Finding
	place
	definition *definition
}

// analyse joins Secrets and their users. It is called again when more was collected.
func (c *collector) analyse() *analysis {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &analysis{collector: c, index: c.index(), presumed: presumed{}}
	slices.SortFunc(c.workloads, func(x, y *definition) int {
		return cmp.Or(compareLive(x.Live, y.Live), x.Ref.Compare(y.Ref), compareOrigins(x.Origins, y.Origins), strings.Compare(x.root, y.root))
	})
	slices.SortFunc(c.resources, func(x, y *resource) int {
		return cmp.Or(compareLive(x.live, y.live), x.ref.Compare(y.ref), compareOrigins(x.origins, y.origins), strings.Compare(x.root, y.root))
	})
	slices.SortFunc(c.presets, func(x, y preset) int {
		return cmp.Or(strings.Compare(x.source, y.source), strings.Compare(x.Name(), y.Name()), strings.Compare(x.First(), y.First()))
	})
	// What one use tells of a Secret of unknown content, the others have to know.
	a.referencesPresume()
	for round := 0; round < maxRounds; round++ {
		if !a.resolve() {
			break
		}
	}
	a.wiringFindings()
	a.referenceFindings()
	a.accountFindings()
	a.inlineFindings()
	a.hintFindings()
	return a
}

// compareLive puts what people can edit first.
func compareLive(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// resolve resolves every workload that can use a key, and says whether that presumes more than before.
func (a *analysis) resolve() bool {
	news := false
	a.resolved = a.resolved[:0]
	holding := a.holding()
	for _, d := range a.workloads {
		if a.owned(d) {
			continue
		}
		r := resolvedWorkload{definition: d}
		v := a.view(d.Ref.Namespace, d.place)
		for i, pod := range d.pods {
			if d.Ref.Kind == "ProwJob" {
				pod = a.withPresets(pod, d)
				if u, ok := pod.WithoutPreset(); ok && i == 0 && a.lacksPreset(d) {
					r.uses = append(r.uses, u)
				}
			}
			if pod.Plain() || !pod.Telling() && !namesAny(&pod, holding) {
				continue
			}
			spec, uses := wiring.Resolve(&pod, v)
			r.learn(i, spec)
			for _, u := range uses {
				if u.Presumed && a.presume(u.Secret, d.Ref.Namespace, d.place) {
					news = true
				}
			}
			r.uses = append(r.uses, uses...)
		}
		a.resolved = append(a.resolved, r)
	}
	return news
}

// learn keeps the spec of the i-th pod as Resolve gave it.
func (r *resolvedWorkload) learn(i int, spec wiring.PodSpec) {
	if r.specs == nil {
		r.specs = map[int]wiring.PodSpec{}
	}
	r.specs[i] = spec
}

// podSpecs are the pod specs, with what is known of volumes where a key can be in use.
func (r *resolvedWorkload) podSpecs() []wiring.PodSpec {
	specs := make([]wiring.PodSpec, 0, len(r.pods))
	for i := range r.pods {
		spec, ok := r.specs[i]
		if !ok {
			spec = r.pods[i].Spec()
		}
		specs = append(specs, spec)
	}
	return specs
}

// holding are the names of what holds a key somewhere, or leads to one.
func (a *analysis) holding() map[holderName]bool {
	names := map[holderName]bool{}
	for _, h := range a.holders {
		if h.points() {
			names[holderName{h.ref.Kind, h.ref.Name}] = true
		}
	}
	for p := range a.presumed {
		names[p.holderName] = true
	}
	return names
}

func namesAny(pod *wiring.Pod, holding map[holderName]bool) bool {
	for kind, name := range pod.Names {
		if holding[holderName{kind, name}] {
			return true
		}
	}
	return false
}

// withPresets adds what presets of the same source bring to a job, in the order of their names.
func (a *analysis) withPresets(pod wiring.Pod, d *definition) wiring.Pod {
	for _, p := range a.presets {
		if p.source == d.source && p.AppliesTo(wiring.Unpaired(d.labels)) {
			pod = pod.With(p.Preset)
		}
	}
	return pod
}

// lacksPreset says that a job asks for a service account's key by a label, and that no preset of its source has the label.
func (a *analysis) lacksPreset(d *definition) bool {
	return wiring.Unpaired(d.labels)[wiring.AccountPreset] == "true" && !slices.ContainsFunc(a.presets, func(p preset) bool {
		_, ok := p.Labels[wiring.AccountPreset]
		return ok && p.source == d.source
	})
}

func (a *analysis) presume(secret Holder, namespace string, at place) bool {
	if secret.Name == "" || secret.Entry == "" {
		return false
	}
	key := presume(secret.Kind, namespace, secret.Name, at)
	if a.presumed[key][secret.Entry] {
		return false
	}
	if a.presumed[key] == nil {
		a.presumed[key] = map[string]bool{}
	}
	a.presumed[key][secret.Entry] = true
	return true
}

// wiringFindings are the uses by pods.
func (a *analysis) wiringFindings() {
	for _, r := range a.resolved {
		for _, u := range r.uses {
			f := Finding{
				Workload: r.Ref, Container: u.Container, ContainerType: u.ContainerType, Via: u.Via, Env: u.Env, Path: u.Path,
				Volume: u.Volume, Field: u.Field, Secret: u.Secret, Key: u.Key, Origins: u.Origins, PodSpec: u.PodSpec,
				At: u.At, Was: u.Was, Embedded: u.Embedded, Standard: u.Standard, Catalog: u.Catalog, Recipe: u.Recipe, Hold: u.Hold,
				Optional: u.Optional,
			}
			if f.Secret.Name != "" {
				f.Secret.Namespace = r.Ref.Namespace
			}
			if u.Elsewhere != nil {
				elsewhere := *u.Elsewhere
				elsewhere.Namespace = r.Ref.Namespace
				f.Elsewhere = &elsewhere
			}
			a.add(f, r.place, r.Origins, r.Generated, r.definition)
		}
	}
}

// add takes a finding; without origins of its own it stands where its object does.
func (a *analysis) add(f Finding, at place, origins []Origin, generated string, d *definition) {
	if len(f.Origins) == 0 {
		f.Origins = origins
	}
	f.Origins = slices.Clone(f.Origins)
	if generated != "" {
		f.Hold = append(slices.Clone(f.Hold), Obstacle{Code: "generated", What: generated})
	}
	a.findings = append(a.findings, candidate{Finding: f, place: at, definition: d})
}

// accountFindings are the image pull secrets of service accounts.
func (a *analysis) accountFindings() {
	for _, sa := range a.accounts {
		at := place{live: sa.Live, root: sa.Root}
		if len(sa.Origins) > 0 {
			at.source, at.file = sa.Origins[0].Source, sa.Origins[0].Path
		}
		v := a.view(sa.Ref.Namespace, at)
		for _, name := range sa.ImagePullSecrets {
			for _, entry := range v.Contents("Secret", name).Entries {
				if entry.Holds != object.Yes || !strings.HasPrefix(entry.Name, ".dockerc") {
					continue
				}
				for _, id := range entry.Keys {
					field := object.Path{object.Key("imagePullSecrets"), object.Item("name", name)}
					a.add(Finding{
						Workload: sa.Ref, Via: object.ImagePull, Field: field.String(), Key: id, At: []Path{field},
						Secret: Holder{Kind: "Secret", Namespace: sa.Ref.Namespace, Name: name, Entry: entry.Name},
					}, at, sa.Origins, "", nil)
				}
			}
		}
	}
}

// inlineFindings are keys written out in objects that are no Secrets.
func (a *analysis) inlineFindings() {
	for _, k := range a.inline {
		if k.again(a.inline) {
			continue
		}
		ids := k.keys
		if len(ids) == 0 {
			ids = []string{""}
		}
		for _, id := range ids {
			f := Finding{
				Workload: k.ref, Container: k.container, ContainerType: k.containerType, Via: object.Inline, Env: k.env,
				Secret: k.holder, Key: id, Origins: k.at, PodSpec: k.podSpec, At: []Path{k.field},
			}
			if k.env == "" {
				f.Field = k.field.String()
			}
			a.add(f, k.place, k.at, k.generated, nil)
		}
	}
}

// hintFindings are mentions of keys in what is recognised and cannot be read.
func (a *analysis) hintFindings() {
	for _, h := range a.hints {
		via := Via(object.Reference)
		if h.Env != "" {
			via = object.EnvFile
			if strings.HasPrefix(h.Env, "-") {
				via = object.ArgFile
			}
		}
		f := Finding{
			Via: via, Env: h.Env, Secret: h.Secret, Origins: []Origin{h.Origin},
			Hold: []Obstacle{{Code: h.Code, What: h.What, At: &h.Origin}},
		}
		if via == object.ArgFile {
			f.Env, f.Field = "", h.Env
		}
		a.add(f, place{source: h.Origin.Source, file: h.Origin.Path}, nil, "", nil)
	}
}
