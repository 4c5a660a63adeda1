// Package object is one Kubernetes object as dekey reads it, wherever it was read: its name, its decoded
// content, and where in the sources each of its fields stands.
//
// The content of an Object may hold key material. It lives in memory only, and only until the object has been
// looked at; nothing in this package can print it.
package object

import (
	"cmp"
	"strings"
)

// A Ref names one Kubernetes object. Namespace is "" where it is not known, and for cluster-scoped kinds.
type Ref struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// String is NAMESPACE/KIND/NAME, or KIND/NAME without a namespace: what people type in a policy file.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + "/" + r.Name
	}
	return r.Namespace + "/" + r.Kind + "/" + r.Name
}

// Group is the API group of the ref, "" for the core group.
func (r Ref) Group() string {
	group, _, found := strings.Cut(r.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// Compare orders refs by namespace, kind, name and API version.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(
		cmp.Compare(r.Namespace, o.Namespace),
		cmp.Compare(r.Kind, o.Kind),
		cmp.Compare(r.Name, o.Name),
		cmp.Compare(r.APIVersion, o.APIVersion),
	)
}

// An Origin is a place in a source. Path is relative to the source's root, with forward slashes; Document, Line
// and Column count from 1 (Column counts characters), and are 0 where the source has no text (a live cluster).
type Origin struct {
	Source   string `json:"source"`
	Path     string `json:"path"`
	Document int    `json:"document"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
}

// Compare orders origins by source, path and position.
func (o Origin) Compare(p Origin) int {
	return cmp.Or(
		cmp.Compare(o.Source, p.Source),
		cmp.Compare(o.Path, p.Path),
		cmp.Compare(o.Document, p.Document),
		cmp.Compare(o.Line, p.Line),
		cmp.Compare(o.Column, p.Column),
	)
}

// A Role says what a Place is in its file, and so how a field that stands there can be edited.
type Role string

const (
	Manifest  Role = "manifest"        // the object itself, in YAML or JSON
	Strategic Role = "patch-strategic" // a Kustomize strategic-merge patch
	JSON6902  Role = "patch-json6902"  // a Kustomize JSON patch
	Generator Role = "generator"       // a kustomization's generator entry
	Setting   Role = "kustomization"   // another field of a kustomization (namespace, namePrefix, replacements)
	Values    Role = "values"          // a Helm values file, or the values of a HelmRelease or an Application
	Template  Role = "template"        // a chart's own template
)

// A Place is where one field of an object is written. Field is its path inside the document at Origin, which
// differs from the path in the object for list items, patches and values.
type Place struct {
	Origin Origin
	Role   Role
	Field  Path
	// Inner is the path inside of the text that the scalar at Field holds: a patch that is written in a kustomization.
	// Nil otherwise.
	Inner Path
	// Roots are the outermost kustomizations or chart renderings that this place reaches, sorted. One entry or
	// none: an edit here touches this rendering alone.
	Roots []string
	// Covers says that other values show where nothing stands here any more: those that a chart's values file wins over.
	Covers bool
}

// A Locator finds where fields of one object are written. A field that several places make up (a base and
// patches) has several, the one that wins last. It returns nothing for what it cannot trace: that is then no
// place to edit.
type Locator interface {
	Locate(field Path) []Place
}

// An Object is one Kubernetes object. Content is decoded JSON: map[string]any, []any, string, bool, nil,
// int64, float64, or json.Number.
type Object struct {
	Ref     Ref
	Content map[string]any
	Origins []Origin // where the object itself is written: the manifest, then the patches that reach it
	Locator Locator  // nil: fields cannot be located (a live cluster)
	// Root is the outermost kustomization or chart that rendered the object, relative to the source's root, or ""
	// for a manifest that stands for itself.
	Root string
	// Generated says what writes this object's file (a banner, a rendered copy), or "".
	Generated string
	// Managers are the tools that claim the object: "helm:RELEASE", "argocd:APP", "flux:NAME", "owner:KIND/NAME",
	// "gke", ..., sorted. Only live objects and renderings have any.
	Managers []string
	// Charts are the charts whose values the content holds: a release of a chart that is not in the checkout.
	Charts []ChartValues
	// Live says that the object was read from a cluster (or a dump of one).
	Live bool
	// Values are a live Secret's decoded values by entry: Content has no data then. There are many Secrets, and writing
	// each in base64 only to read it again would be a third of what they cost. They may be parts of the server's answer: whoever
	// is given the object has them until it returns.
	Values map[string][]byte
	// Withheld says that a Secret's entries and values were not asked for: only its metadata is in Content.
	Withheld bool
}

// A ChartValues says where in an object's content the values of a Helm chart stand.
type ChartValues struct {
	Name      string // of the chart, as it is named: "external-dns", "oci://.../velero"
	Values    Path
	Namespace string // of the release; "" where it is not known
}

// Aside says that a top-level field of an object is none of its kind, and holds YAML anchors for the rest of the document: no
// API server keeps it. x- comes from Compose's extensions, dots and underscores from CI files.
// Source: the Kubernetes API reference, "Field validation": unknown fields are dropped.
func Aside(field string) bool {
	return strings.HasPrefix(field, "x-") || strings.HasPrefix(field, ".") || strings.HasPrefix(field, "_")
}

// Places locates a field, or gives the object's own origins where fields cannot be located.
func (o *Object) Places(field Path) []Place {
	if o.Locator != nil {
		if places := o.Locator.Locate(field); len(places) > 0 {
			return places
		}
	}
	var places []Place
	for _, origin := range o.Origins {
		places = append(places, Place{Origin: origin, Role: Manifest})
	}
	return places
}
