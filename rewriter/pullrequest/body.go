package pullrequest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/rewriter/report"
	"dekey/scanner"
)

// MaxBody is GitHub's limit of a body, in characters. https://docs.github.com/en/rest/pulls/pulls
const MaxBody = 65536

// Parts are the sections of a body, as Markdown, and what a template of the user's may show beside them. What comes from
// a manifest stands in code spans in the sections; in Report it is foreign text, for the functions code and prose.
type Parts struct {
	Summary, Held, Checklist, Before, Picture, Moves, After, Keys, Evidence, More string

	Stage, Group, Branch, Plan, Commit string
	Workloads, Files                   int
	Report                             *report.Report
}

// StandardBody is the template of a body.
const StandardBody = `{{.Held}}
{{.Summary}}
{{.Checklist}}
{{.Before}}
{{.Picture}}
{{.Moves}}
{{.After}}
{{.Keys}}
{{.Evidence}}
{{.More}}
`

// StandardTitle is the template of a title.
const StandardTitle = `{{if eq .Stage "cleanup"}}Remove what held service account keys{{else}}Take service account keys out of {{.Workloads}} workload{{if ne .Workloads 1}}s{{end}}{{end}}{{if .Group}} ({{.Group}}){{end}}`

// Templates are the user's; "" is the standard one.
type Templates struct{ Title, Body string }

var functions = template.FuncMap{"code": report.MarkdownCode, "prose": report.MarkdownProse, "fence": report.MarkdownFence}

// render writes the title and our part of the body: as many rows of every table as GitHub's limit leaves room for.
func (w *writer) render(t Templates, room int) (title, body string, err error) {
	titles, err := template.New("title").Funcs(functions).Option("missingkey=error").Parse(cmp.Or(t.Title, StandardTitle))
	if err != nil {
		return "", "", problem("it is a template of Go's text/template", "reading the title's template: %w", err)
	}
	bodies, err := template.New("body").Funcs(functions).Option("missingkey=error").Parse(cmp.Or(t.Body, StandardBody))
	if err != nil {
		return "", "", problem("it is a template of Go's text/template", "reading the body's template: %w", err)
	}
	for _, rows := range []int{1000, 500, 200, 100, 50, 20, 10, 5, 2, 0} {
		parts := w.parts(rows)
		var b strings.Builder
		if err := bodies.Execute(&b, parts); err != nil {
			return "", "", problem("the fields are those of pullrequest.Parts", "writing the body by its template: %w", err)
		}
		if body = squeeze(b.String()); len(body) > room {
			continue
		}
		parts.Group = w.slug // in a title nothing is quoted: it becomes a commit's when the pull request is merged
		b.Reset()
		if err := titles.Execute(&b, parts); err != nil {
			return "", "", problem("the fields are those of pullrequest.Parts", "writing the title by its template: %w", err)
		}
		return oneLine(b.String()), body, nil
	}
	return "", "", problem("make the template shorter", "writing the body: it has more than the %d characters that are left to it", room)
}

// oneLine is a title: one line, at most 256 characters (GitHub's limit).
func oneLine(s string) string {
	runes := []rune(report.Visible(strings.Join(strings.Fields(s), " ")))
	if len(runes) > 256 {
		return string(runes[:255]) + "…"
	}
	return string(runes)
}

// squeeze leaves one empty line where there are several.
func squeeze(s string) string {
	var b strings.Builder
	empty := true
	for l := range strings.Lines(s) {
		if strings.TrimSpace(l) == "" {
			if !empty {
				b.WriteByte('\n')
			}
			empty = true
			continue
		}
		b.WriteString(l)
		empty = false
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// A writer writes the body of one group's pull request.
type writer struct {
	c      *Changeset
	r      *report.Report
	stage  string
	g      group
	slug   string
	moves  []planner.Move
	moving map[scanner.Ref]bool // the workloads of moves; nil: not asked yet
	// deleted says when which key was reported as deleted, by its id.
	deleted map[string]string
	extra   string // the path of the report in the branch, or ""
}

func (w *writer) parts(rows int) Parts {
	p := Parts{
		Stage: w.stage, Group: w.g.name, Branch: w.g.branch, Plan: w.c.Input.Plan.ID, Commit: w.c.Input.Changeset.Commit,
		Workloads: len(w.moves), Files: len(w.g.changes), Report: w.r,
	}
	p.Summary, p.Evidence, p.More = w.summary(), w.evidence(rows), w.more(rows)
	if w.stage == Cleanup {
		p.Moves, p.After, p.Keys = w.removals(rows), w.afterCleanup(), w.keys(rows)
		return p
	}
	p.Held, p.Checklist, p.Before, p.Picture = w.held(rows), w.checklist(rows), w.before(rows), w.picture(rows)
	p.Moves, p.After, p.Keys = w.table(rows), w.after(), w.keys(rows)
	return p
}

// A section collects lines.
type section struct{ b strings.Builder }

func (s *section) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }
func (s *section) row(cells ...string)             { s.line("| %s |", strings.Join(cells, " | ")) }
func (s *section) head(cells ...string) {
	s.line("")
	s.row(cells...)
	s.line("|%s", strings.Repeat(" --- |", len(cells)))
}
func (s *section) String() string { return s.b.String() + "\n" }

// rest says how many rows are left out.
func (s *section) rest(total, shown int) {
	if total > shown {
		s.line("\nand %d more: the report has them.", total-shown)
	}
}

// code and prose show foreign text: it mentions nobody, links nowhere and ends no part of ours.
func code(s string) string { return report.MarkdownCode(s) }

func prose(s string) string { return report.MarkdownProse(s) }

func (w *writer) summary() string {
	var s section
	s.line("### What changes, and why\n")
	if w.stage == Cleanup {
		s.line("The keys below are deleted and nothing uses them any more: this removes what held them in %s.", count(len(w.g.changes), "file"))
	} else {
		s.line("%s stop using service account key files and act through Workload Identity instead: a key file never expires, is easily copied, and names nobody who uses it.", count(len(w.moves), "workload"))
		s.line("The manifests of %s change; nothing of it takes effect before the merge.", count(len(w.g.changes), "file"))
	}
	if w.g.name != "" {
		s.line("\nPart: %s. Other parts have pull requests of their own.", code(w.g.name))
	}
	if len(w.g.joined) > 1 {
		var names []string
		for _, name := range w.g.joined {
			names = append(names, code(name))
		}
		s.line("\nThese share a file and can only go together: %s.", strings.Join(names, ", "))
	}
	s.line("\nPlan %s, made from commit %s.", code(w.c.Input.Plan.ID), code(w.c.Input.Changeset.Commit))
	if a := w.r.Approval; a != (report.Approval{}) {
		s.line("Ticket %s, approver %s, window %s.", code(a.Ticket), code(a.Approver), code(a.Window))
	}
	return s.String()
}

// ours says whether an object's namespace is one of the group's.
func (w *writer) ours(namespace string) bool {
	return w.g.name == "" || slices.ContainsFunc(w.moves, func(m planner.Move) bool { return report.Visible(m.Workload.Namespace) == namespace })
}

func (w *writer) held(rows int) string {
	var s section
	var holds []report.Hold
	for _, h := range w.r.Holds {
		if w.ours(h.Workload.Namespace) {
			holds = append(holds, h)
		}
	}
	if len(holds) > 0 {
		s.line("### Not done: %s held\n", count(len(holds), "finding"))
		s.line("They keep their keys until somebody answers.")
		s.head("workload", "why", "question", "where")
		for _, h := range holds[:min(rows, len(holds))] {
			where := ""
			if h.At != nil {
				where = h.At.Text
			} else if len(h.Findings) > 0 && len(h.Findings[0].Places) > 0 {
				where = h.Findings[0].Places[0].Text
			}
			s.row(code(h.Workload.Text), code(h.Code)+" "+prose(h.Reason), prose(h.Ask), code(where))
		}
		s.rest(len(holds), rows)
	}
	if other := len(w.r.Holds) - len(holds); other > 0 {
		s.line("\n%s held in other parts.", count(other, "finding"))
	}
	if len(w.r.Gaps) > 0 {
		s.line("\n### Not seen: %s\n", count(len(w.r.Gaps), "gap"))
		s.line("What could not be read may use the same keys.")
		s.head("what", "why")
		for _, g := range w.r.Gaps[:min(rows, len(w.r.Gaps))] {
			s.row(code(g.What), prose(g.Why))
		}
		s.rest(len(w.r.Gaps), rows)
	}
	return s.String()
}

// checklist are the boxes that people tick. Their words are the same in every version of a body, so that ticks stay.
func (w *writer) checklist(rows int) string {
	var s section
	s.line("### Before the merge\n")
	if len(w.r.Prerequisites) > 0 {
		s.line("- [ ] the prerequisites below hold")
	}
	s.line("- [ ] the grants below are there: `1-grant.sh` ran, and `dekey check OUT --step merge` says so")
	s.line("- [ ] the move of every workload was read by somebody who knows it:")
	for _, m := range w.moves[:min(rows, len(w.moves))] {
		s.line("  - [ ] %s", code(m.Workload.String()))
	}
	s.rest(len(w.moves), rows)
	return s.String()
}

func (w *writer) before(rows int) string {
	var s section
	for i, p := range w.r.Prerequisites {
		if i == 0 {
			s.line("#### Prerequisites\n")
		}
		if i >= rows {
			s.rest(len(w.r.Prerequisites), rows)
			break
		}
		s.line("- %s %s: %s", code(p.Code), code(p.Target), prose(p.Why))
		if len(p.Commands) > 0 {
			s.line("\n%s", report.MarkdownFence("sh", strings.Join(p.Commands, "\n")))
		}
		for _, effect := range p.Effects {
			s.line("  - it also hits %s", prose(effect))
		}
	}
	s.line("\n#### Grants that must be there before the merge\n")
	s.line("`bash runbook/1-grant.sh` in the changeset folder makes them, proves first that the keys belong to the accounts, and reads each one back.")
	grants := w.grants()
	if len(grants) == 0 {
		s.line("\nNone is missing.")
		return s.String()
	}
	s.head("who", "may", "on")
	for _, g := range grants[:min(rows, len(grants))] {
		s.row(code(g.Member), code(g.Role), code(g.Resource))
	}
	s.rest(len(grants), rows)
	if commands := w.commands(rewriter.PhaseGrant, func(step rewriter.Step) []rewriter.Command { return step.Run }); len(commands) > 0 && rows > 0 {
		s.line("\n<details><summary>The commands</summary>\n")
		s.line("%s", report.MarkdownFence("sh", strings.Join(commands[:min(rows, len(commands))], "\n")))
		s.line("</details>")
	}
	return s.String()
}

// grants are those of the group's moves that are not there yet, each once.
func (w *writer) grants() []planner.Grant {
	var list []planner.Grant
	seen := map[planner.Grant]bool{}
	for _, move := range w.moves {
		for _, g := range move.Grants {
			if !g.Exists && !seen[g] {
				seen[g] = true
				list = append(list, g)
			}
		}
	}
	return list
}

// commands are the command lines of the group's steps of a phase, each once.
func (w *writer) commands(phase rewriter.Phase, of func(rewriter.Step) []rewriter.Command) []string {
	var list []string
	ours, seen := map[string]bool{}, map[string]bool{}
	for _, id := range w.g.moves {
		ours[id] = true
	}
	for _, step := range w.c.Input.Changeset.Steps {
		if step.Phase != phase || len(step.Moves) > 0 && !slices.ContainsFunc(step.Moves, func(id string) bool { return ours[id] }) {
			continue
		}
		for _, command := range of(step) {
			if text := report.Visible(command.String()); !seen[text] {
				seen[text] = true
				list = append(list, text)
			}
		}
	}
	return list
}

func (w *writer) after() string {
	var s section
	s.line("### After the merge\n")
	s.line("- **Verify:** `bash runbook/2-verify.sh` reads from the running pods whether each is keyless, and records the cut-over.")
	s.line("- **Roll back:** revert this pull request; while the keys exist that is enough. `bash runbook/rollback.sh merge` says the same per workload, `rollback.sh grant` takes the grants back afterwards.")
	for _, m := range w.moves {
		if m.Recreate {
			s.line("- %s is immutable: it must be deleted and applied again.", code(m.Workload.String()))
		}
	}
	return s.String()
}

func (w *writer) keys(rows int) string {
	var s section
	var list []planner.Retirement
	for _, r := range w.c.Input.Plan.Retirements {
		if w.stage == Cleanup && slices.Contains(w.g.keys, r.Key) || w.stage != Cleanup && w.uses(r) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return ""
	}
	soak := w.c.Input.Plan.Soak
	if w.stage == Cleanup {
		s.line("### The keys that are gone\n")
	} else {
		s.line("### When which key may be disabled\n")
		s.line("Not by this merge. After the last cut-over of a key's consumers %d days must pass without use before `3-disable.sh` disables it, and %d more before `4-delete.sh` deletes it.",
			cmp.Or(soak.Disable, 14), cmp.Or(soak.Delete, 30))
	}
	s.head("key", "account", "consumers", "that have moved with this plan", "held up by")
	for _, r := range list[:min(rows, len(list))] {
		var blockers []string
		for _, b := range r.BlockedBy {
			blockers = append(blockers, code(b.Code)+" "+prose(b.What))
		}
		held := cmp.Or(strings.Join(blockers, "; "), "nothing")
		if w.stage == Cleanup {
			held = "nothing: it is reported as deleted"
		}
		s.row(code(shortKey(r)), code(r.Email), fmt.Sprint(r.Consumers), fmt.Sprint(r.Moved), held)
	}
	s.rest(len(list), rows)
	return s.String()
}

func shortKey(r planner.Retirement) string {
	if r.Key == "" {
		return "not read"
	}
	return r.Key[:min(12, len(r.Key))]
}

// uses says whether a retirement's consumers are among the group's workloads.
func (w *writer) uses(r planner.Retirement) bool {
	if w.moving == nil {
		w.moving = map[scanner.Ref]bool{}
		for _, m := range w.moves {
			w.moving[m.Workload] = true
		}
	}
	return slices.ContainsFunc(r.Workloads, func(ref scanner.Ref) bool { return w.moving[ref] })
}

func (w *writer) evidence(rows int) string {
	var s section
	var lines []string
	for _, fact := range w.r.Keys {
		if fact.ReadAt != "" && slices.ContainsFunc(w.c.Input.Plan.Retirements, func(r planner.Retirement) bool { return strings.HasPrefix(r.Key, fact.ID) && w.uses(r) }) {
			lines = append(lines, fmt.Sprintf("- key %s: %s, use %s from %s to %s, read at %s", code(fact.ID), code(fact.Verdict), code(fact.Use), code(fact.From), code(fact.To), code(fact.ReadAt)))
		}
	}
	s.line("### Evidence\n")
	for _, source := range w.r.Sources {
		s.line("- %s %s at %s", prose(source.Kind), code(source.Where), code(cmp.Or(source.State, "no commit")))
	}
	for _, key := range w.g.keys {
		if at := w.deleted[key]; at != "" {
			lines = append(lines, fmt.Sprintf("- key %s of %s: reported as deleted at %s", code(key[:min(12, len(key))]), code(w.c.key(key).Email), code(at)))
		}
	}
	if len(lines) == 0 {
		s.line("- Google's evidence about the use of these keys was not read.")
	}
	for _, l := range lines[:min(rows, len(lines))] {
		s.line("%s", l)
	}
	s.rest(len(lines), rows)
	return s.String()
}

func (w *writer) more(rows int) string {
	var s section
	if w.extra != "" {
		s.line("The whole report stands in the branch: %s.", code(w.extra))
	} else if rows < 1000 {
		s.line("Tables are cut to GitHub's limit: `report.md` and `report.html` of the changeset have every row.")
	}
	s.line("\nWritten by dekey. It is written anew when the changeset changes; text above and below it, and ticked boxes, stay.")
	return s.String()
}
