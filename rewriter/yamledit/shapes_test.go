package yamledit

import "testing"

// TestShapes edits manifests as they stand in repositories.
func TestShapes(t *testing.T) {
	tests := []shape{
		{
			name: "a proxy's flag in a list over lines, with its key volume between regions",
			in: `apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
      - name: web
        image: web
      # [START proxy]
      - name: cloudsql-proxy
        image: gce-proxy:1.16
        command: ["/cloud_sql_proxy", "--dir=/cloudsql",
                  "-instances=a:b:c=tcp:5432",
                  "-credential_file=/secrets/cloudsql/credentials.json"]
        # [START mounts]
        volumeMounts:
          - name: cloudsql-oauth-credentials
            mountPath: /secrets/cloudsql
            readOnly: true
          - name: cloudsql
            mountPath: /cloudsql
        # [END mounts]
      # [END proxy]
      # [START volumes]
      volumes:
        - name: cloudsql-oauth-credentials
          secret:
            secretName: cloudsql-oauth-credentials
        - name: cloudsql
          emptyDir:
      # [END volumes]
`,
			edits: []string{
				"remove " + pod + ".containers[name=cloudsql-proxy].command[3]",
				"remove " + pod + ".containers[name=cloudsql-proxy].volumeMounts[name=cloudsql-oauth-credentials]",
				"remove " + pod + ".volumes[name=cloudsql-oauth-credentials]",
				"set " + pod + ".serviceAccountName = web-wi",
			},
			want: `
+      serviceAccountName: web-wi
-                  "-instances=a:b:c=tcp:5432",
-                  "-credential_file=/secrets/cloudsql/credentials.json"]
+                  "-instances=a:b:c=tcp:5432"]
-          - name: cloudsql-oauth-credentials
-            mountPath: /secrets/cloudsql
-            readOnly: true
-        - name: cloudsql-oauth-credentials
-          secret:
-            secretName: cloudsql-oauth-credentials
`,
		},
		{
			name: "one entry of a projected volume, and a volume of which nothing else is left",
			in: `spec:
  volumes:
  - name: all
    projected:
      defaultMode: 0400
      sources:
      - secret:
          name: key
          items:
          - key: sa.json
            path: key.json
          - {key: password, path: password}
      - configMap: {name: rest}
  - name: single
    projected:
      sources:
      - secret: {name: key}
  containers: []
`,
			edits: []string{"remove spec.volumes[name=all].projected.sources[0].secret.items[key=sa.json]", "remove spec.volumes[name=single]"},
			want: `
-          - key: sa.json
-            path: key.json
-  - name: single
-    projected:
-      sources:
-      - secret: {name: key}
`,
		},
		{
			name: "a dump: a List with annotations that hold JSON, and status blocks",
			in: `apiVersion: v1
items:
- apiVersion: apps/v1
  kind: DaemonSet
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"apps/v1","spec":{"env":[{"name":"K"}]}}
    name: a
  spec:
    template:
      spec:
        containers:
        - env:
          - name: K
            value: /key
          image: x
          name: app
        serviceAccountName: default
  status:
    observedGeneration: 1
- apiVersion: v1
  kind: ServiceAccount
  metadata:
    name: default
kind: List
metadata:
  resourceVersion: ""
`,
			edits: []string{
				"remove items[0]." + app + ".env[name=K]", "set items[0]." + pod + ".serviceAccountName = a-wi",
				`set items[1].metadata.annotations["iam.gke.io/gcp-service-account"] = a@b.iam.gserviceaccount.com`,
			},
			want: `
-        - env:
-          - name: K
-            value: /key
-          image: x
+        - image: x
-        serviceAccountName: default
+        serviceAccountName: a-wi
+    annotations:
+      iam.gke.io/gcp-service-account: a@b.iam.gserviceaccount.com
`,
		},
		{
			name: "both ways to indent lists in one file",
			in: `spec:
  containers:
    - name: app
      env:
      - name: A
      ports:
        - 80
  volumes:
  - name: key
  - name: tmp
`,
			edits: []string{"append spec.containers[name=app].env = B=>x", "append spec.volumes = C=>x", "append spec.initContainers = D=>x", "append spec.containers[0].args = --x"},
			want: `
+  initContainers:
+    - name: D
+      value: x
+      args:
+      - --x
+      - name: B
+        value: x
+  - name: C
+    value: x
`,
		},
		{
			name:  "lines that end with a carriage return alone",
			in:    "env:\r- name: A\r- name: K\r  value: x\rz: 1\r",
			edits: []string{"remove env[name=K]", "append env = B=>x"},
			want:  "-env:␍- name: A␍- name: K␍  value: x␍z: 1␍\\\n+env:␍- name: A␍- name: B␍  value: x␍z: 1␍\\\n",
		},
		{
			name: "commented-out neighbours around what goes",
			in: `spec:
  containers:
  - name: app
    env:
      # - name: OLD
      #   value: x
      - name: K
        value: /key
      # - name: LATER
      #   value: y
    #volumeMounts:
    image: x
`,
			edits: []string{"remove spec.containers[name=app].env[name=K]"},
			want: `
-    env:
-      # - name: OLD
-      #   value: x
-      - name: K
-        value: /key
-      # - name: LATER
-      #   value: y
`,
		},
		{
			name: "a list's key, a comment, and the list at the key's own column",
			in: `spec:
  containers:
  - name: app
    env:
    # where the key is
    # (see the wiki)
    - {name: K, value: /key}  # here
    # about the image: it is pinned
    image: x
`,
			edits: []string{"remove spec.containers[name=app].env[0]"},
			want: `
-    env:
-    # where the key is
-    # (see the wiki)
-    - {name: K, value: /key}  # here
`,
		},
		{
			name: "a custom resource's field",
			in: `kind: Issuer
spec:
  acme:
    solvers:
    - dns01:
        cloudDNS:
          project: p
          # The key, for now.
          serviceAccountSecretRef:
            name: key
            key: key.json
      selector: {}
`,
			edits: []string{"remove spec.acme.solvers[0].dns01.cloudDNS.serviceAccountSecretRef"},
			want: `
-          # The key, for now.
-          serviceAccountSecretRef:
-            name: key
-            key: key.json
`,
		},
		{
			name: "a kustomization",
			in: `resources:
# workloads
- ../base
- deployment.yaml # the app
secretGenerator:
- name: key
  files: [key.json]
patches:
- path: a.yaml
`,
			edits: []string{"append resources = api-wi.yaml", "remove secretGenerator[name=key]", "remove patches[path=a.yaml]"},
			want: `
-secretGenerator:
-- name: key
-  files: [key.json]
-patches:
-- path: a.yaml
+- api-wi.yaml
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}
