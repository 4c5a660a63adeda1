package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/planner/explain"
)

// A view is a Report with what only the page shows.
type view struct {
	R                              *Report
	Title                          string
	Nav                            []link
	TopHolds                       []Hold
	HoldGroups                     []holdGroup
	TopGaps                        []Gap
	TopRisks                       []Reason
	MoreHolds, MoreGaps, MoreRisks int
	NoRisk                         string
	Changes, Hit                   []string
	Spaces                         []space
	Picture                        *Picture
	Changed                        []changedAccess
	Scripts                        []scriptView

	Uses []Finding // of an inventory alone

	anchors map[string]string
}

// A changedAccess is access that changes, with what the move says about it.
type changedAccess struct {
	Access
	Asserted bool
	Codes    []string
}

type link struct{ ID, Label string }

type space struct{ Name, Text string }

type scriptView struct {
	Script
	Cut int
}

func viewOf(r *Report) *view {
	v := &view{R: r, Title: "Service account keys out of GKE", Picture: pictureOf(r), anchors: map[string]string{}}
	if r.PlanID != "" {
		v.Title += ", plan " + r.PlanID
	}
	v.groupHolds()
	v.TopGaps, v.MoreGaps = top(r.Gaps, 3)
	v.TopRisks, v.MoreRisks = top(r.Risk.Reasons, 3)
	v.NoRisk = "Nothing moves in this document."
	if r.PlanID == "" {
		v.NoRisk = "Nothing changes by this document. What is at risk are the keys: whoever has a copy of one is that account, until somebody deletes it."
	} else if len(r.Moves) > 0 {
		v.NoRisk = "No notice was raised. The keys stay valid until they are disabled, so a revert is always possible before that."
	}
	moves := make(map[string]*Move, len(r.Moves))
	for _, move := range r.Moves {
		v.anchors[move.ID] = move.Anchor
		moves[move.Workload.Text] = move
	}
	for _, a := range r.Access {
		if len(a.Gained)+len(a.Lost) > 0 {
			changed := changedAccess{Access: a}
			if move := moves[a.Workload.Text]; move != nil {
				changed.Asserted, changed.Codes = move.Asserted, codesOfMove(move)
			}
			v.Changed = append(v.Changed, changed)
		}
	}
	v.Changes = changes(r)
	v.Hit, v.Spaces = hit(r)
	if r.From == "inventory" {
		v.Uses = r.Findings
	}
	for _, script := range r.Scripts {
		v.Scripts = append(v.Scripts, scriptView{Script: script})
	}
	v.nav()
	return v
}

// A holdGroup is the holds of one code on the first page.
type holdGroup struct {
	Code, What, Who string
	Count           int
}

// groupHolds shows few holds one by one, and many by code.
func (v *view) groupHolds() {
	if len(v.R.Holds) <= 3 {
		v.TopHolds = v.R.Holds
		return
	}
	groups := map[string]*holdGroup{}
	who := map[string][]string{}
	for _, hold := range v.R.Holds {
		if groups[hold.Code] == nil {
			groups[hold.Code] = &holdGroup{Code: hold.Code}
			if text, ok := explain.Lookup(hold.Code); ok {
				groups[hold.Code].What = text.What
			}
		}
		groups[hold.Code].Count++
		if len(who[hold.Code]) < 3 {
			who[hold.Code] = append(who[hold.Code], hold.Workload.Short())
		}
	}
	list := make([]holdGroup, 0, len(groups))
	for _, code := range sortedKeys(groups) {
		group := groups[code]
		group.Who = strings.Join(who[code], ", ")
		if more := group.Count - len(who[code]); more > 0 {
			group.Who += fmt.Sprintf(" and %s more", thousands(more))
		}
		list = append(list, *group)
	}
	slices.SortStableFunc(list, func(x, y holdGroup) int { return cmp.Compare(y.Count, x.Count) })
	v.HoldGroups, v.MoreHolds = top(list, 4)
}

func top[T any](list []T, n int) ([]T, int) {
	if len(list) <= n {
		return list, 0
	}
	return list[:n], len(list) - n
}

func (v *view) nav() {
	r := v.R
	for _, entry := range []struct {
		id, label string
		n         int
	}{
		{"summary", "Summary", 1}, {"holds", "Holds", len(r.Holds)}, {"gaps", "Not seen", len(r.Gaps)}, {"access", "Access", len(r.Access)},
		{"risks", "Risks", len(r.Risk.Reasons) + len(r.Notices)}, {"prerequisites", "First", len(r.Prerequisites)},
		{"uses", "Uses", len(v.Uses)}, {"workloads", "Workloads", len(r.Moves)},
		{"w1", "Waves", len(r.Waves)}, {"finished", "Done", len(r.Done)}, {"keys", "Keys", len(r.Keys)}, {"accounts", "Service accounts", len(r.ServiceAccounts)},
		{"exceptions", "Exceptions", len(r.Exceptions)}, {"commands", "Commands", len(v.Scripts)}, {"codes", "Codes", len(r.Codes)},
	} {
		if entry.n > 0 {
			v.Nav = append(v.Nav, link{entry.id, entry.label})
		}
	}
}

// changes says what changes, in sentences.
func changes(r *Report) []string {
	c := r.Counts
	if r.From == "inventory" {
		return []string{
			fmt.Sprintf("Nothing yet: this is what was found. %s use %s in %s.", count(c.Workloads, "workload"), count(c.Keys, "key"), count(c.Findings, "place")),
			"dekey plan decides what can move.",
		}
	}
	if c.Moved == 0 {
		return []string{"Nothing: no workload can move yet. The holds say what would change that."}
	}
	list := []string{fmt.Sprintf("%s no longer %s a key file and %s as the same Google account through Workload Identity Federation for GKE.",
		count(c.Moved, "workload"), either(c.Moved, "reads", "read"), either(c.Moved, "acts", "act"))}
	if c.Asserted > 0 {
		list = append(list, fmt.Sprintf("For %s of them somebody named the account by hand: nothing that was read shows it.", thousands(c.Asserted)))
	}
	if r.From == "changeset" {
		list = append(list, fmt.Sprintf("%s in %s, after %s.", edited(c.Files), "one pull request or more", count(c.Grants, "grant")))
	} else {
		list = append(list, fmt.Sprintf("%s must be there first.", count(c.Grants, "grant")))
	}
	created := 0
	for _, s := range r.ServiceAccounts {
		created += rank(s.New)
	}
	if created > 0 {
		list = append(list, fmt.Sprintf("%s created.", count(created, "Kubernetes service account")+" "+either(created, "is", "are")))
	}
	list = append(list, fmt.Sprintf("No key is touched by the merge. Of %s, %s could be deleted on today's evidence.", count(c.Keys, "key"), thousands(c.KeysReady)))
	return list
}

func edited(n int) string {
	return count(n, "file") + " " + either(n, "is", "are") + " edited or added"
}

// hit says who is hit: namespaces by the number of their workloads, and those who are hit by prerequisites.
func hit(r *Report) ([]string, []space) {
	type tally struct {
		name       string
		move, held int
	}
	byName := map[string]*tally{}
	get := func(name string) *tally {
		if name == "" {
			name = "(namespace unknown)"
		}
		if byName[name] == nil {
			byName[name] = &tally{name: name}
		}
		return byName[name]
	}
	recreate := 0
	for _, move := range r.Moves {
		get(move.Workload.Namespace).move++
		recreate += rank(move.Recreate)
	}
	heldWorkloads := map[string]bool{}
	for _, hold := range r.Holds {
		if !heldWorkloads[hold.Workload.Text] {
			heldWorkloads[hold.Workload.Text] = true
			get(hold.Workload.Namespace).held++
		}
	}
	if r.From == "inventory" {
		seen := map[string]bool{}
		for _, f := range r.Findings {
			if !seen[f.Workload.Text] {
				seen[f.Workload.Text] = true
				get(f.Workload.Namespace).move++
			}
		}
	}
	list := make([]*tally, 0, len(byName))
	for _, name := range sortedKeys(byName) {
		list = append(list, byName[name])
	}
	slices.SortStableFunc(list, func(x, y *tally) int { return cmp.Compare(y.move+y.held, x.move+x.held) })
	var sentences []string
	if len(r.Moves) > 0 {
		sentences = append(sentences, fmt.Sprintf("Pods of %s are replaced by the roll-out.", count(len(r.Moves), "workload")))
	}
	if recreate > 0 {
		sentences = append(sentences, fmt.Sprintf("%s must be deleted and created again.", count(recreate, "immutable object")))
	}
	effects := 0
	for _, p := range r.Prerequisites {
		effects += len(p.Effects)
	}
	if effects > 0 {
		sentences = append(sentences, fmt.Sprintf("Prerequisites hit %s besides.", count(effects, "other")))
	}
	var spaces []space
	shown, more := top(list, 5)
	for _, t := range shown {
		var parts []string
		if r.From == "inventory" {
			parts = append(parts, count(t.move, "workload"))
		} else {
			if t.move > 0 {
				parts = append(parts, count(t.move, "move"))
			}
			if t.held > 0 {
				parts = append(parts, thousands(t.held)+" held")
			}
		}
		spaces = append(spaces, space{t.name, strings.Join(parts, ", ")})
	}
	if more > 0 {
		spaces = append(spaces, space{fmt.Sprintf("and %s", count(more, "more namespace")), ""})
	}
	return sentences, spaces
}

// cutScripts cuts what would make the page too long.
func (v *view) cutScripts(size int64) {
	left := int(size)
	for i, script := range v.R.Scripts {
		shown := script
		if len(script.Text) > left {
			shown.Text = script.Text[:max(0, left)]
			shown.Text = shown.Text[:strings.LastIndexByte(shown.Text, '\n')+1]
		}
		left -= len(shown.Text)
		v.Scripts[i] = scriptView{Script: shown, Cut: len(script.Text) - len(shown.Text)}
	}
}
