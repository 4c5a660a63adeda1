package rewriter_test

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// helmCreate is a chart whose service account is chosen as `helm create` makes it.
const helmCreate = `-- charts/api/Chart.yaml --
apiVersion: v2
name: api
version: 1.0.0
-- charts/api/templates/_helpers.tpl --
{{- define "api.fullname" -}}{{ .Release.Name }}{{- end }}
{{- define "api.account" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "api.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}
-- charts/api/templates/serviceaccount.yaml --
{{- if .Values.serviceAccount.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "api.account" . }}
  labels:
    app: {{ .Chart.Name }}
  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: {{ .Values.serviceAccount.automount }}
{{- end }}
-- charts/api/templates/deployment.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "api.fullname" . }}
spec:
  template:
    spec:
      serviceAccountName: {{ include "api.account" . }}
      containers:
        - name: app
          image: {{ .Values.image }}
          env:
            {{- if .Values.gcp.enabled }}
            - name: GOOGLE_APPLICATION_CREDENTIALS
              value: /secrets/key.json
            {{- end }}
            {{- range $name, $value := .Values.env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          volumeMounts:
            {{- if or .Values.gcp.enabled .Values.key }}
            - name: key
              mountPath: /secrets
            {{- end }}
            {{- with .Values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        {{- if or .Values.gcp.enabled .Values.key }}
        - name: key
          secret:
            secretName: {{ .Values.key | default "api-key" }}
        {{- end }}
        {{- with .Values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
-- charts/api/values.yaml --
image: api:1
serviceAccount:
  # the chart makes none
  create: false
  automount: true
  annotations: {}
  name: ""
gcp:
  enabled: false
key: ""
extraEnv: []
extraVolumes: []
extraVolumeMounts: []
`

// wiringValues are the wiring as values, at an indentation.
func wiringValues(indent string) string {
	return strings.ReplaceAll(`extraEnv:
  - name: GOOGLE_APPLICATION_CREDENTIALS
    value: /secrets/key.json
extraVolumes:
  - name: key
    secret:
      secretName: api-key
extraVolumeMounts:
  - name: key
    mountPath: /secrets
`, "\n", "\n"+indent)
}

// deployed is an Application of the chart in a namespace, with what its source says for Helm.
func deployed(name, helm string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: " + name + "\n  namespace: argocd\nspec:\n  destination:\n    namespace: " + name +
		"\n    server: https://kubernetes.default.svc\n  source:\n    repoURL: https://git.example.com/acme/deploy.git\n    path: charts/api\n    helm:\n" + helm
}

const (
	shopAccount  = "    iam.gke.io/gcp-service-account: " + account + "\n"
	otherAccount = "other@acme.iam.gserviceaccount.com"
)

// worker is a workload that runs under the chart's service account too.
const worker = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "api.fullname" . }}-worker
spec:
  template:
    spec:
      serviceAccountName: {{ include "api.account" . }}
      containers:
      - name: worker
        image: {{ .Values.image }}
        env:
          {{- toYaml .Values.extraEnv | nindent 10 }}
        volumeMounts:
          {{- toYaml .Values.extraVolumeMounts | nindent 10 }}
      {{- if gt (len .Values.extraVolumes) 0 }}
      volumes:
        {{- toYaml .Values.extraVolumes | nindent 8 }}
      {{- end }}
`

// What a chart exposes is edited in the values, where they stand: each want is what a file has instead of a text.
func TestChartValues(t *testing.T) {
	const values = "charts/api/values.yaml"
	asked := [3]string{values, "create: false\n  automount: true\n  annotations: {}\n", "create: true\n  automount: true\n  annotations:\n" + shopAccount}
	for _, test := range []struct {
		name     string
		files    map[string]string
		replace  [][3]string // before: file, old, new
		accounts map[string]string
		want     [][3]string // after: file, old, new
		holds    []string
	}{
		{
			name: "lists in the chart's own values", files: map[string]string{"app.yaml": deployed("shop", "      releaseName: shop\n")},
			replace: [][3]string{{values, "extraEnv: []\nextraVolumes: []\nextraVolumeMounts: []\n", wiringValues("")}},
			want:    [][3]string{asked, {values, wiringValues(""), ""}},
		},
		{
			name:    "a switch in the values of two releases",
			files:   map[string]string{"a.yaml": deployed("shop", "      valuesObject:\n        gcp:\n          enabled: true\n"), "b.yaml": deployed("dev", "      valueFiles: [values-dev.yaml]\n"), "charts/api/values-dev.yaml": "image: api:2\ngcp:\n  enabled: true # the key\n"},
			replace: [][3]string{}, accounts: map[string]string{"shop": account, "dev": otherAccount},
			want: [][3]string{
				{"a.yaml", "        gcp:\n          enabled: true\n", "        serviceAccount:\n          create: true\n          annotations:\n        " + shopAccount + "        gcp:\n          enabled: false\n"},
				{"charts/api/values-dev.yaml", "enabled: true # the key\n", "enabled: false # the key\nserviceAccount:\n  create: true\n  annotations:\n" + strings.Replace(shopAccount, account, otherAccount, 1)},
			},
		},
		{
			name:  "parameters are texts, and read as Helm reads them",
			files: map[string]string{"app.yaml": deployed("shop", "      parameters:\n        - name: serviceAccount.create\n          value: \"false\"\n        - name: gcp.enabled\n          value: \"true\"\n")},
			want: [][3]string{
				{"app.yaml", "create\n          value: \"false\"\n        - name: gcp.enabled\n          value: \"true\"", "create\n          value: \"true\"\n        - name: gcp.enabled\n          value: \"false\""},
				{values, "annotations: {}\n", "annotations:\n" + shopAccount},
			},
		},
		{
			name: "values as a text in the second document",
			files: map[string]string{"apps.yaml": deployed("dev", "      values: |\n        image: api:2\n") + "---\n" +
				deployed("shop", "      values: |\n        # where the key is\n        extraEnv:\n          - name: GOOGLE_APPLICATION_CREDENTIALS\n            value: /secrets/key.json\n          - name: A\n            value: b\n        key: api-key\n")},
			want: [][3]string{
				{"apps.yaml", "          - name: GOOGLE_APPLICATION_CREDENTIALS\n            value: /secrets/key.json\n", ""},
				{"apps.yaml", "        key: api-key\n", "        key: \"\"\n        serviceAccount:\n          create: true\n          annotations:\n        " + shopAccount},
			},
		},
		{
			name:    "a list that hides the chart's is left empty",
			files:   map[string]string{"app.yaml": deployed("shop", "      valueFiles: [values-shop.yaml]\n"), "charts/api/values-shop.yaml": wiringValues("")},
			replace: [][3]string{{values, "extraEnv: []\n", "extraEnv:\n  - name: A\n    value: b\n"}},
			want:    [][3]string{asked, {"charts/api/values-shop.yaml", wiringValues(""), "extraEnv: []\nextraVolumes: []\nextraVolumeMounts: []\n"}},
		},
		{
			name:    "a variable by its name",
			files:   map[string]string{"app.yaml": deployed("shop", "      releaseName: shop\n")},
			replace: [][3]string{{values, "key: \"\"\n", "key: api-key\nenv:\n  A: b\n  GOOGLE_APPLICATION_CREDENTIALS: /secrets/key.json\n"}},
			want:    [][3]string{asked, {values, "key: api-key\n", "key: \"\"\n"}, {values, "  GOOGLE_APPLICATION_CREDENTIALS: /secrets/key.json\n", ""}},
		},
		{
			name:  "a HelmRelease of Flux",
			files: map[string]string{"release.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: api\n  namespace: shop\nspec:\n  chart:\n    spec:\n      chart: ./charts/api\n      sourceRef:\n        kind: GitRepository\n        name: deploy\n  values:\n    gcp:\n      enabled: true\n    serviceAccount:\n      name: default\n"},
			want: [][3]string{
				asked,
				{"release.yaml", "enabled: true\n    serviceAccount:\n      name: default\n", "enabled: false\n    serviceAccount:\n      name: api\n"},
			},
		},
		{
			name:    "two workloads whose service account one value chooses",
			files:   map[string]string{"app.yaml": deployed("shop", "      releaseName: shop\n"), "charts/api/templates/worker.yaml": worker},
			replace: [][3]string{{values, "extraEnv: []\nextraVolumes: []\nextraVolumeMounts: []\n", wiringValues("")}},
			want:    [][3]string{asked, {values, wiringValues(""), "extraEnv: []\nextraVolumes: []\nextraVolumeMounts: []\n"}},
		},
		{
			name:    "a bystander whose service account the same value chooses",
			files:   map[string]string{"app.yaml": deployed("shop", "      releaseName: shop\n"), "charts/api/templates/worker.yaml": worker[:strings.Index(worker, "        env:")]},
			replace: [][3]string{{values, "enabled: false", "enabled: true"}},
			holds:   []string{"shop/Deployment/shop not-provable"},
		},
		{
			name:    "a value that switches more than the wiring stays on",
			files:   map[string]string{"app.yaml": deployed("shop", "      releaseName: shop\n"), "charts/api/templates/config.yaml": "{{- if .Values.gcp.enabled }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: gcp\n{{- end }}\n"},
			replace: [][3]string{{values, "enabled: false", "enabled: true"}},
			want: [][3]string{asked,
				{"charts/api/templates/deployment.yaml", "            {{- if .Values.gcp.enabled }}\n            - name: GOOGLE_APPLICATION_CREDENTIALS\n              value: /secrets/key.json\n            {{- end }}\n", ""},
				{"charts/api/templates/deployment.yaml", "            {{- if or .Values.gcp.enabled .Values.key }}\n            - name: key\n              mountPath: /secrets\n            {{- end }}\n", ""},
				{"charts/api/templates/deployment.yaml", "        {{- if or .Values.gcp.enabled .Values.key }}\n        - name: key\n          secret:\n            secretName: {{ .Values.key | default \"api-key\" }}\n        {{- end }}\n", ""},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := map[string]string{}
			for name, file := range tree(helmCreate) {
				text[name] = string(file.Data)
			}
			maps.Copy(text, test.files)
			edit := func(edits [][3]string) {
				for _, e := range edits {
					if !strings.Contains(text[e[0]], e[1]) {
						t.Fatalf("%s does not have %q", e[0], e[1])
					}
					text[e[0]] = strings.Replace(text[e[0]], e[1], e[2], 1)
				}
			}
			edit(test.replace)
			files := fstest.MapFS{}
			for name, content := range text {
				files[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
			}
			accounts := test.accounts
			if accounts == nil {
				accounts = map[string]string{"shop": account}
			}
			result := draft(t, files, accounts)
			var holds []string
			for _, h := range result.Plan.Holds {
				holds = append(holds, h.Workload.String()+" "+h.Code)
				t.Log(h.Reason)
			}
			if diff := cmp.Diff(test.holds, holds); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
			edit(test.want)
			if diff := cmp.Diff(text, gitApply(t, files, result.Patch)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}
