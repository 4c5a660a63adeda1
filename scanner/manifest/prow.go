package manifest

import (
	"slices"

	"dekey/scanner"
	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// A Prow configuration is no Kubernetes object, and describes many: each of its jobs becomes a ProwJob, and pods. What
// stands beside them (presets, decoration) is one object without a kind: the whole document.
// Source: docs.prow.k8s.io, "ProwJobs" and "Presets".
const (
	prowVersion = "prow.k8s.io/v1"
	prowKind    = "ProwJob"
)

// prowJobs are the fields of a Prow configuration that hold jobs, and those that hold settings.
var (
	prowJobs     = []string{"periodics", "presubmits", "postsubmits"}
	prowSettings = []string{"presets", "plank"}
)

// collectProw gives the jobs of a Prow configuration, and its settings where it has any. Anything else is passed over.
func collectProw(node *document.Node, content map[string]any, origin scanner.Origin, found *[]*written) {
	decorated := false
	for _, field := range prowJobs {
		at := object.Keys(field)
		switch jobs := content[field].(type) {
		case []any:
			decorated = collectJobs(node, jobs, at, origin, found) || decorated
		case map[string]any: // by repository
			repositories := make([]string, 0, len(jobs))
			for repository := range jobs {
				repositories = append(repositories, repository)
			}
			slices.Sort(repositories)
			for _, repository := range repositories {
				list, _ := jobs[repository].([]any)
				decorated = collectJobs(node, list, at.Join(object.Key(repository)), origin, found) || decorated
			}
		}
	}
	if decorated || slices.ContainsFunc(prowSettings, func(field string) bool { return looksLikeProw(field, content[field]) }) {
		w := &written{node: node, origin: origin}
		w.object = &scanner.Object{Content: content, Origins: []scanner.Origin{origin}, Locator: w}
		*found = append(*found, w)
	}
}

// looksLikeProw says that a field called like one of Prow's is one.
func looksLikeProw(field string, value any) bool {
	if field == "plank" {
		_, ok := value.(map[string]any)
		return ok
	}
	presets, _ := value.([]any)
	return slices.ContainsFunc(presets, func(preset any) bool {
		m, _ := preset.(map[string]any)
		_, labelled := m["labels"].(map[string]any)
		return labelled
	})
}

// collectJobs gives the jobs of one list, and says whether one of them has a decoration of its own.
func collectJobs(node *document.Node, jobs []any, at object.Path, origin scanner.Origin, found *[]*written) bool {
	decorated := false
	for i, item := range jobs {
		job, _ := item.(map[string]any)
		name, _ := job["name"].(string)
		spec, _ := job["spec"].(map[string]any)
		if name == "" {
			continue
		}
		if _, ok := job["decoration_config"].(map[string]any); ok {
			decorated = true
		}
		if spec["containers"] == nil {
			continue
		}
		w := &written{node: node, prefix: at.Join(object.At(i)), origin: origin}
		if place, ok := node.LocateValue(w.prefix); ok {
			w.origin.Line, w.origin.Column = place.Line, place.Column
		}
		namespace, _ := job["namespace"].(string)
		w.object = &scanner.Object{
			Ref:     scanner.Ref{APIVersion: prowVersion, Kind: prowKind, Namespace: namespace, Name: name},
			Content: job,
			Origins: []scanner.Origin{w.origin},
			Locator: w,
		}
		*found = append(*found, w)
	}
	return decorated
}
