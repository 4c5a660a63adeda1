// Package gcp reads what Google knows about an Inventory: whose keys they are, whether they are used, what the accounts
// are granted, how the clusters and projects are set up.
//
// It is read-only by construction: its transport refuses every request that is not a read. A private key is nowhere in
// it: possession is shown by comparing the digest of a public key with those of the account, never by signing.
//
//	google, err := gcp.Open(ctx, gcp.Options{})
//	google.Enrich(ctx, &inventory, gcp.Targets{Clusters: clusters})
//
// Enrich fills in Accounts, KeyFacts, Clusters and Projects. The single lookups (Account, Policy, Key, Keys, Fact, Cluster,
// Project, APIs, OrgPolicy) are for checks of one step. Each is asked of Google once: a Client remembers answers, and so
// lives no longer than one command.
//
// What Google refuses is an *Error that names the missing permission, the role that has it, or the API that is off; Enrich
// makes it a Gap, and the fact stays unknown. ErrNotFound says that something is known to be missing.
package gcp
