package guard

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// terraform is the organisation policies as HCL: the same as the script, and one of the two is to be used.
func (g *Guard) terraform() []byte {
	file := hclwrite.NewEmptyFile()
	body := file.Body()
	remark(body, "The same policies as organisation-policy/set.sh: use one of the two. A google_org_policy_policy is the whole policy\n"+
		"of its constraint on the resource: import one that is there, and join it by hand.\n\n"+breaks)
	body.AppendNewline()
	settings := body.AppendNewBlock("terraform", nil).Body()
	settings.SetAttributeValue("required_version", cty.StringVal(">= 1.5"))
	settings.AppendNewBlock("required_providers", nil).Body().
		SetAttributeValue("google", cty.ObjectVal(map[string]cty.Value{"source": cty.StringVal("hashicorp/google")}))

	projects := g.projects()
	if len(projects) > 0 {
		body.AppendNewline()
		key := body.AppendNewBlock("resource", []string{"google_tags_tag_key", "key_exception"}).Body()
		key.SetAttributeValue("parent", cty.StringVal("organizations/"+g.organization))
		key.SetAttributeValue("short_name", cty.StringVal(tagKey))
		key.SetAttributeValue("description", cty.StringVal("Projects in which service account keys may still be made"))
		body.AppendNewline()
		value := body.AppendNewBlock("resource", []string{"google_tags_tag_value", "key_exception"}).Body()
		value.SetAttributeTraversal("parent", traversal("google_tags_tag_key", "key_exception", "id"))
		value.SetAttributeValue("short_name", cty.StringVal(tagValue))
		var done []string
		for _, x := range projects {
			body.AppendNewline()
			remark(body, "Until "+x.until+": "+x.why+"\n")
			if slices.Contains(done, x.project) {
				continue
			}
			done = append(done, x.project)
			name := hclName(x.project)
			body.AppendNewBlock("data", []string{"google_project", name}).Body().SetAttributeValue("project_id", cty.StringVal(x.project))
			body.AppendNewline()
			binding := body.AppendNewBlock("resource", []string{"google_tags_tag_binding", name}).Body()
			binding.SetAttributeRaw("parent", parentOf(name))
			binding.SetAttributeTraversal("tag_value", traversal("google_tags_tag_value", "key_exception", "id"))
		}
	}
	for _, on := range g.on {
		for _, c := range constraints {
			body.AppendNewline()
			policy := body.AppendNewBlock("resource", []string{"google_org_policy_policy", hclName(on + "-" + c)}).Body()
			policy.SetAttributeValue("name", cty.StringVal(on+"/policies/"+c))
			policy.SetAttributeValue("parent", cty.StringVal(on))
			spec := policy.AppendNewBlock("spec", nil).Body()
			if len(projects) > 0 {
				exempt := spec.AppendNewBlock("rules", nil).Body()
				exempt.SetAttributeValue("enforce", cty.StringVal("FALSE"))
				condition := exempt.AppendNewBlock("condition", nil).Body()
				condition.SetAttributeValue("title", cty.StringVal("Projects that still make keys"))
				condition.SetAttributeValue("expression", cty.StringVal(g.exempts()))
			}
			spec.AppendNewBlock("rules", nil).Body().SetAttributeValue("enforce", cty.StringVal("TRUE"))
			if len(projects) > 0 {
				// The condition names the tag as text, so that nothing else says what comes first.
				policy.SetAttributeRaw("depends_on", hclwrite.TokensForTuple([]hclwrite.Tokens{
					hclwrite.TokensForTraversal(traversal("google_tags_tag_value", "key_exception"))}))
			}
		}
	}
	return hclwrite.Format(file.Bytes())
}

// parentOf is the full name of a project by its number: tags are bound by that alone.
func parentOf(project string) hclwrite.Tokens {
	open := hclwrite.Tokens{
		{Type: hclsyntax.TokenOQuote, Bytes: []byte(`"`)},
		{Type: hclsyntax.TokenQuotedLit, Bytes: []byte("//cloudresourcemanager.googleapis.com/projects/")},
		{Type: hclsyntax.TokenTemplateInterp, Bytes: []byte("${")},
	}
	open = append(open, hclwrite.TokensForTraversal(traversal("data", "google_project", project, "number"))...)
	return append(open,
		&hclwrite.Token{Type: hclsyntax.TokenTemplateSeqEnd, Bytes: []byte("}")},
		&hclwrite.Token{Type: hclsyntax.TokenCQuote, Bytes: []byte(`"`)})
}

// hclName makes a name for a resource of words of which every character that Terraform would not take is left out. Names of
// resources and projects that were checked stay apart.
func hclName(text string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, text)
	if name[0] >= '0' && name[0] <= '9' || name[0] == '-' {
		name = "_" + name
	}
	return name
}

func traversal(root string, rest ...string) hcl.Traversal {
	t := hcl.Traversal{hcl.TraverseRoot{Name: root}}
	for _, name := range rest {
		t = append(t, hcl.TraverseAttr{Name: name})
	}
	return t
}

func remark(body *hclwrite.Body, text string) {
	var b strings.Builder
	comment(&b, text)
	body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte(b.String())}})
}
