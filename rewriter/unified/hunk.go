package unified

import (
	"bytes"
	"fmt"
	"strings"
)

// context is how many unchanged lines stand around a change.
const context = 3

// A hunk is lines[from:to] of a comparison.
type hunk []line

// group makes hunks of changes. Lines that hold key material are in none.
func group(path string, lines []line, secret func([]byte) bool) ([]hunk, error) {
	hidden := make([]bool, len(lines))
	for i, l := range lines {
		if secret == nil || !secret([]byte(strings.TrimRight(l.text, "\r\n"))) {
			continue
		}
		hidden[i] = true
		if l.op != ' ' {
			return nil, &KeyError{Path: path, Line: oldLine(l), Edited: true}
		}
	}
	var hunks []hunk
	for i := 0; i < len(lines); {
		if lines[i].op == ' ' {
			i++
			continue
		}
		from := i
		for n := 0; n < context && from > 0 && !hidden[from-1] && (lines[from-1].op == ' '); n++ {
			from--
		}
		end := i // behind the last change
		to := i
		for to < len(lines) && !hidden[to] && to-end < 2*context+1 {
			if lines[to].op != ' ' {
				end = to + 1
			}
			to++
		}
		to = min(to, end+context)
		// Without a line behind it, git takes a hunk for the end of the file; and one that begins with line 1 and has no
		// line of the old file for its beginning.
		if to == end && end < len(lines) || from > 0 && lines[from].old == 1 && insertion(lines[from:to]) {
			return nil, &KeyError{Path: path, Line: lines[min(end, len(lines)-1)].old}
		}
		hunks = append(hunks, hunk(lines[from:to]))
		i = to
	}
	return hunks, nil
}

func oldLine(l line) int {
	if l.op == '+' {
		return 0
	}
	return l.old
}

// insertion says whether a hunk has no old line at all: git finds its place by number alone.
func insertion(lines []line) bool {
	for _, l := range lines {
		if l.op != '+' {
			return false
		}
	}
	return true
}

func (h hunk) write(out *bytes.Buffer) {
	var old, new int
	for _, l := range h {
		if l.op != '+' {
			old++
		}
		if l.op != '-' {
			new++
		}
	}
	first := h[0]
	oldStart, newStart := first.old, first.new
	if first.op == '+' && old > 0 {
		oldStart++ // first.old is the line before it
	}
	if first.op == '-' && new > 0 {
		newStart++
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(oldStart, old), span(newStart, new))
	for _, l := range h {
		out.WriteByte(l.op)
		out.WriteString(l.text)
		if !strings.HasSuffix(l.text, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

func span(start, count int) string {
	if count == 1 {
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, count)
}
