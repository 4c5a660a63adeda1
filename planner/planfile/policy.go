package planfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"dekey/planner"
	"dekey/scanner"
)

// ReadPolicy reads a policy file that the operator named. Everything in it counts. An error names every mistake with its
// line and column; a setting that does not exist is one.
//
//	apiVersion: dekey/v1
//	kind: Policy
//	pool: PROJECT.svc.id.goog               as the cluster gives it
//	projectNumber: "123456789012"           of the pool's project; needed by the direct model
//	model: impersonation                    or direct
//	accounts:                               whose key a Secret holds, where that cannot be read
//	  NAMESPACE/SECRET[/ENTRY]: EMAIL       also /SECRET (namespace unknown), */SECRET (any), "*" (all that is unknown)
//	namespaces:                             of manifests that name none; a file or folder of the checkout
//	  PATH: NAMESPACE
//	clusters:
//	- PROJECT/LOCATION/NAME=CONTEXT         or {project, location, name, context}
//	workloads:
//	- workload: NAMESPACE/KIND/NAME
//	  model: direct
//	  account: EMAIL                        where it cannot be read
//	  answers: {CODE: VALUE, by: WHO, reason: WHY}
//	  hold: REASON                          keep it out of the plan
//	  wave: NAME
//	  signs: true                           it signs: serviceAccountTokenCreator on itself is planned
//	  split: true
//	exclude:                                the exception register
//	- workload: NAMESPACE/KIND/NAME         each part may be *; or path: a file or folder
//	  code: CODE                            of lint, to excuse one rule only; or of guard: admission-policy, organisation-policy
//	  labels: {KEY: VALUE}                  with admission-policy: only objects that have them
//	  project: PROJECT                      with organisation-policy: a project that goes on making keys
//	  reason: WHY
//	  by: WHO
//	  expires: 2027-01-31                   the last day on which it counts
//	soak: {disable: 14, delete: 30}         days
//	limits: {fileBytes: 32MiB, levels: 1000, documents: 100000, renderTime: 10s, renderBytes: 512MiB}
//	split: false                            one account per workload where several share one
//	hostNetwork: projected-token
//	approval: {ticket: T, approver: WHO, window: WHEN}
func ReadPolicy(name string, data []byte) (planner.Policy, error) {
	root, err := parse(name, data)
	if err != nil || root == nil {
		return planner.Policy{}, err
	}
	r := &policyReader{reader: reader{name: name}}
	r.read(root)
	scrub(&r.policy)
	return r.policy, r.err()
}

// scrub takes key material out of what a policy says in words: plans and reports print it. What it names is left alone.
func scrub(p *planner.Policy) {
	scanner.Scrub(&p.Approval)
	for i := range p.Workloads {
		w := &p.Workloads[i]
		for _, words := range []*string{&w.By, &w.Reason, &w.Wave, &w.Hold} {
			scanner.Scrub(words)
		}
	}
	for i := range p.Exclude {
		scanner.Scrub(&p.Exclude[i].By)
		scanner.Scrub(&p.Exclude[i].Reason)
	}
}

// ReadCheckoutPolicy reads the dekey.yaml of a checkout that nobody named: whoever can push there must not choose who is
// granted what. Exclusions and holds count, a longer soak and a lower limit too. Every other setting is ignored and listed in
// Untrusted, for the notice policy-untrusted.
func ReadCheckoutPolicy(name string, data []byte) (planner.Policy, error) {
	whole, err := ReadPolicy(name, data)
	if err != nil {
		return planner.Policy{}, err
	}
	p := planner.Policy{Exclude: whole.Exclude}
	ignore := func(ignored bool, setting string) {
		if ignored {
			p.Untrusted = append(p.Untrusted, setting)
		}
	}
	ignore(len(whole.Accounts) > 0, "accounts")
	ignore(whole.Approval != planner.Approval{}, "approval")
	ignore(len(whole.Clusters) > 0, "clusters")
	ignore(whole.HostNetwork != "", "hostNetwork")
	ignore(whole.Model != "", "model")
	ignore(len(whole.Namespaces) > 0, "namespaces")
	ignore(whole.Pool != "", "pool")
	ignore(whole.ProjectNumber != "", "projectNumber")
	ignore(whole.Split, "split")
	for _, w := range whole.Workloads {
		if w.Hold != "" {
			p.Workloads = append(p.Workloads, planner.WorkloadRule{Workload: w.Workload, Hold: w.Hold})
		}
		at := "workloads[" + w.Workload + "]."
		ignore(w.Account != "", at+"account")
		ignore(len(w.Answers) > 0, at+"answers")
		ignore(w.Model != "", at+"model")
		ignore(w.Signs != nil, at+"signs")
		ignore(w.Split != nil, at+"split")
		ignore(w.Wave != "", at+"wave")
	}
	p.Soak = longer(whole.Soak, ignore)
	p.Limits = lower(whole.Limits, ignore)
	return p, nil
}

// DefaultLimits are the limits where a policy gives none.
var DefaultLimits = planner.Limits{FileBytes: 32 << 20, Levels: 1000, Documents: 100_000, RenderTime: 10 * time.Second, RenderBytes: 512 << 20}

// DefaultSoak is how long to wait where a policy does not say, in days.
var DefaultSoak = planner.Soak{Disable: 14, Delete: 30}

func longer(s planner.Soak, ignore func(bool, string)) planner.Soak {
	ignore(s.Disable != 0 && s.Disable < DefaultSoak.Disable, "soak.disable")
	ignore(s.Delete != 0 && s.Delete < DefaultSoak.Delete, "soak.delete")
	if s.Disable < DefaultSoak.Disable {
		s.Disable = 0
	}
	if s.Delete < DefaultSoak.Delete {
		s.Delete = 0
	}
	return s
}

func lower(l planner.Limits, ignore func(bool, string)) planner.Limits {
	take := func(value *int64, most int64, setting string) {
		if *value > most {
			ignore(true, "limits."+setting)
			*value = 0
		}
	}
	levels, documents, renderTime := int64(l.Levels), int64(l.Documents), int64(l.RenderTime)
	take(&l.FileBytes, DefaultLimits.FileBytes, "fileBytes")
	take(&levels, int64(DefaultLimits.Levels), "levels")
	take(&documents, int64(DefaultLimits.Documents), "documents")
	take(&renderTime, int64(DefaultLimits.RenderTime), "renderTime")
	take(&l.RenderBytes, DefaultLimits.RenderBytes, "renderBytes")
	l.Levels, l.Documents, l.RenderTime = int(levels), int(documents), time.Duration(renderTime)
	return l
}

type policyReader struct {
	reader
	policy planner.Policy
}

func (r *policyReader) read(root *yaml.Node) {
	p := &r.policy
	var ignored string
	r.mapping(root, "the policy", map[string]field{
		"apiVersion":    r.checked(&ignored, is("apiVersion", scanner.APIVersion)),
		"kind":          r.checked(&ignored, is("kind", "Policy")),
		"pool":          r.checked(&p.Pool, ParsePool),
		"projectNumber": r.checked(&p.ProjectNumber, ParseProjectNumber),
		"model":         r.checked(&p.Model, ParseModel),
		"accounts":      r.accounts,
		"namespaces":    r.namespaces,
		"clusters":      r.clusters,
		"workloads":     r.workloads,
		"exclude":       r.exclusions,
		"soak":          r.soak,
		"limits":        r.limits,
		"split":         r.boolean(&p.Split),
		"hostNetwork":   r.checked(&p.HostNetwork, is("hostNetwork", "projected-token")),
		"approval":      r.approval,
	})
}

func is(what, want string) func(string) (string, error) {
	return func(s string) (string, error) {
		if s != want {
			return "", fmt.Errorf("%s is %.80q, want %s", what, s, want)
		}
		return s, nil
	}
}

func keysOf(fields map[string]field) []string { return slices.Sorted(maps.Keys(fields)) }

// accounts reads a mapping, or a list in the form of the flag.
func (r *policyReader) accounts(key, value *yaml.Node) {
	add := func(n *yaml.Node, rule planner.AccountRule, err error) {
		if err != nil {
			r.fail(n, "%v", err)
			return
		}
		if r.policy.Accounts, err = AddAccount(r.policy.Accounts, rule); err != nil {
			r.fail(n, "%v", err)
		}
	}
	if value.Kind == yaml.SequenceNode {
		r.list(value, key.Value, func(item *yaml.Node) {
			rule, err := ParseAccount(item.Value)
			add(item, rule, err)
		})
		return
	}
	r.pairs(value, key.Value, func(k, v *yaml.Node) {
		rule, err := parseAccount(k.Value, v.Value)
		add(v, rule, err)
	})
}

func (r *policyReader) namespaces(key, value *yaml.Node) {
	add := func(n *yaml.Node, rule planner.NamespaceRule, err error) {
		if err != nil {
			r.fail(n, "%v", err)
			return
		}
		if r.policy.Namespaces, err = AddNamespace(r.policy.Namespaces, rule); err != nil {
			r.fail(n, "%v", err)
		}
	}
	if value.Kind == yaml.SequenceNode {
		r.list(value, key.Value, func(item *yaml.Node) {
			rule, err := ParseNamespaceOf(item.Value)
			add(item, rule, err)
		})
		return
	}
	r.pairs(value, key.Value, func(k, v *yaml.Node) {
		rule, err := parseNamespace(k.Value, v.Value)
		add(v, rule, err)
	})
}

func (r *policyReader) clusters(key, value *yaml.Node) {
	r.list(value, key.Value, func(item *yaml.Node) {
		var rule planner.ClusterRule
		var err error
		before := len(r.errs)
		if item.Kind == yaml.MappingNode {
			r.mapping(item, "a cluster", map[string]field{
				"project": r.text(&rule.Project), "location": r.text(&rule.Location), "name": r.text(&rule.Name), "context": r.text(&rule.Context),
			})
			rule, err = parseCluster(rule.Project+"/"+rule.Location+"/"+rule.Name, rule.Context)
		} else {
			rule, err = ParseCluster(item.Value)
		}
		if len(r.errs) > before {
			return
		}
		if err == nil {
			r.policy.Clusters, err = AddCluster(r.policy.Clusters, rule)
		}
		if err != nil {
			r.fail(item, "%v", err)
		}
	})
}

func (r *policyReader) soak(key, value *yaml.Node) {
	r.mapping(value, key.Value, map[string]field{
		"disable": r.count(&r.policy.Soak.Disable, 1),
		"delete":  r.count(&r.policy.Soak.Delete, 1),
	})
}

func (r *policyReader) approval(key, value *yaml.Node) {
	a := &r.policy.Approval
	r.mapping(value, key.Value, map[string]field{"ticket": r.text(&a.Ticket), "approver": r.text(&a.Approver), "window": r.text(&a.Window)})
}

func (r *policyReader) limits(key, value *yaml.Node) {
	l := &r.policy.Limits
	r.mapping(value, key.Value, map[string]field{
		"fileBytes":   r.size(&l.FileBytes),
		"levels":      r.count(&l.Levels, 1),
		"documents":   r.count(&l.Documents, 1),
		"renderTime":  r.duration(&l.RenderTime),
		"renderBytes": r.size(&l.RenderBytes),
	})
}

// size reads a number of bytes: 33554432, 32MiB, 1GiB.
func (r *policyReader) size(into *int64) field {
	return func(key, value *yaml.Node) {
		digits, unit := strings.TrimRight(value.Value, "KMGiB"), int64(1)
		switch value.Value[len(digits):] {
		case "", "B":
		case "KiB":
			unit = 1 << 10
		case "MiB":
			unit = 1 << 20
		case "GiB":
			unit = 1 << 30
		default:
			unit = 0
		}
		n, err := strconv.ParseInt(digits, 10, 32)
		if value.Kind != yaml.ScalarNode || err != nil && unit != 1 || n < 0 || unit == 0 {
			r.fail(value, "%s must be a size: 33554432, 512KiB, 32MiB, 1GiB", key.Value)
			return
		}
		if err != nil {
			if n, err = strconv.ParseInt(digits, 10, 64); err != nil {
				r.fail(value, "%s must be a size: 33554432, 512KiB, 32MiB, 1GiB", key.Value)
				return
			}
		}
		if n < 1 {
			r.fail(value, "%s must be more than nothing", key.Value)
			return
		}
		*into = n * unit
	}
}

func (r *policyReader) duration(into *time.Duration) field {
	return func(key, value *yaml.Node) {
		d, err := time.ParseDuration(value.Value)
		if value.Kind != yaml.ScalarNode || err != nil || d <= 0 {
			r.fail(value, "%s must be a duration: 10s, 1m30s", key.Value)
			return
		}
		*into = d
	}
}

func (r *policyReader) workloads(key, value *yaml.Node) {
	seen := make(map[string]bool)
	r.list(value, key.Value, func(item *yaml.Node) {
		var w planner.WorkloadRule
		r.mapping(item, "a workload", map[string]field{
			"workload": r.text(&w.Workload),
			"model":    r.checked(&w.Model, ParseModel),
			"account":  r.checked(&w.Account, parseEmail),
			"answers":  r.answers(&w),
			"by":       r.text(&w.By),
			"reason":   r.text(&w.Reason),
			"hold":     r.text(&w.Hold),
			"wave":     r.text(&w.Wave),
			"signs":    r.optional(&w.Signs),
			"split":    r.optional(&w.Split),
		})
		switch n := strings.Count(w.Workload, "/"); {
		case w.Workload == "":
			r.fail(item, "a workload needs its name: workload: NAMESPACE/KIND/NAME")
		case n < 1 || n > 2 || strings.Contains(w.Workload, "*"):
			r.fail(item, "workload %.200q: want NAMESPACE/KIND/NAME", w.Workload)
		case seen[w.Workload]:
			r.fail(item, "workload %.200q is given twice", w.Workload)
		}
		seen[w.Workload] = true
		r.policy.Workloads = append(r.policy.Workloads, w)
	})
}

func parseEmail(s string) (string, error) {
	email := strings.ToLower(strings.TrimSpace(s))
	if !planner.ValidEmail(email) {
		return "", fmt.Errorf("%.200q is not the e-mail of a Google service account", s)
	}
	return email, nil
}

// answers reads CODE: VALUE, and by and reason among them.
func (r *policyReader) answers(w *planner.WorkloadRule) field {
	return func(key, value *yaml.Node) {
		w.Answers = make(map[string]string)
		r.pairs(value, key.Value, func(k, v *yaml.Node) {
			switch k.Value {
			case "by":
				r.text(&w.By)(k, v)
				return
			case "reason":
				r.text(&w.Reason)(k, v)
				return
			}
			values, takes := planner.Answers[k.Value]
			switch {
			case !takes:
				r.fail(k, "%.80q takes no answer; these do: %s", k.Value, strings.Join(slices.Sorted(maps.Keys(planner.Answers)), ", "))
			case v.Kind != yaml.ScalarNode || values[v.Value] == "":
				r.fail(v, "%s is answered by %s", k.Value, strings.Join(slices.Sorted(maps.Keys(values)), ", "))
			default:
				w.Answers[k.Value] = v.Value
			}
		})
	}
}

func (r *policyReader) exclusions(key, value *yaml.Node) {
	r.list(value, key.Value, func(item *yaml.Node) {
		var e planner.Exclusion
		before := len(r.errs)
		r.mapping(item, "an exclusion", map[string]field{
			"workload": r.text(&e.Workload),
			"path":     r.checked(&e.Path, relative),
			"code":     r.text(&e.Code),
			"labels":   r.labels(&e.Labels),
			"project":  r.checked(&e.Project, parseProject),
			"reason":   r.text(&e.Reason),
			"by":       r.text(&e.By),
			"expires":  r.date(&e.Expires),
		})
		if len(r.errs) > before {
			return
		}
		switch n := strings.Count(e.Workload, "/"); {
		case e.Workload == "" && e.Path == "" && e.Project == "":
			r.fail(item, "an exclusion needs a workload or a path, or a project with code: %s", planner.GuardOrganisation)
		case e.Project != "" && (e.Code != planner.GuardOrganisation || e.Workload != "" || e.Path != ""):
			r.fail(item, "project needs code: %s, and neither workload nor path", planner.GuardOrganisation)
		case len(e.Labels) > 0 && (e.Code != planner.GuardAdmission || e.Workload == ""):
			r.fail(item, "labels need a workload and code: %s", planner.GuardAdmission)
		case e.Workload != "" && (n < 1 || n > 2):
			r.fail(item, "workload %.200q: want NAMESPACE/KIND/NAME, of which each may be *", e.Workload)
		case e.Reason == "":
			r.fail(item, "an exclusion needs a reason")
		case e.Expires.IsZero():
			r.fail(item, "an exclusion needs a last day: expires: YYYY-MM-DD")
		}
		r.policy.Exclude = append(r.policy.Exclude, e)
	})
}

func parseProject(s string) (string, error) {
	if !planner.ValidProject(s) {
		return "", fmt.Errorf("%.200q is not the id of a project", s)
	}
	return s, nil
}

// labels reads a mapping of label keys to values.
func (r *policyReader) labels(into *map[string]string) field {
	return func(key, value *yaml.Node) {
		found := make(map[string]string)
		r.pairs(value, key.Value, func(k, v *yaml.Node) {
			if v.Kind != yaml.ScalarNode || !planner.ValidLabel(k.Value, v.Value) {
				r.fail(k, "%.200q: %.200q is no label that Kubernetes would accept", k.Value, v.Value)
				return
			}
			found[k.Value] = v.Value
		})
		*into = found
	}
}

func (r *policyReader) date(into *time.Time) field {
	return func(key, value *yaml.Node) {
		day, err := time.Parse(time.DateOnly, value.Value)
		if value.Kind != yaml.ScalarNode || err != nil {
			r.fail(value, "%s must be a date: YYYY-MM-DD", key.Value)
			return
		}
		*into = day
	}
}

// Overlay lays what the flags of the command line say over a policy that was read from a file: a flag wins.
func Overlay(file, flags planner.Policy) planner.Policy {
	p := file
	p.Now = flags.Now
	p.Pool = cmp.Or(flags.Pool, file.Pool)
	p.ProjectNumber = cmp.Or(flags.ProjectNumber, file.ProjectNumber)
	p.Model = cmp.Or(flags.Model, file.Model)
	p.HostNetwork = cmp.Or(flags.HostNetwork, file.HostNetwork)
	p.Split = file.Split || flags.Split
	p.Accounts = slices.Concat(file.Accounts, flags.Accounts)
	p.Namespaces = slices.Concat(file.Namespaces, flags.Namespaces)
	p.Clusters = slices.Concat(file.Clusters, flags.Clusters)
	p.Workloads = slices.Concat(file.Workloads, flags.Workloads)
	p.Exclude = slices.Concat(file.Exclude, flags.Exclude)
	p.Soak = planner.Soak{Disable: cmp.Or(flags.Soak.Disable, file.Soak.Disable), Delete: cmp.Or(flags.Soak.Delete, file.Soak.Delete)}
	p.Limits = planner.Limits{
		FileBytes: cmp.Or(flags.Limits.FileBytes, file.Limits.FileBytes, DefaultLimits.FileBytes),
		Levels:    cmp.Or(flags.Limits.Levels, file.Limits.Levels, DefaultLimits.Levels),
		Documents: cmp.Or(flags.Limits.Documents, file.Limits.Documents, DefaultLimits.Documents),

		RenderTime:  cmp.Or(flags.Limits.RenderTime, file.Limits.RenderTime, DefaultLimits.RenderTime),
		RenderBytes: cmp.Or(flags.Limits.RenderBytes, file.Limits.RenderBytes, DefaultLimits.RenderBytes),
	}
	p.Approval = planner.Approval{
		Ticket: cmp.Or(flags.Approval.Ticket, file.Approval.Ticket), Approver: cmp.Or(flags.Approval.Approver, file.Approval.Approver),
		Window: cmp.Or(flags.Approval.Window, file.Approval.Window),
	}
	return p
}
