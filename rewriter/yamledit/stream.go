package yamledit

import "bytes"

// RemoveDocument takes one document (counted from 1) out of a file that holds others, with its `---`. A comment that heads
// the file, with a blank line behind it, stays. The file ends as it ended, with or without a newline.
func RemoveDocument(file []byte, document int) (Result, error) {
	documents, err := Documents(file)
	if err != nil {
		return Result{}, err
	}
	switch {
	case document < 1 || document > len(documents):
		return Result{}, refuse("the file has no document %d", document)
	case len(documents) == 1:
		return Result{}, refuse("the document is all that the file holds")
	}
	d := documents[document-1]
	s := Splice{Start: d.Start, End: d.End}
	switch {
	case document == 1:
		s.Start = bodyStart(file, d)
		next := documents[1]
		if s.Start == d.Start && next.Marked() && !d.Marked() {
			if line := nextLine(file, next.Body); next.Start+3 == next.Body && len(bytes.TrimSpace(file[next.Body:line])) == 0 {
				s.End = line // the first document of a file needs no marker
			}
		}
	case document == len(documents) && d.Start > 0 && !endsLine(file):
		s.Start = beforeBreak(file, d.Start)
	}
	content, err := splice(file, []Splice{s})
	if err != nil {
		return Result{}, err
	}
	rest := append(append([]Document(nil), documents[:document-1]...), documents[document:]...)
	if err := sameDocuments(file, rest, content); err != nil {
		return Result{}, at(err, document, 0, nil)
	}
	return Result{Content: content, Lines: []int{d.Line}, Splices: []Splice{s}}, nil
}

// bodyStart is where the first document's own text begins: behind a comment that heads the file.
func bodyStart(file []byte, d Document) int {
	start := d.Start
	for line := d.Start; line < d.End; line = nextLine(file, line) {
		text := bytes.TrimSpace(file[line:nextLine(file, line)])
		switch {
		case len(text) == 0:
			if line > d.Start {
				start = nextLine(file, line)
			}
		case text[0] != '#':
			if d.Marked() {
				return max(start, d.Body-3)
			}
			return start
		}
	}
	return start
}

// AppendDocument adds a document, as Encode writes it, at the end of a YAML file.
func AppendDocument(file, document []byte) (Result, error) {
	documents, err := Documents(file)
	if err != nil {
		return Result{}, err
	}
	added, err := Documents(document)
	if err != nil || len(added) != 1 {
		return Result{}, refuse("what is to be added is not one document")
	}
	e := editor{tree: &tree{text: file}}
	eol := e.eol(len(file))
	text := string(document)
	if len(documents) > 0 {
		if t, err := (yamlParser{}).parse(file, documents[len(documents)-1]); err != nil || t.json && !documents[len(documents)-1].Marked() {
			return Result{}, refuse("the file's last document is no YAML")
		}
		if !added[0].Marked() {
			text = "---" + eol + text
		}
	}
	if len(file) > 0 && !endsLine(file) {
		text = eol + string(trimBreak([]byte(text)))
	}
	s := Splice{Start: len(file), End: len(file), Text: text}
	content, err := splice(file, []Splice{s})
	if err != nil {
		return Result{}, err
	}
	if err := sameDocuments(file, documents, content); err != nil {
		return Result{}, err
	}
	return Result{Content: content, Lines: []int{tableOf(file).line(len(file))}, Splices: []Splice{s}}, nil
}

// sameDocuments says whether the documents of before stand in after, in order and with the same values; after may hold
// one more at its end.
func sameDocuments(before []byte, documents []Document, after []byte) error {
	found, err := Documents(after)
	if err != nil || len(found) < len(documents) || len(found) > len(documents)+1 {
		return refuse("%s", errUnproven)
	}
	for i, old := range documents {
		now := found[i]
		if bytes.Equal(before[old.Start:old.End], after[now.Start:now.End]) {
			continue
		}
		if bytes.Equal(before[old.Body:old.End], after[now.Body:now.End]) && old.Marked() == now.Marked() {
			continue
		}
		was, err := (yamlParser{}).parse(before, old)
		if err != nil {
			return refuse("%s", errUnproven)
		}
		is, err := (yamlParser{}).parse(after, now)
		if err != nil || !same(was.root, is.root) {
			return refuse("%s", errUnproven)
		}
	}
	return nil
}

func endsLine(text []byte) bool { return len(text) > 0 && isBreak(text[len(text)-1]) }

// beforeBreak is the place before the line break that ends at pos.
func beforeBreak(text []byte, pos int) int {
	if pos > 0 && isBreak(text[pos-1]) {
		pos--
		if pos > 0 && text[pos] == '\n' && text[pos-1] == '\r' {
			pos--
		}
	}
	return pos
}
