package lint

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/iam"
)

// Input is all that rules may look at.
type Input struct {
	Inventory scanner.Inventory
	Facts     iam.Facts
	// Policy gives the pool and its project's number where they are known, the exceptions, and the day (Now).
	Policy planner.Policy
	// History are keys that commits hold and the checkout does not any more.
	History []HistoricKey
	// Suppressions are the comments that excuse a violation.
	Suppressions []Suppression
	// Changed are the files that count, by path; nil is all of them. What stands elsewhere is still context.
	Changed map[string]bool
	// Past is what was there at the revision that the checkout is compared with; nil where it is compared with none. A
	// violation in a file of then that did not change counts when it is new: what was taken away elsewhere made it.
	Past *Past
	// Baseline are violations that were there before, by fingerprint, and how many of each.
	Baseline map[string]int
}

// A Past is what the rules say of a revision.
type Past struct {
	Files map[string]bool // by path
	// Violations are how many there were of each fingerprint, whether they counted or not.
	Violations map[string]int
}

// PastOf runs the rules over a revision.
func PastOf(in Input, files map[string]bool) *Past {
	past := &Past{Files: files, Violations: map[string]int{}}
	result := Run(in)
	for _, v := range result.Violations {
		past.Violations[v.Fingerprint]++
	}
	for _, v := range result.Suppressed {
		past.Violations[v.Fingerprint]++
	}
	return past
}

// A HistoricKey is a key file in a repository's past.
type HistoricKey struct {
	Source, Path, Commit string
	Key                  string // an id, as in scanner.Key
	Email                string
}

// A Violation is one thing that a rule refuses, at one place.
type Violation struct {
	Code     string         `json:"code"`
	Severity Severity       `json:"severity"`
	Origin   scanner.Origin `json:"origin"`
	// Object is what it is about: NAMESPACE/KIND/NAME, a Terraform address, a command.
	Object string `json:"object"`
	Text   string `json:"text"`
	// Fingerprint stays the same while the violation does, whatever moves around it.
	Fingerprint string `json:"fingerprint"`

	detail  string           // what tells it from others of its object, without positions
	blocks  []scanner.Origin // where the things begin that it is about: a comment above one speaks of it
	related []scanner.Origin // other places that make it up
}

// A Suppressed violation does not count, for a reason.
type Suppressed struct {
	Violation
	Reason  string `json:"reason"`
	By      string `json:"by"`      // comment | policy | baseline
	Expires string `json:"expires"` // the last day; "" for a baseline
}

// A Result is what the rules said.
type Result struct {
	Violations []Violation
	Suppressed []Suppressed
	// Undecided are places that may break a rule, and may not: what decides it was not read. They do not count for the exit
	// code. The severity is Note.
	Undecided []Violation
	// Exceptions are the register: the policy's, and those written as comments.
	Exceptions []planner.Exception
}

// A world is the input, indexed.
type world struct {
	Input
	found  []Violation
	doubts []Violation
}

// rules are the checks, each for one subject.
var rules = []func(*world){
	(*world).wiring, (*world).keys, (*world).history, (*world).keyResources, (*world).principals, (*world).foreign, (*world).annotations,
	(*world).misplaced, (*world).defaults, (*world).wide, (*world).conditions, (*world).authoritative, (*world).pairs, (*world).names,
}

// Run applies every rule.
func Run(in Input) Result {
	w := &world{Input: in}
	for _, rule := range rules {
		rule(w)
	}
	w.suppressions()
	w.found, w.doubts = settle(w.found), settle(w.doubts)
	result := w.judge()
	result.withhold()
	return result
}

// report adds a violation.
func (w *world) report(code string, at iam.At, detail, text string, related ...scanner.Origin) *Violation {
	w.found = append(w.found, Violation{
		Code: code, Severity: severities[code], Origin: at.Origin, Object: at.What, Text: text, detail: detail,
		blocks: []scanner.Origin{at.Block}, related: related,
	})
	return &w.found[len(w.found)-1]
}

// doubt adds a place that may break a rule: why says what was not read.
func (w *world) doubt(code string, at iam.At, detail, why string, related ...scanner.Origin) *Violation {
	w.doubts = append(w.doubts, Violation{
		Code: code, Severity: Note, Origin: at.Origin, Object: at.What, Text: why, detail: detail,
		blocks: []scanner.Origin{at.Block}, related: related,
	})
	return &w.doubts[len(w.doubts)-1]
}

// settle sorts, drops repeats (one place that several renderings show), and gives fingerprints.
func settle(found []Violation) []Violation {
	slices.SortStableFunc(found, func(a, b Violation) int {
		return cmp.Or(a.Origin.Compare(b.Origin), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Text, b.Text))
	})
	found = slices.CompactFunc(found, func(a, b Violation) bool {
		return a.Origin == b.Origin && a.Code == b.Code && (a.detail == b.detail || a.Text == b.Text)
	})
	for i := range found {
		v := &found[i]
		sum := sha256.Sum256([]byte(strings.Join([]string{v.Code, v.Origin.Path, v.Object, v.detail}, "\x00")))
		v.Fingerprint = hex.EncodeToString(sum[:12])
	}
	return found
}

// judge tells what counts from what is excused or was there before.
func (w *world) judge() Result {
	r := Result{Violations: []Violation{}, Suppressed: []Suppressed{}, Undecided: []Violation{}, Exceptions: []planner.Exception{}}
	before := map[string]int{}
	maps.Copy(before, w.Baseline)
	past := map[string]int{}
	if w.Past != nil {
		maps.Copy(past, w.Past.Violations)
	}
	for _, v := range w.found {
		then := past[v.Fingerprint] > 0
		past[v.Fingerprint]--
		if !w.counts(v) && (then || !w.appeared(v)) {
			continue
		}
		if s, ok := w.excuse(v); ok {
			r.Suppressed = append(r.Suppressed, s)
			continue
		}
		if before[v.Fingerprint] > 0 {
			before[v.Fingerprint]--
			r.Suppressed = append(r.Suppressed, Suppressed{Violation: v, Reason: "it was there before", By: "baseline"})
			continue
		}
		r.Violations = append(r.Violations, v)
	}
	for _, v := range w.doubts {
		if _, excused := w.excuse(v); w.counts(v) && !excused {
			r.Undecided = append(r.Undecided, v)
		}
	}
	r.Exceptions = w.register()
	return r
}

// counts says whether a violation touches a file that changed.
func (w *world) counts(v Violation) bool {
	if w.Changed == nil || w.Changed[v.Origin.Path] {
		return true
	}
	return slices.ContainsFunc(v.related, func(o scanner.Origin) bool { return w.Changed[o.Path] })
}

// appeared says that a violation that was not there then is about a file that was.
func (w *world) appeared(v Violation) bool { return w.Past != nil && w.Past.Files[v.Origin.Path] }
