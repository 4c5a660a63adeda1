package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dekey/scanner"
)

func node(name, pool, metadata, provider string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name, "zone": "a"}}}
	if pool != "" {
		n.Labels[labelPool] = pool
	}
	if metadata != "" {
		n.Labels[labelMetadata] = metadata
	}
	n.Spec.ProviderID = provider
	return n
}

func TestClusterFacts(t *testing.T) {
	for _, test := range []struct {
		name    string
		place   place
		version string
		nodes   []*corev1.Node
		id      string
		gke     scanner.Tri
		modes   map[string]string
	}{
		{name: "nothing is known", place: place{context: "prod"}, version: "v1.36.3", id: "cluster:prod", gke: scanner.Unknown},
		{name: "inside a pod", place: place{server: "https://10.0.0.1"}, id: "cluster:https://10.0.0.1", gke: scanner.Unknown},
		{
			name: "a GKE cluster under gcloud's name", place: place{context: "gke_acme-prod_europe-west1_main"}, version: "v1.33.5-gke.1200000",
			nodes: []*corev1.Node{node("a", "old", "", "gce://acme-prod/europe-west1-b/a"), node("b", "new", "true", "gce://acme-prod/europe-west1-b/b")},
			id:    "acme-prod/europe-west1/main", gke: scanner.Yes, modes: map[string]string{"new": "GKE_METADATA", "old": "GCE_METADATA"},
		},
		{
			name: "a context that was renamed", place: place{context: "prod", entry: "gke_acme-prod_europe-west1_main"}, version: "v1.33.5-gke.1",
			id: "acme-prod/europe-west1/main", gke: scanner.Yes,
		},
		{
			name: "a name that the nodes contradict", place: place{context: "gke_acme-test_europe-west1_main"}, version: "v1.33.5-gke.1",
			nodes: []*corev1.Node{node("a", "p", "true", "gce://acme-prod/europe-west1-b/a")},
			id:    "cluster:gke_acme-test_europe-west1_main", gke: scanner.Yes, modes: map[string]string{"p": "GKE_METADATA"},
		},
		{
			name: "a pool that is being changed", place: place{context: "c"}, gke: scanner.Yes, id: "cluster:c",
			nodes: []*corev1.Node{node("a", "p", "true", ""), node("b", "p", "", "")}, modes: map[string]string{"p": ""},
		},
		{name: "another provider", place: place{context: "c"}, nodes: []*corev1.Node{node("a", "", "", "aws:///eu-west-1a/i-1")}, id: "cluster:c", gke: scanner.No},
		{name: "Compute Engine without GKE", place: place{context: "c"}, nodes: []*corev1.Node{node("a", "", "", "gce://p/z/a")}, id: "cluster:c", gke: scanner.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			var f nodeFacts
			for _, n := range test.nodes {
				f.add(n)
			}
			c := f.cluster(test.place, test.version)
			if c.ID != test.id || c.GKE != test.gke {
				t.Errorf("got %q, GKE %s; want %q, %s", c.ID, c.GKE, test.id, test.gke)
			}
			modes := map[string]string{}
			for _, p := range c.NodePools {
				modes[p.Name] = p.MetadataMode
				if p.Labels["kubernetes.io/hostname"] != "" || p.Labels["zone"] != "a" {
					t.Errorf("pool %s has labels %v", p.Name, p.Labels)
				}
			}
			if len(modes) != len(test.modes) || len(modes) > 0 && !cmp.Equal(modes, test.modes) {
				t.Errorf("modes %v, want %v", modes, test.modes)
			}
		})
	}
}
