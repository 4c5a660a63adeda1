package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// operations are what dekey and its tests call, by the operation's name in GitHub's description.
var operations = []string{
	"apps/create-installation-access-token", "apps/get-authenticated", "apps/get-repo-installation",
	"git/create-blob", "git/create-commit", "git/create-ref", "git/create-tree", "git/delete-ref", "git/get-blob", "git/get-commit",
	"git/get-ref", "git/get-tree", "git/list-matching-refs", "git/update-ref",
	"issues/add-assignees", "issues/add-labels", "issues/create-comment", "issues/create-label", "issues/get", "issues/get-label",
	"issues/list-assignees", "issues/list-comments", "issues/list-labels-for-repo", "issues/list-labels-on-issue",
	"issues/remove-assignees", "issues/remove-label", "issues/set-labels", "issues/update", "issues/update-comment",
	"pulls/check-if-merged", "pulls/create", "pulls/get", "pulls/list", "pulls/list-commits", "pulls/list-files",
	"pulls/list-requested-reviewers", "pulls/merge", "pulls/remove-requested-reviewers", "pulls/request-reviewers", "pulls/update",
	"rate-limit/get",
	"repos/compare-commits-with-basehead", "repos/create-fork", "repos/create-or-update-file-contents", "repos/get", "repos/get-branch",
	"repos/get-branch-protection", "repos/get-collaborator-permission-level", "repos/get-commit", "repos/get-content",
	"repos/list-branches", "repos/list-commits", "repos/list-forks", "repos/list-pull-requests-associated-with-commit",
	"users/get-authenticated", "users/get-by-username",
}

// reduce makes of GitHub's description one of these operations alone: what they refer to comes with them, prose,
// examples and GitHub's extensions do not. Each path and each component is a line.
func reduce(description []byte, operations []string) ([]byte, error) {
	var document struct {
		OpenAPI    string                               `json:"openapi"`
		Info       map[string]any                       `json:"info"`
		Paths      map[string]map[string]any            `json:"paths"`
		Components map[string]map[string]map[string]any `json:"components"`
	}
	if err := json.Unmarshal(description, &document); err != nil {
		return nil, fmt.Errorf("reading GitHub's description: %w", err)
	}
	wanted := make(map[string]bool, len(operations))
	for _, name := range operations {
		wanted[name] = true
	}
	paths := make(map[string]any)
	var pending []string
	for path, item := range document.Paths {
		kept := make(map[string]any)
		for method, operation := range item {
			object, _ := operation.(map[string]any)
			name, _ := object["operationId"].(string)
			if !wanted[name] {
				continue
			}
			delete(wanted, name)
			kept[method] = bare(object, "")
		}
		if len(kept) == 0 {
			continue
		}
		if parameters, found := item["parameters"]; found {
			kept["parameters"] = bare(parameters, "parameters")
		}
		paths[path] = kept
		pending = references(pending, kept)
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("GitHub's description lacks %s", slices.Sorted(maps.Keys(wanted)))
	}
	components := make(map[string]map[string]any)
	for len(pending) > 0 {
		reference := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		kind, name, _ := strings.Cut(strings.TrimPrefix(reference, "#/components/"), "/")
		if _, done := components[kind][name]; done {
			continue
		}
		component, found := document.Components[kind][name]
		if !found {
			return nil, fmt.Errorf("GitHub's description lacks %s", reference)
		}
		if components[kind] == nil {
			components[kind] = make(map[string]any)
		}
		components[kind][name] = bare(component, "")
		if kind == "responses" {
			describe(components[kind][name])
		}
		pending = references(pending, components[kind][name])
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\"openapi\": %q,\n\"info\": {\"title\": %q, \"version\": %q, \"license\": {\"name\": \"MIT\", \"url\": \"https://spdx.org/licenses/MIT\"}},\n", document.OpenAPI, document.Info["title"], document.Info["version"])
	out.WriteString("\"paths\": ")
	if err := lines(&out, paths); err != nil {
		return nil, err
	}
	out.WriteString(",\n\"components\": {\n")
	for i, kind := range slices.Sorted(maps.Keys(components)) {
		if i > 0 {
			out.WriteString(",\n")
		}
		fmt.Fprintf(&out, "%q: ", kind)
		if err := lines(&out, components[kind]); err != nil {
			return nil, err
		}
	}
	out.WriteString("}}\n")
	return out.Bytes(), nil
}

// lines writes an object with each entry on a line of its own, sorted.
func lines(out *bytes.Buffer, object map[string]any) error {
	out.WriteString("{\n")
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			out.WriteString(",\n")
		}
		data, err := json.Marshal(object[name])
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%q: %s", name, data)
	}
	out.WriteString("}")
	return nil
}

// names are the keys whose values are objects with names for keys, not words of OpenAPI.
var names = []string{"properties", "responses", "headers", "content", "schemas", "variables", "mapping", "patternProperties"}

// bare is a part of the description without prose, examples and extensions. A response keeps an empty description,
// because OpenAPI demands one.
func bare(node any, key string) any {
	switch node := node.(type) {
	case map[string]any:
		kept := make(map[string]any, len(node))
		for name, value := range node {
			named := slices.Contains(names, key)
			_, text := value.(string)
			switch {
			case named:
				kept[name] = bare(value, "")
			case strings.HasPrefix(name, "x-"), name == "example", name == "examples", name == "externalDocs", name == "summary", name == "tags":
			case name == "description" && text, name == "title" && text:
			case name == "enum", name == "default", name == "required":
				kept[name] = value
			default:
				kept[name] = bare(value, name)
			}
		}
		if key == "responses" {
			for _, response := range kept {
				describe(response)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(node))
		for i, value := range node {
			kept[i] = bare(value, "")
		}
		return kept
	}
	return node
}

func describe(response any) {
	object, _ := response.(map[string]any)
	if _, reference := object["$ref"]; object != nil && !reference {
		object["description"] = ""
	}
}

// references adds what a part of the description refers to.
func references(found []string, node any) []string {
	switch node := node.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			if text, is := node[name].(string); is && name == "$ref" {
				found = append(found, text)
				continue
			}
			found = references(found, node[name])
		}
	case []any:
		for _, value := range node {
			found = references(found, value)
		}
	}
	return found
}
