package cluster

import (
	"net/http"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dekey/scanner"
)

func TestList(t *testing.T) {
	s := newServer(t)
	pod := func(namespace, name string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	}
	s.serve("", "v1", "pods", "Pod", true, pod("shop", "api-1"), pod("shop", "api-2"), pod("far", "api-1"))
	s.serve("", "v1", "secrets", "Secret", true)
	s.serve("apps", "v1", "deployments", "Deployment", true, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "api"}})
	s.serve("example.com", "v1", "jobs", "Job", true)
	for _, test := range []struct {
		name string
		of   scanner.Ref
		want int
		err  string
	}{
		{"a namespace", scanner.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}, 2, ""},
		{"one by its name", scanner.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "api-2"}, 1, ""},
		{"one that is not there", scanner.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "web"}, 0, ""},
		{"an old version", scanner.Ref{APIVersion: "extensions/v1beta1", Kind: "Deployment", Namespace: "shop", Name: "api"}, 1, ""},
		{"a custom kind of a built-in name", scanner.Ref{APIVersion: "example.com/v1", Kind: "Job", Namespace: "shop"}, 0, ""},
		{"a kind that is not served", scanner.Ref{APIVersion: "example.com/v1", Kind: "Web", Namespace: "shop"}, 0, "does not serve"},
		{"Secrets are never looked up", scanner.Ref{APIVersion: "v1", Kind: "Secret", Namespace: "shop"}, 0, "not looked up"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := s.reader(t, Options{}).List(t.Context(), test.of)
			if len(got) != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%d objects, error %v", len(got), err)
			}
			for _, o := range got {
				status, _ := o["status"].(map[string]any)
				if test.of.Kind == "Pod" && status["phase"] != "Running" {
					t.Errorf("the status is missing: %v", o)
				}
			}
		})
	}
	s.fault = func(_ int, _ *http.Request, w http.ResponseWriter) bool {
		status(w, http.StatusForbidden, metav1.StatusReasonForbidden)
		return true
	}
	if _, err := s.reader(t, Options{}).List(t.Context(), scanner.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("error %v", err)
	}
}
