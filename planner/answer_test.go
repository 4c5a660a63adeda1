package planner_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dekey/planner"
	"dekey/planner/planfile"
)

// What only the operator knows, in place of the words in capitals.
var known = strings.NewReplacer(
	"EMAIL", "answered@acme-shop.iam.gserviceaccount.com", "PROJECT/LOCATION/NAME", "acme-shop/europe-west1/prod",
	"PROJECT.svc.id.goog", "acme-shop.svc.id.goog", "NUMBER", "123456789012", "NAMESPACE", "answered",
)

// What a hold names as its answer is a piece of a policy file, and settles it.
func TestAnswersCanBePasted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	pasted := map[string]int{}
	for _, world := range planner.HeldWorlds(seed, 1000) {
		plan, err := planner.New(world.Inventory, world.Policy)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range plan.Holds {
			if h.Answer == "" {
				continue
			}
			answer, err := planfile.ReadPolicy("policy.yaml", []byte(known.Replace(h.Answer)))
			if err != nil {
				t.Errorf("%s: %s: %q: %v", world.Name, h.Code, h.Answer, err)
				continue
			}
			pasted[h.Code]++
			again, err := planner.New(world.Inventory, join(world.Policy, answer))
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range again.Holds {
				if g.Code == h.Code && slices.ContainsFunc(g.Findings, func(id string) bool { return slices.Contains(h.Findings, id) }) {
					t.Errorf("%s: %s of %s is still held after %q: %s", world.Name, h.Code, h.Workload, h.Answer, g.Reason)
				}
			}
		}
	}
	for _, code := range slices.Concat(slices.Collect(maps.Keys(planner.Answers)), []string{
		planner.HoldAccountUnknown, planner.HoldNamespaceUnknown, planner.HoldPoolUnknown, planner.HoldRolesUnknown,
	}) {
		if pasted[code] == 0 {
			t.Errorf("no answer to %s was pasted", code)
		}
	}
}

// join is a policy with an answer written into it: an entry for a workload joins the one that is there.
func join(policy, answer planner.Policy) planner.Policy {
	rules := slices.Clone(policy.Workloads)
	for _, a := range answer.Workloads {
		i := slices.IndexFunc(rules, func(r planner.WorkloadRule) bool { return r.Workload == a.Workload })
		if i < 0 {
			rules = append(rules, a)
			continue
		}
		r := &rules[i]
		r.Answers = maps.Clone(r.Answers)
		if r.Answers == nil {
			r.Answers = map[string]string{}
		}
		maps.Copy(r.Answers, a.Answers)
		if a.Model != "" {
			r.Model = a.Model
		}
		if a.Account != "" {
			r.Account = a.Account
		}
		if a.Split != nil {
			r.Split = a.Split
		}
	}
	now := policy.Now
	answer.Workloads = nil
	joined := planfile.Overlay(policy, answer)
	joined.Workloads, joined.Now, joined.Limits = rules, now, policy.Limits
	return joined
}
