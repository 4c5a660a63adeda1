package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// markdown writes the report for tickets and pull requests.
type markdown struct{ w *bufio.Writer }

func (m markdown) line(format string, args ...any) { fmt.Fprintf(m.w, format+"\n", args...) }

// row writes a table row; its cells are Markdown already.
func (m markdown) row(cells ...string) { m.line("| %s |", strings.Join(cells, " | ")) }

func (m markdown) head(cells ...string) {
	m.row(cells...)
	m.line("|%s", strings.Repeat(" --- |", len(cells)))
}

// Markdown writes the report for a ticket. Whatever comes from a manifest stands in code: it mentions nobody and links
// nowhere.
func Markdown(w io.Writer, r *Report) error {
	m := markdown{bufio.NewWriter(w)}
	m.line("# Service account keys out of GKE\n")
	m.line("**%s**\n", r.Headline)
	if r.PlanID != "" {
		m.line("Plan %s  ", mdCode(r.PlanID))
	}
	if r.Commit != "" {
		m.line("Made from commit %s  ", mdCode(r.Commit))
	}
	if r.Approval != (Approval{}) {
		m.line("Ticket %s, approver %s, window %s  ", mdCode(r.Approval.Ticket), mdCode(r.Approval.Approver), mdCode(r.Approval.Window))
	}
	m.line("")
	m.holds(r)
	m.gaps(r)
	m.summary(r)
	m.prerequisites(r)
	m.moves(r)
	m.findings(r)
	m.keys(r)
	m.serviceAccounts(r)
	m.exceptions(r)
	m.cleanup(r)
	m.codes(r)
	return m.w.Flush()
}

func (m markdown) holds(r *Report) {
	if len(r.Holds) == 0 {
		return
	}
	m.line("## Held: %d\n", len(r.Holds))
	m.head("workload", "code", "why", "question", "answer", "where")
	for _, h := range r.Holds {
		where := ""
		if h.At != nil {
			where = h.At.Text
		} else if len(h.Findings) > 0 {
			where = placeText(h.Findings[0].Places)
		}
		m.row(mdCode(h.Workload.Text), mdCode(h.Code), mdProse(h.Reason), mdProse(h.Ask), mdCodeLines(h.Answer), mdCode(where))
	}
	m.line("")
}

func (m markdown) gaps(r *Report) {
	if len(r.Gaps) == 0 {
		return
	}
	m.line("## Not seen: %d\n", len(r.Gaps))
	m.head("what", "why", "source")
	for _, g := range r.Gaps {
		m.row(mdCode(g.What), mdProse(g.Why), mdCode(g.Source))
	}
	m.line("")
}

func (m markdown) summary(r *Report) {
	if r.From == "inventory" {
		return
	}
	c := r.Counts
	m.line("## Summary\n")
	m.head("workloads", "move", "held", "keys", "ready to delete", "grants", "files", "risk")
	m.row(thousands(c.Workloads), thousands(c.Moved), thousands(c.Held), thousands(c.Keys), thousands(c.KeysReady), thousands(c.Grants), thousands(c.Files), r.Risk.Level)
	m.line("")
	for _, sentence := range changes(r) {
		m.line("- %s", mdProse(sentence))
	}
	m.line("")
	if len(r.Dates) > 0 {
		m.head("step", "when", "way back")
		for _, d := range r.Dates {
			m.row(d.Step, joinNonEmpty(" ", d.Day, mdProse(d.Rule), mdProse(d.Done)), mdProse(d.Undo))
		}
		m.line("")
	}
	m.done(r)
	if len(r.Risk.Reasons) > 0 {
		m.line("### What can go wrong\n")
		m.head("risk", "workloads", "code", "what", "what to do")
		for _, reason := range r.Risk.Reasons {
			m.row(reason.Level, thousands(reason.Count), mdCode(reason.Code), mdProse(reason.What), mdProse(reason.Do))
		}
		m.line("")
	}
}

// done is what the evidence says was done.
func (m markdown) done(r *Report) {
	if len(r.Done) == 0 {
		return
	}
	m.line("### What was done: %d\n", len(r.Done))
	m.head("when", "what", "of", "record")
	for _, d := range r.Done {
		m.row(d.At(), d.What, mdCode(d.Object), mdCode(d.Record))
	}
	m.line("")
}

func (m markdown) prerequisites(r *Report) {
	if len(r.Prerequisites) == 0 {
		return
	}
	m.line("## First: prerequisites\n")
	for _, p := range r.Prerequisites {
		m.line("### %s: %s\n", mdCode(p.Code), mdCode(p.Target))
		m.line("%s\n", mdProse(p.Why))
		if len(p.Commands) > 0 {
			m.line("%s", mdFence("sh", strings.Join(p.Commands, "\n")))
		}
		for _, effect := range p.Effects {
			m.line("- also hits %s", mdProse(effect))
		}
		m.line("")
	}
}

func (m markdown) moves(r *Report) {
	for _, wave := range r.Waves {
		if len(wave.Moves) == 0 {
			continue
		}
		title := "Moves"
		if wave.Name != "" {
			title = "Wave " + mdCode(wave.Name)
		}
		m.line("## %s: %d\n", title, len(wave.Moves))
		if wave.Why != "" {
			m.line("%s\n", mdProse(wave.Why))
		}
		m.head("workload", "service account", "acts as", "notices", "where")
		for _, move := range wave.Moves {
			after := mdCode(move.After)
			if move.Before != move.After {
				after = mdCode(move.Before) + " → " + after
			}
			if move.Create {
				after += " (new)"
			}
			var codes []string
			for _, code := range codesOfMove(move) {
				codes = append(codes, mdCode(code))
			}
			m.row(mdCode(move.Workload.Text), after, mdCode(move.Account), strings.Join(codes, " "), mdCode(move.Place.Text))
		}
		m.line("")
		m.grants(wave)
		m.moveNotices(wave)
	}
	if len(r.Notices) > 0 {
		m.line("## Others who are concerned\n")
		m.head("object", "code", "what")
		for _, n := range r.Notices {
			m.row(mdCode(n.Object), mdCode(n.Code), mdProse(n.Text))
		}
		m.line("")
	}
}

func (m markdown) grants(wave Wave) {
	any := false
	for _, move := range wave.Moves {
		for _, g := range move.Grants {
			if !any {
				m.line("Grants that must be there before the merge:\n")
				m.head("on", "role", "to")
				any = true
			}
			state := ""
			if g.Exists {
				state = " (there already)"
			}
			m.row(mdCode(g.Resource), mdCode(g.Role)+state, mdCode(g.Member))
		}
	}
	if any {
		m.line("")
	}
}

func (m markdown) moveNotices(wave Wave) {
	any := false
	for _, move := range wave.Moves {
		for _, n := range move.Notices {
			if !any {
				m.line("Notices:\n")
				any = true
			}
			m.line("- %s %s: %s", mdCode(move.Workload.Text), mdCode(n.Code), mdProse(n.Text))
		}
	}
	if any {
		m.line("")
	}
}

func (m markdown) findings(r *Report) {
	if r.From != "inventory" || len(r.Findings) == 0 {
		return
	}
	m.line("## Found: %d\n", len(r.Findings))
	m.head("workload", "container", "via", "named", "secret", "account", "where")
	for _, f := range r.Findings {
		m.row(mdCode(f.Workload.Text), mdCode(f.Container), mdCode(f.Via), mdCode(f.Named), mdCode(f.Secret), mdCode(f.Email), mdCode(placeText(f.Places)))
	}
	m.line("")
}

func (m markdown) keys(r *Report) {
	if len(r.Keys) == 0 {
		return
	}
	m.line("## Keys: %d\n", len(r.Keys))
	m.head("key", "account", "verdict", "use", "created", "copies", "consumers", "that move", "blocked by")
	for _, k := range r.Keys {
		var blockers []string
		for _, b := range k.Blockers {
			blockers = append(blockers, mdCode(b.Code)+" "+mdProse(b.What))
		}
		state := strings.Join(blockers, "; ")
		if k.Ready {
			state = "nothing: ready"
		}
		m.row(mdCode(k.ID), mdCode(k.Email), mdCode(k.Verdict), joinNonEmpty(" ", mdCode(k.Use), k.LastUse), orDash(k.Created), thousands(len(k.Copies)), thousands(k.Consumers), thousands(k.Moved), orDash(state))
	}
	m.line("")
}

func (m markdown) serviceAccounts(r *Report) {
	if len(r.ServiceAccounts) == 0 {
		return
	}
	m.line("## Who runs as whom\n")
	const most = 20
	m.head("Kubernetes service account", "acts as", "after the change", "workloads")
	for _, s := range r.ServiceAccounts {
		name := mdCode(joinNonEmpty("/", s.Namespace, s.Name))
		if s.New {
			name += " (new)"
		}
		m.row(name, mdCode(s.Account), mdCode(s.Planned), strings.Join(s.whoRuns(most, mdCode), ", "))
	}
	m.line("")
}

func (m markdown) exceptions(r *Report) {
	if len(r.Exceptions) == 0 {
		return
	}
	m.line("## Exceptions\n")
	m.head("what", "until", "by", "why")
	for _, e := range r.Exceptions {
		until := mdCode(e.Expires)
		if e.Expired {
			until += " **expired**"
		}
		m.row(mdCode(e.What), until, mdProse(e.By), mdProse(e.Reason))
	}
	m.line("")
}

func (m markdown) cleanup(r *Report) {
	if len(r.Removals)+len(r.Manual) == 0 {
		return
	}
	m.line("## Afterwards, and by hand\n")
	m.head("where", "what", "why")
	for _, removal := range r.Removals {
		what := mdCode(removal.What)
		if removal.Key {
			what += " (holds key material: in no patch)"
		}
		m.row(mdCode(removal.Where), what, mdProse(removal.Why))
	}
	for _, manual := range r.Manual {
		m.row(mdCode(manual.Where), mdProse(manual.What), mdProse(manual.Why))
	}
	m.line("")
}

func (m markdown) codes(r *Report) {
	if len(r.Codes) == 0 {
		return
	}
	m.line("## What the codes mean\n")
	for _, c := range r.Codes {
		m.line("- %s (%s): %s %s **Do:** %s", mdCode(c.Code), c.Kind, mdProse(c.What), mdProse(c.Why), mdProse(c.Do))
	}
}
