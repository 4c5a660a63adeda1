package report

import (
	"regexp"
	"slices"
	"strings"
)

// Foreign words go into code spans: there no forge sees a mention, a link, an issue number, a commit, an image or
// HTML, and nothing is hidden.

// MarkdownCode writes foreign text as a code span that it can not leave; a bar is escaped as the cells of tables ask for it.
// Nothing is a dash.
func MarkdownCode(s string) string { return mdCode(s) }

// MarkdownProse writes a sentence that may quote foreign names: each word that is more than a plain word becomes code.
func MarkdownProse(s string) string { return mdProse(s) }

// MarkdownFence writes text of several lines as a fenced block that it can not leave.
func MarkdownFence(language, s string) string { return mdFence(language, s) }

// harmlessWord is a word that no Markdown dialect gives a meaning: letters with ordinary punctuation around them, or
// a small number, without the dot or bracket that would start a list.
var harmlessWord = regexp.MustCompile(`^[("]?\p{L}+(?:[-'’]\p{L}+)*[)"]?[.,;:?!)]?$|^\(?[0-9]{1,6}[,;:?!]?$|^[→–—…]$`)

// hexWord is a word that a forge may take for a commit.
var hexWord = regexp.MustCompile(`^[0-9a-fA-F]{7,}[.,;:?!)]?$`)

// mdProse writes a sentence that may quote foreign names: each word that is more than a plain word becomes code, and so does
// a quotation of several words as a whole.
func mdProse(s string) string {
	words := quotations(strings.Fields(Visible(s)))
	for i := 0; i < len(words); i++ {
		if plainWord(words[i]) {
			continue
		}
		core, lead, tail := words[i], "", ""
		for len(core) > 1 && strings.ContainsRune(".,;:?!", rune(core[len(core)-1])) {
			core, tail = core[:len(core)-1], core[len(core)-1:]+tail
		}
		if len(core) > 1 && core[0] == '(' {
			core, lead = core[1:], "("
		}
		if len(core) > 1 && core[len(core)-1] == ')' && !strings.Contains(core, "(") {
			core, tail = core[:len(core)-1], ")"+tail
		}
		words[i] = lead + mdCode(core) + tail
	}
	return strings.Join(words, " ")
}

func plainWord(word string) bool { return harmlessWord.MatchString(word) && !hexWord.MatchString(word) }

// quotations joins the words between two quotation marks where one of them is more than a plain word: a schedule, say.
func quotations(words []string) []string {
	var joined []string
	for i := 0; i < len(words); i++ {
		joined = append(joined, words[i])
		if start := strings.TrimPrefix(words[i], "("); len(start) < 2 || start[0] != '"' || strings.Contains(start[1:], `"`) {
			continue
		}
		for end := i + 1; end < len(words) && end-i < 32; end++ {
			if at := strings.IndexByte(words[end], '"'); at < 0 {
				continue
			} else if strings.Trim(words[end][at+1:], ".,;:?!)") == "" && slices.ContainsFunc(words[i:end+1], func(word string) bool { return !plainWord(word) }) {
				joined[len(joined)-1] = strings.Join(words[i:end+1], " ")
				i = end
			}
			break
		}
	}
	return joined
}

// mdCode writes foreign text as a code span that it can not leave. The bar is escaped as table cells ask for it.
func mdCode(s string) string {
	s = Visible(s)
	if strings.TrimSpace(s) == "" {
		return "–"
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	s = strings.ReplaceAll(s, "|", `\|`)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// mdCodeLines is mdCode for a text of several lines, in a cell of a table.
func mdCodeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = mdCode(line)
	}
	return strings.Join(lines, "<br>")
}

// mdFence writes text of several lines as a fenced block that it can not leave.
func mdFence(language, s string) string {
	s = strings.TrimRight(visibleLines(s), "\n")
	fence := strings.Repeat("`", max(3, longestRun(s, '`')+1))
	return fence + language + "\n" + s + "\n" + fence + "\n"
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
