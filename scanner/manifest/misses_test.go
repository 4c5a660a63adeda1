package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner/manifest"
)

// What no object has is still said: settings in values, Secrets that a chart writes, branches that are off.
func TestWhatNothingRenders(t *testing.T) {
	const (
		chart = "apiVersion: v2\nname: hub\nversion: 1.0.0\n"
		taken = "values that a template takes up"
		// deployed is a patch, up to the items of env.
		deployed = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        env:\n"
	)
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: hub}\nspec:\n  containers:\n  - name: hub\n    image: hub\n    env:\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			name:  "values in a mapping, for a chart that is elsewhere",
			files: map[string]string{"config/prod.yaml": "hub:\n  archiver:\n    extraEnv:\n      GOOGLE_APPLICATION_CREDENTIALS: /secrets/key.json\n"},
			want:  []string{"config/prod.yaml:4:7: template GOOGLE_APPLICATION_CREDENTIALS (" + taken + ")"},
		},
		{
			name:  "values in a list",
			files: map[string]string{"prod.yaml": "extraEnvVars:\n- name: GOOGLE_APPLICATION_CREDENTIALS\n  value: /secrets/key.json\n"},
			want:  []string{"prod.yaml:2:3: template GOOGLE_APPLICATION_CREDENTIALS (" + taken + ")"},
		},
		{
			name:  "plain env, beside a volume of a Secret",
			files: map[string]string{"prod.yaml": "app:\n  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /s/key.json}]\n  volumes: [{name: s, secret: {secretName: s}}]\n"},
			want:  []string{"prod.yaml:2:10: template GOOGLE_APPLICATION_CREDENTIALS (" + taken + ")"},
		},
		{
			name:  "a block that is repeated is one setting",
			files: map[string]string{"jobs.yaml": "jobs:\n- &job\n  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /s/key.json}]\n  volumeMounts: [{name: s, mountPath: /s}]\n- *job\n- env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /s/key.json}]\n  volumeMounts: [{name: s, mountPath: /s}]\n"},
			want:  []string{"jobs.yaml:3:10: template GOOGLE_APPLICATION_CREDENTIALS (" + taken + ")"},
		},
		{
			name:  "two variables of one block are two settings",
			files: map[string]string{"prod.yaml": "extraEnv:\n  E2E_GOOGLE_APPLICATION_CREDENTIALS: /s/key.json\n  GOOGLE_APPLICATION_CREDENTIALS: /s/key.json\n"},
			want: []string{
				"prod.yaml:2:3: template E2E_GOOGLE_APPLICATION_CREDENTIALS (" + taken + ")",
				"prod.yaml:3:3: template GOOGLE_APPLICATION_CREDENTIALS (" + taken + ")",
			},
		},
		{
			name: "a patch that takes the variable out of an overlay that does not render",
			files: map[string]string{
				"kustomization.yaml": "resources: [nowhere]\npatches: [{path: first.yaml}, {path: last.yaml}, {path: sets.yaml}]\n",
				"first.yaml":         deployed + "        - $patch: delete\n          name: GOOGLE_APPLICATION_CREDENTIALS\n          value: /s/key.json\n",
				"last.yaml":          deployed + "        - name: GOOGLE_APPLICATION_CREDENTIALS\n          value: /s/key.json\n          $patch: delete\n",
				"sets.yaml":          deployed + "        - $patch: delete\n          name: HOME\n        - name: GOOGLE_APPLICATION_CREDENTIALS\n          value: /s/key.json\n",
			},
			want: []string{"sets.yaml:12:17: not-provable GOOGLE_APPLICATION_CREDENTIALS (a part of an overlay that can not be rendered)"},
		},
		{
			name: "look-alikes",
			files: map[string]string{
				"comment.yaml":  "extraEnv:\n  A: b # GOOGLE_APPLICATION_CREDENTIALS: /x\n# extraEnv: {GOOGLE_APPLICATION_CREDENTIALS: /x}\n",
				"golden.yaml":   "metadata: {name: a}\nspec:\n  containers:\n  - env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /x}]\n    volumeMounts: [{name: a, mountPath: /x}]\n",
				"empty.yaml":    "extraEnv: {GOOGLE_APPLICATION_CREDENTIALS: \"\"}\nextraEnvVars: [{name: GOOGLE_APPLICATION_CREDENTIALS}]\n",
				"ci.yaml":       "jobs:\n  test:\n    env: {GOOGLE_APPLICATION_CREDENTIALS: /x}\n    container: {image: a, volumes: [a:/b]}\n",
				"compose.yaml":  "services:\n  a:\n    image: a\n    environment: {GOOGLE_APPLICATION_CREDENTIALS: /x}\n    volumes: [{type: bind, source: ./x, target: /x}]\n",
				"playbook.yaml": "- shell: deploy\n  extraEnv: {GOOGLE_APPLICATION_CREDENTIALS: /x}\n",
				"text.yaml":     "note: |\n  extraEnv:\n    GOOGLE_APPLICATION_CREDENTIALS: /x\n",
				"assert.yaml":   "tests:\n- asserts:\n  - contains:\n      path: spec.containers[0].env\n      content: {name: GOOGLE_APPLICATION_CREDENTIALS, value: /x}\n",
			},
		},
		{
			name: "values that the chart takes up are in its objects",
			files: map[string]string{
				"hub/Chart.yaml": chart, "hub/values.yaml": "extraEnv: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /s/key.json}]\n",
				"hub/templates/pod.yaml": pod + "{{ toYaml .Values.extraEnv | indent 4 }}\n",
			},
		},
		{
			name: "values that the chart does not take up",
			files: map[string]string{
				"hub/Chart.yaml": chart, "hub/values.yaml": "extraEnv: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /s/key.json}]\n",
				"hub/templates/pod.yaml": pod + "    - {name: HOME, value: /root}\n",
			},
			want: []string{"hub/values.yaml:1:13: template GOOGLE_APPLICATION_CREDENTIALS (" + taken + ")"},
		},
		{
			name: "a branch that is off, of a template that gives an object with another key",
			files: map[string]string{
				"hub/Chart.yaml": chart, "hub/values.yaml": "proxy: {}\n",
				"hub/templates/pod.yaml": pod + "    - {name: GOOGLE_APPLICATION_CREDENTIALS, value: /s/key.json}\n{{- if .Values.proxy.on }}\n  - name: proxy\n    args:\n    - \"-credential_file=/s/{{ .Values.proxy.file }}\"\n{{- end }}\n",
			},
			want: []string{"hub/templates/pod.yaml:13:9: template -credential_file (a Helm template)"},
		},
		{
			name: "a variable that an entry fills, by its name alone",
			files: map[string]string{
				"hub/Chart.yaml": chart, "hub/values.yaml": "gcp: {}\n",
				"hub/templates/pod.yaml": pod + "    - {name: HOME, value: /root}\n{{- if .Values.gcp.on }}\n    - name: GCLOUD_SERVICE_KEY\n      valueFrom:\n        secretKeyRef: {name: hub, key: gcloud}\n    - name: GOOGLE_CLIENT_SECRET\n      valueFrom:\n        secretKeyRef: {name: hub, key: oauth}\n{{- end }}\n",
			},
			want: []string{"hub/templates/pod.yaml:11:13: template GCLOUD_SERVICE_KEY (a Helm template)"},
		},
		{
			name: "a Secret that a chart writes from a value: the chart does not render",
			files: map[string]string{
				"hub/Chart.yaml": chart, "hub/values.yaml": "hub: {}\n",
				"hub/templates/fail.yaml":   "{{ include \"nowhere\" . }}\n",
				"hub/templates/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: hub}\ndata:\n  service-account.json: {{ .Values.hub.serviceAccountKey | b64enc | quote }}\n",
			},
			want: []string{"hub/templates/secret.yaml:5:3: template  (a Helm template that writes a key into the entry service-account.json of a Secret)"},
		},
		{
			name: "a Secret in the second document, its value in a block",
			files: map[string]string{
				"hub/Chart.yaml": chart, "hub/values.yaml": "gcp: {}\n",
				"hub/templates/secret.yaml": "{{- if .Values.gcp.credentials }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: hub}\ndata:\n  service-account.json: {{ .Values.path }}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: hub}\ndata:\n  service_account.json: |-\n{{ .Values.gcp.credentials | indent 4 }}\n{{- end }}\n",
			},
			want: []string{"hub/templates/secret.yaml:12:3: template  (a Helm template that writes a key into the entry service_account.json of a Secret)"},
		},
		{
			name: "a Google entry counts in a chart that names a key variable, and no other entry does",
			files: map[string]string{
				"hub/Chart.yaml": chart, "hub/values.yaml": "gcs: {}\n",
				"hub/templates/pod.yaml":    pod + "    - {name: HOME, value: /root}\n{{- if .Values.gcs.on }}\n    - name: GOOGLE_APPLICATION_CREDENTIALS\n      value: /s/key.json\n{{- end }}\n",
				"hub/templates/secret.yaml": "{{- if .Values.gcs.on }}\napiVersion: v1\nkind: Secret\nmetadata: {name: hub}\ndata:\n  key.json: {{ .Values.gcs.jsonKey | b64enc }}\n  google-client-secret: {{ .Values.google.clientSecret | b64enc }}\n  tls.key: {{ .Values.gcs.tlsKey | b64enc }}\n  config.json: {{ .Values.config | b64enc }}\n{{- end }}\n",
			},
			want: []string{
				"hub/templates/pod.yaml:11:13: template GOOGLE_APPLICATION_CREDENTIALS (a Helm template)",
				"hub/templates/secret.yaml:6:3: template  (a Helm template that writes a key into the entry key.json of a Secret)",
			},
		},
		{
			name: "the same entry in a chart without one",
			files: map[string]string{
				"hub/Chart.yaml": chart, "hub/values.yaml": "gcs: {}\n",
				"hub/templates/secret.yaml": "{{- if .Values.gcs.on }}\napiVersion: v1\nkind: Secret\nmetadata: {name: hub}\ndata:\n  key.json: {{ .Values.gcs.jsonKey | b64enc }}\n{{- end }}\n",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := read(t, manifest.Options{Root: write(t, test.files), ID: "repo", Child: renderer("render")})
			if d := cmp.Diff(test.want, h.hints); d != "" {
				t.Errorf("hints (-want +got):\n%s", d)
			}
		})
	}
}
