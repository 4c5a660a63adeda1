package scanner

import (
	"slices"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// APIVersion is the version of every document that dekey writes.
const APIVersion = "dekey/v1"

type (
	// A Ref names one Kubernetes object.
	Ref = object.Ref
	// An Origin is a place in a source.
	Origin = object.Origin
	// A Path names a field inside an object.
	Path = object.Path
	// An Object is one Kubernetes object as read, key material included: it never leaves memory.
	Object = object.Object
	// A Holder is what holds a key: an entry of a Secret, a file, ....
	Holder = object.Holder
	// A Via is the way by which a pod or resource gets at a key.
	Via = object.Via
	// A FieldEdit is one change of one field of an object.
	FieldEdit = object.FieldEdit
	// An Obstacle is a fact that forbids an automatic move.
	Obstacle = object.Obstacle
	// Tri is three-valued knowledge.
	Tri = object.Tri
	// A PodSpec is what the planner asks about one pod template.
	PodSpec = wiring.PodSpec
	// A Scheduling is what a pod spec says of nodes.
	Scheduling = wiring.Scheduling
	// A Volume is a pod's volume that a Secret, ConfigMap or CSI driver fills.
	Volume = wiring.Volume
	// A VolumeSource is one Secret or ConfigMap that fills a volume.
	VolumeSource = wiring.VolumeSource
	// A VolumeFile is one file of a volume.
	VolumeFile = wiring.VolumeFile
	// A Container is what the planner asks about one container.
	Container = wiring.Container
	// A VolumeMount is one mount of a Volume.
	VolumeMount = wiring.VolumeMount
)

// The vias of the contract, and three-valued knowledge.
const (
	EnvFile   = object.EnvFile
	EnvValue  = object.EnvValue
	EnvFrom   = object.EnvFrom
	ArgFile   = object.ArgFile
	Mount     = object.Mount
	Reference = object.Reference
	ImagePull = object.ImagePull
	Inline    = object.Inline

	Yes     = object.Yes
	No      = object.No
	Unknown = object.Unknown
)

// An Inventory is what was found: the document of that kind. Every list is sorted and none is nil.
type Inventory struct {
	APIVersion      string           `json:"apiVersion"`
	Kind            string           `json:"kind"` // Inventory
	Sources         []Source         `json:"sources"`
	Keys            []Key            `json:"keys"`
	Workloads       []Workload       `json:"workloads"`
	Findings        []Finding        `json:"findings"`
	Gaps            []Gap            `json:"gaps"`
	ServiceAccounts []ServiceAccount `json:"serviceAccounts"`
	RoleBindings    []RoleBinding    `json:"roleBindings"`
	NetworkPolicies []NetworkPolicy  `json:"networkPolicies"`
	Mentions        []Mention        `json:"mentions"`
	Clusters        []Cluster        `json:"clusters"`
	Accounts        []Account        `json:"accounts"`
	KeyFacts        []KeyFact        `json:"keyFacts"`
	KeyMakers       []KeyMaker       `json:"keyMakers,omitempty"`
	Authorities     []Authority      `json:"authorities,omitempty"`
	Secrets         []Secret         `json:"secrets"`
	Projects        []Project        `json:"projects"`
	// Exceptions are the comments of the checkouts that excuse violations of dekey lint: entries of the exception register. They
	// change nothing of what is found or planned.
	Exceptions []Exception `json:"exceptions,omitempty"`
}

// Except adds exceptions, and keeps the list sorted and free of key material.
func (inv *Inventory) Except(list ...Exception) {
	inv.Exceptions = append(inv.Exceptions, list...)
	slices.SortFunc(inv.Exceptions, func(a, b Exception) int { return a.Origin.Compare(b.Origin) })
	Scrub(&inv.Exceptions)
}

// An Exception is a comment in a checkout that excuses violations of some codes, for a reason and until a last day.
type Exception struct {
	Origin Origin   `json:"origin"` // of the line that it speaks of
	Codes  []string `json:"codes"`
	Reason string   `json:"reason"`
	Until  string   `json:"until"` // the last day, YYYY-MM-DD
}

// A Source is a checkout, a cluster, or standard input.
type Source struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`           // repository | cluster
	Root    string `json:"root,omitempty"` // as it was given
	Context string `json:"context,omitempty"`
	Commit  string `json:"commit,omitempty"` // "" outside a git repository
	// Prefix is where the root lies in its git repository: "apps/" for a folder that was scanned alone, "" for the top.
	// Patches name files from the repository's top.
	Prefix   string `json:"prefix,omitempty"`
	Server   string `json:"server,omitempty"`
	Project  string `json:"project,omitempty"`
	Location string `json:"location,omitempty"`
	Cluster  string `json:"cluster,omitempty"`
	// Dump says that it is what kubectl printed of a cluster, in a file or on standard input: a repository in which
	// nobody edits anything.
	Dump bool `json:"dump,omitempty"`
	// Files are the digests of the files that something was read from, so that a later stage can refuse a
	// checkout that moved. Only for repositories.
	Files []FileDigest `json:"files,omitempty"`
}

// A FileDigest is a file's content, named by its SHA-256 in hex. Path is relative to the source's root.
type FileDigest struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// The types of a Key.
const (
	TypeServiceAccount = "service_account"
	TypeAuthorizedUser = "authorized_user"
)

// A Key is one long-lived credential, wherever and however often it was found.
type Key struct {
	ID        string `json:"id"` // SHA-256 of the public key (SPKI, DER) in hex; for an authorized_user of client id and token digest
	Type      string `json:"type"`
	Email     string `json:"email"`
	Project   string `json:"project"`
	KeyID     string `json:"keyID"`
	Algorithm string `json:"algorithm"` // RSA-2048, EC-P256, ...
	Universe  string `json:"universe"`  // googleapis.com unless the file names another
	Copies    []Copy `json:"copies"`
	// ClientID is the account's unique id as the file gives it: a different one at Google proves a dead account.
	ClientID string `json:"clientID,omitempty"`
}

// A Copy is one place that holds a Key.
type Copy struct {
	Holder Holder `json:"holder"`
	Origin Origin `json:"origin"`
}

// A Finding is one use of one key (or of one Secret that is not in the input: then Key is ""). Its identity is
// workload, container, via, what names it (Env or Field), Secret and Entry.
type Finding struct {
	ID            string   `json:"id"`
	Workload      Ref      `json:"workload"`
	Container     string   `json:"container"`
	ContainerType string   `json:"containerType"` // container | initContainer | ephemeralContainer | ""
	Via           Via      `json:"via"`
	Env           string   `json:"env"`    // the variable
	Path          string   `json:"path"`   // the file inside the container
	Volume        string   `json:"volume"` // the pod's volume
	Field         string   `json:"field"`  // the flag, or the path of the field of a custom resource
	Secret        Holder   `json:"secret"`
	Key           string   `json:"key"`
	Origins       []Origin `json:"origins"`

	// PodSpec is the path of the pod spec in the workload, "" where there is none.
	PodSpec Path `json:"podSpec"`
	// At are the fields that make up this use and nothing else, in the object: the variable, the argument (both
	// elements of a two-element flag), the field of the custom resource. Mounts and volumes, which several uses may
	// share, are in the Workload's pods.
	At []Path `json:"at"`
	// Was are the texts at the fields of At, where they are arguments: what a patch tests before it removes them. "" for a text that
	// is long or may hold a key.
	Was []string `json:"was,omitempty"`
	// Elsewhere is the ConfigMap's entry that sets the variable, through envFrom: At is then empty.
	Elsewhere *Holder `json:"elsewhere,omitempty"`
	// Embedded says that the use stands inside a longer text (a shell script, one element of several flags): no edit by
	// path, and At is empty.
	Embedded bool `json:"embedded,omitempty"`
	// Standard says that client libraries or gcloud read the variable or path by themselves, so that without it they
	// fall through to the metadata server.
	Standard bool `json:"standard,omitempty"`
	// Catalog names the catalogue entry that recognised the use, or "".
	Catalog string `json:"catalog,omitempty"`
	// Recipe is the catalogue's way out, when it has one that is an edit: of the custom resource, or of the workload. For a
	// flag or variable of a known program that can do without, it removes the fields of At; indexes count in the object as
	// it is.
	Recipe []FieldEdit `json:"recipe,omitempty"`
	// Hold is what the scanner knows that forbids an automatic move: template, generated, program-reads-key, ...,
	// and what it saw. Several at once are possible.
	Hold []Obstacle `json:"hold,omitempty"`
	// Identity is whose Kubernetes service account is used afterwards, when that is not the workload's own (the
	// controller of a custom resource).
	Identity *Ref `json:"identity,omitempty"`
	// Optional says that the reference was marked optional.
	Optional bool `json:"optional,omitempty"`
}

// SourceGoogle is the Source of gaps in what Google's APIs say.
const SourceGoogle = "google"

// A Gap is something that should have been readable and was not.
type Gap struct {
	Source string `json:"source"`
	What   string `json:"what"` // a file with its line, a namespace, a resource
	Why    string `json:"why"`
}

// A Workload is an object with pods of its own (or a custom resource with a finding): everything that the planner
// asks about it. Workloads without findings are listed when they run under a service account that matters.
type Workload struct {
	Ref            Ref      `json:"ref"`
	ServiceAccount string   `json:"serviceAccount"` // the name in effect; "default" when none is written
	HostNetwork    bool     `json:"hostNetwork"`
	Replicas       *int64   `json:"replicas"` // null where none is written or the kind has none
	Origins        []Origin `json:"origins"`

	PodSpecs []PodSpec `json:"podSpecs"`
	Managers []string  `json:"managers,omitempty"` // see object.Object
	Live     bool      `json:"live,omitempty"`
	Root     string    `json:"root,omitempty"` // the outermost kustomization or chart that renders it
	Schedule string    `json:"schedule,omitempty"`
	// Generated says what writes the file, when it is not people; edits belong in the source.
	Generated string `json:"generated,omitempty"`
	// Conflict says how several definitions of the one object differ in what matters here, or "".
	Conflict string            `json:"conflict,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"` // the object's own
	// Suspended: a Job or CronJob that does not run now.
	Suspended bool `json:"suspended,omitempty"`
	// Pointers are where the items of a live object's pod specs stand: a JSON patch needs that. Nil for what a file holds.
	Pointers object.Pointers `json:"pointers,omitempty"`
	// Drift says how the live object and the one in the checkout differ, or "".
	Drift string `json:"drift,omitempty"`
	// AccountChoice is what a chart's values choose its service account by. Workloads with the same one can not have different
	// service accounts. Nil where nothing is known to choose.
	AccountChoice *object.AccountChoice `json:"accountChoice,omitempty"`
}

// A Secret is what was seen of a Secret (or ConfigMap with a key): its shape, and what makes it. Never its values.
type Secret struct {
	Ref     Ref           `json:"ref"`
	Type    string        `json:"type,omitempty"`
	Entries []SecretEntry `json:"entries"`
	// Read says that the values were read: false for encrypted and generated ones, and with --no-secret-values.
	Read    bool     `json:"read"`
	Live    bool     `json:"live,omitempty"`
	Origins []Origin `json:"origins"`
	// Provenance is what makes or re-creates it: plain, sealed-secret, external-secret, sops, kustomize-generator,
	// helm, secret-provider-class, terraform, config-connector, replicator, vault, crossplane, ....
	Provenance []Provenance `json:"provenance"`
	Managers   []string     `json:"managers,omitempty"`
	Hash       bool         `json:"hash,omitempty"` // generated with a hash suffix; the name is without it
}

// A SecretEntry is one entry of a Secret.
type SecretEntry struct {
	Name  string `json:"name"`
	Holds Tri    `json:"holds"`
	Key   string `json:"key,omitempty"`
}

// A Provenance is one maker of a Secret.
type Provenance struct {
	Kind   string  `json:"kind"`
	Object Ref     `json:"object"`           // the object that makes it, where one does
	Origin *Origin `json:"origin,omitempty"` // where that stands
	// Recreates: deleting the Secret (or the key in it) does not last.
	Recreates bool `json:"recreates"`
}

// A ServiceAccount is a Kubernetes service account.
type ServiceAccount struct {
	Ref              Ref               `json:"ref"`
	Annotations      map[string]string `json:"annotations"` // without kubectl's last-applied copy
	Labels           map[string]string `json:"labels,omitempty"`
	ImagePullSecrets []string          `json:"imagePullSecrets"`
	Secrets          []string          `json:"secrets,omitempty"`
	Automount        *bool             `json:"automount"`
	Live             bool              `json:"live"`
	Origins          []Origin          `json:"origins"`
	Managers         []string          `json:"managers,omitempty"`
	Root             string            `json:"root,omitempty"`
	// Grants are the roles that the service account's own principal is known to hold on resources (the direct model).
	// Impersonation of a Google service account is not among them.
	Grants []Grant `json:"grants,omitempty"`
}

// A RoleBinding is a RoleBinding or ClusterRoleBinding.
type RoleBinding struct {
	Ref      Ref       `json:"ref"`
	RoleRef  Ref       `json:"roleRef"`
	Subjects []Subject `json:"subjects"`
	Live     bool      `json:"live,omitempty"`
	Origins  []Origin  `json:"origins"`
	Managers []string  `json:"managers,omitempty"`
}

// A Subject is who a binding names: ServiceAccount, User or Group.
type Subject struct {
	APIGroup  string `json:"apiGroup"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// A NetworkPolicy is a policy that restricts egress. Of the standard kind everything is decoded; of others
// (Cilium, Calico, FQDN, AdminNetworkPolicy) it is known only that they are there.
type NetworkPolicy struct {
	Ref       Ref      `json:"ref"`
	Selectors Selector `json:"selectors"` // of pods
	Isolates  bool     `json:"isolates"`  // policyTypes has Egress, or egress rules are written
	Egress    []Egress `json:"egress"`
	// Opaque: a policy of a kind that is not decoded.
	Opaque  bool     `json:"opaque,omitempty"`
	Live    bool     `json:"live,omitempty"`
	Origins []Origin `json:"origins"`
}

// A Selector is a Kubernetes label selector; the zero one selects everything.
type Selector struct {
	MatchLabels      map[string]string     `json:"matchLabels,omitempty"`
	MatchExpressions []SelectorRequirement `json:"matchExpressions,omitempty"`
}

// A SelectorRequirement is one expression of a Selector.
type SelectorRequirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"` // In | NotIn | Exists | DoesNotExist
	Values   []string `json:"values,omitempty"`
}

// An Egress is one rule of a NetworkPolicy. No peers means all, no ports means all.
type Egress struct {
	CIDRs    []CIDR       `json:"cidrs,omitempty"`
	Other    bool         `json:"other,omitempty"` // pod or namespace selectors among the peers
	AllPeers bool         `json:"allPeers,omitempty"`
	Ports    []EgressPort `json:"ports,omitempty"`
	AllPorts bool         `json:"allPorts,omitempty"`
}

// A CIDR is an ipBlock.
type CIDR struct {
	CIDR   string   `json:"cidr"`
	Except []string `json:"except,omitempty"`
}

// An EgressPort is a port or range; Port 0 is every port of the protocol, Name a named port.
type EgressPort struct {
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	EndPort  int    `json:"endPort,omitempty"`
	Name     string `json:"name,omitempty"`
}

// A Mention is a field of another object that names a KSA: a mesh or policy object, an operator's setting.
type Mention struct {
	ServiceAccount Ref      `json:"serviceAccount"`
	Object         Ref      `json:"object"`
	Field          string   `json:"field"`
	Value          string   `json:"value"`         // as written
	Why            string   `json:"why,omitempty"` // istio, cilium, vault, ...: what kind of mention it is
	Origins        []Origin `json:"origins"`
}
