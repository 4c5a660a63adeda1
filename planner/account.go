package planner

import (
	"slices"

	"dekey/scanner"
)

// newUse finds the account of a finding: the one that its key names, else the one that the operator gave.
func (w *world) newUse(x *work, f *scanner.Finding) *use {
	u := &use{Finding: f, key: w.keys[f.Key]}
	if u.key != nil {
		if u.key.Type == scanner.TypeAuthorizedUser {
			return u
		}
		u.email = accountEmail(u.key.Email)
	}
	if u.email == "" {
		u.email = w.assertedAccount(x, f)
		u.asserted = u.email != ""
	}
	return u
}

// assertedAccount looks the account up in what the operator gave, the most specific first.
func (w *world) assertedAccount(x *work, f *scanner.Finding) string {
	if x.rule != nil && x.rule.Account != "" {
		return accountEmail(x.rule.Account)
	}
	s := f.Secret
	for _, ns := range []string{s.Namespace, "*"} {
		for _, entry := range []string{s.Entry, ""} {
			if email := w.asserted[AccountRule{Namespace: ns, Secret: s.Name, Entry: entry}]; email != "" {
				return email
			}
		}
	}
	return w.asserted[AccountRule{Namespace: "*", Secret: "*"}]
}

// settleAccount finds the accounts that a workload uses through its keys.
func (w *world) settleAccount(x *work) {
	for _, u := range x.uses {
		switch {
		case u.email == "":
			x.unknown = true
			continue
		case u.asserted:
			x.asserted = true
		}
		if !slices.Contains(x.emails, u.email) {
			x.emails = append(x.emails, u.email)
		}
	}
	slices.Sort(x.emails)
	if len(x.emails) == 1 {
		x.account = x.emails[0]
	}
}

// live says whether the use gives access today, as far as is known: a key that Google calls deleted, disabled, expired or
// somebody else's gives none.
func (w *world) live(u *use) bool {
	if u.key == nil {
		return true
	}
	fact := w.facts[u.key.ID]
	return fact == nil || !gone(fact.Verdict) && fact.Verdict != scanner.VerdictForeign
}

// gone says whether the verdict is that the key is known to be unusable.
func gone(verdict string) bool {
	switch verdict {
	case scanner.VerdictDeletedKey, scanner.VerdictDeletedAccount, scanner.VerdictDisabled, scanner.VerdictExpired:
		return true
	}
	return false
}

// provenLive says whether Google's certificates show that the use's key is one of its account's.
func (w *world) provenLive(u *use) bool {
	if u.key == nil {
		return false
	}
	fact := w.facts[u.key.ID]
	return fact != nil && fact.Verdict == scanner.VerdictLive
}

// projectOfUse is the project that client libraries took from the key: the file's, or the email's for an asserted account.
// "" where the key names none.
func (u *use) projectOfUse() string {
	if u.asserted || u.key == nil {
		return ProjectOf(u.email)
	}
	return u.key.Project
}

// sameAccount says whether every workload under the service account uses the one account, and nothing else. Where the
// service account is the identity behind references (a controller's), the controller itself uses their account by reading
// their keys.
//
// A workload whose namespace is not known may run in any, so one that names a service account of this name counts too.
func (w *world) sameAccount(ksa name, account string) bool {
	if ksa.namespace != "" && !w.sameAccount(name{name: ksa.name}, account) {
		return false
	}
	users := w.underKSA[ksa]
	controller := slices.ContainsFunc(users, func(x under) bool { return x.identity })
	for _, x := range users {
		if controller && len(x.uses) == 0 {
			continue
		}
		if !x.keyed || x.account != account || x.unknown || !slices.ContainsFunc(x.uses, w.live) {
			return false
		}
	}
	return true
}
