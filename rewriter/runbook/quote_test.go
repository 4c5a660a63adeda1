package runbook_test

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"dekey/rewriter/runbook"
)

func TestLine(t *testing.T) {
	for _, test := range []struct {
		name string
		argv []string
		want string
	}{
		{"plain words stay as they are", []string{"gcloud", "--project=acme", "a.b/c:d@e%f+g,h"}, "gcloud --project=acme a.b/c:d@e%f+g,h"},
		{"brackets are a glob", []string{"gcloud", "serviceAccount:acme.svc.id.goog[shop/api]"}, "gcloud 'serviceAccount:acme.svc.id.goog[shop/api]'"},
		{"an assignment in first position is a word", []string{"FOO=bar", "x"}, "'FOO=bar' x"},
		{"an assignment later is a word anyway", []string{"env", "FOO=bar"}, "env FOO=bar"},
		{"a tilde is not somebody's home", []string{"ls", "~", "~root"}, "ls '~' '~root'"},
		{"an empty word stays a word", []string{"echo", ""}, "echo ''"},
		{"a keyword is a name", []string{"if", "if"}, "'if' if"},
		{"a quote ends nothing", []string{"echo", "it's $(id)"}, `echo 'it'\''s $(id)'`},
		{"a line break stays inside", []string{"echo", "a\nb"}, "echo 'a\nb'"},
	} {
		if got := runbook.Line(test.argv); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// readBack gives the argv that a shell reads from line, as mvdan.cc/sh parses it.
func readBack(t *testing.T, line string) []string {
	t.Helper()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil {
		t.Fatalf("%q does not parse: %v", line, err)
	}
	if len(file.Stmts) != 1 {
		t.Fatalf("%q is %d commands", line, len(file.Stmts))
	}
	call, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Assigns) > 0 || len(file.Stmts[0].Redirs) > 0 || file.Stmts[0].Background || file.Stmts[0].Negated {
		t.Fatalf("%q is more than a command and its words", line)
	}
	words, err := expand.Fields(&expand.Config{Env: expand.ListEnviron("HOME=/home/of/somebody", "IFS= \t\n")}, call.Args...)
	if err != nil {
		t.Fatalf("%q does not expand: %v", line, err)
	}
	return words
}

// FuzzQuote: whatever the words are, a shell reads back the same argv.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{
		"gcloud\x01--project=acme", "FOO=bar\x01x", "~\x01~root", "if\x01then", "'\x01''\x01\\'", "$(id)\x01`id`\x01$HOME",
		"a\nb\x01a\r\nb\x01\r", "\x01", "{a,b}\x01*\x01?\x01[a]\x01!x\x01#x\x01a#b", "é\x01\xff\x01\u202e\x01\x1b[31m",
		"%1\x01=x\x01=\x01a=b", "export\x01A=~\x01B=x y", "-\x01--\x01-n", "time\x01!\x01{\x01}\x01[[", "let\x01x=1", "a\tb\x01;\x01&\x01|\x01<\x01>",
	} {
		f.Add(seed)
	}
	bash, _ := exec.LookPath("bash")
	turn := 0
	f.Fuzz(func(t *testing.T, joined string) {
		argv := strings.Split(joined, "\x01")
		line := runbook.Line(argv)
		want := make([]string, len(argv))
		for i, word := range argv {
			want[i] = strings.ReplaceAll(word, "\x00", "")
		}
		// The parser takes only UTF-8; a shell takes bytes.
		parsed := utf8.ValidString(line)
		if parsed {
			if got := readBack(t, line); !slices.Equal(got, want) {
				t.Fatalf("%q reads back as %q", line, got)
			}
		}
		// Now and then the real shell is the judge: printf puts a NUL after every word.
		if turn++; bash == "" || parsed && turn%64 != 1 {
			return
		}
		script := runbook.Line(append([]string{"printf", `%s\0`}, argv...))
		out, err := exec.Command(bash, "-c", script).Output()
		if err != nil {
			t.Fatalf("%q: %v", script, err)
		}
		var got []string
		for _, word := range bytes.Split(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
			got = append(got, string(word))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("bash reads %q as %q", script, got)
		}
	})
}
