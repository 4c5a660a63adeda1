package yamledit

import (
	"errors"
	"fmt"

	"dekey/scanner/object"
)

// The operations of an Edit, spelled as plans spell them.
const (
	// Remove takes a mapping entry or a list item away, with the comments that belong to it. A list or mapping that
	// the edits of one call empty goes with its key, and so on upward; the pod spec itself, its containers and list
	// items never go that way.
	Remove = "remove"
	// Set gives a field a value, and adds the field (and the mappings above it) where it is absent.
	Set = "set"
	// Append adds Value at the end of the list at Field, which is created where it is absent.
	Append = "append"
)

// An Edit is one change of one document of a file.
type Edit struct {
	Document int    // counted from 1, as Documents counts
	Op       string // Remove, Set or Append
	// Field is the path from the document's root, so an item of a `kind: List` starts with items[n]. Indexes are
	// those of the original document, whatever else the same call removes. An Item step must fit one item only.
	Field object.Path
	// Value is decoded JSON (map[string]any, []any, string, bool, nil, a number), or a Map where order matters.
	Value any
	// Was is the value that the field must have now, as written without quotes; "" stands for any.
	Was string
}

// A Result is a file after its edits.
type Result struct {
	Content []byte
	// Lines has, for each edit in the order given, the line before the change, counted from 1: of the field, or for a
	// new field of the mapping or list that it joins.
	Lines []int
	// Splices are what changed, in order and without overlap: the bytes from Start to End of the old file are now Text.
	Splices []Splice
}

// A Splice replaces the bytes from Start to End.
type Splice struct {
	Start, End int
	Text       string
}

// A Refusal says why a file was left as it is. Its text never quotes the file's content.
type Refusal struct {
	Document int // 0: the file as a whole
	Line     int // 0: unknown
	Field    object.Path
	Reason   string
}

// Error is DOCUMENT, FIELD and reason, fit for people.
func (r *Refusal) Error() string {
	text := r.Reason
	if len(r.Field) > 0 {
		text = r.Field.String() + ": " + text
	}
	if r.Line > 0 {
		text = fmt.Sprintf("line %d: %s", r.Line, text)
	}
	if r.Document > 1 {
		text = fmt.Sprintf("document %d: %s", r.Document, text)
	}
	return text
}

func refuse(format string, args ...any) *Refusal {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// at gives the refusal its place, where it has none yet.
func at(err error, document, line int, field object.Path) error {
	var r *Refusal
	if !errors.As(err, &r) {
		return err
	}
	placed := *r
	if placed.Document == 0 {
		placed.Document = document
	}
	if placed.Line == 0 {
		placed.Line = line
	}
	if placed.Field == nil {
		placed.Field = field
	}
	return &placed
}

// Apply makes all edits of one file at once and proves the result. Edits that ask for the same are made once. The error is
// always a *Refusal; the Result is then empty. No edits give the file as it is.
func Apply(file []byte, edits []Edit) (Result, error) {
	return apply(file, edits, yamlParser{})
}

func apply(file []byte, edits []Edit, p parser) (Result, error) {
	result := Result{Content: file, Lines: make([]int, len(edits))}
	if len(edits) == 0 {
		return result, nil
	}
	documents, err := p.documents(file)
	if err != nil {
		return Result{}, err
	}
	byDocument := make([][]int, len(documents)+1)
	for i, edit := range edits {
		if edit.Document < 1 || edit.Document > len(documents) {
			return Result{}, &Refusal{Field: edit.Field, Reason: fmt.Sprintf("the file has no document %d", edit.Document)}
		}
		byDocument[edit.Document] = append(byDocument[edit.Document], i)
	}
	plans := make([]*plan, len(documents)+1)
	for number, indexes := range byDocument {
		if len(indexes) == 0 {
			continue
		}
		document := documents[number-1]
		tree, err := p.parse(file, document)
		if err != nil {
			return Result{}, at(err, number, 0, nil)
		}
		plan := newPlan(tree)
		table := tableOf(tree.text)
		for _, i := range indexes {
			offset, err := plan.add(edits[i])
			result.Lines[i] = document.Line - 1 + table.line(offset)
			if err != nil {
				return Result{}, at(err, number, result.Lines[i], edits[i].Field)
			}
		}
		splices, err := plan.splices()
		if err != nil {
			return Result{}, at(err, number, 0, nil)
		}
		for _, s := range splices {
			result.Splices = append(result.Splices, Splice{s.Start + document.Start, s.End + document.Start, s.Text})
		}
		plans[number] = plan
	}
	if result.Content, err = splice(file, result.Splices); err != nil {
		return Result{}, err
	}
	if err := prove(file, result.Content, documents, plans, p); err != nil {
		return Result{}, err
	}
	return result, nil
}

// splice puts ordered splices into text.
func splice(text []byte, splices []Splice) ([]byte, error) {
	size, last := len(text), 0
	for _, s := range splices {
		if s.Start < last || s.End < s.Start || s.End > len(text) {
			return nil, refuse("two edits touch the same bytes")
		}
		last = s.End
		size += len(s.Text) - (s.End - s.Start)
	}
	out, last := make([]byte, 0, size), 0
	for _, s := range splices {
		out = append(append(out, text[last:s.Start]...), s.Text...)
		last = s.End
	}
	return append(out, text[last:]...), nil
}
