package yamledit

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

var errUnproven = "the edited text does not parse to the original plus the planned edits"

// prove parses the new file and compares it with the old one plus exactly the planned edits.
func prove(before, after []byte, documents []Document, plans []*plan, p parser) error {
	found, err := p.documents(after)
	if err != nil || len(found) != len(documents) {
		return &Refusal{Reason: errUnproven}
	}
	for i := range documents {
		number := i + 1
		if plans[number] == nil {
			old, new := documents[i], found[i]
			if string(before[old.Start:old.End]) != string(after[new.Start:new.End]) {
				return &Refusal{Document: number, Reason: errUnproven}
			}
			continue
		}
		t, err := p.parse(after, found[i])
		if err != nil || t.json != plans[number].json || !same(plans[number].root, t.root) {
			return &Refusal{Document: number, Reason: errUnproven}
		}
	}
	return nil
}

// same says whether now is old with its changes made.
func same(old, now *node) bool {
	if old == nil || now == nil {
		return old == now
	}
	if old.change.blank {
		return now.kind == scalar && now.tag == "!!null"
	}
	if old.change.set != nil {
		return matches(now, old.change.set.value()) && now.anchor == old.anchor
	}
	if old.kind != now.kind || old.tag != now.tag || old.value != now.value || old.style != now.style ||
		old.anchor != now.anchor || old.bare != now.bare {
		return false
	}
	added := old.added()
	at := 0
	for i := 0; i <= len(old.entries); i++ {
		if i == old.change.order {
			for _, f := range added {
				if at >= len(now.entries) || !f.matches(now.entries[at]) {
					return false
				}
				at++
			}
		}
		if i == len(old.entries) || old.entries[i].removed {
			continue
		}
		if at >= len(now.entries) {
			return false
		}
		was, is := old.entries[i], now.entries[at]
		if (was.key == nil) != (is.key == nil) || was.key != nil && !same(was.key, is.key) || !same(was.value, is.value) {
			return false
		}
		at++
	}
	return at == len(now.entries)
}

// An addition is a new entry; items of lists have no key.
type addition struct {
	key   string
	keyed bool
	value any
}

func (a addition) matches(e entry) bool {
	if a.keyed != (e.key != nil) || a.keyed && (e.key.kind != scalar || e.key.tag != "!!str" || e.key.value != a.key) {
		return false
	}
	return matches(e.value, a.value)
}

// added are the new entries of a collection, in order.
func (n *node) added() []addition {
	var out []addition
	if n.change.keys != nil {
		for _, f := range n.change.keys.value().(Map) {
			out = append(out, addition{key: f.Key, keyed: true, value: f.Value})
		}
	}
	for _, item := range n.change.items {
		out = append(out, addition{value: item})
	}
	return out
}

// matches says whether a node is a normalised value, for readers of YAML 1.1 and 1.2 alike.
func matches(n *node, value any) bool {
	switch v := value.(type) {
	case Map:
		if n.kind != mapping || n.tag != "!!map" || len(n.entries) != len(v) {
			return false
		}
		for i, f := range v {
			if !(addition{f.Key, true, f.Value}).matches(n.entries[i]) {
				return false
			}
		}
		return true
	case []any:
		if n.kind != sequence || n.tag != "!!seq" || len(n.entries) != len(v) {
			return false
		}
		for i, item := range v {
			if !matches(n.entries[i].value, item) {
				return false
			}
		}
		return true
	}
	if n.kind != scalar {
		return false
	}
	quoted := n.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch v := value.(type) {
	case nil:
		return n.tag == "!!null"
	case string:
		return n.tag == "!!str" && n.value == v && (quoted || isPlain(v, false))
	case bool:
		return n.tag == "!!bool" && n.value == strconv.FormatBool(v)
	case json.Number:
		return (n.tag == "!!int" || n.tag == "!!float") && sameNumber(n.value, v.String())
	}
	return false
}

func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := strconv.ParseFloat(strings.ReplaceAll(a, "_", ""), 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && x == y && math.Abs(x) < 1<<53
}
