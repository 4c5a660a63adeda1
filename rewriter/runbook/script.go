package runbook

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// The functions of the scripts. Every script is whole: it holds those that it calls.
var (
	//go:embed lib/common.sh
	libCommon string
	//go:embed lib/cluster.sh
	libCluster string
	//go:embed lib/grant.sh
	libGrant string
)

// script is a bash script in the making.
type script struct{ strings.Builder }

// newScript starts a script: what it is for, then the functions that it calls.
func newScript(plan, about string, libs ...string) *script {
	s := &script{}
	s.WriteString("#!/usr/bin/env bash\n")
	for line := range strings.Lines(about) {
		s.comment("", strings.TrimRight(line, "\n"))
	}
	s.WriteString("set -euo pipefail\n\nplan=" + Quote(plan) + "\n")
	for _, lib := range libs {
		s.WriteString(lib)
		s.WriteString("\n")
	}
	return s
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
