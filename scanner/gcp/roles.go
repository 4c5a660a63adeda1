package gcp

// A Role is one of Google's that a command, or a script of a changeset, needs.
type Role struct {
	Command string
	Name    string
	On      string // what it is granted on
	// Permissions are those of the role that are used.
	Permissions []string
	Why         string
}

// Roles are the least that each command and script needs, command by command. dekey itself only reads: what changes
// accounts and keys is for the person who runs the scripts. Nothing needs to create keys or tokens.
//
// https://cloud.google.com/iam/docs/roles-permissions
func Roles() []Role {
	const clusters, accounts, quota = "the clusters' projects", "the accounts' projects", "the quota project"
	const organization = "the organization (or the projects, and see less)"
	reading := func(command string) []Role {
		return []Role{
			{command, needCluster.role, clusters, []string{needCluster.permission}, "pools, node pools, Autopilot"},
			{command, needAccount.role, accounts, []string{needKey.permission, needKeys.permission, needAccount.permission, needPolicy.permission}, "accounts, their keys and their policies"},
			{command, needProject.role, organization, []string{needProject.permission, needBindings.permission}, "numbers of projects, what is above them, their policies"},
			{command, needActivity.role, accounts, []string{needActivity.permission}, "the last use of keys"},
			{command, needSeries.role, accounts, []string{needSeries.permission}, "authentications by key"},
			{command, needServices.role, clusters, []string{needServices.permission}, "which APIs are on"},
			{command, needOrg.role, organization, []string{needOrg.permission}, "constraints that would refuse a step"},
			{command, "roles/serviceusage.serviceUsageConsumer", quota, []string{"serviceusage.services.use"}, "the calls are counted there (--google-quota-project)"},
		}
	}
	list := []Role{{"dekey scan --context", needCluster.role, clusters, []string{needCluster.permission}, "credentials of the cluster, by gcloud"}}
	list = append(list, reading("dekey scan --google")...)
	list = append(list, Role{"dekey scan --google", needSearch.role, organization, []string{needSearch.permission}, "every role that the accounts hold: the direct model and split accounts need it"})
	list = append(list, reading("dekey check")...)
	return append(list,
		Role{"runbook/1-grant.sh", "roles/iam.serviceAccountAdmin", accounts, []string{"iam.serviceAccounts.create", "iam.serviceAccounts.setIamPolicy"}, "accounts and who may act as them; no permission for keys"},
		Role{"runbook/1-grant.sh", needKey.role, accounts, []string{needKey.permission, needKeys.permission}, "the proof of possession, before anything is granted"},
		Role{"runbook/1-grant.sh", "roles/resourcemanager.projectIamAdmin", "the resources' projects", []string{"resourcemanager.projects.setIamPolicy"}, "direct model and split accounts alone; buckets, topics and the like need the administrator of their product"},
		Role{"runbook/2-verify.sh", needCluster.role, clusters, []string{needCluster.permission}, "that the context is that cluster"},
		Role{"runbook/3-disable.sh", "roles/iam.serviceAccountKeyAdmin", accounts, []string{"iam.serviceAccountKeys.disable"}, "disable keys, and enable them again"},
		Role{"runbook/3-disable.sh", needActivity.role, accounts, []string{needActivity.permission}, "the evidence that is exported first"},
		Role{"runbook/4-delete.sh", "roles/iam.serviceAccountKeyAdmin", accounts, []string{"iam.serviceAccountKeys.delete"}, "delete keys"},
		Role{"prerequisites", "roles/container.clusterAdmin", clusters, []string{"container.clusters.update"}, "Workload Identity, node pools"},
		Role{"prerequisites", "roles/iam.serviceAccountUser", "the nodes' service account", []string{"iam.serviceAccounts.actAs"}, "a node pool that runs as it"},
		Role{"prerequisites", "roles/serviceusage.serviceUsageAdmin", clusters, []string{"serviceusage.services.enable"}, "APIs that are off"},
		Role{"evidence (by hand)", "roles/logging.privateLogViewer", accounts, []string{"logging.privateLogEntries.list"}, "optional: who calls with a key, from Data Access logs"},
	)
}
