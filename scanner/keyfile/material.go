package keyfile

import (
	"bytes"
	"regexp"
)

// secretField matches a field that holds a secret of a credential file, with something after it.
var secretField = regexp.MustCompile(`(?i)(private[-_]?key|refresh[-_]?token|client[-_]?secret)(data|json)?\\*["']?\s*[:=]\s*\\*["']?[^\s"',{}\[\]\\]`)

// IsKeyMaterial says whether a line may hold a part of a key: a PEM marker, a field of a credential file that is secret, or
// a long run of base64 (a line of a PEM body, an encoded file). It would rather name a harmless line than miss one; names,
// paths, images and hexadecimal digests are harmless. The short last line of a PEM block shows only beside the others: see
// KeyLines.
func IsKeyMaterial(line []byte) bool {
	if bytes.Contains(line, pemKey) && bytes.Contains(line, pemDash) {
		return true
	}
	if namesSecret(line) && secretField.Match(line) && !harmlessField(line) {
		return true
	}
	return randomRun(line, 40)
}

// namesSecret is a cheap look for the words of secretField.
func namesSecret(line []byte) bool {
	for i, c := range line {
		var word string
		switch c | 0x20 {
		case 'p':
			word = "private"
		case 'r':
			word = "refresh"
		case 'c':
			word = "client"
		default:
			continue
		}
		if i+len(word) <= len(line) && bytes.EqualFold(line[i:i+len(word)], []byte(word)) {
			return true
		}
	}
	return false
}

// harmless matches what only looks like a secret field: a file's path, a variable, an empty value.
var harmless = regexp.MustCompile(`(?i)(private[-_]?key|refresh[-_]?token|client[-_]?secret)(data|json)?\\*["']?\s*[:=]\s*\\*["']?(/|\$|<|name\b|true\b|false\b|null\b|~)`)

// harmlessField says that all of a line's secret fields are harmless.
func harmlessField(line []byte) bool {
	return len(secretField.FindAllIndex(line, -1)) == len(harmless.FindAllIndex(line, -1))
}

// randomRun says whether line has a run of at least length base64 characters that no person would have written: letters of
// both cases and digits, often changing. Escaped line breaks inside do not end a run.
func randomRun(line []byte, length int) bool {
	run := make([]byte, 0, len(line))
	for i, c := range line {
		switch {
		case isBase64(c):
			run = append(run, c)
		case c == '\\' && i+1 < len(line): // an escape: its letter joins the run
		default:
			if len(run) >= length && isRandom(run) {
				return true
			}
			run = run[:0]
		}
	}
	return len(run) >= length && isRandom(run)
}

// isRandom says that the characters of a run change their class as often as random ones, and come from all classes.
func isRandom(run []byte) bool {
	var classes [4]int
	changes, last := 0, -1
	for _, c := range run {
		class := 3
		switch {
		case c >= 'a' && c <= 'z':
			class = 0
		case c >= 'A' && c <= 'Z':
			class = 1
		case c >= '0' && c <= '9':
			class = 2
		}
		classes[class]++
		if class != last {
			changes++
		}
		last = class
	}
	return classes[0] > 0 && classes[1] > 0 && classes[2] > 0 && classes[1]*10 >= len(run) && changes*10 >= len(run)*3
}

// KeyLines says of every line of a text whether it may hold a part of a key. It sees more than IsKeyMaterial does of single
// lines: the whole of a PEM block, and the short last line of wrapped base64. A line ends with its line feed; a text that
// ends with one has no empty line after it.
func KeyLines(text []byte) []bool {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	marked := make([]bool, len(lines))
	inBlock := false
	for i, line := range lines {
		marked[i] = IsKeyMaterial(line)
		begins := bytes.LastIndex(line, []byte("BEGIN"))
		ends := bytes.LastIndex(line, []byte("END"))
		isMarker := marked[i] && bytes.Contains(line, pemKey)
		switch {
		case isMarker && begins >= 0 && begins > ends:
			inBlock = true
		case isMarker && ends >= 0:
			inBlock = false
		case inBlock && bodyLine(line):
			marked[i] = true
		case inBlock:
			inBlock = false // the block is not closed
		case i > 0 && marked[i-1] && bodyLine(line) && bodyLine(lines[i-1]):
			marked[i] = true
		}
	}
	return marked
}

// bodyLine says that a line is nothing but base64, or a header of a PEM block.
func bodyLine(line []byte) bool {
	line = bytes.Trim(line, " \t\r\n\"'\\,+#")
	line = bytes.TrimRight(line, "=")
	if bytes.HasPrefix(line, []byte("Proc-Type:")) || bytes.HasPrefix(line, []byte("DEK-Info:")) {
		return true
	}
	for _, c := range line {
		if !isBase64(c) && c != '\\' {
			return false
		}
	}
	return true
}
