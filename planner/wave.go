package planner

import (
	"cmp"
	"slices"
	"strings"
)

// waves order the moves: what the policy says, else environments that are not production first, and few replicas before
// many. All moves under one kept service account are in one wave, because its annotation reaches them all.
func waves(w *world, moves []Move) []Wave {
	type entry struct {
		key, why string
		named    bool
	}
	kept := make(map[ServiceAccount]entry)
	entries := make([]entry, len(moves))
	for i := range moves {
		x := w.byRef[refKey(moves[i].Workload)]
		e := entry{}
		e.key, e.why = waveOf(x)
		if x.rule != nil && x.rule.Wave != "" {
			e = entry{key: x.rule.Wave, why: "as the policy says", named: true}
		}
		entries[i] = e
		if sa := moves[i].ServiceAccount; !sa.Create {
			if other, found := kept[sa]; !found || cmp.Compare(e.key, other.key) > 0 {
				kept[sa] = e
			}
		}
	}
	byKey := make(map[string]*Wave)
	for i := range moves {
		e := entries[i]
		if shared, found := kept[moves[i].ServiceAccount]; found && !e.named {
			e = shared
		}
		wave := byKey[e.key]
		if wave == nil {
			wave = &Wave{Name: e.key, Moves: []string{}, Why: e.why}
			byKey[e.key] = wave
		}
		wave.Moves = append(wave.Moves, moves[i].ID)
		moves[i].Wave = e.key
	}
	list := make([]Wave, 0, len(byKey))
	for _, wave := range byKey {
		slices.Sort(wave.Moves)
		list = append(list, *wave)
	}
	slices.SortFunc(list, func(a, b Wave) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// waveOf is the wave of a workload by its namespace and size.
func waveOf(x *work) (key, why string) {
	stage, what := "3-production", "taken for production"
	switch words := words(x.target.old.namespace); {
	case containsAny(words, "dev", "develop", "development", "test", "tests", "testing", "qa", "sandbox", "ci", "demo", "playground"):
		stage, what = "1-development", "by its namespace for development or tests"
	case containsAny(words, "stage", "staging", "stg", "uat", "preprod", "pre", "preview", "canary", "beta"):
		stage, what = "2-staging", "by its namespace before production"
	}
	size, many := "a", "one replica or none"
	if x.obj != nil {
		switch {
		case x.ref.Kind == "DaemonSet":
			size, many = "c", "a pod on every node"
		case x.obj.Replicas != nil && *x.obj.Replicas > 3:
			size, many = "c", "more than three replicas"
		case x.obj.Replicas != nil && *x.obj.Replicas > 1:
			size, many = "b", "two or three replicas"
		}
	}
	return stage + "-" + size, what + ", " + many
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '.' || r == '_' })
}

func containsAny(list []string, any ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(any, s) })
}
