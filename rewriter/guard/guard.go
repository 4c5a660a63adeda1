package guard

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dekey/planner"
)

// A Mode is what an admission policy does about what it sees.
type Mode string

// The modes. Each also writes an annotation into the API server's audit log.
const (
	Audit Mode = "audit" // nothing else
	Warn  Mode = "warn"  // the client is told, and the request goes through
	Deny  Mode = "deny"  // the request is refused
)

// Modes are all of them, the mildest first.
var Modes = []Mode{Audit, Warn, Deny}

// actions are the mode as a binding has it.
func (m Mode) actions() []string {
	switch m {
	case Deny:
		return []string{"Deny", "Audit"}
	case Warn:
		return []string{"Warn", "Audit"}
	}
	return []string{"Audit"}
}

// Options are what New is told beside the policy file.
type Options struct {
	Mode Mode // "" is Warn
	// Organization is the organisation's number, "" where it is not known: then the files hold a placeholder.
	Organization string
	// On are the resources that the organisation policies are set on: organizations/NUMBER, folders/NUMBER, projects/ID.
	// None is the organisation.
	On []string
}

// placeholder stands in the files for an organisation whose number is not known.
const placeholder = "ORGANIZATION_NUMBER"

// A Guard is everything that the files say.
type Guard struct {
	mode         Mode
	organization string
	on           []string
	exceptions   []exception
	// Notices are sentences for people: exceptions that are over or that no policy can express, and what is missing.
	Notices []string
}

// An exception is an entry of the register, in force.
type exception struct {
	namespace, kind, object string // "" is any
	labels                  map[string]string
	project                 string
	what, until, why        string
}

// New makes a guard of the register in the policy file, as of policy.Now. An error is a mistake in the options or the file.
func New(policy planner.Policy, o Options) (*Guard, error) {
	g := &Guard{mode: cmp.Or(o.Mode, Warn), organization: cmp.Or(o.Organization, placeholder)}
	if !slices.Contains(Modes, g.mode) {
		return nil, fmt.Errorf("mode %.80q: it is one of audit, warn, deny", g.mode)
	}
	if o.Organization != "" && !planner.ValidProjectNumber(o.Organization) {
		return nil, fmt.Errorf("organization %.80q: want its number, as gcloud organizations list gives it", o.Organization)
	}
	for _, on := range o.On {
		if err := validResource(on); err != nil {
			return nil, err
		}
		if number, ok := strings.CutPrefix(on, "organizations/"); ok && g.organization == placeholder {
			g.organization = number
		}
	}
	g.on = slices.Compact(slices.Sorted(slices.Values(o.On)))
	if len(g.on) == 0 {
		g.on = []string{"organizations/" + g.organization}
	}
	for _, e := range policy.Exclude {
		if err := g.except(e, policy); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(g.exceptions, func(a, b exception) int {
		return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.until, b.until), cmp.Compare(a.why, b.why))
	})
	if g.needsOrganization() {
		g.notice("the organisation's number is not known: the files say %s; give --organization NUMBER", placeholder)
	}
	slices.Sort(g.Notices)
	g.Notices = slices.Compact(g.Notices)
	return g, nil
}

func (g *Guard) notice(format string, args ...any) {
	g.Notices = append(g.Notices, fmt.Sprintf(format, args...))
}

// needsOrganization says whether a file of the guard has the placeholder.
func (g *Guard) needsOrganization() bool {
	return g.organization == placeholder && (len(g.projects()) > 0 || slices.Contains(g.on, "organizations/"+placeholder))
}

func validResource(on string) error {
	kind, id, _ := strings.Cut(on, "/")
	switch {
	case (kind == "organizations" || kind == "folders") && planner.ValidProjectNumber(id):
		return nil
	case kind == "projects" && planner.ValidProject(id):
		return nil
	}
	return fmt.Errorf("%.200q: want organizations/NUMBER, folders/NUMBER or projects/ID", on)
}

// except takes an entry of the register.
func (g *Guard) except(e planner.Exclusion, policy planner.Policy) error {
	if e.Code != "" && e.Code != planner.GuardAdmission && e.Code != planner.GuardOrganisation {
		return nil // of lint
	}
	until := "no day"
	if !e.Expires.IsZero() {
		until = e.Expires.Format("2006-01-02")
	}
	why := visible(e.Reason)
	if e.By != "" {
		why += " (" + visible(e.By) + ")"
	}
	x := exception{labels: e.Labels, project: e.Project, until: until, why: why}
	switch {
	case e.Project != "":
		if !planner.ValidProject(e.Project) {
			return fmt.Errorf("the exception for project %.200q: it is not the id of a project", e.Project)
		}
		x.what = "project " + e.Project
	case e.Path != "" && e.Workload == "":
		if e.Code == "" {
			g.notice("the exception for the path %s is of the checkout: a cluster knows no paths, and it is in no policy", visible(e.Path))
			return nil
		}
		return fmt.Errorf("the exception for the path %.200q has the code %s: a cluster knows no paths; name the workload", e.Path, e.Code)
	case e.Code == planner.GuardOrganisation:
		return fmt.Errorf("the exception for %.200q has the code %s: name the project instead (project: ID)", e.Workload, e.Code)
	default:
		parts := strings.Split(e.Workload, "/")
		if len(parts) == 2 {
			g.notice("the exception for %s names no namespace: it is in no policy", visible(e.Workload))
			return nil
		}
		if err := x.name(parts); err != nil {
			return fmt.Errorf("the exception for %.200q: %w", e.Workload, err)
		}
		x.what = e.Workload
		for _, key := range slices.Sorted(maps.Keys(x.labels)) {
			if !planner.ValidLabel(key, x.labels[key]) {
				return fmt.Errorf("the exception for %.200q: %.200q: %.200q is no label that Kubernetes would accept", e.Workload, key, x.labels[key])
			}
			x.what += " " + key + "=" + x.labels[key]
		}
	}
	if e.Expired(policy.Now) {
		g.notice("the exception for %s was over on %s: it is in no policy", x.what, until)
		return nil
	}
	g.exceptions = append(g.exceptions, x)
	return nil
}

// name reads NAMESPACE/KIND/NAME.
func (x *exception) name(parts []string) error {
	if len(parts) != 3 {
		return errors.New("want NAMESPACE/KIND/NAME, of which each may be *")
	}
	for i, one := range []struct {
		into  *string
		valid func(string) bool
		what  string
	}{
		{&x.namespace, planner.ValidNamespace, "namespace"}, {&x.kind, planner.ValidKind, "kind"}, {&x.object, planner.ValidName, "name"},
	} {
		if parts[i] == "*" {
			continue
		}
		if !one.valid(parts[i]) {
			return fmt.Errorf("%.200q is no %s that Kubernetes would accept", parts[i], one.what)
		}
		*one.into = parts[i]
	}
	if x.namespace == "" && x.kind == "" && x.object == "" && len(x.labels) == 0 {
		return errors.New("it would switch the whole policy off; use --mode audit for that")
	}
	return nil
}

// projects are the projects that go on making keys.
func (g *Guard) projects() []exception {
	return slices.DeleteFunc(slices.Clone(g.exceptions), func(x exception) bool { return x.project == "" })
}

// Files gives the files by path.
func (g *Guard) Files() map[string][]byte {
	files := map[string][]byte{
		"README.md":                        []byte(g.readme()),
		"admission/key-secrets.yaml":       []byte(g.secrets()),
		"admission/key-wiring.yaml":        []byte(g.wiring()),
		"organisation-policy/set.sh":       []byte(g.script()),
		"terraform/organisation-policy.tf": g.terraform(),
	}
	for _, on := range g.on {
		for _, c := range constraints {
			files[policyFile(on, c)] = []byte(g.policyYAML(on, c))
		}
	}
	return files
}

// Admission are the admission policies as one stream of YAML documents.
func (g *Guard) Admission() []byte { return []byte(g.secrets() + "---\n" + g.wiring()) }

// Script is the script that sets the organisation policies.
func (g *Guard) Script() []byte { return []byte(g.script()) }

// Terraform is the organisation policies as HCL.
func (g *Guard) Terraform() []byte { return g.terraform() }

// Readme says in Markdown what the policies do, what they break, and how to switch them off.
func (g *Guard) Readme() []byte { return []byte(g.readme()) }

// visible makes control, bidirectional and line-breaking characters of the register visible: it stands in comments.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f,
			r == 0xfeff, r == 0x061c, r == 0xfffd:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
