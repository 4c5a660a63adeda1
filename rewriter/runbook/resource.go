package runbook

import (
	"regexp"
	"strings"

	"dekey/planner"
)

// A surface is a gcloud group with add-iam-policy-binding, get-iam-policy and remove-iam-policy-binding, and the full
// resource names that it serves. https://cloud.google.com/iam/docs/full-resource-names
type surface struct {
	name  *regexp.Regexp
	group []string
	// words are the resource and the flags that place it, with $1, $2, ... for what the name's parts are. PROJECT is
	// the project that the command is charged to.
	words []string
	// condition: the group has --condition.
	condition bool
	// terraform is the resource type, its arguments (with $1, ...), and the import id without role and member.
	terraform string
	arguments [][2]string
	imported  string
	// object is Config Connector's kind with its API version, external the reference.
	object   [2]string
	external string
}

var surfaces = []surface{
	{
		name: regexp.MustCompile(`^//iam\.googleapis\.com/projects/([^/]+)/serviceAccounts/([^/]+)$`), group: []string{"iam", "service-accounts"},
		words: []string{"$2", "--project=PROJECT"}, condition: true,
		terraform: "google_service_account_iam_member", arguments: [][2]string{{"service_account_id", "projects/PROJECT/serviceAccounts/$2"}}, imported: "projects/PROJECT/serviceAccounts/$2",
		object: [2]string{"iam.cnrm.cloud.google.com/v1beta1", "IAMServiceAccount"}, external: "projects/PROJECT/serviceAccounts/$2",
	},
	{
		name: regexp.MustCompile(`^//cloudresourcemanager\.googleapis\.com/projects/([^/]+)$`), group: []string{"projects"},
		words: []string{"$1", "--project=PROJECT"}, condition: true,
		terraform: "google_project_iam_member", arguments: [][2]string{{"project", "$1"}}, imported: "$1",
		object: [2]string{"", "Project"}, external: "projects/$1",
	},
	{
		name: regexp.MustCompile(`^//cloudresourcemanager\.googleapis\.com/folders/([0-9]+)$`), group: []string{"resource-manager", "folders"},
		words: []string{"$1", "--project=PROJECT"}, condition: true,
		terraform: "google_folder_iam_member", arguments: [][2]string{{"folder", "folders/$1"}}, imported: "folders/$1",
		object: [2]string{"", "Folder"}, external: "folders/$1",
	},
	{
		name: regexp.MustCompile(`^//cloudresourcemanager\.googleapis\.com/organizations/([0-9]+)$`), group: []string{"organizations"},
		words: []string{"$1", "--project=PROJECT"}, condition: true,
		terraform: "google_organization_iam_member", arguments: [][2]string{{"org_id", "$1"}}, imported: "$1",
		object: [2]string{"", "Organization"}, external: "organizations/$1",
	},
	{
		name: regexp.MustCompile(`^//storage\.googleapis\.com/(?:projects/_/buckets/)?([^/]+)$`), group: []string{"storage", "buckets"},
		words: []string{"gs://$1", "--project=PROJECT"}, condition: true,
		terraform: "google_storage_bucket_iam_member", arguments: [][2]string{{"bucket", "$1"}}, imported: "b/$1",
		object: [2]string{"storage.cnrm.cloud.google.com/v1beta1", "StorageBucket"}, external: "$1",
	},
	{
		name: regexp.MustCompile(`^//pubsub\.googleapis\.com/projects/([^/]+)/topics/([^/]+)$`), group: []string{"pubsub", "topics"},
		words:     []string{"$2", "--project=$1"},
		terraform: "google_pubsub_topic_iam_member", arguments: [][2]string{{"project", "$1"}, {"topic", "$2"}}, imported: "projects/$1/topics/$2",
		object: [2]string{"pubsub.cnrm.cloud.google.com/v1beta1", "PubSubTopic"}, external: "projects/$1/topics/$2",
	},
	{
		name: regexp.MustCompile(`^//pubsub\.googleapis\.com/projects/([^/]+)/subscriptions/([^/]+)$`), group: []string{"pubsub", "subscriptions"},
		words:     []string{"$2", "--project=$1"},
		terraform: "google_pubsub_subscription_iam_member", arguments: [][2]string{{"project", "$1"}, {"subscription", "$2"}}, imported: "projects/$1/subscriptions/$2",
		object: [2]string{"pubsub.cnrm.cloud.google.com/v1beta1", "PubSubSubscription"}, external: "projects/$1/subscriptions/$2",
	},
	{
		name: regexp.MustCompile(`^//secretmanager\.googleapis\.com/projects/([^/]+)/secrets/([^/]+)$`), group: []string{"secrets"},
		words: []string{"$2", "--project=$1"}, condition: true,
		terraform: "google_secret_manager_secret_iam_member", arguments: [][2]string{{"project", "$1"}, {"secret_id", "$2"}}, imported: "projects/$1/secrets/$2",
		object: [2]string{"secretmanager.cnrm.cloud.google.com/v1beta1", "SecretManagerSecret"}, external: "projects/$1/secrets/$2",
	},
	{
		name: regexp.MustCompile(`^//cloudkms\.googleapis\.com/projects/([^/]+)/locations/([^/]+)/keyRings/([^/]+)/cryptoKeys/([^/]+)$`), group: []string{"kms", "keys"},
		words: []string{"$4", "--keyring=$3", "--location=$2", "--project=$1"}, condition: true,
		terraform: "google_kms_crypto_key_iam_member", arguments: [][2]string{{"crypto_key_id", "projects/$1/locations/$2/keyRings/$3/cryptoKeys/$4"}}, imported: "projects/$1/locations/$2/keyRings/$3/cryptoKeys/$4",
		object: [2]string{"kms.cnrm.cloud.google.com/v1beta1", "KMSCryptoKey"}, external: "projects/$1/locations/$2/keyRings/$3/cryptoKeys/$4",
	},
	{
		name: regexp.MustCompile(`^//artifactregistry\.googleapis\.com/projects/([^/]+)/locations/([^/]+)/repositories/([^/]+)$`), group: []string{"artifacts", "repositories"},
		words: []string{"$3", "--location=$2", "--project=$1"}, condition: true,
		terraform: "google_artifact_registry_repository_iam_member", arguments: [][2]string{{"project", "$1"}, {"location", "$2"}, {"repository", "$3"}}, imported: "projects/$1/locations/$2/repositories/$3",
		object: [2]string{"artifactregistry.cnrm.cloud.google.com/v1beta1", "ArtifactRegistryRepository"}, external: "projects/$1/locations/$2/repositories/$3",
	},
	{
		name: regexp.MustCompile(`^//run\.googleapis\.com/projects/([^/]+)/locations/([^/]+)/services/([^/]+)$`), group: []string{"run", "services"},
		words: []string{"$3", "--region=$2", "--project=$1"}, condition: true,
		terraform: "google_cloud_run_v2_service_iam_member", arguments: [][2]string{{"project", "$1"}, {"location", "$2"}, {"name", "$3"}}, imported: "projects/$1/locations/$2/services/$3",
		object: [2]string{"run.cnrm.cloud.google.com/v1beta1", "RunService"}, external: "projects/$1/locations/$2/services/$3",
	},
	{
		name: regexp.MustCompile(`^//spanner\.googleapis\.com/projects/([^/]+)/instances/([^/]+)/databases/([^/]+)$`), group: []string{"spanner", "databases"},
		words: []string{"$3", "--instance=$2", "--project=$1"}, condition: true,
		terraform: "google_spanner_database_iam_member", arguments: [][2]string{{"project", "$1"}, {"instance", "$2"}, {"database", "$3"}}, imported: "$1/$2/$3",
		object: [2]string{"spanner.cnrm.cloud.google.com/v1beta1", "SpannerDatabase"}, external: "projects/$1/instances/$2/databases/$3",
	},
}

// found is a surface with the parts of one resource's name.
type found struct {
	*surface
	parts   []string
	project string
}

// find gives the surface of a resource. project is what commands are charged to.
func find(g planner.Grant) (found, bool) {
	for i := range surfaces {
		if parts := surfaces[i].name.FindStringSubmatch(g.Resource); parts != nil {
			return found{&surfaces[i], parts, g.Project}, true
		}
	}
	return found{}, false
}

func (f found) fill(text string) string {
	var words []string
	for i, part := range f.parts[1:] {
		words = append(words, "$"+string(rune('1'+i)), part)
	}
	return strings.NewReplacer(append(words, "PROJECT", f.project)...).Replace(text)
}

// Grantable says whether the scripts can make a grant on the resource: gcloud has a command for it. Others stay with
// impersonation, or with people.
func Grantable(g planner.Grant) bool {
	f, ok := find(g)
	return ok && (g.Condition == "" || f.condition)
}

// command is `gcloud GROUP VERB RESOURCE FLAGS`.
func (f found) command(verb string, more ...string) []string {
	argv := append([]string{"gcloud"}, f.group...)
	argv = append(argv, verb)
	for _, word := range f.words {
		argv = append(argv, f.fill(word))
	}
	return append(argv, more...)
}

// bindingFlags name one binding of a policy.
func (f found) bindingFlags(g planner.Grant) []string {
	flags := []string{"--member=" + g.Member, "--role=" + g.Role}
	switch {
	case g.Condition != "":
		flags = append(flags, "--condition="+condition(g))
	case f.condition:
		flags = append(flags, "--condition=None")
	}
	return flags
}

// condition writes a condition for gcloud, which splits the flag at a character that the first ^...^ names.
// https://cloud.google.com/sdk/gcloud/reference/topic/escaping
func condition(g planner.Grant) string {
	for _, delimiter := range []string{"|", "~", "#", ";", "!", ":::", "@@@"} {
		if !strings.Contains(g.Condition, delimiter) && !strings.Contains(g.Title, delimiter) {
			return "^" + delimiter + "^expression=" + g.Condition + delimiter + "title=" + g.Title
		}
	}
	return "expression=" + g.Condition + ",title=" + g.Title
}

// AddBinding is the command that makes a grant, RemoveBinding the one that takes it back; nil where gcloud has none.
func AddBinding(g planner.Grant) []string { return change("add-iam-policy-binding", g) }

// RemoveBinding takes a grant back.
func RemoveBinding(g planner.Grant) []string { return change("remove-iam-policy-binding", g) }

func change(verb string, g planner.Grant) []string {
	f, ok := find(g)
	if !ok {
		return nil
	}
	return f.command(verb, f.bindingFlags(g)...)
}

// ReadPolicy is the command that shows the policy of a grant's resource; nil where gcloud has none.
func ReadPolicy(g planner.Grant) []string {
	f, ok := find(g)
	if !ok {
		return nil
	}
	return f.command("get-iam-policy")
}
