// Package yamledit changes YAML and JSON manifests byte by byte, and proves each change by parsing again.
//
// gopkg.in/yaml.v3 tells where things stand; it never prints. An edit is compiled to splices of the original bytes, so
// every byte outside of them (line endings, comments, blank lines, quotes, anchors, the final newline) is as it was.
// The result is parsed and must equal the original plus exactly the planned edits, in value, tag, style, anchor and
// order. Whatever cannot be done or cannot be proven is a Refusal: the file stays as it is and the reason is fit
// for a hold `not-provable`.
//
// How it is used: collect every edit of one file, with paths into its original documents, and call Apply once.
//
//	result, err := yamledit.Apply(file, []yamledit.Edit{
//		{Document: 1, Op: yamledit.Remove, Field: env.Join(object.Item("name", "GOOGLE_APPLICATION_CREDENTIALS"))},
//		{Document: 1, Op: yamledit.Set, Field: spec.Join(object.Key("serviceAccountName")), Value: "api-wi"},
//	})
//
// Documents splits a file, RemoveDocument and AppendDocument change whole documents, Locate says where a field stands,
// and Encode writes new manifests in the style of a neighbour (StyleOf).
//
// Errors and refusals never quote the file: it may hold key material.
package yamledit
