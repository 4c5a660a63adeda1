package scanner_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dekey/scanner"
)

func TestMergeCheckoutAndCluster(t *testing.T) {
	repo := map[string]string{"a.yaml": wired("x", "one"), "b.yaml": wired("x", "two")}
	live := fillAll(map[string]string{
		"a": strings.Replace(wired("x", "one"), "apps/v1", "extensions/v1beta1", 1),
		"s": "{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a}}",
	})
	one := scan(t, &reader{id: ".", files: repo})
	two := scan(t, &reader{id: ".", live: true, files: live})
	merged := scanner.Merge(one, two)
	expect(t, spell(merged), []string{
		"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
		"x/Deployment/two env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
	})
	if len(merged.Sources) != 2 || merged.Sources[0].ID == merged.Sources[1].ID {
		t.Fatalf("sources: %+v", merged.Sources)
	}
	w := merged.Workloads[0]
	if len(merged.Workloads) != 2 || w.Ref.APIVersion != "apps/v1" || !w.Live || len(w.Origins) != 2 || w.Drift != "" || w.Conflict != "" {
		t.Errorf("workloads: %+v", merged.Workloads)
	}
	if got := fmt.Sprint(merged.Findings[0].Origins); got != "[{. a.yaml 1 1 1} {.#2  0 0 0}]" {
		t.Errorf("origins: %s", got)
	}
	if other := scanner.Merge(two, one); len(other.Findings) != 2 || other.Workloads[0].Ref.APIVersion != "apps/v1" {
		t.Errorf("the other way round: %+v", other.Workloads)
	}
	// The ids do not depend on what else was scanned.
	whole := scan(t, &reader{id: "repo", files: repo}, &reader{id: "cluster", live: true, files: live})
	for i := range whole.Findings {
		if whole.Findings[i].ID != merged.Findings[i].ID {
			t.Errorf("finding %d has another id when it was scanned at once", i)
		}
	}
}

func TestMergeDrift(t *testing.T) {
	one := scan(t, &reader{id: "repo", files: map[string]string{"a.yaml": wired("x", "one")}})
	changed := strings.NewReplacer("spec: {containers", "spec: {serviceAccountName: api, hostNetwork: true, containers", "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE").Replace(wired("x", "one"))
	two := scan(t, &reader{id: "cluster", live: true, files: map[string]string{"a": changed}})
	w := scanner.Merge(one, two).Workloads[0]
	want := "hostNetwork is false, and true in the cluster; serviceAccountName is default, and api in the cluster; " +
		"the variable CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE of app is in the cluster alone; the variable GOOGLE_APPLICATION_CREDENTIALS of app is missing in the cluster"
	if w.Drift != want || w.Conflict != "" || !w.HostNetwork {
		t.Errorf("drift %q, conflict %q", w.Drift, w.Conflict)
	}
	three := scan(t, &reader{id: "sandbox", files: map[string]string{"z.yaml": changed}})
	w = scanner.Merge(one, three).Workloads[0]
	if !strings.Contains(w.Conflict, "serviceAccountName is default, and api in z.yaml") || w.Drift != "" {
		t.Errorf("drift %q, conflict %q", w.Drift, w.Conflict)
	}
}

func TestMergeLeavesOneInventoryAsItIs(t *testing.T) {
	inv := scan(t, &reader{id: "repo", files: everything()})
	before := marshal(t, inv)
	var read scanner.Inventory
	if err := json.Unmarshal([]byte(before), &read); err != nil {
		t.Fatal(err)
	}
	if after := marshal(t, scanner.Merge(read)); after != before {
		t.Errorf("one inventory alone changes\n%s", firstDifference(before, after))
	}
	if after := marshal(t, scanner.Merge(read, inv)); after != before {
		t.Errorf("the same inventory twice is another one\n%s", firstDifference(before, after))
	}
	if marshal(t, inv) != before {
		t.Error("Merge changes what it is given")
	}
}

func TestMergeOfNothingHasNoNullLists(t *testing.T) {
	for name, inv := range map[string]scanner.Inventory{"merged": scanner.Merge(), "scanned": scan(t)} {
		var fields map[string]any
		if err := json.Unmarshal([]byte(marshal(t, inv)), &fields); err != nil {
			t.Fatal(err)
		}
		for field, value := range fields {
			if value == nil {
				t.Errorf("%s: %s is null", name, field)
			}
		}
	}
}

func TestMergeFleet(t *testing.T) {
	files := fillAll(map[string]string{"a": wired("x", "one"), "s": "{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-a}}"})
	other := fillAll(map[string]string{"a": wired("x", "one"), "s": "{apiVersion: v1, kind: Secret, metadata: {name: gcp, namespace: x}, data: {key.json: KEY-b}}"})
	merged := scanner.Merge(scan(t, &reader{id: "east", live: true, files: files}), scan(t, &reader{id: "west", live: true, files: other}))
	expect(t, spell(merged), []string{
		"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json a@acme.iam.gserviceaccount.com",
		"x/Deployment/one env-file in app by GOOGLE_APPLICATION_CREDENTIALS of Secret/x/gcp/key.json b@acme.iam.gserviceaccount.com",
	})
	if len(merged.Keys) != 2 || len(merged.Workloads) != 1 {
		t.Errorf("%d keys, %d workloads", len(merged.Keys), len(merged.Workloads))
	}
}

// Who keeps an account's policy stands in a checkout, whichever inventory read the account last.
func TestMergeKeepsTheOwnersOfPolicies(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	got := scanner.Merge(
		scanner.Inventory{Accounts: []scanner.Account{{Email: "a@p.iam.gserviceaccount.com", ReadAt: early, Authoritative: []string{"IAMPolicy/a in x.yaml"}}}},
		scanner.Inventory{Accounts: []scanner.Account{{Email: "a@p.iam.gserviceaccount.com", ReadAt: late, UniqueID: "7"}}},
	)
	if len(got.Accounts) != 1 || got.Accounts[0].UniqueID != "7" || len(got.Accounts[0].Authoritative) != 1 {
		t.Errorf("accounts %+v", got.Accounts)
	}
}

// One reading of a cluster knows what the other does not: a pool without nodes, the mode of one whose nodes differ, that
// Workload Identity is off.
func TestMergeJoinsClusters(t *testing.T) {
	const id = "acme/l/c"
	live := scanner.Inventory{Clusters: []scanner.Cluster{{ID: id, NodePools: []scanner.NodePool{
		{Name: "a", Nodes: 3, Taints: []string{"by-hand=:NoSchedule", "team=ml:NoSchedule"}, MetadataMode: "GKE_METADATA"}, {Name: "b", Nodes: 1}, {Name: "changing", MetadataMode: "GCE_METADATA"},
	}}}}
	google := scanner.Inventory{Clusters: []scanner.Cluster{{ID: id, WorkloadIdentity: scanner.No, GrantsRead: true, NodePools: []scanner.NodePool{
		{Name: "a", Taints: []string{"team=ml:NoSchedule"}, MetadataMode: "GKE_METADATA"}, {Name: "b", MetadataMode: "GCE_METADATA"}, {Name: "changing", MetadataMode: "GKE_METADATA"}, {Name: "empty", MetadataMode: "GCE_METADATA"},
	}}}}
	want := []scanner.NodePool{
		{Name: "a", Nodes: 3, Taints: []string{"team=ml:NoSchedule"}, MetadataMode: "GKE_METADATA"},
		{Name: "b", Nodes: 1, MetadataMode: "GCE_METADATA", Taints: []string{}}, {Name: "changing"}, {Name: "empty", MetadataMode: "GCE_METADATA"},
	}
	for _, order := range [][]scanner.Inventory{{live, google}, {google, live}} {
		merged := scanner.Merge(order...)
		if len(merged.Clusters) != 1 {
			t.Fatalf("clusters %+v", merged.Clusters)
		}
		c := merged.Clusters[0]
		if diff := cmp.Diff(want, c.NodePools, cmpopts.EquateEmpty()); diff != "" || c.WorkloadIdentity != scanner.No || !c.GrantsRead {
			t.Errorf("%+v (-want +got):\n%s", c, diff)
		}
	}
}
