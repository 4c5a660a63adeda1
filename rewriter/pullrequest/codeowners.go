package pullrequest

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"
)

// codeownersFiles are where GitHub looks, in its order.
// https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
var codeownersFiles = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// A codeowner is one line of the file. The last that matches a path counts.
type codeowner struct {
	pattern *regexp.Regexp
	owners  []string
}

// owners reads the base commit's CODEOWNERS; without one nobody owns anything.
func (c *Clone) owners(ctx context.Context, base string) (func(string) []string, error) {
	found, err := c.entries(ctx, base, codeownersFiles)
	if err != nil {
		return nil, err
	}
	for _, name := range codeownersFiles {
		if e := found[name]; e.mode == "100644" || e.mode == "100755" {
			text, err := c.blob(ctx, e)
			if err != nil {
				return nil, err
			}
			return ownersOf(parseCodeowners(string(text))), nil
		}
	}
	return func(string) []string { return nil }, nil
}

func ownersOf(list []codeowner) func(string) []string {
	return func(path string) []string {
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].pattern.MatchString(path) {
				return list[i].owners
			}
		}
		return nil
	}
}

// parseCodeowners reads the file as GitHub does: a line that it would refuse is passed over.
func parseCodeowners(text string) []codeowner {
	var list []codeowner
	for line := range strings.Lines(text) {
		words := splitOwners(line)
		if len(words) == 0 {
			continue
		}
		if pattern := ownerPattern(words[0]); pattern != nil {
			list = append(list, codeowner{pattern, words[1:]})
		}
	}
	return list
}

// splitOwners splits a line at blanks; a backslash makes a blank or # part of the pattern, # starts a comment.
func splitOwners(line string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for i := 0; i < len(line); i++ {
		switch ch := line[i]; {
		case ch == '\\' && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '#'):
			i++
			word.WriteByte(line[i])
		case ch == '#' && word.Len() == 0:
			end()
			return words
		case ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n':
			end()
		default:
			word.WriteByte(ch)
		}
	}
	end()
	return words
}

// ownerPattern is a pattern of CODEOWNERS as an expression: gitignore's, without ! and [ ], and with dir/* for the files
// right below alone. nil: GitHub does not take it.
func ownerPattern(pattern string) *regexp.Regexp {
	if strings.HasPrefix(pattern, "!") || strings.ContainsAny(pattern, "[]") {
		return nil
	}
	direct := strings.HasSuffix(pattern, "/*")
	anchored := strings.Contains(strings.TrimSuffix(pattern, "/"), "/")
	folder := strings.HasSuffix(pattern, "/")
	pattern = strings.Trim(pattern, "/")
	var b strings.Builder
	if b.WriteString("^"); !anchored {
		b.WriteString("(?:.*/)?")
	}
	for i, size := 0, 0; i < len(pattern); i += size {
		_, size = utf8.DecodeRuneInString(pattern[i:])
		switch {
		case strings.HasPrefix(pattern[i:], "**/"):
			b.WriteString("(?:.*/)?")
			size = 3
		case strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(".*")
			size = 2
		case pattern[i] == '*':
			b.WriteString("[^/]*")
		case pattern[i] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+size]))
		}
	}
	switch {
	case folder:
		b.WriteString("/.*$")
	case direct:
		b.WriteString("$")
	default:
		b.WriteString("(?:/.*)?$")
	}
	expression, err := regexp.Compile(b.String())
	if err != nil {
		return nil
	}
	return expression
}
