package guard

import (
	"regexp"
	"slices"
	"strings"

	"dekey/scanner/catalog"
)

// The names of variables that point at a key file or hold one, as regular expressions over the name: exact ones of the
// catalogue, or a word for Google and a word for a credential file and none that makes it something else.
const (
	googleWord = `GOOGLE|GCP|GCLOUD|GCS|GSA|GCR|GAR|GKE|FIREBASE|FIRESTORE|BIGQUERY|BQ|BIGTABLE|PUBSUB|SPANNER|STACKDRIVER|CLOUDSQL|CLOUDSDK|DATASTORE|VERTEX|VERTEXAI|GSUTIL`
	keyWord    = `CREDENTIALS?|CREDS|KEYFILE|SERVICEACCOUNT|KEY[_.-](FILE|PATH|JSON)|(SA|SERVICE)[_.-](KEY|JSON|ACCOUNT)`
	otherWord  = `OAUTH2?|CLIENT|API|HMAC|SSH|TLS|CERT|CERTIFICATE|CA|PUBLIC|TOKEN|EMAIL|WEBHOOK|SSL`
	// Of a variable that holds the key itself the last word must tell of content: GCP_SERVICE_ACCOUNT is an e-mail.
	contentWord = `(KEY|JSON|KEYFILE|CREDENTIALS?|CREDS)([_.-](JSON|DATA|CONTENTS?|B64|BASE64|STRING))?`
	wellKnown   = `(^|/)[.]config/gcloud(/application_default_credentials[.]json)?$|^/etc/google/auth(/application_default_credentials[.]json)?$`
)

// word is a regular expression for a name that has one of the words.
func word(words string) string { return `(?i)(^|[_.-])(` + words + `)([_.-]|$)` }

// keyName is CEL for: the variable's name tells of a key file.
func keyName(name string) string {
	variables, _ := catalog.KeyNames()
	exact := make([]string, len(variables))
	for i, v := range variables {
		exact[i] = celString(v)
	}
	return "(" + name + " in [" + strings.Join(exact, ", ") + "] ||\n        " + name + ".matches(r\"(?i)GOOGLE_APPLICATION_CREDENTIALS\") ||\n        " +
		name + ".matches(r\"" + word(googleWord) + "\") && " + name + ".matches(r\"" + word(keyWord) + "\") &&\n        !" + name + ".matches(r\"" + word(otherWord) + "\"))"
}

// flagStems are texts of which every flag for a key file has one: what is searched for before a regular expression, which
// CEL counts by its length.
var flagStems = []string{"credential", "service"}

// keyFlag is a regular expression for a flag that names a key file, with the file.
func keyFlag() string {
	_, flags := catalog.KeyNames()
	names := []string{}
	for _, flag := range flags {
		names = append(names, regexp.QuoteMeta(strings.TrimLeft(flag, "-")))
	}
	slices.Sort(names)
	return `(^|[ '])--?(` + strings.Join(slices.Compact(names), "|") + `)[= ]'?/[^ ']+`
}

// wiringVariables find the Secrets that a pod spec uses as key files, in the object and in what it was before.
func wiringVariables() []variable {
	secret := `has(v.secret) ? "Secret " + v.secret.?secretName.orValue("") :
      has(v.csi) ? "SecretProviderClass " + v.csi.?volumeAttributes[?"secretProviderClass"].orValue("") :
      "Secret " + v.projected.sources.filter(p, has(p.secret))[0].secret.?name.orValue("")`
	return []variable{
		{"specs", "the pod spec, and the one before", `([dyn(object)] + (oldObject == null ? [] : [dyn(oldObject)])).map(o,
  request.kind.kind == "Pod" ? o.?spec.orValue({}) :
  request.kind.kind == "CronJob" ? o.?spec.?jobTemplate.?spec.?template.?spec.orValue({}) :
  request.kind.kind == "PodTemplate" ? o.?template.?spec.orValue({}) :
  o.?spec.?template.?spec.orValue({}))`},
		{"pods", "their containers, the volumes from Secrets, and the volumes with a token for federation", `variables.specs.map(s, {
  "containers": dyn(s.?containers.orValue([]) + s.?initContainers.orValue([]) + s.?ephemeralContainers.orValue([])),
  "volumes": dyn(s.?volumes.orValue([]).filter(v, has(v.secret) ||
      v.?csi.?driver.orValue("") in ["secrets-store.csi.k8s.io", "secrets-store-gke.csi.k8s.io"] ||
      v.?projected.?sources.orValue([]).exists(p, has(p.secret))).map(v, {"name": v.name, "from": dyn(
      ` + secret + `)})),
  "keyless": dyn(s.?volumes.orValue([]).filter(v,
      v.?projected.?sources.orValue([]).exists(p, p.?serviceAccountToken.?audience.orValue("") != "")).map(v, v.name))
})`},
		{"containers", "per container: where what is mounted, the files that key variables and flags name, and Secrets in variables. A container with a token for federation has none: its files are external_account configurations", `variables.pods.map(p, p.containers.filter(c,
  !c.?volumeMounts.orValue([]).exists(m, m.name in p.keyless)).map(c, {
    "mounts": dyn(c.?volumeMounts.orValue([]).map(m, {
      "path": dyn(m.mountPath.endsWith("/") ? m.mountPath.substring(0, size(m.mountPath) - 1) : m.mountPath),
      "from": dyn(p.volumes.filter(v, v.name == m.name).map(v, v.from).join(" "))})),
    "files": dyn(c.?env.orValue([]).filter(e, e.?value.orValue("").startsWith("/") &&
        c.?volumeMounts.orValue([]).exists(m, e.value.startsWith(m.mountPath)) &&
        ` + keyName("e.name") + `).map(e, e.value) +
      ((c.?command.orValue([]) + c.?args.orValue([])).exists(a, ` + contains("a", flagStems) + `) ?
        (c.?command.orValue([]) + c.?args.orValue([])).filter(a, size(a) < 4096).join(" ").findAll(
          r"` + keyFlag() + `", 100).map(f, f.substring(f.indexOf("/"))) : [])),
    "values": dyn(c.?env.orValue([]).filter(e, e.?valueFrom.?secretKeyRef.?name.orValue("") != "" &&
        e.name.matches(r"(?i)` + contentWord + `$") &&
        ` + keyName("e.name") + `).map(e, "Secret " + e.valueFrom.secretKeyRef.name)),
    "inline": dyn(c.?env.orValue([]).filter(e, e.?value.orValue("").contains("client_email") && e.value.contains("PRIVATE KEY")).map(e,
      "a key written out in " + e.name) +
      (c.?command.orValue([]) + c.?args.orValue([])).filter(a, a.contains("client_email") && a.contains("PRIVATE KEY")).map(a,
      "a key written out in the arguments"))
  }))`},
		{"used", "per container: the Secrets that it uses as key files. Of several mounts above a file the deepest has it", `variables.containers.map(p, p.map(c,
  c.mounts.filter(m, m.from != "" && (m.path.matches(r"` + wellKnown + `") || c.files.exists(f,
    (f == m.path || f.startsWith(m.path + "/")) &&
    !c.mounts.exists(n, size(n.path) > size(m.path) && (f == n.path || f.startsWith(n.path + "/")))))).map(m, m.from) +
  c.values + c.inline))`},
		{"fresh", "those that the object did not use before", `variables.used[0].map(c, c.filter(u,
  size(variables.used) == 1 || !variables.used[1].exists(b, u in b))).filter(c, size(c) > 0)`},
	}
}

// podKinds are the kinds with a pod spec, by group.
var podKinds = []resourceRule{
	{"", []string{"pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers"}},
	{"apps", []string{"daemonsets", "deployments", "replicasets", "statefulsets"}},
	{"batch", []string{"cronjobs", "jobs"}},
}

// wiring is the policy for workloads.
func (g *Guard) wiring() string {
	return g.render(admission{
		name: "dekey-key-wiring", about: "Workloads must not newly use a Google service account key from a Secret.",
		notes: `Seen are variables that point into a volume from a Secret or hold one of its entries, by their names; flags of
known programs; the path where client libraries look; a key written out in a variable or an argument. A Secret's content
is not seen: a container that mounts a projected token with an audience is taken for keyless federation. Not seen: whole
Secrets as variables (envFrom), names that no catalogue has, custom resources.`,
		rules: podKinds,
		conditions: []condition{
			// A person adds an ephemeral container to a pod, whoever made the pod.
			{"not-made-by-a-controller", `request.?subResource.orValue("") == "ephemeralcontainers" ||
  !object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))`},
			g.exemption([]string{"CronJob", "DaemonSet", "Deployment", "Job", "Pod", "PodTemplate", "ReplicaSet", "ReplicationController", "StatefulSet"}),
		},
		variables: wiringVariables(),
		validations: []validation{{
			expression: "size(variables.fresh) == 0",
			message: `"it newly uses as a Google service account key: " + variables.fresh.map(c, c.join(", ")).join(", ") + ` +
				`"; give it a service account of its own; see dekey explain admission-policy"`,
			reason: "Forbidden",
		}},
	})
}
