package pullrequest

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestSameRepository(t *testing.T) {
	for _, test := range []struct {
		address string
		want    bool
	}{
		{"https://github.com/acme/shop.git", true},
		{"https://github.com/acme/shop", true},
		{"https://robot:secret@github.com/Acme/Shop/", true},
		{"ssh://git@github.com:22/acme/shop.git", true},
		{"git@github.com:acme/shop.git", true},
		{"github.com:acme/shop", true},
		{"https://github.com.evil.example/acme/shop", false},
		{"https://evil.example/github.com/acme/shop", false},
		{"https://github.com/acme/shop-other", false},
		{"/srv/git/acme/shop.git", false},
		{"git@evil.example:acme/shop.git", false},
	} {
		if got := sameRepository(test.address, "github.com", "acme", "shop"); got != test.want {
			t.Errorf("%s: %v", test.address, got)
		}
	}
}

func TestAPIAddress(t *testing.T) {
	for server, want := range map[string]string{
		"https://github.com":              "https://api.github.com/",
		"https://github.com/":             "https://api.github.com/",
		"https://acme.ghe.com":            "https://api.acme.ghe.com/",
		"https://git.acme.example":        "https://git.acme.example/api/v3/",
		"http://127.0.0.1:8080":           "http://127.0.0.1:8080/api/v3/",
		"http://git.acme.example":         "",
		"http://127.0.0.1.evil.example":   "",
		"https://robot:secret@github.com": "",
		"ftp://github.com":                "",
		"github.com":                      "",
		"https://github.com?x=y":          "",
	} {
		got, err := APIAddress(server)
		if want == "" {
			if err == nil {
				t.Errorf("%s: taken as %s", server, got)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("it prints what may be a token: %v", err)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v; want %s", server, got, err, want)
		}
	}
}

// A branch made of a group's name is one that git takes, whatever the name.
func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"payments":                     "payments",
		"payments/Deployment/api":      "payments-deployment-api",
		"@acme/payments @acme/sre":     "acme-payments-acme-sre",
		"..":                           "group",
		"-d":                           "d",
		"a.lock":                       "a-lock",
		"x~^:?*[\\ \x00\n@{y":          "x-y",
		"fixes #12":                    "fixes-12",
		"日本":                           "group",
		"":                             "group",
		strings.Repeat("a", 59) + "-b": strings.Repeat("a", 59),
	} {
		got := slug(name)
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if err := exec.Command("git", "check-ref-format", "refs/heads/dekey/migrate/"+got).Run(); err != nil {
			t.Errorf("%q: git does not take %q", name, got)
		}
	}
}

func TestCodeowners(t *testing.T) {
	owners := ownersOf(parseCodeowners(`
# comment
*                 @acme/all
*.js              @js # with a comment
/build/logs/      @logs
docs/*            docs@example.com
apps/             @apps
/scripts          @scripts
**/secrets        @secrets
/apps/github
with\ blank/      @blank
!nothing          @never
[ab]              @never
/päyments/*.yaml  @pay @sre
`))
	for path, want := range map[string]string{
		"README.md":            "@acme/all",
		"a/b/c.js":             "@js",
		"build/logs/x/y":       "@logs",
		"other/build/logs/x":   "@acme/all",
		"docs/guide.md":        "docs@example.com",
		"docs/more/guide.md":   "@acme/all",
		"x/docs/guide.md":      "@acme/all",
		"x/apps/y.yaml":        "@apps",
		"apps/y.yaml":          "@apps",
		"apps/github/x.yaml":   "",
		"scripts/x":            "@scripts",
		"scripts":              "@scripts",
		"x/scripts/y":          "@acme/all",
		"a/secrets/key.yaml":   "@secrets",
		"secrets/key.yaml":     "@secrets",
		"with blank/x":         "@blank",
		"a":                    "@acme/all",
		"päyments/a.yaml":      "@pay @sre",
		"päyments/more/a.yaml": "@acme/all",
	} {
		if got := strings.Join(owners(path), " "); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// git's pattern of a path matches that path, and no other.
func TestLiteral(t *testing.T) {
	dir := t.TempDir()
	paths := []string{"a*b", "aXb", "a?b", "a[x]b", "axb", `a\b`, "a b", "{a}", "ä"}
	for _, path := range paths {
		cmd := exec.Command("git", "apply", "--numstat", "--include="+literal(path), "-")
		cmd.Dir = dir
		var input strings.Builder
		for _, other := range paths {
			quoted := `"b/` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(other) + `"`
			input.WriteString("diff --git " + strings.Replace(quoted, "b/", "a/", 1) + " " + quoted + "\nnew file mode 100644\n--- /dev/null\n+++ " + quoted + "\n@@ -0,0 +1 @@\n+x\n")
		}
		cmd.Stdin = strings.NewReader(input.String())
		cmd.Args = slices.Insert(cmd.Args, 1, "-c", "core.quotePath=false")
		out, err := cmd.CombinedOutput()
		if n := strings.Count(string(out), "\n"); err != nil || n != 1 {
			t.Errorf("%q matches %d paths (%v):\n%s", path, n, err, out)
		}
	}
}
