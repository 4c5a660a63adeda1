package planner

import (
	"slices"

	"dekey/scanner"
)

// A serviceAccount is one Kubernetes service account with all that the sources say of it: the checkout's definition and
// the live one are one object.
type serviceAccount struct {
	scanner.ServiceAccount
	// conflict says how definitions that people can edit, or those of several clusters, differ.
	conflict string
	// accounts are all accounts that it is annotated for: the checkout and the cluster may differ.
	accounts []string
}

// joinServiceAccounts makes one service account of its definitions. What people can edit comes first; what only the live
// one carries is added, so that nothing is lost.
func (w *world) joinServiceAccounts() {
	w.ksas = make(map[name]*serviceAccount, len(w.inv.ServiceAccounts))
	ordered := make([]*scanner.ServiceAccount, 0, len(w.inv.ServiceAccounts))
	for i := range w.inv.ServiceAccounts {
		ordered = append(ordered, &w.inv.ServiceAccounts[i])
	}
	slices.SortStableFunc(ordered, func(a, b *scanner.ServiceAccount) int {
		return boolOrder(w.inCheckout(b.Origins)) - boolOrder(w.inCheckout(a.Origins))
	})
	for _, sa := range ordered {
		key := name{sa.Ref.Namespace, sa.Ref.Name}
		if old := w.ksas[key]; old != nil {
			w.joinServiceAccount(old, sa)
			continue
		}
		one := &serviceAccount{ServiceAccount: *sa}
		one.Origins = slices.Clone(sa.Origins)
		one.accounts = accountsOf(sa)
		w.ksas[key] = one
	}
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

func accountsOf(sa *scanner.ServiceAccount) []string {
	if email := accountEmail(sa.Annotations[AccountAnnotation]); email != "" {
		return []string{email}
	}
	return nil
}

func (w *world) joinServiceAccount(old *serviceAccount, sa *scanner.ServiceAccount) {
	accounts := accountsOf(sa)
	sameSide := w.inCheckout(old.Origins) == w.inCheckout(sa.Origins)
	if sameSide && !slices.Equal(old.accounts, accounts) {
		old.conflict = "definitions of the service account " + sa.Ref.Namespace + "/" + sa.Ref.Name + " are annotated differently"
	}
	old.accounts = sorted(slices.Concat(old.accounts, accounts))
	old.ImagePullSecrets = union(old.ImagePullSecrets, sa.ImagePullSecrets)
	old.Secrets = union(old.Secrets, sa.Secrets)
	old.Annotations = joinTexts(old.Annotations, sa.Annotations)
	old.Labels = joinTexts(old.Labels, sa.Labels)
	if old.Automount == nil {
		old.Automount = sa.Automount
	}
	old.Live = old.Live || sa.Live
	old.Origins = append(old.Origins, sa.Origins...)
	old.Managers = union(old.Managers, sa.Managers)
	old.Grants = append(slices.Clip(old.Grants), sa.Grants...)
}

// union is a, then what b has more.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// joinTexts is a with the keys that only b has.
func joinTexts(a, b map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(b))
	for key, value := range b {
		out[key] = value
	}
	for key, value := range a {
		out[key] = value
	}
	return out
}

// refKey is a ref without what may be spelled differently for one object: the version, and groups that a kind has moved
// through.
func refKey(ref scanner.Ref) scanner.Ref {
	group := ref.Group()
	switch ref.Kind {
	case "Deployment", "DaemonSet", "ReplicaSet", "StatefulSet":
		if group == "extensions" {
			group = "apps"
		}
	}
	ref.APIVersion = group
	return ref
}

// holderKey is a holder without its entry.
func holderKey(h scanner.Holder) scanner.Holder {
	h.Entry = ""
	return h
}
