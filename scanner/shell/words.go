package shell

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"dekey/scanner/iam"
)

// A scope is one script: what its variables hold.
type scope struct {
	*reader
	at locate
	// values are the constants that variables are set to; set counts how often each is.
	values map[string]*syntax.Word
	set    map[string]int
}

// learn finds the variables that are set once, to a word.
func (s *scope) learn(file *syntax.File) {
	unset := func(name string) { s.set[name] += 2 }
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			for _, a := range n.Assigns {
				s.assign(a)
			}
			if len(n.Args) > 1 && (n.Args[0].Lit() == "read" || n.Args[0].Lit() == "unset" || n.Args[0].Lit() == "getopts") {
				for _, arg := range n.Args[1:] {
					unset(arg.Lit())
				}
			}
		case *syntax.DeclClause:
			for _, a := range n.Args {
				s.assign(a)
			}
		case *syntax.WordIter:
			unset(n.Name.Value)
		}
		return true
	})
}

func (s *scope) assign(a *syntax.Assign) {
	if a.Name == nil || a.Naked {
		return
	}
	s.set[a.Name.Value]++
	if a.Append || a.Index != nil || a.Array != nil || a.Value == nil {
		s.set[a.Name.Value]++
		return
	}
	s.values[a.Name.Value] = a.Value
}

// word evaluates a word.
func (s *scope) word(w *syntax.Word, depth int) iam.Value {
	if w == nil {
		return ""
	}
	var b strings.Builder
	for _, part := range w.Parts {
		s.part(&b, part, false, depth)
	}
	return iam.Value(b.String())
}

// maxExpansion bounds how far variables are followed, and how long a word becomes.
const (
	maxExpansion = 20
	maxWord      = 64 << 10
)

func (s *scope) part(b *strings.Builder, part syntax.WordPart, quoted bool, depth int) {
	if b.Len() > maxWord {
		return
	}
	switch part := part.(type) {
	case *syntax.Lit:
		b.WriteString(string(iam.Text(unescaped(part.Value, quoted))))
	case *syntax.SglQuoted:
		b.WriteString(string(iam.Text(part.Value)))
	case *syntax.DblQuoted:
		for _, inner := range part.Parts {
			s.part(b, inner, true, depth)
		}
	case *syntax.ParamExp:
		name := ""
		if part.Param != nil {
			name = part.Param.Value
		}
		plain := name != "" && !part.Excl && !part.Length && !part.Width && part.Index == nil && part.Slice == nil && part.Repl == nil && part.Exp == nil
		if value := s.values[name]; plain && value != nil && s.set[name] == 1 && depth < maxExpansion {
			b.WriteString(string(s.word(value, depth+1)))
			return
		}
		if !plain {
			name = s.place(part) + ":" + name
		} else {
			name = s.name + ":" + name
		}
		b.WriteString(string(iam.Hidden(name)))
	default:
		b.WriteString(string(iam.Hidden(s.place(part) + ":command")))
	}
}

// place names a node of the script.
func (s *scope) place(n syntax.Node) string {
	line, column := s.at(int(n.Pos().Line()), int(n.Pos().Col()))
	o := s.origin(line, column)
	return o.Path + " " + itoa(o.Line) + " " + itoa(o.Column)
}

// unescaped takes the backslashes out that the shell takes.
func unescaped(text string, quoted bool) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			switch next := text[i+1]; {
			case next == '\n':
				i++
				continue
			case !quoted || strings.IndexByte("$`\"\\", next) >= 0:
				i++
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// expanded is a word that stands in YAML as a list's item: $VARIABLES in it are hidden.
func expanded(word, file string) iam.Value {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(word, "$")
		b.WriteString(string(iam.Text(before)))
		if !found {
			return iam.Value(b.String())
		}
		end := 0
		if strings.HasPrefix(after, "{") {
			if end = strings.IndexByte(after, '}') + 1; end == 0 {
				end = len(after)
			}
		} else {
			for end < len(after) && letter(after[end]) {
				end++
			}
		}
		b.WriteString(string(iam.Hidden(file + ":" + strings.Trim(after[:end], "{}"))))
		word = after[end:]
	}
}

// walk finds the commands.
func (s *scope) walk(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		s.scripts(n)
		one, ok := n.(*syntax.CallExpr)
		if !ok || len(one.Args) < 2 {
			return true
		}
		if slices.Contains(printers, one.Args[0].Lit()) {
			return true
		}
		for i, arg := range one.Args {
			name := path.Base(string(s.word(arg, 0))) // /usr/bin/gcloud, and $GCLOUD where it is set once
			if name != "gcloud" && name != "kubectl" || i > maxWrapper {
				continue
			}
			line, column := s.at(int(arg.Pos().Line()), int(arg.Pos().Col()))
			c := call{reader: s.reader, origin: s.origin(line, column)}
			for _, word := range one.Args[i+1:] {
				c.words = append(c.words, s.word(word, 0))
				line, column := s.at(int(word.Pos().Line()), int(word.Pos().Col()))
				c.origins = append(c.origins, s.origin(line, column))
			}
			if name == "gcloud" {
				c.gcloud()
			} else {
				c.kubectl()
			}
			break
		}
		return true
	})
}

// maxWrapper is how many words can stand before gcloud: sudo -E, retry 5, run.
const maxWrapper = 4

// printers are commands that show a command and do not run it.
var printers = []string{"echo", "printf", "cat", "grep", "egrep", "which", "type", "command", "hash", "alias", "die", "log", "info", "warn", "error"}
