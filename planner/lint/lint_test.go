package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dekey/planner"
	"dekey/planner/explain"
	"dekey/planner/lint"
	"dekey/scanner"
	"dekey/scanner/code"
	"dekey/scanner/iam"
	"dekey/scanner/manifest"
)

// run lints files by path.
func run(t *testing.T, files map[string]string, policy planner.Policy) lint.Result {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var listener iam.Listener
	var glance iam.Glance
	var collector code.Collector
	var in lint.Input
	reader := listener.Reader(manifest.New(manifest.Options{Root: root, ID: "r", Also: &manifest.Also{
		File: func(name string, text []byte) bool {
			collector.Take(name, text)
			return glance.File(name, text)
		},
		Wants:    collector.Wants,
		Peeks:    collector.Peeks,
		Document: iam.Concerns,
	}}))
	inventory, err := scanner.Scan(t.Context(), reader)
	if err != nil {
		t.Fatal(err)
	}
	read := collector.Result("r")
	if err := reader.Related(t.Context(), lint.Interest(listener.Facts(read.Facts)), iam.Silence{}); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		in.Suppressions = append(in.Suppressions, lint.Suppressions("r", name, []byte(data))...)
	}
	inventory.Gaps = append(inventory.Gaps, read.Gaps...)
	in.Inventory, in.Policy, in.Facts = inventory, policy, listener.Facts(read.Facts, glance.Facts())
	for _, gap := range inventory.Gaps {
		t.Logf("gap: %s: %s", gap.What, gap.Why)
	}
	return lint.Run(in)
}

func summary(r lint.Result) []string {
	lines := []string{}
	for _, v := range r.Violations {
		lines = append(lines, fmt.Sprintf("%s:%d %s", v.Origin.Path, v.Origin.Line, v.Code))
	}
	return lines
}

const (
	account = "resource \"google_service_account\" \"api\" {\n  account_id = \"api\"\n  project    = \"acme\"\n}\n"
	// grant is a member on line 8, behind account.
	grant = account + "resource \"google_service_account_iam_member\" \"api\" {\n  service_account_id = google_service_account.api.name\n  role = \"roles/iam.workloadIdentityUser\"\n  member = %q\n}\n"
	ksa   = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\n  namespace: shop\n  annotations:\n    %s: %q\n"
	right = "iam.gke.io/gcp-service-account"
	email = "api@acme.iam.gserviceaccount.com"
	wi    = "gcloud iam service-accounts add-iam-policy-binding " + email + " --project=acme --role=roles/iam.workloadIdentityUser --member='%s' --condition=None\n"
	uri   = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/"
	pod   = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: shop\nspec:\n  serviceAccountName: %s\n%s  containers:\n  - name: c\n    image: example.com/c\n"
)

func tf(member string) map[string]string {
	return map[string]string{"a.tf": fmt.Sprintf(grant, member)}
}

func sh(member string) map[string]string { return map[string]string{"a.sh": fmt.Sprintf(wi, member)} }

func yaml(format string, args ...any) map[string]string {
	return map[string]string{"a.yaml": fmt.Sprintf(format, args...)}
}

func connector(kind, spec string) string {
	return "apiVersion: iam.cnrm.cloud.google.com/v1beta1\nkind: " + kind + "\nmetadata: {name: api, namespace: shop, annotations: {cnrm.cloud.google.com/project-id: acme}}\nspec:\n" + spec
}

// Cases: each rule with what breaks it, and with what comes near and is right.
var cases = []struct {
	name   string
	files  map[string]string
	policy planner.Policy
	want   []string
}{
	{name: "a key behind the variable", files: yaml(pod, "p", "  volumes:\n  - name: v\n    secret: {secretName: k}\n") /* no variable */, want: []string{}},
	{name: "wiring", files: yaml("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    env:\n    - name: GOOGLE_APPLICATION_CREDENTIALS\n      value: /k/key.json\n    volumeMounts: [{name: k, mountPath: /k}]\n  volumes:\n  - name: k\n    secret: {secretName: k}\n"), want: []string{"a.yaml:8 key-wiring"}},
	{name: "a federation configuration is no key", files: yaml("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: k, namespace: shop}\ndata:\n  c.json: '{\"type\": \"external_account\"}'\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec:\n  containers:\n  - name: c\n    env:\n    - {name: GOOGLE_APPLICATION_CREDENTIALS, value: /k/c.json}\n    volumeMounts: [{name: k, mountPath: /k}]\n  volumes:\n  - name: k\n    configMap: {name: k}\n"), want: []string{}},
	{name: "a variable without its file", files: yaml("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    env:\n    - {name: GOOGLE_APPLICATION_CREDENTIALS, value: /k/key.json}\n"), want: []string{"a.yaml:8 variable-without-file"}},
	{name: "a script that hands a key to gcloud", files: map[string]string{"a.sh": "set -e\nif true; then\n  gcloud auth activate-service-account --key-file=k.json\nfi\n"}, want: []string{"a.sh:3 key-wiring"}},
	{name: "a workflow that logs in with a key", files: map[string]string{".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - uses: google-github-actions/auth@v2\n      with:\n        credentials_json: ${{ secrets.KEY }}\n"}, want: []string{".github/workflows/a.yml:6 key-wiring"}},
	{name: "a workflow that logs in without one", files: map[string]string{".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - uses: google-github-actions/auth@v2\n      with:\n        workload_identity_provider: projects/1/locations/global/workloadIdentityPools/a/providers/b\n    - run: echo gcloud auth activate-service-account\n"}, want: []string{}},

	{name: "a key in Terraform", files: map[string]string{"a.tf": account + "resource \"google_service_account_key\" \"k\" {\n  service_account_id = google_service_account.api.name\n}\n"}, want: []string{"a.tf:5 key-resource"}},
	{name: "a key in Terraform's JSON", files: map[string]string{"a.tf.json": "{\"resource\": {\"google_service_account_key\": {\"k\": {\"service_account_id\": \"x\"}}}}"}, want: []string{"a.tf.json:1 key-resource"}},
	{name: "a module that makes keys", files: map[string]string{"a.tf": "module \"sa\" {\n  source = \"terraform-google-modules/service-accounts/google\"\n  generate_keys = true\n}\n"}, want: []string{"a.tf:3 key-resource"}},
	{name: "a module that makes none", files: map[string]string{"a.tf": "module \"sa\" {\n  source = \"terraform-google-modules/service-accounts/google\"\n  generate_keys = false\n}\n"}, want: []string{}},
	{name: "a key of Config Connector", files: yaml("%s", connector("IAMServiceAccountKey", "  serviceAccountRef: {name: api}\n")), want: []string{"a.yaml:1 key-resource"}},
	{name: "a key made by a script", files: map[string]string{"a.sh": "gcloud iam service-accounts keys create k.json --iam-account=\"$SA\"\n"}, want: []string{"a.sh:1 key-resource"}},
	{name: "a script that lists and deletes keys", files: map[string]string{"a.sh": "gcloud iam service-accounts keys list --iam-account=a\ngcloud iam service-accounts keys delete K --iam-account=a\n"}, want: []string{}},
	{name: "a Makefile that makes a key", files: map[string]string{"Makefile": "all:\n\t@gcloud iam service-accounts keys create k.json \\\n\t  --iam-account=$(SA)\n"}, want: []string{"Makefile:2 key-resource"}},
	{name: "a Cloud Build step that makes a key", files: map[string]string{"cloudbuild.yaml": "steps:\n- name: gcr.io/cloud-builders/gcloud\n  args: [iam, service-accounts, keys, create, k.json, --iam-account=a@b.iam.gserviceaccount.com]\n"}, want: []string{"cloudbuild.yaml:3 key-resource"}},

	{name: "a pool after the number", files: tf("serviceAccount:123456789012.svc.id.goog[shop/api]"), want: []string{"a.tf:8 malformed-principal"}},
	{name: "no bracket", files: tf("serviceAccount:acme.svc.id.goog"), want: []string{"a.tf:8 malformed-principal"}},
	{name: "an open bracket", files: sh("serviceAccount:acme.svc.id.goog[shop/api"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "no namespace", files: sh("serviceAccount:acme.svc.id.goog[api]"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "no prefix", files: sh("acme.svc.id.goog[shop/api]"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "capitals in the namespace", files: sh("serviceAccount:acme.svc.id.goog[Shop/api]"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "the project's id for its number", files: sh("principal:" + strings.Replace(uri, "123456789012", "acme", 1) + "subject/ns/shop/sa/api"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "a set for one", files: sh("principalSet:" + uri + "subject/ns/shop/sa/api"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "one for a set", files: sh("principal:" + uri + "namespace/shop"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "an attribute", files: sh("principalSet:" + uri + "attribute.namespace/shop"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "the subject of a token", files: sh("principal:" + uri + "subject/system:serviceaccount:shop:api"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "right, in both spellings, and by uid", files: map[string]string{"a.sh": fmt.Sprintf(wi, "serviceAccount:acme.svc.id.goog[shop/api]") + fmt.Sprintf(wi, "principal:"+uri+"subject/ns/shop/sa/api") + fmt.Sprintf(wi, "principal:"+uri+"kubernetes.serviceaccount.uid/1234")}, want: []string{}},
	{name: "a pool that people made", files: sh("principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.repository/a/b"), want: []string{}},
	{name: "a member behind a variable", files: map[string]string{"a.tf": strings.Replace(fmt.Sprintf(grant, "M"), `"M"`, `var.member`, 1)}, want: []string{}},
	{name: "a pool behind a variable, and no namespace", files: tf("serviceAccount:${var.project}.svc.id.goog[api]"), want: []string{"a.tf:8 malformed-principal"}},
	{name: "all behind variables", files: tf("serviceAccount:${var.project}.svc.id.goog[${var.ns}/${var.name}]"), want: []string{}},
	{name: "an e-mail without its end", files: sh("serviceAccount:api@acme.iam.gserviceaccount"), want: []string{"a.sh:1 malformed-principal"}},
	{name: "Google's own agents", files: sh("serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com"), want: []string{}},

	{name: "the whole pool", files: sh("principalSet:" + uri + "*"), want: []string{"a.sh:1 pool-wildcard"}},
	{name: "the whole pool, as it once was", files: sh("group:acme.svc.id.goog:/allAuthenticatedUsers/"), want: []string{"a.sh:1 pool-wildcard"}},

	{name: "another number for the pool", files: sh("principal:" + uri + "subject/ns/shop/sa/api"), policy: planner.Policy{Pool: "acme.svc.id.goog", ProjectNumber: "999999999999"}, want: []string{"a.sh:1 foreign-principal"}},
	{name: "another pool", files: sh("serviceAccount:other.svc.id.goog[shop/api]"), policy: planner.Policy{Pool: "acme.svc.id.goog"}, want: []string{"a.sh:1 foreign-principal"}},
	{name: "a pool of a cluster that the policy names", files: sh("serviceAccount:other.svc.id.goog[shop/api]"), policy: planner.Policy{Pool: "acme.svc.id.goog", Clusters: []planner.ClusterRule{{Project: "other"}}}, want: []string{}},
	{name: "two numbers for one pool", files: map[string]string{"a.sh": fmt.Sprintf(wi, "principal:"+uri+"subject/ns/shop/sa/api") + fmt.Sprintf(wi, "principal:"+strings.Replace(uri, "123456789012", "123456789013", 1)+"subject/ns/shop/sa/web")}, want: []string{"a.sh:1 foreign-principal", "a.sh:2 foreign-principal"}},
	{name: "the pool and its number", files: sh("principal:" + uri + "subject/ns/shop/sa/api"), policy: planner.Policy{Pool: "acme.svc.id.goog", ProjectNumber: "123456789012"}, want: []string{}},

	{name: "a letter too few", files: yaml(ksa, "api", "iam.gke.io/gcp-service-acount", email), want: []string{"a.yaml:7 annotation-key"}},
	{name: "another domain", files: yaml(ksa, "api", "iam.gke/gcp-service-account", email), want: []string{"a.yaml:7 annotation-key"}},
	{name: "capitals", files: yaml(ksa, "api", "iam.gke.io/GCP-Service-Account", email), want: []string{"a.yaml:7 annotation-key"}},
	{name: "google for gcp", files: yaml(ksa, "api", "iam.gke.io/google-service-account", email), want: []string{"a.yaml:7 annotation-key"}},
	{name: "another annotation of GKE", files: yaml(ksa, "api", "iam.gke.io/return-principal-id-as-email", "true"), want: []string{}},
	{name: "an annotation of somebody else with an e-mail", files: yaml(ksa, "api", "acme.example/owner", email), want: []string{}},
	{name: "another cloud's", files: yaml(ksa, "api", "eks.amazonaws.com/role-arn", "arn:aws:iam::1:role/x"), want: []string{}},
	{name: "in Terraform", files: map[string]string{"a.tf": "resource \"kubernetes_service_account_v1\" \"a\" {\n  metadata {\n    name = \"a\"\n    annotations = {\n      \"iam.gke.io/gcp-serviceaccount\" = var.email\n    }\n  }\n}\n"}, want: []string{"a.tf:5 annotation-key"}},

	{name: "no end", files: yaml(ksa, "api", right, "api@acme.iam.gserviceaccount"), want: []string{"a.yaml:7 annotation-value"}},
	{name: "a space", files: yaml(ksa, "api", right, email+" "), want: []string{"a.yaml:7 annotation-value"}},
	{name: "a member", files: yaml(ksa, "api", right, "serviceAccount:"+email), want: []string{"a.yaml:7 annotation-value"}},
	{name: "a name alone", files: yaml(ksa, "api", right, "api"), want: []string{"a.yaml:7 annotation-value"}},
	{name: "a token that is still to be filled in", files: yaml(ksa, "api", right, "GSA_NAME@PROJECT_ID.iam.gserviceaccount.com"), want: []string{}},
	{name: "the default account of Compute Engine", files: yaml(ksa, "api", right, "123456789012-compute@developer.gserviceaccount.com"), want: []string{}},
	{name: "a project of a domain", files: yaml(ksa, "api", right, "api@proj.example.com.iam.gserviceaccount.com"), want: []string{}},
	{name: "by kubectl", files: map[string]string{"a.sh": "kubectl annotate serviceaccount api -n shop iam.gke.io/gcp-service-account=api@acme.gserviceaccount.com\n"}, want: []string{"a.sh:1 annotation-value"}},

	{name: "under labels", files: yaml("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  labels:\n    iam.gke.io/gcp-service-account: " + email + "\n"), want: []string{"a.yaml:6 annotation-misplaced"}},
	{name: "on a pod template", files: yaml("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    metadata:\n      annotations:\n        iam.gke.io/gcp-service-account: " + email + "\n    spec:\n      containers: []\n"), want: []string{"a.yaml:8 annotation-misplaced"}},
	{name: "beside annotations", files: yaml("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  iam.gke.io/gcp-service-account: " + email + "\n"), want: []string{"a.yaml:5 annotation-misplaced"}},
	{name: "a resource that passes annotations on", files: yaml("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec:\n  serviceAccount:\n    annotations:\n      iam.gke.io/gcp-service-account: " + email + "\n"), want: []string{}},

	{name: "annotated, and another one is granted", files: map[string]string{"a.tf": fmt.Sprintf(grant, "serviceAccount:acme.svc.id.goog[other/api]"), "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, want: []string{"a.yaml:7 annotation-without-grant"}},
	{name: "annotated, and nothing is granted", files: map[string]string{"a.tf": account, "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, want: []string{"a.yaml:7 annotation-without-grant"}},
	{name: "annotated and granted", files: map[string]string{"a.tf": fmt.Sprintf(grant, "serviceAccount:${var.p}.svc.id.goog[shop/api]"), "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, want: []string{}},
	{name: "annotated and granted in the other spelling", files: map[string]string{"a.tf": fmt.Sprintf(grant, "principal:"+uri+"subject/ns/shop/sa/api"), "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, want: []string{}},
	{name: "annotated, and the grants are elsewhere", files: yaml(ksa, "api", right, email), want: []string{}},
	{name: "annotated, and a module may grant", files: map[string]string{"a.tf": account + "module \"wi\" {\n  source = \"example/wi\"\n  name = \"api\"\n}\n", "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, want: []string{}},
	{name: "annotated, and a member is hidden", files: map[string]string{"a.tf": strings.Replace(fmt.Sprintf(grant, "M"), `"M"`, `var.member`, 1), "a.yaml": fmt.Sprintf(ksa, "api", right, email)}, want: []string{}},
	{name: "annotated for an account of Config Connector", files: yaml("%s---\n"+ksa, connector("IAMServiceAccount", "  displayName: api\n"), "api", right, email), want: []string{"a.yaml:13 annotation-without-grant"}},
	{name: "annotated and granted by Config Connector", files: yaml("%s---\n%s---\n"+ksa, connector("IAMServiceAccount", "  displayName: api\n"), connector("IAMPolicyMember", "  member: serviceAccount:acme.svc.id.goog[shop/api]\n  role: roles/iam.workloadIdentityUser\n  resourceRef: {kind: IAMServiceAccount, name: api}\n"), "api", right, email), want: []string{}},
	{name: "annotated by Terraform itself", files: map[string]string{"a.tf": account + "resource \"kubernetes_service_account\" \"a\" {\n  metadata {\n    name = \"api\"\n    namespace = \"shop\"\n    annotations = { \"iam.gke.io/gcp-service-account\" = google_service_account.api.email }\n  }\n}\n"}, want: []string{"a.tf:9 annotation-without-grant"}},

	{name: "a grant to a name that nobody has", files: map[string]string{"a.sh": fmt.Sprintf(wi, "serviceAccount:acme.svc.id.goog[shop/appi]"), "a.yaml": fmt.Sprintf(pod, "api", "")}, want: []string{"a.sh:1 grant-without-account"}},
	{name: "a grant to who runs", files: map[string]string{"a.sh": fmt.Sprintf(wi, "serviceAccount:acme.svc.id.goog[shop/api]"), "a.yaml": fmt.Sprintf(pod, "api", "")}, want: []string{}},
	{name: "a grant into a namespace that is elsewhere", files: map[string]string{"a.sh": fmt.Sprintf(wi, "serviceAccount:acme.svc.id.goog[team/api]"), "a.yaml": fmt.Sprintf(pod, "api", "")}, want: []string{}},
	{name: "a grant to what a template may declare", files: map[string]string{"a.sh": fmt.Sprintf(wi, "serviceAccount:acme.svc.id.goog[shop/appi]"), "a.yaml": fmt.Sprintf(pod, "api", ""), "c/templates/sa.yaml": "kind: ServiceAccount\nmetadata:\n  name: {{ .Release.Name }}\n"}, want: []string{}},
	{name: "a grant to the release of a chart", files: map[string]string{"a.sh": fmt.Sprintf(wi, "serviceAccount:acme.svc.id.goog[shop/dns-sa]"), "a.yaml": fmt.Sprintf(pod, "api", ""), "a.tf": "resource \"helm_release\" \"d\" {\n  name = \"dns\"\n}\n"}, want: []string{}},

	{name: "a grant to default", files: sh("serviceAccount:acme.svc.id.goog[shop/default]"), want: []string{"a.sh:1 default-account"}},
	{name: "default is annotated", files: yaml(ksa, "default", right, email), want: []string{"a.yaml:7 default-account"}},
	{name: "default-sa is another name", files: yaml(ksa, "default-sa", right, email), want: []string{}},

	{name: "a namespace", files: sh("principalSet:" + uri + "namespace/shop"), want: []string{"a.sh:1 namespace-wide-grant"}},
	{name: "a cluster", files: sh("principalSet:" + uri + "kubernetes.cluster/https://container.googleapis.com/v1/projects/acme/locations/l/clusters/c"), want: []string{"a.sh:1 namespace-wide-grant"}},
	{name: "a namespace that reads a bucket", files: map[string]string{"a.sh": "gcloud storage buckets add-iam-policy-binding gs://b --role=roles/storage.objectViewer --member='principalSet:" + uri + "namespace/shop'\n"}, want: []string{}},

	{name: "a project", files: map[string]string{"a.sh": "gcloud projects add-iam-policy-binding acme --role roles/iam.workloadIdentityUser --member \"serviceAccount:acme.svc.id.goog[shop/api]\"\n"}, want: []string{"a.sh:1 project-wide-grant"}},
	{name: "a project, for other things", files: map[string]string{"a.sh": "gcloud projects add-iam-policy-binding acme --role roles/pubsub.publisher --member \"serviceAccount:acme.svc.id.goog[shop/api]\"\n"}, want: []string{}},

	{name: "a prefix of a bucket's name", files: map[string]string{"a.tf": condition(`resource.name.startsWith(\"projects/_/buckets/my-app\")`)}, want: []string{"a.tf:6 prefix-condition"}},
	{name: "a prefix that ends in the bucket of the module", files: map[string]string{"a.tf": condition(`resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.b.name}\")`)}, want: []string{"a.tf:6 prefix-condition"}},
	{name: "a prefix that ends in a variable", files: map[string]string{"a.tf": condition(`resource.name.startsWith(\"projects/_/buckets/${var.prefix}\")`)}, want: []string{}},
	{name: "a prefix of objects", files: map[string]string{"a.tf": condition(`resource.name == \"projects/_/buckets/a\" || resource.name.startsWith(\"projects/_/buckets/a/\") || resource.name.startsWith(\"projects/_/buckets/a/objects/x\")`)}, want: []string{}},
	{name: "by gcloud", files: map[string]string{"a.sh": "gcloud projects add-iam-policy-binding acme --role=r --member=serviceAccount:" + email + " --condition='title=t,expression=resource.name.startsWith(\"projects/_/buckets/a\")'\n"}, want: []string{"a.sh:1 prefix-condition"}},

	{name: "a binding of impersonation", files: map[string]string{"a.tf": strings.NewReplacer("_iam_member", "_iam_binding", "member = \"M\"", "members = [\"serviceAccount:acme.svc.id.goog[shop/api]\"]").Replace(fmt.Sprintf(grant, "M"))}, want: []string{"a.tf:5 authoritative-iam"}},
	{name: "the policy of a project", files: map[string]string{"a.tf": "resource \"google_project_iam_policy\" \"p\" {\n  project = \"acme\"\n  policy_data = data.google_iam_policy.p.policy_data\n}\ndata \"google_iam_policy\" \"p\" {\n  binding {\n    role = \"roles/viewer\"\n    members = [\"user:a@example.com\"]\n  }\n}\n"}, want: []string{"a.tf:1 authoritative-iam"}},
	{name: "a policy of Config Connector", files: yaml("%s", connector("IAMPolicy", "  resourceRef: {kind: IAMServiceAccount, name: api}\n  bindings:\n  - role: roles/iam.workloadIdentityUser\n    members: ['serviceAccount:acme.svc.id.goog[shop/api]']\n")), want: []string{"a.yaml:1 authoritative-iam"}},
	{name: "a partial policy of Config Connector", files: yaml("%s", connector("IAMPartialPolicy", "  resourceRef: {kind: IAMServiceAccount, name: api}\n  bindings:\n  - role: roles/iam.workloadIdentityUser\n    members: [{member: 'serviceAccount:acme.svc.id.goog[shop/api]'}]\n")), want: []string{}},
	{name: "a bucket's binding that takes a grant away", files: map[string]string{"a.tf": bucket("google_storage_bucket_iam_binding", "members = [\"user:a@example.com\"]") + bucket("google_storage_bucket_iam_member", "member = \"principal:"+uri+"subject/ns/shop/sa/api\"")}, want: []string{"a.tf:1 authoritative-iam"}},
	{name: "a bucket's binding that lists all", files: map[string]string{"a.tf": bucket("google_storage_bucket_iam_binding", "members = [\"principal:"+uri+"subject/ns/shop/sa/api\"]") + bucket("google_storage_bucket_iam_member", "member = \"principal:"+uri+"subject/ns/shop/sa/api\"")}, want: []string{}},
	{name: "a binding of something else", files: map[string]string{"a.tf": bucket("google_storage_bucket_iam_binding", "members = [\"user:a@example.com\"]")}, want: []string{}},
	{name: "a script that sets the policy", files: map[string]string{"a.sh": "gcloud iam service-accounts set-iam-policy " + email + " policy.json\n"}, want: []string{"a.sh:1 authoritative-iam"}},

	{name: "two names", files: yaml(pod, "api", "  serviceAccount: web\n"), want: []string{"a.yaml:8 service-account-names"}},
	{name: "one name twice", files: yaml(pod, "api", "  serviceAccount: api\n"), want: []string{}},

	{name: "a comment that is over", files: yaml("# dekey:ignore annotation-value reason until 2026-01-01\n"), want: []string{"a.yaml:1 suppression-expired"}},
	{name: "a comment without a rule", files: yaml("# dekey:ignore nonsense reason until 2027-01-01\n"), want: []string{"a.yaml:1 suppression-malformed"}},
	{name: "a comment without a reason", files: yaml("# dekey:ignore key-file until 2027-01-01\n"), want: []string{"a.yaml:1 suppression-malformed"}},
	{name: "a comment that stands", files: yaml("# dekey:ignore key-file reason until 2027-01-01\n"), want: []string{}},
	{name: "a comment at the end of the line", files: yaml(strings.Replace(ksa, "%q", "%q # dekey:ignore annotation-value it is a test until 2027-01-01", 1), "api", right, "api"), want: []string{}},
	{name: "a comment above the object", files: yaml("# dekey:ignore annotation-value it is a test until 2027-01-01\n"+ksa, "api", right, "api"), want: []string{}},
	{name: "a comment above another object", files: yaml("# dekey:ignore annotation-value it is a test until 2027-01-01\n"+ksa+"---\n"+ksa, "api", right, "api", "web", right, "web"), want: []string{"a.yaml:16 annotation-value"}},
	{name: "a comment for another rule", files: yaml("# dekey:ignore annotation-key it is a test until 2027-01-01\n"+ksa, "api", right, "api"), want: []string{"a.yaml:8 annotation-value"}},
	{name: "text that is no comment", files: yaml("a: dekey:ignore\nb: 'x dekey:ignore y'\n"), want: []string{}},
	{name: "the policy excuses", files: yaml(ksa, "api", right, "api"), policy: planner.Policy{Exclude: []planner.Exclusion{{Workload: "shop/ServiceAccount/*", Code: "annotation-value", Reason: "r", Expires: day("2027-01-01")}}}, want: []string{}},
	{name: "the policy excused", files: yaml(ksa, "api", right, "api"), policy: planner.Policy{Exclude: []planner.Exclusion{{Path: "a.yaml", Reason: "r", Expires: day("2026-01-01")}}}, want: []string{"a.yaml:7 annotation-value"}},
}

func condition(expression string) string {
	return "resource \"google_project_iam_member\" \"m\" {\n  role = \"roles/storage.objectViewer\"\n  member = \"serviceAccount:" + email + "\"\n  condition {\n    title = \"t\"\n    expression = \"" + expression + "\"\n  }\n}\n"
}

func bucket(typ, members string) string {
	return "resource \"" + typ + "\" \"b\" {\n  bucket = \"b\"\n  role = \"roles/storage.objectViewer\"\n  " + members + "\n}\n"
}

func day(text string) time.Time {
	t, err := time.Parse("2006-01-02", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestRules(t *testing.T) {
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			test.policy.Now = day("2026-11-22")
			result := run(t, test.files, test.policy)
			if diff := cmp.Diff(test.want, summary(result)); diff != "" {
				t.Errorf("violations (-want +got)\n%s", diff)
				for _, v := range result.Violations {
					t.Logf("%s: %s", v.Object, v.Text)
				}
			}
		})
	}
}

// Every rule has a case that breaks it; those about keys and history are told by scripts, with keys made at run time.
func TestEveryRuleIsBroken(t *testing.T) {
	broken := map[string]bool{lint.RuleKeyFile: true, lint.RuleKeyInManifest: true, lint.RuleKeyInHistory: true}
	for _, test := range cases {
		for _, line := range test.want {
			_, code, _ := strings.Cut(line, " ")
			broken[code] = true
		}
	}
	for _, text := range explain.All() {
		if text.Kind == explain.Rule && lint.SeverityOf(text.Code) != "" && !broken[text.Code] {
			t.Errorf("%s: no case breaks it", text.Code)
		}
	}
}

// The same input gives the same violations, whatever the order of reading.
func TestFingerprintsStay(t *testing.T) {
	before := run(t, yaml(ksa, "api", right, "api"), planner.Policy{})
	after := run(t, yaml("# a line more\n\n"+ksa, "api", right, "api"), planner.Policy{})
	if len(before.Violations) != 1 || len(after.Violations) != 1 || before.Violations[0].Fingerprint != after.Violations[0].Fingerprint {
		t.Errorf("a violation that moved has another fingerprint: %v, %v", before.Violations, after.Violations)
	}
	other := run(t, yaml(ksa, "web", right, "api"), planner.Policy{})
	if other.Violations[0].Fingerprint == before.Violations[0].Fingerprint {
		t.Error("two objects have one fingerprint")
	}
}
