package wiring_test

// argumentTests are commands, arguments, scripts, probes and hooks that name a key. They run with a volume of the Secret
// sa mounted at /creds; its content is known to be a key in key.json.
var argumentTests = []struct {
	name  string
	spec  string // of the container
	known contents
	want  []string
}{
	{
		name: "a proxy's flag in its command",
		spec: `
image: gcr.io/cloudsql-docker/gce-proxy:1.16
command: [/cloud_sql_proxy, -instances=p:r:i=tcp:3306, -credential_file=/creds/key.json]`,
		want: []string{"app arg-file -credential_file /creds/key.json = Secret/sa/key.json known at command[2] removable"},
	},
	{
		name: "a flag and its value are two elements, and both go",
		spec: `
image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.8.0
args: [--credentials-file, /creds/key.json, "p:r:i"]`,
		want: []string{"app arg-file --credentials-file /creds/key.json = Secret/sa/key.json known at args[0],args[1] removable"},
	},
	{
		name: "a short flag means a key with this program alone",
		spec: `
image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.8.0
args: [-c, /creds/key.json, "p:r:i"]`,
		want: []string{"app arg-file -c /creds/key.json = Secret/sa/key.json known at args[0],args[1] removable"},
	},
	{
		name: "the same flag twice is one use of two arguments",
		spec: `
image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.8.0
args: [--credentials-file=/creds/key.json, "p:r:i", --credentials-file=/creds/key.json]`,
		want: []string{"app arg-file --credentials-file /creds/key.json = Secret/sa/key.json known at args[0],args[2] removable"},
	},
	{
		name: "after a double dash the arguments are another program's",
		spec: `
image: example.com/janitor
args: [--type=gke, "--", --service_account=/creds/key.json, --hours=0]`,
		want: []string{"app arg-file --service_account /creds/key.json = Secret/sa/key.json known at args[2] hold program-reads-key"},
	},
	{
		name: "an unknown program's flag is held",
		spec: `
image: example.com/tool
args: [--key=/creds/key.json]`,
		want: []string{"app arg-file --key /creds/key.json = Secret/sa/key.json known at args[0] hold program-reads-key"},
	},
	{
		name: "an argument without a flag goes by its place",
		spec: `
image: example.com/tool
command: [tool, /creds/key.json]`,
		want: []string{"app arg-file command[1] /creds/key.json = Secret/sa/key.json known at command[1] hold program-reads-key"},
	},
	{
		name: "a flag inside a shell text is no field",
		spec: `
image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.8.0
command: [sh, -c]
args: ["exec /cloud-sql-proxy --credentials-file=/creds/key.json p:r:i"]`,
		want: []string{"app arg-file --credentials-file /creds/key.json = Secret/sa/key.json known embedded hold program-reads-key"},
	},
	{
		name: "several flags in one element are no field each",
		spec: `
image: gcr.io/cloudsql-docker/gce-proxy:1.16
args: ["-instances=p:r:i=tcp:3306 -credential_file=/creds/key.json"]`,
		want: []string{"app arg-file -credential_file /creds/key.json = Secret/sa/key.json known embedded hold program-reads-key"},
	},
	{
		name: "a script hands the key to gcloud",
		spec: `
command: [bash, -c]
args:
- |
  set -e
  # gcloud auth activate-service-account --key-file=/creds/other.json
  gcloud auth activate-service-account --key-file=/creds/key.json
  gsutil ls`,
		want: []string{"app arg-file --key-file /creds/key.json = Secret/sa/key.json known embedded hold program-reads-key"},
	},
	{
		name: "gcloud is the command itself",
		spec: `
command: [gcloud, auth, activate-service-account, --key-file, /creds/key.json]`,
		want: []string{"app arg-file --key-file /creds/key.json = Secret/sa/key.json known at command[3],command[4] hold program-reads-key"},
	},
	{
		name: "a script exports the variable itself",
		spec: `
command: ["/bin/sh", "-ec", "export GOOGLE_APPLICATION_CREDENTIALS=/creds/key.json; exec ./server"]`,
		want: []string{"app arg-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known embedded hold program-reads-key"},
	},
	{
		name: "a script reads the variable: dropping it would break the script",
		spec: `
env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
command: ["sh", "-c", "jq -r .project_id < $GOOGLE_APPLICATION_CREDENTIALS > /tmp/p && exec ./server"]`,
		want: []string{
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key",
			"app arg-file command[2] /creds/key.json = Secret/sa/key.json known embedded hold program-reads-key",
		},
	},
	{
		name: "an argument takes the variable's value: both are uses, and both can go",
		spec: `
image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.8.0
env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
args: [--credentials-file=$(GOOGLE_APPLICATION_CREDENTIALS)]`,
		want: []string{
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
			"app arg-file --credentials-file /creds/key.json = Secret/sa/key.json known at args[0] removable",
		},
	},
	{
		name: "a copy of the key lives on",
		spec: `
command: [cp, /creds/key.json, /shared/]`,
		want: []string{"app arg-file command[1] /creds/key.json = Secret/sa/key.json known at command[1] hold program-reads-key"},
	},
	{
		name: "a probe names the file too",
		spec: `
env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
readinessProbe: {exec: {command: [test, -f, /creds/key.json]}}`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key"},
	},
	{
		name: "a hook names the variable",
		spec: `
env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
lifecycle: {postStart: {exec: {command: [sh, -c, "gcloud auth activate-service-account --key-file ${GOOGLE_APPLICATION_CREDENTIALS}"]}}}`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key"},
	},
	{
		name: "an option string holds the path",
		spec: `
env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}, {name: JAVA_OPTS, value: "-Xmx1g -Dkey=/creds/key.json"}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key"},
	},
	{
		name: "a mounted ConfigMap's script activates the key",
		spec: `
env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
command: [/scripts/run.sh]`,
		known: contents{"ConfigMap/scripts": {"run.sh": "#!/bin/sh\ngcloud auth activate-service-account --key-file $GOOGLE_APPLICATION_CREDENTIALS\nexec backup\n"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key"},
	},
	{
		name: "a mounted ConfigMap's settings name the file",
		spec: `
env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]`,
		known: contents{"ConfigMap/scripts": {"config.yaml": "storage:\n  credentials: /creds/key.json\n"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key"},
	},
	{
		name: "a mounted ConfigMap that says nothing of keys",
		spec: `
env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]`,
		known: contents{"ConfigMap/scripts": {"config.yaml": "listen: /var/run/app.sock\nname: creds\n"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "domain-wide delegation",
		spec: `
image: quay.io/oauth2-proxy/oauth2-proxy:v7
args: [--google-admin-email=admin@example.com, --google-service-account-json=/creds/key.json]`,
		want: []string{"app arg-file --google-service-account-json /creds/key.json = Secret/sa/key.json known at args[1] hold delegation"},
	},
	{
		name: "python in a text opens the file",
		spec: `
command: [python, -c, "import json; print(json.load(open('/creds/key.json'))['project_id'])"]`,
		want: []string{"app arg-file command[2] /creds/key.json = Secret/sa/key.json known embedded hold program-reads-key"},
	},
}
