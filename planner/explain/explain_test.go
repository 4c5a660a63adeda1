package explain

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// constants reads the string constants of the Go files in a folder whose names start with prefix.
func constants(t *testing.T, folder, prefix string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("listing %s: %v", folder, err)
	}
	found := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, spec := range gen.Specs {
				value := spec.(*ast.ValueSpec)
				for i, name := range value.Names {
					if i >= len(value.Values) || !strings.HasPrefix(name.Name, prefix) {
						continue
					}
					literal, ok := value.Values[i].(*ast.BasicLit)
					if !ok || literal.Kind != token.STRING {
						continue
					}
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[name.Name] = text
				}
			}
		}
	}
	return found
}

// Every code that a document can carry has a text of its kind, and every text of that kind belongs to a code.
func TestEveryCodeIsExplained(t *testing.T) {
	for _, test := range []struct {
		folder, prefix string
		kind           Kind
	}{
		{folder: "../lint", prefix: "Rule", kind: Rule},
		{folder: "../../rewriter/precondition", prefix: "Code", kind: Condition},
		{prefix: "Hold", kind: Hold},
		{prefix: "Notice", kind: Notice},
		{prefix: "Blocker", kind: Blocker},
		{prefix: "Prerequisite", kind: Prerequisite},
	} {
		codes := constants(t, cmp.Or(test.folder, ".."), test.prefix)
		if len(codes) == 0 {
			t.Fatalf("no constant %s*: the test looks in the wrong place", test.prefix)
		}
		known := map[string]bool{}
		if test.kind == Rule { // those of guard's policies are the planner's
			maps.Copy(codes, constants(t, "..", "Guard"))
		}
		for name, code := range codes {
			known[code] = true
			text, ok := Lookup(code)
			if !ok {
				t.Errorf("%s = %q: no text in planner/explain", name, code)
			} else if !text.Is(test.kind) {
				t.Errorf("%s = %q: explained as a %s, which is no %s", name, code, text.Kind, test.kind)
			}
		}
		for _, text := range All() {
			if text.Is(test.kind) && !known[text.Code] {
				t.Errorf("%s %q is explained and no code has it", text.Kind, text.Code)
			}
		}
	}
}

func TestViasVerdictsAndUsesAreExplained(t *testing.T) {
	for _, test := range []struct {
		folder, prefix string
		pick           func(name, value string) bool
	}{
		{"../../scanner", "Verdict", func(string, string) bool { return true }},
		{"../../scanner", "Use", func(string, string) bool { return true }},
		{"../../scanner", "NotUsed", func(string, string) bool { return true }},
	} {
		codes := constants(t, test.folder, test.prefix)
		if len(codes) == 0 {
			t.Fatalf("no constant %s* in %s", test.prefix, test.folder)
		}
		for name, code := range codes {
			if _, ok := Lookup(code); !ok {
				t.Errorf("%s = %q: no text", name, code)
			}
		}
	}
	for _, via := range []string{"env-file", "env-value", "env-from", "arg-file", "mount", "reference", "image-pull", "inline"} {
		if _, ok := Lookup(via); !ok {
			t.Errorf("via %q: no text", via)
		}
	}
	for _, code := range []string{"exit-0", "exit-1", "exit-2", "exit-3", "exit-4", "token-403", "api-403", "email-is-node-account", "adc-file-missing", "metadata-unreachable"} {
		if _, ok := Lookup(code); !ok {
			t.Errorf("%q: no text", code)
		}
	}
}

func TestTextsAreWhole(t *testing.T) {
	word := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, text := range All() {
		switch {
		case !word.MatchString(text.Code):
			t.Errorf("%q is no code in kebab-case", text.Code)
		case seen[text.Code]:
			t.Errorf("%q is explained twice", text.Code)
		}
		seen[text.Code] = true
		for field, value := range map[string]string{"What": text.What, "Why": text.Why, "Do": text.Do, "Source": text.Source} {
			if value == "" {
				t.Errorf("%s: %s is empty", text.Code, field)
				continue
			}
			if field != "Source" && !strings.HasSuffix(value, ".") {
				t.Errorf("%s: %s does not end as a sentence: %q", text.Code, field, value)
			}
			if first := []rune(value)[0]; unicode.IsLower(first) && !strings.HasPrefix(value, "gcloud") && !strings.HasPrefix(value, "lint") && !strings.HasPrefix(value, "gaps") {
				t.Errorf("%s: %s does not start as a sentence: %q", text.Code, field, value)
			}
			for _, banned := range []string{"failed to", "TODO", "  ", "\n", "\t"} {
				if strings.Contains(value, banned) {
					t.Errorf("%s: %s contains %q", text.Code, field, banned)
				}
			}
		}
		if len(text.Answers) > 0 && text.Kind != Hold {
			t.Errorf("%s: only a hold takes answers", text.Code)
		}
	}
	for _, code := range []string{"invalid-name", "key-not-owned", "user-credential", "several-accounts"} {
		if text, _ := Lookup(code); len(text.Answers) != 0 || !strings.Contains(text.Do, "takes no answer") {
			t.Errorf("%s takes no answer, and the text must say so", code)
		}
	}
}

func TestLookupAndNear(t *testing.T) {
	if _, ok := Lookup(" Host-Network "); !ok {
		t.Error("case and space must not matter")
	}
	if _, ok := Lookup("nonsense"); ok {
		t.Error("nonsense was explained")
	}
	if near := Near("hostnetwork-x"); len(near) > 5 {
		t.Errorf("too many: %q", near)
	}
	if near := Near("network"); len(near) == 0 {
		t.Error("network should be near host-network")
	}
	All()[0].Code = "spoilt"
	if All()[0].Code == "spoilt" {
		t.Error("All hands out the package's own list")
	}
}
