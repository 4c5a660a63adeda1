package yamledit

import (
	"bytes"
	"regexp"
	"sort"
)

// A region is what two marker comments frame, as the offsets of their lines: `# [START x]` and `# [END x]`,
// `# BEGIN x` and `# END x`, `# region x` and `# endregion`.
type region struct {
	start, end int
	template   bool // framed by a template's actions, which no cut may part
}

var marker = regexp.MustCompile(`^[ \t]*#+[ \t]*(?:\[(START|END)[ \t]+([^\]]*)\]|(BEGIN|END)[ \t]+(\S.*?)|(?:#[ \t]*)?(region|endregion)\b(.*?))[ \t]*[\r\n]*$`)

// markers keeps region markers in pairs. Where a cut takes all that a region frames, both go. Where it takes one of them,
// it takes the other too when that stands right beside the cut, and else leaves the first where it is.
func (e *editor) markers(cuts []Splice) []Splice {
	if len(cuts) == 0 {
		return cuts
	}
	regions := append(e.regions(), e.conditions()...)
	for again := true; again; {
		again = false
		for _, r := range regions {
			startCut, endCut := covering(cuts, r.start), covering(cuts, r.end)
			startNext, endNext := nextLine(e.text, r.start), nextLine(e.text, r.end)
			switch {
			case startCut >= 0 && endCut >= 0:
				continue
			case startCut < 0 && endCut < 0:
				if !e.hollow(cuts, startNext, r.end) {
					continue
				}
				cuts = join(cuts, r.start, endNext)
			case startCut >= 0 && e.onlyBlank(cuts[startCut].End, r.end):
				cuts = join(cuts, cuts[startCut].End, endNext)
			case endCut >= 0 && e.onlyBlank(startNext, cuts[endCut].Start):
				cuts = join(cuts, r.start, cuts[endCut].Start)
			case r.template:
				continue
			case startCut >= 0:
				cuts = carve(cuts, startCut, r.start, startNext)
			default:
				cuts = carve(cuts, endCut, r.end, endNext)
			}
			again = true
		}
	}
	return cuts
}

// regions pairs the markers of the document: an end belongs to the last start of its name.
func (e *editor) regions() []region {
	if !bytes.Contains(e.text, []byte("END")) && !bytes.Contains(e.text, []byte("endregion")) {
		return nil
	}
	var inText []*node
	spans(e.root, &inText)
	var out []region
	open := map[string][]int{}
	for line := 0; line < len(e.text); line = nextLine(e.text, line) {
		m := marker.FindSubmatch(e.text[line:nextLine(e.text, line)])
		if m == nil || inside(inText, line) || e.text[e.firstByte(line)] != '#' {
			continue
		}
		var kind, name string
		switch {
		case len(m[1]) > 0:
			kind, name = string(m[1]), "["+string(m[2])
		case len(m[3]) > 0:
			kind, name = string(m[3]), " "+string(m[4])
		default:
			kind, name = string(m[5]), "region"
		}
		switch stack := open[name]; {
		case kind == "START" || kind == "BEGIN" || kind == "region":
			open[name] = append(stack, line)
		case len(stack) > 0:
			out = append(out, region{start: stack[len(stack)-1], end: line})
			open[name] = stack[:len(stack)-1]
		}
	}
	return out
}

// spans collects the scalars that may hold lines of their own.
func spans(n *node, out *[]*node) {
	if n == nil {
		return
	}
	if n.kind == scalar && n.end > n.start+len(n.value) {
		*out = append(*out, n)
	}
	for _, e := range n.entries {
		spans(e.value, out)
	}
}

func inside(nodes []*node, pos int) bool {
	for _, n := range nodes {
		if n.start < pos && pos < n.end {
			return true
		}
	}
	return false
}

// covering is the cut that holds the byte at pos, or -1.
func covering(cuts []Splice, pos int) int {
	for i, c := range cuts {
		if c.Start <= pos && pos < c.End {
			return i
		}
	}
	return -1
}

// hollow says whether cuts take all there is between from and to, and there is something.
func (e *editor) hollow(cuts []Splice, from, to int) bool {
	any := false
	for _, c := range cuts {
		if c.End <= from || c.Start >= to {
			continue
		}
		if c.Start < from || c.End > to || !e.onlyBlank(from, c.Start) {
			return false
		}
		from, any = c.End, true
	}
	if !any || !e.onlyBlank(from, to) {
		return false
	}
	for _, a := range e.adds {
		if a.pos >= from && a.pos < to {
			return false
		}
	}
	return true
}

func (e *editor) onlyBlank(from, to int) bool {
	return from <= to && len(bytes.TrimLeft(e.text[from:to], " \t\r\n")) == 0
}

// join adds a cut and merges what it touches.
func join(cuts []Splice, from, to int) []Splice {
	return merge(append(append([]Splice(nil), cuts...), Splice{Start: from, End: to}))
}

// merge orders cuts and unites those that touch.
func merge(cuts []Splice) []Splice {
	sort.SliceStable(cuts, func(i, j int) bool { return cuts[i].Start < cuts[j].Start })
	var merged []Splice
	for _, c := range cuts {
		if last := len(merged) - 1; last >= 0 && c.Start <= merged[last].End {
			merged[last].End = max(merged[last].End, c.End)
			continue
		}
		merged = append(merged, c)
	}
	return merged
}

// carve leaves the bytes from start to end out of a cut.
func carve(cuts []Splice, i, start, end int) []Splice {
	var out []Splice
	out = append(out, cuts[:i]...)
	if c := cuts[i]; c.Start < start {
		out = append(out, Splice{Start: c.Start, End: start})
	}
	if c := cuts[i]; end < c.End {
		out = append(out, Splice{Start: end, End: c.End})
	}
	return append(out, cuts[i+1:]...)
}
