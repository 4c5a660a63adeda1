package yamledit

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// scalar finds the end of the scalar at n.body (behind its properties) and checks it against the value.
func (b *builder) scalar(y *yaml.Node, n *node, in context) (int, error) {
	pos := n.body
	if next := b.trivia(pos); y.Value != "" || y.Style&^yaml.TaggedStyle != 0 {
		pos = next
	}
	n.body = pos
	switch {
	case y.Style&yaml.DoubleQuotedStyle != 0:
		return b.quoted(pos, '"')
	case y.Style&yaml.SingleQuotedStyle != 0:
		return b.quoted(pos, '\'')
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return b.block(y, pos, in)
	}
	return b.plain(pos, y.Value)
}

func (b *builder) quoted(pos int, quote byte) (int, error) {
	if pos >= b.tail || b.text[pos] != quote {
		return 0, mismatch()
	}
	for pos++; pos < b.tail; pos++ {
		switch {
		case b.text[pos] == '\\' && quote == '"':
			pos++
		case b.text[pos] != quote:
		case quote == '\'' && pos+1 < b.tail && b.text[pos+1] == quote:
			pos++
		default:
			return pos + 1, nil
		}
	}
	return 0, mismatch()
}

// plain walks the text against the value: a line break is a blank there, and more breaks are one less.
func (b *builder) plain(pos int, value string) (int, error) {
	for i := 0; i < len(value); {
		if pos >= b.tail {
			return 0, mismatch()
		}
		c := b.text[pos]
		if !isBlank(c) && !isBreak(c) {
			if c != value[i] {
				return 0, mismatch()
			}
			pos++
			i++
			continue
		}
		next := b.blanks(pos)
		if next >= b.tail {
			return 0, mismatch()
		}
		want := string(b.text[pos:next])
		if isBreak(b.text[next]) {
			breaks := 0
			for next < b.tail && isBreak(b.text[next]) {
				next = b.blanks(min(nextLine(b.text, next), b.tail))
				breaks++
			}
			want = " "
			if breaks > 1 {
				want = strings.Repeat("\n", breaks-1)
			}
		}
		if !strings.HasPrefix(value[i:], want) {
			return 0, mismatch()
		}
		pos, i = next, i+len(want)
	}
	return pos, nil
}

// block finds the end of a literal or folded scalar: the last line that belongs to it, without its line break.
func (b *builder) block(y *yaml.Node, pos int, in context) (int, error) {
	literal := y.Style&yaml.LiteralStyle != 0
	if pos >= b.tail || literal && b.text[pos] != '|' || !literal && b.text[pos] != '>' {
		return 0, mismatch()
	}
	indent, keep := 0, false
	header := pos + 1
	for ; header < b.tail && strings.IndexByte("+-0123456789", b.text[header]) >= 0; header++ {
		switch c := b.text[header]; c {
		case '+':
			keep = true
		case '-':
		default:
			indent = max(in.indent, 0) + int(c-'0')
		}
	}
	end := header // of the last line that has text
	line := nextLine(b.text[:b.tail], header)
	if rest := bytes.TrimLeft(trimBreak(b.text[header:line]), " \t"); len(rest) > 0 && rest[0] != '#' {
		return 0, mismatch()
	}
	for line < b.tail {
		next := nextLine(b.text[:b.tail], line)
		content := trimBreak(b.text[line:next])
		spaces := len(content) - len(bytes.TrimLeft(content, " "))
		blank := spaces == len(content)
		if indent == 0 && !blank {
			indent = max(spaces, in.indent+1, 1)
		}
		if !blank && spaces < indent {
			break
		}
		if !blank || keep || spaces > indent && indent > 0 {
			end = line + len(content)
		}
		line = next
	}
	if literal && !b.literal(y.Value, header, end, indent) {
		return 0, mismatch()
	}
	return end, nil
}

// literal says whether the lines from the one after header to end are value, but for line breaks at its end.
func (b *builder) literal(value string, header, end, indent int) bool {
	value = strings.TrimRight(value, "\n")
	var text strings.Builder
	for line := nextLine(b.text[:b.tail], header); line < end; {
		next := nextLine(b.text[:b.tail], line)
		content := trimBreak(b.text[line:min(next, end)])
		if len(content) >= indent {
			text.Write(content[indent:])
		}
		text.WriteByte('\n')
		line = next
	}
	return strings.TrimRight(text.String(), "\n") == value
}
