package planner

import (
	"regexp"
	"strings"
)

// The roles that plans grant.
const (
	RoleWorkloadIdentityUser = "roles/iam.workloadIdentityUser"
	RoleTokenCreator         = "roles/iam.serviceAccountTokenCreator"
)

// AccountAnnotation on a Kubernetes service account names the Google service account that its pods act as.
// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
const AccountAnnotation = "iam.gke.io/gcp-service-account"

// A Principal is Kubernetes service accounts as IAM knows them: one (Namespace and Name), those of a namespace (Name
// ""), or those of a cluster (Namespace and Name ""). One service account has two spellings, which mean the same:
//
//	serviceAccount:POOL[NAMESPACE/NAME]
//	principal://iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/subject/ns/NAMESPACE/sa/NAME
//
// https://cloud.google.com/iam/docs/principal-identifiers
type Principal struct {
	Pool   string // PROJECT.svc.id.goog
	Number string // of the pool's project; "" where it is not known (the first spelling has none)
	// Namespace and Name of the Kubernetes service account.
	Namespace, Name string
	// Cluster is the provider's URL, for all service accounts of one cluster.
	Cluster string
}

const principalHost = "//iam.googleapis.com/projects/"

var (
	legacyMember  = regexp.MustCompile(`^serviceAccount:([^\[\]/\s]+)\[([^\[\]/\s]+)/([^\[\]/\s]+)\]$`)
	subjectMember = regexp.MustCompile(`^principal:` + regexp.QuoteMeta(principalHost) + `([^/\s]+)/locations/global/workloadIdentityPools/([^/\s]+)/subject/ns/([^/\s]+)/sa/([^/\s]+)$`)
	setMember     = regexp.MustCompile(`^principalSet:` + regexp.QuoteMeta(principalHost) + `([^/\s]+)/locations/global/workloadIdentityPools/([^/\s]+)/(namespace|kubernetes\.cluster)/(\S+)$`)
)

// ParsePrincipal reads a member of an IAM policy in any of its spellings. False means that the member names no Kubernetes
// service accounts. It takes what IAM stores: whether pool, namespace and name can exist is asked elsewhere.
func ParsePrincipal(member string) (Principal, bool) {
	if m := legacyMember.FindStringSubmatch(member); m != nil {
		return Principal{Pool: m[1], Namespace: m[2], Name: m[3]}, true
	}
	if m := subjectMember.FindStringSubmatch(member); m != nil {
		return Principal{Number: m[1], Pool: m[2], Namespace: m[3], Name: m[4]}, true
	}
	m := setMember.FindStringSubmatch(member)
	switch {
	case m == nil:
		return Principal{}, false
	case m[3] == "namespace" && !strings.Contains(m[4], "/"):
		return Principal{Number: m[1], Pool: m[2], Namespace: m[4]}, true
	case m[3] == "kubernetes.cluster":
		return Principal{Number: m[1], Pool: m[2], Cluster: m[4]}, true
	}
	return Principal{}, false
}

// Member is the spelling serviceAccount:POOL[NAMESPACE/NAME], which needs no project number. For sets it is "": they have
// only the other spelling.
func (p Principal) Member() string {
	if p.Namespace == "" || p.Name == "" {
		return ""
	}
	return "serviceAccount:" + p.Pool + "[" + p.Namespace + "/" + p.Name + "]"
}

// URI is the spelling principal://, or principalSet:// for a namespace or cluster. It is "" without the project number,
// which is never made up.
func (p Principal) URI() string {
	if p.Number == "" || p.Pool == "" {
		return ""
	}
	base := principalHost + p.Number + "/locations/global/workloadIdentityPools/" + p.Pool
	switch {
	case p.Cluster != "":
		return "principalSet:" + base + "/kubernetes.cluster/" + p.Cluster
	case p.Name == "":
		return "principalSet:" + base + "/namespace/" + p.Namespace
	}
	return "principal:" + base + "/subject/ns/" + p.Namespace + "/sa/" + p.Name
}

// Same says whether both are the same service accounts, however they are spelled. A number is compared only where both
// are known: pool names are unique.
func (p Principal) Same(q Principal) bool {
	if p.Number != "" && q.Number != "" && p.Number != q.Number {
		return false
	}
	return p.Pool == q.Pool && p.Namespace == q.Namespace && p.Name == q.Name && p.Cluster == q.Cluster
}

// Covers says whether the one service account q is p or in the set p. Which cluster q runs in is not asked: a set of a
// cluster covers every name.
func (p Principal) Covers(q Principal) bool {
	switch {
	case p.Pool != q.Pool:
		return false
	case p.Number != "" && q.Number != "" && p.Number != q.Number:
		return false
	case p.Cluster != "":
		return true
	}
	return p.Namespace == q.Namespace && (p.Name == "" || p.Name == q.Name)
}

// AccountResource is the full resource name of a Google service account, as Grant.Resource holds it.
func AccountResource(email string) string {
	return "//iam.googleapis.com/projects/-/serviceAccounts/" + email
}
