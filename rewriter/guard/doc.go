// Package guard writes policies that keep key files out after a migration: organisation policies of Google Cloud that stop
// new keys at the source, and admission policies of Kubernetes (ValidatingAdmissionPolicy, CEL) that stop Secrets with key
// files and workloads that use one.
//
//	g, err := guard.New(policy, guard.Options{Mode: guard.Warn})
//	files, err := g.Files()
//
// Nothing is applied: Files are for people. The exceptions of the policy file's register are in them, each with its last day;
// one that is over is left out and said.
//
// An admission policy must not be what stops production at night. It judges what is new: an entry of a Secret that holds a key
// now and held none before, a Secret that a workload did not use before. What was there can be scaled, restarted, changed and
// rolled on, and a key can be replaced by its successor in the same entry. Objects that a controller made are judged where
// their owner is. The default mode warns.
//
// The package refuses names that Kubernetes or Google would not accept, and makes everything else from the register visible,
// because it stands in comments and annotations alone.
package guard
