package yamledit

import (
	"bytes"
	"strings"
)

// flow edits a flow collection: `[a, b]`, `{a: b}`, and everything in JSON.
func (e *editor) flow(n *node, removed, added bool, depth int) error {
	if len(n.touchedEntries()) == len(n.entries) {
		return e.exchange(n, depth)
	}
	for i := 0; removed && i < len(n.entries); i++ {
		if !n.entries[i].removed {
			continue
		}
		last := i
		for last+1 < len(n.entries) && n.entries[last+1].removed {
			last++
		}
		if err := e.cutRun(n, i, last); err != nil {
			return err
		}
		i = last
	}
	switch {
	case !added:
		return nil
	case n.kind == sequence:
		return e.appendFlow(n, depth)
	}
	return e.insertFlow(n, depth)
}

// exchange puts the new entries in the place of all old ones.
func (e *editor) exchange(n *node, depth int) error {
	first, last := n.entries[0], n.entries[len(n.entries)-1]
	if e.comment(first.mark, last.end()) >= 0 {
		return refuse("a comment stands between the items that go")
	}
	gap := ", "
	if len(n.entries) > 1 {
		gap = "," + e.gapBefore(n, len(n.entries)-1)
	} else if head := e.blankText(n.body+1, first.mark); strings.ContainsAny(head, "\r\n") {
		gap = "," + head
	}
	n.change.order = len(n.entries)
	text := strings.Join(e.flowEntries(n, last), gap)
	e.adds = append(e.adds, insertion{pos: first.mark, end: last.end(), depth: depth, text: text})
	return nil
}

// cutRun cuts the entries i to last of a flow collection, of which others stay.
func (e *editor) cutRun(n *node, i, last int) error {
	from, to := n.entries[i].mark, n.entries[last].end()
	more := last+1 < len(n.entries)
	comma := -1 // the comma that would stand before the closing bracket
	if !more && n.entries[last].comma < 0 {
		comma = n.entries[i-1].comma
	}
	opens, closes := e.opensLine(from), e.closesFlowLine(n, last)
	if opens && closes && e.lineStart(from) > n.body {
		for k := i; k <= last; k++ {
			if k > i && !e.opensLine(n.entries[k].mark) {
				continue // on the line of the one before
			}
			end := k
			for end < last && !e.opensLine(n.entries[end+1].mark) {
				end++
			}
			e.flowLines(n, k, end)
		}
		if comma >= 0 {
			e.cut(comma, comma+1)
		}
		return nil
	}
	behind := last - 1
	if more && (i == 0 || opens || !closes) {
		behind = last
	}
	if e.foreign(n, i, behind) {
		return refuse("a comment stands between the items of a flow collection")
	}
	switch {
	case behind == last:
		e.cut(from, n.entries[last+1].mark)
	case more:
		e.cut(e.behind(n.entries[i-1]), e.behind(n.entries[last]))
	case e.comment(n.entries[i-1].end(), from) < 0:
		e.cut(n.entries[i-1].end(), to)
	default:
		e.cut(from, to) // the comma stays beside its comment: YAML takes one before the bracket
	}
	return nil
}

// flowLines cuts the whole lines of the entries k to end, with the comments that belong to them.
func (e *editor) flowLines(n *node, k, end int) {
	mark := n.entries[k].mark
	from, to := e.lineStart(mark), e.lineEnd(e.behind(n.entries[end]))
	floor := n.body + 1
	if k > 0 {
		floor = e.behind(n.entries[k-1])
	}
	up := e.above(from, floor, mark-from)
	if up < from && (k > 0 || e.mentions(string(e.text[up:from]), n.entries[k])) {
		from = up
	}
	e.cut(from, to)
}

// closesFlowLine says whether nothing but a comment stands behind an entry and its comma on their line.
func (e *editor) closesFlowLine(n *node, k int) bool {
	end := e.behind(n.entries[k])
	line := nextLine(e.text, end)
	if end > nextLine(e.text, n.entries[k].end()) || line > n.end {
		return false
	}
	rest := bytes.TrimLeft(trimBreak(e.text[end:line]), " \t")
	return len(rest) == 0 || rest[0] == '#'
}

// behind is where an entry with its comma ends.
func (e *editor) behind(entry entry) int {
	if entry.comma >= 0 {
		return entry.comma + 1
	}
	return entry.end()
}

// foreign says whether a comment that is none of theirs stands between the entries i to last and the one behind them:
// theirs are those beside them.
func (e *editor) foreign(n *node, i, last int) bool {
	for k := i; k <= last; k++ {
		from := e.behind(n.entries[k])
		to := n.entries[k+1].mark
		if e.comment(n.entries[k].end(), from) >= 0 {
			return true
		}
		if line := nextLine(e.text, from); line < to && e.comment(line, to) >= 0 {
			return true
		}
	}
	return false
}

// comment is the first comment in trivia (and commas), or -1.
func (e *editor) comment(from, to int) int {
	if from >= to {
		return -1
	}
	if i := bytes.IndexByte(e.seen[from:to], '#'); i >= 0 {
		return from + i
	}
	return -1
}

// blankText is what stands there when it is white space alone, or "".
func (e *editor) blankText(from, to int) string {
	if text := string(e.text[from:to]); strings.Trim(text, " \t\r\n") == "" {
		return text
	}
	return ""
}

// gapBefore is the white space before the entry k > 0, or what fits where a comment stands in it.
func (e *editor) gapBefore(n *node, k int) string {
	comma, mark := n.entries[k-1].comma, n.entries[k].mark
	if gap := e.blankText(comma+1, mark); gap != "" || comma+1 == mark {
		return gap
	}
	if line := e.lineStart(mark); line > comma {
		return e.eol(mark) + string(e.text[line:mark])
	}
	return " "
}

// appendFlow adds items behind the last one that stays.
func (e *editor) appendFlow(n *node, depth int) error {
	n.change.order = len(n.entries)
	at := len(n.entries) - 1
	for n.entries[at].removed {
		at--
	}
	last := n.entries[at]
	gap := " "
	switch head := e.blankText(n.body+1, n.entries[0].mark); {
	case len(n.entries) > 1:
		gap = e.gapBefore(n, len(n.entries)-1)
	case strings.ContainsAny(head, "\r\n"):
		gap = head
	case e.json && e.tight(n):
		gap = ""
	}
	texts := e.flowEntries(n, last)
	line := nextLine(e.text, last.end())
	if comment := e.comment(last.end(), min(line, n.end-1)); comment >= 0 && line < n.end && strings.ContainsAny(gap, "\r\n") {
		// A comment beside the last item stays beside it.
		indent := strings.TrimLeft(gap, "\r\n")
		eol := e.eol(line)
		trailing := ""
		if last.comma < 0 {
			e.adds = append(e.adds, insertion{pos: last.end(), end: last.end(), depth: depth, text: ","})
		} else {
			trailing = ","
		}
		text := indent + strings.Join(texts, ","+gap) + trailing + eol
		e.adds = append(e.adds, insertion{pos: line, end: line, depth: depth, text: text})
		return nil
	}
	text := ""
	for _, t := range texts {
		text += "," + gap + t
	}
	e.adds = append(e.adds, insertion{pos: last.end(), end: last.end(), depth: depth, text: text})
	return nil
}

// insertFlow adds keys before the first one that stays.
func (e *editor) insertFlow(n *node, depth int) error {
	at := 0
	for n.entries[at].removed {
		at++
	}
	n.change.order = at
	first := n.entries[at]
	gap := " "
	switch head := e.blankText(n.body+1, n.entries[0].mark); {
	case strings.ContainsAny(head, "\r\n"):
		gap = head
	case len(n.entries) > 1:
		gap = e.gapBefore(n, 1)
	case e.json && e.tight(n):
		gap = ""
	}
	text := ""
	for _, t := range e.flowEntries(n, first) {
		text += t + "," + gap
	}
	e.adds = append(e.adds, insertion{pos: first.mark, end: first.mark, depth: depth, text: text})
	return nil
}

// tight says whether a collection is written without white space.
func (e *editor) tight(n *node) bool {
	for at := n; at != nil; at = at.parent {
		for _, entry := range at.entries {
			if entry.key != nil {
				return entry.value.start == entry.colon
			}
		}
	}
	return false
}

// flowEntries writes the new entries of a flow collection as its entry like is written.
func (e *editor) flowEntries(n *node, like entry) []string {
	w := e.flowWriter(n, like)
	var out []string
	for _, a := range n.added() {
		text := ""
		if a.keyed {
			text = w.key(a.key) + w.colon
		}
		out = append(out, text+w.value(a.value, w.indent))
	}
	return out
}

// replaceFlow gives a node in flow text a new value.
func (e *editor) replaceFlow(n *node, value any, depth int) error {
	entry := n.entryOf()
	like := entry
	if like == nil {
		return refuse("the document as a whole is no field")
	}
	if entry.key != nil && (entry.colon == 0 || e.text[entry.colon-1] != ':') {
		return refuse("a key without a colon is to get a value")
	}
	if n.anchor != "" {
		return refuse("a value with an anchor is to be replaced")
	}
	w := e.flowWriter(n.parent, *entry)
	if n.kind == sequence || n.kind == mapping {
		w.spread = w.lines
	}
	text := w.value(value, w.indent)
	if s, ok := value.(string); ok && !e.json {
		text = w.style.inlineLike(s, n)
		if text == s && !isPlain(s, true) {
			text = doubleQuoted(s)
		}
	}
	start, end := n.start, n.end
	if start == end && start == entry.colon {
		if isBlank(e.text[start]) {
			start, end = start+1, end+1
		} else {
			text = " " + text
		}
	}
	e.adds = append(e.adds, insertion{pos: start, end: end, depth: depth, text: text})
	return nil
}
