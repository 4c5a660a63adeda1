package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"dekey/scanner"
)

// lookups are the built-in kinds that List asks for, in the version that every supported server has.
var lookups = []resource{
	lookup("", "v1", "serviceaccounts", "ServiceAccount", true),
	lookup("", "v1", "pods", "Pod", true),
	lookup("", "v1", "nodes", "Node", false),
	lookup("", "v1", "replicationcontrollers", "ReplicationController", true),
	lookup("", "v1", "podtemplates", "PodTemplate", true),
	lookup("apps", "v1", "deployments", "Deployment", true),
	lookup("apps", "v1", "statefulsets", "StatefulSet", true),
	lookup("apps", "v1", "daemonsets", "DaemonSet", true),
	lookup("apps", "v1", "replicasets", "ReplicaSet", true),
	lookup("batch", "v1", "jobs", "Job", true),
	lookup("batch", "v1", "cronjobs", "CronJob", true),
	lookup("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true),
	lookup("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false),
}

func lookup(group, version, name, kind string, namespaced bool) resource {
	return resource{GroupVersionResource: schema.GroupVersionResource{Group: group, Version: version, Resource: name}, kind: kind, namespaced: namespaced, form: custom}
}

// Server is the address of the API server, as the kubeconfig has it.
func (r *Reader) Server() string { return r.place.server }

// List gives the objects of a kind as decoded JSON, their status included: those of a namespace ("" is all, or none), and of a
// name ("" is any). The version of the reference does not matter: the server's own is asked for. Secrets are refused, because
// their values would be read. It is for checks of one step; a scan reads through scanner.Scan.
func (r *Reader) List(ctx context.Context, of scanner.Ref) ([]map[string]any, error) {
	found, err := r.resourceOf(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", of.Kind, err)
	}
	q := query{name: of.Name}
	if found.namespaced {
		q.namespace = of.Namespace
	}
	objects := []map[string]any{}
	err = r.client.list(ctx, found, q, func(it item) error {
		it.meta.SetManagedFields(nil)
		if of.Name == "" || it.meta.GetName() == of.Name {
			objects = append(objects, it.raw)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", found, plain(err))
	}
	return objects, nil
}

func (r *Reader) resourceOf(ctx context.Context, of scanner.Ref) (resource, error) {
	group := of.Group()
	if group == "extensions" {
		group = "apps" // where Deployments and DaemonSets went
	}
	is := func(have resource) bool { return have.Group == group && have.kind == of.Kind }
	if i := slices.IndexFunc(lookups, is); i >= 0 {
		return lookups[i], nil
	}
	if group == "" && (of.Kind == "Secret" || of.Kind == "ConfigMap") {
		return resource{}, errors.New("its content is not looked up")
	}
	served, _, err := r.client.discover(ctx)
	if err != nil {
		return resource{}, err
	}
	i := slices.IndexFunc(served, is)
	if i < 0 {
		return resource{}, errors.New("the server does not serve this kind")
	}
	served[i].form = custom
	return served[i], nil
}
