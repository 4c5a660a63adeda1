package planner

import (
	"slices"
	"strings"

	"dekey/scanner"
)

// A problem is one reason to hold a use, or the whole workload.
type problem struct {
	code   string
	reason string
	at     *scanner.Origin
}

// order says which of several problems a hold names: first the one that no answer or fact can settle, then the ones that
// need a change of the program or its owner, last the facts that are only missing: the namespace first, because the answer to
// whose key it is names it. The others stand in the reason.
var order = []string{
	HoldExcluded, HoldTemplate, HoldInvalidName, HoldUserCredential, HoldKeyNotOwned, HoldImagePull, HoldKeyNotLive,
	HoldNoRecipe, HoldNotGKE, HoldConflict, HoldManagedElsewhere, HoldGenerated, HoldHostNetwork, HoldDelegation,
	HoldDangling, HoldProgramReadsKey, HoldMountNeeded, HoldMetadataIdentity, HoldKeyInContext, HoldNotProvable, HoldSeveralAccounts,
	HoldNamespaceUnknown, HoldAccountUnknown, HoldServiceAccountUnseen, HoldServiceAccountClaimed, HoldDirectGrants,
	HoldPoolUnknown, HoldAuthoritative, HoldAuthoritativeUnknown, HoldRolesUnknown, HoldLimit, HoldWorkloadHeld,
}

func rank(code string) int {
	if i := slices.Index(order, code); i >= 0 {
		return i
	}
	return len(order)
}

// asks are the one question of each hold.
var asks = map[string]string{
	HoldAccountUnknown:        "Which Google service account does the key in %s belong to?",
	HoldNamespaceUnknown:      "Which namespace is %w deployed to?",
	HoldPoolUnknown:           "What is the workload identity pool of the cluster that %w runs in?",
	HoldSeveralAccounts:       "Which one account can do everything that %w does, or can it be split into one workload for each?",
	HoldProgramReadsKey:       "Does the program use Application Default Credentials when it is given no key?",
	HoldHostNetwork:           "Can %w leave the host network, or use a projected token instead?",
	HoldUserCredential:        "Which Google service account may replace the person whose credential %w uses?",
	HoldDelegation:            "Does %w really act for users of the domain, and who owns that access?",
	HoldServiceAccountUnseen:  "Where is the service account of %w defined, and what does it carry?",
	HoldServiceAccountClaimed: "Does %w use the account that its service account is annotated for?",
	HoldManagedElsewhere:      "Where is the source of %w, which its owner applies?",
	HoldGenerated:             "Which generator writes the file of %w, and where is its input?",
	HoldTemplate:              "What does this template become when it is rendered?",
	HoldNotProvable:           "Who can make this edit of %w by hand?",
	HoldKeyInContext:          "Can the key next to the edit move to a file of its own?",
	HoldNotGKE:                "Does %w run on GKE?",
	HoldKeyNotOwned:           "How did a key that is none of the account's get into %s?",
	HoldImagePull:             "May the nodes' own service account read this registry?",
	HoldNoRecipe:              "How is this product given a Google identity without a key?",
	HoldRolesUnknown:          "Which roles does the account hold, and where?",
	HoldInvalidName:           "What is the right name?",
	HoldKeyNotLive:            "Is %w still needed, given that its key no longer works?",
	HoldExcluded:              "Is the exception still needed?",
	HoldConflict:              "Which of the definitions of %w is the one that runs?",
	HoldAuthoritative:         "Who adds the grant where the account's policy is kept?",
	HoldAuthoritativeUnknown:  "Which account's policy does that code keep, when its expressions are evaluated?",
	HoldMetadataIdentity:      "May the container that uses the node's identity act as the key's account instead?",
	HoldDirectGrants:          "Does %w need the roles that its Kubernetes service account holds itself?",
	HoldDangling:              "What puts the file there that %w is told to read?",
	HoldMountNeeded:           "Can the key get a Secret of its own, apart from what else the volume is mounted for?",
	HoldLimit:                 "Which principals can leave the policy, or should the account be split?",
	HoldWorkloadHeld:          "What settles the other holds of %w?",
}

// settled says whether the policy answers a code for the workload.
func (x *work) settled(code string) bool {
	if x.rule == nil {
		return false
	}
	_, known := Answers[code][x.rule.Answers[code]]
	return known
}

// answered is settled, and remembers that the answer was used.
func (x *work) answered(code string) bool {
	if !x.settled(code) {
		return false
	}
	x.answers[code] = true
	return true
}

// hold adds a problem to the workload, unless the policy answers it.
func (x *work) hold(code, reason string) {
	if !x.answered(code) {
		x.problems = append(x.problems, problem{code: code, reason: reason})
	}
}

// hold adds a problem to one use, unless the policy answers it.
func (u *use) hold(x *work, code, reason string, at *scanner.Origin) {
	if !x.answered(code) {
		u.problems = append(u.problems, problem{code: code, reason: reason, at: at})
	}
}

// holdsOf turns the problems of a held workload into holds: one for each code and reason, and workload-held for the uses
// that have no problem of their own.
func (w *world) holdsOf(x *work) []Hold {
	var holds []Hold
	add := func(u *use, p problem) {
		for i := range holds {
			h := &holds[i]
			if h.Code == p.code && h.Reason == p.reason && sameOrigin(h.At, p.at) && h.Answer == w.settles(p.code, x, u) {
				h.Findings = append(h.Findings, u.ID)
				return
			}
		}
		holds = append(holds, Hold{
			Findings: []string{u.ID}, Workload: x.ref, Code: p.code, Reason: p.reason, Ask: ask(p.code, x, u),
			Answer: w.settles(p.code, x, u), At: p.at,
		})
	}
	for _, u := range x.uses {
		problems := slices.Concat(u.problems, x.problems)
		if len(problems) == 0 {
			add(u, problem{code: HoldWorkloadHeld, reason: "another use of a key by the same workload is held: " + strings.Join(x.codes(), ", ")})
			continue
		}
		slices.SortStableFunc(problems, func(a, b problem) int { return rank(a.code) - rank(b.code) })
		first := problems[0]
		if others := codesOf(problems[1:], first.code); len(others) > 0 {
			first.reason += " (then also: " + strings.Join(others, ", ") + ")"
		}
		add(u, first)
	}
	return holds
}

// codes are the codes of everything that holds the workload, sorted.
func (x *work) codes() []string {
	codes := codesOf(x.problems, "")
	for _, u := range x.uses {
		codes = append(codes, codesOf(u.problems, "")...)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func codesOf(problems []problem, but string) []string {
	var codes []string
	for _, p := range problems {
		if p.code != but && !slices.Contains(codes, p.code) {
			codes = append(codes, p.code)
		}
	}
	return codes
}

func ask(code string, x *work, u *use) string {
	secret := u.Secret.Kind + " " + u.Secret.Name
	if u.Secret.Name == "" {
		secret = "the Secret"
	}
	subject := x.ref.Kind + " " + x.ref.Name
	if x.ref.Kind == "" {
		subject = "it"
	}
	question := asks[code]
	if question == "" {
		question = "What should become of %w?"
	}
	return strings.NewReplacer("%w", subject, "%s", secret).Replace(question)
}

func sameOrigin(a, b *scanner.Origin) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
