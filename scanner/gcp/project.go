package gcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	resourcemanagerv1 "google.golang.org/api/cloudresourcemanager/v1"
	resourcemanager "google.golang.org/api/cloudresourcemanager/v3"

	"dekey/scanner"
)

// Project looks up a project by id or number: the one gives the other. Its APIs and policies are lookups of their own.
func (c *Client) Project(ctx context.Context, name string) (scanner.Project, error) {
	if !projectName.MatchString(name) {
		return scanner.Project{}, fmt.Errorf("%q is no project", name)
	}
	return c.projectAnswers.get(name, func() (scanner.Project, error) {
		found, err := c.projects.Projects.Get("projects/" + name).Context(ctx).Do()
		number := ""
		if err == nil {
			number = strings.TrimPrefix(found.Name, "projects/")
			if found.ProjectId == "" || number == "" || found.ProjectId != name && number != name {
				err = errors.New("the answer is of another project, or empty")
			}
		}
		if err != nil {
			return scanner.Project{}, c.fail(err, needProject, "projects/"+name, "reading the project %s", name)
		}
		return scanner.Project{ID: found.ProjectId, Number: number}, nil
	})
}

// Ancestors are the folders and the organisation above a project, the nearest first: folders/N, organizations/N.
func (c *Client) Ancestors(ctx context.Context, project string) ([]string, error) {
	if !projectName.MatchString(project) {
		return nil, fmt.Errorf("%q is no project", project)
	}
	return c.ancestorAnswers.get(project, func() ([]string, error) {
		found, err := c.ancestry.Projects.GetAncestry(project, &resourcemanagerv1.GetAncestryRequest{}).Context(ctx).Do()
		if err == nil && len(found.Ancestor) == 0 {
			err = errors.New("the answer is empty") // the project itself is the first
		}
		if err != nil {
			return nil, c.fail(err, needProject, "projects/"+project, "reading what is above the project %s", project)
		}
		list := []string{}
		for _, a := range found.Ancestor {
			if id := a.ResourceId; id != nil && id.Type != "project" {
				list = append(list, id.Type+"s/"+id.Id)
			}
		}
		return list, nil
	})
}

// ProjectPolicy reads the bindings of a project's own policy. Sorted.
func (c *Client) ProjectPolicy(ctx context.Context, project string) ([]scanner.Binding, error) {
	if !projectName.MatchString(project) {
		return nil, fmt.Errorf("%q is no project", project)
	}
	return c.projectPolicies.get(project, func() ([]scanner.Binding, error) {
		request := &resourcemanager.GetIamPolicyRequest{Options: &resourcemanager.GetPolicyOptions{RequestedPolicyVersion: 3}}
		found, err := c.projects.Projects.GetIamPolicy("projects/"+project, request).Context(ctx).Do()
		if err == nil && found.Etag == "" {
			err = errors.New("the answer is empty") // a policy without bindings has an etag
		}
		if err != nil {
			return nil, c.fail(err, needBindings, "projects/"+project, "reading the policy of the project %s", project)
		}
		return bindings(found.Bindings, func(b *resourcemanager.Binding) (string, []string, string, string) {
			if b.Condition == nil {
				return b.Role, b.Members, "", ""
			}
			return b.Role, b.Members, b.Condition.Expression, b.Condition.Title
		}), nil
	})
}

// RequiredAPIs must be on in the project of a cluster whose pods act as service accounts.
// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
var RequiredAPIs = []string{"container.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com", "sts.googleapis.com"}

// APIs says which of the services are on in a project, in their order.
func (c *Client) APIs(ctx context.Context, project string, names ...string) ([]scanner.API, error) {
	if !projectName.MatchString(project) {
		return nil, fmt.Errorf("%q is no project", project)
	}
	return c.serviceAnswers.get(project+" "+strings.Join(names, " "), func() ([]scanner.API, error) {
		parent := "projects/" + project
		var full []string
		for _, name := range names {
			full = append(full, parent+"/services/"+name)
		}
		found, err := c.services.Services.BatchGet(parent).Names(full...).Context(ctx).Do()
		if err != nil {
			return nil, c.fail(err, needServices, parent, "reading which APIs of %s are on", project)
		}
		list := []scanner.API{}
		for _, name := range names {
			api := scanner.API{Name: name, Enabled: scanner.Unknown}
			for _, s := range found.Services {
				if strings.HasSuffix(s.Name, "/services/"+name) {
					api.Enabled = states[s.State]
				}
			}
			if api.Enabled == "" {
				api.Enabled = scanner.Unknown
			}
			list = append(list, api)
		}
		return list, nil
	})
}

var states = map[string]scanner.Tri{"ENABLED": scanner.Yes, "DISABLED": scanner.No}

// A Constraint is an organisation policy in effect for a project.
type Constraint struct {
	Name string // iam.disableServiceAccountCreation
	// Enforced: it is switched on, or lists what is allowed or denied.
	Enforced bool
	Allowed  []string
	Denied   []string
	// Conditional: some rule depends on tags.
	Conditional bool
}

// Constraints are those that can refuse a step of the migration.
// https://cloud.google.com/resource-manager/docs/organization-policy/restricting-service-accounts
var Constraints = []string{
	"iam.allowedPolicyMemberDomains",
	"iam.disableServiceAccountCreation",
	"iam.disableWorkloadIdentityClusterCreation",
	"iam.managed.allowedPolicyMembers",
	"iam.managed.disableServiceAccountCreation",
}

// OrgPolicy reads the effect of a constraint on a project, what it inherits included.
func (c *Client) OrgPolicy(ctx context.Context, project, constraint string) (Constraint, error) {
	if !projectName.MatchString(project) {
		return Constraint{}, fmt.Errorf("%q is no project", project)
	}
	constraint = strings.TrimPrefix(constraint, "constraints/")
	return c.constraints.get(project+" "+constraint, func() (Constraint, error) {
		found, err := c.policies.Projects.Policies.GetEffectivePolicy("projects/" + project + "/policies/" + constraint).Context(ctx).Do()
		if err == nil && found.Name == "" {
			err = errors.New("the answer is empty")
		}
		if err != nil {
			return Constraint{}, c.fail(err, needOrg, "projects/"+project, "reading the organisation policy %s of %s", constraint, project)
		}
		policy := Constraint{Name: constraint}
		if found.Spec == nil {
			return policy, nil
		}
		for _, r := range found.Spec.Rules {
			policy.Conditional = policy.Conditional || r.Condition != nil
			policy.Enforced = policy.Enforced || r.Enforce || r.DenyAll
			if v := r.Values; v != nil {
				policy.Enforced = policy.Enforced || len(v.AllowedValues)+len(v.DeniedValues) > 0
				policy.Allowed = append(policy.Allowed, v.AllowedValues...)
				policy.Denied = append(policy.Denied, v.DeniedValues...)
			}
		}
		slices.Sort(policy.Allowed)
		slices.Sort(policy.Denied)
		return policy, nil
	})
}
