package manifest_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/manifest"
)

const (
	chartYAML = "apiVersion: v2\nname: api\nversion: 1.0.0\n"
	helpers   = "{{- define \"api.name\" -}}\n{{ .Release.Name }}\n{{- end }}\n"
	// deployment is a company's own template: the key is always mounted, more comes from the values.
	deployment = `{{- /* the API */ -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "api.name" . }}
  labels:
    {{- toYaml .Values.labels | nindent 4 }}
spec:
  template:
    spec:
      {{- with .Values.serviceAccount.name }}
      serviceAccountName: {{ . }}
      {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image }}:{{ .Values.tag | default "v1" }}"
          env:
            - name: GOOGLE_APPLICATION_CREDENTIALS
              value: {{ .Values.key.path | quote }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          volumeMounts:
            - name: key
              mountPath: /var/key
      volumes:
        - name: key
          secret:
            secretName: {{ .Values.key.secret }}
        {{- if .Values.extraVolumes }}
        {{- toYaml .Values.extraVolumes | nindent 8 }}
        {{- end }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Values.serviceAccount.name }}
  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
`
	values = `image: acme/api
labels: {team: platform}
key:
  path: /var/key/key.json
  secret: api-key
serviceAccount:
  name: api
  annotations: {}
`
)

func withChart(more ...string) map[string]string {
	files := map[string]string{
		"charts/api/Chart.yaml": chartYAML, "charts/api/values.yaml": values,
		"charts/api/templates/_helpers.tpl": helpers, "charts/api/templates/deployment.yaml": deployment,
	}
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

func TestCharts(t *testing.T) {
	const env = "spec.template.spec.containers[name=api].env[name=GOOGLE_APPLICATION_CREDENTIALS]"
	const application = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: prod-api, namespace: argocd}
spec:
  destination: {namespace: prod, server: https://kubernetes.default.svc}
  source:
    repoURL: https://example.com/acme/deploy.git
    path: charts/api
    helm:
      valueFiles: [values-prod.yaml]
      values: |
        key:
          secret: prod-key
      parameters:
      - name: key.path
        value: /var/key/prod.json
`
	tests := []struct {
		name  string
		files map[string]string
		refs  []string
		root  string
		at    map[string][]string
		gaps  []string
		hints []string
	}{
		{
			name: "a chart that nothing deploys, with its own values", files: withChart(),
			refs: []string{"Deployment/api charts/api"}, root: "charts/api",
			at: map[string][]string{
				env + ".value":                          {"charts/api/values.yaml:1:4:3 values key.path charts/api"},
				env:                                     {"charts/api/templates/deployment.yaml:1:18:15 template spec.template.spec.containers[0].env[0] charts/api"},
				keyVol + ".secret":                      {"charts/api/templates/deployment.yaml:1:28:11 template spec.template.spec.volumes[0].secret charts/api"},
				keyVol + ".secret.secretName":           {"charts/api/values.yaml:1:5:3 values key.secret charts/api"},
				"spec.template.spec.serviceAccountName": {"charts/api/values.yaml:1:7:3 values serviceAccount.name charts/api"},
				"metadata.labels":                       {"charts/api/values.yaml:1:2:1 values labels charts/api"},
			},
		},
		{
			name:  "an Application with files, a text and parameters",
			files: withChart("charts/api/values-prod.yaml", "tag: v2\n", "argocd/prod.yaml", application),
			refs:  []string{"prod/Deployment/prod-api charts/api@argocd:prod-api"}, root: "charts/api@argocd:prod-api",
			at: map[string][]string{
				env + ".value":                {"argocd/prod.yaml:1:16:9 values spec.source.helm.parameters[0].value charts/api@argocd:prod-api"},
				keyVol + ".secret.secretName": {"argocd/prod.yaml:1:13:11 values spec.source.helm.values > key.secret charts/api@argocd:prod-api"},
			},
		},
		{
			name:  "values beside the chart, each a release of its own",
			files: withChart("charts/api/values-dev.yaml", "key: {secret: dev-key}\n", "charts/api/values-prod.yaml", "key: {secret: prod-key}\n"),
			refs:  []string{"Deployment/api charts/api@values-dev.yaml", "Deployment/api charts/api@values-prod.yaml"}, root: "charts/api@values-prod.yaml",
			at: map[string][]string{
				keyVol + ".secret.secretName": {"charts/api/values-prod.yaml:1:1:7 values key.secret charts/api@values-prod.yaml"},
				env:                           {"charts/api/templates/deployment.yaml:1:18:15 template spec.template.spec.containers[0].env[0] charts/api@values-dev.yaml,charts/api@values-prod.yaml"},
			},
		},
		{
			name: "a Flux release, with lists of values",
			files: withChart("charts/api/templates/deployment.yaml", strings.ReplaceAll(deployment, "GOOGLE_APPLICATION_CREDENTIALS", "OTHER"), "flux/api.yaml", `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: api, namespace: prod}
spec:
  chart:
    spec:
      chart: ./charts/api
      sourceRef: {kind: GitRepository, name: flux-system}
  values:
    extraEnv:
    - name: GOOGLE_APPLICATION_CREDENTIALS
      value: /more/key.json
    extraVolumes:
    - name: more
      secret: {secretName: more-key}
`),
			refs: []string{"prod/Deployment/api charts/api@flux:prod/api"}, root: "charts/api@flux:prod/api",
			at: map[string][]string{
				env:                                     {"flux/api.yaml:1:11:7 values spec.values.extraEnv[0] charts/api@flux:prod/api"},
				"spec.template.spec.volumes[name=more]": {"flux/api.yaml:1:14:7 values spec.values.extraVolumes[0] charts/api@flux:prod/api"},
			},
		},
		{
			name: "an ApplicationSet over a list",
			files: withChart("charts/api/values-eu.yaml", "key: {secret: eu-key}\n", "argocd/set.yaml", `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api}
spec:
  generators:
  - list:
      elements:
      - {region: eu}
  template:
    metadata: {name: 'api-{{region}}'}
    spec:
      destination: {namespace: 'api-{{region}}'}
      source:
        path: charts/api
        helm: {valueFiles: ['values-{{region}}.yaml']}
`),
			refs: []string{"api-eu/Deployment/api-eu charts/api@argocd:api-eu"}, root: "charts/api@argocd:api-eu",
			at: map[string][]string{keyVol + ".secret.secretName": {"charts/api/values-eu.yaml:1:1:7 values key.secret charts/api@argocd:api-eu"}},
		},
		{
			name:  "a helmfile",
			files: withChart("helmfile.yaml", "releases:\n- name: shop\n  namespace: shop\n  chart: ./charts/api\n  values:\n  - key: {secret: shop-key}\n"),
			refs:  []string{"shop/Deployment/shop charts/api@helmfile:shop"}, root: "charts/api@helmfile:shop",
			at: map[string][]string{keyVol + ".secret.secretName": {"helmfile.yaml:1:6:11 values releases[0].values[0].key.secret charts/api@helmfile:shop"}},
		},
		{
			name:  "a branch that no values switch on is a hint",
			files: withChart("charts/api/templates/deployment.yaml", "{{- if .Values.off }}\n"+deployment+"{{- end }}\n"),
			hints: []string{"charts/api/templates/deployment.yaml:19:21: template GOOGLE_APPLICATION_CREDENTIALS (a Helm template)"},
		},
		{
			name: "a Secret whose entries a loop makes, and a condition names",
			files: withChart("charts/api/templates/deployment.yaml", "kind: Nothing\n", "charts/api/templates/secret.yaml",
				"apiVersion: v1\nkind: Secret\nmetadata:\n  name: api\ndata:\n{{- range $name, $value := .Values.env }}\n{{- if eq $name \"GOOGLE_CREDENTIALS_JSON\" }}\n  {{ $name }}: {{ $value }}\n{{- else if eq $name \"AWS_SECRET_ACCESS_KEY\" }}\n{{- end }}\n{{- end }}\n"),
			hints: []string{"charts/api/templates/secret.yaml:7:18: template GOOGLE_CREDENTIALS_JSON (a Helm template)"},
		},
		{
			name:  "a chart that can not be rendered is a gap, and its mentions are hints",
			files: withChart("charts/api/templates/bad.yaml", "{{ include \"gone\" . }}\n"),
			gaps:  []string{"charts/api/Chart.yaml: Helm can not render it: a template includes one that is not there"},
			hints: []string{"charts/api/templates/deployment.yaml:18:21: template GOOGLE_APPLICATION_CREDENTIALS (a Helm template)"},
		},
		{
			name:  "a template that never ends",
			files: withChart("charts/api/templates/bad.yaml", "{{ include \"api.name\" . }}{{ range until 2000000000 }}x{{ end }}\n"),
			gaps:  []string{"charts/api/Chart.yaml: takes more than 512 MiB of memory to render, and was cut off"},
			hints: []string{"charts/api/templates/deployment.yaml:18:21: template GOOGLE_APPLICATION_CREDENTIALS (a Helm template)"},
		},
		{
			name:  "something random does not change from scan to scan",
			files: withChart("charts/api/values.yaml", values+"labels: {team: b}\n", "charts/api/templates/deployment.yaml", strings.Replace(deployment, `"{{ .Values.image }}:`, `"{{ randAlphaNum 9 }}:`, 1)),
			refs:  []string{"Deployment/api charts/api"}, root: "charts/api",
			at: map[string][]string{keyVol + ".secret.secretName": {"charts/api/values.yaml:1:5:3 values key.secret charts/api"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := read(t, manifest.Options{
				Root: write(t, test.files), Child: renderer("render"),
				Limits: manifest.Limits{RenderTime: 10 * time.Minute}, // on a busy machine, memory is to be what cuts off
			})
			var refs []string
			for _, o := range h.objects {
				if o.Ref.Kind == "Deployment" {
					refs = append(refs, o.Ref.String()+" "+o.Root)
				}
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
				if d := cmp.Diff(want, places(find(t, h.objects, "Deployment", test.root), field)); d != "" {
					t.Errorf("%s (-want +got):\n%s", field, d)
				}
			}
		})
	}
}

func TestAnnotationsOfAChart(t *testing.T) {
	root := write(t, withChart("charts/api/values-prod.yaml", "serviceAccount: {annotations: {a: b}}\n"))
	reader := manifest.New(manifest.Options{Root: root, Child: renderer("render")})
	got, err := reader.Render(context.Background(), os.DirFS(root), []scanner.Ref{{APIVersion: "v1", Kind: "ServiceAccount", Name: "api"}})
	if err != nil || len(got) != 1 {
		t.Fatalf("Render: %v and error %v", got, err)
	}
	want := []string{`charts/api/values-prod.yaml:1:1:18 values serviceAccount.annotations["iam.gke.io/gcp-service-account"] charts/api@values-prod.yaml`}
	if d := cmp.Diff(want, places(got[0], `metadata.annotations["iam.gke.io/gcp-service-account"]`)); d != "" {
		t.Error(d)
	}
}

func TestChartsOfOthers(t *testing.T) {
	root := write(t, map[string]string{
		"flux/dns.yaml": `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: dns, namespace: dns}
spec:
  chart: {spec: {chart: external-dns, sourceRef: {kind: HelmRepository, name: x}}}
  values:
    google: {serviceAccountSecret: dns-key}
`,
		"umbrella/Chart.yaml":  "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n- {name: external-dns, alias: dns, repository: https://example.com}\n",
		"umbrella/values.yaml": "dns:\n  google:\n    serviceAccountSecret: dns-key # GOOGLE_APPLICATION_CREDENTIALS\n",
	})
	inventory, err := scanner.Scan(context.Background(), manifest.New(manifest.Options{Root: root, Child: renderer("render")}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range inventory.Findings {
		got = append(got, f.Workload.String()+" "+string(f.Via)+" "+f.Field+" "+f.Secret.Name+" "+f.Origins[0].Path)
	}
	want := []string{
		"HelmChart/umbrella reference values.dns.google.serviceAccountSecret dns-key umbrella/values.yaml",
		"dns/HelmRelease/dns reference values.google.serviceAccountSecret dns-key flux/dns.yaml",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDestinations(t *testing.T) {
	root := write(t, map[string]string{
		"apps/api/api.yaml": api,
		"argocd/api.yaml":   "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api}\nspec: {destination: {namespace: prod}, source: {path: apps/api}}\n",
		"flux/two.yaml":     "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: two, namespace: flux-system}\nspec: {path: ./apps/two, targetNamespace: two}\n",
		"apps/two/api.yaml": strings.Replace(api, "name: api\n", "name: api\n  namespace: other\n", 1),
	})
	h := read(t, manifest.Options{Root: root, Namespaces: []manifest.NamespaceRule{{"apps", "no"}}})
	if d := cmp.Diff([]string{"prod/Deployment/api apps/api/api.yaml:1:1:1", "two/Deployment/api apps/two/api.yaml:1:1:1"}, h.names()); d != "" {
		t.Error(d)
	}
}
