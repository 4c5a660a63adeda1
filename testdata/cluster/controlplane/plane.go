// Package controlplane starts a real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager
// and, where pods must run, kube-scheduler and kwok with fake nodes. No container runs there.
package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options of a plane.
type Options struct {
	Controllers bool // kube-controller-manager: service account tokens, workloads become pods
	Pods        bool // kube-scheduler and kwok: pods of Nodes run
	Audit       bool // an audit log of every request, see Plane.AuditLog
	Flags       []string
}

// A Plane is a running control plane. Its files are in Dir.
type Plane struct {
	Dir      string
	URL      string
	AuditLog string
	binary   string
	mu       sync.Mutex
	programs []*program
}

type program struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
`

// Start starts a plane in an empty folder, and waits until it is ready.
func Start(ctx context.Context, dir string, o Options) (*Plane, error) {
	binary, err := Binary(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plane{Dir: dir, binary: binary}
	if err := p.start(ctx, o); err != nil {
		p.Stop()
		return nil, fmt.Errorf("starting the control plane: %w%s", err, p.lastWords())
	}
	return p, nil
}

func (p *Plane) start(ctx context.Context, o Options) error {
	if err := certificates(p.Dir); err != nil {
		return err
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	p.URL = "https://127.0.0.1:" + ports[2]
	if err := os.WriteFile(p.Kubeconfig(), []byte(p.kubeconfig("admin", fmt.Sprintf("client-certificate: %s\n    client-key: %s",
		p.file("admin.crt"), p.file("admin.key")))), 0o600); err != nil {
		return err
	}
	etcd := "http://127.0.0.1:" + ports[0]
	if err := p.run("etcd", "--data-dir="+p.file("etcd"), "--unsafe-no-fsync", "--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls=http://127.0.0.1:"+ports[1], "--log-level=error", "--quota-backend-bytes=4294967296"); err != nil {
		return err
	}
	flags := []string{"--etcd-servers=" + etcd, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + ports[2],
		"--tls-cert-file=" + p.file("server.crt"), "--tls-private-key-file=" + p.file("server.key"), "--client-ca-file=" + p.file("ca.crt"),
		"--service-account-key-file=" + p.file("sa.pub"), "--service-account-signing-key-file=" + p.file("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24",
		"--authorization-mode=Node,RBAC", "--endpoint-reconciler-type=none"}
	if !o.Controllers {
		flags = append(flags, "--disable-admission-plugins=ServiceAccount")
	}
	if o.Audit {
		p.AuditLog = p.file("audit.log")
		if err := os.WriteFile(p.file("audit.yaml"), []byte(auditPolicy), 0o600); err != nil {
			return err
		}
		flags = append(flags, "--audit-policy-file="+p.file("audit.yaml"), "--audit-log-path="+p.AuditLog, "--audit-log-mode=blocking")
	}
	if err := p.run("kube-apiserver", append(flags, o.Flags...)...); err != nil {
		return err
	}
	if err := p.ready(ctx); err != nil {
		return err
	}
	if o.Controllers {
		if err := p.run("kube-controller-manager", "--kubeconfig="+p.Kubeconfig(), "--leader-elect=false", "--secure-port=0",
			"--service-account-private-key-file="+p.file("sa.key"), "--root-ca-file="+p.file("ca.crt"), "--kube-api-qps=500", "--kube-api-burst=1000"); err != nil {
			return err
		}
		if _, err := p.Wait(ctx, "-n", "default", "get", "serviceaccount", "default"); err != nil {
			return err
		}
	}
	if o.Pods {
		return p.startPods()
	}
	return nil
}

// startPods starts what makes pods run: they are only called running.
func (p *Plane) startPods() error {
	stages, err := exec.Command(p.binary, "kwok-stages").Output()
	if err != nil {
		return fmt.Errorf("reading kwok's stages: %w", err)
	}
	if err := os.WriteFile(p.file("stages.yaml"), stages, 0o600); err != nil {
		return err
	}
	if err := p.run("kube-scheduler", "--kubeconfig="+p.Kubeconfig(), "--leader-elect=false", "--secure-port=0"); err != nil {
		return err
	}
	return p.run("kwok", "--kubeconfig="+p.Kubeconfig(), "--manage-all-nodes=true", "--config="+p.file("stages.yaml"), "--server-address=127.0.0.1:0")
}

// Kubeconfig is the path of the administrator's kubeconfig. Its context is "admin".
func (p *Plane) Kubeconfig() string { return p.file("admin.kubeconfig") }

// As writes a kubeconfig for a bearer token, with a context of that name, and gives its path. Server is the plane's URL,
// or that of a proxy before it.
func (p *Plane) As(name, token, server string) (string, error) {
	path := p.file(name + ".kubeconfig")
	config := strings.ReplaceAll(p.kubeconfig(name, "token: "+token), p.URL, server)
	return path, os.WriteFile(path, []byte(config), 0o600)
}

func (p *Plane) kubeconfig(name, user string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: %[1]s
clusters:
- name: %[1]s
  cluster:
    server: %[2]s
    certificate-authority: %[3]s
users:
- name: %[1]s
  user:
    %[4]s
contexts:
- name: %[1]s
  context:
    cluster: %[1]s
    user: %[1]s
`, name, p.URL, p.file("ca.crt"), user)
}

func (p *Plane) file(name string) string { return filepath.Join(p.Dir, name) }

// Kubectl runs the real kubectl as administrator; stdin may be nil. The error holds what kubectl said.
func (p *Plane) Kubectl(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := p.Command(ctx, append([]string{"kubectl", "--kubeconfig=" + p.Kubeconfig()}, args...)...)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &said
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, said.String())
	}
	return out.String(), nil
}

// Command is one of the programs, to be run by the caller.
func (p *Plane) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.binary, args...)
	// kubectl keeps what it discovered in the home folder: not in the person's.
	cmd.Env = append(os.Environ(), "HOME="+p.Dir, "KUBECTL_KUBERC=false")
	return cmd
}

// Wait repeats a kubectl command until it succeeds, for half a minute.
func (p *Plane) Wait(ctx context.Context, args ...string) (string, error) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		out, err := p.Kubectl(ctx, nil, args...)
		if err == nil || time.Now().After(deadline) {
			return out, err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// Client is an HTTP client that trusts the plane and is its administrator.
func (p *Plane) Client() (*http.Client, error) {
	ca, err := os.ReadFile(p.file("ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	pair, err := tls.LoadX509KeyPair(p.file("admin.crt"), p.file("admin.key"))
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
	}}, nil
}

func (p *Plane) ready(ctx context.Context) error {
	client, err := p.Client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		answer, err := client.Get(p.URL + "/readyz")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(answer.Status)
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("waiting for the API server: %w", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// run starts a program. It ends with Stop, or with this process.
func (p *Plane) run(name string, flags ...string) error {
	log, err := os.Create(p.file(name + ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.binary, append([]string{name}, flags...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.Dir, log, log
	cmd.Env = append(os.Environ(), "HOME="+p.Dir)
	endWithUs(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	running := &program{name: name, cmd: cmd, log: log.Name(), done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(running.done)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.programs = append(p.programs, running)
	return nil
}

// Stop ends every program, the last first.
func (p *Plane) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.programs) - 1; i >= 0; i-- {
		_ = p.programs[i].cmd.Process.Kill()
		<-p.programs[i].done
	}
	p.programs = nil
}

// lastWords are the ends of the logs, for the error of a plane that did not start.
func (p *Plane) lastWords() string {
	var b strings.Builder
	logs, _ := filepath.Glob(p.file("*.log"))
	for _, log := range logs {
		data, _ := os.ReadFile(log)
		if len(data) > 2000 {
			data = data[len(data)-2000:]
		}
		fmt.Fprintf(&b, "\n--- %s\n%s", filepath.Base(log), data)
	}
	return b.String()
}

func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // only at the end: each port must be another
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
