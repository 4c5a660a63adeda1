package document

import (
	"bytes"

	"dekey/scanner/object"
)

// A Text is a scalar that is a text of its own: a patch written out in a kustomization, a manifest in a ConfigMap.
type Text struct {
	Value string
	Position
	Block bool // written as a block: its lines follow the line of its indicator
}

// Text gives the scalar at a field.
func (n *Node) Text(field object.Path) (Text, bool) {
	node, _, ok := n.lookup(field)
	if node = resolve(node); !ok || node == nil || node.kind != scalarNode {
		return Text{}, false
	}
	return Text{
		Value: node.value, Position: Position{int(node.line), int(node.column)},
		Block: node.style == blockStyle,
	}, true
}

// InFile gives the place in a file of a position inside of a text that the file holds. Inside of quotes, where lines
// are folded, it is the text's own place.
func (t Text) InFile(inner Position, file []byte) Position {
	if !t.Block {
		return t.Position
	}
	at := Position{Line: t.Line + inner.Line, Column: inner.Column}
	l := newLines(bytes.TrimPrefix(file, []byte("\ufeff")))
	for l.next() {
		if l.number > t.Line && len(bytes.TrimSpace(l.data[l.start:l.end])) > 0 {
			// The first line of a block sets its indentation; of the value's first line it is gone.
			first := bytes.TrimRight(l.data[l.start:l.end], "\r")
			value, _, _ := bytes.Cut([]byte(t.Value), []byte("\n"))
			if l.number == t.Line+1 && len(first) >= len(value) {
				at.Column += len(first) - len(value)
			} else {
				at.Column += len(first) - len(bytes.TrimLeft(first, " "))
			}
			break
		}
	}
	return at
}

// IsMapping says that the document is a mapping.
func (n *Node) IsMapping() bool { return n.root != nil && n.root.kind == mappingNode }

// IsSequence says that the document is a list: a JSON patch.
func (n *Node) IsSequence() bool { return n.root != nil && n.root.kind == sequenceNode }
