package planner

import "cmp"

// nameNew names the new service account of a workload: after it, or after the chart where one of the chart's values chooses it.
// Workloads that one value chooses for get the same one, where they may: all of them move, and to the same account.
func (w *world) nameNew(x *work) string {
	t := &x.target
	taken := w.taken(t.old.namespace, t.account)
	choice := chosenBy(x)
	if choice == "" || !w.movesTogether(x, choice) {
		return newName(x.ref.Name, taken)
	}
	if chosen := w.chosen[choice]; chosen != "" {
		return chosen
	}
	chosen := newName(cmp.Or(x.obj.AccountChoice.Name, x.ref.Name), taken)
	if w.chosen == nil {
		w.chosen = map[string]string{}
	}
	w.chosen[choice] = chosen
	return chosen
}

func chosenBy(x *work) string {
	if x.obj == nil || x.obj.AccountChoice == nil {
		return ""
	}
	return x.obj.AccountChoice.By
}

// movesTogether says whether every workload whose service account the choice gives moves as x does, to a new one.
func (w *world) movesTogether(x *work, choice string) bool {
	for _, y := range w.work {
		if chosenBy(y) != choice || y.obj.Live != x.obj.Live {
			continue
		}
		t := &y.target
		if len(y.uses) == 0 || y.held || t.keep || t.account != x.target.account || t.model != x.target.model || t.old != x.target.old {
			return false
		}
	}
	return true
}
