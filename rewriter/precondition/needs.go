package precondition

import (
	"cmp"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/runbook"
)

// Needs are what has to be read for a step, each once and sorted.
type Needs struct {
	Contexts []string
	Lists    []List
	Clusters []planner.ClusterRef
	APIs     []API
	Accounts []Account
	Policies []planner.Grant // Resource, Role, Member and Project are set
}

// An Account is a Google service account whose keys have to be read.
type Account struct {
	Email, Project string
	Digests        bool              // the public keys have to be read
	Use            []runbook.Retiree // keys whose last use has to be read
}

// credentialsAPI makes tokens for pods that impersonate.
// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
const credentialsAPI = "iamcredentials.googleapis.com"

// NeedsOf says what has to be read for a step. The error is that of runbook.Files.
func NeedsOf(plan planner.Plan, step string) (Needs, error) {
	q, err := runbook.Ask(plan)
	if err != nil {
		return Needs{}, err
	}
	n := &Needs{}
	switch step {
	case Grant:
		n.clusters(q)
		n.grant(q)
	case Merge:
		n.policies(q)
	case Verify:
		n.clusters(q)
		n.verify(q)
		n.policies(q)
	case Disable, Delete:
		if slices.ContainsFunc(q.Retirees, func(r runbook.Retiree) bool { return r.Left == "" }) {
			n.clusters(q)
		}
		for _, r := range q.Retirees {
			if r.Left == "" {
				a := n.account(r.Email, r.Project)
				if step == Disable {
					a.Digests, a.Use = true, append(a.Use, r)
				}
			}
		}
	}
	n.sort()
	return *n, nil
}

func (n *Needs) clusters(q runbook.Questions) {
	for _, c := range q.Clusters {
		n.Contexts = append(n.Contexts, c.Context)
		if c.Name != "" {
			n.Clusters = append(n.Clusters, c)
		}
	}
}

func (n *Needs) grant(q runbook.Questions) {
	for i, c := range q.Clusters {
		if c.Name != "" && impersonates(q, i) {
			n.APIs = append(n.APIs, API{c.Project, credentialsAPI})
		}
	}
	for _, m := range q.Moves {
		for _, i := range m.On {
			c := q.Clusters[i]
			if c.Name != "" && m.Scheduled != nil {
				n.Lists = append(n.Lists, workloadList(c.Context, m))
			}
			if m.ServiceAccount.Create {
				n.Lists = append(n.Lists, accountList(c.Context, m.ServiceAccount.Namespace, m.ServiceAccount.Name),
					accountList(c.Context, m.ServiceAccount.Namespace, oldName(m)), bindingList(c.Context, "RoleBinding"), bindingList(c.Context, "ClusterRoleBinding"))
			}
		}
	}
	for _, key := range q.Keys {
		n.account(key.Email, key.Project).Digests = true
	}
	n.policies(q)
}

func (n *Needs) verify(q runbook.Questions) {
	for _, m := range q.Moves {
		for _, i := range m.On {
			context := q.Clusters[i].Context
			n.Lists = append(n.Lists, accountList(context, m.ServiceAccount.Namespace, m.ServiceAccount.Name))
			if m.PodSpec != nil || len(m.Fields) > 0 {
				n.Lists = append(n.Lists, workloadList(context, m))
			}
			if m.PodSpec != nil {
				n.Lists = append(n.Lists, podList(context, m.Workload.Namespace), nodeList(context))
				if kindOf(m) == "cronjobs.batch" {
					n.Lists = append(n.Lists, jobList(context, m.Workload.Namespace))
				}
			}
		}
	}
}

func (n *Needs) policies(q runbook.Questions) {
	for _, g := range q.Grants {
		n.Policies = append(n.Policies, planner.Grant{Resource: g.Resource, Project: g.Project})
	}
}

func (n *Needs) account(email, project string) *Account {
	i := slices.IndexFunc(n.Accounts, func(a Account) bool { return a.Email == email })
	if i < 0 {
		i = len(n.Accounts)
		n.Accounts = append(n.Accounts, Account{Email: email, Project: project})
	}
	return &n.Accounts[i]
}

func (n *Needs) sort() {
	slices.Sort(n.Contexts)
	n.Contexts = slices.Compact(n.Contexts)
	slices.SortFunc(n.Lists, func(a, b List) int {
		return cmp.Or(strings.Compare(a.Context, b.Context), strings.Compare(a.Kind, b.Kind), strings.Compare(a.APIVersion, b.APIVersion),
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	n.Lists = slices.Compact(n.Lists)
	slices.SortFunc(n.Clusters, func(a, b planner.ClusterRef) int { return strings.Compare(clusterName(a), clusterName(b)) })
	n.Clusters = slices.CompactFunc(n.Clusters, func(a, b planner.ClusterRef) bool { return clusterName(a) == clusterName(b) })
	slices.SortFunc(n.APIs, func(a, b API) int {
		return cmp.Or(strings.Compare(a.Project, b.Project), strings.Compare(a.Name, b.Name))
	})
	n.APIs = slices.Compact(n.APIs)
	slices.SortFunc(n.Accounts, func(a, b Account) int { return strings.Compare(a.Email, b.Email) })
	slices.SortFunc(n.Policies, func(a, b planner.Grant) int { return strings.Compare(a.Resource, b.Resource) })
	n.Policies = slices.CompactFunc(n.Policies, func(a, b planner.Grant) bool { return a.Resource == b.Resource })
}

func clusterName(c planner.ClusterRef) string { return c.Project + "/" + c.Location + "/" + c.Name }

func impersonates(q runbook.Questions, cluster int) bool {
	return slices.ContainsFunc(q.Moves, func(m runbook.MoveQuestions) bool {
		return m.Model == planner.Impersonation && slices.Contains(m.On, cluster)
	})
}

func oldName(m runbook.MoveQuestions) string { return cmp.Or(m.Before, "default") }

// kindOf is the resource of a move's workload, as kubectl names it.
func kindOf(m runbook.MoveQuestions) string { return runbook.Resource(m.Workload) }

func accountList(context, namespace, name string) List {
	return List{context, "v1", "ServiceAccount", namespace, name}
}

func workloadList(context string, m runbook.MoveQuestions) List {
	return List{context, m.Workload.APIVersion, m.Workload.Kind, m.Workload.Namespace, m.Workload.Name}
}

func bindingList(context, kind string) List {
	return List{context, "rbac.authorization.k8s.io/v1", kind, "", ""}
}

func podList(context, namespace string) List { return List{context, "v1", "Pod", namespace, ""} }
func jobList(context, namespace string) List { return List{context, "batch/v1", "Job", namespace, ""} }
func nodeList(context string) List           { return List{context, "v1", "Node", "", ""} }
