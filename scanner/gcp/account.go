package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/api/iam/v1"

	"dekey/scanner"
)

// accountEmail is what a Google service account's e-mail can be. Anything else reaches no address: e-mails come out of
// Secrets.
// https://cloud.google.com/iam/docs/service-account-types
var accountEmail = regexp.MustCompile(`^[a-z0-9][-a-z0-9.]{0,62}@([a-z0-9][-a-z0-9]{0,62}\.)*gserviceaccount\.com$`)

// errEmail is of an e-mail that no account has.
var errEmail = errors.New("it is no e-mail of a Google service account")

// normal is an e-mail as Google stores it.
func normal(email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if !accountEmail.MatchString(email) || strings.Contains(email, "..") {
		return "", fmt.Errorf("%q: %w", email, errEmail)
	}
	return email, nil
}

// projectOf is the project that an account's e-mail names, by id or number, and "-", any, where its spelling does not say:
// domain-scoped projects and other universes.
// https://cloud.google.com/iam/docs/service-account-types
func projectOf(email string) string {
	id, domain, _ := strings.Cut(email, "@")
	switch domain {
	case "developer.gserviceaccount.com":
		number, _, _ := strings.Cut(id, "-")
		return number
	case "appspot.gserviceaccount.com":
		if strings.Contains(id, ".") {
			return "-"
		}
		return id
	}
	project, found := strings.CutSuffix(domain, ".iam.gserviceaccount.com")
	if !found || strings.Contains(project, ".") {
		return "-"
	}
	return project
}

// resource is an account as IAM's paths name it.
func resource(email string) string {
	return "projects/" + projectOf(email) + "/serviceAccounts/" + email
}

// Account reads a service account: its unique id, its project, whether it is disabled. Bindings are not read: see Policy.
// ErrNotFound: there is none of this e-mail (any more).
func (c *Client) Account(ctx context.Context, email string) (scanner.Account, error) {
	email, err := normal(email)
	if err != nil {
		return scanner.Account{}, err
	}
	return c.accountAnswers.get(email, func() (scanner.Account, error) {
		found, err := c.iam.Projects.ServiceAccounts.Get(resource(email)).Context(ctx).Do()
		if err != nil {
			return scanner.Account{}, c.fail(err, needAccount, email, "reading the service account %s", email)
		}
		if found.UniqueId == "" || !strings.EqualFold(found.Email, email) {
			return scanner.Account{}, &Error{Doing: "reading the service account " + email, What: email, Permission: needAccount.permission, Role: needAccount.role, Err: errors.New("the answer is of another account, or empty")}
		}
		disabled := found.Disabled
		return scanner.Account{
			Email: email, UniqueID: found.UniqueId, Project: found.ProjectId, Disabled: &disabled, Exists: scanner.Yes,
			Bindings: []scanner.Binding{}, ReadAt: c.now().UTC(),
		}, nil
	})
}

// Policy reads the bindings of an account's own policy: who may act as it. Sorted.
func (c *Client) Policy(ctx context.Context, email string) ([]scanner.Binding, error) {
	email, err := normal(email)
	if err != nil {
		return nil, err
	}
	return c.policyAnswers.get(email, func() ([]scanner.Binding, error) {
		policy, err := c.iam.Projects.ServiceAccounts.GetIamPolicy(resource(email)).OptionsRequestedPolicyVersion(3).Context(ctx).Do()
		if err == nil && policy.Etag == "" {
			err = errors.New("the answer is empty") // a policy without bindings has an etag
		}
		if err != nil {
			return nil, c.fail(err, needPolicy, email, "reading the policy of %s", email)
		}
		return bindings(policy.Bindings, func(b *iam.Binding) (string, []string, string, string) {
			if b.Condition == nil {
				return b.Role, b.Members, "", ""
			}
			return b.Role, b.Members, b.Condition.Expression, b.Condition.Title
		}), nil
	})
}

// bindings turns those of an API into the inventory's, sorted.
func bindings[T any](list []T, take func(T) (role string, members []string, condition, title string)) []scanner.Binding {
	found := []scanner.Binding{}
	for _, b := range list {
		role, members, condition, title := take(b)
		members = slices.Clone(members)
		slices.Sort(members)
		found = append(found, scanner.Binding{Role: role, Members: slices.Compact(members), Condition: condition, Title: title})
	}
	slices.SortFunc(found, func(a, b scanner.Binding) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Condition, b.Condition), cmp.Compare(a.Title, b.Title), slices.Compare(a.Members, b.Members))
	})
	return found
}
