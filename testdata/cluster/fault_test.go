package cluster_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dekey/testdata/cluster/controlplane"
)

// Whatever happens between dekey and the API server, a scan ends with what a scan without faults ends with, or with 3
// and a gap. It is never wrong, and it ends.
func TestFaults(t *testing.T) {
	const secrets = 1700 // four pages
	p := start(t, controlplane.Options{Controllers: true, Flags: []string{"--etcd-compaction-interval=2s"}})
	small(t, p)
	if err := p.Create(t.Context(), manyNamespaces()); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(t.Context(), manySecrets(0, secrets, newKey(t, "many@acme.iam.gserviceaccount.com"))); err != nil {
		t.Fatal(err)
	}
	page := func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/secrets") && r.URL.Query().Get("continue") != ""
	}
	fail := func(w http.ResponseWriter, code int) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":%d}`, code)
	}
	for _, test := range []struct {
		name string
		// n counts the requests for a later page of Secrets, from 1.
		fault func(n int64, w http.ResponseWriter, r *http.Request) bool
		cut   func(n int64) int
		gap   string // "" is a whole scan
		atLeast,
		within time.Duration
		requests int64 // for later pages, at least
	}{
		{name: "no fault", within: 20 * time.Second},
		{
			name: "connections cut in the middle of a page, three times", within: 30 * time.Second,
			cut: func(n int64) int {
				if n <= 3 {
					return 100_000 * int(n)
				}
				return -1
			},
		},
		{
			// On a slow machine the list expires under the repetitions, each time it begins again.
			name: "every later page is cut", within: 90 * time.Second, gap: "secrets in all namespaces: the ",
			cut: func(int64) int { return 200_000 },
		},
		{
			name: "429 with Retry-After", atLeast: 4 * time.Second, within: 30 * time.Second,
			fault: func(n int64, w http.ResponseWriter, _ *http.Request) bool {
				if n <= 2 {
					w.Header().Set("Retry-After", "2")
					fail(w, http.StatusTooManyRequests)
				}
				return n <= 2
			},
		},
		{
			name: "429 that asks to come back tomorrow", within: 30 * time.Second, gap: "too busy (429)",
			fault: func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Retry-After", "86400")
				fail(w, http.StatusTooManyRequests)
				return true
			},
		},
		{
			name: "500 and 503 in turn", within: 30 * time.Second,
			fault: func(n int64, w http.ResponseWriter, _ *http.Request) bool {
				switch n {
				case 1, 4:
					http.Error(w, "no", http.StatusInternalServerError)
				case 2:
					fail(w, http.StatusServiceUnavailable)
				default:
					return false
				}
				return true
			},
		},
		{
			name: "500 for ever", within: time.Minute, gap: "failed (500)",
			fault: func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
				http.Error(w, "no", http.StatusInternalServerError)
				return true
			},
		},
		{
			name: "a continue token that the server has forgotten", atLeast: 8 * time.Second, within: time.Minute, requests: 5,
			fault: func(n int64, _ http.ResponseWriter, r *http.Request) bool {
				if n == 2 {
					// Long enough for etcd to be compacted twice: the answer is the API server's own 410.
					select {
					case <-time.After(8 * time.Second):
					case <-r.Context().Done():
					}
				}
				return false
			},
		},
		{
			name: "one page that never comes", atLeast: 30 * time.Second, within: 2 * time.Minute,
			fault: func(n int64, _ http.ResponseWriter, r *http.Request) bool {
				if n == 2 {
					<-r.Context().Done()
				}
				return n == 2
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var count atomic.Int64
			proxy, err := p.NewProxy(func(w http.ResponseWriter, r *http.Request) bool {
				if !page(r) {
					return false
				}
				n := count.Add(1)
				return test.fault != nil && test.fault(n, w, r)
			}, func(r *http.Request) int {
				if test.cut == nil || !page(r) {
					return -1
				}
				return test.cut(count.Load())
			})
			if err != nil {
				t.Fatal(err)
			}
			defer proxy.Stop()
			kubeconfig := account(t, p, proxy.URL, "--context", "admin", "--kubeconfig", p.Kubeconfig())
			code := 0
			if test.gap != "" {
				code = 3
			}
			got, r := scan(t, kubeconfig, code, "-A")
			t.Logf("%v, %d requests for later pages", r.wall.Round(10*time.Millisecond), count.Load())
			if r.wall > test.within || r.wall < test.atLeast {
				t.Errorf("took %v, want between %v and %v", r.wall, test.atLeast, test.within)
			}
			if count.Load() < test.requests {
				t.Errorf("%d requests for later pages, want %d: the fault did not happen", count.Load(), test.requests)
			}
			if test.gap != "" {
				if said := gapsOf(r.stdout); !strings.Contains(said, test.gap) {
					t.Errorf("gaps %s\nwant one with %q", said, test.gap)
				}
				if complete := got.Clusters[0].Complete; len(complete) > 0 {
					t.Errorf("namespaces %v look complete", complete)
				}
				return
			}
			copies := 0
			for _, k := range got.Keys {
				copies += len(k.Copies)
			}
			if want := secrets/100 + 2; copies != want || len(got.Keys) != 3 {
				t.Errorf("%d copies of %d keys, want %d of 3", copies, len(got.Keys), want)
			}
		})
	}
}

// An aggregated API whose server is down is a gap, because a custom resource may hide behind it; one of metrics, which is down
// often, hides nothing.
func TestAggregatedAPIDown(t *testing.T) {
	p := start(t, controlplane.Options{Controllers: true})
	small(t, p)
	whole, _ := scan(t, p.Kubeconfig(), 0, "-A")
	register := func(group string) {
		t.Helper()
		kubectl(t, p, fmt.Sprintf(`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1beta1.%[1]s"},"spec":{
			"group":"%[1]s","version":"v1beta1","groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,
			"service":{"name":"nobody","namespace":"default"}}}`, group), "create", "-f", "-")
		if _, err := p.Wait(t.Context(), "wait", "apiservice", "v1beta1."+group, "--for=condition=Available=False", "--timeout=20s"); err != nil {
			t.Fatal(err)
		}
	}
	register("metrics.k8s.io")
	got, _ := scan(t, p.Kubeconfig(), 0, "-A")
	if len(got.Findings) != len(whole.Findings) || len(got.Clusters[0].Complete) != len(whole.Clusters[0].Complete) {
		t.Errorf("%d findings, complete %v without metrics; %d, %v with", len(got.Findings), got.Clusters[0].Complete, len(whole.Findings), whole.Clusters[0].Complete)
	}
	register("hidden.acme.example")
	// The server tells of it within moments.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		r := dekey(t, t.TempDir(), "scan", "--kubeconfig", p.Kubeconfig(), "-A", "-o", "json")
		if r.code == 3 {
			got = decode[inventory](t, r.stdout)
			break
		}
		if r.code != 0 || time.Now().After(deadline) {
			t.Fatalf("the scan ended with %d, want 3: %s", r.code, r.stderr)
		}
	}
	if len(got.Gaps) != 1 || !strings.Contains(got.Gaps[0].What, "hidden.acme.example/v1beta1") || len(got.Clusters[0].Complete) != 0 {
		t.Errorf("gaps %v, complete %v", got.Gaps, got.Clusters[0].Complete)
	}
	if len(got.Findings) != len(whole.Findings) {
		t.Errorf("%d findings, %d when everything answers", len(got.Findings), len(whole.Findings))
	}
}
