package shell

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"dekey/scanner/iam"
)

// shells are the programs that take text as a script: behind -c, or on standard input.
var shells = []string{"sh", "bash", "dash", "ash", "ksh"}

// maxNested is how deep scripts in scripts are read.
const maxNested = 5

// scripts reads the scripts that a node of this one hands to a shell: bash -c "...", eval "...", bash <<EOF, echo ... | sh.
func (s *scope) scripts(n syntax.Node) {
	switch n := n.(type) {
	case *syntax.CallExpr:
		if len(n.Args) > 1 && n.Args[0].Lit() == "eval" {
			s.inner(s.joined(n.Args[1:]), n.Args[1].Pos(), quoted(n.Args[1]))
			return
		}
		if script, _ := s.shell(n); script != nil {
			s.inner(s.word(script, 0), script.Pos(), quoted(script))
		}
	case *syntax.Stmt:
		if call, ok := n.Cmd.(*syntax.CallExpr); ok {
			if _, input := s.shell(call); input {
				s.input(n)
			}
		}
	case *syntax.BinaryCmd:
		to, ok := n.Y.Cmd.(*syntax.CallExpr)
		if n.Op != syntax.Pipe || !ok {
			return
		}
		if _, input := s.shell(to); !input || s.input(n.X) {
			return
		}
		from, ok := n.X.Cmd.(*syntax.CallExpr)
		if ok && len(from.Args) > 1 && (from.Args[0].Lit() == "echo" || from.Args[0].Lit() == "printf") {
			s.inner(s.joined(from.Args[1:]), from.Args[1].Pos(), quoted(from.Args[1]))
		}
	}
}

// shell says what a command hands to a shell: the word behind -c, or standard input.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/sh.html
func (s *scope) shell(call *syntax.CallExpr) (script *syntax.Word, input bool) {
	at := slices.IndexFunc(call.Args[:min(len(call.Args), maxWrapper+1)], func(w *syntax.Word) bool {
		return slices.Contains(shells, path.Base(string(s.word(w, 0))))
	})
	if at < 0 || slices.Contains(printers, call.Args[0].Lit()) {
		return nil, false
	}
	command, stdin := false, false
	for i := at + 1; i < len(call.Args); i++ {
		option := string(s.word(call.Args[i], 0))
		switch {
		case strings.HasPrefix(option, "--") && len(option) > 2: // --norc
		case len(option) > 1 && (option[0] == '-' || option[0] == '+'):
			command = command || strings.Contains(option, "c")
			stdin = stdin || strings.Contains(option, "s")
			if strings.HasSuffix(option, "o") || strings.HasSuffix(option, "O") { // -euo pipefail
				i++
			}
		case command:
			return call.Args[i], false
		default:
			return nil, stdin // a script's file, or with -s an argument
		}
	}
	return nil, !command
}

// input reads what a statement is given, or writes, as a here-document or here-string.
func (s *scope) input(stmt *syntax.Stmt) bool {
	for _, r := range stmt.Redirs {
		switch r.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			if r.Hdoc != nil {
				s.inner(s.document(r), r.Hdoc.Pos(), 0)
				return true
			}
		case syntax.WordHdoc:
			s.inner(s.word(r.Word, 0), r.Word.Pos(), quoted(r.Word))
			return true
		}
	}
	return false
}

// document is the text of a here-document. A delimiter with quotes keeps everything as it is written.
func (s *scope) document(r *syntax.Redirect) iam.Value {
	var b strings.Builder
	literal := r.Word.Lit() == "" || strings.Contains(r.Word.Lit(), `\`)
	for _, part := range r.Hdoc.Parts {
		if lit, ok := part.(*syntax.Lit); ok && literal {
			b.WriteString(string(iam.Text(lit.Value)))
			continue
		}
		s.part(&b, part, true, 0)
	}
	return iam.Value(b.String())
}

func (s *scope) joined(words []*syntax.Word) iam.Value {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if b.Len() < maxWord {
			b.WriteString(string(s.word(w, 0)))
		}
	}
	return iam.Value(b.String())
}

// quoted is how many columns stand before a word's text.
func quoted(w *syntax.Word) int {
	if len(w.Parts) > 0 {
		switch w.Parts[0].(type) {
		case *syntax.SglQuoted, *syntax.DblQuoted:
			return 1
		}
	}
	return 0
}

// inner reads a script that begins at a position of this one. What is hidden in it becomes a variable.
func (s *scope) inner(text iam.Value, pos syntax.Pos, before int) {
	if s.level >= maxNested {
		return
	}
	spelled := text.Spell(func(hole string) string {
		if name, own := strings.CutPrefix(hole, s.name+":"); own && identifier(name) {
			return "${" + name + "}"
		}
		return "${_" + strings.Map(func(r rune) rune {
			if r < 0x80 && letter(byte(r)) {
				return r
			}
			return '_'
		}, hole) + "}"
	})
	s.level++
	defer func() { s.level-- }()
	line0, column0 := int(pos.Line()), int(pos.Col())+before
	s.script(spelled, func(line, column int) (int, int) {
		if line == 1 {
			return s.at(line0, column0+column-1)
		}
		return s.at(line0+line-1, column)
	}, false)
}

func identifier(name string) bool {
	for i := range len(name) {
		if !letter(name[i]) || name[i] >= 0x80 || i == 0 && name[i] >= '0' && name[i] <= '9' {
			return false
		}
	}
	return name != ""
}
