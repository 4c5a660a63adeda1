package chart

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"

	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// mask puts text of the same length in the place of a template's actions, so that what is left is YAML with the
// positions of the template: comments for lines of actions alone, a word for the rest.
func mask(text []byte) []byte {
	masked := bytes.Clone(text)
	for at := 0; at < len(text); {
		end := len(text)
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i
		}
		at = maskLine(text, masked, at, end)
	}
	return masked
}

// maskLine masks the actions that start on a line, and gives where the next line starts: an action can span lines.
func maskLine(text, masked []byte, start, end int) int {
	alone := true // nothing but actions
	first := -1
	for at := start; at < end; {
		i := bytes.Index(text[at:end], []byte("{{"))
		rest := text[at:end]
		if i >= 0 {
			rest = text[at : at+i]
		}
		if s := bytes.TrimSpace(rest); len(s) > 0 && s[0] != '#' {
			alone = false
		}
		if i < 0 {
			break
		}
		if first < 0 {
			first = at + i
		}
		stop := actionEnd(text, at+i)
		for k := at + i; k < stop; k++ {
			if text[k] != '\n' && text[k] != '\r' {
				masked[k] = 'x'
			}
		}
		masked[at+i] = 'T'
		at = stop
		if stop > end {
			end = len(text)
			if i := bytes.IndexByte(text[stop:], '\n'); i >= 0 {
				end = stop + i
			}
		}
	}
	if alone && first >= 0 {
		for k := start; k < end; k++ {
			if k == first || k > first && text[k-1] == '\n' {
				masked[k] = '#'
			}
		}
	}
	return end + 1
}

// actionEnd is behind the braces that close the action at start. Quoted text and comments can hold braces.
func actionEnd(text []byte, start int) int {
	rest := bytes.TrimLeft(bytes.TrimPrefix(text[start+2:], []byte("-")), " \t")
	if bytes.HasPrefix(rest, []byte("/*")) {
		if i := bytes.Index(text[start:], []byte("*/")); i >= 0 {
			if k := bytes.Index(text[start+i:], []byte("}}")); k >= 0 {
				return start + i + k + 2
			}
		}
		return len(text)
	}
	for i := start + 2; i < len(text); i++ {
		switch c := text[i]; c {
		case '}':
			if i+1 < len(text) && text[i+1] == '}' {
				return i + 2
			}
		case '"', '`':
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' && c == '"' {
					i++
				}
			}
		}
	}
	return len(text)
}

// A source is a template's documents with masked actions.
type source struct {
	text      []byte
	documents []sourceDocument
}

type sourceDocument struct {
	index int
	node  *document.Node
	value any
}

func readSource(text []byte, levels int) *source {
	s := &source{text: text}
	documents, _ := document.Split(mask(text), 1000)
	for _, d := range documents {
		node, problem := document.Parse(d, levels)
		if problem != nil || node.Rest {
			continue
		}
		if value, problem := node.Value(); problem == nil && value != nil {
			s.documents = append(s.documents, sourceDocument{d.Index, node, value})
		}
	}
	return s
}

var masked = regexp.MustCompile(`Tx+`)

// like says whether a rendered text can come from a masked one.
func like(rendered, written string) bool {
	if rendered == written {
		return true
	}
	parts := masked.Split(written, -1)
	if len(parts) == 1 || !strings.HasPrefix(rendered, parts[0]) || !strings.HasSuffix(rendered, parts[len(parts)-1]) {
		return false
	}
	for _, part := range parts {
		i := strings.Index(rendered, part)
		if i < 0 {
			return false
		}
		rendered = rendered[i+len(part):]
	}
	return true
}

// find finds the document of the template that a rendered object comes from, and in it a field. Items that a name
// finds in the object are found in the template by the same name, by a name that is still an action, or as the only
// item that can be meant.
func (s *source) find(content map[string]any, field object.Path) (d sourceDocument, at object.Path, ok bool) {
	found := 0
	for _, candidate := range s.documents {
		m, isMap := candidate.value.(map[string]any)
		kind, _ := m["kind"].(string)
		renderedKind, _ := content["kind"].(string)
		if !isMap || !like(renderedKind, kind) || !like(name(content), name(m)) {
			continue
		}
		if path, there := follow(candidate.value, content, field); there {
			d, at, ok = candidate, path, true
			found++
		}
	}
	return d, at, ok && found == 1
}

func name(content map[string]any) string {
	metadata, _ := content["metadata"].(map[string]any)
	s, _ := metadata["name"].(string)
	return s
}

// follow walks a field in the template beside the rendered object.
func follow(template, rendered any, field object.Path) (object.Path, bool) {
	var at object.Path
	for _, step := range field {
		if step.Key != "" {
			t, _ := template.(map[string]any)
			r, _ := rendered.(map[string]any)
			next, there := t[step.Key]
			if !there {
				return nil, false
			}
			template, rendered = next, r[step.Key]
			at = append(at, step)
			continue
		}
		list, _ := template.([]any)
		items, _ := rendered.([]any)
		k := step.Position(items)
		if k < 0 {
			return nil, false
		}
		i := matching(list, items[k], step)
		if i < 0 {
			return nil, false
		}
		template, rendered = list[i], items[k]
		at = append(at, object.At(i))
	}
	return at, true
}

// matching is the index of the one item of a template's list that gives the rendered item, or -1.
func matching(list []any, item any, step object.Step) int {
	exact, loose := -1, -1
	for i, candidate := range list {
		switch {
		case step.By == "" && reflect.DeepEqual(candidate, item):
			if exact >= 0 {
				return -1
			}
			exact = i
		case step.By == "":
			text, isText := candidate.(string)
			rendered, _ := item.(string)
			if isText && like(rendered, text) {
				if loose >= 0 {
					loose = len(list)
				} else {
					loose = i
				}
			}
		default:
			m, _ := candidate.(map[string]any)
			written, _ := m[step.By].(string)
			switch {
			case written == step.Value:
				if exact >= 0 {
					return -1
				}
				exact = i
			case like(step.Value, written):
				if loose >= 0 {
					loose = len(list)
				} else {
					loose = i
				}
			}
		}
	}
	if exact >= 0 {
		return exact
	}
	if loose < len(list) {
		return loose
	}
	return -1
}
