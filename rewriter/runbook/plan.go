package runbook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/object"
)

// job is a plan as the scripts need it.
type job struct {
	plan     planner.Plan
	keys     map[string]scanner.Key
	clusters []target
}

// A target is a cluster that kubectl reaches by a context. Name is "" where the plan does not say which GKE cluster it is.
type target struct {
	planner.ClusterRef
}

func newJob(plan planner.Plan) (*job, error) {
	j := &job{plan: plan, keys: map[string]scanner.Key{}}
	for _, key := range plan.Keys {
		j.keys[key.ID] = key
	}
	for _, c := range plan.Clusters {
		named := c.Project != "" && c.Location != "" && c.Name != ""
		if !named {
			c.Project, c.Location, c.Name = "", "", ""
		}
		if c.Context == "" && named {
			// The name that `gcloud container clusters get-credentials` gives. The scripts check what it reaches.
			c.Context = "gke_" + c.Project + "_" + c.Location + "_" + c.Name
		}
		if c.Context != "" {
			j.clusters = append(j.clusters, target{c})
		}
	}
	if err := j.check(); err != nil {
		return nil, err
	}
	return j, nil
}

// check refuses what no script may hold. The planner holds such names; a plan is also a file that people can edit.
func (j *job) check() error {
	if err := plain("plan id", j.plan.ID); err != nil {
		return err
	}
	for _, c := range j.clusters {
		for _, word := range []string{c.Project, c.Location, c.Name, c.Pool, c.Server, c.ProjectNumber} {
			if err := plain("cluster "+c.ID, word); err != nil {
				return err
			}
		}
		if c.Context != visible(c.Context) {
			return fmt.Errorf("context %q: control characters", c.Context)
		}
	}
	for _, move := range j.plan.Moves {
		if err := checkMove(move); err != nil {
			return fmt.Errorf("move of %q: %w", move.Workload.String(), err)
		}
	}
	for _, account := range j.plan.Accounts {
		if !planner.ValidEmail(account.Email) || !planner.ValidProject(account.Project) {
			return fmt.Errorf("new account %q in project %q: not names that Google accepts", account.Email, account.Project)
		}
		for _, grant := range account.Grants {
			if err := checkGrant(grant); err != nil {
				return fmt.Errorf("new account %q: %w", account.Email, err)
			}
		}
	}
	return nil
}

// Refuses says why no script may hold a move: a name in it is none that Kubernetes or Google accepts.
func Refuses(m planner.Move) error { return checkMove(m) }

// named is the name of an object of any kind: custom resources and what is no object at all have wider rules.
var named = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._:]*$`)

func checkMove(m planner.Move) error {
	switch {
	case m.Workload.Namespace != "" && !planner.ValidNamespace(m.Workload.Namespace): // a cluster-scoped resource has none
		return fmt.Errorf("namespace %q: not a name that Kubernetes accepts", m.Workload.Namespace)
	case !planner.ValidNamespace(m.ServiceAccount.Namespace):
		return fmt.Errorf("the service account's namespace %q: not a name that Kubernetes accepts", m.ServiceAccount.Namespace)
	case !named.MatchString(m.Workload.Name) || len(m.Workload.Name) > 253:
		return fmt.Errorf("name %q: not a name that Kubernetes accepts", m.Workload.Name)
	case !planner.ValidName(m.ServiceAccount.Name):
		return fmt.Errorf("service account %q: not a name that Kubernetes accepts", m.ServiceAccount.Name)
	case m.Account != "" && !planner.ValidEmail(m.Account):
		return fmt.Errorf("account %q: not an e-mail that Google accepts", m.Account)
	case m.Before != "" && !planner.ValidName(m.Before):
		return fmt.Errorf("service account %q: not a name that Kubernetes accepts", m.Before)
	}
	for _, word := range []string{m.Workload.APIVersion, m.Workload.Kind} {
		if err := plain("kind", word); err != nil {
			return err
		}
	}
	for _, grant := range m.Grants {
		if err := checkGrant(grant); err != nil {
			return err
		}
	}
	return nil
}

func checkGrant(g planner.Grant) error {
	for _, word := range []string{g.Resource, g.Role, g.Member, g.Project} {
		if err := plain("grant", word); err != nil {
			return err
		}
	}
	for _, text := range []string{g.Condition, g.Title} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("condition %q: control characters", text)
		}
	}
	return nil
}

// plain refuses words with blanks, controls or anything that is not ASCII.
func plain(what, word string) error {
	for _, r := range word {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("%s %q: characters that no name has", what, word)
		}
	}
	return nil
}

// clustersOf are the clusters where a move's workload may run: its own, or all that have its pool.
func (j *job) clustersOf(m planner.Move) []target {
	var found []target
	pool := memberPool(m)
	for _, c := range j.clusters {
		anywhere := m.Cluster == "" && len(m.Clusters) == 0
		if m.Cluster == c.ID || slices.Contains(m.Clusters, c.ID) || anywhere && (pool == "" || c.Pool == "" || c.Pool == pool) {
			found = append(found, c)
		}
	}
	return found
}

// memberPool is the workload identity pool that a move's grants name.
func memberPool(m planner.Move) string {
	for _, grant := range m.Grants {
		if p, ok := planner.ParsePrincipal(grant.Member); ok {
			return p.Pool
		}
	}
	return ""
}

// id names a thing in evidence: the first 12 digits of the SHA-256 of its parts.
func id(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:12]
}

// moveID names a move in evidence. Its workload and service account are its identity, so that a plan made again gives
// the same names.
func moveID(m planner.Move) string {
	return id(m.Cluster, m.Workload.String(), m.ServiceAccount.Namespace, m.ServiceAccount.Name, m.Account)
}

// ownerKeys are the keys whose possession must be proven before a move's grants: those that named its account.
func (j *job) ownerKeys(m planner.Move) []scanner.Key {
	var found []scanner.Key
	ids := m.Prove
	if len(ids) == 0 {
		ids = m.Keys
	}
	for _, keyID := range ids {
		key, ok := j.keys[keyID]
		if ok && key.Type == scanner.TypeServiceAccount && strings.EqualFold(key.Email, m.Account) {
			found = append(found, key)
		}
	}
	slices.SortFunc(found, func(a, b scanner.Key) int { return cmp.Compare(a.ID, b.ID) })
	return found
}

// builtin are the resource names of kinds whose old API versions may stand in a checkout.
var builtin = map[string]string{
	"Deployment": "deployments.apps", "StatefulSet": "statefulsets.apps", "DaemonSet": "daemonsets.apps",
	"ReplicaSet": "replicasets.apps", "Job": "jobs.batch", "CronJob": "cronjobs.batch",
	"Pod": "pods", "ReplicationController": "replicationcontrollers", "ServiceAccount": "serviceaccounts",
	"PodTemplate": "podtemplates",
}

// Resource is the name that kubectl takes for a kind: deployments.apps.
func Resource(ref scanner.Ref) string {
	if name, ok := builtin[ref.Kind]; ok {
		switch ref.Group() {
		case "", "apps", "batch", "extensions":
			return name
		}
	}
	if group := ref.Group(); group != "" {
		return ref.Kind + "." + group
	}
	return strings.ToLower(ref.Kind)
}

// podSpec is the path of a workload's pod spec, as its edits show it, or nil.
func podSpec(m planner.Move) scanner.Path {
	for _, edit := range m.Edits {
		if edit.Object.Compare(m.Workload) != 0 {
			continue
		}
		for i, step := range edit.Field {
			switch step.Key {
			case "containers", "initContainers", "ephemeralContainers", "volumes", "serviceAccountName", "serviceAccount":
				return edit.Field[:i]
			}
		}
	}
	switch m.Workload.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "ReplicationController":
		return object.Keys("spec", "template", "spec")
	case "CronJob":
		return object.Keys("spec", "jobTemplate", "spec", "template", "spec")
	case "Pod":
		return object.Keys("spec")
	}
	return nil
}

// jsonPath writes a path for kubectl's jsonpath, without the braces. False: it can not say it.
func jsonPath(path scanner.Path) (string, bool) {
	var b strings.Builder
	for _, step := range path {
		switch {
		case step.Key != "":
			if strings.ContainsAny(step.Key, `'"\{}[]`) || plain("", step.Key) != nil {
				return "", false
			}
			b.WriteString("." + strings.ReplaceAll(step.Key, ".", `\.`))
		case step.By != "":
			if strings.ContainsAny(step.Value, `"\`) || strings.ContainsFunc(step.Value, unicode.IsControl) || plain("", step.By) != nil {
				return "", false
			}
			fmt.Fprintf(&b, `[?(@.%s=="%s")]`, step.By, step.Value)
		default:
			fmt.Fprintf(&b, "[%d]", step.Index)
		}
	}
	return b.String(), true
}
