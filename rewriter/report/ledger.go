package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"dekey/scanner"
)

// An Entry is one inventory of a ledger. Name says when or where it was made; the caller puts entries in order.
type Entry struct {
	Name      string
	Inventory *scanner.Inventory
}

// Ledger counts keys over inventories in time: how many are left, how old the oldest is, which are new, and who holds
// each up. A key that is missing from one inventory and back in the next counts as new then. One that is missing from an
// inventory with gaps may be there, unseen: it is not called gone. A Secret in use whose key nobody has read is a key, too,
// and counted beside them: a checkout alone often has no other.
func Ledger(entries []Entry) *Sheet {
	s := &Sheet{Title: "Ledger of keys", Chart: &Chart{Title: "Keys left"}}
	points := Table{Name: "ledger", Head: []string{"inventory", "keys", "new", "gone", "uses", "workloads", "oldest key", "gaps", "not read"}}
	left := Table{Name: "keys", Head: []string{"key", "account", "since", "created", "copies", "held up by"}}
	var previous map[string]bool
	notRead := 0 // in the last one
	since := map[string]string{}
	for _, entry := range entries {
		name := Visible(entry.Name)
		current := map[string]bool{}
		fresh, gone := 0, 0
		for _, key := range entry.Inventory.Keys {
			current[key.ID] = true
			if !previous[key.ID] {
				since[key.ID] = name
				fresh++
			}
		}
		for id := range previous {
			if !current[id] {
				gone++
			}
		}
		if previous == nil {
			fresh = 0
		}
		workloads, unread := map[string]bool{}, map[scanner.Holder]bool{}
		for _, f := range entry.Inventory.Findings {
			workloads[f.Workload.String()] = true
			if f.Key == "" {
				unread[f.Secret] = true
			}
		}
		points.Rows = append(points.Rows, []string{
			name, fmt.Sprint(len(current)), fmt.Sprint(fresh), goneText(gone, len(entry.Inventory.Gaps)), fmt.Sprint(len(entry.Inventory.Findings)), fmt.Sprint(len(workloads)),
			oldest(entry.Inventory), fmt.Sprint(len(entry.Inventory.Gaps)), fmt.Sprint(len(unread)),
		})
		s.Chart.Labels, s.Chart.Values = append(s.Chart.Labels, name), append(s.Chart.Values, len(current)+len(unread))
		if notRead = len(unread); notRead > 0 {
			s.Chart.Title = "Keys left, and Secrets in use whose key was not read"
		}
		previous = current
	}
	if len(entries) == 0 {
		s.Headline, s.Chart = "No inventory was given.", nil
		return s
	}
	last := entries[len(entries)-1].Inventory
	left.Rows = keysLeft(last, since)
	for _, gap := range last.Gaps {
		s.Warnings = append(s.Warnings, Visible(gap.What+": "+gap.Why))
	}
	s.Tables = []Table{points, left}
	s.Headline = fmt.Sprintf("%s left of %s at the start.", count(len(last.Keys), "key"), points.Rows[0][1])
	if notRead > 0 {
		s.Headline += fmt.Sprintf(" %s in use %s a key that was not read.", count(notRead, "Secret"), either(notRead, "has", "have"))
	}
	if n := len(last.Gaps); n > 0 {
		s.Headline = fmt.Sprintf("At least %s", s.Headline)
	}
	if n := points.Rows[len(points.Rows)-1][2]; n != "0" {
		s.Headline = fmt.Sprintf("%s new since the inventory before. %s", n, s.Headline)
	}
	return s
}

// goneText counts keys that an inventory no longer has.
func goneText(n, gaps int) string {
	if n > 0 && gaps > 0 {
		return fmt.Sprintf("%d, or unseen", n)
	}
	return fmt.Sprint(n)
}

func oldest(inv *scanner.Inventory) string {
	var first time.Time
	unknown := len(inv.Keys)
	for _, fact := range inv.KeyFacts {
		if fact.Created.IsZero() {
			continue
		}
		unknown--
		if first.IsZero() || fact.Created.Before(first) {
			first = fact.Created
		}
	}
	switch {
	case first.IsZero() && len(inv.Keys) > 0:
		return "unknown"
	case unknown > 0:
		return fmt.Sprintf("%s (age of %s unknown)", day(first), thousands(unknown))
	}
	return day(first)
}

func keysLeft(inv *scanner.Inventory, since map[string]string) [][]string {
	created := map[string]time.Time{}
	for _, fact := range inv.KeyFacts {
		created[fact.Key] = fact.Created
	}
	users := map[string][]string{}
	for _, f := range inv.Findings {
		if f.Key != "" {
			users[f.Key] = append(users[f.Key], Visible(f.Workload.String()))
		}
	}
	keys := slices.Clone(inv.Keys)
	slices.SortFunc(keys, func(a, b scanner.Key) int {
		return cmp.Or(rank(created[a.ID].IsZero())-rank(created[b.ID].IsZero()), created[a.ID].Compare(created[b.ID]), strings.Compare(a.ID, b.ID))
	})
	rows := make([][]string, 0, len(keys))
	for _, key := range keys {
		list := users[key.ID]
		slices.Sort(list)
		list = slices.Compact(list)
		shown, more := top(list, 5)
		text := strings.Join(shown, ", ")
		if more > 0 {
			text += fmt.Sprintf(" and %s more", thousands(more))
		}
		if text == "" {
			text = "nobody that was seen"
		}
		rows = append(rows, []string{short(key.ID), Visible(key.Email), since[key.ID], orDash(day(created[key.ID])), fmt.Sprint(len(key.Copies)), text})
	}
	return rows
}
