// Package wiring finds the pod specs of any object, by shape, and every way in which they get at a key.
//
// One algorithm serves live objects, raw manifests, rendered overlays and custom resources: a list of kinds would be
// wrong with the next operator. An Extractor turns an object into Pods, compact facts that let the object go; Resolve
// joins a Pod with what is known of Secrets and ConfigMaps once everything was read:
//
//	pods := extractor.Extract(o)
//	spec, uses := wiring.Resolve(&pods[0], knowledge)
//
// Content that was read decides. Where it was not, a volume counts as a key volume when a variable or flag whose name tells
// of a Google key points into it, or when it lies where client libraries look by themselves; names of Secrets and volumes
// say nothing. A telling variable whose file nothing in the object brings is a use that dangles.
//
// What it cannot see: variables that an image or a webhook sets, files that an init container writes, and scripts inside
// images. Shell is read roughly: it finds what a command names, and never decides that an edit of a script is safe.
package wiring
