package planner

import "time"

// A Policy is what the operator says: the policy file that was named, under the flags of the command line. The
// zero value says nothing.
type Policy struct {
	// Now is the time that expiry dates are compared with. It is an input: the planner has no clock.
	Now time.Time

	Pool          string
	ProjectNumber string
	Model         string // "" is impersonation
	// Accounts map NAMESPACE/SECRET[/ENTRY], /SECRET, */SECRET and * to an email. Content that was read wins; of two rules
	// for the same Secret the later.
	Accounts []AccountRule
	// Namespaces are files or folders relative to the scanned root; the longest match wins.
	Namespaces []NamespaceRule
	Clusters   []ClusterRule
	Workloads  []WorkloadRule
	Exclude    []Exclusion
	Soak       Soak // zero fields are the defaults: 14 and 30 days
	Limits     Limits
	Split      bool // one new Google service account per workload where several share one
	Approval   Approval
	// HostNetwork "projected-token" asks for the alternative instead of a hold.
	HostNetwork string
	// Untrusted lists settings of the checkout's own dekey.yaml that were ignored: they become policy-untrusted.
	Untrusted []string
}

// An AccountRule names the account of a Secret's key. Namespace "" is written "/SECRET" (the namespace is unknown),
// "*" any; Secret "*" is everything that is unknown; Entry "" is every entry.
type AccountRule struct {
	Namespace, Secret, Entry string
	Email                    string
}

// Key is the rule's Secret as flags and policy files spell it.
func (r AccountRule) Key() string {
	if r.Secret == "*" {
		return "*"
	}
	key := r.Namespace + "/" + r.Secret
	if r.Entry != "" {
		key += "/" + r.Entry
	}
	return key
}

// A NamespaceRule gives the namespace of manifests below Path that name none.
type NamespaceRule struct {
	Path      string `json:"path"`
	Namespace string `json:"namespace"`
}

// A ClusterRule is PROJECT/LOCATION/NAME, and the kubeconfig context that reaches it.
type ClusterRule struct{ Project, Location, Name, Context string }

// A WorkloadRule overrides the plan for one workload, and answers its holds.
type WorkloadRule struct {
	Workload string // NAMESPACE/KIND/NAME
	Model    string
	Account  string // which account it is, where several or none are known
	Answers  map[string]string
	By       string
	Reason   string
	Wave     string
	// Signs says that the program signs: the grant of serviceAccountTokenCreator on itself is planned.
	Signs *bool
	// Split overrides Policy.Split.
	Split *bool
	// Hold keeps the workload out of the plan for this reason, without a date: a decision, not an exception.
	Hold string
}

// An Exclusion takes workloads or paths out of the plan, until a date, for a reason: the exception register.
type Exclusion struct {
	Workload string // NAMESPACE/KIND/NAME; each part may be *
	Path     string // a file or folder of the checkout
	Code     string // of lint or guard: the rule that is excused, "" all
	// Labels narrow Workload down to objects with all of them, and Project is a Google Cloud project that goes on making keys:
	// both of guard alone, and only with one of its codes.
	Labels  map[string]string
	Project string

	Reason  string
	By      string
	Expires time.Time // zero: never said, which is an error in the file
}
