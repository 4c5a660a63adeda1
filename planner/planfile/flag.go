package planfile

import (
	"fmt"
	"path"
	"strings"
	"unicode"

	"dekey/planner"
)

// ParseAccount reads what --account takes: NAMESPACE/SECRET[/ENTRY]=EMAIL, /SECRET[/ENTRY]=EMAIL where the namespace is
// unknown, */SECRET[/ENTRY]=EMAIL for any namespace, *=EMAIL for everything that is unknown.
func ParseAccount(s string) (planner.AccountRule, error) {
	key, email, found := strings.Cut(s, "=")
	if !found {
		return planner.AccountRule{}, fmt.Errorf("parsing account %.200q: want NAMESPACE/SECRET[/ENTRY]=EMAIL", s)
	}
	return parseAccount(key, email)
}

func parseAccount(key, email string) (planner.AccountRule, error) {
	rule := planner.AccountRule{Email: strings.ToLower(strings.TrimSpace(email))}
	if !planner.ValidEmail(rule.Email) {
		return rule, fmt.Errorf("parsing account %.200q: %.200q is not the e-mail of a Google service account", key, email)
	}
	parts := strings.Split(key, "/")
	switch {
	case key == "*":
		rule.Namespace, rule.Secret = "*", "*"
		return rule, nil
	case len(parts) == 2:
		rule.Namespace, rule.Secret = parts[0], parts[1]
	case len(parts) == 3 && parts[2] != "":
		rule.Namespace, rule.Secret, rule.Entry = parts[0], parts[1], parts[2]
	default:
		return rule, fmt.Errorf("parsing account %.200q: want NAMESPACE/SECRET[/ENTRY], /SECRET, */SECRET or *", key)
	}
	switch {
	case rule.Namespace != "" && rule.Namespace != "*" && !planner.ValidNamespace(rule.Namespace):
		return rule, fmt.Errorf("parsing account %.200q: %.80q is not a namespace", key, rule.Namespace)
	case !planner.ValidName(rule.Secret):
		return rule, fmt.Errorf("parsing account %.200q: %.80q is not the name of a Secret", key, rule.Secret)
	case rule.Entry != "" && !planner.ValidSecretEntry(rule.Entry):
		return rule, fmt.Errorf("parsing account %.200q: %.80q is not the name of a Secret's entry", key, rule.Entry)
	}
	return rule, nil
}

// ParseNamespaceOf reads what --namespace-of takes: PATH=NAMESPACE, the path relative to the scanned root.
func ParseNamespaceOf(s string) (planner.NamespaceRule, error) {
	i := strings.LastIndexByte(s, '=')
	if i < 0 {
		return planner.NamespaceRule{}, fmt.Errorf("parsing namespace %.200q: want PATH=NAMESPACE", s)
	}
	return parseNamespace(s[:i], s[i+1:])
}

func parseNamespace(file, namespace string) (planner.NamespaceRule, error) {
	clean, err := relative(file)
	if err != nil {
		return planner.NamespaceRule{}, err
	}
	if !planner.ValidNamespace(namespace) {
		return planner.NamespaceRule{}, fmt.Errorf("parsing namespace of %.200q: %.80q is not a namespace", file, namespace)
	}
	return planner.NamespaceRule{Path: clean, Namespace: namespace}, nil
}

// relative cleans a path below the scanned root; "." is the root.
func relative(file string) (string, error) {
	clean := path.Clean(file)
	if file == "" || path.IsAbs(file) || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsFunc(file, unicode.IsControl) {
		return "", fmt.Errorf("parsing path %.200q: want a file or folder below the scanned root", file)
	}
	return clean, nil
}

// ParseCluster reads what --cluster takes: PROJECT/LOCATION/NAME, with =CONTEXT for the kubeconfig context that reaches it.
func ParseCluster(s string) (planner.ClusterRule, error) {
	id, context, with := strings.Cut(s, "=")
	rule, err := parseCluster(id, context)
	if err == nil && with && context == "" {
		err = fmt.Errorf("parsing cluster %.200q: the context after = is empty", s)
	}
	return rule, err
}

func parseCluster(id, context string) (planner.ClusterRule, error) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return planner.ClusterRule{}, fmt.Errorf("parsing cluster %.200q: want PROJECT/LOCATION/NAME[=CONTEXT]", id)
	}
	rule := planner.ClusterRule{Project: parts[0], Location: parts[1], Name: parts[2], Context: context}
	switch {
	case !planner.ValidProject(rule.Project):
		return rule, fmt.Errorf("parsing cluster %.200q: %.80q is not a project", id, rule.Project)
	case !planner.ValidNamespace(rule.Location):
		return rule, fmt.Errorf("parsing cluster %.200q: %.80q is not a location", id, rule.Location)
	case len(rule.Name) > 40 || !planner.ValidNamespace(rule.Name):
		return rule, fmt.Errorf("parsing cluster %.200q: %.80q is not the name of a cluster", id, rule.Name)
	case strings.ContainsFunc(context, unicode.IsControl) || len(context) > 253:
		return rule, fmt.Errorf("parsing cluster %.200q: %.80q is not a context", id, context)
	}
	return rule, nil
}

// ParsePool reads what --pool takes: PROJECT.svc.id.goog, as the cluster gives it.
func ParsePool(s string) (string, error) {
	if !planner.ValidPool(s) {
		return "", fmt.Errorf("parsing pool %.200q: want PROJECT.svc.id.goog", s)
	}
	return s, nil
}

// ParseProjectNumber reads what --project-number takes.
func ParseProjectNumber(s string) (string, error) {
	if !planner.ValidProjectNumber(s) {
		return "", fmt.Errorf("parsing project number %.200q: want the decimal number, not the id", s)
	}
	return s, nil
}

// ParseModel reads what --model takes.
func ParseModel(s string) (string, error) {
	if s != planner.Impersonation && s != planner.Direct {
		return "", fmt.Errorf("parsing model %.200q: want %s or %s", s, planner.Impersonation, planner.Direct)
	}
	return s, nil
}
