package cluster_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dekey/testdata/cluster/controlplane"
)

// small fills a plane with manifests/small.yaml and its keys.
func small(t testing.TB, p *controlplane.Plane) {
	t.Helper()
	kubectl(t, p, "", "apply", "-f", "manifests/crds.yaml")
	kubectl(t, p, "", "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
	kubectl(t, p, "", "apply", "-f", "manifests/small.yaml")
	secret(t, p, "small", "api-key", newKey(t, "api@acme.iam.gserviceaccount.com"))
	secret(t, p, "other", "report-key", newKey(t, "report@acme.iam.gserviceaccount.com"))
}

// secret creates a Secret with a key file under key.json.
func secret(t testing.TB, p *controlplane.Plane, namespace, name string, key []byte) {
	t.Helper()
	manifest, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "namespace": namespace},
		"data": map[string][]byte{"key.json": key},
	})
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, p, string(manifest), "create", "-f", "-")
}

// A scan works as a service account with exactly the rules of dekey permissions; it only lists; and without any one
// resource of any one rule it ends with 3 and names that rule.
func TestLeastPrivilege(t *testing.T) {
	p := start(t, controlplane.Options{Controllers: true, Audit: true})
	small(t, p)
	whole, _ := scan(t, p.Kubeconfig(), 0, "-A")
	if len(whole.Findings) < 5 || len(whole.Keys) != 2 {
		t.Fatalf("the administrator's scan has %d findings of %d keys, want 5 or more of 2", len(whole.Findings), len(whole.Keys))
	}

	kubeconfig := account(t, p, p.URL, "--context", "admin", "--kubeconfig", p.Kubeconfig())
	got, r := scan(t, kubeconfig, 0, "-A")
	if len(got.Findings) != len(whole.Findings) || len(got.Keys) != len(whole.Keys) {
		t.Errorf("%d findings, %d keys as dekey, %d and %d as administrator", len(got.Findings), len(got.Keys), len(whole.Findings), len(whole.Keys))
	}
	if c := got.Clusters[0]; !slices.Contains(c.Complete, "small") || !strings.HasPrefix(c.Version, "v1.") {
		t.Errorf("cluster facts %+v", c)
	}
	t.Logf("a scan of a small cluster: %v wall, %v CPU, %d MiB", r.wall.Round(time.Millisecond), r.cpu.Round(time.Millisecond), r.peak>>20)
	checkAudit(t, p)

	role := decode[map[string]any](t, kubectl(t, p, "", "get", "clusterrole", "dekey-scan", "-o", "json"))
	rules := role["rules"].([]any)
	served := servedResources(t, p)
	// Each resource of each rule on its own; of the rule for custom resources the whole rule.
	for i, rule := range rules {
		groups, resources := words(rule, "apiGroups"), words(rule, "resources")
		cases := map[string][]string{}
		if slices.Contains(resources, "*") {
			for _, group := range groups {
				for _, resource := range served[group] {
					cases["*"] = append(cases["*"], `apiGroups: ["`+group+`"], resources: ["`+resource+`"]`)
				}
			}
			if len(cases["*"]) == 0 {
				t.Errorf("nothing of %v is served here: the rule is not tested", groups)
			}
		} else {
			for _, resource := range resources {
				if slices.Contains(served[groups[0]], resource) {
					cases[resource] = []string{`apiGroups: ["` + groups[0] + `"], resources: ["` + resource + `"]`}
				}
			}
		}
		for _, removed := range slices.Sorted(maps.Keys(cases)) {
			t.Run(groups[0]+"/"+removed, func(t *testing.T) {
				fewer := slices.Clone(rules)
				if removed == "*" {
					fewer = slices.Delete(fewer, i, i+1)
				} else {
					kept := maps.Clone(rule.(map[string]any))
					kept["resources"] = slices.DeleteFunc(slices.Clone(resources), func(r string) bool { return r == removed })
					fewer[i] = kept
					if len(resources) == 1 {
						fewer = slices.Delete(fewer, i, i+1)
					}
				}
				setRules(t, p, role, fewer)
				defer setRules(t, p, role, rules)
				var got inventory
				// The API server's own view of the roles follows within moments.
				for deadline := time.Now().Add(20 * time.Second); ; {
					r := dekey(t, t.TempDir(), "scan", "--kubeconfig", kubeconfig, "-A", "-o", "json")
					if r.code == 3 {
						got = decode[inventory](t, r.stdout)
						break
					}
					if r.code != 0 || time.Now().After(deadline) {
						t.Fatalf("the scan ended with %d, want 3: %s", r.code, r.stderr)
					}
					time.Sleep(100 * time.Millisecond)
				}
				var why []string
				for _, g := range got.Gaps {
					why = append(why, g.What+": "+g.Why)
				}
				said := strings.Join(why, "\n")
				for _, want := range cases[removed] {
					if !strings.Contains(said, want) {
						t.Errorf("no gap names the rule %s:\n%s", want, said)
					}
				}
				if len(got.Gaps) != len(cases[removed]) {
					t.Errorf("%d gaps, want %d:\n%s", len(got.Gaps), len(cases[removed]), said)
				}
			})
		}
	}
}

// A scan of one namespace needs a Role there and what has no namespace, and is not told of other namespaces.
func TestLeastPrivilegeOfOneNamespace(t *testing.T) {
	p := start(t, controlplane.Options{Controllers: true, Audit: true})
	small(t, p)
	kubeconfig := account(t, p, p.URL, "-n", "small", "--context", "admin", "--kubeconfig", p.Kubeconfig())
	got, _ := scan(t, kubeconfig, 0, "-n", "small")
	for _, f := range got.Findings {
		if f.Workload.Namespace == "other" {
			t.Errorf("a finding of another namespace: %v", f.Workload)
		}
	}
	if len(got.Keys) != 1 {
		t.Errorf("%d keys in namespace small, want 1", len(got.Keys))
	}
	if complete := got.Clusters[0].Complete; !slices.Equal(complete, []string{"small"}) {
		t.Errorf("complete are %v, want small alone", complete)
	}
	checkAudit(t, p)

	// All namespaces with these rights: nobody knows which there are, so nothing is clean.
	got, _ = scan(t, kubeconfig, 3, "-A")
	if len(got.Keys) != 0 || len(got.Clusters[0].Complete) != 0 {
		t.Errorf("%d keys, complete %v where no namespace is known", len(got.Keys), got.Clusters[0].Complete)
	}
	// Where they may be listed, what may be read is read, and the rest does not look clean.
	kubectl(t, p, "", "create", "clusterrole", "namespaces", "--verb=list", "--resource=namespaces")
	kubectl(t, p, "", "create", "clusterrolebinding", "namespaces", "--clusterrole=namespaces", "--serviceaccount=dekey:dekey")
	_, _ = p.Wait(t.Context(), "auth", "can-i", "list", "namespaces", "--as=system:serviceaccount:dekey:dekey")
	got, _ = scan(t, kubeconfig, 3, "-A")
	if len(got.Keys) != 1 {
		t.Errorf("%d keys where one namespace may be read, want 1:\n%v", len(got.Keys), got.Gaps)
	}
	if complete := got.Clusters[0].Complete; slices.Contains(complete, "other") {
		t.Errorf("complete are %v, although other is forbidden", complete)
	}
	said := fmt.Sprint(got.Gaps)
	if !strings.Contains(said, "secrets in namespace other") || strings.Contains(said, "secrets in namespace small") {
		t.Errorf("gaps: %s", said)
	}
}

// checkAudit wants nothing but lists, and reads outside the resources, from dekey's service account.
func checkAudit(t *testing.T, p *controlplane.Plane) {
	t.Helper()
	log, err := os.Open(p.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	verbs := map[string]int{}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Verb, RequestURI string
			User             struct{ Username string }
			ObjectRef        *struct{ Resource, Subresource string }
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		if event.User.Username != "system:serviceaccount:dekey:dekey" {
			continue
		}
		verbs[event.Verb]++
		switch {
		case event.ObjectRef == nil && event.Verb == "get":
		case event.ObjectRef != nil && event.Verb == "list" && event.ObjectRef.Subresource == "" && strings.Contains(event.RequestURI, "limit="):
		default:
			t.Errorf("dekey did %s %s", event.Verb, event.RequestURI)
		}
	}
	if verbs["list"] == 0 {
		t.Error("the audit log shows no list: nothing was tested")
	}
	t.Logf("audit log: %v", verbs)
}

// servedResources are the resources that can be listed, by group.
func servedResources(t *testing.T, p *controlplane.Plane) map[string][]string {
	t.Helper()
	served := map[string][]string{}
	for _, name := range strings.Fields(kubectl(t, p, "", "api-resources", "--verbs=list", "-o", "name")) {
		resource, group, _ := strings.Cut(name, ".")
		served[group] = append(served[group], resource)
	}
	return served
}

func setRules(t *testing.T, p *controlplane.Plane, role map[string]any, rules []any) {
	t.Helper()
	changed := maps.Clone(role)
	changed["rules"] = rules
	about := maps.Clone(role["metadata"].(map[string]any))
	delete(about, "resourceVersion")
	changed["metadata"] = about
	document, err := json.Marshal(changed)
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, p, string(document), "replace", "-f", "-")
}

func words(rule any, field string) []string {
	var all []string
	list, _ := rule.(map[string]any)[field].([]any)
	for _, w := range list {
		all = append(all, w.(string))
	}
	return all
}
