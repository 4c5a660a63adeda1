package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"dekey/planner/explain"
)

// The SARIF levels that dekey uses.
const (
	LevelError   = "error"
	LevelWarning = "warning"
	LevelNote    = "note"
)

// A Result is one result of a SARIF log: what a rule found in a line of a file, or in an object that has none.
type Result struct {
	Rule    string // a code of package explain
	Level   string
	Message string
	// Path is relative to the checkout's root, as it was read, with forward slashes; "" for live objects. Line and
	// Column count from 1, 0 is unknown.
	Path         string
	Line, Column int
	Object       string // NAMESPACE/KIND/NAME
	Fingerprint  string // stays the same while the result does
	Suppressed   string // the reason of an exception, "" where the result counts
}

// A Notification is something that the run could not do.
type Notification struct{ Message, Path string }

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	ColumnKind  string            `json:"columnKind"`
	Results     []sarifResult     `json:"results"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string    `json:"id"`
	ShortDescription sarifText `json:"shortDescription"`
	FullDescription  sarifText `json:"fullDescription"`
	Help             sarifText `json:"help"`
	Properties       sarifTags `json:"properties"`
}

type sarifTags struct {
	Tags []string `json:"tags"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations,omitempty"`
	Fingerprints map[string]string  `json:"partialFingerprints,omitempty"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact struct {
		URI    string `json:"uri"`
		BaseID string `json:"uriBaseId"`
	} `json:"artifactLocation"`
	Region *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type sarifLogical struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

// SARIF writes the report for code scanning: one result for each finding, by the hold's code where it is held and by
// its via where it moves; gaps are notifications of the run.
func SARIF(w io.Writer, r *Report) error {
	var results []Result
	held := map[string]bool{}
	for _, hold := range r.Holds {
		message := joinNonEmpty(" ", hold.Workload.Text+": "+hold.Reason+".", labelled("Ask: ", hold.Ask))
		for _, f := range hold.Findings {
			if held[f.ID] {
				continue
			}
			held[f.ID] = true
			place := hold.At
			if place == nil || place.Path == "" {
				place = firstPlace(f)
			}
			results = append(results, resultOf(hold.Code, LevelWarning, message, hold.Workload.Text, f.ID, place))
		}
		if len(hold.Findings) == 0 {
			results = append(results, resultOf(hold.Code, LevelWarning, message, hold.Workload.Text, hold.Code+" "+hold.Workload.Text, hold.At))
		}
	}
	moves := map[string]*Move{}
	for _, move := range r.Moves {
		moves[move.Workload.Text] = move
	}
	for _, f := range r.Findings {
		if held[f.ID] {
			continue
		}
		level, what := LevelWarning, fmt.Sprintf("%s uses a service account key from %s (%s)%s.", f.Workload.Text, orDash(f.Secret), f.Named, as(f.Email))
		if move, ok := moves[f.Workload.Text]; ok && f.Outcome == "move" {
			level, what = LevelNote, what+fmt.Sprintf(" It moves to the service account %s%s.", move.After, as(move.Account))
		}
		results = append(results, resultOf(f.Via, level, what, f.Workload.Text, f.ID, firstPlace(f)))
	}
	var notifications []Notification
	for _, gap := range r.Gaps {
		notifications = append(notifications, Notification{Message: "Not seen: " + gap.What + ": " + gap.Why})
	}
	return WriteSARIF(w, r.tool, results, notifications)
}

func firstPlace(f Finding) *Place {
	if len(f.Places) == 0 {
		return nil
	}
	return &f.Places[0]
}

func resultOf(rule, level, message, object, fingerprint string, place *Place) Result {
	result := Result{Rule: rule, Level: level, Message: message, Object: object, Fingerprint: fingerprint}
	if place != nil {
		result.Path, result.Line, result.Column = place.raw, place.Line, place.column
	}
	return result
}

// WriteSARIF writes a log of one run: SARIF 2.1.0, for code scanning. The rules are those that the results name, with
// the texts of package explain.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func WriteSARIF(w io.Writer, tool string, results []Result, notifications []Notification) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: make([]sarifResult, 0, len(results))}
	name, version, _ := strings.Cut(Visible(tool), " ")
	run.Tool.Driver = sarifDriver{Name: name, Version: version, Rules: []sarifRule{}}
	named := map[string]bool{}
	for _, result := range results {
		named[result.Rule] = true
	}
	index := map[string]int{}
	for i, code := range sortedKeys(named) {
		index[code] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, ruleOf(code))
	}
	for _, result := range results {
		out := sarifResult{RuleID: Visible(result.Rule), RuleIndex: index[result.Rule], Level: result.Level, Message: sarifMessage(result.Message)}
		location := sarifLocation{Physical: physical(result.Path, result.Line, result.Column)}
		if result.Object != "" {
			location.Logical = []sarifLogical{{FullyQualifiedName: Visible(result.Object), Kind: "object"}}
		}
		if location.Physical != nil || location.Logical != nil {
			out.Locations = []sarifLocation{location}
		}
		if result.Fingerprint != "" {
			out.Fingerprints = map[string]string{"dekey/v1": Visible(result.Fingerprint)}
		}
		if result.Suppressed != "" {
			out.Suppressions = []sarifSuppression{{Kind: "external", Justification: Visible(result.Suppressed)}}
		}
		run.Results = append(run.Results, out)
	}
	invocation := sarifInvocation{ExecutionSuccessful: true, Notifications: []sarifNotification{}}
	for _, n := range notifications {
		notification := sarifNotification{Level: LevelWarning, Message: sarifMessage(n.Message)}
		if place := physical(n.Path, 0, 0); place != nil {
			notification.Locations = []sarifLocation{{Physical: place}}
		}
		invocation.Notifications = append(invocation.Notifications, notification)
	}
	run.Invocations = []sarifInvocation{invocation}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(sarifLog{Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

func ruleOf(code string) sarifRule {
	rule := sarifRule{ID: Visible(code), Properties: sarifTags{Tags: []string{"security", "gke", "service-account-key"}}}
	text, ok := explain.Lookup(code)
	if !ok {
		text = explain.Text{What: Visible(code), Why: "See dekey explain.", Do: "See dekey explain."}
	}
	rule.ShortDescription, rule.FullDescription = sarifText{text.What}, sarifText{text.Why}
	rule.Help = sarifText{joinNonEmpty(" ", text.Do, text.Source)}
	return rule
}

// sarifMessage writes a plain message: brackets would be a link, braces a placeholder (sections 3.11.5 and 3.11.6).
func sarifMessage(s string) sarifText {
	return sarifText{messageEscapes.Replace(Visible(s))}
}

var messageEscapes = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `{`, `{{`, `}`, `}}`)

func physical(path string, line, column int) *sarifPhysical {
	if path == "" {
		return nil
	}
	var place sarifPhysical
	place.Artifact.URI, place.Artifact.BaseID = relativeURI(path), "%SRCROOT%"
	if line > 0 {
		place.Region = &sarifRegion{StartLine: line, StartColumn: max(column, 0)}
	}
	return &place
}

// relativeURI writes a path of the checkout as a URI reference (RFC 3986) that no viewer takes for a scheme, a host or
// a way out of the checkout.
func relativeURI(path string) string {
	segments := strings.Split(path, "/")
	kept := segments[:0]
	for _, segment := range segments {
		if segment == "" || segment == "." || segment == ".." {
			continue
		}
		kept = append(kept, strings.ReplaceAll(url.PathEscape(segment), ":", "%3A"))
	}
	return strings.Join(kept, "/")
}
