package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dekey/scanner/object"
)

// A pattern is a field path with wildcards, as entries spell it: `spec.acme.solvers[*].dns01`. `[*]` is every item of a
// list, `*` every value of a mapping, `**` any depth (the field itself too), `["a.b/c"]` a key with other characters.
type pattern []patternStep

type patternStep struct {
	kind stepKind
	step object.Step
}

type stepKind int

const (
	exactStep stepKind = iota
	anyItem
	anyKey
	anyDepth
)

// A match is one field that a pattern found.
type match struct {
	path  object.Path
	value any
}

func parsePattern(s string) (pattern, error) {
	var p pattern
	for rest := s; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "[*]"):
			p, rest = append(p, patternStep{kind: anyItem}), rest[3:]
		case strings.HasPrefix(rest, "["):
			end, err := bracketEnd(rest)
			if err != nil {
				return nil, fmt.Errorf("field pattern %q: %w", s, err)
			}
			path, err := object.ParsePath(rest[:end])
			if err != nil || len(path) != 1 {
				return nil, fmt.Errorf("field pattern %q: %q is no step", s, rest[:end])
			}
			p, rest = append(p, patternStep{step: path[0]}), rest[end:]
		default:
			if len(p) > 0 {
				if rest[0] != '.' {
					return nil, fmt.Errorf("field pattern %q: a dot is missing before %q", s, rest)
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			switch word := rest[:end]; word {
			case "":
				return nil, fmt.Errorf("field pattern %q: an empty step", s)
			case "*":
				p = append(p, patternStep{kind: anyKey})
			case "**":
				p = append(p, patternStep{kind: anyDepth})
			default:
				p = append(p, patternStep{step: object.Key(word)})
			}
			rest = rest[end:]
		}
	}
	return p, nil
}

// bracketEnd is the index after the bracket that opens s, which may hold a quoted string.
func bracketEnd(s string) (int, error) {
	quote := strings.IndexByte(s, '"')
	end := strings.IndexByte(s, ']')
	if quote >= 0 && quote < end {
		prefix, err := strconv.QuotedPrefix(s[quote:])
		if err != nil {
			return 0, fmt.Errorf("a quote is not closed in %q", s)
		}
		rest := strings.IndexByte(s[quote+len(prefix):], ']')
		if rest < 0 {
			return 0, fmt.Errorf("a bracket is not closed in %q", s)
		}
		return quote + len(prefix) + rest + 1, nil
	}
	if end < 0 {
		return 0, fmt.Errorf("a bracket is not closed in %q", s)
	}
	return end + 1, nil
}

// find gives every field of content that p names, in the order of the content (mappings by key).
func (p pattern) find(content any) []match {
	var found []match
	p.walk(nil, content, &found)
	return found
}

func (p pattern) walk(at object.Path, value any, found *[]match) {
	if len(p) == 0 {
		*found = append(*found, match{path: at.Join(), value: value})
		return
	}
	rest := p[1:]
	switch step := p[0]; step.kind {
	case exactStep:
		if next, ok := (object.Path{step.step}).Lookup(value); ok {
			rest.walk(at.Join(step.step), next, found)
		}
	case anyItem:
		for i, item := range list(value) {
			rest.walk(at.Join(object.At(i)), item, found)
		}
	case anyKey:
		m := mapping(value)
		for _, key := range pathKeys(m) {
			rest.walk(at.Join(object.Key(key)), m[key], found)
		}
	case anyDepth:
		rest.walk(at, value, found)
		m := mapping(value)
		for _, key := range pathKeys(m) {
			p.walk(at.Join(object.Key(key)), m[key], found)
		}
		for i, item := range list(value) {
			p.walk(at.Join(object.At(i)), item, found)
		}
	}
}

func mapping(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// pathKeys are the keys of m that a path can name, sorted: all but the empty one.
func pathKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		if key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
