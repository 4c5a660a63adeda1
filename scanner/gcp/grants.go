package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"google.golang.org/api/cloudasset/v1"

	"dekey/scanner"
)

// A holding is a role that a member holds on a resource.
type holding struct {
	member string
	grant  scanner.Grant
}

// searchPolicies finds the bindings whose members contain the text (an e-mail, a pool) in all policies within a scope: projects/P,
// folders/N, organizations/N. Cloud Asset Inventory lags by minutes to hours, and knows neither the access lists of buckets
// and BigQuery nor memberships of groups.
//
// https://cloud.google.com/asset-inventory/docs/search-allow-policies
func (c *Client) searchPolicies(ctx context.Context, scope, text string) ([]holding, error) {
	var found []holding
	call := c.assets.V1.SearchAllIamPolicies(scope).Query(fmt.Sprintf("policy:%q", text)).PageSize(500)
	err := call.Pages(ctx, func(page *cloudasset.SearchAllIamPoliciesResponse) error {
		for _, r := range page.Results {
			if r.Policy == nil || r.Resource == "" {
				return errors.New("the answer has a result without a policy")
			}
			for _, b := range r.Policy.Bindings {
				grant := scanner.Grant{Resource: r.Resource, Role: b.Role}
				if b.Condition != nil {
					grant.Condition, grant.Title = b.Condition.Expression, b.Condition.Title
				}
				for _, m := range b.Members {
					found = append(found, holding{m, grant})
				}
			}
		}
		return nil
	})
	return found, c.fail(err, needSearch, scope, "searching the policies of %s for %s", scope, text)
}

// scopes are where an account's grants are searched: the top of what is above its project, and the project itself.
func (c *Client) scopes(ctx context.Context, project string) ([]string, error) {
	above, err := c.Ancestors(ctx, project)
	if err != nil {
		return []string{"projects/" + project}, err
	}
	slices.Reverse(above)
	return append(above, "projects/"+project), nil
}

// widest searches the widest scope that may be searched. whole says that it was the top one.
func (e *enrichment) widest(ctx context.Context, project, text string) (found []holding, whole bool) {
	scopes, err := e.client.scopes(ctx, project)
	e.refuse(unlessMissing(err))
	for i, scope := range scopes {
		found, refused := e.client.searchPolicies(ctx, scope, text)
		if refused == nil {
			return found, i == 0 && err == nil
		}
		e.refuse(refused)
		if !denied(refused) {
			break // an API that is off is off everywhere
		}
	}
	return nil, false
}

// readGrants finds the roles that accounts hold, and those that Kubernetes service accounts hold themselves.
func (e *enrichment) readGrants(ctx context.Context) {
	var known []*scanner.Account
	for _, email := range e.emails {
		if a := e.accounts[email]; a.Exists != scanner.No {
			known = append(known, a)
		}
	}
	each(ctx, e, known, func(ctx context.Context, a *scanner.Account) error {
		project := cmp.Or(a.Project, projectOf(a.Email))
		if project == "-" {
			return nil
		}
		found, whole := e.widest(ctx, project, a.Email)
		if !whole {
			found = append(found, e.ownProject(ctx, project)...)
		}
		a.Grants, a.GrantsRead = e.grantsOf("serviceAccount:"+a.Email, found), whole
		return nil
	})
	each(ctx, e, slices.Sorted(maps.Keys(e.pools)), func(ctx context.Context, pool string) error {
		found, whole := e.widest(ctx, e.pools[pool], pool)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.direct = append(e.direct, found...)
		for i := range e.clusters {
			if e.clusters[i].Pool == pool {
				e.clusters[i].GrantsRead = whole
			}
		}
		return nil
	})
}

// ownProject are the bindings of a project's own policy, for where the search is not allowed.
func (e *enrichment) ownProject(ctx context.Context, project string) []holding {
	var found []holding
	bindings, err := e.client.ProjectPolicy(ctx, project)
	e.refuse(unlessMissing(err))
	for _, b := range bindings {
		for _, m := range b.Members {
			grant := scanner.Grant{Resource: "//cloudresourcemanager.googleapis.com/projects/" + project, Role: b.Role, Condition: b.Condition, Title: b.Title}
			found = append(found, holding{m, grant})
		}
	}
	return found
}

var accountResource = regexp.MustCompile(`^//iam\.googleapis\.com/projects/[^/]+/serviceAccounts/([^/]+)$`)

// grantsOf are the grants of one member, sorted, with accounts named by their e-mails: a search names them by unique id.
func (e *enrichment) grantsOf(member string, found []holding) []scanner.Grant {
	var list []scanner.Grant
	for _, h := range found {
		if h.member != member {
			continue
		}
		h.grant.Resource = e.named(h.grant.Resource)
		list = append(list, h.grant)
	}
	slices.SortFunc(list, compareGrants)
	return slices.Compact(list)
}

func compareGrants(a, b scanner.Grant) int {
	return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Condition, b.Condition), cmp.Compare(a.Title, b.Title))
}

// named spells an account's resource with its e-mail, in any project.
func (e *enrichment) named(resource string) string {
	parts := accountResource.FindStringSubmatch(resource)
	if parts == nil {
		return resource
	}
	for _, email := range e.emails {
		if a := e.accounts[email]; parts[1] == email || a.UniqueID != "" && parts[1] == a.UniqueID {
			return "//iam.googleapis.com/projects/-/serviceAccounts/" + email
		}
	}
	return resource
}

var (
	legacyMember  = regexp.MustCompile(`^serviceAccount:[^\[\]]+\[([^\[\]/]+)/([^\[\]/]+)\]$`)
	subjectMember = regexp.MustCompile(`^principal:.*/workloadIdentityPools/[^/]+/subject/ns/([^/]+)/sa/([^/]+)$`)
)

// giveDirect gives Kubernetes service accounts the roles that they hold themselves. To act as a Google service account is
// none: that stands in the account's bindings.
func (e *enrichment) giveDirect() {
	held := map[[2]string][]scanner.Grant{}
	for _, h := range e.direct {
		parts := legacyMember.FindStringSubmatch(h.member)
		if parts == nil {
			parts = subjectMember.FindStringSubmatch(h.member)
		}
		if parts == nil || accountResource.MatchString(h.grant.Resource) || slices.Contains(actAs, h.grant.Role) {
			continue
		}
		name := [2]string{parts[1], parts[2]}
		held[name] = append(held[name], h.grant)
	}
	for i := range e.inv.ServiceAccounts {
		sa := &e.inv.ServiceAccounts[i]
		list := slices.Concat(sa.Grants, held[[2]string{sa.Ref.Namespace, sa.Ref.Name}])
		slices.SortFunc(list, compareGrants)
		sa.Grants = slices.Compact(list)
	}
}
