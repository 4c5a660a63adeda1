package rewriter_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
	"dekey/scanner/manifest"
)

// The test binary renders overlays too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "render" {
		os.Exit(manifest.RenderChild(os.Stdin, os.Stdout, os.Args[2:]...))
	}
	os.Exit(m.Run())
}

func reader(root string) *manifest.Reader {
	return manifest.New(manifest.Options{Root: root, ID: ".", Child: []string{os.Args[0], "render"}})
}

// draft scans, plans and rewrites files. Every key is api@acme's, but for namespaces that accounts name.
func draft(t *testing.T, files fstest.MapFS, accounts map[string]string) rewriter.Result {
	t.Helper()
	dir := t.TempDir()
	for name, file := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inventory, err := scanner.Scan(context.Background(), reader(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, gap := range inventory.Gaps {
		t.Errorf("gap: %s: %s", gap.What, gap.Why)
	}
	policy := planner.Policy{Pool: "acme.svc.id.goog"}
	for namespace, email := range accounts {
		policy.Accounts = append(policy.Accounts, planner.AccountRule{Namespace: namespace, Secret: "api-key", Email: email})
	}
	if accounts == nil {
		policy.Accounts = []planner.AccountRule{{Namespace: "*", Secret: "*", Email: account}}
	}
	plan, err := planner.New(inventory, policy)
	if err != nil {
		t.Fatal(err)
	}
	result, err := rewriter.Rewrite(context.Background(), files, plan, reader(dir), rewriter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// The workload with its wiring, and without it; as a base, it names no namespace.
var (
	wired   = strings.Replace(named("api"), "  namespace: shop\n", "", 1)
	unwired = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      serviceAccountName: api
      containers:
      - name: app
        image: api:1 # pinned
`
	bare = strings.Replace(unwired, "      serviceAccountName: api\n", "", 1)
)

// wiring is a strategic-merge patch that adds the key.
const wiring = `apiVersion: apps/v1
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
          value: /secrets/key.json
        volumeMounts:
        - name: key
          mountPath: /secrets
      volumes:
      - name: key
        secret:
          secretName: api-key
`

func serviceAccount(name, namespace, email string) string {
	if namespace != "" {
		namespace = "  namespace: " + namespace + "\n"
	}
	return "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: " + name + "\n" + namespace +
		"  annotations:\n    iam.gke.io/gcp-service-account: " + email + "\n"
}

// indent puts four blanks before every line.
func indent(text string) string {
	return "    " + strings.TrimSuffix(strings.ReplaceAll(text, "\n", "\n    "), "    ")
}

// operations are the wiring as a JSON patch.
const operations = `- op: add
  path: /spec/template/spec/containers/0/env
  value: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /secrets/key.json}]
- op: add
  path: /spec/template/spec/containers/0/volumeMounts
  value:
  - {name: key, mountPath: /secrets}
- op: add
  path: /spec/template/spec/volumes
  value: [{name: key, secret: {secretName: api-key}}]
`

func TestKustomize(t *testing.T) {
	const dev, prod = "dev@acme.iam.gserviceaccount.com", "prod@acme.iam.gserviceaccount.com"
	for _, test := range []struct {
		name     string
		files    map[string]string // before
		accounts map[string]string
		want     map[string]string // what is another than before, "" for what is gone
		holds    []string
	}{
		{
			name: "one overlay: the base is edited, and lists the new account",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": wired,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
			want: map[string]string{"base/api.yaml": unwired, "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n"},
		},
		{
			name: "a prefix: the manifests have the bare name",
			files: map[string]string{"base/kustomization.yaml": "resources: [api.yaml]\n", "base/api.yaml": wired,
				"prod/kustomization.yaml": "namespace: prod\nnamePrefix: my-\nnameSuffix: -v1\nresources:\n- ../base\n"},
			want: map[string]string{"base/api.yaml": unwired, "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources: [api.yaml, api-serviceaccount.yaml]\n"},
		},
		{
			name: "labels and annotations that the overlay gives everything: the new account gets them too",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": wired,
				"prod/kustomization.yaml": "namespace: prod\ncommonAnnotations: {owner: web}\nlabels:\n- pairs: {team: web}\n  includeSelectors: true\nresources:\n- ../base\n"},
			want: map[string]string{"base/api.yaml": unwired, "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n"},
		},
		{
			name: "a label that a patch gives every service account is not planned",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": wired,
				"prod/kustomization.yaml": "namespace: prod\npatches:\n- target: {kind: ServiceAccount}\n  patch: |-\n    - op: add\n      path: /metadata/labels\n      value: {role: admin}\nresources:\n- ../base\n"},
			holds: []string{"prod/Deployment/api not-provable"},
		},
		{
			name: "an account for each overlay: the base is edited once, the accounts go to the overlays",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": wired,
				"dev/kustomization.yaml":  "namespace: dev\nresources:\n- ../base\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
			accounts: map[string]string{"dev": dev, "prod": prod},
			want: map[string]string{"base/api.yaml": unwired,
				"dev/api-serviceaccount.yaml": serviceAccount("api", "", dev), "prod/api-serviceaccount.yaml": serviceAccount("api", "", prod),
				"dev/kustomization.yaml":  "namespace: dev\nresources:\n- ../base\n- api-serviceaccount.yaml\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n- api-serviceaccount.yaml\n"},
		},
		{
			name: "one of two overlays moves: it is patched, and the base stays",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": wired,
				"dev/kustomization.yaml":  "namespace: dev\nresources:\n- ../base\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
			accounts: map[string]string{"prod": prod},
			want: map[string]string{
				"prod/api-serviceaccount.yaml": serviceAccount("api", "", prod),
				"prod/api-deployment-keyless.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      serviceAccountName: api
      containers:
      - name: app
        env:
        - $patch: delete
          name: GOOGLE_APPLICATION_CREDENTIALS
        volumeMounts:
        - $patch: delete
          mountPath: /secrets
      volumes:
      - $patch: delete
        name: key
`,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n- api-serviceaccount.yaml\npatches:\n- path: api-deployment-keyless.yaml\n",
			},
			holds: []string{"dev/Deployment/api account-unknown"},
		},
		{
			name: "a patch that is nothing but the wiring goes, with its entry",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": bare,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatches:\n# the key\n- path: key.yaml\n", "prod/key.yaml": wiring},
			want: map[string]string{"base/api.yaml": unwired, "prod/key.yaml": "", "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
		},
		{
			name: "a patch with something else keeps that",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": bare,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatchesStrategicMerge:\n- key.yaml\n", "prod/key.yaml": strings.Replace(wiring, "spec:\n", "spec:\n  replicas: 3\n", 1)},
			want: map[string]string{"base/api.yaml": unwired, "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n",
				"prod/key.yaml":           "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n      - name: app\n"},
		},
		{
			name: "a JSON patch loses its operations",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": bare,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatches:\n- path: key.yaml\n  target: {kind: Deployment}\n",
				"prod/key.yaml": `- op: add
  path: /spec/replicas
  value: 2
- op: add
  path: /spec/template/spec/containers/0/env
  value: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /secrets/key.json}]
- op: add
  path: /spec/template/spec/containers/0/volumeMounts
  value:
  - {name: key, mountPath: /secrets}
- op: add
  path: /spec/template/spec/volumes
  value: [{name: key, secret: {secretName: api-key}}]
`},
			want: map[string]string{"base/api.yaml": unwired, "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n",
				"prod/key.yaml":           "- op: add\n  path: /spec/replicas\n  value: 2\n"},
		},
		{
			name: "a JSON patch that is nothing but the wiring goes, with its entry",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": bare,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatches:\n- path: key.yaml\n  target: {kind: Deployment}\n", "prod/key.yaml": operations},
			want: map[string]string{"base/api.yaml": unwired, "prod/key.yaml": "", "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
		},
		{
			name: "a JSON patch written in the kustomization goes too",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": bare,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatches:\n- target: {kind: Deployment}\n  patch: |-\n" + indent(operations)},
			want: map[string]string{"base/api.yaml": unwired, "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
		},
		{
			name: "a patch written in the kustomization goes",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": bare,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatches:\n- patch: |-\n" + indent(wiring) + "- path: more.yaml\n",
				"prod/more.yaml":          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2}\n"},
			want: map[string]string{"base/api.yaml": unwired, "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatches:\n- path: more.yaml\n"},
		},
		{
			name: "a patch written in the kustomization keeps the rest",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": bare,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatches:\n- patch: |\n" + indent(strings.Replace(wiring, "spec:\n", "spec:\n  replicas: 3 # three\n", 1)) + "  target:\n    kind: Deployment\n"},
			want: map[string]string{"base/api.yaml": unwired, "base/api-serviceaccount.yaml": serviceAccount("api", "", account),
				"base/kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\npatches:\n- patch: |\n" +
					indent("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  replicas: 3 # three\n  template:\n    spec:\n      containers:\n      - name: app\n") +
					"  target:\n    kind: Deployment\n"},
		},
		{
			name: "an overlay that removes the wiring has nothing left to remove",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": wired,
				"kind/kustomization.yaml": "namespace: kind\nresources:\n- ../base\npatches:\n- path: nokey.yaml\n",
				"kind/nokey.yaml": `apiVersion: apps/v1
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
          $patch: delete
        volumeMounts:
        - mountPath: /secrets
          $patch: delete
      volumes:
      - name: key
        $patch: delete
`,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
			accounts: map[string]string{"prod": prod},
			want: map[string]string{"base/api.yaml": bare, "kind/nokey.yaml": "", "kind/kustomization.yaml": "namespace: kind\nresources:\n- ../base\n",
				"prod/api-serviceaccount.yaml":     serviceAccount("api", "", prod),
				"prod/api-deployment-keyless.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      serviceAccountName: api\n",
				"prod/kustomization.yaml":          "namespace: prod\nresources:\n- ../base\n- api-serviceaccount.yaml\npatches:\n- path: api-deployment-keyless.yaml\n"},
		},
		{
			name: "a component's patch goes, and with it the patch of an overlay that deletes what it adds",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n", "base/api.yaml": bare,
				"gcp/kustomization.yaml":  "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- target:\n    kind: Deployment\n  patch: |-\n" + indent(strings.TrimSuffix(operations, "\n")) + "\n- target:\n    kind: Deployment\n  patch: |-\n    - op: add\n      path: /spec/replicas\n      value: 2\n",
				"kind/kustomization.yaml": "namespace: kind\nresources:\n- ../base\ncomponents:\n- ../gcp\npatches:\n- path: nokey.yaml\n",
				"kind/nokey.yaml":         strings.NewReplacer("          value: /secrets/key.json\n", "          $patch: delete\n", "        secret:\n          secretName: api-key\n", "        $patch: delete\n", "        - name: key\n          mountPath: /secrets\n", "        - mountPath: /secrets\n          $patch: delete\n").Replace(wiring),
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\ncomponents:\n- ../gcp\n"},
			accounts: map[string]string{"prod": prod},
			want: map[string]string{"kind/nokey.yaml": "", "kind/kustomization.yaml": "namespace: kind\nresources:\n- ../base\ncomponents:\n- ../gcp\n",
				"gcp/kustomization.yaml":           "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- target:\n    kind: Deployment\n  patch: |-\n    - op: add\n      path: /spec/replicas\n      value: 2\n",
				"prod/api-serviceaccount.yaml":     serviceAccount("api", "", prod),
				"prod/api-deployment-keyless.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      serviceAccountName: api\n",
				"prod/kustomization.yaml":          "namespace: prod\nresources:\n- ../base\n- api-serviceaccount.yaml\ncomponents:\n- ../gcp\npatches:\n- path: api-deployment-keyless.yaml\n"},
		},
		{
			name:  "a plain list of files",
			files: map[string]string{"kustomization.yaml": "resources:\n  - api.yaml\n", "api.yaml": named("api")},
			want: map[string]string{"api.yaml": strings.Replace(unwired, "  name: api\n", "  name: api\n  namespace: shop\n", 1),
				"api-serviceaccount.yaml": serviceAccount("api", "shop", account), "kustomization.yaml": "resources:\n  - api.yaml\n  - api-serviceaccount.yaml\n"},
		},
		{
			name: "a kept account is annotated for each overlay by a patch",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n- sa.yaml\n",
				"base/api.yaml":           strings.Replace(wired, "    spec:\n", "    spec:\n      serviceAccountName: api\n", 1),
				"base/sa.yaml":            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: api\n",
				"dev/kustomization.yaml":  "namespace: dev\nresources:\n- ../base\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
			accounts: map[string]string{"dev": dev, "prod": prod},
			want: map[string]string{"base/api.yaml": unwired,
				"dev/api-serviceaccount-keyless.yaml":  serviceAccount("api", "", dev),
				"prod/api-serviceaccount-keyless.yaml": serviceAccount("api", "", prod),
				"dev/kustomization.yaml":               "namespace: dev\nresources:\n- ../base\npatches:\n- path: api-serviceaccount-keyless.yaml\n",
				"prod/kustomization.yaml":              "namespace: prod\nresources:\n- ../base\npatches:\n- path: api-serviceaccount-keyless.yaml\n"},
		},
		{
			name: "arguments in one of two overlays: a JSON patch that tests",
			files: map[string]string{"base/kustomization.yaml": "resources:\n- api.yaml\n",
				"base/api.yaml":           strings.Replace(wired, "        image: api:1 # pinned\n", "        image: gcr.io/cloudsql-docker/gce-proxy:1.33\n        command: [/cloud_sql_proxy]\n        args:\n        - -instances=x\n        - -credential_file=/secrets/key.json\n", 1),
				"dev/kustomization.yaml":  "namespace: dev\nresources:\n- ../base\n",
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n"},
			accounts: map[string]string{"prod": prod},
			want: map[string]string{
				"prod/api-serviceaccount.yaml": serviceAccount("api", "", prod),
				"prod/api-deployment-keyless.yaml": `- op: add
  path: /spec/template/spec/serviceAccountName
  value: api
- op: test
  path: /spec/template/spec/containers/0/args/1
  value: -credential_file=/secrets/key.json
- op: remove
  path: /spec/template/spec/containers/0/args/1
- op: test
  path: /spec/template/spec/containers/0/env/0/name
  value: GOOGLE_APPLICATION_CREDENTIALS
- op: remove
  path: /spec/template/spec/containers/0/env/0
- op: test
  path: /spec/template/spec/containers/0/volumeMounts/0/name
  value: key
- op: remove
  path: /spec/template/spec/containers/0/volumeMounts/0
- op: test
  path: /spec/template/spec/volumes/0/name
  value: key
- op: remove
  path: /spec/template/spec/volumes/0
`,
				"prod/kustomization.yaml": "namespace: prod\nresources:\n- ../base\n- api-serviceaccount.yaml\npatches:\n- path: api-deployment-keyless.yaml\n  target:\n    group: apps\n    kind: Deployment\n    name: api\n",
			},
			holds: []string{"dev/Deployment/api account-unknown"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := fstest.MapFS{}
			want := map[string]string{}
			for name, text := range test.files {
				files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
				want[name] = text
			}
			for name, text := range test.want {
				if want[name] = text; text == "" {
					delete(want, name)
				}
			}
			result := draft(t, files, test.accounts)
			var holds []string
			for _, h := range result.Plan.Holds {
				entry := h.Workload.String() + " " + h.Code
				if !slices.Contains(holds, entry) {
					holds = append(holds, entry)
				}
				if !slices.Contains(test.holds, entry) {
					t.Errorf("hold: %s: %s", entry, h.Reason)
				}
			}
			if diff := cmp.Diff(test.holds, holds); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, gitApply(t, files, result.Patch)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}
