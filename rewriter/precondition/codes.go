package precondition

// The codes of conditions. Each answers to `dekey explain`.
const (
	CodeChangeset      = "changeset-intact"          // plan, scripts and patches are what was reviewed
	CodeEvidence       = "evidence-intact"           // the records of the scripts are as they were written
	CodeClusterKnown   = "cluster-known"             // the plan knows where the workloads run
	CodeCluster        = "cluster-matches"           // the context reaches the plan's cluster, with the plan's pool
	CodeAPI            = "api-on"                    //
	CodeNodes          = "nodes-ready"               // every node pool where the workload may land has GKE's metadata server
	CodeNameFree       = "service-account-free"      // the new service account's name is free, or its own already
	CodeCarried        = "service-account-carried"   // the old one carries nothing that the new one does not get
	CodePossession     = "key-possession"            // the key that was found is one of the account's, and lives
	CodePolicy         = "policy-readable"           //
	CodeGrant          = "grant-stored"              // the binding is in the policy, in either spelling
	CodeGrantAge       = "grant-aged"                // and was read back at least seven minutes ago
	CodeServiceAccount = "service-account-annotated" // the service account is there, annotated for its account
	CodeWorkload       = "workload-keyless"          // nothing of the key's wiring is left in the workload
	CodePods           = "pods-replaced"             // nor in any pod that runs; and those run under the right service account
	CodePodNodes       = "pods-on-metadata-server"   //
	CodeUnasked        = "field-unasked"             // no script can ask this
	CodeCutOver        = "cut-over-recorded"         // every consumer's verification is recorded
	CodeRetirable      = "key-retirable"             // the changeset has keys that may go
	CodeSoak           = "soak-over"                 //
	CodeKeyState       = "key-state"                 // the key is there, and in the state that the step expects
	CodeUnused         = "key-unused"                // Google's evidence clears the key
	CodeDisabled       = "disabling-recorded"        // 3-disable.sh disabled it and kept the evidence
)
