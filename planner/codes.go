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
	HoldMetadataIdentity      = "metadata-identity" // a container without the key is known to use the node's identity
	HoldDirectGrants          = "direct-grants"     // the KSA has grants of its own, which an annotation would hide
	HoldLimit                 = "limit"
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
)
