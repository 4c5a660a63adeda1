package manifest_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/keyfile/keytest"
	"dekey/scanner/manifest"
	"dekey/scanner/object"
)

// The test binary is the renderer too, and two that misbehave.
func TestMain(m *testing.M) {
	if root := os.Getenv("DEKEY_BENCH_SCAN"); root != "" {
		scanOnce(root)
		os.Exit(0)
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "render":
			os.Exit(manifest.RenderChild(os.Stdin, os.Stdout, os.Args[2:]...))
		case "hang":
			select {}
		case "eat":
			go func() {
				for kept := [][]byte{}; ; {
					kept = append(kept, slices.Repeat([]byte{1}, 1<<20))
				}
			}()
			os.Exit(manifest.RenderChild(never{}, os.Stdout, os.Args[2:]...))
		}
	}
	os.Exit(m.Run())
}

type never struct{}

func (never) Read([]byte) (int, error) { select {} }

func renderer(mode string) []string { return []string{os.Args[0], mode} }

const kustomizationHead = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"

// plain is the workload without a key, and the service account that it runs under.
const plain = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      serviceAccountName: api
      containers:
      - name: side
        args: [--one]
      - name: app
        args: [--x=1, --y=2]
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: api
`

// places are the places of a field, as PATH:DOCUMENT:LINE:COLUMN ROLE FIELD [INNER] ROOTS.
func places(o *scanner.Object, field string) []string {
	path, err := object.ParsePath(field)
	if err != nil {
		panic(err)
	}
	var list []string
	for _, p := range o.Locator.Locate(path) {
		s := fmt.Sprintf("%s:%d:%d:%d %s %s", p.Origin.Path, p.Origin.Document, p.Origin.Line, p.Origin.Column, p.Role, p.Field)
		if p.Inner != nil {
			s += " > " + p.Inner.String()
		}
		list = append(list, s+" "+strings.Join(p.Roots, ","))
	}
	return list
}

func find(t *testing.T, objects []*scanner.Object, kind, root string) *scanner.Object {
	t.Helper()
	for _, o := range objects {
		if o.Ref.Kind == kind && o.Root == root {
			return o
		}
	}
	t.Fatalf("no %s of %q", kind, root)
	return nil
}

const (
	gacEnv = "spec.template.spec.containers[name=app].env[name=GOOGLE_APPLICATION_CREDENTIALS]"
	keyVol = "spec.template.spec.volumes[name=key]"
)

func TestOverlays(t *testing.T) {
	patch := `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
      - name: app
        env:
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/secrets/google/key.json
        volumeMounts:
        - name: key
          mountPath: /var/secrets/google
      volumes:
      - name: key
        secret:
          secretName: api-key
`
	jsonPatch := `- op: add
  path: /spec/template/spec/containers/1/env
  value: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /k/key.json}]
- op: add
  path: /spec/template/spec/volumes
  value: []
- op: add
  path: /spec/template/spec/volumes/-
  value: {name: key, secret: {secretName: api-key}}
- op: add
  path: /spec/template/spec/containers/1/args/0
  value: --key=/k/key.json
`
	base := map[string]string{"base/kustomization.yaml": kustomizationHead + "resources:\n- api.yaml\n", "base/api.yaml": plain}
	with := func(files ...string) map[string]string {
		m := map[string]string{}
		for name, text := range base {
			m[name] = text
		}
		for i := 0; i < len(files); i += 2 {
			m[files[i]] = files[i+1]
		}
		return m
	}
	tests := []struct {
		name  string
		files map[string]string
		refs  []string            // of what is rendered, with the root
		at    map[string][]string // places of fields of the Deployment of overlays/prod
		gaps  []string
		hints []string
	}{
		{
			name: "a base that two overlays use is not read alone",
			files: with("base/api.yaml", api, "overlays/dev/kustomization.yaml", "resources: [../../base]\nnamespace: dev\n",
				"overlays/prod/kustomization.yaml", "namespace: prod\nnamePrefix: my-\nresources: [../../base]\n"),
			refs: []string{"dev/Deployment/api overlays/dev", "prod/Deployment/my-api overlays/prod"},
			at: map[string][]string{
				gacEnv:               {"base/api.yaml:1:12:11 manifest " + gacEnv + " overlays/dev,overlays/prod"},
				"metadata.namespace": {"overlays/prod/kustomization.yaml:1:1:1 kustomization namespace overlays/prod"},
			},
		},
		{
			name:  "a plain list of files is read as it is written",
			files: map[string]string{"kustomization.yaml": "resources: [api.yaml]\n", "api.yaml": api},
			refs:  []string{"Deployment/api ."},
		},
		{
			name: "a strategic-merge patch",
			files: with("overlays/prod/kustomization.yaml", "resources: [../../base]\npatches:\n- path: key.yaml\n",
				"overlays/prod/key.yaml", patch),
			refs: []string{"Deployment/api overlays/prod"},
			at: map[string][]string{
				gacEnv: {"overlays/prod/key.yaml:1:11:11 patch-strategic " + gacEnv + " overlays/prod"},
				keyVol: {"overlays/prod/key.yaml:1:17:9 patch-strategic " + keyVol + " overlays/prod"},
				"spec.template.spec.containers[name=side].args[0]": {"base/api.yaml:1:11:16 manifest spec.template.spec.containers[name=side].args[0] overlays/prod"},
			},
		},
		{
			name: "a patch over the base's own wiring: the last one wins",
			files: with("base/api.yaml", api, "overlays/prod/kustomization.yaml", "resources: [../../base]\npatchesStrategicMerge: [key.yaml]\n",
				"overlays/prod/key.yaml", patch),
			refs: []string{"Deployment/api overlays/prod"},
			at: map[string][]string{
				gacEnv: {"base/api.yaml:1:12:11 manifest " + gacEnv + " overlays/prod", "overlays/prod/key.yaml:1:11:11 patch-strategic " + gacEnv + " overlays/prod"},
			},
		},
		{
			name: "a JSON patch in a file",
			files: with("overlays/prod/kustomization.yaml", "resources: [../../base]\npatches:\n- path: key.yaml\n  target: {kind: Deployment}\n",
				"overlays/prod/key.yaml", jsonPatch),
			refs: []string{"Deployment/api overlays/prod"},
			at: map[string][]string{
				gacEnv: {"overlays/prod/key.yaml:1:3:11 patch-json6902 [0].value[name=GOOGLE_APPLICATION_CREDENTIALS] overlays/prod"},
				keyVol: {"overlays/prod/key.yaml:1:9:3 patch-json6902 [2].value overlays/prod"},
				"spec.template.spec.containers[name=app].args[0]": {"overlays/prod/key.yaml:1:12:3 patch-json6902 [3].value overlays/prod"},
				"spec.template.spec.containers[name=app].args[1]": {"base/api.yaml:1:13:16 manifest spec.template.spec.containers[name=app].args[0] overlays/prod"},
			},
		},
		{
			name: "patches that are written in the kustomization",
			files: with("overlays/prod/kustomization.yaml", "resources: [../../base]\npatches:\n- patch: |-\n"+indent(patch, "    ", "    ")+
				"patchesJson6902:\n- target: {version: v1, kind: ServiceAccount, name: api}\n  patch: |\n"+indent("- {op: add, path: /metadata/labels, value: {a: b}}", "    ", "    ")),
			refs: []string{"Deployment/api overlays/prod"},
			at: map[string][]string{
				gacEnv: {"overlays/prod/kustomization.yaml:1:14:15 patch-strategic patches[0].patch > " + gacEnv + " overlays/prod"},
			},
		},
		{
			name: "a component",
			files: with("overlays/prod/kustomization.yaml", "resources: [../../base]\ncomponents: [../../key]\n",
				"key/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: key.yaml\n", "key/key.yaml", patch),
			refs: []string{"Deployment/api overlays/prod"},
			at:   map[string][]string{gacEnv: {"key/key.yaml:1:11:11 patch-strategic " + gacEnv + " overlays/prod"}},
		},
		{
			name:  "a component that nothing uses",
			files: with("key/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: key.yaml\n", "key/key.yaml", patch),
		},
		{
			name: "a remote base is left out, and said",
			files: with("base/api.yaml", api, "overlays/prod/kustomization.yaml",
				"namespace: prod\nresources:\n- ../../base\n- https://example.com/x.yaml\n- github.com/acme/base//deploy?ref=v1\n- ../../../outside\n- gone.yaml\n"),
			refs: []string{"prod/Deployment/api overlays/prod"},
			gaps: []string{
				`overlays/prod/kustomization.yaml:4: its "https://example.com/x.yaml" is remote and is not fetched`,
				`overlays/prod/kustomization.yaml:5: its "github.com/acme/base//deploy?ref=v1" is remote and is not fetched`,
				`overlays/prod/kustomization.yaml:6: its "../../../outside" lies outside of the root`,
				`overlays/prod/kustomization.yaml:7: its "gone.yaml" does not exist`,
			},
		},
		{
			name: "functions, plugins and charts are not run",
			files: with("base/api.yaml", api, "overlays/prod/kustomization.yaml",
				"namespace: prod\nresources: [../../base]\ntransformers: [run.yaml]\nhelmCharts:\n- name: x\n  repo: https://example.com\n",
				"overlays/prod/run.yaml", "apiVersion: example.com/v1\nkind: Run\nmetadata:\n  name: r\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./run}\n"),
			refs: []string{"prod/Deployment/api overlays/prod"},
			gaps: []string{
				`overlays/prod/kustomization.yaml:3: its "run.yaml" is a plugin or function, which is not run`,
				"overlays/prod/kustomization.yaml:5: an entry inflates a Helm chart, which is not done for Kustomize",
			},
		},
		{
			name:  "what can not be rendered is a gap, and what it mentions a hint",
			files: with("base/api.yaml", api, "overlays/prod/kustomization.yaml", "namespace: prod\nresources: [../../base]\npatches:\n- patch: '[{op: remove, path: /spec/no}]'\n  target: {kind: Deployment}\n"),
			gaps:  []string{"overlays/prod/kustomization.yaml: Kustomize can not render it: a JSON patch removes what is not there"},
			hints: []string{"base/api.yaml:12:17: not-provable GOOGLE_APPLICATION_CREDENTIALS (a part of an overlay that can not be rendered)"},
		},
		{
			name:  "a kustomization that uses itself",
			files: map[string]string{"a/kustomization.yaml": "resources: [../b, api.yaml]\n", "b/kustomization.yaml": "resources: [../a]\n", "a/api.yaml": api},
			gaps:  []string{"a/kustomization.yaml: uses itself, by what it lists", "b/kustomization.yaml: uses itself, by what it lists"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := read(t, manifest.Options{Root: write(t, test.files), Child: renderer("render")})
			var refs []string
			for _, o := range h.objects {
				refs = append(refs, o.Ref.String()+" "+o.Root)
			}
			if d := cmp.Diff(test.refs, refs); d != "" {
				t.Errorf("objects (-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.gaps, h.gaps); d != "" {
				t.Errorf("gaps (-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.hints, h.hints); d != "" {
				t.Errorf("hints (-want +got):\n%s", d)
			}
			for field, want := range test.at {
				if d := cmp.Diff(want, places(find(t, h.objects, "Deployment", "overlays/prod"), field)); d != "" {
					t.Errorf("%s (-want +got):\n%s", field, d)
				}
			}
		})
	}
}

func TestGenerators(t *testing.T) {
	key := keytest.New("generator", "robot@acme-prod.iam.gserviceaccount.com").JSON()
	root := write(t, map[string]string{
		"kustomization.yaml": "namespace: prod\nnamePrefix: my-\nsecretGenerator:\n- name: api-key\n  files: [key.json=secret/robot]\n- name: ci\n  files: [absent.json]\nresources: [api.yaml]\n",
		"api.yaml":           api,
		"secret/robot":       string(key),
	})
	h := read(t, manifest.Options{Root: root, Child: renderer("render")})
	var refs []string
	for _, o := range h.objects {
		refs = append(refs, o.Ref.String())
	}
	if d := cmp.Diff([]string{"prod/Deployment/my-api", "prod/Secret/my-api-key"}, refs); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff([]string{"secret/robot"}, h.files); d != "" {
		t.Error(d)
	}
	name, _ := object.Keys("spec", "template", "spec", "volumes").Join(object.At(0), object.Key("secret"), object.Key("secretName")).Lookup(h.objects[0].Content)
	if name != "my-api-key" {
		t.Errorf("the volume names %v: a generated Secret goes by its name without the hash", name)
	}
	for field, want := range map[string][]string{
		`data["key.json"]`: {"kustomization.yaml:1:5:11 generator secretGenerator[0].files[0] ."},
		"metadata.name":    {"kustomization.yaml:1:4:3 generator secretGenerator[0].name ."},
	} {
		if d := cmp.Diff(want, places(h.objects[1], field)); d != "" {
			t.Errorf("%s: %s", field, d)
		}
	}
	if d := cmp.Diff([]string{`kustomization.yaml:7: its "absent.json" does not exist`}, h.gaps); d != "" {
		t.Error(d)
	}
}

func TestRenderingIsCutOff(t *testing.T) {
	root := write(t, map[string]string{"kustomization.yaml": "namespace: x\nresources: [api.yaml]\n", "api.yaml": api})
	for mode, want := range map[string]string{
		"hang": "kustomization.yaml: takes longer than 300ms to render, and was cut off",
		"eat":  "kustomization.yaml: takes more than 64 MiB of memory to render, and was cut off",
	} {
		limits := manifest.Limits{RenderTime: 300 * time.Millisecond, RenderBytes: 64 << 20}
		if mode == "eat" {
			limits.RenderTime = 20 * time.Second
		}
		h := read(t, manifest.Options{Root: root, Child: renderer(mode), Limits: limits})
		if d := cmp.Diff([]string{want}, h.gaps); d != "" {
			t.Errorf("%s: %s", mode, d)
		}
	}
}

func TestRelatedOverlays(t *testing.T) {
	root := write(t, map[string]string{
		"base/kustomization.yaml":          "resources: [api.yaml]\n",
		"base/api.yaml":                    plain,
		"overlays/prod/kustomization.yaml": "namespace: prod\nnameSuffix: -v1\nresources: [../../base]\n",
		"rbac/kustomization.yaml":          "namespace: prod\nresources: [rb.yaml]\n",
		"rbac/rb.yaml":                     "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r}\nsubjects:\n- {kind: ServiceAccount, name: api-v1, namespace: prod}\n",
	})
	reader, h := manifest.New(manifest.Options{Root: root, Child: renderer("render")}), &heard{}
	if err := reader.Read(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	if err := reader.Related(context.Background(), scanner.Interest{ServiceAccounts: []scanner.Ref{{Namespace: "prod", Name: "api-v1"}}}, h); err != nil {
		t.Fatal(err)
	}
	want := []string{"prod/Deployment/api-v1", "prod/ServiceAccount/api-v1", "prod/RoleBinding/r"}
	var got []string
	for _, o := range h.objects {
		got = append(got, o.Ref.String())
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	rendered, err := reader.Render(context.Background(), os.DirFS(root), []scanner.Ref{{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "prod", Name: "api-v1"}})
	if err != nil || len(rendered) != 1 || rendered[0].Root != "overlays/prod" {
		t.Errorf("Render: %v and error %v", rendered, err)
	}
}
