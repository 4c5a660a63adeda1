package document

import (
	"math"
	"strconv"

	"gopkg.in/yaml.v3"

	"dekey/scanner/object"
)

// maxNodes bounds what one document becomes when its aliases are expanded. Without aliases a document can not reach
// it: a node takes at least two bytes, and a file is bounded.
const maxNodes = 1 << 20

// Value decodes the document as JSON would be: map[string]any, []any, string, bool, nil, int64, float64. Aliases and
// merge keys are expanded, within bounds.
func (n *Node) Value() (any, *Error) {
	if n.root == nil {
		return nil, nil
	}
	return decode(n.root)
}

func decode(node *yaml.Node) (any, *Error) {
	c := converter{budget: maxNodes}
	value := c.value(node)
	if c.err != nil {
		return nil, c.err
	}
	return value, nil
}

type converter struct {
	budget   int // of expanded nodes
	inAlias  int
	at       int                 // the line of the outermost alias that is being expanded
	expanded map[*yaml.Node]bool // the anchors that are being expanded: an anchor can not hold itself
	err      *Error
}

func (c *converter) value(node *yaml.Node) any {
	if c.inAlias > 0 {
		if c.budget--; c.budget < 0 && c.err == nil {
			c.err = &Error{Line: c.at, Why: "its aliases expand to more than " + strconv.Itoa(maxNodes) + " values", Limit: true}
		}
	}
	if c.err != nil {
		return nil
	}
	switch node.Kind {
	case yaml.AliasNode:
		if c.expanded[node.Alias] {
			c.err = &Error{Line: node.Line, Why: "an anchor holds itself"}
			return nil
		}
		if c.expanded == nil {
			c.expanded = map[*yaml.Node]bool{}
		}
		c.expanded[node.Alias] = true
		if c.inAlias++; c.inAlias == 1 {
			c.at = node.Line
		}
		value := c.value(node.Alias)
		c.inAlias--
		delete(c.expanded, node.Alias)
		return value
	case yaml.MappingNode:
		return c.mapping(node)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			list[i] = c.value(item)
		}
		return list
	case yaml.ScalarNode:
		return scalar(node)
	}
	return nil
}

func (c *converter) mapping(node *yaml.Node) any {
	m := make(map[string]any, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		if isMerge(node.Content[i]) {
			c.merge(m, node.Content[i+1])
		}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if key := node.Content[i]; !isMerge(key) {
			m[keyName(key)] = c.value(node.Content[i+1])
		}
	}
	return m
}

// merge adds the fields of a merge key's value that are not there: of several maps the first wins.
func (c *converter) merge(into map[string]any, from *yaml.Node) {
	if from.Kind == yaml.SequenceNode {
		for _, item := range from.Content {
			c.merge(into, item)
		}
		return
	}
	if more, ok := c.value(from).(map[string]any); ok {
		for key, value := range more {
			if _, taken := into[key]; !taken {
				into[key] = value
			}
		}
	}
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && (key.Tag == "!!merge" || key.Tag == "")
}

// keyName is the name of a mapping's key as JSON has it: a scalar's text.
func keyName(key *yaml.Node) string {
	for key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	return key.Value
}

func scalar(node *yaml.Node) any {
	switch node.Tag {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if node.Decode(&b) == nil {
			return b
		}
	case "!!int":
		if n, err := strconv.ParseInt(node.Value, 10, 64); err == nil && (node.Value == "0" || node.Value[0] != '0') {
			return n
		}
		var v any
		if node.Decode(&v) == nil {
			switch n := v.(type) {
			case int:
				return int64(n)
			case int64:
				return n
			case uint64:
				return float64(n)
			case float64:
				return n
			}
		}
	case "!!float":
		var f float64
		if node.Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
	return node.Value
}

// A Position is a line and a column of a file, from 1.
type Position struct{ Line, Column int }

// Start is where the document's value starts.
func (n *Node) Start() Position {
	if n.root == nil {
		return Position{}
	}
	return Position{n.root.Line, n.root.Column}
}

// Locate finds where a field is written: its key in a mapping, the content of a list's item. What an alias or merge
// key brings in is written at its anchor.
func (n *Node) Locate(field object.Path) (Position, bool) {
	node, at, ok := n.lookup(field)
	if !ok || node == nil {
		return Position{}, false
	}
	return at, true
}

// LocateValue finds where the value of a field is written.
func (n *Node) LocateValue(field object.Path) (Position, bool) {
	node, _, ok := n.lookup(field)
	if !ok || node == nil {
		return Position{}, false
	}
	return Position{node.Line, node.Column}, true
}

func (n *Node) lookup(field object.Path) (*yaml.Node, Position, bool) {
	node := n.root
	if node == nil {
		return nil, Position{}, false
	}
	at := Position{node.Line, node.Column}
	for _, step := range field {
		node = resolve(node)
		if node == nil {
			return nil, Position{}, false
		}
		if step.Key != "" {
			key, value := entry(node, step.Key, 0)
			if key == nil {
				return nil, Position{}, false
			}
			node, at = value, Position{key.Line, key.Column}
			continue
		}
		item := listItem(node, step)
		if item == nil {
			return nil, Position{}, false
		}
		node, at = item, Position{item.Line, item.Column}
	}
	return node, at, true
}

// resolve follows aliases; nil when there is no end.
func resolve(node *yaml.Node) *yaml.Node {
	for hops := 0; node != nil && node.Kind == yaml.AliasNode; hops++ {
		if hops > 100 {
			return nil
		}
		node = node.Alias
	}
	return node
}

// entry finds a mapping's key and value: the last of its own, else the first that a merge key brings in.
func entry(node *yaml.Node, name string, depth int) (key, value *yaml.Node) {
	node = resolve(node)
	if node == nil || depth > 100 {
		return nil, nil
	}
	if node.Kind == yaml.SequenceNode && depth > 0 { // a merge key's list
		for _, item := range node.Content {
			if key, value = entry(item, name, depth+1); key != nil {
				return key, value
			}
		}
	}
	if node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if k := node.Content[i]; !isMerge(k) && keyName(k) == name {
			key, value = k, node.Content[i+1]
		}
	}
	for i := 0; i+1 < len(node.Content) && key == nil; i += 2 {
		if isMerge(node.Content[i]) {
			key, value = entry(node.Content[i+1], name, depth+1)
		}
	}
	return key, value
}

// listItem finds the item of a list that a step names.
func listItem(node *yaml.Node, step object.Step) *yaml.Node {
	if node.Kind != yaml.SequenceNode {
		return nil
	}
	if step.By == "" {
		if step.Index < 0 || step.Index >= len(node.Content) {
			return nil
		}
		return node.Content[step.Index]
	}
	for _, item := range node.Content {
		if _, value := entry(item, step.By, 0); value != nil {
			if value = resolve(value); value != nil && value.Kind == yaml.ScalarNode && scalar(value) == any(step.Value) {
				return item
			}
		}
	}
	return nil
}
