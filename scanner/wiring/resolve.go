package wiring

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/object"
)

// A Use is one way by which a container (or the pod) gets at one entry of a Secret, ConfigMap or SecretProviderClass.
type Use struct {
	PodSpec       object.Path
	Container     string
	ContainerType string
	Via           object.Via
	Env           string
	Path          string
	Volume        string
	Field         string
	Secret        object.Holder // without its namespace
	Key           string        // an id, or ""
	// Presumed: nothing is known of the content, and the wiring alone says that it is a key.
	Presumed bool
	// Dangling: the variable or flag names a file that nothing in this object brings; Secret is empty.
	Dangling bool

	At []object.Path
	// Was are the texts at the fields of At, where they are arguments.
	Was []string
	// Elsewhere is the ConfigMap entry that sets the variable, when that is not the object itself.
	Elsewhere *object.Holder
	Origins   []object.Origin // nil: those of the object
	Embedded  bool
	Standard  bool
	Optional  bool
	Catalog   string
	Recipe    []object.FieldEdit
	Hold      []object.Obstacle
}

// Named is what names the use beside its Secret: the variable, the flag, or "".
func (u Use) Named() string { return cmp.Or(u.Env, u.Field) }

// A resolver joins one pod spec with what is known.
type resolver struct {
	pod  *Pod
	know Knowledge
	env  []environment
	uses []Use
	// of are the containers of uses, by index.
	of []int
}

// Resolve gives every use of a key in the pod spec, and the spec with what is known of its volumes. The result is in the
// order of the object and does not depend on anything else.
//
// What one container presumes about an entry of unknown content (Use.Presumed) the others of the pod know; what one
// workload presumes, a caller adds to the Knowledge of the others, and resolves again.
func Resolve(pod *Pod, k Knowledge) (PodSpec, []Use) {
	r := &resolver{pod: pod, know: k}
	for i := range pod.containers {
		r.env = append(r.env, newEnvironment(&pod.containers[i], k))
	}
	presumed := &presumptions{Knowledge: k, entries: map[object.Holder]bool{}}
	for round := 0; ; round++ {
		r.uses, r.of, r.know = nil, nil, presumed
		for i := range pod.containers {
			r.variables(i)
			r.arguments(i)
			r.wellKnown(i)
		}
		if !presumed.learn(r.uses) || round == 3 {
			break
		}
	}
	for i := range pod.containers {
		r.mounts(i)
	}
	r.pullSecrets()
	r.obstacles()
	for n := range r.uses {
		r.uses[n].PodSpec = pod.path
	}
	return r.spec(), r.uses
}

// presumptions are Knowledge and what the pod's own wiring adds to it.
type presumptions struct {
	Knowledge
	entries map[object.Holder]bool
}

func (p *presumptions) Contents(kind, name string) Contents {
	content := p.Knowledge.Contents(kind, name)
	if len(p.entries) == 0 || content.Complete {
		return content
	}
	entries := slices.Clone(content.Entries)
	for h := range p.entries {
		if h.Kind != kind || h.Name != name {
			continue
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == h.Entry })
		if i < 0 {
			entries = append(entries, Entry{Name: h.Entry, Holds: object.Yes, Presumed: true})
		} else if entries[i].Holds == object.Unknown {
			entries[i].Holds, entries[i].Presumed = object.Yes, true
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	content.Entries = entries
	return content
}

// learn takes what the uses presume, and says whether that is new.
func (p *presumptions) learn(uses []Use) bool {
	news := false
	for _, u := range uses {
		if u.Presumed && u.Secret.Name != "" && u.Secret.Entry != "" && !p.entries[u.Secret] {
			p.entries[u.Secret] = true
			news = true
		}
	}
	return news
}

func (r *resolver) add(i int, u Use) {
	u.Container, u.ContainerType = r.pod.containers[i].name, r.pod.containers[i].typ
	for n := range r.uses {
		old := &r.uses[n]
		if r.of[n] == i && old.Via == u.Via && old.Env == u.Env && old.Field == u.Field && old.Secret == u.Secret && old.Key == u.Key {
			for n, at := range u.At { // the same flag twice
				if !slices.ContainsFunc(old.At, at.Equal) {
					old.At = append(old.At, at)
					if n < len(u.Was) {
						old.Was = append(old.Was, u.Was[n])
					}
				}
			}
			old.Origins = append(old.Origins, u.Origins...)
			old.Recipe = append(old.Recipe, u.Recipe...)
			old.Embedded = old.Embedded || u.Embedded
			old.Hold = append(old.Hold, u.Hold...)
			if old.Embedded {
				old.Recipe = nil
			}
			return
		}
	}
	r.uses = append(r.uses, u)
	r.of = append(r.of, i)
}

// ofFile completes a use of a file, once for each key that the file holds.
func (r *resolver) ofFile(i int, h hit, u Use) {
	u.Secret = h.holder()
	u.Volume = h.volume.name
	if h.volume.preset != "" {
		u.Hold = append(slices.Clone(u.Hold), byPreset(h.volume.preset))
	}
	u.Optional = h.source.optional
	if u.Path == "" {
		u.Path = h.path
	}
	r.each(i, u)
}

func (r *resolver) each(i int, u Use) {
	entry, _ := r.know.Contents(u.Secret.Kind, u.Secret.Name).Entry(u.Secret.Entry)
	if entry.Part {
		u.Hold = append(slices.Clone(u.Hold), hold(notProvable, "the key is only a part of %s, and what else stands there is needed", visible(u.Secret.Entry)))
	}
	if entry.Bare && u.Standard && len(u.Recipe) == 0 {
		u.Hold = append(slices.Clone(u.Hold), hold(programReadsKey, "%s is a private key by itself, which no client library reads as a credential file: the program does", visible(u.Secret.Entry)))
	}
	if entry.Impersonates != "" {
		u.Hold = append(slices.Clone(u.Hold), hold(severalAccounts, "the file acts as %s, with the key of another account", visible(entry.Impersonates)))
	}
	if len(entry.Keys) == 0 {
		u.Presumed = true
		r.add(i, u)
		return
	}
	for _, id := range entry.Keys {
		u.Key = id
		r.add(i, u)
	}
}

// keys gives the hits that are uses of a key: known ones, and with presume those of which nothing is known. Files that
// are named by their folder alone count with folders.
func (r *resolver) keys(hits []hit, presume, folders bool) []hit {
	var keys, unknown []hit
	for _, h := range hits {
		switch h.file.Holds {
		case object.Yes:
			if !h.folder || folders {
				keys = append(keys, h)
			}
		case object.Unknown:
			// A ConfigMap that was not seen, beside a token for another audience, is a federation configuration.
			if presume && (h.source.kind != "ConfigMap" || !r.federated()) && (!h.folder || folders && (h.possible || len(hits) == 1)) {
				unknown = append(unknown, h)
			}
		}
	}
	if len(keys) > 0 {
		return keys
	}
	return unknown
}

// federated says that a service account token for another audience is mounted: the pod has moved, at least in part.
func (r *resolver) federated() bool {
	return slices.ContainsFunc(r.pod.volumes, func(v volume) bool { return v.token })
}

func ambiguous(hits []hit) bool {
	return slices.ContainsFunc(hits, func(h hit) bool {
		return h.possible && (h.source.kind != hits[0].source.kind || h.source.name != hits[0].source.name)
	})
}

func hold(code, format string, args ...any) object.Obstacle {
	return object.Obstacle{Code: code, What: fmt.Sprintf(format, args...)}
}

// The codes of holds that this package knows reasons for.
const (
	programReadsKey = "program-reads-key"
	delegation      = "delegation"
	dangling        = "dangling"
	notProvable     = "not-provable"
	severalAccounts = "several-accounts"
	noRecipe        = "no-recipe"
)

// variables gives the uses by environment variables.
func (r *resolver) variables(i int) {
	c := &r.pod.containers[i]
	env := r.env[i]
	for _, name := range env.order {
		s := env.values[name]
		v := variable{name: name}
		if s.index >= 0 {
			v = c.env[s.index]
		}
		known, program := catalog.LookupEnv(c.image, c.program(), name)
		u := Use{Via: object.EnvFile, Env: name, Standard: catalog.StandardEnv(name)}
		r.where(i, s, &u)
		if program {
			u.Catalog = known.Entry
			if known.Hold != nil {
				u.Hold = append(u.Hold, *known.Hold)
			}
			if known.Removable && u.Elsewhere == nil {
				u.Recipe = removals(u.At)
			}
		} else if !u.Standard {
			u.Hold = append(u.Hold, hold(programReadsKey, "the variable %s is read by the program itself", visible(name)))
		}
		telling := catalog.KeyEnv(name) || program && !known.Foreign
		if r.fromSecret(i, name, s, v, u, telling) || !s.known {
			continue
		}
		hits, landed := r.find(i, s.value)
		if catalog.KeyEnv(name) && landed == unmounted {
			hits = r.aboveMounts(i, s.value)
		}
		// A folder may be named for a hundred reasons: it is a use by a variable whose name tells of a key.
		found := r.keys(hits, telling, telling)
		for _, h := range found {
			use := u
			if ambiguous(found) {
				use.Hold = append(slices.Clone(use.Hold), hold(notProvable, "several Secrets fill the volume %s, and which one holds %s is not known", h.volume.name, h.path))
			}
			if h.folder && u.Standard && len(u.Recipe) == 0 {
				use.Hold = append(slices.Clone(use.Hold), hold(programReadsKey, "the variable %s names a folder, which no client library reads: the program picks the file itself", visible(name)))
			}
			r.ofFile(i, h, use)
		}
		if len(found) == 0 && len(hits) == 0 && telling && u.Standard {
			r.dangling(i, u, s.value, landed)
		}
	}
}

// where fills in the fields that set the variable.
func (r *resolver) where(i int, s setting, u *Use) {
	c := &r.pod.containers[i]
	if s.index >= 0 && c.env[s.index].preset != "" {
		name := c.env[s.index].preset
		u.Origins = c.env[s.index].at
		u.Elsewhere = &object.Holder{Kind: "Preset", Name: name}
		u.Hold = append(u.Hold, byPreset(name))
		return
	}
	if s.index >= 0 {
		for _, n := range append(slices.Clone(s.earlier), s.index) {
			u.At = append(u.At, r.pod.envField(i, n))
			u.Origins = append(u.Origins, c.env[n].at...)
			if n != s.index && c.env[n].value != c.env[s.index].value {
				u.Hold = append(u.Hold, hold(notProvable, "the variable %s is set twice, with different values", u.Env))
			}
		}
		return
	}
	if s.from < 0 {
		return
	}
	from := c.from[s.from]
	u.Origins = append(append(u.Origins, s.entry.At...), from.at...)
	u.Elsewhere = &object.Holder{Kind: from.kind, Name: from.name, Entry: s.entry.Name}
	if from.kind != "ConfigMap" {
		u.Hold = append(u.Hold, hold(notProvable, "the variable %s comes from the %s %s through envFrom", u.Env, from.kind, from.name))
	}
}

// fromSecret gives the uses by variables that a Secret's entry fills.
func (r *resolver) fromSecret(i int, name string, s setting, v variable, u Use, telling bool) bool {
	switch {
	case s.index >= 0 && (v.kind == "Secret" || v.kind == "ConfigMap" && s.entry.Holds == object.Yes):
		content := r.know.Contents(v.kind, v.object)
		entry, seen := content.Entry(v.entry)
		holds := entry.Holds
		if !seen && !content.Complete {
			holds = object.Unknown
		}
		if holds != object.Yes && (holds != object.Unknown || !telling || v.kind != "Secret") {
			return v.kind == "Secret" && !s.known
		}
		u.Via, u.Env, u.Optional, u.Standard, u.Recipe = object.EnvValue, name, v.optional, false, nil
		u.Secret = object.Holder{Kind: v.kind, Name: v.object, Entry: v.entry}
	case s.index < 0 && s.entry.Holds == object.Yes:
		from := r.pod.containers[i].from[s.from]
		u.Via, u.Env, u.Optional, u.Standard, u.Recipe = object.EnvFrom, name, from.optional, false, nil
		u.Secret = object.Holder{Kind: from.kind, Name: from.name, Entry: s.entry.Name}
		u.At, u.Elsewhere, u.Hold = nil, nil, nil
		content := r.know.Contents(from.kind, from.name)
		if content.Complete && !slices.ContainsFunc(content.Entries, func(e Entry) bool { return e.Holds != object.Yes }) {
			u.At = []object.Path{r.pod.fromField(i, s.from)} // it brings nothing else
		}
		u.Origins = from.at
	default:
		return false
	}
	u.Hold = append(slices.DeleteFunc(u.Hold, func(o object.Obstacle) bool { return o.Code == programReadsKey }),
		hold(programReadsKey, "the program takes the key itself from the variable %s", visible(name)))
	r.each(i, u)
	return true
}

// aboveMounts gives the files of mounts below a folder that a variable names.
func (r *resolver) aboveMounts(i int, value string) []hit {
	folder := asPath(value, "")
	var hits []hit
	for j, m := range r.pod.containers[i].mounts {
		if _, ok := below(m.path, folder); ok && folder != "" && folder != "/" {
			for _, h := range r.under(i, j) {
				h.folder = true
				hits = append(hits, h)
			}
		}
	}
	return hits
}

func removals(at []object.Path) []object.FieldEdit {
	edits := make([]object.FieldEdit, 0, len(at))
	for _, field := range at {
		edits = append(edits, object.FieldEdit{Op: "remove", Field: field})
	}
	return edits
}

// dangling reports a variable or flag that names a file which nothing in the object brings: a preset, an image, a hook or
// a mistake does.
func (r *resolver) dangling(i int, u Use, value string, landed landing) {
	file := asPath(value, r.pod.containers[i].workingDir)
	if landed == noPath && (strings.TrimSpace(value) == "" || !strings.ContainsAny(value, "/.$")) {
		return
	}
	u.Path = cmp.Or(file, value)
	if len(u.Path) > 1024 || strings.ContainsAny(u.Path, "\n{\"") {
		return
	}
	u.Dangling = true
	u.Recipe = nil
	u.Hold = append(slices.Clone(u.Hold), hold(dangling, "%s names %s: %s", u.Named(), u.Path, landed))
	r.add(i, u)
}
