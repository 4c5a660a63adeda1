package yamledit

import (
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

type kind uint8

const (
	scalar kind = iota
	mapping
	sequence
	alias
)

// A node is a YAML node with the exact bytes it takes. Offsets count from the start of the document's text.
type node struct {
	kind   kind
	tag    string // in its short form, resolved for plain scalars
	value  string // of a scalar; the anchor's name of an alias
	style  yaml.Style
	anchor string
	target *node      // of an alias
	yaml   *yaml.Node // what an alias stands for

	parent  *node
	index   int // the entry of parent that this node is the value of
	entries []entry

	start, body, end int // body is behind the anchor and the tag
	column           int // of a block collection's keys or dashes, in characters from 0
	flow             bool
	bare             bool // a flow mapping without braces: [a: b]

	change change
}

// An entry is a mapping entry or (with a nil key) a list item.
type entry struct {
	key     *node
	value   *node
	mark    int // where it begins: the key, or the dash; in a flow list the value
	colon   int // behind the `:`, or behind the dash
	comma   int // of the `,` behind it in a flow collection, or -1
	removed bool
}

func (e entry) end() int {
	if e.key != nil && e.value.end < e.colon {
		return e.colon
	}
	return max(e.value.end, e.colon)
}

// A tree is one document: its text and its nodes.
type tree struct {
	text    []byte
	root    *node // nil for an empty document
	json    bool  // strict JSON: what is inserted must be JSON too
	anchors map[string][]*node
	aliases []*node
	// masked is what the parser saw in place of text, byte for byte; nil where it saw text itself.
	masked  []byte
	actions []action // of a template
	outer   int      // the block that the document begins in
}

// seen is the text as the parser saw it.
func (t *tree) seen() []byte {
	if t.masked != nil {
		return t.masked
	}
	return t.text
}

func (n *node) isNull() bool { return n.kind == scalar && n.tag == "!!null" }

// entryOf is the entry that holds n, or nil for the root and for keys.
func (n *node) entryOf() *entry {
	if n.parent == nil || n.index < 0 {
		return nil
	}
	return &n.parent.entries[n.index]
}

// find gives the index of the entry with that key: -1 for none, -2 for several.
func (n *node) find(key string) int {
	found := -1
	for i, e := range n.entries {
		if e.key != nil && e.key.kind == scalar && e.key.value == key && e.key.tag != "!!merge" {
			if found >= 0 {
				return -2
			}
			found = i
		}
	}
	return found
}

// A parser splits and parses; a template's parser sees masked text.
type parser interface {
	documents(file []byte) ([]Document, error)
	parse(file []byte, d Document) (*tree, error)
}

type yamlParser struct{}

func (yamlParser) documents(file []byte) ([]Document, error) { return Documents(file) }

func (yamlParser) parse(file []byte, d Document) (*tree, error) {
	text := file[d.Start:d.End]
	if t := parseJSON(text, d.Body-d.Start, d.Tail-d.Start); t != nil {
		return t, nil
	}
	return parseYAML(text, text, d.Body-d.Start, d.Tail-d.Start)
}

// parseYAML reads the document in seen, which is as long as text. Its content stands between body and tail.
func parseYAML(text, seen []byte, body, tail int) (*tree, error) {
	document, err := unmarshal(maskDirectives(seen, body))
	if err != nil {
		return nil, err
	}
	t := &tree{text: text, anchors: map[string][]*node{}}
	if len(text) > 0 && len(seen) > 0 && &text[0] != &seen[0] {
		t.masked = seen
	}
	b := builder{tree: t, text: seen, tail: tail, lines: lineStarts(seen)}
	if document.Kind == 0 || len(document.Content) == 0 {
		return t, b.onlyTrivia(body, tail)
	}
	root, err := b.node(document.Content[0], body, context{indent: -1})
	if err != nil {
		return nil, err
	}
	if err := b.onlyTrivia(root.end, tail); err != nil {
		return nil, err
	}
	t.root = root
	root.index = -1
	return t, b.link()
}

// unmarshal parses one document. The parser's own words could quote the file, and it panics where it finds itself at a loss.
func unmarshal(text []byte) (document yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			err = unparsable(nil)
		}
	}()
	if err := yaml.Unmarshal(text, &document); err != nil {
		return yaml.Node{}, unparsable(err)
	}
	return document, nil
}

// maskDirectives hides `%YAML` lines from the parser, which knows version 1.1 only; what dekey reads is the same in 1.2.
func maskDirectives(text []byte, body int) []byte {
	if body < 5 || text[0] != '%' && !hasDirective(text[:body]) {
		return text
	}
	masked := append([]byte(nil), text...)
	for pos := 0; pos < body; pos = nextLine(text, pos) {
		if len(text)-pos > 5 && string(text[pos:pos+5]) == "%YAML" {
			masked[pos] = '#'
		}
	}
	return masked
}

func hasDirective(head []byte) bool {
	for pos := 0; pos < len(head); pos = nextLine(head, pos) {
		if head[pos] == '%' {
			return true
		}
	}
	return false
}

// lineStarts is where yaml.v3 sees lines begin. It ends lines at NEL, LS and PS too, in comments and quotes as well.
func lineStarts(text []byte) []int {
	starts := make([]int, 1, len(text)/32+1)
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\n':
			starts = append(starts, i+1)
		case '\r':
			if i+1 < len(text) && text[i+1] == '\n' {
				i++
			}
			starts = append(starts, i+1)
		case 0xC2:
			if i+1 < len(text) && text[i+1] == 0x85 {
				i++
				starts = append(starts, i+1)
			}
		case 0xE2:
			if i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] == 0xA8 || text[i+2] == 0xA9) {
				i += 2
				starts = append(starts, i+1)
			}
		}
	}
	return starts
}

// offset turns yaml.v3's line and column, which count from 1 and in characters, into bytes.
func (b *builder) offset(line, column int) int {
	if line < 1 || line > len(b.lines) {
		return len(b.text)
	}
	pos := b.lines[line-1]
	for i := 1; i < column && pos < len(b.text); i++ {
		if b.text[pos] < utf8.RuneSelf {
			pos++
			continue
		}
		_, size := utf8.DecodeRune(b.text[pos:])
		pos += size
	}
	return pos
}

// columnOf counts characters from the start of pos's line.
func (b *builder) columnOf(pos int) int {
	lo, hi := 0, len(b.lines)
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if b.lines[mid] <= pos {
			lo = mid
		} else {
			hi = mid
		}
	}
	return utf8.RuneCount(b.text[b.lines[lo]:pos])
}

func (b *builder) link() error {
	for _, a := range b.tree.aliases {
		if a.target = b.byNode[a.alias()]; a.target == nil {
			return refuse("an alias has no anchor that can be located")
		}
	}
	return nil
}
