package pullrequest

import (
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
)

func (w *writer) table(rows int) string {
	var s section
	s.line("### Moves: %d\n", len(w.moves))
	s.head("workload", "Kubernetes service account", "acts as", "where")
	for _, m := range w.moves[:min(rows, len(w.moves))] {
		account := code(m.ServiceAccount.Name)
		if m.Before != m.ServiceAccount.Name {
			account = code(m.Before) + " → " + account
		}
		if m.ServiceAccount.Create {
			account += " (new)"
		}
		s.row(code(m.Workload.String()), account, code(m.Account), strings.Join(w.places(m), " "))
	}
	s.rest(len(w.moves), rows)
	var notices int
	for _, m := range w.moves {
		for _, n := range m.Notices {
			if notices++; notices <= rows {
				if notices == 1 {
					s.line("\n**Notices**\n")
				}
				s.line("- %s %s: %s", code(m.Workload.String()), code(n.Code), prose(n.Text))
			}
		}
	}
	s.rest(notices, rows)
	if rows > 0 {
		s.line("\n<details><summary>Every edit, with file and line</summary>\n")
		s.head("file", "what", "why")
		total := 0
		for _, one := range w.g.changes {
			for _, e := range one.Edits {
				if total++; total <= rows {
					s.row(code(place(one.path, e.Line)), code(strings.TrimSpace(e.Op+" "+e.Field.String())), prose(e.Why))
				}
			}
		}
		s.rest(total, rows)
		s.line("\n</details>")
	}
	return s.String()
}

// places are the first edited line of each file that a move touches.
func (w *writer) places(m planner.Move) []string {
	var list []string
	for _, one := range w.g.changes {
		if !slices.Contains(one.Moves, m.ID) {
			continue
		}
		at := 0
		for _, e := range one.Edits {
			if e.Move == m.ID && (at == 0 || e.Line < at) {
				at = e.Line
			}
		}
		list = append(list, code(place(one.path, at)))
	}
	return list
}

func place(path string, line int) string {
	if line == 0 {
		return path
	}
	return fmt.Sprintf("%s:%d", path, line)
}

func (w *writer) removals(rows int) string {
	var s section
	s.line("### What goes\n")
	s.head("file", "what", "why")
	total := 0
	for _, one := range w.g.changes {
		for _, r := range one.removals {
			if total++; total <= rows {
				lines := fmt.Sprintf("%s:%d-%d", one.path, r.From, r.To)
				if r.Whole {
					lines = one.path
				}
				s.row(code(lines), code(r.Object.String()), prose(r.Why))
			}
		}
	}
	s.rest(total, rows)
	return s.String()
}

func (w *writer) afterCleanup() string {
	var s section
	s.line("### After the merge\n")
	s.line("- **Verify:** nothing in the cluster names these Secrets any more; the GitOps tool prunes them, or they are deleted by hand.")
	s.line("- **Roll back:** revert this pull request. It brings manifests back, and no key: a deleted key can not be restored.")
	s.line("- Git keeps what a branch once held: a deleted key in the history is worthless, and need not be rewritten.")
	return s.String()
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
