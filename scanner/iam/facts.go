package iam

import (
	"dekey/scanner/object"
)

// Facts are what was read. The order of the lists is that of reading; rules sort what they say.
type Facts struct {
	Grants     []Grant
	Accounts   []Account
	Keys       []Key
	KSAs       []KSA
	Pools      []Pool
	Projects   []Project
	Misplaced  []Misplaced
	Conflicts  []Conflict
	Activation []Activation
	// Namespaces are those in which an object of the checkout stands.
	Namespaces map[string]bool
	// Opaque are places that can grant or declare anything: modules and charts that are not in the checkout.
	Opaque []Opaque
	// Templates says that templates declare Kubernetes service accounts, of names that are not known.
	Templates bool
	// Uses are the service accounts that pods run under.
	Uses []Use

	connector map[string]Value // e-mails of Config Connector's accounts, by NAMESPACE/NAME
}

// A Use is a pod spec that runs under a Kubernetes service account. Namespace "" is not known.
type Use struct{ Namespace, Name string }

// Add adds what other facts say.
func (f *Facts) Add(g Facts) {
	f.Grants = append(f.Grants, g.Grants...)
	f.Accounts = append(f.Accounts, g.Accounts...)
	f.Keys = append(f.Keys, g.Keys...)
	f.KSAs = append(f.KSAs, g.KSAs...)
	f.Pools = append(f.Pools, g.Pools...)
	f.Projects = append(f.Projects, g.Projects...)
	f.Misplaced = append(f.Misplaced, g.Misplaced...)
	f.Conflicts = append(f.Conflicts, g.Conflicts...)
	f.Activation = append(f.Activation, g.Activation...)
	f.Opaque = append(f.Opaque, g.Opaque...)
	f.Uses = append(f.Uses, g.Uses...)
	f.Templates = f.Templates || g.Templates
	for namespace := range g.Namespaces {
		f.see(namespace)
	}
}

func (f *Facts) see(namespace string) {
	if f.Namespaces == nil {
		f.Namespaces = map[string]bool{}
	}
	f.Namespaces[namespace] = true
}

// A Language is how a fact is written.
type Language string

// The languages.
const (
	Terraform       Language = "terraform"
	Gcloud          Language = "gcloud"
	ConfigConnector Language = "config-connector"
	Kubernetes      Language = "kubernetes"
	Plan            Language = "plan" // of dekey itself
)

// At says where a fact is written, and by what: google_service_account_iam_member.api, IAMPolicyMember/api, a gcloud
// command.
type At struct {
	Language Language
	What     string
	Origin   object.Origin
	// Block is where the block, object or command begins that the place is in.
	Block object.Origin
}

// A Mode is what a grant does to members that it does not name.
type Mode string

// The modes. A binding owns one role of its target, a policy all of them.
// https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_service_account_iam
const (
	Additive Mode = "additive"
	Binding  Mode = "binding"
	Policy   Mode = "policy"
)

// The kinds of targets that rules tell apart. Any other target has the word of its Terraform type or gcloud group.
const (
	TargetAccount      = "service_account" // a Google service account: Name is its email, or ends in it
	TargetProject      = "project"
	TargetFolder       = "folder"
	TargetOrganization = "organization"
	TargetBucket       = "storage_bucket"
)

// A Grant is roles on a target, for members.
type Grant struct {
	At
	Mode   Mode
	Target string // a kind of target
	Name   Value  // of the target
	Role   Value  // "" for a policy that could not be read
	// Members as written; More says that there are others, which are hidden.
	Members   []Member
	More      bool
	Condition Value // the expression, "" without one
	// ConditionAt is where the expression stands.
	ConditionAt object.Origin
}

// A Member is one member of a grant.
type Member struct {
	Value  Value
	Origin object.Origin
}

// An Account is a Google service account that the checkout declares.
type Account struct {
	At
	Email Value
}

// A Key is a key that the checkout has made: google_service_account_key, IAMServiceAccountKey, keys create.
type Key struct {
	At
	Account Value
}

// A KSA is a Kubernetes service account that the checkout declares.
type KSA struct {
	At
	Namespace Value // "" where it is not known
	Name      Value
	// Annotations are those that are, or look like, one of GKE's.
	Annotations []Annotation
	// Hidden says that annotations can be hidden.
	Hidden bool
}

// An Annotation is one annotation.
type Annotation struct {
	Key, Value Value
	Origin     object.Origin
}

// A Pool is a workload identity pool that the checkout gives to a cluster.
type Pool struct {
	At
	Name Value
}

// A Project is an id and a number that the checkout says belong together.
type Project struct {
	At
	ID, Number string
}

// A Misplaced annotation stands where GKE does not look: under labels, on a pod, beside the metadata.
type Misplaced struct {
	At
	Object object.Ref
	Key    string
	Value  Value
	Place  string // labels, a pod's annotations, ...
}

// A Conflict is a pod spec whose two spellings of the service account differ.
type Conflict struct {
	At
	Object         object.Ref
	Name, Obsolete string
}

// An Activation is a script or CI file that hands a key file to a client.
type Activation struct {
	At
	How string
}

// An Opaque place can hold anything about the names in Values.
type Opaque struct {
	At
	Why    string
	Values []Value // what it is given; nil: can be about everything
}
