package document

import (
	"bytes"
	"strings"
)

// flow reads a collection in brackets that ends on its line.
func (s *simple) flow(at int) (*node, int) {
	if s.depth++; s.depth > maxSimpleDepth {
		s.giveUp()
	}
	mark := len(s.children)
	n, closing := s.node(sequenceNode, "!!seq", at), byte(']')
	if s.text[at] == '{' {
		n, closing = s.node(mappingNode, "!!map", at), '}'
	}
	n.style = flowStyle
	at = s.blanks(at + 1)
	if at < s.end && s.text[at] == closing {
		s.depth--
		return n, at + 1
	}
	for {
		var item *node
		item, at = s.flowItem(at, closing == '}')
		s.add(item)
		if closing == '}' {
			if at >= s.end || s.text[at] != ':' || at+1 >= s.end || s.text[at+1] != ' ' {
				s.giveUp()
			}
			item, at = s.flowItem(s.blanks(at+1), false)
			s.add(item)
		}
		at = s.blanks(at)
		if at >= s.end {
			s.giveUp()
		}
		switch s.text[at] {
		case closing:
			s.depth--
			return s.close(n, mark), at + 1
		case ',':
			at = s.blanks(at + 1)
		default:
			s.giveUp()
		}
	}
}

func (s *simple) blanks(at int) int {
	for at < s.end && s.text[at] == ' ' {
		at++
	}
	return at
}

func (s *simple) flowItem(at int, key bool) (*node, int) {
	if at >= s.end {
		s.giveUp()
	}
	switch c := s.text[at]; {
	case (c == '{' || c == '[') && !key:
		return s.flow(at)
	case c == '"' || c == '\'':
		end := s.quoteEnd(at)
		return s.quoted(at, end), end
	case !s.plainStart(at):
		s.giveUp()
	}
	end := at
	for end < s.end && strings.IndexByte(",[]{}:#?", s.text[end]) < 0 {
		end++
	}
	stop := at + len(bytes.TrimRight(s.text[at:end], " "))
	if end < s.end && (s.text[end] == ':' && (!key || stop != end) || s.text[end] == '#' || s.text[end] == '?') || stop == at {
		s.giveUp()
	}
	return s.scalar(at, stop), end
}
