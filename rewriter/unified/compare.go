package unified

import (
	"fmt"
	"math"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// A line is one line of the comparison, with its line break where it has one.
type line struct {
	op       byte // ' ', '-' or '+'
	text     string
	old, new int // its number before and after, or that of the line before it
}

// maxDistinct is how many different lines the library can tell apart: it writes each as one Unicode character.
const maxDistinct = 1_000_000

// compare is the shortest list of removed and added lines, checked against both sides.
func compare(before, after []byte) ([]line, error) {
	a, b := split(string(before)), split(string(after))
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var lines []line
	put := func(op byte, texts ...string) {
		for _, text := range texts {
			lines = append(lines, line{op: op, text: text})
		}
	}
	put(' ', a[:head]...)
	changes(a[head:len(a)-tail], b[head:len(b)-tail], put)
	put(' ', a[len(a)-tail:]...)
	slide(lines)
	number(lines)
	if !addsUp(lines, string(before), string(after)) {
		return nil, fmt.Errorf("the comparison does not add up")
	}
	return lines, nil
}

// changes compares what is left between a common head and tail.
func changes(a, b []string, put func(op byte, texts ...string)) {
	if len(a) == 0 || len(b) == 0 || len(a)+len(b) > maxDistinct {
		put('-', a...)
		put('+', b...)
		return
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // a clock would make the result vary
	from, to, table := dmp.DiffLinesToRunes(strings.Join(a, ""), strings.Join(b, ""))
	for _, d := range dmp.DiffCharsToLines(dmp.DiffMainRunes(from, to, false), table) {
		switch d.Type {
		case diffmatchpatch.DiffEqual:
			put(' ', split(d.Text)...)
		case diffmatchpatch.DiffDelete:
			put('-', split(d.Text)...)
		case diffmatchpatch.DiffInsert:
			put('+', split(d.Text)...)
		}
	}
}

// split cuts text behind each line feed.
func split(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func number(lines []line) {
	old, new := 0, 0
	for i := range lines {
		if lines[i].op != '+' {
			old++
		}
		if lines[i].op != '-' {
			new++
		}
		lines[i].old, lines[i].new = old, new
	}
}

func addsUp(lines []line, before, after string) bool {
	for _, l := range lines {
		if l.op != '+' {
			rest, ok := strings.CutPrefix(before, l.text)
			if !ok {
				return false
			}
			before = rest
		}
		if l.op != '-' {
			rest, ok := strings.CutPrefix(after, l.text)
			if !ok {
				return false
			}
			after = rest
		}
	}
	return before == "" && after == ""
}

// slide moves groups of removed or added lines, where several places mean the same, to the place that reads best: the
// group begins at the line with the least indentation, as entries of YAML do, and otherwise as late as possible.
func slide(lines []line) {
	for from := 0; from < len(lines); {
		if lines[from].op == ' ' {
			from++
			continue
		}
		to := from
		for to < len(lines) && lines[to].op == lines[from].op {
			to++
		}
		if to < len(lines) && lines[to].op != ' ' || from > 0 && lines[from-1].op != ' ' {
			for to < len(lines) && lines[to].op != ' ' {
				to++
			}
			from = to // a replacement stays where it is
			continue
		}
		up := from
		for up > 0 && lines[up-1].op == ' ' && lines[up-1].text == lines[up-1+to-from].text {
			up--
		}
		down := from
		for down+to-from < len(lines) && lines[down+to-from].op == ' ' && lines[down].text == lines[down+to-from].text {
			down++
		}
		best := from
		for at := up; at <= down; at++ {
			if at == up || weight(lines[at].text) <= weight(lines[best].text) {
				best = at
			}
		}
		move(lines, from, to, best)
		from = best + to - from
	}
}

// weight says how well a group begins at a line: the lower the better.
func weight(text string) int {
	content := strings.TrimLeft(text, " ")
	switch {
	case strings.TrimRight(content, "\r\n") == "":
		return math.MaxInt
	case content[0] == '#':
		return 2 * (len(text) - len(content))
	}
	return 2*(len(text)-len(content)) + 1
}

// move lets the group that stands at from begin at best. The texts on the way are the same in either place.
func move(lines []line, from, to, best int) {
	op := lines[from].op
	for i := min(from, best); i < max(to, best+to-from); i++ {
		lines[i].op = ' '
		if i >= best && i < best+to-from {
			lines[i].op = op
		}
	}
}
