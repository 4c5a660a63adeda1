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

func decode(node *node) (any, *Error) {
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
	at       int            // the line of the outermost alias that is being expanded
	expanded map[*node]bool // the anchors that are being expanded: an anchor can not hold itself
	err      *Error
}

func (c *converter) value(n *node) any {
	if c.inAlias > 0 {
		if c.budget--; c.budget < 0 && c.err == nil {
			c.err = &Error{Line: c.at, Why: "its aliases expand to more than " + strconv.Itoa(maxNodes) + " values", Limit: true}
		}
	}
	if c.err != nil {
		return nil
	}
	switch n.kind {
	case aliasNode:
		if c.expanded[n.alias] {
			c.err = &Error{Line: int(n.line), Why: "an anchor holds itself"}
			return nil
		}
		if c.expanded == nil {
			c.expanded = map[*node]bool{}
		}
		c.expanded[n.alias] = true
		if c.inAlias++; c.inAlias == 1 {
			c.at = int(n.line)
		}
		value := c.value(n.alias)
		c.inAlias--
		delete(c.expanded, n.alias)
		return value
	case mappingNode:
		return c.mapping(n)
	case sequenceNode:
		list := make([]any, len(n.content))
		for i, item := range n.content {
			list[i] = c.value(item)
		}
		return list
	case scalarNode:
		return scalar(n)
	}
	return nil
}

func (c *converter) mapping(node *node) any {
	m := make(map[string]any, len(node.content)/2)
	for i := 0; i+1 < len(node.content); i += 2 {
		if isMerge(node.content[i]) {
			c.merge(m, node.content[i+1])
		}
	}
	for i := 0; i+1 < len(node.content); i += 2 {
		if key := node.content[i]; !isMerge(key) {
			m[keyName(key)] = c.value(node.content[i+1])
		}
	}
	return m
}

// merge adds the fields of a merge key's value that are not there: of several maps the first wins.
func (c *converter) merge(into map[string]any, from *node) {
	if from.kind == sequenceNode {
		for _, item := range from.content {
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

func isMerge(key *node) bool {
	return key.kind == scalarNode && key.value == "<<" && (key.tag == "!!merge" || key.tag == "")
}

// keyName is the name of a mapping's key as JSON has it: a scalar's text.
func keyName(key *node) string {
	for key.kind == aliasNode {
		key = key.alias
	}
	return key.value
}

func scalar(node *node) any {
	switch node.tag {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if library(node).Decode(&b) == nil {
			return b
		}
	case "!!int":
		if n, err := strconv.ParseInt(node.value, 10, 64); err == nil && (node.value == "0" || node.value[0] != '0') {
			return n
		}
		var v any
		if library(node).Decode(&v) == nil {
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
		if library(node).Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
	return node.value
}

// library is a scalar as the library decodes it.
func library(n *node) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: n.tag, Value: n.value}
}

// A Position is a line and a column of a file, from 1.
type Position struct{ Line, Column int }

// Start is where the document's value starts.
func (n *Node) Start() Position {
	if n.root == nil {
		return Position{}
	}
	return Position{int(n.root.line), int(n.root.column)}
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
	return Position{int(node.line), int(node.column)}, true
}

func (n *Node) lookup(field object.Path) (*node, Position, bool) {
	node := n.root
	if node == nil {
		return nil, Position{}, false
	}
	at := Position{int(node.line), int(node.column)}
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
			node, at = value, Position{int(key.line), int(key.column)}
			continue
		}
		item := listItem(node, step)
		if item == nil {
			return nil, Position{}, false
		}
		node, at = item, Position{int(item.line), int(item.column)}
	}
	return node, at, true
}

// resolve follows aliases; nil when there is no end.
func resolve(node *node) *node {
	for hops := 0; node != nil && node.kind == aliasNode; hops++ {
		if hops > 100 {
			return nil
		}
		node = node.alias
	}
	return node
}

// entry finds a mapping's key and value: the last of its own, else the first that a merge key brings in.
func entry(node *node, name string, depth int) (key, value *node) {
	node = resolve(node)
	if node == nil || depth > 100 {
		return nil, nil
	}
	if node.kind == sequenceNode && depth > 0 { // a merge key's list
		for _, item := range node.content {
			if key, value = entry(item, name, depth+1); key != nil {
				return key, value
			}
		}
	}
	if node.kind != mappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.content); i += 2 {
		if k := node.content[i]; !isMerge(k) && keyName(k) == name {
			key, value = k, node.content[i+1]
		}
	}
	for i := 0; i+1 < len(node.content) && key == nil; i += 2 {
		if isMerge(node.content[i]) {
			key, value = entry(node.content[i+1], name, depth+1)
		}
	}
	return key, value
}

// listItem finds the item of a list that a step names.
func listItem(node *node, step object.Step) *node {
	if node.kind != sequenceNode {
		return nil
	}
	if step.By == "" {
		if step.Index < 0 || step.Index >= len(node.content) {
			return nil
		}
		return node.content[step.Index]
	}
	for _, item := range node.content {
		if _, value := entry(item, step.By, 0); value != nil {
			if value = resolve(value); value != nil && value.kind == scalarNode && scalar(value) == any(step.Value) {
				return item
			}
		}
	}
	return nil
}
