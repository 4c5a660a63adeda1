package rewriter_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
	"dekey/scanner/manifest"
	"dekey/scanner/object"
)

const account = "api@acme.iam.gserviceaccount.com"

// tree reads a checkout from an archive.
func tree(archive string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, file := range txtar.Parse([]byte(archive)).Files {
		files[file.Name] = &fstest.MapFile{Data: file.Data, Mode: 0o644}
	}
	return files
}

// planOf is a plan with moves, made from files.
func planOf(files fstest.MapFS, moves ...planner.Move) planner.Plan {
	source := scanner.Source{ID: ".", Kind: "repository", Root: ".", Commit: "c0ffee"}
	for name, file := range files {
		sum := sha256.Sum256(file.Data)
		source.Files = append(source.Files, scanner.FileDigest{Path: name, SHA256: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(source.Files, func(a, b scanner.FileDigest) int { return strings.Compare(a.Path, b.Path) })
	plan := planner.Plan{APIVersion: "dekey/v1", Kind: "Plan", ID: "plan", Moves: moves, Sources: []scanner.Source{source}}
	for _, move := range moves {
		plan.Access = append(plan.Access, planner.Access{Workload: move.Workload, Before: []string{account}, After: []string{account}})
		plan.Waves = append(plan.Waves, planner.Wave{Name: "w", Moves: []string{move.ID}})
	}
	return plan
}

func deployment(namespace, name string) scanner.Ref {
	return scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: name}
}

func path(t *testing.T, s string) scanner.Path {
	t.Helper()
	p, err := object.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// unwire is a move of a Deployment with the usual wiring, to a new service account.
func unwire(t *testing.T, namespace, name string) planner.Move {
	t.Helper()
	ref := deployment(namespace, name)
	remove := func(field, was string) planner.Edit {
		return planner.Edit{Object: ref, Op: planner.OpRemove, Field: path(t, field), Was: was, Why: "the key"}
	}
	const pod = "spec.template.spec."
	sa := scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: namespace, Name: name}
	return planner.Move{
		ID: ref.String(), Workload: ref, Findings: []string{"f-" + name}, Account: account, Model: planner.Impersonation, Before: "default",
		ServiceAccount: planner.ServiceAccount{Namespace: namespace, Name: name, Create: true},
		Grants: []planner.Grant{{Resource: planner.AccountResource(account), Role: planner.RoleWorkloadIdentityUser, Project: "acme",
			Member: "serviceAccount:acme.svc.id.goog[" + namespace + "/" + name + "]"}},
		Edits: []planner.Edit{
			remove(pod+"containers[name=app].env[name=GOOGLE_APPLICATION_CREDENTIALS]", "/secrets/key.json"),
			remove(pod+"containers[name=app].volumeMounts[mountPath=/secrets]", ""),
			remove(pod+"volumes[name=key]", ""),
			{Object: sa, Op: planner.OpCreate, Why: "its own", Value: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount",
				"metadata": map[string]any{"name": name, "namespace": namespace, "annotations": map[string]any{planner.AccountAnnotation: account}}}},
			{Object: ref, Op: planner.OpSet, Field: path(t, pod+"serviceAccountName"), Value: name, Why: "its own"},
		},
	}
}

const api = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  namespace: shop
spec:
  template:
    spec:
      containers:
      - name: app
        image: api:1 # pinned
        env:
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /secrets/key.json
        volumeMounts:
        - name: key
          mountPath: /secrets
      volumes:
      - name: key
        secret:
          secretName: api-key
`

func named(name string) string { return strings.ReplaceAll(api, "NAME", name) }

func rewrite(t *testing.T, files fs.FS, plan planner.Plan) rewriter.Result {
	t.Helper()
	result, err := rewriter.Rewrite(context.Background(), files, plan, manifest.New(manifest.Options{Root: "."}), rewriter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// gitApply lets git apply a patch to the files, and gives what they are then.
func gitApply(t *testing.T, files fstest.MapFS, patch []byte) map[string]string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if len(patch) > 0 {
		for _, args := range [][]string{{"init", "-q"}, {"apply", "--check", "-"}, {"apply", "-"}} {
			cmd := exec.Command("git", args...)
			cmd.Dir, cmd.Stdin = dir, bytes.NewReader(patch)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("git %v: %v\n%s\n%s", args, err, out, patch)
			}
		}
	}
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(full string, entry fs.DirEntry, err error) error {
		if entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(full)
		rel, _ := filepath.Rel(dir, full)
		got[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRewriteRaw(t *testing.T) {
	files := tree("-- apps/api.yaml --\n" + named("api") + "-- apps/other.yaml --\n" + named("other"))
	plan := planOf(files, unwire(t, "shop", "api"))
	result := rewrite(t, files, plan)
	got := gitApply(t, files, result.Patch)
	want := map[string]string{
		"apps/api.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  template:
    spec:
      serviceAccountName: api
      containers:
      - name: app
        image: api:1 # pinned
`,
		"apps/api-serviceaccount.yaml": `apiVersion: v1
kind: ServiceAccount
metadata:
  name: api
  namespace: shop
  annotations:
    iam.gke.io/gcp-service-account: api@acme.iam.gserviceaccount.com
`,
		"apps/other.yaml": named("other"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(result.Plan.Moves) != 1 || len(result.Plan.Holds) != 0 {
		t.Errorf("%d moves, holds %+v", len(result.Plan.Moves), result.Plan.Holds)
	}
	for _, file := range result.Changeset.Files {
		t.Logf("%s %s -> %s %v", file.Path, file.Before, file.After, file.Edits)
	}
	if result.Folder["runbook/1-grant.sh"] == nil {
		t.Error("no runbook/1-grant.sh")
	}
}

// What was scanned is what is edited: a checkout that moved is refused by name.
func TestStale(t *testing.T) {
	files := tree("-- apps/api.yaml --\n" + named("api"))
	plan := planOf(files, unwire(t, "shop", "api"))
	files["apps/api.yaml"] = &fstest.MapFile{Data: []byte(named("api") + "# later\n")}
	_, err := rewriter.Rewrite(context.Background(), files, plan, manifest.New(manifest.Options{Root: "."}), rewriter.Options{})
	var stale *rewriter.StaleError
	if !errors.As(err, &stale) || !slices.Equal(stale.Paths, []string{"apps/api.yaml"}) {
		t.Errorf("error %v", err)
	}
}
