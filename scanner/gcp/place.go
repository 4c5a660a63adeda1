package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dekey/scanner"
)

func (t ClusterTarget) id() string { return t.Project + "/" + t.Location + "/" + t.Name }

// parseCluster reads PROJECT/LOCATION/NAME.
func parseCluster(id string) (ClusterTarget, bool) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 || !projectName.MatchString(parts[0]) || !pathName.MatchString(parts[1]) || !pathName.MatchString(parts[2]) {
		return ClusterTarget{}, false
	}
	return ClusterTarget{Project: parts[0], Location: parts[1], Name: parts[2]}, true
}

// readClusters joins what Google says of the clusters with what they said themselves.
func (e *enrichment) readClusters(ctx context.Context) {
	e.clusters = slices.Clone(e.inv.Clusters)
	each(ctx, e, e.targets, func(ctx context.Context, t ClusterTarget) error {
		facts, err := e.client.Cluster(ctx, t.Project, t.Location, t.Name)
		if errors.Is(err, ErrNotFound) {
			return &Error{Doing: "reading the cluster " + t.id(), What: "cluster " + t.id(), Permission: needCluster.permission, Role: needCluster.role, Err: errors.New("there is no such cluster")}
		}
		if err != nil {
			return err
		}
		if facts.Pool != "" {
			project, err := e.client.Project(ctx, cmp.Or(poolProject(facts.Pool), t.Project))
			facts.ProjectNumber = project.Number
			e.refuse(unlessMissing(err))
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.owners[cmp.Or(poolProject(facts.Pool), t.Project)] = true
		if facts.Pool != "" {
			e.pools[facts.Pool] = cmp.Or(poolProject(facts.Pool), t.Project)
		}
		e.join(t, facts)
		return nil
	})
}

// poolProject is the project that a pool of the public universe belongs to, "" where the name does not say.
// https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity
func poolProject(pool string) string {
	id, found := strings.CutSuffix(pool, ".svc.id.goog")
	if !found || strings.Contains(id, ".") || !projectName.MatchString(id) {
		return ""
	}
	return id
}

// unlessMissing passes every error but ErrNotFound.
func unlessMissing(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// join adds Google's facts to the cluster that was read live, by its name or the context that reaches it, or adds the
// cluster. A context that reaches another API server than the cluster's is a gap.
func (e *enrichment) join(t ClusterTarget, facts ClusterFacts) {
	i := slices.IndexFunc(e.clusters, func(c scanner.Cluster) bool {
		_, named := parseCluster(c.ID)
		return c.ID == t.id() || !named && t.Context != "" && c.Context == t.Context
	})
	if i < 0 {
		facts.Context = t.Context
		e.clusters = append(e.clusters, facts.Cluster)
		return
	}
	c := &e.clusters[i]
	if c.Server != "" && facts.Serves(c.Server) == scanner.No {
		e.gaps = append(e.gaps, scanner.Gap{Source: Source, What: "cluster " + t.id(), Why: fmt.Sprintf("the API server of the context %s, %s, is none of the cluster's: nothing that Google says of it was taken", c.Context, c.Server)})
		return
	}
	c.Pool, c.ProjectNumber, c.Autopilot, c.GKE = facts.Pool, facts.ProjectNumber, facts.Autopilot, scanner.Yes
	c.DataplaneV2, c.WorkloadIdentity = facts.DataplaneV2, facts.WorkloadIdentity
	for _, p := range facts.NodePools {
		if j := slices.IndexFunc(c.NodePools, func(have scanner.NodePool) bool { return have.Name == p.Name }); j >= 0 {
			p.Nodes = c.NodePools[j].Nodes
			labels := maps.Clone(c.NodePools[j].Labels)
			if labels == nil {
				labels = map[string]string{}
			}
			maps.Copy(labels, p.Labels)
			p.Labels = labels
			c.NodePools = slices.Delete(c.NodePools, j, j+1)
		}
		c.NodePools = append(c.NodePools, p)
	}
	slices.SortFunc(c.NodePools, func(a, b scanner.NodePool) int { return cmp.Compare(a.Name, b.Name) })
}

// readProjects looks up the projects of accounts and clusters: numbers, organisation policies that can refuse a step, who
// may act as every account of the project, and for those of pools which APIs are on.
func (e *enrichment) readProjects(ctx context.Context) {
	names := slices.Collect(maps.Keys(e.owners))
	for _, a := range e.accounts {
		if p := cmp.Or(a.Project, projectOf(a.Email)); p != "-" {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	each(ctx, e, slices.Compact(names), func(ctx context.Context, name string) error {
		project, err := e.client.Project(ctx, name)
		if err != nil {
			return unlessMissing(err)
		}
		if e.owners[name] {
			project.APIs, err = e.client.APIs(ctx, project.ID, RequiredAPIs...)
			e.refuse(unlessMissing(err))
		}
		for _, constraint := range Constraints {
			policy, err := e.client.OrgPolicy(ctx, project.ID, constraint)
			if err != nil {
				e.refuse(unlessMissing(err))
				break // the others are refused alike
			}
			if policy.Enforced {
				project.Policies = append(project.Policies, constraint)
			}
		}
		bindings, err := e.client.ProjectPolicy(ctx, project.ID)
		e.refuse(unlessMissing(err))
		project.Impersonators = impersonators(bindings)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.projects[project.ID] = &project
		return nil
	})
}

// actAs are roles that let their members act as a service account: on a project, as every account in it.
// https://cloud.google.com/iam/docs/service-account-permissions
var actAs = []string{"roles/iam.workloadIdentityUser", "roles/iam.serviceAccountTokenCreator"}

// impersonators are the bindings of a project's policy by which Kubernetes service accounts may act as every account of
// the project, with these members alone.
func impersonators(list []scanner.Binding) []scanner.Binding {
	var found []scanner.Binding
	for _, b := range list {
		if !slices.Contains(actAs, b.Role) {
			continue
		}
		b.Members = slices.DeleteFunc(slices.Clone(b.Members), func(m string) bool { return !kubernetes(m) })
		if len(b.Members) > 0 {
			found = append(found, b)
		}
	}
	return found
}

// kubernetes says whether a member of a policy is of a cluster's pool.
// https://cloud.google.com/iam/docs/principal-identifiers
func kubernetes(member string) bool {
	return strings.HasPrefix(member, "serviceAccount:") && strings.Contains(member, ".svc.id.goog[") ||
		strings.HasPrefix(member, "principal") && strings.Contains(member, "/workloadIdentityPools/") && strings.Contains(member, ".svc.id.goog/")
}
