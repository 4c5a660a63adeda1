package precondition

import (
	"fmt"
	"io"
	"strings"

	"dekey/scanner"
)

// headline is the verdict in one sentence.
func (r Result) headline() string {
	count := map[scanner.Tri]int{}
	for _, c := range r.Conditions {
		if c.Needed || c.Holds == scanner.Yes {
			count[c.Holds]++
		}
	}
	all := count[scanner.Yes] + count[scanner.No] + count[scanner.Unknown]
	switch {
	case !r.Go:
		return fmt.Sprintf("%s: may not go on. Of %d conditions %d do not hold and %d are unknown.", r.Step, all, count[scanner.No], count[scanner.Unknown])
	case !r.Complete():
		return fmt.Sprintf("%s: may go on. %d conditions hold; some could not be looked at, and the step can do without them.", r.Step, all)
	}
	return fmt.Sprintf("%s: may go on. %d conditions hold.", r.Step, all)
}

// order gives the conditions that stop the step first, then those that could not be looked at, then the others.
func (r Result) order() []Condition {
	var stop, unseen, fine []Condition
	for _, c := range r.Conditions {
		switch {
		case c.Holds == scanner.Yes:
			fine = append(fine, c)
		case c.Needed:
			stop = append(stop, c)
		default:
			unseen = append(unseen, c)
		}
	}
	return append(append(stop, unseen...), fine...)
}

// Text shows a result to people. What stops the step comes first.
func Text(w io.Writer, r Result) {
	fmt.Fprintf(w, "%s\n\n", r.headline())
	for _, c := range r.order() {
		fmt.Fprintf(w, "%-7s  %s  %s\n         %s\n", c.Holds, c.Code, c.Object, c.Reason)
		if c.Symptom != "" {
			fmt.Fprintf(w, "         pods see: dekey explain %s\n", c.Symptom)
		}
		if c.Do != "" {
			fmt.Fprintf(w, "         do: %s\n", c.Do)
		}
	}
	for _, l := range r.Left {
		fmt.Fprintf(w, "left     key %s of %s\n         %s\n", short(l.Key), l.Email, l.Why)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\n%s\n", n)
	}
}

// Markdown shows a result in a pull request or a job's summary.
func Markdown(w io.Writer, r Result) {
	fmt.Fprintf(w, "### dekey check: %s\n\n| holds | condition | object | seen | do |\n|---|---|---|---|---|\n", inline(r.headline()))
	for _, c := range r.order() {
		do := c.Do
		if c.Symptom != "" {
			do += " (pods see: " + c.Symptom + ")"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", c.Holds, c.Code, code(c.Object), inline(c.Reason), inline(do))
	}
	for _, l := range r.Left {
		fmt.Fprintf(w, "\nLeft alone: %s of %s: %s\n", code("key "+short(l.Key)), code(l.Email), inline(l.Why))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\n%s\n", inline(n))
	}
}

// inline writes text so that nothing in it is markup: no cell ends, no link, no mention.
func inline(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case strings.ContainsRune("|\\`*_{}[]<>()#+!~&@", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", "&#58;//")
}

func code(text string) string { return "<code>" + inline(text) + "</code>" }
