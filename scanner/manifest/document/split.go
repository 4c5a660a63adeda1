// Package document reads the text of manifests: YAML streams and JSON, split into documents, decoded, and located
// field by field.
//
// It only reads. Positions are those of gopkg.in/yaml.v3: lines and columns count from 1, columns count characters,
// a byte order mark has no column, and a line ends at CRLF, CR, LF, and at the Unicode breaks NEL, LS and PS.
package document

import (
	"bytes"
)

// A Document is one document of a YAML stream, or one value of a JSON file.
type Document struct {
	Index int    // in its file, from 1; a document that is empty counts
	Line  int    // of the first byte of Text in the file, from 1
	Text  []byte // with its `---` line, when it has one
}

// Split cuts a file into its documents, at most limit of them: more says that there were others. A `---` in column 0
// is a marker even inside a literal; directives and comments before the first marker belong to the first document.
func Split(data []byte, limit int) (documents []Document, more bool) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	lines := newLines(data)
	start, startLine := 0, 1 // of the document that is being read
	open := false            // a marker or content was seen: what stands before the next marker is a document
	flush := func(end int) {
		if open {
			documents = append(documents, Document{Index: len(documents) + 1, Line: startLine, Text: data[start:end]})
		}
	}
	for lines.next() {
		line := data[lines.start:lines.end]
		switch {
		case marker(line, "---"):
			if open {
				flush(lines.start)
				start, startLine = lines.start, lines.number
			}
			if open && len(documents) == limit {
				return documents, true
			}
			open = true
		case marker(line, "..."):
			if open {
				flush(lines.start)
			}
			if len(documents) == limit && len(bytes.TrimSpace(data[lines.after:])) > 0 {
				return documents, true
			}
			start, startLine, open = lines.after, lines.number+1, false
		case !open && content(line):
			open = true
		}
		if open && !lines.odd {
			lines.skip()
		}
	}
	flush(len(data))
	return documents, false
}

func marker(line []byte, mark string) bool {
	if len(line) < 3 || string(line[:3]) != mark {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r'
}

// content says whether a line before any marker is more than a comment, a directive or blank.
func content(line []byte) bool {
	if len(line) > 0 && line[0] == '%' {
		return false
	}
	line = bytes.TrimSpace(line)
	return len(line) > 0 && line[0] != '#'
}

// lines walks over the lines of a text.
type lines struct {
	data       []byte
	odd        bool // has breaks other than LF and CRLF
	start, end int  // of the line, without its break
	after      int  // where the next line starts
	number     int  // from 1
	done       bool
}

func newLines(data []byte) *lines { return &lines{data: data, odd: oddBreaks(data)} }

func (l *lines) next() bool {
	if l.done {
		return false
	}
	l.start = l.after
	l.number++
	if l.start >= len(l.data) {
		l.done = true
		return false
	}
	size := 0
	l.end, size = lineBreak(l.data, l.start, l.odd)
	l.after = l.end + size
	if size == 0 {
		l.done = true
	}
	return true
}

// skip moves to just before the next line that starts with a dash or a dot three times: nothing between can be a
// marker.
func (l *lines) skip() {
	rest := l.data[l.after:]
	next := len(rest)
	if bytes.HasPrefix(rest, []byte("---")) || bytes.HasPrefix(rest, []byte("...")) {
		return
	}
	for _, mark := range []string{"\n---", "\n..."} {
		if i := bytes.Index(rest[:next], []byte(mark)); i >= 0 {
			next = i + 1
		}
	}
	l.number += bytes.Count(rest[:next], []byte("\n"))
	l.after += next
	if l.after >= len(l.data) {
		l.done = true
	}
}

// oddBreaks says whether the text has line breaks other than LF and CRLF.
func oddBreaks(data []byte) bool {
	for rest := data; ; {
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			break
		}
		if i+1 == len(rest) || rest[i+1] != '\n' {
			return true
		}
		rest = rest[i+1:]
	}
	return bytes.Contains(data, []byte("\u0085")) || bytes.Contains(data, []byte("\u2028")) || bytes.Contains(data, []byte("\u2029"))
}

// lineBreak gives the end of the line that starts at from, and how many bytes its break takes.
func lineBreak(data []byte, from int, odd bool) (end, size int) {
	if !odd {
		i := bytes.IndexByte(data[from:], '\n')
		if i < 0 {
			return len(data), 0
		}
		return from + i, 1
	}
	for i := from; i < len(data); i++ {
		switch {
		case data[i] == '\n':
			return i, 1
		case data[i] == '\r':
			if i+1 < len(data) && data[i+1] == '\n' {
				return i, 2
			}
			return i, 1
		case data[i] == 0xC2 && i+1 < len(data) && data[i+1] == 0x85:
			return i, 2
		case data[i] == 0xE2 && i+2 < len(data) && data[i+1] == 0x80 && (data[i+2] == 0xA8 || data[i+2] == 0xA9):
			return i, 3
		}
	}
	return len(data), 0
}

// LineAt is the number, from 1, of the line that holds the byte at offset.
func LineAt(data []byte, offset int) int {
	data = data[:min(offset, len(data))]
	if !oddBreaks(data) {
		return 1 + bytes.Count(data, []byte("\n"))
	}
	line := 1
	for at := 0; ; line++ {
		end, size := lineBreak(data, at, true)
		if size == 0 {
			return line
		}
		at = end + size
	}
}
