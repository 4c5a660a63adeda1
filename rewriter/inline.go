package rewriter

import (
	"bytes"
	"fmt"
	"strings"

	"dekey/rewriter/yamledit"
	"dekey/scanner/object"
)

// inlineEdit changes a patch that is written out as a block text in a kustomization: the text is edited as a document of its
// own, and the changed lines go back into the file, behind the block's indentation.
func inlineEdit(file []byte, document int, at object.Path, edits []yamledit.Edit) ([]byte, error) {
	before, err := yamledit.Decode(file, document)
	if err != nil {
		return nil, err
	}
	value, _ := at.Lookup(before)
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf("%s holds no text", at)
	}
	result, err := yamledit.Apply([]byte(text), edits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	block, err := findBlock(file, document, at, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	var out []byte
	last := 0
	for _, s := range result.Splices {
		from, to := block.offset(s.Start), block.offset(s.End)
		out = append(out, file[last:from]...)
		out = append(out, block.indented(s)...)
		last = to
	}
	out = append(out, file[last:]...)
	after, err := yamledit.Decode(out, document)
	if err != nil {
		return nil, fmt.Errorf("%s: the edited text does not read back: %w", at, err)
	}
	now, _ := at.Lookup(after)
	got, _ := now.(string)
	if strings.TrimRight(got, "\n") != strings.TrimRight(string(result.Content), "\n") || !same(without(before, at), without(after, at)) {
		return nil, fmt.Errorf("%s: the edited text does not read back as it is", at)
	}
	return out, nil
}

// without is a document without the scalar at a path.
func without(document any, at object.Path) any {
	copied := clone(document)
	parent, _ := at.Parent().Lookup(copied)
	_ = put(parent, at[len(at)-1], nil)
	return copied
}

// A block is a literal block text in a file.
type block struct {
	indent string
	lines  []blockLine
}

// A blockLine is a line of the text: where it starts in the text, and the line in the file.
type blockLine struct{ text, file int }

// findBlock finds the lines of a literal block text. Folded and quoted texts are refused.
func findBlock(file []byte, document int, at object.Path, text string) (*block, error) {
	positions, err := yamledit.Locate(file, document, at)
	if err != nil {
		return nil, err
	}
	p := positions[0]
	if p.To == 0 || file[p.ValueFrom] != '|' {
		return nil, fmt.Errorf("the patch is not written as a literal block")
	}
	start := p.ValueFrom + bytes.IndexByte(file[p.ValueFrom:], '\n') + 1
	first, _, _ := strings.Cut(text, "\n")
	line, _, _ := bytes.Cut(file[start:], []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	indent, found := strings.CutSuffix(string(line), first)
	if !found || strings.Trim(indent, " ") != "" || indent == "" {
		return nil, fmt.Errorf("the lines of the patch are not found")
	}
	b := &block{indent: indent}
	offset := 0
	for _, l := range strings.SplitAfter(text, "\n") {
		b.lines = append(b.lines, blockLine{offset, start})
		if l == "" {
			break
		}
		body := strings.TrimSuffix(l, "\n")
		end := start + bytes.IndexByte(append(file[start:len(file):len(file)], '\n'), '\n')
		raw := strings.TrimSuffix(string(file[start:min(end, len(file))]), "\r")
		if raw != indent+body && strings.TrimLeft(raw, " ") != "" || body != "" && raw != indent+body {
			return nil, fmt.Errorf("a line of the patch is not as it reads")
		}
		offset += len(l)
		start = min(end+1, len(file))
	}
	if !strings.HasSuffix(text, "\n") {
		b.lines = append(b.lines, blockLine{offset, start})
	}
	return b, nil
}

// offset is the byte of the file for a byte of the text. A line's start is before its indentation.
func (b *block) offset(at int) int {
	for i := len(b.lines) - 1; i >= 0; i-- {
		l := b.lines[i]
		if at == l.text {
			return l.file
		}
		if at > l.text {
			return l.file + len(b.indent) + at - l.text
		}
	}
	return 0
}

func (b *block) isStart(at int) bool {
	for _, l := range b.lines {
		if l.text == at {
			return true
		}
	}
	return false
}

// indented is a splice's text behind the block's indentation.
func (b *block) indented(s yamledit.Splice) string {
	if s.Text == "" {
		return ""
	}
	text := s.Text
	ends := strings.HasSuffix(text, "\n") && b.isStart(s.End)
	text = strings.ReplaceAll(text, "\n", "\n"+b.indent)
	if ends {
		text = strings.TrimSuffix(text, b.indent)
	}
	if b.isStart(s.Start) {
		text = b.indent + text
	}
	return text
}
