package cluster_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dekey/testdata/cluster/controlplane"
)

// An object is one manifest.
type manifest map[string]any

func (m manifest) json(t testing.TB) string {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func about(kind, name string) manifest {
	version := map[string]string{"Secret": "v1", "ConfigMap": "v1", "Pod": "v1", "PodTemplate": "v1", "ReplicationController": "v1",
		"Job": "batch/v1", "CronJob": "batch/v1"}[kind]
	if version == "" {
		version = "apps/v1"
	}
	return manifest{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": name, "namespace": "shop"}}
}

// holder is a Secret with entries of data.
func holder(name string, entries map[string][]byte) manifest {
	m := about("Secret", name)
	m["data"] = entries
	return m
}

// workloadOf wraps a pod spec in a workload of the kind.
func workloadOf(kind, name string, spec map[string]any) manifest {
	m := about(kind, name)
	labels := map[string]any{"app": name}
	template := map[string]any{"metadata": map[string]any{"labels": labels}, "spec": spec}
	switch kind {
	case "Pod":
		m["spec"] = spec
	case "PodTemplate":
		m["template"] = template
	case "ReplicationController":
		m["spec"] = map[string]any{"selector": labels, "template": template}
	case "Job", "CronJob":
		spec["restartPolicy"] = "Never"
		m["spec"] = map[string]any{"template": map[string]any{"spec": spec}}
		if kind == "CronJob" {
			m["spec"] = map[string]any{"schedule": "0 3 * * *", "jobTemplate": map[string]any{"spec": m["spec"]}}
		}
	default:
		m["spec"] = map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": template}
		if kind == "StatefulSet" {
			m["spec"].(map[string]any)["serviceName"] = name
		}
	}
	return m
}

// pod reads a pod spec as JSON or YAML's flow form would have it.
func pod(t testing.TB, spec string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(spec), &m); err != nil {
		t.Fatalf("%v in %s", err, spec)
	}
	for _, list := range []string{"containers", "initContainers"} {
		containers, _ := m[list].([]any)
		for i, c := range containers {
			c := c.(map[string]any)
			c["name"], c["image"] = fmt.Sprint("c", i, list[:2]), "registry.example/app:1"
		}
	}
	return m
}

const wired = `{"containers":[{"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/secrets/key.json"}],
	"volumeMounts":[{"name":"key","mountPath":"/secrets"}]}],"volumes":[{"name":"key","secret":{"secretName":"new-key"}}]}`

var podKinds = []string{"Pod", "PodTemplate", "ReplicationController", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"}

// bigPod has thousands of variables and arguments that look like those of a key at first.
var bigPod = func() string {
	var b strings.Builder
	b.WriteString(`{"containers":[{"env":[`)
	for i := range 1000 {
		fmt.Fprintf(&b, `{"name":"GOOGLE_SERVICE_ACCOUNT_%[1]d","value":"/var/lib/data/%[1]d"},{"name":"GCP_%[1]d","valueFrom":{"secretKeyRef":{"name":"x","key":"k"}}},`, i)
	}
	b.WriteString(`{"name":"LAST","value":"x"}],"args":[` + strings.Repeat(`"--some-flag=/var/lib/data",`, 2000) + `"-v"]}]}`)
	return b.String()
}()

// offered asks the API server whether it takes an object, without keeping it: the error is what it answered, "" for yes.
func offered(t testing.TB, p *controlplane.Plane, m manifest) string {
	t.Helper()
	_, err := p.Kubectl(t.Context(), strings.NewReader(m.json(t)), "create", "--dry-run=server", "-f", "-")
	if err != nil {
		return err.Error()
	}
	return ""
}

// guarded applies the policies and waits until they are in force.
func guarded(t testing.TB, p *controlplane.Plane, policy string, args ...string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if r := dekey(t, dir, append([]string{"guard", "--policy", "policy.yaml", "--out", out}, args...)...); r.code != 0 {
		t.Fatalf("dekey guard ended with %d: %s", r.code, r.stderr)
	}
	kubectl(t, p, "", "apply", "--server-side", "--validate=strict", "-f", filepath.Join(out, "admission"))
}

// until asks again until the answer is as wanted: a policy is in force some moments after it was made.
func until(t testing.TB, what string, asked func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !asked(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waiting until %s", what)
		}
	}
}

// The policies of dekey guard on a real API server: what newly holds or uses a key is refused, and nothing else is.
func TestGuard(t *testing.T) {
	p := start(t, controlplane.Options{Controllers: true, Pods: true})
	kubectl(t, p, "", "apply", "-f", "manifests/crds.yaml", "-f", "manifests/nodes.yaml")
	kubectl(t, p, "", "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
	for _, namespace := range []string{"shop", "legacy"} {
		kubectl(t, p, "", "create", "namespace", namespace)
	}
	for _, account := range []string{"api-google", "ledger", "shipper", "report", "web"} {
		secret(t, p, "shop", account+"-key", newKey(t, account+"@acme-prod.iam.gserviceaccount.com"))
	}
	checkout := repository(t, "manifests/shop")
	kubectl(t, p, "", "apply", "--server-side", "-R", "-f", checkout)
	ready(t, p, "shop")

	const register = `exclude:
- {workload: legacy/*/*, reason: moves in spring, expires: 2999-01-01}
- {workload: shop/Deployment/excepted, reason: vendor, expires: 2999-01-01}
- {workload: shop/Deployment/over, reason: was, expires: 2020-01-01}
- {workload: "*/*/*", code: admission-policy, labels: {team: data}, reason: rotation, expires: 2999-01-01}
`
	guarded(t, p, register)
	key := newKey(t, "new@acme-prod.iam.gserviceaccount.com")
	t.Run("the default warns and refuses nothing", func(t *testing.T) {
		for _, m := range []manifest{holder("new-key", map[string][]byte{"key.json": key}), workloadOf("Deployment", "new", pod(t, wired))} {
			until(t, "the policy warns", func() bool { return strings.Contains(warnings(t, p, m), "dekey explain admission-policy") })
		}
	})
	guarded(t, p, register, "--mode", "deny")
	until(t, "the policies are in force", func() bool {
		return offered(t, p, holder("probe", map[string][]byte{"key.json": key})) != "" && offered(t, p, workloadOf("Deployment", "probe", pod(t, wired))) != ""
	})
	t.Run("secrets", func(t *testing.T) { guardSecrets(t, p, key) })
	t.Run("workloads", func(t *testing.T) { guardWorkloads(t, p) })
	t.Run("ephemeral containers", func(t *testing.T) { guardEphemeral(t, p) })
	t.Run("exceptions", func(t *testing.T) { guardExceptions(t, p, key) })
	t.Run("what was there", func(t *testing.T) { guardOld(t, p, key) })
	t.Run("what dekey writes", func(t *testing.T) { guardMigrated(t, p, checkout) })
	t.Run("expressions fit the types", func(t *testing.T) {
		for _, name := range []string{"dekey-key-secrets", "dekey-key-wiring"} {
			var status string
			until(t, "the policy is checked", func() bool {
				status = kubectl(t, p, "", "get", "validatingadmissionpolicy", name, "-o", "jsonpath={.status}")
				return strings.Contains(status, "observedGeneration")
			})
			if strings.Contains(status, "warning") {
				t.Errorf("%s: %s", name, status)
			}
		}
	})
}

// warnings gives what the API server says when an object is offered.
func warnings(t testing.TB, p *controlplane.Plane, m manifest) string {
	t.Helper()
	cmd := p.Command(t.Context(), "kubectl", "--kubeconfig="+p.Kubeconfig(), "create", "--dry-run=server", "-f", "-")
	cmd.Stdin = strings.NewReader(m.json(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

const keyless = `{"type":"external_account","audience":"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
	"service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken",
	"credential_source":{"file":"/var/run/token"}}`

func guardSecrets(t *testing.T, p *controlplane.Plane, key []byte) {
	once := []byte(base64.StdEncoding.EncodeToString(key))
	quoted, err := json.Marshal(string(key))
	if err != nil {
		t.Fatal(err)
	}
	text := holder("x", nil)
	text["stringData"] = map[string]string{"anything": string(key)}
	config := about("ConfigMap", "x")
	config["data"] = map[string]string{"settings.yaml": "google: |\n  " + strings.ReplaceAll(string(key), "\n", "\n  ")}
	plain := about("ConfigMap", "x")
	plain["data"] = map[string]string{"adc.json": keyless, "notes": "put client_email into the report"}
	one := func(data []byte) manifest { return holder("x", map[string][]byte{"anything": data}) }
	noise := func(n int) []byte { return []byte(strings.Repeat("all work and no play\n", n/21)) }
	const mebibyte = 1 << 20
	many := map[string][]byte{}
	for i := range 2000 {
		many[fmt.Sprint("entry-", i)] = noise(500)
	}
	withKey := maps.Clone(many)
	withKey["entry-last"] = key
	docker := `{"auths":{"gcr.io":{"username":"_json_key","password":` + string(quoted) + `}}}`
	pull := holder("x", map[string][]byte{".dockerconfigjson": []byte(docker)})
	pull["type"] = "kubernetes.io/dockerconfigjson"
	basic := base64.StdEncoding.EncodeToString([]byte("_json_key:" + string(key)))
	pullAuth := holder("x", map[string][]byte{".dockerconfigjson": []byte(`{"auths":{"gcr.io":{"auth":"` + basic + `"}}}`)})
	pullAuth["type"] = "kubernetes.io/dockerconfigjson"
	for _, test := range []struct {
		name    string
		object  manifest
		refused string
	}{
		{"a key", holder("x", map[string][]byte{"key.json": key}), "entry key.json holds a Google service account key"},
		{"a key under another name", one(key), "entry anything"},
		{"a key behind one byte", one(slices.Concat([]byte("\n"), key)), "entry anything"},
		{"a key behind two bytes", one(slices.Concat([]byte("\r\n"), key)), "entry anything"},
		{"a key as text", text, "entry anything"},
		{"a key on one line", one([]byte(strings.ReplaceAll(string(key), "\n", ""))), "entry anything"},
		{"a key in JSON as a string", one(quoted), "entry anything"},
		{"a key that is encoded twice", one(once), "is encoded twice"},
		{"a key that is encoded twice behind one byte", one(slices.Concat([]byte(" "), once)), "is encoded twice"},
		{"a key among 2,000 entries", holder("x", withKey), "entry entry-last"},
		{"a key at the end of 1 MiB", one(slices.Concat(noise(mebibyte-2*len(key)), key)), "entry anything"},
		{"a pull secret", pull, "entry .dockerconfigjson"},
		{"a pull secret with nothing but auth", pullAuth, "entry .dockerconfigjson"},
		{"a person's refresh token", one([]byte(`{"client_id":"x","client_secret":"y","refresh_token":"z","type":"authorized_user"}`)), "a person's refresh token"},
		{"a key in a ConfigMap", config, "entry settings.yaml"},
		{"keyless federation", one([]byte(keyless)), ""},
		{"keyless federation in a ConfigMap", plain, ""},
		{"another private key", one([]byte("-----BEGIN PRIVATE" + " KEY-----\nMII\n-----END PRIVATE" + " KEY-----\n")), ""},
		{"an account without its key", one([]byte(`{"client_email":"a@b.iam.gserviceaccount.com"}`)), ""},
		{"1 MiB of text", one(noise(mebibyte - 64)), ""},
		{"1 MiB of bytes", one([]byte(strings.Repeat("\x00\xff\x17", (mebibyte-64)/3))), ""},
		{"2,000 entries", holder("x", many), ""},
		{"nothing", about("Secret", "x"), ""},
	} {
		got := offered(t, p, test.object)
		if test.refused == "" && got != "" || test.refused != "" && !strings.Contains(got, test.refused) {
			t.Errorf("%s: the API server says %.600q, want %q", test.name, got, test.refused)
		}
		if strings.Contains(got, "PRIVATE") {
			t.Errorf("%s: the answer holds key material", test.name)
		}
	}
}

func guardWorkloads(t *testing.T, p *controlplane.Plane) {
	const secretName = "Secret new-key"
	type test struct{ name, spec, refused string }
	for _, kind := range podKinds {
		if got := offered(t, p, workloadOf(kind, "new", pod(t, wired))); !strings.Contains(got, secretName) {
			t.Errorf("a %s with a key: the API server says %q", kind, got)
		}
		if got := offered(t, p, workloadOf(kind, "new", pod(t, `{"containers":[{}]}`))); got != "" {
			t.Errorf("a %s without a key: the API server says %q", kind, got)
		}
	}
	const secretVolume = `"volumes":[{"name":"key","secret":{"secretName":"new-key"}}]`
	mounted := func(rest string) string {
		return `{"containers":[{"volumeMounts":[{"name":"key","mountPath":"/secrets/"}],` + rest + `}],` + secretVolume + `}`
	}
	value := func(name string) string {
		return `{"containers":[{"env":[{"name":"` + name + `","valueFrom":{"secretKeyRef":{"name":"new-key","key":"k"}}}]}]}`
	}
	for _, test := range []test{
		{"a file by subPath", `{"containers":[{"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/etc/key.json"}],
			"volumeMounts":[{"name":"key","mountPath":"/etc/key.json","subPath":"key.json"}]}],` + secretVolume + `}`, secretName},
		{"an init container", `{"containers":[{}],"initContainers":[{"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/s/k"}],
			"volumeMounts":[{"name":"key","mountPath":"/s"}]}],` + secretVolume + `}`, secretName},
		{"a team's own variable", mounted(`"env":[{"name":"GCP_SA_KEY_PATH","value":"/secrets/k"}]`), secretName},
		{"gcloud's property", mounted(`"env":[{"name":"CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE","value":"/secrets/k"}]`), secretName},
		{"a flag with its value", mounted(`"args":["-dir=/cloudsql","-credential_file=/secrets/k"]`), secretName},
		{"a flag before its value", mounted(`"command":["proxy","--credentials-file","/secrets/k"]`), secretName},
		{"a flag in a script", mounted(`"command":["sh","-c","exec proxy --credential_file=/secrets/k x"]`), secretName},
		{"the path where libraries look", `{"containers":[{"volumeMounts":[{"name":"key","mountPath":"/root/.config/gcloud"}]}],` + secretVolume + `}`, secretName},
		{"a projected volume", `{"containers":[{"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/s/k"}],"volumeMounts":[{"name":"key","mountPath":"/s"}]}],
			"volumes":[{"name":"key","projected":{"sources":[{"configMap":{"name":"c"}},{"secret":{"name":"new-key"}}]}}]}`, secretName},
		{"the CSI driver for secrets", `{"containers":[{"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/s/k"}],"volumeMounts":[{"name":"key","mountPath":"/s"}]}],
			"volumes":[{"name":"key","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"secretProviderClass":"keys"}}}]}`, "SecretProviderClass keys"},
		{"a variable with the key", value("GOOGLE_CREDENTIALS"), secretName},
		{"a team's variable with the key", value("GCP_SERVICE_ACCOUNT_KEY"), secretName},
		{"a key written out", `{"containers":[{"env":[{"name":"X","value":"{\"client_email\":\"a\",\"private_key\":\"-----BEGIN PRIVATE` + ` KEY\"}"}]}]}`, "written out in X"},

		{"an e-mail from a Secret", value("GCP_SERVICE_ACCOUNT"), ""},
		{"another product's key", value("MAPS_API_KEY"), ""},
		{"a Secret that nothing names", mounted(`"env":[{"name":"HOME","value":"/secrets"}]`), ""},
		{"the variable points elsewhere", mounted(`"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/secrets-not/k"}]`), ""},
		{"a ConfigMap below the Secret", `{"containers":[{"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/s/adc/adc.json"}],
			"volumeMounts":[{"name":"key","mountPath":"/s"},{"name":"adc","mountPath":"/s/adc"}]}],"volumes":[{"name":"key","secret":{"secretName":"tls"}},{"name":"adc","configMap":{"name":"adc"}}]}`, ""},
		{"keyless federation in a ConfigMap", `{"containers":[{"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/s/adc.json"}],
			"volumeMounts":[{"name":"adc","mountPath":"/s"}]}],"volumes":[{"name":"adc","projected":{"sources":[{"configMap":{"name":"adc"}},
			{"serviceAccountToken":{"audience":"acme.svc.id.goog","path":"token"}}]}}]}`, ""},
		{"keyless federation in a Secret", `{"containers":[{"env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/s/adc.json"}],
			"volumeMounts":[{"name":"key","mountPath":"/s"},{"name":"token","mountPath":"/t"}]}],"volumes":[{"name":"key","secret":{"secretName":"adc"}},
			{"name":"token","projected":{"sources":[{"serviceAccountToken":{"audience":"//iam.googleapis.com/projects/1/x","path":"token"}}]}}]}`, ""},
		{"4,000 variables and arguments", bigPod, ""},
	} {
		got := offered(t, p, workloadOf("Deployment", "new", pod(t, test.spec)))
		if test.refused == "" && got != "" || test.refused != "" && !strings.Contains(got, test.refused) {
			t.Errorf("%s: the API server says %.800q, want %q", test.name, got, test.refused)
		}
	}
	owned := workloadOf("Pod", "owned", pod(t, wired))
	owned["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{"apiVersion": "acme.example/v1", "kind": "Widget", "name": "w", "uid": "1", "controller": true}}
	if got := offered(t, p, owned); got != "" {
		t.Errorf("a pod of a controller: the API server says %q", got)
	}
}

func guardExceptions(t *testing.T, p *controlplane.Plane, key []byte) {
	in := func(m manifest, namespace string) manifest {
		m["metadata"].(map[string]any)["namespace"] = namespace
		return m
	}
	labelled := holder("x", map[string][]byte{"k": key})
	labelled["metadata"].(map[string]any)["labels"] = map[string]any{"team": "data"}
	other := holder("x", map[string][]byte{"k": key})
	other["metadata"].(map[string]any)["labels"] = map[string]any{"team": "other"}
	for _, test := range []struct {
		name   string
		object manifest
		taken  bool
	}{
		{"a Secret in an excepted namespace", in(holder("x", map[string][]byte{"k": key}), "legacy"), true},
		{"a workload in an excepted namespace", in(workloadOf("CronJob", "x", pod(t, wired)), "legacy"), true},
		{"an excepted workload", workloadOf("Deployment", "excepted", pod(t, wired)), true},
		{"its name as another kind", workloadOf("StatefulSet", "excepted", pod(t, wired)), false},
		{"an exception that is over", workloadOf("Deployment", "over", pod(t, wired)), false},
		{"an excepted label", labelled, true},
		{"another value of the label", other, false},
		{"a namespace of the cluster's own", in(holder("x", map[string][]byte{"k": key}), "kube-system"), true},
	} {
		if got := offered(t, p, test.object); (got == "") != test.taken {
			t.Errorf("%s: the API server says %q", test.name, got)
		}
	}
}

// guardOld is what must go on at night: everything that people and controllers do with what used a key before the policy.
func guardOld(t *testing.T, p *controlplane.Plane, key []byte) {
	for _, args := range [][]string{
		{"scale", "deployment/api", "--replicas=3"},
		{"label", "deployment/api", "owner=night"},
		{"annotate", "secret/api-google-key", "seen=yes"},
		{"set", "image", "deployment/api", "app=registry.example/api:1.4.1"},
		{"set", "env", "deployment/api", "LEVEL=debug"},
		{"rollout", "restart", "deployment/api"},
		{"rollout", "restart", "statefulset/ledger"},
		{"rollout", "restart", "daemonset/shipper"},
		{"delete", "pod", "--selector=app=api", "--wait=false"},
		{"patch", "cronjob/report", "--type=merge", `--patch={"spec":{"suspend":false}}`},
		{"create", "job", "--from=cronjob/report", "report-at-night"},
		{"label", "job/migrate", "owner=night"},
		{"label", "pod/console", "owner=night"},
		{"rollout", "undo", "deployment/api"},
	} {
		kubectl(t, p, "", append([]string{"-n", "shop"}, args...)...)
	}
	ready(t, p, "shop")

	patch := func(kind, name string, change map[string]any) error {
		_, err := p.Kubectl(t.Context(), nil, "-n", "shop", "patch", kind, name, "--type=merge", "--dry-run=server", "--patch="+manifest(change).json(t))
		return err
	}
	if err := patch("secret", "api-google-key", map[string]any{"data": map[string][]byte{"key.json": newKey(t, "api-google@acme-prod.iam.gserviceaccount.com")}}); err != nil {
		t.Errorf("a key is replaced by its successor: %v", err)
	}
	if err := patch("secret", "api-google-key", map[string]any{"data": map[string][]byte{"password": []byte("x")}}); err != nil {
		t.Errorf("an entry without a key joins one with a key: %v", err)
	}
	if err := patch("secret", "api-google-key", map[string]any{"data": map[string][]byte{"second.json": key}}); err == nil {
		t.Error("a second key is taken")
	}
	// A Secret of 1 MiB with a key in it changes: what was there costs no more than what is new.
	padded := slices.Concat([]byte(strings.Repeat("x", 1<<20-2*len(key))), key)
	kubectl(t, p, holder("padded", map[string][]byte{"k": []byte("x")}).json(t), "create", "-f", "-")
	kubectl(t, p, "", "-n", "shop", "label", "secret/padded", "team=data")
	file := filepath.Join(t.TempDir(), "padded.json")
	m := holder("padded", map[string][]byte{"k": padded})
	m["metadata"].(map[string]any)["labels"] = map[string]any{"team": "data"}
	if err := os.WriteFile(file, []byte(m.json(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, p, "", "replace", "-f", file)
	m["metadata"].(map[string]any)["labels"] = map[string]any{"changed": "yes"}
	padded[0] = 'y'
	m["data"] = map[string][]byte{"k": padded}
	if err := os.WriteFile(file, []byte(m.json(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Kubectl(t.Context(), nil, "replace", "--dry-run=server", "-f", file); err != nil {
		t.Errorf("1 MiB with a key is replaced by 1 MiB with a key: %.400v", err)
	}

	// Two specs of thousands of variables and arguments cost no more than is allowed.
	big := workloadOf("Deployment", "big", pod(t, bigPod))
	kubectl(t, p, big.json(t), "create", "-f", "-")
	kubectl(t, p, "", "-n", "shop", "set", "image", "deployment/big", "c0co=registry.example/app:2")

	// New wiring of an old object is refused; what it has already may spread to its other containers.
	container := func(secret string) map[string]any {
		return map[string]any{"spec": map[string]any{"template": map[string]any{"spec": pod(t, strings.ReplaceAll(wired, "new-key", secret))}}}
	}
	if err := patch("deployment", "api", container("api-google-key")); err != nil {
		t.Errorf("another container uses the Secret that the workload uses already: %v", err)
	}
	if err := patch("deployment", "api", container("other-key")); err == nil || !strings.Contains(err.Error(), "Secret other-key") {
		t.Errorf("an old workload takes a new key: %v", err)
	}
}

// guardEphemeral adds containers to a running pod of a Deployment: a key that its Deployment does not use is new.
func guardEphemeral(t *testing.T, p *controlplane.Plane) {
	name := kubectl(t, p, "", "-n", "shop", "get", "pods", "--selector=app=api", "-o", "jsonpath={.items[0].metadata.name}")
	var running map[string]any
	if err := json.Unmarshal([]byte(kubectl(t, p, "", "-n", "shop", "get", "pod", name, "-o", "json")), &running); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		env     []any
		refused string
	}{
		{"a container to look around", []any{map[string]any{"name": "LEVEL", "value": "debug"}}, ""},
		{"a container with a key", []any{map[string]any{"name": "GOOGLE_CREDENTIALS", "valueFrom": map[string]any{
			"secretKeyRef": map[string]any{"name": "other-key", "key": "key.json"}}}}, "Secret other-key"},
	} {
		running["spec"].(map[string]any)["ephemeralContainers"] = []any{map[string]any{"name": "debug", "image": "registry.example/debug", "env": test.env}}
		_, err := p.Kubectl(t.Context(), strings.NewReader(manifest(running).json(t)), "replace", "-f", "-",
			"--raw", "/api/v1/namespaces/shop/pods/"+name+"/ephemeralcontainers?dryRun=All")
		if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("%s is added to a pod: the API server says %v, want %q", test.name, err, test.refused)
		}
	}
}

// guardMigrated migrates the checkout: what dekey writes is taken, and the way back would be new wiring.
func guardMigrated(t *testing.T, p *controlplane.Plane, checkout string) {
	kubeconfig := account(t, p, p.URL, "--context", "admin", "--kubeconfig", p.Kubeconfig())
	out := filepath.Join(t.TempDir(), "out")
	r := dekey(t, checkout, "draft", ".", "--context", "dekey", "--kubeconfig", kubeconfig, "-A", "--out", out,
		"--pool", "acme-prod.svc.id.goog", "--cluster", "acme-prod/europe-west1/main=dekey")
	if r.code != 0 && r.code != 3 {
		t.Fatalf("dekey draft ended with %d: %s", r.code, r.stderr)
	}
	old := kubectl(t, p, "", "-n", "shop", "get", "deployment", "api", "-o", "jsonpath={.spec.template.spec}")
	git(t, checkout, "apply", filepath.Join(out, "changes.patch"))
	kubectl(t, p, "", "-n", "shop", "delete", "job/migrate", "pod/console", "--wait=true")
	kubectl(t, p, "", "apply", "--server-side", "--force-conflicts", "-R", "-f", checkout)
	ready(t, p, "shop")
	var spec map[string]any
	if err := json.Unmarshal([]byte(old), &spec); err != nil {
		t.Fatal(err)
	}
	change := manifest{"spec": map[string]any{"template": map[string]any{"spec": spec}}}
	_, err := p.Kubectl(t.Context(), nil, "-n", "shop", "patch", "deployment", "api", "--type=merge", "--dry-run=server", "--patch="+change.json(t))
	if err == nil || !strings.Contains(err.Error(), "Secret api-google-key") {
		t.Errorf("the key comes back: %v", err)
	}
}
