package runbook_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"dekey/planner"
	"dekey/rewriter/runbook"
	"dekey/scanner/object"
)

// livePlan is the shop's move of a Deployment that only the cluster has.
func livePlan(t *testing.T) planner.Plan {
	plan := shopPlan(t)
	m := &plan.Moves[0]
	m.Live = true
	m.Edits = append(m.Edits, planner.Edit{Op: planner.OpCreate, Object: ref("v1", "ServiceAccount", "shop", "api"), Value: map[string]any{
		"apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": []any{map[string]any{"name": "registry"}},
		"metadata": map[string]any{"name": "api", "namespace": "shop", "annotations": map[string]any{planner.AccountAnnotation: account}}}},
		planner.Edit{Object: m.Workload, Op: planner.OpAppend, Field: field(t, "spec.template.spec.containers[name=app].env"),
			Value: map[string]any{"name": "GOOGLE_CLOUD_PROJECT", "value": "acme-data"}})
	pointers := object.PointersOf(workloadObject(false))
	for i := range m.Edits {
		e := &m.Edits[i]
		if e.Op == planner.OpCreate {
			continue
		}
		e.Pointer, _ = pointers.Find(e.Field)
		if e.Op == planner.OpAppend {
			e.Pointer += "/-"
		}
		if strings.HasSuffix(e.Field.String(), "args[1]") {
			e.Was = "--credentials-file=/secrets/key.json"
		}
		if e.Op == planner.OpSet {
			e.Was = "default"
		}
	}
	return plan
}

// A live workload is patched after the grant, once, and is keyless then.
func TestLivePatch(t *testing.T) {
	const script = "../patches/shop-deployment-api/apply.sh"
	p := newPlace(t, livePlan(t), shopCloud())
	p.must(1, "1-grant.sh has not granted", script)
	p.must(0, "Everything is granted", "1-grant.sh")
	p.must(0, "patch deployments.apps api", script)
	p.must(0, "patched already", script)
	var spec map[string]any
	for _, o := range p.cloud().Objects[shopCTX] {
		if o["kind"] == "Deployment" {
			spec = o["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
		}
	}
	got, _ := json.Marshal(spec)
	want := `{"containers":[{"args":["serve"],"env":[{"name":"GOOGLE_CLOUD_PROJECT","value":"acme-data"}],"name":"app","volumeMounts":[]}],"serviceAccountName":"api","volumes":[]}`
	if string(got) != want {
		t.Errorf("pod spec %s\nwant     %s", got, want)
	}
	p.change(func(c *cloud) {
		c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool { return o["kind"] == "Pod" })
		c.Objects[shopCTX] = append(c.Objects[shopCTX], podObject("api-2", true))
	})
	p.must(0, "keyless", "2-verify.sh")
}

// A workload that is not as it was when the plan was made is left alone: the tests of the patch see it.
func TestLivePatchTests(t *testing.T) {
	p := newPlace(t, livePlan(t), shopCloud())
	p.must(0, "Everything is granted", "1-grant.sh")
	p.change(func(c *cloud) {
		for _, o := range c.Objects[shopCTX] {
			if o["kind"] == "Deployment" {
				spec := o["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
				spec["volumes"] = append([]any{map[string]any{"name": "other"}}, spec["volumes"].([]any)...)
			}
		}
	})
	p.must(1, "is not as it was when the plan was made", "../patches/shop-deployment-api/apply.sh")
}

// Every removal of every patch has a test right before it, and what can not be tested is refused.
func TestPatchable(t *testing.T) {
	plan := livePlan(t)
	files, err := runbook.Files(plan)
	if err != nil {
		t.Fatal(err)
	}
	var operations []struct{ Op, Path string }
	if err := json.Unmarshal(files["patches/shop-deployment-api/patch.json"], &operations); err != nil {
		t.Fatal(err)
	}
	removals := 0
	for i, o := range operations {
		if o.Op == "remove" {
			removals++
			if i == 0 || operations[i-1].Op != "test" || !strings.HasPrefix(operations[i-1].Path, o.Path) {
				t.Errorf("operation %d removes %s without a test", i, o.Path)
			}
		}
	}
	if removals != 4 {
		t.Errorf("%d removals", removals)
	}
	for name, change := range map[string]func(*planner.Move){
		"an argument whose value is not known": func(m *planner.Move) { m.Edits[1].Was = "" },
		"a field without its place":            func(m *planner.Move) { m.Edits[0].Pointer = "" },
		"a Job":                                func(m *planner.Move) { m.Recreate = true },
	} {
		m := livePlan(t).Moves[0]
		change(&m)
		if runbook.Patchable(m) == nil {
			t.Errorf("%s: a patch was written", name)
		}
	}
}
