package planner

import (
	"time"

	"dekey/scanner"
)

// A Plan is what was decided, and what was not: the document of that kind. Every list is sorted and none is nil.
type Plan struct {
	APIVersion    string         `json:"apiVersion"`
	Kind          string         `json:"kind"` // Plan
	ID            string         `json:"id"`   // a digest of everything else in the document; planfile.ID computes it
	Basis         []Basis        `json:"basis"`
	Moves         []Move         `json:"moves"`
	Holds         []Hold         `json:"holds"`
	Retirements   []Retirement   `json:"retirements"`
	Notices       []Notice       `json:"notices"`
	Prerequisites []Prerequisite `json:"prerequisites"`
	Access        []Access       `json:"access"`

	Accounts   []NewAccount     `json:"accounts"`   // Google service accounts that the plan creates (a split)
	Waves      []Wave           `json:"waves"`      // which moves first
	Exceptions []Exception      `json:"exceptions"` // the register: exclusions of the policy in force
	Soak       Soak             `json:"soak"`
	Clusters   []ClusterRef     `json:"clusters"` // what the scripts talk to
	Sources    []scanner.Source `json:"sources"`  // with file digests: the checkout that the plan was made from
	Gaps       []scanner.Gap    `json:"gaps"`     // what the inventories could not see
	Findings   []PlannedFinding `json:"findings"` // every finding by id, as a reader needs it: the inventory has the rest
	Keys       []scanner.Key    `json:"keys"`
	Limits     Limits           `json:"limits"`
	Approval   Approval         `json:"approval"`
	// Namespaces are the rules by which manifests without a namespace were read: the checkout is read again by them.
	Namespaces []NamespaceRule `json:"namespaces"`
}

// A Basis names an inventory that the plan was made from, by the SHA-256 of its canonical JSON.
type Basis struct {
	SHA256  string   `json:"sha256"`
	Sources []string `json:"sources"`
}

// The identity models.
const (
	Impersonation = "impersonation"
	Direct        = "direct"
)

// A Move takes one workload off its keys.
type Move struct {
	ID             string         `json:"id"`
	Workload       scanner.Ref    `json:"workload"`
	Findings       []string       `json:"findings"`
	Account        string         `json:"account"` // the Google service account's email
	ServiceAccount ServiceAccount `json:"serviceAccount"`
	Model          string         `json:"model"`
	Grants         []Grant        `json:"grants"`
	Edits          []Edit         `json:"edits"`
	Notices        []Notice       `json:"notices"`
	Why            string         `json:"why"`

	// Before is the KSA that the workload runs under until then.
	Before string `json:"before"`
	Wave   string `json:"wave"`
	// Live: the workload was seen only in a cluster and nothing claims it: its edits become patches/.
	Live    bool   `json:"live"`
	Cluster string `json:"cluster,omitempty"` // the id of the cluster it runs in, where one is known
	// Clusters are all of them where there are several (merged inventories).
	Clusters []string `json:"clusters,omitempty"`
	// Keys are the ids of the keys that the workload stops using.
	Keys []string `json:"keys"`
	// Prove are the ids of the keys whose possession must be proven before the grant: Keys, and for a service account that
	// is kept also those by which the other workloads under it claim the account.
	Prove []string `json:"prove,omitempty"`
	// Secrets are the Secrets that hold them.
	Secrets []scanner.Ref `json:"secrets"`
	// Carried is what a new service account takes over from the old one: what 1-grant.sh compares with the live one.
	Carried *Carried `json:"carried,omitempty"`
	// Recreate: the object is immutable and must be replaced.
	Recreate bool `json:"recreate"`
	// Schedule of a CronJob, and the longest time between two runs in seconds (0: none or unknown).
	Schedule string `json:"schedule,omitempty"`
	Period   int64  `json:"period,omitempty"`
}

// Carried is what a new service account takes over from the old one, each list sorted.
type Carried struct {
	Bindings         []scanner.Ref `json:"bindings"` // role bindings that name the old one and get the new one too
	ImagePullSecrets []string      `json:"imagePullSecrets"`
	Annotations      []string      `json:"annotations"` // their keys
	Labels           []string      `json:"labels"`      // their keys
	// Left are the keys of annotations that were seen and stay with the old one: descriptions, release tracking. An
	// annotation in neither list was not seen.
	Left []string `json:"left"`
}

// A ServiceAccount is the KSA that a workload has after its move.
type ServiceAccount struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Create    bool   `json:"create"`
}

// A Grant is one IAM binding that must be there before the merge. Resource is a full resource name:
// //iam.googleapis.com/projects/-/serviceAccounts/EMAIL.
type Grant struct {
	Resource string `json:"resource"`
	Role     string `json:"role"`
	Member   string `json:"member"`
	// Condition and Title are the condition's expression and title, for translated conditional grants.
	Condition string `json:"condition,omitempty"`
	Title     string `json:"title,omitempty"`
	// Project is the project that the command is charged to (--project).
	Project string `json:"project"`
	// Exists: the binding was read, in this or the other spelling; nothing needs to be granted.
	Exists bool `json:"exists,omitempty"`
}

// The operations of an Edit.
const (
	// OpRemove removes the field (a mapping entry or a list item). A list or mapping that an edit empties goes with
	// it when it is one of the pod spec's own (env, envFrom, volumes, volumeMounts, args, items, sources).
	OpRemove = "remove"
	// OpSet sets a scalar field, adding it where it is absent.
	OpSet = "set"
	// OpAppend adds Value (a mapping) at the end of the list at Field, creating the list where it is absent.
	OpAppend = "append"
	// OpCreate writes a new object: Value is its whole content, Object its name.
	OpCreate = "create"
)

// An Edit is one change of one object. It names objects and fields, never files.
type Edit struct {
	Object scanner.Ref  `json:"object"`
	Op     string       `json:"op"`
	Field  scanner.Path `json:"field"` // "" for create
	// Value is the new value (set, append, create), as JSON.
	Value any `json:"value,omitempty"`
	// Was is the expected current value of a scalar that is set or removed ("" where it is not a string or holds
	// something that must not be shown). JSON patches test it.
	Was string `json:"was,omitempty"`
	// Pointer is the field's place in the live object as a JSON pointer, of a move whose workload only a cluster has. It ends
	// with /- where the value joins a list. "": unknown.
	Pointer string `json:"pointer,omitempty"`
	// Why is one clause for a reviewer: "the key's volume", "the variable that pointed at the key".
	Why string `json:"why"`
}

// A Notice is something that a reviewer must know about a move (or, with Object, about a bystander).
type Notice struct {
	Code   string       `json:"code"`
	Text   string       `json:"text"`
	Object *scanner.Ref `json:"object,omitempty"`
}

// A Hold is findings that the planner declined, and what would change its mind.
type Hold struct {
	Findings []string    `json:"findings"`
	Workload scanner.Ref `json:"workload"`
	Code     string      `json:"code"`
	Reason   string      `json:"reason"`
	Ask      string      `json:"ask"`    // one question for the workload's owner
	Answer   string      `json:"answer"` // the policy file's key and values that settle it, or ""
	// At is where the reason was seen, when that is not the finding itself.
	At *scanner.Origin `json:"at,omitempty"`
}

// A Retirement is a key on its way out.
type Retirement struct {
	Key       string         `json:"key"` // "" when it is known only through --account
	Email     string         `json:"email"`
	KeyID     string         `json:"keyID"`
	Project   string         `json:"project"`
	Copies    []scanner.Copy `json:"copies"`
	Consumers int            `json:"consumers"` // workloads
	Moved     int            `json:"moved"`     // workloads
	Ready     bool           `json:"ready"`
	BlockedBy []Blocker      `json:"blockedBy"`
	Workloads []scanner.Ref  `json:"workloads"` // the consumers, sorted
	Secrets   []scanner.Ref  `json:"secrets"`   // that hold it, for cleanup
	// Makers are what makes keys of the account in a checkout. Deleting a key under its maker makes a new one at the next apply.
	Makers []scanner.KeyMaker `json:"makers,omitempty"`
	// NotUsedAt is when Google's evidence that the key is not used was read; zero where there is none. It counts for a key
	// without a consumer: use before a cut-over says nothing.
	NotUsedAt time.Time `json:"notUsedAt,omitzero"`
}

// A Blocker is one reason why a key can not be deleted yet, and what would clear it.
type Blocker struct {
	Code  string `json:"code"`
	What  string `json:"what"`
	Clear string `json:"clear"`
}

// A Prerequisite is a change of a cluster, node pool, API or policy that somebody has to make first.
type Prerequisite struct {
	Code     string     `json:"code"`
	Target   string     `json:"target"`
	Why      string     `json:"why"`
	Commands [][]string `json:"commands"` // each an argv
	// Effects are what else the change does: the other pods that a switched node pool hits.
	Effects []string `json:"effects"`
}

// Access is who a workload can act as, before and after, as account emails.
type Access struct {
	Workload scanner.Ref `json:"workload"`
	Before   []string    `json:"before"`
	After    []string    `json:"after"`
}

// A NewAccount is a Google service account that the plan creates, with the roles it gets.
type NewAccount struct {
	Email       string      `json:"email"`
	Project     string      `json:"project"`
	DisplayName string      `json:"displayName"`
	For         scanner.Ref `json:"for"`
	Grants      []Grant     `json:"grants"`
}

// A Wave is a group of moves that can be merged together, in order.
type Wave struct {
	Name  string   `json:"name"`
	Moves []string `json:"moves"`
	Why   string   `json:"why"`
}

// An Exception is an exclusion that somebody answers for.
type Exception struct {
	What    string `json:"what"`
	Reason  string `json:"reason"`
	By      string `json:"by"`
	Expires string `json:"expires"` // a date, YYYY-MM-DD
	Expired bool   `json:"expired"`
}

// Soak is how long to wait, in days.
type Soak struct {
	Disable int `json:"disable"` // after the last consumer's cut-over, before keys are disabled
	Delete  int `json:"delete"`  // after that, before they are deleted
}

// A ClusterRef is what commands need to reach a cluster.
type ClusterRef struct {
	ID            string `json:"id"`
	Project       string `json:"project"`
	Location      string `json:"location"`
	Name          string `json:"name"`
	Context       string `json:"context"`
	Server        string `json:"server,omitempty"`
	Pool          string `json:"pool"`
	ProjectNumber string `json:"projectNumber"`
}

// A PlannedFinding is a finding as a plan's reader needs it.
type PlannedFinding struct {
	ID        string           `json:"id"`
	Workload  scanner.Ref      `json:"workload"`
	Container string           `json:"container"`
	Via       scanner.Via      `json:"via"`
	Named     string           `json:"named"` // the variable, flag or field
	Secret    scanner.Holder   `json:"secret"`
	Key       string           `json:"key"`
	Email     string           `json:"email"` // "" unknown
	Origins   []scanner.Origin `json:"origins"`
}

// Approval is room for the change board: taken from flags or the policy file.
type Approval struct {
	Ticket   string `json:"ticket,omitempty"`
	Approver string `json:"approver,omitempty"`
	Window   string `json:"window,omitempty"`
}

// Limits bound what untrusted input can cost; each is a gap when reached.
type Limits struct {
	FileBytes   int64         `json:"fileBytes"`
	Levels      int           `json:"levels"`
	Documents   int           `json:"documents"`
	RenderTime  time.Duration `json:"renderTime"` // nanoseconds
	RenderBytes int64         `json:"renderBytes"`
}
