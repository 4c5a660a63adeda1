package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dekey/scanner"
)

// maxPrincipals is how many members an allow policy holds, over all of its bindings.
// https://cloud.google.com/iam/quotas
const maxPrincipals = 1500

// judgeGrants holds a workload whose grants cannot be planned.
func (w *world) judgeGrants(x *work) {
	if x.ref.Kind == "" || x.account == "" {
		return
	}
	account := w.accounts[x.account]
	if account != nil && !slices.Contains(x.codes(), HoldKeyNotLive) {
		switch {
		case account.Exists == scanner.No:
			x.hold(HoldKeyNotLive, fmt.Sprintf("Google has no account %s (any more), so that none of its keys works", x.account))
		case account.Disabled != nil && *account.Disabled:
			x.hold(HoldKeyNotLive, fmt.Sprintf("the account %s is disabled, so that none of its keys works", x.account))
		}
	}
	w.judgeAuthority(x)
	if (x.target.model == Direct || x.target.split) && (account == nil || !account.GrantsRead) {
		what := "the direct model repeats every role of %s for the service account"
		if x.target.split {
			what = "a new account gets the roles of %s"
		}
		x.hold(HoldRolesUnknown, fmt.Sprintf(what+", and what it holds was not read", x.account))
	}
	if len(x.codes()) == 0 && x.target.model == Impersonation && !x.target.split {
		w.judgeLimit(x)
	}
}

// judgeLimit holds a workload whose grant would not fit into the account's policy any more.
func (w *world) judgeLimit(x *work) {
	if _, counted := w.principals[x.account]; !counted {
		n := 0
		if a := w.accounts[x.account]; a != nil {
			for _, b := range a.Bindings {
				n += len(b.Members)
			}
		}
		w.principals[x.account] = n
	}
	var members []Grant
	for _, p := range x.target.pools {
		g := Grant{Resource: x.account}
		if x.target.keep {
			principal := Principal{Pool: p.pool, Number: p.number, Namespace: x.ksa.namespace, Name: x.ksa.name}
			if g.Member = principal.Member(); w.counted[g] || w.isGranted(x.account, principal) {
				continue // it is in the policy, or another workload under the service account brings it
			}
		}
		members = append(members, g)
	}
	more := len(members)
	if w.principals[x.account]+more > maxPrincipals {
		x.hold(HoldLimit, fmt.Sprintf("the policy of %s would have more than %d principals", x.account, maxPrincipals))
		return
	}
	w.principals[x.account] += more
	for _, g := range members {
		w.counted[g] = g.Member != ""
	}
}

// settleModel decides whether the workload impersonates, acts as itself, or gets an account of its own. What the direct
// model cannot carry keeps the workload on impersonation.
func (w *world) settleModel(x *work) {
	t := &x.target
	t.model = w.modelOf(x)
	if t.model == Direct {
		if t.refused = w.refusals(x); len(t.refused) > 0 {
			t.model = Impersonation
		}
	}
	if t.model == Impersonation && x.account != "" && w.splits(x) {
		t.split = true
		t.account = w.ownAccount(x)
	}
}

// splits says whether the workload gets an account of its own.
func (w *world) splits(x *work) bool {
	if x.rule != nil && x.rule.Split != nil {
		return *x.rule.Split
	}
	return w.policy.Split && w.users[x.account] > 1
}

var iamDomain = regexp.MustCompile(`^[^@]+@(.+\.iam\.gserviceaccount\.com)$`)

// ownAccount is the email of the account that a split creates for the workload, in the project of the one that it replaces:
// its id is made of namespace and name, at most 30 characters, and no two are the same. "" where the project's domain cannot
// be told from the account's email.
func (w *world) ownAccount(x *work) string {
	m := iamDomain.FindStringSubmatch(x.account)
	if m == nil {
		x.hold(HoldRolesUnknown, fmt.Sprintf("%s is a default account: which project a new account belongs to is not known", x.account))
		return x.account
	}
	words := x.ref.Namespace + "-" + x.ref.Name
	for i := 0; ; i++ {
		seed := moveID(x.ref)
		if i > 0 {
			seed += fmt.Sprintf("#%d", i)
		}
		email := accountID(words, seed, i > 0) + "@" + m[1]
		if owner := w.planned[email]; owner != nil && owner != x || w.accounts[email] != nil || w.users[email] > 0 {
			continue
		}
		w.planned[email] = x
		return email
	}
}

// accountID makes an id of 6 to 30 characters: lower case letters, digits and hyphens, a letter first. What is shortened or
// changed, and what must differ, gets a digest of seed.
// https://cloud.google.com/iam/docs/service-accounts-create
func accountID(words, seed string, must bool) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, words)
	clean = strings.Trim(clean, "-")
	if clean == "" || clean[0] < 'a' {
		clean = "w-" + clean
	}
	if clean == words && len(clean) >= 6 && len(clean) <= 30 && !must {
		return clean
	}
	sum := sha256.Sum256([]byte(seed))
	digest := hex.EncodeToString(sum[:])[:8]
	return strings.TrimRight(clean[:min(len(clean), 30-1-len(digest))], "-") + "-" + digest
}

// newAccounts are the accounts that a split creates, with the roles of the one that they replace: added first, nothing is
// removed from the old one.
func (w *world) newAccounts() []NewAccount {
	list := []NewAccount{}
	for _, x := range w.work {
		if x.move == nil || !x.target.split {
			continue
		}
		a := NewAccount{Email: x.target.account, Project: w.projectOfAccount(x.account), For: x.ref, Grants: []Grant{}}
		a.DisplayName = displayName(x.ref)
		for _, g := range w.accounts[x.account].Grants {
			resource := g.Resource
			if resource == AccountResource(x.account) {
				resource = AccountResource(x.target.account) // on itself
			}
			a.Grants = append(a.Grants, Grant{Resource: resource, Role: g.Role, Member: "serviceAccount:" + x.target.account, Condition: g.Condition, Title: g.Title, Project: w.projectOfAccount(x.account)})
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b NewAccount) int { return strings.Compare(a.Email, b.Email) })
	return list
}

// displayName fits the 100 bytes that Google takes.
func displayName(ref scanner.Ref) string { return shorten(ref.String(), 100) }

// directGrants repeat what the account holds for the service account itself.
func (w *world) directGrants(x *work) []Grant {
	t := &x.target
	grants := []Grant{}
	for _, p := range t.pools {
		member := Principal{Pool: p.pool, Number: p.number, Namespace: t.old.namespace, Name: t.name}.URI()
		for _, g := range w.accounts[x.account].Grants {
			grants = append(grants, Grant{
				Resource: g.Resource, Role: g.Role, Member: member, Condition: g.Condition, Title: g.Title, Project: w.projectOfAccount(x.account),
			})
		}
	}
	slices.SortFunc(grants, func(a, b Grant) int {
		return strings.Compare(a.Resource+"\x00"+a.Role+"\x00"+a.Condition+"\x00"+a.Member, b.Resource+"\x00"+b.Role+"\x00"+b.Condition+"\x00"+b.Member)
	})
	return slices.Compact(grants)
}

// federatedRefused are prefixes of roles of products that refuse federated principals, with what they refuse.
// https://cloud.google.com/iam/docs/federated-identity-supported-services
var federatedRefused = []struct{ prefix, why string }{
	{"roles/owner", "a federated principal can not be made owner"},
	{"roles/appengine.", "App Engine refuses federated principals"},
	{"roles/cloudfunctions.", "Cloud Run functions refuse federated principals"},
	{"roles/cloudprofiler.", "Cloud Profiler refuses federated principals"},
	{"roles/cloudsql.instanceUser", "IAM login to Cloud SQL needs an account"},
	{"roles/cloudsupport.", "the Support API refuses federated principals"},
	{"roles/cloudtasks.", "Cloud Tasks with App Engine targets refuse federated principals"},
	{"roles/clouddeploymentmanager.", "Deployment Manager refuses federated principals"},
	{"roles/deploymentmanager.", "Deployment Manager refuses federated principals"},
	{"roles/firebase", "Firebase makes no promise for federated principals"},
	{"roles/iam.serviceAccountTokenCreator", "signing and tokens of other accounts need an account"},
	{"roles/iam.serviceAccountOpenIdTokenCreator", "ID tokens need an account"},
	{"roles/looker.", "Looker refuses federated principals"},
	{"roles/policyanalyzer.", "Policy Analyzer refuses federated principals"},
	{"roles/pubsublite.", "Pub/Sub Lite has no endpoint for federated principals"},
	{"roles/recommender.", "Recommender refuses federated principals"},
	{"roles/policysimulator.", "Policy Simulator refuses federated principals"},
	{"roles/resourcemanager.organization", "the Organizations API refuses federated principals"},
	{"roles/run.", "Cloud Run refuses federated principals"},
	{"roles/servicemanagement.", "Service Management refuses federated principals in part"},
	{"roles/source.", "Cloud Source Repositories refuse federated principals"},
	{"roles/storage.legacy", "buckets with ACLs refuse federated principals"},
}

// refusals are why the direct model cannot be used for the workload although it was asked for; none where the account's
// roles were not read, which is a hold of its own.
func (w *world) refusals(x *work) []string {
	account := w.accounts[x.account]
	if account == nil || !account.GrantsRead {
		return nil
	}
	var why []string
	for _, g := range account.Grants {
		for _, r := range federatedRefused {
			if strings.HasPrefix(g.Role, r.prefix) {
				why = append(why, g.Role+": "+r.why)
			}
		}
	}
	switch {
	case x.rule != nil && x.rule.Signs != nil:
		if *x.rule.Signs {
			why = append(why, "the program signs, which needs an account")
		}
	default:
		for _, c := range x.keyContainers() {
			if len(c.Signs) > 0 {
				why = append(why, "the container "+c.Name+" seems to sign, which needs an account")
			}
		}
	}
	return sorted(why)
}
