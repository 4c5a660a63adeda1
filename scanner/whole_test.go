package scanner_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dekey/scanner"
	"dekey/scanner/keyfile/keytest"
	"dekey/scanner/object"
)

// everything is a source with something of every kind.
func everything() map[string]string {
	files := map[string]string{}
	for i, test := range joinTests {
		for name, text := range test.files {
			files[fmt.Sprintf("%02d/%s", i, name)] = fill(text)
		}
	}
	files["accounts.yaml"] = `
{apiVersion: v1, kind: ServiceAccount, metadata: {name: one, namespace: x, annotations: {iam.gke.io/gcp-service-account: a@acme.iam.gserviceaccount.com}}, automountServiceAccountToken: false}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: x}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: nowhere}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: x}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: default, namespace: x}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: by-user-name}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: "system:serviceaccount:x:default"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: by-group}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:serviceaccounts:x"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: others}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default, namespace: nowhere}, {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}]
`
	files["policies.yaml"] = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: egress, namespace: x}
spec:
  podSelector: {matchLabels: {app: one}, matchExpressions: [{key: tier, operator: In, values: [back]}]}
  policyTypes: [Egress]
  egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {podSelector: {}}], ports: [{port: 443}, {protocol: UDP, port: dns}, {port: 8000, endPort: 8010}]}, {}]
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: ingress-only, namespace: x}, spec: {podSelector: {}, ingress: [{}]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: x}, spec: {podSelector: {}, policyTypes: [Egress, Ingress]}}
---
{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: cilium, namespace: x}, spec: {endpointSelector: {matchLabels: {"io.cilium.k8s.policy.serviceaccount": default}}, egress: [{}]}}
`
	files["mesh.yaml"] = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: callers, namespace: x}
spec: {rules: [{from: [{source: {principals: ["cluster.local/ns/x/sa/default", "cluster.local/ns/nowhere/sa/default"]}}]}]}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: {name: mtls, namespace: y}
spec: {identities: ["default.x.serviceaccount.identity.linkerd.cluster.local"]}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: only-one}
spec: {rules: [{validate: {cel: {expressions: [{expression: "object.spec.serviceAccountName in ['one', 'two']"}]}}}]}
---
apiVersion: monitoring.example.com/v1
kind: Agent
metadata: {name: agent, namespace: x}
spec: {serviceAccountName: default}
---
{apiVersion: example.com/v1, kind: Note, metadata: {name: n, namespace: x}, spec: {owner: "one@acme.iam.gserviceaccount.com"}}
`
	return files
}

func marshal(t testing.TB, inv scanner.Inventory) string {
	t.Helper()
	data, err := json.MarshalIndent(inv, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names(files map[string]string) []string {
	var out []string
	for name := range files {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func TestTheOrderOfReadingDoesNotMatter(t *testing.T) {
	files := everything()
	live := map[string]string{
		"a": wired("x", "one"), "b": mounting("x", "two"), "c": fill("{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-b}}"),
		"d": files["accounts.yaml"], "e": files["policies.yaml"], "f": files["mesh.yaml"],
	}
	sorted, liveSorted := names(files), names(live)
	hints := []scanner.Hint{
		{Origin: scanner.Origin{Source: "repo", Path: "a.tpl", Line: 3}, Code: "template", What: "a template", Env: "GOOGLE_APPLICATION_CREDENTIALS"},
		{Origin: scanner.Origin{Source: "repo", Path: "b.tpl", Line: 3}, Code: "template", What: "a template", Env: "--key"},
	}
	first := ""
	for seed := uint64(0); seed < 12; seed++ {
		random := rand.New(rand.NewPCG(seed, 1))
		order, liveOrder := slices.Clone(sorted), slices.Clone(liveSorted)
		if seed > 0 {
			random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			random.Shuffle(len(liveOrder), func(i, j int) { liveOrder[i], liveOrder[j] = liveOrder[j], liveOrder[i] })
			random.Shuffle(len(hints), func(i, j int) { hints[i], hints[j] = hints[j], hints[i] })
		}
		readers := []scanner.Reader{&reader{id: "repo", files: files, order: order, hints: hints}, &reader{id: "cluster", live: true, files: live, order: liveOrder}}
		if seed%2 == 1 {
			slices.Reverse(readers)
		}
		got := marshal(t, scan(t, readers...))
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("seed %d: another order gives another inventory\n%s", seed, firstDifference(first, got))
		}
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range as {
		if i >= len(bs) || as[i] != bs[i] {
			return strings.Join(as[max(0, i-15):min(len(as), i+3)], "\n") + "\n----\n" + strings.Join(bs[max(0, i-15):min(len(bs), i+3)], "\n")
		}
	}
	return "one is longer"
}

func TestNoKeyMaterialInTheInventory(t *testing.T) {
	files := everything()
	canary := keytest.New("canary", "canary@acme.iam.gserviceaccount.com")
	oneLine := strings.ReplaceAll(string(canary.JSON()), "\n", "")
	quoted, err := json.Marshal(oneLine)
	if err != nil {
		t.Fatal(err)
	}
	// The key wherever a string can be.
	files["canary.yaml"] = strings.NewReplacer("CANARY64", canary.Base64(), "CANARY", string(quoted)).Replace(`
apiVersion: v1
kind: Secret
metadata: {name: canary, namespace: x, labels: {note: CANARY}, annotations: {note: CANARY}}
type: CANARY
data: {key.json: CANARY64}
stringData: {other: CANARY}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: canary, namespace: x}
data: {key.json: CANARY, GOOGLE_APPLICATION_CREDENTIALS: CANARY, script: "gcloud auth activate-service-account"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: canary, namespace: x, labels: {note: CANARY}}
spec:
  template:
    metadata: {labels: {note: CANARY}, annotations: {note: CANARY}}
    spec:
      serviceAccountName: CANARY
      nodeSelector: {note: CANARY}
      imagePullSecrets: [{name: CANARY}]
      containers:
      - name: app
        image: CANARY
        command: [sh, -c, CANARY]
        args: [--key=CANARY64, CANARY]
        env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: CANARY}, {name: CANARY, value: x}, {name: B, value: CANARY64}]
        envFrom: [{configMapRef: {name: canary}}, {secretRef: {name: canary}}]
        volumeMounts: [{name: c, mountPath: CANARY}, {name: c, mountPath: /c, subPath: CANARY}]
        livenessProbe: {exec: {command: [CANARY]}}
      volumes: [{name: c, secret: {secretName: canary, items: [{key: key.json, path: CANARY}]}}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: x, annotations: {note: CANARY}, labels: {note: CANARY}}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: thing, namespace: x, annotations: {note: CANARY}}
spec: {serviceAccountName: CANARY, credentials: CANARY, principals: ["cluster.local/ns/x/sa/default CANARY64"]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: canary, namespace: x}
spec: {podSelector: {matchLabels: {note: CANARY}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: CANARY}}], ports: [{port: CANARY}]}]}
`)
	r := &reader{id: "repo", files: files, raw: map[string][]byte{"keys/key.json": canary.JSON()}}
	got := marshal(t, scan(t, r))
	if !strings.Contains(got, canary.ID()) {
		t.Fatal("the canary was not found at all")
	}
	for _, secret := range canary.Secrets() {
		if i := strings.Index(got, secret); i >= 0 {
			t.Errorf("key material in the inventory, after …%q", got[max(0, i-300):i])
		}
	}
}

func TestWhatElseTheDecisionNeeds(t *testing.T) {
	inv := scan(t, &reader{id: "repo", files: everything()})
	var got []string
	for _, sa := range inv.ServiceAccounts {
		got = append(got, "sa "+sa.Ref.String())
	}
	for _, b := range inv.RoleBindings {
		got = append(got, "binding "+b.Ref.String())
	}
	for _, p := range inv.NetworkPolicies {
		got = append(got, fmt.Sprintf("policy %s opaque=%t rules=%d", p.Ref, p.Opaque, len(p.Egress)))
	}
	for _, m := range inv.Mentions {
		got = append(got, fmt.Sprintf("%s by %s: %s %s", m.ServiceAccount, m.Object, m.Why, m.Field))
	}
	expect(t, got, []string{
		"sa x/ServiceAccount/builder", "sa x/ServiceAccount/default", "sa x/ServiceAccount/one",
		"binding ClusterRoleBinding/by-group", "binding ClusterRoleBinding/by-user-name", "binding x/RoleBinding/readers",
		"policy x/NetworkPolicy/deny opaque=false rules=0", "policy x/NetworkPolicy/egress opaque=false rules=2",
		"policy x/CiliumNetworkPolicy/cilium opaque=true rules=0",
		"x/ServiceAccount/default by x/AuthorizationPolicy/callers: istio spec.rules[0].from[0].source.principals[0]",
		"x/ServiceAccount/default by y/MeshTLSAuthentication/mtls: linkerd spec.identities[0]",
		"x/ServiceAccount/default by x/CiliumNetworkPolicy/cilium: cilium spec.endpointSelector.matchLabels[\"io.cilium.k8s.policy.serviceaccount\"]",
		"x/ServiceAccount/default by x/Agent/agent: operator spec.serviceAccountName",
		"x/ServiceAccount/one by ClusterPolicy/only-one: expression spec.rules[0].validate.cel.expressions[0].expression",
		"x/ServiceAccount/two by ClusterPolicy/only-one: expression spec.rules[0].validate.cel.expressions[0].expression",
		"ServiceAccount/one by ClusterPolicy/only-one: expression spec.rules[0].validate.cel.expressions[0].expression",
	})
	for _, p := range inv.NetworkPolicies {
		if p.Ref.Name != "egress" {
			continue
		}
		want := scanner.NetworkPolicy{
			Ref: p.Ref, Isolates: true, Origins: p.Origins,
			Selectors: scanner.Selector{MatchLabels: map[string]string{"app": "one"}, MatchExpressions: []scanner.SelectorRequirement{{Key: "tier", Operator: "In", Values: []string{"back"}}}},
			Egress: []scanner.Egress{
				{CIDRs: []scanner.CIDR{{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16"}}}, Other: true, Ports: []scanner.EgressPort{{Protocol: "TCP", Port: 443}, {Protocol: "UDP", Name: "dns"}, {Protocol: "TCP", Port: 8000, EndPort: 8010}}},
				{AllPeers: true, AllPorts: true},
			},
		}
		if a, b := fmt.Sprintf("%+v", p), fmt.Sprintf("%+v", want); a != b {
			t.Errorf("policy\n%s\nwant\n%s", a, b)
		}
	}
}

func TestInterestLeadsOn(t *testing.T) {
	r := &reader{
		id:      "repo",
		files:   map[string]string{"s.yaml": fill("{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a}}")},
		related: map[string]string{"d.yaml": mounting("x", "quiet")},
	}
	inv := scan(t, r)
	expect(t, spell(inv), []string{"x/Deployment/quiet mount in app of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com hold program-reads-key"})
	if len(r.asked) != 2 {
		t.Fatalf("Related was asked %d times", len(r.asked))
	}
	if got := fmt.Sprint(r.asked[0].Secrets); got != "[{Secret x gcp }]" {
		t.Errorf("first asked for %s", got)
	}
	var accounts []string
	for _, ref := range r.asked[1].ServiceAccounts {
		accounts = append(accounts, ref.String())
	}
	expect(t, accounts, []string{"x/ServiceAccount/default", "x/ServiceAccount/quiet", "x/ServiceAccount/quiet-wi"})
}

// A resource that names a key in a field of its own has pods too: their service account is asked for.
func TestInterestOfReferences(t *testing.T) {
	r := &reader{id: "repo", files: map[string]string{"w.yaml": `{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: w, namespace: x}, spec: {serviceAccountName: runner,
  templates: [{name: m, container: {image: i, command: [run]}, inputs: {artifacts: [{name: a, gcs: {serviceAccountKeySecret: {name: gcp, key: key.json}}}]}}]}}`}}
	inv := scan(t, r)
	if len(inv.Findings) != 1 || inv.Findings[0].Via != scanner.Reference {
		t.Fatalf("findings: %v", spell(inv))
	}
	var accounts []string
	for _, ref := range r.asked[0].ServiceAccounts {
		accounts = append(accounts, ref.String())
	}
	expect(t, accounts, []string{"x/ServiceAccount/runner", "x/ServiceAccount/w", "x/ServiceAccount/w-wi"})
}

func TestHints(t *testing.T) {
	at := scanner.Origin{Source: "repo", Path: "chart/templates/d.yaml", Line: 12}
	inv := scan(t, &reader{id: "repo", hints: []scanner.Hint{
		{Origin: at, Code: "template", What: "a Helm template", Env: "GOOGLE_APPLICATION_CREDENTIALS"},
		{Origin: at, Code: "template", What: "a Helm template", Env: "--credentials-file"},
		{Origin: at, Code: "account-unknown", What: "a SOPS file", Secret: scanner.Holder{Kind: "Secret", Namespace: "x", Name: "gcp"}},
	}})
	expect(t, spell(inv), []string{
		"/ env-file by GOOGLE_APPLICATION_CREDENTIALS of /// hold template",
		"/ arg-file by --credentials-file of /// hold template",
		"/ reference of Secret/x/gcp/ hold account-unknown",
	})
}

func TestSeveralDefinitions(t *testing.T) {
	files := map[string]string{
		"a.yaml": wired("x", "one"),
		"b.yaml": strings.Replace(wired("x", "one"), "spec: {containers", "spec: {serviceAccountName: api, containers", 1),
	}
	inv := scan(t, &reader{id: "repo", files: files})
	if len(inv.Workloads) != 1 || len(inv.Findings) != 1 {
		t.Fatalf("%d workloads, %d findings", len(inv.Workloads), len(inv.Findings))
	}
	w := inv.Workloads[0]
	if w.Conflict != "serviceAccountName is default, and api in b.yaml" || w.Drift != "" || len(w.Origins) != 2 {
		t.Errorf("conflict %q, drift %q, origins %v", w.Conflict, w.Drift, w.Origins)
	}
	if len(inv.Findings[0].Origins) != 2 {
		t.Errorf("origins of the finding: %v", inv.Findings[0].Origins)
	}
	inv = scan(t, &reader{id: "repo", files: map[string]string{"a.yaml": files["a.yaml"]}}, &reader{id: "cluster", live: true, files: map[string]string{"b": files["b.yaml"]}})
	w = inv.Workloads[0]
	if w.Drift != "serviceAccountName is default, and api in the cluster" || w.Conflict != "" || !w.Live {
		t.Errorf("conflict %q, drift %q", w.Conflict, w.Drift)
	}
}

// A network policy that lets a workload through must select nobody else: where one isolates, everybody in the namespace is listed.
func TestEverybodyUnderAPolicy(t *testing.T) {
	idle := func(ns string) string {
		return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: other, namespace: ` + ns + `}, spec: {template: {metadata: {labels: {app: one}}, spec: {serviceAccountName: own, containers: [{name: c, image: a}]}}}}`
	}
	policy := func(spec string) string {
		return `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: x}, spec: ` + spec + `}`
	}
	for _, test := range []struct {
		name, spec string
		want       []string
	}{
		{"egress", "{podSelector: {}, policyTypes: [Egress]}", []string{"x/Deployment/one", "x/Deployment/other"}},
		{"ingress alone", "{podSelector: {}, policyTypes: [Ingress]}", []string{"x/Deployment/one"}},
	} {
		inv := scan(t, &reader{id: "cluster", live: true, files: map[string]string{"1": wired("x", "one"), "2": idle("x"), "3": idle("y"), "4": policy(test.spec)}})
		var got []string
		for _, w := range inv.Workloads {
			got = append(got, w.Ref.String())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestOwnedObjectsAreNoWorkloads(t *testing.T) {
	owner := &scanner.Object{Ref: scanner.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "x", Name: "one-abc"}, Live: true, Managers: []string{"owner:Deployment/one"}}
	owner.Origins = []scanner.Origin{{Source: "cluster"}}
	r := &reader{id: "cluster", live: true, files: map[string]string{"d": wired("x", "one")}}
	inv := scan(t, r, objects{podOf(t, owner)})
	if len(inv.Workloads) != 1 || inv.Workloads[0].Ref.Kind != "Deployment" {
		t.Errorf("workloads: %v", inv.Workloads)
	}
	inv = scan(t, objects{podOf(t, owner)})
	if len(inv.Workloads) != 1 || inv.Workloads[0].Ref.Kind != "Pod" {
		t.Errorf("workloads: %v", inv.Workloads)
	}
}

func podOf(t *testing.T, o *scanner.Object) *scanner.Object {
	t.Helper()
	var content map[string]any
	text := `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"app","image":"a","env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/c/key.json"}],"volumeMounts":[{"name":"c","mountPath":"/c"}]}],"volumes":[{"name":"c","secret":{"secretName":"gcp"}}]}}`
	if err := json.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	o.Content = content
	return o
}

func TestPlacesComeFromTheLocator(t *testing.T) {
	o := podOf(t, &scanner.Object{Ref: scanner.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "x", Name: "p"}})
	o.Origins = []scanner.Origin{{Source: "repo", Path: "p.yaml", Document: 1, Line: 1, Column: 1}}
	o.Locator = locator{}
	inv := scan(t, objects{o})
	if got := fmt.Sprint(inv.Findings[0].Origins); got != "[{repo p.yaml 1 30 7}]" {
		t.Errorf("origins: %s", got)
	}
}

// A flag of two words is found where the flag stands, not where its object does, with both words as they are.
func TestPlaceOfAFlagOfTwoWords(t *testing.T) {
	o := podOf(t, &scanner.Object{Ref: scanner.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "x", Name: "p"}})
	o.Content["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["args"] = []any{"--credentials-file", "/c/key.json"}
	o.Origins = []scanner.Origin{{Source: "repo", Path: "p.yaml", Document: 1, Line: 1, Column: 1}}
	o.Locator = locator{}
	inv := scan(t, objects{o})
	i := slices.IndexFunc(inv.Findings, func(f scanner.Finding) bool { return f.Via == scanner.ArgFile })
	if i < 0 || fmt.Sprint(inv.Findings[i].Origins) != "[{repo p.yaml 1 40 9}]" || !slices.Equal(inv.Findings[i].Was, []string{"--credentials-file", "/c/key.json"}) {
		t.Errorf("%+v", inv.Findings)
	}
}

type locator struct{}

func (locator) Locate(field object.Path) []object.Place {
	if field.String() == "spec.containers[name=app].args[0]" {
		return []object.Place{{Origin: object.Origin{Source: "repo", Path: "p.yaml", Document: 1, Line: 40, Column: 9}, Field: field}}
	}
	if field.String() != "spec.containers[name=app].env[name=GOOGLE_APPLICATION_CREDENTIALS]" {
		return nil
	}
	return []object.Place{{Origin: object.Origin{Source: "repo", Path: "p.yaml", Document: 1, Line: 30, Column: 7}, Field: field}}
}

func TestJobsOfSeveralRepositoriesShareNames(t *testing.T) {
	const job = "{apiVersion: prow.k8s.io/v1, kind: ProwJob, metadata: {name: unit}, spec: {containers: [{name: test, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/key.json}]}]}}"
	inv := scan(t, &reader{id: "repo", files: map[string]string{"a.yaml": job, "b.yaml": strings.Replace(job, "GOOGLE_APPLICATION_CREDENTIALS", "OTHER", 1)}})
	if len(inv.Workloads) != 1 || inv.Workloads[0].Conflict != "" || len(inv.Workloads[0].Origins) != 1 {
		t.Errorf("workloads: %+v", inv.Workloads)
	}
}
