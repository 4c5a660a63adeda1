package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/testscript"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter/runbook"
	"dekey/scanner/cluster/clustertest"
	"dekey/scanner/gcp/gcptest"
	"dekey/scanner/keyfile/keytest"
)

// A scriptWorld is what dekey check asks, for one script: Google on loopback, and an API server that is only read.
type scriptWorld struct {
	google *gcptest.Server
	kube   *clustertest.Server
	faults []string
	ends   []func()
}

type worldKey struct{}

// Errorf makes a world a gcptest.Reporter: what it says fails the script at its end.
func (w *scriptWorld) Errorf(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

func (w *scriptWorld) Cleanup(end func()) { w.ends = append(w.ends, end) }

// world start SEED EMAIL makes a world with the project of the account, its cluster europe-west1/shop behind the context "shop", the
// account, and its key. The other verbs change it:
//
//	world kube FILE...           the cluster holds these objects, and no others
//	world bind EMAIL ROLE MEMBER world unbind EMAIL
//	world seen EMAIL DAYS        the account's keys were last used so many days ago, and Google's evidence is up to now
//	world disable EMAIL          world enable EMAIL
//	world refuse METHOD          Google answers 403 to a method: iam.v1:projects.serviceAccounts.keys.list
//	world record OUT STEP DAYS   the evidence that a step leaves, so many days old (a part of a day too)
func world(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: world VERB ...")
	}
	w, _ := ts.Value(worldKey{}).(*scriptWorld)
	change := func(email string, change func(*gcptest.State, *gcptest.Account)) {
		w.google.Update(func(s *gcptest.State) { change(s, s.FindAccount(email)) })
	}
	switch verb, rest := args[0], args[1:]; verb {
	case "start":
		w.start(ts, rest[0], rest[1])
	case "kube":
		w.kube.Set(yamlObjects(ts, rest)...)
	case "bind":
		change(rest[0], func(s *gcptest.State, a *gcptest.Account) { s.Bind(a.Policy, rest[1], rest[2]) })
	case "unbind":
		change(rest[0], func(_ *gcptest.State, a *gcptest.Account) { a.Policy.Bindings = nil })
	case "seen":
		change(rest[0], func(s *gcptest.State, a *gcptest.Account) {
			s.ObservationEnd = time.Now().UTC().Truncate(time.Second)
			for _, k := range a.Keys {
				k.Use(time.Now().Add(-daysOf(ts, rest[1])), 1)
			}
		})
	case "disable", "enable":
		change(rest[0], func(_ *gcptest.State, a *gcptest.Account) {
			for _, k := range a.Keys {
				k.Disabled = verb == "disable"
			}
		})
	case "refuse":
		w.google.Fail(gcptest.Denied(rest[0], "some.permission"))
	case "record":
		writeEvidence(ts, ts.MkAbs(rest[0]), rest[1], time.Now().Add(-daysOf(ts, rest[2])))
	default:
		ts.Fatalf("world %s: there is no such verb", verb)
	}
}

func daysOf(ts *testscript.TestScript, text string) time.Duration {
	var days float64
	_, err := fmt.Sscan(text, &days)
	ts.Check(err)
	return time.Duration(days * 24 * float64(time.Hour))
}

func (w *scriptWorld) start(ts *testscript.TestScript, seed, email string) {
	w.google = gcptest.Start(w)
	w.kube = clustertest.Start(w)
	key := keytest.New(seed, email)
	w.google.Secret(key.Secrets()...)
	w.google.Update(func(s *gcptest.State) {
		s.Now = time.Now().UTC().Truncate(time.Second)
		p := s.Project(key.Project, "123456789012")
		p.Services["policyanalyzer.googleapis.com"], p.Services["monitoring.googleapis.com"] = true, true
		p.Account(email).AddKey(key.KeyID, &key.Private.PublicKey)
		p.Cluster("europe-west1", "shop").Endpoint = "127.0.0.1"
	})
	for _, setting := range w.google.Environment(ts.MkAbs("gcloud")) {
		name, value, _ := strings.Cut(setting, "=")
		ts.Setenv(name, value)
	}
	ts.Check(os.WriteFile(ts.MkAbs("kubeconfig"), w.kube.Kubeconfig("shop"), 0o600))
	ts.Setenv("KUBECONFIG", ts.MkAbs("kubeconfig"))
	ts.Defer(func() {
		for _, end := range w.ends {
			end()
		}
		if len(w.faults) > 0 {
			ts.Fatalf("%s", strings.Join(w.faults, "\n"))
		}
	})
}

// yamlObjects reads the objects of files.
func yamlObjects(ts *testscript.TestScript, files []string) []map[string]any {
	var objects []map[string]any
	for _, name := range files {
		decoder := yaml.NewDecoder(strings.NewReader(ts.ReadFile(name)))
		for {
			o := map[string]any{}
			err := decoder.Decode(&o)
			if errors.Is(err, io.EOF) {
				break
			}
			ts.Check(err)
			objects = append(objects, o)
		}
	}
	return objects
}

// writeEvidence writes the records that the script of a step leaves, as if it had run at that time.
func writeEvidence(ts *testscript.TestScript, out, step string, at time.Time) {
	data, err := os.ReadFile(filepath.Join(out, "plan.json"))
	ts.Check(err)
	plan, err := planfile.ReadPlan("plan.json", data)
	ts.Check(err)
	folder := filepath.Join(out, "runbook", "evidence")
	e := runbook.ReadEvidence(os.DirFS(folder), plan.ID)
	record := func(was runbook.Record, missing error, lines ...string) {
		name := was.Name
		if missing != nil {
			name, _, _ = strings.Cut(missing.Error(), ":") // an error of Evidence names the record that it wants
		}
		text := fmt.Sprintf("plan: %s\ntime: %s\nepoch: %d\n", plan.ID, at.UTC().Format(time.RFC3339), at.Unix())
		for _, line := range lines {
			text += line + "\n"
		}
		sum := sha256.Sum256([]byte(text))
		ts.Check(os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o777))
		ts.Check(os.WriteFile(filepath.Join(folder, name), []byte(text+"sha256: "+hex.EncodeToString(sum[:])+"\n"), 0o666))
	}
	retirees, err := runbook.Retirees(plan)
	ts.Check(err)
	for _, m := range plan.Moves {
		switch step {
		case "grant":
			for _, g := range m.Grants {
				was, err := e.Granted(g)
				record(was, err, "made: yes")
			}
		case "verify":
			was, err := e.CutOver(m)
			record(was, err, "pods: 1")
		}
	}
	for _, r := range retirees {
		if step == "disable" && r.Left == "" {
			writeDisabling(ts, e, plan, r, at, record)
		}
	}
}

func writeDisabling(ts *testscript.TestScript, e runbook.Evidence, plan planner.Plan, r runbook.Retiree, at time.Time, record func(runbook.Record, error, ...string)) {
	var cutOver time.Time
	lines := []string{"email: " + r.Email, "key: " + r.KeyID}
	for _, m := range r.Consumers {
		was, err := e.CutOver(m)
		ts.Check(err)
		cutOver = was.Time
		lines = append(lines, fmt.Sprintf("consumer: %s %d %s", strings.TrimPrefix(filepath.Base(was.Name), "cutover-"), was.Time.Unix(), m.Workload))
	}
	exported, err := e.Exported(r.Key)
	record(exported, err, append(lines, "lastAuthenticated: ", "to: "+at.UTC().Format(time.RFC3339), fmt.Sprintf("cutover: %d", cutOver.Unix()),
		fmt.Sprintf("soak: %d", int64(r.SoakDisable/time.Second)))...)
	did, err := e.Disabled(r.Key)
	record(did, err, lines[:2]...)
}
