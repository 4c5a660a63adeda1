package explain

// The documents that the rules of lint rest on, beside those of holds.
const (
	docConditions = "IAM: Resource attributes for IAM Conditions, https://docs.cloud.google.com/iam/docs/conditions-resource-attributes"
	docTerraform  = "Terraform: google_service_account_iam, https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_service_account_iam"
	docConnector  = "Config Connector: IAMPolicy, https://docs.cloud.google.com/config-connector/docs/reference/resource-docs/iam/iampolicy"
	docTFKey      = "Terraform: google_service_account_key, https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_service_account_key"
)

// rules are those of dekey lint.
var rules = []Text{
	{
		Code: "key-wiring", Kind: Rule,
		What:   "A workload, a custom resource or a script gets at a service account key.",
		Why:    "A key is a password without an end: whoever reads the Secret or the file can act as the account from anywhere, until somebody deletes the key.",
		Do:     "Run the workload under a Kubernetes service account that acts as the Google service account; dekey draft writes the change. Where a key has to stay, excuse it with a reason and a date.",
		Try:    []string{"dekey draft . --out change"},
		Source: docKeyPractice,
	},
	{
		Code: "key-file", Kind: Rule,
		What:   "A file of the checkout is a service account key, or a person's refresh token.",
		Why:    "Everyone who can read the repository has the key, and so does every clone. Deleting the file does not take it back.",
		Do:     "Disable the key at once, delete it when nothing needs it any more, and then remove the file. A key that was pushed counts as leaked.",
		Try:    []string{"gcloud iam service-accounts keys disable KEY_ID --iam-account=EMAIL --project=PROJECT"},
		Source: docKeyPractice,
	},
	{
		Code: "key-in-manifest", Kind: Rule,
		What:   "A manifest holds a service account key, in clear or in base64.",
		Why:    "Base64 is no encryption: everyone who can read the repository has the key.",
		Do:     "Move the workload off the key, disable the key, then delete it and the Secret's manifest; dekey draft writes these steps.",
		Source: docKeyPractice,
	},
	{
		Code: "key-in-history", Kind: Rule,
		What:   "An earlier commit holds a service account key that the checkout does not hold any more.",
		Why:    "Git keeps it: everyone who can clone the repository can read it.",
		Do:     "Disable and delete the key: that is what makes the copy worthless. Rewriting history helps nobody who has a clone.",
		Source: docKeyPractice,
	},
	{
		Code: "key-resource", Kind: Rule,
		What:   "Terraform, Config Connector, Crossplane or a script makes a service account key.",
		Why:    "Each apply or run can bring a new key into the world, and Terraform keeps its private part in the state.",
		Do:     "Let the workload use Workload Identity Federation for GKE, and take the resource out when its key is no longer used. In Terraform, taking the block out deletes the key at the next apply.",
		Source: docTFKey,
	},
	{
		Code: "variable-without-file", Kind: Rule,
		What:   "A variable or a flag names a key file that nothing in the object brings.",
		Why:    "Client libraries do not pass over a file that is not there: the program stops, and does not turn to the metadata server.",
		Do:     "Remove the variable together with the mount and the volume. If the image or a hook brings the file, say so in an exception.",
		Source: docADC,
	},
	{
		Code: "malformed-principal", Kind: Rule,
		What:   "The member of a grant is no principal that IAM knows, or not the one that it looks like.",
		Why:    "IAM takes many wrong members without a word, and the pod is refused later; others are refused at the apply.",
		Do:     "Write serviceAccount:POOL[NAMESPACE/NAME], or principal:// with the number of the pool's project. The pool is named after the project's id.",
		Source: docPrincipals,
	},
	{
		Code: "foreign-principal", Kind: Rule,
		What:   "The member names a pool or a project number that is not the cluster's, or the two do not belong together.",
		Why:    "The grant goes to nobody, or to service accounts of another project's clusters.",
		Do:     "Take the pool from the cluster and the number from its project. Where other clusters are meant, name them in the policy file.",
		Try:    []string{"gcloud container clusters describe CLUSTER --location=LOCATION --project=PROJECT --format='value(workloadIdentityConfig.workloadPool)'", "gcloud projects describe PROJECT --format='value(projectNumber)'"},
		Source: docPrincipals,
	},
	{
		Code: "pool-wildcard", Kind: Rule,
		What:   "The member stands for a whole workload identity pool.",
		Why:    "Pools of GKE have no such member: the grant is refused, or reaches nobody.",
		Do:     "Grant to the service accounts that need it, one by one.",
		Source: docPrincipals,
	},
	{
		Code: "annotation-key", Kind: Rule,
		What:   "An annotation of a Kubernetes service account looks like one of GKE's, and is misspelled.",
		Why:    "Kubernetes takes every annotation, and GKE passes over this one: pods get the identity of the Kubernetes service account, without the roles of the Google one.",
		Do:     "Spell it iam.gke.io/gcp-service-account.",
		Source: docHowTo,
	},
	{
		Code: "annotation-value", Kind: Rule,
		What:   "The value of one of GKE's annotations can not be what it has to be: the e-mail of a Google service account, a project.",
		Why:    "Every request for a token is refused: the pods have no Google identity at all.",
		Do:     "Write the e-mail alone, without spaces and without serviceAccount: before it.",
		Source: docHowTo,
	},
	{
		Code: "annotation-misplaced", Kind: Rule,
		What:   "The annotation of GKE stands among the labels, on a pod or its owner, or beside the metadata.",
		Why:    "GKE reads it from the annotations of the ServiceAccount object alone. Elsewhere it does nothing, without a word.",
		Do:     "Move it to metadata.annotations of the ServiceAccount that the pods run under.",
		Source: docHowTo,
	},
	{
		Code: "annotation-without-grant", Kind: Rule,
		What:   "A Kubernetes service account is annotated with a Google one whose grants are written in this checkout, and none lets it act as that account.",
		Why:    "The annotation alone lets nobody in: every request for a token is refused with 403.",
		Do:     "Grant roles/iam.workloadIdentityUser on the Google service account to the Kubernetes service account, or take the annotation off.",
		Source: docHowTo,
	},
	{
		Code: "grant-without-account", Kind: Rule,
		What:   "A Kubernetes service account may act as a Google one, and nothing in this checkout declares it or runs under it, though its namespace is here.",
		Why:    "It may be a slip in the name; then the pods are refused. Otherwise the grant waits for whoever makes a service account of that name.",
		Do:     "Correct the namespace or the name, or remove the grant.",
		Source: docConcepts,
	},
	{
		Code: "default-account", Kind: Rule,
		What:   "The default service account of a namespace is annotated, or is granted a role.",
		Why:    "Every pod that names no service account runs under it, those that others add later included: all of them get the access.",
		Do:     "Give the workload a service account of its own, and annotate and grant that.",
		Source: docPod,
	},
	{
		Code: "namespace-wide-grant", Kind: Rule,
		What:   "All service accounts of a namespace, or of a cluster, may act as a Google service account.",
		Why:    "Whoever may make a service account or a pod there can act as the account.",
		Do:     "Grant to the service accounts that need it, one by one.",
		Source: docConcepts,
	},
	{
		Code: "project-wide-grant", Kind: Rule,
		What:   "The role to act as a service account is granted on a project, a folder or the organisation.",
		Why:    "The member can act as every service account in it, those that are made later included.",
		Do:     "Grant the role on the one Google service account that is meant.",
		Source: docRoles,
	},
	{
		Code: "prefix-condition", Kind: Rule,
		What:   "A condition that means one bucket compares with startsWith and without a slash after the bucket's name.",
		Why:    "It is true for every bucket whose name begins so: my-app also lets into my-app-2 and my-app-backup.",
		Do:     "Grant the role on the bucket, or write resource.name == \"projects/_/buckets/B\" || resource.name.startsWith(\"projects/_/buckets/B/\").",
		Source: docConditions,
	},
	{
		Code: "authoritative-iam", Kind: Rule,
		What:   "A resource or command owns a whole policy, or all members of a role, where grants of Workload Identity stand or will stand.",
		Why:    "The next apply removes every member that it does not list: grants that somebody else made vanish, and pods are refused.",
		Do:     "Use the additive form (google_..._iam_member, IAMPolicyMember, add-iam-policy-binding), or list every member in the one block that owns the policy.",
		Source: docTerraform + "; " + docConnector,
	},
	{
		Code: "service-account-names", Kind: Rule,
		What:   "A pod spec names two service accounts: serviceAccountName, and another one in the old field serviceAccount.",
		Why:    "The first wins, so the other name is wrong wherever somebody or some tool reads it: grants, annotations and reviews go to an account that no pod runs under.",
		Do:     "Remove serviceAccount, and keep serviceAccountName.",
		Source: docPodAPI,
	},
	{
		Code: "suppression-malformed", Kind: Rule,
		What:   "A comment that should excuse a violation names no rule, no reason or no date, and excuses nothing.",
		Why:    "An exception without a reason and an end is a rule that was switched off.",
		Do:     "Write # dekey:ignore CODE REASON until YYYY-MM-DD.",
		Source: ownPromise,
	},
	{
		Code: "suppression-expired", Kind: Rule,
		What:   "The last day of an exception is past.",
		Why:    "What it excused counts again.",
		Do:     "Mend the violation and remove the comment, or agree on a new date with whoever owns the exception register.",
		Source: ownPromise,
	},
}
