package runbook_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dekey/planner"
	"dekey/rewriter/runbook"
	"dekey/scanner"
	"dekey/scanner/object"
)

const (
	account  = "api@acme.iam.gserviceaccount.com"
	keyID    = "0123456789abcdef0123456789abcdef01234567"
	otherKey = "fedcba9876543210fedcba9876543210fedcba98"
	shopGKE  = "acme/europe-west1/shop"
	shopCTX  = "gke_acme_europe-west1_shop"
	pool     = "acme.svc.id.goog"
)

// certified is a key pair as Google shows it: a certificate, and the digest of the public key.
type certified struct{ pem, digest string }

var keyPairs = sync.OnceValue(func() []certified {
	var list []certified
	for i := range 2 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			panic(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "100000000000000000001"}, NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(spki)
		list = append(list, certified{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), hex.EncodeToString(sum[:])})
	}
	return list
})

func field(t *testing.T, text string) scanner.Path {
	t.Helper()
	path, err := object.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func ref(apiVersion, kind, namespace, name string) scanner.Ref {
	return scanner.Ref{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
}

// shopPlan moves shop/api, a Deployment under default, off its one key.
func shopPlan(t *testing.T) planner.Plan {
	workload := ref("apps/v1", "Deployment", "shop", "api")
	const pod = "spec.template.spec."
	remove := func(text string) planner.Edit {
		return planner.Edit{Object: workload, Op: planner.OpRemove, Field: field(t, text), Why: "the key"}
	}
	digest := keyPairs()[0].digest
	move := planner.Move{
		ID: workload.String(), Workload: workload, Findings: []string{"f1"}, Account: account, Model: planner.Impersonation, Before: "default",
		ServiceAccount: planner.ServiceAccount{Namespace: "shop", Name: "api", Create: true}, Keys: []string{digest}, Prove: []string{digest},
		Secrets: []scanner.Ref{ref("v1", "Secret", "shop", "api-key")}, Cluster: shopGKE,
		Grants: []planner.Grant{{Resource: planner.AccountResource(account), Role: planner.RoleWorkloadIdentityUser,
			Member: "serviceAccount:" + pool + "[shop/api]", Project: "acme"}},
		Carried: &planner.Carried{Bindings: []scanner.Ref{ref("rbac.authorization.k8s.io/v1", "RoleBinding", "shop", "readers")}, ImagePullSecrets: []string{"registry"}},
		Edits: []planner.Edit{
			remove(pod + "containers[name=app].env[name=GOOGLE_APPLICATION_CREDENTIALS]"),
			remove(pod + "containers[name=app].args[1]"),
			remove(pod + "containers[name=app].volumeMounts[mountPath=/secrets]"),
			remove(pod + "volumes[name=key]"),
			{Object: workload, Op: planner.OpSet, Field: field(t, pod+"serviceAccountName"), Value: "api"},
		},
	}
	return planner.Plan{
		ID: "4f1d", Moves: []planner.Move{move},
		Clusters: []planner.ClusterRef{{ID: shopGKE, Project: "acme", Location: "europe-west1", Name: "shop", Pool: pool, ProjectNumber: "123456789012"}},
		Keys:     []scanner.Key{{ID: digest, Type: scanner.TypeServiceAccount, Email: account, Project: "acme", KeyID: keyID}},
		Findings: []planner.PlannedFinding{{ID: "f1", Workload: workload, Container: "app", Via: scanner.ArgFile, Named: "--credentials-file",
			Secret: scanner.Holder{Kind: "Secret", Namespace: "shop", Name: "api-key", Entry: "key.json"}, Key: digest, Email: account}},
		Retirements: []planner.Retirement{{Key: digest, Email: account, KeyID: keyID, Project: "acme", Consumers: 1, Moved: 1,
			Workloads: []scanner.Ref{workload}, BlockedBy: []planner.Blocker{{Code: planner.BlockerUseUnknown, What: "not read"}}}},
	}
}

// shopCloud is the cloud of that plan, before anything.
func shopCloud() *cloud {
	return &cloud{
		Accounts: map[string]*gsa{account: {Project: "acme", UniqueID: "100", Keys: []*gsaKey{
			{ID: otherKey, PEM: keyPairs()[1].pem, Expires: "9999-12-31T23:59:59Z"},
			{ID: keyID, PEM: keyPairs()[0].pem, Expires: "9999-12-31T23:59:59Z"},
		}}},
		Clusters: map[string]*gke{shopGKE: {Pool: pool, Endpoint: "203.0.113.7", NodePools: map[string]string{"main": "GKE_METADATA"}}},
		APIs:     map[string][]string{"acme": {"iamcredentials.googleapis.com"}},
		Servers:  map[string]string{shopCTX: "https://203.0.113.7"},
		Objects: map[string][]map[string]any{shopCTX: {
			node(), workloadObject(false), podObject("api-1", false),
			{"kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": "shop"}, "imagePullSecrets": []any{map[string]any{"name": "registry"}}},
			{"kind": "RoleBinding", "metadata": map[string]any{"name": "readers", "namespace": "shop"},
				"subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": "shop", "name": "default"}}},
			{"kind": "RoleBinding", "metadata": map[string]any{"name": "others", "namespace": "shop"},
				"subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": "elsewhere", "name": "default"}}},
		}},
		Activity: map[string]activity{},
	}
}

func node() map[string]any {
	return map[string]any{"kind": "Node", "metadata": map[string]any{"name": "node-1", "labels": map[string]any{"iam.gke.io/gke-metadata-server-enabled": "true"}}}
}

// podSpecOf is the pod spec before (with the key) or after the merge.
func podSpecOf(moved bool) map[string]any {
	if moved {
		return map[string]any{"serviceAccountName": "api", "containers": []any{map[string]any{"name": "app", "args": []any{"serve"}}}}
	}
	return map[string]any{
		"serviceAccountName": "default",
		"containers": []any{map[string]any{
			"name": "app", "args": []any{"serve", "--credentials-file=/secrets/key.json"},
			"env":          []any{map[string]any{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/secrets/key.json"}},
			"volumeMounts": []any{map[string]any{"name": "key", "mountPath": "/secrets"}},
		}},
		"volumes": []any{map[string]any{"name": "key", "secret": map[string]any{"secretName": "api-key"}}},
	}
}

func workloadObject(moved bool) map[string]any {
	return map[string]any{"kind": "Deployment", "metadata": map[string]any{"name": "api", "namespace": "shop"},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": "api"}}, "template": map[string]any{"spec": podSpecOf(moved)}}}
}

func podObject(name string, moved bool) map[string]any {
	spec := podSpecOf(moved)
	spec["nodeName"] = "node-1"
	return map[string]any{"kind": "Pod", "metadata": map[string]any{"name": name, "namespace": "shop", "labels": map[string]any{"app": "api"}},
		"spec": spec, "status": map[string]any{"phase": "Running"}}
}

func newAccount() map[string]any {
	return map[string]any{"kind": "ServiceAccount", "metadata": map[string]any{"name": "api", "namespace": "shop",
		"annotations": map[string]any{planner.AccountAnnotation: account}}}
}

// merge is what the cluster has after the merge rolled out.
func merge(c *cloud) {
	c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool { return o["kind"] == "Deployment" || o["kind"] == "Pod" })
	c.Objects[shopCTX] = append(c.Objects[shopCTX], workloadObject(true), podObject("api-2", true), newAccount())
	grant(c)
}

// grant makes the binding, where it is not there.
func grant(c *cloud) {
	if policy := &c.Accounts[account].Policy; len(*policy) == 0 {
		*policy = []policyBinding{{Role: planner.RoleWorkloadIdentityUser, Members: []string{member}}}
	}
}

// unmerge is what it has after the merge was reverted.
func unmerge(c *cloud) {
	c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool {
		return o["kind"] == "Deployment" || o["kind"] == "Pod" || o["kind"] == "ServiceAccount" && o["metadata"].(map[string]any)["name"] == "api"
	})
	c.Objects[shopCTX] = append(c.Objects[shopCTX], workloadObject(false), podObject("api-3", false))
}

// A field is a folder where scripts are run, with its cloud and its clock.
type place struct {
	t      *testing.T
	dir    string
	offset time.Duration
}

func newPlace(t *testing.T, plan planner.Plan, c *cloud) *place {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Fatal("the scripts are bash, and there is none here")
	}
	p := &place{t: t, dir: t.TempDir()}
	files, err := runbook.Files(plan)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		p.write(name, string(content), 0o644)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gcloud", "kubectl"} {
		p.write("bin/"+name, "#!/bin/sh\nRUNBOOK_STUB="+name+" exec "+runbook.Quote(self)+" \"$@\"\n", 0o755)
	}
	p.write("bin/sleep", "#!/bin/sh\n", 0o755)
	// The clock: only questions for the present are moved.
	p.write("bin/date", `#!/bin/sh
case " $* " in *" -d "*) exec /bin/date "$@" ;; esac
for last; do :; done
exec /bin/date -u -d "@$(($(/bin/date +%s) + RUNBOOK_OFFSET))" "$last"
`, 0o755)
	p.save(c)
	return p
}

func (p *place) write(name, content string, mode os.FileMode) {
	p.t.Helper()
	full := filepath.Join(p.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), mode); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) save(c *cloud) {
	data, err := json.Marshal(c)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("state", string(data), 0o644)
}

func (p *place) cloud() *cloud {
	data, err := os.ReadFile(filepath.Join(p.dir, "state"))
	if err != nil {
		p.t.Fatal(err)
	}
	c := &cloud{}
	if err := json.Unmarshal(data, c); err != nil {
		p.t.Fatal(err)
	}
	return c
}

// change changes the cloud behind the scripts' back.
func (p *place) change(f func(*cloud)) {
	c := p.cloud()
	f(c)
	p.save(c)
}

// run runs a script and gives its exit code and what it said.
func (p *place) run(script string, args ...string) (int, string) {
	p.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("bash", append([]string{filepath.Join(p.dir, "runbook", script)}, args...)...)
	cmd.Dir = p.t.TempDir()
	cmd.Env = []string{"PATH=" + filepath.Join(p.dir, "bin") + ":" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0", "STUB_STATE=" + filepath.Join(p.dir, "state"),
		"RUNBOOK_OFFSET=" + strconv.Itoa(int(p.offset/time.Second)), "TMPDIR=" + p.t.TempDir(), "HOME=/nonexistent"}
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !asExit(err, &exit) {
		p.t.Fatal(err)
	}
	if left, _ := os.ReadDir(strings.TrimPrefix(cmd.Env[3], "TMPDIR=")); len(left) > 0 {
		p.t.Errorf("%s left %s in the temporary folder", script, left[0].Name())
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// must runs a script that must end so.
func (p *place) must(code int, says string, script string, args ...string) string {
	p.t.Helper()
	got, out := p.run(script, args...)
	if got != code || !strings.Contains(out, says) {
		p.t.Fatalf("%s %v: exit %d, want %d and %q:\n%s", script, args, got, code, says, out)
	}
	return out
}

// evidence are the records, by name.
func (p *place) evidence() map[string]string {
	records := map[string]string{}
	root := filepath.Join(p.dir, "runbook", "evidence")
	_ = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			data, _ := os.ReadFile(path)
			name, _ := filepath.Rel(root, path)
			records[filepath.ToSlash(name)] = string(data)
		}
		return nil
	})
	return records
}

// log are the argvs that changed something.
func (p *place) changes() []string {
	data, err := os.ReadFile(filepath.Join(p.dir, "state.log"))
	if err != nil {
		return nil
	}
	var list []string
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var argv []string
		if err := json.Unmarshal([]byte(line), &argv); err != nil {
			p.t.Fatal(err)
		}
		text := strings.Join(argv, " ")
		for _, verb := range []string{" add-iam-policy-binding ", " remove-iam-policy-binding ", " keys disable ", " keys enable ", " keys delete ", " create ", " delete ", " apply ", " patch "} {
			if strings.Contains(text, verb) {
				list = append(list, text)
				break
			}
		}
	}
	return list
}

func (p *place) members() []string {
	var list []string
	for _, b := range p.cloud().Accounts[account].Policy {
		list = append(list, b.Members...)
	}
	return list
}

// seen is Google's evidence about the key, up to now.
func (p *place) seen(last time.Time) {
	p.change(func(c *cloud) {
		a := activity{From: "2025-01-01T08:00:00Z", To: time.Now().Add(p.offset).UTC().Format("2006-01-02T15:04:05Z")}
		if !last.IsZero() {
			a.Last = last.UTC().Format("2006-01-02") + "T08:00:00Z"
		}
		c.Activity["//iam.googleapis.com/projects/acme/serviceAccounts/"+account+"/keys/"+keyID] = a
	})
}

func (p *place) remove(name string) {
	if err := os.Remove(filepath.Join(p.dir, filepath.FromSlash(name))); err != nil {
		p.t.Fatal(err)
	}
}
