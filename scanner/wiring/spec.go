package wiring

import (
	"fmt"
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/object"
)

// spec gives the pod spec with files, keys and mentions.
func (r *resolver) spec() PodSpec {
	spec := r.pod.Spec()
	for n := range spec.Volumes {
		out := &spec.Volumes[n]
		v := r.pod.volume(out.Name)
		for s := range out.Sources {
			files, complete := v.files(v.sources[s], r.know)
			if files != nil {
				out.Sources[s].Files = files
			}
			out.Sources[s].Complete = complete
		}
	}
	for i := range spec.Containers {
		out := &spec.Containers[i]
		for _, name := range r.env[i].order {
			if !slices.Contains(out.Env, name) {
				out.Env = append(out.Env, name)
			}
		}
		out.EnvFrom = r.env[i].open
		out.Signs = append(out.Signs, r.signals(i, catalog.SigningSignal)...)
		if signs := catalog.Signs(out.Image, r.pod.containers[i].program()); signs != "" {
			out.Signs = append(out.Signs, signs)
		}
		out.Metadata = r.metadata(i)
		r.mentions(i, out.Mounts)
	}
	return spec
}

// signals are the variables and flags of a container whose names give the hint.
func (r *resolver) signals(i int, signal catalog.Signal) []string {
	var found []string
	for _, name := range r.pod.containers[i].names {
		if catalog.SignalOf(name) == signal {
			found = append(found, name)
		}
	}
	for _, n := range read(r.pod.containers[i].words) {
		if n.name != "" && catalog.SignalOf(n.name) == signal {
			found = append(found, n.name)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// metadata says whether the container is known to ask Google's metadata server by itself.
func (r *resolver) metadata(i int) string {
	c := &r.pod.containers[i]
	for _, name := range []string{"GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT"} {
		if slices.Contains(c.names, name) {
			return "used: " + name + " is set"
		}
	}
	for _, w := range slices.Concat(c.words, c.texts) {
		if strings.Contains(w.text, "metadata.google.internal") || strings.Contains(w.text, "169.254.169.254") {
			return "used: " + w.name + " names the metadata server"
		}
	}
	return ""
}

// mentions fills in the places in container i, beside findings, that name a file below each of its mounts.
func (r *resolver) mentions(i int, mounts []VolumeMount) {
	if len(mounts) == 0 {
		return
	}
	found := map[string][]string{} // by the mount's field
	r.eachMention(i, func(hits []hit, where string, line int) {
		place := where
		if line > 0 {
			place = fmt.Sprintf("%s, line %d", where, line)
		}
		for _, h := range hits {
			if !r.isUse(i, h, where) {
				field := r.pod.mountField(i, h.mount).String()
				found[field] = append(found[field], place)
			}
		}
	})
	for n := range mounts {
		places := found[mounts[n].Field.String()]
		slices.Sort(places)
		mounts[n].Mentions = slices.Compact(places)
	}
}

// isUse says that a hit of a variable or argument is one of the findings.
func (r *resolver) isUse(i int, h hit, where string) bool {
	for n, u := range r.uses {
		if r.of[n] != i || u.Secret != h.holder() {
			continue
		}
		if where == "env "+u.Env && u.Env != "" || where == "argument "+u.Field && u.Field != "" {
			return true
		}
	}
	return false
}

// eachMention gives every place in container i that names files, with what they are.
func (r *resolver) eachMention(i int, yield func(hits []hit, where string, line int)) {
	c := &r.pod.containers[i]
	env := r.env[i]
	paths := func(value, where string, line int) {
		if hits, _ := r.find(i, value); len(hits) > 0 {
			yield(hits, where, line)
			return
		}
		for _, p := range pathInText.FindAllString(value, -1) {
			if p == value {
				continue
			}
			if hits, _ := r.find(i, strings.TrimRight(p, ".")); len(hits) > 0 {
				yield(hits, where, line)
			}
		}
	}
	for _, name := range env.order {
		if s := env.values[name]; s.known && !r.pieceOnly(i, name, s.value) {
			paths(s.value, "env "+name, 0)
		}
	}
	r.eachNamed(i, c.words, func(n named, value string) {
		where := n.name
		if where == "" {
			where = c.words[n.words[0]].place()
		}
		paths(value, "argument "+where, n.line)
	})
	for _, w := range c.texts {
		for _, n := range readScript(w.text) {
			paths(env.shell(n.value, nil), w.name, 0)
		}
	}
	for _, f := range r.configTexts(i) {
		if f.fact.Kind == PathFact {
			if hits, _ := r.find(i, f.fact.Text); len(hits) > 0 {
				yield(hits, fmt.Sprintf("ConfigMap %s, entry %s", f.name, f.entry), f.fact.Line)
			}
		}
	}
}

// pieceOnly says that a variable names a folder and that other values are put together from it: these are looked at.
func (r *resolver) pieceOnly(i int, name, value string) bool {
	hits, _ := r.find(i, value)
	if !slices.ContainsFunc(hits, func(h hit) bool { return h.folder }) {
		return false
	}
	c := &r.pod.containers[i]
	piece := "$(" + name + ")"
	return slices.ContainsFunc(c.env, func(v variable) bool { return strings.Contains(v.value, piece) }) ||
		slices.ContainsFunc(c.words, func(w word) bool { return strings.Contains(w.text, piece) })
}

// A configText is a fact from a ConfigMap that the container mounts.
type configText struct {
	name, entry string
	fact        Fact
	at          []object.Origin
}

func (r *resolver) configTexts(i int) []configText {
	var found []configText
	for j := range r.pod.containers[i].mounts {
		for _, h := range r.under(i, j) {
			if h.source.kind != "ConfigMap" {
				continue
			}
			entry, _ := r.know.Contents("ConfigMap", h.source.name).Entry(h.file.Entry)
			for _, fact := range entry.Facts {
				found = append(found, configText{name: h.source.name, entry: entry.Name, fact: fact, at: entry.At})
			}
		}
	}
	return found
}

// obstacles adds to each use what else in its pod forbids a move.
func (r *resolver) obstacles() {
	for n := range r.uses {
		i := r.of[n]
		u := &r.uses[n]
		if i < 0 {
			continue
		}
		for _, name := range r.signals(i, catalog.DelegationSignal) {
			u.Hold = append(u.Hold, hold(delegation, "%s: the program acts as users of a domain", visible(name)))
		}
		r.readers(i, u)
		u.Hold = distinct(u.Hold)
	}
}

// readers finds what reads the key beside the use itself: a script with the variable, a probe, a hook, a ConfigMap.
func (r *resolver) readers(i int, u *Use) {
	c := &r.pod.containers[i]
	for _, w := range slices.Concat(c.words, c.texts) {
		long := w.script || strings.ContainsAny(w.text, " \n;|&")
		if u.Env != "" && long && mentions(w.text, u.Env) {
			line, what := 0, "reads"
			for k, l := range strings.Split(w.text, "\n") {
				if mentions(l, u.Env) {
					line = k + 1
					if strings.Contains(l, activation) {
						what = "runs gcloud auth activate-service-account with"
					}
					break
				}
			}
			u.Hold = append(u.Hold, obstacleAt(w, line, w.name+" "+what+" $"+u.Env))
		}
	}
	if u.Secret.Name != "" && u.Path != "" {
		r.eachMention(i, func(hits []hit, where string, line int) {
			if strings.HasPrefix(where, "env ") && where == "env "+u.Env || strings.HasPrefix(where, "argument ") {
				return
			}
			for _, h := range hits {
				switch {
				case h.holder() != u.Secret || r.isUse(i, h, where):
				case !h.folder:
					u.Hold = append(u.Hold, hold(programReadsKey, "%s names the key file too", where))
				case len(hits) == 1 && strings.HasPrefix(where, "env "):
					// The folder has nothing else in it.
					u.Hold = append(u.Hold, hold(programReadsKey, "%s names the key's folder too", where))
				}
			}
		})
	}
	for _, f := range r.configTexts(i) {
		switch {
		case f.fact.Kind == VariableFact && f.fact.Text == u.Env,
			f.fact.Kind == ActivateFact && u.Secret.Name != "":
			what := "reads $" + f.fact.Text
			if f.fact.Kind == ActivateFact {
				what = "runs gcloud auth activate-service-account"
			}
			o := hold(programReadsKey, "ConfigMap %s, entry %s, line %d %s", f.name, f.entry, f.fact.Line, what)
			u.Hold = append(u.Hold, o)
		}
	}
}

// distinct drops obstacles that say the same, keeping the order.
func distinct(holds []object.Obstacle) []object.Obstacle {
	var out []object.Obstacle
	for _, h := range holds {
		if !slices.ContainsFunc(out, func(o object.Obstacle) bool { return o.Code == h.Code && o.What == h.What }) {
			out = append(out, h)
		}
	}
	return out
}
