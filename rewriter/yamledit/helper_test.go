package yamledit

import (
	"bytes"
	"strings"
	"testing"

	"dekey/scanner/object"
)

// path reads a path as plans write it.
func path(t testing.TB, s string) object.Path {
	t.Helper()
	p, err := object.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// edits reads one edit a line: [DOCUMENT] OP PATH [= VALUE], where a value NAME=>TEXT is an environment variable.
func edits(t testing.TB, lines ...string) []Edit {
	t.Helper()
	var out []Edit
	for _, line := range lines {
		document := 1
		if line[0] >= '0' && line[0] <= '9' {
			document, line = int(line[0]-'0'), line[2:]
		}
		op, rest, _ := strings.Cut(line, " ")
		field, value, has := strings.Cut(rest, " = ")
		e := Edit{Document: document, Op: op, Field: path(t, field)}
		if has {
			e.Value = value
			if name, v, ok := strings.Cut(value, "=>"); ok {
				e.Value = map[string]any{"name": name, "value": v}
			}
		}
		out = append(out, e)
	}
	return out
}

// changed writes the lines that differ, as a patch without context: "-old\n+new\n". A line without a line break at the end
// of the file ends in `\`, a carriage return is shown as ␍.
func changed(old, now []byte) string {
	a, b := splitLines(old), splitLines(now)
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = 1 + common[i+1][j+1]
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i++
			j++
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out.WriteString("-" + a[i] + "\n")
			i++
		default:
			out.WriteString("+" + b[j] + "\n")
			j++
		}
	}
	return out.String()
}

func splitLines(text []byte) []string {
	var out []string
	for _, line := range bytes.SplitAfter(text, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		s, whole := strings.CutSuffix(string(line), "\n")
		if !whole {
			s += `\`
		}
		out = append(out, strings.ReplaceAll(s, "\r", "␍"))
	}
	return out
}

// A shape is one text, some edits, and the lines that change, or why the edit is refused.
type shape struct {
	name, in string
	edits    []string
	want     string // "" with a refusal
	refusal  string
}

func (s shape) run(t *testing.T, apply func([]byte, []Edit) (Result, error)) {
	t.Helper()
	in := []byte(s.in)
	result, err := apply(in, edits(t, s.edits...))
	if string(in) != s.in {
		t.Fatal("the input was changed")
	}
	if err != nil {
		if s.refusal == "" || !strings.Contains(err.Error(), s.refusal) {
			t.Errorf("refused: %v, want %q", err, s.refusal)
		}
		if result.Content != nil {
			t.Error("a refusal has content")
		}
		return
	}
	if got := changed(in, result.Content); s.refusal != "" || got != strings.TrimPrefix(s.want, "\n") {
		t.Errorf("changed\n%s\nwant\n%s%s", got, s.refusal, s.want)
	}
	if len(result.Lines) != len(s.edits) {
		t.Errorf("%d lines for %d edits", len(result.Lines), len(s.edits))
	}
	again, err := splice(in, result.Splices)
	if err != nil || !bytes.Equal(again, result.Content) {
		t.Error("the splices do not give the content")
	}
}
