package runbook

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// script is a bash script in the making.
type script struct{ strings.Builder }

// whole is the script with its head: what it is for, and the functions that it calls, from files of the library.
func (s *script) whole(plan, about string, files ...string) (string, error) {
	functions, err := linked(s.String(), files...)
	if err != nil {
		return "", err
	}
	head := &script{}
	head.WriteString("#!/usr/bin/env bash\n")
	for line := range strings.Lines(about) {
		head.comment("", strings.TrimRight(line, "\n"))
	}
	// Templates and names stand in single quotes as they are meant, and a short script does not need every name.
	head.WriteString("#\n# shellcheck disable=SC2016,SC2034\nset -euo pipefail\n\nplan=" + Quote(plan) + "\n" + functions + s.String())
	return head.String(), nil
}

// comment writes one comment line. Whatever could end the line or change how it looks is written as an escape.
func (s *script) comment(indent, text string) {
	s.WriteString(strings.TrimRight(indent+"# "+visible(text), " ") + "\n")
}

// call writes one command line.
func (s *script) call(indent string, argv ...string) {
	s.WriteString(indent + Line(argv) + "\n")
}

func (s *script) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// visible writes control, format and undefined characters as escapes.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == unicode.ReplacementChar || !unicode.IsGraphic(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// set writes a list for a function that looks a word up: |a|b|, or nothing.
func set(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "|" + strings.Join(words, "|") + "|"
}
