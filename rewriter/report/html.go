package report

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed page
var pageFiles embed.FS

// The page's size. A page of tens of thousands of workloads would not open: what is over its share is left out, and
// the page says how much.
const (
	sizeHolds     = 3_500_000
	sizeGaps      = 500_000
	sizeWorkloads = 6_500_000
	sizeKeys      = 2_500_000
	sizeAccounts  = 1_500_000
	sizeDetails   = 3_000_000
	sizeCommands  = 1_000_000
)

// manyMoves is how many workloads are printed with every detail; of more, those that the reader opened.
const manyMoves = 60

// A pageSet is the parsed page with its own style and script, and the policy that lets the browser run nothing else.
type pageSet struct {
	templates     *template.Template
	style, script string
}

// guard is the page's policy: only these styles and this script, and nothing from anywhere.
// https://www.w3.org/TR/CSP3/
func (s *pageSet) guard(foot string) string {
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s' 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'", digest(s.style), digest(foot), digest(s.script))
}

// footOf is the style of what stands below every printed page: which plan, which page.
func footOf(planID string) string {
	left := ""
	if hexID.MatchString(planID) {
		left = `@bottom-left{content:"plan ` + planID + `";font:7pt monospace}`
	}
	return `@page{` + left + `@bottom-right{content:counter(page) " / " counter(pages);font:7pt sans-serif}}`
}

var hexID = regexp.MustCompile(`^[0-9a-f]{1,128}$`)

// loadPage parses the page once.
var loadPage = sync.OnceValues(func() (*pageSet, error) {
	read := func(name string) (string, error) {
		data, err := pageFiles.ReadFile("page/" + name)
		return strings.TrimSpace(string(data)), err
	}
	var set pageSet
	text, err := read("page.tmpl")
	if err != nil {
		return nil, err
	}
	if set.style, err = read("style.css"); err != nil {
		return nil, err
	}
	if set.script, err = read("script.js"); err != nil {
		return nil, err
	}
	set.templates, err = template.New("page").Funcs(template.FuncMap{"num": thousands, "count": count, "account": shortAccount}).Parse(text)
	if err != nil {
		return nil, err
	}
	return &set, nil
})

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A page writes templates and counts the bytes.
type page struct {
	set   *pageSet
	w     *bufio.Writer
	bytes int64
	err   error
	limit int64 // what may be written up to the section at hand
}

func (p *page) Write(b []byte) (int, error) {
	p.bytes += int64(len(b))
	return p.w.Write(b)
}

func (p *page) put(name string, data any) {
	if p.err == nil {
		p.err = p.set.templates.ExecuteTemplate(p, name, data)
	}
}

// HTML writes the report as one page that needs nothing else: no script, style, font or picture from elsewhere.
func HTML(w io.Writer, r *Report) error {
	set, err := loadPage()
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	p := &page{set: set, w: bufio.NewWriterSize(w, 1<<16)}
	v := viewOf(r)
	foot := footOf(r.PlanID)
	p.put("top", map[string]any{
		"Title": v.Title, "Guard": set.guard(foot), "Style": template.CSS(set.style), "Foot": template.CSS(foot), "Nav": v.Nav, "Many": len(r.Moves) > manyMoves,
	})
	p.put("summary", v)
	rowsOf(p, "holds", "hold", v, r.Holds, sizeHolds)
	rowsOf(p, "gaps", "gap", v, r.Gaps, sizeGaps)
	if v.Picture != nil {
		p.put("picture", v)
	}
	if len(r.Risk.Reasons)+len(r.Notices) > 0 {
		p.put("risks", v)
	}
	if len(r.Prerequisites) > 0 {
		p.put("prerequisites", v)
	}
	if r.From == "inventory" {
		rowsOf(p, "uses", "use", v, r.Findings, sizeWorkloads)
	}
	detailed := min(len(r.Moves), int((sizeDetails+sizeWorkloads)/2000))
	rows := make([]moveView, len(r.Moves))
	for i, move := range r.Moves {
		rows[i] = moveView{Move: move, Codes: codesOfMove(move), Linked: i < detailed, anchors: v.anchors}
	}
	rowsOf(p, "workloads", "workload", v, rows, sizeWorkloads)
	p.waves(r, v, rows)
	rowsOf(p, "keys", "key", v, r.Keys, sizeKeys)
	rowsOf(p, "accounts", "account", v, r.ServiceAccounts, sizeAccounts)
	for _, part := range []struct {
		name string
		n    int
	}{
		{"new-accounts", len(r.Accounts)}, {"exceptions", len(r.Exceptions)}, {"cleanup", len(r.Removals) + len(r.Manual)},
		{"commands", len(v.Scripts)}, {"codes", len(r.Codes)},
	} {
		if part.n > 0 {
			p.put(part.name, v)
		}
	}
	p.put("end", map[string]any{"R": map[string]string{"Tool": r.tool, "PlanID": r.PlanID}, "Script": template.JS(set.script)})
	if p.err != nil {
		return fmt.Errorf("writing the page: %w", p.err)
	}
	return p.w.Flush()
}

// rowsOf writes a table's rows until its share of the page is used up.
func rowsOf[T any](p *page, name, row string, v *view, rows []T, size int64) {
	if len(rows) == 0 {
		return
	}
	p.limit += size
	p.put(name+"-top", v)
	start := p.bytes
	for i, data := range rows {
		if p.bytes-start > size {
			p.put("left", map[string]int{"Left": len(rows) - i})
			break
		}
		p.put(row, data)
	}
	p.put("table-end", nil)
}

// waves writes each wave's workloads with everything about them, as far as the page's size goes.
func (p *page) waves(r *Report, v *view, rows []moveView) {
	byID := make(map[string]moveView, len(rows))
	for _, row := range rows {
		byID[row.Anchor] = row
	}
	start := p.bytes
	for _, wave := range r.Waves {
		if len(wave.Moves) == 0 {
			continue
		}
		p.put("wave-top", map[string]any{"Anchor": wave.Anchor, "Name": wave.Name, "Why": wave.Why, "Count": wave.Count, "PlanID": r.PlanID})
		for i, move := range wave.Moves {
			if p.bytes-start > sizeDetails+v.spare {
				p.put("wave-left", map[string]int{"Left": len(wave.Moves) - i})
				break
			}
			p.put("move", byID[move.Anchor])
		}
		p.put("wave-end", nil)
	}
}

// A moveView is a move as the page shows it.
type moveView struct {
	Move
	Codes   []string
	Linked  bool
	anchors map[string]string
}

func codesOfMove(move Move) []string {
	var codes []string
	for _, notice := range move.Notices {
		if !slices.Contains(codes, notice.Code) {
			codes = append(codes, notice.Code)
		}
	}
	return codes
}

// A hunkView is a hunk with the page's anchor of the move that shows it.
type hunkView struct {
	Hunk
	Anchor string
}

// Hunks are the move's hunks with links.
func (m moveView) Hunks() []hunkView {
	list := make([]hunkView, len(m.Move.Hunks))
	for i, hunk := range m.Move.Hunks {
		list[i] = hunkView{Hunk: hunk, Anchor: m.anchors[hunk.Shown]}
	}
	return list
}

// A diffLine is one line of a hunk.
type diffLine struct{ Kind, Text string }

// Lines are a hunk's lines, each with its first character as its kind.
func (h Hunk) Lines() []diffLine {
	var list []diffLine
	for line := range strings.SplitSeq(strings.TrimSuffix(h.Text, "\n"), "\n") {
		kind := " "
		if line != "" {
			kind = line[:1]
		}
		list = append(list, diffLine{kind, line})
	}
	return list
}
