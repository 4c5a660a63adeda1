package gcptest

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/api/iam/v1"
)

// accountID is what Google takes as the id of a new account.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/create
var accountID = regexp.MustCompile(`^[a-z]([-a-z0-9]{4,28}[a-z0-9])$`)

func (a *Account) describe() *iam.ServiceAccount {
	return &iam.ServiceAccount{
		Name: "projects/" + a.project.ID + "/serviceAccounts/" + a.Email, ProjectId: a.project.ID, UniqueId: a.UniqueID, Email: a.Email,
		DisplayName: a.DisplayName, Description: a.Description, Disabled: a.Disabled, Oauth2ClientId: a.UniqueID, Etag: "MDEwMjE5MjA=",
	}
}

// account is the one that the path names. A missing one is hidden behind the wildcard project: 403 instead of 404.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/get
func (c *call) account() (*Account, *failure) {
	project, name := c.vars["projectsId"], c.vars["serviceAccountsId"]
	if a := c.state.account(project, name); a != nil {
		return a, nil
	}
	if project == "-" {
		return nil, denied("iam.serviceAccounts.get")
	}
	if c.state.project(project) == nil {
		return nil, denied("iam.serviceAccounts.get")
	}
	return nil, failf(http.StatusNotFound, "NOT_FOUND", "Service account %s does not exist.", name)
}

func denied(permission string) *failure {
	f := failf(http.StatusForbidden, "PERMISSION_DENIED", "Permission '%s' denied on resource (or it may not exist).", permission)
	f.details = []any{map[string]any{
		"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED", "domain": "iam.googleapis.com",
		"metadata": map[string]string{"permission": permission},
	}}
	return f
}

func getAccount(c *call) (any, *failure) {
	a, f := c.account()
	if f != nil {
		return nil, f
	}
	return a.describe(), nil
}

func listAccounts(c *call) (any, *failure) {
	p := c.state.project(c.vars["projectsId"])
	if p == nil {
		return nil, denied("iam.serviceAccounts.list")
	}
	emails := slices.Sorted(maps.Keys(p.Accounts))
	from, to, next, f := c.page(len(emails))
	if f != nil {
		return nil, f
	}
	answer := &iam.ListServiceAccountsResponse{NextPageToken: next}
	for _, email := range emails[from:to] {
		answer.Accounts = append(answer.Accounts, p.Accounts[email].describe())
	}
	return answer, nil
}

func createAccount(c *call) (any, *failure) {
	p := c.state.project(c.vars["projectsId"])
	if p == nil {
		return nil, denied("iam.serviceAccounts.create")
	}
	var request iam.CreateServiceAccountRequest
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	if !accountID.MatchString(request.AccountId) {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "%q is no account id", request.AccountId)
	}
	email := request.AccountId + "@" + p.ID + ".iam.gserviceaccount.com"
	if p.Accounts[email] != nil {
		return nil, failf(http.StatusConflict, "ALREADY_EXISTS", "Service account %s already exists within project projects/%s.", request.AccountId, p.ID)
	}
	a := p.Account(email)
	if s := request.ServiceAccount; s != nil {
		if len(s.DisplayName) > 100 || len(s.Description) > 256 {
			delete(p.Accounts, email)
			return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "a display name has 100 bytes at most, a description 256")
		}
		a.DisplayName, a.Description = s.DisplayName, s.Description
	}
	return a.describe(), nil
}

func patchAccount(c *call) (any, *failure) {
	a, f := c.account()
	if f != nil {
		return nil, f
	}
	var request iam.PatchServiceAccountRequest
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	for field := range strings.SplitSeq(request.UpdateMask, ",") {
		switch {
		case request.ServiceAccount == nil:
		case field == "displayName" || field == "display_name":
			a.DisplayName = request.ServiceAccount.DisplayName
		case field == "description":
			a.Description = request.ServiceAccount.Description
		}
	}
	return a.describe(), nil
}

func deleteAccount(c *call) (any, *failure) {
	a, f := c.account()
	if f != nil {
		return nil, f
	}
	delete(a.project.Accounts, a.Email)
	a.project.Deleted[a.UniqueID] = a
	return struct{}{}, nil
}

func undeleteAccount(c *call) (any, *failure) {
	for _, p := range c.state.Projects {
		a := p.Deleted[c.vars["serviceAccountsId"]]
		if a == nil {
			continue
		}
		if p.Accounts[a.Email] != nil {
			return nil, failf(http.StatusConflict, "ALREADY_EXISTS", "the name was used again")
		}
		p.Accounts[a.Email] = a
		delete(p.Deleted, a.UniqueID)
		return &iam.UndeleteServiceAccountResponse{RestoredAccount: a.describe()}, nil
	}
	return nil, failf(http.StatusNotFound, "NOT_FOUND", "no such account was deleted")
}

func disableAccount(c *call) (any, *failure) { return c.setDisabled(true) }

func enableAccount(c *call) (any, *failure) { return c.setDisabled(false) }

func (c *call) setDisabled(disabled bool) (any, *failure) {
	a, f := c.account()
	if f != nil {
		return nil, f
	}
	a.Disabled = disabled
	return struct{}{}, nil
}
