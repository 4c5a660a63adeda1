package unified

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// apply lets git check and apply the patch in a fresh folder, and demands the new files there.
func apply(t *testing.T, files []File, patch []byte) {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s\n%s", strings.Join(args, " "), err, out, patch)
		}
	}
	git("init", "-q", ".")
	for _, f := range files {
		if f.Old == nil {
			continue
		}
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if f.Mode == "100755" {
			mode = 0o755
		}
		if err := os.WriteFile(name, f.Old, mode); err != nil {
			t.Fatal(err)
		}
	}
	if len(patch) > 0 {
		if err := os.WriteFile(filepath.Join(dir, ".git", "changes.patch"), patch, 0o666); err != nil {
			t.Fatal(err)
		}
		git("apply", "--check", ".git/changes.patch")
		git("apply", ".git/changes.patch")
	}
	for _, f := range files {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
		if f.New == nil {
			if err == nil {
				t.Errorf("%q is still there", f.Path)
			}
			continue
		}
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, f.New) {
			t.Errorf("%q became\n%q, want\n%q\npatch:\n%s", f.Path, got, f.New, patch)
		}
	}
}

func numbers(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		b.WriteString(strings.Repeat("x", i%3) + "line " + string(rune('a'+i%26)) + "\n")
	}
	return b.String()
}

func isSecret(line []byte) bool { return bytes.Contains(line, []byte("SECRET")) }

func TestGitTakesIt(t *testing.T) {
	long := numbers(40)
	lines := strings.SplitAfter(long, "\n")
	edit := func(change func(l []string)) string {
		l := append([]string(nil), lines...)
		change(l)
		return strings.Join(l, "")
	}
	tests := []struct {
		name  string
		files []File
		hunks int
	}{
		{"a line in the middle", []File{{Path: "a.yaml", Old: []byte(long), New: []byte(edit(func(l []string) { l[20] = "new\n" }))}}, 1},
		{"the first line", []File{{Path: "a.yaml", Old: []byte(long), New: []byte(edit(func(l []string) { l[0] = "" }))}}, 1},
		{"the last line", []File{{Path: "a.yaml", Old: []byte(long), New: []byte(edit(func(l []string) { l[39] = "" }))}}, 1},
		{"hunks that touch", []File{{Path: "a.yaml", Old: []byte(long), New: []byte(edit(func(l []string) { l[10], l[17] = "", "" }))}}, 1},
		{"hunks one line too far to touch", []File{{Path: "a.yaml", Old: []byte(long), New: []byte(edit(func(l []string) { l[10], l[18] = "", "" }))}}, 2},
		{"a new file", []File{{Path: "k8s/new.yaml", New: []byte("a: 1\n")}}, 1},
		{"a new file without a final newline", []File{{Path: "new.yaml", New: []byte("a: 1")}}, 1},
		{"a new empty file", []File{{Path: "new.yaml", New: []byte{}}}, 0},
		{"a deleted file", []File{{Path: "old.yaml", Old: []byte("a: 1\nb: 2\n")}}, 1},
		{"a deleted empty file", []File{{Path: "old.yaml", Old: []byte{}}}, 0},
		{"a file becomes empty", []File{{Path: "old.yaml", Old: []byte("a: 1\n"), New: []byte{}}}, 1},
		{"an empty file gets a line", []File{{Path: "old.yaml", Old: []byte{}, New: []byte("a: 1\n")}}, 1},
		{"no final newline, kept", []File{{Path: "a", Old: []byte("a\nb\nc"), New: []byte("a\nc")}}, 1},
		{"no final newline, the last line goes", []File{{Path: "a", Old: []byte("a\nb\nc"), New: []byte("a\nb")}}, 1},
		{"CRLF", []File{{Path: "a", Old: []byte("a\r\nb\r\nc\r\n"), New: []byte("a\r\nc\r\n")}}, 1},
		{"lone CR inside a line", []File{{Path: "a", Old: []byte("a\rb\nc\nd\n"), New: []byte("a\rb\nd\n")}}, 1},
		{"an executable", []File{{Path: "run.sh", Mode: "100755", Old: []byte("a\nb\n"), New: []byte("b\n")}}, 1},
		{"a new executable", []File{{Path: "run.sh", Mode: "100755", New: []byte("b\n")}}, 1},
		{"equal files", []File{{Path: "a", Old: []byte("a\n"), New: []byte("a\n")}}, 0},
		{"several files", []File{
			{Path: "a/b.yaml", Old: []byte(long), New: []byte(edit(func(l []string) { l[20] = "new\n" }))},
			{Path: "a/new.yaml", New: []byte("x\n")},
			{Path: "z.yaml", Old: []byte("a\n"), New: []byte("b\n")},
		}, 3},
		{"a path with blanks", []File{{Path: "my apps/the api.yaml", Old: []byte("a\n"), New: []byte("b\n")}}, 1},
		{"a path with blanks at its end", []File{{Path: "my apps/api ", Old: []byte("a\n"), New: []byte("b\n")}}, 1},
		{"a path with quotes and backslashes", []File{{Path: `a "b" \c.yaml`, Old: []byte("a\n"), New: []byte("b\n")}}, 1},
		{"a path with control characters", []File{{Path: "a\tb\nc\x01d.yaml", Old: []byte("a\n"), New: []byte("b\n")}}, 1},
		{"a path outside of ASCII", []File{{Path: "größe/日本.yaml", New: []byte("b\n")}}, 1},
		{"a new file with blanks in its path", []File{{Path: "my apps/new one.yaml", New: []byte("b\n")}}, 1},
		{"lines that look like a patch", []File{{Path: "a", Old: []byte("--- a\n+++ b\n@@ -1 +1 @@\n-x\n"), New: []byte("--- a\n+++ b\n@@ -1 +1 @@\n+x\n\\ No newline\n")}}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			patch, err := Diff(test.files, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := bytes.Count(patch, []byte("\n@@ -")); got != test.hunks && test.name != "lines that look like a patch" {
				t.Errorf("%d hunks, want %d\n%s", got, test.hunks, patch)
			}
			apply(t, test.files, patch)
		})
	}
}

func TestKeysStayOut(t *testing.T) {
	tests := []struct {
		name, old, new string
		line           int
		edited         bool
	}{
		{name: "a key just above", old: "a\nSECRET\nb\nc\nd\ne\n", new: "a\nSECRET\nc\nd\ne\n"},
		{name: "a key two lines below", old: "a\nb\nc\nSECRET\nd\n", new: "a\nc\nSECRET\nd\n"},
		{name: "keys on both sides", old: "a\nSECRET\nb\nc\nd\nSECRET\ne\n", new: "a\nSECRET\nc\nd\nSECRET\ne\n"},
		{name: "a key between two changes", old: "a\nb\nc\nSECRET\nd\ne\nf\n", new: "b\nc\nSECRET\ne\nf\n"},
		{name: "a key just above the end", old: "a\nSECRET\nb\n", new: "a\nSECRET\n"},
		{name: "lines added at the end behind a key", old: "a\nSECRET\n", new: "a\nSECRET\nb\n"},
		{name: "a line changed behind a key in line 1", old: "SECRET\nb\nc\n", new: "SECRET\nx\nc\n"},
		{name: "a line added behind a key in line 1", old: "SECRET\nb\nc\n", new: "SECRET\nx\nb\nc\n"},
		{name: "a line added behind a key that is all", old: "SECRET\n", new: "SECRET\nb\n", line: 1},
		{name: "a key just below", old: "a\nb\nSECRET\nc\n", new: "a\nSECRET\nc\n", line: 3},
		{name: "a change between two keys", old: "SECRET\nb\nSECRET\n", new: "SECRET\nSECRET\n", line: 3},
		{name: "a key is removed", old: "a\nSECRET\nb\n", new: "a\nb\n", line: 2, edited: true},
		{name: "a key is added", old: "a\nb\n", new: "a\nSECRET\nb\n", line: 0, edited: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := []File{{Path: "a.yaml", Old: []byte(test.old), New: []byte(test.new)}}
			patch, err := Diff(files, isSecret)
			if bytes.Contains(patch, []byte("SECRET")) {
				t.Fatalf("the key is in the patch:\n%s", patch)
			}
			var key *KeyError
			if errors.As(err, &key) {
				if key.Line != test.line || key.Edited != test.edited || test.line == 0 && !test.edited {
					t.Errorf("got %v, want line %d, edited %v", err, test.line, test.edited)
				}
				return
			}
			if err != nil || test.line > 0 || test.edited {
				t.Fatalf("got error %v and patch\n%s", err, patch)
			}
			apply(t, files, patch)
		})
	}
}
