package manifest

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"dekey/scanner/manifest/chart"
	"dekey/scanner/object"
)

// maxGenerated bounds how many Applications one ApplicationSet makes here.
const maxGenerated = 200

// applicationSet makes the Applications that list generators and Git folders of an ApplicationSet give. What other
// generators give depends on clusters and APIs: then the template itself is read, and what is not known stays unknown.
func (g *gitOps) applicationSet(in written1) {
	o := in.object
	template, _ := object.Keys("spec", "template").Lookup(o.Content)
	var all []map[string]string
	known := true
	for _, generator := range listAt(o.Content, "spec", "generators") {
		found, ok := g.generate(generator)
		known = known && ok
		all = append(all, found...)
	}
	if !known || len(all) == 0 {
		all = []map[string]string{{}}
	}
	for i, parameters := range all {
		if i == maxGenerated {
			return
		}
		content := fill(chart.Clone(template), parameters)
		name := textAt(content, "metadata", "name")
		if name == "" || strings.Contains(name, "{{") {
			name = o.Ref.Name
		}
		g.application(in, name, content, object.Keys("spec", "template"))
	}
}

// generate gives the parameters of a generator; ok is false for those that are not known here.
func (g *gitOps) generate(generator any) (all []map[string]string, ok bool) {
	if list, there := object.Keys("list", "elements").Lookup(generator); there {
		elements, _ := list.([]any)
		for _, element := range elements {
			parameters := map[string]string{}
			flatten("", element, parameters)
			all = append(all, parameters)
		}
		return all, true
	}
	directories := listAt(generator, "git", "directories")
	for _, item := range directories {
		pattern := textAt(item, "path")
		m, _ := item.(map[string]any)
		if m["exclude"] == true {
			continue
		}
		for _, folder := range g.glob(pattern) {
			all = append(all, map[string]string{"path": folder, "path.path": folder, "path.basename": path.Base(folder)})
		}
	}
	return all, len(directories) > 0
}

// glob finds the folders of the checkout that a pattern names; `*` stands for one folder.
func (g *gitOps) glob(pattern string) []string {
	found := []string{"."}
	for part := range strings.SplitSeq(pattern, "/") {
		var next []string
		for _, dir := range found {
			entries, err := g.tree.List(dir)
			if err != nil {
				continue
			}
			for _, entry := range entries {
				if match, err := path.Match(part, entry.Name()); err == nil && match && entry.IsDir() && len(next) < maxGenerated {
					next = append(next, path.Join(dir, entry.Name()))
				}
			}
		}
		found = next
	}
	return found
}

func flatten(prefix string, value any, into map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			name := key
			if prefix != "" {
				name = prefix + "." + key
			}
			flatten(name, item, into)
		}
	case nil, []any:
	default:
		into[prefix] = fmt.Sprint(v)
	}
}

// placeholder is a parameter in a template: {{name}}, {{ .name }}.
var placeholder = regexp.MustCompile(`\{\{-?\s*\.?([A-Za-z0-9_.\-]+)\s*-?\}\}`)

// fill puts parameters into every text of a value.
func fill(value any, parameters map[string]string) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = fill(item, parameters)
		}
	case []any:
		for i, item := range v {
			v[i] = fill(item, parameters)
		}
	case string:
		return placeholder.ReplaceAllStringFunc(v, func(s string) string {
			if text, ok := parameters[placeholder.FindStringSubmatch(s)[1]]; ok {
				return text
			}
			return s
		})
	}
	return value
}
