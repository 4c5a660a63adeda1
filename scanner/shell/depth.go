package shell

import "strings"

// The limits of nesting, far from what people write and from what a parser's stack can hold.
const (
	maxNesting = 300
	maxRun     = 300  // of signs or words that nest without brackets: ! ! !, time time
	maxChoice  = 5000 // of ? in a script
	maxChain   = 500  // of commands that are joined: a | b && c
)

// opens and closes are words that nest. They are counted wherever they stand.
var opens = map[string]int{
	"if": 1, "while": 1, "until": 1, "for": 1, "case": 1, "select": 1, "then": 0,
	"fi": -1, "done": -1, "esac": -1,
}

// tooDeep gives the line on which a script nests too deep, or 0. It does not know strings: brackets there count as well,
// and mostly close there.
func tooDeep(text string) int {
	brackets, words, run, chain, choices, line := 0, 0, 0, 0, 0, 1
	lineStart, joined := true, false
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\n':
			line++
			if !joined {
				chain = 0
			}
			lineStart = true
			i++
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == ';':
			i++
			continue
		case c == '#' && lineStart: // a comment of its own line
			if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
				i += end
				continue
			}
			return 0
		case letter(c):
			start := i
			for i < len(text) && letter(text[i]) {
				i++
			}
			word := text[start:i]
			step, nests := opens[word]
			words = max(words+step, 0)
			if !nests && word != "time" && word != "coproc" && word != "function" && word != "do" && word != "else" && word != "elif" {
				run = 0
			} else {
				run++
			}
		default:
			switch c {
			case '(', '{', '[':
				brackets++
			case ')', '}', ']':
				brackets = max(brackets-1, 0)
			case '|', '&':
				chain++
			case '?':
				choices++
			}
			run++
			i++
		}
		lineStart, joined = false, c == '|' || c == '&'
		if chain > maxChain || choices > maxChoice || brackets > maxNesting || words > maxNesting || run > maxRun && !ruler(text, i) {
			return line
		}
	}
	return 0
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= '0' && c <= '9' || c >= 0x80
}

// ruler says that the signs before i are one sign over and over, which nests nothing: -----, =====, #####.
func ruler(text string, i int) bool {
	from := max(0, i-maxRun)
	run := text[from:i]
	c := run[len(run)-1]
	return (c == '=' || c == '#' || c == '*' || c == '_' || c == '.') && strings.Trim(run, string(c)) == ""
}
