package yamledit

import (
	"bytes"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// splices compiles the plan. Offsets count from the start of the document's text.
func (p *plan) splices() ([]Splice, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	e := &editor{tree: p.tree, seen: p.seen()}
	if err := e.node(p.root, 0); err != nil {
		return nil, err
	}
	return e.finish()
}

// An editor turns changes of nodes into splices.
type editor struct {
	*tree
	seen []byte
	cuts []Splice // without text, may touch and overlap
	adds []insertion
}

// An insertion puts text before the byte at pos. Where several stand at one place, what is nested deeper comes first.
type insertion struct {
	pos, end, depth int
	text            string
}

func (e *editor) node(n *node, depth int) error {
	switch {
	case n == nil:
		return nil
	case n.change.set != nil:
		return e.replace(n, depth)
	}
	if err := e.collection(n, depth); err != nil {
		return err
	}
	for _, entry := range n.entries {
		if entry.removed {
			if err := e.unwritten(n, entry, entry.value.emptied()); err != nil {
				return err
			}
			continue
		}
		if err := e.node(entry.value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *editor) collection(n *node, depth int) error {
	removed := len(n.touchedEntries()) > 0
	added := n.change.keys != nil || len(n.change.items) > 0
	switch {
	case !removed && !added:
		return nil
	case n.bare:
		return refuse("a mapping without braces stands in a flow list")
	case n.flow:
		return e.flow(n, removed, added, depth)
	}
	if removed {
		if added && len(n.touchedEntries()) == len(n.entries) && !e.opensLine(n.entries[0].mark) {
			return e.renew(n, depth)
		}
		if err := e.remove(n); err != nil {
			return err
		}
	}
	if added {
		return e.insert(n, depth)
	}
	return nil
}

func (e *editor) cut(from, to int) { e.cuts = append(e.cuts, Splice{Start: from, End: to}) }

// remove cuts the removed entries of a block collection.
func (e *editor) remove(n *node) error {
	start := 0
	if first := n.entries[0]; first.removed && !e.opensLine(first.mark) {
		// The first entry of a compact item shares its line with the dash: the next entry moves up to it.
		for start < len(n.entries) && n.entries[start].removed {
			start++
		}
		e.compact(n, start)
	}
	for i := start; i < len(n.entries); i++ {
		if !n.entries[i].removed {
			continue
		}
		if !e.opensLine(n.entries[i].mark) {
			return refuse("an entry does not begin its line")
		}
		floor := n.body
		if i > 0 {
			floor = n.entries[i-1].end()
		} else if above := n.entryOf(); above != nil {
			floor = above.colon
		}
		e.lines(n, i, floor)
	}
	return nil
}

// compact cuts the leading entries of a compact item up to the survivor, or to the first comment that stays: that one then
// stands beside the dash.
func (e *editor) compact(n *node, survivor int) {
	from := n.entries[0].mark
	for i := 0; i < survivor; i++ {
		down := e.below(e.lineEnd(n.entries[i].end()), n.column)
		up := e.lineStart(n.entries[i+1].mark)
		if i+1 < survivor {
			up = e.above(up, down, n.column)
		}
		for line := down; line < up; line = nextLine(e.text, line) {
			comment := e.firstByte(line)
			if comment >= up || e.seen[comment] != '#' {
				continue
			}
			e.cut(from, comment)
			for k := i + 1; k < survivor; k++ {
				e.lines(n, k, n.entries[k-1].end())
			}
			return
		}
	}
	e.cut(from, n.entries[survivor].mark)
}

// lines cuts the whole lines of an entry, with the comments that belong to it.
func (e *editor) lines(n *node, i, floor int) {
	entry := n.entries[i]
	column := n.column
	from := e.lineStart(entry.mark)
	to := e.below(e.lineEnd(entry.end()), column)
	up := e.above(from, floor, column)
	if up < from && (i > 0 || e.mentions(string(e.text[up:from]), entry)) {
		from = up
	}
	e.cut(from, to)
}

// above is where the contiguous comment lines over the line at pos begin that stand at the column and are prose.
func (e *editor) above(pos, floor, column int) int {
	for pos > 0 {
		line := e.previousLine(pos)
		if line < floor || line >= pos {
			break
		}
		first := e.firstByte(line)
		if first >= pos || e.seen[first] != '#' || e.text[first] != '#' || e.width(line, first) != column || codeLike(trimBreak(e.text[first:pos])) ||
			marker.Match(e.text[first:pos]) {
			break
		}
		pos = line
	}
	return pos
}

// below is where the comment lines under an entry end that stand deeper than it. Blank lines between them go with them.
func (e *editor) below(pos, column int) int {
	for next := pos; next < len(e.text); {
		first := e.firstByte(next)
		switch {
		case first >= len(e.text):
			return pos
		case isBreak(e.text[first]):
			next = nextLine(e.text, first)
		case e.seen[first] == '#' && e.text[first] == '#' && e.width(next, first) > column:
			next = nextLine(e.text, first)
			pos = next
		default:
			return pos
		}
	}
	return pos
}

// mentions says whether the comment over the first entry of a collection speaks of that entry, and not of them all.
func (e *editor) mentions(comment string, entry entry) bool {
	if credential.MatchString(comment) {
		return true
	}
	for _, name := range names(entry) {
		if len(name) > 2 && strings.Contains(comment, name) {
			return true
		}
	}
	return false
}

// names are the words by which people speak of an entry: its key, and what identifies it.
func names(e entry) []string {
	var out []string
	if e.key != nil {
		out = append(out, e.key.value)
	}
	if e.value.kind == scalar && e.key == nil {
		out = append(out, e.value.value)
	}
	for _, field := range e.value.entries {
		if field.key == nil {
			continue
		}
		switch field.key.value {
		case "name", "mountPath", "secretName", "key":
			if field.value.kind == scalar {
				out = append(out, field.value.value)
			}
		}
	}
	return out
}

var (
	credential = regexp.MustCompile(`(?i)credential|service[ _-]?account|\bsecret\b|\bkey ?file\b|\bjson key\b|workload identity|\bgcp\b|google`)
	codeItem   = regexp.MustCompile(`^#+[ \t]*-([ \t]|$)`)
	codeKey    = regexp.MustCompile(`^#+[ \t]*["']?([A-Za-z0-9_./-]+)["']?[ \t]*:([ \t]+(.*))?$`)
	spoken     = regexp.MustCompile(`(?i)^(note|todo|fixme|warning|important|caution|hint|see|nb|xxx|hack|bug|default|example)$`)
)

// codeLike says whether a comment is an entry that somebody commented out. Those stay.
func codeLike(comment []byte) bool {
	if codeItem.Match(comment) {
		return true
	}
	m := codeKey.FindSubmatch(comment)
	if m == nil || spoken.Match(m[1]) {
		return false
	}
	value := bytes.TrimSpace(m[3])
	return len(value) == 0 || bytes.IndexByte([]byte(`"'[{&*|>`), value[0]) >= 0 || len(bytes.Fields(value)) <= 2
}

// opensLine says whether only blanks stand before pos on its line.
func (e *editor) opensLine(pos int) bool {
	return len(bytes.TrimLeft(e.text[e.lineStart(pos):pos], " \t")) == 0
}

func (e *editor) lineStart(pos int) int {
	for pos > 0 && !isBreak(e.text[pos-1]) {
		pos--
	}
	return pos
}

// lineEnd is the start of the line after pos's.
func (e *editor) lineEnd(pos int) int { return nextLine(e.text, pos) }

// previousLine is the start of the line before the one that starts at pos.
func (e *editor) previousLine(pos int) int {
	return e.lineStart(beforeBreak(e.text, pos))
}

// firstByte is the first byte of a line that is no blank.
func (e *editor) firstByte(line int) int {
	for line < len(e.text) && isBlank(e.text[line]) {
		line++
	}
	return line
}

func (e *editor) width(line, first int) int { return first - line }

// finish merges cuts and insertions to ordered splices.
func (e *editor) finish() ([]Splice, error) {
	merged := e.markers(merge(e.cuts))
	sort.SliceStable(e.adds, func(i, j int) bool {
		a, b := e.adds[i], e.adds[j]
		if a.pos != b.pos {
			return a.pos < b.pos
		}
		return a.depth > b.depth
	})
	for _, a := range e.adds {
		merged = append(e.part(merged, a), Splice{a.pos, a.end, a.text})
	}
	sort.SliceStable(merged, func(i, j int) bool {
		a, b := merged[i], merged[j]
		if a.Start != b.Start {
			return a.Start < b.Start
		}
		return a.Text != "" && b.Text == ""
	})
	e.openEnd(merged)
	merged = slices.DeleteFunc(merged, func(s Splice) bool { return string(e.text[s.Start:s.End]) == s.Text })
	return merged, e.sound(merged)
}

// part divides a cut at the place of an insertion, where two cuts touch there.
func (e *editor) part(cuts []Splice, a insertion) []Splice {
	touch := false
	for _, c := range e.cuts {
		touch = touch || c.End == a.pos
	}
	if i := covering(cuts, a.pos); touch && a.end == a.pos && i >= 0 && cuts[i].Start < a.pos {
		return carve(cuts, i, a.pos, a.pos)
	}
	return cuts
}

// openEnd keeps a file without a final newline that way: where its last lines go, the line breaks before them go too.
func (e *editor) openEnd(splices []Splice) {
	if len(splices) == 0 || len(e.text) == 0 || endsLine(e.text) {
		return
	}
	last := &splices[len(splices)-1]
	if last.End != len(e.text) {
		return
	}
	for i := len(splices) - 1; i >= 0; i-- {
		if text := splices[i].Text; text != "" {
			splices[i].Text = string(trimBreak([]byte(text)))
			return
		}
		floor := 0
		if i > 0 {
			floor = splices[i-1].End
		}
		for splices[i].Start > floor && isBreak(e.text[splices[i].Start-1]) {
			splices[i].Start = max(floor, beforeBreak(e.text, splices[i].Start))
		}
		if splices[i].Start > floor || i == 0 {
			return
		}
	}
}
