package shell

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"

	"dekey/scanner/iam"
)

// isDockerfile goes by the names that builders take.
// https://docs.docker.com/build/concepts/dockerfile/#filename
func isDockerfile(base string) bool {
	lower := strings.ToLower(base)
	return lower == "dockerfile" || lower == "containerfile" || strings.HasPrefix(lower, "dockerfile.") && !strings.HasSuffix(lower, ".dockerignore") ||
		path.Ext(lower) == ".dockerfile"
}

// An instruction of a Dockerfile, with the line on which its text begins.
type instruction struct {
	name, text   string
	line, column int
}

// instructions splits a Dockerfile: a backslash joins lines, and comments between joined lines are blanked, so that the
// lines of a text are those of the file. Here-documents belong to their instruction.
// https://docs.docker.com/reference/dockerfile/
func instructions(data string) []instruction {
	var found []instruction
	lines := strings.Split(data, "\n")
	for i := 0; i < len(lines); i++ {
		trimmed := strings.TrimLeft(lines[i], " \t")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		name, rest, _ := strings.Cut(trimmed, " ")
		body := strings.TrimLeft(rest, " \t")
		one := instruction{name: strings.ToUpper(name), line: i + 1, column: len(lines[i]) - len(body) + 1}
		text := []string{body}
		for joins(text[len(text)-1]) && i+1 < len(lines) {
			i++
			next := lines[i]
			if strings.HasPrefix(strings.TrimLeft(next, " \t"), "#") {
				next = `\`
			}
			text = append(text, next)
		}
		if m := hereDocument.FindStringSubmatch(strings.Join(text, "\n")); m != nil && (one.name == "RUN" || one.name == "COPY") {
			for i+1 < len(lines) {
				i++
				text = append(text, lines[i])
				if strings.TrimSpace(lines[i]) == m[1] {
					break
				}
			}
		}
		one.text = strings.Join(text, "\n")
		found = append(found, one)
	}
	return found
}

func joins(line string) bool { return strings.HasSuffix(strings.TrimRight(line, " \t\r"), `\`) }

var (
	hereDocument = regexp.MustCompile(`<<-?\s*["']?([A-Za-z_][A-Za-z0-9_]*)["']?`)
	runFlag      = regexp.MustCompile(`^--[a-z]+(=\S+)?\s+`)
	bareDocument = regexp.MustCompile(`^<<-?\s*["']?[A-Za-z_][A-Za-z0-9_]*["']?[ \t]*$`)
)

// dockerfile reads what an image is built with: the commands of RUN, and a key's variable that it sets for whoever runs it.
func (r *reader) dockerfile(data []byte) {
	if !Concerns(data) && !strings.Contains(string(data), keyVariable) {
		return
	}
	for _, one := range instructions(string(data)) {
		switch one.name {
		case "RUN":
			r.run(one)
		case "ENV":
			r.env(one)
		}
	}
}

func (r *reader) run(one instruction) {
	text, column := one.text, one.column
	for {
		flag := runFlag.FindString(text)
		if flag == "" || strings.Contains(flag, "\n") {
			break
		}
		text, column = text[len(flag):], column+len(flag)
	}
	at := func(line, c int) (int, int) {
		if line == 1 {
			c += column - 1
		}
		return one.line + line - 1, c
	}
	if first, body, found := strings.Cut(text, "\n"); found && bareDocument.MatchString(first) { // RUN <<EOF: the document is the script
		last := strings.LastIndexByte(body, '\n')
		r.script(body[:max(last, 0)], func(line, c int) (int, int) { return one.line + line, c }, false)
		return
	}
	var words []string
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(strings.ReplaceAll(text, "\\\n", " ")), &words) == nil {
		for i, word := range words {
			words[i] = quote(word)
		}
		r.script(strings.Join(words, " "), func(int, int) (int, int) { return one.line, column }, false)
		return
	}
	r.script(text, at, false)
}

// quote is a word as the shell takes it back.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

const keyVariable = "GOOGLE_APPLICATION_CREDENTIALS"

var setsKey = regexp.MustCompile(`(?:^|[\s])` + keyVariable + `(?:=|[ \t]+)["']?([^"'\s\\]+)`)

// env notes the variable that tells client libraries where a key is.
func (r *reader) env(one instruction) {
	m := setsKey.FindStringSubmatchIndex(one.text)
	if m == nil {
		return
	}
	before := one.text[:m[2]]
	origin := r.origin(one.line+strings.Count(before, "\n"), 1)
	r.facts.Activation = append(r.facts.Activation, iam.Activation{
		At:  iam.At{Language: iam.Gcloud, What: "the image", Origin: origin, Block: r.origin(one.line, 1)},
		How: "sets " + keyVariable + " to " + iam.Text(one.text[m[2]:m[3]]).String(),
	})
}
