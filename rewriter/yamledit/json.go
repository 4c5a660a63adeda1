package yamledit

import (
	"bytes"
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// parseJSON reads a document that is strict JSON, which yaml.v3 cannot always: it knows neither `\/` nor surrogate pairs,
// nor tabs as indentation. For anything else it gives nil.
func parseJSON(text []byte, body, tail int) *tree {
	content := bytes.TrimSpace(text[body:tail])
	if len(content) == 0 || content[0] != '{' && content[0] != '[' || !json.Valid(content) {
		return nil
	}
	r := jsonReader{text: text[:tail], pos: body}
	root := r.value(0)
	if root == nil {
		return nil
	}
	root.index = -1
	return &tree{text: text, root: root, json: true, anchors: map[string][]*node{}}
}

// A jsonReader walks text that is known to be valid.
type jsonReader struct {
	text []byte
	pos  int
}

func (r *jsonReader) space() byte {
	for r.pos < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.pos]) >= 0 {
		r.pos++
	}
	if r.pos >= len(r.text) {
		return 0
	}
	return r.text[r.pos]
}

// value reads one value; nil stands for text that is nested too deeply.
func (r *jsonReader) value(depth int) *node {
	c := r.space()
	n := &node{start: r.pos, body: r.pos, tag: "!!str"}
	switch c {
	case '{', '[':
		if depth > maxDepth {
			return nil
		}
		return r.collection(n, c, depth)
	case '"':
		n.style = yaml.DoubleQuotedStyle
		n.value = r.string()
	default:
		for r.pos < len(r.text) && strings.IndexByte(" \t\r\n,]}", r.text[r.pos]) < 0 {
			r.pos++
		}
		n.value = string(r.text[n.start:r.pos])
		switch {
		case n.value == "null":
			n.tag = "!!null"
		case n.value == "true" || n.value == "false":
			n.tag = "!!bool"
		case strings.ContainsAny(n.value, ".eE"):
			n.tag = "!!float"
		default:
			n.tag = "!!int"
		}
	}
	n.end = r.pos
	return n
}

func (r *jsonReader) collection(n *node, open byte, depth int) *node {
	n.flow, n.style, n.kind, n.tag = true, yaml.FlowStyle, sequence, "!!seq"
	if open == '{' {
		n.kind, n.tag = mapping, "!!map"
	}
	r.pos++
	for c := r.space(); c != ']' && c != '}'; c = r.space() {
		e := entry{mark: r.pos, colon: r.pos, comma: -1}
		if n.kind == mapping {
			e.key = &node{start: r.pos, body: r.pos, tag: "!!str", style: yaml.DoubleQuotedStyle}
			e.key.value = r.string()
			e.key.end = r.pos
			r.space()
			r.pos++
			e.colon = r.pos
		}
		if e.value = r.value(depth + 1); e.value == nil {
			return nil
		}
		if r.space() == ',' {
			e.comma = r.pos
			r.pos++
		}
		n.adopt(e)
	}
	r.pos++
	n.end = r.pos
	return n
}

func (r *jsonReader) string() string {
	start := r.pos
	for r.pos++; r.text[r.pos] != '"'; r.pos++ {
		if r.text[r.pos] == '\\' {
			r.pos++
		}
	}
	r.pos++
	raw := r.text[start:r.pos]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}
