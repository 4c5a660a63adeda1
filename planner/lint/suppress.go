package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/iam"
)

// A Suppression is a comment that excuses violations:
//
//	# dekey:ignore CODE[,CODE] REASON until 2027-01-31
//
// At the end of a line it speaks of that line; on a line of its own, of the next one that is no comment, and of the
// object or block that begins there. The date is its last day.
type Suppression struct {
	Origin scanner.Origin // of the comment
	Line   int            // that it speaks of
	Codes  []string
	Reason string
	Until  time.Time
	// Wrong says what is missing: such a comment excuses nothing.
	Wrong string
}

// marker starts a suppression.
const marker = "dekey:ignore"

// Marker is the text that a file holds where it has suppressions.
func Marker() string { return marker }

var until = regexp.MustCompile(`\s+until\s+(\S+)\s*$`)

// Exceptions are well-formed comments as entries of an inventory, in their order.
func Exceptions(comments []Suppression) []scanner.Exception {
	var list []scanner.Exception
	for _, s := range comments {
		if s.Wrong != "" {
			continue
		}
		at := s.Origin
		at.Line, at.Column = s.Line, 1
		list = append(list, scanner.Exception{Origin: at, Codes: s.Codes, Reason: s.Reason, Until: s.Until.Format(time.DateOnly)})
	}
	return list
}

// Suppressions reads the comments of a file. Text that is no comment is passed over: the marker must follow # or //.
func Suppressions(source, path string, data []byte) []Suppression {
	var found []Suppression
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		at := strings.Index(line, marker)
		if at < 0 {
			continue
		}
		before := strings.TrimRight(line[:at], " \t")
		if !strings.HasSuffix(before, "#") && !strings.HasSuffix(before, "//") {
			continue
		}
		s := parseSuppression(strings.TrimSpace(line[at+len(marker):]))
		s.Origin = scanner.Origin{Source: source, Path: path, Document: 1, Line: i + 1, Column: len([]rune(strings.TrimRight(before, "#/"))) + 1}
		s.Line = i + 1
		if strings.Trim(before, " \t#/") == "" {
			s.Line = target(lines, i+1)
		}
		found = append(found, s)
	}
	return found
}

// target is the number of the first line from i on that says something.
func target(lines []string, i int) int {
	for ; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line != "" && line != "---" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") {
			break
		}
	}
	return i + 1
}

func parseSuppression(text string) Suppression {
	var s Suppression
	text = strings.TrimSpace(strings.TrimSuffix(text, "-->"))
	codes, rest, _ := strings.Cut(text, " ")
	for code := range strings.SplitSeq(codes, ",") {
		if code == "" {
			continue
		}
		if _, known := severities[code]; !known {
			s.Wrong = fmt.Sprintf("%q is no rule", code)
			return s
		}
		s.Codes = append(s.Codes, code)
	}
	date := until.FindStringSubmatch(" " + rest)
	s.Reason = strings.TrimSpace(until.ReplaceAllString(" "+rest, ""))
	switch {
	case len(s.Codes) == 0:
		s.Wrong = "no rule is named"
	case date == nil:
		s.Wrong = "no date is given: it ends with until YYYY-MM-DD"
	case s.Reason == "":
		s.Wrong = "no reason is given"
	default:
		day, err := time.Parse("2006-01-02", date[1])
		if err != nil {
			s.Wrong = fmt.Sprintf("%q is no date: it ends with until YYYY-MM-DD", date[1])
		}
		s.Until = day
	}
	return s
}

// over says whether a last day is past.
func (w *world) over(day time.Time) bool {
	return !day.IsZero() && !w.Policy.Now.IsZero() && !w.Policy.Now.Before(day.AddDate(0, 0, 1))
}

// suppressions reports comments that are malformed or over.
func (w *world) suppressions() {
	for _, s := range w.Suppressions {
		at := iam.At{What: s.Origin.Path, Origin: s.Origin, Block: s.Origin}
		switch {
		case s.Wrong != "":
			w.report(RuleSuppressionMalformed, at, s.Wrong, "the comment excuses nothing: "+s.Wrong)
		case w.over(s.Until):
			w.report(RuleSuppressionExpired, at, strings.Join(s.Codes, ","), fmt.Sprintf("the exception for %s ended on %s (%s)", strings.Join(s.Codes, ", "), s.Until.Format("2006-01-02"), s.Reason))
		}
	}
}

// excuse finds the exception that covers a violation. The rules about comments themselves take none.
func (w *world) excuse(v Violation) (Suppressed, bool) {
	if v.Code == RuleSuppressionExpired || v.Code == RuleSuppressionMalformed {
		return Suppressed{}, false
	}
	for _, s := range w.Suppressions {
		if s.Wrong != "" || w.over(s.Until) || !slices.Contains(s.Codes, v.Code) || !s.covers(v) {
			continue
		}
		return Suppressed{Violation: v, Reason: s.Reason, By: "comment", Expires: s.Until.Format("2006-01-02")}, true
	}
	for _, e := range w.Policy.Exclude {
		if e.Code != "" && e.Code != v.Code || w.over(e.Expires) || !excludes(e, v) {
			continue
		}
		s := Suppressed{Violation: v, Reason: e.Reason, By: "policy"}
		if !e.Expires.IsZero() {
			s.Expires = e.Expires.Format("2006-01-02")
		}
		return s, true
	}
	return Suppressed{}, false
}

func (s Suppression) covers(v Violation) bool {
	at := func(o scanner.Origin) bool {
		return o.Source == s.Origin.Source && o.Path == s.Origin.Path && o.Line == s.Line
	}
	return at(v.Origin) || slices.ContainsFunc(v.blocks, at)
}

func excludes(e planner.Exclusion, v Violation) bool {
	if e.Path != "" {
		path := strings.TrimSuffix(strings.TrimPrefix(e.Path, "./"), "/")
		return path == "." || v.Origin.Path == path || strings.HasPrefix(v.Origin.Path, path+"/")
	}
	return e.Workload != "" && matches(e.Workload, v.Object)
}

// matches compares NAMESPACE/KIND/NAME, of which each part may be *.
func matches(pattern, name string) bool {
	p, n := strings.Split(pattern, "/"), strings.Split(name, "/")
	if len(p) == 2 {
		p = append([]string{""}, p...)
	}
	if len(n) == 2 {
		n = append([]string{""}, n...)
	}
	if len(p) != 3 || len(n) != 3 {
		return false
	}
	for i := range p {
		if p[i] != "*" && p[i] != n[i] {
			return false
		}
	}
	return true
}

// register is the exception register: what the policy excludes, and what comments excuse.
func (w *world) register() []planner.Exception {
	list := []planner.Exception{}
	for _, e := range w.Policy.Exclude {
		what := cmp.Or(e.Workload, e.Path)
		if e.Code != "" {
			what += " (" + e.Code + ")"
		}
		x := planner.Exception{What: what, Reason: e.Reason, By: e.By, Expired: w.over(e.Expires)}
		if !e.Expires.IsZero() {
			x.Expires = e.Expires.Format("2006-01-02")
		}
		list = append(list, x)
	}
	list = append(list, planner.Commented(Exceptions(w.Suppressions), w.Policy.Now)...)
	slices.SortStableFunc(list, func(a, b planner.Exception) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}
