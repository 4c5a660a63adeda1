package planner

// The codes of holds. Each answers to `dekey explain`; more may be added, none is renamed.
const (
	HoldAccountUnknown        = "account-unknown"
	HoldNamespaceUnknown      = "namespace-unknown"
	HoldPoolUnknown           = "pool-unknown"
	HoldSeveralAccounts       = "several-accounts"
	HoldProgramReadsKey       = "program-reads-key"
	HoldHostNetwork           = "host-network"
	HoldUserCredential        = "user-credential"
	HoldDelegation            = "delegation"
	HoldServiceAccountUnseen  = "service-account-unseen"
	HoldServiceAccountClaimed = "service-account-claimed"
	HoldManagedElsewhere      = "managed-elsewhere"
	HoldGenerated             = "generated"
	HoldTemplate              = "template"
	HoldNotProvable           = "not-provable"
	HoldKeyInContext          = "key-in-context"
	HoldWorkloadHeld          = "workload-held"
	HoldNotGKE                = "not-gke"
	HoldKeyNotOwned           = "key-not-owned"
	HoldImagePull             = "image-pull"
	HoldNoRecipe              = "no-recipe"
	HoldRolesUnknown          = "roles-unknown"
	HoldInvalidName           = "invalid-name"
	HoldKeyNotLive            = "key-not-live"
	HoldExcluded              = "excluded" // the policy file's exclusion: an entry of the exception register
	HoldConflict              = "conflict" // several definitions of the one object differ, or merged inventories clash
	HoldAuthoritative         = "authoritative-policy"
	HoldAuthoritativeUnknown  = "authoritative-unknown" // an expression hides whether the account's policy is owned; a notice where nothing of it is written
	HoldMetadataIdentity      = "metadata-identity"     // a container without the key is known to use the node's identity
	HoldDirectGrants          = "direct-grants"         // the KSA has grants of its own, which an annotation would hide
	HoldLimit                 = "limit"
	HoldDangling              = "dangling"     // the variable or flag names a file that nothing in the object brings
	HoldMountNeeded           = "mount-needed" // the program knows the file's path, and its volume has to stay
)

// The codes of notices.
const (
	NoticeRecreate                   = "recreate"
	NoticeProjectDiffers             = "project-differs"
	NoticeRBACUnseen                 = "rbac-unseen"
	NoticeNetworkPolicy              = "network-policy"
	NoticeStartUpRace                = "start-up-race"
	NoticeIdentitySameness           = "identity-sameness"
	NoticeSigning                    = "signing"
	NoticeSharedAccount              = "shared-account"
	NoticeSecretSource               = "secret-source"
	NoticeMeshIdentity               = "mesh-identity"
	NoticeBindingUnverified          = "binding-unverified"
	NoticeKeyUnverified              = "key-unverified"
	NoticeAccountAsserted            = "account-asserted"
	NoticePolicyUntrusted            = "policy-untrusted"
	NoticeAnswered                   = "answered"
	NoticeServiceAccountUnread       = "service-account-unread"
	NoticeServiceAccountSharedUnseen = "service-account-shared-unseen"
	NoticeContainerIdentity          = "container-identity"
	NoticeOverPrivileged             = "over-privileged"
	NoticeDrift                      = "drift"
	NoticeSoak                       = "soak"
	// NoticeOverBroadGrant: more than the workload's own service account may act as the account.
	NoticeOverBroadGrant = "over-broad-grant"
	// NoticeControllerIdentity: the grant goes to the service account of a controller, which acts for every object of its
	// kind.
	NoticeControllerIdentity = "controller-identity"
	// NoticeDirectUnsupported: the direct model was asked for, and the account holds a role that it can not carry.
	NoticeDirectUnsupported = "direct-unsupported"
	// NoticeSplitAccount: the workload gets an account of its own.
	NoticeSplitAccount = "split-account"
	// NoticeLongSubject: the service account's name is longer than the mapped subjects that Google documents.
	NoticeLongSubject = "long-subject"
	// NoticeProjectedToken: the host network alternative is planned.
	NoticeProjectedToken = "projected-token"
	// NoticeVariableElsewhere: a ConfigMap sets the variable that points at the key.
	NoticeVariableElsewhere = "variable-elsewhere"
	// NoticeTerraformKey: Terraform in the checkout makes keys of an account whose key retires.
	NoticeTerraformKey = "terraform-key"
	// NoticeTokenSecret: the old service account has Secrets of its own (legacy tokens) that the new one does not get.
	NoticeTokenSecret = "token-secret"
	// NoticeAuthoritativeUnknown: other code can keep the policy that the grant goes to, for all that is written of it.
	NoticeAuthoritativeUnknown = "authoritative-unknown"
	// NoticeDirectGrantsUnread: whether the service account that is annotated holds roles itself was not read.
	NoticeDirectGrantsUnread = "direct-grants-unread"
	// NoticeGrantsUnlisted: the account may hold roles that no search of policies lists.
	NoticeGrantsUnlisted = "grants-unlisted"
	// NoticeMountKept: a volume stays for something else and still shows the key.
	NoticeMountKept = "mount-kept"
)

// The codes of blockers: why a key can not be deleted yet.
const (
	BlockerConsumer          = "consumer-unmoved"
	BlockerConsumerElsewhere = "consumer-elsewhere" // its source is in none of the checkouts of the plan
	BlockerUseUnknown        = "use-unknown"        // Google's evidence is missing, or ends before the cut-over
	BlockerInUse             = "in-use"             // used, and by nothing that was seen
	BlockerSourceRecreates   = "source-recreates"
	BlockerGaps              = "gaps"
	BlockerCopyElsewhere     = "copy-elsewhere" // a copy that no known workload uses
	BlockerImagePull         = "image-pull"
	BlockerInline            = "inline" // the key stands written out in an object
	BlockerKeyUnknown        = "key-unknown"
	BlockerKeyNotOwned       = "key-not-owned"
	BlockerAlreadyGone       = "already-gone"
)

// The codes of prerequisites: what somebody must change before the first grant.
const (
	PrerequisiteWorkloadIdentity = "workload-identity-off"
	PrerequisiteNodePool         = "node-pool-metadata"
	PrerequisiteNodePoolUnread   = "node-pool-unread"
	PrerequisiteAPI              = "api-off"
	PrerequisiteAPIUnread        = "api-unread"
	PrerequisiteOrgPolicy        = "organisation-policy"
)

// The codes of guard's policies: what an exclusion of the policy file excuses from. PrerequisiteOrgPolicy is the other.
const (
	GuardAdmission    = "admission-policy"
	GuardOrganisation = PrerequisiteOrgPolicy
)
