package cluster

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// What is printed is what the rules say, as valid manifests, and nothing but lists.
func TestPermissions(t *testing.T) {
	for _, scope := range []Scope{
		{}, {Namespaces: []string{"shop", "web"}},
		{Unknown: []Resource{{Group: "acme.example", Name: "widgets", Namespaced: true}, {Group: "acme.example", Name: "plants"}}},
	} {
		kinds := map[string]int{}
		for document := range strings.SplitSeq(string(Permissions(scope)), "\n---\n") {
			var o struct {
				Kind     string
				Metadata struct{ Namespace string }
				Rules    []struct{ APIGroups, Resources, Verbs []string }
			}
			if err := yaml.UnmarshalStrict([]byte(document), &o, yaml.DisallowUnknownFields); err != nil && !strings.Contains(err.Error(), "unknown field") {
				t.Fatalf("%v in\n%s", err, document)
			}
			kinds[o.Kind]++
			for _, r := range o.Rules {
				if !slices.Equal(r.Verbs, []string{"list"}) || len(r.APIGroups) == 0 || len(r.Resources) == 0 {
					t.Errorf("rule %+v", r)
				}
				if slices.Contains(r.APIGroups, "*") || slices.Contains(r.Resources, "*") && slices.Contains(r.APIGroups, "") {
					t.Errorf("a rule for everything: %+v", r)
				}
			}
		}
		if kinds["ClusterRole"] != 1 || kinds["Role"] != len(scope.Namespaces) || kinds["RoleBinding"] != len(scope.Namespaces) || kinds["ServiceAccount"] != 1 {
			t.Errorf("scope %+v gives %v", scope, kinds)
		}
	}
	said := string(Permissions(Scope{Unknown: []Resource{{Group: "acme.example", Name: "widgets"}}}))
	if !strings.Contains(said, `apiGroups: ["acme.example"]`) {
		t.Error("what the cluster serves beyond the rules is not among them")
	}
}

// The values of Secrets are not even asked for, nor kubectl's copy of them kept.
func TestNoSecretValues(t *testing.T) {
	s := newServer(t)
	s.serve("", "v1", "secrets", "Secret", true, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "key", Labels: map[string]string{"app": "api"}, Annotations: map[string]string{
			corev1.LastAppliedConfigAnnotation: "COPY", "note": "kept",
		}},
		Data: map[string][]byte{"key.json": []byte("VALUE")},
	})
	s.fault = func(_ int, r *http.Request, w http.ResponseWriter) bool {
		if strings.HasSuffix(r.URL.Path, "/secrets") && !strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList") {
			t.Errorf("the values were asked for: Accept %q", r.Header.Get("Accept"))
		}
		return false
	}
	var got sink
	if err := s.reader(t, Options{NoSecretValues: true}).Read(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(got.names(), func(n string) bool { return n == "shop/Secret/key" })
	if i < 0 || !got.objects[len(got.objects)-1].Withheld {
		t.Fatalf("the Secret is not there as withheld: %v", got.names())
	}
	o := got.objects[len(got.objects)-1]
	text, err := yaml.Marshal(o.Content)
	if err != nil || strings.Contains(string(text), "COPY") || strings.Contains(string(text), "VALUE") || !strings.Contains(string(text), "kept") {
		t.Errorf("content %s", text)
	}
}

// A server that stalls is waited for as long as was allowed, and no longer: the rest becomes gaps.
func TestStall(t *testing.T) {
	s := newServer(t)
	s.serve("", "v1", "secrets", "Secret", true, secrets(3)...)
	s.serve("", "v1", "configmaps", "ConfigMap", true)
	s.serve("apps", "v1", "deployments", "Deployment", true)
	s.serve("", "v1", "nodes", "Node", false)
	s.serve("", "v1", "namespaces", "Namespace", false, namespaces()...)
	s.fault = func(_ int, r *http.Request, _ http.ResponseWriter) bool {
		if strings.HasSuffix(r.URL.Path, "/nodes") || strings.HasSuffix(r.URL.Path, "/namespaces") {
			return false
		}
		<-r.Context().Done()
		return true
	}
	var got sink
	begin := time.Now()
	if err := s.reader(t, Options{Timeout: 100 * time.Millisecond, Patience: time.Second, Parallel: 1}).Read(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if len(got.gaps) != 3 || len(got.clusters[0].Complete) > 0 {
		t.Errorf("gaps %v, complete %v", got.gaps, got.clusters[0].Complete)
	}
	last := got.gaps[len(got.gaps)-1].Why
	if !strings.Contains(last, "no answer in time") && !strings.Contains(last, "not asked for") {
		t.Errorf("the reason is %q", last)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

// Pages of large Secrets get smaller, and larger again; no more than the limit.
func TestPageSize(t *testing.T) {
	for _, test := range []struct{ limit, items, bytes, want int }{
		{500, 500, 3 << 20, 500}, {500, 500, 64 << 20, 62}, {62, 62, 1 << 20, 124}, {500, 1, 64 << 20, 1}, {500, 0, 100, 500},
	} {
		if got := nextLimit(test.limit, test.items, test.bytes); got != test.want {
			t.Errorf("after %d objects of %d bytes: %d, want %d", test.items, test.bytes, got, test.want)
		}
	}
	// Whatever the sizes, everything is read once.
	s := newServer(t)
	var large []runtime.Object
	for range 3 {
		large = append(large, secrets(40)...)
	}
	for i, o := range large {
		o.(*corev1.Secret).Name += strings.Repeat("x", i/40)
		o.(*corev1.Secret).Data["blob"] = make([]byte, 300_000)
	}
	s.serve("", "v1", "secrets", "Secret", true, large...)
	var got sink
	reader := s.reader(t, Options{})
	limit := pageLimit
	p, err := reader.client.page(t.Context(), lookup("", "v1", "secrets", "Secret", true), query{}, "", &limit)
	if err != nil || p.len() == 0 || p.next == "" || len(p.answer) > 2*pageBytes {
		t.Errorf("the first page has %d of %d objects in %d bytes: %v", p.len(), len(large), len(p.answer), err)
	}
	if err := reader.Read(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	n := len(slices.DeleteFunc(got.names(), func(n string) bool { return !strings.Contains(n, "Secret/") }))
	if n != len(large) {
		t.Errorf("%d Secrets, want %d", n, len(large))
	}
}
