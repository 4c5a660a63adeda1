package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// credentialsAPI must be on in the pool's project: the metadata server asks it for tokens.
// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
const credentialsAPI = "iamcredentials.googleapis.com"

// What an organisation policy constraint refuses, where it is in force.
// https://cloud.google.com/resource-manager/docs/organization-policy/restricting-service-accounts
type refusal int

const (
	refusesPool    refusal = iota // Workload Identity for a cluster, in the cluster's project
	refusesMember                 // a member of an allow policy, in the account's project
	refusesAccount                // a new account, in the project where a split makes it
)

// blockingPolicies are the constraints that can refuse a step.
var blockingPolicies = map[string]struct {
	refuses refusal
	what    string
}{
	"iam.disableWorkloadIdentityClusterCreation": {refusesPool, "refuses to switch Workload Identity on for a cluster"},
	"iam.allowedPolicyMemberDomains":             {refusesMember, "can refuse a member of another organisation in an allow policy"},
	"iam.managed.allowedPolicyMembers":           {refusesMember, "can refuse a member that it does not list in an allow policy"},
	"iam.disableServiceAccountCreation":          {refusesAccount, "refuses new service accounts, which a split needs"},
	"iam.managed.disableServiceAccountCreation":  {refusesAccount, "refuses new service accounts, which a split needs"},
}

// refusing are the prerequisites for the constraints in force in a project that refuse something.
func (w *world) refusing(project string, refuses refusal) []Prerequisite {
	known := w.projects[project]
	if known == nil || !ValidProject(known.ID) {
		return nil
	}
	var list []Prerequisite
	for _, policy := range known.Policies {
		constraint := strings.TrimPrefix(policy, "constraints/")
		if b, found := blockingPolicies[constraint]; found && b.refuses == refuses {
			list = append(list, Prerequisite{
				Code: PrerequisiteOrgPolicy, Target: known.ID + "/" + policy, Why: "the constraint " + b.what, Effects: []string{},
				Commands: [][]string{{"gcloud", "org-policies", "describe", constraint, "--effective", "--project=" + known.ID, "--format=json"}},
			})
		}
	}
	return list
}

// prerequisites are what somebody else must change before the first grant: of the clusters, node pools and projects that
// the moves act in.
func (w *world) prerequisites() []Prerequisite {
	list := []Prerequisite{}
	clusters, pools := w.movedTo()
	for _, c := range clusters {
		list = append(list, w.clusterPrerequisites(c)...)
		if known := w.clusters[c.ID]; known != nil && known.WorkloadIdentity == scanner.No {
			list = append(list, w.refusing(c.Project, refusesPool)...)
		}
	}
	for _, p := range pools {
		list = append(list, w.projectPrerequisites(ProjectOfPool(p))...)
	}
	for _, x := range w.work {
		if x.move == nil {
			continue
		}
		list = append(list, w.refusing(w.projectOfAccount(x.account), refusesMember)...)
		if x.target.split {
			list = append(list, w.refusing(w.projectOfAccount(x.account), refusesAccount)...)
		}
	}
	slices.SortFunc(list, func(a, b Prerequisite) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Target, b.Target))
	})
	return slices.CompactFunc(list, func(a, b Prerequisite) bool { return a.Code == b.Code && a.Target == b.Target })
}

// movedTo are the clusters and pools of the moves, sorted.
func (w *world) movedTo() ([]ClusterRef, []string) {
	var ids, pools []string
	for _, x := range w.work {
		if x.move == nil {
			continue
		}
		ids = append(ids, x.target.clusters...)
		for _, p := range x.target.pools {
			pools = append(pools, p.pool)
		}
	}
	ids, pools = sorted(ids), sorted(pools)
	var clusters []ClusterRef
	for _, r := range w.refs {
		if _, found := slices.BinarySearch(ids, r.ID); found {
			clusters = append(clusters, r)
		}
	}
	return clusters, pools
}

func (w *world) clusterPrerequisites(r ClusterRef) []Prerequisite {
	c := w.clusters[r.ID]
	if c == nil || r.Name == "" || c.Autopilot != nil && *c.Autopilot {
		return nil // nothing was read, or nothing can be off
	}
	where := []string{"--location=" + r.Location, "--project=" + r.Project}
	var list []Prerequisite
	if c.WorkloadIdentity == scanner.No {
		list = append(list, Prerequisite{
			Code: PrerequisiteWorkloadIdentity, Target: r.ID, Why: "the cluster has no workload identity pool: no token can be had", Effects: []string{},
			Commands: [][]string{append([]string{"gcloud", "container", "clusters", "update", r.Name, "--workload-pool=" + r.Pool}, where...)},
		})
	}
	for _, p := range c.NodePools {
		hit := w.landsOn(c, p)
		if len(hit.moved) == 0 {
			continue
		}
		switch p.MetadataMode {
		case "GKE_METADATA":
		case "":
			list = append(list, Prerequisite{
				Code: PrerequisiteNodePoolUnread, Target: r.ID + "/" + p.Name, Why: "whether the pool's nodes have the GKE metadata server was not read", Effects: []string{},
				Commands: [][]string{append([]string{"gcloud", "container", "node-pools", "describe", p.Name, "--cluster=" + r.Name, "--format=value(config.workloadMetadataConfig.mode)"}, where...)},
			})
		default:
			list = append(list, nodePoolPrerequisite(r, p, hit, where))
		}
	}
	return list
}

// nodePoolPrerequisite gives a new pool before a switched one: switching takes the node's account from every pod of the
// pool at once.
func nodePoolPrerequisite(r ClusterRef, p scanner.NodePool, hit landing, where []string) Prerequisite {
	effects := []string{"every pod on the pool loses the node's service account at once, also those that were not seen"}
	for _, ref := range hit.others {
		effects = append(effects, ref.String()+" may run there and does not move")
	}
	return Prerequisite{
		Code: PrerequisiteNodePool, Target: r.ID + "/" + p.Name,
		Why: fmt.Sprintf("pods of %s may land on the pool, whose nodes are in mode %s: there they would act as the node", refs(hit.moved), p.MetadataMode), Effects: effects,
		Commands: [][]string{
			append([]string{"gcloud", "container", "node-pools", "create", shorten(p.Name+"-wi", 40), "--cluster=" + r.Name, "--workload-metadata=GKE_METADATA"}, where...),
			append([]string{"gcloud", "container", "node-pools", "update", p.Name, "--cluster=" + r.Name, "--workload-metadata=GKE_METADATA"}, where...),
		},
	}
}

func refs(list []scanner.Ref) string {
	const most = 3
	names := make([]string, 0, most)
	for i, ref := range list {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(list)-most))
			break
		}
		names = append(names, ref.String())
	}
	return strings.Join(names, ", ")
}

// A landing is which workloads may land on a node pool.
type landing struct{ moved, others []scanner.Ref }

// landsOn finds the workloads whose pods may land on a pool: its labels satisfy their node selector and required affinity,
// and they tolerate its taints.
func (w *world) landsOn(c *scanner.Cluster, p scanner.NodePool) landing {
	var l landing
	for _, x := range w.work {
		if x.obj == nil || !slices.Contains(x.target.clusters, c.ID) {
			continue
		}
		for _, spec := range x.obj.PodSpecs {
			if !p.Takes(spec.NodeSelector, spec.Scheduling) {
				continue
			}
			if x.move != nil {
				l.moved = append(l.moved, x.ref)
			} else {
				l.others = append(l.others, x.ref)
			}
			break
		}
	}
	return l
}

func (w *world) projectPrerequisites(id string) []Prerequisite {
	if !ValidProject(id) {
		return nil
	}
	enable := [][]string{{"gcloud", "services", "enable", credentialsAPI, "--project=" + id}}
	known := w.projects[id]
	state := scanner.Unknown
	var list []Prerequisite
	if known != nil {
		for _, api := range known.APIs {
			if api.Name == credentialsAPI {
				state = api.Enabled
			}
		}
	}
	switch state {
	case scanner.Yes:
	case scanner.No:
		list = append(list, Prerequisite{Code: PrerequisiteAPI, Target: id + "/" + credentialsAPI, Why: "without it the metadata server gets no token of a Google service account", Commands: enable, Effects: []string{}})
	default:
		list = append(list, Prerequisite{Code: PrerequisiteAPIUnread, Target: id + "/" + credentialsAPI, Why: "it must be on, and whether it is was not read", Commands: enable, Effects: []string{}})
	}
	return list
}
