package runbook_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dekey/rewriter/runbook"
	"dekey/scanner"
	"dekey/scanner/wiring"
)

// 1-grant.sh and dekey check say the same of which node pools a workload can land on. One bash asks for all cases.
func TestScriptsLandWhereCheckLands(t *testing.T) {
	requires := func(terms string) string {
		return `{"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [` + terms + `]}}}}`
	}
	team := []string{"team=ml:NoSchedule"}
	cases := []struct {
		name   string
		taints []string
		spec   string
		want   bool
	}{
		{"the pool has the label that is selected", nil, `{"nodeSelector": {"tier": "batch", "disk": "ssd"}}`, true},
		{"the pool has another value", nil, `{"nodeSelector": {"disk": "ssd", "tier": "web"}}`, false},
		{"the pool has no such label", nil, `{"nodeSelector": {"gen": "2"}}`, false},
		{"a label that only the node tells", nil, `{"nodeSelector": {"kubernetes.io/os": "linux"}}`, true},
		{"affinity names another pool", nil, requires(`{"matchExpressions": [{"key": "cloud.google.com/gke-nodepool", "operator": "In", "values": ["main", "older"]}]}`), false},
		{"affinity excludes the pool", nil, requires(`{"matchExpressions": [{"key": "cloud.google.com/gke-nodepool", "operator": "NotIn", "values": ["old"]}]}`), false},
		{"affinity excludes another pool", nil, requires(`{"matchExpressions": [{"key": "cloud.google.com/gke-nodepool", "operator": "NotIn", "values": ["main"]}]}`), true},
		{"the first of two terms fits", nil, requires(`{"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, {"matchExpressions": [{"key": "gen", "operator": "Exists"}]}`), true},
		{"the second of two terms fits", nil, requires(`{"matchExpressions": [{"key": "gen", "operator": "Exists"}]}, {"matchExpressions": [{"key": "gen", "operator": "DoesNotExist"}]}`), true},
		{"no term fits", nil, requires(`{"matchExpressions": [{"key": "tier", "operator": "Exists"}, {"key": "gen", "operator": "Exists"}]}, {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}`), false},
		{"a term of nodes' names", nil, requires(`{"matchExpressions": [{"key": "gen", "operator": "Exists"}]}, {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}`), true},
		{"an operator that is not decided", nil, requires(`{"matchExpressions": [{"key": "tier", "operator": "Gt", "values": ["1"]}]}`), true},
		{"affinity that only prefers", nil, `{"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {"matchExpressions": [{"key": "gen", "operator": "Exists"}]}}]}}}`, true},
		{"a taint that is not tolerated", team, `{}`, false},
		{"a taint that is tolerated", team, `{"tolerations": [{"key": "team", "operator": "Equal", "value": "ml", "effect": "NoSchedule"}]}`, true},
		{"a toleration without an operator", team, `{"tolerations": [{"key": "team", "value": "ml"}]}`, true},
		{"a toleration of another value", team, `{"tolerations": [{"key": "team", "value": "web"}]}`, false},
		{"a toleration of another effect", team, `{"tolerations": [{"key": "team", "operator": "Exists", "effect": "NoExecute"}]}`, false},
		{"a toleration of everything", []string{"team=ml:NoSchedule", "spot=:NoExecute"}, `{"tolerations": [{"operator": "Exists"}]}`, true},
		{"the second of two taints is not tolerated", []string{"spot=:NoExecute", "team=ml:NoSchedule"}, `{"tolerations": [{"key": "spot", "operator": "Exists"}]}`, false},
		{"a taint without a value is tolerated", []string{"spot=:NoExecute", "team=ml:NoSchedule"}, `{"tolerations": [{"key": "spot"}, {"key": "team", "operator": "Exists"}]}`, true},
		{"a taint that only prefers", []string{"team=ml:PreferNoSchedule"}, `{}`, true},
		{"a taint of which GKE adds the toleration", []string{"sandbox.gke.io/runtime=gvisor:NoSchedule", "kubernetes.io/arch=arm64:NoSchedule"}, `{}`, true},
		{"a spot pool", []string{"cloud.google.com/gke-spot=true:NoSchedule"}, `{}`, false},
		{"a device that nobody asks for", []string{"nvidia.com/gpu=present:NoSchedule"}, `{"resources": {"limits": {"cpu": "1"}}}`, false},
		{"a device that a container asks for", []string{"nvidia.com/gpu=present:NoSchedule"}, `{"resources": {"limits": {"nvidia.com/gpu": "1"}}}`, true},
	}
	pool := scanner.NodePool{Name: "old", MetadataMode: "GCE_METADATA", Labels: map[string]string{"tier": "batch", "disk": "ssd"}}
	// The library's functions, with kubectl and the report of a refusal in the test's hands.
	library, err := os.ReadFile(filepath.Join("lib", "grant.sh"))
	if err != nil {
		t.Fatal(err)
	}
	const hands = `
set -euo pipefail
run() { if [[ ${answer+x} ]]; then printf '%s' "$answer"; else local last; for last; do :; done; printf '%s\n' "$last" >&2; fi; }
refuse() { printf 'lands\n'; }
is_true() { [[ $1 == [Tt]rue ]]; }
case_of() { answer=$1 node_pools=$2; if [[ $(check_nodes c n deployments.apps api .spec) == lands ]]; then printf 'yes\n'; else printf 'no\n'; fi; }
`
	bash := func(script string) (string, string) {
		file := filepath.Join(t.TempDir(), "lands.sh")
		if err := os.WriteFile(file, []byte(string(library)+hands+script), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", file)
		var errors strings.Builder
		cmd.Stderr = &errors
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, errors.String())
		}
		return string(out), errors.String()
	}
	_, asked := bash("node_pools='old|;;|||'$'\\n' check_nodes c n deployments.apps api .spec >/dev/null\n")
	template := strings.TrimSuffix(asked, "\n")
	var script strings.Builder
	want := ""
	for _, test := range cases {
		var spec map[string]any
		if err := json.Unmarshal([]byte(test.spec), &spec); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if resources := spec["resources"]; resources != nil {
			spec["containers"] = []any{map[string]any{"name": "app"}, map[string]any{"name": "gpu", "resources": resources}}
		}
		answer, err := render(template, map[string]any{"spec": spec})
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		var keys, values, effects []string
		for _, taint := range test.taints {
			key, rest, _ := strings.Cut(taint, "=")
			value, effect, _ := strings.Cut(rest, ":")
			keys, values = append(keys, key), append(values, value)
			effects = append(effects, map[string]string{"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}[effect])
		}
		row := strings.Join([]string{"old", ";disk=ssd;tier=batch;cloud.google.com/gke-nodepool=old;", strings.Join(keys, ";"), strings.Join(values, ";"), strings.Join(effects, ";")}, "|")
		fmt.Fprintf(&script, "case_of %s %s\n", runbook.Quote(answer), runbook.Quote(row+"\n"))
		want += map[bool]string{true: "yes\n", false: "no\n"}[test.want]
		pool.Taints = test.taints
		selector := map[string]string{}
		if written, ok := spec["nodeSelector"].(map[string]any); ok {
			for key, value := range written {
				selector[key] = fmt.Sprint(value)
			}
		}
		if got := pool.Takes(selector, wiring.SchedulingOf(spec)); got != test.want {
			t.Errorf("check: %s: lands is %v, want %v", test.name, got, test.want)
		}
	}
	out, _ := bash(script.String())
	lines := strings.Split(out, "\n")
	for i, line := range strings.Split(want, "\n") {
		if i >= len(lines) || lines[i] != line {
			name := "the end"
			if i < len(cases) {
				name = cases[i].name
			}
			t.Errorf("1-grant.sh: %s: %q, want %q", name, slices.Concat(lines, []string{"nothing"})[min(i, len(lines))], line)
		}
	}
}
