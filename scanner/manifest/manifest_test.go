package manifest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/manifest"
	"dekey/scanner/object"
)

// heard is a Sink that writes down what it is given, without contents.
type heard struct {
	objects []*scanner.Object
	files   []string
	hints   []string
	gaps    []string
	source  scanner.Source
}

func (h *heard) Object(o *scanner.Object)        { h.objects = append(h.objects, o) }
func (h *heard) Source(s scanner.Source)         { h.source = s }
func (h *heard) File(o scanner.Origin, _ []byte) { h.files = append(h.files, o.Path) }
func (h *heard) Gap(g scanner.Gap)               { h.gaps = append(h.gaps, g.What+": "+g.Why) }
func (h *heard) Cluster(scanner.Cluster)         {}
func (h *heard) Hint(hint scanner.Hint) {
	h.hints = append(h.hints, fmt.Sprintf("%s:%d:%d: %s %s (%s)", hint.Origin.Path, hint.Origin.Line, hint.Origin.Column, hint.Code, hint.Env, hint.What))
}

func (h *heard) names() []string {
	var names []string
	for _, o := range h.objects {
		names = append(names, fmt.Sprintf("%s %s:%d:%d:%d", o.Ref, o.Origins[0].Path, o.Origins[0].Document, o.Origins[0].Line, o.Origins[0].Column))
	}
	return names
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, o manifest.Options) *heard {
	t.Helper()
	h := &heard{}
	if err := manifest.New(o).Read(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	return h
}

const api = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
      - name: app
        env:
        # the key
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /var/secrets/google/key.json
        volumeMounts:
        - {name: key, mountPath: /var/secrets/google}
      volumes:
      - name: key
        secret:
          secretName: api-key
`

func indent(text string, first, rest string) string {
	return first + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+rest) + "\n"
}

func TestRead(t *testing.T) {
	crlf := strings.ReplaceAll(api, "\n", "\r\n")
	tests := []struct {
		name  string
		files map[string]string
		names []string
		gaps  []string
		hints []string
	}{
		{name: "a manifest", files: map[string]string{"apps/api.yaml": api}, names: []string{"Deployment/api apps/api.yaml:1:1:1"}},
		{name: "carriage returns and a byte order mark", files: map[string]string{"api.yml": "\ufeff" + crlf}, names: []string{"Deployment/api api.yml:1:1:1"}},
		{name: "the third document", files: map[string]string{"all.yaml": "# licence\n---\na: 1\n---\n---\n" + api}, names: []string{"Deployment/api all.yaml:3:6:1"}},
		{name: "a broken document loses itself alone", files: map[string]string{"all.yaml": "kind: X # GOOGLE_APPLICATION_CREDENTIALS\nmetadata:\n\tname: x\n---\n" + api},
			names: []string{"Deployment/api all.yaml:2:5:1"}, gaps: []string{"all.yaml:3: found a tab where indentation was expected"}},
		{name: "an item of a list", files: map[string]string{"list.yaml": "apiVersion: v1\nkind: List\nitems:\n" + indent(api, "- ", "  ")},
			names: []string{"Deployment/api list.yaml:1:4:3"}},
		{name: "JSON with escapes that YAML has not", files: map[string]string{"api.json": `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"api","annotations":{"a":"\/\ud83d\ude00"}},
 "spec":{"containers":[{"name":"a","env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"\/k"}]}]}}`}, names: []string{"Pod/api api.json:1:1:1"}},
		{name: "a custom resource whose field tells of a key by itself",
			files: map[string]string{"issuer.yaml": "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: le}\nspec: {acme: {solvers: [{dns01: {cloudDNS: {serviceAccountSecretRef: {name: dns, key: k}}}}]}}\n"},
			names: []string{"ClusterIssuer/le issuer.yaml:1:1:1"}},
		{name: "no Kubernetes object", files: map[string]string{"ci.yaml": "env:\n  GOOGLE_APPLICATION_CREDENTIALS: /k\n"}},
		{name: "a Helm template", files: map[string]string{"templates/d.yaml": "{{- if .Values.x }}\n" + api + "{{- end }}\n"},
			hints: []string{"templates/d.yaml:13:17: template GOOGLE_APPLICATION_CREDENTIALS (a Helm or Go template)"}},
		{name: "a flag in a template", files: map[string]string{"d.yaml.template": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ x }}}\nspec:\n  containers:\n  - command: [/cloud_sql_proxy,\n      -credential_file=/k/key.json]\n"},
			hints: []string{"d.yaml.template:7:8: template -credential_file (a template)"}},
		{name: "a task whose script signs in with a key", files: map[string]string{"t.yaml": "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec: {steps: [{image: i, script: 'gcloud auth activate-service-account --key-file=$(workspaces.k.path)/k'}]}\n"},
			names: []string{"Task/t t.yaml:1:1:1"}},
		{name: "a template that parses", files: map[string]string{"d.yaml": strings.Replace(api, "name: api\n", "name: {{ .Release.Name }}\n", 1)},
			hints: []string{"d.yaml:12:17: template GOOGLE_APPLICATION_CREDENTIALS (a Helm or Go template)"}},
		{name: "tokens that YAML takes for comments", files: map[string]string{"d.yaml": strings.Replace(api, "name: api\n", "name: api\n  namespace: #{NS}#\n", 1)},
			hints: []string{"d.yaml:13:17: template GOOGLE_APPLICATION_CREDENTIALS (a file with #{...}# tokens)"}},
		{name: "code of ytt, which YAML takes for comments", files: map[string]string{"d.yaml": "#@ load(\"@ytt:data\", \"data\")\n" + strings.Replace(api, "name: api\n", "name: api\n  namespace: #@ data.values.namespace\n", 1)},
			hints: []string{"d.yaml:14:17: template GOOGLE_APPLICATION_CREDENTIALS (a ytt template)"}},
		{name: "braces in an argument are no template", files: map[string]string{"d.yaml": strings.Replace(api, "# the key", "- {name: A, value: '{{workflow.name}} ${B}'}", 1)},
			names: []string{"Deployment/api d.yaml:1:1:1"}},
		{name: "a hostile name is an object, and its name is judged later", files: map[string]string{"d.yaml": strings.Replace(api, "name: api\n", "name: api$(touch x)\n", 1)},
			names: []string{"Deployment/api$(touch x) d.yaml:1:1:1"}},
		{name: "Git's own folder", files: map[string]string{".git/api.yaml": api, "a/.git/api.yaml": api}},
		{name: "UTF-16", files: map[string]string{"api.yaml": "\xff\xfea\x00"}, gaps: []string{"api.yaml: is UTF-16 text, and only UTF-8 is read"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := read(t, manifest.Options{Root: write(t, test.files)})
			if d := cmp.Diff(test.names, h.names()); d != "" {
				t.Errorf("objects (-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.gaps, h.gaps); d != "" {
				t.Errorf("gaps (-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.hints, h.hints); d != "" {
				t.Errorf("hints (-want +got):\n%s", d)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	deep := strings.Repeat("[", 1001) + strings.Repeat("]", 1001)
	var blocks strings.Builder
	for i := range 1001 {
		blocks.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	tests := []struct {
		name, file, text, gap string
	}{
		{"a file that is too large", "x.yaml", strings.Repeat("#", 2001), "x.yaml: is larger than the limit"},
		{"brackets that are too deep", "x.yaml", "a: " + deep, "x.yaml:1: is nested deeper than 1000 levels"},
		{"JSON that is too deep", "x.json", deep + " GOOGLE_APPLICATION_CREDENTIALS", "x.json:1: is nested deeper than 1000 levels"},
		{"blocks that are too deep", "x.yaml", blocks.String(), "x.yaml:1001: is nested too deep"},
		{"too many documents", "x.yaml", strings.Repeat("---\n", 12), "x.yaml: holds more than 10 documents"},
		{"aliases that explode", "x.yaml", bomb, "x.yaml:6: its aliases expand to more than 1048576 values"},
		{"an anchor that holds itself", "x.yaml", "a: &a [*a]", "x.yaml:1: an anchor holds itself"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			size := int64(1 << 20)
			if len(test.text) == 2001 {
				size = 2000
			}
			h := read(t, manifest.Options{Root: write(t, map[string]string{test.file: test.text}), Limits: manifest.Limits{FileBytes: size, Documents: 10}})
			if d := cmp.Diff([]string{test.gap}, h.gaps); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	h := read(t, manifest.Options{Root: write(t, map[string]string{"list.yaml": "apiVersion: v1\nkind: List\nitems:\n" + indent(api, "- ", "  ")}), ID: "repo"})
	pod := object.Keys("spec", "template", "spec")
	tests := []struct {
		field object.Path
		want  []object.Place
	}{
		{pod.Join(object.Key("containers"), object.Item("name", "app"), object.Key("env"), object.Item("name", "GOOGLE_APPLICATION_CREDENTIALS")),
			[]object.Place{{Origin: object.Origin{Source: "repo", Path: "list.yaml", Document: 1, Line: 15, Column: 13}, Role: object.Manifest}}},
		{pod.Join(object.Key("volumes")), []object.Place{{Origin: object.Origin{Source: "repo", Path: "list.yaml", Document: 1, Line: 19, Column: 9}, Role: object.Manifest}}},
		{pod.Join(object.Key("serviceAccountName")), nil},
	}
	for _, test := range tests {
		for i := range test.want {
			test.want[i].Field = object.Path{object.Key("items"), object.At(0)}.Join(test.field...)
		}
		if d := cmp.Diff(test.want, h.objects[0].Locator.Locate(test.field)); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.field, d)
		}
	}
}

func TestNamespaceRulesNeverOverride(t *testing.T) {
	written := strings.Replace(api, "name: api\n", "name: api\n  namespace: own\n", 1)
	root := write(t, map[string]string{"a/x.yaml": api, "a/b/x.yaml": api, "a/b/y.yaml": written, "c.yaml": api})
	h := read(t, manifest.Options{Root: root, Namespaces: []manifest.NamespaceRule{{".", "root"}, {"a", "outer"}, {"a/b/", "inner"}, {"a/bb", "no"}}})
	var got []string
	for _, o := range h.objects {
		got = append(got, o.Origins[0].Path+" "+o.Ref.Namespace)
	}
	if d := cmp.Diff([]string{"a/b/x.yaml inner", "a/b/y.yaml own", "a/x.yaml outer", "c.yaml root"}, got); d != "" {
		t.Error(d)
	}
}

func TestRelated(t *testing.T) {
	root := write(t, map[string]string{
		"api.yaml":     api,
		"sa.yaml":      "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: api}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: apis}\n",
		"rb.yaml":      "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r}\nsubjects:\n- {kind: User, name: 'system:serviceaccount:x:api'}\n",
		"mesh.yaml":    "apiVersion: v1\nkind: AuthorizationPolicy\nmetadata: {name: m}\nspec: {principals: [cluster.local/ns/x/serviceaccount/api]}\n",
		"secret.yaml":  "apiVersion: v1\nkind: Secret\nmetadata: {name: api-key}\n",
		"other.yaml":   "apiVersion: v1\nkind: Secret\nmetadata: {name: other}\n",
		"cm.yaml":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: env}\n",
		"netpol.yaml":  "apiVersion: v1\nkind: NetworkPolicy\nmetadata: {name: n}\n",
		"service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: api}\n",
		// Any field of a custom resource can name a Secret; a field of Kubernetes' own objects is known.
		"store.yaml":  "apiVersion: example.com/v1\nkind: Store\nmetadata: {name: s}\nspec: {keeper: api-key}\n",
		"store2.yaml": "kind: Store\napiVersion: \"example.com/v1\"\nmetadata: {name: t}\nspec:\n  keepers:\n  - 'api-key'\n---\napiVersion: example.com/v1\nkind: Store\nmetadata: {name: u}\n",
		"store3.yaml": "apiVersion: v1\nkind: Endpoints\nmetadata: {name: v}\nspec: {keeper: api-key}\n",
		"store4.yaml": "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: v}\ndescription: api-key\n",
	})
	reader, h := manifest.New(manifest.Options{Root: root}), &heard{}
	if err := reader.Read(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	h.objects = nil
	err := reader.Related(context.Background(), scanner.Interest{
		ServiceAccounts: []scanner.Ref{{Name: "api"}},
		Secrets:         []scanner.Holder{{Kind: "Secret", Name: "api-key"}},
		ConfigMaps:      []scanner.Holder{{Kind: "ConfigMap", Name: "env"}},
		Workloads:       []scanner.Ref{{Kind: "Deployment", Name: "api"}},
	}, h)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ConfigMap/env cm.yaml:1:1:1", "AuthorizationPolicy/m mesh.yaml:1:1:1", "NetworkPolicy/n netpol.yaml:1:1:1", "RoleBinding/r rb.yaml:1:1:1",
		"ServiceAccount/api sa.yaml:1:1:1", "Secret/api-key secret.yaml:1:1:1", "Store/s store.yaml:1:1:1", "Store/t store2.yaml:1:1:1"}
	if d := cmp.Diff(want, h.names()); d != "" {
		t.Error(d)
	}
	if len(h.source.Files) != 9 {
		t.Errorf("digests of %d files, want 9", len(h.source.Files))
	}
}

func TestRender(t *testing.T) {
	tree := fstest.MapFS{"a/api.yaml": {Data: []byte(api)}, "b.yaml": {Data: []byte("apiVersion: v1\nkind: Service\nmetadata: {name: api}\n")}}
	reader := manifest.New(manifest.Options{Root: "."})
	for _, test := range []struct {
		refs []scanner.Ref
		want int
	}{{nil, 2}, {[]scanner.Ref{{APIVersion: "v1", Kind: "Service", Name: "api"}}, 1}, {[]scanner.Ref{}, 0}} {
		got, err := reader.Render(context.Background(), tree, test.refs)
		if err != nil || len(got) != test.want {
			t.Errorf("Render(%v): %d objects and error %v, want %d", test.refs, len(got), err, test.want)
		}
	}
}

func TestLinksAndPipes(t *testing.T) {
	outside := write(t, map[string]string{"api.yaml": api})
	root := write(t, map[string]string{"in/api.yaml": api})
	for link, to := range map[string]string{"out": outside, "out.yaml": filepath.Join(outside, "api.yaml"), "up.yaml": "../../x.yaml", "in/twice.yaml": "api.yaml", "gone.yaml": "nothing"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	h := read(t, manifest.Options{Root: root})
	if d := cmp.Diff([]string{"Deployment/api in/api.yaml:1:1:1"}, h.names()); d != "" {
		t.Error(d)
	}
	want := []string{"gone.yaml: is a link to a file that does not exist", "out: is a link that leaves the root, which is not followed",
		"out.yaml: is a link that leaves the root, which is not followed", "up.yaml: is a link that leaves the root, which is not followed"}
	if d := cmp.Diff(want, h.gaps); d != "" {
		t.Error(d)
	}
}

func TestStdin(t *testing.T) {
	h := read(t, manifest.Options{Root: "-", Stdin: strings.NewReader(api)})
	if d := cmp.Diff([]string{"Deployment/api -:1:1:1"}, h.names()); d != "" {
		t.Error(d)
	}
}
