package scanner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"

	"dekey/scanner"
)

// fleet yields a cluster's worth of workloads, made while they are read: one of a hundred uses a key.
type fleet struct {
	workloads int
	peak      uint64 // of the heap, after the reading
}

const template = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app-%[1]d","namespace":"team-%[2]d","labels":{"app":"app-%[1]d","team":"t%[2]d"},"annotations":{"deployment.kubernetes.io/revision":"12"}},
"spec":{"replicas":3,"selector":{"matchLabels":{"app":"app-%[1]d"}},"template":{"metadata":{"labels":{"app":"app-%[1]d","version":"v1"}},"spec":{"serviceAccountName":"app","nodeSelector":{"pool":"default"},
"containers":[{"name":"app","image":"registry.example.com/team/app:1.2.3","args":["--listen=:8080","--config=/etc/app/config.yaml","--log-level=info"],
"env":[{"name":"DB_HOST","value":"db.team.svc"},{"name":"DB_PASSWORD","valueFrom":{"secretKeyRef":{"name":"db","key":"password"}}},{"name":"OPTS","value":"-Xmx512m -Dfile=/tmp/x"},{"name":"POD","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}%[3]s],
"ports":[{"containerPort":8080}],"resources":{"limits":{"cpu":"1","memory":"1Gi"}},"readinessProbe":{"httpGet":{"path":"/healthz","port":8080}},
"volumeMounts":[{"name":"config","mountPath":"/etc/app"},{"name":"kube-api-access-x","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}%[4]s]}],
"volumes":[{"name":"config","configMap":{"name":"app"}},{"name":"kube-api-access-x","projected":{"sources":[{"serviceAccountToken":{"path":"token"}},{"configMap":{"name":"kube-root-ca.crt"}}]}}%[5]s]}}}}`

func (f *fleet) Read(_ context.Context, sink scanner.Sink) error {
	sink.Source(scanner.Source{ID: "c", Kind: "cluster"})
	for i := range f.workloads {
		env, mount, volume := "", "", ""
		if i%100 == 0 {
			env = `,{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/creds/key.json"}`
			mount, volume = `,{"name":"creds","mountPath":"/creds"}`, `,{"name":"creds","secret":{"secretName":"gcp"}}`
		}
		var content map[string]any
		if err := json.Unmarshal(fmt.Appendf(nil, template, i, i%500, env, mount, volume), &content); err != nil {
			return err
		}
		sink.Object(&scanner.Object{
			Ref:     scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: fmt.Sprintf("team-%d", i%500), Name: fmt.Sprintf("app-%d", i)},
			Content: content, Origins: []scanner.Origin{{Source: "c"}}, Live: true,
		})
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	f.peak = stats.HeapAlloc
	return nil
}

func (f *fleet) Related(context.Context, scanner.Interest, scanner.Sink) error { return nil }

// BenchmarkScan reports what one workload costs: time, and memory that is kept until the end.
func BenchmarkScan(b *testing.B) {
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		f := &fleet{workloads: 20_000}
		inv, err := scanner.Scan(context.Background(), f)
		if err != nil || len(inv.Findings) != 200 {
			b.Fatalf("%d findings, %v", len(inv.Findings), err)
		}
		b.ReportMetric(float64(f.peak-before.HeapAlloc)/float64(f.workloads), "kept-B/workload")
	}
}
