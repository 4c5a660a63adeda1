// Package cluster_test shows dekey on a real API server: see the README's words on the cluster ring.
//
// It uses dekey as people do, as a program. The control plane is real (testdata/cluster/controlplane); pods are only
// called running, by kwok, because no container runs here.
package cluster_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dekey/testdata/cluster/controlplane"
)

// program is the path of dekey.
var program string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "dekey-cluster-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "dekey")
	// As it is released. With cgo the linker would keep every name of the program for plug-ins, which kustomize can load and
	// dekey never does: 29 MB more.
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/dekey")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building dekey: %w\n%s", err, out)
	}
	// The binary is built before the tests' own clocks run.
	if _, err := controlplane.Binary(context.Background()); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// start starts a control plane for one test.
func start(t testing.TB, o controlplane.Options) *controlplane.Plane {
	t.Helper()
	p, err := controlplane.Start(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// kubectl runs kubectl as administrator.
func kubectl(t testing.TB, p *controlplane.Plane, stdin string, args ...string) string {
	t.Helper()
	out, err := p.Kubectl(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A result is one run of dekey.
type result struct {
	stdout, stderr string
	code           int
	wall, cpu      time.Duration
	peak           int64 // bytes of memory
}

// dekey runs dekey in a folder.
func dekey(t testing.TB, dir string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	return measure(t, cmd, &out, &said)
}

// measure runs a command and counts what it cost.
func measure(t testing.TB, cmd *exec.Cmd, out, said *bytes.Buffer) result {
	t.Helper()
	begin := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := result{
		stdout: out.String(), stderr: said.String(), code: cmd.ProcessState.ExitCode(), wall: time.Since(begin),
		cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = usage.Maxrss << 10 // Linux counts in KiB
	}
	return r
}

// A ref, a gap, ...: what the tests ask of dekey's documents.
type (
	ref       struct{ APIVersion, Kind, Namespace, Name string }
	gap       struct{ Source, What, Why string }
	inventory struct {
		Keys []struct {
			ID, Email string
			Copies    []struct{ Holder ref }
		}
		Workloads []struct {
			Ref            ref
			ServiceAccount string
			Managers       []string
			Live           bool
		}
		Findings []struct {
			ID       string
			Workload ref
			Via, Env string
			Key      string
		}
		Gaps            []gap
		ServiceAccounts []struct {
			Ref         ref
			Annotations map[string]string
		}
		Clusters []struct {
			ID, Context, Version string
			GKE                  string
			Complete             []string
			NodePools            []struct{ Name, MetadataMode string }
		}
	}
	plan struct {
		Moves []struct {
			ID             string
			Workload       ref
			Account        string
			Live           bool
			Findings       []string
			ServiceAccount struct {
				Namespace, Name string
				Create          bool
			}
		}
		Holds []planHold
	}
	planHold struct {
		Findings     []string
		Workload     ref
		Code, Reason string
	}
)

func (r ref) String() string { return r.Namespace + "/" + r.Kind + "/" + r.Name }

func decode[T any](t testing.TB, document string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		t.Fatalf("decoding a document of dekey: %v", err)
	}
	return v
}

// scan runs dekey scan as the given kubeconfig and wants an exit code.
func scan(t testing.TB, kubeconfig string, want int, args ...string) (inventory, result) {
	t.Helper()
	r := dekey(t, t.TempDir(), append([]string{"scan", "--kubeconfig", kubeconfig, "-o", "json"}, args...)...)
	if r.code != want {
		t.Fatalf("dekey scan %s ended with %d, want %d:\n%s\n%.3000s", strings.Join(args, " "), r.code, want, r.stderr, gapsOf(r.stdout))
	}
	if r.code == 1 || r.code == 2 {
		return inventory{}, r
	}
	return decode[inventory](t, r.stdout), r
}

func gapsOf(document string) string {
	var v inventory
	_ = json.Unmarshal([]byte(document), &v)
	var b strings.Builder
	for _, g := range v.Gaps {
		fmt.Fprintf(&b, "gap: %s: %s\n", g.What, g.Why)
	}
	return b.String()
}

// account grants a service account dekey what dekey permissions prints, and gives its token. Server may be a proxy's.
func account(t testing.TB, p *controlplane.Plane, server string, args ...string) (kubeconfig string) {
	t.Helper()
	r := dekey(t, t.TempDir(), append([]string{"permissions"}, args...)...)
	if r.code != 0 {
		t.Fatalf("dekey permissions ended with %d: %s", r.code, r.stderr)
	}
	kubectl(t, p, r.stdout, "apply", "-f", "-")
	token := strings.TrimSpace(kubectl(t, p, "", "create", "token", "dekey", "-n", "dekey", "--duration=1h"))
	path, err := p.As("dekey", token, server)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// newKey is a service account key file, made now.
func newKey(t testing.TB, email string) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	name, domain, _ := strings.Cut(email, "@")
	project, _, _ := strings.Cut(domain, ".")
	file, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": project, "private_key_id": fmt.Sprintf("%040x", key.N.Bits()[0]),
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "client_email": email,
		"client_id": fmt.Sprintf("1%020d", len(name)), "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return file
}
