package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// TextOptions are how a terminal wants its text.
type TextOptions struct {
	Width     int  // of a line; 0 is 80. Long cells wrap, nothing is cut off
	Wide      bool // one line a row, however long
	NoHeaders bool // no titles and no column names: rows alone
	Color     bool // only when told: NO_COLOR and pipes are the caller's to know
}

// A grid prints aligned rows. Text is buffered, and the first error of the writer is kept.
type grid struct {
	w   *bufio.Writer
	opt TextOptions
}

func newGrid(w io.Writer, opt TextOptions) *grid {
	if opt.Width <= 0 {
		opt.Width = 80
	}
	return &grid{w: bufio.NewWriter(w), opt: opt}
}

func (g *grid) line(format string, args ...any) {
	fmt.Fprintf(g.w, format+"\n", args...)
}

// paragraph wraps a sentence to the width.
func (g *grid) paragraph(s string) {
	if !g.opt.Wide {
		s = text.WrapSoft(s, g.opt.Width)
	}
	for line := range strings.Lines(s) {
		g.line("%s", strings.TrimRight(line, " \n"))
	}
}

func (g *grid) title(s string) {
	if !g.opt.NoHeaders {
		g.line("\n%s", g.paint("1", s))
	}
}

// paint puts text between a colour and its end.
func (g *grid) paint(code, s string) string {
	if !g.opt.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// kind is the first cell of a row: what could not be done in red, what could not be seen in yellow.
func (g *grid) kind(s string) string {
	switch s {
	case "held":
		return g.paint("31", s)
	case "gap", "first":
		return g.paint("33", s)
	case "move":
		return g.paint("32", s)
	}
	return s
}

// rows prints a table. The last column takes what is left of the line; the others wrap where they are wider than
// their share.
func (g *grid) rows(header []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	columns := len(rows[0])
	widths := make([]int, columns)
	pieces := make([]int, columns) // the longest that does not break
	for _, row := range rows {
		for i, cell := range row {
			for line := range strings.Lines(cell) {
				widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")))
			}
			for piece := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == '/' || r == ' ' || r == '\n' }) {
				pieces[i] = max(pieces[i], text.StringWidthWithoutEscSequences(piece)+1)
			}
		}
	}
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	if header != nil && !g.opt.NoHeaders {
		cells := table.Row{}
		for i, name := range header {
			widths[i] = max(widths[i], len(name))
			cells = append(cells, g.paint("2", name))
		}
		t.AppendHeader(cells)
	}
	if !g.opt.Wide {
		t.SetColumnConfigs(shares(widths, pieces, g.opt.Width))
	}
	for _, row := range rows {
		cells := make(table.Row, len(row))
		for i, cell := range row {
			if g.opt.Wide {
				cell = strings.ReplaceAll(cell, "\n", "  ")
			}
			cells[i] = cell
		}
		t.AppendRow(cells)
	}
	g.line("%s", t.Render())
}

// shares divides a line among columns: the widest give way until all fit. The last, which has the sentences, is not to
// be squeezed by the names before it, as long as those do not break in the middle of a word.
func shares(widths, pieces []int, line int) []table.ColumnConfig {
	const gap, least = 2, 9
	limit := append([]int(nil), widths...)
	total := 0
	for _, w := range limit {
		total += w + gap
	}
	for i := range limit[:len(limit)-1] {
		if total-gap > line {
			limit[i] = min(limit[i], max(line*3/10, min(pieces[i], line*4/10)))
		}
	}
	for {
		total, widest := 0, 0
		for i, w := range limit {
			total += w + gap
			if w > limit[widest] {
				widest = i
			}
		}
		if total-gap <= line || limit[widest] <= least {
			break
		}
		limit[widest] = max(least, limit[widest]-max(1, min(total-gap-line, limit[widest]/4)))
	}
	configs := make([]table.ColumnConfig, len(limit))
	for i, w := range limit {
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMax: max(w, 1), WidthMaxEnforcer: wrap}
	}
	return configs
}

// wrap breaks a cell at spaces, and long words where they end; a path or name breaks behind a slash if it can.
func wrap(s string, width int) string {
	if text.StringWidthWithoutEscSequences(s) <= width && !strings.Contains(s, "\n") {
		return s
	}
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		current := ""
		for word := range strings.FieldsSeq(line) {
			for i, piece := range pieces(word, width) {
				joined := current + piece
				if i == 0 && current != "" {
					joined = current + " " + piece
				}
				if current != "" && text.StringWidthWithoutEscSequences(joined) > width {
					out = append(out, current)
					joined = piece
				}
				current = joined
			}
		}
		out = append(out, current)
	}
	return strings.Join(out, "\n")
}

// pieces cuts a word that is wider than a line, behind slashes where there are some.
func pieces(word string, width int) []string {
	if text.StringWidthWithoutEscSequences(word) <= width {
		return []string{word}
	}
	var list []string
	for part := range strings.SplitAfterSeq(word, "/") {
		runes := []rune(part)
		for len(runes) > width {
			list, runes = append(list, string(runes[:width])), runes[width:]
		}
		if len(runes) > 0 {
			list = append(list, string(runes))
		}
	}
	return list
}

// Text writes the report for a terminal.
func Text(w io.Writer, r *Report, opt TextOptions) error {
	g := newGrid(w, opt)
	if !opt.NoHeaders {
		g.paragraph(r.Headline)
		if r.PlanID != "" {
			g.line("plan %s", r.PlanID)
		}
		if a := joinNonEmpty(", ", labelled("ticket ", r.Approval.Ticket), labelled("approver ", r.Approval.Approver), labelled("window ", r.Approval.Window)); a != "" {
			g.paragraph(a)
		}
		g.line("")
	}
	var rows [][]string
	rows = append(rows, g.heldRows(r, 0)...)
	rows = append(rows, g.gapRows(r, 0)...)
	for _, p := range r.Prerequisites {
		rows = append(rows, []string{g.kind("first"), p.Target, lines(p.Why+" ("+p.Code+")", strings.Join(p.Commands, "\n"), each("also hits: ", p.Effects))})
	}
	for _, m := range r.Moves {
		rows = append(rows, []string{g.kind("move"), m.Workload.Short(), g.moveText(m)})
	}
	if r.From == "inventory" {
		for _, f := range r.Findings {
			rows = append(rows, []string{f.Via, f.Workload.Text, lines(joinNonEmpty(" ", f.Named, arrow(f.Secret), as(g.account(f.Email))), placeText(f.Places))})
		}
	}
	g.rows([]string{"WHAT", "WHO", "HOW"}, rows)
	g.keyRows(r)
	g.accountRows(r)
	g.exceptionRows(r)
	if len(r.Dates) > 0 {
		g.title("DATES")
		var dates [][]string
		for _, d := range r.Dates {
			dates = append(dates, []string{d.Step, joinNonEmpty(" ", d.Day, d.Rule, d.Done)})
		}
		g.rows(nil, dates)
	}
	if len(r.Done) > 0 {
		g.title("DONE")
		var done [][]string
		for _, d := range r.Done {
			done = append(done, []string{d.What, d.At(), d.Object})
		}
		g.rows(nil, done)
	}
	return g.w.Flush()
}

// heldRows are the rows of holds; limit 0 is all.
func (g *grid) heldRows(r *Report, limit int) [][]string {
	var rows [][]string
	for i, h := range r.Holds {
		if limit > 0 && i == limit {
			rows = append(rows, []string{g.kind("held"), "…", fmt.Sprintf("and %s more", thousands(len(r.Holds)-limit))})
			break
		}
		at := ""
		if h.At != nil {
			at = h.At.Text
		} else if len(h.Findings) > 0 {
			at = placeText(h.Findings[0].Places)
		}
		rows = append(rows, []string{g.kind("held"), h.Workload.Text, lines(h.Reason+" ("+h.Code+")", labelled("ask: ", h.Ask), labelled("answer: ", h.Answer), at)})
	}
	return rows
}

func (g *grid) gapRows(r *Report, limit int) [][]string {
	var rows [][]string
	for i, gap := range r.Gaps {
		if limit > 0 && i == limit {
			rows = append(rows, []string{g.kind("gap"), "…", fmt.Sprintf("and %s more", thousands(len(r.Gaps)-limit))})
			break
		}
		rows = append(rows, []string{g.kind("gap"), gap.What, gap.Why})
	}
	return rows
}

func (g *grid) keyRows(r *Report) {
	if len(r.Keys) == 0 {
		return
	}
	g.title("KEYS")
	planned := r.From != "inventory"
	header := []string{"KEY", "ACCOUNT", "USED BY"}
	if planned {
		header = append(header, "MOVE", "USE", "BLOCKED BY")
	} else {
		header = append(header, "USE", "COPIES")
	}
	var rows [][]string
	for _, k := range r.Keys {
		row := []string{orDash(k.ID), orDash(g.account(k.Email)), fmt.Sprint(k.Consumers)}
		if planned {
			var blockers []string
			for _, b := range k.Blockers {
				blockers = append(blockers, b.What+" ("+b.Code+")")
			}
			state := strings.Join(blockers, "\n")
			if k.Ready {
				state = "nothing: ready"
			}
			row = append(row, fmt.Sprint(k.Moved), joinNonEmpty(" ", k.Use, k.LastUse), orDash(state))
		} else {
			row = append(row, joinNonEmpty(" ", k.Use, k.LastUse), orDash(strings.Join(k.Copies, "\n")))
		}
		rows = append(rows, row)
	}
	g.rows(header, rows)
}

func (g *grid) accountRows(r *Report) {
	if len(r.ServiceAccounts) == 0 {
		return
	}
	g.title("SERVICE ACCOUNTS")
	most := 5
	if g.opt.Wide {
		most = 1 << 30
	}
	var rows [][]string
	for _, s := range r.ServiceAccounts {
		name := joinNonEmpty("/", s.Namespace, s.Name)
		if s.New {
			name += " (new)"
		}
		rows = append(rows, []string{name, orDash(g.account(s.Account)), orDash(g.account(s.Planned)), orDash(strings.Join(s.whoRuns(most, func(name string) string { return name }), "\n"))})
	}
	g.rows([]string{"NAME", "ACTS AS", "THEN AS", "WORKLOADS"}, rows)
}

func (g *grid) exceptionRows(r *Report) {
	if len(r.Exceptions) == 0 {
		return
	}
	g.title("EXCEPTIONS")
	var rows [][]string
	for _, e := range r.Exceptions {
		expires := e.Expires
		if e.Expired {
			expires = g.paint("31", expires+" expired")
		}
		rows = append(rows, []string{e.What, expires, e.By, e.Reason})
	}
	g.rows([]string{"WHAT", "UNTIL", "BY", "WHY"}, rows)
}

// Summary writes what a person must know after a scan, a plan or a draft: what is held and what was not seen first,
// then the good news in a line or two. It goes to standard error.
func Summary(w io.Writer, r *Report, opt TextOptions) error {
	const most = 20
	g := newGrid(w, opt)
	g.paragraph(r.Headline)
	rows := append(g.heldRows(r, most), g.gapRows(r, most)...)
	for _, n := range r.Notices {
		rows = append(rows, []string{"note", orDash(n.Object), n.Text + " (" + n.Code + ")"})
	}
	for _, p := range r.Prerequisites {
		rows = append(rows, []string{g.kind("first"), p.Target, p.Why})
	}
	if len(rows) > 0 {
		g.line("")
		g.rows(nil, rows)
	}
	c := r.Counts
	if c.Moved > 0 {
		g.line("")
		files := ""
		if r.From == "changeset" {
			files = " in " + count(c.Files, "file")
		}
		g.paragraph(fmt.Sprintf("%s%s, %s, %s of %s ready to delete.", count(c.Moved, "move"), files, count(c.Grants, "grant"), thousands(c.KeysReady), count(c.Keys, "key")))
	}
	if c.Asserted > 0 {
		g.paragraph(fmt.Sprintf("%s an account that was named by hand: check %s first.", either(c.Asserted, "1 move has", thousands(c.Asserted)+" moves have"), either(c.Asserted, "it", "them")))
	}
	return g.w.Flush()
}

// account leaves out what every account has, where there is little room.
func (g *grid) account(email string) string {
	if g.opt.Wide {
		return email
	}
	return shortAccount(email)
}

func (g *grid) moveText(m *Move) string {
	after := m.After
	if m.Create {
		after += " (new)"
	}
	identity := m.Before + " → " + after
	if m.Before == m.After {
		identity = after
	}
	return lines(identity+as(g.account(m.Account)), labelled("notices: ", strings.Join(codesOfMove(m), ", ")), m.Place.Text)
}

func as(account string) string {
	if account == "" {
		return ""
	}
	return ", as " + account
}

func arrow(s string) string {
	if s == "" {
		return ""
	}
	return "→ " + s
}

func labelled(label, s string) string {
	if s == "" {
		return ""
	}
	return label + s
}

func each(label string, list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, label+s)
	}
	return strings.Join(out, "\n")
}

func placeText(list []Place) string {
	if len(list) == 0 {
		return ""
	}
	if len(list) > 1 {
		return fmt.Sprintf("%s and %d more", list[0].Text, len(list)-1)
	}
	return list[0].Text
}

// lines joins what is not empty with line breaks.
func lines(parts ...string) string { return joinNonEmpty("\n", parts...) }

func joinNonEmpty(sep string, parts ...string) string {
	var out []string
	for _, part := range parts {
		if part != "" {
			out = append(out, part)
		}
	}
	return strings.Join(out, sep)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
