package yamledit

import (
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// A flowWriter writes values inside flow text, in the manner of a neighbour.
type flowWriter struct {
	json   bool
	style  Style
	quoted bool   // keys stand in double quotes
	colon  string // between key and value
	comma  string // behind an entry on the same line
	pad    string // inside braces on one line
	lines  bool   // the neighbour's collection has its entries on lines of their own
	spread bool   // new collections are spread over lines too
	indent string // of the neighbour's line
	unit   string // of one more level
	eol    string
}

// flowWriter looks at the entry like of n.
func (e *editor) flowWriter(n *node, like entry) flowWriter {
	w := flowWriter{json: e.json, style: e.styleAt(n), colon: ": ", comma: " ", eol: e.eol(like.mark)}
	line := e.lineStart(like.mark)
	w.indent = string(e.text[line:e.firstByte(line)])
	w.unit = strings.Repeat(" ", w.style.Step)
	if open := e.lineStart(n.body); open < line {
		w.lines = true
		outer := string(e.text[open:e.firstByte(open)])
		if unit, ok := strings.CutPrefix(w.indent, outer); ok && unit != "" && strings.Trim(unit, " \t") == "" {
			w.unit = unit
		}
	}
	w.quoted = e.json
	for _, entry := range e.nearest(n) {
		if entry.key == nil {
			continue
		}
		w.quoted = w.quoted || entry.key.style&yaml.DoubleQuotedStyle != 0
		if gap := string(e.text[entry.key.end:entry.value.start]); entry.value.end > entry.value.start && len(gap) < 4 && strings.Trim(gap, " \t:") == "" {
			w.colon = gap
		}
		break
	}
	if e.json && !strings.ContainsAny(w.colon, " \t") {
		w.comma = ""
	}
	if !w.lines && like.mark > n.body+1 && n.kind == mapping {
		w.pad = " "
	}
	v := like.value
	w.spread = w.lines && (v.kind == scalar && e.json || v.flow && e.lineStart(v.body) != e.lineStart(v.end))
	return w
}

// nearest are the entries of the next mapping with any: n itself, its last item, or one around it.
func (e *editor) nearest(n *node) []entry {
	for at := n; at != nil; at = at.parent {
		if at.kind == mapping && len(at.entries) > 0 && at.flow {
			return at.entries
		}
		if len(at.entries) > 0 {
			if item := at.entries[len(at.entries)-1].value; item.kind == mapping && item.flow && len(item.entries) > 0 {
				return item.entries
			}
		}
	}
	return nil
}

func (w flowWriter) key(text string) string {
	if w.json || w.quoted {
		return doubleQuoted(text)
	}
	return w.style.scalar(text, true)
}

func (w flowWriter) value(value any, indent string) string {
	switch v := value.(type) {
	case string:
		switch {
		case w.json:
			return jsonString(v)
		case w.quoted:
			return doubleQuoted(v)
		}
		return w.style.scalar(v, true)
	case json.Number:
		return v.String()
	case Map:
		var parts []string
		for _, f := range v {
			parts = append(parts, w.key(f.Key)+w.colon+w.value(f.Value, indent+w.unit))
		}
		return w.collection("{", parts, "}", indent, w.pad)
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, w.value(item, indent+w.unit))
		}
		return w.collection("[", parts, "]", indent, "")
	}
	return w.style.inline(value, true)
}

func (w flowWriter) collection(open string, parts []string, end, indent, pad string) string {
	if len(parts) == 0 {
		return open + end
	}
	if w.spread {
		inner := w.eol + indent + w.unit
		return open + inner + strings.Join(parts, ","+inner) + w.eol + indent + end
	}
	return open + pad + strings.Join(parts, ","+w.comma) + pad + end
}
