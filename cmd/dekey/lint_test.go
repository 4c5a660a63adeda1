package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"dekey/cmd/dekey/internal/cli"
)

// What lint prints for code scanning is SARIF by its own schema, hostile names and excused violations included.
func TestLintSARIF(t *testing.T) {
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "a b:c#%.yaml"), "# dekey:ignore annotation-value it is a test until 2999-01-01\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  annotations:\n    iam.gke.io/gcp-service-account: x\n")
	writeFile(t, filepath.Join(root, "b.yaml"), "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: \"[a](javascript:x)\"\n  labels:\n    iam.gke.io/gcp-service-account: \"{0} \\u202e\"\n")
	writeFile(t, filepath.Join(root, "a.tf"), "resource \"google_service_account_key\" \"k\" {}\n")
	writeFile(t, filepath.Join(root, "broken.tf"), "resource {{{\n")
	got := dekey(t, "lint", root, "-o", "sarif")
	if got.exit != 4 {
		t.Fatalf("exit code %d\n%s", got.exit, got.stderr)
	}
	log, err := sarif.FromBytes([]byte(got.stdout))
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range log.Runs { // empty values of the library's own, which the schema refuses
		run.Language, run.Tool.Driver.Language, run.NewlineSequences = "en", "en", []string{"\n"}
	}
	if err := log.Validate(); err != nil {
		t.Errorf("the log is no SARIF: %v", err)
	}
	if n := len(log.Runs[0].Results); n != 3 {
		t.Errorf("%d results, want 3\n%s", n, got.stdout)
	}
	suppressed := 0
	for _, result := range log.Runs[0].Results {
		suppressed += len(result.Suppressions)
	}
	if suppressed != 1 {
		t.Errorf("%d suppressions, want 1", suppressed)
	}
	broken, _ := sarif.FromBytes([]byte(`{"version":"2.1.0","runs":[{}]}`))
	if broken.Validate() == nil {
		t.Error("the schema takes anything: the test could not fail")
	}
}

// The size of the checkout that BenchmarkLint reads.
const (
	benchManifests = 20_000
	benchTerraform = 2_000
)

// BenchmarkLint gives the ratio of the processor times of lint and of scan, by turns on the same checkout.
func BenchmarkLint(b *testing.B) {
	root := b.TempDir()
	generateForLint(b, root)
	run := func(command string) time.Duration {
		var out bytes.Buffer
		before := processorTime(b)
		code := cli.Main(context.Background(), []string{command, root, "-o", "json"}, cli.System{
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &bytes.Buffer{}, LookupEnv: func(string) (string, bool) { return "", false }, Now: time.Now,
		})
		if code != 0 && code != 4 {
			b.Fatalf("dekey %s: exit code %d", command, code)
		}
		return processorTime(b) - before
	}
	var scan, lint time.Duration
	b.ResetTimer()
	for b.Loop() {
		scan += run("scan")
		lint += run("lint")
	}
	b.ReportMetric(lint.Seconds()/scan.Seconds(), "lint/scan")
	b.ReportMetric(lint.Seconds()/float64(b.N), "lint-s")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what this process and its children used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			b.Fatal(err)
		}
		total += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return total
}

// generateForLint writes manifests of which one of a hundred has wiring and one of twenty a service account, and
// Terraform of which each module has an account with its grant.
func generateForLint(b *testing.B, root string) {
	b.Helper()
	write := func(name, text string) {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	for i := range benchManifests {
		env, mount, volume := "", "", ""
		if i%100 == 1 {
			env = "        env:\n        - {name: GOOGLE_APPLICATION_CREDENTIALS, value: /gcp/key.json}\n"
			mount = "        volumeMounts:\n        - {name: gcp, mountPath: /gcp}\n"
			volume = fmt.Sprintf("      volumes:\n      - name: gcp\n        secret: {secretName: app-%d-sa}\n", i)
		}
		text := fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-%[1]d\n  namespace: team-%[2]d\nspec:\n  replicas: 2\n  selector:\n    matchLabels: {app: app-%[1]d}\n  template:\n    metadata:\n      labels: {app: app-%[1]d}\n    spec:\n      serviceAccountName: app-%[1]d\n      containers:\n      - name: app\n        image: example.com/app:1\n%[3]s%[4]s%[5]s", i, i%40, env, mount, volume)
		if i%20 == 0 {
			text = fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: app-%d\n  namespace: team-%d\n  annotations:\n    iam.gke.io/gcp-service-account: app-%d@acme.iam.gserviceaccount.com\n", i+1, (i+1)%40, i/20)
		}
		for len(text) < 4<<10 {
			text += "# what else a manifest has: ports, probes, resources, labels\n"
		}
		write(fmt.Sprintf("team-%02d/app-%05d/manifest.yaml", i%40, i), text)
	}
	for i := range benchTerraform {
		var text strings.Builder
		fmt.Fprintf(&text, "resource \"google_service_account\" \"app\" {\n  account_id = \"app-%[1]d\"\n  project    = \"acme\"\n}\n\nresource \"google_service_account_iam_member\" \"app\" {\n  service_account_id = google_service_account.app.name\n  role               = \"roles/iam.workloadIdentityUser\"\n  member             = \"serviceAccount:acme.svc.id.goog[team-%[2]d/app-%[3]d]\"\n}\n", i, (i*20+1)%40, i*20+1)
		for j := range 12 {
			fmt.Fprintf(&text, "\nresource \"google_storage_bucket\" \"b%d\" {\n  name     = \"acme-%d-%d\"\n  location = var.location\n  labels = {\n    team = \"t\"\n  }\n}\n", j, i, j)
		}
		write(fmt.Sprintf("infra/module-%04d/main.tf", i), text.String())
	}
}
