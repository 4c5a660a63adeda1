package iam

import (
	"strings"

	"dekey/scanner/object"
)

// configConnector reads the resources of Config Connector's IAM group.
// https://cloud.google.com/config-connector/docs/reference/resource-docs/iam/iampolicymember
func (r *objectReader) configConnector() {
	switch r.o.Ref.Kind {
	case "IAMServiceAccount":
		r.facts.Accounts = append(r.facts.Accounts, Account{r.At, r.ownEmail()})
	case "IAMServiceAccountKey":
		account, _ := r.accountRef(r.value("spec", "serviceAccountRef"))
		r.facts.Keys = append(r.facts.Keys, Key{r.At, account})
	case "IAMPolicyMember":
		g := r.grant(Additive)
		g.Role = Text(r.text("spec", "role"))
		if member := r.text("spec", "member"); member != "" {
			g.Members = []Member{{Text(member), r.at("spec", "member").Origin}}
		} else if email, ok := r.accountRef(r.value("spec", "memberFrom", "serviceAccountRef")); ok {
			g.Members = []Member{{"serviceAccount:" + email, r.at("spec", "memberFrom").Origin}}
		} else {
			g.More = true
		}
		r.condition(&g, object.Keys("spec", "condition"))
		r.facts.Grants = append(r.facts.Grants, g)
	case "IAMPolicy":
		r.bindings(Policy)
	case "IAMPartialPolicy":
		r.bindings(Additive)
	}
}

// bindings reads a policy with several roles. One without any still owns its target.
func (r *objectReader) bindings(mode Mode) {
	list, _ := r.value("spec", "bindings").([]any)
	if len(list) == 0 && mode == Policy {
		r.facts.Grants = append(r.facts.Grants, r.grant(mode))
	}
	for i := range list {
		path := object.Keys("spec", "bindings").Join(object.At(i))
		g := r.grant(mode)
		get := func(key string) any {
			v, _ := path.Join(object.Key(key)).Lookup(map[string]any(r.o.Content))
			return v
		}
		role, _ := get("role").(string)
		g.Role = Text(role)
		members, _ := get("members").([]any)
		for j, member := range members {
			at := r.place(path.Join(object.Key("members"), object.At(j))).Origin
			switch member := member.(type) {
			case string: // IAMPolicy
				g.Members = append(g.Members, Member{Text(member), at})
			case map[string]any: // IAMPartialPolicy
				if s, ok := member["member"].(string); ok {
					g.Members = append(g.Members, Member{Text(s), at})
				} else if from, ok := member["memberFrom"].(map[string]any); ok {
					if email, ok := r.accountRef(from["serviceAccountRef"]); ok {
						g.Members = append(g.Members, Member{"serviceAccount:" + email, at})
						continue
					}
					g.More = true
				}
			}
		}
		r.condition(&g, path.Join(object.Key("condition")))
		r.facts.Grants = append(r.facts.Grants, g)
	}
}

func (r *objectReader) condition(g *Grant, path object.Path) {
	at := path.Join(object.Key("expression"))
	if expression, ok := at.Lookup(map[string]any(r.o.Content)); ok {
		if s, ok := expression.(string); ok {
			g.Condition, g.ConditionAt = Text(s), r.place(at).Origin
		}
	}
}

// targets are the kinds of Config Connector that rules tell apart.
var targets = map[string]string{
	"IAMServiceAccount": TargetAccount, "Project": TargetProject, "Folder": TargetFolder, "Organization": TargetOrganization,
	"StorageBucket": TargetBucket,
}

// grant starts a grant with the target that resourceRef names.
func (r *objectReader) grant(mode Mode) Grant {
	g := Grant{At: r.At, Mode: mode}
	ref, _ := r.value("spec", "resourceRef").(map[string]any)
	kind, _ := ref["kind"].(string)
	if g.Target = targets[kind]; g.Target == "" {
		g.Target = strings.ToLower(kind)
	}
	if g.Target == TargetAccount {
		g.Name, _ = r.accountRef(ref)
		return g
	}
	name, _ := ref["name"].(string)
	if external, ok := ref["external"].(string); ok && external != "" {
		g.Name = Text(strings.TrimPrefix(strings.TrimPrefix(external, "projects/"), "b/"))
	} else if name != "" {
		g.Name = Hidden("connector:" + kind + "/" + name)
	} else {
		g.Name = Hidden("connector:" + r.o.Ref.String()) // the namespace's own project
	}
	return g
}

// accountRef is the e-mail of an account that a resource refers to: by name, or from outside.
func (r *objectReader) accountRef(ref any) (Value, bool) {
	m, ok := ref.(map[string]any)
	if !ok {
		return Hidden("connector:" + r.o.Ref.String()), false
	}
	if external, _ := m["external"].(string); external != "" {
		return AccountName(Text(external)), true
	}
	name, _ := m["name"].(string)
	if name == "" {
		return Hidden("connector:" + r.o.Ref.String()), false
	}
	namespace, _ := m["namespace"].(string)
	if namespace == "" {
		namespace = r.o.Ref.Namespace
	}
	return Hidden(connectorAccount + namespace + "/" + name), true
}

// connectorAccount starts the name of the hole that Settle fills in.
const connectorAccount = "account:"

// ownEmail is the e-mail of an IAMServiceAccount.
func (r *objectReader) ownEmail() Value {
	id := r.o.Ref.Name
	if own := r.text("spec", "resourceID"); own != "" {
		id = own
	}
	project := Hidden("connector:" + r.o.Ref.Namespace + "/project")
	if p := r.text("metadata", "annotations", projectAnnotation); p != "" {
		project = Text(p)
	}
	email := Text(id) + "@" + project + accountDomain
	if r.facts.connector == nil {
		r.facts.connector = map[string]Value{}
	}
	r.facts.connector[r.o.Ref.Namespace+"/"+r.o.Ref.Name] = email
	return email
}

// Settle fills in the accounts that Config Connector's resources refer to by name, when all objects were seen.
func (f *Facts) Settle() {
	settle := func(v Value) Value {
		parts := v.parts()
		for i := 1; i < len(parts); i += 2 {
			ref, found := strings.CutPrefix(parts[i], connectorAccount)
			if !found {
				continue
			}
			email, declared := f.connector[ref]
			if !declared {
				namespace, name, _ := strings.Cut(ref, "/")
				email = Text(name) + "@" + Hidden("connector:"+namespace+"/project") + accountDomain
			}
			return Value(strings.Replace(string(v), string(Hidden(parts[i])), string(email), 1))
		}
		return v
	}
	for i := range f.Grants {
		g := &f.Grants[i]
		g.Name = settle(g.Name)
		for j := range g.Members {
			g.Members[j].Value = settle(g.Members[j].Value)
		}
	}
	for i := range f.Keys {
		f.Keys[i].Account = settle(f.Keys[i].Account)
	}
}

// AccountName takes the e-mail out of a service account's name: projects/PROJECT/serviceAccounts/EMAIL.
func AccountName(name Value) Value {
	if _, email, found := name.Cut("/serviceAccounts/"); found {
		return email
	}
	return name
}
