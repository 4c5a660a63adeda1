// Package scanner reads the world that dekey decides about: which Google service account keys there are, which
// workloads use them and how, and what else the decision needs (service accounts, role bindings, network
// policies, clusters, accounts, the use of keys).
//
// Its result is an Inventory: a plain value, and a file. Readers (a checkout, a live cluster, standard input)
// yield objects; Scan looks at each once, keeps facts, and drops the content. No type of an Inventory has a
// field in which key material could land.
//
// Merge joins Inventories that were scanned apart: a checkout and its cluster, or a fleet.
//
//	inventory, err := scanner.Scan(ctx, checkout, cluster)
//	inventory = scanner.Merge(east, west)
//
// What could not be read is a Gap; whatever follows from it is unknown, never absent. A Secret is joined with a workload of
// its namespace; where a namespace is not known, only with what lies in the same folder or rendering. What one workload's
// wiring tells of a Secret that was not read, its other users inherit.
package scanner
