// Package rewriter turns a plan into text: byte edits of the manifests it was made from, new manifests, scripts,
// Terraform, Config Connector objects. What it writes is a Changeset: a folder that people review.
//
// It is pure. A file whose digest moved since the scan is refused, and an edit that can not be proven (the edited
// file parses to the original plus exactly the planned edits, and every other byte is as it was) becomes a hold.
package rewriter
