package terraform

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"dekey/scanner/iam"
	"dekey/scanner/object"
)

func itoa(n int) string { return strconv.Itoa(n) }

// facts adds what the module says.
func (m *module) facts(f *iam.Facts) {
	for i := range m.blocks {
		b := &m.blocks[i]
		if b.typ != "module" {
			m.resources[b.address()] = b
		}
	}
	for i := range m.blocks {
		b := &m.blocks[i]
		switch b.typ {
		case "resource":
			m.resource(f, b)
		case "data":
			m.data(f, b)
		case "module":
			m.moduleCall(f, b)
		}
	}
}

func (m *module) at(b *block) iam.At {
	return iam.At{Language: iam.Terraform, What: b.address(), Origin: b.at, Block: b.at}
}

// written is at, at an attribute where it is written.
func (m *module) written(at iam.At, e hcl.Expression) iam.At {
	if e != nil {
		at.Origin = m.origin(e.Range())
	}
	return at
}

func (m *module) resource(f *iam.Facts, b *block) {
	typ, at := b.labels[0], m.at(b)
	if m.absent(b) {
		return
	}
	get := func(name string) iam.Value { return m.text(m.attribute(b.body, name), scope{}) }
	switch typ {
	case "google_service_account":
		f.Accounts = append(f.Accounts, iam.Account{At: at, Email: m.email(b, scope{})})
	case "google_service_account_key":
		f.Keys = append(f.Keys, iam.Key{At: at, Account: iam.AccountName(get("service_account_id"))})
	case "google_container_cluster":
		if config := m.nested(b.body, "workload_identity_config"); config != nil {
			if e := m.attribute(config, "workload_pool"); e != nil {
				f.Pools = append(f.Pools, iam.Pool{At: m.written(at, e), Name: m.text(e, scope{})})
			}
		}
	case "kubernetes_service_account", "kubernetes_service_account_v1", "kubernetes_default_service_account", "kubernetes_default_service_account_v1":
		m.ksa(f, b, strings.Contains(typ, "default"))
	case "helm_release":
		m.opaqueBlock(f, b, "deploys a chart")
	case "kubernetes_annotations":
		if kind := get("kind"); kind.Is("ServiceAccount") != object.No {
			m.ksa(f, b, false)
		}
	default:
		if iamType.MatchString(typ) {
			m.grant(f, b)
		}
	}
}

// data reads the sources that say which id and number are one project's.
func (m *module) data(f *iam.Facts, b *block) {
	if b.labels[0] != "google_project" {
		return
	}
	id, number := m.text(m.attribute(b.body, "project_id"), scope{}), m.text(m.attribute(b.body, "number"), scope{})
	if id != "" && number != "" && id.Known() && number.Known() {
		f.Projects = append(f.Projects, iam.Project{At: m.at(b), ID: string(id), Number: string(number)})
	}
}

// iamType are the resources that grant roles.
var iamType = regexp.MustCompile(`^google_(.+)_iam_(member|binding|policy)$`)

var modes = map[string]iam.Mode{"member": iam.Additive, "binding": iam.Binding, "policy": iam.Policy}

// names are the attributes that name a grant's target, the most telling first.
var names = []string{"service_account_id", "bucket", "secret_id", "topic", "subscription", "crypto_key_id", "key_ring_id", "dataset_id", "repository",
	"instance", "database", "service", "name", "resource", "folder", "org_id", "billing_account_id", "project"}

// grant reads google_X_iam_member, _binding and _policy.
// https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_service_account_iam
func (m *module) grant(f *iam.Facts, b *block) {
	parts := iamType.FindStringSubmatch(b.labels[0])
	g := iam.Grant{At: m.at(b), Mode: modes[parts[2]], Target: parts[1]}
	get := func(name string) (iam.Value, hcl.Expression) {
		e := m.attribute(b.body, name)
		return m.text(e, scope{}), e
	}
	for _, name := range names {
		if v, e := get(name); e != nil {
			g.Name = v
			break
		}
	}
	switch {
	case g.Target == iam.TargetAccount:
		g.Name = iam.AccountName(g.Name)
	case g.Name == "":
		g.Name = m.hidden("provider.project")
	}
	if g.Mode == iam.Policy {
		m.policy(f, b, g)
		return
	}
	g.Role, _ = get("role")
	m.members(&g, b.body, g.Mode)
	m.condition(&g, b.body)
	f.Grants = append(f.Grants, g)
}

func (m *module) members(g *iam.Grant, body hcl.Body, mode iam.Mode) {
	if mode == iam.Additive {
		e := m.attribute(body, "member")
		if e == nil {
			g.More = true
			return
		}
		g.Members = []iam.Member{{Value: m.text(e, scope{}), Origin: m.origin(e.Range())}}
		return
	}
	items, whole := m.list(m.attribute(body, "members"), scope{})
	g.More = !whole
	for _, item := range items {
		g.Members = append(g.Members, iam.Member{Value: item.value, Origin: m.origin(item.at)})
	}
}

func (m *module) condition(g *iam.Grant, body hcl.Body) {
	condition := m.nested(body, "condition")
	if condition == nil {
		if m.dynamic(body, "condition") {
			g.Condition, g.ConditionAt = m.hidden(g.What+".condition"), g.Origin
		}
		return
	}
	if e := m.attribute(condition, "expression"); e != nil {
		g.Condition, g.ConditionAt = m.text(e, scope{}), m.origin(e.Range())
	}
}

// policy reads google_X_iam_policy: what its policy_data names, where that is a google_iam_policy of the module.
func (m *module) policy(f *iam.Facts, b *block, g iam.Grant) {
	var source *block
	for _, t := range traversals(m.attribute(b.body, "policy_data")) {
		if names, _ := steps(t); len(names) >= 3 && names[0] == "data" && names[1] == "google_iam_policy" {
			source = m.resources["data."+names[1]+"."+names[2]]
		}
	}
	if source == nil {
		if grants, ok := m.policyText(m.attribute(b.body, "policy_data"), g); ok && len(grants) > 0 {
			f.Grants = append(f.Grants, grants...)
			return
		}
		g.More = true
		f.Grants = append(f.Grants, g)
		return
	}
	blocks := m.all(source.body, "binding")
	if len(blocks) == 0 || m.dynamic(source.body, "binding") {
		g.More = true
		f.Grants = append(f.Grants, g)
	}
	for _, binding := range blocks {
		one := g
		one.Role = m.text(m.attribute(binding.Body, "role"), scope{})
		m.members(&one, binding.Body, iam.Binding)
		m.condition(&one, binding.Body)
		f.Grants = append(f.Grants, one)
	}
}

func traversals(e hcl.Expression) []hcl.Traversal {
	if e == nil {
		return nil
	}
	if t, diagnostics := hcl.AbsTraversalForExpr(e); !diagnostics.HasErrors() {
		return []hcl.Traversal{t}
	}
	return nil
}

// ksa reads a Kubernetes service account.
// https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/service_account_v1
func (m *module) ksa(f *iam.Facts, b *block, isDefault bool) {
	k := iam.KSA{At: m.at(b)}
	metadata := m.nested(b.body, "metadata")
	annotated := b.body
	if metadata == nil {
		if m.dynamic(b.body, "metadata") {
			k.Name, k.Namespace, k.Hidden = m.hidden(k.What), m.hidden(k.What+".namespace"), true
			f.KSAs = append(f.KSAs, k)
		}
		return
	}
	if b.labels[0] != "kubernetes_annotations" {
		annotated = metadata
	}
	k.Name = m.text(m.attribute(metadata, "name"), scope{})
	k.Namespace = m.text(m.attribute(metadata, "namespace"), scope{})
	if m.attribute(metadata, "namespace") == nil {
		k.Namespace = "default"
	}
	if isDefault {
		k.Name = "default"
	}
	if k.Name == "" {
		k.Name = m.hidden(k.What + ".name") // generate_name
	}
	pairs, whole := m.pairs(m.attribute(annotated, "annotations"))
	k.Hidden = !whole
	for _, p := range pairs {
		if !p.key.Known() || iam.Related(string(p.key), p.value.String()) || p.value.Has("gserviceaccount") {
			k.Annotations = append(k.Annotations, iam.Annotation{Key: p.key, Value: p.value, Origin: p.at})
		}
	}
	f.KSAs = append(f.KSAs, k)
	labels, _ := m.pairs(m.attribute(annotated, "labels"))
	for _, p := range labels {
		if p.key == iam.AccountAnnotation {
			at := k.At
			at.Origin = p.at
			f.Misplaced = append(f.Misplaced, iam.Misplaced{At: at, Key: string(p.key), Value: p.value, Place: "the labels",
				Object: object.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: k.Namespace.String(), Name: k.Name.String()}})
		}
	}
}

type pair struct {
	key, value iam.Value
	at         object.Origin
}

// pairs evaluates a mapping; whole is false when there are pairs that are hidden.
func (m *module) pairs(e hcl.Expression) (pairs []pair, whole bool) {
	if e == nil {
		return nil, true
	}
	if t := traversals(e); t != nil {
		if names, plain := steps(t[0]); plain && len(names) == 2 && names[0] == "local" && m.locals[names[1]] != nil && !m.evaluating[names[1]] {
			m.evaluating[names[1]] = true
			defer delete(m.evaluating, names[1])
			return m.pairs(m.locals[names[1]])
		}
		return nil, false
	}
	list, diagnostics := hcl.ExprMap(e)
	if diagnostics.HasErrors() {
		return nil, false
	}
	for _, kv := range list {
		pairs = append(pairs, pair{m.text(kv.Key, scope{}), m.text(kv.Value, scope{}), m.origin(kv.Key.Range())})
	}
	return pairs, true
}

// moduleCall reads a module call: keys that it is asked for, and what it can hide.
func (m *module) moduleCall(f *iam.Facts, b *block) {
	at := m.at(b)
	if e := m.attribute(b.body, "generate_keys"); e != nil && m.text(e, scope{}) == "true" {
		f.Keys = append(f.Keys, iam.Key{At: m.written(at, e), Account: m.hidden(at.What)})
	}
	source := m.text(m.attribute(b.body, "source"), scope{})
	if strings.HasPrefix(string(source), ".") && source.Known() {
		return // its files are read where they are, with variables for what it is given
	}
	why := "calls the module " + source.String() + ", which is not in the checkout"
	m.opaqueBlock(f, b, why)
}

// opaqueBlock notes a block that can declare and grant what nobody sees, about the texts that it is given.
func (m *module) opaqueBlock(f *iam.Facts, b *block, why string) {
	opaque := iam.Opaque{At: m.at(b), Why: why, Values: []iam.Value{}}
	attributes, _ := b.body.JustAttributes()
	for _, attribute := range attributes {
		m.values(attribute.Expr, &opaque.Values, scope{})
	}
	for _, typ := range []string{"set", "set_sensitive"} {
		for _, set := range m.all(b.body, typ) {
			opaque.Values = append(opaque.Values, m.text(m.attribute(set.Body, "value"), scope{}))
		}
	}
	slices.Sort(opaque.Values)
	f.Opaque = append(f.Opaque, opaque)
}

// values collects every text that an expression holds.
func (m *module) values(e hcl.Expression, into *[]iam.Value, s scope) {
	m.budget--
	if s.depth++; s.depth > maxDepth || m.budget < 0 {
		*into = append(*into, m.opaque(e))
		return
	}
	if list, diagnostics := hcl.ExprList(e); !diagnostics.HasErrors() {
		for _, one := range list {
			m.values(one, into, s)
		}
		return
	}
	if list, diagnostics := hcl.ExprMap(e); !diagnostics.HasErrors() {
		for _, kv := range list {
			*into = append(*into, m.text(kv.Key, s))
			m.values(kv.Value, into, s)
		}
		return
	}
	*into = append(*into, m.text(e, s))
}
