package rewriter_test

import (
	"context"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
	"dekey/scanner/manifest"
)

// counting remembers what was rendered.
type counting struct {
	*manifest.Reader
	all []string // the objects of every rendering of everything
}

func (c *counting) Render(ctx context.Context, tree fs.FS, refs []scanner.Ref) ([]*scanner.Object, error) {
	objects, err := c.Reader.Render(ctx, tree, refs)
	if refs == nil {
		for _, o := range objects {
			c.all = append(c.all, o.Ref.String())
		}
	}
	return objects, err
}

// What no edit can reach is not rendered: a big checkout costs what its edits cost.
func TestOnlyWhatEditsReachIsRendered(t *testing.T) {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"a/api.yaml": named("api"), "b/other.yaml": named("other"),
		"c/kustomization.yaml": "namespace: c\nresources:\n- far.yaml\n", "c/far.yaml": named("far"),
		"overlay/kustomization.yaml": "namePrefix: my-\nresources:\n- ../a2\n", "a2/kustomization.yaml": "resources:\n- two.yaml\n- beside.yaml\n",
		"a2/two.yaml": named("two"), "a2/beside.yaml": named("beside"),
	} {
		files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	c := &counting{Reader: reader(".")}
	two := unwire(t, "shop", "my-two")
	result, err := rewriter.Rewrite(context.Background(), files, planOf(files, unwire(t, "shop", "api"), two), c, rewriter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Plan.Moves) != 2 {
		t.Errorf("holds %+v", result.Plan.Holds)
	}
	slices.Sort(c.all)
	c.all = slices.Compact(c.all)
	// The neighbour in the same overlay is compared too.
	want := []string{"shop/Deployment/api", "shop/Deployment/my-beside", "shop/Deployment/my-two", "shop/ServiceAccount/api", "shop/ServiceAccount/my-two"}
	if !slices.Equal(c.all, want) {
		t.Errorf("rendered %q, want %q", c.all, want)
	}
}

// Of two workloads of one file, the one that can not be edited is held, and nothing of it is done; the other moves.
func TestNothingGoesHalfWay(t *testing.T) {
	second := named("web") + "---\n" + named("api")
	files := tree("-- both.yaml --\n" + second)
	web := unwire(t, "shop", "web")
	web.Edits = append(web.Edits, planner.Edit{Object: web.Workload, Op: planner.OpRemove, Field: path(t, "spec.template.spec.nothing"), Why: "is not there"})
	result := rewrite(t, files, planOf(files, unwire(t, "shop", "api"), web))
	if len(result.Plan.Moves) != 1 || len(result.Plan.Holds) != 1 || result.Plan.Holds[0].Code != planner.HoldNotProvable {
		t.Fatalf("moves %d, holds %+v", len(result.Plan.Moves), result.Plan.Holds)
	}
	got := gitApply(t, files, result.Patch)
	if got["web-serviceaccount.yaml"] != "" || got["api-serviceaccount.yaml"] == "" {
		t.Errorf("files %v", got)
	}
	if text := got["both.yaml"]; len(text) < len(named("web")) || text[:len(named("web"))] != named("web") {
		t.Errorf("the held workload was edited:\n%s", text)
	}
}
