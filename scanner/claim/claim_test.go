package claim

import (
	"slices"
	"testing"

	"dekey/scanner/object"
)

func content(labels, annotations map[string]any, owners ...any) map[string]any {
	return map[string]any{"metadata": map[string]any{"labels": labels, "annotations": annotations, "ownerReferences": owners}}
}

type m = map[string]any

func TestOf(t *testing.T) {
	var index Index
	index.Learn(object.Ref{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Namespace: "argocd", Name: "shop"}, m{"spec": m{
		"source": m{"repoURL": "https://robot:s3cret@git.example/acme/deploy?x=1", "path": "./shop/prod/", "targetRevision": "main"},
	}})
	index.Learn(object.Ref{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Namespace: "argocd", Name: "many"}, m{"spec": m{
		"sources": []any{m{"repoURL": "git@git.example:acme/values.git"}, m{"repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.2.3"}},
	}})
	index.Learn(object.Ref{APIVersion: "source.toolkit.fluxcd.io/v1", Kind: "GitRepository", Namespace: "flux-system", Name: "fleet"}, m{
		"spec": m{"url": "ssh://git@git.example/acme/fleet", "ref": m{"branch": "main"}},
	})
	index.Learn(object.Ref{APIVersion: "kustomize.toolkit.fluxcd.io/v1", Kind: "Kustomization", Namespace: "flux-system", Name: "apps"}, m{
		"spec": m{"path": "./apps/prod", "sourceRef": m{"kind": "GitRepository", "name": "fleet"}},
	})
	deployment := object.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "api"}
	for _, test := range []struct {
		name    string
		ref     object.Ref
		content map[string]any
		want    []string
	}{
		{name: "nobody", content: content(m{"app": "api"}, nil)},
		{name: "a Helm release", content: content(m{"app.kubernetes.io/managed-by": "Helm"},
			m{"meta.helm.sh/release-name": "api", "meta.helm.sh/release-namespace": "shop"}), want: []string{"helm:api"}},
		{name: "a Helm release of another namespace", content: content(nil,
			m{"meta.helm.sh/release-name": "api", "meta.helm.sh/release-namespace": "tools"}), want: []string{"helm:tools/api"}},
		{name: "a chart that was rendered and applied", content: content(m{"app.kubernetes.io/managed-by": "Helm"}, nil), want: []string{"managed-by:Helm"}},
		{name: "Argo CD of another cluster, which left its name as field manager alone", content: m{"metadata": m{
			"managedFields": []any{m{"manager": "kubectl"}, m{"manager": "argocd-controller"}}}}, want: []string{"managed-by:argocd"}},
		{name: "Terraform", content: m{"metadata": m{"managedFields": []any{m{"manager": "Terraform"}}}}, want: []string{"managed-by:terraform"}},
		{name: "people and controllers", content: m{"metadata": m{"managedFields": []any{
			m{"manager": "kubectl-client-side-apply"}, m{"manager": "kube-controller-manager"}}}}},
		{name: "a label that names no tool", content: content(m{"app.kubernetes.io/managed-by": "platform-team"}, nil)},
		{name: "Argo CD, and no password of its repository", content: content(nil, m{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/api"}),
			want: []string{"argocd:shop from https://git.example/acme/deploy shop/prod@main"}},
		{name: "Argo CD's mark copied from another object", content: content(nil, m{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/other"})},
		{name: "Argo CD by label", content: content(m{"app.kubernetes.io/instance": "many"}, nil),
			want: []string{"argocd:many from git@git.example:acme/values.git, https://charts.example web@1.2.3"}},
		{name: "the instance label of a chart is no application", content: content(m{"app.kubernetes.io/instance": "api"}, nil)},
		{name: "Flux", content: content(m{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}, nil),
			want: []string{"flux:flux-system/apps from ssh://git.example/acme/fleet apps/prod@main"}},
		{name: "Flux Helm, source unknown", content: content(m{"helm.toolkit.fluxcd.io/name": "api", "helm.toolkit.fluxcd.io/namespace": "shop"}, nil),
			want: []string{"flux:api"}},
		{name: "Config Sync", content: content(m{"configmanagement.gke.io/sync-name": "team"}, m{
			"configmanagement.gke.io/managed": "enabled", "configmanagement.gke.io/source-path": "ns/shop/api.yaml",
			"configsync.gke.io/git-context": `{"repo":"https://git.example/acme/root","branch":"main"}`,
		}), want: []string{"configsync:team from https://git.example/acme/root ns/shop/api.yaml@main"}},
		{name: "Config Sync told to leave it alone", content: content(nil, m{"configmanagement.gke.io/managed": "disabled"})},
		{name: "an operator", content: content(nil, nil, m{"kind": "Prometheus", "name": "k8s", "controller": true}), want: []string{"owner:Prometheus/k8s"}},
		{name: "an owner that is no controller", content: content(nil, nil, m{"kind": "Team", "name": "shop"})},
		{name: "a GKE add-on", content: content(m{"addonmanager.kubernetes.io/mode": "Reconcile"}, nil), want: []string{"gke"}},
		{name: "a system namespace", ref: object.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "gke-managed-cim", Name: "x"},
			content: content(nil, nil), want: []string{"gke"}},
		{name: "nothing at all", content: nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			ref := test.ref
			if ref.Name == "" {
				ref = deployment
			}
			if got := index.Of(ref, test.content); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
