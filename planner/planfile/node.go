package planfile

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A policyError is a mistake in the policy file, with its place.
type policyError struct {
	name         string
	line, column int
	text         string
}

func (e policyError) Error() string {
	place := e.name
	if e.line > 0 {
		place += ":" + strconv.Itoa(e.line)
	}
	if e.column > 0 {
		place += ":" + strconv.Itoa(e.column)
	}
	return "reading " + place + ": " + e.text
}

// Line and Column are where the mistake stands, both counted from 1; 0 where that is not known.
func (e policyError) Line() int   { return e.line }
func (e policyError) Column() int { return e.column }

// maxPolicy bounds the policy file, which may come from a checkout.
const maxPolicy = 1 << 20

var yamlLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)

// parse gives the document's root mapping, nil for an empty document.
func parse(name string, data []byte) (*yaml.Node, error) {
	if len(data) > maxPolicy {
		return nil, policyError{name: name, text: "a policy file has at most 1 MiB"}
	}
	var doc yaml.Node
	d := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := d.Decode(&doc); err != nil {
		return syntaxError(name, data, err)
	}
	var more yaml.Node
	if err := d.Decode(&more); err == nil && len(more.Content) > 0 {
		return nil, policyError{name, more.Line, more.Column, "a policy file has one document"}
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return nil, nil
	}
	return doc.Content[0], nil
}

// syntaxError turns the parser's error into ours. An empty file is none.
func syntaxError(name string, data []byte, err error) (*yaml.Node, error) {
	if strings.TrimSpace(string(data)) == "" || err.Error() == "EOF" {
		return nil, nil
	}
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return nil, policyError{name: name, text: "malformed YAML"}
	}
	line, _ := strconv.Atoi(m[1])
	column := 0
	if lines := strings.Split(string(data), "\n"); line > 0 && line <= len(lines) {
		text := lines[line-1]
		column = 1 + len(text) - len(strings.TrimLeft(text, " \t"))
	}
	return nil, policyError{name, line, column, "malformed YAML: " + m[2]}
}

// A reader walks the nodes of a policy file and keeps the first mistake.
type reader struct {
	name string
	errs []error
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, policyError{r.name, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (r *reader) err() error { return errors.Join(r.errs...) }

// A field reads the value of one key.
type field func(key, value *yaml.Node)

// mapping reads a mapping of which every key is known.
func (r *reader) mapping(n *yaml.Node, what string, fields map[string]field) {
	r.pairs(n, what, func(key, value *yaml.Node) {
		read := fields[key.Value]
		if read == nil {
			r.fail(key, "%s has no setting %.80q; there are: %s", what, key.Value, strings.Join(keysOf(fields), ", "))
			return
		}
		read(key, value)
	})
}

// pairs gives every key and value of a mapping. Keys do not repeat, and there are no aliases: what a policy says stands
// where it is read.
func (r *reader) pairs(n *yaml.Node, what string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s must be a mapping", what)
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || value.Kind == yaml.AliasNode || key.Tag == "!!merge":
			r.fail(key, "aliases and merge keys are not read in a policy file")
		case seen[key.Value]:
			r.fail(key, "%.80q is given twice", key.Value)
		default:
			seen[key.Value] = true
			each(key, value)
		}
	}
}

// list gives every item of a list.
func (r *reader) list(n *yaml.Node, what string, each func(item *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s must be a list", what)
		return
	}
	for _, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			r.fail(item, "aliases and merge keys are not read in a policy file")
			continue
		}
		each(item)
	}
}

// text reads a scalar as it is written.
func (r *reader) text(into *string) field {
	return func(key, value *yaml.Node) {
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
			r.fail(value, "%s must be a text", key.Value)
			return
		}
		*into = value.Value
	}
}

// checked reads a text that parse accepts.
func (r *reader) checked(into *string, parse func(string) (string, error)) field {
	return func(key, value *yaml.Node) {
		var s string
		before := len(r.errs)
		r.text(&s)(key, value)
		if len(r.errs) > before {
			return
		}
		parsed, err := parse(s)
		if err != nil {
			r.fail(value, "%v", err)
			return
		}
		*into = parsed
	}
}

func (r *reader) boolean(into *bool) field {
	return func(key, value *yaml.Node) {
		if value.Kind != yaml.ScalarNode || value.Tag != "!!bool" || value.Decode(into) != nil {
			r.fail(value, "%s must be true or false", key.Value)
		}
	}
}

func (r *reader) optional(into **bool) field {
	return func(key, value *yaml.Node) {
		var b bool
		before := len(r.errs)
		r.boolean(&b)(key, value)
		if len(r.errs) == before {
			*into = &b
		}
	}
}

// count reads a whole number of at least least.
func (r *reader) count(into *int, least int) field {
	return func(key, value *yaml.Node) {
		n, err := strconv.Atoi(value.Value)
		if value.Kind != yaml.ScalarNode || err != nil || n < least {
			r.fail(value, "%s must be a whole number, at least %d", key.Value, least)
			return
		}
		*into = n
	}
}
