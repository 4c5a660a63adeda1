package unified

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var hunkHead = regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@$`)

// patched applies the hunks of one file as git does: each where it says, on exactly the lines that it shows, and at the end
// of the file when nothing stands behind its changes.
func patched(old []byte, patch string) ([]byte, error) {
	lines := split(string(old))
	rest := split(patch)
	var out strings.Builder
	at := 0
	for len(rest) > 0 && !strings.HasPrefix(rest[0], "@@") {
		rest = rest[1:]
	}
	for len(rest) > 0 {
		m := hunkHead.FindStringSubmatch(strings.TrimSuffix(rest[0], "\n"))
		if m == nil {
			return nil, fmt.Errorf("no hunk: %q", rest[0])
		}
		start, olds, news := number1(m[1]), count(m[2]), count(m[4])
		first := start - 1
		if olds == 0 {
			first = start
		}
		if first < at || first > len(lines) {
			return nil, fmt.Errorf("the hunk is out of place: %q", rest[0])
		}
		out.WriteString(strings.Join(lines[at:first], ""))
		at = first
		trailing := false
		for rest = rest[1:]; len(rest) > 0 && (olds > 0 || news > 0); rest = rest[1:] {
			text := rest[0][1:]
			if len(rest) > 1 && strings.HasPrefix(rest[1], `\`) {
				text = strings.TrimSuffix(text, "\n")
			}
			switch op := rest[0][0]; op {
			case ' ', '-':
				if at >= len(lines) || lines[at] != text {
					return nil, fmt.Errorf("line %d is not %q", at+1, text)
				}
				at++
				olds--
				if trailing = op == ' '; trailing {
					out.WriteString(text)
					news--
				}
			case '+':
				out.WriteString(text)
				news--
				trailing = false
			case '\\':
				continue
			default:
				return nil, fmt.Errorf("no line of a hunk: %q", rest[0])
			}
		}
		if len(rest) > 0 && strings.HasPrefix(rest[0], `\`) {
			rest = rest[1:]
		}
		if !trailing && at != len(lines) {
			return nil, errors.New("nothing stands behind the changes, and the file goes on")
		}
		if start <= 1 && first != 0 {
			return nil, errors.New("the hunk is for the beginning of the file")
		}
	}
	out.WriteString(strings.Join(lines[at:], ""))
	return []byte(out.String()), nil
}

func number1(s string) int { n, _ := strconv.Atoi(s); return n }

func count(s string) int {
	if s == "" {
		return 1
	}
	return number1(s)
}

// FuzzDiff writes patches of any two texts. They lead from one to the other, and no line with key material is in them; where
// there is none in the files, there is always a patch.
func FuzzDiff(f *testing.F) {
	for _, pair := range [][2]string{
		{"a\nb\nc\nd\ne\nf\ng\nh\n", "a\nc\nd\ne\nf\ng\n"}, {"", "a"}, {"a", ""}, {"a\n", "a"}, {"K\na\nK\nb\nK\n", "K\nK\nb\nK\nc"},
		{"a\nb\na\nb\n", "a\nb\n"}, {"a\r\nb\r\nK\r\n", "b\r\nK\r\n"}, {"x\ry\nz", "x\r\ny\nz\n"}, {"\n\n\n", "\n"}, {"--- a\n+++ b\n", "+++ b\n@@ -1 +1 @@\n"},
	} {
		f.Add([]byte(pair[0]), []byte(pair[1]), byte('K'))
	}
	f.Fuzz(func(t *testing.T, old, now []byte, mark byte) {
		if len(old)+len(now) > 1<<14 || bytes.IndexByte(old, 0) >= 0 || bytes.IndexByte(now, 0) >= 0 || old == nil || now == nil {
			return
		}
		secret := func(line []byte) bool { return bytes.IndexByte(line, mark) >= 0 }
		patch, err := Diff([]File{{Path: "f", Old: old, New: now}}, secret)
		holds := secret(old) || secret(now)
		switch {
		case err != nil:
			var key *KeyError
			if !errors.As(err, &key) || !holds {
				t.Fatalf("%v for %q and %q", err, old, now)
			}
			return
		case bytes.Equal(old, now):
			if len(patch) > 0 {
				t.Fatalf("a patch for equal files: %q", patch)
			}
			return
		}
		for i, line := range split(string(patch)) {
			if i >= 4 && !hunkHead.MatchString(strings.TrimSuffix(line, "\n")) && line != "\\ No newline at end of file\n" && secret([]byte(line[1:])) && mark != '\r' && mark != '\n' {
				t.Fatalf("the patch holds a secret line %q:\n%s", line, patch)
			}
		}
		got, err := patched(old, string(patch))
		if err != nil || !bytes.Equal(got, now) {
			t.Fatalf("%v: %q with\n%s\ngives %q, want %q", err, old, patch, got, now)
		}
	})
}

// TestGitTakesRandomPatches makes one patch of many random files, some with keys between their lines, and lets git judge it.
func TestGitTakesRandomPatches(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	var files []File
	held := 0
	for len(files) < 250 {
		old := randomLines(r)
		now := edited(r, old)
		f := File{Path: fmt.Sprintf("%d/a file %d.yaml", len(files)%7, len(files)), Old: []byte(strings.Join(old, "\n")), New: []byte(strings.Join(now, "\n"))}
		if r.Intn(3) > 0 {
			f.Old, f.New = append(f.Old, '\n'), append(f.New, '\n')
		}
		switch r.Intn(20) {
		case 0:
			f.Old = nil
		case 1:
			f.New = nil
		}
		one, err := Diff([]File{f}, isSecret)
		if err != nil {
			held++
			continue
		}
		if bytes.Contains(one, []byte("SECRET")) {
			t.Fatalf("a key is in the patch:\n%s", one)
		}
		files = append(files, f)
	}
	t.Logf("%d held", held)
	patch, err := Diff(files, isSecret)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, files, patch)
}

func randomLines(r *rand.Rand) []string {
	var lines []string
	for range 1 + r.Intn(40) {
		line := strings.Repeat(" ", r.Intn(3)) + string(rune('a'+r.Intn(4)))
		if r.Intn(9) == 0 {
			line = "SECRET"
		}
		if r.Intn(12) == 0 {
			line = ""
		}
		lines = append(lines, line)
	}
	return lines
}

func edited(r *rand.Rand, lines []string) []string {
	out := append([]string(nil), lines...)
	for range 1 + r.Intn(4) {
		i := r.Intn(len(out) + 1)
		if r.Intn(2) == 0 {
			out = append(out[:i:i], append([]string{"new"}, out[i:]...)...)
			continue
		}
		for range 1 + r.Intn(3) {
			if i < len(out) && out[i] != "SECRET" {
				out = append(out[:i:i], out[i+1:]...)
			}
		}
	}
	return out
}

func TestGroupsBeginWhereEntriesDo(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"the second of two items", "- name: A\n  value: x\n- name: B\n  value: x\n- name: C\n", "- name: A\n  value: x\n- name: C\n", " - name: A\n   value: x\n-- name: B\n-  value: x\n - name: C\n"},
		{"an added item", "- name: A\n  value: x\n- name: C\n", "- name: A\n  value: x\n- name: B\n  value: x\n- name: C\n", " - name: A\n   value: x\n+- name: B\n+  value: x\n - name: C\n"},
		{"an item below a blank line", "- a: 1\n\n- b: 1\n\n- c: 1\n", "- a: 1\n\n- c: 1\n", " - a: 1\n \n-- b: 1\n-\n - c: 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			patch, err := Diff([]File{{Path: "f", Old: []byte(test.old), New: []byte(test.new)}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, got, _ := strings.Cut(string(patch), "@@\n")
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestOddPathsAndBytes(t *testing.T) {
	for _, path := range []string{"", "/etc/passwd", "../x", "a/../b", "a//b", ".git/config", "a/.GIT/x", "a\x00b", "./a"} {
		if _, err := Diff([]File{{Path: path, New: []byte("x\n")}}, nil); err == nil {
			t.Errorf("a patch for %q", path)
		}
	}
	if _, err := Diff([]File{{Path: "a", Old: []byte("a\x00"), New: []byte("b")}}, nil); err == nil {
		t.Error("a patch for a binary file")
	}
}

func TestLargeFiles(t *testing.T) {
	var b strings.Builder
	for i := range 150_000 {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	old := b.String()
	now := strings.Replace(strings.Replace(old, "line 10\n", "", 1), "line 149990\n", "new\n", 1)
	patch, err := Diff([]File{{Path: "f", Old: []byte(old), New: []byte(now)}}, nil)
	if err != nil || bytes.Count(patch, []byte("\n")) > 30 {
		t.Fatalf("%v, %d lines", err, bytes.Count(patch, []byte("\n")))
	}
	got, err := patched([]byte(old), string(patch))
	if err != nil || string(got) != now {
		t.Error(err)
	}
}
