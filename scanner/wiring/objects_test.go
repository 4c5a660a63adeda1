package wiring_test

import (
	"strings"
	"testing"

	"dekey/scanner/wiring"
)

// objectTests are objects that carry pod specs, or seem to. Each wires GOOGLE_APPLICATION_CREDENTIALS to the Secret sa
// where it can. In want, the path of the pod spec and where its service account is written come first.
var objectTests = []struct {
	name string
	text string
	want []string
}{
	{
		name: "a CronJob of an old version",
		text: `
apiVersion: batch/v1beta1
kind: CronJob
spec:
  schedule: "0 * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          serviceAccount: old
          containers: [{name: app, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}]
          volumes: [{name: c, secret: {secretName: sa}}]`,
		want: []string{"spec.jobTemplate.spec.template.spec : app env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k"},
	},
	{
		name: "a patch names containers without images",
		text: `
apiVersion: apps/v1
kind: Deployment
spec: {template: {spec: {containers: [{name: app, volumeMounts: [{name: c, mountPath: /c}], env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}]}], volumes: [{name: c, secret: {secretName: sa}}]}}}`,
		want: []string{"spec.template.spec : app env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k"},
	},
	{
		name: "an Argo Workflow: container, script and volumes of an outer level",
		text: `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
spec:
  serviceAccountName: runner
  volumes: [{name: c, secret: {secretName: sa}}]
  templates:
  - name: one
    container: {image: app, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}
  - name: two
    serviceAccountName: other
    script: {image: bash, command: [bash], source: "gcloud auth activate-service-account --key-file=/c/k", volumeMounts: [{name: c, mountPath: /c}]}
  - name: three
    steps: [[{name: a, template: one}]]`,
		want: []string{
			"spec.templates[name=one] spec.serviceAccountName:  env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k",
			"spec.templates[name=two] :  arg-file --key-file /c/k = Secret/sa/k",
		},
	},
	{
		name: "a Rollout, a PodTemplate and a CloneSet are pod templates like others",
		text: `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
spec: {template: {spec: {containers: [{name: app, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, secret: {secretName: sa}}]}}}`,
		want: []string{"spec.template.spec : app env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k"},
	},
	{
		name: "a Knative Service's container has no name",
		text: `
apiVersion: serving.knative.dev/v1
kind: Service
spec: {template: {spec: {containers: [{image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, secret: {secretName: sa}}]}}}`,
		want: []string{"spec.template.spec :  env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k"},
	},
	{
		name: "a Tekton Task's steps and their template; the Task names no service account",
		text: `
apiVersion: tekton.dev/v1
kind: Task
spec:
  stepTemplate: {env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}
  steps:
  - {name: push, image: a, script: "#!/bin/sh\ngcloud auth activate-service-account --key-file /c/k\n", volumeMounts: [{name: c, mountPath: /c}]}
  volumes: [{name: c, secret: {secretName: sa}}]`,
		want: []string{
			"spec elsewhere: push arg-file --key-file /c/k = Secret/sa/k",
			"spec elsewhere:  env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k",
		},
	},
	{
		name: "a Task activates the key of a workspace",
		text: `
apiVersion: tekton.dev/v1beta1
kind: Task
spec:
  workspaces: [{name: credentials}]
  steps:
  - name: upload
    image: cloud-sdk
    script: |
      CRED="$(workspaces.credentials.path)/key.json"
      gcloud auth activate-service-account --key-file="$CRED"`,
		want: []string{"spec elsewhere: upload arg-file --key-file $(workspaces.credentials.path)/key.json"},
	},
	{
		name: "a Ray cluster's head and workers",
		text: `
apiVersion: ray.io/v1
kind: RayCluster
spec:
  headGroupSpec: {template: {spec: {containers: [{name: ray, image: r, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, secret: {secretName: sa}}]}}}
  workerGroupSpecs:
  - groupName: small
    template: {spec: {containers: [{name: ray, image: r, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, secret: {secretName: sa}}]}}`,
		want: []string{
			"spec.headGroupSpec.template.spec : ray env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k",
			"spec.workerGroupSpecs[0].template.spec : ray env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k",
		},
	},
	{
		name: "a Spark driver is a container of its own making",
		text: `
apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
spec:
  volumes: [{name: c, secret: {secretName: sa}}]
  driver: {serviceAccount: spark, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}`,
		want: []string{"spec.driver :  env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k"},
	},
	{
		name: "a resource with mounts of its own beside patches of containers",
		text: `
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
spec:
  serviceAccountName: prometheus
  containers: [{name: thanos, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}]
  volumes: [{name: c, secret: {secretName: sa}}]
  volumeMounts: [{name: c, mountPath: /d}]`,
		want: []string{
			"spec : thanos env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k",
			"spec :  mount  /d/k = Secret/sa/k",
		},
	},
	{
		name: "objects inside a TriggerTemplate",
		text: `
apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerTemplate
spec:
  resourcetemplates:
  - apiVersion: batch/v1
    kind: Job
    metadata: {generateName: run-}
    spec: {template: {spec: {containers: [{name: app, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}], volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: c, secret: {secretName: sa}}]}}}`,
		want: []string{"spec.resourcetemplates[0].spec.template.spec : app env-file GOOGLE_APPLICATION_CREDENTIALS /c/k = Secret/sa/k"},
	},
	{
		name: "a schema describes containers and has none",
		text: `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  versions:
  - schema:
      openAPIV3Schema:
        properties:
          containers: [{name: example, image: x, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}]}]`,
	},
	{
		name: "status and kubectl's copy are not read",
		text: `
apiVersion: example.com/v1
kind: Thing
metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"spec":{"containers":[]}}'}}
status: {template: {spec: {containers: [{name: app, image: a, env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}]}]}}}`,
	},
	{
		name: "a chart's values are rendered elsewhere",
		text: `
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec: {values: {env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/k}]}}`,
	},
	{
		name: "a service's list of environments is no container",
		text: `
apiVersion: example.com/v1
kind: Catalog
spec: {env: [{name: prod, url: x}], containers: {image: x}, steps: [{name: a, uses: checkout, image: x}]}`,
	},
}

func TestObjects(t *testing.T) {
	for _, test := range objectTests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			pods := wiring.NewExtractor().Extract(decode(t, test.text))
			for i := range pods {
				spec, found := wiring.Resolve(&pods[i], contents{})
				where := spec.Path.String() + " " + spec.AccountField.String()
				if spec.AccountElsewhere {
					where += "elsewhere"
				}
				for _, u := range found {
					line, _, _ := strings.Cut(spell(u), " standard")
					line, _, _ = strings.Cut(line, " embedded")
					line, _, _ = strings.Cut(line, " hold")
					got = append(got, where+": "+line)
				}
			}
			compare(t, got, test.want)
		})
	}
}
