package precondition

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dekey/planner"
)

// one gives the object that a list names, nil where there is none. The reason is for what was not read.
func (c *checker) one(list List) (map[string]any, string) {
	items, why := c.all(list)
	if why != "" || len(items) == 0 {
		return nil, why
	}
	return items[0], ""
}

func (c *checker) all(list List) ([]map[string]any, string) {
	objects, ok := c.Facts.Lists[list]
	if !ok || objects.Why != "" {
		return nil, unread(objects.Why)
	}
	return objects.Items, ""
}

func annotationOf(serviceAccount map[string]any) string {
	email, _ := mapping(mapping(serviceAccount["metadata"])["annotations"])[planner.AccountAnnotation].(string)
	return email
}

func nameOf(object map[string]any) string { return fmt.Sprint(mapping(object["metadata"])["name"]) }

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

func keysOf(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func isTrue(value any) bool { return value == "true" || value == "True" }

// A selector is a label selector. A zero one selects nothing here: nothing says which pods are a workload's own.
type selector struct {
	labels      map[string]any
	expressions []map[string]any
}

// selectorOf is how a workload's pods are found.
func selectorOf(kind string, workload map[string]any) selector {
	spec := mapping(mapping(workload["spec"])["selector"])
	if kind == "replicationcontrollers" {
		return selector{labels: spec}
	}
	return selector{labels: mapping(spec["matchLabels"]), expressions: mappings(spec["matchExpressions"])}
}

func (s selector) empty() bool { return len(s.labels)+len(s.expressions) == 0 }

func (s selector) selects(pod map[string]any) bool {
	labels := mapping(mapping(pod["metadata"])["labels"])
	for key, value := range s.labels {
		if labels[key] != value {
			return false
		}
	}
	for _, e := range s.expressions {
		value, has := labels[fmt.Sprint(e["key"])]
		values, _ := e["values"].([]any)
		in := has && slices.Contains(values, value)
		switch e["operator"] {
		case "In":
			if !in {
				return false
			}
		case "NotIn":
			if in {
				return false
			}
		case "Exists":
			if !has {
				return false
			}
		default:
			if has {
				return false
			}
		}
	}
	return true
}

// ended says that a pod runs no more.
func ended(pod map[string]any) bool {
	phase := mapping(pod["status"])["phase"]
	return phase == "Succeeded" || phase == "Failed"
}

// shown is a thing of a key's wiring as people read it.
func shown(thing string) string { return strings.ReplaceAll(thing, `"`, "") }
