package manifest_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dekey/scanner"
	"dekey/scanner/keyfile/keytest"
	"dekey/scanner/manifest"
)

// The size of the generated tree: 1 % of the files have wiring or a key.
const (
	treeFiles = 20_000
	treeBytes = 200 << 20
	treeSeed  = 1
)

// BenchmarkScan scans a generated checkout in a child process, by turns with ripgrep, which lists the files that hold
// one of the very patterns that the scan searches for. It reports the ratio of their processor times, and the scan's
// peak memory without the program's own pages. ripgrep comes from Debian's package ripgrep.
func BenchmarkScan(b *testing.B) {
	rg, err := exec.LookPath("rg")
	if err != nil {
		b.Fatal("ripgrep is not installed: apt-get install ripgrep")
	}
	root := b.TempDir()
	findings := generate(b, root)
	args := []string{"-uuu", "-l", "-F", "--no-messages"}
	for _, pattern := range manifest.SearchedFor() {
		args = append(args, "-e", pattern)
	}
	args = append(args, root)
	var ours, theirs time.Duration
	var peak int64
	b.ResetTimer()
	for b.Loop() {
		cmd := exec.Command(rg, args...)
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		theirs += cpu(cmd)
		cmd = exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "DEKEY_BENCH_SCAN="+root)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		ours += cpu(cmd)
		var found int
		var rss int64
		if _, err := fmt.Sscan(out.String(), &found, &rss); err != nil {
			b.Fatal(err)
		}
		if found != findings {
			b.Fatalf("%d findings, and %d were planted", found, findings)
		}
		peak = max(peak, rss)
	}
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "cpu/rg")
	b.ReportMetric(float64(peak)/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
}

func cpu(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// scanOnce is the child: it scans root and prints the number of findings and the peak of the memory that it asked
// for, in bytes.
func scanOnce(root string) {
	inventory, err := scanner.Scan(context.Background(), manifest.New(manifest.Options{Root: root}))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(inventory.Findings), peakMemory())
}

// peakMemory is the process's peak resident memory less the pages of its files (the program itself).
func peakMemory() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return usage.Maxrss << 10
	}
	var files int64
	for line := range strings.Lines(string(status)) {
		if text, found := strings.CutPrefix(line, "RssFile:"); found {
			fmt.Sscan(text, &files)
		}
	}
	return (usage.Maxrss - files) << 10
}

// generate writes the tree, and gives the number of uses of keys in it.
func generate(b *testing.B, root string) int {
	b.Helper()
	random := rand.New(rand.NewPCG(treeSeed, treeSeed))
	names := strings.Fields("api web ledger worker search index report billing cart mail audit stock price media proxy cache queue sync feed auth")
	name := func() string { return names[random.IntN(len(names))] + "-" + names[random.IntN(len(names))] }
	key := keytest.New("bench", "bench@acme-prod.iam.gserviceaccount.com")
	findings := 0
	for i := range treeFiles {
		dir := filepath.Join(root, fmt.Sprintf("team-%02d", i%40), fmt.Sprintf("app-%03d", i/40))
		if i < 40*500 {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				b.Fatal(err)
			}
		}
		app := fmt.Sprintf("%s-%05d", name(), i)
		var text strings.Builder
		switch {
		case i%200 == 0:
			fmt.Fprintf(&text, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s-key\n  namespace: team\ndata:\n  key.json: %s\n", app, key.Base64())
		case i%200 == 1:
			findings++
			benchDeployment(&text, app, "        - name: GOOGLE_APPLICATION_CREDENTIALS\n          value: /gcp/key.json\n",
				"        volumeMounts:\n        - name: gcp\n          mountPath: /gcp\n", "      volumes:\n      - name: gcp\n        secret:\n          secretName: "+app+"-sa\n")
		case i%10 == 2:
			fmt.Fprintf(&text, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n  namespace: team\ndata:\n  settings: |\n", app)
		case i%10 == 3:
			fmt.Fprintf(&text, "apiVersion: v1\nkind: Service\nmetadata:\n  name: %s\n  namespace: team\nspec:\n  selector:\n    app: %s\n  # ", app, app)
		case i%10 == 4:
			benchDeployment(&text, app, "        - name: DB_PASSWORD\n          valueFrom:\n            secretKeyRef:\n              name: "+app+"-db\n              key: password\n", "", "")
		default:
			benchDeployment(&text, app, "        - name: LOG_LEVEL\n          value: info\n", "", "")
		}
		for text.Len() < treeBytes/treeFiles {
			fmt.Fprintf(&text, "    # %s %s %s %d\n", name(), name(), name(), random.IntN(1_000_000))
		}
		if err := os.WriteFile(filepath.Join(dir, "manifest.yaml"), []byte(text.String()), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	return findings
}

func benchDeployment(text *strings.Builder, app, env, mounts, volumes string) {
	fmt.Fprintf(text, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
  namespace: team
spec:
  replicas: 2
  selector:
    matchLabels:
      app: %[1]s
  template:
    metadata:
      labels:
        app: %[1]s
    spec:
      serviceAccountName: %[1]s
      containers:
      - name: %[1]s
        image: example.com/%[1]s:1.0
        env:
%[2]s%[3]s%[4]s`, app, env, mounts, volumes)
}
