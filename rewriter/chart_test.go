package rewriter_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const chartYAML = "apiVersion: v2\nname: api\nversion: 1.0.0\n"

// application deploys charts/api to the namespace shop with the values of values.yaml there.
const application = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: api
  namespace: argocd
spec:
  destination:
    namespace: shop
    server: https://kubernetes.default.svc
  source:
    repoURL: https://git.example.com/acme/deploy.git
    path: charts/api
`

// A chart's wiring is edited where it is written: in its values, or in a template of its own, proven by rendering.
func TestCharts(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  map[string]string
		holds []string
	}{
		{
			name: "wiring in the template",
			files: map[string]string{"charts/api/Chart.yaml": chartYAML, "charts/api/values.yaml": "image: api:1\nreplicas: 2\n", "app.yaml": application,
				"charts/api/templates/api.yaml": strings.Replace(strings.Replace(wired, "image: api:1 # pinned", "image: {{ .Values.image }}", 1), "spec:\n  template", "spec:\n  replicas: {{ .Values.replicas }}\n  template", 1)},
			want: map[string]string{
				"charts/api/templates/api.yaml":                strings.Replace(strings.Replace(unwired, "image: api:1 # pinned", "image: {{ .Values.image }}", 1), "spec:\n  template", "spec:\n  replicas: {{ .Values.replicas }}\n  template", 1),
				"charts/api/templates/api-serviceaccount.yaml": serviceAccount("api", "", account),
			},
		},
		{
			name: "wiring in the values",
			files: map[string]string{"charts/api/Chart.yaml": chartYAML, "app.yaml": application,
				"charts/api/values.yaml": "image: api:1\nserviceAccountName: \"\"\nextraEnv:\n- name: GOOGLE_APPLICATION_CREDENTIALS\n  value: /secrets/key.json\n- name: LOG\n  value: debug\nextraVolumeMounts:\n- name: key\n  mountPath: /secrets\nextraVolumes:\n- name: key\n  secret:\n    secretName: api-key\n",
				"charts/api/templates/api.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
      - name: app
        image: {{ .Values.image }}
        {{- with .Values.extraEnv }}
        env:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        volumeMounts:
          {{- toYaml . | nindent 10 }}
        {{- end }}
      {{- with .Values.extraVolumes }}
      volumes:
        {{- toYaml . | nindent 8 }}
      {{- end }}
`},
			want: map[string]string{
				"charts/api/values.yaml": "image: api:1\nserviceAccountName: \"\"\nextraEnv:\n- name: LOG\n  value: debug\n",
				"charts/api/templates/api.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      serviceAccountName: api
      containers:
      - name: app
        image: {{ .Values.image }}
        {{- with .Values.extraEnv }}
        env:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        volumeMounts:
          {{- toYaml . | nindent 10 }}
        {{- end }}
      {{- with .Values.extraVolumes }}
      volumes:
        {{- toYaml . | nindent 8 }}
      {{- end }}
`,
				"charts/api/templates/api-serviceaccount.yaml": serviceAccount("api", "", account),
			},
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
				want[name] = text
			}
			result := draft(t, files, map[string]string{"shop": account})
			var holds []string
			for _, h := range result.Plan.Holds {
				holds = append(holds, h.Workload.String()+" "+h.Code)
				t.Log(h.Reason)
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
