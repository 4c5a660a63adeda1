package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dekey/cmd/dekey/internal/cli"
)

// readme are the command lines of the README's shell blocks, without their comments.
func readme(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) < 10 {
		t.Fatalf("%d command lines were found in the README", len(lines))
	}
	return lines
}

// Every command line of the README runs here, in a copy of the example, or is a ring whose folder and tests are there.
func TestReadme(t *testing.T) {
	home, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	shop := filepath.Join(work, "testdata", "shop")
	if err := os.CopyFS(shop, os.DirFS(filepath.Join(home, "testdata", "shop"))); err != nil {
		t.Fatal(err)
	}
	lines := readme(t)
	t.Chdir(work)
	git(t, work, "init", "-q", "-b", "main")
	git(t, work, "add", "-A")
	git(t, work, "commit", "-q", "-m", "base")
	for _, line := range lines {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "go run ./cmd/dekey "):
			if got := dekey(t, words[3:]...); got.exit != 0 && got.exit != 3 {
				t.Errorf("%s: exit code %d\n%s", line, got.exit, got.stderr)
			}
		case words[0] == "dekey":
			t.Chdir(shop)
			runStage(t, line)
			t.Chdir(work)
		case words[0] == "bash":
			if _, err := os.Stat(filepath.Join(shop, words[1])); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if output, err := exec.Command("bash", "-n", filepath.Join(shop, words[1])).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", line, err, output)
			}
		case strings.HasPrefix(line, "git apply "):
			git(t, shop, "apply", "--check", words[2])
		case line == "go test ./...":
		case strings.HasPrefix(line, "go -C "), strings.HasPrefix(line, "go test "):
			for _, word := range words {
				if folder := strings.TrimSuffix(strings.TrimPrefix(word, "./"), "/..."); strings.Contains(word, "/") && folder != "..." {
					if found, _ := filepath.Glob(filepath.Join(home, folder, "*")); len(found) == 0 {
						t.Errorf("%s: there is no %s", line, folder)
					}
				}
			}
		case strings.HasPrefix(line, ".ci/"):
			if info, err := os.Stat(filepath.Join(home, words[0])); err != nil || info.Mode()&0o111 == 0 {
				t.Errorf("%s: no program (%v)", line, err)
			}
		default:
			t.Errorf("the README has a command that no test runs: %s", line)
		}
	}
}

// runStage runs one line of the README's story in the example, with its redirection. What needs a cluster is only read
// as a command line: the scan of the checkout stands in for its result.
func runStage(t *testing.T, line string) {
	t.Helper()
	line, into, _ := strings.Cut(line, ">")
	args := strings.Fields(line)[1:]
	if slices.Contains(args, "--context") {
		args = []string{"scan", "."}
	}
	for i, arg := range args {
		switch arg {
		case "january.json", "february.json":
			args[i] = "checkout.json"
		}
	}
	got := dekey(t, args...)
	if got.exit != 0 && got.exit != 3 {
		t.Errorf("dekey %s: exit code %d\n%s", strings.Join(args, " "), got.exit, got.stderr)
	}
	if into != "" {
		writeFile(t, strings.TrimSpace(into), got.stdout)
	}
}

// The manual of `dekey help` and the package's documentation are one text.
func TestManual(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	words := func(text string) []string { return strings.Fields(strings.ReplaceAll(text, "//", " ")) }
	comment, _, _ := strings.Cut(string(source), "\npackage main")
	documented := strings.Join(words(strings.TrimPrefix(comment, "// Command ")), " ")
	printed := dekey(t, "help").stdout
	manual, _, _ := strings.Cut(printed, "\nUsage:")
	if want := strings.Join(words(manual), " "); documented != want {
		t.Errorf("doc.go says\n%s\nand dekey help says\n%s", documented, want)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range cli.Commands() {
		if !strings.Contains(string(readme), "`"+command) && !strings.Contains(string(readme), "dekey "+command) {
			t.Errorf("the README does not name the command %s", command)
		}
	}
}
