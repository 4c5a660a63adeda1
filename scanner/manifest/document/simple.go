package document

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// A simple reads the YAML that most manifests are written in, about five times as fast as the library: block mappings
// and sequences, scalars on one line, literals, and collections in brackets on one line. It gives the library's nodes,
// with the library's positions. At anything else it gives up, and the library reads the document: anchors, tags,
// folded and continued lines, tabs, what is wrong. A fuzz test holds the two against each other.
type simple struct {
	text []byte

	// The line at hand: the next one that is neither blank nor a comment. indent is -1 behind the last.
	start, end int // without its break
	after      int // where the next line starts
	indent     int
	line       int
	depth      int

	source   string // the text; values are parts of it
	nodes    slab
	children []*node // of the collections that are open
	links    []*node // room for the children of closed ones
}

// givesUp is the panic with which a simple leaves what it does not read.
type givesUp struct{}

func (s *simple) giveUp() { panic(givesUp{}) }

// maxSimpleDepth bounds the recursion; deeper documents are the library's.
const maxSimpleDepth = 100

// parseSimple reads a document; ok is false where the library has to.
func parseSimple(text []byte, line int) (root *node, ok bool) {
	if !plainText(text) {
		return nil, false
	}
	defer func() {
		if r := recover(); r != nil {
			if _, mine := r.(givesUp); !mine {
				panic(r)
			}
			root, ok = nil, false
		}
	}()
	s := &simple{text: text, line: line - 1, source: string(text)}
	s.next()
	if s.indent == 0 && bytes.HasPrefix(text[s.start:s.end], []byte("---")) {
		if rest := bytes.TrimLeft(text[s.start+3:s.end], " "); len(rest) > 0 && (rest[0] != '#' || len(rest) == s.end-s.start-3) {
			return nil, false
		}
		s.next()
	}
	if s.indent < 0 {
		return nil, false
	}
	root = s.block(s.start+s.indent, s.indent)
	if s.indent >= 0 {
		return nil, false
	}
	return root, true
}

// plainText says whether a text holds no byte that YAML treats in a special way: no control characters, tabs, odd line
// breaks.
func plainText(text []byte) bool {
	ascii := true
	for i, c := range text {
		switch {
		case c >= ' ' && c < 0x7F || c == '\n':
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
		case c >= 0x80:
			ascii = false
		default:
			return false
		}
	}
	if ascii {
		return true
	}
	if !utf8.Valid(text) {
		return false
	}
	for _, r := range string(text) { // breaks, the byte order mark, C1 controls
		if r >= 0x80 && r < 0xA0 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r >= 0xFFFE && r <= 0xFFFF {
			return false
		}
	}
	return true
}

// next moves to the next line that has content.
func (s *simple) next() {
	for at := s.after; at < len(s.text); {
		s.line++
		s.start = at
		s.end = len(s.text)
		s.after = len(s.text)
		if i := bytes.IndexByte(s.text[at:], '\n'); i >= 0 {
			s.end, s.after = at+i, at+i+1
		}
		at = s.after
		if s.end > s.start && s.text[s.end-1] == '\r' {
			s.end--
		}
		k := s.start
		for k < s.end && s.text[k] == ' ' {
			k++
		}
		if k < s.end && s.text[k] != '#' {
			s.indent = k - s.start
			return
		}
	}
	s.indent = -1
}

func (s *simple) node(kind kind, tag string, at int) *node {
	n := s.nodes.node()
	n.kind, n.tag, n.line, n.column = kind, tag, int32(s.line), int32(at-s.start+1)
	return n
}

// add keeps a child of the collection that is being read.
func (s *simple) add(child *node) { s.children = append(s.children, child) }

// close gives a collection its children: those that were added since there were mark.
func (s *simple) close(n *node, mark int) *node {
	if count := len(s.children) - mark; count > 0 {
		if len(s.links) < count {
			s.links = make([]*node, max(64, count))
		}
		n.content, s.links = s.links[:count:count], s.links[count:]
		copy(n.content, s.children[mark:])
		s.children = s.children[:mark]
	}
	return n
}

// block reads the mapping or sequence that starts at an offset of the line at hand, in a column counted from 0.
func (s *simple) block(at, column int) *node {
	if s.depth++; s.depth > maxSimpleDepth {
		s.giveUp()
	}
	var n *node
	if s.dash(at) {
		n = s.sequence(at, column)
	} else {
		n = s.mapping(at, column)
	}
	s.depth--
	return n
}

// dash says whether an item starts at an offset.
func (s *simple) dash(at int) bool {
	return s.text[at] == '-' && (at+1 == s.end || s.text[at+1] == ' ')
}

func (s *simple) sequence(at, column int) *node {
	list, mark := s.node(sequenceNode, "!!seq", at), len(s.children)
	for {
		content := at + 1
		for content < s.end && s.text[content] == ' ' {
			content++
		}
		switch {
		case content == s.end || s.text[content] == '#':
			if content < s.end && s.text[content-1] != ' ' {
				s.giveUp()
			}
			empty := s.node(scalarNode, "!!null", at+1)
			if s.next(); s.indent > column {
				s.add(s.block(s.start+s.indent, s.indent))
			} else {
				s.add(empty)
			}
		case s.dash(content) || s.colon(content) >= 0:
			s.add(s.block(content, content-s.start))
		default:
			s.add(s.value(content, column))
		}
		if s.indent != column || !s.dash(s.start+s.indent) {
			if s.indent > column {
				s.giveUp()
			}
			return s.close(list, mark)
		}
		at = s.start + s.indent
	}
}

// colon is the offset of the colon behind the key that starts at an offset, or -1 where no key does.
func (s *simple) colon(at int) int {
	if c := s.text[at]; c == '"' || c == '\'' {
		close := s.quoteEnd(at)
		if close < s.end && s.text[close] == ':' && (close+1 == s.end || s.text[close+1] == ' ') {
			return close
		}
		if rest := bytes.TrimLeft(s.text[close:s.end], " "); len(rest) > 0 && rest[0] == ':' {
			s.giveUp()
		}
		return -1
	}
	for i := at; i < s.end; i++ {
		switch s.text[i] {
		case ':':
			if i+1 == s.end || s.text[i+1] == ' ' {
				return i
			}
		case '#':
			if i > at && s.text[i-1] == ' ' {
				return -1
			}
		}
	}
	return -1
}

// quoteEnd is behind the closing quote of the text that is quoted at an offset: on this line, with nothing escaped.
func (s *simple) quoteEnd(at int) int {
	quote := s.text[at]
	i := bytes.IndexByte(s.text[at+1:s.end], quote)
	if i < 0 {
		s.giveUp()
	}
	end := at + 1 + i + 1
	if quote == '\'' && end < s.end && s.text[end] == '\'' || quote == '"' && bytes.IndexByte(s.text[at:end], '\\') >= 0 {
		s.giveUp()
	}
	return end
}

// indicators can not start a plain scalar.
const indicators = ",[]{}#&*!|>'\"%@`"

func (s *simple) mapping(at, column int) *node {
	m, mark := s.node(mappingNode, "!!map", at), len(s.children)
	for {
		colon := s.colon(at)
		if colon < 0 || colon-at > 1000 {
			s.giveUp()
		}
		s.add(s.key(at, colon))
		value := colon + 1
		for value < s.end && s.text[value] == ' ' {
			value++
		}
		if value == s.end || s.text[value] == '#' {
			empty := s.node(scalarNode, "!!null", colon+1)
			s.next()
			switch {
			case s.indent > column, s.indent == column && s.dash(s.start+s.indent):
				s.add(s.block(s.start+s.indent, s.indent))
			default:
				s.add(empty)
			}
		} else {
			s.add(s.value(value, column))
		}
		if s.indent != column {
			if s.indent > column {
				s.giveUp()
			}
			return s.close(m, mark)
		}
		if at = s.start + s.indent; s.dash(at) {
			return s.close(m, mark) // the sequence that this mapping's parent is in; what stands there otherwise is seen to be wrong
		}
	}
}

func (s *simple) key(at, colon int) *node {
	// The library counts columns in characters: behind a key that is not ASCII, offsets are none.
	if !ascii(s.text[at:colon]) {
		s.giveUp()
	}
	if c := s.text[at]; c == '"' || c == '\'' {
		return s.quoted(at, colon)
	}
	if colon == at || s.text[colon-1] == ' ' || !s.plainStart(at) {
		s.giveUp()
	}
	return s.scalar(at, colon)
}

func ascii(text []byte) bool {
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// plainStart says whether a plain scalar can start at an offset.
func (s *simple) plainStart(at int) bool {
	c := s.text[at]
	if strings.IndexByte(indicators, c) >= 0 || c == '?' || c == ':' {
		return false
	}
	return c != '-' || at+1 < s.end && s.text[at+1] != ' '
}

func (s *simple) scalar(at, end int) *node {
	n := s.node(scalarNode, "", at)
	n.value = s.source[at:end]
	if c := n.value[0]; c >= 'a' && c <= 'z' && c != 't' && c != 'f' && c != 'n' || c == '/' {
		n.tag = "!!str"
	} else if n.value == "<<" {
		n.tag = "!!merge"
	} else {
		n.tag = library(n).ShortTag()
	}
	return n
}

func (s *simple) quoted(at, end int) *node {
	n := s.node(scalarNode, "!!str", at)
	n.value, n.style = s.source[at+1:end-1], quotedStyle
	return n
}

// value reads a scalar, or a collection in brackets, that starts at an offset and ends on its line. parent is the column
// of what holds it: a deeper line would continue it.
func (s *simple) value(at, parent int) *node {
	var n *node
	end := s.end
	switch c := s.text[at]; {
	case c == '|':
		return s.literal(at, parent)
	case c == '"' || c == '\'':
		end = s.quoteEnd(at)
		n = s.quoted(at, end)
	case c == '{' || c == '[':
		if !ascii(s.text[s.start:s.end]) {
			s.giveUp()
		}
		n, end = s.flow(at)
	case s.plainStart(at):
		for i := at; i < s.end; i++ {
			if s.text[i] == '#' && s.text[i-1] == ' ' {
				end = i
				break
			}
			if s.text[i] == ':' && (i+1 == s.end || s.text[i+1] == ' ') {
				s.giveUp()
			}
		}
		trimmed := len(bytes.TrimRight(s.text[at:end], " "))
		n = s.scalar(at, at+trimmed)
	default:
		s.giveUp()
	}
	if rest := bytes.TrimLeft(s.text[end:s.end], " "); len(rest) > 0 && (rest[0] != '#' || s.text[s.end-len(rest)-1] != ' ') {
		s.giveUp()
	}
	if s.next(); s.indent > parent {
		s.giveUp()
	}
	return n
}

// literal reads a block text with its line breaks.
func (s *simple) literal(at, parent int) *node {
	n := s.node(scalarNode, "!!str", at)
	n.style = blockStyle
	chomp := byte(0)
	i := at + 1
	if i < s.end && (s.text[i] == '-' || s.text[i] == '+') {
		chomp = s.text[i]
		i++
	}
	if rest := bytes.TrimLeft(s.text[i:s.end], " "); len(rest) > 0 && (rest[0] != '#' || s.text[s.end-len(rest)-1] != ' ') {
		s.giveUp()
	}
	var b strings.Builder
	indent, blank := -1, 0 // of the text; line breaks that wait for a line of text
	closed := s.after > s.end
	pos := s.after
	for pos < len(s.text) {
		end, after := len(s.text), len(s.text)
		if i := bytes.IndexByte(s.text[pos:], '\n'); i >= 0 {
			end, after = pos+i, pos+i+1
		}
		if end > pos && s.text[end-1] == '\r' {
			end--
		}
		k := pos
		for k < end && s.text[k] == ' ' {
			k++
		}
		if k == end { // blank
			if indent < 0 && k-pos > parent+1 || indent >= 0 && k-pos > indent {
				s.giveUp() // its blanks can be text
			}
			if after == len(s.text) && after == end && k > pos {
				s.giveUp()
			}
			blank++
			closed = closed && after > end
		} else {
			if k-pos <= parent {
				break
			}
			if indent < 0 {
				indent = k - pos
			}
			if k-pos < indent {
				s.giveUp()
			}
			for ; blank > 0; blank-- {
				b.WriteByte('\n')
			}
			b.Write(s.text[pos+indent : end])
			blank, closed = 1, after > end
		}
		s.line++
		pos = after
	}
	if indent < 0 {
		s.giveUp()
	}
	if !closed {
		blank--
	}
	switch {
	case chomp == '+':
		b.WriteString(strings.Repeat("\n", max(blank, 0)))
	case chomp == 0 && blank > 0:
		b.WriteByte('\n')
	}
	n.value = b.String()
	s.after = pos
	if s.next(); s.indent > parent {
		s.giveUp()
	}
	return n
}
