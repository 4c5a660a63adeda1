package cluster_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dekey/testdata/cluster/controlplane"
)

// The loop closes: old manifests run; dekey, as the least-privileged account, drafts; the API server accepts every edited
// manifest; the pods are replaced and run under the new service accounts without the key; and a second draft has nothing
// left to move.
func TestLoop(t *testing.T) {
	p := start(t, controlplane.Options{Controllers: true, Pods: true, Audit: true})
	kubectl(t, p, "", "apply", "-f", "manifests/crds.yaml", "-f", "manifests/nodes.yaml")
	kubectl(t, p, "", "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
	kubectl(t, p, "", "create", "namespace", "shop")
	for _, account := range []string{"api-google", "ledger", "shipper", "report", "web", "claimed"} {
		secret(t, p, "shop", account+"-key", newKey(t, account+"@acme-prod.iam.gserviceaccount.com"))
	}
	checkout := repository(t, "manifests/shop")
	kubectl(t, p, "", "apply", "--server-side", "-R", "-f", checkout)
	kubectl(t, p, "", "apply", "-f", "manifests/injected.yaml")
	injecting(t, p)
	kubectl(t, p, "", "apply", "--server-side", "-f", "manifests/live.yaml")
	operated(t, p)
	ready(t, p, "shop")

	kubeconfig := account(t, p, p.URL, "--context", "admin", "--kubeconfig", p.Kubeconfig())
	draft := func(t *testing.T, out string) plan {
		t.Helper()
		r := dekey(t, checkout, "draft", ".", "--context", "dekey", "--kubeconfig", kubeconfig, "-A", "--out", out,
			"--pool", "acme-prod.svc.id.goog", "--cluster", "acme-prod/europe-west1/main=dekey")
		if r.code != 0 {
			t.Fatalf("dekey draft ended with %d: %s", r.code, r.stderr)
		}
		document, err := os.ReadFile(filepath.Join(out, "plan.json"))
		if err != nil {
			t.Fatal(err)
		}
		return decode[plan](t, string(document))
	}
	out := filepath.Join(t.TempDir(), "out")
	first := draft(t, out)
	var moved []string
	for _, m := range first.Moves {
		moved = append(moved, m.Workload.String())
	}
	want := []string{"shop/CronJob/report", "shop/DaemonSet/shipper", "shop/Deployment/api", "shop/Job/migrate",
		"shop/Pod/console", "shop/Rollout/web", "shop/StatefulSet/ledger"}
	slices.Sort(moved)
	if !slices.Equal(moved, want) {
		t.Fatalf("moves %v\nwant %v\nholds %+v", moved, want, first.Holds)
	}
	// The checkout has no Secrets: whose keys they are is the cluster's knowledge, what is edited the checkout's.
	for _, m := range first.Moves {
		if name := accountOf(t, m.Workload.Name); m.Account != name+"@acme-prod.iam.gserviceaccount.com" || m.Live {
			t.Errorf("%s becomes %s, want %s; live alone: %t", m.Workload, m.Account, name, m.Live)
		}
	}
	held := map[string]string{}
	for _, h := range first.Holds {
		held[h.Workload.String()] = h.Code + ": " + h.Reason
	}
	for _, claimed := range []string{"shop/Deployment/storefront", "shop/Deployment/charted", "shop/Deployment/operated"} {
		if !strings.HasPrefix(held[claimed], "managed-elsewhere") {
			t.Errorf("%s is claimed and not held: %q", claimed, held[claimed])
		}
	}
	if why := held["shop/Deployment/storefront"]; !strings.Contains(why, "git.example/acme/deploy.git") || strings.Contains(why, "token") {
		t.Errorf("the hold does not say where its source is, or says too much: %q", why)
	}
	if !slices.ContainsFunc(first.Holds, func(h planHold) bool {
		return h.Workload.Kind == "Pod" && strings.HasPrefix(h.Workload.Name, "injected-")
	}) {
		t.Errorf("pods with an injected key are not shown; held are %v", held)
	}

	git(t, checkout, "apply", "--check", filepath.Join(out, "changes.patch"))
	git(t, checkout, "apply", filepath.Join(out, "changes.patch"))
	accepted(t, p, checkout)
	// Jobs and Pods cannot be changed: the notice recreate says that they are made anew.
	kubectl(t, p, "", "-n", "shop", "delete", "job/migrate", "pod/console", "--wait=true")
	kubectl(t, p, "", "apply", "--server-side", "--force-conflicts", "-R", "-f", checkout)
	kubectl(t, p, "", "-n", "shop", "create", "job", "--from=cronjob/report", "report-now")
	ready(t, p, "shop")
	for _, m := range first.Moves {
		runsAs(t, p, m.Workload, m.ServiceAccount.Name)
	}

	second := draft(t, filepath.Join(t.TempDir(), "out"))
	if len(second.Moves) > 0 {
		t.Errorf("a second draft moves %+v", second.Moves)
	}
	for _, h := range second.Holds {
		if slices.Contains(want, h.Workload.String()) {
			t.Errorf("%s moved and is held now: %s: %s", h.Workload, h.Code, h.Reason)
		}
	}
	checkAudit(t, p)
}

// accountOf is the account whose key a workload of manifests/shop uses.
func accountOf(t *testing.T, workload string) string {
	t.Helper()
	accounts := map[string]string{"api": "api-google", "ledger": "ledger", "shipper": "shipper", "report": "report", "migrate": "report",
		"console": "report", "web": "web"}
	if accounts[workload] == "" {
		t.Errorf("nobody knows the account of %s", workload)
	}
	return accounts[workload]
}

// repository is a copy of a folder, as a git repository with one commit.
func repository(t *testing.T, folder string) string {
	t.Helper()
	checkout := filepath.Join(t.TempDir(), "checkout")
	if err := os.CopyFS(checkout, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	git(t, checkout, "init", "--quiet")
	git(t, checkout, "add", "--all")
	git(t, checkout, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=Old manifests")
	return checkout
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// operated creates a Deployment that belongs to a Widget, as an operator would make it.
func operated(t *testing.T, p *controlplane.Plane) {
	t.Helper()
	uid := strings.TrimSpace(kubectl(t, p, "", "-n", "shop", "get", "widget", "gadget", "-o", "jsonpath={.metadata.uid}"))
	live := decode[map[string]any](t, kubectl(t, p, "", "-n", "shop", "get", "deployment", "charted", "-o", "json"))
	labels := map[string]any{"app": "operated"}
	spec := live["spec"].(map[string]any)
	spec["selector"] = map[string]any{"matchLabels": labels}
	spec["template"].(map[string]any)["metadata"] = map[string]any{"labels": labels}
	live["metadata"] = map[string]any{"name": "operated", "namespace": "shop", "ownerReferences": []any{map[string]any{
		"apiVersion": "acme.example/v1", "kind": "Widget", "name": "gadget", "uid": uid, "controller": true,
	}}}
	delete(live, "status")
	document, err := json.Marshal(live)
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, p, string(document), "create", "-f", "-")
}

// injecting waits until the admission policy is in force.
func injecting(t *testing.T, p *controlplane.Plane) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		pod, err := p.Kubectl(t.Context(), nil, "-n", "shop", "run", "probe", "--image=registry.example/probe:1", "--labels=inject=yes",
			"--dry-run=server", "-o", "json")
		if strings.Contains(pod, "injected-key") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the admission policy injects nothing: %v", err)
		}
	}
}

// ready waits until every rollout in the namespace is done.
func ready(t *testing.T, p *controlplane.Plane, namespace string) {
	t.Helper()
	for _, kind := range []string{"deployment", "statefulset", "daemonset"} {
		for _, name := range strings.Fields(kubectl(t, p, "", "-n", namespace, "get", kind, "-o", "name")) {
			kubectl(t, p, "", "-n", namespace, "rollout", "status", name, "--timeout=90s")
		}
	}
}

// accepted has the API server check every object of the checkout, strictly, without keeping it. The service accounts are
// there before the rest, as they are in a real rollout: a pod of one that is missing is refused.
func accepted(t *testing.T, p *controlplane.Plane, checkout string) {
	t.Helper()
	document := kubectl(t, p, "", "create", "--dry-run=client", "-o", "json", "-R", "-f", checkout)
	for decoder := json.NewDecoder(strings.NewReader(document)); decoder.More(); {
		var object struct{ APIVersion, Kind string }
		var raw json.RawMessage
		if err := errors.Join(decoder.Decode(&raw), json.Unmarshal(raw, &object)); err != nil {
			t.Fatal(err)
		}
		if object.Kind == "ServiceAccount" {
			kubectl(t, p, string(raw), "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-")
		}
	}
	n := 0
	for decoder := json.NewDecoder(strings.NewReader(document)); decoder.More(); n++ {
		var object map[string]any
		if err := decoder.Decode(&object); err != nil {
			t.Fatal(err)
		}
		about := object["metadata"].(map[string]any)
		name := fmt.Sprint(object["kind"], "/", about["name"])
		if kind := object["kind"]; kind == "Job" || kind == "Pod" {
			about["name"] = fmt.Sprint(about["name"], "-anew") // the one that is there cannot be changed
		}
		manifest, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Kubectl(t.Context(), strings.NewReader(string(manifest)), "apply", "--server-side", "--force-conflicts",
			"--dry-run=server", "--validate=strict", "-f", "-"); err != nil {
			t.Errorf("the API server does not take %s: %v", name, err)
		}
	}
	if n < 10 {
		t.Errorf("%d objects in the checkout: nothing was tested", n)
	}
}

// runsAs wants the pods of a workload to run under a service account, without a key.
func runsAs(t *testing.T, p *controlplane.Plane, workload ref, serviceAccount string) {
	t.Helper()
	if workload.Kind == "Rollout" {
		return // no controller of it runs here
	}
	prefix := workload.Name
	var bad string
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		pods := decode[struct {
			Items []struct {
				Metadata struct{ Name, DeletionTimestamp string }
				Spec     struct {
					ServiceAccountName string
					Volumes            []struct{ Secret *struct{ SecretName string } }
				}
				Status struct{ Phase string }
			}
		}](t, kubectl(t, p, "", "-n", workload.Namespace, "get", "pods", "-o", "json"))
		n := 0
		bad = ""
		for _, pod := range pods.Items {
			if pod.Metadata.Name != prefix && !strings.HasPrefix(pod.Metadata.Name, prefix+"-") || pod.Metadata.DeletionTimestamp != "" {
				continue
			}
			n++
			if pod.Spec.ServiceAccountName != serviceAccount || pod.Status.Phase != "Running" && pod.Status.Phase != "Succeeded" {
				bad = fmt.Sprintf("%s is %s as %s", pod.Metadata.Name, pod.Status.Phase, pod.Spec.ServiceAccountName)
			}
			for _, v := range pod.Spec.Volumes {
				if v.Secret != nil && strings.HasSuffix(v.Secret.SecretName, "-key") {
					bad = fmt.Sprintf("%s still mounts %s", pod.Metadata.Name, v.Secret.SecretName)
				}
			}
		}
		if n > 0 && bad == "" {
			return
		}
		if n == 0 {
			bad = "no pod"
		}
	}
	t.Errorf("%s, wanted as %s: %s", workload, serviceAccount, bad)
}
