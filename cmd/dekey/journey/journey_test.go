// Package journey_test runs a whole migration with the real gcloud, where it is installed. It stands in a folder of its own,
// because that takes minutes.
package journey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"k8s.io/client-go/util/jsonpath"

	"dekey/cmd/dekey/internal/cli"
	"dekey/planner"
	"dekey/scanner/cluster/clustertest"
	"dekey/scanner/gcp/gcptest"
	"dekey/scanner/keyfile/keytest"
)

func TestMain(m *testing.M) {
	if file := os.Getenv("JOURNEY_KUBECTL"); file != "" {
		os.Exit(runKubectl(file))
	}
	os.Exit(m.Run())
}

// A journey is one migration whose scripts are run by the real gcloud against a Google on loopback. kubectl is a stand-in
// that reads the objects of the same API server that dekey check asks. Time is moved, not waited for.
type journey struct {
	t      *testing.T
	google *gcptest.Server
	kube   *clustertest.Server
	dir    string // the changeset folder is dir/out
	offset time.Duration
	kill   string // the words of the gcloud command after which the script is killed
}

const (
	email        = "api@acme.iam.gserviceaccount.com"
	member       = "serviceAccount:acme.svc.id.goog[shop/api]"
	workloadUser = "roles/iam.workloadIdentityUser"
)

func start(t *testing.T, gcloud string) *journey {
	j := &journey{t: t, google: gcptest.Start(t), kube: clustertest.Start(t), dir: t.TempDir()}
	key := keytest.New("journey", email)
	j.google.Secret(key.Secrets()...)
	j.google.Update(func(s *gcptest.State) {
		p := s.Project("acme", "123456789012")
		p.Services["policyanalyzer.googleapis.com"], p.Services["monitoring.googleapis.com"] = true, true
		p.Account(email).AddKey(key.KeyID, &key.Private.PublicKey)
		other := keytest.New("journey's other key", email)
		p.Account(email).AddKey(other.KeyID, &other.Private.PublicKey)
		p.Cluster("europe-west1", "shop").Endpoint = "127.0.0.1"
	})
	writeFile(t, filepath.Join(j.dir, "tree", "api.yaml"), strings.ReplaceAll(manifests, "BASE64", key.Base64()))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	j.program("kubectl", "#!/bin/sh\nJOURNEY_KUBECTL="+j.path("objects.json")+" exec '"+self+"' \"$@\"\n")
	j.program("sleep", "#!/bin/sh\n")
	j.program("date", "#!/bin/sh\ncase \" $* \" in *\" -d \"*) exec /bin/date \"$@\" ;; esac\nfor last; do :; done\nexec /bin/date -u -d \"@$(($(/bin/date +%s) + JOURNEY_OFFSET))\" \"$last\"\n")
	j.program("gcloud", `#!/bin/sh
for word; do printf '%s\037' "$word"; done >>'`+j.path("argv")+`'; echo >>'`+j.path("argv")+`'
'`+gcloud+`' "$@"
code=$?
case " $* " in *" ${JOURNEY_KILL:-nothing} "*) kill -9 "$PPID" ;; esac
exit $code
`)
	writeFile(t, j.path("kubeconfig"), string(j.kube.Kubeconfig("shop")))
	j.rolledOut(false)
	j.clock(0)
	if exit, out := j.dekey("draft", j.path("tree"), "--cluster", "acme/europe-west1/shop=shop", "--pool", "acme.svc.id.goog", "--out", j.path("out")); exit != 0 {
		t.Fatalf("draft: exit code %d\n%s", exit, out)
	}
	return j
}

func (j *journey) path(name string) string { return filepath.Join(j.dir, name) }

func (j *journey) program(name, text string) {
	writeFile(j.t, j.path("bin/"+name), text)
	if err := os.Chmod(j.path("bin/"+name), 0o755); err != nil {
		j.t.Fatal(err)
	}
}

// clock moves the time of scripts, check and Google.
func (j *journey) clock(days int) {
	j.offset = time.Duration(days) * 24 * time.Hour
	j.google.Update(func(s *gcptest.State) {
		s.Now = j.now().Truncate(time.Second)
		s.ObservationEnd = s.Now
	})
}

func (j *journey) now() time.Time { return time.Now().UTC().Add(j.offset) }

// rolledOut makes the cluster what it is before the merge, or after.
func (j *journey) rolledOut(moved bool) {
	meta := func(name string, more map[string]any) map[string]any {
		m := map[string]any{"name": name, "namespace": "shop"}
		maps.Copy(m, more)
		return m
	}
	spec := func() map[string]any {
		if moved {
			return map[string]any{"serviceAccountName": "api", "containers": []any{map[string]any{"name": "app"}}}
		}
		return map[string]any{
			"serviceAccountName": "default", "volumes": []any{map[string]any{"name": "key", "secret": map[string]any{"secretName": "api-key"}}},
			"containers": []any{map[string]any{"name": "app", "env": []any{map[string]any{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/secrets/key.json"}},
				"volumeMounts": []any{map[string]any{"name": "key", "mountPath": "/secrets"}}}},
		}
	}
	pod := spec()
	pod["nodeName"] = "node-1"
	objects := []map[string]any{
		{"kind": "Node", "metadata": map[string]any{"name": "node-1", "labels": map[string]any{"iam.gke.io/gke-metadata-server-enabled": "true"}}},
		{"kind": "ServiceAccount", "metadata": meta("default", nil)},
		{"kind": "Deployment", "metadata": meta("api", nil), "spec": map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"app": "api"}}, "template": map[string]any{"spec": spec()}}},
		{"kind": "Pod", "metadata": meta("api-1", map[string]any{"labels": map[string]any{"app": "api"}}), "spec": pod, "status": map[string]any{"phase": "Running"}},
	}
	if moved {
		objects = append(objects, map[string]any{"kind": "ServiceAccount", "metadata": meta("api", map[string]any{
			"annotations": map[string]any{planner.AccountAnnotation: email}})})
	}
	j.kube.Set(objects...)
	data, err := json.Marshal(map[string]any{"server": j.kube.URL, "objects": objects})
	if err != nil {
		j.t.Fatal(err)
	}
	writeFile(j.t, j.path("objects.json"), string(data))
}

// dekey runs a command at the journey's time.
func (j *journey) dekey(args ...string) (int, string) {
	var out bytes.Buffer
	environment := map[string]string{}
	for _, setting := range j.google.Environment(j.dir) {
		name, value, _ := strings.Cut(setting, "=")
		environment[name] = value
	}
	exit := cli.Main(j.t.Context(), args, cli.System{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Now: j.now,
		LookupEnv: func(name string) (string, bool) { value, ok := environment[name]; return value, ok }})
	return exit, out.String()
}

// script runs a script of the runbook.
func (j *journey) script(name string, args ...string) (int, string) {
	j.t.Helper()
	cmd := exec.Command("bash", append([]string{j.path("out/runbook/" + name)}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir = j.dir
	cmd.Env = append(j.google.Environment(j.dir), "PATH="+j.path("bin")+":"+os.Getenv("PATH"), "HOME="+j.dir, "TMPDIR="+j.t.TempDir(), "GORACE=atexit_sleep_ms=0",
		"JOURNEY_OFFSET="+strconv.Itoa(int(j.offset/time.Second)), "JOURNEY_KILL="+j.kill)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		j.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// must asks check and then runs the script, and demands one verdict: go or stop.
func (j *journey) must(verdict, step, script string) string {
	j.t.Helper()
	checked, why := j.dekey("check", j.path("out"), "--step", step, "--kubeconfig", j.path("kubeconfig"))
	exit, out := j.script(script)
	if goes := verdict == "go"; goes != (exit == 0) || goes != (checked == 0) {
		j.t.Fatalf("%s: check ends with %d and %s with %d, want both to %s\n%s\n%s", step, checked, script, exit, verdict, why, out)
	}
	return out
}

// cut kills the script after a command of gcloud.
func (j *journey) cut(after, script string) {
	j.t.Helper()
	j.kill = after
	exit, out := j.script(script)
	j.kill = ""
	if exit != -1 {
		j.t.Fatalf("%s was not killed after %q: exit %d\n%s", script, after, exit, out)
	}
}

// rollback undoes a step.
func (j *journey) rollback(step string) {
	j.t.Helper()
	if exit, out := j.script("rollback.sh", step); exit != 0 {
		j.t.Fatalf("rollback.sh %s: exit %d\n%s", step, exit, out)
	}
}

// google is Google's end state: who may act as the account, and its keys.
func (j *journey) state() string {
	var b strings.Builder
	j.google.View(func(s *gcptest.State) {
		a := s.FindAccount(email)
		b.WriteString(strings.Join(gcptest.Bindings(a.Policy), "; "))
		for _, id := range slices.Sorted(maps.Keys(a.Keys)) {
			fmt.Fprintf(&b, " %s=%v", id[:4], a.Keys[id].Disabled)
		}
	})
	return b.String()
}

func (j *journey) is(want string) {
	j.t.Helper()
	if got := j.state(); got != want {
		j.t.Errorf("Google has %q, want %q", got, want)
	}
}

// The scripts, run by the real gcloud: the end state is the plan's, twice in a row, after a cut in the middle, and after
// rollback; and dekey check says the same as each script, of the same servers.
func TestJourneyWithRealGcloud(t *testing.T) {
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Log("NOT SHOWN: gcloud is not installed here, so the scripts were run against the stand-in of rewriter/runbook alone, which takes the commands of its testdata/gcloud.txt and no others")
		return
	}
	j := start(t, gcloud)
	key, other := keytest.New("journey", email).KeyID[:4], keytest.New("journey's other key", email).KeyID[:4]
	state := func(bound, disabled bool) string {
		text := map[bool]string{true: workloadUser + " " + member}[bound]
		parts := []string{fmt.Sprintf(" %s=%v", key, disabled), fmt.Sprintf(" %s=false", other)}
		slices.Sort(parts)
		return text + strings.Join(parts, "")
	}
	granted, disabled := state(true, false), state(true, true)

	// Granted, cut between the command and its record, finished, undone, and granted again.
	j.cut("add-iam-policy-binding", "1-grant.sh")
	j.is(granted)
	j.must("go", "grant", "1-grant.sh")
	j.is(granted)
	j.rollback("grant")
	j.is(state(false, false))
	j.must("go", "grant", "1-grant.sh")
	j.must("go", "grant", "1-grant.sh")
	j.is(granted)

	j.rolledOut(true)
	j.must("go", "verify", "2-verify.sh")
	j.must("stop", "disable", "3-disable.sh") // the soak
	j.clock(15)
	j.cut("disable", "3-disable.sh")
	j.is(disabled)
	j.must("go", "disable", "3-disable.sh")
	j.rollback("disable")
	j.is(granted)
	j.must("go", "disable", "3-disable.sh")
	j.must("go", "disable", "3-disable.sh")
	j.is(disabled)

	j.must("stop", "delete", "4-delete.sh") // the second soak
	j.clock(50)
	j.cut("delete", "4-delete.sh")
	j.must("go", "delete", "4-delete.sh")
	j.is(workloadUser + " " + member + " " + other + "=false")
	j.sameCommands()
}

// sameCommands holds what the real gcloud was asked to the commands that the stand-in takes.
func (j *journey) sameCommands() {
	known := readFile(j.t, filepath.Join("..", "..", "..", "rewriter", "runbook", "testdata", "gcloud.txt"))
	log := readFile(j.t, j.path("argv"))
	asked := map[string]bool{}
	for line := range strings.Lines(log) {
		asked[commandShape(strings.Split(strings.TrimSuffix(line, "\x1f\n"), "\x1f"))] = true
	}
	for _, shape := range slices.Sorted(maps.Keys(asked)) {
		if !strings.Contains("\n"+known, "\n"+shape+"\n") {
			j.t.Errorf("the real gcloud was asked %q, which the stand-in of rewriter/runbook does not take", shape)
		}
	}
}

// commandShape is a command without its values: its words, with ARG for each that is no name of a group or command, and its flags
// in order.
func commandShape(argv []string) string {
	var words, flags []string
	for _, word := range argv {
		if name, _, _ := strings.Cut(word, "="); strings.HasPrefix(word, "--") {
			flags = append(flags, name)
			continue
		}
		words = append(words, word)
	}
	switch words[len(words)-1] {
	case "list", "query-activity":
	default:
		words[len(words)-1] = "ARG"
	}
	slices.Sort(flags)
	return strings.Join(append(words, flags...), " ")
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// kubectl is what the scripts ask of kubectl: reads, answered from the objects in a file.
func kubectl(file string, argv []string) (string, error) {
	var world struct {
		Server  string           `json:"server"`
		Objects []map[string]any `json:"objects"`
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &world)
	}
	if err != nil {
		return "", err
	}
	var words []string
	flags := map[string]string{}
	for i := 0; i < len(argv); i++ {
		name, value, _ := strings.Cut(argv[i], "=")
		switch {
		case argv[i] == "-o":
			i++
			flags["-o"] = argv[i]
		case strings.HasPrefix(name, "--"):
			flags[name] = value
		default:
			words = append(words, argv[i])
		}
	}
	if flags["--context"] != "shop" {
		return "", fmt.Errorf("context %q does not exist", flags["--context"])
	}
	if words[0] == "config" {
		return show(flags["-o"], map[string]any{"clusters": []any{map[string]any{"cluster": map[string]any{"server": world.Server}}}})
	}
	var found []any
	for resource := range strings.SplitSeq(words[1], ",") {
		resource, _, _ = strings.Cut(resource, ".")
		kind := clustertest.Kinds[strings.TrimSuffix(resource, "s")+"s"]
		for _, o := range world.Objects {
			metadata, _ := o["metadata"].(map[string]any)
			if o["kind"] == kind && (flags["--namespace"] == "" || metadata["namespace"] == flags["--namespace"]) && (len(words) < 3 || metadata["name"] == words[2]) {
				found = append(found, o)
			}
		}
	}
	if len(words) < 3 {
		return show(flags["-o"], map[string]any{"kind": "List", "items": found})
	}
	if len(found) == 0 {
		return "", nil // every single read of the scripts says --ignore-not-found, or is of what is there
	}
	return show(flags["-o"], found[0])
}

func show(output string, object any) (string, error) {
	var out bytes.Buffer
	if text, ok := strings.CutPrefix(output, "jsonpath="); ok {
		path := jsonpath.New("out").AllowMissingKeys(true)
		if err := path.Parse(text); err != nil {
			return "", err
		}
		err := path.Execute(&out, object)
		return out.String(), err
	}
	parsed, err := template.New("out").Parse(strings.TrimPrefix(output, "go-template="))
	if err == nil {
		err = parsed.Execute(&out, object)
	}
	return out.String(), err
}

// runKubectl is kubectl for the scripts of a journey.
func runKubectl(file string) int {
	out, err := kubectl(file, os.Args[1:])
	_, _ = io.WriteString(os.Stdout, out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

const manifests = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  selector:
    matchLabels:
      app: api
  template:
    metadata:
      labels:
        app: api
    spec:
      containers:
      - name: app
        image: example.com/api:1
        env:
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /secrets/key.json
        volumeMounts:
        - name: key
          mountPath: /secrets
      volumes:
      - name: key
        secret:
          secretName: api-key
---
apiVersion: v1
kind: Secret
metadata:
  name: api-key
  namespace: shop
data:
  key.json: BASE64
`
