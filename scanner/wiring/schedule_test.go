package wiring_test

import (
	"testing"

	"gopkg.in/yaml.v3"

	"dekey/scanner"
	"dekey/scanner/wiring"
)

// Which pools a pod can land on. What is not understood, and what only a node would tell, fits.
func TestLands(t *testing.T) {
	pool := scanner.NodePool{Name: "old", MetadataMode: "GCE_METADATA", Labels: map[string]string{"tier": "batch", "zone": "a"}}
	tainted := func(taints ...string) scanner.NodePool { p := pool; p.Taints = taints; return p }
	unread := pool
	unread.MetadataMode = ""
	ready := pool
	ready.MetadataMode = "GKE_METADATA"
	gpu := tainted("nvidia.com/gpu=present:NoSchedule")
	team := tainted("team=ml:NoSchedule")
	for _, test := range []struct {
		name string
		spec string
		pool scanner.NodePool
		want bool
	}{
		{"nothing is asked", `{}`, pool, true},
		{"the pool has the label", `nodeSelector: {tier: batch}`, pool, true},
		{"the pool has another value", `nodeSelector: {tier: web}`, pool, false},
		{"the pool has no such label", `nodeSelector: {disk: ssd}`, pool, false},
		{"a label that only the node tells", `nodeSelector: {topology.kubernetes.io/zone: a, cloud.google.com/gke-spot: "true"}`, pool, true},
		{"the pool by its name", `nodeSelector: {cloud.google.com/gke-nodepool: old}`, pool, true},
		{"another pool by its name", `nodeSelector: {cloud.google.com/gke-nodepool: new}`, pool, false},
		{"nodes with GKE's metadata server, and the pool has none", `nodeSelector: {iam.gke.io/gke-metadata-server-enabled: "true"}`, pool, false},
		{"nodes with GKE's metadata server, and the pool has it", `nodeSelector: {iam.gke.io/gke-metadata-server-enabled: "true"}`, ready, true},
		{"nodes with GKE's metadata server, and the pool was not read", `nodeSelector: {iam.gke.io/gke-metadata-server-enabled: "true"}`, unread, true},
		{"nodes without GKE's metadata server", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: iam.gke.io/gke-metadata-server-enabled, operator: DoesNotExist}]}]}}}`, pool, true},

		{"affinity: the name of another pool", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: cloud.google.com/gke-nodepool, operator: In, values: [new, newer]}]}]}}}`, pool, false},
		{"affinity: not this pool", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: cloud.google.com/gke-nodepool, operator: NotIn, values: [old]}]}]}}}`, pool, false},
		{"affinity: one of two terms fits", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: tier, operator: In, values: [web]}]}, {matchExpressions: [{key: tier, operator: Exists}]}]}}}`, pool, true},
		{"affinity: one of two requirements does not fit", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: tier, operator: Exists}, {key: zone, operator: DoesNotExist}]}]}}}`, pool, false},
		{"affinity: an operator that is not decided", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: tier, operator: Gt, values: ["3"]}]}]}}}`, pool, true},
		{"affinity: by a node's own name", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n1]}]}]}}}`, pool, true},
		{"affinity: preferred only", `affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: tier, operator: In, values: [web]}]}}]}}`, pool, true},
		{"affinity: a value that is no text", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: tier, operator: In, values: [3]}]}]}}}`, pool, true},

		{"a taint, and no toleration", `{}`, team, false},
		{"a taint, and its toleration", `tolerations: [{key: team, operator: Equal, value: ml, effect: NoSchedule}]`, team, true},
		{"a toleration without an operator", `tolerations: [{key: team, value: ml}]`, team, true},
		{"a toleration of another value", `tolerations: [{key: team, value: web}]`, team, false},
		{"a toleration of the key", `tolerations: [{key: team, operator: Exists}]`, team, true},
		{"a toleration of everything", `tolerations: [{operator: Exists}]`, team, true},
		{"a toleration of another effect", `tolerations: [{key: team, operator: Exists, effect: NoExecute}]`, team, false},
		{"one of two taints is tolerated", `tolerations: [{key: team, operator: Exists}]`, tainted("team=ml:NoSchedule", "spot=:NoExecute"), false},
		{"a taint that only prefers", `{}`, tainted("team=ml:PreferNoSchedule"), true},
		{"a taint of an effect that is not known", `{}`, tainted("team=ml:"), true},
		{"a taint of which GKE adds the toleration", `{}`, tainted("sandbox.gke.io/runtime=gvisor:NoSchedule", "kubernetes.io/arch=arm64:NoSchedule"), true},
		{"a spot pool", `{}`, tainted("cloud.google.com/gke-spot=true:NoSchedule"), false},
		{"a device that nobody asks for", `containers: [{name: a, resources: {limits: {cpu: 1}}}]`, gpu, false},
		{"a device that a container asks for", `containers: [{name: a, resources: {limits: {nvidia.com/gpu: 1}}}]`, gpu, true},
		{"a device that an init container asks for", `initContainers: [{name: a, resources: {requests: {nvidia.com/gpu: 1}}}]`, gpu, true},
	} {
		var spec map[string]any
		if err := yaml.Unmarshal([]byte(test.spec), &spec); err != nil {
			t.Fatal(err)
		}
		selector := map[string]string{}
		for key, value := range spec {
			if m, ok := value.(map[string]any); ok && key == "nodeSelector" {
				for key, value := range m {
					selector[key] = value.(string)
				}
			}
		}
		if got := test.pool.Takes(selector, wiring.SchedulingOf(spec)); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
