package object

import "strings"

// clusterScoped are well-known kinds without a namespace.
var clusterScoped = map[string]bool{
	"APIService": true, "CSIDriver": true, "CertificateSigningRequest": true, "ClusterRole": true, "ClusterRoleBinding": true,
	"CustomResourceDefinition": true, "IngressClass": true, "MutatingWebhookConfiguration": true, "Namespace": true, "Node": true,
	"PersistentVolume": true, "PodSecurityPolicy": true, "PriorityClass": true, "RuntimeClass": true, "StorageClass": true,
	"ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true, "ValidatingWebhookConfiguration": true,
	"AdminNetworkPolicy": true, "BaselineAdminNetworkPolicy": true, "GlobalNetworkPolicy": true,
}

// ClusterScoped says whether objects of a kind are known to have no namespace, by the kind's name: a rule that gives files a
// namespace does not apply to them. The Cluster of CloudNativePG has one.
func ClusterScoped(kind string) bool {
	return clusterScoped[kind] || strings.HasPrefix(kind, "Cluster") && kind != "Cluster"
}
