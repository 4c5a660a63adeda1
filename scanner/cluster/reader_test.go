package cluster

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func secrets(n int) []runtime.Object {
	var all []runtime.Object
	for i := range n {
		all = append(all, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprintf("ns-%d", i%3), Name: fmt.Sprintf("secret-%05d", i)},
			Data:       map[string][]byte{"token": []byte(strings.Repeat("x", 100))},
		})
	}
	return all
}

func namespaces() []runtime.Object {
	var all []runtime.Object
	for i := range 3 {
		all = append(all, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("ns-%d", i)}})
	}
	return all
}

// A fault on the list of Secrets never makes the scan wrong: it ends with every Secret once, or with a gap, and then no
// namespace is complete.
func TestFaults(t *testing.T) {
	const count = 1201 // three pages
	forbid := func(w http.ResponseWriter) { status(w, http.StatusForbidden, metav1.StatusReasonForbidden) }
	cut := func(w http.ResponseWriter, after int) {
		connection, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = buffer.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.kubernetes.protobuf\r\nContent-Length: 100000\r\n\r\nk8s\x00")
		_, _ = buffer.WriteString(strings.Repeat("\x0a", after))
		_ = buffer.Flush()
		_ = connection.Close()
	}
	for _, test := range []struct {
		name  string
		fault func(n int, r *http.Request, w http.ResponseWriter) bool
		gap   string // what its reason says; "" is a whole scan
	}{
		{name: "no fault", fault: nil},
		{name: "one connection cut in the middle of a page", fault: func(n int, _ *http.Request, w http.ResponseWriter) bool {
			if n == 2 {
				cut(w, 50)
			}
			return n == 2
		}},
		{name: "every connection cut", gap: "connection broke", fault: func(_ int, _ *http.Request, w http.ResponseWriter) bool {
			cut(w, 50)
			return true
		}},
		{name: "an answer that ends early and says nothing of it", fault: func(n int, _ *http.Request, w http.ResponseWriter) bool {
			if n == 2 {
				w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
				_, _ = w.Write([]byte("k8s\x00\x0a\x0c"))
			}
			return n == 2
		}},
		{name: "429 twice", fault: func(n int, _ *http.Request, w http.ResponseWriter) bool {
			if n == 2 || n == 3 {
				w.Header().Set("Retry-After", "7")
				status(w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests)
			}
			return n == 2 || n == 3
		}},
		{name: "429 always", gap: "too busy", fault: func(_ int, _ *http.Request, w http.ResponseWriter) bool {
			status(w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests)
			return true
		}},
		{name: "500 on the second page, four times", fault: func(n int, r *http.Request, w http.ResponseWriter) bool {
			if n >= 2 && n <= 5 {
				http.Error(w, "-----BEGIN of something", http.StatusInternalServerError)
			}
			return n >= 2 && n <= 5
		}},
		{name: "500 from the second page on", gap: "failed (500)", fault: func(n int, r *http.Request, w http.ResponseWriter) bool {
			if n >= 2 {
				http.Error(w, "-----BEGIN of something", http.StatusInternalServerError)
			}
			return n >= 2
		}},
		{name: "410 on the third page", fault: func(n int, _ *http.Request, w http.ResponseWriter) bool {
			if n == 3 {
				status(w, http.StatusGone, metav1.StatusReasonExpired)
			}
			return n == 3
		}},
		{name: "410 whenever there is a token", gap: "expired", fault: func(_ int, r *http.Request, w http.ResponseWriter) bool {
			if r.URL.Query().Get("continue") == "" {
				return false
			}
			status(w, http.StatusGone, metav1.StatusReasonExpired)
			return true
		}},
		{name: "forbidden", gap: `forbidden: needs apiGroups: [""], resources: ["secrets"], verbs: ["list"]`,
			fault: func(_ int, _ *http.Request, w http.ResponseWriter) bool {
				forbid(w)
				return true
			}},
		{name: "not found after it was discovered", gap: "404", fault: func(_ int, _ *http.Request, w http.ResponseWriter) bool {
			status(w, http.StatusNotFound, metav1.StatusReasonNotFound)
			return true
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			s.serve("", "v1", "secrets", "Secret", true, secrets(count)...)
			s.serve("", "v1", "namespaces", "Namespace", false, namespaces()...)
			s.serve("", "v1", "nodes", "Node", false)
			s.fault = func(n int, r *http.Request, w http.ResponseWriter) bool {
				return test.fault != nil && strings.HasSuffix(r.URL.Path, "/secrets") && test.fault(n, r, w)
			}
			var got sink
			if err := s.reader(t, Options{}).Read(t.Context(), &got); err != nil {
				t.Fatal(err)
			}
			names := slices.DeleteFunc(got.names(), func(n string) bool { return !strings.Contains(n, "Secret/") })
			if all := len(names); all != len(slices.Compact(names)) {
				t.Errorf("%d Secrets were given more than once", all-len(slices.Compact(names)))
			}
			complete := got.clusters[0].Complete
			if test.gap == "" {
				if len(names) != count || len(got.gaps) > 0 || len(complete) != 3 {
					t.Errorf("got %d Secrets, gaps %v, complete %v", len(names), got.gaps, complete)
				}
				return
			}
			if len(got.gaps) == 0 || !strings.Contains(got.gaps[0].Why, test.gap) {
				t.Errorf("gaps %v, want one with %q", got.gaps, test.gap)
			}
			if len(complete) > 0 {
				t.Errorf("namespaces %v look complete without their Secrets", complete)
			}
			for _, gap := range got.gaps {
				if strings.Contains(gap.Why+gap.What, "BEGIN") {
					t.Errorf("gap quotes what the server sent: %v", gap)
				}
			}
		})
	}
}

// Every page is asked for once, with the limit, and never without.
func TestPages(t *testing.T) {
	s := newServer(t)
	s.serve("", "v1", "secrets", "Secret", true, secrets(1201)...)
	var got sink
	if err := s.reader(t, Options{}).Read(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	var pages int
	for _, r := range s.requests {
		if !strings.Contains(r, "limit=") {
			t.Errorf("a list without limit: %s", r)
		}
		if strings.Contains(r, "/secrets") {
			pages++
		}
	}
	if pages != 3 {
		t.Errorf("%d pages for 1201 Secrets, want 3", pages)
	}
}
