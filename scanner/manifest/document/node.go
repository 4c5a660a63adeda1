package document

import "gopkg.in/yaml.v3"

// A node is one value of a document, as yaml.v3 describes it, without what is not asked for: a third of the size.
type node struct {
	content      []*node // of a mapping: keys and values in turns
	alias        *node
	tag, value   string
	line, column int32 // from 1
	kind         kind
	style        style
}

type kind uint8

const (
	scalarNode kind = iota + 1
	mappingNode
	sequenceNode
	aliasNode
)

type style uint8

const (
	plainStyle style = iota
	quotedStyle
	blockStyle
	flowStyle
)

// fromLibrary copies the library's tree, with lines moved by some. Aliases lead to the copies of their anchors.
func fromLibrary(n *yaml.Node, lines int) *node {
	return (&copier{lines: lines, anchors: map[*yaml.Node]*node{}}).copy(n)
}

type copier struct {
	slab
	lines   int
	anchors map[*yaml.Node]*node
}

func (c *copier) copy(n *yaml.Node) *node {
	if n == nil {
		return nil
	}
	out := c.node()
	*out = node{tag: n.Tag, value: n.Value, line: int32(n.Line + c.lines), column: int32(n.Column)}
	if n.Anchor != "" && n.Kind != yaml.AliasNode {
		c.anchors[n] = out // before what is below: an anchor can hold itself
	}
	switch n.Kind {
	case yaml.MappingNode:
		out.kind = mappingNode
	case yaml.SequenceNode:
		out.kind = sequenceNode
	case yaml.AliasNode:
		out.kind, out.alias = aliasNode, c.anchors[n.Alias]
	default:
		out.kind = scalarNode
	}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		out.style = blockStyle
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		out.style = quotedStyle
	case n.Style&yaml.FlowStyle != 0:
		out.style = flowStyle
	}
	for _, child := range n.Content {
		out.content = append(out.content, c.copy(child))
	}
	return out
}

// A slab hands out nodes, several of which are allocated at once.
type slab struct{ free []node }

func (s *slab) node() *node {
	if len(s.free) == 0 {
		s.free = make([]node, 32)
	}
	n := &s.free[0]
	s.free = s.free[1:]
	return n
}
