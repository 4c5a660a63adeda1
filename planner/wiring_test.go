package planner

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/object"
)

const container = "spec.template.spec.containers[name=app]"

// Variable, mount and volume go together, and what others use stays.
func TestUnwire(t *testing.T) {
	variable := "remove payments/Deployment/api " + container + ".env[name=GOOGLE_APPLICATION_CREDENTIALS]"
	mount := "remove payments/Deployment/api " + container + ".volumeMounts[mountPath=/secrets/api-key]"
	volume := "remove payments/Deployment/api spec.template.spec.volumes[name=vol-api-key]"
	item := volume + ".secret.items[0]"
	parts := func(b *build) (*scanner.PodSpec, *scanner.Volume, *scanner.VolumeSource) {
		p := &b.inv.Workloads[0].PodSpecs[0]
		return p, &p.Volumes[0], &p.Volumes[0].Sources[0]
	}
	for _, test := range []struct {
		name   string
		change func(b *build)
		want   []string
	}{
		{"the key alone", func(*build) {}, []string{variable, mount, volume}},
		{"the Secret's content is not known", func(b *build) {
			_, _, s := parts(b)
			s.Files = nil
		}, []string{variable, mount, volume}},
		{"the Secret has another entry", func(b *build) {
			_, _, s := parts(b)
			s.Files = append(s.Files, scanner.VolumeFile{Entry: "password", Path: "password", Holds: scanner.No})
		}, []string{variable}},
		{"items are listed, and there is another", func(b *build) {
			_, v, s := parts(b)
			s.Items = true
			s.Files[0].Field = v.Field.Join(object.Key("secret"), object.Key("items"), object.At(0))
			s.Files = append(s.Files, scanner.VolumeFile{Entry: "ca", Path: "ca.pem", Holds: scanner.Unknown, Field: v.Field.Join(object.Key("secret"), object.Key("items"), object.At(1))})
		}, []string{variable, item}},
		{"items are listed, and the key is the only one", func(b *build) {
			_, v, s := parts(b)
			s.Items = true
			s.Files[0].Field = v.Field.Join(object.Key("secret"), object.Key("items"), object.At(0))
		}, []string{variable, mount, volume}},
		{"another entry, and the key is mounted by subPath", func(b *build) {
			p, _, s := parts(b)
			s.Files = append(s.Files, scanner.VolumeFile{Entry: "password", Path: "password", Holds: scanner.No})
			p.Containers[0].Mounts[0].SubPath = "key.json"
		}, []string{variable, mount, volume}},
		{"a subPath of an entry that is not known", func(b *build) {
			p, _, _ := parts(b)
			c := &p.Containers[0]
			c.Mounts = append(c.Mounts, scanner.VolumeMount{Volume: "vol-api-key", MountPath: "/other", SubPath: "settings.yaml", Field: object.Keys("x")})
		}, []string{variable}},
		{"a projected volume with a token", func(b *build) {
			_, v, s := parts(b)
			v.Other = true
			s.Field = v.Field.Join(object.Key("projected"), object.Key("sources"), object.At(1))
		}, []string{variable, volume + ".projected.sources[1]"}},
		{"a projected volume with two Secrets", func(b *build) {
			_, v, _ := parts(b)
			v.Sources[0].Field = v.Field.Join(object.Key("projected"), object.Key("sources"), object.At(0))
			v.Sources = append(v.Sources, scanner.VolumeSource{Kind: "Secret", Name: "tls", Field: v.Field.Join(object.Key("projected"), object.Key("sources"), object.At(1)), Files: []scanner.VolumeFile{{Entry: "tls.crt", Path: "tls.crt", Holds: scanner.No}}})
		}, []string{variable, volume + ".projected.sources[0]"}},
		{"a probe names the file", func(b *build) {
			p, _, _ := parts(b)
			p.Containers[0].Mounts[0].Mentions = []string{"livenessProbe"}
		}, []string{variable}},
		{"a sidecar mounts it too, and has no use", func(b *build) {
			b.sidecar(scanner.Container{Name: "side", Mounts: []scanner.VolumeMount{{Volume: "vol-api-key", MountPath: "/x", Field: object.Keys("y")}}})
		}, []string{variable}},
		{"a sidecar uses it too", func(b *build) {
			b.sidecar(scanner.Container{Name: "side"})
			b.mountedIn(&b.inv.Workloads[0], "side", "api-key", "k1")
		}, []string{
			variable, "remove payments/Deployment/api spec.template.spec.containers[name=side].env[name=GOOGLE_APPLICATION_CREDENTIALS]",
			mount, "remove payments/Deployment/api spec.template.spec.containers[name=side].volumeMounts[mountPath=/secrets/api-key]", volume,
		}},
		{"two variables for one file", func(b *build) {
			f := b.inv.Findings[0]
			f.Env, f.At = "GOOGLE_CLOUD_KEYFILE", []scanner.Path{object.Keys("spec", "second")}
			b.finding(f)
		}, []string{variable, "remove payments/Deployment/api spec.second", mount, volume}},
		{"a variable by index, because its name repeats", func(b *build) {
			b.inv.Findings[0].At = []scanner.Path{podPath.Join(object.Key("containers"), object.Item("name", "app"), object.Key("env"), object.At(3))}
		}, []string{"remove payments/Deployment/api " + container + ".env[3]", mount, volume}},
		{"a flag with a way out", func(b *build) {
			f := &b.inv.Findings[0]
			at := podPath.Join(object.Key("containers"), object.Item("name", "app"), object.Key("args"), object.At(1))
			f.Via, f.Env, f.Field, f.Standard, f.At = scanner.ArgFile, "", "--credentials-file", false, []scanner.Path{at}
			f.Recipe = []scanner.FieldEdit{{Op: OpRemove, Field: at}}
		}, []string{"remove payments/Deployment/api " + container + ".args[1]", mount, volume}},
		{"a recipe that sets", func(b *build) {
			f := &b.inv.Findings[0]
			f.Via, f.Env, f.Field, f.Standard, f.At = scanner.ArgFile, "", "--key", false, nil
			f.Recipe = []scanner.FieldEdit{{Op: OpSet, Field: object.Keys("spec", "auth"), Value: "adc"}}
		}, []string{"set payments/Deployment/api spec.auth = adc", mount, volume}},
		{"a mount where client libraries look by themselves", func(b *build) {
			f := &b.inv.Findings[0]
			f.Via, f.Env, f.At = scanner.Mount, "", nil
		}, []string{mount, volume}},
		{"the project of the key is another", func(b *build) { b.inv.Keys[0].Project = "acme-data" }, []string{
			variable, mount, volume, "append payments/Deployment/api " + container + ".env = map[name:GOOGLE_CLOUD_PROJECT value:acme-data]",
		}},
		{"and the key names none", func(b *build) { b.inv.Keys[0].Project = "" }, []string{variable, mount, volume}},
		{"and the pool's number is the project", func(b *build) { b.inv.Keys[0].Project = "123456789012" }, []string{variable, mount, volume}},
		{"a ConfigMap that one workload reads", func(b *build) {
			f := &b.inv.Findings[0]
			f.At, f.Elsewhere = nil, &scanner.Holder{Kind: "ConfigMap", Namespace: "payments", Name: "settings", Entry: f.Env}
		}, []string{"remove payments/ConfigMap/settings data.GOOGLE_APPLICATION_CREDENTIALS", mount, volume}},
		{"a ConfigMap that two workloads read", func(b *build) {
			f := &b.inv.Findings[0]
			f.At, f.Elsewhere = nil, &scanner.Holder{Kind: "ConfigMap", Namespace: "payments", Name: "settings", Entry: f.Env}
			g := b.mounted(b.workload(deployment("payments", "held"), ""), "api-key", "k1")
			g.At, g.Elsewhere, g.Standard = nil, &scanner.Holder{Kind: "ConfigMap", Namespace: "payments", Name: "settings", Entry: g.Env}, false
		}, []string{"append payments/Deployment/api " + container + ".env = map[name:GOOGLE_APPLICATION_CREDENTIALS value:]", mount, volume}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, policy := apiWorld()
			b.inv.ServiceAccounts[0].Annotations = map[string]string{AccountAnnotation: payments}
			test.change(b)
			p := b.plan(t, *policy)
			if diff := cmp.Diff(test.want, editList(one(t, p).Edits)); diff != "" {
				t.Errorf("edits (-want +got):\n%s", diff)
			}
			for _, v := range Check(b.inv, p) {
				t.Error(v)
			}
		})
	}
}

// Answered holds are carried out: the variable that holds the key goes, and a Secret taken whole only when it holds nothing
// else.
func TestAnsweredEdits(t *testing.T) {
	b, policy := apiWorld()
	b.inv.Findings[0].Via, b.inv.Findings[0].Volume = scanner.EnvFrom, ""
	b.inv.Workloads[0].PodSpecs[0].Volumes, b.inv.Workloads[0].PodSpecs[0].Containers[0].Mounts = nil, nil
	policy.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{HoldProgramReadsKey: "reads-adc"}}}
	one(t, b.plan(t, *policy))
	b.inv.Secrets[0].Entries = append(b.inv.Secrets[0].Entries, scanner.SecretEntry{Name: "password", Holds: scanner.No})
	if p := b.plan(t, *policy); len(p.Moves) > 0 || p.Holds[0].Code != HoldNotProvable {
		t.Errorf("the program would lose its password: %+v", p.Holds)
	}
	b, policy = apiWorld()
	b.inv.Findings[0].Via, b.inv.Findings[0].Embedded, b.inv.Findings[0].At = scanner.ArgFile, true, nil
	policy.Workloads = []WorkloadRule{{Workload: api.String(), Answers: map[string]string{HoldProgramReadsKey: "reads-adc"}}}
	if p := b.plan(t, *policy); len(p.Moves) > 0 || p.Holds[0].Code != HoldNotProvable {
		t.Errorf("a flag inside a script was edited: %+v", p.Holds)
	}
}

// The alternative for the host network: a projected token, its configuration, and no key.
func TestProjectedToken(t *testing.T) {
	b, policy := apiWorld()
	b.inv.Workloads[0].HostNetwork = true
	policy.HostNetwork = "projected-token"
	policy.Clusters = []ClusterRule{{Project: "acme-shop", Location: "europe-west1", Name: "prod", Context: "gke"}}
	m := one(t, b.plan(t, *policy))
	want := []string{
		"set payments/Deployment/api " + container + ".env[name=GOOGLE_APPLICATION_CREDENTIALS].value = /var/run/secrets/tokens/gcp-ksa/google-application-credentials.json",
		"remove payments/Deployment/api " + container + ".volumeMounts[mountPath=/secrets/api-key]",
		"remove payments/Deployment/api spec.template.spec.volumes[name=vol-api-key]",
		"append payments/Deployment/api spec.template.spec.volumes = map[name:gcp-ksa projected:map[sources:[map[serviceAccountToken:map[audience:acme-shop.svc.id.goog expirationSeconds:3600 path:token]] map[configMap:map[items:[map[key:config.json path:google-application-credentials.json]] name:api-google-credentials]]]]]",
		"append payments/Deployment/api " + container + ".volumeMounts = map[mountPath:/var/run/secrets/tokens/gcp-ksa name:gcp-ksa readOnly:true]",
		"create payments/ConfigMap/api-google-credentials ",
		`set payments/ServiceAccount/api metadata.annotations["iam.gke.io/gcp-service-account"] = ` + payments,
	}
	if diff := cmp.Diff(want, editList(m.Edits)); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
	config := m.Edits[5].Value.(map[string]any)["data"].(map[string]any)["config.json"].(string)
	for _, part := range []string{
		`"identitynamespace:acme-shop.svc.id.goog:https://container.googleapis.com/v1/projects/acme-shop/locations/europe-west1/clusters/prod"`,
		`"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/` + payments + `:generateAccessToken"`, `"external_account"`,
	} {
		if !strings.Contains(config, part) {
			t.Errorf("the configuration lacks %s:\n%s", part, config)
		}
	}
	if m.Cluster != "acme-shop/europe-west1/prod" {
		t.Errorf("cluster %q", m.Cluster)
	}
}

// A policy is added only where it is proven to select this workload alone and to open nothing but the GKE metadata server.
func TestNetworkPolicy(t *testing.T) {
	metadata := scanner.Egress{CIDRs: []scanner.CIDR{{CIDR: "169.254.0.0/16"}}, AllPorts: true}
	for _, test := range []struct {
		name   string
		change func(b *build)
		added  bool
		notice bool
	}{
		{"denied, and all is proven", func(b *build) { b.egress(); b.whole("GKE_METADATA") }, true, true},
		{"denied, on Autopilot", func(b *build) {
			b.egress()
			b.whole("")
			b.inv.Clusters[0].Autopilot = &yes
		}, true, true},
		{"denied, and a pool has the node's metadata", func(b *build) { b.egress(); b.whole("GCE_METADATA") }, false, true},
		{"denied, and a pool was not read", func(b *build) { b.egress(); b.whole("") }, false, true},
		{"denied, and the pods stay off that pool", func(b *build) {
			b.egress()
			b.whole("GKE_METADATA")
			b.inv.Clusters[0].NodePools = append(b.inv.Clusters[0].NodePools, scanner.NodePool{Name: "old", MetadataMode: "GCE_METADATA", Labels: map[string]string{"tier": "old"}})
			b.inv.Clusters[0].NodePools[0].Labels = map[string]string{"tier": "new"}
			b.inv.Workloads[0].PodSpecs[0].NodeSelector = map[string]string{"tier": "new"}
		}, true, true},
		{"denied, and the namespace was not listed whole", func(b *build) {
			b.egress()
			b.whole("GKE_METADATA")
			b.inv.Clusters[0].Complete = nil
		}, false, true},
		{"denied, and another workload has the labels", func(b *build) {
			b.egress()
			b.whole("GKE_METADATA")
			b.workload(deployment("payments", "web"), "web").PodSpecs[0].Labels = map[string]string{"app": "api", "tier": "x"}
		}, false, true},
		{"denied in a checkout", func(b *build) { b.egress() }, false, true},
		{"allowed by a range", func(b *build) { b.egress(metadata); b.whole("GKE_METADATA") }, false, false},
		{"allowed but for an exception", func(b *build) {
			metadata := metadata
			metadata.CIDRs = []scanner.CIDR{{CIDR: "0.0.0.0/0", Except: []string{"169.254.0.0/16"}}}
			b.egress(metadata)
			b.whole("GKE_METADATA")
		}, true, true},
		{"allowed for the data plane that is there", func(b *build) {
			b.egress(scanner.Egress{CIDRs: []scanner.CIDR{{CIDR: "169.254.169.254/32"}}, Ports: []scanner.EgressPort{{Protocol: "TCP", Port: 80}}})
			b.whole("GKE_METADATA")
			b.inv.Clusters[0].DataplaneV2 = scanner.Yes
		}, false, false},
		{"allowed for the other data plane", func(b *build) {
			b.egress(scanner.Egress{CIDRs: []scanner.CIDR{{CIDR: "169.254.169.254/32"}}, Ports: []scanner.EgressPort{{Protocol: "TCP", Port: 80}}})
			b.whole("GKE_METADATA")
			b.inv.Clusters[0].DataplaneV2 = scanner.No
		}, true, true},
		{"allowed by UDP only", func(b *build) {
			b.egress(scanner.Egress{AllPeers: true, Ports: []scanner.EgressPort{{Protocol: "UDP"}}})
			b.whole("GKE_METADATA")
		}, true, true},
		{"allowed by a range of ports", func(b *build) {
			b.egress(scanner.Egress{AllPeers: true, Ports: []scanner.EgressPort{{Protocol: "TCP", Port: 1, EndPort: 65535}}})
		}, false, false},
		{"allowed by two policies together", func(b *build) {
			b.egress(scanner.Egress{CIDRs: []scanner.CIDR{{CIDR: "169.254.169.254/32"}}, AllPorts: true})
			second := b.inv.NetworkPolicies[0]
			second.Ref.Name, second.Egress = "second", []scanner.Egress{{CIDRs: []scanner.CIDR{{CIDR: "169.254.169.252/32"}}, AllPorts: true}}
			b.inv.NetworkPolicies = append(b.inv.NetworkPolicies, second)
		}, false, false},
		{"for other pods", func(b *build) {
			b.egress()
			b.inv.NetworkPolicies[0].Selectors = scanner.Selector{MatchExpressions: []scanner.SelectorRequirement{{Key: "app", Operator: "NotIn", Values: []string{"api"}}}}
		}, false, false},
		{"of ingress only", func(b *build) { b.egress(); b.inv.NetworkPolicies[0].Isolates = false }, false, false},
		{"of another namespace", func(b *build) { b.egress(); b.inv.NetworkPolicies[0].Ref.Namespace = "web" }, false, false},
	} {
		b, policy := apiWorld()
		test.change(b)
		p := b.plan(t, *policy)
		m := one(t, p)
		added, notice := false, false
		for _, e := range m.Edits {
			added = added || e.Object.Kind == "NetworkPolicy"
		}
		for _, n := range m.Notices {
			notice = notice || n.Code == NoticeNetworkPolicy
		}
		if added != test.added || notice != test.notice {
			t.Errorf("%s: added %t, notice %t", test.name, added, notice)
		}
		for _, v := range Check(b.inv, p) {
			t.Errorf("%s: %s", test.name, v)
		}
	}
}

func TestPeriod(t *testing.T) {
	const hour, day = 3600, 24 * 3600
	for schedule, want := range map[string]int64{
		"":                        0,
		"not a schedule":          0,
		"61 * * * *":              0,
		"* * * *":                 0,
		"*/0 * * * *":             0,
		"5-1 * * * *":             0,
		"* * * * *":               60,
		"*/15 * * * *":            15 * 60,
		"7 * * * *":               hour,
		"0 4 * * *":               day,
		"0 4,16 * * *":            12 * hour,
		"0 4,10 * * *":            18 * hour,
		"30 3 * * 1":              7 * day,
		"30 3 * * mon-fri":        3 * day,
		"30 3 * * 7":              7 * day,
		"0 0 1 * *":               31 * day,
		"0 0 31 * *":              61 * day,
		"0 0 1 jan *":             366 * day,
		"0 0 29 2 *":              4*365*day + day,
		"0 0 13 * 5":              7 * day,
		"@daily":                  day,
		"@weekly":                 7 * day,
		"@every 90m":              90 * 60,
		"TZ=Europe/Paris @hourly": hour,
		"CRON_TZ=UTC 0 4 * * *":   day,
	} {
		if got := period(schedule); got != want {
			t.Errorf("%q: %d, want %d", schedule, got, want)
		}
	}
}

// A namespace that the operator gives by path counts for everything in that file that names none.
func TestNamespaceRules(t *testing.T) {
	b, policy := apiWorld()
	b.inv.Workloads[0].Ref.Namespace, b.inv.Findings[0].Workload.Namespace, b.inv.Findings[0].Secret.Namespace = "", "", ""
	b.inv.ServiceAccounts[0].Ref.Namespace = ""
	b.inv.ServiceAccounts[0].Origins = origin("api.yaml", 3)
	policy.Namespaces = []NamespaceRule{{Path: ".", Namespace: "wrong"}, {Path: "api.yaml", Namespace: "payments"}, {Path: "api", Namespace: "no"}}
	m := one(t, b.plan(t, *policy))
	if m.ServiceAccount != (ServiceAccount{Namespace: "payments", Name: "api"}) || m.Workload.Namespace != "payments" {
		t.Errorf("%+v", m)
	}
	if b.inv.Workloads[0].Ref.Namespace != "" {
		t.Error("the inventory was changed")
	}
	// What was answered before the namespace was known still counts.
	b.inv.Findings[0].Standard = false
	policy.Workloads = []WorkloadRule{{Workload: "Deployment/api", Answers: map[string]string{HoldProgramReadsKey: "reads-adc"}}}
	one(t, b.plan(t, *policy))
	b.inv.Workloads[0].Ref.Namespace, b.inv.Findings[0].Workload.Namespace = "written", "written"
	if p := b.plan(t, *policy); len(p.Moves) > 0 {
		t.Errorf("an answer for another workload counts: %+v", p.Moves)
	}
	for _, h := range b.plan(t, *policy).Holds {
		if h.Workload.Namespace != "written" {
			t.Errorf("a written namespace was overridden: %+v", h)
		}
	}
}

// The root is the least specific path, shorter than any folder.
func TestNamespaceOfTheRoot(t *testing.T) {
	for _, rules := range [][]NamespaceRule{{{".", "root"}, {"a", "own"}}, {{"a", "own"}, {".", "root"}}} {
		if ns := ruleFor("a/api.yaml", rules); ns != "own" {
			t.Errorf("%v: %q", rules, ns)
		}
	}
}

// A patch of a live workload tests an argument before it removes it: the plan has its text.
func TestArgumentsOfALiveWorkload(t *testing.T) {
	for _, live := range []bool{true, false} {
		b, policy := apiWorld()
		f := &b.inv.Findings[0]
		args := podPath.Join(object.Key("containers"), object.Item("name", "app"), object.Key("args"))
		f.Via, f.Env, f.Field = scanner.ArgFile, "", "--credentials-file"
		f.At, f.Was = []scanner.Path{args.Join(object.At(0)), args.Join(object.At(1))}, []string{"--credentials-file", "/secrets/api-key/key.json"}
		f.Recipe = []scanner.FieldEdit{{Op: OpRemove, Field: f.At[0]}, {Op: OpRemove, Field: f.At[1]}}
		want := []string{"", ""}
		if live {
			b.live()
			want = f.Was
		}
		var got []string
		for _, e := range one(t, b.plan(t, *policy)).Edits {
			if e.Field.HasPrefix(args) {
				got = append(got, e.Was)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("live %t: %q, want %q", live, got, want)
		}
	}
}
