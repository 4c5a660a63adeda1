package catalog

import (
	"strings"

	"dekey/scanner/object"
)

// A mark is a label, annotation or field of a Secret (or ConfigMap) that tells its maker.
type mark struct {
	at        object.Path
	kind      string
	recreates bool
}

// The marks and where they are documented:
// Helm: meta.helm.sh/release-name; Argo CD and Flux do not make content, they apply it, and are managers, not makers;
// argocd-vault-plugin: avp.kubernetes.io/path; Bank-Vaults' webhook: vault.security.banzaicloud.io; 1Password's operator.
// Reflector (emberstack/kubernetes-reflector), config-syncer (kubed), kubernetes-replicator (mittwald).
var marksOf = []mark{
	{object.Keys("metadata", "annotations", "meta.helm.sh/release-name"), "helm", true},
	{object.Keys("metadata", "annotations", "reflector.v1.k8s.emberstack.com/reflects"), "replicator", true},
	{object.Keys("metadata", "annotations", "replicator.v1.mittwald.de/replicate-from"), "replicator", true},
	{object.Keys("metadata", "annotations", "replicator.v1.mittwald.de/replicated-from-version"), "replicator", true},
	{object.Keys("metadata", "labels", "kubed.appscode.com/origin.name"), "replicator", true},
	{object.Keys("metadata", "annotations", "kubed.appscode.com/origin"), "replicator", true},
	{object.Keys("metadata", "annotations", "avp.kubernetes.io/path"), "secret-store", true},
	{object.Keys("metadata", "annotations", "vault.security.banzaicloud.io/vault-addr"), "secret-store", true},
	{object.Keys("metadata", "annotations", "vault.security.banzaicloud.io/vault-path"), "secret-store", true},
	{object.Keys("metadata", "annotations", "operator.1password.io/item-path"), "secret-store", true},
	{object.Keys("metadata", "labels", "secrets-store.csi.k8s.io/managed"), "secret-provider-class", true},
	{object.Keys("metadata", "labels", "reconcile.external-secrets.io/created-by"), "external-secret", true},
	{object.Keys("metadata", "labels", "reconcile.external-secrets.io/managed"), "external-secret", true},
	{object.Keys("sops"), "sops", false},
}

// marks reads what a Secret says of itself.
func marks(o *object.Object) []Made {
	if o.Ref.Kind != "Secret" && o.Ref.Kind != "ConfigMap" {
		return nil
	}
	holder := object.Holder{Kind: o.Ref.Kind, Namespace: o.Ref.Namespace, Name: o.Ref.Name}
	var made []Made
	for _, m := range marksOf {
		if value, ok := m.at.Lookup(o.Content); ok && value != nil {
			made = append(made, Made{Kind: m.kind, Secret: holder, By: o.Ref, Field: m.at, Recreates: m.recreates})
		}
	}
	for i, manager := range list(lookup(o.Content, "metadata", "managedFields")) {
		if name := strings.ToLower(text(lookup(manager, "manager"))); strings.HasPrefix(name, "terraform") || name == "hashicorp" {
			made = append(made, Made{
				Kind: "terraform", Secret: holder, By: o.Ref, Recreates: true,
				Field: object.Keys("metadata", "managedFields").Join(object.At(i), object.Key("manager")),
			})
			break
		}
	}
	for i, owner := range list(lookup(o.Content, "metadata", "ownerReferences")) {
		kind, ok := ownerKinds[text(lookup(owner, "kind"))]
		if !ok {
			continue
		}
		made = append(made, Made{
			Kind: kind, Secret: holder, Recreates: true,
			Field: object.Keys("metadata", "ownerReferences").Join(object.At(i)),
			By: object.Ref{
				APIVersion: text(lookup(owner, "apiVersion")), Kind: text(lookup(owner, "kind")),
				Namespace: o.Ref.Namespace, Name: text(lookup(owner, "name")),
			},
		})
	}
	return made
}

// ownerKinds are the kinds whose controllers make Secrets and say so in ownerReferences.
var ownerKinds = map[string]string{
	"SealedSecret":                 "sealed-secret",
	"ExternalSecret":               "external-secret",
	"ClusterExternalSecret":        "external-secret",
	"SecretProviderClass":          "secret-provider-class",
	"SecretProviderClassPodStatus": "secret-provider-class",
	"SecretSync":                   "secret-sync",
	"IAMServiceAccountKey":         "config-connector",
	"ServiceAccountKey":            "crossplane",
	"VaultStaticSecret":            "vault",
	"VaultDynamicSecret":           "vault",
	"SopsSecret":                   "sops",
	"DopplerSecret":                "secret-store",
	"OnePasswordItem":              "secret-store",
	"InfisicalSecret":              "secret-store",
	"BitwardenSecret":              "secret-store",
	"ValsSecret":                   "secret-store",
	"VaultSecret":                  "secret-store",
}
