package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A rule says who must not import what. Both are import paths; a pattern that ends in /... covers what is below it.
type rule struct {
	who    []string // the importers that the rule binds
	except []string // importers that it does not bind
	never  []string
	unless []string // imports that the rule allows all the same
}

// rules is the table "who may import whom" of the README's picture.
var rules = []rule{
	{who: []string{"dekey/scanner", "dekey/scanner/..."}, never: []string{"dekey/planner", "dekey/planner/...", "dekey/rewriter", "dekey/rewriter/...", "dekey/cmd/..."}},
	{who: []string{"dekey/scanner/object"}, never: []string{"dekey/..."}},
	{who: []string{"dekey/scanner"}, never: []string{"dekey/scanner/manifest", "dekey/scanner/manifest/...", "dekey/scanner/cluster", "dekey/scanner/gcp", "dekey/scanner/gcp/..."}},
	{who: []string{"dekey/scanner/wiring", "dekey/scanner/catalog", "dekey/scanner/keyfile"}, never: []string{"dekey/scanner", "dekey/scanner/manifest", "dekey/scanner/cluster"}},
	{who: []string{"dekey/planner", "dekey/planner/..."}, never: []string{"context", "os", "os/...", "net/http", "net/http/...", "dekey/rewriter", "dekey/rewriter/...", "dekey/cmd/..."}},
	{who: []string{"dekey/planner", "dekey/planner/..."}, never: []string{"dekey/scanner/..."}, unless: []string{"dekey/scanner/keyfile", "dekey/scanner/object", "dekey/scanner/wiring", "dekey/scanner/iam"}},
	{who: []string{"dekey/rewriter", "dekey/rewriter/..."}, except: []string{"dekey/rewriter/pullrequest", "dekey/rewriter/pullrequest/..."}, never: []string{"os", "os/...", "net/http", "net/http/...", "dekey/cmd/..."}},
	{who: []string{"dekey/rewriter", "dekey/rewriter/..."}, never: []string{"dekey/scanner/manifest", "dekey/scanner/manifest/...", "dekey/scanner/cluster", "dekey/scanner/gcp", "dekey/scanner/gcp/..."}},
	{who: []string{"dekey/rewriter/yamledit", "dekey/rewriter/unified", "dekey/rewriter/runbook", "dekey/rewriter/report", "dekey/rewriter/precondition", "dekey/rewriter/guard"}, never: []string{"context"}},
	{who: []string{"dekey/..."}, never: []string{"dekey/cmd/dekey/internal/cli"}, except: []string{"dekey/cmd/dekey"}},
	only("dekey/scanner/cluster", "k8s.io/client-go/...", "k8s.io/api/..."),
	only("dekey/scanner/gcp", "google.golang.org/api/..."),
	only("dekey/scanner/manifest", "sigs.k8s.io/kustomize/...", "helm.sh/helm/..."),
	{who: []string{"dekey/..."}, except: []string{"dekey/scanner/terraform", "dekey/rewriter/runbook", "dekey/rewriter/guard"}, never: []string{"github.com/hashicorp/hcl/..."}},
	{who: []string{"dekey/..."}, except: []string{"dekey/scanner/shell", "dekey/rewriter/runbook"}, never: []string{"mvdan.cc/sh/..."}},
	only("dekey/rewriter/unified", "github.com/sergi/go-diff/..."),
	only("dekey/rewriter/pullrequest", "github.com/google/go-github/..."),
	{who: []string{"dekey/..."}, except: []string{"dekey/scanner/manifest", "dekey/scanner/manifest/...", "dekey/planner/planfile", "dekey/rewriter/yamledit"}, never: []string{"gopkg.in/yaml.v3"}},
	{who: []string{"dekey/..."}, except: []string{"dekey/scanner/manifest", "dekey/scanner/manifest/...", "dekey/rewriter/pullrequest", "dekey/rewriter/pullrequest/githubtest"}, never: []string{"os/exec"}},
	{who: []string{"dekey/..."}, never: []string{"io/ioutil", "github.com/ghodss/yaml"}},
}

// only says that what comes in at one house alone, and below it.
func only(house string, what ...string) rule {
	return rule{who: []string{"dekey/..."}, except: []string{house, house + "/..."}, never: what}
}

// covered says whether an import path is in a list of patterns.
func covered(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if parent, found := strings.CutSuffix(pattern, "/..."); found {
			return strings.HasPrefix(name, parent+"/")
		}
		return name == pattern
	})
}

// breaches are the imports of one package that a rule forbids.
func breaches(importer string, imports []string) []string {
	var found []string
	for _, r := range rules {
		if !covered(r.who, importer) || covered(r.except, importer) {
			continue
		}
		for _, name := range imports {
			if covered(r.never, name) && !covered(r.unless, name) {
				found = append(found, fmt.Sprintf("%s must not import %s", importer, name))
			}
		}
	}
	return found
}

// importsOf reads the imports of every package below root, by import path; tests and nested modules are left out.
func importsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		importer := path.Join("dekey", filepath.ToSlash(dir))
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[importer] = append(found[importer], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhoImportsWhom(t *testing.T) {
	found := importsOf(t, filepath.Join("..", ".."))
	for _, house := range []string{"dekey/scanner", "dekey/planner", "dekey/rewriter", "dekey/cmd/dekey/internal/cli"} {
		if len(found[house]) == 0 {
			t.Errorf("%s was not read: the test would pass on nothing", house)
		}
	}
	for importer, imports := range found {
		for _, breach := range breaches(importer, imports) {
			t.Error(breach)
		}
	}
}

// Every rule is breached on purpose, once for each thing that it forbids, by a package of each house that it binds.
func TestPlantedBreachesAreCaught(t *testing.T) {
	for i, r := range rules {
		for _, who := range r.who {
			importer := strings.Replace(who, "/...", "/planted", 1)
			for _, never := range r.never {
				imported := strings.Replace(never, "/...", "/planted", 1)
				t.Run(fmt.Sprintf("%d %s imports %s", i, importer, imported), func(t *testing.T) {
					if covered(r.unless, imported) {
						t.Fatalf("the rule excuses what it forbids")
					}
					if len(breaches(importer, []string{imported})) == 0 {
						t.Errorf("the breach is not caught")
					}
				})
			}
		}
	}
	if found := breaches("dekey/scanner/cluster", []string{"k8s.io/client-go/kubernetes"}); len(found) > 0 {
		t.Errorf("a rule catches what is allowed: %q", found)
	}
}

// The breach is caught in source text too, not only in a list of names.
func TestPlantedFileIsCaught(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "planner")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	source := "package planner\n\nimport clock \"os\"\n\nvar _ = clock.Args\n"
	if err := os.WriteFile(filepath.Join(dir, "planted.go"), []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	if found := breaches("dekey/planner", importsOf(t, root)["dekey/planner"]); len(found) != 1 {
		t.Errorf("breaches of the planted file: %q, want one", found)
	}
}
