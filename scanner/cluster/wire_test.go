package cluster

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/randfill"

	"dekey/scanner/claim"
)

// randomly fills objects with what a server may give.
func randomly() *randfill.Filler {
	return randfill.NewWithSeed(2).NilChance(0.4).NumElements(0, 3).MaxDepth(14).Funcs(
		// Random bytes are no quantity, no time and no port.
		func(q *quantity.Quantity, _ randfill.Continue) { *q = quantity.MustParse("100m") },
		func(at *metav1.Time, _ randfill.Continue) { *at = metav1.Unix(1700000000, 0) },
		func(fields *metav1.FieldsV1, _ randfill.Continue) { *fields = *metav1.NewFieldsV1("{}") },
		func(port *intstr.IntOrString, c randfill.Continue) {
			*port = intstr.FromInt32(int32(c.Uint64() % 65536))
			if c.Bool() {
				*port = intstr.FromString("http")
			}
		},
		func(entry *metav1.ManagedFieldsEntry, c randfill.Continue) {
			c.FillNoCustom(entry)
			if c.Bool() {
				entry.Manager = "argocd-controller"
			}
		},
		func(s *corev1.Secret, c randfill.Continue) {
			c.FillNoCustom(s)
			s.StringData = nil // a server never gives it
		},
	)
}

// kindsRead are the built-in kinds that a scan decodes from protobuf.
func kindsRead(t *testing.T) []schema.GroupVersionKind {
	t.Helper()
	resources := slices.Collect(maps.Keys(builtin))
	resources = append(resources, schema.GroupResource{Resource: "nodes"}, schema.GroupResource{Resource: "namespaces"})
	var kinds []schema.GroupVersionKind
	for gvk := range scheme.Scheme.AllKnownTypes() {
		name := strings.ToLower(gvk.Kind)
		plural := name + "s"
		if base, ok := strings.CutSuffix(name, "y"); ok {
			plural = base + "ies"
		} else if strings.HasSuffix(name, "ss") {
			plural = name + "es"
		}
		if slices.Contains(resources, schema.GroupResource{Group: gvk.Group, Resource: plural}) {
			kinds = append(kinds, gvk)
		}
	}
	if len(kinds) < len(resources) {
		t.Fatalf("%d kinds of %d resources", len(kinds), len(resources))
	}
	slices.SortFunc(kinds, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
	return kinds
}

// What is decoded from protobuf is what the kind's Go type gives in JSON, less what is left out on purpose.
func TestDecode(t *testing.T) {
	fill := randomly()
	var known shapes
	for _, gvk := range kindsRead(t) {
		r := resource{GroupVersionResource: schema.GroupVersionResource{Group: gvk.Group, Version: gvk.Version}, kind: gvk.Kind}
		decoder, err := known.decoder(r)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			o, err := scheme.Scheme.New(gvk)
			if err != nil {
				t.Fatal(err)
			}
			fill.Fill(o)
			data, err := o.(interface{ Marshal() ([]byte, error) }).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			got, err := decoder.decode(data)
			if err != nil {
				t.Fatalf("%s: %v", gvk, err)
			}
			if secret, ok := o.(*corev1.Secret); ok {
				if !maps.EqualFunc(secret.Data, got.values, slices.Equal) {
					t.Fatal("other values")
				}
				secret.Data = nil
			}
			if diff := cmp.Diff(prune(expected(t, o)), prune(got.raw)); diff != "" {
				t.Fatalf("%s: %.3000s", gvk, diff)
			}
			// Cut anywhere, it is refused or is a part of itself; it never ends the program.
			for _, n := range []int{1, len(data) / 3, len(data) / 2, len(data) - 1} {
				if n > 0 && n < len(data) {
					_, _ = decoder.decode(data[:n])
				}
			}
		}
	}
}

// expected is the general converter's result for an object without what is left out.
func expected(t *testing.T, o runtime.Object) map[string]any {
	t.Helper()
	lessen(reflect.ValueOf(o).Elem())
	want, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	delete(want, "apiVersion")
	delete(want, "kind") // objects of a list have none, and object sets them
	delete(want, "status")
	return want
}

// lessen takes out of a Go object what is not decoded.
func lessen(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			lessen(v.Elem())
		}
		if probe, ok := v.Interface().(*corev1.Probe); ok && probe != nil && probe.Exec == nil {
			v.SetZero()
		}
	case reflect.Slice:
		if entries, ok := v.Interface().([]metav1.ManagedFieldsEntry); ok {
			var tools []metav1.ManagedFieldsEntry
			for _, m := range entries {
				if claim.FieldManager(m.Manager) != "" {
					tools = append(tools, metav1.ManagedFieldsEntry{Manager: m.Manager})
				}
			}
			v.Set(reflect.ValueOf(tools))
			return
		}
		for i := range v.Len() {
			lessen(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(key))
			lessen(item)
			if data, ok := item.Interface().([]byte); ok && data == nil {
				item.SetBytes([]byte{}) // null in JSON, and as empty
			}
			v.SetMapIndex(key, item)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Type == reflect.TypeFor[metav1.TypeMeta]() {
				v.Field(i).SetZero() // it is in no message
			} else if f.Tag.Get("protobuf") != "" {
				if !wanted(v.Type(), f.Name) {
					v.Field(i).SetZero()
				}
				lessen(v.Field(i))
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

// What is empty and yet says something is decoded.
func TestDecodeEmpty(t *testing.T) {
	var known shapes
	no, none := false, ""
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{
		AutomountServiceAccountToken: &no, PreemptionPolicy: nil, RuntimeClassName: &none,
		Volumes:    []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		Containers: []corev1.Container{{Name: "app", Args: []string{"", "-x"}, EnvFrom: []corev1.EnvFromSource{{}}}},
	}}
	data, err := pod.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := known.decoder(resource{GroupVersionResource: schema.GroupVersionResource{Version: "v1"}, kind: "Pod"})
	if err != nil {
		t.Fatal(err)
	}
	it, err := decoder.decode(data)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"automountServiceAccountToken": false, "runtimeClassName": "",
		"volumes":    []any{map[string]any{"name": "v", "emptyDir": map[string]any{}}},
		"containers": []any{map[string]any{"name": "app", "args": []any{"", "-x"}, "envFrom": []any{map[string]any{}}}},
	}
	if diff := cmp.Diff(want, it.raw["spec"]); diff != "" {
		t.Error(diff)
	}
}

// An object that is no message of its kind is refused, and ends nothing.
func FuzzDecode(f *testing.F) {
	var known shapes
	fill := randomly()
	for range 5 {
		var pod corev1.Pod
		fill.Fill(&pod)
		if data, err := pod.Marshal(); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kind := range []string{"Pod", "Secret", "ConfigMap", "Node"} {
			decoder, err := known.decoder(resource{GroupVersionResource: schema.GroupVersionResource{Version: "v1"}, kind: kind})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = decoder.decode(data)
		}
	})
}
