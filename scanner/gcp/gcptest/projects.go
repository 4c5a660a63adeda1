package gcptest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	resourcemanagerv1 "google.golang.org/api/cloudresourcemanager/v1"
	resourcemanager "google.golang.org/api/cloudresourcemanager/v3"
	"google.golang.org/api/logging/v2"
	"google.golang.org/api/orgpolicy/v2"
	"google.golang.org/api/serviceusage/v1"
)

// projectOf is the project of the path. One that is missing looks like one that must not be seen.
func (c *call) projectOf(permission string) (*Project, *failure) {
	for _, name := range []string{"projectId", "projectsId", "v1Id1"} {
		if id := c.vars[name]; id != "" {
			if p := c.state.project(id); p != nil {
				return p, nil
			}
		}
	}
	return nil, denied(permission)
}

func (p *Project) parent() (kind, id string) {
	if len(p.Ancestors) == 0 {
		return "", ""
	}
	kind, id, _ = strings.Cut(p.Ancestors[0], "/")
	return strings.TrimSuffix(kind, "s"), id
}

func getProjectV1(c *call) (any, *failure) {
	p, f := c.projectOf("resourcemanager.projects.get")
	if f != nil {
		return nil, f
	}
	number, err := strconv.ParseInt(p.Number, 10, 64)
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "INTERNAL", "%v", err)
	}
	answer := &resourcemanagerv1.Project{ProjectId: p.ID, ProjectNumber: number, LifecycleState: "ACTIVE", Name: p.ID}
	if kind, id := p.parent(); kind != "" {
		answer.Parent = &resourcemanagerv1.ResourceId{Type: kind, Id: id}
	}
	return answer, nil
}

func getProjectV3(c *call) (any, *failure) {
	p, f := c.projectOf("resourcemanager.projects.get")
	if f != nil {
		return nil, f
	}
	answer := &resourcemanager.Project{Name: "projects/" + p.Number, ProjectId: p.ID, State: "ACTIVE", DisplayName: p.ID}
	if len(p.Ancestors) > 0 {
		answer.Parent = p.Ancestors[0]
	}
	return answer, nil
}

func getAncestry(c *call) (any, *failure) {
	p, f := c.projectOf("resourcemanager.projects.get")
	if f != nil {
		return nil, f
	}
	answer := &resourcemanagerv1.GetAncestryResponse{Ancestor: []*resourcemanagerv1.Ancestor{
		{ResourceId: &resourcemanagerv1.ResourceId{Type: "project", Id: p.ID}},
	}}
	for _, above := range p.Ancestors {
		kind, id, _ := strings.Cut(above, "/")
		answer.Ancestor = append(answer.Ancestor, &resourcemanagerv1.Ancestor{ResourceId: &resourcemanagerv1.ResourceId{Type: strings.TrimSuffix(kind, "s"), Id: id}})
	}
	return answer, nil
}

func (p *Project) service(name string) *serviceusage.GoogleApiServiceusageV1Service {
	state := "DISABLED"
	if p.Services[name] {
		state = "ENABLED"
	}
	return &serviceusage.GoogleApiServiceusageV1Service{
		Name: "projects/" + p.Number + "/services/" + name, Parent: "projects/" + p.Number, State: state,
		Config: &serviceusage.GoogleApiServiceusageV1ServiceConfig{Name: name},
	}
}

func getService(c *call) (any, *failure) {
	p, f := c.projectOf("serviceusage.services.get")
	if f != nil {
		return nil, f
	}
	return p.service(c.vars["servicesId"]), nil
}

func listServices(c *call) (any, *failure) {
	p, f := c.projectOf("serviceusage.services.list")
	if f != nil {
		return nil, f
	}
	names := slices.Sorted(maps.Keys(p.Services))
	if filter := c.query.Get("filter"); filter != "" {
		want := filter == "state:ENABLED"
		names = slices.DeleteFunc(names, func(name string) bool { return p.Services[name] != want })
	}
	from, to, next, f := c.page(len(names))
	if f != nil {
		return nil, f
	}
	answer := &serviceusage.ListServicesResponse{NextPageToken: next}
	for _, name := range names[from:to] {
		answer.Services = append(answer.Services, p.service(name))
	}
	return answer, nil
}

func batchGetServices(c *call) (any, *failure) {
	p, f := c.projectOf("serviceusage.services.get")
	if f != nil {
		return nil, f
	}
	answer := &serviceusage.BatchGetServicesResponse{}
	for _, name := range c.query["names"] {
		at := strings.LastIndex(name, "/services/")
		if at < 0 || c.state.project(strings.TrimPrefix(name[:at], "projects/")) != p {
			return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "%q is no service of the project", name)
		}
		answer.Services = append(answer.Services, p.service(name[at+len("/services/"):]))
	}
	return answer, nil
}

func enableService(c *call) (any, *failure) { return c.switchServices(true, c.vars["servicesId"]) }

func disableService(c *call) (any, *failure) { return c.switchServices(false, c.vars["servicesId"]) }

func batchEnableServices(c *call) (any, *failure) {
	var request serviceusage.BatchEnableServicesRequest
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	return c.switchServices(true, request.ServiceIds...)
}

func (c *call) switchServices(on bool, names ...string) (any, *failure) {
	p, f := c.projectOf("serviceusage.services.enable")
	if f != nil {
		return nil, f
	}
	for _, name := range names {
		p.Services[name] = on
	}
	return &serviceusage.Operation{Name: "operations/acat.p2-" + p.Number + "-1", Done: true, Response: []byte(`{}`)}, nil
}

func getServiceOperation(c *call) (any, *failure) {
	return &serviceusage.Operation{Name: "operations/" + c.vars["operationsId"], Done: true, Response: []byte(`{}`)}, nil
}

// getEffectivePolicy of a constraint that nobody set gives Google's default: a boolean one that is off.
func getEffectivePolicy(c *call) (any, *failure) {
	p, f := c.projectOf("orgpolicy.policy.get")
	if f != nil {
		return nil, f
	}
	name := c.vars["policiesId"]
	spec := p.OrgPolicies[name]
	if spec == nil {
		spec = &orgpolicy.GoogleCloudOrgpolicyV2PolicySpec{Rules: []*orgpolicy.GoogleCloudOrgpolicyV2PolicySpecPolicyRule{{Enforce: false, ForceSendFields: []string{"Enforce"}}}}
	}
	return &orgpolicy.GoogleCloudOrgpolicyV2Policy{Name: "projects/" + p.Number + "/policies/" + name, Spec: spec}, nil
}

// listEntries has no logs.
func listEntries(*call) (any, *failure) { return &logging.ListLogEntriesResponse{}, nil }
