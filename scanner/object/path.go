package object

import (
	"fmt"
	"strconv"
	"strings"
)

// A Path names a field inside an object, from its root. The zero Path is the object itself.
type Path []Step

// A Step is one step of a Path: the value of a mapping's key, or an item of a list. Exactly one of the three
// forms is in use: Key; By and Value (the first item whose field By is the string Value); or Index.
type Step struct {
	Key   string
	By    string // the field that identifies the item: name, mountPath, ...
	Value string
	Index int // used when Key and By are empty; counted from 0, as in JSON patches
}

// Key is a step into a mapping.
func Key(key string) Step { return Step{Key: key} }

// Item is a step to the list item whose field by is value.
func Item(by, value string) Step { return Step{By: by, Value: value} }

// At is a step to the list item at index.
func At(index int) Step { return Step{Index: index} }

// Keys is a path of mapping keys only.
func Keys(keys ...string) Path {
	path := make(Path, len(keys))
	for i, key := range keys {
		path[i] = Key(key)
	}
	return path
}

// Join is p followed by steps, in memory of its own.
func (p Path) Join(steps ...Step) Path {
	joined := make(Path, 0, len(p)+len(steps))
	return append(append(joined, p...), steps...)
}

// Parent is the path without its last step.
func (p Path) Parent() Path {
	if len(p) == 0 {
		return p
	}
	return p[:len(p)-1]
}

// HasPrefix says whether q is p or one of its ancestors, step by step as written.
func (p Path) HasPrefix(q Path) bool {
	if len(p) < len(q) {
		return false
	}
	for i := range q {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// Equal says whether both paths are written alike.
func (p Path) Equal(q Path) bool { return len(p) == len(q) && p.HasPrefix(q) }

// String is the form that plans hold: spec.template.spec.containers[name=app].args[2]. A key or value with
// other characters than letters, digits and -_/ (in brackets also . : and @) is written as a quoted Go string,
// so that ParsePath reads back the same path: metadata.annotations["iam.gke.io/gcp-service-account"].
func (p Path) String() string {
	var b strings.Builder
	for i, step := range p {
		switch {
		case step.Key != "":
			if !plain(step.Key, "") {
				b.WriteString("[" + strconv.Quote(step.Key) + "]")
				continue
			}
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step.Key)
		case step.By != "":
			value := step.Value
			if !plain(value, "/.:@") {
				value = strconv.Quote(value)
			}
			b.WriteString("[" + step.By + "=" + value + "]")
		default:
			b.WriteString("[" + strconv.Itoa(step.Index) + "]")
		}
	}
	return b.String()
}

func plain(s, more string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		case strings.ContainsRune(more, r):
		default:
			return false
		}
	}
	return true
}

// ParsePath reads what Path.String writes.
func ParsePath(s string) (Path, error) {
	var path Path
	rest := s
	for rest != "" {
		switch rest[0] {
		case '[':
			step, after, err := parseBracket(rest)
			if err != nil {
				return nil, fmt.Errorf("field path %q: %w", s, err)
			}
			path, rest = append(path, step), after
		default:
			if rest[0] == '.' {
				if len(path) == 0 {
					return nil, fmt.Errorf("field path %q: starts with a dot", s)
				}
				rest = rest[1:]
			} else if len(path) > 0 {
				return nil, fmt.Errorf("field path %q: a dot is missing before %q", s, rest)
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if !plain(rest[:end], "") {
				return nil, fmt.Errorf("field path %q: key %q needs brackets and quotes", s, rest[:end])
			}
			path, rest = append(path, Key(rest[:end])), rest[end:]
		}
	}
	return path, nil
}

func parseBracket(s string) (Step, string, error) {
	body := s[1:]
	if strings.HasPrefix(body, `"`) {
		key, after, err := quoted(body)
		return Key(key), after, err
	}
	if eq := strings.IndexAny(body, "=]"); eq > 0 && body[eq] == '=' {
		by, value := body[:eq], body[eq+1:]
		if !plain(by, "") {
			return Step{}, "", fmt.Errorf("field %q of a list item", by)
		}
		if strings.HasPrefix(value, `"`) {
			text, after, err := quoted(value)
			return Item(by, text), after, err
		}
		end := strings.IndexByte(value, ']')
		if end < 0 || !plain(value[:end], "/.:@") {
			return Step{}, "", fmt.Errorf("value %q of a list item", value)
		}
		return Item(by, value[:end]), value[end+1:], nil
	}
	end := strings.IndexByte(body, ']')
	if end < 0 {
		return Step{}, "", fmt.Errorf("a bracket is not closed in %q", s)
	}
	index, err := strconv.Atoi(body[:end])
	if err != nil || index < 0 {
		return Step{}, "", fmt.Errorf("%q is no index", body[:end])
	}
	return At(index), body[end+1:], nil
}

func quoted(s string) (text, after string, err error) {
	prefix, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", fmt.Errorf("a quote is not closed in %q", s)
	}
	if text, err = strconv.Unquote(prefix); err != nil {
		return "", "", err
	}
	if after = s[len(prefix):]; !strings.HasPrefix(after, "]") {
		return "", "", fmt.Errorf("a bracket is not closed in %q", s)
	}
	return text, after[1:], nil
}

// MarshalText writes the path as String does.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Path) UnmarshalText(text []byte) error {
	path, err := ParsePath(string(text))
	*p = path
	return err
}

// Lookup finds the field in decoded content.
func (p Path) Lookup(content any) (any, bool) {
	for _, step := range p {
		switch {
		case step.Key != "":
			m, ok := content.(map[string]any)
			if !ok {
				return nil, false
			}
			if content, ok = m[step.Key]; !ok {
				return nil, false
			}
		default:
			list, ok := content.([]any)
			if !ok {
				return nil, false
			}
			i := step.Position(list)
			if i < 0 {
				return nil, false
			}
			content = list[i]
		}
	}
	return content, true
}

// Position is the index in list that the step names, or -1.
func (s Step) Position(list []any) int {
	if s.By == "" {
		if s.Key == "" && s.Index < len(list) {
			return s.Index
		}
		return -1
	}
	for i, item := range list {
		if m, ok := item.(map[string]any); ok && m[s.By] == s.Value {
			return i
		}
	}
	return -1
}
