package gcptest

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/container/v1"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/orgpolicy/v2"
)

// A State is everything that the server knows. Tests change it in Server.Update and look at it in Server.View.
type State struct {
	// Now is the server's clock: the time of what is created. It stands still until a test sets it.
	Now time.Time
	// Projects by id.
	Projects map[string]*Project
	// Pools are the workload identity pools that exist, with the number of their project: a cluster's first Workload
	// Identity makes one, and nothing deletes it.
	Pools map[string]string
	// ObservationStart and ObservationEnd are Policy Analyzer's period. Zero: 400 days up to two days before Now.
	ObservationStart, ObservationEnd time.Time
	// HideDisabled leaves disabled keys out of the public certificates. Google does not say which it is.
	HideDisabled bool

	serial, accounts int
}

// A Project is a Google project with all that is in it.
type Project struct {
	ID, Number string
	// Ancestors are organizations/N and folders/N, the nearest first.
	Ancestors []string
	Policy    *iam.Policy
	// Services that are on, by name.
	Services map[string]bool
	// OrgPolicies are the effective policies, by constraint (without "constraints/").
	OrgPolicies map[string]*orgpolicy.GoogleCloudOrgpolicyV2PolicySpec
	// Accounts by e-mail. Deleted ones by unique id: they can come back.
	Accounts map[string]*Account
	Deleted  map[string]*Account
	// Clusters by LOCATION/NAME.
	Clusters map[string]*container.Cluster
	// Resources are policies of other resources, by full resource name: //storage.googleapis.com/projects/_/buckets/B.
	Resources map[string]*iam.Policy

	state *State
}

// An Account is a Google service account.
type Account struct {
	Email, UniqueID, DisplayName, Description string
	Disabled                                  bool
	Policy                                    *iam.Policy
	Keys                                      map[string]*Key // by id

	project *Project
}

// A Key is the public half of a key, and what Google knows about it.
type Key struct {
	ID          string
	Certificate []byte // DER
	PublicKey   any    // *rsa.PublicKey or *ecdsa.PublicKey
	Type        string // USER_MANAGED | SYSTEM_MANAGED
	Origin      string // GOOGLE_PROVIDED | USER_PROVIDED
	Created     time.Time
	Expires     time.Time
	Disabled    bool
	Reason      string // why it is disabled: SERVICE_ACCOUNT_KEY_DISABLE_REASON_...
	// LastUse is the day of the last authentication; zero: none in the observation period.
	LastUse time.Time
	// Unseen keys are missing from Policy Analyzer's answers, as new ones are.
	Unseen bool
	// Counts are authentications by day (the day's start), as Monitoring counts them.
	Counts map[time.Time]int64
}

func newState() *State {
	return &State{Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Projects: map[string]*Project{}, Pools: map[string]string{}}
}

// Project is the project of the id; a new one has the number, iam and iamcredentials on, and an organisation above it.
func (s *State) Project(id, number string) *Project {
	p := s.Projects[id]
	if p == nil {
		p = &Project{
			ID: id, Number: number, Ancestors: []string{"organizations/1000"}, Policy: &iam.Policy{Etag: emptyEtag},
			Services:    map[string]bool{"iam.googleapis.com": true, "iamcredentials.googleapis.com": true, "container.googleapis.com": true, "sts.googleapis.com": true},
			OrgPolicies: map[string]*orgpolicy.GoogleCloudOrgpolicyV2PolicySpec{},
			Accounts:    map[string]*Account{}, Deleted: map[string]*Account{}, Clusters: map[string]*container.Cluster{}, Resources: map[string]*iam.Policy{},
			state: s,
		}
		s.Projects[id] = p
	}
	return p
}

// Account is the account of the e-mail; a new one has no keys, an empty policy, and the next unique id: the first is
// 100000000000000000001.
func (p *Project) Account(email string) *Account {
	a := p.Accounts[email]
	if a == nil {
		p.state.accounts++
		a = &Account{Email: email, UniqueID: fmt.Sprintf("1%020d", p.state.accounts), Policy: &iam.Policy{Etag: emptyEtag}, Keys: map[string]*Key{}, project: p}
		p.Accounts[email] = a
	}
	return a
}

// AddKey gives the account a user-managed key that Google made. public is an *rsa.PublicKey or *ecdsa.PublicKey; id is 40
// hexadecimal digits, or "" for one of the server's choice.
func (a *Account) AddKey(id string, public any) *Key {
	if id == "" {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(der)
		id = hex.EncodeToString(sum[:20])
	}
	s := a.project.state
	k := &Key{
		ID: id, PublicKey: public, Certificate: certificate(a.UniqueID, public, s.Now), Type: "USER_MANAGED", Origin: "GOOGLE_PROVIDED",
		Created: s.Now.AddDate(-2, 0, 0), Expires: never, Counts: map[time.Time]int64{},
	}
	a.Keys[id] = k
	return k
}

// never is the expiry of a key that has none.
// https://cloud.google.com/iam/docs/keys-list-get
var never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// Use records n authentications at a time, as Policy Analyzer and Monitoring would.
func (k *Key) Use(at time.Time, n int64) {
	day := at.UTC().Truncate(24 * time.Hour)
	k.Counts[day] += n
	if day := pacificDay(at); day.After(k.LastUse) {
		k.LastUse = day
	}
}

// pacificDay is the start of the day in Pacific time (without its summer), as Policy Analyzer rounds.
// https://cloud.google.com/policy-intelligence/docs/activity-analyzer-service-account-authentication
func pacificDay(at time.Time) time.Time {
	return at.UTC().Add(-8 * time.Hour).Truncate(24 * time.Hour).Add(8 * time.Hour)
}

// PEM is the key's certificate as IAM and the public endpoint give it.
func (k *Key) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate}))
}

// Cluster adds a running Standard cluster with Workload Identity and one node pool whose nodes have the metadata server.
// Tests change what it gives.
func (p *Project) Cluster(location, name string) *container.Cluster {
	key := location + "/" + name
	if c := p.Clusters[key]; c != nil {
		return c
	}
	pool := p.ID + ".svc.id.goog"
	c := &container.Cluster{
		Name: name, Location: location, Status: "RUNNING", CurrentMasterVersion: version, CurrentNodeVersion: version, InitialClusterVersion: version,
		SelfLink:               fmt.Sprintf("https://container.googleapis.com/v1/projects/%s/locations/%s/clusters/%s", p.ID, location, name),
		Autopilot:              &container.Autopilot{},
		WorkloadIdentityConfig: &container.WorkloadIdentityConfig{WorkloadPool: pool},
		NodePools:              []*container.NodePool{NodePool("default-pool", "GKE_METADATA")},
	}
	p.Clusters[key] = c
	p.state.Pools[pool] = p.Number
	return c
}

const version = "1.33.3-gke.1226000"

// NodePool is a node pool of a mode: GKE_METADATA, GCE_METADATA, or "".
func NodePool(name, mode string) *container.NodePool {
	n := &container.NodePool{Name: name, Status: "RUNNING", Version: version, Config: &container.NodeConfig{ServiceAccount: "default"}}
	if mode != "" {
		n.Config.WorkloadMetadataConfig = &container.WorkloadMetadataConfig{Mode: mode}
	}
	return n
}

// Bind adds a member to a role of a policy, without the checks of setIamPolicy.
func (s *State) Bind(p *iam.Policy, role string, members ...string) *iam.Binding {
	b := &iam.Binding{Role: role, Members: members}
	p.Bindings = append(p.Bindings, b)
	p.Etag = s.etag()
	return b
}

// Bindings are the policy's grants as ROLE MEMBER [CONDITION], sorted.
func Bindings(p *iam.Policy) []string {
	list := []string{}
	for _, b := range p.Bindings {
		for _, m := range b.Members {
			line := b.Role + " " + m
			if b.Condition != nil {
				line += " " + b.Condition.Expression
			}
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}

const emptyEtag = "ACAB"

// etag is one that no policy had before.
func (s *State) etag() string {
	s.serial++
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(s.serial)|7<<56))
}

// project finds a project by id or number.
func (s *State) project(name string) *Project {
	if p := s.Projects[name]; p != nil {
		return p
	}
	for _, p := range s.Projects {
		if p.Number == name {
			return p
		}
	}
	return nil
}

// account finds an account by project ("-" is any), and e-mail or unique id.
func (s *State) account(project, name string) *Account {
	for _, id := range slices.Sorted(maps.Keys(s.Projects)) {
		p := s.Projects[id]
		if project != "-" && project != p.ID && project != p.Number {
			continue
		}
		for _, a := range p.Accounts {
			if a.Email == name || a.UniqueID == name {
				return a
			}
		}
	}
	return nil
}

// FindAccount is the account of the e-mail, or nil.
func (s *State) FindAccount(email string) *Account { return s.account("-", email) }

// within are the projects of a scope: projects/P, folders/N or organizations/N, sorted by id.
func (s *State) within(scope string) []*Project {
	kind, name, _ := strings.Cut(scope, "/")
	var list []*Project
	for _, p := range s.Projects {
		if kind == "projects" && (p.ID == name || p.Number == name) || kind != "projects" && slices.Contains(p.Ancestors, scope) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *Project) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// observed is Policy Analyzer's period.
func (s *State) observed() (from, to time.Time) {
	to = s.ObservationEnd
	if to.IsZero() {
		to = pacificDay(s.Now.AddDate(0, 0, -2))
	}
	from = s.ObservationStart
	if from.IsZero() {
		from = to.AddDate(0, 0, -400)
	}
	return from, to
}

// Condition is one of a binding.
func Condition(title, expression string) *iam.Expr {
	return &iam.Expr{Title: title, Expression: expression}
}

// Enforced is a boolean organisation policy that is on.
func Enforced() *orgpolicy.GoogleCloudOrgpolicyV2PolicySpec {
	return &orgpolicy.GoogleCloudOrgpolicyV2PolicySpec{Rules: []*orgpolicy.GoogleCloudOrgpolicyV2PolicySpecPolicyRule{{Enforce: true}}}
}

// AllowedValues is an organisation policy that lists what is allowed.
func AllowedValues(values ...string) *orgpolicy.GoogleCloudOrgpolicyV2PolicySpec {
	return &orgpolicy.GoogleCloudOrgpolicyV2PolicySpec{Rules: []*orgpolicy.GoogleCloudOrgpolicyV2PolicySpecPolicyRule{
		{Values: &orgpolicy.GoogleCloudOrgpolicyV2PolicySpecPolicyRuleStringValues{AllowedValues: values}},
	}}
}
