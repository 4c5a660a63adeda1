package report

import (
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// Compare says what changed between two scans or plans: keys gone and new, workloads moved, holds cleared. Something
// that is gone may only be unseen: new gaps and missing sources are said first.
func Compare(before, after Input) *Sheet {
	x, y := stateOf(before), stateOf(after)
	s := &Sheet{Title: "What changed"}
	for _, side := range []struct {
		name string
		in   Input
	}{{"old", before}, {"new", after}} {
		if side.in.Plan != nil {
			s.Basis = append(s.Basis, side.name+": plan "+Visible(side.in.Plan.ID))
		}
	}
	for _, source := range sortedKeys(x.sources) {
		if !y.sources[source] {
			s.Warnings = append(s.Warnings, fmt.Sprintf("source %s is not in the new one: what it had is not counted as gone", source))
		}
	}
	for _, gap := range sortedKeys(y.gaps) {
		if !x.gaps[gap] {
			s.Warnings = append(s.Warnings, gap)
		}
	}
	table := Table{Name: "changes", Head: []string{"change", "what", "detail"}}
	counts := map[string]int{}
	add := func(change, what, detail string) {
		table.Rows = append(table.Rows, []string{change, what, detail})
		counts[change]++
	}
	list := func(old, new map[string]string, gone, came string) {
		for _, key := range sortedKeys(new) {
			if _, ok := old[key]; !ok {
				add(came, key, new[key])
			}
		}
		for _, key := range sortedKeys(old) {
			if _, ok := new[key]; !ok && !x.only(key, y.sources) {
				add(gone, key, old[key])
			}
		}
	}
	// What got worse comes first.
	list(x.holds, y.holds, "hold cleared", "new hold")
	list(x.workloads, y.workloads, "workload keyless", "workload with a key")
	list(x.keys, y.keys, "key gone", "new key")
	list(x.moves, y.moves, "no longer planned", "planned")
	list(x.ready, y.ready, "no longer ready", "ready to delete")
	list(x.gapList(), y.gapList(), "gap closed", "new gap")
	order := []string{"new key", "workload with a key", "new hold", "new gap", "no longer ready", "no longer planned"}
	slices.SortStableFunc(table.Rows, func(a, b []string) int {
		rankOf := func(change string) int {
			if i := slices.Index(order, change); i >= 0 {
				return i
			}
			return len(order)
		}
		return rankOf(a[0]) - rankOf(b[0])
	})
	s.Tables = []Table{table}
	var parts []string
	for _, change := range slices.Concat(order, []string{"key gone", "workload keyless", "hold cleared", "planned", "ready to delete", "gap closed"}) {
		if n := counts[change]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", change, thousands(n)))
		}
	}
	if s.Headline = "Nothing changed."; len(s.Warnings) > 0 {
		s.Headline = "Nothing changed in what both of them saw."
	}
	if len(parts) > 0 {
		s.Headline = strings.Join(parts, ", ") + "."
	}
	return s
}

// A state is what two documents are compared by, each with a detail.
type state struct {
	keys, workloads, holds, moves, ready map[string]string
	gaps, sources                        map[string]bool
	from                                 map[string]map[string]bool // the sources of a key or workload
}

func stateOf(in Input) *state {
	s := &state{keys: map[string]string{}, workloads: map[string]string{}, holds: map[string]string{}, moves: map[string]string{}, ready: map[string]string{}, gaps: map[string]bool{}, sources: map[string]bool{}, from: map[string]map[string]bool{}}
	r := New(in)
	for _, source := range r.Sources {
		s.sources[source.ID] = true
	}
	for _, gap := range r.Gaps {
		s.gaps[gap.What+": "+gap.Why] = true
	}
	seen := func(key, source string) {
		if s.from[key] == nil {
			s.from[key] = map[string]bool{}
		}
		s.from[key][source] = true
	}
	for _, f := range r.Findings {
		s.workloads[f.Workload.Text] = joinNonEmpty(", ", s.workloads[f.Workload.Text], f.Via+" "+f.Secret)
		for _, place := range f.Places {
			seen(f.Workload.Text, place.Source)
		}
	}
	var keys []scanner.Key
	if in.Plan != nil {
		keys = in.Plan.Keys
	} else if in.Inventory != nil {
		keys = in.Inventory.Keys
	}
	for _, key := range keys {
		id := short(key.ID)
		s.keys[id] = joinNonEmpty(", ", Visible(key.Email), joinNonEmpty(" ", fmt.Sprint(len(key.Copies)), either(len(key.Copies), "copy", "copies")))
		for _, c := range key.Copies {
			seen(id, Visible(c.Origin.Source))
		}
	}
	for _, hold := range r.Holds {
		key := hold.Workload.Text + " " + hold.Code
		s.holds[key] = hold.Reason
		for _, f := range hold.Findings {
			for _, place := range f.Places {
				seen(key, place.Source)
			}
		}
	}
	for _, move := range r.Moves {
		s.moves[move.Workload.Text] = "as " + move.Account
	}
	for _, key := range r.Keys {
		if key.Ready {
			s.ready[key.ID+" "+key.Email] = ""
		}
	}
	return s
}

func (s *state) gapList() map[string]string {
	list := map[string]string{}
	for gap := range s.gaps {
		list[gap] = ""
	}
	return list
}

// only says that a thing was seen in no source that the other side has too: that it is gone is not known.
func (s *state) only(key string, sources map[string]bool) bool {
	from := s.from[key]
	if len(from) == 0 {
		return false
	}
	for source := range from {
		if sources[source] {
			return false
		}
	}
	return true
}
