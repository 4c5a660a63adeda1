package scanner

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func liveDeployment(name string, spec map[string]any) *Object {
	labels := map[string]any{"app": name}
	return &Object{
		Ref:  Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: name},
		Live: true, Origins: []Origin{{Source: "cluster:a"}}, Managers: []string{"helm:shop"},
		Content: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name, "namespace": "shop", "labels": labels},
			"spec": map[string]any{"replicas": int64(2), "template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": spec}},
		},
	}
}

// What is packed comes back as it was; what can use a key is not packed.
func TestIdle(t *testing.T) {
	container := map[string]any{"name": "app", "image": "registry.example/app:1", "env": []any{map[string]any{"name": "PORT", "value": "80"}}}
	sidecar := map[string]any{"name": "proxy", "image": "registry.example/proxy:2", "restartPolicy": "Always"}
	for name, spec := range map[string]map[string]any{
		"plain": {"containers": []any{container}},
		"full": {
			"containers": []any{container}, "initContainers": []any{sidecar}, "serviceAccountName": "api", "hostNetwork": true,
			"automountServiceAccountToken": false, "nodeSelector": map[string]any{"pool": "a"}, "affinity": map[string]any{"nodeAffinity": map[string]any{"x": "y"}},
		},
	} {
		c := newCollector()
		o := liveDeployment(name, spec)
		want := c.workload(o, placeOf(o), c.specs.Extract(o))
		if !c.idle.take(want) {
			t.Fatalf("%s is not packed", name)
		}
		got := c.idle.that(func(w *idleWorkload) bool { return w.ref == o.Ref })
		all := cmp.Exporter(func(reflect.Type) bool { return true })
		if len(got) != 1 || !cmp.Equal(want, got[0], all, cmpopts.EquateEmpty()) {
			t.Errorf("%s:\n%s", name, cmp.Diff([]*definition{want}, got, all, cmpopts.EquateEmpty()))
		}
	}
	for name, o := range map[string]*Object{
		"with a key": liveDeployment("key", map[string]any{"containers": []any{map[string]any{
			"name": "app", "env": []any{map[string]any{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/a"}},
		}}}),
		"of a checkout": func() *Object {
			o := liveDeployment("file", map[string]any{"containers": []any{container}})
			o.Live, o.Origins = false, []Origin{{Source: ".", Path: "a.yaml", Document: 1, Line: 1, Column: 1}}
			return o
		}(),
		"of an operator": func() *Object {
			o := liveDeployment("owned", map[string]any{"containers": []any{container}})
			o.Managers = []string{"owner:Widget/a"}
			return o
		}(),
	} {
		c := newCollector()
		c.Object(o)
		if len(c.idle.packed) > 0 || len(c.workloads) != 1 {
			t.Errorf("one %s is packed", name)
		}
	}
}

// A workload that could use no key is in the inventory beside one that does under the same service account.
func TestIdleBystander(t *testing.T) {
	c := newCollector()
	c.Object(liveDeployment("by", map[string]any{"containers": []any{map[string]any{"name": "app", "image": "a"}}}))
	c.Object(liveDeployment("user", map[string]any{
		"containers": []any{map[string]any{
			"name": "app", "image": "a", "env": []any{map[string]any{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/k/key.json"}},
			"volumeMounts": []any{map[string]any{"name": "k", "mountPath": "/k"}},
		}},
		"volumes": []any{map[string]any{"name": "k", "secret": map[string]any{"secretName": "key"}}},
	}))
	inventory := c.analyse().inventory()
	if len(inventory.Workloads) != 2 || inventory.Workloads[0].Ref.Name != "by" || len(inventory.Workloads[0].PodSpecs) != 1 {
		t.Errorf("workloads %+v", inventory.Workloads)
	}
}
