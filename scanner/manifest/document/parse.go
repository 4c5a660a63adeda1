package document

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// An Error is why a document could not be read, in words of our own: a decoder's message could quote a Secret.
type Error struct {
	Line  int // in the file, from 1
	Why   string
	Limit bool // a limit of ours was reached
}

// Error is the cause alone: the caller names the file and the line.
func (e *Error) Error() string { return e.Why }

// A Node is a parsed document.
type Node struct {
	root *node // the value of the document
	// Rest says that text followed the value that is not a document of its own: the text is no YAML, whatever was
	// read (a template that starts with an action).
	Rest bool
}

// Parse reads one document. levels bounds its depth.
func Parse(d Document, levels int) (*Node, *Error) {
	text := d.Text
	if first := bytes.TrimLeft(text, " \t\r\n"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		node, rest, err := parseJSON(text, d.Line, levels)
		switch {
		case err == nil && len(rest) == 0:
			return &Node{root: node}, nil
		case err != nil && err.Limit:
			return nil, err
		case err == nil && len(rest) > 0 && (rest[0] == '{' || rest[0] == '['):
			return nil, &Error{Line: d.Line + bytes.Count(text[:len(text)-len(rest)], []byte("\n")), Why: "several JSON values follow each other"}
		}
	}
	if deep := flowDepth(text); deep > levels {
		return nil, &Error{Line: d.Line, Why: tooDeep(levels), Limit: true}
	}
	if root, ok := parseSimple(text, d.Line); ok {
		return &Node{root: root}, nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return &Node{}, nil
	} else if err != nil {
		return nil, explain(err, d)
	}
	node := &Node{}
	if len(document.Content) > 0 {
		if err := checkDepth(document.Content[0], levels); err != nil {
			err.Line += d.Line - 1
			return nil, err
		}
		node.root = fromLibrary(document.Content[0], d.Line-1)
	}
	// The library stops at the end of the first value. What follows it is an error unless nothing does.
	var next yaml.Node
	if err := decoder.Decode(&next); !errors.Is(err, io.EOF) {
		node.Rest = true
	}
	return node, nil
}

func tooDeep(levels int) string { return "is nested deeper than " + strconv.Itoa(levels) + " levels" }

// flowDepth is an upper bound of how deep brackets are nested: the library recurses, and so is not asked first.
func flowDepth(text []byte) int {
	depth, deepest := 0, 0
	for _, c := range text {
		switch c {
		case '[', '{':
			if depth++; depth > deepest {
				deepest = depth
			}
		case ']', '}':
			if depth > 0 {
				depth--
			}
		}
	}
	return deepest
}

func checkDepth(node *yaml.Node, levels int) *Error {
	if node == nil {
		return nil
	}
	if levels == 0 && len(node.Content) > 0 {
		return &Error{Line: node.Line, Why: "is nested too deep", Limit: true}
	}
	for _, child := range node.Content {
		if err := checkDepth(child, levels-1); err != nil {
			return err
		}
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// causes are the library's messages and ours. Its texts are constants up to the point where they are cut here.
var causes = []struct{ theirs, ours string }{
	{"found a tab character that violates indentation", "found a tab where indentation was expected"},
	{"found a tab character where an indentation space is expected", "found a tab where indentation was expected"},
	{"found character that cannot start any token", "found a character that can not start a value"},
	{"mapping values are not allowed in this context", "found a colon where no mapping can start"},
	{"did not find expected key", "a key is missing, or the indentation is wrong"},
	{"did not find expected '-' indicator", "a dash is missing, or the indentation is wrong"},
	{"could not find expected ':'", "a colon is missing after a key"},
	{"did not find expected ',' or ']'", "a comma or a closing bracket is missing"},
	{"did not find expected ',' or '}'", "a comma or a closing brace is missing"},
	{"did not find expected node content", "a value is missing"},
	{"did not find expected <document start>", "found text after the end of the document"},
	{"found unexpected end of stream", "a quoted text is not closed"},
	{"found unexpected document indicator", "a quoted text is not closed"},
	{"found unknown escape character", "found an unknown escape in a quoted text"},
	{"did not find expected hexdecimal number", "found an unknown escape in a quoted text"},
	{"did not find expected hexadecimal number", "found an unknown escape in a quoted text"},
	{"block sequence entries are not allowed in this context", "found a dash where no list can start"},
	{"control characters are not allowed", "found a control character"},
	{"invalid leading UTF-8 octet", "found text that is not UTF-8"},
	{"invalid trailing UTF-8 octet", "found text that is not UTF-8"},
	{"incomplete UTF-8 octet sequence", "found text that is not UTF-8"},
	{"invalid Unicode character", "found text that is not UTF-8"},
	{"unknown anchor", "found an alias without its anchor"},
	{"exceeded max depth", "is nested too deep"},
	{"found incompatible YAML document", "declares a version of YAML that is not 1.1"},
	{"found undefined tag handle", "found an undefined tag"},
	{"found duplicate %YAML directive", "found a directive twice"},
	{"found an indentation indicator equal to 0", "found a block text with a wrong indentation indicator"},
	{"did not find expected comment or line break", "found text after a block text's indicator"},
	{"did not find expected alphabetic or numeric character", "found an anchor or alias without a name"},
}

// explain says in our words why yaml.v3 could not read the document.
func explain(err error, d Document) *Error {
	message, line := cut(err)
	out := &Error{Line: d.Line, Why: "is not valid YAML"}
	if line > 0 {
		out.Line = d.Line + line - 1
	}
	for _, cause := range causes {
		if strings.HasPrefix(message, cause.theirs) {
			out.Why = cause.ours
			break
		}
	}
	if text, line := problem(d, message); line > 0 {
		out.Line = line
		if bytes.IndexByte(text[:len(text)-len(bytes.TrimLeft(text, " \t"))], '\t') >= 0 {
			out.Why = "found a tab where indentation was expected"
		}
	}
	return out
}

// cut takes the position out of the library's message.
func cut(err error) (message string, line int) {
	message = err.Error()
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		message = message[len(m[0]):]
		line, _ = strconv.Atoi(m[1])
	}
	return message, line
}

// maxSearched is the size of a document up to which the line of its problem is searched for.
const maxSearched = 1 << 20

// problem finds the line that breaks the document: the library names the line where the enclosing block began. It is
// the last line of the shortest beginning of the document that fails with the same message.
func problem(d Document, message string) (text []byte, number int) {
	if len(d.Text) > maxSearched {
		return nil, 0
	}
	var starts []int
	l := newLines(d.Text)
	for l.next() {
		starts = append(starts, l.start)
	}
	starts = append(starts, len(d.Text))
	fails := func(n int) bool {
		var node yaml.Node
		err := yaml.Unmarshal(d.Text[:starts[n]], &node)
		if err == nil {
			return false
		}
		same, _ := cut(err)
		return same == message
	}
	n := 1 + sort.Search(len(starts)-1, func(i int) bool { return fails(i + 1) })
	if n >= len(starts) {
		return nil, 0
	}
	return d.Text[starts[n-1]:starts[n]], d.Line + n - 1
}
