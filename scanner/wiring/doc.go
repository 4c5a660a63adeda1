// Package wiring finds the pod specs of any object, by shape, and every way in which they get at a Secret.
//
// One algorithm serves live objects, raw manifests, rendered overlays and custom resources: a list of kinds would be
// wrong with the next operator.
package wiring
