package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
)

// A builder turns documents into a Report. It looks everything up by maps that are made once, so that the time is
// linear in the documents.
type builder struct {
	in       Input
	findings map[string]Finding
	steps    map[string][]rewriter.Step // by move
	hunks    map[string][]Hunk          // by move
	moveOf   map[string]string          // finding to move
	holdOf   map[string]string          // finding to code
	several  bool                       // several checkouts: a path alone does not say which
}

func newBuilder(in Input) *builder {
	b := &builder{in: in, findings: map[string]Finding{}, steps: map[string][]rewriter.Step{}, moveOf: map[string]string{}, holdOf: map[string]string{}}
	b.several = checkouts(in) > 1
	emails := map[string]string{}
	if in.Inventory != nil {
		for _, key := range in.Inventory.Keys {
			emails[key.ID] = key.Email
		}
		for _, f := range in.Inventory.Findings {
			b.findings[f.ID] = Finding{
				ID: Visible(f.ID), Workload: nameOf(f.Workload), Container: Visible(f.Container), Via: Visible(string(f.Via)),
				Named: Visible(cmp.Or(f.Env, f.Field, f.Path)), Secret: holder(f.Secret), Key: short(f.Key), Email: Visible(emails[f.Key]),
				Places: b.places(f.Origins),
			}
		}
	}
	if in.Plan != nil {
		for _, f := range in.Plan.Findings {
			b.findings[f.ID] = Finding{
				ID: Visible(f.ID), Workload: nameOf(f.Workload), Container: Visible(f.Container), Via: Visible(string(f.Via)),
				Named: Visible(f.Named), Secret: holder(f.Secret), Key: short(f.Key), Email: Visible(f.Email), Places: b.places(f.Origins),
			}
		}
		for _, move := range in.Plan.Moves {
			for _, id := range move.Findings {
				b.moveOf[id] = move.ID
			}
		}
		for _, hold := range in.Plan.Holds {
			for _, id := range hold.Findings {
				// The hold that says why comes before the one that says "with the others".
				if b.holdOf[id] == "" || b.holdOf[id] == planner.HoldWorkloadHeld {
					b.holdOf[id] = hold.Code
				}
			}
		}
	}
	if in.Changeset != nil {
		for _, step := range in.Changeset.Steps {
			// A step of many moves belongs to the change as a whole: it stands in the commands in full.
			if len(step.Moves) > 0 && len(step.Moves) <= 3 {
				for _, id := range step.Moves {
					b.steps[id] = append(b.steps[id], step)
				}
			}
		}
		var prefixes []string
		if in.Plan != nil {
			for _, source := range in.Plan.Sources {
				if source.Prefix != "" {
					prefixes = append(prefixes, source.Prefix)
				}
			}
		}
		b.hunks = hunksByMove(in.Changeset.Files, in.Files[patchFile], prefixes)
	}
	return b
}

func (b *builder) fill(r *Report) {
	if plan := b.in.Plan; plan != nil {
		r.PlanID = Visible(plan.ID)
		given, planned := b.in.Approval, plan.Approval
		r.Approval = Approval{
			Ticket: Visible(cmp.Or(given.Ticket, planned.Ticket)), Approver: Visible(cmp.Or(given.Approver, planned.Approver)), Window: Visible(cmp.Or(given.Window, planned.Window)),
		}
		for _, cluster := range plan.Clusters {
			r.Clusters = append(r.Clusters, Visible(cluster.ID))
		}
	}
	if b.in.Changeset != nil {
		r.Commit = Visible(b.in.Changeset.Commit)
	}
	b.sources(r)
	b.gaps(r)
	b.allFindings(r)
	b.holds(r)
	b.moves(r)
	b.keys(r)
	b.serviceAccounts(r)
	b.access(r)
	b.rest(r)
	b.count(r)
	r.Risk = riskOf(r)
	r.Dates, r.Done = datesOf(b.in), doneOf(b.in)
	r.Headline = headline(r)
	r.Codes = codesOf(r)
	r.noNil()
}

func (b *builder) sources(r *Report) {
	for _, s := range sourcesOf(b.in) {
		r.Sources = append(r.Sources, Source{
			ID: Visible(s.ID), Kind: Visible(s.Kind), Where: Visible(cmp.Or(s.Root, s.Context, s.Cluster)), State: Visible(cmp.Or(s.Commit, s.Server)),
		})
		if r.Commit == "" && b.in.Changeset == nil {
			r.Commit = Visible(s.Commit)
		}
	}
}

func (b *builder) gaps(r *Report) {
	var list []scanner.Gap
	if b.in.Plan != nil {
		list = b.in.Plan.Gaps
	} else if b.in.Inventory != nil {
		list = b.in.Inventory.Gaps
	}
	for _, gap := range list {
		r.Gaps = append(r.Gaps, Gap{Source: Visible(gap.Source), What: Visible(gap.What), Why: Visible(gap.Why)})
	}
	for _, name := range b.in.Edited {
		r.Gaps = append(r.Gaps, Gap{Source: "runbook/evidence", What: Visible(name), Why: "the record is not as a script of this plan wrote it: it counts for nothing"})
	}
}

func (b *builder) allFindings(r *Report) {
	for _, id := range sortedKeys(b.findings) {
		f := b.findings[id]
		switch {
		case b.moveOf[id] != "":
			f.Outcome = "move"
		case b.holdOf[id] != "":
			f.Outcome, f.Code = "hold", Visible(b.holdOf[id])
		}
		b.findings[id] = f
		r.Findings = append(r.Findings, f)
	}
	slices.SortStableFunc(r.Findings, func(x, y Finding) int {
		return cmp.Or(strings.Compare(x.Workload.Text, y.Workload.Text), strings.Compare(x.ID, y.ID))
	})
}

func (b *builder) holds(r *Report) {
	if b.in.Plan == nil {
		return
	}
	for _, hold := range b.in.Plan.Holds {
		h := Hold{
			Workload: nameOf(hold.Workload), Code: Visible(hold.Code), Reason: Visible(hold.Reason), Ask: Visible(hold.Ask),
			Answer: visibleLines(hold.Answer), Findings: b.pick(hold.Findings),
		}
		if hold.At != nil {
			at := b.place(*hold.At)
			h.At = &at
		}
		if h.Workload.Text == "" && len(h.Findings) > 0 && len(h.Findings[0].Places) > 0 {
			h.Workload.Text = h.Findings[0].Places[0].Text
		}
		r.Holds = append(r.Holds, h)
	}
	// What only waits for another hold of the same workload comes last.
	slices.SortStableFunc(r.Holds, func(x, y Hold) int {
		return cmp.Or(rank(x.Code == planner.HoldWorkloadHeld)-rank(y.Code == planner.HoldWorkloadHeld),
			rank(x.Code == planner.HoldExcluded)-rank(y.Code == planner.HoldExcluded))
	})
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

func (b *builder) pick(ids []string) []Finding {
	list := make([]Finding, 0, len(ids))
	for _, id := range ids {
		if f, ok := b.findings[id]; ok {
			list = append(list, f)
		}
	}
	return list
}

func (b *builder) moves(r *Report) {
	if b.in.Plan == nil {
		return
	}
	waves := map[string][]*Move{}
	for i, move := range b.in.Plan.Moves {
		m := &Move{
			ID: Visible(move.ID), Anchor: fmt.Sprintf("m%d", i+1), Workload: nameOf(move.Workload), Before: Visible(move.Before),
			After: Visible(move.ServiceAccount.Name), Create: move.ServiceAccount.Create, Account: Visible(move.Account), Model: Visible(move.Model),
			Wave: Visible(move.Wave), Why: Visible(move.Why), Cluster: Visible(move.Cluster), Live: move.Live, Recreate: move.Recreate,
			Schedule: Visible(move.Schedule), Findings: b.pick(move.Findings), Hunks: b.hunks[move.ID],
		}
		for _, notice := range move.Notices {
			m.Notices = append(m.Notices, noticeOf(notice))
			m.Asserted = m.Asserted || notice.Code == planner.NoticeAccountAsserted
		}
		for _, grant := range move.Grants {
			m.Grants = append(m.Grants, grantOf(grant))
		}
		for _, edit := range move.Edits {
			m.Edits = append(m.Edits, editOf(edit))
		}
		for _, step := range b.steps[move.ID] {
			switch {
			case step.Phase == rewriter.PhaseVerify && len(step.Run)+len(step.Check) > 0:
				m.Checks = append(m.Checks, stepOf(step, slices.Concat(step.Run, step.Check)))
			case len(step.Check) > 0:
				m.Checks = append(m.Checks, stepOf(step, step.Check))
			}
			if len(step.Undo) > 0 {
				m.Undo = append(m.Undo, stepOf(step, step.Undo))
			}
		}
		if len(m.Findings) > 0 && len(m.Findings[0].Places) > 0 {
			m.Place = m.Findings[0].Places[0]
		}
		r.Moves = append(r.Moves, m)
	}
	slices.SortStableFunc(r.Moves, func(x, y *Move) int { return rank(!x.Asserted) - rank(!y.Asserted) })
	for _, move := range r.Moves {
		waves[move.Wave] = append(waves[move.Wave], move)
	}
	for i, wave := range b.in.Plan.Waves {
		name := Visible(wave.Name)
		r.Waves = append(r.Waves, Wave{Name: name, Why: Visible(wave.Why), Anchor: fmt.Sprintf("w%d", i+1), Moves: waves[name], Count: len(waves[name])})
		delete(waves, name)
	}
	for _, name := range sortedKeys(waves) {
		r.Waves = append(r.Waves, Wave{Name: name, Anchor: fmt.Sprintf("w%d", len(r.Waves)+1), Moves: waves[name], Count: len(waves[name])})
	}
	for _, notice := range b.in.Plan.Notices {
		r.Notices = append(r.Notices, noticeOf(notice))
	}
}

func stepOf(step rewriter.Step, commands []rewriter.Command) Step {
	s := Step{Phase: Visible(string(step.Phase)), What: Visible(step.What)}
	for _, command := range commands {
		s.Commands = append(s.Commands, Visible(command.String()))
	}
	return s
}

func noticeOf(n planner.Notice) Notice {
	notice := Notice{Code: Visible(n.Code), Text: Visible(n.Text)}
	if n.Object != nil {
		notice.Object = Visible(n.Object.String())
	}
	return notice
}

func grantOf(g planner.Grant) Grant {
	return Grant{Resource: Visible(g.Resource), Role: Visible(g.Role), Member: Visible(g.Member), Condition: Visible(g.Condition), Exists: g.Exists}
}

func editOf(e planner.Edit) Edit {
	edit := Edit{Object: Visible(e.Object.String()), Op: Visible(e.Op), Field: Visible(e.Field.String()), Why: Visible(e.Why)}
	if e.Value != nil && e.Op != planner.OpCreate {
		if data, err := json.Marshal(e.Value); err == nil {
			edit.Value = Visible(string(data))
		}
	}
	return edit
}

func nameOf(ref scanner.Ref) Name {
	n := Name{Namespace: Visible(ref.Namespace), Kind: Visible(ref.Kind), Name: Visible(ref.Name)}
	switch {
	case ref.Kind != "":
		n.Text = Visible(ref.String())
	default:
		n.Text = n.Name
	}
	return n
}

func holder(h scanner.Holder) string {
	if h.Name == "" {
		return ""
	}
	text := h.Name
	if h.Namespace != "" {
		text = h.Namespace + "/" + text
	}
	if h.Entry != "" {
		text += "/" + h.Entry
	}
	if h.Kind != "Secret" && h.Kind != "" {
		text = h.Kind + " " + text
	}
	return Visible(text)
}

// short is the first characters of a key's id: enough to tell keys apart, and nobody reads 64.
func short(id string) string {
	id = Visible(id)
	if len(id) > 12 {
		return id[:12]
	}
	return id
}

// sourcesOf are the sources of an input: the inventory's, or those that the plan keeps.
func sourcesOf(in Input) []scanner.Source {
	switch {
	case in.Inventory != nil:
		return in.Inventory.Sources
	case in.Plan != nil:
		return in.Plan.Sources
	}
	return nil
}

func checkouts(in Input) int {
	n := 0
	for _, source := range sourcesOf(in) {
		n += rank(source.Kind == "repository")
	}
	return n
}

func (b *builder) places(origins []scanner.Origin) []Place {
	list := make([]Place, 0, len(origins))
	for _, origin := range origins {
		list = append(list, b.place(origin))
	}
	return list
}

func (b *builder) place(o scanner.Origin) Place {
	p := Place{Source: Visible(o.Source), Path: Visible(o.Path), Line: o.Line, raw: o.Path, column: o.Column}
	switch {
	case o.Path == "":
		p.Text = p.Source
	case o.Line > 0:
		p.Text = fmt.Sprintf("%s:%d", p.Path, o.Line)
	default:
		p.Text = p.Path
	}
	if b.several && o.Path != "" && o.Source != "" {
		p.Text = p.Source + ": " + p.Text
	}
	return p
}
