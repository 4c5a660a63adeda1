package manifest

import (
	"bytes"
	"regexp"
)

// banners are what generators write at the head of their files. The source of a generator may carry the same words as data:
// only comments before the first line of content count.
var banners = regexp.MustCompile(`(?i)\b(auto-?\s?generated|do not (edit|modify)|don't edit|(code|file is|file was|was|is) generated (by|from|using|with|automatically))\b`)

// rendered is the line that Helm writes above each template's output.
var rendered = regexp.MustCompile(`(?m)^# Source: \S+/templates/\S+`)

// banner says what writes a file (or document), by the comments at its head, or "".
func banner(text []byte) string {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
		switch {
		case len(line) == 0, bytes.Equal(line, []byte("---")):
		case line[0] != '#' && !bytes.HasPrefix(line, []byte("//")):
			return ""
		case rendered.Match(line):
			return "the comment above it says that Helm rendered it"
		case banners.Match(line):
			return "a banner at its head says that it is generated"
		}
	}
	return ""
}
