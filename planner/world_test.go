package planner

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"dekey/scanner"
	"dekey/scanner/object"
)

const (
	shopPool = "acme-shop.svc.id.goog"
	payments = "payments-api@acme-shop.iam.gserviceaccount.com"
	ledger   = "ledger@acme-shop.iam.gserviceaccount.com"
)

var shop = Policy{Pool: shopPool, ProjectNumber: "123456789012"}

// A build makes inventories for tests.
type build struct{ inv scanner.Inventory }

func origin(path string, line int) []scanner.Origin {
	return []scanner.Origin{{Source: "repo", Path: path, Document: 1, Line: line, Column: 1}}
}

func newBuild() *build {
	b := &build{}
	b.inv.APIVersion, b.inv.Kind = scanner.APIVersion, "Inventory"
	b.inv.Sources = []scanner.Source{{ID: "repo", Kind: "repository", Root: "."}}
	return b
}

// key adds a key that was read, in a Secret of the namespace.
func (b *build) key(id, email, namespace, secret string) {
	b.inv.Keys = append(b.inv.Keys, scanner.Key{
		ID: id, Type: scanner.TypeServiceAccount, Email: email, Project: ProjectOf(email), KeyID: fmt.Sprintf("%040x", len(b.inv.Keys)+1), Universe: "googleapis.com",
		Copies: []scanner.Copy{{Holder: scanner.Holder{Kind: "Secret", Namespace: namespace, Name: secret, Entry: "key.json"}, Origin: origin("secret.yaml", 1)[0]}},
	})
	b.inv.Secrets = append(b.inv.Secrets, scanner.Secret{
		Ref:     scanner.Ref{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: secret},
		Entries: []scanner.SecretEntry{{Name: "key.json", Holds: scanner.Yes, Key: id}}, Read: true, Origins: origin("secret.yaml", 1),
		Provenance: []scanner.Provenance{{Kind: "plain"}},
	})
}

func deployment(namespace, n string) scanner.Ref {
	return scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: n}
}

var podPath = object.Keys("spec", "template", "spec")

// workload adds a workload with one container, app.
func (b *build) workload(ref scanner.Ref, ksa string) *scanner.Workload {
	path := podPath
	switch ref.Kind {
	case "Pod":
		path = object.Keys("spec")
	case "CronJob":
		path = object.Keys("spec", "jobTemplate", "spec", "template", "spec")
	}
	spec := scanner.PodSpec{
		Path: path, ServiceAccountName: ksa,
		Containers: []scanner.Container{{Name: "app", Type: "container", Field: path.Join(object.Key("containers"), object.Item("name", "app")), Image: "acme/app:1"}},
	}
	b.inv.Workloads = append(b.inv.Workloads, scanner.Workload{
		Ref: ref, ServiceAccount: cmp.Or(ksa, "default"), Origins: origin(ref.Name+".yaml", 1), PodSpecs: []scanner.PodSpec{spec},
	})
	return &b.inv.Workloads[len(b.inv.Workloads)-1]
}

// mounted wires a Secret into the workload's container app by GOOGLE_APPLICATION_CREDENTIALS, a mount and a volume.
func (b *build) mounted(w *scanner.Workload, secret, key string) *scanner.Finding {
	return b.mountedIn(w, "app", secret, key)
}

func (b *build) mountedIn(w *scanner.Workload, container, secret, key string) *scanner.Finding {
	p := &w.PodSpecs[0]
	volume := "vol-" + secret
	i := slices.IndexFunc(p.Containers, func(c scanner.Container) bool { return c.Name == container })
	c := &p.Containers[i]
	if !slices.ContainsFunc(p.Volumes, func(v scanner.Volume) bool { return v.Name == volume }) {
		field := p.Path.Join(object.Key("volumes"), object.Item("name", volume))
		p.Volumes = append(p.Volumes, scanner.Volume{Name: volume, Field: field, Sources: []scanner.VolumeSource{{
			Kind: "Secret", Name: secret, Field: field, Files: []scanner.VolumeFile{{Entry: "key.json", Path: "key.json", Key: key, Holds: scanner.Yes}},
		}}})
	}
	if !slices.ContainsFunc(c.Mounts, func(m scanner.VolumeMount) bool { return m.MountPath == "/secrets/"+secret }) {
		c.Mounts = append(c.Mounts, scanner.VolumeMount{Volume: volume, MountPath: "/secrets/" + secret, Field: c.Field.Join(object.Key("volumeMounts"), object.Item("mountPath", "/secrets/"+secret))})
	}
	c.Env = append(c.Env, "GOOGLE_APPLICATION_CREDENTIALS")
	return b.finding(scanner.Finding{
		Workload: w.Ref, Container: container, ContainerType: c.Type, Via: scanner.EnvFile, Env: "GOOGLE_APPLICATION_CREDENTIALS", Path: "/secrets/" + secret + "/key.json", Volume: volume,
		Secret: scanner.Holder{Kind: "Secret", Namespace: w.Ref.Namespace, Name: secret, Entry: "key.json"}, Key: key, PodSpec: p.Path,
		At:       []scanner.Path{c.Field.Join(object.Key("env"), object.Item("name", "GOOGLE_APPLICATION_CREDENTIALS"))},
		Standard: true, Origins: w.Origins,
	})
}

func (b *build) finding(f scanner.Finding) *scanner.Finding {
	f.ID = fmt.Sprintf("f%03d", len(b.inv.Findings)+1)
	b.inv.Findings = append(b.inv.Findings, f)
	return &b.inv.Findings[len(b.inv.Findings)-1]
}

func (b *build) serviceAccount(namespace, n string, annotations map[string]string) *scanner.ServiceAccount {
	b.inv.ServiceAccounts = append(b.inv.ServiceAccounts, scanner.ServiceAccount{
		Ref: scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: namespace, Name: n}, Annotations: annotations, Origins: origin("sa.yaml", 1),
	})
	return &b.inv.ServiceAccounts[len(b.inv.ServiceAccounts)-1]
}

func (b *build) plan(t *testing.T, policy Policy) Plan {
	t.Helper()
	p, err := New(b.inv, policy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// one gives the only move, or fails with the holds.
func one(t *testing.T, p Plan) Move {
	t.Helper()
	if len(p.Moves) != 1 {
		t.Fatalf("%d moves, want 1; holds: %+v", len(p.Moves), p.Holds)
	}
	return p.Moves[0]
}

func editList(edits []Edit) []string {
	list := []string{}
	for _, e := range edits {
		s := e.Op + " " + e.Object.String() + " " + e.Field.String()
		if e.Op == OpSet || e.Op == OpAppend {
			s += fmt.Sprintf(" = %v", e.Value)
		}
		list = append(list, s)
	}
	return list
}
