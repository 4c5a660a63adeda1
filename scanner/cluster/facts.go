package cluster

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"dekey/scanner"
)

const (
	labelPool     = "cloud.google.com/gke-nodepool"
	labelMetadata = "iam.gke.io/gke-metadata-server-enabled"
)

// A place is where a cluster is, as far as its names tell.
type place struct {
	context string
	entry   string // the kubeconfig's name for the cluster
	server  string
}

// id names the cluster among the sources of an inventory.
func (p place) id() string {
	switch {
	case p.context != "":
		return "cluster:" + p.context
	default:
		return "cluster:" + p.server
	}
}

// gke reads project, location and cluster from the names that gcloud writes into a kubeconfig:
// gke_PROJECT_LOCATION_CLUSTER. Contexts are renamed often, cluster entries seldom.
// https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl
func (p place) gke() (project, location, name string) {
	for _, given := range []string{p.entry, p.context} {
		if parts := strings.Split(given, "_"); len(parts) == 4 && parts[0] == "gke" {
			return parts[1], parts[2], parts[3]
		}
	}
	return "", "", ""
}

// nodeFacts are what nodes tell about their cluster.
type nodeFacts struct {
	pools     map[string]*scanner.NodePool
	metadata  map[string]int  // nodes with GKE's metadata server, by pool
	projects  map[string]bool // of Compute Engine instances
	providers map[string]bool // gce, aws, ...
}

func (f *nodeFacts) add(n *corev1.Node) {
	if f.pools == nil {
		f.pools, f.metadata = map[string]*scanner.NodePool{}, map[string]int{}
		f.projects, f.providers = map[string]bool{}, map[string]bool{}
	}
	// gce://PROJECT/ZONE/INSTANCE
	if provider, rest, ok := strings.Cut(n.Spec.ProviderID, "://"); ok {
		f.providers[provider] = true
		if project, _, ok := strings.Cut(rest, "/"); ok && provider == "gce" {
			f.projects[project] = true
		}
	}
	name := n.Labels[labelPool]
	if name == "" {
		return
	}
	var taints []string
	for _, t := range n.Spec.Taints {
		// What the system puts on a node for a while is no property of its pool.
		if !strings.HasPrefix(t.Key, "node.kubernetes.io/") && !strings.HasPrefix(t.Key, "node.cloudprovider.kubernetes.io/") {
			taints = append(taints, t.Key+"="+t.Value+":"+string(t.Effect))
		}
	}
	slices.Sort(taints)
	if n.Labels[labelMetadata] == "true" {
		f.metadata[name]++
	}
	pool := f.pools[name]
	if pool == nil {
		labels := maps.Clone(n.Labels)
		maps.DeleteFunc(labels, func(k, _ string) bool { return k == corev1.LabelHostname })
		f.pools[name] = &scanner.NodePool{Name: name, Labels: labels, Taints: taints, Nodes: 1}
		return
	}
	pool.Nodes++
	maps.DeleteFunc(pool.Labels, func(k, v string) bool { return n.Labels[k] != v })
	pool.Taints = slices.DeleteFunc(pool.Taints, func(t string) bool { return !slices.Contains(taints, t) })
}

// nodePools gives the pools, sorted. GKE puts the label on every node that runs its metadata server; a pool whose nodes
// differ is being changed, and its mode is not known.
// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
func (f *nodeFacts) nodePools() []scanner.NodePool {
	pools := []scanner.NodePool{}
	for _, name := range slices.Sorted(maps.Keys(f.pools)) {
		pool := *f.pools[name]
		switch f.metadata[name] {
		case pool.Nodes:
			pool.MetadataMode = "GKE_METADATA"
		case 0:
			pool.MetadataMode = "GCE_METADATA"
		}
		pools = append(pools, pool)
	}
	return pools
}

// isGKE says whether this is a GKE cluster: its version ends in -gke.N, its nodes carry a pool's name. Nodes of another
// provider say no; nothing at all says unknown.
func (f *nodeFacts) isGKE(version string) scanner.Tri {
	switch {
	case strings.Contains(version, "-gke."), len(f.pools) > 0:
		return scanner.Yes
	case strings.Contains(version, "-eks-"), strings.Contains(version, "+k3s"), strings.Contains(version, "+rke2"):
		return scanner.No
	}
	for provider := range f.providers {
		if provider != "gce" && provider != "" {
			return scanner.No
		}
	}
	return scanner.Unknown
}

// cluster puts together what is known. The kubeconfig's name for a cluster is no evidence against its own nodes.
func (f *nodeFacts) cluster(p place, version string) scanner.Cluster {
	c := scanner.Cluster{
		ID: p.id(), Source: p.id(), Context: p.context, Server: p.server, Version: version,
		NodePools: f.nodePools(), GKE: f.isGKE(version), Complete: []string{}, DataplaneV2: scanner.Unknown,
	}
	if project, location, name := p.located(f, c.GKE); project != "" {
		c.ID = project + "/" + location + "/" + name
	}
	return c
}

// located is gke, unless the nodes say otherwise.
func (p place) located(f *nodeFacts, is scanner.Tri) (project, location, name string) {
	project, location, name = p.gke()
	if is == scanner.No || len(f.projects) > 0 && !f.projects[project] {
		return "", "", ""
	}
	return project, location, name
}
