package cluster_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dekey/testdata/cluster/controlplane"
)

// What only the cluster has, and nobody claims, is moved by the files of patches/ alone: their own kubectl commands, on the
// real API server. Where an object changed meanwhile, the tests of its patch refuse it whole.
func TestLivePatches(t *testing.T) {
	p := start(t, controlplane.Options{Controllers: true, Pods: true})
	kubectl(t, p, "", "apply", "-f", "manifests/nodes.yaml")
	kubectl(t, p, "", "create", "namespace", "loose")
	for _, name := range []string{"loner", "keeper", "nightly"} {
		secret(t, p, "loose", name+"-key", newKey(t, name+"@acme-prod.iam.gserviceaccount.com"))
	}
	kubectl(t, p, "", "apply", "-f", "manifests/loose.yaml")
	ready(t, p, "loose")

	checkout := t.TempDir()
	draft := func(out string) plan {
		t.Helper()
		r := dekey(t, checkout, "draft", ".", "--context", "admin", "--kubeconfig", p.Kubeconfig(), "-n", "loose", "--out", out,
			"--pool", "acme-prod.svc.id.goog", "--cluster", "acme-prod/europe-west1/main=admin")
		if r.code != 0 {
			t.Fatalf("dekey draft ended with %d: %s\n%s", r.code, r.stderr, r.stdout)
		}
		document, err := os.ReadFile(filepath.Join(out, "plan.json"))
		if err != nil {
			t.Fatal(err)
		}
		return decode[plan](t, string(document))
	}
	out := filepath.Join(t.TempDir(), "out")
	first := draft(out)
	var moved []string
	for _, m := range first.Moves {
		moved = append(moved, m.Workload.String())
	}
	slices.Sort(moved)
	if want := []string{"loose/CronJob/nightly", "loose/Deployment/loner", "loose/StatefulSet/keeper"}; !slices.Equal(moved, want) {
		t.Fatalf("moves %v, want %v; holds %+v", moved, want, first.Holds)
	}
	if patch, err := os.ReadFile(filepath.Join(out, "changes.patch")); err != nil || len(patch) > 0 {
		t.Errorf("nothing of it is in the checkout, and changes.patch is %q (%v)", patch, err)
	}

	programs := standIns(t, p)
	apply := func(workload string) (string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(out, "patches", workload, "apply.sh"))
		cmd.Env = append(os.Environ(), "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"), "KUBECONFIG="+p.Kubeconfig())
		said, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(said), cmd.ProcessState.ExitCode()
	}
	if said, code := apply("loose-deployment-loner"); code != 1 || !strings.Contains(said, "1-grant.sh") {
		t.Fatalf("a patch before the grants ended with %d:\n%s", code, said)
	}
	// 1-grant.sh needs Google: that it was done is all that apply.sh asks of it.
	granted := filepath.Join(out, "runbook", "evidence", "grant-1")
	if err := errors.Join(os.MkdirAll(granted, 0o755), os.WriteFile(filepath.Join(granted, "done"), []byte("plan: of this test\n"), 0o644)); err != nil {
		t.Fatal(err)
	}

	// Somebody changes each object before the patch comes.
	for _, changed := range []struct{ kind, name, folder, to, back string }{
		{"deployment", "loner", "loose-deployment-loner",
			`[{"op":"add","path":"/spec/template/spec/volumes/0","value":{"name":"more","emptyDir":{}}}]`,
			`[{"op":"remove","path":"/spec/template/spec/volumes/0"}]`},
		{"statefulset", "keeper", "loose-statefulset-keeper",
			`[{"op":"add","path":"/spec/template/spec/containers/0/env/0","value":{"name":"NEW","value":"1"}}]`,
			`[{"op":"remove","path":"/spec/template/spec/containers/0/env/0"}]`},
		{"cronjob", "nightly", "loose-cronjob-nightly",
			`[{"op":"replace","path":"/spec/jobTemplate/spec/template/spec/volumes/0/name","value":"other"},
			  {"op":"replace","path":"/spec/jobTemplate/spec/template/spec/containers/0/volumeMounts/0/name","value":"other"}]`,
			`[{"op":"replace","path":"/spec/jobTemplate/spec/template/spec/volumes/0/name","value":"key"},
			  {"op":"replace","path":"/spec/jobTemplate/spec/template/spec/containers/0/volumeMounts/0/name","value":"key"}]`},
	} {
		spec := func() string {
			return kubectl(t, p, "", "-n", "loose", "get", changed.kind, changed.name, "-o", "jsonpath={.spec}")
		}
		kubectl(t, p, "", "-n", "loose", "patch", changed.kind, changed.name, "--type=json", "--patch", changed.to)
		before := spec()
		said, code := apply(changed.folder)
		if code != 1 || !strings.Contains(said, "is not as it was when the plan was made") {
			t.Errorf("the patch of a changed %s ended with %d:\n%s", changed.kind, code, said)
		}
		if spec() != before {
			t.Errorf("a refused patch changed the %s", changed.kind)
		}
		kubectl(t, p, "", "-n", "loose", "patch", changed.kind, changed.name, "--type=json", "--patch", changed.back)
	}
	ready(t, p, "loose")

	for _, m := range first.Moves {
		folder := strings.ToLower(strings.ReplaceAll(m.Workload.String(), "/", "-"))
		if said, code := apply(folder); code != 0 {
			t.Fatalf("%s/apply.sh ended with %d:\n%s", folder, code, said)
		}
		if said, code := apply(folder); code != 0 || !strings.Contains(said, "patched already") {
			t.Errorf("%s/apply.sh again ended with %d:\n%s", folder, code, said)
		}
	}
	ready(t, p, "loose")
	kubectl(t, p, "", "-n", "loose", "create", "job", "--from=cronjob/nightly", "nightly-now")
	for _, m := range first.Moves {
		runsAs(t, p, m.Workload, m.ServiceAccount.Name)
		if may := kubectl(t, p, "", "auth", "can-i", "get", "configmaps", "-n", "loose",
			"--as=system:serviceaccount:loose:"+m.ServiceAccount.Name); strings.TrimSpace(may) != "yes" {
			t.Errorf("%s lost what default could: %s", m.ServiceAccount.Name, may)
		}
	}
	live := kubectl(t, p, "", "-n", "loose", "get", "deployment", "loner", "-o", "json")
	for _, kept := range []string{`"LEVEL"`, `"PORT"`, `"scratch"`, `"prepare"`} {
		if !strings.Contains(live, kept) {
			t.Errorf("the patch took %s away too", kept)
		}
	}

	second := draft(filepath.Join(t.TempDir(), "out"))
	if len(second.Moves)+len(second.Holds) > 0 {
		t.Errorf("a second draft moves %+v and holds %+v", second.Moves, second.Holds)
	}
}

// standIns is a folder with the programs that the scripts call: kubectl is the real one, gcloud says of the cluster what
// Google would.
func standIns(t *testing.T, p *controlplane.Plane) string {
	t.Helper()
	dir := t.TempDir()
	real := p.Command(t.Context(), "kubectl").Path
	for name, script := range map[string]string{
		"kubectl": "#!/bin/sh\nexec '" + real + "' kubectl \"$@\"\n",
		"gcloud":  "#!/bin/sh\ncase \"$*\" in\n'container clusters describe main '*) echo 'acme-prod.svc.id.goog|False|127.0.0.1||||' ;;\n*) echo \"unexpected: $*\" >&2; exit 1 ;;\nesac\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
