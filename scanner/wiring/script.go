package wiring

import (
	"path"
	"slices"
	"strings"
)

// A named is one place in a command, script, probe or hook where something names a value: a flag, an assignment, or a
// plain word.
type named struct {
	name     string // the flag with its dashes, the assigned variable, or ""
	assigned bool   // name is a variable
	value    string
	words    []int  // the elements of words that make it up
	embedded bool   // inside a longer text
	line     int    // in the text, from 1; 0 for an element of its own
	program  string // the program that gets it, "" where the image decides
	activate bool   // part of gcloud auth activate-service-account
}

var shells = []string{"sh", "bash", "ash", "dash", "ksh", "zsh", "busybox"}

// read takes the words of a command apart.
func read(words []word) []named {
	var out []named
	program, plain := "", 0
	for _, w := range words {
		if w.name == "command" && !w.script {
			program = w.text
			break
		}
	}
	activates := false
	for _, w := range words {
		activates = activates || w.text == activation
	}
	shell := slices.Contains(shells, path.Base(program))
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w.script || strings.ContainsAny(w.text, " \t\n;") && (shell || !strings.HasPrefix(w.text, "/")) {
			for _, n := range readScript(w.text) {
				n.words = []int{i}
				if n.program == "" {
					n.program = program
				}
				out = append(out, n)
			}
			continue
		}
		if w.text == "--" || w.text == "" {
			continue
		}
		n := named{value: w.text, words: []int{i}, program: program, activate: activates}
		if strings.HasPrefix(w.text, "-") {
			flag, value, found := strings.Cut(w.text, "=")
			n.name, n.value = flag, value
			if !found {
				if i+1 >= len(words) || words[i+1].script || strings.HasPrefix(words[i+1].text, "-") {
					continue
				}
				// The next element may be this flag's value, or a word of its own: both are tried, and a path counts once.
				n.value, n.words = words[i+1].text, []int{i, i + 1}
				if strings.ContainsAny(n.value, " \t\n;") {
					continue
				}
				i++
			}
		} else if plain == 0 && w.name == "command" && w.text == program {
			plain++
			continue
		} else if name, value, found := strings.Cut(w.text, "="); found && strings.Contains(value, "/") {
			n.name, n.value, n.embedded = name, value, true // prog key=/path
		}
		out = append(out, n)
	}
	return out
}

// readScript takes a text apart as a shell would, roughly: quotes are dropped, comments too, and what follows ; & | ( and
// a line's end is a new command. For other languages it still finds their quoted strings.
func readScript(s string) []named {
	var out []named
	for _, tokens := range splitScript(s) {
		out = append(out, readCommand(tokens)...)
	}
	return out
}

func readCommand(tokens []token) []named {
	var out []named
	program := ""
	activates := slices.ContainsFunc(tokens, func(t token) bool { return t.text == activation })
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		n := named{value: t.text, embedded: true, line: t.line, program: program, activate: activates}
		name, value, found := strings.Cut(t.text, "=")
		switch {
		case strings.HasPrefix(t.text, "-"):
			n.name, n.value = name, value
			if !found {
				if i+1 >= len(tokens) || strings.HasPrefix(tokens[i+1].text, "-") {
					continue
				}
				n.value = tokens[i+1].text
				i++
			}
		case found && identifier(name):
			n.name, n.value, n.assigned = name, value, true
		case program == "" && (t.text == "export" || t.text == "exec" || t.text == "sudo" || t.text == "env" || t.text == "then" || t.text == "do"):
			continue
		case program == "":
			program = t.text
			n.program = program
		}
		out = append(out, n)
	}
	return out
}

func identifier(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// replacement says that the text between $( and ) names a value.
func replacement(s string) bool {
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '-' }) {
		if !identifier(part) {
			return false
		}
	}
	return identifier(s[:1])
}

type token struct {
	text string
	line int
}

// splitScript gives the words of each command.
func splitScript(s string) [][]token {
	var commands [][]token
	var tokens []token
	var b strings.Builder
	line, quote, open := 1, byte(0), false
	word := func() {
		if open {
			tokens = append(tokens, token{text: b.String(), line: line})
		}
		b.Reset()
		open = false
	}
	command := func() {
		word()
		if len(tokens) > 0 {
			commands = append(commands, tokens)
		}
		tokens = nil
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			} else if c == '\n' {
				word() // a quote over lines is mostly another language, or an apostrophe in prose
				line++
			} else {
				b.WriteByte(c)
				open = true
			}
		case c == '\\' && i+1 < len(s):
			i++
			if s[i] == '\n' {
				word()
				line++
				continue
			}
			b.WriteByte(s[i])
			open = true
		case c == '\'' || c == '"':
			if apostrophe(s, i) {
				continue
			}
			quote, open = c, true
		case c == '`':
			command()
		case c == '$' && i+1 < len(s) && s[i+1] == '(':
			// $(VAR) of Kubernetes and $(params.x) of Tekton stay together; $(command) of the shell begins a command.
			if end := strings.IndexByte(s[i:], ')'); end > 2 && replacement(s[i+2:i+end]) {
				b.WriteString(s[i : i+end+1])
				open = true
				i += end
				continue
			}
			command()
			i++
		case c == '#' && !open:
			for i+1 < len(s) && s[i+1] != '\n' {
				i++
			}
		case c == '\n':
			command()
			line++
		case c == ';' || c == '&' || c == '|' || c == '(' || c == ')':
			command()
		case c == ' ' || c == '\t' || c == '\r' || c == '<' || c == '>' || c == ',':
			word()
		default:
			b.WriteByte(c)
			open = true
		}
	}
	command()
	return commands
}

// apostrophe says that the quote at i stands between letters and opens nothing.
func apostrophe(s string, i int) bool {
	return s[i] == '\'' && i > 0 && i+1 < len(s) && letter(s[i-1]) && letter(s[i+1])
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// mentions says that a text reads the variable, in a spelling of the shell, of Kubernetes, or of another language's
// environment functions.
func mentions(s, name string) bool {
	for rest := s; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		before, after := rest[:i], rest[i+len(name):]
		ends := after == "" || !identifier(after[:1]) && (after[0] < '0' || after[0] > '9') && after[0] != '='
		starts := strings.HasSuffix(before, "$") || strings.HasSuffix(before, "${") || strings.HasSuffix(before, "$(") ||
			strings.HasSuffix(before, "printenv ") || strings.HasSuffix(before, "'") || strings.HasSuffix(before, `"`)
		if ends && starts {
			return true
		}
		rest = after
	}
}
