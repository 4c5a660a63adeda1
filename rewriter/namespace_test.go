package rewriter_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
	"dekey/scanner/manifest"
)

// A namespace that is given for a folder is the new account's too; one that is given for a file is not: its manifest says it.
func TestGivenNamespace(t *testing.T) {
	for _, test := range []struct{ name, path, written string }{
		{"of the folder", "apps", ""},
		{"of everything", ".", ""},
		{"of the file", "apps/api.yaml", "shop"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "apps"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "apps", "api.yaml"), []byte(wired), 0o644); err != nil {
				t.Fatal(err)
			}
			reader := manifest.New(manifest.Options{Root: dir, ID: ".", Namespaces: []manifest.NamespaceRule{{Path: test.path, Namespace: "shop"}}})
			inventory, err := scanner.Scan(context.Background(), reader)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := planner.New(inventory, planner.Policy{
				Pool:       "acme.svc.id.goog",
				Accounts:   []planner.AccountRule{{Namespace: "*", Secret: "*", Email: account}},
				Namespaces: []planner.NamespaceRule{{Path: test.path, Namespace: "shop"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			files := fstest.MapFS{"apps/api.yaml": &fstest.MapFile{Data: []byte(wired), Mode: 0o644}}
			result, err := rewriter.Rewrite(context.Background(), files, plan, reader, rewriter.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range result.Plan.Holds {
				t.Errorf("hold: %s: %s", h.Code, h.Reason)
			}
			want := map[string]string{"apps/api.yaml": unwired, "apps/api-serviceaccount.yaml": serviceAccount("api", test.written, account)}
			if diff := cmp.Diff(want, gitApply(t, files, result.Patch)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}
