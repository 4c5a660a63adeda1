package report

import (
	"encoding/json"
	"io"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
)

// A Document is the report as JSON: the report's own rows, and the documents that it was made from as they are. Strings
// of the rows are safe to print; those of the documents are as they were read.
type Document struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"` // Report
	Report     *Report             `json:"report"`
	Inventory  *scanner.Inventory  `json:"inventory,omitempty"`
	Plan       *planner.Plan       `json:"plan,omitempty"`
	Changeset  *rewriter.Changeset `json:"changeset,omitempty"`
}

// JSON writes the report as a Document.
func JSON(w io.Writer, r *Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(Document{
		APIVersion: scanner.APIVersion, Kind: "Report", Report: r, Inventory: r.raw.Inventory, Plan: r.raw.Plan, Changeset: r.raw.Changeset,
	})
}
