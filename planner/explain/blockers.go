package explain

// blockers are why a key can not be deleted yet; image-pull, inline and key-not-owned are with the holds and vias.
var blockers = []Text{
	{
		Code: "consumer-unmoved", Kind: Blocker,
		What: "A workload that uses the key does not move in this plan.",
		Why:  "Without the key it would stop.",
		Do:   "Settle its holds and move it; then plan again.", Source: ownPromise,
	},
	{
		Code: "consumer-elsewhere", Kind: Blocker,
		What: "A consumer's source is in another repository, or was seen only live.",
		Why:  "Its change is not part of this changeset, so it still needs the key.",
		Do:   "Scan that repository and move it there; a later scan shows that it moved.", Source: ownPromise,
	},
	{
		Code: "use-unknown", Kind: Blocker,
		What: "There is no evidence from Google about the key's use, or it ends before the workloads have moved.",
		Why:  "Unknown is never taken for not used: somebody outside the clusters may have a copy.",
		Do:   "Nothing before the merge. 3-disable.sh reads and exports the evidence after the soak, because a disabled key is missing from Google's answers.", Source: docActivity,
	},
	{
		Code: "in-use", Kind: Blocker,
		What:   "Google saw the key used, and nothing that was scanned uses it.",
		Why:    "There is a user outside what was scanned: another cluster, a build server, a laptop.",
		Do:     "Look for the caller's address and user agent in the audit logs of the services that it may call; Data Access logs must be on for them.",
		Try:    []string{`gcloud logging read 'protoPayload.authenticationInfo.serviceAccountKeyName="//iam.googleapis.com/projects/PROJECT/serviceAccounts/EMAIL/keys/KEY"' --project=PROJECT --freshness=30d --limit=50 --format=json`},
		Source: docActivity,
	},
	{
		Code: "source-recreates", Kind: Blocker,
		What:   "Something makes the Secret, or the key itself, again when it is deleted.",
		Why:    "The Secret comes back with the same key, or with a new one.",
		Do:     "Remove the source first: the ExternalSecret, the generator entry, the Terraform or Config Connector resource. Where Terraform owns the key, removing its block deletes the live key at the next apply: that is the last step, not the first.",
		Source: "Terraform google provider: google_service_account_key, https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_service_account_key",
	},
	{
		Code: "gaps", Kind: Blocker,
		What: "Places could not be read.",
		Why:  "Any of them may use the key.",
		Do:   "Close the gaps and scan again.", Source: ownPromise,
	},
	{
		Code: "copy-elsewhere", Kind: Blocker,
		What: "There is a copy of the key that no workload seen uses.",
		Why:  "Somebody put it there; perhaps a program reads it through the Kubernetes API, or it is a leftover.",
		Do:   "Find out who uses it, or remove it. Evidence from Google that the key is not used clears it too.", Source: ownPromise,
	},
	{
		Code: "key-unknown", Kind: Blocker,
		What: "Which of the account's keys it is was not read.",
		Why:  "Only the account is known, by name. An account can have ten keys, and the wrong one must not go.",
		Do:   "Scan a source that has the Secret; with --google the key's id is found by its public key.", Source: docPublicKeys,
	},
	{
		Code: "already-gone", Kind: Blocker,
		What: "Google has no such key any more.",
		Why:  "There is nothing to delete at Google; copies of a dead key are only clutter.",
		Do:   "Remove the copies with cleanup.patch.", Source: docKeysDelete,
	},
}

// prerequisites are what somebody must change before the first grant. They are never in a script.
var prerequisites = []Text{
	{
		Code: "workload-identity-off", Kind: Prerequisite,
		What:   "The cluster has no workload identity pool.",
		Why:    "Without it pods get no token of their own, and a grant to the pool may be refused because the pool does not exist.",
		Do:     "Turn it on. It changes nothing for existing node pools; each is switched or replaced on its own.",
		Try:    []string{"gcloud container clusters update CLUSTER --location=LOCATION --project=PROJECT --workload-pool=POOL"},
		Source: docHowTo,
	},
	{
		Code: "node-pool-metadata", Kind: Prerequisite,
		What:   "Moved pods may land on a node pool without the GKE metadata server.",
		Why:    "There they act as the node's service account, silently. Switching the pool takes that account from every pod on it at once, and its nodes are made again by default.",
		Do:     "Make a new pool in mode GKE_METADATA, and cordon and drain the old one. Before a switch look at every pod of the pool, not only at those with keys.",
		Try:    []string{"gcloud container node-pools create NEW --cluster=CLUSTER --location=LOCATION --project=PROJECT --workload-metadata=GKE_METADATA"},
		Source: docHowTo + "; " + docNodePool,
	},
	{
		Code: "node-pool-unread", Kind: Prerequisite,
		What:   "Whether a node pool has the GKE metadata server was not read.",
		Why:    "If it has not, moved pods would act as the node there.",
		Do:     "Read it, or scan with --google.",
		Try:    []string{"gcloud container node-pools list --cluster=CLUSTER --location=LOCATION --project=PROJECT --format='table(name,config.workloadMetadataConfig.mode,config.serviceAccount)'"},
		Source: docHowTo,
	},
	{
		Code: "api-off", Kind: Prerequisite,
		What:   "The IAM Service Account Credentials API is off in the cluster's project.",
		Why:    "The metadata server asks it for the account's tokens.",
		Do:     "Turn it on.",
		Try:    []string{"gcloud services enable iamcredentials.googleapis.com --project=PROJECT"},
		Source: docHowTo,
	},
	{
		Code: "api-unread", Kind: Prerequisite,
		What:   "Whether the IAM Service Account Credentials API is on was not read.",
		Why:    "If it is off, no moved workload gets a token.",
		Do:     "Turn it on: doing so twice does no harm.",
		Try:    []string{"gcloud services enable iamcredentials.googleapis.com --project=PROJECT"},
		Source: docHowTo,
	},
	{
		Code: "organisation-policy", Kind: Prerequisite,
		What:   "An organisation policy in force can block a step.",
		Why:    "It may refuse turning Workload Identity on, a grant to the pool, a new account, or a new key that a way back would need.",
		Do:     "Read its effective value, and ask its owner for an exception where it is in the way. dekey guard writes policies of this kind; in the policy file an exclude with this code and a project is an exception of those.",
		Try:    []string{"gcloud org-policies describe CONSTRAINT --effective --project=PROJECT"},
		Source: docOrgPolicy,
	},
}
