package yamledit

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// insert adds the new entries of a block collection.
func (e *editor) insert(n *node, depth int) error {
	if n.kind == sequence {
		return e.appendItems(n, depth)
	}
	style := e.styleAt(n)
	anchor, found := e.anchorEntry(n)
	if found {
		pos, err := e.afterEntry(n, n.entries[anchor])
		if err != nil {
			return err
		}
		n.change.order = anchor + 1
		lines := style.mapping(n.change.keys.value().(Map), strings.Repeat(" ", n.column))
		return e.addLines(pos, lines, depth)
	}
	first := n.entries[0]
	line := e.lineStart(first.mark)
	prefix := string(e.text[line:first.mark])
	if strings.Trim(prefix, " ") != "" {
		return refuse("a mapping begins beside something else")
	}
	floor := n.body
	if above := n.entryOf(); above != nil {
		floor = above.colon
	}
	pos := line
	for pos > 0 && len(e.actions) == 0 {
		up := e.previousLine(pos)
		b := e.firstByte(up)
		if up < floor || up >= pos || e.text[b] != '#' || e.width(up, b) != n.column {
			break
		}
		pos = up
	}
	if above := n.entryOf(); above != nil && len(e.actions) > 0 {
		pos = e.lineEnd(above.colon) // the first key may stand in a condition
	}
	if err := e.unconditional(n, pos); err != nil {
		return err
	}
	return e.addLines(pos, style.mapping(n.change.keys.value().(Map), prefix), depth)
}

// renew puts new entries beside the dash of an item that loses all it had.
func (e *editor) renew(n *node, depth int) error {
	first, last := n.entries[0], n.entries[len(n.entries)-1]
	if e.comment(first.mark, last.end()) >= 0 || len(e.actions) > 0 {
		return refuse("all of a list item is to be replaced")
	}
	n.change.order = len(n.entries)
	style, prefix := e.styleAt(n), strings.Repeat(" ", n.column)
	var lines []string
	if n.kind == mapping {
		lines = style.mapping(n.change.keys.value().(Map), prefix)
	} else {
		lines = style.sequence(n.change.items, prefix)
	}
	text := strings.TrimLeft(strings.Join(lines, e.eol(first.mark)), " ")
	e.adds = append(e.adds, insertion{pos: first.mark, end: last.end(), depth: depth, text: text})
	return nil
}

// anchorEntry is the entry below which new keys of a mapping stand; none stands for above the first. An object's new keys
// stand below its metadata, those of another document at its end; a compact item keeps its first entry beside the dash.
func (e *editor) anchorEntry(n *node) (int, bool) {
	fits := func(i int) bool {
		if i < 0 || n.entries[i].removed || !e.closesLine(n.entries[i]) {
			return false
		}
		_, err := e.afterEntry(n, n.entries[i])
		return err == nil
	}
	if n.find("apiVersion") >= 0 || n.find("kind") >= 0 {
		if i := n.find("metadata"); fits(i) {
			return i, true
		}
	}
	if n.parent == nil {
		for i := len(n.entries) - 1; i >= 0; i-- {
			if fits(i) {
				return i, true
			}
		}
	}
	if n.parent == nil || !e.opensLine(n.entries[0].mark) {
		for i := range n.entries {
			if fits(i) {
				return i, true
			}
		}
		for i := range n.entries {
			if !n.entries[i].removed {
				return i, true // at the end of a file without a final newline
			}
		}
	}
	return 0, false
}

// afterEntry is the place for text below an entry, and below what belongs to it.
func (e *editor) afterEntry(n *node, entry entry) (int, error) {
	pos := e.below(e.lineEnd(entry.end()), n.column)
	if len(e.actions) == 0 {
		return pos, nil
	}
	pos = e.written(pos, n)
	return pos, e.unconditional(n, pos)
}

// closesLine says whether text can follow an entry: its value does not depend on the end of the file.
func (e *editor) closesLine(entry entry) bool {
	end := entry.end()
	return nextLine(e.text, end) > end && isBreak(e.text[nextLine(e.text, end)-1])
}

// appendItems adds items at the end of a block list.
func (e *editor) appendItems(n *node, depth int) error {
	last := n.entries[len(n.entries)-1]
	n.change.order = len(n.entries)
	line := e.lineStart(last.mark)
	indent := strings.Repeat(" ", n.column)
	if e.opensLine(last.mark) {
		indent = string(e.text[line:last.mark])
	}
	gap := " "
	if value := last.value; value.start > last.colon && !bytes.ContainsAny(e.text[last.colon:value.start], "\r\n#\t") {
		gap = string(e.text[last.colon:value.start])
	}
	style := e.styleAt(n)
	var lines []string
	for _, item := range n.change.items {
		lines = append(lines, style.item(item, indent, gap)...)
	}
	end, err := e.afterEntry(n, last)
	if err != nil {
		return err
	}
	return e.addLines(end, lines, depth)
}

// addLines puts whole lines before the line at pos. At the end of a file without a final newline the new lines have
// none either.
func (e *editor) addLines(pos int, lines []string, depth int) error {
	eol := e.eol(pos)
	text := strings.Join(lines, eol)
	if pos > 0 && !isBreak(e.text[pos-1]) {
		if !e.cutsTo(pos) {
			text = eol + text
		}
	} else {
		text += eol
	}
	e.adds = append(e.adds, insertion{pos: pos, end: pos, depth: depth, text: text})
	return nil
}

// cutsTo says whether whole lines up to pos go.
func (e *editor) cutsTo(pos int) bool {
	for _, c := range e.cuts {
		if c.End == pos && c.Start < pos && c.Start == e.lineStart(c.Start) {
			return true
		}
	}
	return false
}

// eol is the line break of the line before pos, or of the first one after it.
func (e *editor) eol(pos int) string {
	end := pos
	if end == 0 || !isBreak(e.text[end-1]) {
		if end = e.lineStart(pos); end == 0 {
			end = nextLine(e.text, pos)
		}
	}
	switch {
	case end == 0 || !isBreak(e.text[end-1]):
		return "\n"
	case e.text[end-1] == '\r':
		return "\r"
	case end > 1 && e.text[end-2] == '\r':
		return "\r\n"
	}
	return "\n"
}

// replace gives a node a new value.
func (e *editor) replace(n *node, depth int) error {
	value := n.change.set.value()
	entry := n.entryOf()
	if n.parent == nil {
		return refuse("the document is empty")
	}
	if entry != nil {
		if err := e.unconditional(n.parent, entry.mark); err != nil {
			return err
		}
	}
	if e.json || n.parent != nil && n.parent.flow {
		return e.replaceFlow(n, value, depth)
	}
	style := e.styleAt(n)
	block := false
	switch v := value.(type) {
	case Map:
		block = len(v) > 0
	case []any:
		block = len(v) > 0
	}
	if !block {
		if entry != nil {
			if err := e.unwritten(n.parent, *entry, true); err != nil {
				return err
			}
		}
		text := style.inlineLike(value, n)
		if n.start == n.end {
			text = " " + text
		}
		if n.kind != scalar && !n.flow && n.kind != alias {
			return e.collapse(n, text, depth)
		}
		if n.style&yaml.TaggedStyle != 0 {
			return refuse("a value with a tag is to be replaced")
		}
		e.adds = append(e.adds, insertion{pos: n.body, end: n.end, depth: depth, text: text})
		return nil
	}
	if n.anchor != "" {
		return refuse("a value with an anchor is to be replaced")
	}
	if entry == nil || entry.key == nil {
		return refuse("a list item is to be replaced by a mapping or a list")
	}
	if n.kind != scalar && len(n.entries) > 0 {
		return refuse("a mapping or list with entries is to be replaced")
	}
	indent := strings.Repeat(" ", n.parent.column)
	var lines []string
	switch v := value.(type) {
	case Map:
		lines = style.mapping(v, indent+strings.Repeat(" ", style.Step))
	case []any:
		if style.Indented {
			indent += strings.Repeat(" ", style.Step)
		}
		lines = style.sequence(v, indent)
	}
	if n.end > entry.colon {
		e.cut(entry.colon, n.end)
	}
	return e.addLines(e.lineEnd(n.end), lines, depth)
}

// collapse puts an inline value in place of a block collection, beside its key.
func (e *editor) collapse(n *node, text string, depth int) error {
	entry := n.entryOf()
	if entry == nil || entry.key == nil || n.start != n.body || !e.opensLine(n.body) {
		return refuse("a list item or a value with an anchor is to be replaced")
	}
	e.cut(e.lineEnd(entry.colon), e.below(e.lineEnd(n.end), n.parent.column))
	e.adds = append(e.adds, insertion{pos: entry.colon, end: entry.colon, depth: depth, text: " " + strings.TrimLeft(text, " ")})
	return nil
}
