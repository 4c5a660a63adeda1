package terraform

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"dekey/scanner/iam"
)

// The limits of evaluation: of one expression's depth, of a module's steps, of a text's length.
const (
	maxDepth = 60
	maxSteps = 200_000
	maxText  = 64 << 10
)

// A scope is what an expression can see beside the module.
type scope struct {
	depth int
}

// hidden is a Value that a name of this module hides.
func (m *module) hidden(name string) iam.Value { return iam.Hidden(m.dir + ":" + name) }

// opaque is a Value that an expression hides, known by where it stands.
func (m *module) opaque(e hcl.Expression) iam.Value {
	r := e.Range()
	return iam.Hidden(strings.Join([]string{r.Filename, itoa(r.Start.Line), itoa(r.Start.Column), "expression"}, ":"))
}

// text evaluates an expression to text.
func (m *module) text(e hcl.Expression, s scope) iam.Value {
	if e == nil {
		return ""
	}
	m.budget--
	if s.depth++; s.depth > maxDepth || m.budget < 0 {
		return m.opaque(e)
	}
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return m.literal(e.Val, e)
	case *hclsyntax.TemplateExpr:
		return m.joined(e.Parts, s)
	case *hclsyntax.TemplateWrapExpr:
		return m.text(e.Wrapped, s)
	case *hclsyntax.ParenthesesExpr:
		return m.text(e.Expression, s)
	case *hclsyntax.ScopeTraversalExpr:
		return m.traversal(e.Traversal, e, s)
	case *hclsyntax.ObjectConsKeyExpr:
		if word := hcl.ExprAsKeyword(e.Wrapped); word != "" && !e.ForceNonLiteral {
			return iam.Text(word)
		}
		return m.text(e.Wrapped, s)
	case *hclsyntax.FunctionCallExpr:
		return m.call(e, s)
	case hclsyntax.Expression:
		return m.opaque(e)
	}
	return m.fromJSON(e, s)
}

// fromJSON evaluates an expression of a .tf.json file: a string is a template.
func (m *module) fromJSON(e hcl.Expression, s scope) iam.Value {
	value, diagnostics := e.Value(nil)
	if diagnostics.HasErrors() {
		return m.opaque(e)
	}
	if value.IsKnown() && !value.IsNull() && value.Type() == cty.String {
		return m.template(value.AsString(), e, s)
	}
	return m.literal(value, e)
}

func (m *module) template(text string, e hcl.Expression, s scope) iam.Value {
	if !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		return iam.Text(text)
	}
	if tooDeep([]byte(text), false) > 0 {
		return m.opaque(e)
	}
	r := e.Range()
	parsed, diagnostics := hclsyntax.ParseTemplate([]byte(text), r.Filename, r.Start)
	if diagnostics.HasErrors() {
		return m.opaque(e)
	}
	return m.text(parsed, s)
}

func (m *module) literal(v cty.Value, e hcl.Expression) iam.Value {
	if !v.IsKnown() {
		return m.opaque(e)
	}
	if v.IsNull() {
		return ""
	}
	switch v.Type() {
	case cty.String:
		return iam.Text(v.AsString())
	case cty.Number:
		return iam.Text(v.AsBigFloat().Text('f', -1))
	case cty.Bool:
		if v.True() {
			return "true"
		}
		return "false"
	}
	return m.opaque(e)
}

func (m *module) joined(parts []hclsyntax.Expression, s scope) iam.Value {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(string(m.text(part, s)))
		if b.Len() > maxText {
			return m.opaque(part)
		}
	}
	return iam.Value(b.String())
}

// traversal follows local.x and what the module declares.
func (m *module) traversal(t hcl.Traversal, e hcl.Expression, s scope) iam.Value {
	names, plain := steps(t)
	if len(names) == 0 {
		return m.opaque(e)
	}
	if names[0] == "local" && len(names) == 2 && plain {
		local, found := m.locals[names[1]]
		if !found || m.evaluating[names[1]] {
			return m.hidden("local." + names[1])
		}
		m.evaluating[names[1]] = true
		defer delete(m.evaluating, names[1])
		return m.text(local, s)
	}
	if names[0] == "each" || names[0] == "count" || names[0] == "self" || names[0] == "path" || names[0] == "terraform" || !plain {
		return m.opaque(e)
	}
	if b := m.resources[strings.Join(names[:max(len(names)-1, 0)], ".")]; b != nil {
		if v, ok := m.attributeOf(b, names[len(names)-1], s); ok {
			return v
		}
	}
	return m.hidden(strings.Join(names, "."))
}

// steps are the names of a traversal; plain says that it has nothing else (no index, no splat).
func steps(t hcl.Traversal) (names []string, plain bool) {
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		default:
			return names, false
		}
	}
	return names, true
}

// attributeOf gives attributes of accounts and projects that the module declares, as the provider computes them.
// https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_service_account
func (m *module) attributeOf(b *block, name string, s scope) (iam.Value, bool) {
	if m.repeated(b) {
		return "", false
	}
	get := func(attribute string) iam.Value { return m.text(m.attribute(b.body, attribute), s) }
	switch b.labels[0] {
	case "google_service_account":
		email := m.email(b, s)
		switch name {
		case "email":
			return email, true
		case "member":
			return "serviceAccount:" + email, true
		case "name", "id":
			return "projects/" + m.project(b, s) + "/serviceAccounts/" + email, true
		case "account_id":
			return get(name), true
		case "project":
			return m.project(b, s), true
		}
	case "google_project":
		switch name {
		case "project_id":
			if v := get(name); v != "" {
				return v, true
			}
		case "number":
			if v := get(name); b.typ == "data" && v != "" {
				return v, true
			}
		}
	case "google_storage_bucket", "google_project_iam_custom_role":
		if v := get(name); v != "" && (name == "name" || name == "role_id") {
			return v, true
		}
	case "google_container_cluster":
		if config := m.nested(b.body, "workload_identity_config"); config != nil && name == "workload_pool" {
			return m.text(m.attribute(config, "workload_pool"), s), true
		}
	}
	return "", false
}

// repeated says that a block stands for several resources, or none.
func (m *module) repeated(b *block) bool {
	return m.attribute(b.body, "count") != nil || m.attribute(b.body, "for_each") != nil
}

// email is the e-mail of a google_service_account.
func (m *module) email(b *block, s scope) iam.Value {
	if b.typ == "data" {
		// account_id may be an id, an e-mail or a name there.
		id := iam.AccountName(m.text(m.attribute(b.body, "account_id"), s))
		if id.Has("@") {
			return id
		}
		if !id.Known() {
			return m.hidden(b.address() + ".email")
		}
		return id + "@" + m.project(b, s) + ".iam.gserviceaccount.com"
	}
	return m.text(m.attribute(b.body, "account_id"), s) + "@" + m.project(b, s) + ".iam.gserviceaccount.com"
}

// project is what a resource says, or the provider's.
func (m *module) project(b *block, s scope) iam.Value {
	if e := m.attribute(b.body, "project"); e != nil {
		return m.text(e, s)
	}
	return m.hidden("provider.project")
}

// call evaluates the functions that only spell.
func (m *module) call(e *hclsyntax.FunctionCallExpr, s scope) iam.Value {
	if e.ExpandFinal || len(e.Args) == 0 {
		return m.opaque(e)
	}
	switch e.Name {
	case "format":
		return m.format(e, s)
	case "lower":
		return m.text(e.Args[0], s).Lower()
	case "tostring", "trimspace", "nonsensitive", "sensitive":
		return m.text(e.Args[0], s)
	case "join":
		if len(e.Args) != 2 {
			break
		}
		items, whole := m.list(e.Args[1], s)
		separator := m.text(e.Args[0], s)
		if !whole {
			break
		}
		var b strings.Builder
		for i, item := range items {
			if i > 0 {
				b.WriteString(string(separator))
			}
			b.WriteString(string(item.value))
		}
		return iam.Value(b.String())
	}
	return m.opaque(e)
}

// format fills in %s, %d and %v.
func (m *module) format(e *hclsyntax.FunctionCallExpr, s scope) iam.Value {
	spec := m.text(e.Args[0], s)
	if !spec.Known() {
		return m.opaque(e)
	}
	var b strings.Builder
	next := 1
	text := string(spec)
	for {
		before, after, found := strings.Cut(text, "%")
		b.WriteString(before)
		if !found {
			break
		}
		switch {
		case strings.HasPrefix(after, "%"):
			b.WriteByte('%')
		case after != "" && strings.ContainsRune("sdv", rune(after[0])) && next < len(e.Args):
			b.WriteString(string(m.text(e.Args[next], s)))
			next++
		default:
			return m.opaque(e)
		}
		text = after[1:]
	}
	return iam.Value(b.String())
}

// An item is one of a list.
type item struct {
	value iam.Value
	at    hcl.Range
}

// list evaluates a list; whole is false when there are items that are hidden.
func (m *module) list(e hcl.Expression, s scope) (items []item, whole bool) {
	m.budget--
	if s.depth++; s.depth > maxDepth || m.budget < 0 || e == nil {
		return nil, e == nil
	}
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return m.list(e.Expression, s)
	case *hclsyntax.FunctionCallExpr:
		if !e.ExpandFinal && len(e.Args) == 1 && (e.Name == "toset" || e.Name == "tolist" || e.Name == "distinct" || e.Name == "compact" || e.Name == "sort") {
			return m.list(e.Args[0], s)
		}
		if e.Name != "concat" && e.Name != "setunion" || e.ExpandFinal {
			return nil, false
		}
		whole = true
		for _, arg := range e.Args {
			more, all := m.list(arg, s)
			items, whole = append(items, more...), whole && all
		}
		return items, whole
	case *hclsyntax.ScopeTraversalExpr:
		names, plain := steps(e.Traversal)
		if !plain || len(names) != 2 || names[0] != "local" || m.evaluating[names[1]] || m.locals[names[1]] == nil {
			return nil, false
		}
		m.evaluating[names[1]] = true
		defer delete(m.evaluating, names[1])
		return m.list(m.locals[names[1]], s)
	}
	list, diagnostics := hcl.ExprList(e)
	if diagnostics.HasErrors() {
		return nil, false
	}
	for _, one := range list {
		items = append(items, item{m.text(one, s), one.Range()})
	}
	return items, true
}

// attribute gives the expression of an attribute, nil where it is not written.
func (m *module) attribute(body hcl.Body, name string) hcl.Expression {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name}}})
	if content == nil || content.Attributes[name] == nil {
		return nil
	}
	return content.Attributes[name].Expr
}

// nested gives the first nested block of a type, nil without one.
func (m *module) nested(body hcl.Body, typ string) hcl.Body {
	if all := m.all(body, typ); len(all) > 0 {
		return all[0].Body
	}
	return nil
}

func (m *module) all(body hcl.Body, typ string) hcl.Blocks {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: typ}}})
	if content == nil {
		return nil
	}
	return content.Blocks
}

// dynamic says that a body has generated blocks of a type.
func (m *module) dynamic(body hcl.Body, typ string) bool {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "dynamic", LabelNames: []string{"type"}}}})
	if content == nil {
		return false
	}
	for _, b := range content.Blocks {
		if b.Labels[0] == typ {
			return true
		}
	}
	return false
}
