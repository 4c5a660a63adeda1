package scanner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dekey/scanner"
)

// trapTests are the traps that a naive tool falls into, as far as they are the scanner's: what must be found, and what
// must not.
var trapTests = []struct {
	name  string
	files map[string]string
	want  []string
}{
	{
		name: "the same variable points at a keyless configuration",
		files: map[string]string{"a.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: {name: federation, namespace: x}
data: {config.json: '{"type":"external_account","audience":"identitynamespace:p:q","credential_source":{"file":"/t/token"}}'}
---
apiVersion: v1
kind: Pod
metadata: {name: moved, namespace: x}
spec: {containers: [{name: app, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/config.json}], volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, configMap: {name: federation}}]}`},
	},
	{
		name: "only text: scripts and documentation that no pod runs",
		files: map[string]string{"a.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: {name: docs, namespace: x}
data:
  README.md: |
    Set GOOGLE_APPLICATION_CREDENTIALS=/var/secrets/google/key.json, then
    gcloud auth activate-service-account --key-file=/var/secrets/google/key.json
  deploy.yaml: |
    kind: Deployment
    spec: {containers: [{name: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}]}]}
---
{apiVersion: v1, kind: Pod, metadata: {name: reader, namespace: x}, spec: {containers: [{name: app, image: a, volumeMounts: [{name: d, mountPath: /docs}]}], volumes: [{name: d, configMap: {name: docs}}]}}`},
	},
	{
		name: "one Secret, five users",
		files: map[string]string{
			"1.yaml": wired("x", "one"), "2.yaml": mounting("x", "two"), "s.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a}}",
			"3.yaml": `
{apiVersion: v1, kind: Pod, metadata: {name: three, namespace: x}, spec: {containers: [{name: app, image: a, env: [{name: ANY, valueFrom: {secretKeyRef: {name: gcp, key: key.json}}}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: four, namespace: x}, spec: {containers: [{name: app, image: a, envFrom: [{secretRef: {name: gcp}}]}]}}
---
{apiVersion: example.com/v1, kind: Store, metadata: {name: five, namespace: x}, spec: {secret: gcp}}`,
		},
		want: []string{
			"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
			"x/Deployment/two mount in app of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com hold program-reads-key",
			"x/Pod/three env-value in app by ANY of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com hold program-reads-key",
			"x/Pod/four env-from in app by key.json of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com hold program-reads-key",
			"x/Store/five reference by spec.secret of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "a private key by itself is read by no client library",
		files: map[string]string{"a.yaml": `
{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, stringData: {email: a@acme.iam.gserviceaccount.com, key.json: "PEM-a"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: split, namespace: x}, data: {email: b@acme.iam.gserviceaccount.com, key: "PEM-b"}}`, "b.yaml": wired("x", "one")},
		want: []string{
			"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com hold program-reads-key",
			"x/ConfigMap/split inline by data.key of ConfigMap/x/split/key b@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "anchors that are kept aside are no second use",
		files: map[string]string{"a.yaml": `
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: x}
x-app: &app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/key.json}]
  volumeMounts: [{name: c, mountPath: /c}]
spec: {containers: [{<<: *app, name: app, image: a}], volumes: [{name: c, secret: {secretName: gcp}}]}
---
apiVersion: example.com/v1
kind: Store
metadata: {name: q, namespace: x}
.defaults: {secret: &secret gcp}
spec: {secret: *secret}
---
{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a}}`},
		want: []string{
			"x/Pod/p env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
			"x/Store/q reference by spec.secret of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "fields that say themselves that they name something else than a Secret",
		files: map[string]string{"a.yaml": `
{apiVersion: v1, kind: Secret, metadata: {name: worker, namespace: x}, data: {key.json: KEY-a}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker, namespace: x}
spec: {scaleTargetRef: {name: worker, kind: Deployment}, triggers: [{type: cron, metadata: {start: worker}}]}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: all, namespace: x}
spec: {sourceRef: {kind: GitRepository, name: worker}, dependsOn: [{name: worker}], targetNamespace: worker, healthChecks: [{kind: Deployment, name: worker}], serviceAccountName: worker}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: worker, namespace: x}
spec: {selector: {matchLabels: {app: worker}}, endpoints: [{basicAuth: {password: {name: worker, key: key.json}}}]}
---
apiVersion: example.com/v1
kind: Store
metadata: {name: s, namespace: x}
spec: {provider: worker, projectID: worker, auth: {kind: Secret, name: worker}}`},
		want: []string{
			"x/ScaledObject/worker reference by spec.triggers[0].metadata.start of Secret/x/worker/key.json a@acme.iam.gserviceaccount.com",
			"x/ServiceMonitor/worker reference by spec.endpoints[0].basicAuth.password.name of Secret/x/worker/key.json a@acme.iam.gserviceaccount.com",
			"x/Store/s reference by spec.auth.name of Secret/x/worker/key.json a@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "a scaler reads the variable of another object's pods",
		files: map[string]string{"a.yaml": `
{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: scale, namespace: x}
spec: {scaleTargetRef: {name: one}, triggers: [{type: gcp-pubsub, metadata: {credentialsFromEnvFile: GOOGLE_APPLICATION_CREDENTIALS}}]}`, "b.yaml": wired("x", "one") + "---\n" + wired("x", "two")},
		want: []string{
			"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com hold no-recipe",
			"x/Deployment/two env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
			"x/ScaledObject/scale reference by spec.triggers[0].metadata.credentialsFromEnvFile of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com hold no-recipe",
		},
	},
	{
		name: "a copy that a replicator fills is its source's key",
		files: map[string]string{"a.yaml": `
{apiVersion: v1, kind: Secret, metadata: {name: source, namespace: shared}, data: {key.json: KEY-a, note: eA==}}
---
{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x, annotations: {replicator.v1.mittwald.de/replicate-from: shared/source}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: y, annotations: {reflector.v1.k8s.emberstack.com/reflects: shared/nowhere}}}`,
			"b.yaml": wired("x", "one") + "---\n" + wired("y", "two")},
		want: []string{
			"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
			"y/Deployment/two env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/y/gcp/key.json",
		},
	},
	{
		name: "two accounts in one pod",
		files: map[string]string{"a.yaml": `
{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: x}, data: {a.json: KEY-a, b.json: KEY-b}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: x}, spec: {containers: [{name: one, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/a.json}], volumeMounts: [{name: c, mountPath: /c/a.json, subPath: a.json}]}, {name: two, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/b.json}], volumeMounts: [{name: c, mountPath: /c/b.json, subPath: b.json}]}], volumes: [{name: c, secret: {secretName: s}}]}}`},
		want: []string{
			"x/Pod/p env-file in one by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/s/a.json a@acme.iam.gserviceaccount.com",
			"x/Pod/p env-file in two by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/s/b.json b@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "look-alikes by name: another registry, another cloud, a web app's configuration",
		files: map[string]string{"a.yaml": `
{apiVersion: v1, kind: Secret, metadata: {name: kaniko-secret, namespace: x}, stringData: {config.json: '{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6c2VjcmV0"}}}'}}
---
{apiVersion: v1, kind: Secret, metadata: {name: regcred, namespace: x}, stringData: {.dockerconfigjson: '{"auths":{"docker.io":{"username":"me","password":"hunter2"}}}'}}
---
{apiVersion: v1, kind: Secret, metadata: {name: firebase, namespace: x}, stringData: {config.json: '{"apiKey":"AIzaSyExample","authDomain":"p.firebaseapp.com","projectId":"p"}'}}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: x}
spec:
  imagePullSecrets: [{name: regcred}]
  containers:
  - {name: kaniko, image: gcr.io/kaniko-project/executor, volumeMounts: [{name: k, mountPath: /kaniko/.docker}, {name: f, mountPath: /firebase}], env: [{name: FIREBASE_CONFIG_FILE, value: /firebase/config.json}]}
  volumes: [{name: k, secret: {secretName: kaniko-secret}}, {name: f, secret: {secretName: firebase}}]
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws, namespace: x}
spec: {provider: {aws: {service: SecretsManager, auth: {secretRef: {secretAccessKeySecretRef: {name: kaniko-secret, key: config.json}}}}}}`},
	},
	{
		name: "the variable stayed behind without its file",
		files: map[string]string{"a.yaml": `
{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: x}, spec: {serviceAccountName: p, containers: [{name: app, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]}]}}`},
		want: []string{"x/Pod/p env-file in app by GOOGLE_APPLICATION_CREDENTIALS of /// hold dangling"},
	},
	{
		name: "a dump of a cluster, with status, uid and kubectl's copy",
		files: map[string]string{"a.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: d
  namespace: x
  uid: 2f0b9c0e-0000-0000-0000-000000000000
  resourceVersion: "12"
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"kind":"Deployment","spec":{"template":{"spec":{"serviceAccountName":"d","containers":[{"name":"old","env":[{"name":"GOOGLE_APPLICATION_CREDENTIALS","value":"/c/k"}]}]}}}}'}
spec: {template: {spec: {containers: [{name: app, image: a}]}}}
status: {replicas: 1, conditions: [{message: 'GOOGLE_APPLICATION_CREDENTIALS'}]}`},
	},
	{
		name: "a Secret whose account is in another entry, and a P12's password is nobody's key",
		files: map[string]string{"a.yaml": `
{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: x}, stringData: {email: a@acme.iam.gserviceaccount.com, password: notasecret}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: x}, spec: {containers: [{name: app, image: a, envFrom: [{secretRef: {name: s}}]}]}}`},
	},
}

func TestTraps(t *testing.T) {
	for _, test := range trapTests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, spell(scan(t, &reader{id: "repo", files: fillAll(test.files)})), test.want)
		})
	}
}

func TestGeneratedFilesAreHeld(t *testing.T) {
	o := podOf(t, &scanner.Object{Ref: scanner.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "x", Name: "p"}})
	o.Origins = []scanner.Origin{{Source: "repo", Path: "p.gen.yaml", Document: 1, Line: 1, Column: 1}}
	o.Generated = "a banner says that it is generated"
	inv := scan(t, objects{o})
	expect(t, spell(inv), []string{"x/Pod/p env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json hold generated"})
	if inv.Workloads[0].Generated != o.Generated {
		t.Errorf("the workload says %q", inv.Workloads[0].Generated)
	}
}

func TestSecretsAndTheirMakers(t *testing.T) {
	inv := scan(t, &reader{id: "repo", files: fillAll(map[string]string{
		"a.yaml": wired("x", "one"),
		"b.yaml": `
apiVersion: v1
kind: Secret
metadata: {name: plain, namespace: x, annotations: {reflector.v1.k8s.emberstack.com/reflects: base/plain}}
type: Opaque
data: {key.json: KEY-a, password: aHVudGVyMg==}
---
{apiVersion: v1, kind: Secret, metadata: {name: unrelated, namespace: x}, data: {password: aHVudGVyMg==}}
---
{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: gcp, namespace: x}, spec: {encryptedData: {key.json: AgBghj7J0K}, template: {metadata: {name: gcp, namespace: x}}}}`,
	})})
	var got []string
	for _, s := range inv.Secrets {
		line := fmt.Sprintf("%s read=%t", s.Ref, s.Read)
		for _, e := range s.Entries {
			line += fmt.Sprintf(" %s=%s/%t", e.Name, e.Holds, e.Key != "")
		}
		for _, p := range s.Provenance {
			line += fmt.Sprintf(" by %s %s %t", p.Kind, p.Object.Kind, p.Recreates)
		}
		got = append(got, line)
	}
	expect(t, got, []string{
		"x/Secret/gcp read=false key.json=unknown/false by sealed-secret SealedSecret true",
		"x/Secret/plain read=true key.json=yes/true password=no/false by plain Secret true by replicator Secret true",
	})
}

func TestWhatAWorkloadSays(t *testing.T) {
	inv := scan(t, &reader{id: "repo", files: map[string]string{"a.yaml": `
apiVersion: batch/v1
kind: CronJob
metadata: {name: c, namespace: x, labels: {team: a}}
spec:
  schedule: "0 3 * * *"
  suspend: true
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: c}, annotations: {sidecar.istio.io/inject: "true"}}
        spec:
          serviceAccount: legacy
          automountServiceAccountToken: false
          hostNetwork: true
          nodeSelector: {pool: batch}
          affinity: {nodeAffinity: {}}
          imagePullSecrets: [{name: r}]
          initContainers: [{name: mesh, image: proxy, restartPolicy: Always}]
          containers:
          - name: app
            image: a
            env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/key.json}, {name: GOOGLE_CLOUD_PROJECT, value: p}, {name: GCS_SIGNED_URL_TTL, value: 1h}, {name: PASSWORD_FILE, value: /c/password}]
            command: [sh, -c, "curl metadata.google.internal"]
            volumeMounts: [{name: c, mountPath: /c}]
          volumes: [{name: c, secret: {secretName: gcp}}, {name: t, emptyDir: {}}]`}})
	w := inv.Workloads[0]
	if w.ServiceAccount != "legacy" || !w.HostNetwork || w.Replicas != nil || w.Schedule != "0 3 * * *" || !w.Suspended || w.Labels["team"] != "a" {
		t.Errorf("workload: %+v", w)
	}
	spec := w.PodSpecs[0]
	if spec.DeprecatedServiceAccount != "legacy" || spec.ServiceAccountName != "" || *spec.Automount || spec.NodeSelector["pool"] != "batch" || !spec.Affinity ||
		spec.Labels["app"] != "c" || spec.Annotations["sidecar.istio.io/inject"] != "true" || fmt.Sprint(spec.ImagePullSecrets) != "[r]" {
		t.Errorf("pod spec: %+v", spec)
	}
	if len(spec.Volumes) != 1 || spec.Volumes[0].Sources[0].Name != "gcp" || spec.Volumes[0].Sources[0].Complete {
		t.Errorf("volumes: %+v", spec.Volumes)
	}
	app := spec.Containers[0]
	want := []string{"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCS_SIGNED_URL_TTL", "PASSWORD_FILE"}
	if !sameSet(app.Env, want) || app.EnvFrom || !strings.HasPrefix(app.Metadata, "used: ") || fmt.Sprint(app.Signs) != "[GCS_SIGNED_URL_TTL]" {
		t.Errorf("container: %+v", app)
	}
	if len(app.Mounts) != 1 || fmt.Sprint(app.Mounts[0].Mentions) != "[env PASSWORD_FILE]" {
		t.Errorf("mounts: %+v", app.Mounts)
	}
	if mesh := spec.Containers[1]; !mesh.Sidecar || mesh.Type != "initContainer" {
		t.Errorf("sidecar: %+v", mesh)
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
