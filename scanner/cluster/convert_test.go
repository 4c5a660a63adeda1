package cluster

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/randfill"
)

// What is converted by hand is what the general converter gives, less what is left out on purpose.
func TestConvert(t *testing.T) {
	fill := randfill.NewWithSeed(1).NilChance(0.4).NumElements(0, 3).MaxDepth(14).Funcs(
		// Random bytes are no quantity and no time.
		func(q *quantity.Quantity, _ randfill.Continue) { *q = quantity.MustParse("100m") },
		func(at *metav1.Time, _ randfill.Continue) { *at = metav1.Unix(1700000000, 0) },
		func(fields *metav1.FieldsV1, _ randfill.Continue) { *fields = *metav1.NewFieldsV1("{}") },
	)
	for range 300 {
		for _, o := range []runtime.Object{&appsv1.Deployment{}, &appsv1.StatefulSet{}, &appsv1.DaemonSet{}, &batchv1.Job{}, &batchv1.CronJob{}, &corev1.Pod{},
			&corev1.ReplicationController{}, &corev1.ServiceAccount{}} {
			fill.Fill(o)
			// Who set which field is taken out of every object, and random bytes are none of its encodings.
			o.(metav1.Object).SetManagedFields(nil)
			drop(o)
			want, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o.DeepCopyObject())
			if err != nil {
				t.Fatal(err)
			}
			lessen(want)
			delete(want, "status") // object drops it
			delete(want, "apiVersion")
			delete(want, "kind") // objects of a list have none, and object sets them
			about := o.(metav1.ObjectMetaAccessor).GetObjectMeta().(*metav1.ObjectMeta)
			got, err := convert(o, about)
			delete(got, "status")
			delete(got, "apiVersion")
			delete(got, "kind")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(prune(want), prune(got)); diff != "" {
				t.Fatalf("%T: %.3000s", o, diff)
			}
		}
	}
}

// lessen takes out of the general converter's result what convert leaves out.
func lessen(content map[string]any) {
	about, _ := content["metadata"].(map[string]any)
	kept := map[string]any{"name": ""}
	for _, key := range []string{"name", "namespace", "uid", "labels", "annotations"} {
		if v, ok := about[key]; ok {
			kept[key] = v
		}
	}
	if owners, ok := about["ownerReferences"].([]any); ok {
		for _, o := range owners {
			delete(o.(map[string]any), "blockOwnerDeletion")
		}
		kept["ownerReferences"] = owners
	}
	content["metadata"] = kept
	spec, _ := content["spec"].(map[string]any)
	if job, ok := spec["jobTemplate"].(map[string]any); ok {
		spec, _ = job["spec"].(map[string]any)
	}
	if template, ok := spec["template"].(map[string]any); ok {
		spec, _ = template["spec"].(map[string]any)
	}
	for _, key := range []string{"containers", "initContainers"} {
		list, ok := spec[key].([]any)
		if !ok || len(list) == 0 {
			delete(spec, key)
			continue
		}
		for _, raw := range list {
			c := raw.(map[string]any)
			if r, ok := c["resources"].(map[string]any); ok && len(r) == 0 {
				delete(c, "resources")
			}
			mounts, _ := c["volumeMounts"].([]any)
			for _, m := range mounts {
				maps.DeleteFunc(m.(map[string]any), func(key string, _ any) bool {
					return !slices.Contains([]string{"name", "mountPath", "readOnly", "subPath", "subPathExpr"}, key)
				})
			}
		}
	}
}

// prune drops what is empty: which of the empty structs are written says nothing.
func prune(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			if v[key] = prune(item); v[key] == nil {
				delete(v, key)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i, item := range v {
			if v[i] = prune(item); v[i] == nil {
				v[i] = "nothing" // its place counts
			}
		}
		if len(v) == 0 {
			return nil
		}
	}
	return value
}
