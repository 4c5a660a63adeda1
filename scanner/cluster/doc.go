// Package cluster reads a live Kubernetes cluster through client-go: list only, page by page.
//
// A Reader is one cluster. It finds out what the server serves, lists what can hold a key, name a Secret or name a
// service account, and hands each object on as soon as it is decoded. Nothing of a Secret is kept: a page is
// dropped once its objects have been looked at. Nothing is ever written; there is no exec, no proxy, no token
// request, and no watch.
//
//	reader, err := cluster.Open(cluster.Options{Context: "prod", Namespaces: nil})
//	inventory, err := scanner.Scan(ctx, reader)
//
// Built-in kinds are read as protobuf, whose messages the tags of their Go types describe (the decoding of a page of Secrets
// as JSON costs eleven times as much), ReplicaSets by their metadata, custom resources as unstructured JSON.
//
// What a controller makes from an object with a pod template is not yielded: people edit the owner. What an
// operator makes from a custom resource without one is yielded with the manager "owner:KIND/NAME". Pods whose
// Secrets differ from their owner's template (an admission webhook added one, or they are older than the template)
// are yielded with their owner, because they are what runs.
//
// What is forbidden, and what still fails after retries, is a scanner.Gap with the RBAC rule that allows it. A
// namespace with a gap is never among Cluster.Complete. Permissions gives the rules of a whole scan.
//
// Not read: built-in kinds that can name neither a Secret nor a service account (Services, Events, Leases, ...), the
// status of anything, and resources of metrics and reporting APIs.
package cluster
