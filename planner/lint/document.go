package lint

import (
	"dekey/planner"
	"dekey/scanner"
)

// A Document is what lint says, as JSON.
type Document struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"` // Lint
	Violations []Violation         `json:"violations"`
	Suppressed []Suppressed        `json:"suppressed"`
	Undecided  []Violation         `json:"undecided"`
	Exceptions []planner.Exception `json:"exceptions"`
	Gaps       []scanner.Gap       `json:"gaps"`
}

// A Baseline is the document of violations that were there before.
type Baseline struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"` // Baseline
	Violations []BaselineEntry `json:"violations"`
}

// A BaselineEntry is one of them: the fingerprint counts, the rest is for people.
type BaselineEntry struct {
	Fingerprint string `json:"fingerprint"`
	Code        string `json:"code"`
	Path        string `json:"path"`
	Object      string `json:"object"`
}
