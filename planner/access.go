package planner

import (
	"cmp"
	"slices"

	"dekey/scanner"
)

// access is who can act as whom before and after, for every workload with an account on either side.
func (w *world) access() []Access {
	annotated := make(map[name]string) // service accounts that the plan annotates
	for _, x := range w.work {
		if x.move != nil && x.target.keep && x.target.annotate {
			annotated[x.target.old] = x.target.account
		}
	}
	list := []Access{}
	for _, x := range w.work {
		if !x.acts() {
			continue
		}
		a := Access{Workload: x.ref, Before: w.before(x), After: w.after(x, annotated)}
		if len(a.Before)+len(a.After) > 0 {
			list = append(list, a)
		}
		x.gained = slices.DeleteFunc(slices.Clone(a.After), func(email string) bool { return slices.Contains(a.Before, email) })
	}
	return list
}

// acts says whether the object can act as somebody at all: a ConfigMap that holds a key cannot.
func (x *work) acts() bool {
	switch x.ref.Kind {
	case "", "Secret", "ConfigMap", "ServiceAccount":
		return false
	}
	return true
}

// before are the accounts of the keys wired to x, and those of the service accounts that it runs under.
func (w *world) before(x *work) []string {
	emails := w.byKeys(x)
	for _, u := range w.runsUnder(x) {
		if x.identity && u.ksa == x.ksa {
			continue // the controller's, not the object's own
		}
		emails = append(emails, w.byServiceAccount(x, u.ksa)...)
	}
	return sorted(emails)
}

// byKeys are the accounts of the keys wired to x that were read and are not known to be dead. What only the operator says is
// not there.
func (w *world) byKeys(x *work) []string {
	emails := []string{}
	for _, u := range x.uses {
		if u.email != "" && !u.asserted && w.live(u) {
			emails = append(emails, u.email)
		}
	}
	return emails
}

// byServiceAccount are the accounts of a service account's annotation and of the grants that were seen.
func (w *world) byServiceAccount(x *work, ksa name) []string {
	var emails []string
	if sa := w.ksas[ksa]; sa != nil {
		emails = append(emails, sa.accounts...)
	}
	for _, g := range w.grantsOf(x, ksa) {
		emails = append(emails, g.email)
	}
	return emails
}

// grantsOf are the impersonations that were seen for a service account of x's pools, sets that cover it included. Where
// the pool is not known, those of any pool count.
func (w *world) grantsOf(x *work, ksa name) []granted {
	var list []granted
	for _, g := range slices.Concat(w.granted[ksa], w.grantedSet[ksa.namespace], w.grantedSet[""]) {
		if len(x.target.pools) == 0 {
			list = append(list, g)
			continue
		}
		for _, p := range x.target.pools {
			if g.principal.Covers(Principal{Pool: p.pool, Number: p.number, Namespace: ksa.namespace, Name: ksa.name}) {
				list = append(list, g)
				break
			}
		}
	}
	return list
}

// after is before, with what the plan changes: for a workload that moves its keys go and its new service account comes; for
// every other the annotations of the service accounts that it runs under.
func (w *world) after(x *work, annotated map[name]string) []string {
	emails := []string{}
	if x.move == nil {
		emails = w.before(x)
	}
	for _, u := range w.runsUnder(x) {
		ksa := u.ksa
		switch {
		case x.move == nil && x.identity && ksa == x.ksa:
			continue // the controller's, not the object's own
		case x.move == nil:
		case x.identity && ksa == x.ksa:
			if x.target.model == Impersonation {
				emails = append(emails, x.target.account)
			}
			continue
		case ksa == x.target.old && x.replaces():
			ksa = name{x.target.old.namespace, x.target.name}
			if x.target.model == Impersonation {
				emails = append(emails, x.move.Account)
			}
			fallthrough
		default:
			emails = append(emails, w.byServiceAccount(x, ksa)...)
		}
		if account := annotated[ksa]; account != "" {
			emails = append(emails, account)
		}
	}
	return sorted(emails)
}

func (x *work) replaces() bool { return x.move != nil && !x.target.keep }

// bystanders are the notices about objects that do not move.
func (w *world) bystanders() []Notice {
	notices := []Notice{}
	for _, setting := range w.policy.Untrusted {
		notices = append(notices, Notice{Code: NoticePolicyUntrusted, Text: "the checkout's own dekey.yaml sets " + setting + ", which is ignored until the file is named with --policy"})
	}
	for _, x := range w.work {
		if x.move != nil || !x.acts() {
			continue
		}
		for _, n := range w.unverified(x) {
			n.Object = refOf(x.ref)
			notices = append(notices, n)
		}
		for _, email := range x.gained {
			notices = append(notices, w.gain(x, email))
		}
		notices = append(notices, w.givenUp(x)...)
	}
	slices.SortFunc(notices, func(a, b Notice) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), compareObjects(a.Object, b.Object), cmp.Compare(a.Text, b.Text))
	})
	return notices
}

// givenUp says of a workload that does not move, and whose service account is annotated for others, what its owner answered that
// it does not need.
func (w *world) givenUp(x *work) []Notice {
	annotated := slices.ContainsFunc(w.runsUnder(x), func(u under) bool {
		return slices.ContainsFunc(w.underKSA[u.ksa], func(y under) bool {
			return y.move != nil && y.target.keep && y.target.annotate && y.target.old == u.ksa
		})
	})
	if !annotated {
		return nil
	}
	var notices []Notice
	for _, code := range []string{HoldDirectGrants, HoldMetadataIdentity} {
		if x.settled(code) {
			text := code + ": " + x.rule.Answers[code] + by(x.rule) + ": the service account " + x.ksa.name + " is annotated for others"
			notices = append(notices, Notice{Code: NoticeAnswered, Object: refOf(x.ref), Text: text})
		}
	}
	return notices
}

// gain names an account that a workload gets by the plan without moving itself.
func (w *world) gain(x *work, email string) Notice {
	n := Notice{Code: NoticeAccountAsserted, Object: refOf(x.ref), Text: gainText(x.ref, email, x.ksa.name) + "; that it had it before is only asserted"}
	if len(x.uses) == 0 {
		n.Code = NoticeControllerIdentity
		n.Text = gainText(x.ref, email, x.ksa.name) + ": it read the key of an object that it serves until now"
	}
	return n
}

func gainText(ref scanner.Ref, email, ksa string) string {
	return ref.String() + " gets " + email + " with the annotation of its service account " + ksa
}

// unverified are the annotations that x acts by whose grants were not seen.
func (w *world) unverified(x *work) []Notice {
	var notices []Notice
	for _, u := range w.runsUnder(x) {
		if x.identity && u.ksa == x.ksa {
			continue
		}
		sa := w.ksas[u.ksa]
		if sa == nil {
			continue
		}
		for _, email := range sa.accounts {
			if slices.ContainsFunc(w.grantsOf(x, u.ksa), func(g granted) bool { return g.email == email }) {
				continue
			}
			notices = append(notices, Notice{Code: NoticeBindingUnverified, Text: "the service account " + u.ksa.namespace + "/" + u.ksa.name + " of " + x.ref.String() + " is annotated for " + quoted(email) + ", and the grant was not seen: it is counted as access"})
		}
	}
	return notices
}

func refOf(ref scanner.Ref) *scanner.Ref { return &ref }
