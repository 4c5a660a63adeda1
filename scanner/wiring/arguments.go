package wiring

import (
	"path"
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/keyfile"
	"dekey/scanner/object"
)

// arguments gives the uses by command and args.
func (r *resolver) arguments(i int) {
	c := &r.pod.containers[i]
	r.eachNamed(i, c.words, func(n named, value string) {
		flag, known := catalog.Flag{}, false
		if n.name != "" && !n.assigned {
			flag, known = catalog.LookupFlag(c.image, n.program, n.name)
			known = known && flag.Value == catalog.ValuePath
		}
		telling := known || n.activate || n.assigned && catalog.KeyEnv(n.name)
		hits, landed := r.find(i, value)
		found := r.keys(hits, telling, true)
		if len(found) == 0 && len(hits) == 0 && !known {
			found = r.inText(i, n, value)
		}
		u := r.argument(i, n, flag, known)
		for _, h := range found {
			r.ofFile(i, h, u)
		}
		switch {
		case len(found)+len(hits) > 0:
		case known && asPath(value, "") != "", n.activate && n.name == "--key-file":
			r.dangling(i, u, value, landed)
		}
	})
}

// eachNamed gives what commands name, with variables replaced as far as they are known.
func (r *resolver) eachNamed(i int, words []word, yield func(n named, value string)) {
	local := map[string]string{}
	for _, n := range read(words) {
		value := r.env[i].shell(n.value, local)
		if n.assigned && len(value) <= longValue {
			local[n.name] = value
		}
		yield(n, value)
	}
}

// argument is the use without its file.
func (r *resolver) argument(i int, n named, flag catalog.Flag, known bool) Use {
	c := &r.pod.containers[i]
	u := Use{Via: object.ArgFile, Field: n.name, Embedded: n.embedded}
	for _, w := range n.words {
		if !n.embedded {
			u.At = append(u.At, r.pod.wordField(i, c.words[w]))
			u.Was = append(u.Was, shown(c.words[w].text))
		}
		if w == n.words[0] {
			u.Origins = append(u.Origins, c.words[w].at...)
		}
	}
	first := c.words[n.words[0]]
	if u.Field == "" {
		u.Field = first.place()
	}
	switch {
	case n.activate:
		u.Hold = append(u.Hold, obstacleAt(first, n.line, "gcloud auth activate-service-account is given the key"))
	case known && flag.Removable && !n.embedded:
		u.Recipe = removals(u.At)
	case known && flag.Removable:
		u.Hold = append(u.Hold, obstacleAt(first, n.line, "the flag "+n.name+" stands inside a longer text"))
	case known && flag.Hold != nil:
		u.Hold = append(u.Hold, *flag.Hold)
	case n.assigned:
		u.Hold = append(u.Hold, obstacleAt(first, n.line, "a script sets "+n.name+" to the key file"))
	default:
		what := path.Base(n.program)
		if n.program == "" {
			what = "the program"
		}
		u.Hold = append(u.Hold, obstacleAt(first, n.line, visible(what)+" is given the key file"))
	}
	if known {
		u.Catalog = flag.Entry
	}
	return u
}

// shown is an argument as a plan may show it: "" for a long one, and for one that may hold a key.
func shown(text string) string {
	if len(text) > 1024 || keyfile.IsKeyMaterial([]byte(text)) {
		return ""
	}
	return text
}

// visible shortens a name that comes from a manifest.
func visible(s string) string {
	if len(s) > 60 {
		s = s[:60]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// obstacleAt is a hold with the line of a script.
func obstacleAt(w word, line int, what string) object.Obstacle {
	o := object.Obstacle{Code: programReadsKey, What: what}
	if len(w.at) > 0 {
		at := w.at[len(w.at)-1]
		if line > 0 && strings.Contains(strings.TrimSuffix(w.text, "\n"), "\n") && at.Line > 0 {
			// A block scalar's text begins on the line after its indicator.
			at.Line, at.Column = at.Line+line, 0
		}
		o.At = &at
	}
	return o
}

// inText finds files that are named inside a longer value: prefix=/path, a list, a connection string.
func (r *resolver) inText(i int, n named, value string) []hit {
	var found []hit
	for _, p := range pathInText.FindAllString(value, -1) {
		hits, _ := r.find(i, strings.TrimRight(p, "."))
		found = append(found, r.keys(hits, false, true)...)
	}
	return found
}

// place is where a word stands in its container: args[2].
func (w word) place() string {
	if w.script {
		return w.name
	}
	return object.Path{object.Key(w.name), object.At(int(w.index))}.String()
}

// wellKnown gives the uses by files that lie where client libraries look by themselves.
func (r *resolver) wellKnown(i int) {
	for j, m := range r.pod.containers[i].mounts {
		v := r.pod.volume(m.volume)
		if v == nil {
			continue
		}
		hits := r.under(i, j)
		if r.looksThere(i, path.Clean(m.path)+"/"+defaultFile) {
			known, _ := r.find(i, m.path+"/"+defaultFile)
			hits = append(hits, known...)
		}
		for _, h := range r.keys(slices.DeleteFunc(hits, func(h hit) bool { return !r.looksThere(i, h.path) }), true, true) {
			if h.mount == j {
				r.ofFile(i, h, r.mounted(i, h, true))
			}
		}
	}
}

// looksThere says that client libraries look for a file by themselves: at a well-known path, or in the folder that
// CLOUDSDK_CONFIG makes gcloud's.
func (r *resolver) looksThere(i int, file string) bool {
	if catalog.WellKnownPath(file) {
		return true
	}
	s, ok := r.env[i].values["CLOUDSDK_CONFIG"]
	return ok && s.known && strings.HasPrefix(s.value, "/") && file == path.Join(s.value, defaultFile)
}

const defaultFile = "application_default_credentials.json"

func (r *resolver) mounted(i int, h hit, standard bool) Use {
	m := r.pod.containers[i].mounts[h.mount]
	u := Use{Via: object.Mount, Path: h.path, Standard: standard, Origins: m.at}
	if !standard {
		u.Hold = []object.Obstacle{hold(programReadsKey, "the key is mounted at %s, and nothing in the container says how the program finds it", visible(h.path))}
	}
	return u
}

// mounts gives the uses of keys that are mounted and that nothing else in the container names. Those at a well-known
// path that something names are no uses of their own.
func (r *resolver) mounts(i int) {
	named := map[object.Holder]bool{}
	whole := map[object.Holder]bool{} // Secrets of which some file is named
	for n, u := range r.uses {
		if r.of[n] == i && (u.Via == object.EnvFile || u.Via == object.ArgFile) {
			named[u.Secret] = true
			whole[object.Holder{Kind: u.Secret.Kind, Name: u.Secret.Name}] = true
		}
	}
	kept, of := r.uses[:0:0], r.of[:0:0]
	for n, u := range r.uses {
		if r.of[n] == i && u.Via == object.Mount && named[u.Secret] {
			continue
		}
		named[u.Secret] = named[u.Secret] || r.of[n] == i && u.Via == object.Mount
		kept, of = append(kept, u), append(of, r.of[n])
	}
	r.uses, r.of = kept, of
	for j := range r.pod.containers[i].mounts {
		for _, h := range r.under(i, j) {
			if h.file.Holds != object.Yes || named[h.holder()] {
				continue
			}
			// That another workload names another file of a Secret that was not read makes no use of a container that names
			// its own.
			if !h.file.presumed || !whole[object.Holder{Kind: h.source.kind, Name: h.source.name}] {
				r.ofFile(i, h, r.mounted(i, h, false))
			}
		}
	}
}

// pullSecrets gives the image pull secrets that are known to hold a key.
func (r *resolver) pullSecrets() {
	for n, p := range r.pod.pulls {
		field := r.pod.pullField(n)
		for _, entry := range r.know.Contents("Secret", p.name).Entries {
			if entry.Holds != object.Yes || len(entry.Keys) == 0 || !strings.HasPrefix(entry.Name, ".dockerc") {
				continue
			}
			for _, id := range entry.Keys {
				r.uses = append(r.uses, Use{
					Via: object.ImagePull, Field: field.String(), Key: id, At: []object.Path{field}, Origins: p.at,
					Secret: object.Holder{Kind: "Secret", Name: p.name, Entry: entry.Name},
				})
				r.of = append(r.of, -1)
			}
		}
	}
}
