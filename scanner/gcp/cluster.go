package gcp

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/api/container/v1"

	"dekey/scanner"
)

// ClusterFacts are a GKE cluster as Google describes it.
type ClusterFacts struct {
	scanner.Cluster
	// Endpoints are the hosts at which its API server answers: addresses and names, sorted. Empty: unknown.
	Endpoints []string
	Status    string // RUNNING, RECONCILING, ...
}

// Serves says whether an API server's address is one of the cluster's. Unknown where Google gives no endpoint.
func (c ClusterFacts) Serves(server string) scanner.Tri {
	if len(c.Endpoints) == 0 {
		return scanner.Unknown
	}
	host := server
	if _, rest, found := strings.Cut(server, "://"); found {
		host = rest
	}
	host, _, _ = strings.Cut(host, "/")
	for _, e := range c.Endpoints {
		if host == e || strings.TrimSuffix(host, ":443") == e {
			return scanner.Yes
		}
	}
	return scanner.No
}

var (
	projectName = regexp.MustCompile(`^([a-z0-9][-a-z0-9.]*:)?[a-z0-9][-a-z0-9]*$`)
	pathName    = regexp.MustCompile(`^[a-z0-9][-a-z0-9]*$`)
)

// Cluster reads a GKE cluster: its workload identity pool, whether it is Autopilot, its node pools and the metadata server
// of their nodes. ErrNotFound: there is none.
func (c *Client) Cluster(ctx context.Context, project, location, name string) (ClusterFacts, error) {
	id := project + "/" + location + "/" + name
	if !projectName.MatchString(project) || !pathName.MatchString(location) || !pathName.MatchString(name) {
		return ClusterFacts{}, fmt.Errorf("%q is no PROJECT/LOCATION/NAME of a cluster", id)
	}
	return c.clusterAnswers.get(id, func() (ClusterFacts, error) {
		path := "projects/" + project + "/locations/" + location + "/clusters/" + name
		found, err := c.container.Projects.Locations.Clusters.Get(path).Context(ctx).Do()
		if err == nil && found.Name != name {
			err = errors.New("the answer is of another cluster, or empty")
		}
		if err != nil {
			return ClusterFacts{}, c.fail(err, needCluster, "cluster "+id, "reading the cluster %s", id)
		}
		return clusterFacts(id, found), nil
	})
}

func clusterFacts(id string, found *container.Cluster) ClusterFacts {
	autopilot := found.Autopilot != nil && found.Autopilot.Enabled
	facts := ClusterFacts{Status: found.Status, Endpoints: endpointsOf(found)}
	facts.Cluster = scanner.Cluster{
		ID: id, Autopilot: &autopilot, GKE: scanner.Yes, DataplaneV2: scanner.No, WorkloadIdentity: scanner.No,
		Complete: []string{}, NodePools: []scanner.NodePool{}, Version: found.CurrentMasterVersion,
	}
	if w := found.WorkloadIdentityConfig; w != nil && w.WorkloadPool != "" {
		facts.Pool, facts.WorkloadIdentity = w.WorkloadPool, scanner.Yes
	}
	if n := found.NetworkConfig; n != nil && n.DatapathProvider == "ADVANCED_DATAPATH" {
		facts.DataplaneV2 = scanner.Yes
	}
	for _, n := range found.NodePools {
		pool := scanner.NodePool{Name: n.Name, Labels: map[string]string{}}
		if config := n.Config; config != nil {
			pool.ServiceAccount = config.ServiceAccount
			for key, value := range config.Labels {
				pool.Labels[key] = value
			}
			for _, t := range config.Taints {
				pool.Taints = append(pool.Taints, t.Key+"="+t.Value+":"+taintEffects[t.Effect])
			}
			slices.Sort(pool.Taints)
			if m := config.WorkloadMetadataConfig; m != nil && m.Mode != "MODE_UNSPECIFIED" {
				pool.MetadataMode = m.Mode
			}
		}
		switch {
		case pool.MetadataMode != "":
		case autopilot:
			pool.MetadataMode = "GKE_METADATA" // Autopilot has no other
		case n.Config != nil:
			pool.MetadataMode = "GCE_METADATA" // a pool without the setting has Compute Engine's server
		}
		facts.NodePools = append(facts.NodePools, pool)
	}
	slices.SortFunc(facts.NodePools, func(a, b scanner.NodePool) int { return strings.Compare(a.Name, b.Name) })
	return facts
}

// taintEffects spell those of Kubernetes Engine as Kubernetes does.
var taintEffects = map[string]string{"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}

// endpointsOf are the hosts of the API server, public, private and by name.
func endpointsOf(found *container.Cluster) []string {
	hosts := []string{found.Endpoint}
	if p := found.PrivateClusterConfig; p != nil {
		hosts = append(hosts, p.PublicEndpoint, p.PrivateEndpoint)
	}
	if e := found.ControlPlaneEndpointsConfig; e != nil {
		if ip := e.IpEndpointsConfig; ip != nil {
			hosts = append(hosts, ip.PublicEndpoint, ip.PrivateEndpoint)
		}
		if dns := e.DnsEndpointConfig; dns != nil {
			hosts = append(hosts, dns.Endpoint)
		}
	}
	slices.Sort(hosts)
	return slices.DeleteFunc(slices.Compact(hosts), func(host string) bool { return host == "" })
}
