package manifest_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"dekey/scanner"
	"dekey/scanner/manifest"
)

// clone makes the folder a clone of the addresses, of which git never hears more than their text.
func clone(t *testing.T, root string, addresses ...string) {
	t.Helper()
	commands := [][]string{{"init", "-q"}}
	for i, address := range addresses {
		commands = append(commands, []string{"remote", "add", "origin" + strings.Repeat("2", i), address})
	}
	for _, args := range commands {
		if out, err := exec.Command("git", append([]string{"-C", root}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
}

// A path of another repository is none of this checkout, even where a folder is called the same: its namespace would be
// somebody else's.
func TestDeploymentsOfOtherRepositories(t *testing.T) {
	argo := func(repo string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: prod, namespace: argocd}\nspec:\n  destination: {namespace: prod}\n  source: {repoURL: '" + repo + "', path: apps/api}\n"
	}
	flux := func(repo string) string {
		return "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: shop, namespace: flux-system}\nspec: {url: '" + repo + "'}\n---\n" +
			"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: prod, namespace: flux-system}\nspec: {path: ./apps/api, targetNamespace: prod, sourceRef: {kind: GitRepository, name: shop}}\n"
	}
	for _, test := range []struct {
		name, object string
		remotes      []string
		want         string
	}{
		{"the same repository over another protocol", argo("https://github.com/acme/shop"), []string{"git@github.com:Acme/shop.git"}, "prod"},
		{"another repository of the same name", argo("https://github.com/acme/shop"), []string{"https://github.com/other/shop.git"}, ""},
		{"a second remote", argo("ssh://git@github.com:22/acme/shop.git"), []string{"https://github.com/me/shop.git", "https://github.com/acme/shop.git"}, "prod"},
		{"no remote is known", argo("https://github.com/acme/shop"), nil, "prod"},
		{"cloned from a folder", argo("https://github.com/acme/shop"), []string{"/srv/git/shop.git"}, "prod"},
		{"the address is a parameter", argo("{{ .repo }}"), []string{"https://github.com/other/shop.git"}, "prod"},
		{"Flux, the same", flux("ssh://git@github.com/acme/shop"), []string{"https://token@github.com/acme/shop.git/"}, "prod"},
		{"Flux, another", flux("ssh://git@github.com/acme/shop"), []string{"https://github.com/acme/other"}, ""},
	} {
		root := write(t, map[string]string{"apps/api/api.yaml": api, "clusters/prod.yaml": test.object})
		clone(t, root, test.remotes...)
		h := read(t, manifest.Options{Root: root})
		i := slices.IndexFunc(h.objects, func(o *scanner.Object) bool { return o.Ref.Kind == "Deployment" })
		if i < 0 || h.objects[i].Ref.Namespace != test.want {
			t.Errorf("%s: %+v, want the namespace %q", test.name, h.objects, test.want)
		}
		for _, gap := range h.gaps {
			t.Errorf("%s: %+v", test.name, gap)
		}
	}
}

// A checkout that is a folder of its repository has the paths of Applications from the repository's top.
func TestDeploymentsFromTheTop(t *testing.T) {
	root := write(t, map[string]string{
		"deploy/apps/api/api.yaml": api,
		"deploy/argocd.yaml":       "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: prod, namespace: argocd}\nspec:\n  destination: {namespace: prod}\n  source: {path: deploy/apps/api}\n",
	})
	clone(t, root)
	h := read(t, manifest.Options{Root: root + "/deploy"})
	if i := slices.IndexFunc(h.objects, func(o *scanner.Object) bool { return o.Ref.Kind == "Deployment" }); i < 0 || h.objects[i].Ref.Namespace != "prod" {
		t.Errorf("%+v", h.objects)
	}
}
