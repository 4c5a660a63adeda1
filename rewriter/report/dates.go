package report

import (
	"fmt"
	"time"
)

// spread is how long a grant may take to be seen everywhere.
// https://docs.cloud.google.com/iam/docs/access-change-propagation
const spreadMinutes = 7

// datesOf are the three dates of the change: rules, days where the day of the merge or the evidence gives them, and how
// far each step has come.
func datesOf(in Input) []Date {
	if in.Plan == nil || len(in.Plan.Moves) == 0 {
		return nil
	}
	soak := in.Plan.Soak
	disable, longest := soak.Disable, ""
	grants, keys := map[string]bool{}, 0
	for _, move := range in.Plan.Moves {
		// A consumer must have run at least once without the key: its longest period and two days.
		if days := int((move.Period+86399)/86400) + 2; move.Period > 0 && days > disable {
			disable, longest = days, fmt.Sprintf(" (the schedule of %s)", Visible(move.Workload.String()))
		}
		for _, g := range move.Grants {
			grants[g.Role+"\x00"+g.Resource+"\x00"+g.Member] = true
		}
	}
	for _, r := range in.Plan.Retirements {
		if r.Key != "" {
			keys++
		}
	}
	dates := []Date{
		{Step: "merge", Rule: fmt.Sprintf("Not before %d minutes after 1-grant.sh has run: grants need time to spread.", spreadMinutes), Undo: "Revert the merge. The keys still work."},
		{Step: "disable", Rule: fmt.Sprintf("Not before %s after the last workload's cut-over%s, with evidence that nobody used the keys since.", count(disable, "day"), longest), Undo: "rollback.sh disable enables the keys again."},
		{Step: "delete", Rule: fmt.Sprintf("Not before %s after the keys were disabled.", count(soak.Delete, "day")), Undo: "None: a deleted key can not come back."},
	}
	granted, cut := doneBy(in.Done, "granted", len(grants)), doneBy(in.Done, "cut over", len(in.Plan.Moves))
	disabled, deleted := doneBy(in.Done, "disabled", keys), doneBy(in.Done, "deleted", keys)
	dates[0].Done = joinNonEmpty(" ", granted.text("grant", "read back"), cut.text("workload", "cut over"))
	dates[1].Done, dates[2].Done = disabled.text("key", "disabled"), deleted.text("key", "deleted")

	if !in.Merge.IsZero() {
		dates[0].Day = day(in.Merge)
		dates[1].Day = day(in.Merge.AddDate(0, 0, disable))
		dates[2].Day = day(in.Merge.AddDate(0, 0, disable+soak.Delete))
	}
	// What was seen stands before what was meant.
	if cut.all() {
		dates[0].Day = day(cut.last)
		dates[1].Day = day(cut.last.AddDate(0, 0, disable))
		dates[2].Day = day(cut.last.AddDate(0, 0, disable+soak.Delete))
	}
	if disabled.all() {
		dates[1].Day = day(disabled.last)
		dates[2].Day = day(disabled.last.AddDate(0, 0, soak.Delete))
	}
	if deleted.all() {
		dates[2].Day = day(deleted.last)
	}
	return dates
}

// A tally is how much of a step the evidence shows, and when the last of it was.
type tally struct {
	done, of int
	last     time.Time
}

func doneBy(list []Done, what string, of int) tally {
	t := tally{of: of}
	for _, d := range list {
		if d.What != what {
			continue
		}
		t.done++
		if d.Time.After(t.last) {
			t.last = d.Time
		}
	}
	return t
}

func (t tally) all() bool { return t.of > 0 && t.done >= t.of }

func (t tally) text(noun, what string) string {
	if t.done == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %s %s, the last at %s.", t.done, count(t.of, noun), what, minute(t.last))
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// At is the minute, in UTC.
func (d Done) At() string { return minute(d.Time) }

// doneOf is what was done, safe to print.
func doneOf(in Input) []Done {
	list := make([]Done, 0, len(in.Done))
	for _, d := range in.Done {
		d.Object, d.Record, d.Time = Visible(d.Object), Visible(d.Record), d.Time.UTC()
		list = append(list, d)
	}
	return list
}
