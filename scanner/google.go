package scanner

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// What Google says, or what is read of Google's side elsewhere: clusters, accounts, keys, policies, projects.

// A Cluster is a GKE cluster as far as it is known.
type Cluster struct {
	ID            string     `json:"id"`   // PROJECT/LOCATION/NAME, or the source's id
	Pool          string     `json:"pool"` // read from the cluster; "" unknown
	ProjectNumber string     `json:"projectNumber"`
	Autopilot     *bool      `json:"autopilot"` // null: unknown
	NodePools     []NodePool `json:"nodePools"`
	Complete      []string   `json:"complete"` // namespaces that were listed whole
	Context       string     `json:"context,omitempty"`
	Server        string     `json:"server,omitempty"`
	Version       string     `json:"version,omitempty"` // of the API server
	Source        string     `json:"source,omitempty"`
	// GKE says whether it is one: no means that the key is needed there.
	GKE Tri `json:"gke"`
	// DataplaneV2 as read, unknown otherwise.
	DataplaneV2 Tri `json:"dataplaneV2,omitempty"`
	// WorkloadIdentity says whether it is on. Unknown (or "") where only Kubernetes was asked and nothing shows it.
	WorkloadIdentity Tri `json:"workloadIdentity,omitempty"`
	// GrantsRead: the roles that service accounts of the pool hold themselves were searched in all that stands above its project.
	GrantsRead bool `json:"grantsRead,omitempty"`
}

// A NodePool of a cluster.
type NodePool struct {
	Name           string            `json:"name"`
	Labels         map[string]string `json:"labels"`
	MetadataMode   string            `json:"metadataMode"` // GKE_METADATA | GCE_METADATA | "" unknown
	ServiceAccount string            `json:"serviceAccount,omitempty"`
	Taints         []string          `json:"taints,omitempty"` // key=value:Effect, as Kubernetes spells the effect
	Nodes          int               `json:"nodes,omitempty"`
}

// Takes says whether a pod can land on a node of the pool. It errs to yes: what only the node itself would tell fits.
func (p NodePool) Takes(selector map[string]string, s Scheduling) bool {
	labels := maps.Clone(p.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["cloud.google.com/gke-nodepool"] = p.Name
	// GKE labels the nodes that have its metadata server, and no others.
	const metadata = "iam.gke.io/gke-metadata-server-enabled"
	delete(labels, metadata)
	if p.MetadataMode != "GKE_METADATA" && s.Lands(selector, labels, p.Taints) {
		return true
	}
	if p.MetadataMode != "GKE_METADATA" && p.MetadataMode != "" {
		return false
	}
	labels[metadata] = "true"
	return s.Lands(selector, labels, p.Taints)
}

// An Account is a Google service account as Google describes it.
type Account struct {
	Email    string    `json:"email"`
	UniqueID string    `json:"uniqueID"`
	Disabled *bool     `json:"disabled"` // null: unknown
	Bindings []Binding `json:"bindings"` // of the account's own policy
	Project  string    `json:"project,omitempty"`
	Exists   Tri       `json:"exists"`
	// PolicyRead: Bindings are all there are.
	PolicyRead bool `json:"policyRead"`
	// Grants are the roles that the account holds elsewhere; GrantsRead says that they are all there are.
	Grants     []Grant `json:"grants,omitempty"`
	GrantsRead bool    `json:"grantsRead,omitempty"`
	// Authoritative names what owns the account's policy or a project's (a Terraform _binding or _policy, an
	// IAMPolicy): an additive grant would be wiped by it.
	Authoritative []string  `json:"authoritative,omitempty"`
	ReadAt        time.Time `json:"readAt,omitzero"`
}

// A Binding is one role of an IAM policy with its members.
type Binding struct {
	Role      string   `json:"role"`
	Members   []string `json:"members"`
	Condition string   `json:"condition,omitempty"` // the expression
	Title     string   `json:"title,omitempty"`     // of the condition
}

// A Grant is a role on a resource, given by its full resource name.
type Grant struct {
	Resource  string `json:"resource"`
	Role      string `json:"role"`
	Condition string `json:"condition,omitempty"`
	Title     string `json:"title,omitempty"`
}

// The verdicts of a KeyFact: is the key in the Secret one of the account's?
const (
	VerdictLive           = "live"
	VerdictDisabled       = "live-disabled"
	VerdictExpired        = "expired"
	VerdictDeletedKey     = "deleted-key"
	VerdictDeletedAccount = "deleted-account"
	VerdictForeign        = "foreign-account"
	VerdictNoPermission   = "unknown-no-permission"
	VerdictOffline        = "unverified-offline"
	VerdictMalformed      = "malformed"
)

// The values of KeyFact.Use.
const (
	Used       = "used"
	NotUsed    = "not-used"
	UseUnknown = "unknown"
)

// A KeyFact is Google's evidence about one key, with its time.
type KeyFact struct {
	Key     string    `json:"key"` // an id of keys[]
	Verdict string    `json:"verdict"`
	Use     string    `json:"use"`
	From    time.Time `json:"from,omitzero"` // the observation period
	To      time.Time `json:"to,omitzero"`
	ReadAt  time.Time `json:"readAt,omitzero"`

	LastAuthenticated time.Time `json:"lastAuthenticated,omitzero"` // a day; zero: never in the period
	Authentications   *int64    `json:"authentications,omitempty"`  // Monitoring's count over its own period; null: not read
	Created           time.Time `json:"created,omitzero"`
	Expires           time.Time `json:"expires,omitzero"`
	DisabledReason    string    `json:"disabledReason,omitempty"`
	Why               string    `json:"why,omitempty"`       // why something is unknown
	LogFilter         string    `json:"logFilter,omitempty"` // of Cloud Logging: who authenticates with the key
	KeyID             string    `json:"keyID,omitempty"`     // the id at Google, when the file's was wrong or missing
}

// A KeyMaker is code in a checkout that makes keys of an account: a google_service_account_key of Terraform. Which of the
// account's keys it made only its state says.
type KeyMaker struct {
	Account  string `json:"account"`
	Resource string `json:"resource"` // google_service_account_key.api
	Origin   Origin `json:"origin"`
}

// Compare orders makers by place.
func (m KeyMaker) Compare(o KeyMaker) int {
	return cmp.Or(m.Origin.Compare(o.Origin), cmp.Compare(m.Resource, o.Resource), cmp.Compare(m.Account, o.Account))
}

// An Authority is code in a checkout that keeps an allow policy, or one role of it, as a whole: what it does not list, its
// next run takes away. Whatever of it an expression hides is unknown.
//
// https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_service_account_iam
type Authority struct {
	Owner string `json:"owner"` // google_service_account_iam_policy.api, IAMPolicy/api, a command
	// Target is the kind of resource: service_account, project, storage_bucket, .... "" is for code that is not in the checkout (a
	// module), and that is given a name.
	Target string `json:"target"`
	// Name is the resource as the code names it, an account by its e-mail. * stands for what an expression hides, as it does in
	// Role.
	Name   string `json:"name"`
	Role   string `json:"role"` // "": every role
	Origin Origin `json:"origin"`
	// Hides names what hides a part: var.project.
	Hides []string `json:"hides,omitempty"`
}

// Compare orders authorities by place.
func (a Authority) Compare(o Authority) int {
	return cmp.Or(a.Origin.Compare(o.Origin), cmp.Compare(a.Owner, o.Owner), cmp.Compare(a.Target, o.Target), cmp.Compare(a.Name, o.Name),
		cmp.Compare(a.Role, o.Role), slices.Compare(a.Hides, o.Hides))
}

// A Project is what was looked up about a Google project.
type Project struct {
	ID     string `json:"id"`
	Number string `json:"number"`
	APIs   []API  `json:"apis,omitempty"`
	// Policies are organisation policy constraints in force that can block a step.
	Policies []string `json:"policies,omitempty"`
	// Impersonators are the bindings of the project's own policy by which Kubernetes service accounts may act as every
	// account of the project.
	Impersonators []Binding `json:"impersonators,omitempty"`
}

// An API of a project, on or off.
type API struct {
	Name    string `json:"name"`
	Enabled Tri    `json:"enabled"`
}
