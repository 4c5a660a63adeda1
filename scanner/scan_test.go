package scanner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"dekey/scanner"
	"dekey/scanner/keyfile/keytest"
)

// A reader yields the objects of texts: each a file of YAML documents.
type reader struct {
	id    string
	live  bool
	files map[string]string
	// related are files that only Related yields.
	related map[string]string
	order   []string // of the files
	hints   []scanner.Hint
	raw     map[string][]byte // whole files
	asked   []scanner.Interest
}

func (r *reader) Read(_ context.Context, sink scanner.Sink) error {
	kind := "repository"
	if r.live {
		kind = "cluster"
	}
	sink.Source(scanner.Source{ID: r.id, Kind: kind, Root: r.id})
	for _, hint := range r.hints {
		sink.Hint(hint)
	}
	for path, data := range r.raw {
		sink.File(scanner.Origin{Source: r.id, Path: path}, data)
	}
	return r.yield(r.files, sink)
}

func (r *reader) Related(_ context.Context, interest scanner.Interest, sink scanner.Sink) error {
	r.asked = append(r.asked, interest)
	return r.yield(r.related, sink)
}

func (r *reader) yield(files map[string]string, sink scanner.Sink) error {
	names := r.order
	if names == nil {
		for name := range files {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	for _, name := range names {
		if _, ok := files[name]; !ok {
			continue
		}
		decoder := yaml.NewDecoder(strings.NewReader(files[name]))
		for document := 1; ; document++ {
			var content map[string]any
			if err := decoder.Decode(&content); err != nil {
				if err.Error() == "EOF" {
					break
				}
				return fmt.Errorf("decoding the test's %s: %w", name, err)
			}
			sink.Object(r.object(name, document, content))
		}
	}
	return nil
}

func (r *reader) object(name string, document int, content map[string]any) *scanner.Object {
	metadata, _ := content["metadata"].(map[string]any)
	str := func(v any) string { s, _ := v.(string); return s }
	o := &scanner.Object{
		Ref:     scanner.Ref{APIVersion: str(content["apiVersion"]), Kind: str(content["kind"]), Namespace: str(metadata["namespace"]), Name: str(metadata["name"])},
		Content: content,
		Origins: []scanner.Origin{{Source: r.id, Path: name, Document: document, Line: 1, Column: 1}},
		Live:    r.live,
	}
	if r.live {
		o.Origins = []scanner.Origin{{Source: r.id}}
	}
	return o
}

func scan(t testing.TB, readers ...scanner.Reader) scanner.Inventory {
	t.Helper()
	inv, err := scanner.Scan(context.Background(), readers...)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// spell writes findings on one line each.
func spell(inv scanner.Inventory) []string {
	emails := map[string]string{}
	for _, key := range inv.Keys {
		emails[key.ID] = key.Email
	}
	var out []string
	for _, f := range inv.Findings {
		line := fmt.Sprintf("%s %s", f.Workload, f.Via)
		if f.Container != "" {
			line += " in " + f.Container
		}
		if f.Env+f.Field != "" {
			line += " by " + f.Env + f.Field
		}
		line += fmt.Sprintf(" of %s/%s/%s/%s", f.Secret.Kind, f.Secret.Namespace, f.Secret.Name, f.Secret.Entry)
		if f.Key != "" {
			line += " " + emails[f.Key]
		}
		var codes []string
		for _, h := range f.Hold {
			codes = append(codes, h.Code)
		}
		if codes = slices.Compact(codes); len(codes) > 0 {
			line += " hold " + strings.Join(codes, ",")
		}
		out = append(out, line)
	}
	return out
}

func expect(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(got)
	want = slices.Clone(want)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: payments}
spec:
  template:
    spec:
      serviceAccountName: api
      containers:
      - name: app
        env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
        volumeMounts: [{name: creds, mountPath: /creds}]
      volumes: [{name: creds, secret: {secretName: gcp}}]
`

func secret(key keytest.Key, namespace, name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s}\ndata: {key.json: %s}\n", name, namespace, key.Base64())
}

func TestScanJoinsSecretAndWorkload(t *testing.T) {
	key := keytest.New("join", "api@acme.iam.gserviceaccount.com")
	inv := scan(t, &reader{id: "repo", files: map[string]string{"deploy.yaml": deployment, "secret.yaml": secret(key, "payments", "gcp")}})
	expect(t, spell(inv), []string{"payments/Deployment/api env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/payments/gcp/key.json api@acme.iam.gserviceaccount.com"})
	if len(inv.Keys) != 1 || inv.Keys[0].ID != key.ID() {
		t.Fatalf("keys: %+v", inv.Keys)
	}
	data, err := json.Marshal(inv)
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range key.Secrets() {
		if strings.Contains(string(data), canary) {
			t.Fatalf("the inventory holds a part of the private key")
		}
	}
}

// objects is a Reader of objects as they are.
type objects []*scanner.Object

func (o objects) Read(_ context.Context, sink scanner.Sink) error {
	sink.Source(scanner.Source{ID: "objects", Kind: "repository"})
	for _, one := range o {
		sink.Object(one)
	}
	return nil
}

func (objects) Related(context.Context, scanner.Interest, scanner.Sink) error { return nil }
