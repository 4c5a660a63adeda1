package terraform

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"dekey/scanner/iam"
)

// absent says that a block stands for no resource: count = 0, or for_each over nothing that is written.
func (m *module) absent(b *block) bool {
	if e := m.attribute(b.body, "count"); e != nil && m.text(e, scope{}) == "0" {
		return true
	}
	e := m.attribute(b.body, "for_each")
	if e == nil {
		return false
	}
	if items, whole := m.list(e, scope{}); whole && len(items) == 0 {
		return true
	}
	pairs, whole := m.pairs(e)
	return whole && len(pairs) == 0
}

// policyText reads a policy that is written as JSON: jsonencode({...}), or text with holes. ok is false where it is neither.
// https://cloud.google.com/iam/docs/reference/rest/v1/Policy
func (m *module) policyText(e hcl.Expression, g iam.Grant) (grants []iam.Grant, ok bool) {
	if call, isCall := e.(*hclsyntax.FunctionCallExpr); isCall && call.Name == "jsonencode" && len(call.Args) == 1 && !call.ExpandFinal {
		bindings := m.field(call.Args[0], "bindings")
		if bindings == nil {
			return nil, false
		}
		list, diagnostics := hcl.ExprList(bindings)
		if diagnostics.HasErrors() {
			return nil, false
		}
		for _, one := range list {
			b := g
			b.Role = m.text(m.field(one, "role"), scope{})
			items, whole := m.list(m.field(one, "members"), scope{})
			b.More = !whole
			for _, item := range items {
				b.Members = append(b.Members, iam.Member{Value: item.value, Origin: m.origin(item.at)})
			}
			if condition := m.field(one, "condition"); condition != nil {
				b.Condition, b.ConditionAt = m.text(m.field(condition, "expression"), scope{}), m.origin(condition.Range())
			}
			grants = append(grants, b)
		}
		return grants, true
	}
	return m.policyJSON(m.text(e, scope{}), g, e)
}

// field is a value of a mapping that is written, nil where it is not.
func (m *module) field(e hcl.Expression, name string) hcl.Expression {
	if e == nil {
		return nil
	}
	list, diagnostics := hcl.ExprMap(e)
	if diagnostics.HasErrors() {
		return nil
	}
	for _, kv := range list {
		if m.text(kv.Key, scope{}) == iam.Text(name) {
			return kv.Value
		}
	}
	return nil
}

// The marks of a hole inside of JSON: private characters, which no member has.
const holeStart, holeEnd = "\uE000", "\uE001"

// policyJSON reads a policy's text.
func (m *module) policyJSON(text iam.Value, g iam.Grant, e hcl.Expression) (grants []iam.Grant, ok bool) {
	var holes []string
	spelled := text.Spell(func(name string) string {
		holes = append(holes, name)
		return holeStart + strconv.Itoa(len(holes)-1) + holeEnd
	})
	var policy struct {
		Bindings []struct {
			Role      string
			Members   []string
			Condition struct{ Expression string }
		}
	}
	if json.Unmarshal([]byte(spelled), &policy) != nil {
		return nil, false
	}
	value := func(s string) iam.Value {
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(s, holeStart)
			b.WriteString(string(iam.Text(before)))
			number, after, closed := strings.Cut(rest, holeEnd)
			if !found || !closed {
				return iam.Value(b.String())
			}
			if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < len(holes) {
				b.WriteString(string(iam.Hidden(holes[n])))
			}
			s = after
		}
	}
	here := m.origin(e.Range())
	for _, one := range policy.Bindings {
		b := g
		b.Role = value(one.Role)
		for _, member := range one.Members {
			b.Members = append(b.Members, iam.Member{Value: value(member), Origin: here})
		}
		if one.Condition.Expression != "" {
			b.Condition, b.ConditionAt = value(one.Condition.Expression), here
		}
		grants = append(grants, b)
	}
	return grants, true
}
