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

// manyMoves is how many workloads are printed with every detail; of more, those that the reader opened.
const manyMoves = 60

// manyRows is how many rows of a table are shown at first, where a script can show the others on demand: a browser
// needs seconds to lay tens of thousands out.
const manyRows = 1000

// A pageSet is the parsed page with its own style and script, and the policy that lets the browser run nothing else.
type pageSet struct {
	templates     *template.Template
	style, script string
	mark          string // the script that says that there is one
}

// parts lets a line break behind the slashes of a name or path and before an at sign, and, where what is between is short,
// nowhere else: browsers break behind hyphens too.
func parts(s string) template.HTML {
	var b strings.Builder
	for s != "" {
		end := len(s)
		for i := range len(s) {
			if s[i] == '/' {
				end = i + 1
				break
			}
			if s[i] == '@' && i > 0 {
				end = i
				break
			}
		}
		piece := template.HTMLEscapeString(s[:end])
		if strings.Contains(piece, "-") && end <= longestPiece {
			piece = `<span class="u">` + piece + `</span>`
		}
		b.WriteString(piece)
		if s = s[end:]; s != "" {
			b.WriteString("<wbr>")
		}
	}
	return template.HTML(b.String())
}

// longestPiece is how long a part of a name may be that stands on one line: longer ones would push the page apart.
const longestPiece = 40

// guard is the page's policy: only these styles and scripts, and nothing from anywhere.
// https://www.w3.org/TR/CSP3/
func (s *pageSet) guard(foot string) string {
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s' 'sha256-%s'; script-src 'sha256-%s' 'sha256-%s'; base-uri 'none'; form-action 'none'", digest(s.style), digest(foot), digest(s.mark), digest(s.script))
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
	set := pageSet{mark: `document.documentElement.className="js"`}
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
	set.templates, err = template.New("page").Funcs(template.FuncMap{"num": thousands, "count": count, "account": shortAccount, "parts": parts}).Parse(text)
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
	share map[string]int64 // of the page's size, by section
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

// HTML writes the report as one page that needs nothing else: no script, style, font or picture from elsewhere. What
// would make it too long to open is left out, and the page says how much.
func HTML(w io.Writer, r *Report) error {
	set, err := loadPage()
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	v := viewOf(r)
	moves := make([]moveView, len(r.Moves))
	for i, move := range r.Moves {
		moves[i] = moveView{Move: move, Codes: codesOfMove(move), anchors: v.anchors}
	}
	sections := []section{
		sectionOf("hold", "holds", 3, r.Holds), sectionOf("gap", "gaps", 1, r.Gaps), sectionOf("use", "uses", 3, v.Uses),
		sectionOf("workload", "workloads", 4, moves), sectionOf("move", "", 2, moves), sectionOf("key", "keys", 2, r.Keys),
		sectionOf("account", "accounts", 1, r.ServiceAccounts), sectionOf("script", "", 1, r.Scripts),
		sectionOf("done", "finished", 1, r.Done),
	}
	p := &page{set: set, w: bufio.NewWriterSize(w, 1<<16), share: set.shares(sections)}
	v.cutScripts(p.share["script"])
	foot := footOf(r.PlanID)
	p.put("top", map[string]any{
		"Title": v.Title, "Guard": set.guard(foot), "Style": template.CSS(set.style), "Foot": template.CSS(foot), "Nav": v.Nav, "Mark": template.JS(set.mark), "Many": len(r.Moves) > manyMoves,
	})
	p.put("summary", v)
	p.table(v, sections[0])
	p.table(v, sections[1])
	for _, part := range []struct {
		name string
		n    int
	}{{"picture", len(r.Access)}, {"risks", len(r.Risk.Reasons) + len(r.Notices)}, {"prerequisites", len(r.Prerequisites)}} {
		if part.n > 0 {
			p.put(part.name, v)
		}
	}
	p.table(v, sections[2])
	details, linked := p.details(r, moves)
	for i := range moves {
		moves[i].Linked = linked[moves[i].Anchor]
	}
	p.table(v, sections[3])
	p.waves(r, details)
	p.table(v, sections[8])
	p.table(v, sections[5])
	p.table(v, sections[6])
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

// table writes a table's rows until its share of the page is used up.
func (p *page) table(v *view, s section) {
	if s.n == 0 {
		return
	}
	p.put(s.table+"-top", v)
	start := p.bytes
	for i := range s.n {
		if i == manyRows {
			p.put("rest", nil)
		}
		if p.bytes-start >= p.share[s.row] {
			p.put("left", map[string]int{"Left": s.n - i})
			break
		}
		p.put(s.row, s.at(i))
	}
	p.put("table-end", nil)
}

// details renders the workloads' details in the order of the waves, as far as their share goes. Rendered once, they
// are written after the table that links to them.
func (p *page) details(r *Report, moves []moveView) (rendered map[string]string, linked map[string]bool) {
	byAnchor := make(map[string]moveView, len(moves))
	for _, move := range moves {
		byAnchor[move.Anchor] = move
	}
	rendered, linked = map[string]string{}, map[string]bool{}
	for _, wave := range r.Waves {
		// Each wave has its part, so that the last is not left bare by the first.
		size, most := int64(0), p.share["move"]*int64(len(wave.Moves))/int64(len(moves))
		for _, move := range wave.Moves {
			if size >= most {
				break
			}
			var b strings.Builder
			if p.err == nil {
				p.err = p.set.templates.ExecuteTemplate(&b, "move", byAnchor[move.Anchor])
			}
			rendered[move.Anchor], linked[move.Anchor] = b.String(), true
			size += int64(b.Len())
		}
	}
	return rendered, linked
}

func (p *page) waves(r *Report, details map[string]string) {
	for _, wave := range r.Waves {
		if len(wave.Moves) == 0 {
			continue
		}
		p.put("wave-top", map[string]any{"Anchor": wave.Anchor, "Name": wave.Name, "Why": wave.Why, "Count": wave.Count, "PlanID": r.PlanID})
		left := 0
		for _, move := range wave.Moves {
			text, ok := details[move.Anchor]
			if !ok {
				left++
				continue
			}
			if _, err := io.WriteString(p, text); p.err == nil {
				p.err = err
			}
		}
		if left > 0 {
			p.put("wave-left", map[string]int{"Left": left})
		}
		p.put("wave-end", nil)
	}
}

// A moveView is a move as the page shows it.
type moveView struct {
	*Move
	Codes   []string
	Linked  bool
	anchors map[string]string
}

func codesOfMove(move *Move) []string {
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
