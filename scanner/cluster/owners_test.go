package cluster

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// about is the metadata of an object whose UID is its name, with a controller KIND/NAME or without.
func about(name, controller string) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)}
	if kind, owner, ok := strings.Cut(controller, "/"); ok {
		yes := true
		m.OwnerReferences = []metav1.OwnerReference{{APIVersion: versionOf(kind), Kind: kind, Name: owner, UID: types.UID(owner), Controller: &yes}}
	}
	return m
}

func versionOf(kind string) string {
	switch kind {
	case "Deployment", "ReplicaSet", "StatefulSet":
		return "apps/v1"
	case "Job", "CronJob":
		return "batch/v1"
	}
	return "acme.example/v1"
}

// spec is a pod spec that mounts Secrets.
func spec(secrets ...string) corev1.PodSpec {
	s := corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}
	for _, name := range secrets {
		s.Volumes = append(s.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}})
	}
	return s
}

func deployment(name, controller string, secrets ...string) runtime.Object {
	return &appsv1.Deployment{ObjectMeta: about(name, controller), Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: spec(secrets...)}}}
}

func replicaSet(name, controller string, secrets ...string) runtime.Object {
	return &appsv1.ReplicaSet{ObjectMeta: about(name, controller), Spec: appsv1.ReplicaSetSpec{Template: corev1.PodTemplateSpec{Spec: spec(secrets...)}}}
}

func job(name, controller string) runtime.Object {
	return &batchv1.Job{ObjectMeta: about(name, controller), Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec()}}}
}

func pod(name, controller string, secrets ...string) runtime.Object {
	return &corev1.Pod{ObjectMeta: about(name, controller), Spec: spec(secrets...)}
}

func widget(name, controller string, template bool) runtime.Object {
	body := map[string]any{"size": int64(3)}
	if template {
		body["podTemplate"] = map[string]any{"containers": []any{map[string]any{"name": "app"}}}
	}
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "acme.example/v1", "kind": "Widget", "spec": body}}
	m := about(name, controller)
	u.SetNamespace(m.Namespace)
	u.SetName(m.Name)
	u.SetUID(m.UID)
	u.SetOwnerReferences(m.OwnerReferences)
	return u
}

// What people edit is yielded, once; what is made of it is not; what is made by something else is, with its owner.
func TestOwners(t *testing.T) {
	for _, test := range []struct {
		name    string
		objects map[string][]runtime.Object // by resource
		late    map[string][]runtime.Object // that only come when they are asked for by name
		want    []string                    // NAMESPACE/KIND/NAME managers
	}{
		{
			name: "a Deployment's ReplicaSets and pods",
			objects: map[string][]runtime.Object{
				"deployments": {deployment("api", "", "key")}, "replicasets": {replicaSet("api-1", "Deployment/api"), replicaSet("api-2", "Deployment/api")},
				"pods": {pod("api-1-a", "ReplicaSet/api-1", "key"), pod("api-2-a", "ReplicaSet/api-2")},
			},
			want: []string{"shop/Deployment/api"},
		},
		{
			name: "a pod with a Secret that its template does not have",
			objects: map[string][]runtime.Object{
				"deployments": {deployment("api", "")}, "replicasets": {replicaSet("api-1", "Deployment/api")},
				"pods": {pod("api-1-a", "ReplicaSet/api-1", "injected"), pod("api-1-b", "ReplicaSet/api-1")},
			},
			want: []string{"shop/Deployment/api", "shop/Pod/api-1-a owner:ReplicaSet/api-1"},
		},
		{
			name:    "a ReplicaSet and a pod of nobody",
			objects: map[string][]runtime.Object{"replicasets": {replicaSet("alone", "", "key")}, "pods": {pod("alone-a", "ReplicaSet/alone", "key"), pod("bare", "")}},
			want:    []string{"shop/Pod/bare", "shop/ReplicaSet/alone"},
		},
		{
			name: "a CronJob's Jobs and their pods",
			objects: map[string][]runtime.Object{
				"cronjobs": {&batchv1.CronJob{ObjectMeta: about("report", "")}}, "jobs": {job("report-1", "CronJob/report"), job("migrate", "")},
				"pods": {pod("report-1-a", "Job/report-1"), pod("migrate-a", "Job/migrate")},
			},
			want: []string{"shop/CronJob/report", "shop/Job/migrate"},
		},
		{
			name: "a custom resource with a pod template",
			objects: map[string][]runtime.Object{
				"widgets": {widget("gadget", "", true)}, "deployments": {deployment("gadget-web", "Widget/gadget", "key")},
				"replicasets": {replicaSet("gadget-web-1", "Deployment/gadget-web")}, "pods": {pod("gadget-web-1-a", "ReplicaSet/gadget-web-1", "key")},
			},
			want: []string{"shop/Widget/gadget"},
		},
		{
			name: "an operator that makes pods from something else",
			objects: map[string][]runtime.Object{
				"widgets": {widget("gadget", "", false)}, "deployments": {deployment("gadget-web", "Widget/gadget", "key")},
				"replicasets": {replicaSet("gadget-web-1", "Deployment/gadget-web")}, "pods": {pod("gadget-web-1-a", "ReplicaSet/gadget-web-1", "key"), pod("gadget-job", "Widget/gadget")},
			},
			want: []string{"shop/Deployment/gadget-web owner:Widget/gadget", "shop/Pod/gadget-job owner:Widget/gadget", "shop/Widget/gadget"},
		},
		{
			name: "a chain of custom resources in any order",
			objects: map[string][]runtime.Object{
				"widgets": {widget("a-revision", "Widget/b-configuration", true), widget("b-configuration", "Widget/c-service", true), widget("c-service", "", true),
					widget("d-certificate", "Widget/e-issuer", false), widget("e-issuer", "", false)},
				"pods": {pod("a-revision-a", "Widget/a-revision")},
			},
			want: []string{"shop/Widget/c-service", "shop/Widget/d-certificate owner:Widget/e-issuer", "shop/Widget/e-issuer"},
		},
		{
			name:    "an owner that was made after its list was read",
			objects: map[string][]runtime.Object{"pods": {pod("new-1-a", "ReplicaSet/new-1", "key")}},
			late:    map[string][]runtime.Object{"deployments": {deployment("new", "", "key")}, "replicasets": {replicaSet("new-1", "Deployment/new", "key")}},
			want:    []string{"shop/Deployment/new"},
		},
		{
			name:    "an owner that is gone",
			objects: map[string][]runtime.Object{"pods": {pod("left-1-a", "ReplicaSet/left-1", "key")}},
			want:    []string{"shop/Pod/left-1-a owner:ReplicaSet/left-1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			all := map[string][]runtime.Object{}
			for _, objects := range []map[string][]runtime.Object{test.objects, test.late} {
				for resource, list := range objects {
					all[resource] = append(all[resource], list...)
				}
			}
			s.serve("apps", "v1", "deployments", "Deployment", true, all["deployments"]...)
			s.serve("apps", "v1", "replicasets", "ReplicaSet", true, all["replicasets"]...)
			s.serve("batch", "v1", "cronjobs", "CronJob", true, all["cronjobs"]...)
			s.serve("batch", "v1", "jobs", "Job", true, all["jobs"]...)
			s.serve("", "v1", "pods", "Pod", true, all["pods"]...)
			s.serve("", "v1", "namespaces", "Namespace", false)
			s.serve("", "v1", "nodes", "Node", false)
			s.serve("acme.example", "v1", "widgets", "Widget", true, all["widgets"]...)
			s.fault = func(_ int, r *http.Request, w http.ResponseWriter) bool {
				resource := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
				if test.late[resource] == nil || r.URL.Query().Get("fieldSelector") != "" {
					return false
				}
				(&served{gvk: s.lists[r.URL.Path].gvk}).write(w, r, "")
				return true
			}
			var got sink
			if err := s.reader(t, Options{}).Read(t.Context(), &got); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, o := range got.objects {
				names = append(names, strings.TrimSpace(o.Ref.String()+" "+strings.Join(o.Managers, " ")))
				if !o.Live || len(o.Origins) != 1 || o.Content["status"] != nil {
					t.Errorf("%s is not an object of a cluster", o.Ref)
				}
			}
			slices.Sort(names)
			if !slices.Equal(names, test.want) || len(got.gaps) > 0 {
				t.Errorf("got  %q\nwant %q\ngaps %v", names, test.want, got.gaps)
			}
		})
	}
}
