package runbook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Words are what a decoded pod spec says, one thing a line: what the template pod_words of lib/verify.sh prints. They name
// volumes, variables and arguments; values of variables are not among them.
func Words(spec map[string]any) []string {
	words := []string{fmt.Sprint("serviceAccount ", orNoValue(spec["serviceAccountName"]))}
	add := func(parts ...any) { words = append(words, strings.TrimSuffix(fmt.Sprintln(parts...), "\n")) }
	items := func(volume any, source map[string]any) {
		for _, item := range mappings(source["items"]) {
			add("item", volume, item["key"])
		}
	}
	for _, volume := range mappings(spec["volumes"]) {
		name := volume["name"]
		add("volume", name)
		if secret := mapping(volume["secret"]); len(secret) > 0 {
			add("source", name, secret["secretName"])
			items(name, secret)
		}
		items(name, mapping(volume["configMap"]))
		for _, source := range mappings(mapping(volume["projected"])["sources"]) {
			if secret := mapping(source["secret"]); len(secret) > 0 {
				add("source", name, secret["name"])
				items(name, secret)
			}
			items(name, mapping(source["configMap"]))
		}
	}
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for _, c := range mappings(spec[list]) {
			name := c["name"]
			for _, env := range mappings(c["env"]) {
				add("env", name, env["name"])
			}
			for _, from := range mappings(c["envFrom"]) {
				if secret := mapping(from["secretRef"]); len(secret) > 0 {
					add("envFrom", name, secret["name"])
				}
			}
			for _, mount := range mappings(c["volumeMounts"]) {
				add("mount", name, mount["mountPath"])
			}
			for _, field := range []string{"command", "args"} {
				arguments, _ := c[field].([]any)
				for _, argument := range arguments {
					if text, ok := argument.(string); ok {
						add("arg", name, strconv.Quote(text))
					}
				}
			}
		}
	}
	return words
}

// Wired is the first of some things (Words of a key's wiring) that is among the words of a pod spec, or "". An argument
// counts as a whole, or with a value after "=".
func Wired(words, things []string) string {
	for _, thing := range things {
		if slices.ContainsFunc(words, func(word string) bool {
			if strings.HasPrefix(thing, "arg ") {
				return strings.Contains(word, thing+`"`) || strings.Contains(word, thing+"=")
			}
			return word == thing
		}) {
			return thing
		}
	}
	return ""
}

func mapping(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func mappings(value any) []map[string]any {
	list, _ := value.([]any)
	var found []map[string]any
	for _, item := range list {
		if m := mapping(item); m != nil {
			found = append(found, m)
		}
	}
	return found
}

// orNoValue is a field as a Go template prints it.
func orNoValue(value any) any {
	if value == nil {
		return "<no value>"
	}
	return value
}
