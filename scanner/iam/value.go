package iam

import (
	"strings"

	"dekey/scanner/object"
)

// A Value is text as far as it can be read: between what is written stand holes, each with the name of what hides the
// rest. The zero Value is empty text, which is known.
type Value string

// mark stands before and after the name of a hole. Text from outside never holds it: Text drops it.
const mark = "\x00"

// Text is a Value that is known.
func Text(s string) Value { return Value(strings.ReplaceAll(s, mark, "")) }

// Hidden is a Value of which nothing is known but what hides it: var.project, $PROJECT. Two Values that the same thing
// hides are the same text, so name must be one thing: with its module or file.
func Hidden(name string) Value {
	return Value(mark + strings.ReplaceAll(name, mark, "") + mark)
}

// Known says that nothing is hidden.
func (v Value) Known() bool { return !strings.Contains(string(v), mark) }

// Wholly says that all of it is hidden.
func (v Value) Wholly() bool {
	parts := v.parts()
	if v == "" {
		return false
	}
	for i, p := range parts {
		if i%2 == 0 && p != "" {
			return false
		}
	}
	return true
}

// EndsHidden says that what hides a part stands at the end.
func (v Value) EndsHidden() bool { return strings.HasSuffix(string(v), mark) }

// Holes are the names of what hides parts, in order.
func (v Value) Holes() []string {
	var names []string
	for i, p := range v.parts() {
		if i%2 == 1 {
			names = append(names, p)
		}
	}
	return names
}

// parts are text and names of holes by turns, text first and last.
func (v Value) parts() []string { return strings.Split(string(v), mark) }

// String shows a Value to people: holes as ${name}, without the module, the file or the place, which may move.
func (v Value) String() string {
	parts := v.parts()
	for i := 1; i < len(parts); i += 2 {
		name := parts[i]
		parts[i] = "${" + name[strings.LastIndexByte(name, ':')+1:] + "}"
	}
	return strings.Join(parts, "")
}

// Spell is the text with each hole as hole says.
func (v Value) Spell(hole func(name string) string) string {
	parts := v.parts()
	for i := 1; i < len(parts); i += 2 {
		parts[i] = hole(parts[i])
	}
	return strings.Join(parts, "")
}

// CutPrefix cuts written text off the start.
func (v Value) CutPrefix(prefix string) (Value, bool) {
	rest, found := strings.CutPrefix(string(v), prefix)
	return Value(rest), found
}

// CutSuffix cuts written text off the end.
func (v Value) CutSuffix(suffix string) (Value, bool) {
	rest, found := strings.CutSuffix(string(v), suffix)
	return Value(rest), found
}

// Cut cuts around the first written sep; names of holes do not count.
func (v Value) Cut(sep string) (before, after Value, found bool) {
	offset := 0
	for i, p := range v.parts() {
		if i%2 == 0 {
			if at := strings.Index(p, sep); at >= 0 {
				return v[:offset+at], v[offset+at+len(sep):], true
			}
		}
		offset += len(p) + len(mark)
	}
	return v, "", false
}

// Has says whether written text holds s.
func (v Value) Has(s string) bool {
	_, _, found := v.Cut(s)
	return found
}

// Lower is the Value with its written text in lower case.
func (v Value) Lower() Value {
	parts := v.parts()
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.ToLower(parts[i])
	}
	return Value(strings.Join(parts, mark))
}

// Is says whether two Values are one text.
func (v Value) Is(w Value) object.Tri {
	switch {
	case v == w:
		return object.Yes
	case v.Known() && w.Known():
		return object.No
	case mayMatch(v.parts(), w.parts()):
		return object.Unknown
	}
	return object.No
}

// mayMatch compares what is written before the first hole and after the last, and, where one side has no holes, what
// stands between.
func mayMatch(a, b []string) bool {
	first, last := common(a[0], b[0]), common(reverse(a[len(a)-1]), reverse(b[len(b)-1]))
	switch {
	case len(a) == 1:
		return glob(b, a[0])
	case len(b) == 1:
		return glob(a, b[0])
	}
	return first && last
}

// common says that one text is the start of the other.
func common(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// glob says whether text can be what parts spell. A hole can be empty.
func glob(parts []string, text string) bool {
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	tail := parts[len(parts)-1]
	if text, ok = strings.CutSuffix(text, tail); !ok {
		return false
	}
	for i := 2; i < len(parts)-1; i += 2 {
		at := strings.Index(text, parts[i])
		if at < 0 {
			return false
		}
		text = text[at+len(parts[i]):]
	}
	return true
}
