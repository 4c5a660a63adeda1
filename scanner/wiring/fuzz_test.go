package wiring_test

import (
	"encoding/json"
	"strings"
	"testing"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// FuzzResolve takes any JSON as an object. Nothing may panic, the result may not depend on the run, and every field that a
// use or a pod spec names must be there.
func FuzzResolve(f *testing.F) {
	for _, test := range objectTests {
		f.Add(jsonOf(f, decode(f, test.text).Content))
	}
	for _, test := range podTests {
		var spec any = decode(f, "spec:\n "+strings.ReplaceAll(strings.TrimSpace(test.spec), "\n", "\n ")).Content["spec"]
		f.Add(jsonOf(f, map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": spec}))
	}
	for _, test := range argumentTests {
		container := decode(f, "c:\n "+strings.ReplaceAll(strings.TrimSpace(test.spec), "\n", "\n ")).Content["c"].(map[string]any)
		container["name"] = "app"
		container["volumeMounts"] = []any{map[string]any{"name": "creds", "mountPath": "/creds"}}
		f.Add(jsonOf(f, map[string]any{"spec": map[string]any{
			"containers": []any{container},
			"volumes":    []any{map[string]any{"name": "creds", "secret": map[string]any{"secretName": "sa"}}},
		}}))
	}
	known := contents{"Secret/sa": {"key.json": "key", "k": "key", "other": "unknown"}, "ConfigMap/settings": {"A": "/creds/key.json"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		var content map[string]any
		if json.Unmarshal(data, &content) != nil {
			return
		}
		o := &object.Object{Content: content}
		for _, k := range []contents{nil, known} {
			first := uses(t, o, k)
			if second := uses(t, o, k); len(first) != len(second) {
				t.Fatalf("%d uses, then %d", len(first), len(second))
			}
			pods := wiring.NewExtractor().Extract(o)
			for i := range pods {
				spec, found := wiring.Resolve(&pods[i], k)
				there(t, content, spec.Path)
				for _, c := range spec.Containers {
					there(t, content, c.Field)
					for _, m := range c.Mounts {
						there(t, content, m.Field)
					}
				}
				for _, v := range spec.Volumes {
					there(t, content, v.Field)
				}
				for _, u := range found {
					for _, at := range u.At {
						there(t, content, at)
					}
				}
			}
		}
	})
}

func there(t *testing.T, content map[string]any, path object.Path) {
	t.Helper()
	if _, ok := path.Lookup(any(content)); !ok {
		t.Fatalf("%s is not in the object", path)
	}
	read, err := object.ParsePath(path.String())
	if err != nil {
		t.Fatalf("%s reads back as an error: %v", path, err)
	}
	if !read.Equal(path) {
		t.Fatalf("%s reads back as %s", path, read)
	}
}

func jsonOf(t testing.TB, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
