package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"dekey/cmd/dekey/internal/cli"
	"dekey/scanner/keyfile/keytest"
)

var update = flag.Bool("update", false, "rewrite the outputs in testdata/case")

// A case is one migration, whole: testdata/case/NAME.txtar. Its comment says why it is kept. Its files are
//
//	tree/...     the checkout (a dekey.yaml there is not trusted)
//	policy.yaml  what --policy names
//	flags        more flags of `dekey draft`, one a line
//	exit stderr out/...  what comes out: the goldens, written by `go test ./cmd/dekey -run Cases -update`
//
// In the tree and the policy, KEY(seed,email) stands for a key file made at run time, as base64; KEYJSON(seed,email)
// for its text on one line; KEYSTRING(seed,email) for that as a JSON string; KEYFILE(seed,email) for its text as Google
// writes it. A file that starts with "CRLF:" has Windows line ends and no newline at its end.
type migration struct {
	name    string
	archive *txtar.Archive
	tree    map[string]string
	policy  string
	flags   []string
	keys    []keytest.Key
}

// goldens are the outputs that an archive holds.
var goldens = []string{"out/inventory.json", "out/plan.json", "out/changeset.json", "out/changes.patch", "out/cleanup.patch"}

var keyCall = regexp.MustCompile(`(KEY|KEYJSON|KEYSTRING|KEYFILE)\(([^,()]+),([^()]+)\)`)

func (m *migration) expand(text string) string {
	return keyCall.ReplaceAllStringFunc(text, func(call string) string {
		parts := keyCall.FindStringSubmatch(call)
		key := keytest.New(parts[2], parts[3])
		m.keys = append(m.keys, key)
		line := strings.ReplaceAll(strings.TrimSpace(string(key.JSON())), "\n", "")
		switch parts[1] {
		case "KEY":
			return key.Base64()
		case "KEYJSON":
			return line
		case "KEYSTRING":
			return strconv.Quote(line)
		}
		return string(key.JSON())
	})
}

// text is a file of the tree as the archive means it.
func (m *migration) text(data string) string {
	data = m.expand(data)
	if text, windows := strings.CutPrefix(data, "CRLF:"); windows {
		return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\r\n")
	}
	return data
}

func readCase(t *testing.T, name string) *migration {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	m := &migration{name: name, archive: archive, tree: make(map[string]string)}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Errorf("%s does not say why it is kept", name)
	}
	for _, file := range archive.Files {
		switch path, inTree := strings.CutPrefix(file.Name, "tree/"); {
		case inTree:
			m.tree[path] = m.text(string(file.Data))
		case file.Name == "policy.yaml":
			m.policy = m.expand(string(file.Data))
		case file.Name == "flags":
			m.flags = strings.Fields(string(file.Data))
		}
	}
	return m
}

// A run is what one command line gave.
type run struct {
	exit           int
	stdout, stderr string
	out            map[string]string // the files of the changeset folder
}

func dekey(t *testing.T, args ...string) run {
	t.Helper()
	var stdout, stderr bytes.Buffer
	sys := cli.System{
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		LookupEnv: func(string) (string, bool) { return "", false },
		Now:       func() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) },
	}
	exit := cli.Main(context.Background(), args, sys)
	return run{exit: exit, stdout: stdout.String(), stderr: stderr.String()}
}

func (m *migration) draft(t *testing.T, root string) run {
	t.Helper()
	t.Chdir(root) // the inventory holds the root as it was given
	out := filepath.Join(t.TempDir(), "out")
	args := append([]string{"draft", ".", "--out", out}, m.flags...)
	if m.policy != "" {
		policy := filepath.Join(t.TempDir(), "policy.yaml")
		writeFile(t, policy, m.policy)
		args = append(args, "--policy", policy)
	}
	result := dekey(t, args...)
	result.out = readTree(t, out)
	result.stderr = strings.ReplaceAll(result.stderr, out, "OUT")
	return result
}

func TestCases(t *testing.T) {
	names, err := filepath.Glob("../../testdata/case/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		name, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			m := readCase(t, name)
			root := checkout(t, m.tree)
			got := m.draft(t, root)
			checkInvariants(t, m, root, got)
			if *update {
				m.write(t, got)
				return
			}
			want := run{out: make(map[string]string)}
			for _, file := range m.archive.Files {
				switch {
				case file.Name == "exit":
					fmt.Sscan(string(file.Data), &want.exit)
				case file.Name == "stderr":
					want.stderr = string(file.Data)
				case strings.HasPrefix(file.Name, "out/"):
					want.out[file.Name] = string(file.Data)
				}
			}
			if got.exit != want.exit {
				t.Errorf("exit code %d, want %d\n%s", got.exit, want.exit, got.stderr)
			}
			if diff := cmp.Diff(want.stderr, got.stderr); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
			for _, golden := range goldens {
				if diff := cmp.Diff(want.out[golden], archived(got.out[strings.TrimPrefix(golden, "out/")])); diff != "" {
					t.Errorf("%s (-want +got):\n%s", golden, diff)
				}
			}
		})
	}
}

// archived is text as an archive can hold it: with a newline at its end.
func archived(text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

func (m *migration) write(t *testing.T, got run) {
	t.Helper()
	kept := slices.DeleteFunc(slices.Clone(m.archive.Files), func(file txtar.File) bool {
		return file.Name == "exit" || file.Name == "stderr" || strings.HasPrefix(file.Name, "out/")
	})
	kept = append(kept,
		txtar.File{Name: "exit", Data: fmt.Appendf(nil, "%d\n", got.exit)},
		txtar.File{Name: "stderr", Data: []byte(archived(got.stderr))})
	for _, golden := range goldens {
		kept = append(kept, txtar.File{Name: golden, Data: []byte(archived(got.out[strings.TrimPrefix(golden, "out/")]))})
	}
	writeFile(t, m.name, string(txtar.Format(&txtar.Archive{Comment: m.archive.Comment, Files: kept})))
}

// checkInvariants holds the contract's nine against one migration.
func checkInvariants(t *testing.T, m *migration, root string, got run) {
	t.Helper()

	// 1. A canary private key appears in no output.
	for _, key := range m.keys {
		for _, secret := range key.Secrets() {
			for name, text := range got.out {
				if strings.Contains(text, secret) {
					t.Errorf("invariant 1: key material in %s", name)
				}
			}
			if strings.Contains(got.stdout+got.stderr, secret) {
				t.Error("invariant 1: key material on the terminal")
			}
		}
	}
	if got.exit != 0 && got.exit != 3 {
		return
	}

	checkSchemas(t, got)
	checkPlan(t, got)

	// 9. The same input gives the same bytes, on one processor too.
	procs := runtime.GOMAXPROCS(1)
	again := m.draft(t, root)
	runtime.GOMAXPROCS(procs)
	if diff := cmp.Diff(got.out, again.out); diff != "" {
		t.Errorf("invariant 9: a second run gave other bytes:\n%s", diff)
	}

	// 6. The patch applies on the base commit; 4. nothing but the listed files changes, and to the recorded digests.
	patch := filepath.Join(t.TempDir(), "changes.patch")
	writeFile(t, patch, got.out["changes.patch"])
	if got.out["changes.patch"] == "" {
		return
	}
	git(t, root, "apply", "--check", patch)
	git(t, root, "apply", patch)
	checkDigests(t, root, m.tree, got.out["changeset.json"])
	checkReplay(t, m.tree, readTree(t, root), readPlan(t, got.out["plan.json"]))

	// 2. Running dekey on its own result finds nothing more to move.
	git(t, root, "add", "-A")
	git(t, root, "commit", "-q", "-m", "migrated")
	after := m.draft(t, root)
	if text := after.out["changes.patch"]; text != "" {
		t.Errorf("invariant 2: the result is changed again:\n%s", text)
	}
	if moves := len(readPlan(t, after.out["plan.json"]).Moves); moves != 0 {
		t.Errorf("invariant 2: %d moves in the plan of the result", moves)
	}
}

// checkout makes a git repository with one commit that holds tree.
func checkout(t *testing.T, tree map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range tree {
		writeFile(t, filepath.Join(root, filepath.FromSlash(name)), text)
	}
	git(t, root, "init", "-q", "-b", "main")
	git(t, root, "add", "-A")
	git(t, root, "commit", "-q", "--allow-empty", "-m", "base")
	return root
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=case", "GIT_AUTHOR_EMAIL=case@example.com", "GIT_COMMITTER_NAME=case", "GIT_COMMITTER_EMAIL=case@example.com",
		"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// readTree reads the files below dir, by slash-separated path; nothing where dir is missing.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	if _, err := os.Stat(dir); err != nil {
		return files
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && entry.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// changed lists the paths whose content differs between two trees, sorted.
func changed(before, after map[string]string) []string {
	names := make(map[string]bool)
	for name, text := range before {
		if other, found := after[name]; !found || other != text {
			names[name] = true
		}
	}
	for name := range after {
		if _, found := before[name]; !found {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
