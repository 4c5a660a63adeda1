// Package clustertest is an API server for tests, on loopback: it lists objects, and refuses everything else.
//
//	cluster := clustertest.Start(t)
//	cluster.Set(map[string]any{"kind": "Pod", "metadata": map[string]any{"namespace": "shop", "name": "api-1"}})
//	reader, err := cluster.Open(cluster.Options{Kubeconfig: path, Context: "shop"}) // path holds server.Kubeconfig("shop")
//
// What a real API server does is shown in testdata/cluster.
package clustertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// A Server is an API server with the objects that a test gave it.
type Server struct {
	URL string

	mu      sync.Mutex
	objects []map[string]any
}

// Start starts a server without objects. It ends with the test.
func Start(t interface{ Cleanup(func()) }) *Server {
	s := &Server{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Set replaces the objects.
func (s *Server) Set(objects ...map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = objects
}

// Kubeconfig is one whose only, and current, context is that.
func (s *Server) Kubeconfig(context string) []byte {
	return fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "Config", "current-context": %[1]q, "clusters": [{"name": %[1]q, "cluster": {"server": %[2]q}}],
"contexts": [{"name": %[1]q, "context": {"cluster": %[1]q, "user": %[1]q}}], "users": [{"name": %[1]q, "user": {}}]}`, context, s.URL)
}

// Kinds are the resources that a server has, by their names in paths.
var Kinds = map[string]string{
	"serviceaccounts": "ServiceAccount", "pods": "Pod", "nodes": "Node", "deployments": "Deployment", "statefulsets": "StatefulSet", "jobs": "Job",
	"cronjobs": "CronJob", "rolebindings": "RoleBinding", "clusterrolebindings": "ClusterRoleBinding",
}

// ServeHTTP answers lists: of all namespaces or one, and of one name.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	kind := Kinds[parts[len(parts)-1]]
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodGet || kind == "" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Forbidden","code":403}`)
		return
	}
	namespace, name := "", strings.TrimPrefix(r.URL.Query().Get("fieldSelector"), "metadata.name=")
	if i := len(parts) - 3; i > 0 && parts[i] == "namespaces" {
		namespace = parts[i+1]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []any{}
	for _, o := range s.objects {
		metadata, _ := o["metadata"].(map[string]any)
		if o["kind"] == kind && (namespace == "" || metadata["namespace"] == namespace) && (name == "" || metadata["name"] == name) {
			items = append(items, o)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": kind + "List", "metadata": map[string]any{}, "items": items})
}
