package yamledit

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// A Document is the place of one document in its file, in bytes.
type Document struct {
	// Start is where the document's own lines begin: its directives, its `---`, or its first line of text. Comments
	// above the `---` of the first document are part of it; those above a later one belong to the document before.
	Start int
	// Body is behind the `---`, or equal to Start where there is none.
	Body int
	// Tail is where the content ends: at a `...` line, or at End.
	Tail int
	// End is where the next document starts, or the end of the file.
	End int
	// Line is the line of Start, counted from 1.
	Line int
}

// Marked says whether the document begins with `---`.
func (d Document) Marked() bool { return d.Body > d.Start }

// hidesMarker says whether a `---` or `...` stands behind a line break of Unicode: yaml.v3 takes that for a marker, and
// people do not see one.
func hidesMarker(file []byte) bool {
	for _, lineBreak := range []string{"\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(file, []byte(lineBreak+"---")) || bytes.Contains(file, []byte(lineBreak+"...")) {
			return true
		}
	}
	return false
}

var bom = []byte{0xEF, 0xBB, 0xBF}

// Documents splits a file as a YAML reader does: every `---` in column 1 begins a document, an empty one too, and text
// before the first `---` is a document when it holds more than comments and directives. A file of comments has none.
func Documents(file []byte) ([]Document, error) {
	start := 0
	switch {
	case bytes.HasPrefix(file, bom):
		start = len(bom)
	case bytes.HasPrefix(file, []byte{0xFE, 0xFF}), bytes.HasPrefix(file, []byte{0xFF, 0xFE}):
		return nil, refuse("the file is UTF-16")
	}
	if !utf8.Valid(file) {
		return nil, refuse("the file is not UTF-8")
	}
	if hidesMarker(file) {
		return nil, refuse("a document marker stands behind a line break of Unicode")
	}
	s := splitter{file: file, current: Document{Start: start, Body: start, Line: 1}}
	for line, number := start, 1; line < len(file); number++ {
		next := nextLine(file, line)
		s.line(line, next, number)
		line = next
	}
	s.finish(len(file), Document{})
	return s.documents, nil
}

type splitter struct {
	file             []byte
	documents        []Document
	current          Document
	marked, content  bool
	ended, directive bool // behind `...`; behind a directive that waits for its `---`
}

func (s *splitter) line(start, next, number int) {
	line := trimBreak(s.file[start:next])
	begin := Document{Start: start, Body: start, Line: number}
	switch {
	case isMarker(line, "---"):
		if (s.marked || s.content) && !s.directive {
			s.finish(start, begin)
		}
		s.current.Body = start + 3
		s.marked, s.directive, s.ended = true, false, false
		rest := bytes.TrimLeft(line[3:], " \t")
		s.content = len(rest) > 0 && rest[0] != '#'
	case isMarker(line, "..."):
		if (s.marked || s.content) && !s.ended {
			s.current.Tail = start
			s.ended = true
		}
	case len(line) > 0 && line[0] == '%' && (s.ended || !s.marked && !s.content):
		if s.ended {
			s.finish(start, begin)
		}
		s.directive = true
	case len(bytes.TrimLeft(line, " \t")) == 0 || bytes.TrimLeft(line, " \t")[0] == '#':
	default:
		if s.ended {
			s.finish(start, begin)
		}
		s.content = true
	}
}

// finish closes the current document at end and begins the next.
func (s *splitter) finish(end int, begin Document) {
	if s.marked || s.content {
		s.current.End = end
		if s.current.Tail == 0 {
			s.current.Tail = end
		}
		s.documents = append(s.documents, s.current)
	} else if begin.Line > 0 {
		begin.Start, begin.Line = s.current.Start, s.current.Line
	}
	s.current = begin
	s.marked, s.content, s.ended, s.directive = false, false, false, false
}

func isMarker(line []byte, marker string) bool {
	return bytes.HasPrefix(line, []byte(marker)) && (len(line) == 3 || line[3] == ' ' || line[3] == '\t')
}

// nextLine is where the line after the one at pos starts: behind LF, CR LF or CR.
func nextLine(text []byte, pos int) int {
	i := bytes.IndexAny(text[pos:], "\r\n")
	if i < 0 {
		return len(text)
	}
	pos += i
	if text[pos] == '\r' && pos+1 < len(text) && text[pos+1] == '\n' {
		return pos + 2
	}
	return pos + 1
}

func trimBreak(line []byte) []byte { return bytes.TrimRight(line, "\r\n") }

// A lineTable is where the lines of a text start, ended by LF, CR LF or CR.
type lineTable []int

func tableOf(text []byte) lineTable {
	table := lineTable{0}
	for pos := 0; pos < len(text); {
		i := bytes.IndexByte(text[pos:], '\n')
		if r := bytes.IndexByte(text[pos:pos+i+1], '\r'); r >= 0 && r != i-1 {
			i = r
		} else if i < 0 {
			if r = bytes.IndexByte(text[pos:], '\r'); r < 0 {
				break
			}
			i = r
		}
		pos += i + 1
		table = append(table, pos)
	}
	return table
}

// line counts the line of an offset, from 1.
func (t lineTable) line(offset int) int {
	return sort.Search(len(t), func(i int) bool { return t[i] > offset })
}
