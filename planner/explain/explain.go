// Package explain says what each code of dekey means: holds, notices, blockers, prerequisites, conditions, vias, verdicts about
// keys, exit codes, and the symptoms that people see while they move to Workload Identity Federation for GKE.
//
// It is text and nothing else. `dekey explain CODE` and every report show the same words, so that a reader who looks
// a code up finds what the report said:
//
//	text, ok := explain.Lookup("host-network")
//	for _, text := range explain.All() { ... }
//
// A new code in the planner needs an entry here; a test holds the two lists together.
package explain

import (
	"slices"
	"strings"
)

// A Kind says where a code turns up.
type Kind string

// The kinds, in the order in which a list of all codes shows them.
const (
	Hold         Kind = "hold"         // a finding that is not planned
	Notice       Kind = "notice"       // what a reviewer must know about a move or a bystander
	Blocker      Kind = "blocker"      // why a key can not be deleted yet
	Prerequisite Kind = "prerequisite" // a change that somebody must make before the first grant
	Condition    Kind = "condition"    // what dekey check asks before a step
	Gap          Kind = "gap"          // what could not be read
	Rule         Kind = "rule"         // of dekey lint and of the policies of dekey guard
	Via          Kind = "via"          // the way by which a pod gets at a key
	Verdict      Kind = "verdict"      // is the key in the Secret one of the account's?
	Use          Kind = "use"          // was the key used?
	Symptom      Kind = "symptom"      // what people see when something is missing
	Exit         Kind = "exit"         // how dekey ended
)

// kinds is their order.
var kinds = []Kind{Hold, Notice, Blocker, Prerequisite, Condition, Gap, Rule, Via, Verdict, Use, Symptom, Exit}

// A Text explains one code.
type Text struct {
	Code string `json:"code"`
	Kind Kind   `json:"kind"`
	// Also are other kinds that the same code is: image-pull is a hold, a via and a blocker.
	Also []Kind `json:"also,omitempty"`
	// What is the code in one sentence; Why is why it matters; Do is what to do about it.
	What string `json:"what"`
	Why  string `json:"why"`
	Do   string `json:"do"`
	// Try are shell lines that show or mend it. Words in capitals stand for values of your own.
	Try []string `json:"try,omitempty"`
	// Answers are the values that the policy file can give for a hold (answers: {CODE: VALUE}); none where a hold
	// takes no answer.
	Answers []Answer `json:"answers,omitempty"`
	// Source is where the fact comes from: the public document, or this tool's own promise.
	Source string `json:"source"`
}

// Is says whether the code turns up as a kind.
func (t Text) Is(kind Kind) bool { return t.Kind == kind || slices.Contains(t.Also, kind) }

// An Answer is one value that settles a hold, and what the operator says with it. The planner owns the values; a test
// holds these against it.
type Answer struct {
	Value string `json:"value"`
	Means string `json:"means"`
}

// Lookup gives the text of a code. Case and surrounding space do not matter.
func Lookup(code string) (Text, bool) {
	code = strings.ToLower(strings.TrimSpace(code))
	for _, list := range lists() {
		for _, text := range list {
			if text.Code == code {
				return text, true
			}
		}
	}
	return Text{}, false
}

// All gives every text, by kind and then by code.
func All() []Text {
	all := slices.Concat(lists()...)
	slices.SortStableFunc(all, func(a, b Text) int {
		if a.Kind != b.Kind {
			return slices.Index(kinds, a.Kind) - slices.Index(kinds, b.Kind)
		}
		return strings.Compare(a.Code, b.Code)
	})
	return all
}

// Near gives the codes that a mistyped one may have meant: those that contain it or that it contains, at most five.
func Near(code string) []string {
	code = strings.ToLower(strings.TrimSpace(code))
	var near []string
	for _, text := range All() {
		if len(near) < 5 && len(code) > 2 && (strings.Contains(text.Code, code) || strings.Contains(code, text.Code) || samePart(code, text.Code)) {
			near = append(near, text.Code)
		}
	}
	return near
}

// samePart says that two codes share a word.
func samePart(a, b string) bool {
	for part := range strings.SplitSeq(a, "-") {
		if len(part) > 3 && slices.Contains(strings.Split(b, "-"), part) {
			return true
		}
	}
	return false
}

func lists() [][]Text {
	return [][]Text{holds, holdsOfIdentity, notices, blockers, prerequisites, conditions, gaps, rules, guards, vias, verdicts, uses, symptoms, exits}
}

// The public documents that the texts rest on.
const (
	docConcepts    = "GKE: About Workload Identity Federation for GKE, https://docs.cloud.google.com/kubernetes-engine/docs/concepts/workload-identity"
	docHowTo       = "GKE: Authenticate to Google Cloud APIs from GKE workloads, https://docs.cloud.google.com/kubernetes-engine/docs/how-to/workload-identity"
	docTrouble     = "GKE: Troubleshoot authentication, https://docs.cloud.google.com/kubernetes-engine/docs/troubleshooting/authentication"
	docLimits      = "IAM: Identity federation, products and limitations, https://docs.cloud.google.com/iam/docs/federated-identity-supported-services"
	docPrincipals  = "IAM: Principal identifiers, https://docs.cloud.google.com/iam/docs/principal-identifiers"
	docPropagation = "IAM: Access change propagation, https://docs.cloud.google.com/iam/docs/access-change-propagation"
	docKeys        = "IAM: Disable and enable service account keys, https://docs.cloud.google.com/iam/docs/keys-disable-enable"
	docKeysDelete  = "IAM: Create and delete service account keys, https://docs.cloud.google.com/iam/docs/keys-create-delete"
	docKeyPractice = "IAM: Best practices for managing service account keys, https://docs.cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys"
	docMigrate     = "IAM: Migrate from service account keys, https://docs.cloud.google.com/iam/docs/migrate-from-service-account-keys"
	docPublicKeys  = "IAM: Service account credentials, https://docs.cloud.google.com/iam/docs/service-account-creds"
	docShortLived  = "IAM: Create short-lived credentials, https://docs.cloud.google.com/iam/docs/create-short-lived-credentials-direct"
	docActivity    = "Policy Intelligence: View recent usage for service accounts and keys, https://docs.cloud.google.com/policy-intelligence/docs/activity-analyzer-service-account-authentication"
	docMonitor     = "IAM: Monitor usage patterns for service accounts and keys, https://docs.cloud.google.com/iam/docs/service-account-monitoring"
	docOrgPolicy   = "Resource Manager: Restrict service account usage, https://docs.cloud.google.com/resource-manager/docs/organization-policy/restricting-service-accounts"
	docQuotas      = "IAM: Quotas and limits, https://docs.cloud.google.com/iam/quotas"
	docRoles       = "IAM: Roles and permissions, https://docs.cloud.google.com/iam/docs/roles-permissions"
	docADC         = "How Application Default Credentials works, https://docs.cloud.google.com/docs/authentication/application-default-credentials"
	docRegistry    = "Artifact Registry: Configure authentication to Docker, https://docs.cloud.google.com/artifact-registry/docs/docker/authentication"
	docPod         = "Kubernetes: Configure Service Accounts for Pods, https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"
	docPodAPI      = "Kubernetes API reference, Pod, https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/"
	docRBAC        = "Kubernetes: Using RBAC Authorization, https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
	docNetwork     = "Kubernetes: Network Policies, https://kubernetes.io/docs/concepts/services-networking/network-policies/"
	docJob         = "Kubernetes: Jobs, https://kubernetes.io/docs/concepts/workloads/controllers/job/"
	docNames       = "Kubernetes: Object Names and IDs, https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"
	docNodePool    = "Kubernetes Engine API, UpdateNodePoolRequest, https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools/update"
	docAdmission   = "Kubernetes: Validating Admission Policy, https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/"
	docSecrets     = "Kubernetes: Secrets, https://kubernetes.io/docs/concepts/configuration/secret/"
	ownPromise     = "A promise of dekey: what is not known is not taken for fine"
)
