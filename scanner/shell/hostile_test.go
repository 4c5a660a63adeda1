package shell

import (
	"strings"
	"testing"
)

// What would take a parser down: nesting of every kind, up to the limit of a file's size. A crash ends the test binary.
func TestHostileFiles(t *testing.T) {
	const size = MaxBytes - 200
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	const run = "gcloud projects list\n"
	for _, test := range []struct {
		name, path, data string
		gap              bool
	}{
		{"an open quote", "a.sh", run + "echo \"unclosed\n", true},
		{"an open single quote", "a.sh", run + "echo 'unclosed\n", true},
		{"a quote that is open over a megabyte", "a.sh", run + "echo '" + fill("x"), true},
		{"subshells", "a.sh", run + fill("("), true},
		{"subshells with spaces", "a.sh", run + fill("( "), true},
		{"command substitutions", "a.sh", run + fill("$("), true},
		{"command substitutions in quotes", "a.sh", run + fill(`"$(echo `), true},
		{"backquotes", "a.sh", run + fill("`"), true},
		{"braces", "a.sh", run + fill("{ "), true},
		{"parameters", "a.sh", run + fill("${a:-"), true},
		{"arithmetic", "a.sh", run + fill("$(("), true},
		{"arithmetic signs", "a.sh", run + "echo $((" + fill("-") + "1))", true},
		{"arithmetic signs with spaces", "a.sh", run + "echo $((" + fill("- ") + "1))", true},
		{"arithmetic choices", "a.sh", run + "echo $((" + fill("a?") + "1))", true},
		{"a sum", "a.sh", run + "echo $((1" + strings.Repeat("+1", 50_000) + "))", false},
		{"ifs", "a.sh", run + fill("if "), true},
		{"whiles", "a.sh", run + fill("while "), true},
		{"cases", "a.sh", run + fill("case a in a) "), true},
		{"fors", "a.sh", run + fill("for a in b; do "), true},
		{"functions", "a.sh", run + strings.Repeat("f() ", 20_000), true},
		{"function words", "a.sh", run + fill("function f "), true},
		{"times", "a.sh", run + fill("time "), true},
		{"coprocs", "a.sh", run + fill("coproc "), true},
		{"not", "a.sh", run + fill("! "), true},
		{"tests of tests", "a.sh", run + "[[ " + fill("! ") + "a ]]", true},
		{"pipes", "a.sh", run + "a" + fill("|a"), true},
		{"ands", "a.sh", run + "a" + fill(" && a"), true},
		{"arrays", "a.sh", run + fill("a=("), true},
		{"indexes", "a.sh", run + fill("a["), true},
		{"globs", "a.sh", run + "echo " + fill("@("), true},
		{"heredocs", "a.sh", run + fill("cat <<A\n"), true},
		{"process substitutions", "a.sh", run + fill("cat <("), true},
		{"zero bytes", "a.sh", run + fill("\x00"), true},
		{"no text", "a.sh", run + fill("\xff"), true},
		{"backslashes", "a.sh", run + fill(`\`), true},
		{"one long line", "a.sh", "gcloud " + strings.Repeat("x ", 100_000), false},
		{"rulers", "a.sh", run + fill("####################################################\n"), false},
		{"rulers that are printed", "a.sh", run + fill("echo '==================================================='\n"), false},
		{"too large", "a.sh", strings.Repeat(" ", MaxBytes+1), true},
		{"variables that double", "a.sh", doubling(), false},
		{"a variable of itself", "a.sh", "a=$a\ngcloud projects list $a\n", false},
		{"a workflow that is no YAML", ".github/workflows/a.yml", "run: [gcloud\n", true},
		{"a workflow that is nested", ".github/workflows/a.yml", "gcloud: " + fill("["), true},
		{"a script in a workflow that is open", ".github/workflows/a.yml", "run: |\n  gcloud projects list 'x\n", true},
		{"scripts in scripts", "a.sh", run + fill("bash <<A\n"), true},
		{"evals", "a.sh", run + fill("eval "), false},
		{"an image that never ends", "Dockerfile", "RUN gcloud \\\n" + fill("a \\\n"), false},
		{"an image's document that never ends", "Dockerfile", "RUN <<EOF\ngcloud\n" + fill("(\n"), true},
		{"a long script without an extension", "run", "#!/bin/sh\n" + strings.Repeat(" ", MaxPeek), true},
		{"empty", "a.sh", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, gaps := Read("s", test.path, []byte(test.data))
			if (len(gaps) > 0) != test.gap {
				t.Errorf("gaps %v, want any: %v", gaps, test.gap)
			}
			for _, gap := range gaps {
				if len(gap.Why) > 200 || !strings.HasPrefix(gap.What, test.path) {
					t.Errorf("gap %.300v", gap)
				}
			}
		})
	}
}

func doubling() string {
	var b strings.Builder
	b.WriteString("a0=xxxxxxxxxxxxxxxx\n")
	for i := 1; i < 40; i++ {
		b.WriteString("a" + itoa(i) + "=$a" + itoa(i-1) + "$a" + itoa(i-1) + "\n")
	}
	b.WriteString("gcloud projects add-iam-policy-binding $a39 --member=$a39\n")
	return b.String()
}

func FuzzRead(f *testing.F) {
	for _, data := range []string{
		"P=a\ngcloud iam service-accounts add-iam-policy-binding x@$P.iam.gserviceaccount.com --member \"serviceAccount:$P.svc.id.goog[a/b]\" --role=r\n",
		"on: push\njobs:\n  a:\n    steps:\n    - run: |\n        gcloud projects add-iam-policy-binding ${{ x }} --member=y\n",
		"a:\n\t@gcloud iam service-accounts keys create k.json --iam-account=$(SA)\n",
		"bash -c \"eval 'gcloud $A'\" <<EOF\ngcloud $B\nEOF\ncat <<'X' | sh -s\ngcloud\nX\n",
	} {
		f.Add([]byte(data), 0)
	}
	f.Add([]byte("FROM a\nRUN --mount=a <<E\ngcloud x\nE\nRUN [\"gcloud\"]\nENV GOOGLE_APPLICATION_CREDENTIALS /k\nRUN a \\\n# c\n"), 4)
	f.Fuzz(func(_ *testing.T, data []byte, kind int) {
		names := []string{"a.sh", ".github/workflows/a.yml", "Makefile", "cloudbuild.yaml", "Dockerfile", "task.yaml", "run"}
		Read("s", names[uint(kind)%uint(len(names))], data)
	})
}
