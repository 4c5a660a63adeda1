package planfile

import (
	"fmt"

	"dekey/planner"
)

// AddAccount adds what was said of a Secret's account to what the same source said before. The same again changes nothing; another
// account for the same key is an error: nobody knows which was meant, and one of the two would be granted.
func AddAccount(rules []planner.AccountRule, rule planner.AccountRule) ([]planner.AccountRule, error) {
	for _, r := range rules {
		if r.Namespace != rule.Namespace || r.Secret != rule.Secret || r.Entry != rule.Entry {
			continue
		}
		if r.Email != rule.Email {
			return rules, fmt.Errorf("the account of %s is %s and %s: give one", rule.Key(), r.Email, rule.Email)
		}
		return rules, nil
	}
	return append(rules, rule), nil
}

// AddNamespace is AddAccount for the namespace of a path.
func AddNamespace(rules []planner.NamespaceRule, rule planner.NamespaceRule) ([]planner.NamespaceRule, error) {
	for _, r := range rules {
		if r.Path != rule.Path {
			continue
		}
		if r.Namespace != rule.Namespace {
			return rules, fmt.Errorf("the namespace of %.200q is %s and %s: give one", rule.Path, r.Namespace, rule.Namespace)
		}
		return rules, nil
	}
	return append(rules, rule), nil
}

// AddCluster is AddAccount for the context of a cluster.
func AddCluster(rules []planner.ClusterRule, rule planner.ClusterRule) ([]planner.ClusterRule, error) {
	for _, r := range rules {
		if r.Project != rule.Project || r.Location != rule.Location || r.Name != rule.Name {
			continue
		}
		if r.Context != rule.Context {
			return rules, fmt.Errorf("the cluster %s/%s/%s has the contexts %.200q and %.200q: give one", rule.Project, rule.Location, rule.Name, r.Context, rule.Context)
		}
		return rules, nil
	}
	return append(rules, rule), nil
}
