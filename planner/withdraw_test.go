package planner

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A move that can not be written is a hold, and everything that counted on it is counted again.
func TestWithdraw(t *testing.T) {
	b := newBuild()
	b.key("k1", payments, "payments", "api-key")
	b.mounted(b.workload(deployment("payments", "api"), ""), "api-key", "k1")
	b.mounted(b.workload(deployment("payments", "web"), ""), "api-key", "k1")
	p := b.plan(t, shop)
	if len(p.Moves) != 2 {
		t.Fatalf("%d moves, holds %+v", len(p.Moves), p.Holds)
	}
	before := p.Moves[0]
	got, err := Withdraw(p, before.ID, Hold{Code: HoldNotProvable, Reason: "an alias"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Moves) != 2 || p.Retirements[0].Moved != 2 {
		t.Error("the plan that was given was changed")
	}
	if len(got.Moves) != 1 || got.Moves[0].ID == before.ID {
		t.Errorf("moves %+v", got.Moves)
	}
	want := []Hold{{Findings: before.Findings, Workload: before.Workload, Code: HoldNotProvable, Reason: "an alias",
		Ask: "Who can make this edit of Deployment api by hand?"}}
	if diff := cmp.Diff(want, got.Holds); diff != "" {
		t.Errorf("holds: %s", diff)
	}
	for _, wave := range got.Waves {
		for _, id := range wave.Moves {
			if id == before.ID {
				t.Errorf("wave %s still has %s", wave.Name, id)
			}
		}
	}
	r := got.Retirements[0]
	if r.Moved != 1 || r.Consumers != 2 || r.Ready || r.BlockedBy[0].Code != BlockerConsumer {
		t.Errorf("retirement %+v", r)
	}
	for _, a := range got.Access {
		if a.Workload == before.Workload && cmp.Diff(a.Before, a.After) != "" {
			t.Errorf("access of the held workload: %+v", a)
		}
	}
	if _, err := Withdraw(p, "nothing", Hold{}); err == nil {
		t.Error("a move that is not there was withdrawn")
	}
}
