package cluster_test

import (
	"encoding/base64"
	"fmt"
	"iter"
	"math/rand/v2"

	"dekey/testdata/cluster/controlplane"
)

// spaces is over how many namespaces the objects of the size tests are spread.
const spaces = 50

func namespaceOf(i int) string { return fmt.Sprintf("team-%02d", i%spaces) }

func manyNamespaces() iter.Seq[controlplane.Object] {
	return func(yield func(controlplane.Object) bool) {
		for i := range spaces {
			if !yield(controlplane.Object{Path: "/api/v1/namespaces", Manifest: map[string]any{
				"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespaceOf(i)},
			}}) {
				return
			}
		}
	}
}

// manySecrets are Secrets of about 6.7 kB as JSON; every hundredth holds the key.
func manySecrets(from, to int, key []byte) iter.Seq[controlplane.Object] {
	return func(yield func(controlplane.Object) bool) {
		random := rand.NewChaCha8([32]byte{1})
		for i := from; i < to; i++ {
			noise := make([]byte, 3000+i%3000)
			_, _ = random.Read(noise)
			data := map[string]any{"token": base64.StdEncoding.EncodeToString(noise)}
			if i%100 == 0 {
				data = map[string]any{"key.json": base64.StdEncoding.EncodeToString(key)}
			}
			if !yield(controlplane.Object{Path: "/api/v1/namespaces/" + namespaceOf(i) + "/secrets", Manifest: map[string]any{
				"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
				"metadata": map[string]any{"name": fmt.Sprintf("secret-%05d", i), "labels": map[string]any{"app": fmt.Sprintf("app-%05d", i)}},
			}}) {
				return
			}
		}
	}
}

// manyWorkloads are workloads of all kinds, of about 3 kB as JSON; every hundredth uses a key.
func manyWorkloads(n int) iter.Seq[controlplane.Object] {
	return func(yield func(controlplane.Object) bool) {
		for i := range n {
			if !yield(workload(i)) {
				return
			}
		}
	}
}

func workload(i int) controlplane.Object {
	name, namespace := fmt.Sprintf("app-%05d", i), namespaceOf(i)
	labels := map[string]any{"app": name}
	env := []any{}
	for j := range 25 {
		env = append(env, map[string]any{"name": fmt.Sprintf("SETTING_%02d", j), "value": fmt.Sprintf("value-%d-of-%s", j, name)})
	}
	container := map[string]any{
		"name": "app", "image": "registry.example/" + name + ":1.2.3",
		"resources":      map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "128Mi"}, "limits": map[string]any{"memory": "256Mi"}},
		"readinessProbe": map[string]any{"httpGet": map[string]any{"path": "/healthz", "port": 8080}},
		"ports":          []any{map[string]any{"containerPort": 8080, "name": "http"}},
	}
	spec := map[string]any{"containers": []any{container}}
	if i%100 == 0 {
		env = append(env, map[string]any{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/var/secrets/google/key.json"})
		container["volumeMounts"] = []any{map[string]any{"name": "key", "mountPath": "/var/secrets/google"}}
		spec["volumes"] = []any{map[string]any{"name": "key", "secret": map[string]any{"secretName": fmt.Sprintf("secret-%05d", i)}}}
	}
	container["env"] = env
	template := map[string]any{"metadata": map[string]any{"labels": labels}, "spec": spec}
	about := map[string]any{"name": name, "labels": labels}
	manifest := map[string]any{"metadata": about}
	group, version, resource := "apps", "v1", ""
	switch i % 10 {
	case 0, 1, 2, 3, 4, 5:
		manifest["kind"], resource = "Deployment", "deployments"
		manifest["spec"] = map[string]any{"replicas": 2, "selector": map[string]any{"matchLabels": labels}, "template": template}
	case 6:
		manifest["kind"], resource = "StatefulSet", "statefulsets"
		manifest["spec"] = map[string]any{"serviceName": name, "selector": map[string]any{"matchLabels": labels}, "template": template}
	case 7:
		manifest["kind"], resource = "DaemonSet", "daemonsets"
		manifest["spec"] = map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": template}
	case 8:
		manifest["kind"], resource, group = "CronJob", "cronjobs", "batch"
		spec["restartPolicy"] = "Never"
		manifest["spec"] = map[string]any{"schedule": "0 3 * * *", "jobTemplate": map[string]any{"spec": map[string]any{"template": template}}}
	default:
		manifest["kind"], resource, group = "Job", "jobs", "batch"
		spec["restartPolicy"] = "Never"
		manifest["spec"] = map[string]any{"template": template}
	}
	manifest["apiVersion"] = group + "/" + version
	return controlplane.Object{
		Path: fmt.Sprintf("/apis/%s/%s/namespaces/%s/%s", group, version, namespace, resource), Manifest: manifest,
	}
}
