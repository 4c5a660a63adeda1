package cluster

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/randfill"

	"dekey/scanner/claim"
)

// What is decoded from protobuf is what its type decodes, less what is left out on purpose.
func TestUnmarshal(t *testing.T) {
	fill := randfill.NewWithSeed(2).NilChance(0.4).NumElements(0, 3).MaxDepth(12).Funcs(
		func(at *metav1.Time, _ randfill.Continue) { *at = metav1.Unix(1700000000, 0) },
		func(fields *metav1.FieldsV1, _ randfill.Continue) { *fields = *metav1.NewFieldsV1("{}") },
		func(entry *metav1.ManagedFieldsEntry, c randfill.Continue) {
			c.FillNoCustom(entry)
			if c.Bool() {
				entry.Manager = "argocd-controller"
			}
		},
		func(s *corev1.Secret, c randfill.Continue) {
			c.FillNoCustom(s)
			s.StringData = nil // a server never gives it
			if len(s.Data) == 0 {
				s.Data = nil
			}
		},
	)
	for range 200 {
		for _, o := range []runtime.Object{
			&corev1.Secret{}, &corev1.ConfigMap{}, &corev1.Pod{}, &appsv1.Deployment{}, &batchv1.CronJob{}, &corev1.ServiceAccount{},
		} {
			fill.Fill(o)
			about := o.(metav1.Object)
			data, err := o.(interface{ Marshal() ([]byte, error) }).Marshal()
			if err != nil {
				continue // random bytes are no quantity
			}
			kinds, _, err := scheme.Scheme.ObjectKinds(o)
			if err != nil {
				t.Fatal(err)
			}
			r := resource{GroupVersionResource: schema.GroupVersionResource{Group: kinds[0].Group, Version: kinds[0].Version}, kind: kinds[0].Kind}
			var scratch []byte
			got, err := r.unmarshal(data, &scratch)
			if err != nil {
				t.Fatalf("%T: %v", o, err)
			}
			want, err := scheme.Scheme.New(kinds[0])
			if err != nil || want.(interface{ Unmarshal([]byte) error }).Unmarshal(data) != nil {
				t.Fatal("the type itself does not decode it")
			}
			var kept []metav1.ManagedFieldsEntry
			for _, m := range about.GetManagedFields() {
				if claim.FieldManager(m.Manager) != "" {
					kept = append(kept, metav1.ManagedFieldsEntry{Manager: m.Manager})
				}
			}
			want.(metav1.Object).SetManagedFields(kept)
			if hasStatus(want) {
				reflect.ValueOf(want).Elem().FieldByName("Status").SetZero()
			}
			if diff := cmp.Diff(want, got.typed); diff != "" {
				t.Fatalf("%T: %.2000s", o, diff)
			}
			// Cut anywhere, it is refused or is a part of itself; it never ends the program.
			for _, n := range []int{1, len(data) / 3, len(data) / 2, len(data) - 1} {
				if n > 0 && n < len(data) {
					_, _ = r.unmarshal(data[:n], &scratch)
				}
			}
		}
	}
}
