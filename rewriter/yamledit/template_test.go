package yamledit

import "testing"

func TestTemplate(t *testing.T) {
	const chart = `{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "x.fullname" . }}
  labels:
{{ include "x.labels" . | indent 4 }}
spec:
  template:
    metadata:
      {{- with .Values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- if .Values.hostNetwork }}
      hostNetwork: true
      {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default "latest" }}"
          env:
            - name: A
              value: {{ .Values.a | quote }}
            {{- if .Values.gcp }}
            - name: GOOGLE_APPLICATION_CREDENTIALS
              value: /var/key.json
            {{- end }}
            {{- /* more
            than one line */}}
            {{- range $k, $v := .Values.env }}
            - name: {{ $k }}
              value: {{ $v | quote }}
            {{- end }}
          volumeMounts:
            - name: key
              mountPath: /var
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          {{- if eq .Values.cloud "gcp" }}
          args:
            - --key=/var/key.json
          {{- else }}
          args:
            - --aws
          {{- end }}
      volumes:
        - name: key
          secret:
            secretName: {{ .Values.secret }}
        {{- if .Values.extraVolumes }}
        {{- toYaml .Values.extraVolumes | nindent 8 }}
        {{- end }}
{{- end }}
`
	const spec, container = "spec.template.spec", "spec.template.spec.containers[0]"
	tests := []shape{
		{
			name: "an item goes with the condition around it", in: chart,
			edits: []string{"remove " + container + ".env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
			want: `
-            {{- if .Values.gcp }}
-            - name: GOOGLE_APPLICATION_CREDENTIALS
-              value: /var/key.json
-            {{- end }}
`,
		},
		{
			name: "a list goes where no action writes into it", in: chart, edits: []string{"remove " + container + ".volumeMounts[name=key]"},
			want: `
-          volumeMounts:
-            - name: key
-              mountPath: /var
`,
		},
		{
			name: "a list stays where an action writes into it", in: chart, edits: []string{"remove " + spec + ".volumes[name=key]"},
			want: `
-        - name: key
-          secret:
-            secretName: {{ .Values.secret }}
`,
		},
		{
			name:  "a list that an action begins",
			in:    "a: 1\nenv:\n{{- toYaml .Values.env | nindent 0 }}\n{{- if .Values.key }}\n- name: K\n{{- end }}\nz: 1\n",
			edits: []string{"remove env[name=K]"},
			want:  "-{{- if .Values.key }}\n-- name: K\n-{{- end }}\n",
		},
		{name: "a key whose content an action writes", in: chart, edits: []string{"remove " + container + ".resources"}, refusal: "writes into"},
		{name: "an item that a loop writes", in: chart, edits: []string{"remove " + container + ".env[2]"}, refusal: "loop"},
		{name: "the only item, that a loop writes", in: "a: 1\nenv:\n{{- range .Values.env }}\n- name: {{ .n }}\n{{- end }}\n", edits: []string{"remove env[0]"}, refusal: "loop"},
		{name: "a key that stands in both branches", in: chart, edits: []string{"remove " + container + ".args[0]"}, refusal: "stands twice"},
		{
			name: "a field outside of the first key's condition", in: chart, edits: []string{"set " + spec + ".serviceAccountName = api-wi"},
			want: "+      serviceAccountName: api-wi\n",
		},
		{
			name: "a value that an action writes", in: chart, edits: []string{"set " + spec + ".volumes[0].secret.secretName = x"},
			want: "-            secretName: {{ .Values.secret }}\n+            secretName: x\n",
		},
		{name: "a field in a condition", in: chart, edits: []string{"set " + spec + ".hostNetwork = x"}, refusal: "condition"},
		{
			name: "an item by the action that names it", in: chart,
			edits: []string{`set spec.template.spec.containers[name="{{ .Chart.Name }}"].workingDir = x`},
			want:  "+          workingDir: x\n",
		},
		{
			name:  "what follows the labels that an action writes",
			in:    "kind: X\nmetadata:\n  name: x\n  labels:\n    {{- include \"l\" . | nindent 4 }}\nspec: {}\n",
			edits: []string{"set a = b", "set metadata.annotations.a = b"},
			want:  "+  annotations:\n+    a: b\n+a: b\n",
		},
		{
			name:  "an item behind those that an action writes",
			in:    "env:\n  - name: A\n    {{- toYaml .Values.rest | nindent 4 }}\n  {{- toYaml .Values.env | nindent 2 }}\nz: 1\n",
			edits: []string{"append env = B=>x"},
			want:  "+  - name: B\n+    value: x\n",
		},
		{
			name:  "an item whose rest an action writes",
			in:    "env:\n  - name: A\n    {{- toYaml .Values.rest | nindent 4 }}\n  - name: B\nz: 1\n",
			edits: []string{"remove env[name=A]"}, refusal: "writes into",
		},
		{
			name:  "an empty literal that an action fills",
			in:    "a:\n  b: |\n{{ .Files.Get \"x\" | indent 4 }}\n  c: 1\n",
			edits: []string{"remove a.b"}, refusal: "writes into",
		},
		{
			name:  "a list with conditions inside of it",
			in:    "a: 1\nenv:\n{{- if .Values.key }}\n- name: K\n{{- end }}\nz: 1\n",
			edits: []string{"remove env[name=K]"},
			want:  "-env:\n-{{- if .Values.key }}\n-- name: K\n-{{- end }}\n",
		},
		{
			name:  "half of a condition",
			in:    "a: 1\nenv:\n{{- if .Values.key }}\n- name: K\n{{- end }}\n{{- if .Values.x }}\n- name: X\n{{- end }}\nz: 1\n",
			edits: []string{"remove env"},
			want:  "-env:\n-{{- if .Values.key }}\n-- name: K\n-{{- end }}\n-{{- if .Values.x }}\n-- name: X\n-{{- end }}\n",
		},
		{
			name:  "an item that shares lines with a branch",
			in:    "env:\n- name: K\n{{- if .Values.key }}\n  value: a\n{{- else }}\n  other: b\n{{- end }}\n- name: X\n",
			edits: []string{"remove env[name=K]"}, refusal: "condition",
		},
		{name: "a condition that is not closed", in: "a: 1\n{{ if .x }}\nb: 2\n", edits: []string{"remove a"}, refusal: "pair"},
		{name: "an action that is not closed", in: "a: 1\nb: {{ x\n", edits: []string{"remove a"}, refusal: "not closed"},
		{name: "braces in quotes", in: "a: {{ \"}}\" }}\nb: {{ `}}` }} # {{/* }} */}}\nc: 1\n", edits: []string{"remove b"}, want: "-b: {{ `}}` }} # {{/* }} */}}\n"},
		{name: "a file that no template is", in: "a: 1\nb: 2\n", edits: []string{"remove b"}, want: "-b: 2\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, ApplyTemplate) })
	}
}
