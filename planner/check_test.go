package planner

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"dekey/scanner"
	"dekey/scanner/object"
)

// shopWorld is a world in which one workload moves to a new service account, one keeps its own, one is held, and one is a
// bystander under default.
func shopWorld(t *testing.T) (scanner.Inventory, Plan) {
	t.Helper()
	b := newBuild()
	b.key("k1", payments, "payments", "api-key")
	b.key("k2", ledger, "payments", "ledger-key")
	automount := false
	old := b.serviceAccount("payments", "default", map[string]string{"eks.amazonaws.com/role-arn": "arn"})
	old.ImagePullSecrets, old.Automount = []string{"registry"}, &automount
	b.serviceAccount("payments", "ledger", nil)
	b.mounted(b.workload(deployment("payments", "api"), ""), "api-key", "k1")
	b.mounted(b.workload(deployment("payments", "ledger"), "ledger"), "ledger-key", "k2")
	held := b.mounted(b.workload(deployment("payments", "reader"), ""), "api-key", "k1")
	held.Standard = false
	b.workload(deployment("payments", "web"), "")
	b.inv.RoleBindings = []scanner.RoleBinding{{
		Ref:     scanner.Ref{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding", Namespace: "payments", Name: "view"},
		RoleRef: scanner.Ref{Kind: "ClusterRole", Name: "view"}, Subjects: []scanner.Subject{{Kind: "ServiceAccount", Namespace: "payments", Name: "default"}}, Origins: origin("rbac.yaml", 1),
	}}
	p := b.plan(t, shop)
	if len(p.Moves) != 2 || len(p.Holds) != 1 {
		t.Fatalf("%d moves, %d holds", len(p.Moves), len(p.Holds))
	}
	if found := Check(b.inv, p); len(found) > 0 {
		t.Fatalf("the plan breaks already: %v", found)
	}
	return b.inv, p
}

// A check that cannot fail is a defect: every planted breach is caught, with its own code.
func TestCheckCatchesBreaches(t *testing.T) {
	api, dedicated := 0, 1
	remove := func(m *Move, part string) {
		m.Edits = slices.DeleteFunc(m.Edits, func(e Edit) bool { return strings.Contains(e.Op+" "+e.Object.String()+" "+e.Field.String(), part) })
	}
	created := func(m *Move) map[string]any {
		i := slices.IndexFunc(m.Edits, func(e Edit) bool { return e.Op == OpCreate && e.Object.Kind == "ServiceAccount" })
		return m.Edits[i].Value.(map[string]any)
	}
	for _, test := range []struct {
		name, code string
		breach     func(inv *scanner.Inventory, p *Plan)
	}{
		{"roles of the old service account itself", "lost", func(inv *scanner.Inventory, _ *Plan) {
			inv.ServiceAccounts[0].Grants = []scanner.Grant{{Resource: "//storage.googleapis.com/projects/_/buckets/b", Role: "roles/storage.objectViewer"}}
		}},
		{"roles of a service account that is annotated", "lost", func(inv *scanner.Inventory, _ *Plan) {
			inv.ServiceAccounts[1].Grants = []scanner.Grant{{Resource: "//storage.googleapis.com/projects/_/buckets/b", Role: "roles/storage.objectViewer"}}
		}},
		{"the node's identity of a sidecar", "lost", func(inv *scanner.Inventory, _ *Plan) {
			p := &inv.Workloads[0].PodSpecs[0]
			p.Containers = append(p.Containers, scanner.Container{Name: "agent", Type: "container", Metadata: "used: command names the metadata server"})
		}},
		{"a network policy that selects a bystander", "bystander", func(inv *scanner.Inventory, p *Plan) {
			ref := scanner.Ref{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Namespace: "payments", Name: "open"}
			p.Moves[api].Edits = append(p.Moves[api].Edits, Edit{Object: ref, Op: OpCreate, Value: map[string]any{"spec": map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app": "web"}}}}})
			for i := range inv.Workloads {
				inv.Workloads[i].PodSpecs[0].Labels = map[string]string{"app": "web"}
			}
		}},
		{"a finding in no place", "finding-place", func(_ *scanner.Inventory, p *Plan) { p.Holds = nil }},
		{"a finding in two places", "finding-place", func(_ *scanner.Inventory, p *Plan) {
			p.Holds[0].Findings = append(p.Holds[0].Findings, p.Moves[api].Findings...)
		}},
		{"a finding that nobody found", "finding-place", func(_ *scanner.Inventory, p *Plan) { p.Moves[api].Findings = append(p.Moves[api].Findings, "f999") }},
		{"half a workload moves", "finding-place", func(inv *scanner.Inventory, p *Plan) {
			f := inv.Findings[0]
			f.ID = "f900"
			inv.Findings = append(inv.Findings, f)
			p.Holds = append(p.Holds, Hold{Workload: f.Workload, Code: HoldWorkloadHeld, Findings: []string{"f900"}})
		}},
		{"an image pull moves", "finding-place", func(inv *scanner.Inventory, p *Plan) {
			f := inv.Findings[0]
			f.ID, f.Via = "f900", scanner.ImagePull
			inv.Findings = append(inv.Findings, f)
			p.Moves[api].Findings = append(p.Moves[api].Findings, "f900")
		}},
		{"a workload moves twice", "finding-place", func(_ *scanner.Inventory, p *Plan) { p.Moves = append(p.Moves, p.Moves[api]) }},
		{"a move in no wave", "wave", func(_ *scanner.Inventory, p *Plan) { p.Waves = nil }},
		{"a grant for default", "default", func(_ *scanner.Inventory, p *Plan) {
			p.Moves[api].ServiceAccount.Name = "default"
			p.Moves[api].Grants[0].Member = "serviceAccount:" + shopPool + "[payments/default]"
		}},
		{"default is annotated", "default", func(_ *scanner.Inventory, p *Plan) {
			p.Moves[api].Edits = append(p.Moves[api].Edits, Edit{Object: scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "payments", Name: "default"}, Op: OpSet, Field: object.Keys("metadata", "annotations", AccountAnnotation), Value: payments})
		}},
		{"annotating default widens its bystander", "access", func(_ *scanner.Inventory, p *Plan) {
			p.Moves[api].Edits = append(p.Moves[api].Edits, Edit{Object: scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "payments", Name: "default"}, Op: OpSet, Field: object.Keys("metadata", "annotations", AccountAnnotation), Value: payments})
		}},
		{"a grant on another account", "grant", func(_ *scanner.Inventory, p *Plan) { p.Moves[api].Grants[0].Resource = AccountResource(ledger) }},
		{"a grant for another service account", "grant", func(_ *scanner.Inventory, p *Plan) {
			p.Moves[api].Grants[0].Member = "serviceAccount:" + shopPool + "[payments/web]"
		}},
		{"a grant for the namespace", "grant", func(_ *scanner.Inventory, p *Plan) {
			p.Moves[api].Grants[0].Member = Principal{Pool: shopPool, Number: "1", Namespace: "payments"}.URI()
		}},
		{"a role more", "grant", func(_ *scanner.Inventory, p *Plan) {
			p.Moves[api].Grants = append(p.Moves[api].Grants, Grant{Resource: AccountResource(payments), Role: "roles/owner", Member: "serviceAccount:" + payments})
		}},
		{"no grant", "grant", func(_ *scanner.Inventory, p *Plan) { p.Moves[api].Grants = nil }},
		{"the wrong account is annotated", "access", func(_ *scanner.Inventory, p *Plan) {
			created(&p.Moves[api])["metadata"].(map[string]any)["annotations"].(map[string]any)[AccountAnnotation] = ledger
		}},
		{"a gain without a notice", "gained", func(_ *scanner.Inventory, p *Plan) {
			created(&p.Moves[api])["metadata"].(map[string]any)["annotations"].(map[string]any)[AccountAnnotation] = ledger
			p.Access[0].After = []string{ledger, payments}
		}},
		{"a loss", "lost", func(_ *scanner.Inventory, p *Plan) { p.Access[1].After = nil }},
		{"access leaves somebody out", "access", func(_ *scanner.Inventory, p *Plan) { p.Access = p.Access[1:] }},
		{"access names somebody whom nothing shows", "access", func(_ *scanner.Inventory, p *Plan) { p.Access[0].Before = []string{ledger, payments} }},
		{"a role is left behind", "lost", func(_ *scanner.Inventory, p *Plan) { remove(&p.Moves[api], "append payments/RoleBinding/view") }},
		{"a role for somebody else", "gained", func(_ *scanner.Inventory, p *Plan) {
			for i := range p.Moves[api].Edits {
				if p.Moves[api].Edits[i].Op == OpAppend {
					p.Moves[api].Edits[i].Value = map[string]any{"kind": "Group", "name": "system:authenticated"}
				}
			}
		}},
		{"a pull secret is left behind", "lost", func(_ *scanner.Inventory, p *Plan) { delete(created(&p.Moves[api]), "imagePullSecrets") }},
		{"the automount setting is left behind", "lost", func(_ *scanner.Inventory, p *Plan) { delete(created(&p.Moves[api]), "automountServiceAccountToken") }},
		{"tokens are mounted that were not", "lost", func(_ *scanner.Inventory, p *Plan) { created(&p.Moves[api])["automountServiceAccountToken"] = true }},
		{"another cloud's annotation is left behind", "lost", func(_ *scanner.Inventory, p *Plan) {
			delete(created(&p.Moves[api])["metadata"].(map[string]any)["annotations"].(map[string]any), "eks.amazonaws.com/role-arn")
		}},
		{"a new service account that is not written", "lost", func(_ *scanner.Inventory, p *Plan) { remove(&p.Moves[api], "create payments/ServiceAccount") }},
		{"a new name that is taken", "name", func(inv *scanner.Inventory, p *Plan) {
			inv.ServiceAccounts = append(inv.ServiceAccounts, scanner.ServiceAccount{Ref: scanner.Ref{Kind: "ServiceAccount", Namespace: "payments", Name: "api"}})
		}},
		{"another workload is edited", "bystander", func(_ *scanner.Inventory, p *Plan) {
			p.Moves[api].Edits = append(p.Moves[api].Edits, Edit{Object: deployment("payments", "web"), Op: OpSet, Field: object.Keys("spec", "replicas"), Value: 0})
		}},
		{"a Secret is deleted", "bystander", func(_ *scanner.Inventory, p *Plan) {
			p.Moves[api].Edits = append(p.Moves[api].Edits, Edit{Object: scanner.Ref{Kind: "Secret", Namespace: "payments", Name: "api-key"}, Op: OpRemove, Field: object.Keys("data")})
		}},
		{"the variable stays", "wiring", func(_ *scanner.Inventory, p *Plan) { remove(&p.Moves[api], "env[") }},
		{"the mount stays", "wiring", func(_ *scanner.Inventory, p *Plan) { remove(&p.Moves[api], "volumeMounts") }},
		{"another entry goes with the volume", "bystander", func(inv *scanner.Inventory, _ *Plan) {
			v := &inv.Workloads[0].PodSpecs[0].Volumes[0].Sources[0]
			v.Files = append(slices.Clone(v.Files), scanner.VolumeFile{Entry: "password", Path: "password", Holds: scanner.No})
		}},
		{"a volume with other sources goes", "bystander", func(inv *scanner.Inventory, _ *Plan) { inv.Workloads[0].PodSpecs[0].Volumes[0].Other = true }},
		{"a mount goes that a probe names", "bystander", func(inv *scanner.Inventory, _ *Plan) {
			inv.Workloads[0].PodSpecs[0].Containers[0].Mounts[0].Mentions = []string{"livenessProbe"}
		}},
		{"a container loses a mount and gives up no key", "wiring", func(inv *scanner.Inventory, _ *Plan) {
			s := &inv.Workloads[0].PodSpecs[0]
			s.Containers = append(s.Containers, scanner.Container{Name: "side", Mounts: []scanner.VolumeMount{{Volume: "vol-api-key", MountPath: "/x", Field: object.Keys("spec", "x")}}})
		}},
		{"ready with an unmoved consumer", "ready", func(_ *scanner.Inventory, p *Plan) { ready(p, "k1") }},
		{"ready with unknown use", "ready", func(_ *scanner.Inventory, p *Plan) { ready(p, "k2") }},
		{"a wrong count", "ready", func(_ *scanner.Inventory, p *Plan) { p.Retirements[0].Moved = 7 }},
		{"a key without a retirement", "ready", func(_ *scanner.Inventory, p *Plan) { p.Retirements = p.Retirements[:1] }},
		{"ready with blockers", "ready", func(_ *scanner.Inventory, p *Plan) { p.Retirements[0].Ready = true }},
		{"the kept service account is not annotated", "access", func(_ *scanner.Inventory, p *Plan) {
			remove(&p.Moves[dedicated], "set payments/ServiceAccount")
			p.Moves[dedicated].Grants = nil
		}},
	} {
		inv, p := shopWorld(t)
		test.breach(&inv, &p)
		found := Check(inv, p)
		if !slices.ContainsFunc(found, func(v Violation) bool { return v.Code == test.code }) {
			t.Errorf("%s: not caught as %s; found %v", test.name, test.code, found)
		}
	}
}

func ready(p *Plan, key string) {
	for i := range p.Retirements {
		if p.Retirements[i].Key == key {
			p.Retirements[i].Ready, p.Retirements[i].BlockedBy = true, nil
		}
	}
}

// What is found is the same when the plan was written and read again.
func TestCheckOfReadPlan(t *testing.T) {
	inv, p := shopWorld(t)
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var read Plan
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if found := Check(inv, read); len(found) > 0 {
		t.Errorf("%v", found)
	}
}
