package scanner_test

import (
	"fmt"
	"strings"
	"testing"

	"dekey/scanner/keyfile/keytest"
)

// fill replaces KEY-a, KEY-b by a key in base64 (what a Secret's data holds), JSON-a, JSON-b by a key file on one line,
// and PEM-a, PEM-b by the private key alone, for a text in double quotes.
// The accounts are a@acme and b@acme.
func fill(s string) string {
	for _, name := range []string{"a", "b"} {
		key := keytest.New(name, name+"@acme.iam.gserviceaccount.com")
		s = strings.ReplaceAll(s, "KEY-"+name, key.Base64())
		s = strings.ReplaceAll(s, "PEM-"+name, strings.ReplaceAll(key.PEM(), "\n", `\n`))
		s = strings.ReplaceAll(s, "JSON-"+name, strings.ReplaceAll(string(key.JSON()), "\n", ""))
	}
	return s
}

func fillAll(files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		out[name] = fill(text)
	}
	return out
}

// wired is a Deployment that is wired to the Secret gcp by a standard variable.
func wired(namespace, name string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: %s}
spec: {template: {spec: {containers: [{name: app, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/key.json}], volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, secret: {secretName: gcp}}]}}}
`, name, namespace)
}

// mounting is a Deployment that mounts the Secret gcp and names nothing.
func mounting(namespace, name string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: %s}
spec: {template: {spec: {containers: [{name: app, image: a, volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, secret: {secretName: gcp}}]}}}
`, name, namespace)
}

var joinTests = []struct {
	name  string
	files map[string]string
	live  map[string]string
	want  []string
}{
	{
		name: "a Secret that is not in the input leaves the key unnamed",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
		},
		want: []string{"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json"},
	},
	{
		name: "another namespace's Secret of that name is another Secret",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
			"s.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: y}, data: {key.json: KEY-a}}",
		},
		want: []string{"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json"},
	},
	{
		name: "stringData is plain text",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: gcp, namespace: x}\nstringData:\n  key.json: 'JSON-a'\n",
		},
		want: []string{"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com"},
	},
	{
		name: "without namespaces, what lies together belongs together",
		files: map[string]string{
			"prod/deploy.yaml":    wired(`""`, "one"),
			"prod/secret.yaml":    "{apiVersion: v1, kind: Secret, metadata: {name: gcp}, data: {key.json: KEY-a}}",
			"staging/secret.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: gcp}, data: {key.json: KEY-b}}",
		},
		want: []string{"Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret//gcp/key.json a@acme.iam.gserviceaccount.com"},
	},
	{
		name: "two keys in one entry are two findings",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: gcp, namespace: x}\nstringData:\n  key.json: '[JSON-a, JSON-b]'\n",
		},
		want: []string{
			"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
			"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json b@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "one wired workload tells of the Secret for all its users",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
			"b.yaml": mounting("x", "two"),
			"c.yaml": mounting("y", "three"),
		},
		want: []string{
			"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json",
			"x/Deployment/two mount in app of Secret/x/gcp/key.json hold program-reads-key",
		},
	},
	{
		name: "a placeholder says nothing about the cluster's Secret",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: gcp, namespace: x}\nstringData: {key.json: '${GCP_KEY}'}\n",
		},
		want: []string{"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json"},
	},
	{
		name: "a Secret that holds a federation configuration is no key",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
			"s.yaml": `{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, stringData: {key.json: '{"type":"external_account","audience":"//iam.googleapis.com/x","credential_source":{"file":"/t"}}'}}`,
		},
	},
	{
		name: "the checkout's workload and the cluster's Secret",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
		},
		live: map[string]string{
			"s": "{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a}}",
		},
		want: []string{"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com"},
	},
	{
		name: "the same workload in the checkout and the cluster is one",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
		},
		live: map[string]string{
			"a": wired("x", "one"),
			"s": "{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a}}",
		},
		want: []string{"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com"},
	},
	{
		name: "a key in a ConfigMap is inline, and its user is a user",
		files: map[string]string{
			"a.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: x}
data:
  key.json: 'JSON-a'
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: x}
spec: {containers: [{name: app, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/key.json}], volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, configMap: {name: settings}}]}`,
		},
		want: []string{
			"x/ConfigMap/settings inline by data[\"key.json\"] of ConfigMap/x/settings/key.json a@acme.iam.gserviceaccount.com",
			"x/Pod/p env-file in app by GOOGLE_APPLICATION_CREDENTIALS of ConfigMap/x/settings/key.json a@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "key material in a variable, an argument and an annotation",
		files: map[string]string{
			"a.yaml": `
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: x, annotations: {example.com/key: 'JSON-b'}}
spec: {initContainers: [{name: init, image: a, args: ['--json=JSON-a']}], containers: [{name: app, image: a, env: [{name: A, value: b}, {name: KEY, value: 'JSON-a'}]}]}`,
		},
		want: []string{
			`x/Pod/p inline by metadata.annotations["example.com/key"] of Pod/x/p/metadata.annotations["example.com/key"] b@acme.iam.gserviceaccount.com`,
			`x/Pod/p inline in app by KEY of Pod/x/p/spec.containers[0].env[1].value a@acme.iam.gserviceaccount.com`,
			`x/Pod/p inline in init by spec.initContainers[name=init].args[0] of Pod/x/p/spec.initContainers[0].args[0] a@acme.iam.gserviceaccount.com`,
		},
	},
	{
		name: "kubectl's copy of a Secret is a copy and no use",
		files: map[string]string{
			"s.yaml": `{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":{"key.json":"KEY-a"}}'}}, data: {key.json: KEY-a}}`,
		},
	},
	{
		name: "a pull secret of a pod and of a service account",
		files: map[string]string{
			"a.yaml": `
apiVersion: v1
kind: ServiceAccount
metadata: {name: builder, namespace: x}
imagePullSecrets: [{name: registry}, {name: hub}]
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: x}
spec: {imagePullSecrets: [{name: registry}], containers: [{name: app, image: a}]}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/dockerconfigjson
metadata: {name: registry, namespace: x}
stringData:
  .dockerconfigjson: '{"auths":{"gcr.io":{"username":"_json_key_base64","password":"KEY-a"}}}'
---
{apiVersion: v1, kind: Secret, metadata: {name: hub, namespace: x}, stringData: {.dockerconfigjson: '{"auths":{"docker.io":{"username":"me","password":"x"}}}'}}`,
		},
		want: []string{
			"x/Pod/p image-pull by spec.imagePullSecrets[name=registry] of Secret/x/registry/.dockerconfigjson a@acme.iam.gserviceaccount.com",
			"x/ServiceAccount/builder image-pull by imagePullSecrets[name=registry] of Secret/x/registry/.dockerconfigjson a@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "any field of a custom resource that names a key's Secret",
		files: map[string]string{
			"a.yaml": `
apiVersion: example.com/v1
kind: Backup
metadata: {name: nightly, namespace: x}
spec: {bucket: gcp, store: {credentials: {name: gcp, key: key.json}}, other: {name: gcp, key: password}, elsewhere: {name: gcp, namespace: y}}
status: {secret: gcp}
---
{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a, password: aHVudGVyMg==}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: x}, spec: {tls: [{secretName: gcp}]}}`,
		},
		want: []string{
			"x/Backup/nightly reference by spec.bucket of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
			"x/Backup/nightly reference by spec.store.credentials.name of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
		},
	},
	{
		name: "what makes a Secret does not use it",
		files: map[string]string{
			"a.yaml": wired("x", "one"),
			"b.yaml": `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: gcp, namespace: x}
spec: {secretStoreRef: {name: store, kind: SecretStore}, target: {name: gcp}, data: [{secretKey: key.json, remoteRef: {key: prod/gcp}}]}`,
		},
		want: []string{"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json"},
	},
	{
		name: "a catalogued reference, whose Secret was not read",
		files: map[string]string{
			"a.yaml": `
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: le}
spec: {acme: {solvers: [{dns01: {cloudDNS: {project: p, serviceAccountSecretRef: {name: dns, key: key.json}}}}]}}`,
		},
		want: []string{"ClusterIssuer/le reference by spec.acme.solvers[0].dns01.cloudDNS.serviceAccountSecretRef.name of Secret/cert-manager/dns/key.json"},
	},
	{
		name: "a pod of a Deployment that was seen is no workload of its own",
		live: map[string]string{
			"a": wired("x", "one"),
		},
		want: []string{"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json"},
	},
	{
		name: "a person's token is a key of its own kind, and an HMAC pair is none",
		files: map[string]string{
			"a.yaml": mounting("x", "one"),
			"s.yaml": `{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, stringData: {adc.json: '{"type":"authorized_user","client_id":"764086051850-abc.apps.googleusercontent.com","client_secret":"d-FL95Q19q7MQmFpd7hHD0Ty","refresh_token":"1//0gGfZq8bQ3xk2CgYIARAAGBASNwF-L9IrZx8mN2vQ4tT"}', hmac: GOOG1EXAMPLEEXAMPLEEXAMPLE}}`,
		},
		want: []string{"x/Deployment/one mount in app of Secret/x/gcp/adc.json  hold program-reads-key"},
	},
	{
		name: "a Prow job gets a preset's key by its label, wherever the preset stands",
		files: map[string]string{
			"config.yaml": `{presets: [{labels: {preset-key: "true"}, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/key.json}], volumes: [{name: c, secret: {secretName: gcp}}], volumeMounts: [{name: c, mountPath: /c}]}]}`,
			"jobs.yaml": `
{apiVersion: prow.k8s.io/v1, kind: ProwJob, metadata: {name: labelled}, labels: {preset-key: "true", other: x}, spec: {containers: [{name: test, image: a}]}}
---
{apiVersion: prow.k8s.io/v1, kind: ProwJob, metadata: {name: own}, labels: {preset-key: "true"}, spec: {containers: [{name: test, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/other.json}]}]}}
---
{apiVersion: prow.k8s.io/v1, kind: ProwJob, metadata: {name: plain}, labels: {preset-key: "false"}, spec: {containers: [{name: test, image: a}]}}`,
		},
		want: []string{
			"ProwConfig/config.yaml reference by presets[0].volumes[0].secret.secretName of Secret//gcp/key.json hold no-recipe",
			"ProwConfig/config.yaml reference by presets[0].volumes[0].secret.secretName of Secret//gcp/other.json hold no-recipe",
			"ProwJob/labelled env-file in test by GOOGLE_APPLICATION_CREDENTIALS of Secret//gcp/key.json hold no-recipe",
			"ProwJob/own env-file in test by GOOGLE_APPLICATION_CREDENTIALS of Secret//gcp/other.json hold no-recipe",
		},
	},
	{
		name: "a Prow job whose label asks for a key dangles until the preset is seen",
		files: map[string]string{
			"jobs.yaml": `
{apiVersion: prow.k8s.io/v1, kind: ProwJob, metadata: {name: labelled}, labels: {preset-service-account: "true"}, spec: {containers: [{name: test, image: a}]}}
---
{apiVersion: prow.k8s.io/v1, kind: ProwJob, metadata: {name: off}, labels: {preset-service-account: "false"}, spec: {containers: [{name: test, image: a}]}}
---
{apiVersion: prow.k8s.io/v1, kind: ProwJob, metadata: {name: own}, labels: {preset-service-account: "true"}, spec: {containers: [{name: test, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: ""}]}]}}`,
		},
		want: []string{"ProwJob/labelled env-file in test by GOOGLE_APPLICATION_CREDENTIALS of /// hold dangling"},
	},
	{
		name: "a preset without a key answers the label",
		files: map[string]string{
			"config.yaml": `{presets: [{labels: {preset-service-account: "true"}, env: [{name: HOME, value: /root}]}]}`,
			"jobs.yaml":   `{apiVersion: prow.k8s.io/v1, kind: ProwJob, metadata: {name: labelled}, labels: {preset-service-account: "true"}, spec: {containers: [{name: test, image: a}]}}`,
		},
	},
	{
		name: "a policy and a CRD are no workloads, and bait is passed over",
		files: map[string]string{
			"a.yaml": `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: x}
spec: {versions: [{schema: {openAPIV3Schema: {description: "set GOOGLE_APPLICATION_CREDENTIALS", properties: {spec: {template: {spec: {containers: [{name: a, image: b, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /x/y}]}]}}}}}}}]}`,
			"compose.yaml": `{services: {app: {image: a, environment: {GOOGLE_APPLICATION_CREDENTIALS: /key.json}}}}`,
		},
	},
}

func TestJoin(t *testing.T) {
	for _, test := range joinTests {
		t.Run(test.name, func(t *testing.T) {
			inv := scan(t, &reader{id: "repo", files: fillAll(test.files)}, &reader{id: "cluster", live: true, files: fillAll(test.live)})
			expect(t, spell(inv), test.want)
		})
	}
}
