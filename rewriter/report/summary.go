package report

import (
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/planner/explain"
)

func (b *builder) count(r *Report) {
	c := &r.Counts
	workloads, held, namespaces := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, f := range r.Findings {
		workloads[f.Workload.Text] = true
		namespaces[f.Workload.Namespace] = true
	}
	for _, hold := range r.Holds {
		workloads[hold.Workload.Text] = true
		held[hold.Workload.Text] = true
	}
	for _, move := range r.Moves {
		workloads[move.Workload.Text] = true
		c.Asserted += rank(move.Asserted)
		for _, grant := range move.Grants {
			c.Grants += rank(!grant.Exists)
		}
	}
	for _, key := range r.Keys {
		c.KeysReady += rank(key.Ready)
	}
	for _, account := range r.Accounts {
		c.Grants += len(account.Grants)
	}
	if b.in.Changeset != nil {
		for _, file := range b.in.Changeset.Files {
			c.Files += rank(file.Stage != "cleanup")
		}
	}
	c.Workloads, c.Held, c.Moved = len(workloads), len(held), len(r.Moves)
	c.Findings, c.Keys, c.Gaps, c.Namespaces = len(r.Findings), len(r.Keys), len(r.Gaps), len(namespaces)
	c.Prerequisites = len(r.Prerequisites)
}

// headline is the first sentence: what was held and what was not seen come before anything else.
func headline(r *Report) string {
	c := r.Counts
	var parts []string
	switch {
	case r.From == "inventory":
	case c.Held == 0:
		parts = append(parts, "No workload is held")
	default:
		parts = append(parts, fmt.Sprintf("%s of %s %s held", thousands(c.Held), count(c.Workloads, "workload"), isAre(c.Held)))
	}
	if c.Gaps > 0 {
		parts = append(parts, fmt.Sprintf("%s could not be read", count(c.Gaps, "place")))
	}
	if r.From == "inventory" {
		parts = append(parts, fmt.Sprintf("%s of %s in %s found", count(c.Findings, "use"), count(c.Keys, "key"), count(c.Workloads, "workload")))
	} else {
		parts = append(parts, thousands(c.Moved)+" can move")
	}
	return strings.Join(parts, ", ") + "."
}

func isAre(n int) string { return either(n, "is", "are") }

func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// count is a number with its noun.
func count(n int, noun string) string {
	return fmt.Sprintf("%s %s", thousands(n), either(n, noun, noun+"s"))
}

// thousands writes a number as people read it: 20,000.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// levels are the notices that make a change more than routine. What is not here is low.
var levels = map[string]string{
	planner.NoticeAccountAsserted:            "high",
	planner.NoticeAnswered:                   "high",
	planner.NoticeMeshIdentity:               "high",
	planner.NoticeNetworkPolicy:              "high",
	planner.NoticeServiceAccountSharedUnseen: "high",
	planner.NoticeSigning:                    "high",
	planner.NoticeControllerIdentity:         "high",
	planner.NoticeProjectedToken:             "high",
	planner.NoticeSplitAccount:               "high",
	planner.NoticeTokenSecret:                "medium",
	planner.NoticeLongSubject:                "medium",
	planner.NoticeDrift:                      "medium",
	planner.NoticeRBACUnseen:                 "medium",
	planner.NoticeIdentitySameness:           "medium",
	planner.NoticeStartUpRace:                "medium",
	planner.NoticeRecreate:                   "medium",
	planner.NoticeProjectDiffers:             "medium",
	planner.NoticeContainerIdentity:          "medium",
	planner.NoticeBindingUnverified:          "medium",
	planner.NoticeOverPrivileged:             "medium",
	planner.NoticeOverBroadGrant:             "medium",
	planner.NoticePolicyUntrusted:            "medium",
	planner.NoticeServiceAccountUnread:       "medium",
}

// riskOf says what can go wrong: the notices of the moves by weight and number, prerequisites that hit others, and
// what was not seen.
func riskOf(r *Report) Risk {
	risk := Risk{Level: "low", Reasons: []Reason{}}
	if len(r.Moves) == 0 {
		risk.Level = "none"
		return risk
	}
	counts := map[string]int{}
	for _, move := range r.Moves {
		seen := map[string]bool{}
		for _, notice := range move.Notices {
			if !seen[notice.Code] {
				seen[notice.Code] = true
				counts[notice.Code]++
			}
		}
	}
	for _, notice := range r.Notices {
		counts[notice.Code]++
	}
	for _, code := range sortedKeys(counts) {
		reason := Reason{Code: code, Level: levels[code], Count: counts[code]}
		if reason.Level == "" {
			reason.Level = "low"
		}
		if text, ok := explain.Lookup(code); ok {
			reason.What, reason.Do = text.What, text.Do
		}
		risk.Reasons = append(risk.Reasons, reason)
	}
	effects := 0
	for _, p := range r.Prerequisites {
		effects += len(p.Effects)
	}
	if effects > 0 {
		risk.Reasons = append(risk.Reasons, Reason{Code: "prerequisite", Level: "high", Count: effects, What: "A prerequisite changes something for others too.", Do: "Read the prerequisites and who else they hit."})
	}
	if len(r.Gaps) > 0 {
		risk.Reasons = append(risk.Reasons, Reason{Code: "gap", Level: "medium", Count: len(r.Gaps), What: "Something that should have been readable was not: keys or their users may be there.", Do: "Close the gaps before keys are disabled."})
	}
	order := []string{"high", "medium", "low"}
	slices.SortStableFunc(risk.Reasons, func(x, y Reason) int {
		if d := slices.Index(order, x.Level) - slices.Index(order, y.Level); d != 0 {
			return d
		}
		return y.Count - x.Count
	})
	if len(risk.Reasons) > 0 {
		risk.Level = risk.Reasons[0].Level
	}
	return risk
}

// codesOf explains every code that the report shows, holds first.
func codesOf(r *Report) []Code {
	seen := map[string]bool{}
	for _, hold := range r.Holds {
		seen[hold.Code] = true
	}
	if len(r.Gaps) > 0 {
		seen["gap"] = true
	}
	for _, reason := range r.Risk.Reasons {
		seen[reason.Code] = true
	}
	for _, key := range r.Keys {
		seen[key.Verdict], seen[key.Use] = true, true
		for _, blocker := range key.Blockers {
			seen[blocker.Code] = true
		}
	}
	for _, p := range r.Prerequisites {
		seen[p.Code] = true
	}
	for _, f := range r.Findings {
		seen[f.Via] = true
	}
	var list []Code
	for _, text := range explain.All() {
		if seen[text.Code] {
			list = append(list, Code{Code: text.Code, Kind: string(text.Kind), What: text.What, Why: text.Why, Do: text.Do, Source: text.Source})
		}
	}
	return list
}
