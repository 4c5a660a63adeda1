package planner

import (
	"slices"
	"testing"

	"dekey/scanner/object"
)

// One value of a chart gives several workloads their service account: they get the same new one, or each its own where not all
// of them move, which the rewriting then holds.
func TestChosenTogether(t *testing.T) {
	for _, test := range []struct {
		name  string
		third bool // without a key
		want  []string
	}{
		{"both move", false, []string{"web", "web"}},
		{"a bystander", true, []string{"api", "worker"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBuild()
			b.key("k1", payments, "payments", "api-key")
			choice := &object.AccountChoice{By: "charts/web: serviceAccount", Name: "web"}
			for _, name := range []string{"api", "worker"} {
				w := b.workload(deployment("payments", name), "")
				w.AccountChoice = choice
				b.mounted(w, "api-key", "k1")
			}
			if test.third {
				b.workload(deployment("payments", "cron"), "").AccountChoice = choice
			}
			var got []string
			for _, m := range b.plan(t, shop).Moves {
				got = append(got, m.ServiceAccount.Name)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
