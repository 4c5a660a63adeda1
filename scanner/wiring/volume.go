package wiring

import (
	"path"

	"dekey/scanner/object"
)

// A volume is a pod's volume. One without sources is filled by something else: its mounts still hide what lies below
// them.
type volume struct {
	name    string
	base    object.Path // of what holds the list of volumes
	step    step
	sources []source
	preset  string // the preset that brings it, or ""
	token   bool   // a service account token for another audience is among its sources: federation
	other   bool   // sources of other kinds
}

// A source is one Secret, ConfigMap or SecretProviderClass that fills a volume.
type source struct {
	kind, name string
	items      []item
	projected  int32 // its place in projected.sources, or -1
	listed     bool  // the files are picked one by one
	optional   bool
}

// An item is one file that a source picks.
type item struct {
	entry, path string
	step        step
}

// decodeVolumes reads the list of volumes of what stands at base. Of what is no volume in Kubernetes' form nothing is
// taken.
func (e *extraction) decodeVolumes(value any, base object.Path) []volume {
	items := list(value)
	var volumes []volume
	for i, raw := range items {
		m, ok := raw.(map[string]any)
		if !ok || text(m["name"]) == "" {
			continue
		}
		v := volume{name: e.intern(text(m["name"])), base: e.internPath(base), step: e.step(items, i, "name")}
		e.decodeVolume(&v, m)
		volumes = append(volumes, v)
	}
	return volumes
}

func (e *extraction) decodeVolume(v *volume, m map[string]any) {
	switch {
	case m["secret"] != nil:
		e.add(v, "Secret", first(field(m, "secret", "secretName"), field(m, "secret", "name")), m["secret"], -1)
	case m["configMap"] != nil:
		e.add(v, "ConfigMap", text(field(m, "configMap", "name")), m["configMap"], -1)
	case m["csi"] != nil:
		if class := text(field(m, "csi", "volumeAttributes", "secretProviderClass")); class != "" {
			e.add(v, "SecretProviderClass", class, nil, -1)
		}
	case m["projected"] != nil:
		for i, raw := range list(field(m, "projected", "sources")) {
			e.project(v, raw, int32(i))
		}
	}
}

func (e *extraction) project(v *volume, raw any, i int32) {
	switch {
	case field(raw, "secret") != nil:
		e.add(v, "Secret", first(field(raw, "secret", "name"), field(raw, "secret", "secretName")), field(raw, "secret"), i)
	case field(raw, "configMap") != nil:
		e.add(v, "ConfigMap", text(field(raw, "configMap", "name")), field(raw, "configMap"), i)
	case field(raw, "serviceAccountToken") != nil:
		// The token that every pod gets has the API server's audience, and names none.
		v.token = v.token || text(field(raw, "serviceAccountToken", "audience")) != ""
		v.other = true
	default:
		v.other = true
	}
}

// add takes a source. A Secret without a name is no source: the reference cannot be joined with anything.
func (e *extraction) add(v *volume, kind, name string, raw any, projected int32) {
	if name == "" {
		v.other = true
		return
	}
	if kind == "ConfigMap" && name == "kube-root-ca.crt" {
		v.other = true // in every namespace, made by Kubernetes: certificates
		return
	}
	s := source{kind: kind, name: e.intern(name), projected: projected}
	s.optional, _ = field(raw, "optional").(bool)
	items := list(field(raw, "items"))
	s.listed = len(items) > 0
	for i, it := range items {
		key := e.intern(text(field(it, "key")))
		if key == "" {
			continue
		}
		file := text(field(it, "path"))
		if file == "" {
			file = key
		}
		s.items = append(s.items, item{entry: key, path: e.intern(path.Clean(file)), step: e.step(items, i, "key")})
	}
	v.sources = append(v.sources, s)
}

// field is the volume's place.
func (v *volume) field() object.Path {
	return v.base.Join(object.Key("volumes"), v.step.of("name", v.name))
}

// sourceField is the place of a projected source, or the volume's own.
func (v *volume) sourceField(s source) object.Path {
	if s.projected < 0 {
		return v.field()
	}
	return v.field().Join(object.Key("projected"), object.Key("sources"), object.At(int(s.projected)))
}

// itemField is the place of one file that a source picks.
func (v *volume) itemField(s source, it item) object.Path {
	key := "secret"
	if s.kind == "ConfigMap" {
		key = "configMap"
	}
	return v.sourceField(s).Join(object.Key(key), object.Key("items"), it.step.of("key", it.entry))
}

// spec is the volume as the planner sees it, without its files.
func (v *volume) spec() Volume {
	out := Volume{Name: v.name, Field: v.field(), Other: v.other}
	for _, s := range v.sources {
		out.Sources = append(out.Sources, VolumeSource{
			Kind: s.kind, Name: s.name, Field: v.sourceField(s), Items: s.listed, Optional: s.optional, Files: []VolumeFile{},
		})
	}
	return out
}

// files are the files of a source as far as they are known, and whether they are all.
func (v *volume) files(s source, k Knowledge) (files []VolumeFile, complete bool) {
	content := k.Contents(s.kind, s.name)
	if s.listed {
		for _, it := range s.items {
			f := VolumeFile{Entry: it.entry, Path: it.path, Field: v.itemField(s, it), Holds: object.Unknown}
			f.know(content)
			files = append(files, f)
		}
		return files, true
	}
	for _, entry := range content.Entries {
		f := VolumeFile{Entry: entry.Name, Path: entry.Name, Holds: object.Unknown}
		f.know(content)
		files = append(files, f)
	}
	return files, content.Complete
}

// know fills in what is known of the file's content.
func (f *VolumeFile) know(content Contents) {
	entry, ok := content.Entry(f.Entry)
	switch {
	case ok:
		f.Holds, f.presumed = entry.Holds, entry.Presumed
		if len(entry.Keys) > 0 {
			f.Key = entry.Keys[0]
		}
	case content.Complete:
		f.Holds = object.No
	}
}

func first(values ...any) string {
	for _, value := range values {
		if s := text(value); s != "" {
			return s
		}
	}
	return ""
}
