package document

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader builds yaml nodes from JSON text. yaml.v3 reads most JSON itself, but not escapes like \/ and surrogate
// pairs, and it takes text for YAML that no JSON reader takes.
type jsonReader struct {
	text         []byte
	at           int
	line         int // of at
	lineStart    int // where that line starts
	depth, limit int
	nodes        slab
}

// parseJSON reads the first value of text and gives what follows it.
func parseJSON(text []byte, line, levels int) (node *node, rest []byte, err *Error) {
	r := &jsonReader{text: text, line: line, limit: levels}
	r.space()
	if node, err = r.value(); err != nil {
		return nil, nil, err
	}
	r.space()
	return node, text[r.at:], nil
}

func (r *jsonReader) fail(why string) *Error { return &Error{Line: r.line, Why: why} }

func (r *jsonReader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case '\n':
			r.line++
			r.lineStart = r.at + 1
		case '\r':
			if r.at+1 == len(r.text) || r.text[r.at+1] != '\n' {
				r.line++
				r.lineStart = r.at + 1
			}
		case ' ', '\t':
		default:
			return
		}
		r.at++
	}
}

func (r *jsonReader) node(kind kind, tag string) *node {
	n := r.nodes.node()
	n.kind, n.tag, n.line, n.column = kind, tag, int32(r.line), int32(1+utf8.RuneCount(r.text[r.lineStart:r.at]))
	return n
}

func (r *jsonReader) value() (*node, *Error) {
	if r.at >= len(r.text) {
		return nil, r.fail("the text ends inside a value")
	}
	switch c := r.text[r.at]; {
	case c == '{' || c == '[':
		if r.depth++; r.depth > r.limit {
			return nil, &Error{Line: r.line, Why: tooDeep(r.limit), Limit: true}
		}
		defer func() { r.depth-- }()
		if c == '{' {
			return r.object()
		}
		return r.array()
	case c == '"':
		return r.str()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	for _, word := range []struct{ text, tag string }{{"true", "!!bool"}, {"false", "!!bool"}, {"null", "!!null"}} {
		if strings.HasPrefix(string(r.text[r.at:min(r.at+5, len(r.text))]), word.text) {
			node := r.node(scalarNode, word.tag)
			node.value = word.text
			r.at += len(word.text)
			return node, nil
		}
	}
	return nil, r.fail("found a character that starts no JSON value")
}

func (r *jsonReader) object() (*node, *Error) {
	node := r.node(mappingNode, "!!map")
	node.style = flowStyle
	r.at++
	for {
		r.space()
		if r.at < len(r.text) && r.text[r.at] == '}' && len(node.content) == 0 {
			r.at++
			return node, nil
		}
		if r.at >= len(r.text) || r.text[r.at] != '"' {
			return nil, r.fail("a JSON object's key is missing")
		}
		key, err := r.str()
		if err != nil {
			return nil, err
		}
		r.space()
		if r.at >= len(r.text) || r.text[r.at] != ':' {
			return nil, r.fail("a colon is missing after a JSON object's key")
		}
		r.at++
		r.space()
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		node.content = append(node.content, key, value)
		if end, err := r.separator('}', "object"); err != nil || end {
			return node, err
		}
	}
}

func (r *jsonReader) array() (*node, *Error) {
	node := r.node(sequenceNode, "!!seq")
	node.style = flowStyle
	r.at++
	for {
		r.space()
		if r.at < len(r.text) && r.text[r.at] == ']' && len(node.content) == 0 {
			r.at++
			return node, nil
		}
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		node.content = append(node.content, value)
		if end, err := r.separator(']', "array"); err != nil || end {
			return node, err
		}
	}
}

func (r *jsonReader) separator(closing byte, what string) (end bool, err *Error) {
	r.space()
	if r.at < len(r.text) {
		switch r.text[r.at] {
		case closing:
			r.at++
			return true, nil
		case ',':
			r.at++
			return false, nil
		}
	}
	return false, r.fail("a comma or the end of a JSON " + what + " is missing")
}

func (r *jsonReader) number() (*node, *Error) {
	node := r.node(scalarNode, "!!int")
	start := r.at
	for r.at < len(r.text) && strings.IndexByte("+-.0123456789eE", r.text[r.at]) >= 0 {
		r.at++
	}
	if node.value = string(r.text[start:r.at]); !json.Valid(r.text[start:r.at]) {
		return nil, r.fail("found a number that is not JSON")
	}
	if _, err := strconv.ParseInt(node.value, 10, 64); err != nil {
		node.tag = "!!float"
	}
	return node, nil
}

// str reads a string.
func (r *jsonReader) str() (*node, *Error) {
	node := r.node(scalarNode, "!!str")
	node.style = quotedStyle
	r.at++
	start := r.at
	var b []byte // what was read, once an escape was met
	escaped := false
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			if escaped {
				node.value = string(b)
			} else {
				node.value = string(r.text[start:r.at])
			}
			r.at++
			if !utf8.ValidString(node.value) {
				return nil, r.fail("found text that is not UTF-8")
			}
			return node, nil
		case c == '\\':
			if !escaped {
				b, escaped = append(b, r.text[start:r.at]...), true
			}
			var ok bool
			if b, ok = r.escape(b); !ok {
				return nil, r.fail("found an unknown escape in a JSON string")
			}
		case c < ' ':
			return nil, r.fail("found a control character in a JSON string")
		case escaped:
			b = append(b, c)
		}
	}
	return nil, &Error{Line: int(node.line), Why: "a JSON string is not closed"}
}

// escape reads the escape at the backslash and leaves r.at at its last byte.
func (r *jsonReader) escape(b []byte) ([]byte, bool) {
	if r.at++; r.at >= len(r.text) {
		return b, false
	}
	switch c := r.text[r.at]; c {
	case '"', '\\', '/':
		return append(b, c), true
	case 'b':
		return append(b, '\b'), true
	case 'f':
		return append(b, '\f'), true
	case 'n':
		return append(b, '\n'), true
	case 'r':
		return append(b, '\r'), true
	case 't':
		return append(b, '\t'), true
	case 'u':
		first, ok := r.hex(r.at + 1)
		if !ok {
			return b, false
		}
		r.at += 4
		if utf16.IsSurrogate(first) {
			if second, ok := r.hex(r.at + 3); ok && r.text[r.at+1] == '\\' && r.text[r.at+2] == 'u' {
				if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
					r.at += 6
					return utf8.AppendRune(b, pair), true
				}
			}
		}
		return utf8.AppendRune(b, first), true
	}
	return b, false
}

func (r *jsonReader) hex(at int) (rune, bool) {
	if at+4 > len(r.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(r.text[at:at+4]), 16, 16)
	return rune(n), err == nil
}
