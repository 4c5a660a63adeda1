package wiring

import (
	"path"
	"strings"

	"dekey/scanner/object"
)

// A volume is a pod's volume. One without sources is filled by something else: its mounts still hide what lies below
// them.
type volume struct {
	name    string
	field   object.Path
	sources []source
	token   bool   // a service account token for another audience is among its sources: federation
	other   bool   // sources of other kinds
	kind    string // what it is when it has no sources: emptyDir, hostPath, ...
	preset  string // the preset that brings it, or ""
}

// A source is one Secret, ConfigMap or SecretProviderClass that fills a volume.
type source struct {
	kind, name string
	field      object.Path
	items      []item
	listed     bool // the files are picked one by one
	optional   bool
}

// An item is one file that a source picks.
type item struct {
	entry, path string
	field       object.Path
}

// decodeVolumes reads a list of volumes. Of what is no volume in Kubernetes' form nothing is taken.
func (e *extractor) decodeVolumes(value any, at object.Path) []volume {
	items := list(value)
	var volumes []volume
	for i, raw := range items {
		m, ok := raw.(map[string]any)
		if !ok || text(m["name"]) == "" {
			continue
		}
		volumes = append(volumes, decodeVolume(m, at.Join(itemStep(items, i, "name"))))
	}
	return volumes
}

func decodeVolume(m map[string]any, at object.Path) volume {
	v := volume{name: text(m["name"]), field: at}
	switch {
	case m["secret"] != nil:
		v.add("Secret", first(field(m, "secret", "secretName"), field(m, "secret", "name")), m["secret"], at)
	case m["configMap"] != nil:
		v.add("ConfigMap", text(field(m, "configMap", "name")), m["configMap"], at)
	case m["csi"] != nil:
		v.kind = "csi"
		if class := text(field(m, "csi", "volumeAttributes", "secretProviderClass")); class != "" {
			v.add("SecretProviderClass", class, nil, at)
		}
	case m["projected"] != nil:
		v.kind = "projected"
		for i, raw := range list(field(m, "projected", "sources")) {
			v.project(raw, at.Join(object.Key("projected"), object.Key("sources"), object.At(i)))
		}
	default:
		for _, key := range sortedKeys(m) {
			if key != "name" {
				v.kind = key
			}
		}
	}
	return v
}

func (v *volume) project(raw any, at object.Path) {
	switch {
	case field(raw, "secret") != nil:
		v.add("Secret", first(field(raw, "secret", "name"), field(raw, "secret", "secretName")), field(raw, "secret"), at)
	case field(raw, "configMap") != nil:
		v.add("ConfigMap", text(field(raw, "configMap", "name")), field(raw, "configMap"), at)
	case field(raw, "serviceAccountToken") != nil:
		// The token that every pod gets has the API server's audience, and names none.
		v.token = v.token || text(field(raw, "serviceAccountToken", "audience")) != ""
		v.other = true
	default:
		v.other = true
	}
}

// add takes a source. A Secret without a name is no source: the reference cannot be joined with anything.
func (v *volume) add(kind, name string, raw any, at object.Path) {
	if name == "" {
		v.other = true
		return
	}
	if kind == "ConfigMap" && name == "kube-root-ca.crt" {
		v.other = true // in every namespace, made by Kubernetes: certificates
		return
	}
	s := source{kind: kind, name: name, field: at}
	s.optional, _ = field(raw, "optional").(bool)
	items := list(field(raw, "items"))
	s.listed = len(items) > 0
	base := at.Join(object.Key(strings.ToLower(kind[:1])+kind[1:]), object.Key("items"))
	for i, it := range items {
		key := text(field(it, "key"))
		file := text(field(it, "path"))
		if key == "" {
			continue
		}
		if file == "" {
			file = key
		}
		s.items = append(s.items, item{entry: key, path: path.Clean(file), field: base.Join(itemStep(items, i, "key"))})
	}
	v.sources = append(v.sources, s)
}

// spec is the volume as the planner sees it, without its files.
func (v volume) spec() Volume {
	out := Volume{Name: v.name, Field: v.field, Other: v.other}
	for _, s := range v.sources {
		out.Sources = append(out.Sources, VolumeSource{
			Kind: s.kind, Name: s.name, Field: s.field, Items: s.listed, Optional: s.optional, Files: []VolumeFile{},
		})
	}
	return out
}

// files are the files of a source as far as they are known, and whether they are all.
func (s source) files(k Knowledge) (files []VolumeFile, complete bool) {
	content := k.Contents(s.kind, s.name)
	if s.listed {
		for _, it := range s.items {
			f := VolumeFile{Entry: it.entry, Path: it.path, Field: it.field, Holds: object.Unknown}
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
