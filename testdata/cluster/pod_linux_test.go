package cluster_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"dekey/testdata/cluster/controlplane"
)

// A box is a file system of its own with what a pod finds there: dekey, and the volume of its service account. No container
// runs here, but a program sees no more of one than this.
type box struct {
	root  string
	attrs *syscall.SysProcAttr
}

const accountVolume = "var/run/secrets/kubernetes.io/serviceaccount"

// newBox makes a box; nil where nobody may change the root folder of a program.
func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{root: t.TempDir()}
	for _, dir := range []string{accountVolume, "tmp"} {
		if err := os.MkdirAll(filepath.Join(b.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	from, err := os.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(b.root, "dekey"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	var refused error
	for _, attrs := range []*syscall.SysProcAttr{
		{Chroot: b.root}, // as root
		{
			Chroot: b.root, Cloneflags: syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		},
	} {
		b.attrs = attrs
		if refused = b.command(t, "", "version").Run(); refused == nil {
			return b
		}
	}
	t.Logf("NOT SHOWN: the configuration inside a pod, because no program may have a root folder of its own here: %v", refused)
	return nil
}

// command is dekey in the box, with the environment that a pod has.
func (b *box) command(t *testing.T, server string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/dekey", args...)
	cmd.SysProcAttr, cmd.Dir, cmd.Env = b.attrs, "/", []string{"PATH=/"}
	if u, err := url.Parse(server); err == nil && server != "" {
		cmd.Env = append(cmd.Env, "KUBERNETES_SERVICE_HOST="+u.Hostname(), "KUBERNETES_SERVICE_PORT="+u.Port())
	}
	return cmd
}

// scan runs dekey scan in the box.
func (b *box) scan(t *testing.T, server string, args ...string) result {
	t.Helper()
	cmd := b.command(t, server, append([]string{"scan", "-o", "json"}, args...)...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	return measure(t, cmd, &out, &said)
}

// put writes a file of the volume as the kubelet does: whoever reads it has the old one or the new one.
func (b *box) put(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(b.root, accountVolume, name)
	if err := os.WriteFile(path+".new", []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// token asks the API server for a token of dekey's service account, as the kubelet does for a pod.
func token(t *testing.T, p *controlplane.Plane) string {
	t.Helper()
	return strings.TrimSpace(kubectl(t, p, "", "create", "token", "dekey", "-n", "dekey", "--duration=1h"))
}

// In a pod there is no kubeconfig: dekey reads the cluster that it runs in, as the pod's service account, and goes on where
// the kubelet renews the token under it.
func TestInCluster(t *testing.T) {
	b := newBox(t)
	if b == nil {
		return
	}
	p := start(t, controlplane.Options{Controllers: true, Audit: true})
	small(t, p)
	whole, _ := scan(t, p.Kubeconfig(), 0, "-A")
	account(t, p, p.URL, "--context", "admin", "--kubeconfig", p.Kubeconfig())
	// The authority is what every namespace has for its pods.
	ca, err := p.Wait(t.Context(), "-n", "dekey", "get", "configmap", "kube-root-ca.crt", "-o", `jsonpath={.data.ca\.crt}`)
	if err != nil {
		t.Fatal(err)
	}
	b.put(t, "ca.crt", ca)
	b.put(t, "namespace", "dekey")
	first := token(t, p)
	b.put(t, "token", first)

	same := func(t *testing.T, r result) {
		t.Helper()
		if r.code != 0 {
			t.Fatalf("ended with %d: %s\n%.3000s", r.code, r.stderr, gapsOf(r.stdout))
		}
		got := decode[inventory](t, r.stdout)
		if len(got.Keys) != len(whole.Keys) || len(got.Findings) != len(whole.Findings) || len(got.Workloads) != len(whole.Workloads) {
			t.Errorf("%d keys, %d findings, %d workloads in a pod; %d, %d, %d by the kubeconfig", len(got.Keys), len(got.Findings),
				len(got.Workloads), len(whole.Keys), len(whole.Findings), len(whole.Workloads))
		}
	}
	t.Run("all namespaces", func(t *testing.T) {
		r := b.scan(t, p.URL, "-A")
		same(t, r)
		if c := decode[inventory](t, r.stdout).Clusters[0]; c.Context != "" || c.ID != "cluster:"+p.URL {
			t.Errorf("the cluster is %q, context %q, want its address and no context", c.ID, c.Context)
		}
		checkAudit(t, p)
	})
	t.Run("some namespaces", func(t *testing.T) {
		r := b.scan(t, p.URL, "-n", "small")
		if r.code != 0 {
			t.Fatalf("ended with %d: %s", r.code, r.stderr)
		}
		if got := decode[inventory](t, r.stdout); len(got.Keys) != 1 {
			t.Errorf("%d keys in namespace small, want 1", len(got.Keys))
		}
	})
	// The token of a pod ends while dekey works.
	ends := func(t *testing.T, renewed string) (result, int) {
		t.Helper()
		b.put(t, "token", first)
		var mu sync.Mutex
		over, after := false, 0
		proxy, err := p.NewProxy(func(w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasSuffix(r.URL.Path, "/deployments") && !over {
				over = true
				b.put(t, "token", renewed)
			}
			old := r.Header.Get("Authorization") == "Bearer "+first
			switch {
			case over && old:
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401}`)
				return true
			case over:
				after++
			}
			return false
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer proxy.Stop()
		r := b.scan(t, proxy.URL, "-A")
		return r, after
	}
	t.Run("the token is renewed", func(t *testing.T) {
		r, after := ends(t, token(t, p))
		same(t, r)
		if after == 0 {
			t.Error("nothing was asked with the new token: nothing was shown")
		}
	})
	t.Run("the token ends", func(t *testing.T) {
		r, _ := ends(t, first)
		if r.code != 3 || !strings.Contains(gapsOf(r.stdout), "secrets in all namespaces: the server does not accept the credentials") {
			t.Errorf("ended with %d, want 3 and a gap for secrets:\n%s%.2000s", r.code, r.stderr, gapsOf(r.stdout))
		}
		if strings.Contains(r.stderr+r.stdout, first) {
			t.Error("the token is in the output")
		}
	})
	t.Run("the token is none", func(t *testing.T) {
		b.put(t, "token", "not.a.token")
		if r := b.scan(t, p.URL, "-A"); r.code != 1 || !strings.Contains(r.stderr, "does not accept the credentials") {
			t.Errorf("ended with %d, want 1: %s", r.code, r.stderr)
		}
	})
	t.Run("no service account", func(t *testing.T) {
		if err := os.Remove(filepath.Join(b.root, accountVolume, "token")); err != nil {
			t.Fatal(err)
		}
		if r := b.scan(t, p.URL, "-A"); r.code != 2 || !strings.Contains(r.stderr, "hint:") {
			t.Errorf("ended with %d, want 2 and a hint: %s", r.code, r.stderr)
		}
	})
}
