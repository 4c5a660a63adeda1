package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// A consumer is one workload's uses of one key.
type consumer struct {
	*work
	uses []*use
}

// moves says whether every use of the key by the workload moves: an image pull does not.
func (c consumer) moves() bool {
	return c.move != nil && !slices.ContainsFunc(c.uses, func(u *use) bool { return u.Via == scanner.ImagePull })
}

// retirements are the keys of service accounts on their way out, those without a consumer too, and those known only
// because the operator named their account. A person's credential has none.
func (w *world) retirements() []Retirement {
	byKey := make(map[string][]consumer)
	byAccount := make(map[string][]consumer)
	add := func(m map[string][]consumer, id string, x *work, u *use) {
		list := m[id]
		if n := len(list); n > 0 && list[n-1].work == x {
			list[n-1].uses = append(list[n-1].uses, u)
		} else {
			list = append(list, consumer{x, []*use{u}})
		}
		m[id] = list
	}
	for _, x := range w.work {
		for _, u := range slices.Concat(x.uses, x.pulls) {
			switch {
			case u.key != nil && u.key.Type != scanner.TypeAuthorizedUser:
				add(byKey, u.key.ID, x, u)
			case u.key == nil && u.email != "":
				add(byAccount, u.email, x, u)
			}
		}
	}
	list := []Retirement{}
	for i := range w.inv.Keys {
		k := &w.inv.Keys[i]
		if k.Type == scanner.TypeAuthorizedUser {
			continue
		}
		list = append(list, w.retire(k, accountEmail(k.Email), byKey[k.ID]))
	}
	for email, consumers := range byAccount {
		list = append(list, w.retire(nil, email, consumers))
	}
	slices.SortFunc(list, func(a, b Retirement) int { return cmp.Or(cmp.Compare(a.Email, b.Email), cmp.Compare(a.Key, b.Key)) })
	return list
}

func (w *world) retire(k *scanner.Key, email string, consumers []consumer) Retirement {
	r := Retirement{
		Email: email, Project: w.projectOfAccount(email), Copies: []scanner.Copy{}, BlockedBy: []Blocker{},
		Workloads: []scanner.Ref{}, Secrets: []scanner.Ref{},
	}
	if k != nil {
		r.Key, r.Copies = k.ID, nonNil(k.Copies)
		r.KeyID = w.keyID(k)
		if fact := w.facts[k.ID]; w.notUsed(k) {
			if r.NotUsedAt = fact.ReadAt; r.NotUsedAt.IsZero() {
				r.NotUsedAt = fact.To
			}
		}
	}
	if !ValidEmail(email) {
		r.Project = ""
	}
	holders := make(map[name]bool) // Secrets with a consumer
	for _, c := range consumers {
		for _, u := range c.uses {
			holders[name{u.Secret.Namespace, u.Secret.Name}] = true
		}
		if !c.consumes() {
			continue
		}
		r.Consumers++
		r.Workloads = append(r.Workloads, c.ref)
		if c.moves() {
			r.Moved++
		}
	}
	for _, m := range w.inv.KeyMakers {
		if email != "" && accountEmail(m.Account) == email {
			r.Makers = append(r.Makers, m)
		}
	}
	r.Secrets = secretsOf(k, consumers)
	r.BlockedBy = w.blockers(k, &r, consumers, holders)
	r.Ready = k != nil && len(r.BlockedBy) == 0
	return r
}

// consumes says whether the object itself uses the key: one that only holds a copy in its text does not.
func (c consumer) consumes() bool {
	return c.acts() || slices.ContainsFunc(c.uses, func(u *use) bool { return u.Via != scanner.Inline })
}

// keyID is the key's id at Google, as Google or else the file gives it; "" where neither is one.
func (w *world) keyID(k *scanner.Key) string {
	id := k.KeyID
	if f := w.facts[k.ID]; f != nil && f.KeyID != "" {
		id = f.KeyID
	}
	if !keyNumber.MatchString(id) {
		return ""
	}
	return id
}

func secretsOf(k *scanner.Key, consumers []consumer) []scanner.Ref {
	list := []scanner.Ref{}
	add := func(h scanner.Holder) {
		if h.Kind == "Secret" || h.Kind == "ConfigMap" {
			list = append(list, scanner.Ref{APIVersion: "v1", Kind: h.Kind, Namespace: h.Namespace, Name: h.Name})
		}
	}
	if k != nil {
		for _, c := range k.Copies {
			add(c.Holder)
		}
	}
	for _, c := range consumers {
		for _, u := range c.uses {
			add(u.Secret)
		}
	}
	slices.SortFunc(list, scanner.Ref.Compare)
	return slices.Compact(list)
}

// blockers are why the key cannot be deleted yet, each with what would clear it.
func (w *world) blockers(k *scanner.Key, r *Retirement, consumers []consumer, holders map[name]bool) []Blocker {
	list := []Blocker{}
	block := func(code, what, clear string) { list = append(list, Blocker{Code: code, What: what, Clear: clear}) }
	for _, c := range consumers {
		w.blockConsumer(c, block)
	}
	w.blockEvidence(k, r, block)
	for _, ref := range r.Secrets {
		secret := w.secrets[name{ref.Namespace, ref.Name}]
		if secret == nil || ref.Kind != "Secret" {
			continue
		}
		for _, p := range secret.Provenance {
			if p.Recreates && !keepsKey(p.Kind) {
				block(BlockerSourceRecreates, fmt.Sprintf("%s%s makes keys for %s: it would make a new one", p.Kind, ofObject(p.Object), ref), "remove it there first, in the order that the report gives, then scan again")
			}
		}
	}
	if n := w.unseenPlaces(); n > 0 {
		block(BlockerGaps, fmt.Sprintf("%d places could not be read; any of them may use the key", n), "make them readable and scan again")
	}
	if k != nil && !w.notUsed(k) {
		for _, c := range k.Copies {
			h := c.Holder
			if (h.Kind == "Secret" || h.Kind == "ConfigMap") && !holders[name{h.Namespace, h.Name}] && len(consumers) > 0 && !history(h.Name) {
				block(BlockerCopyElsewhere, fmt.Sprintf("a copy in %s %s/%s, which no workload that was seen uses", h.Kind, h.Namespace, h.Name), "find out who uses it, or remove it; evidence from Google that the key is not used clears it too")
			}
		}
	}
	slices.SortFunc(list, func(a, b Blocker) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.What, b.What)) })
	return slices.Compact(list)
}

// unseenPlaces counts the gaps that may hide a use of a key. What Google did not answer hides none: where it is evidence,
// blockEvidence misses it.
func (w *world) unseenPlaces() int {
	n := 0
	for _, g := range w.inv.Gaps {
		if g.Source != scanner.SourceGoogle {
			n++
		}
	}
	return n
}

// keepsKey says whether what makes a Secret only brings the same key again: a dead key then, which the second stage cleans
// up. Everything else (Terraform, Config Connector, Crossplane, Vault) asks Google for a new key.
func keepsKey(provenance string) bool {
	return slices.Contains([]string{"plain", "sealed-secret", "external-secret", "sops", "kustomize-generator", "helm", "secret-provider-class", "replicator", "secret-store"}, provenance)
}

// history says whether the Secret is Helm's record of a release: nobody mounts it.
func history(secret string) bool { return strings.HasPrefix(secret, "sh.helm.release.v1.") }

type blocker func(code, what, clear string)

func (w *world) blockConsumer(c consumer, block blocker) {
	for _, u := range c.uses {
		switch u.Via {
		case scanner.ImagePull:
			block(BlockerImagePull, fmt.Sprintf("%s pulls images with it", c.ref), "let the nodes' service account read the registry, and remove the pull secret")
		case scanner.Inline:
			block(BlockerInline, fmt.Sprintf("the key stands written out in %s", c.ref), "remove it there")
		}
	}
	if c.move != nil || !c.consumes() || len(c.work.uses) == 0 {
		return
	}
	codes := strings.Join(c.codes(), ", ")
	if c.obj != nil && !w.inCheckout(c.obj.Origins) && len(w.inv.Sources) > 0 && slices.Contains(c.codes(), HoldManagedElsewhere) {
		block(BlockerConsumerElsewhere, fmt.Sprintf("the source of %s is not in the input (%s)", c.ref, codes), "scan the repository that it comes from, and move it there")
		return
	}
	block(BlockerConsumer, fmt.Sprintf("%s still uses it (%s)", c.ref, codes), "settle its holds and move it")
}

// blockEvidence asks what Google knows of the key's use. Evidence that was read before the workloads have moved says
// nothing about afterwards.
func (w *world) blockEvidence(k *scanner.Key, r *Retirement, block blocker) {
	if k == nil {
		block(BlockerKeyUnknown, "which key of the account it is was not read: only the account was named", "scan a source that has the Secret")
		block(BlockerUseUnknown, "without the key's id nothing is known about its use", "scan a source that has the Secret, with --google")
		return
	}
	if r.KeyID == "" {
		block(BlockerKeyUnknown, "the key's id at Google is not known", "scan with --google: the id is found by the public key")
	}
	fact := w.facts[k.ID]
	switch {
	case fact == nil:
		what := "Google's evidence about the key's use was not read"
		if n := len(w.unreadSecrets); n > 0 {
			what += fmt.Sprintf(", and %d Secrets in use that were not read may hold it too", n)
		}
		block(BlockerUseUnknown, what, "scan with --google; 3-disable.sh reads it again")
	case fact.Verdict == scanner.VerdictForeign:
		block(BlockerKeyNotOwned, fmt.Sprintf("the key is none of %s", quoted(r.Email)), "find out whose it is")
	case fact.Verdict == scanner.VerdictDeletedKey || fact.Verdict == scanner.VerdictDeletedAccount:
		block(BlockerAlreadyGone, "Google has no such key any more", "nothing: only its copies are left to remove")
	case r.Consumers > 0:
		block(BlockerUseUnknown, "the evidence was read before the workloads have moved", "read it again after the soak, as 3-disable.sh does")
	case fact.Use == scanner.Used:
		clear := "find the caller in the audit logs"
		if fact.LogFilter != "" {
			clear += ", by the filter " + fact.LogFilter + " (Data Access logs of the services that it calls must be on)"
		}
		block(BlockerInUse, "the key is used, and by nothing that was seen", clear)
	case fact.Use != scanner.NotUsed:
		block(BlockerUseUnknown, "whether the key is used is not known"+parenthesis(fact.Why), "read the evidence again")
	}
}

func (w *world) notUsed(k *scanner.Key) bool {
	fact := w.facts[k.ID]
	return fact != nil && fact.Use == scanner.NotUsed && fact.Verdict != scanner.VerdictForeign
}
