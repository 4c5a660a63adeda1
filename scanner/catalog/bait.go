package catalog

import (
	"strings"

	"dekey/scanner/object"
)

// IsSchemaOrBait says that o describes things and is none: a CustomResourceDefinition, an OpenAPI schema, a chart's or
// kustomization's own file, or something else that merely parses (Compose, Ansible, CI), of which nothing is read. A
// workload is never one.
func IsSchemaOrBait(o *object.Object) bool {
	if o == nil {
		return false
	}
	switch o.Ref.Kind {
	case "CustomResourceDefinition", "APIService", "ClusterServiceVersion", "CompositeResourceDefinition", "ConstraintTemplate":
		return true
	}
	if o.Ref.APIVersion != "" && o.Ref.Kind != "" {
		return false
	}
	for _, key := range []string{"openapi", "swagger", "$schema", "definitions", "services", "hosts", "tasks", "jobs", "stages", "steps", "on"} {
		if _, ok := o.Content[key]; ok {
			return true
		}
	}
	return strings.Contains(o.Ref.Kind, "{{")
}
