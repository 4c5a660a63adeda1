package yamledit

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A builder walks the text beside yaml.v3's nodes, which know where they start and not where they end. Between two
// nodes only blanks, comments and the expected indicator may stand: text that is no YAML at all (a template that
// happens to parse, a second document behind the first) does not pass.
type builder struct {
	tree   *tree
	text   []byte
	tail   int
	lines  []int
	byNode map[*yaml.Node]*node
	depth  int
}

// context is what a node's place says about it: the column of the block collection around it, and whether it stands in
// a flow collection.
type context struct {
	indent int
	flow   bool
}

const maxDepth = 1000 // levels

func mismatch() error { return refuse("the text is not laid out as its YAML says") }

var errorLine = regexp.MustCompile(`line (\d+)`)

func unparsable(err error) *Refusal {
	r := refuse("the document does not parse as YAML")
	if err == nil {
		return r
	}
	if m := errorLine.FindStringSubmatch(err.Error()); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			r.Reason += " (line " + strconv.Itoa(line) + " of the document)"
		}
	}
	return r
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
func isBreak(c byte) bool { return c == '\n' || c == '\r' }

// trivia skips blanks, line breaks and comments.
func (b *builder) trivia(pos int) int {
	for pos < b.tail {
		c := b.text[pos]
		switch {
		case isBlank(c), isBreak(c):
			pos++
		case c == '#' && (pos == 0 || isBlank(b.text[pos-1]) || isBreak(b.text[pos-1])):
			for pos < b.tail && !isBreak(b.text[pos]) {
				pos++
			}
		default:
			return pos
		}
	}
	return b.tail
}

func (b *builder) blanks(pos int) int {
	for pos < b.tail && isBlank(b.text[pos]) {
		pos++
	}
	return pos
}

func (b *builder) onlyTrivia(from, to int) error {
	if from > to || b.trivia(from) < to {
		return mismatch()
	}
	return nil
}

// indicator wants c at pos, followed by white space when it is a block indicator.
func (b *builder) indicator(pos int, c byte, block bool) (int, error) {
	if pos >= b.tail || b.text[pos] != c {
		return 0, mismatch()
	}
	pos++
	if block && pos < b.tail && !isBlank(b.text[pos]) && !isBreak(b.text[pos]) {
		return 0, mismatch()
	}
	return pos, nil
}

// node builds y, which stands somewhere behind from with only trivia before it.
func (b *builder) node(y *yaml.Node, from int, in context) (*node, error) {
	if b.depth++; b.depth > maxDepth {
		return nil, refuse("the document is nested deeper than %d levels", maxDepth)
	}
	defer func() { b.depth-- }()
	n := &node{tag: y.ShortTag(), value: y.Value, style: y.Style, anchor: y.Anchor}
	if y.Kind == yaml.ScalarNode && y.Value == "" && y.Style == 0 && y.Anchor == "" {
		n.start, n.body, n.end = from, from, from // an absent value
		return n, nil
	}
	n.start = b.offset(y.Line, y.Column)
	if n.start < from || b.trivia(from) != n.start {
		return nil, mismatch()
	}
	if n.anchor != "" {
		b.tree.anchors[n.anchor] = append(b.tree.anchors[n.anchor], n)
		if b.byNode == nil {
			b.byNode = map[*yaml.Node]*node{}
		}
		b.byNode[y] = n
	}
	var err error
	switch y.Kind {
	case yaml.AliasNode:
		n.kind, n.tag, n.body = alias, "", n.start
		if !strings.HasPrefix(string(b.text[n.start:]), "*"+y.Value) {
			return nil, mismatch()
		}
		n.end = n.start + 1 + len(y.Value)
		n.yaml = y.Alias
		b.tree.aliases = append(b.tree.aliases, n)
	case yaml.ScalarNode:
		n.body = b.properties(n.start)
		n.end, err = b.scalar(y, n, in)
	case yaml.MappingNode:
		n.kind = mapping
		err = b.mapping(y, n, in)
	case yaml.SequenceNode:
		n.kind = sequence
		err = b.sequence(y, n, in)
	default:
		err = mismatch()
	}
	return n, err
}

func (n *node) alias() *yaml.Node { return n.yaml }

// properties skips anchors and tags, and the trivia behind them when something follows.
func (b *builder) properties(pos int) int {
	for pos < b.tail && (b.text[pos] == '&' || b.text[pos] == '!') {
		for pos < b.tail && !isBlank(b.text[pos]) && !isBreak(b.text[pos]) && !strings.ContainsRune(",]}", rune(b.text[pos])) {
			pos++
		}
		if next := b.trivia(pos); next < b.tail && (b.text[next] == '&' || b.text[next] == '!') {
			pos = next
		}
	}
	return pos
}

var errKey = refuse("a mapping has a key that is no scalar: this may be a template")

func (n *node) adopt(e entry) {
	e.value.parent, e.value.index = n, len(n.entries)
	if e.key != nil {
		e.key.parent, e.key.index = n, -1
	}
	n.entries = append(n.entries, e)
}

func (b *builder) mapping(y *yaml.Node, n *node, in context) error {
	if len(y.Content)%2 != 0 {
		return mismatch()
	}
	n.entries = make([]entry, 0, len(y.Content)/2)
	if y.Style&yaml.FlowStyle != 0 {
		return b.flowMapping(y, n)
	}
	if len(y.Content) == 0 || in.flow {
		return mismatch()
	}
	pos := n.start
	if n.anchor != "" || y.Style&yaml.TaggedStyle != 0 {
		pos = b.properties(n.start)
	}
	for i := 0; i < len(y.Content); i += 2 {
		if next := b.trivia(pos); next >= b.tail || b.text[next] == '?' && (next+1 == b.tail || isBlank(b.text[next+1]) || isBreak(b.text[next+1])) {
			return refuse("a mapping has an explicit key (`? `)")
		}
		key, err := b.node(y.Content[i], pos, context{indent: n.column})
		if err != nil {
			return err
		}
		if i == 0 {
			n.body, n.column = key.start, b.columnOf(key.start)
		} else if b.columnOf(key.start) != n.column {
			return mismatch()
		}
		if key.kind == mapping || key.kind == sequence {
			return errKey
		}
		colon, err := b.indicator(b.blanks(key.end), ':', true)
		if err != nil {
			return err
		}
		value, err := b.node(y.Content[i+1], colon, context{indent: n.column})
		if err != nil {
			return err
		}
		n.adopt(entry{key: key, value: value, mark: key.start, colon: colon, comma: -1})
		pos = n.entries[i/2].end()
	}
	n.end = pos
	return nil
}

func (b *builder) sequence(y *yaml.Node, n *node, in context) error {
	n.entries = make([]entry, 0, len(y.Content))
	if y.Style&yaml.FlowStyle != 0 {
		return b.flowSequence(y, n)
	}
	if len(y.Content) == 0 || in.flow {
		return mismatch()
	}
	pos := n.start
	if n.anchor != "" || y.Style&yaml.TaggedStyle != 0 {
		pos = b.properties(n.start)
	}
	for i, item := range y.Content {
		dash := b.trivia(pos)
		after, err := b.indicator(dash, '-', true)
		if err != nil {
			return err
		}
		if i == 0 {
			n.body, n.column = dash, b.columnOf(dash)
		} else if b.columnOf(dash) != n.column {
			return mismatch()
		}
		value, err := b.node(item, after, context{indent: n.column})
		if err != nil {
			return err
		}
		n.adopt(entry{value: value, mark: dash, colon: after, comma: -1})
		pos = n.entries[i].end()
	}
	n.end = pos
	return nil
}

func (b *builder) flowMapping(y *yaml.Node, n *node) error {
	n.flow = true
	n.body = b.trivia(b.properties(n.start))
	n.bare = n.body >= b.tail || b.text[n.body] != '{'
	pos := n.body
	if !n.bare {
		pos++
	}
	for i := 0; i < len(y.Content); i += 2 {
		key, err := b.node(y.Content[i], pos, context{flow: true})
		if err != nil {
			return err
		}
		if key.kind == mapping || key.kind == sequence {
			return errKey
		}
		e := entry{key: key, mark: key.start, comma: -1}
		if next := b.trivia(key.end); next < b.tail && b.text[next] == ':' {
			e.colon = next + 1
		} else {
			e.colon = key.end // {a, b}: no colon and no value
		}
		if e.value, err = b.node(y.Content[i+1], e.colon, context{flow: true}); err != nil {
			return err
		}
		if n.bare {
			n.adopt(e) // the comma behind it is the list's
			n.end = e.end()
			return nil
		}
		pos = b.comma(&e)
		n.adopt(e)
		if e.comma < 0 && i+2 < len(y.Content) {
			return mismatch()
		}
	}
	var err error
	n.end, err = b.indicator(b.trivia(pos), '}', false)
	return err
}

func (b *builder) flowSequence(y *yaml.Node, n *node) error {
	n.flow = true
	n.body = b.trivia(b.properties(n.start))
	pos, err := b.indicator(n.body, '[', false)
	if err != nil {
		return err
	}
	for i, item := range y.Content {
		value, err := b.node(item, pos, context{flow: true})
		if err != nil {
			return err
		}
		e := entry{value: value, mark: value.start, colon: value.start, comma: -1}
		pos = b.comma(&e)
		n.adopt(e)
		if e.comma < 0 && i+1 < len(y.Content) {
			return mismatch()
		}
	}
	n.end, err = b.indicator(b.trivia(pos), ']', false)
	return err
}

// comma notes the comma behind a flow entry, and gives the place to go on from.
func (b *builder) comma(e *entry) int {
	if next := b.trivia(e.end()); next < b.tail && b.text[next] == ',' {
		e.comma = next
		return next + 1
	}
	return e.end()
}
