package scanner

import (
	"cmp"
	"slices"
	"strings"
)

// serviceAccount decodes a Kubernetes service account.
func serviceAccount(o *Object) ServiceAccount {
	sa := ServiceAccount{
		Ref: o.Ref, Live: o.Live, Origins: slices.Clone(o.Origins), Managers: slices.Clone(o.Managers), Root: o.Root,
		Annotations: map[string]string{}, ImagePullSecrets: []string{},
		Labels:    texts(lookup(o.Content, "metadata", "labels")),
		Automount: boolean(o.Content["automountServiceAccountToken"]),
	}
	for key, value := range texts(lookup(o.Content, "metadata", "annotations")) {
		if key != lastApplied && !mayHoldKey(value) {
			sa.Annotations[key] = value
		}
	}
	for _, item := range list(o.Content["imagePullSecrets"]) {
		if name := text(lookup(item, "name")); name != "" {
			sa.ImagePullSecrets = append(sa.ImagePullSecrets, name)
		}
	}
	for _, item := range list(o.Content["secrets"]) {
		if name := text(lookup(item, "name")); name != "" {
			sa.Secrets = append(sa.Secrets, name)
		}
	}
	return sa
}

// roleBinding decodes a RoleBinding or ClusterRoleBinding.
func roleBinding(o *Object) RoleBinding {
	b := RoleBinding{
		Ref: o.Ref, Live: o.Live, Origins: slices.Clone(o.Origins), Managers: slices.Clone(o.Managers), Subjects: []Subject{},
	}
	role := lookup(o.Content, "roleRef")
	b.RoleRef = Ref{APIVersion: text(lookup(role, "apiGroup")), Kind: text(lookup(role, "kind")), Name: text(lookup(role, "name"))}
	if b.RoleRef.Kind == "Role" {
		b.RoleRef.Namespace = o.Ref.Namespace
	}
	for _, item := range list(o.Content["subjects"]) {
		b.Subjects = append(b.Subjects, Subject{
			APIGroup: text(lookup(item, "apiGroup")), Kind: text(lookup(item, "kind")),
			Namespace: text(lookup(item, "namespace")), Name: text(lookup(item, "name")),
		})
	}
	return b
}

// The names by which Kubernetes' authorizer knows service accounts.
// Source: kubernetes.io, "Authenticating", service account tokens.
const (
	userPrefix  = "system:serviceaccount:"
	allAccounts = "system:serviceaccounts"
)

// names says that a subject is, or includes, one of the accounts. A subject whose namespace is not known can be any of
// that name; an account whose namespace is not known is held anyway, and names nothing else.
func (s Subject) names(binding string, accounts map[accountName]bool) bool {
	switch s.Kind {
	case "ServiceAccount":
		namespace := cmp.Or(s.Namespace, binding)
		return accounts[accountName{namespace, s.Name}] || namespace == "" && anyNamespace(accounts, s.Name)
	case "User":
		namespace, name, ok := strings.Cut(strings.TrimPrefix(s.Name, userPrefix), ":")
		return ok && strings.HasPrefix(s.Name, userPrefix) && accounts[accountName{namespace, name}]
	case "Group":
		if s.Name == allAccounts {
			return true
		}
		namespace, ok := strings.CutPrefix(s.Name, allAccounts+":")
		if !ok {
			return false
		}
		for a := range accounts {
			if a.namespace == namespace {
				return true
			}
		}
	}
	return false
}

// An accountName is a KSA: namespace "" is not known.
type accountName struct{ namespace, name string }

func anyNamespace(accounts map[accountName]bool, name string) bool {
	for a := range accounts {
		if a.name == name {
			return true
		}
	}
	return false
}
