package render

import (
	"encoding/json"
	"io"
	"log"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// A Helm is a chart to render, several times: with each of the values.
type Helm struct {
	Files     map[string][]byte // by the path in the chart
	Name      string            // of the release
	Namespace string
	Values    [][]byte // JSON, over the chart's own; each is one rendering
}

// A HelmRendering is what a chart gives with one of the values.
type HelmRendering struct {
	Templates []Template // by name
	Why       string
}

// A Template is the text that one template file gives.
type Template struct {
	Name string // the path in the chart
	Text string
	// Again is the text of a second rendering, where it differs: it holds something random, or the time.
	Again string
}

// kubeVersion is what charts are told that they are rendered for.
const kubeVersion = "v1.33.0"

func helm(h Helm) Response {
	log.SetOutput(io.Discard)
	var response Response
	for _, values := range h.Values {
		first, why := helmOnce(h, values)
		second, _ := helmOnce(h, values)
		rendering := HelmRendering{Why: why}
		for _, name := range slices.Sorted(maps.Keys(first)) {
			t := Template{Name: name, Text: first[name]}
			if second[name] != t.Text {
				t.Again = second[name]
			}
			rendering.Templates = append(rendering.Templates, t)
		}
		response.Charts = append(response.Charts, rendering)
	}
	return response
}

func helmOnce(h Helm, values []byte) (map[string]string, string) {
	var files []*loader.BufferedFile
	for _, name := range slices.Sorted(maps.Keys(h.Files)) {
		files = append(files, &loader.BufferedFile{Name: name, Data: h.Files[name]})
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		return nil, "the chart can not be read"
	}
	given := map[string]any{}
	if err := json.Unmarshal(values, &given); err != nil {
		return nil, "the values can not be passed on"
	}
	if err := chartutil.ProcessDependencies(c, given); err != nil {
		return nil, "the chart's dependencies can not be put together"
	}
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return nil, "the chart can not be rendered"
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	options := chartutil.ReleaseOptions{Name: h.Name, Namespace: h.Namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValuesWithSchemaValidation(c, given, options, capabilities, true)
	if err != nil {
		return nil, "the values do not fit the chart"
	}
	rendered, err := engine.Engine{LintMode: true}.Render(c, all) // what a template requires and no values give is empty
	if err != nil {
		return nil, helmCause(err)
	}
	texts := map[string]string{}
	for name, text := range rendered {
		base := path.Base(name)
		if strings.HasPrefix(base, "_") || base == "NOTES.txt" || strings.TrimSpace(text) == "" {
			continue
		}
		texts[strings.TrimPrefix(name, c.Name()+"/")] = text
	}
	return texts, ""
}

// helmCauses are parts of the library's messages, and what they mean.
var helmCauses = []struct{ theirs, ours string }{
	{"parse error", "a template is not well formed"},
	{"nested reference name", "a template includes itself"},
	{"nil pointer evaluating", "a template asks for a value that is not there"},
	{"not defined", "a template uses a function or template that is not there"},
	{"no template", "a template includes one that is not there"},
	{"wrong type for value", "a value has the wrong type"},
	{"can't evaluate field", "a value has the wrong type"},
	{"error calling include", "an included template fails"},
	{"error calling", "a function of a template fails"},
}

func helmCause(err error) string {
	message := err.Error()
	for _, cause := range helmCauses {
		if strings.Contains(message, cause.theirs) {
			return "Helm can not render it: " + cause.ours
		}
	}
	return "Helm can not render it"
}
