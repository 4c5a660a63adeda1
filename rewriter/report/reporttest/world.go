// Package reporttest makes documents of any size for tests of reports: ordinary ones, and hostile ones in which every
// string tries to be more than text.
package reporttest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/rewriter/report"
	"dekey/scanner"
)

// Hostile is text that each format must not act on; canary marks where it went.
var Hostile = []string{
	`<script>alert("canary")</script>`, `"><img src=x onerror=alert(1)>`, `=cmd|' /C calc'!A0`, `@canary-team`, `[canary](javascript:alert(1))`,
	"esc\x1b[31mcanary\x1b[0m", "rtl\u202ecanary", "line\nbreak\r\ncanary", "`code` | pipe", "```\nfence", "{{.Canary}}", "http://canary.example/x", "a/b#7 GH-7",
	"</style><style>*{}", "' onload='x", "\u2066iso\u2069", "tab\tcanary", "nul\x00canary", "bad\xffutf8", "$(canary) `canary`",
}

// A World makes an input of a size.
type World struct {
	Moves, Holds, Namespaces int
	Hostile                  bool
	Text                     string // stands in place of every hostile string
	Changeset                bool   // with a changeset and its files
	InventoryOnly            bool
}

// text gives a name, or a hostile one in its turn.
func (w World) text(n int, plain string) string {
	if w.Text != "" {
		return w.Text
	}
	if w.Hostile {
		return Hostile[n%len(Hostile)]
	}
	return plain
}

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Input makes the documents. The same World gives the same ones.
func (w World) Input() report.Input {
	inv := &scanner.Inventory{APIVersion: scanner.APIVersion, Kind: "Inventory", Sources: []scanner.Source{{ID: "repo", Kind: "repository", Root: w.text(3, "."), Commit: strings.Repeat("ab", 20)}}}
	plan := &planner.Plan{APIVersion: scanner.APIVersion, Kind: "Plan", ID: digestOf("plan"), Soak: planner.Soak{Disable: 14, Delete: 30},
		Approval: planner.Approval{Ticket: w.text(1, "CHG-1234"), Approver: w.text(2, "Change Board"), Window: w.text(3, "Tue 09:00-11:00 UTC")}}
	cs := &rewriter.Changeset{APIVersion: scanner.APIVersion, Kind: "Changeset", Plan: plan.ID, Commit: strings.Repeat("ab", 20)}
	var patch strings.Builder
	waves := map[string][]string{}
	for i := range w.Moves + w.Holds {
		ns := w.text(i, fmt.Sprintf("team-%02d", i%max(1, w.Namespaces)))
		name := w.text(i+1, fmt.Sprintf("service-%d", i))
		ref := scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: ns, Name: name}
		email := w.text(i+2, fmt.Sprintf("service-%d@acme-prod.iam.gserviceaccount.com", i%max(1, (w.Moves+w.Holds)*2/3)))
		key := digestOf(fmt.Sprint(email, i))
		secret := scanner.Holder{Kind: "Secret", Namespace: ns, Name: w.text(i+3, name+"-key"), Entry: w.text(i+4, "key.json")}
		path := w.text(i+5, fmt.Sprintf("apps/%s/%s.yaml", ns, name))
		origin := scanner.Origin{Source: "repo", Path: path, Document: 1, Line: 20, Column: 3}
		id := fmt.Sprintf("f%06d", i)
		inv.Keys = append(inv.Keys, scanner.Key{ID: key, Type: scanner.TypeServiceAccount, Email: email, KeyID: strings.Repeat("0a", 20), Project: "acme-prod", Algorithm: "RSA-2048",
			Copies: []scanner.Copy{{Holder: secret, Origin: origin}}})
		inv.Findings = append(inv.Findings, scanner.Finding{ID: id, Workload: ref, Container: w.text(i+6, "app"), ContainerType: "container", Via: scanner.EnvFile, Env: w.text(i+7, "GOOGLE_APPLICATION_CREDENTIALS"),
			Secret: secret, Key: key, Origins: []scanner.Origin{origin}})
		inv.Workloads = append(inv.Workloads, scanner.Workload{Ref: ref, ServiceAccount: "default", PodSpecs: []scanner.PodSpec{{}}, Origins: []scanner.Origin{origin}})
		inv.KeyFacts = append(inv.KeyFacts, scanner.KeyFact{Key: key, Verdict: scanner.VerdictLive, Use: scanner.Used, Created: time.Date(2023, 4, 1+i%28, 0, 0, 0, 0, time.UTC),
			From: time.Date(2025, 11, 1, 8, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 18, 8, 0, 0, 0, time.UTC), LastAuthenticated: time.Date(2026, 11, 17, 8, 0, 0, 0, time.UTC)})
		plan.Findings = append(plan.Findings, planner.PlannedFinding{ID: id, Workload: ref, Container: "app", Via: scanner.EnvFile, Named: w.text(i+7, "GOOGLE_APPLICATION_CREDENTIALS"), Secret: secret, Key: key, Email: email, Origins: []scanner.Origin{origin}})
		access := planner.Access{Workload: ref, Before: []string{email}, After: []string{email}}
		retirement := planner.Retirement{Key: key, Email: email, KeyID: strings.Repeat("0a", 20), Consumers: 1, Workloads: []scanner.Ref{ref},
			Copies: []scanner.Copy{{Holder: secret, Origin: origin}}, BlockedBy: []planner.Blocker{{Code: planner.BlockerUseUnknown, What: w.text(i+8, "the evidence says used"), Clear: "wait"}}}
		if i < w.Holds {
			plan.Holds = append(plan.Holds, planner.Hold{Findings: []string{id}, Workload: ref, Code: planner.HoldProgramReadsKey,
				Reason: w.text(i, "the container names the key file in a flag of its own, --credentials"), Ask: w.text(i+1, "does the program start without the key?"),
				Answer: w.text(i+2, "workloads: [{workload: "+ref.String()+", answers: {program-reads-key: reads-adc}}]")})
		} else {
			move := w.move(i, ref, email, id, key)
			waves[move.Wave] = append(waves[move.Wave], move.ID)
			plan.Moves = append(plan.Moves, move)
			retirement.Moved = 1
			if i == w.Holds && w.Moves > 3 {
				access.After = append(access.After, "extra@acme-prod.iam.gserviceaccount.com")
			}
			cs.Files = append(cs.Files, rewriter.File{Path: path, Before: digestOf(path), After: digestOf(path + "x"), Moves: []string{move.ID}, Stage: "migrate",
				Edits: []rewriter.FileEdit{{Move: move.ID, Line: 21, Op: "remove", Why: "the variable that pointed at the key"}}})
			if !w.Hostile && w.Text == "" {
				fmt.Fprintf(&patch, "diff --git a/%[1]s b/%[1]s\n--- a/%[1]s\n+++ b/%[1]s\n@@ -18,8 +18,6 @@ spec:\n     spec:\n+      serviceAccountName: %[2]s\n       containers:\n       - name: app\n-        env:\n-        - name: GOOGLE_APPLICATION_CREDENTIALS\n-          value: /var/secrets/google/key.json\n         image: app:1\n         ports: []\n", path, name)
			}
			cs.Steps = append(cs.Steps, rewriter.Step{Phase: rewriter.PhaseGrant, What: "Grant " + name, Moves: []string{move.ID},
				Run:   []rewriter.Command{{"gcloud", "iam", "service-accounts", "add-iam-policy-binding", email, "--role=roles/iam.workloadIdentityUser"}},
				Check: []rewriter.Command{{"gcloud", "iam", "service-accounts", "get-iam-policy", email}},
				Undo:  []rewriter.Command{{"gcloud", "iam", "service-accounts", "remove-iam-policy-binding", email}}})
		}
		plan.Access = append(plan.Access, access)
		plan.Retirements = append(plan.Retirements, retirement)
	}
	for _, name := range slices.Sorted(maps.Keys(waves)) {
		plan.Waves = append(plan.Waves, planner.Wave{Name: name, Moves: waves[name], Why: w.text(1, "staging before production, few replicas first")})
	}
	plan.Gaps = []scanner.Gap{{Source: "repo", What: w.text(4, "apps/legacy/broken.yaml:12"), Why: w.text(5, "found a tab where indentation was expected")}}
	inv.Gaps = plan.Gaps
	plan.Notices = []planner.Notice{{Code: planner.NoticeBindingUnverified, Text: w.text(6, "annotated, and the grant was not seen"), Object: &scanner.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "team-00", Name: w.text(7, "batch")}}}
	plan.Prerequisites = []planner.Prerequisite{{Code: planner.PrerequisiteNodePool, Target: w.text(8, "acme-prod/europe-west1/main, node pool old"), Why: w.text(9, "its nodes give pods the node's own account"),
		Commands: [][]string{{"gcloud", "container", "node-pools", "update", "old", "--workload-metadata=GKE_METADATA", w.text(10, "--project=acme-prod")}}, Effects: []string{w.text(11, "team-03/Deployment/agent uses the node's account")}}}
	plan.Exceptions = []planner.Exception{{What: w.text(12, "legacy/*/*"), Reason: w.text(13, "goes away in spring"), By: w.text(14, "ops"), Expires: "2027-03-31"}}
	cs.Removals = []rewriter.Removal{{Path: w.text(15, "apps/team-00/secret.yaml"), From: 1, To: 9, Key: true, Object: scanner.Ref{Kind: "Secret", Namespace: "team-00", Name: w.text(16, "service-0-key")}, Why: "holds the key"}}
	cs.Manual = []rewriter.Manual{{Where: w.text(17, "Vault role payments"), What: w.text(18, "add the new name"), Why: "it names the old one"}}
	in := report.Input{Inventory: inv, Plan: plan, Changeset: cs, Tool: "dekey test", Files: map[string][]byte{
		"changes.patch": []byte(patch.String()), "runbook/1-grant.sh": []byte("#!/usr/bin/env bash\nset -euo pipefail\n" + w.text(0, "gcloud iam ...") + "\n"),
	}}
	if !w.Changeset {
		in.Changeset, in.Files = nil, nil
	}
	if w.InventoryOnly {
		in.Plan, in.Changeset, in.Files = nil, nil, nil
	}
	return in
}

func (w World) move(i int, ref scanner.Ref, email, finding, key string) planner.Move {
	notices := [][]planner.Notice{
		{{Code: planner.NoticeKeyUnverified, Text: "possession is proven by 1-grant.sh"}},
		{{Code: planner.NoticeStartUpRace, Text: w.text(i, "a mesh sidecar starts beside the program")}, {Code: planner.NoticeProjectDiffers, Text: "GOOGLE_CLOUD_PROJECT=acme-data is added"}},
		{},
		{{Code: planner.NoticeContainerIdentity, Text: w.text(i+1, "container proxy is in the pod and has no key")}},
	}[i%4]
	if i%50 == 7 {
		notices = append(notices, planner.Notice{Code: planner.NoticeAccountAsserted, Text: "named by --account"})
	}
	return planner.Move{
		ID: fmt.Sprintf("%s@%d", ref.String(), i), Workload: ref, Findings: []string{finding}, Account: email, ServiceAccount: planner.ServiceAccount{Namespace: ref.Namespace, Name: ref.Name, Create: true},
		Model: planner.Impersonation, Before: "default", Wave: []string{"1 staging", "2 production"}[i%2], Why: w.text(i, "the pod runs as default, which other workloads share: it gets a service account of its own"),
		Grants:  []planner.Grant{{Resource: "//iam.googleapis.com/projects/-/serviceAccounts/" + email, Role: "roles/iam.workloadIdentityUser", Member: fmt.Sprintf("serviceAccount:acme-prod.svc.id.goog[%s/%s]", ref.Namespace, ref.Name)}},
		Edits:   []planner.Edit{{Object: ref, Op: planner.OpRemove, Field: scanner.Path{}, Why: "the variable that pointed at the key"}},
		Notices: notices, Keys: []string{key}, Recreate: i%10 == 3,
	}
}
