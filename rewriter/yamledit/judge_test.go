package yamledit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	goccy "github.com/goccy/go-yaml"
	"gopkg.in/yaml.v3"

	"dekey/rewriter/yamledit"
	"dekey/scanner/object"
)

// The judge is a second opinion: another parser decodes the file before and after, the planned operations are replayed
// on the decoded values, and both must be equal. It shares no code with the editor but the split into documents.

// decode reads every document of a file; ok is false where the second parser can not.
func decode(file []byte) (documents []any, ok bool) {
	split, err := yamledit.Documents(file)
	if err != nil {
		return nil, false
	}
	for _, d := range split {
		v, ok := decodeOne(file[d.Start:d.End])
		if !ok {
			return nil, false
		}
		documents = append(documents, v)
	}
	return documents, true
}

func decodeOne(text []byte) (v any, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		if json.Unmarshal(trimmed, &v) == nil {
			return v, true
		}
		v = nil
	}
	if goccy.Unmarshal(text, &v) != nil || !sameKeys(text, v) {
		return nil, false
	}
	return v, true
}

// sameKeys says whether every key is a string, and the same one to both parsers: the second takes 0 and 00 for one key,
// and drops a tab inside of a key.
func sameKeys(text []byte, v any) bool {
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil {
		return false
	}
	if document.Kind == 0 {
		return true
	}
	return sameFields(document.Content[0], v)
}

func sameFields(n *yaml.Node, v any) bool {
	switch n.Kind {
	case yaml.AliasNode:
		return true // its own place is asked
	case yaml.MappingNode:
		fields, ok := v.(map[string]any)
		if !ok {
			return false
		}
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			switch key.ShortTag() {
			case "!!merge":
				continue
			case "!!str":
			default:
				return false
			}
			if field, ok := fields[key.Value]; !ok || !sameFields(value, field) {
				return false
			}
		}
	case yaml.SequenceNode:
		items, ok := v.([]any)
		if !ok || len(items) != len(n.Content) {
			return false
		}
		for i, item := range n.Content {
			if !sameFields(item, items[i]) {
				return false
			}
		}
	}
	return true
}

// agree says whether both parsers read the same in a file. On bytes that nobody would write they often do not, and then the
// second opinion is none.
func agree(file []byte) bool {
	theirs, ok := decode(file)
	if !ok {
		return false
	}
	documents, _ := yamledit.Documents(file)
	for i, d := range documents {
		if json.Valid(file[d.Start:d.End]) {
			continue
		}
		var ours any
		if yaml.Unmarshal(file[d.Start:d.End], &ours) != nil || !reflect.DeepEqual(plain(ours), plain(theirs[i])) {
			return false
		}
	}
	return true
}

// A box is a value whose parts can be marked as gone, so that indexes stay those of the original.
type box struct {
	fields map[string]*box
	items  []*box
	leaf   any
	kind   byte // 'm', 'l' or 's'
	gone   bool
	grown  bool
	added  []any
}

func boxed(v any) *box {
	switch v := v.(type) {
	case map[string]any:
		b := &box{kind: 'm', fields: map[string]*box{}}
		for key, field := range v {
			b.fields[key] = boxed(field)
		}
		return b
	case yamledit.Map:
		b := &box{kind: 'm', fields: map[string]*box{}}
		for _, f := range v {
			b.fields[f.Key] = boxed(f.Value)
		}
		return b
	case []any:
		b := &box{kind: 'l'}
		for _, item := range v {
			b.items = append(b.items, boxed(item))
		}
		return b
	}
	return &box{kind: 's', leaf: v}
}

// value is what is left. A part that lost everything it had goes too.
func (b *box) value() any {
	switch b.kind {
	case 'm':
		m := map[string]any{}
		for key, field := range b.fields {
			if !field.left() {
				continue
			}
			m[key] = field.value()
		}
		return m
	case 'l':
		l := []any{}
		for _, item := range b.items {
			if item.left() {
				l = append(l, item.value())
			}
		}
		return l
	}
	return b.leaf
}

func (b *box) left() bool {
	if b.gone {
		return false
	}
	if len(b.fields) == 0 && len(b.items) == 0 || b.grown {
		return true
	}
	for _, field := range b.fields {
		if field.left() {
			return true
		}
	}
	for _, item := range b.items {
		if item.left() {
			return true
		}
	}
	return false
}

func (b *box) step(s object.Step) *box {
	switch {
	case s.Key != "":
		return b.fields[s.Key]
	case s.By == "":
		if s.Index < len(b.items) {
			return b.items[s.Index]
		}
	default:
		for _, item := range b.items {
			if by := item.fields[s.By]; by != nil && by.leaf == s.Value {
				return item
			}
		}
	}
	return nil
}

// replay makes one edit.
func (b *box) replay(e yamledit.Edit) error {
	at := b
	for i, step := range e.Field {
		next := at.step(step)
		if next == nil {
			if step.Key == "" || e.Op == yamledit.Remove || at.kind == 's' && at.leaf != nil {
				return fmt.Errorf("no field %s", e.Field)
			}
			if at.kind == 's' {
				*at = box{kind: 'm', fields: map[string]*box{}}
			}
			next = &box{kind: 's'}
			at.fields[step.Key] = next
			at.grown = true
		}
		if i == len(e.Field)-1 && e.Op == yamledit.Remove {
			next.gone = true
			return nil
		}
		at = next
	}
	if e.Op == yamledit.Set {
		*at = *boxed(e.Value)
		return nil
	}
	if at.kind == 's' {
		*at = box{kind: 'l', added: at.added}
	}
	at.grown = true
	for _, item := range at.added {
		if reflect.DeepEqual(item, e.Value) {
			return nil // asked for twice
		}
	}
	at.added = append(at.added, e.Value)
	at.items = append(at.items, boxed(e.Value))
	return nil
}

// judge gives "" when after is before with the edits replayed, "?" when the second parser can not say, or what is wrong.
func judge(before, after []byte, edits []yamledit.Edit) string {
	old, ok := decode(before)
	if !ok {
		return "?"
	}
	now, ok := decode(after)
	if !ok {
		return "the second parser reads the old file and not the new one"
	}
	if len(old) != len(now) {
		return "the number of documents differs"
	}
	boxes := make([]*box, len(old))
	for i, v := range old {
		boxes[i] = boxed(v)
	}
	for _, e := range edits {
		if err := boxes[e.Document-1].replay(e); err != nil {
			return "?" // a key that is no string to the second parser
		}
	}
	for i, b := range boxes {
		if !reflect.DeepEqual(plain(b.value()), plain(now[i])) {
			return fmt.Sprintf("document %d differs", i+1)
		}
	}
	return ""
}

// plain makes numbers comparable.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for key, field := range v {
			m[key] = plain(field)
		}
		return m
	case []any:
		l := []any{}
		for _, item := range v {
			l = append(l, plain(item))
		}
		return l
	case int, int64, uint64, float64:
		return fmt.Sprint(v)
	}
	return v
}

// TestJudgeSees gives the judge results that are wrong on purpose: a judge that accepts them is none.
func TestJudgeSees(t *testing.T) {
	before := []byte("l:\n- name: a\n- name: b\nm: {x: 1}\n")
	edits := []yamledit.Edit{
		{Document: 1, Op: yamledit.Remove, Field: keys("l").Join(object.At(0))},
		{Document: 1, Op: yamledit.Remove, Field: keys("m", "x")},
		{Document: 1, Op: yamledit.Set, Field: keys("n", "o"), Value: "p"},
	}
	if wrong := judge(before, []byte("n:\n  o: p\nl:\n- name: b\n"), edits); wrong != "" {
		t.Error(wrong)
	}
	for _, after := range []string{
		"n:\n  o: p\nl:\n- name: a\n", "n:\n  o: p\nl:\n- name: b\nm: {}\n", "n:\n  o: q\nl:\n- name: b\n", "l:\n- name: b\n", "n: [\n", "n:\n  o: p\nl:\n- name: b\n---\nx: 1\n",
	} {
		if wrong := judge(before, []byte(after), edits); wrong == "" || wrong == "?" {
			t.Errorf("%q passed", after)
		}
	}
}
