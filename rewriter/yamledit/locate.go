package yamledit

import (
	"unicode/utf8"

	"dekey/scanner/object"
)

// A Position is where a field stands in its file. Lines and columns count from 1, columns in characters; bytes count
// from the start of the file.
type Position struct {
	Line, Column int // of the key, or of a list item's dash (in a flow list, of the item)
	// From and To are the bytes from there to the end of the value.
	From, To int
	// ValueFrom is where the value begins, behind its anchor and tag; equal to To for an absent value.
	ValueFrom int
	LastLine  int // the line of the last byte
}

// Locate says where fields of one document stand, in the order of the paths. A field that an alias or a merge key
// stands for is where the anchor is. A path that leads nowhere (or to several items) has a zero Position. An
// error is a *Refusal: the document can not be read.
func Locate(file []byte, document int, fields ...object.Path) ([]Position, error) {
	documents, err := Documents(file)
	if err != nil {
		return nil, err
	}
	if document < 1 || document > len(documents) {
		return nil, refuse("the file has no document %d", document)
	}
	d := documents[document-1]
	t, err := yamlParser{}.parse(file, d)
	if err != nil {
		return nil, at(err, document, 0, nil)
	}
	positions := make([]Position, len(fields))
	table := tableOf(t.text)
	for i, field := range fields {
		w, err := newPlan(t).follow(field)
		if err != nil || len(w.rest) > 0 {
			continue
		}
		from, to := w.node.start, w.node.end
		if e := w.node.entryOf(); e != nil {
			from, to = e.mark, e.end()
		}
		p := Position{From: d.Start + from, To: d.Start + to, ValueFrom: d.Start + w.node.body}
		p.Line = d.Line + table.line(from) - 1
		p.LastLine = d.Line + table.line(max(from, to-1)) - 1
		p.Column = 1 + utf8.RuneCount(t.text[table[table.line(from)-1]:from])
		positions[i] = p
	}
	return positions, nil
}
