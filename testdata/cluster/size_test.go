package cluster_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"dekey/testdata/cluster/controlplane"
)

// What kubectl is asked for beside dekey, on the same server in the same run.
const kinds = "secrets,deployments,statefulsets,daemonsets,cronjobs,jobs"

// A scan takes as many pages as it must, less of everything than kubectl, and no more memory for three times the Secrets.
// BenchmarkSize says how much with 50,000 Secrets.
func TestSize(t *testing.T) {
	const workloads = 2000
	p := start(t, controlplane.Options{Audit: true})
	key := newKey(t, "many@acme.iam.gserviceaccount.com")
	fill(t, p, 0, 5000, workloads, key)
	few := scanMany(t, p, 5000, workloads)
	kubectl := kubectlMany(t, p)
	compare(t, few, kubectl)
	fill(t, p, 5000, 15000, 0, key)
	many := scanMany(t, p, 15000, workloads)
	if grown := many.peak - few.peak; grown > 16<<20 {
		t.Errorf("%d MiB with 5,000 Secrets, %d with 15,000: memory grows with Secrets", few.peak>>20, many.peak>>20)
	}
}

// BenchmarkSize is the whole size: go test -run '^$' -bench Size -benchtime 1x, about five minutes.
func BenchmarkSize(b *testing.B) {
	const few, secrets, workloads = 10_000, 50_000, 20_000
	p := start(b, controlplane.Options{Audit: true})
	key := newKey(b, "many@acme.iam.gserviceaccount.com")
	fill(b, p, 0, few, workloads, key)
	before := scanMany(b, p, few, workloads)
	fill(b, p, few, secrets, 0, key)
	for b.Loop() {
		dekey := scanMany(b, p, secrets, workloads)
		kubectl := kubectlMany(b, p)
		compare(b, dekey, kubectl)
		b.ReportMetric(dekey.cpu.Seconds(), "cpu-s")
		b.ReportMetric(dekey.wall.Seconds(), "wall-s")
		b.ReportMetric(float64(dekey.peak>>20), "peak-MiB")
		b.ReportMetric(float64(before.peak>>20), "peak-MiB-of-10k")
		b.ReportMetric(kubectl.cpu.Seconds(), "kubectl-cpu-s")
		b.ReportMetric(kubectl.wall.Seconds(), "kubectl-wall-s")
		b.ReportMetric(float64(kubectl.peak>>20), "kubectl-peak-MiB")
		b.ReportMetric(kubectl.cpu.Seconds()/dekey.cpu.Seconds(), "x-cpu")
		b.ReportMetric(kubectl.wall.Seconds()/dekey.wall.Seconds(), "x-wall")
		if dekey.peak > 100<<20 {
			b.Errorf("peak memory %d MiB, want less than 100", dekey.peak>>20)
		}
		if grown := dekey.peak - before.peak; grown > 16<<20 {
			b.Errorf("%d MiB with %d Secrets, %d with %d: memory grows with Secrets", before.peak>>20, few, dekey.peak>>20, secrets)
		}
		if dekey.cpu > 3*time.Second {
			b.Errorf("%v CPU, want less than 3 s", dekey.cpu)
		}
	}
}

func fill(t testing.TB, p *controlplane.Plane, from, to, workloads int, key []byte) {
	t.Helper()
	begin := time.Now()
	if from == 0 {
		if err := p.Create(t.Context(), manyNamespaces()); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Create(t.Context(), manySecrets(from, to, key)); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(t.Context(), manyWorkloads(workloads)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d Secrets and %d workloads created in %v", to-from, workloads, time.Since(begin).Round(time.Second))
}

// scanMany scans, and checks what was found and how many pages it took.
func scanMany(t testing.TB, p *controlplane.Plane, secrets, workloads int) result {
	t.Helper()
	before := pages(t, p)
	got, r := scan(t, p.Kubeconfig(), 0, "-A")
	t.Logf("dekey with %d Secrets and %d workloads: %v CPU, %v wall, %d MiB", secrets, workloads, r.cpu.Round(10*time.Millisecond), r.wall.Round(10*time.Millisecond), r.peak>>20)
	if len(got.Keys) != 1 || len(got.Keys[0].Copies) != secrets/100 || len(got.Findings) != workloads/100 {
		t.Errorf("%d keys, %d findings, want 1 and %d", len(got.Keys), len(got.Findings), workloads/100)
	}
	after := pages(t, p)
	for resource, n := range map[string]int{
		"secrets": secrets, "deployments": workloads * 6 / 10, "statefulsets": workloads / 10, "daemonsets": workloads / 10,
		"cronjobs": workloads / 10, "jobs": workloads / 10,
	} {
		if took, want := after[resource]-before[resource], max(1, (n+499)/500); took != want {
			t.Errorf("%d pages of %s, want %d", took, resource, want)
		}
	}
	return r
}

// kubectlMany has kubectl read the same.
func kubectlMany(t testing.TB, p *controlplane.Plane) result {
	t.Helper()
	cmd := p.Command(t.Context(), "kubectl", "--kubeconfig="+p.Kubeconfig(), "get", kinds, "-A", "-o", "json")
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = null, &said
	r := measure(t, cmd, new(bytes.Buffer), &said)
	if r.code != 0 {
		t.Fatalf("kubectl get ended with %d: %s", r.code, r.stderr)
	}
	t.Logf("kubectl get: %v CPU, %v wall, %d MiB", r.cpu.Round(10*time.Millisecond), r.wall.Round(10*time.Millisecond), r.peak>>20)
	return r
}

func compare(t testing.TB, dekey, kubectl result) {
	t.Helper()
	if dekey.wall > kubectl.wall || dekey.cpu > kubectl.cpu || dekey.peak > kubectl.peak {
		t.Errorf("dekey takes %v CPU, %v wall, %d MiB; kubectl %v, %v, %d", dekey.cpu, dekey.wall, dekey.peak>>20, kubectl.cpu, kubectl.wall, kubectl.peak>>20)
	}
}

// pages counts the lists in the audit log, by resource.
func pages(t testing.TB, p *controlplane.Plane) map[string]int {
	t.Helper()
	log, err := os.Open(p.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	count := map[string]int{}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), []byte(`"verb":"list"`)) {
			continue
		}
		var event struct {
			UserAgent string
			ObjectRef struct{ Resource string }
		}
		if json.Unmarshal(lines.Bytes(), &event) == nil && strings.HasPrefix(event.UserAgent, "dekey") {
			count[event.ObjectRef.Resource]++
		}
	}
	return count
}
