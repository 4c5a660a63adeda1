package planner

import (
	"fmt"
	"testing"
	"time"

	"dekey/scanner"
)

// fleet is a world of n workloads and two and a half role bindings for each: twenty workloads a namespace, half of them under
// service accounts of their own, a key for every fifth.
func fleet(n int) scanner.Inventory {
	b := newBuild()
	b.inv.Clusters = []scanner.Cluster{{ID: "acme-shop/europe-west1/prod", Pool: shopPool, GKE: scanner.Yes, NodePools: []scanner.NodePool{
		{Name: "a", MetadataMode: "GKE_METADATA"}, {Name: "b", MetadataMode: "GCE_METADATA", Labels: map[string]string{"pool": "b"}},
	}}}
	b.inv.Workloads = make([]scanner.Workload, 0, n)
	for i := range n {
		ns := fmt.Sprintf("team-%d", i/20)
		ksa := ""
		if i%2 == 0 {
			ksa = fmt.Sprintf("app-%d", i)
			b.serviceAccount(ns, ksa, nil)
		}
		account := fmt.Sprintf("account-%d@acme-shop.iam.gserviceaccount.com", i/10)
		key := fmt.Sprintf("key-%d", i/5)
		if i%5 == 0 {
			b.key(key, account, ns, key)
		}
		if i%10 == 0 {
			b.inv.Accounts = append(b.inv.Accounts, scanner.Account{Email: account, PolicyRead: true, Bindings: []scanner.Binding{{
				Role: RoleWorkloadIdentityUser, Members: []string{Principal{Pool: shopPool, Namespace: ns, Name: fmt.Sprintf("app-%d", i)}.Member()},
			}}})
		}
		b.mounted(b.workload(deployment(ns, fmt.Sprintf("app-%d", i)), ksa), key, key)
		for j := range 2 + i%2 {
			kind, in := "RoleBinding", ns
			if j == 1 {
				kind, in = "ClusterRoleBinding", ""
			}
			name := ksa
			if name == "" {
				name = fmt.Sprintf("other-%d", i)
			}
			b.inv.RoleBindings = append(b.inv.RoleBindings, scanner.RoleBinding{
				Ref:     scanner.Ref{APIVersion: "rbac.authorization.k8s.io/v1", Kind: kind, Namespace: in, Name: fmt.Sprintf("binding-%d-%d", i, j)},
				RoleRef: scanner.Ref{Kind: "ClusterRole", Name: "view"}, Subjects: []scanner.Subject{{Kind: "ServiceAccount", Namespace: ns, Name: name}}, Origins: origin("rbac.yaml", i),
			})
		}
	}
	return b.inv
}

// BenchmarkNew plans 20,000 workloads with 50,000 role bindings, and half of both: twice the size takes at most 2.3 times
// as long.
func BenchmarkNew(b *testing.B) {
	for _, n := range []int{10_000, 20_000} {
		inv := fleet(n)
		b.Run(fmt.Sprintf("workloads=%d/bindings=%d", n, len(inv.RoleBindings)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := New(inv, shop)
				if err != nil || len(p.Moves) != n {
					b.Fatalf("%d moves, %v", len(p.Moves), err)
				}
			}
		})
	}
}

// BenchmarkCheck holds the same plans against their inventories.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{10_000, 20_000} {
		inv := fleet(n)
		p, err := New(inv, shop)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("workloads=%d", n), func(b *testing.B) {
			for b.Loop() {
				if found := Check(inv, p); len(found) > 0 {
					b.Fatal(found[0])
				}
			}
		})
	}
}

// Planning is linear in workloads and bindings. The sizes are smaller than the benchmark's, the shortest of several runs
// counts, and the bound leaves room for a busy machine: a quadratic step takes four times as long.
func TestPlanningIsLinear(t *testing.T) {
	const n = 4_000
	once, twice := fleet(n), fleet(2*n)
	ratio := 0.0
	for range 5 {
		ratio = float64(shortest(t, twice)) / float64(shortest(t, once))
		if ratio <= 2.6 {
			return
		}
	}
	t.Errorf("twice the size takes %.1f times as long", ratio)
}

func shortest(t *testing.T, inv scanner.Inventory) time.Duration {
	t.Helper()
	best := time.Duration(1 << 62)
	for range 5 {
		start := time.Now()
		if _, err := New(inv, shop); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	return best
}
