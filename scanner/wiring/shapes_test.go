package wiring_test

// podTests are pod specs as the world writes them. The name says what would be wrong.
var podTests = []struct {
	name  string
	spec  string
	known contents
	want  []string
}{
	{
		name: "the variable, the mount and the volume belong together",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /var/secrets/google/key.json}]
  volumeMounts: [{name: creds, mountPath: /var/secrets/google/}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /var/secrets/google/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "content known to be no key wins over the variable's name",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/config.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"config.json": "no"}},
	},
	{
		name: "the longest mount wins, whatever fills it",
		spec: `
containers:
- name: app
  env: [{name: KEY, value: /etc/app/google/key.json}, {name: OTHER, value: /etc/app/key.json}]
  volumeMounts: [{name: creds, mountPath: /etc/app}, {name: scratch, mountPath: /etc/app/google}]
volumes: [{name: creds, secret: {secretName: sa}}, {name: scratch, emptyDir: {}}]`,
		known: contents{"Secret/sa": {"key.json": "key"}},
		want:  []string{"app env-file OTHER /etc/app/key.json = Secret/sa/key.json known at env[name=OTHER] hold program-reads-key"},
	},
	{
		name: "a variable with the folder of the key alone is read by the program",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}, {name: KEYS, value: /creds}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"key.json": "key"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key"},
	},
	{
		name: "a variable with the folder of other files beside the key forbids nothing",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}, {name: CONFIG, value: /creds}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"key.json": "key", "password": "no"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "a folder whose name begins alike is another folder",
		spec: `
containers:
- name: app
  env: [{name: KEY, value: /credentials/key.json}]
  volumeMounts: [{name: creds, mountPath: /cred}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"key.json": "key"}},
		want:  []string{"app mount  /cred/key.json = Secret/sa/key.json known hold program-reads-key"},
	},
	{
		name: "a mount that nothing names is a use of its own, once for each key",
		spec: `
containers:
- name: app
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"a.json": "key", "b.json": "key", "password": "no"}},
		want: []string{
			"app mount  /creds/a.json = Secret/sa/a.json known hold program-reads-key",
			"app mount  /creds/b.json = Secret/sa/b.json known hold program-reads-key",
		},
	},
	{
		name: "one of two keys is named, the other is mounted all the same",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/a.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"a.json": "key", "b.json": "key"}},
		want: []string{
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/a.json = Secret/sa/a.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
			"app mount  /creds/b.json = Secret/sa/b.json known hold program-reads-key",
		},
	},
	{
		name: "an unknown Secret that nothing telling points into is no key",
		spec: `
containers:
- name: app
  env: [{name: CONFIG, value: /etc/tls/tls.crt}]
  volumeMounts: [{name: tls, mountPath: /etc/tls}]
volumes: [{name: tls, secret: {secretName: tls}}]`,
	},
	{
		name: "subPath makes the mount path the file",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /app/creds.json}]
  volumeMounts: [{name: creds, mountPath: /app/creds.json, subPath: key.json}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /app/creds.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "subPath shows one file and hides the other key",
		spec: `
containers:
- name: app
  volumeMounts: [{name: creds, mountPath: /app/creds.json, subPath: a.json}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"a.json": "key", "b.json": "key"}},
		want:  []string{"app mount  /app/creds.json = Secret/sa/a.json known hold program-reads-key"},
	},
	{
		name: "subPathExpr is expanded",
		spec: `
containers:
- name: app
  env: [{name: FILE, value: key.json}, {name: GOOGLE_APPLICATION_CREDENTIALS, value: /app/creds.json}]
  volumeMounts: [{name: creds, mountPath: /app/creds.json, subPathExpr: $(FILE)}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /app/creds.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "items rename the entry: the path is not the entry",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/sa/google.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa, items: [{key: sa_json, path: sa/google.json}]}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/sa/google.json = Secret/sa/sa_json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "a file that items do not pick is not there",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa, items: [{key: tls.crt, path: tls.crt}]}}]`,
		known: contents{"Secret/sa": {"key.json": "key", "tls.crt": "no"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold dangling"},
	},
	{
		name: "one source of a projected volume",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: all, mountPath: /creds}]
volumes:
- name: all
  projected:
    sources:
    - configMap: {name: settings}
    - secret: {name: sa, optional: true, items: [{key: key.json, path: key.json}]}
    - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard optional at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "two Secrets in one volume: either may bring the file",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: all, mountPath: /creds}]
volumes: [{name: all, projected: {sources: [{secret: {name: a}}, {secret: {name: b}}]}}]`,
		want: []string{
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/a/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold not-provable",
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/b/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold not-provable",
		},
	},
	{
		name: "a CSI volume names its class and file",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /mnt/secrets/sa.json}]
  volumeMounts: [{name: csi, mountPath: /mnt/secrets}]
volumes: [{name: csi, csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: gcp-keys}}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /mnt/secrets/sa.json = SecretProviderClass/gcp-keys/sa.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "a key among passwords: only its file counts",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /etc/app/key.json}, {name: PASSWORD_FILE, value: /etc/app/password}]
  volumeMounts: [{name: all, mountPath: /etc/app}]
volumes: [{name: all, secret: {secretName: app}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /etc/app/key.json = Secret/app/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "a second container mounts the same key without a telling variable",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
- name: quiet
  volumeMounts: [{name: creds, mountPath: /keys}]
- name: private
  env: [{name: KEY_FILE, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
			"quiet mount  /keys/key.json = Secret/sa/key.json hold program-reads-key",
			"private env-file KEY_FILE /creds/key.json = Secret/sa/key.json at env[name=KEY_FILE] hold program-reads-key",
		},
	},
	{
		name: "two variables for one file are two uses",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}, {name: CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE, value: /creds/key.json}, {name: E2E_GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
			"app env-file CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE /creds/key.json = Secret/sa/key.json standard at env[name=CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE]",
			"app env-file E2E_GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json at env[name=E2E_GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key",
		},
	},
	{
		name: "a variable set twice: the last one counts, and the first one would come back",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /old/config.json}, {name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard at env[0],env[1] hold not-provable"},
	},
	{
		name: "a variable set twice alike: both go",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}, {name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard at env[0],env[1]"},
	},
	{
		name: "$(VAR) is expanded in variables and arguments, $$ is not",
		spec: `
containers:
- name: app
  image: gcr.io/cloudsql-docker/gce-proxy:1.16
  args: [-credential_file=$(DIR)/key.json]
  env: [{name: DIR, value: /creds}, {name: GOOGLE_APPLICATION_CREDENTIALS, value: $(DIR)/key.json}, {name: LITERAL, value: $$(DIR)/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
			"app arg-file -credential_file /creds/key.json = Secret/sa/key.json at args[0] removable",
		},
	},
	{
		name: "a ConfigMap sets the variable through envFrom",
		spec: `
containers:
- name: app
  envFrom: [{configMapRef: {name: settings}, prefix: GOOGLE_}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"ConfigMap/settings": {"APPLICATION_CREDENTIALS": "/creds/key.json"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard by ConfigMap/settings/APPLICATION_CREDENTIALS"},
	},
	{
		name: "a ConfigMap's entry sets the variable by reference: the variable is the pod's own",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, valueFrom: {configMapKeyRef: {name: settings, key: keyPath}}}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"ConfigMap/settings": {"keyPath": "/creds/key.json"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "env hides what envFrom sets",
		spec: `
containers:
- name: app
  envFrom: [{configMapRef: {name: settings}}]
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: ""}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"ConfigMap/settings": {"GOOGLE_APPLICATION_CREDENTIALS": "/creds/key.json"}},
	},
	{
		name: "the key itself in a variable",
		spec: `
containers:
- name: app
  env: [{name: SETTINGS, valueFrom: {secretKeyRef: {name: sa, key: key.json, optional: true}}}, {name: PASSWORD, valueFrom: {secretKeyRef: {name: sa, key: password}}}]`,
		known: contents{"Secret/sa": {"key.json": "key", "password": "no"}},
		want:  []string{"app env-value SETTINGS = Secret/sa/key.json known optional at env[name=SETTINGS] hold program-reads-key"},
	},
	{
		name: "a variable whose name tells of a key, filled from a Secret that was not read",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_CREDENTIALS, valueFrom: {secretKeyRef: {name: tf, key: gcp}}}, {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]`,
		want: []string{"app env-value GOOGLE_CREDENTIALS = Secret/tf/gcp at env[name=GOOGLE_CREDENTIALS] hold program-reads-key"},
	},
	{
		name: "envFrom of a Secret with a key, with a prefix",
		spec: `
containers:
- name: app
  envFrom: [{prefix: GCP_, secretRef: {name: sa, optional: true}}]`,
		known: contents{"Secret/sa": {"KEY": "key", "USER": "no"}},
		want:  []string{"app env-from GCP_KEY = Secret/sa/KEY known optional hold program-reads-key"},
	},
	{
		name: "envFrom that brings a key alone is the use and nothing else",
		spec: `
containers:
- name: app
  envFrom: [{secretRef: {name: sa}}]`,
		known: contents{"Secret/sa": {"KEY": "key"}},
		want:  []string{"app env-from KEY = Secret/sa/KEY known at envFrom[0] hold program-reads-key"},
	},
	{
		name: "gcloud's folder may be moved",
		spec: `
containers:
- name: app
  env: [{name: CLOUDSDK_CONFIG, value: /gcloud}]
  volumeMounts: [{name: folder, mountPath: /gcloud}]
volumes: [{name: folder, secret: {secretName: adc}}]`,
		want: []string{"app mount  /gcloud/application_default_credentials.json = Secret/adc/application_default_credentials.json standard"},
	},
	{
		name: "envFrom of a Secret that was not read is no finding",
		spec: `
containers:
- name: app
  envFrom: [{secretRef: {name: app}}]`,
	},
	{
		name: "a well-known path needs no variable",
		spec: `
containers:
- name: app
  volumeMounts: [{name: creds, mountPath: /home/app/.config/gcloud/application_default_credentials.json, subPath: key.json}]
- name: other
  volumeMounts: [{name: folder, mountPath: /root/.config/gcloud}]
volumes: [{name: creds, secret: {secretName: sa}}, {name: folder, secret: {secretName: adc}}]`,
		want: []string{
			"app mount  /home/app/.config/gcloud/application_default_credentials.json = Secret/sa/key.json standard",
			"other mount  /root/.config/gcloud/application_default_credentials.json = Secret/adc/application_default_credentials.json standard",
		},
	},
	{
		name: "a well-known path that holds no key",
		spec: `
containers:
- name: app
  volumeMounts: [{name: folder, mountPath: /root/.config/gcloud}]
volumes: [{name: folder, secret: {secretName: adc}}]`,
		known: contents{"Secret/adc": {"configurations": "no"}},
	},
	{
		name: "a file URL",
		spec: `
containers:
- name: app
  env: [{name: SPRING_CLOUD_GCP_CREDENTIALS_LOCATION, value: "file:/creds/key.json"}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"key.json": "key"}},
		want:  []string{"app env-file SPRING_CLOUD_GCP_CREDENTIALS_LOCATION /creds/key.json = Secret/sa/key.json known at env[name=SPRING_CLOUD_GCP_CREDENTIALS_LOCATION] hold program-reads-key"},
	},
	{
		name: "a path relative to the working folder",
		spec: `
containers:
- name: app
  workingDir: /srv
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: ./creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /srv/creds}]
- name: image
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: secrets/key.json}]
  volumeMounts: [{name: creds, mountPath: /app/secrets}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /srv/creds/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
			"image env-file GOOGLE_APPLICATION_CREDENTIALS /app/secrets/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
		},
	},
	{
		name: "init and ephemeral containers are containers",
		spec: `
initContainers:
- name: prepare
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
ephemeralContainers:
- name: debug
  image: busybox
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
containers: [{name: app, image: app}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{
			"prepare env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
			"debug env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]",
		},
	},
	{
		name: "an image pull secret with a key",
		spec: `
imagePullSecrets: [{name: registry}, {name: hub}]
containers: [{name: app, image: app}]`,
		known: contents{"Secret/registry": {".dockerconfigjson": "key"}, "Secret/hub": {".dockerconfigjson": "no"}},
		want:  []string{" image-pull spec.imagePullSecrets[name=registry] = Secret/registry/.dockerconfigjson known at imagePullSecrets[name=registry]"},
	},
	{
		name: "the keyless configuration of federation is no key: the pod has moved",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /var/run/gcp/config.json}]
  volumeMounts: [{name: gcp, mountPath: /var/run/gcp}]
volumes:
- name: gcp
  projected:
    sources:
    - serviceAccountToken: {path: token, audience: acme.svc.id.goog}
    - configMap: {name: federation}`,
	},
	{
		name: "the same with a ConfigMap volume beside the token's",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /config/config.json}]
  volumeMounts: [{name: config, mountPath: /config}, {name: token, mountPath: /token}]
volumes: [{name: config, configMap: {name: federation}}, {name: token, projected: {sources: [{serviceAccountToken: {path: token, audience: sts}}]}}]`,
	},
	{
		name: "a ConfigMap that was read and holds a configuration",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /config/config.json}]
  volumeMounts: [{name: config, mountPath: /config}]
volumes: [{name: config, configMap: {name: federation}}]`,
		known: contents{"ConfigMap/federation": {"config.json": "no"}},
	},
	{
		name: "a key in a ConfigMap",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /config/key.json}]
  volumeMounts: [{name: config, mountPath: /config}]
volumes: [{name: config, configMap: {name: settings}}]`,
		known: contents{"ConfigMap/settings": {"key.json": "key", "app.conf": "no"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /config/key.json = ConfigMap/settings/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "every pod's own token is no federation",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /config/key.json}]
  volumeMounts: [{name: config, mountPath: /config}, {name: kube-api-access-x, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]
volumes:
- {name: config, configMap: {name: settings}}
- name: kube-api-access-x
  projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 3607}}, {configMap: {name: kube-root-ca.crt}}]}`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /config/key.json = ConfigMap/settings/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "a variable whose file nothing mounts dangles",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /etc/service-account/service-account.json}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /etc/service-account/service-account.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold dangling"},
	},
	{
		name: "a mount without its volume dangles",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold dangling"},
	},
	{
		name: "a volume without its Secret's name dangles",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/key.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold dangling"},
	},
	{
		name: "an init container fills the folder: which key it is, is not known",
		spec: `
initContainers:
- name: fetch
  command: [sh, -c, "cp /creds/key.json /shared/"]
  volumeMounts: [{name: creds, mountPath: /creds}, {name: shared, mountPath: /shared}]
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /shared/key.json}]
  volumeMounts: [{name: shared, mountPath: /shared}]
volumes: [{name: creds, secret: {secretName: sa}}, {name: shared, emptyDir: {}}]`,
		known: contents{"Secret/sa": {"key.json": "key"}},
		want: []string{
			"fetch arg-file command[2] /creds/key.json = Secret/sa/key.json known embedded hold program-reads-key",
			"app env-file GOOGLE_APPLICATION_CREDENTIALS /shared/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold dangling",
		},
	},
	{
		name: "a volume called like a key that is an emptyDir by now",
		spec: `
containers:
- name: app
  volumeMounts: [{name: cloudsql-instance-credentials, mountPath: /secrets/cloudsql}]
volumes: [{name: cloudsql-instance-credentials, emptyDir: {}}]`,
	},
	{
		name: "an empty variable is an unset one",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: ""}, {name: OTHER}]`,
	},
	{
		name: "a known flag whose file a preset brings dangles",
		spec: `
containers:
- name: proxy
  image: gcr.io/cloudsql-docker/gce-proxy:1.16
  args: [-credential_file=/etc/preset/key.json]`,
		want: []string{"proxy arg-file -credential_file /etc/preset/key.json at args[0] hold dangling"},
	},
	{
		name: "a private variable that names no mount is nobody's business",
		spec: `
containers:
- name: app
  env: [{name: KEY_FILE, value: /etc/app/key.pem}, {name: GCP_SA_KEY_PATH, value: /baked/in.json}]`,
	},
	{
		name: "a Secret of a name that sounds like a key is none by its name",
		spec: `
containers:
- name: kaniko
  image: gcr.io/kaniko-project/executor:v1
  volumeMounts: [{name: kaniko-secret, mountPath: /kaniko/.docker}]
volumes: [{name: kaniko-secret, secret: {secretName: kaniko-secret}}]`,
	},
	{
		name: "a folder that a telling variable names",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"key.json": "key"}},
		want:  []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /creds/key.json = Secret/sa/key.json known standard at env[name=GOOGLE_APPLICATION_CREDENTIALS] hold program-reads-key"},
	},
	{
		name: "two mounts of one file are one use",
		spec: `
containers:
- name: app
  volumeMounts: [{name: a, mountPath: /a}, {name: a, mountPath: /b, subPath: key.json}]
volumes: [{name: a, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"key.json": "key"}},
		want:  []string{"app mount  /a/key.json = Secret/sa/key.json known hold program-reads-key"},
	},
}
