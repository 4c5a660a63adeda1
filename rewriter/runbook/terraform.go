package runbook

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"dekey/planner"
)

const aboutTerraform = `The same grants as runbook/1-grant.sh: use one of the two. Only additive resources (*_iam_member): what others granted
stays. Bindings that were there when the plan was made are imported, not made.

Keys that Terraform made: removing a google_service_account_key block deletes the live key at the next apply, and Terraform can
not disable one. Leave the block until runbook/3-disable.sh has disabled the key and the second soak is over; the removal of
the block is then the deletion, in place of runbook/4-delete.sh. State files keep private keys in their old versions.
`

// terraform is terraform/main.tf: the plan's grants as HCL.
func (j *job) terraform() []byte {
	file := hclwrite.NewEmptyFile()
	body := file.Body()
	comment(body, aboutTerraform)
	terraform := body.AppendNewBlock("terraform", nil).Body()
	terraform.SetAttributeValue("required_version", cty.StringVal(">= 1.5"))
	providers := terraform.AppendNewBlock("required_providers", nil).Body()
	providers.SetAttributeValue("google", cty.ObjectVal(map[string]cty.Value{"source": cty.StringVal("hashicorp/google")}))

	made := map[string]string{} // resource names of new accounts
	for _, account := range j.plan.Accounts {
		name := hclName(account.Email[:strings.IndexByte(account.Email, '@')], id(account.Email))
		made[account.Email] = name
		body.AppendNewline()
		comment(body, "A new account for "+visible(account.For.String())+".")
		r := body.AppendNewBlock("resource", []string{"google_service_account", name}).Body()
		r.SetAttributeValue("project", cty.StringVal(account.Project))
		accountID, _, _ := strings.Cut(account.Email, "@")
		r.SetAttributeValue("account_id", cty.StringVal(accountID))
		r.SetAttributeValue("display_name", cty.StringVal(account.DisplayName))
	}
	for _, b := range j.bindings() {
		f, ok := find(b.Grant)
		if !ok {
			continue
		}
		name := hclName(memberName(b.Member), b.id)
		body.AppendNewline()
		comment(body, "For "+visible(strings.Join(b.who, ", "))+".")
		if b.Exists {
			block := body.AppendNewBlock("import", nil).Body()
			block.SetAttributeTraversal("to", traversal(f.terraform, name))
			imported := f.fill(f.imported) + " " + b.Role + " " + b.Member
			if b.Title != "" {
				imported += " " + b.Title
			}
			block.SetAttributeValue("id", cty.StringVal(imported))
			body.AppendNewline()
		}
		r := body.AppendNewBlock("resource", []string{f.terraform, name}).Body()
		for _, argument := range f.arguments {
			value := f.fill(argument[1])
			if account, isNew := made[accountOf(b.Resource)]; isNew && argument[0] == "service_account_id" {
				r.SetAttributeTraversal(argument[0], traversal("google_service_account", account, "name"))
				continue
			}
			r.SetAttributeValue(argument[0], cty.StringVal(value))
		}
		r.SetAttributeValue("role", cty.StringVal(b.Role))
		if account, isNew := made[strings.TrimPrefix(b.Member, "serviceAccount:")]; isNew {
			r.SetAttributeTraversal("member", traversal("google_service_account", account, "member"))
		} else {
			r.SetAttributeValue("member", cty.StringVal(b.Member))
		}
		if b.Condition != "" {
			condition := r.AppendNewBlock("condition", nil).Body()
			condition.SetAttributeValue("title", cty.StringVal(b.Title))
			condition.SetAttributeValue("expression", cty.StringVal(b.Condition))
		}
	}
	return hclwrite.Format(file.Bytes())
}

// memberName is what people call a member: NAMESPACE/NAME, or the account's id.
func memberName(member string) string {
	if p, ok := planner.ParsePrincipal(member); ok {
		return p.Namespace + "/" + p.Name
	}
	name, _, _ := strings.Cut(member[strings.IndexByte(member, ':')+1:], "@")
	return name
}

// accountOf is the email of the service account that a resource is, or "".
func accountOf(resource string) string {
	_, email, _ := strings.Cut(resource, "/serviceAccounts/")
	return email
}

// hclName is a name for a resource: what it is for, and the id of the binding.
func hclName(text, id string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(text))
	words := slices.DeleteFunc(strings.Split(name, "_"), func(word string) bool { return word == "" })
	if name = strings.Join(words, "_"); len(name) > 48 {
		name = name[len(name)-48:]
	}
	name = strings.Trim(name, "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "grant_" + name
	}
	return name + "_" + id[:6]
}

func traversal(root string, rest ...string) hcl.Traversal {
	t := hcl.Traversal{hcl.TraverseRoot{Name: root}}
	for _, name := range rest {
		t = append(t, hcl.TraverseAttr{Name: name})
	}
	return t
}

func comment(body *hclwrite.Body, text string) {
	var tokens hclwrite.Tokens
	for line := range strings.Lines(text) {
		tokens = append(tokens, &hclwrite.Token{Type: hclsyntax.TokenComment, Bytes: []byte(strings.TrimRight("# "+strings.TrimRight(line, "\n"), " ") + "\n")})
	}
	body.AppendUnstructuredTokens(tokens)
	if strings.Count(text, "\n") > 1 {
		body.AppendNewline()
	}
}
