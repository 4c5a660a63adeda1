package gcptest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/container/v1"
)

func (c *call) cluster() (*Project, *container.Cluster, *failure) {
	p := c.state.project(c.vars["projectsId"])
	if p == nil {
		return nil, nil, denied("container.clusters.get")
	}
	name := c.vars["locationsId"] + "/" + c.vars["clustersId"]
	if found := p.Clusters[name]; found != nil {
		return p, found, nil
	}
	return nil, nil, failf(http.StatusNotFound, "NOT_FOUND", "Not found: projects/%s/locations/%s/clusters/%s.", p.ID, c.vars["locationsId"], c.vars["clustersId"])
}

func getCluster(c *call) (any, *failure) {
	_, found, f := c.cluster()
	if f != nil {
		return nil, f
	}
	return found, nil
}

func listClusters(c *call) (any, *failure) {
	p := c.state.project(c.vars["projectsId"])
	if p == nil {
		return nil, denied("container.clusters.list")
	}
	answer := &container.ListClustersResponse{}
	for _, name := range slices.Sorted(maps.Keys(p.Clusters)) {
		if location := c.vars["locationsId"]; location == "-" || strings.HasPrefix(name, location+"/") {
			answer.Clusters = append(answer.Clusters, p.Clusters[name])
		}
	}
	return answer, nil
}

func updateCluster(c *call) (any, *failure) {
	p, found, f := c.cluster()
	if f != nil {
		return nil, f
	}
	var request container.UpdateClusterRequest
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	if request.Update == nil {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "no update")
	}
	if wanted := request.Update.DesiredWorkloadIdentityConfig; wanted != nil {
		if wanted.WorkloadPool != "" && wanted.WorkloadPool != p.ID+".svc.id.goog" {
			return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "%q is not the project's pool", wanted.WorkloadPool)
		}
		found.WorkloadIdentityConfig = wanted
		if wanted.WorkloadPool != "" {
			c.state.Pools[wanted.WorkloadPool] = p.Number
		}
	}
	return operation(p, found, "UPDATE_CLUSTER"), nil
}

func operation(p *Project, found *container.Cluster, kind string) *container.Operation {
	at := "https://container.googleapis.com/v1/projects/" + p.Number + "/locations/" + found.Location
	return &container.Operation{
		Name: "operation-1", Location: found.Location, Zone: found.Location, OperationType: kind, Status: "DONE",
		SelfLink: at + "/operations/operation-1", TargetLink: at + "/clusters/" + found.Name,
	}
}

func getClusterOperation(c *call) (any, *failure) {
	return &container.Operation{Name: c.vars["operationsId"], Location: c.vars["locationsId"], Zone: c.vars["locationsId"], OperationType: "UPDATE_CLUSTER", Status: "DONE"}, nil
}

func (c *call) nodePool() (*Project, *container.Cluster, *container.NodePool, *failure) {
	p, found, f := c.cluster()
	if f != nil {
		return nil, nil, nil, f
	}
	for _, n := range found.NodePools {
		if n.Name == c.vars["nodePoolsId"] {
			return p, found, n, nil
		}
	}
	return nil, nil, nil, failf(http.StatusNotFound, "NOT_FOUND", "Not found: node pool %s.", c.vars["nodePoolsId"])
}

func getNodePool(c *call) (any, *failure) {
	_, _, n, f := c.nodePool()
	if f != nil {
		return nil, f
	}
	return n, nil
}

func listNodePools(c *call) (any, *failure) {
	_, found, f := c.cluster()
	if f != nil {
		return nil, f
	}
	return &container.ListNodePoolsResponse{NodePools: found.NodePools}, nil
}

func createNodePool(c *call) (any, *failure) {
	p, found, f := c.cluster()
	if f != nil {
		return nil, f
	}
	var request container.CreateNodePoolRequest
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	n := request.NodePool
	if n == nil || n.Name == "" || len(n.Name) > 40 {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "a node pool has a name of 40 characters at most")
	}
	if slices.ContainsFunc(found.NodePools, func(have *container.NodePool) bool { return have.Name == n.Name }) {
		return nil, failf(http.StatusConflict, "ALREADY_EXISTS", "Already exists: node pool %s.", n.Name)
	}
	n.Status, n.Version = "RUNNING", version
	found.NodePools = append(found.NodePools, n)
	return operation(p, found, "CREATE_NODE_POOL"), nil
}

func updateNodePool(c *call) (any, *failure) {
	p, found, n, f := c.nodePool()
	if f != nil {
		return nil, f
	}
	var request container.UpdateNodePoolRequest
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	if request.Etag != "" && request.Etag != n.Etag {
		return nil, failf(http.StatusConflict, "ABORTED", "the node pool was changed")
	}
	if wanted := request.WorkloadMetadataConfig; wanted != nil {
		if wanted.Mode == "GKE_METADATA" && (found.WorkloadIdentityConfig == nil || found.WorkloadIdentityConfig.WorkloadPool == "") {
			return nil, failf(http.StatusBadRequest, "FAILED_PRECONDITION", "Workload Identity is not enabled on the cluster.")
		}
		if n.Config == nil {
			n.Config = &container.NodeConfig{}
		}
		n.Config.WorkloadMetadataConfig = wanted
	}
	return operation(p, found, "UPDATE_CLUSTER"), nil
}
