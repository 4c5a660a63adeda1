package scanner

import "testing"

// What a controller made is not shown beside its owner, also where a dump leaves out what stands between; a pod that names a
// Secret of its own is.
func TestOwned(t *testing.T) {
	pod := func(secret string) map[string]any {
		return map[string]any{
			"containers": []any{map[string]any{
				"name": "app", "env": []any{map[string]any{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/k/key.json"}},
				"volumeMounts": []any{map[string]any{"name": "k", "mountPath": "/k"},
					map[string]any{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}},
			}},
			"volumes": []any{map[string]any{"name": "k", "secret": map[string]any{"secretName": secret}},
				map[string]any{"name": "token", "secret": map[string]any{"secretName": "default-token-x7k2p"}}},
			"imagePullSecrets": []any{map[string]any{"name": "given"}},
		}
	}
	deployment := liveDeployment("api", map[string]any{"containers": pod("key")["containers"], "volumes": pod("key")["volumes"].([]any)[:1]})
	deployment.Managers = nil
	for _, test := range []struct {
		name, kind, owner, hash, secret string
		shown                           bool
	}{
		{name: "its ReplicaSet", kind: "ReplicaSet", owner: "Deployment/api", secret: "key"},
		{name: "its pod", kind: "Pod", owner: "ReplicaSet/api-5d9c", hash: "5d9c", secret: "key"},
		{name: "a pod of another ReplicaSet of a like name", kind: "Pod", owner: "ReplicaSet/api-5d9c", hash: "7777", secret: "key", shown: true},
		{name: "a pod with an injected Secret", kind: "Pod", owner: "ReplicaSet/api-5d9c", hash: "5d9c", secret: "injected", shown: true},
		{name: "an operator's", kind: "Pod", owner: "Widget/api", secret: "key", shown: true},
	} {
		labels := map[string]any{"pod-template-hash": test.hash}
		made := &Object{
			Ref: Ref{APIVersion: "v1", Kind: test.kind, Namespace: "shop", Name: "made"}, Live: true,
			Origins: []Origin{{Source: "cluster:a"}}, Managers: []string{"owner:" + test.owner},
			Content: map[string]any{"apiVersion": "v1", "kind": test.kind, "metadata": map[string]any{"name": "made", "labels": labels}, "spec": pod(test.secret)},
		}
		c := newCollector()
		c.Object(deployment)
		c.Object(made)
		shown := false
		for _, f := range c.analyse().inventory().Findings {
			shown = shown || f.Workload.Name == "made"
		}
		if shown != test.shown {
			t.Errorf("%s: shown is %t", test.name, shown)
		}
	}
	if kind, name := climb("Job", "report-29418765", nil); kind != "CronJob" || name != "report" {
		t.Errorf("the owner of a CronJob's Job is %s/%s", kind, name)
	}
}
