package cluster_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"dekey/testdata/cluster/controlplane"
)

// dumped are the resources of a dump that a person makes with kubectl.
const dumped = "secrets,configmaps,serviceaccounts,pods,deployments,replicasets,cronjobs,jobs,rollouts.argoproj.io,widgets.acme.example,clusterissuers.cert-manager.io"

// What kubectl prints of a cluster gives the findings that the cluster itself gives, as YAML and as JSON, on standard input
// and as a file; and a scan that reads no value of a Secret finds the same uses without the keys.
func TestDump(t *testing.T) {
	p := start(t, controlplane.Options{Controllers: true, Pods: true})
	small(t, p)
	kubectl(t, p, "", "apply", "-f", "manifests/nodes.yaml")
	for _, name := range []string{"small/deployment/api"} {
		namespace, workload, _ := strings.Cut(name, "/")
		kubectl(t, p, "", "-n", namespace, "rollout", "status", workload, "--timeout=90s")
	}
	live, _ := scan(t, p.Kubeconfig(), 0, "-A")
	want := uses(live, true)
	if len(want) < 5 {
		t.Fatalf("the live scan finds %v", want)
	}
	for _, format := range []string{"yaml", "json"} {
		dump := kubectl(t, p, "", "get", dumped, "-A", "-o", format)
		cmd := exec.CommandContext(t.Context(), program, "scan", "-")
		cmd.Stdin = strings.NewReader(dump)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("scanning a dump as %s: %v\n%s", format, err, gapsOf(string(out)))
		}
		if got := uses(decode[inventory](t, string(out)), true); !slices.Equal(got, want) {
			t.Errorf("a dump as %s gives\n%s\nthe cluster\n%s", format, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		file := filepath.Join(t.TempDir(), "dump."+format)
		if err := os.WriteFile(file, []byte(dump), 0o600); err != nil {
			t.Fatal(err)
		}
		r := dekey(t, t.TempDir(), "scan", file)
		if got := uses(decode[inventory](t, r.stdout), true); r.code != 0 || !slices.Equal(got, want) {
			t.Errorf("a dump in a file ends with %d and gives\n%s", r.code, strings.Join(got, "\n"))
		}
	}

	var mu sync.Mutex
	asked := map[string]bool{}
	proxy, err := p.NewProxy(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/secrets") {
			mu.Lock()
			defer mu.Unlock()
			asked[r.Header.Get("Accept")] = true
		}
		return false
	}, func(*http.Request) int { return -1 })
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Stop()
	kubeconfig := account(t, p, proxy.URL, "--context", "admin", "--kubeconfig", p.Kubeconfig())
	blind, _ := scan(t, kubeconfig, 0, "-A", "--no-secret-values")
	if len(asked) != 1 {
		t.Errorf("Secrets were asked for as %v", asked)
	}
	for accept := range asked {
		for _, form := range strings.Split(accept, ",") {
			if !strings.Contains(form, "as=PartialObjectMetadataList") {
				t.Errorf("values of Secrets may be given as %s", form)
			}
		}
	}
	if len(blind.Keys) != 0 {
		t.Errorf("%d keys known without a value read", len(blind.Keys))
	}
	// What only the content tells of is not seen without it: a custom resource's pods by their variable, an issuer's by its field.
	if got, want := uses(blind, false), uses(live, false); !slices.Equal(got, want) {
		t.Errorf("without values\n%s\nwith them\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// uses are the findings as text, with their keys or without.
func uses(v inventory, keys bool) []string {
	var all []string
	for _, f := range v.Findings {
		use := fmt.Sprint(f.Workload, " ", f.Via, " ", f.Env)
		if keys {
			use += " " + f.Key
		}
		all = append(all, use)
	}
	slices.Sort(all)
	return all
}
