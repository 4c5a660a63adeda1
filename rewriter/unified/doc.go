// Package unified writes differences of files as `git apply` takes them.
//
// A patch is read by many people and kept for long, so no line of it may hold key material, not even as context.
// Diff shortens the context around such lines, and refuses with a *KeyError where git would then not take the patch, or
// where an edit itself touches such a line. Section headings behind `@@` are never written, for the same reason.
package unified
