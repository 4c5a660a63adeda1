package catalog

import (
	"slices"

	"dekey/scanner/object"
)

// schemas are the kinds that describe other objects.
var schemas = map[string]string{
	"CustomResourceDefinition":    "apiextensions.k8s.io",
	"CompositeResourceDefinition": "apiextensions.crossplane.io",
	"ConstraintTemplate":          "templates.gatekeeper.sh",
}

// otherTools are the fields at the top of files that are no Kubernetes objects, and merely parse: OpenAPI, JSON Schema,
// Compose, Ansible, CI systems.
var otherTools = []string{"openapi", "swagger", "$schema", "definitions", "services", "hosts", "tasks", "jobs", "stages", "steps", "on", "workflows"}

// IsSchemaOrBait says that o describes things and is none (a CustomResourceDefinition, an OpenAPI schema), or is no
// Kubernetes object at all (Compose, Ansible, CI). Nothing in it is read: a field that it mentions names no Secret. An object
// with API version and kind that is no schema is never bait, whatever it looks like.
func IsSchemaOrBait(o *object.Object) bool {
	if o == nil {
		return false
	}
	group, described := schemas[o.Ref.Kind]
	switch {
	case described && group == o.Ref.Group():
		return true
	case o.Ref.APIVersion != "" && o.Ref.Kind != "":
		return false
	}
	return slices.ContainsFunc(otherTools, func(key string) bool {
		_, ok := o.Content[key]
		return ok
	})
}
