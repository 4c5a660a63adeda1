package yamledit

import (
	"bytes"
	"regexp"
	"strconv"
)

// ApplyTemplate makes edits of one Helm (or other text/template) file, as Apply does of a manifest. Every action is masked
// by text of the same length, lines of actions alone by comments; what then parses is located and spliced into the
// original. A field whose value holds an action has the action's text as its value.
//
// Cuts hold whole if/end pairs, take actions that are left with nothing between them, and never pass what an action
// writes into the same list: a list that an action writes to stays, even where nothing else is left in it. New fields stand outside of conditions that the mapping itself does not stand in. This
// proves that the text is sound, not what it renders to: the caller renders before and after.
func ApplyTemplate(file []byte, edits []Edit) (Result, error) {
	return apply(file, edits, templateParser{})
}

// Mask is a template as ApplyTemplate reads it: YAML of the same length, line for line. Paths and indexes of edits are those
// of this text.
func Mask(file []byte) ([]byte, error) {
	actions, err := lex(file)
	if err != nil {
		return nil, err
	}
	return mask(file, actions), nil
}

type templateParser struct{}

func (templateParser) documents(file []byte) ([]Document, error) {
	actions, err := lex(file)
	if err != nil {
		return nil, err
	}
	return Documents(mask(file, actions))
}

func (templateParser) parse(file []byte, d Document) (*tree, error) {
	actions, err := lex(file)
	if err != nil {
		return nil, err
	}
	seen := mask(file, actions)
	t, err := parseYAML(file[d.Start:d.End], seen[d.Start:d.End], d.Body-d.Start, d.Tail-d.Start)
	if err != nil {
		return nil, err
	}
	t.unmask(t.root)
	for _, a := range actions {
		if a.end <= d.Start {
			t.outer = a.block
		} else if a.start < d.End {
			a.start, a.end = a.start-d.Start, a.end-d.Start
			t.actions = append(t.actions, a)
		}
	}
	return t, nil
}

// unmask gives masked scalars their text in the file as values.
func (t *tree) unmask(n *node) {
	if n == nil {
		return
	}
	if n.kind == scalar && !bytes.Equal(t.text[n.body:n.end], t.masked[n.body:n.end]) {
		n.value = string(bytes.Trim(t.text[n.body:n.end], `"'`))
	}
	for _, e := range n.entries {
		t.unmask(e.key)
		t.unmask(e.value)
	}
}

// What an action does to the lines around it.
type actionKind uint8

const (
	writes actionKind = iota // puts text in its place
	silent                   // a comment, a variable
	opens                    // if, range, with, define, block
	turns                    // else
	closes                   // end
)

// An action is a `{{...}}` of a template.
type action struct {
	start, end int
	kind       actionKind
	own        bool // stands on a line of actions alone
	loop       bool // opens a range
	block      int  // the innermost block around the text behind it: 0 for none
	indent     int  // what indent or nindent say, or -1
}

var (
	actionWord   = regexp.MustCompile(`^\{\{-?[ \t\r\n]*(/\*|[A-Za-z]+\b|\$[A-Za-z0-9_]*(?:[ \t]*,[ \t]*\$[A-Za-z0-9_]+)?[ \t]*:?=)?`)
	actionIndent = regexp.MustCompile(`\bn?indent[ \t]+([0-9]+)`)
)

// lex finds the actions of a template and the blocks that they make.
func lex(text []byte) ([]action, error) {
	var actions []action
	var stack []int
	blocks := 0
	for pos := 0; ; {
		i := bytes.Index(text[pos:], []byte("{{"))
		if i < 0 {
			break
		}
		start := pos + i
		end := actionEnd(text, start)
		if end < 0 {
			return nil, refuse("an action of the template is not closed")
		}
		a := action{start: start, end: end, indent: -1}
		body := text[start:end]
		switch word := string(actionWord.FindSubmatch(body)[1]); {
		case word == "if" || word == "range" || word == "with" || word == "define" || word == "block":
			a.kind, a.loop = opens, word == "range"
			blocks++
			stack = append(stack, blocks)
		case word == "else" || word == "end":
			a.kind = turns
			if len(stack) == 0 {
				return nil, refuse("the template's if and end do not pair")
			}
			if word == "end" {
				a.kind = closes
				stack = stack[:len(stack)-1]
				break
			}
			blocks++
			stack[len(stack)-1] = blocks
		case word == "/*" || word == "break" || word == "continue" || len(word) > 0 && word[0] == '$':
			a.kind = silent
		}
		if m := actionIndent.FindSubmatch(body); m != nil {
			if n, err := strconv.Atoi(string(m[1])); err == nil {
				a.indent = n
			}
		}
		if len(stack) > 0 {
			a.block = stack[len(stack)-1]
		}
		actions = append(actions, a)
		pos = end
	}
	if len(stack) > 0 {
		return nil, refuse("the template's if and end do not pair")
	}
	markOwn(text, actions)
	return actions, nil
}

// actionEnd is behind the `}}` of the action at start, or -1. Quoted text and comments may hold braces.
func actionEnd(text []byte, start int) int {
	pos := start + 2
	if pos < len(text) && text[pos] == '-' {
		pos++
	}
	rest := bytes.TrimLeft(text[pos:], " \t\r\n")
	if bytes.HasPrefix(rest, []byte("/*")) {
		i := bytes.Index(text[pos:], []byte("*/"))
		if i < 0 {
			return -1
		}
		pos += i + 2
	}
	for pos < len(text) {
		switch c := text[pos]; {
		case c == '}' && pos+1 < len(text) && text[pos+1] == '}':
			return pos + 2
		case c == '"' || c == '`' || c == '\'':
			for pos++; pos < len(text) && text[pos] != c; pos++ {
				if text[pos] == '\\' && c != '`' {
					pos++
				}
			}
		}
		pos++
	}
	return -1
}

// markOwn finds the lines on which nothing but actions (and a comment) stands.
func markOwn(text []byte, actions []action) {
	for first := 0; first < len(actions); {
		line := actions[first].start
		for line > 0 && !isBreak(text[line-1]) {
			line--
		}
		own := len(bytes.TrimLeft(text[line:actions[first].start], " \t")) == 0
		last := first
		pos := actions[first].end
		for last+1 < len(actions) && actions[last+1].start < nextLine(text, pos) {
			own = own && len(bytes.TrimLeft(text[pos:actions[last+1].start], " \t")) == 0
			last++
			pos = actions[last].end
		}
		rest := bytes.TrimLeft(trimBreak(text[pos:nextLine(text, pos)]), " \t")
		own = own && (len(rest) == 0 || rest[0] == '#')
		for k := first; k <= last; k++ {
			actions[k].own = own
		}
		first = last + 1
	}
}

// mask puts text of the same length in the place of actions: comments for those with lines of their own.
func mask(text []byte, actions []action) []byte {
	masked := append([]byte(nil), text...)
	for _, a := range actions {
		for i := a.start; i < a.end; i++ {
			if isBreak(text[i]) {
				continue
			}
			masked[i] = 'x'
			if a.own && (i == a.start || isBreak(text[i-1])) {
				masked[i] = '#'
			}
		}
		if !a.own {
			masked[a.start] = 'T'
		}
	}
	return masked
}

// blockAt is the innermost block that the byte at pos stands in.
func (t *tree) blockAt(pos int) int {
	block := t.outer
	for _, a := range t.actions {
		if a.end > pos {
			break
		}
		block = a.block
	}
	return block
}
