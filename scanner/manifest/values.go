package manifest

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"dekey/scanner"
	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// A setting is a line of a values file that sets a key variable. Whether a chart takes it up shows when all is rendered.
type setting struct {
	hint scanner.Hint
	top  string // the first key on the way to it: a chart's, where the chart is a dependency
}

// Charts name the field that becomes a container's env in a few ways. The first sort is a chart's alone; the second is
// met in other configurations too, and counts beside fields that only a pod has.
var (
	extraVariables = regexp.MustCompile(`^(extra|additional)(Env|Envs|EnvVar|EnvVars|Environment|EnvironmentVariables)$`)
	podVariables   = regexp.MustCompile(`^([a-z]+E|e)nv(s|Vars|Variables|ironment|ironmentVariables)?$`)
)

// settings are the key variables that a decoded document sets as the values of a chart do: in a mapping, or in a list of
// names and values, below a field for a container's variables.
func (r *Reader) settings(name string, d document.Document, node *document.Node, value any) []setting {
	if m, ok := value.(map[string]any); ok && m["metadata"] != nil && m["spec"] != nil {
		return nil // an object that lost its kind: nobody applies it
	}
	var found []setting
	add := func(at object.Path, variable string) {
		place, ok := node.Locate(at)
		if !ok {
			return
		}
		found = append(found, setting{top: at[0].Key, hint: scanner.Hint{
			Origin: scanner.Origin{Source: r.source.ID, Path: name, Document: d.Index, Line: place.Line, Column: place.Column},
			Code:   "template", What: "values that a template takes up", Env: variable,
		}})
	}
	seen := map[string]bool{}
	again := func(variable string, fields map[string]any) bool { // generators repeat whole blocks
		text, err := json.Marshal(fields)
		key := variable + " " + string(text)
		was := err == nil && seen[key]
		seen[key] = true
		return was
	}
	var walk func(value any, at object.Path)
	walk = func(value any, at object.Path) {
		switch v := value.(type) {
		case map[string]any:
			if v["apiVersion"] != nil && v["kind"] != nil {
				return
			}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				here := slices.Concat(at, object.Keys(key))
				if extraVariables.MatchString(key) || podVariables.MatchString(key) && ofPod(v) {
					keyVariables(v[key], here, func(at object.Path, variable string) {
						if !again(variable, v) {
							add(at, variable)
						}
					})
					continue
				}
				walk(v[key], here)
			}
		case []any:
			for i, item := range v {
				if len(at) > 0 { // a playbook is a list
					walk(item, slices.Concat(at, object.Path{object.At(i)}))
				}
			}
		}
	}
	walk(value, nil)
	return found
}

// keyVariables calls add for each key variable that is set, in a mapping or in a list.
func keyVariables(value any, at object.Path, add func(at object.Path, variable string)) {
	set := func(value any) bool {
		text, ok := value.(string)
		return ok && text != "" || value != nil && !ok
	}
	isKey := func(name string) bool {
		return strings.HasSuffix(name, "GOOGLE_APPLICATION_CREDENTIALS") && len(name) <= 200
	}
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if isKey(name) && set(v[name]) {
				add(slices.Concat(at, object.Keys(name)), name)
			}
		}
	case []any:
		for i, item := range v {
			m, _ := item.(map[string]any)
			if name, _ := m["name"].(string); isKey(name) && (set(m["value"]) || set(m["valueFrom"])) {
				add(slices.Concat(at, object.Path{object.At(i)}, object.Keys("name")), name)
			}
		}
	}
}

// ofPod says that a mapping has fields of a pod or a container: mounts, volumes of Secrets, an image as charts split it.
func ofPod(fields map[string]any) bool {
	if image, ok := fields["image"].(map[string]any); ok && image["repository"] != nil {
		return true
	}
	for key, value := range fields {
		if lower := strings.ToLower(key); !strings.HasSuffix(lower, "volumes") && !strings.HasSuffix(lower, "volumemounts") {
			continue
		}
		items, _ := value.([]any)
		if slices.ContainsFunc(items, func(item any) bool {
			m, _ := item.(map[string]any)
			return m["mountPath"] != nil || m["secret"] != nil && m["name"] != nil
		}) {
			return true
		}
	}
	return false
}

// settingHints gives the settings that no rendering took up: nobody else says a word about them.
func (r *Reader) settingHints(p *pass, sink scanner.Sink) {
	for _, s := range p.settings {
		if p.charts.takesUp(s) {
			continue
		}
		sink.Hint(s.hint)
		if data, err := p.tree.ReadFile(s.hint.Origin.Path); err == nil {
			p.digest(s.hint.Origin.Path, data)
		}
	}
}

// takesUp says that a release with the file has the variable once it is rendered, or that its values are read by
// themselves.
func (c *charts) takesUp(s setting) bool {
	file := s.hint.Origin.Path
	if c.said["values "+file+" "+s.top] || c.said["values "+file+" "] {
		return true
	}
	own, inChart := c.of(file)
	for dir, releases := range c.releases {
		for _, release := range releases {
			if !slices.Contains(c.users[file], release.ID) && !(inChart && dir == own) {
				continue
			}
			for _, o := range release.objects {
				if bytes.Contains(o.Text, []byte(s.hint.Env)) {
					return true
				}
			}
		}
	}
	return false
}
