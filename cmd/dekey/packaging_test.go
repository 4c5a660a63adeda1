package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"dekey/cmd/dekey/internal/cli"
)

// home is the project's root.
var home = filepath.Join("..", "..")

func packaged(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(home, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// parsed reads a YAML file into a value; a key that is given twice is an error of the decoder.
func parsed[T any](t *testing.T, name string) T {
	t.Helper()
	var value T
	if err := yaml.Unmarshal([]byte(packaged(t, name)), &value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

// dotfiles are the project's hidden files below its root, with forward slashes.
func dotfiles(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, entry := range must(os.ReadDir(home)) {
		if !strings.HasPrefix(entry.Name(), ".") || entry.Name() == ".git" {
			continue
		}
		if err := filepath.WalkDir(filepath.Join(home, entry.Name()), func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				names = append(names, filepath.ToSlash(strings.TrimPrefix(name, home+string(filepath.Separator))))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestPackagingParses(t *testing.T) {
	files := 0
	for _, name := range dotfiles(t) {
		switch {
		case strings.HasSuffix(name, ".yaml"), strings.HasSuffix(name, ".yml"):
			files++
			parsed[any](t, name)
		case strings.HasPrefix(packaged(t, name), "#!/usr/bin/env bash"):
			files++
			if output, err := exec.Command("bash", "-n", filepath.Join(home, name)).CombinedOutput(); err != nil {
				t.Errorf("%s: %s", name, output)
			}
			if info := must(os.Stat(filepath.Join(home, name))); info.Mode()&0o111 == 0 {
				t.Errorf("%s can not be executed", name)
			}
			if shellcheck, err := exec.LookPath("shellcheck"); err == nil {
				if output, err := exec.Command(shellcheck, filepath.Join(home, name)).CombinedOutput(); err != nil {
					t.Errorf("%s: %s", name, output)
				}
			}
		}
	}
	if files < 8 {
		t.Errorf("%d files were found: the test looks in the wrong place", files)
	}
}

// calls finds the command lines of dekey in a text: a word dekey at the start of a line or behind a quote, pipe or separator, with
// what follows on the line.
var calls = regexp.MustCompile(`(?m)(?:^|[|;&(]|run: |entry: |"\$DEKEY" |- )\s*(?:kubectl )?(dekey [a-z]+[^|;&>#\n]*)`)

// checkCall says what is wrong with a command line: a command or flag that dekey does not have.
func checkCall(t *testing.T, line string) (problems []string) {
	t.Helper()
	words := strings.Fields(line)
	command := strings.Trim(words[1], "`\"'.,")
	if !slices.Contains(append(cli.Commands(), "help", "completion"), command) {
		return []string{fmt.Sprintf("there is no command %s", command)}
	}
	help := dekey(t, command, "--help").stdout
	for _, word := range words[2:] {
		flag, _, _ := strings.Cut(strings.Trim(word, "`\"'.,"), "=")
		if !strings.HasPrefix(flag, "-") || flag == "--" || flag == "-" {
			continue
		}
		if !regexp.MustCompile(`(?m)^\s+(-., )?` + regexp.QuoteMeta(flag) + `( |$)|^\s+` + regexp.QuoteMeta(flag) + `, `).MatchString(help) {
			problems = append(problems, fmt.Sprintf("%s has no flag %s", command, flag))
		}
	}
	return problems
}

// Every call of dekey in the Action, the hook, the workflows, the manifests and the README's YAML is one that dekey has.
func TestPackagedCalls(t *testing.T) {
	texts := make(map[string]string)
	for _, name := range dotfiles(t) {
		texts[name] = packaged(t, name)
	}
	for i, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(packaged(t, "README.md"), -1) {
		var value any
		if err := yaml.Unmarshal([]byte(block[1]), &value); err != nil {
			t.Errorf("README.md, YAML block %d: %v", i+1, err)
		}
		texts[fmt.Sprintf("README.md, YAML block %d", i+1)] = block[1]
	}
	found := 0
	for name, text := range texts {
		text = strings.ReplaceAll(strings.ReplaceAll(text, `"$DEKEY" lint "${flags[@]}"`, "dekey lint"), "go run ./cmd/dekey", "dekey")
		for _, call := range calls.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(call[1], "dekey never") || strings.HasPrefix(call[1], "dekey itself") {
				continue
			}
			found++
			for _, problem := range checkCall(t, call[1]) {
				t.Errorf("%s: %s: %s", name, strings.TrimSpace(call[1]), problem)
			}
		}
	}
	if found < 5 {
		t.Errorf("%d calls were found: the test looks for the wrong thing", found)
	}
	for _, wrong := range []string{"dekey nonsense", "dekey scan --nonsense", "dekey guard --polic=x"} {
		if len(checkCall(t, wrong)) == 0 {
			t.Errorf("%q was taken", wrong)
		}
	}
	for _, right := range []string{"dekey scan -A --out=x .", "dekey guard --policy dekey.yaml -o bash"} {
		if problems := checkCall(t, right); len(problems) > 0 {
			t.Errorf("%q: %q", right, problems)
		}
	}
}

// The plugin's manifest names exactly the archives that goreleaser makes, and is filled in whole or not at all.
func TestKrew(t *testing.T) {
	release := parsed[struct {
		Builds []struct {
			Goos, Goarch []string
			Binary       string
			Env          []string
		}
		Archives []struct {
			NameTemplate    string `yaml:"name_template"`
			Formats         []string
			FormatOverrides []struct {
				Goos    string
				Formats []string
			} `yaml:"format_overrides"`
		}
	}](t, ".goreleaser.yaml")
	build, archive := release.Builds[0], release.Archives[0]
	if archive.NameTemplate != "dekey_{{ .Version }}_{{ .Os }}_{{ .Arch }}" || !slices.Contains(build.Env, "CGO_ENABLED=0") {
		t.Errorf("archives are named %s, built with %v", archive.NameTemplate, build.Env)
	}
	want := make(map[string]string)
	var sums strings.Builder
	for _, system := range build.Goos {
		for _, machine := range build.Goarch {
			format := archive.Formats[0]
			for _, other := range archive.FormatOverrides {
				if other.Goos == system {
					format = other.Formats[0]
				}
			}
			name := fmt.Sprintf("dekey_1.2.3_%s_%s.%s", system, machine, format)
			want[name] = fmt.Sprintf("%064x", len(want)+1)
			fmt.Fprintf(&sums, "%s  %s\n", want[name], name)
		}
	}
	sumFile := filepath.Join(t.TempDir(), "checksums.txt")
	if err := os.WriteFile(sumFile, []byte(sums.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(filepath.Join(home, ".ci", "krew"), "acme/dekey", "v1.2.3", sumFile).Output()
	if err != nil {
		t.Fatal(err)
	}
	var plugin struct {
		Metadata struct{ Name string }
		Spec     struct {
			Version, Homepage string
			Platforms         []struct {
				Selector         struct{ MatchLabels map[string]string } `yaml:"selector"`
				URI, Sha256, Bin string
			}
		}
	}
	if err := yaml.Unmarshal(output, &plugin); err != nil {
		t.Fatal(err)
	}
	if plugin.Spec.Version != "v1.2.3" || plugin.Spec.Homepage != "https://github.com/acme/dekey" || len(plugin.Spec.Platforms) != len(want) {
		t.Errorf("the manifest is %+v, want %d platforms", plugin, len(want))
	}
	for _, p := range plugin.Spec.Platforms {
		folder, name := filepath.Split(p.URI)
		if folder != "https://github.com/acme/dekey/releases/download/v1.2.3/" || want[name] == "" || p.Sha256 != want[name] {
			t.Errorf("%s has the checksum %s, want %s", p.URI, p.Sha256, want[name])
		}
		if strings.TrimSuffix(p.Bin, ".exe") != build.Binary || strings.HasSuffix(p.Bin, ".exe") != strings.Contains(name, "windows") {
			t.Errorf("%s: the binary is %s", name, p.Bin)
		}
	}
	for _, args := range [][]string{{}, {"acme", "v1", sumFile}, {"acme/dekey", "1.2.3", sumFile}, {"acme/dekey", "v1.2.4", sumFile}, {"acme/dekey;x", "v1.2.3", sumFile}} {
		if err := exec.Command(filepath.Join(home, ".ci", "krew"), args...).Run(); err == nil {
			t.Errorf(".ci/krew %q succeeded", args)
		}
	}
}

// One version of Go: go.mod's.
func TestGoVersion(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(packaged(t, "go.mod"))[1]
	images := 0
	for _, name := range dotfiles(t) {
		for _, image := range regexp.MustCompile(`golang:([0-9.]+)`).FindAllStringSubmatch(packaged(t, name), -1) {
			if images++; image[1] != version {
				t.Errorf("%s builds with Go %s, go.mod says %s", name, image[1], version)
			}
		}
		for _, line := range regexp.MustCompile(`(?m)go-version(-file)?: *(.*)$`).FindAllStringSubmatch(packaged(t, name), -1) {
			if !strings.HasSuffix(line[2], "go.mod") {
				t.Errorf("%s: %s", name, line[0])
			}
		}
	}
	if images < 2 {
		t.Errorf("%d images were found", images)
	}
	if readme := packaged(t, "README.md"); !strings.Contains(readme, "Go ("+version) {
		t.Errorf("the README does not ask for Go %s", version)
	}
}

// The image's context has every folder with a package of the program, and nothing that is only for tests.
func TestImage(t *testing.T) {
	kept := []string{}
	for line := range strings.Lines(packaged(t, ".github/Dockerfile.dockerignore")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			kept = append(kept, name)
			if _, err := os.Stat(filepath.Join(home, name)); err != nil {
				t.Error(err)
			}
		}
	}
	output, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "dekey/cmd/dekey").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(output)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(name), "dekey/"); ok {
			if top, _, _ := strings.Cut(rest, "/"); !slices.Contains(kept, top) {
				t.Errorf("the image's context lacks %s", top)
			}
		}
	}
	if slices.Contains(kept, "testdata") || !strings.HasPrefix(packaged(t, ".github/Dockerfile.dockerignore"), "*\n") {
		t.Error("the image's context has what is only for tests")
	}
}

// The scan inside a cluster runs as the account of dekey permissions, with a command line that dekey has.
func TestScanManifest(t *testing.T) {
	job := parsed[struct {
		Metadata struct{ Namespace string }
		Spec     struct {
			JobTemplate struct {
				Spec struct {
					Template struct {
						Spec struct {
							ServiceAccountName string `yaml:"serviceAccountName"`
							Containers         []struct{ Args []string }
						}
					}
				}
			} `yaml:"jobTemplate"`
		}
	}](t, ".github/scan.yaml")
	spec := job.Spec.JobTemplate.Spec.Template.Spec
	granted := dekey(t, "permissions").stdout
	if want := "kind: ServiceAccount\nmetadata:\n  name: " + spec.ServiceAccountName + "\n  namespace: " + job.Metadata.Namespace + "\n"; !strings.Contains(granted, want) {
		t.Errorf("dekey permissions has no account %s/%s", job.Metadata.Namespace, spec.ServiceAccountName)
	}
	if problems := checkCall(t, "dekey "+strings.Join(spec.Containers[0].Args, " ")); len(problems) > 0 {
		t.Errorf("%q: %q", spec.Containers[0].Args, problems)
	}
}

// The nightly script finds every fuzz target of the project.
func TestFuzzScript(t *testing.T) {
	script := packaged(t, ".ci/fuzz")
	find := regexp.MustCompile(`(?m)^mapfile -t targets < <\((.*)\)$`).FindStringSubmatch(script)
	if find == nil {
		t.Fatal("the line that finds the targets is not where the test looks")
	}
	command := exec.Command("bash", "-c", find[1])
	command.Dir = home
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(output)), "\n")
	var want []string
	listed, err := exec.Command("git", "-C", home, "ls-files", "*_test.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(listed)) {
		name = strings.TrimSpace(name)
		for _, target := range regexp.MustCompile(`(?m)^func (Fuzz\w+)`).FindAllStringSubmatch(packaged(t, name), -1) {
			want = append(want, filepath.ToSlash(filepath.Dir(name))+" "+target[1])
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) < 5 {
		t.Errorf("targets %q, want %q", got, want)
	}
}

// The Action's script passes everything on as it is, and ends as lint did.
func TestActionScript(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "dekey"), `#!/usr/bin/env bash
printf '<%s>' "$@" >>"$CALLS"
printf '\n' >>"$CALLS"
printf '{}\n'
exit "$CODE"
`)
	if err := os.Chmod(filepath.Join(dir, "dekey"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, code, gaps string
		env              []string
		exit             int
		call             string
	}{
		{name: "nothing", code: "0", call: "<lint><--output=sarif><--><.>\n<lint><--output=github><--><.>\n"},
		{name: "violations", code: "4", exit: 4, call: "<lint><--output=sarif><--><.>\n<lint><--output=github><--><.>\n"},
		{name: "gaps", code: "3", call: "<lint><--output=sarif><--><.>\n<lint><--output=github><--><.>\n"},
		{name: "gaps that fail", code: "3", gaps: "true", exit: 3, call: "<lint><--output=sarif><--><.>\n<lint><--output=github><--><.>\n"},
		{name: "a wrong policy", code: "2", exit: 2, call: "<lint><--output=sarif><--><.>\n"},
		{
			name: "hostile inputs", code: "0",
			env:  []string{"LINT_PATHS=a b\n--policy=x\n\n$(touch pwned)", "LINT_SINCE=main; touch pwned", "LINT_POLICY=`id`", "LINT_BASELINE=b"},
			call: "<lint><--since=main; touch pwned><--policy=`id`><--baseline=b><--output=sarif><--><a b><--policy=x><$(touch pwned)>\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			work := t.TempDir()
			command := exec.Command("bash", must(filepath.Abs(filepath.Join(home, ".github", "actions", "lint", "lint.sh"))))
			command.Dir = work
			command.Env = append(os.Environ(), "DEKEY="+filepath.Join(dir, "dekey"), "CALLS="+filepath.Join(work, "calls"), "CODE="+test.code,
				"RUNNER_TEMP="+work, "GITHUB_OUTPUT="+filepath.Join(work, "output"), "LINT_PATHS=.", "LINT_FAIL_ON_GAPS="+test.gaps)
			command.Env = append(command.Env, test.env...)
			output, err := command.CombinedOutput()
			if got := command.ProcessState.ExitCode(); got != test.exit {
				t.Errorf("exit code %d, want %d: %v %s", got, test.exit, err, output)
			}
			if calls := string(must(os.ReadFile(filepath.Join(work, "calls")))); !strings.HasPrefix(calls, test.call) {
				t.Errorf("calls\n%swant\n%s", calls, test.call)
			}
			if _, err := os.Stat(filepath.Join(work, "pwned")); err == nil {
				t.Error("an input was run")
			}
			if test.exit != 2 {
				if got := string(must(os.ReadFile(filepath.Join(work, "output")))); got != "sarif="+filepath.Join(work, "dekey.sarif")+"\n" {
					t.Errorf("the output is %q", got)
				}
			}
		})
	}
}

// Nothing that others give stands in a script of the Action or of a workflow: it goes through the environment.
func TestScriptsHaveNoExpressions(t *testing.T) {
	scripts := 0
	var walk func(name string, value any)
	walk = func(name string, value any) {
		switch value := value.(type) {
		case []any:
			for _, one := range value {
				walk(name, one)
			}
		case map[string]any:
			for key, one := range value {
				if script, ok := one.(string); ok && key == "run" {
					if scripts++; strings.Contains(script, "${{") {
						t.Errorf("%s: %s", name, script)
					}
				}
				walk(name, one)
			}
		}
	}
	for _, name := range dotfiles(t) {
		if strings.HasPrefix(name, ".github/") && (strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml")) {
			walk(name, parsed[any](t, name))
		}
	}
	if scripts < 5 {
		t.Errorf("%d scripts were found", scripts)
	}
}

// Called as a plugin of kubectl, dekey says how it was called.
func TestPlugin(t *testing.T) {
	for program, want := range map[string]string{
		"/usr/bin/kubectl-dekey": "Usage:\n  kubectl dekey scan [PATH...] [flags]", "kubectl-dekey.exe": "Usage:\n  kubectl dekey scan ",
		"/usr/bin/dekey": "Usage:\n  dekey scan ",
	} {
		var stdout bytes.Buffer
		sys := cli.System{Stdout: &stdout, Stderr: &stdout, LookupEnv: func(string) (string, bool) { return "", false }, Program: program}
		if code := cli.Main(t.Context(), []string{"scan", "--help"}, sys); code != 0 || !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: exit code %d, %.300q", program, code, stdout.String())
		}
	}
}

// Help fits a terminal of 80 columns, but for flags whose own name is longer.
func TestHelpFits(t *testing.T) {
	for _, command := range cli.Commands() {
		for line := range strings.Lines(dekey(t, command, "--help").stdout) {
			if line = strings.TrimRight(line, "\n"); len(line) > 100 {
				t.Errorf("dekey %s --help: %d characters: %s", command, len(line), line)
			}
		}
	}
}
