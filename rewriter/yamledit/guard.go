package yamledit

import "slices"

// The guards of template mode. A tree without actions passes all of them.

// sound refuses splices that would leave a template's actions without their partners.
func (e *editor) sound(splices []Splice) error {
	for _, s := range splices {
		depth := 0
		for _, a := range e.actions {
			if a.end <= s.Start || a.start >= s.End {
				continue
			}
			if a.start < s.Start || a.end > s.End {
				return refuse("an edit would cut a template's action in two")
			}
			switch a.kind {
			case opens:
				depth++
			case turns:
				if depth == 0 {
					return refuse("an edit would take a part of a template's condition")
				}
			case closes:
				if depth--; depth < 0 {
					return refuse("an edit would take a part of a template's condition")
				}
			}
		}
		if depth != 0 {
			return refuse("an edit would take a part of a template's condition")
		}
	}
	return nil
}

// conditions are the regions that actions frame on lines of their own, without an else.
func (e *editor) conditions() []region {
	var out []region
	type frame struct {
		line int
		ok   bool
	}
	var stack []frame
	for _, a := range e.actions {
		switch a.kind {
		case opens:
			stack = append(stack, frame{e.lineStart(a.start), a.own})
		case turns:
			if len(stack) > 0 {
				stack[len(stack)-1].ok = false
			}
		case closes:
			if len(stack) == 0 {
				continue
			}
			f := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if end := e.lineStart(a.start); f.ok && a.own && f.line < end {
				out = append(out, region{start: f.line, end: end, template: true})
			}
		}
	}
	return out
}

// unwritten refuses to take an entry away when an action may write more of it: lines under a key or an item that the
// parser did not see. Collapsed says that the entry goes because nothing that the parser saw is left in it.
func (e *editor) unwritten(n *node, entry entry, collapsed bool) error {
	if len(e.actions) == 0 {
		return nil
	}
	value := entry.value
	limit := e.nextToken(entry.end())
	atColumn := collapsed || value.isNull() || value.kind == sequence && !value.flow && value.column == n.column
	depth := 0 // of conditions, from the entry's own
	for _, a := range e.actions {
		if a.end <= entry.mark {
			continue
		}
		if a.start >= limit {
			return nil
		}
		switch a.kind {
		case opens:
			depth++
		case closes:
			depth--
		}
		if depth < 0 || depth == 0 && a.kind == turns {
			return nil // behind the condition that the entry stands in
		}
		if a.own && a.kind == writes && e.writesInto(a, n, entry, collapsed, atColumn) {
			return refuse("an action of the template writes into what would go")
		}
	}
	return nil
}

// writesInto says whether what an action writes belongs to an entry: it stands in it or below it, deeper or (with atColumn)
// as deep.
func (e *editor) writesInto(a action, n *node, entry entry, collapsed, atColumn bool) bool {
	if a.start < entry.end() {
		return collapsed
	}
	indent := e.indentOf(a)
	return indent > n.column || indent == n.column && atColumn
}

// indentOf is the column that an action writes to: what it says itself, or where it stands.
func (e *editor) indentOf(a action) int {
	if a.indent >= 0 {
		return a.indent
	}
	return e.width(e.lineStart(a.start), a.start)
}

// single refuses an entry that a loop inside of its list or mapping writes many times.
func (t *tree) single(n *node, pos int) error {
	from := n.start
	if above := n.entryOf(); above != nil {
		from = above.mark
	}
	var loops []bool
	for _, a := range t.actions {
		if a.start < from || a.start >= pos {
			continue
		}
		switch a.kind {
		case opens:
			loops = append(loops, a.loop)
		case closes:
			if len(loops) > 0 {
				loops = loops[:len(loops)-1]
			}
		}
	}
	if slices.Contains(loops, true) {
		return refuse("a loop of the template writes the field")
	}
	return nil
}

// nextToken is where the trivia behind pos end.
func (e *editor) nextToken(pos int) int {
	b := builder{tree: e.tree, text: e.seen, tail: len(e.seen)}
	return b.trivia(pos)
}

// unconditional refuses to put a field at pos when that stands in another condition than the mapping or list around it.
func (e *editor) unconditional(n *node, pos int) error {
	if len(e.actions) == 0 {
		return nil
	}
	at := n.start
	if above := n.entryOf(); above != nil {
		at = above.mark
	}
	if e.blockAt(at) != e.blockAt(pos) {
		return refuse("the field would stand in a condition of the template")
	}
	return nil
}

// written skips the lines below an entry on which actions write more of it, or (below a list item) more items.
func (e *editor) written(pos int, n *node) int {
	limit := e.nextToken(pos)
	for _, a := range e.actions {
		if a.start < pos || a.start >= limit {
			continue
		}
		if !a.own || a.kind != writes && a.kind != silent {
			break
		}
		indent := e.indentOf(a)
		if indent < n.column || indent == n.column && n.kind != sequence {
			break
		}
		pos = nextLine(e.text, a.end)
	}
	return pos
}
