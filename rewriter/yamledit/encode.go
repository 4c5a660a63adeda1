package yamledit

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
)

// A Style is how new text is laid out, so that it looks like its neighbours.
type Style struct {
	Step     int    // columns per level
	Indented bool   // list items stand deeper than their key
	EOL      string // "\n", "\r\n" or "\r"
	Single   bool   // strings that need quotes get single ones where both can be used
}

func (s Style) orDefault() Style {
	if s.Step < 1 {
		s.Step = 2
	}
	if s.EOL == "" {
		s.EOL = "\n"
	}
	return s
}

// Encode writes a value (a new manifest, mostly) as block YAML that ends with a line break. Strings are quoted where
// a reader of YAML 1.1 or 1.2 would take them for something else. What comes out has been read back and is the value.
func Encode(value any, style Style) ([]byte, error) {
	style = style.orDefault()
	v, err := normal(value)
	if err != nil {
		return nil, err
	}
	var lines []string
	switch v := v.(type) {
	case Map:
		if len(v) > 0 {
			lines = style.mapping(v, "")
		}
	case []any:
		if len(v) > 0 {
			lines = style.sequence(v, "")
		}
	}
	if lines == nil {
		lines = []string{style.inline(v, false)}
	}
	out := []byte(strings.Join(lines, style.EOL) + style.EOL)
	documents, err := Documents(out)
	if err != nil || len(documents) != 1 {
		return nil, refuse("the value cannot be written as one document")
	}
	t, err := parseYAML(out, out, 0, len(out))
	if err != nil || t.root == nil || !matches(t.root, v) {
		return nil, refuse("the value does not read back as it is")
	}
	return out, nil
}

// mapping gives the lines of a block mapping, each behind indent.
func (s Style) mapping(m Map, indent string) []string {
	var lines []string
	for _, f := range m {
		key := s.scalar(f.Key, false)
		lines = append(lines, s.entry(indent+key+":", f.Value, indent, s.Indented)...)
	}
	return lines
}

// sequence gives the lines of a block sequence whose dashes stand behind indent.
func (s Style) sequence(items []any, indent string) []string {
	var lines []string
	for _, item := range items {
		lines = append(lines, s.item(item, indent, " ")...)
	}
	return lines
}

// item gives the lines of one list item; gap is what stands between the dash and the content.
func (s Style) item(item any, indent, gap string) []string {
	inner := indent + " " + gap
	var lines []string
	switch v := item.(type) {
	case Map:
		if len(v) > 0 {
			lines = s.mapping(v, inner)
		}
	case []any:
		if len(v) > 0 {
			lines = s.sequence(v, inner)
		}
	}
	if lines == nil {
		return []string{indent + "-" + gap + s.inline(item, false)}
	}
	lines[0] = indent + "-" + gap + strings.TrimPrefix(lines[0], inner)
	return lines
}

// entry gives the lines of a mapping entry. head is everything up to the colon.
func (s Style) entry(head string, value any, indent string, indented bool) []string {
	step := strings.Repeat(" ", s.Step)
	switch v := value.(type) {
	case Map:
		if len(v) > 0 {
			return append([]string{head}, s.mapping(v, indent+step)...)
		}
	case []any:
		if len(v) > 0 {
			if indented {
				indent += step
			}
			return append([]string{head}, s.sequence(v, indent)...)
		}
	}
	return []string{head + " " + s.inline(value, false)}
}

// inline writes a value on one line.
func (s Style) inline(value any, flow bool) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return v.String()
	case string:
		return s.scalar(v, flow)
	case Map:
		var parts []string
		for _, f := range v {
			parts = append(parts, s.scalar(f.Key, true)+": "+s.inline(f.Value, true))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, s.inline(item, true))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "null"
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z0-9_./+$-][A-Za-z0-9_./@+=:;()~$^-]*( [A-Za-z0-9_./@+=:;()~$^-]+)*$`)
	// What a YAML 1.1 or 1.2 reader may take for a number or a date: base 60, octal and underscores included.
	numeric = regexp.MustCompile(`^[-+._0-9][0-9A-Fa-fxXoO_.,:+eETtZz -]*$`)
	special = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null|~|[-+]?\.inf|\.nan|=|<<|-|--|---|\.|\.\.|\.\.\.)$`)
)

// isPlain says whether text can stand without quotes and is then a string for every reader.
func isPlain(text string, flow bool) bool {
	if len(text) > 120 || !plainText.MatchString(text) || special.MatchString(text) ||
		numeric.MatchString(text) && strings.ContainsAny(text, "0123456789") {
		return false
	}
	if strings.HasSuffix(text, ":") || strings.Contains(text, ": ") || strings.HasPrefix(text, "- ") ||
		strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
		return false
	}
	return !flow || !strings.ContainsAny(text, ":")
}

// scalar writes a string, with quotes where it needs them.
func (s Style) scalar(text string, flow bool) string {
	if isPlain(text, flow) {
		return text
	}
	if s.Single || strings.ContainsAny(text, `\"`) {
		if quoted, ok := singleQuoted(text); ok {
			return quoted
		}
	}
	return doubleQuoted(text)
}

// singleQuoted fails for text with anything but printable characters on one line.
func singleQuoted(text string) (string, bool) {
	for _, r := range text {
		if !printable(r) {
			return "", false
		}
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'", true
}

func printable(r rune) bool {
	return r >= ' ' && r < 0x7F || r > 0x9F && r != 0xFEFF && r != 0xFFFD && r != 0x2028 && r != 0x2029 && unicode.IsPrint(r)
}

// doubleQuoted is a string that every reader of YAML takes: what is not printable is escaped.
func doubleQuoted(text string) string {
	return escaped(text, func(r rune) string {
		if r > 0xFFFF {
			return fmt.Sprintf(`\U%08x`, r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})
}

// jsonString is a string for strict JSON.
func jsonString(text string) string {
	return escaped(text, func(r rune) string {
		if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
			return fmt.Sprintf(`\u%04x\u%04x`, high, low)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})
}

func escaped(text string, escape func(rune) string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case printable(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}
