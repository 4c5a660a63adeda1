package planner

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"dekey/scanner"
	"dekey/scanner/object"
)

var (
	worlds = flag.Int("worlds", 10_000, "how many random worlds to plan")
	seed   = flag.Uint64("seed", 0, "the seed of the first world; 0 takes one from the clock")
)

// No random world is widened, and nothing is lost in any: the finished plan is held against the inventory by a check that
// shares nothing with the planner.
func TestNoWorldIsWidenedOrLoses(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d; go test ./planner -run %s -seed %d -worlds 1 repeats one", first, t.Name(), first)
	var moves, holds, created int
	codes := make(map[string]int)
	for i := range uint64(*worlds) {
		inv, policy := randomWorld(rand.New(rand.NewPCG(first+i, 1)))
		before, err := json.Marshal(inv)
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(inv, policy)
		if err != nil {
			t.Fatalf("seed %d: %v", first+i, err)
		}
		for _, v := range Check(inv, p) {
			t.Errorf("seed %d: %s", first+i, v)
		}
		if after, _ := json.Marshal(inv); string(after) != string(before) {
			t.Errorf("seed %d: the inventory was changed", first+i)
		}
		if n := len(p.Moves); n > 0 { // a move that turns out not to be writable takes nothing from anybody either
			withdrawn, err := Withdraw(p, p.Moves[int(i)%n].ID, Hold{Code: HoldNotProvable, Reason: "an alias"})
			if err != nil {
				t.Fatalf("seed %d: %v", first+i, err)
			}
			for _, v := range Check(inv, withdrawn) {
				t.Errorf("seed %d: withdrawn: %s", first+i, v)
			}
		}
		again, _ := New(shuffled(inv, rand.New(rand.NewPCG(first+i, 2))), policy)
		if !reflect.DeepEqual(again.Moves, p.Moves) {
			t.Errorf("seed %d: another order of the input gives other moves", first+i)
		}
		moves += len(p.Moves)
		holds += len(p.Holds)
		for _, m := range p.Moves {
			if m.ServiceAccount.Create {
				created++
			}
			for _, n := range m.Notices {
				codes[n.Code]++
			}
		}
		for _, h := range p.Holds {
			codes[h.Code]++
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("%d worlds: %d moves (%d with a new service account), %d holds; %v", *worlds, moves, created, holds, codes)
	if moves < *worlds/2 || holds < *worlds/2 {
		t.Errorf("%d moves and %d holds: the worlds are too plain to show anything", moves, holds)
	}
}

// shuffled is the same inventory in another order.
func shuffled(inv scanner.Inventory, r *rand.Rand) scanner.Inventory {
	inv.Workloads, inv.Findings = slices.Clone(inv.Workloads), slices.Clone(inv.Findings)
	inv.RoleBindings = slices.Clone(inv.RoleBindings)
	r.Shuffle(len(inv.Workloads), func(i, j int) { inv.Workloads[i], inv.Workloads[j] = inv.Workloads[j], inv.Workloads[i] })
	r.Shuffle(len(inv.RoleBindings), func(i, j int) {
		inv.RoleBindings[i], inv.RoleBindings[j] = inv.RoleBindings[j], inv.RoleBindings[i]
	})
	return inv
}

// A roller makes a random world.
type roller struct {
	*rand.Rand
	*build
	policy   Policy
	accounts []string
	spaces   []string
}

func (r *roller) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r *roller, list []T) T { return list[r.IntN(len(list))] }

func randomWorld(random *rand.Rand) (scanner.Inventory, Policy) {
	r := &roller{Rand: random, build: newBuild(), policy: shop, spaces: []string{"payments", "web", "staging"}[:1+random.IntN(3)]}
	for i := range 1 + r.IntN(4) {
		project := "acme-shop"
		if r.chance(20) {
			project = "acme-data"
		}
		r.accounts = append(r.accounts, fmt.Sprintf("account-%d@%s.iam.gserviceaccount.com", i, project))
	}
	r.clusters()
	r.serviceAccounts()
	for i := range 1 + r.IntN(9) {
		r.randomWorkload(i)
	}
	r.randomBindings()
	r.google()
	r.randomPolicy()
	return r.inv, r.policy
}

func (r *roller) clusters() {
	for i := range r.IntN(3) {
		id := fmt.Sprintf("acme-shop/europe-west1/c%d", i)
		r.inv.Sources = append(r.inv.Sources, scanner.Source{ID: "live" + fmt.Sprint(i), Kind: "cluster"})
		pool := shopPool
		if i == 1 && r.chance(30) {
			pool = "acme-other.svc.id.goog"
		}
		c := scanner.Cluster{ID: id, Source: "live" + fmt.Sprint(i), Pool: pool, GKE: scanner.Yes, NodePools: []scanner.NodePool{}, Complete: []string{}}
		for _, ns := range r.spaces {
			if r.chance(50) {
				c.Complete = append(c.Complete, ns)
			}
		}
		for j := range r.IntN(3) {
			c.NodePools = append(c.NodePools, scanner.NodePool{Name: fmt.Sprintf("pool-%d", j), MetadataMode: pick(r, []string{"GKE_METADATA", "GKE_METADATA", "GCE_METADATA", ""})})
		}
		r.inv.Clusters = append(r.inv.Clusters, c)
	}
}

var ksaNames = []string{"default", "shared", "app-0", "app-1", "app-2", "worker"}

func (r *roller) serviceAccounts() {
	for _, ns := range r.spaces {
		for _, n := range ksaNames {
			for live := range 2 {
				if !r.chance(45) {
					continue
				}
				sa := r.serviceAccount(ns, n, map[string]string{})
				if live == 1 {
					sa.Live = true
					sa.Origins = []scanner.Origin{{Source: "live0"}}
					if r.chance(10) {
						sa.Managers = []string{"helm:x"}
					}
				}
				if r.chance(15) {
					sa.Annotations[AccountAnnotation] = pick(r, r.accounts)
				}
				if r.chance(20) {
					sa.Annotations["eks.amazonaws.com/role-arn"] = "arn"
				}
				if r.chance(30) {
					sa.ImagePullSecrets = []string{"registry"}
				}
				if r.chance(20) {
					automount := r.chance(50)
					sa.Automount = &automount
				}
				if r.chance(5) {
					sa.Grants = []scanner.Grant{{Resource: "//storage.googleapis.com/projects/_/buckets/b", Role: "roles/storage.objectViewer"}}
				}
			}
		}
	}
}

func (r *roller) randomWorkload(i int) {
	ns := pick(r, r.spaces)
	kind := pick(r, []string{"Deployment", "Deployment", "StatefulSet", "CronJob", "Pod"})
	ref := scanner.Ref{APIVersion: "apps/v1", Kind: kind, Namespace: ns, Name: pick(r, []string{fmt.Sprintf("app-%d", i), "app-0", "worker"})}
	if slices.ContainsFunc(r.inv.Workloads, func(w scanner.Workload) bool { return w.Ref == ref }) {
		return
	}
	ksa := pick(r, append(slices.Clone(ksaNames), "", "", "nowhere"))
	w := r.workload(ref, ksa)
	if r.chance(30) {
		w.PodSpecs[0].DeprecatedServiceAccount = ksa
	}
	if r.chance(40) {
		w.Origins = append(w.Origins, scanner.Origin{Source: "live0"})
	}
	if r.chance(10) {
		w.Origins = append(w.Origins, scanner.Origin{Source: "live1"})
	}
	if r.chance(5) {
		w.HostNetwork = true
	}
	if r.chance(3) {
		w.Conflict = "two files differ"
	}
	p := &w.PodSpecs[0]
	for j := range r.IntN(3) {
		field := p.Path.Join(object.Key("containers"), object.Item("name", fmt.Sprintf("side-%d", j)))
		side := scanner.Container{Name: fmt.Sprintf("side-%d", j), Type: "container", Field: field}
		if r.chance(10) {
			side.Metadata = "used: it asks the metadata server"
		}
		p.Containers = append(p.Containers, side)
	}
	at := len(r.inv.Workloads) - 1
	if r.chance(25) {
		return // a bystander
	}
	for range 1 + r.IntN(2) {
		r.randomUse(at)
	}
}

// randomUse wires a key into a container of the workload in one of many ways.
func (r *roller) randomUse(at int) {
	w := &r.inv.Workloads[at]
	ns := w.Ref.Namespace
	secret := pick(r, []string{"key-a", "key-b", "key-c"})
	id := r.keyOf(ns, secret)
	container := pick(r, w.PodSpecs[0].Containers).Name
	var f *scanner.Finding
	switch {
	case r.chance(75):
		f = r.mountedIn(w, container, secret, id)
	case r.chance(20):
		r.finding(scanner.Finding{Workload: w.Ref, Container: container, Via: scanner.ImagePull, Secret: scanner.Holder{Kind: "Secret", Namespace: ns, Name: secret, Entry: "key.json"}, Key: id})
		return
	case r.chance(40):
		f = r.finding(scanner.Finding{Workload: w.Ref, Container: container, Via: scanner.EnvValue, Env: "KEY", Secret: scanner.Holder{Kind: "Secret", Namespace: ns, Name: secret, Entry: "key.json"}, Key: id, PodSpec: w.PodSpecs[0].Path, At: []scanner.Path{object.Keys("spec", "x")}})
	case r.chance(50):
		issuer := scanner.Ref{APIVersion: "cert-manager.io/v1", Kind: "ClusterIssuer", Name: fmt.Sprintf("issuer-%d", len(r.inv.Findings))}
		r.finding(scanner.Finding{
			Workload: issuer, Via: scanner.Reference, Field: "spec.secret", Secret: scanner.Holder{Kind: "Secret", Namespace: ns, Name: secret, Entry: "key.json"}, Key: id,
			Recipe: []scanner.FieldEdit{{Op: OpRemove, Field: object.Keys("spec", "secret")}}, Identity: &scanner.Ref{Kind: "ServiceAccount", Namespace: ns, Name: pick(r, []string{"shared", "worker"})},
		})
		return
	default:
		f = r.mountedIn(w, container, secret, id)
		f.Elsewhere = &scanner.Holder{Kind: "ConfigMap", Namespace: ns, Name: "settings", Entry: f.Env}
		f.At = nil
		return
	}
	if r.chance(10) {
		f.Standard = false
	}
	p := &w.PodSpecs[0]
	i := slices.IndexFunc(p.Volumes, func(v scanner.Volume) bool { return v.Name == "vol-"+secret })
	if i < 0 || len(p.Volumes[i].Sources[0].Files) == 0 {
		return
	}
	v := &p.Volumes[i]
	switch {
	case r.chance(10):
		v.Sources[0].Files = append(v.Sources[0].Files, scanner.VolumeFile{Entry: "password", Path: "password", Holds: scanner.No})
	case r.chance(10):
		v.Sources[0].Items = true
		v.Sources[0].Files[0].Field = v.Field.Join(object.Key("secret"), object.Key("items"), object.At(0))
		v.Sources[0].Files = append(v.Sources[0].Files, scanner.VolumeFile{Entry: "ca", Path: "ca.pem", Holds: scanner.No, Field: v.Field.Join(object.Key("secret"), object.Key("items"), object.At(1))})
	case r.chance(5):
		v.Other = true
		v.Sources[0].Field = v.Field.Join(object.Key("projected"), object.Key("sources"), object.At(0))
	case r.chance(5):
		v.Sources[0].Files = nil
	}
	for j := range p.Containers {
		for k := range p.Containers[j].Mounts {
			m := &p.Containers[j].Mounts[k]
			if m.Volume == v.Name && r.chance(8) {
				m.Mentions = []string{"livenessProbe"}
			}
			if m.Volume == v.Name && r.chance(8) {
				m.SubPath = pick(r, []string{"key.json", "password"})
			}
		}
	}
	if r.chance(10) { // a container that mounts the volume and has no use
		c := &p.Containers[r.IntN(len(p.Containers))]
		if slices.ContainsFunc(c.Mounts, func(m scanner.VolumeMount) bool { return m.MountPath == "/other" }) {
			return
		}
		c.Mounts = append(c.Mounts, scanner.VolumeMount{Volume: v.Name, MountPath: "/other", Field: c.Field.Join(object.Key("volumeMounts"), object.Item("mountPath", "/other"))})
	}
}

// keyOf is the key in a Secret, "" where the Secret was not read. A Secret keeps its key.
func (r *roller) keyOf(ns, secret string) string {
	for _, s := range r.inv.Secrets {
		if s.Ref.Namespace == ns && s.Ref.Name == secret {
			return s.Entries[0].Key
		}
	}
	if r.chance(20) {
		r.inv.Secrets = append(r.inv.Secrets, scanner.Secret{Ref: scanner.Ref{APIVersion: "v1", Kind: "Secret", Namespace: ns, Name: secret}, Entries: []scanner.SecretEntry{{Name: "key.json", Holds: scanner.Unknown}}})
		return ""
	}
	id := fmt.Sprintf("k%d", r.IntN(5))
	for _, k := range r.inv.Keys {
		if k.ID == id {
			r.inv.Secrets = append(r.inv.Secrets, scanner.Secret{Ref: scanner.Ref{APIVersion: "v1", Kind: "Secret", Namespace: ns, Name: secret}, Entries: []scanner.SecretEntry{{Name: "key.json", Holds: scanner.Yes, Key: id}}, Read: true})
			return id
		}
	}
	r.key(id, pick(r, r.accounts), ns, secret)
	if r.chance(4) {
		r.inv.Keys[len(r.inv.Keys)-1].Type = scanner.TypeAuthorizedUser
	}
	return id
}

func (r *roller) randomBindings() {
	for i := range r.IntN(6) {
		ns := pick(r, r.spaces)
		ref := scanner.Ref{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding", Namespace: ns, Name: fmt.Sprintf("binding-%d", i)}
		if r.chance(30) {
			ref.Kind, ref.Namespace = "ClusterRoleBinding", ""
		}
		b := scanner.RoleBinding{Ref: ref, RoleRef: scanner.Ref{Kind: "ClusterRole", Name: "view"}, Origins: origin("rbac.yaml", 1)}
		if r.chance(40) {
			b.Live, b.Origins = true, []scanner.Origin{{Source: "live0"}}
		}
		for range 1 + r.IntN(2) {
			ksa := pick(r, ksaNames)
			switch r.IntN(3) {
			case 0:
				b.Subjects = append(b.Subjects, scanner.Subject{Kind: "User", Name: "system:serviceaccount:" + ns + ":" + ksa})
			case 1:
				b.Subjects = append(b.Subjects, scanner.Subject{Kind: "Group", Name: "system:serviceaccounts:" + ns})
			default:
				b.Subjects = append(b.Subjects, scanner.Subject{Kind: "ServiceAccount", Namespace: ns, Name: ksa})
			}
		}
		r.inv.RoleBindings = append(r.inv.RoleBindings, b)
	}
	if r.chance(10) {
		r.inv.Mentions = append(r.inv.Mentions, scanner.Mention{
			ServiceAccount: scanner.Ref{Kind: "ServiceAccount", Namespace: r.spaces[0], Name: pick(r, ksaNames)},
			Object:         scanner.Ref{APIVersion: "x/v1", Kind: "Prometheus", Namespace: r.spaces[0], Name: "p"}, Field: "spec.serviceAccountName", Why: pick(r, []string{"operator", "istio"}),
		})
	}
}

// google is what Google's APIs say, of some accounts and keys.
func (r *roller) google() {
	for _, email := range r.accounts {
		if !r.chance(60) {
			continue
		}
		a := scanner.Account{Email: email, PolicyRead: true, GrantsRead: r.chance(60), Bindings: []scanner.Binding{}}
		for range r.IntN(3) {
			p := Principal{Pool: shopPool, Number: "123456789012", Namespace: pick(r, r.spaces), Name: pick(r, append(slices.Clone(ksaNames), "app-3", "worker-wi"))}
			member := p.Member()
			switch r.IntN(4) {
			case 0:
				member = p.URI()
			case 1:
				p.Name = ""
				member = p.URI()
			}
			a.Bindings = append(a.Bindings, scanner.Binding{Role: pick(r, []string{RoleWorkloadIdentityUser, RoleTokenCreator, "roles/iam.serviceAccountUser"}), Members: []string{member}})
		}
		for range r.IntN(3) {
			a.Grants = append(a.Grants, scanner.Grant{Resource: "//cloudresourcemanager.googleapis.com/projects/acme-shop", Role: pick(r, []string{"roles/pubsub.publisher", "roles/editor", "roles/run.invoker"})})
		}
		if r.chance(5) {
			a.Authoritative = []string{"google_service_account_iam_policy.x"}
		}
		r.inv.Accounts = append(r.inv.Accounts, a)
	}
	for _, k := range r.inv.Keys {
		if !r.chance(40) {
			continue
		}
		r.inv.KeyFacts = append(r.inv.KeyFacts, scanner.KeyFact{
			Key:     k.ID,
			Verdict: pick(r, []string{scanner.VerdictLive, scanner.VerdictLive, scanner.VerdictLive, scanner.VerdictDeletedKey, scanner.VerdictForeign, scanner.VerdictNoPermission}),
			Use:     pick(r, []string{scanner.Used, scanner.NotUsed, scanner.UseUnknown}),
		})
	}
	if r.chance(10) {
		r.inv.Gaps = append(r.inv.Gaps, scanner.Gap{Source: "repo", What: "x.yaml", Why: "malformed"})
	}
}

func (r *roller) randomPolicy() {
	if r.chance(50) {
		r.policy.Accounts = append(r.policy.Accounts, AccountRule{Namespace: "*", Secret: pick(r, []string{"*", "key-a", "key-b"}), Email: pick(r, r.accounts)})
	}
	if r.chance(10) {
		r.policy.Pool = ""
	}
	if r.chance(15) {
		r.policy.Model = Direct
	}
	if r.chance(15) {
		r.policy.Split = true
	}
	if r.chance(10) {
		r.policy.HostNetwork = "projected-token"
		r.policy.Clusters = []ClusterRule{{Project: "acme-shop", Location: "europe-west1", Name: "c0"}}
	}
	if r.chance(10) {
		r.policy.Exclude = []Exclusion{{Workload: "*/CronJob/*", Reason: "later"}}
	}
	for _, w := range r.inv.Workloads {
		if !r.chance(15) {
			continue
		}
		rule := WorkloadRule{Workload: w.Ref.String(), Answers: make(map[string]string), By: "jo", Reason: "because"}
		for _, code := range slices.Sorted(maps.Keys(Answers)) {
			if r.chance(60) {
				for value := range Answers[code] { // one
					rule.Answers[code] = value
				}
			}
		}
		if r.chance(20) {
			signs := r.chance(50)
			rule.Signs = &signs
		}
		r.policy.Workloads = append(r.policy.Workloads, rule)
	}
}
