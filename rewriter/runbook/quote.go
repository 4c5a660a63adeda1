package runbook

import "strings"

// Quote writes one word of a command for a POSIX shell: an argument, not the command's own name (Line quotes that).
// NUL can not be written in a word and is dropped.
func Quote(word string) string {
	word = strings.ReplaceAll(word, "\x00", "")
	if word != "" && strings.IndexFunc(word, unsafe) < 0 {
		return word
	}
	word = strings.ReplaceAll(word, "'", `'\''`)
	// Some shells read a carriage return before a line feed as one line break, even in quotes.
	word = strings.ReplaceAll(word, "\r\n", "\r''\n")
	return "'" + word + "'"
}

// unsafe says whether r means something to a shell where an argument stands. Everything outside plain ASCII does.
func unsafe(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_./:=@%+,", r)
}

// reserved are the words that mean something where a command's name stands: keywords, and the built-ins whose
// arguments a shell parses differently. In quotes the keywords are names, and the built-ins stay what they are.
var reserved = map[string]bool{
	"if": true, "then": true, "else": true, "elif": true, "fi": true, "do": true, "done": true, "case": true,
	"esac": true, "while": true, "until": true, "for": true, "in": true, "select": true, "function": true,
	"time": true, "coproc": true, "declare": true, "typeset": true, "local": true, "export": true,
	"readonly": true, "nameref": true, "let": true, "eval": true,
}

// Line writes an argv as one command, so that a shell reads back the same argv.
func Line(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = Quote(word)
		if bare := words[i]; i == 0 && (reserved[bare] || bare[0] != '\'' && strings.ContainsAny(bare, "=%")) {
			words[i] = "'" + bare + "'"
		}
	}
	return strings.Join(words, " ")
}
