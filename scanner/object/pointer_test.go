package object_test

import (
	"testing"

	"dekey/scanner/object"
)

func TestPointers(t *testing.T) {
	content := map[string]any{
		"metadata": map[string]any{"name": "api", "labels": map[string]any{"a": "b"}},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
			"containers": []any{
				map[string]any{"name": "side"},
				map[string]any{"name": "app", "env": []any{map[string]any{"name": "A"}, map[string]any{"name": "B"}, map[string]any{"name": "A"}},
					"volumeMounts": []any{map[string]any{"name": "key", "mountPath": "/a/b"}}},
			},
			"volumes": []any{map[string]any{"name": "x"}, map[string]any{"name": "key"}},
		}}},
	}
	pointers := object.PointersOf(content)
	const pod = "spec.template.spec."
	for _, test := range []struct {
		field, want string
		found       bool
	}{
		{pod + "containers[name=app].env[name=B]", "/spec/template/spec/containers/1/env/1", true},
		{pod + "containers[name=app].env[name=A]", "/spec/template/spec/containers/1/env/0", true}, // the first of that name
		{pod + "containers[name=app].volumeMounts[mountPath=/a/b]", "/spec/template/spec/containers/1/volumeMounts/0", true},
		{pod + "volumes[name=key]", "/spec/template/spec/volumes/1", true},
		{pod + "containers[name=app].args[2]", "/spec/template/spec/containers/1/args/2", true},
		{pod + "serviceAccountName", "/spec/template/spec/serviceAccountName", true},
		{`metadata.annotations["a/b~c"]`, "/metadata/annotations/a~1b~0c", true},
		{pod + "volumes[name=gone]", "", false},
		{pod + "imagePullSecrets[name=x]", "", false},
	} {
		path, err := object.ParsePath(test.field)
		if err != nil {
			t.Fatal(err)
		}
		if got, found := pointers.Find(path); got != test.want || found != test.found {
			t.Errorf("%s: %q %v, want %q %v", test.field, got, found, test.want, test.found)
		}
	}
}
