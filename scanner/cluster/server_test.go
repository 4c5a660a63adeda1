package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"dekey/scanner"
	"dekey/scanner/object"
)

// A server answers lists as an API server does (pages, protobuf, metadata alone), and fails when a test says so. What a
// real API server does otherwise is shown in testdata/cluster.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	lists    map[string]*served // by path
	fault    func(n int, r *http.Request, w http.ResponseWriter) bool
	requests []string // path?query of every list
	asked    map[string]int
}

// A served is one resource.
type served struct {
	gvk        schema.GroupVersionKind
	namespaced bool
	objects    []runtime.Object // typed, or unstructured JSON objects
}

func newServer(t *testing.T) *server {
	s := &server{lists: map[string]*served{}, asked: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// serve adds a resource with objects.
func (s *server) serve(group, version, resource, kind string, namespaced bool, objects ...runtime.Object) {
	path := "/apis/" + group + "/" + version + "/" + resource
	if group == "" {
		path = "/api/" + version + "/" + resource
	}
	s.lists[path] = &served{gvk: schema.GroupVersionKind{Group: group, Version: version, Kind: kind}, namespaced: namespaced, objects: objects}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, "this server is only read", http.StatusMethodNotAllowed)
		return
	}
	if s.discovery(w, r) {
		return
	}
	s.mu.Lock()
	path, namespace := r.URL.Path, ""
	if before, after, ok := strings.Cut(path, "/namespaces/"); ok {
		ns, resource, _ := strings.Cut(after, "/")
		path, namespace = before+"/"+resource, ns
	}
	list := s.lists[path]
	s.requests = append(s.requests, r.URL.RequestURI())
	s.asked[path]++
	n, fault := s.asked[path], s.fault
	s.mu.Unlock()
	if fault != nil && fault(n, r, w) {
		return
	}
	if list == nil {
		status(w, http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	}
	list.write(w, r, namespace)
}

func (l *served) write(w http.ResponseWriter, r *http.Request, namespace string) {
	var all []runtime.Object
	for _, o := range l.objects {
		about := o.(metav1.Object)
		if namespace != "" && about.GetNamespace() != namespace {
			continue
		}
		if name, ok := strings.CutPrefix(r.URL.Query().Get("fieldSelector"), "metadata.name="); ok && name != about.GetName() {
			continue
		}
		all = append(all, o)
	}
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	to, next := len(all), ""
	if limit > 0 && from+limit < len(all) {
		to = from + limit
		next = strconv.Itoa(to)
	}
	items := all[from:to]
	about := metav1.ListMeta{Continue: next, ResourceVersion: "7"}
	accept := r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "as=PartialObjectMetadataList"):
		answer := metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadataList"}, ListMeta: about}
		for _, o := range items {
			data, _ := json.Marshal(o)
			var m metav1.PartialObjectMetadata
			_ = json.Unmarshal(data, &m)
			m.TypeMeta = metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"}
			answer.Items = append(answer.Items, m)
		}
		writeJSON(w, http.StatusOK, answer)
	case strings.Contains(accept, "protobuf") && scheme.Scheme.Recognizes(l.gvk):
		w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
		answer, err := scheme.Scheme.New(l.gvk.GroupVersion().WithKind(l.gvk.Kind + "List"))
		if err != nil {
			panic(err)
		}
		fill(answer, about, items)
		answer.GetObjectKind().SetGroupVersionKind(l.gvk.GroupVersion().WithKind(l.gvk.Kind + "List"))
		if err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(answer, w); err != nil {
			panic(err)
		}
	default:
		writeJSON(w, http.StatusOK, map[string]any{
			"apiVersion": l.gvk.GroupVersion().String(), "kind": l.gvk.Kind + "List",
			"metadata": about, "items": slices.Clone(items),
		})
	}
}

// fill sets a typed list, through JSON: the items are of the list's own type.
func fill(list runtime.Object, about metav1.ListMeta, items []runtime.Object) {
	data, err := json.Marshal(map[string]any{"metadata": about, "items": items})
	if err == nil {
		err = json.Unmarshal(data, list)
	}
	if err != nil {
		panic(err)
	}
}

func (s *server) discovery(w http.ResponseWriter, r *http.Request) bool {
	groups := map[string][]metav1.APIResource{}
	for path, l := range s.lists {
		gv := l.gvk.GroupVersion().String()
		groups[gv] = append(groups[gv], metav1.APIResource{
			Name: path[strings.LastIndex(path, "/")+1:], Kind: l.gvk.Kind, Namespaced: l.namespaced, Verbs: []string{"get", "list"},
		})
	}
	switch path := r.URL.Path; {
	case path == "/version":
		writeJSON(w, http.StatusOK, map[string]string{"gitVersion": "v1.36.3"})
	case path == "/api":
		writeJSON(w, http.StatusOK, metav1.APIVersions{Versions: []string{"v1"}})
	case path == "/apis":
		var list metav1.APIGroupList
		for gv := range groups {
			if group, version, ok := strings.Cut(gv, "/"); ok {
				v := metav1.GroupVersionForDiscovery{GroupVersion: gv, Version: version}
				list.Groups = append(list.Groups, metav1.APIGroup{Name: group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
			}
		}
		writeJSON(w, http.StatusOK, list)
	case groups[strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")] != nil:
		gv := strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")
		writeJSON(w, http.StatusOK, metav1.APIResourceList{GroupVersion: gv, APIResources: groups[gv]})
	default:
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value)
}

func status(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	writeJSON(w, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Reason: reason, Code: int32(code),
		Message: fmt.Sprintf("test server says %d", code),
	})
}

// reader reads the server; waits take no time.
func (s *server) reader(t *testing.T, o Options) *Reader {
	t.Helper()
	if o.Context == "" {
		o.Context = "test"
	}
	o.QPS, o.Burst = 10000, 10000
	r, err := New(&rest.Config{Host: s.URL}, o)
	if err != nil {
		t.Fatal(err)
	}
	r.client.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return r
}

// A sink keeps what it is given.
type sink struct {
	mu       sync.Mutex
	objects  []*object.Object
	gaps     []scanner.Gap
	clusters []scanner.Cluster
	sources  []scanner.Source
}

func (s *sink) Source(v scanner.Source) { s.sources = append(s.sources, v) }
func (s *sink) Object(o *object.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = append(s.objects, o)
}
func (s *sink) File(scanner.Origin, []byte) {}
func (s *sink) Hint(scanner.Hint)           {}
func (s *sink) Gap(g scanner.Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps = append(s.gaps, g)
}
func (s *sink) Cluster(c scanner.Cluster) { s.clusters = append(s.clusters, c) }

// names are NAMESPACE/KIND/NAME of what was given, sorted.
func (s *sink) names() []string {
	var names []string
	for _, o := range s.objects {
		names = append(names, o.Ref.String())
	}
	slices.Sort(names)
	return names
}
