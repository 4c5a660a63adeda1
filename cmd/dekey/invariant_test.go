package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter"
)

// checkDigests holds a checkout to which the patch was applied against the changeset: the files that changed are
// those that it lists, and each has the recorded digests (invariant 4).
func checkDigests(t *testing.T, root string, before map[string]string, document string) {
	t.Helper()
	var changeset rewriter.Changeset
	if err := json.Unmarshal([]byte(document), &changeset); err != nil {
		t.Fatalf("changeset.json: %v", err)
	}
	after := readTree(t, root)
	digest := func(tree map[string]string, name string) string {
		text, found := tree[name]
		if !found {
			return ""
		}
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	var listed []string
	for _, file := range changeset.Files {
		if file.Stage == "cleanup" {
			continue
		}
		listed = append(listed, file.Path)
		if got := digest(before, file.Path); got != file.Before {
			t.Errorf("invariant 4: %s was %s, recorded as %s", file.Path, got, file.Before)
		}
		if got := digest(after, file.Path); got != file.After {
			t.Errorf("invariant 4: %s is %s after the patch, recorded as %s", file.Path, got, file.After)
		}
	}
	slices.Sort(listed)
	if got := changed(before, after); !slices.Equal(got, listed) {
		t.Errorf("invariant 4: the patch changes %q, the changeset lists %q", got, listed)
	}
}

// checkPlan judges a plan by its own words, without the code that made it: every finding ends in one place, nobody
// gains an account that no notice names (3), no key is ready without evidence (7), and `default` is never annotated (8).
func checkPlan(t *testing.T, got run) {
	t.Helper()
	inventory, err := planfile.ReadInventory("inventory.json", []byte(got.out["inventory.json"]))
	if err != nil {
		t.Fatal(err)
	}
	plan := readPlan(t, got.out["plan.json"])
	if err := planfile.Verify(plan); err != nil {
		t.Error(err)
	}
	ends := make(map[string]int)
	named := make(map[string]bool) // workload and account, where a notice names what is gained
	for _, move := range plan.Moves {
		for _, id := range move.Findings {
			ends[id]++
		}
		for _, notice := range move.Notices {
			if notice.Code == planner.NoticeAccountAsserted {
				named[move.Workload.String()+" "+move.Account] = true
			}
		}
		for _, edit := range move.Edits {
			if edit.Object.Kind == "ServiceAccount" && edit.Object.Name == "default" {
				t.Errorf("invariant 8: %s edits the default service account of %s", move.ID, edit.Object.Namespace)
			}
		}
	}
	for _, hold := range plan.Holds {
		for _, id := range hold.Findings {
			ends[id]++
		}
	}
	for _, finding := range inventory.Findings {
		if ends[finding.ID] != 1 {
			t.Errorf("finding %s ends in %d places, want 1", finding.ID, ends[finding.ID])
		}
	}
	for _, access := range plan.Access {
		for _, account := range access.After {
			if !slices.Contains(access.Before, account) && !named[access.Workload.String()+" "+account] {
				t.Errorf("invariant 3: %s gains %s, and no notice names it", access.Workload, account)
			}
		}
	}
	for _, retirement := range plan.Retirements {
		if retirement.Ready && len(inventory.KeyFacts) == 0 {
			t.Errorf("invariant 7: key %s is ready without any evidence", retirement.Key)
		}
		if !retirement.Ready && len(retirement.BlockedBy) == 0 {
			t.Errorf("key %s is not ready, and nothing says why", retirement.Key)
		}
	}
}

// checkSchemas holds the documents of a changeset folder against the schemas that `dekey schema` prints.
func checkSchemas(t *testing.T, got run) {
	t.Helper()
	for _, kind := range []string{"inventory", "plan", "changeset"} {
		text := dekey(t, "schema", kind).stdout
		schema, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("schema of %s: %v", kind, err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(kind+".json", schema); err != nil {
			t.Fatalf("schema of %s: %v", kind, err)
		}
		compiled, err := compiler.Compile(kind + ".json")
		if err != nil {
			t.Fatalf("schema of %s: %v", kind, err)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(got.out[kind+".json"]))
		if err != nil {
			t.Fatalf("%s.json: %v", kind, err)
		}
		if err := compiled.Validate(document); err != nil {
			t.Errorf("%s.json is not of its schema: %v", kind, err)
		}
		wrong := document.(map[string]any)
		wrong["apiVersion"] = "dekey/v0"
		if compiled.Validate(wrong) == nil {
			t.Errorf("the schema of %s takes another apiVersion", kind)
		}
	}
}

func readPlan(t *testing.T, document string) planner.Plan {
	t.Helper()
	plan, err := planfile.ReadPlan("plan.json", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
