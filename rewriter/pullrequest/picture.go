package pullrequest

import (
	"fmt"
	"strings"

	"dekey/planner"
	"dekey/rewriter/report"
)

// maxEdges is how many lines a picture may have: Mermaid stops at 500, and nobody reads that many.
const maxEdges = 120

// picture draws key → Secret → workload → Kubernetes service account → Google service account as Mermaid. Dashed is what
// ends with the merge.
func (w *writer) picture(rows int) string {
	if len(w.moves) == 0 || rows < 10 {
		return ""
	}
	d := &diagram{ids: map[string]string{}, edges: map[string]bool{}}
	for _, m := range w.moves {
		d.move(w.c, m)
	}
	if len(d.edges) > maxEdges {
		return fmt.Sprintf("%s are too many for a picture here: `report.html` of the changeset has one.\n\n", count(len(w.moves), "workload"))
	}
	return "### Who acts as whom\n\nDashed: until the merge.\n\n```mermaid\nflowchart LR\n" + d.b.String() + "```\n\n"
}

// A diagram gives every box one id.
type diagram struct {
	b     strings.Builder
	ids   map[string]string
	edges map[string]bool
}

func (d *diagram) box(kind, label, open, shut string) string {
	name := kind + " " + label
	if id, known := d.ids[name]; known {
		return id
	}
	id := fmt.Sprintf("n%d", len(d.ids)+1)
	d.ids[name] = id
	fmt.Fprintf(&d.b, "  %s%s\"%s\"%s\n", id, open, mermaid(label), shut)
	return id
}

func (d *diagram) join(from, arrow, to string) {
	edge := fmt.Sprintf("  %s %s %s\n", from, arrow, to)
	if !d.edges[edge] {
		d.edges[edge] = true
		d.b.WriteString(edge)
	}
}

func (d *diagram) move(c *Changeset, m planner.Move) {
	workload := d.box("workload", m.Workload.String(), "[", "]")
	account := d.box("account", strings.TrimSuffix(m.Account, ".iam.gserviceaccount.com"), "([", "])")
	ksa := d.box("ksa", "KSA "+m.ServiceAccount.Namespace+"/"+m.ServiceAccount.Name, "(", ")")
	for _, secret := range m.Secrets {
		from := d.box("secret", "Secret "+secret.Namespace+"/"+secret.Name, "[(", ")]")
		d.join(from, "-.->", workload)
		for _, r := range c.Input.Plan.Retirements {
			for _, held := range r.Secrets {
				if held == secret && r.Email == m.Account {
					d.join(d.box("key", "key "+shortKey(r)+" of "+strings.TrimSuffix(r.Email, ".iam.gserviceaccount.com"), "{{", "}}"), "-.->", from)
				}
			}
		}
	}
	d.join(workload, "-->", ksa)
	d.join(ksa, "-->", account)
}

// mermaid writes foreign text as a label: what Mermaid, HTML or Markdown could take for more than a letter is a numbered
// entity. https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
func mermaid(s string) string {
	var b strings.Builder
	for _, r := range report.Visible(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == ' ', r == '.', r == '-', r == '/', r > 0x7f:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
