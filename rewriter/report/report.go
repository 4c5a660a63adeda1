package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
)

// An Input is what a report is made from. Any part may be missing: an inventory alone shows what was found, a plan
// what was decided, both and a changeset the whole change.
type Input struct {
	Inventory *scanner.Inventory
	Plan      *planner.Plan
	Changeset *rewriter.Changeset
	// Files are the changeset folder's other files, by path below OUT: changes.patch, runbook/1-grant.sh, ....
	Files map[string][]byte
	// Now is the day from which ages are counted; zero: dates are shown, and no ages.
	Now time.Time
	// Merge is the day on which the change is to be merged; zero: the three dates are given as rules.
	Merge time.Time
	// Done is what the scripts' evidence says was done, in the order of the steps; Edited names records that are not as they
	// were written.
	Done   []Done
	Edited []string
	// Approval stands before the plan's own where it says something: a ticket that was opened after the plan.
	Approval planner.Approval
	// Tool names the program and its version, for SARIF and the foot of pages.
	Tool string
}

// A Report is what every format shows. All strings are safe to print: see Visible. Lists are sorted and holds,
// gaps and asserted accounts come first.
type Report struct {
	From     string `json:"from"` // inventory | plan | changeset
	PlanID   string `json:"plan"`
	Commit   string `json:"commit"`
	Headline string `json:"headline"`
	Counts   Counts `json:"counts"`
	Risk     Risk   `json:"risk"`
	Dates    []Date `json:"dates"`
	Done     []Done `json:"done"`
	// Approval is who decides, when, under which number; parts may be "".
	Approval Approval `json:"approval"`

	Sources  []Source `json:"sources"`
	Clusters []string `json:"clusters"`
	Holds    []Hold   `json:"holds"`
	Gaps     []Gap    `json:"gaps"`
	Waves    []Wave   `json:"waves"`
	Moves    []*Move  `json:"moves"`
	Notices  []Notice `json:"notices"` // of objects that do not move

	Findings        []Finding        `json:"findings"`
	Keys            []Key            `json:"keys"`
	ServiceAccounts []ServiceAccount `json:"serviceAccounts"`
	Access          []Access         `json:"access"`
	Prerequisites   []Prerequisite   `json:"prerequisites"`
	Exceptions      []Exception      `json:"exceptions"`
	Accounts        []Account        `json:"accounts"` // that the plan creates
	Removals        []Removal        `json:"removals"`
	Manual          []Manual         `json:"manual"`
	Scripts         []Script         `json:"scripts"`
	Codes           []Code           `json:"codes"` // explanations of every code that occurs

	tool string
	raw  Input
}

// Shows says whether a report shows anything of a changeset folder's file: only those need to be read into Input.Files.
func Shows(path string) bool {
	return path == patchFile || strings.HasPrefix(path, "runbook/") && strings.HasSuffix(path, ".sh")
}

const patchFile = "changes.patch"

// New makes the report of an input.
func New(in Input) *Report {
	r := &Report{From: "inventory", tool: cmp.Or(Visible(in.Tool), "dekey"), raw: in}
	if in.Plan != nil {
		r.From = "plan"
	}
	if in.Changeset != nil {
		r.From = "changeset"
	}
	b := newBuilder(in)
	b.fill(r)
	return r
}

// empty lists instead of nil ones: JSON lists are never null.
func (r *Report) noNil() {
	r.Sources, r.Clusters, r.Holds, r.Gaps = full(r.Sources), full(r.Clusters), full(r.Holds), full(r.Gaps)
	r.Waves, r.Moves, r.Notices, r.Findings = full(r.Waves), full(r.Moves), full(r.Notices), full(r.Findings)
	r.Keys, r.ServiceAccounts, r.Access = full(r.Keys), full(r.ServiceAccounts), full(r.Access)
	r.Prerequisites, r.Exceptions, r.Accounts = full(r.Prerequisites), full(r.Exceptions), full(r.Accounts)
	r.Removals, r.Manual, r.Scripts, r.Codes, r.Dates = full(r.Removals), full(r.Manual), full(r.Scripts), full(r.Codes), full(r.Dates)
	r.Done = full(r.Done)
}

func full[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Counts are the numbers of the first page.
type Counts struct {
	Workloads     int `json:"workloads"` // with a finding
	Moved         int `json:"moved"`
	Held          int `json:"held"`
	Findings      int `json:"findings"`
	Keys          int `json:"keys"`
	KeysReady     int `json:"keysReady"`
	Gaps          int `json:"gaps"`
	Files         int `json:"files"` // edited or new
	Namespaces    int `json:"namespaces"`
	Grants        int `json:"grants"`
	Prerequisites int `json:"prerequisites"`
	Asserted      int `json:"asserted"` // moves whose account somebody named by hand
}

// A Risk is what a change board asks: what can go wrong. Level is low, medium or high; Reasons say why, the gravest
// first.
type Risk struct {
	Level   string   `json:"level"`
	Reasons []Reason `json:"reasons"`
}

// A Reason is one thing that can go wrong, with the number of workloads that it concerns.
type Reason struct {
	Code  string `json:"code"`
	Level string `json:"level"`
	Count int    `json:"count"`
	What  string `json:"what"`
	Do    string `json:"do"`
}

// Done is one thing that a script did, or saw done.
type Done struct {
	Step   string    `json:"step"` // grant, verify, disable, delete
	What   string    `json:"what"` // granted, cut over, disabled, deleted
	Object string    `json:"object"`
	Time   time.Time `json:"time"`
	Record string    `json:"record"` // below runbook/evidence
}

// A Date is one of the three: merge, disable, delete. Day is "" where neither the day of the merge nor evidence says it.
// Done says how far the step has come by the evidence, or is "".
type Date struct {
	Step string `json:"step"`
	Rule string `json:"rule"`
	Done string `json:"done"`
	Day  string `json:"day"`
	Undo string `json:"undo"`
}

// Approval is room for the change board.
type Approval struct {
	Ticket   string `json:"ticket"`
	Approver string `json:"approver"`
	Window   string `json:"window"`
}

// A Source is where something was read.
type Source struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	Where string `json:"where"`
	State string `json:"state"` // a commit, or the API server
}

// A Place is a line of a file, or a live object.
type Place struct {
	Source string `json:"source"`
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Text   string `json:"text"` // path:line

	raw    string // the path as it was read
	column int
}

// A Name is an object's name in parts; Text is NAMESPACE/KIND/NAME.
type Name struct {
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Text      string `json:"text"`
}

// Short is NAMESPACE/NAME.
func (n Name) Short() string {
	switch {
	case n.Kind == "":
		return n.Text
	case n.Namespace == "":
		return n.Name
	}
	return n.Namespace + "/" + n.Name
}

// A Hold is a workload that is not moved.
type Hold struct {
	Workload Name      `json:"workload"`
	Code     string    `json:"code"`
	Reason   string    `json:"reason"`
	Ask      string    `json:"ask"`
	Answer   string    `json:"answer"`
	At       *Place    `json:"at"`
	Findings []Finding `json:"findings"`
}

// A Gap is something that should have been readable and was not.
type Gap struct {
	Source string `json:"source"`
	What   string `json:"what"`
	Why    string `json:"why"`
}

// A Finding is one use of one key.
type Finding struct {
	ID        string  `json:"id"`
	Workload  Name    `json:"workload"`
	Container string  `json:"container"`
	Via       string  `json:"via"`
	Named     string  `json:"named"` // the variable, flag or field
	Secret    string  `json:"secret"`
	Key       string  `json:"key"`
	Email     string  `json:"email"`
	Places    []Place `json:"places"`
	Outcome   string  `json:"outcome"` // move | hold | "" without a plan
	Code      string  `json:"code"`    // of the hold
}

// A Move takes one workload off its keys.
type Move struct {
	ID       string    `json:"id"`
	Anchor   string    `json:"-"`
	Workload Name      `json:"workload"`
	Before   string    `json:"before"` // the service account that it runs under until then
	After    string    `json:"after"`
	Create   bool      `json:"create"`
	Account  string    `json:"account"`
	Model    string    `json:"model"`
	Wave     string    `json:"wave"`
	Why      string    `json:"why"`
	Cluster  string    `json:"cluster"`
	Live     bool      `json:"live"`
	Recreate bool      `json:"recreate"`
	Schedule string    `json:"schedule"`
	Asserted bool      `json:"asserted"`
	Findings []Finding `json:"findings"`
	Notices  []Notice  `json:"notices"`
	Grants   []Grant   `json:"grants"`
	Edits    []Edit    `json:"edits"`
	Hunks    []Hunk    `json:"hunks"`
	Checks   []Step    `json:"checks"`
	Undo     []Step    `json:"undo"`
	Place    Place     `json:"place"`
}

// A Notice is something that a reviewer must know.
type Notice struct {
	Code   string `json:"code"`
	Text   string `json:"text"`
	Object string `json:"object"`
}

// A Grant is one IAM binding.
type Grant struct {
	Resource  string `json:"resource"`
	Role      string `json:"role"`
	Member    string `json:"member"`
	Condition string `json:"condition"`
	Exists    bool   `json:"exists"`
}

// An Edit is one planned change in words.
type Edit struct {
	Object string `json:"object"`
	Op     string `json:"op"`
	Field  string `json:"field"`
	Value  string `json:"value"`
	Why    string `json:"why"`
}

// A Step is commands that people run.
type Step struct {
	Phase    string   `json:"phase"`
	What     string   `json:"what"`
	Commands []string `json:"commands"`
}

// A Wave is moves that are merged together.
type Wave struct {
	Name   string  `json:"name"`
	Why    string  `json:"why"`
	Anchor string  `json:"-"`
	Moves  []*Move `json:"-"`
	Count  int     `json:"count"`
}

// A Key is a credential and what becomes of it.
type Key struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	KeyID     string    `json:"keyID"`
	Project   string    `json:"project"`
	Type      string    `json:"type"`
	Algorithm string    `json:"algorithm"`
	Verdict   string    `json:"verdict"`
	Use       string    `json:"use"`
	LastUse   string    `json:"lastUse"`
	From      string    `json:"from"` // the period that the evidence covers
	To        string    `json:"to"`
	Created   string    `json:"created"`
	Expires   string    `json:"expires"`
	AgeDays   int       `json:"ageDays"` // -1: unknown
	ReadAt    string    `json:"readAt"`
	Copies    []string  `json:"copies"`
	Consumers int       `json:"consumers"`
	Moved     int       `json:"moved"`
	Ready     bool      `json:"ready"`
	Blockers  []Blocker `json:"blockers"`
	Workloads []string  `json:"workloads"`
}

// A Blocker is why a key can not be deleted yet.
type Blocker struct {
	Code  string `json:"code"`
	What  string `json:"what"`
	Clear string `json:"clear"`
}

// A ServiceAccount is a KSA, who runs under it, and whom they can act as.
type ServiceAccount struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Account   string   `json:"account"` // of the annotation, now
	Planned   string   `json:"planned"` // after the change
	New       bool     `json:"new"`
	Workloads []string `json:"workloads"` // now
	Joining   []string `json:"joining"`   // that move here from another one
	Leaving   []string `json:"leaving"`   // those of Workloads that move to another one
}

// Access is who a workload can act as.
type Access struct {
	Workload Name     `json:"workload"`
	Before   []string `json:"before"`
	After    []string `json:"after"`
	Gained   []string `json:"gained"`
	Lost     []string `json:"lost"`
}

// A Prerequisite is a change that somebody makes first.
type Prerequisite struct {
	Code     string   `json:"code"`
	Target   string   `json:"target"`
	Why      string   `json:"why"`
	Commands []string `json:"commands"`
	Effects  []string `json:"effects"`
}

// An Exception is an exclusion that somebody answers for.
type Exception struct {
	What    string `json:"what"`
	Reason  string `json:"reason"`
	By      string `json:"by"`
	Expires string `json:"expires"`
	Expired bool   `json:"expired"`
}

// An Account is a Google service account that the plan creates.
type Account struct {
	Email   string  `json:"email"`
	Project string  `json:"project"`
	For     string  `json:"for"`
	Grants  []Grant `json:"grants"`
}

// A Removal is of the second stage, after the deletion.
type Removal struct {
	Where string `json:"where"`
	What  string `json:"what"`
	Why   string `json:"why"`
	Key   bool   `json:"key"` // the lines hold key material: they are in no patch
}

// A Manual is an edit for people.
type Manual struct {
	Where string `json:"where"`
	What  string `json:"what"`
	Why   string `json:"why"`
}

// A Script is one of the runbook's, in full.
type Script struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// A Code is an explanation of one that occurs, from package explain.
type Code struct {
	Code   string `json:"code"`
	Kind   string `json:"kind"`
	What   string `json:"what"`
	Why    string `json:"why"`
	Do     string `json:"do"`
	Source string `json:"source"`
}

// sortedKeys gives a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
