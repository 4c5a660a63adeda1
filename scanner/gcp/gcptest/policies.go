package gcptest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/api/iam/v1"
)

func getAccountPolicy(c *call) (any, *failure) {
	a, f := c.account()
	if f != nil {
		return nil, f
	}
	return c.shown(a.Policy, c.query.Get("options.requestedPolicyVersion"))
}

func setAccountPolicy(c *call) (any, *failure) {
	a, f := c.account()
	if f != nil {
		return nil, f
	}
	return c.set(&a.Policy)
}

func (c *call) policyProject(permission string) (*Project, *failure) {
	name := c.vars["resource"] + c.vars["projectsId"]
	if p := c.state.project(name); p != nil {
		return p, nil
	}
	return nil, denied(permission)
}

func getProjectPolicy(c *call) (any, *failure) {
	p, f := c.policyProject("resourcemanager.projects.getIamPolicy")
	if f != nil {
		return nil, f
	}
	var request struct {
		Options struct {
			RequestedPolicyVersion int `json:"requestedPolicyVersion"`
		} `json:"options"`
	}
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	return c.shown(p.Policy, strconv.Itoa(request.Options.RequestedPolicyVersion))
}

func setProjectPolicy(c *call) (any, *failure) {
	p, f := c.policyProject("resourcemanager.projects.setIamPolicy")
	if f != nil {
		return nil, f
	}
	return c.set(&p.Policy)
}

// shown is a policy as a caller sees it who asked for a version. Below 3 conditional bindings come without their condition,
// under a role that says so.
// https://cloud.google.com/iam/docs/policies#versions
func (c *call) shown(p *iam.Policy, version string) (any, *failure) {
	answer := &iam.Policy{Etag: p.Etag, AuditConfigs: p.AuditConfigs}
	if len(p.Bindings) > 0 {
		answer.Version = 1
	}
	for _, b := range p.Bindings {
		shown := &iam.Binding{Role: b.Role, Members: slices.Clone(b.Members), Condition: b.Condition}
		if b.Condition != nil && version != "3" {
			sum := sha256.Sum256([]byte(b.Condition.Expression + b.Condition.Title))
			shown.Role, shown.Condition = b.Role+"_withcond_"+hex.EncodeToString(sum[:10]), nil
		} else if b.Condition != nil {
			answer.Version = 3
		}
		answer.Bindings = append(answer.Bindings, shown)
	}
	return answer, nil
}

var (
	roleName   = regexp.MustCompile(`^(roles/[A-Za-z0-9.]+|(projects|organizations)/[^/]+/roles/[A-Za-z0-9._]+)$`)
	legacyForm = regexp.MustCompile(`^([^\[\]/\s]+)\[([^\[\]/\s]+)/([^\[\]/\s]+)\]$`)
	poolForm   = regexp.MustCompile(`^//iam\.googleapis\.com/projects/([0-9]+)/locations/global/workloadIdentityPools/([^/]+)/(.+)$`)
)

// set replaces a policy as setIamPolicy does: under its etag, checked, and joined.
// https://cloud.google.com/iam/docs/reference/rest/v1/Policy
func (c *call) set(at **iam.Policy) (any, *failure) {
	var request iam.SetIamPolicyRequest
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	p := request.Policy
	if p == nil {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "no policy")
	}
	if p.Etag != "" && p.Etag != (*at).Etag {
		return nil, failf(http.StatusConflict, "ABORTED", "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.")
	}
	joined := &iam.Policy{AuditConfigs: p.AuditConfigs}
	principals := 0
	for _, b := range p.Bindings {
		if !roleName.MatchString(b.Role) {
			return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "Role %s is not supported for this resource.", b.Role)
		}
		if b.Condition != nil && p.Version < 3 {
			return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "a policy with conditions has version 3")
		}
		for _, m := range b.Members {
			if f := c.state.member(m); f != nil {
				return nil, f
			}
		}
		principals += len(b.Members)
		join(joined, b)
	}
	if principals > 1500 {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "The number of members in the policy (%d) is larger than the maximum allowed size 1,500.", principals)
	}
	joined.Etag = c.state.etag()
	*at = joined
	return c.shown(joined, "3")
}

// join adds a binding: one role with one condition stands once, and its members once each.
func join(p *iam.Policy, b *iam.Binding) {
	for _, have := range p.Bindings {
		if have.Role == b.Role && same(have.Condition, b.Condition) {
			for _, m := range b.Members {
				if !slices.Contains(have.Members, m) {
					have.Members = append(have.Members, m)
				}
			}
			return
		}
	}
	if len(b.Members) > 0 {
		p.Bindings = append(p.Bindings, &iam.Binding{Role: b.Role, Members: slices.Clone(b.Members), Condition: b.Condition})
	}
}

func same(a, b *iam.Expr) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Expression == b.Expression && a.Title == b.Title && a.Description == b.Description
}

// member holds a member of a policy to what IAM takes: accounts and pools have to exist, namespaces and names in a pool
// do not.
// https://cloud.google.com/iam/docs/principal-identifiers
func (s *State) member(m string) *failure {
	if m == "allUsers" || m == "allAuthenticatedUsers" || strings.HasPrefix(m, "deleted:") {
		return nil
	}
	kind, name, found := strings.Cut(m, ":")
	unknown := failf(http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid member %q.", m)
	switch {
	case !found || name == "" || strings.TrimSpace(name) != name:
		return unknown
	case kind == "user" || kind == "group" || kind == "domain":
		return nil
	case kind == "serviceAccount" && strings.Contains(name, "["):
		parts := legacyForm.FindStringSubmatch(name)
		if parts == nil {
			return unknown
		}
		return s.pool(parts[1], "")
	case kind == "serviceAccount":
		if s.FindAccount(name) == nil && !strings.HasSuffix(name, "@developer.gserviceaccount.com") {
			return failf(http.StatusBadRequest, "INVALID_ARGUMENT", "Service account %s does not exist.", name)
		}
		return nil
	case kind == "principal" || kind == "principalSet":
		parts := poolForm.FindStringSubmatch(name)
		if parts == nil {
			return unknown
		}
		subject := strings.HasPrefix(parts[3], "subject/ns/") || strings.HasPrefix(parts[3], "kubernetes.serviceaccount.uid/")
		set := strings.HasPrefix(parts[3], "namespace/") || strings.HasPrefix(parts[3], "kubernetes.cluster/")
		if kind == "principal" && !subject || kind == "principalSet" && !set {
			return unknown
		}
		return s.pool(parts[2], parts[1])
	}
	return unknown
}

func (s *State) pool(name, number string) *failure {
	if have, found := s.Pools[name]; found && (number == "" || number == have) {
		return nil
	}
	return failf(http.StatusBadRequest, "INVALID_ARGUMENT", "Identity Pool does not exist (%s). Please check that you specified a valid resource name as returned in the `name` attribute in the configuration API.", name)
}

// testPermissions grants whatever is asked: what is missing a test takes away with a Fault.
func testPermissions(c *call) (any, *failure) {
	var request iam.TestIamPermissionsRequest
	if json.Unmarshal(c.body, &request) != nil {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "the body can not be decoded")
	}
	return &iam.TestIamPermissionsResponse{Permissions: request.Permissions}, nil
}
