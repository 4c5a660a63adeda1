package catalog

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"dekey/scanner/object"
)

// A selector says which objects a rule is about. Every field that is set must hold.
type selector struct {
	Group  string              `json:"group"`  // glob; "core" is the core group, "none" a document without kind
	Kinds  []string            `json:"kinds"`  // none: any
	Names  []string            `json:"names"`  // globs of metadata.name; none: any
	Labels map[string][]string `json:"labels"` // the label has one of the values
}

// anyMatches says whether one of the selectors is about an object, whose groupOf is given: it is asked for every rule.
func anyMatches(selectors []selector, o *object.Object, group string) bool {
	for i := range selectors {
		if selectors[i].matches(o, group) {
			return true
		}
	}
	return false
}

func (s *selector) matches(o *object.Object, group string) bool {
	if s.Group != "" && !glob(s.Group, group) {
		return false
	}
	if len(s.Kinds) > 0 && !slices.Contains(s.Kinds, o.Ref.Kind) {
		return false
	}
	if len(s.Names) > 0 && !slices.ContainsFunc(s.Names, func(name string) bool { return glob(name, o.Ref.Name) }) {
		return false
	}
	if len(s.Labels) == 0 {
		return true
	}
	labels := mapping(lookup(o.Content, "metadata", "labels"))
	for key, values := range s.Labels {
		if !slices.Contains(values, text(labels[key])) {
			return false
		}
	}
	return true
}

// groupOf is the object's group as selectors spell it.
func groupOf(o *object.Object) string {
	switch group := o.Ref.Group(); {
	case o.Ref.Kind == "":
		return "none"
	case group == "":
		return "core"
	default:
		return group
	}
}

// A condition is a fact about a field. Field is written as in a location.
type condition struct {
	Field  location `json:"field"`
	In     []string `json:"in"`     // its value, as text, is one of these
	Absent bool     `json:"absent"` // it is not there, or is empty
	Exists bool     `json:"exists"` // it is there and not empty
	Items  int      `json:"items"`  // it is a list of so many
	Prefix string   `json:"prefix"` // its value, as text, begins so
}

func (c condition) holds(root any, at object.Path) bool {
	value, ok := c.Field.lookup(root, at)
	empty := !ok || value == nil || value == "" || isEmptyCollection(value)
	switch {
	case c.Absent:
		return empty
	case c.Exists:
		return !empty
	case c.Items > 0:
		return len(list(value)) == c.Items
	case c.Prefix != "":
		return ok && strings.HasPrefix(scalar(value), c.Prefix)
	default:
		return ok && slices.Contains(c.In, scalar(value))
	}
}

func isEmptyCollection(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// scalar is a string, number or bool as text.
func scalar(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case nil, map[string]any, []any:
		return ""
	default:
		data, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(data)
	}
}

// A location is a field as entries spell it: from the root ("/spec.provider"), from the reference ("./name"; "." is the
// reference itself), or from what holds it ("../provider", "../../x").
type location string

func (l location) absolute() bool { return strings.HasPrefix(string(l), "/") }

// resolve gives the field's path, without wildcards.
func (l location) resolve(at object.Path) (object.Path, bool) {
	s := string(l)
	base := at
	switch {
	case s == ".":
		return at, true
	case len(s) > 0 && s[0] == '/':
		base, s = nil, s[1:]
	case len(s) > 2 && s[:2] == "./":
		s = s[2:]
	default:
		for len(s) >= 2 && s[:2] == ".." {
			if len(base) == 0 {
				return nil, false
			}
			base, s = base.Parent(), s[2:]
			if len(s) > 0 && s[0] == '/' {
				s = s[1:]
			}
		}
	}
	path, err := object.ParsePath(s)
	if err != nil {
		return nil, false
	}
	return object.Path(base).Join(path...), true
}

func (l location) lookup(root any, at object.Path) (any, bool) {
	path, ok := l.resolve(at)
	if !ok {
		return nil, false
	}
	return path.Lookup(root)
}

func lookup(content any, keys ...string) any {
	for _, key := range keys {
		m, ok := content.(map[string]any)
		if !ok {
			return nil
		}
		content = m[key]
	}
	return content
}

// exact says that a pattern matches itself alone.
func exact(pattern string) bool { return !strings.ContainsAny(pattern, `*?[\`) }

func glob(pattern, name string) bool {
	if exact(pattern) {
		return pattern == name // nearly all of them, asked of every object
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
