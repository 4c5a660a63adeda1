package pullrequest

import (
	"fmt"
	"slices"
	"testing"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/rewriter/report"
	"dekey/rewriter/report/reporttest"
	"dekey/scanner"
)

// However it is split: every file is in one group, every move and every removed object whole in one, and no two groups
// have one branch, or branches of which one is in the other's way.
func TestGroups(t *testing.T) {
	worlds := map[string]*Changeset{"shared files": shared()}
	for name, world := range map[string]reporttest.World{
		"ordinary": {Moves: 40, Namespaces: 7, Changeset: true}, "hostile": {Moves: 12, Namespaces: 3, Hostile: true, Changeset: true},
	} {
		worlds[name] = &Changeset{Input: world.Input()}
	}
	for name, c := range worlds {
		for _, stage := range []string{Migrate, Cleanup} {
			for _, way := range append([]string{""}, Splits...) {
				t.Run(fmt.Sprint(name, " ", stage, " by ", way), func(t *testing.T) {
					files, moves, objects, branches := map[string]int{}, map[string]string{}, map[string]string{}, map[string]bool{}
					for _, g := range c.groups(stage, way, func(path string) []string { return []string{"@" + path[:1]} }) {
						if branches[g.branch] {
							t.Errorf("two groups have the branch %s", g.branch)
						}
						branches[g.branch] = true
						for _, one := range g.changes {
							files[one.path]++
							for _, move := range one.Moves {
								if other := moves[move]; other != "" && other != g.branch {
									t.Errorf("%s is in %s and in %s", move, other, g.branch)
								}
								moves[move] = g.branch
							}
							for _, removal := range one.removals {
								object := removal.Object.String()
								if other := objects[object]; other != "" && other != g.branch {
									t.Errorf("%s is in %s and in %s", object, other, g.branch)
								}
								objects[object] = g.branch
							}
						}
					}
					for _, one := range c.changes(stage) {
						if files[one.path] != 1 {
							t.Errorf("%s is in %d groups", one.path, files[one.path])
						}
					}
				})
			}
		}
	}
}

// shared is a changeset in which moves of three namespaces share files, one stands alone, and a cleanup crosses files.
func shared() *Changeset {
	move := func(namespace, name, wave string) planner.Move {
		ref := scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: name}
		return planner.Move{ID: ref.String(), Workload: ref, Wave: wave, Keys: []string{"key-" + namespace}}
	}
	plan := &planner.Plan{Moves: []planner.Move{move("a", "x", "1"), move("b", "y", "2"), move("c", "z", "2"), move("d", "w", "1")}}
	file := func(path, stage string, moves ...string) rewriter.File {
		return rewriter.File{Path: path, Stage: stage, Before: "0", After: "1", Moves: moves}
	}
	secret := func(path, namespace string) rewriter.Removal {
		return rewriter.Removal{Path: path, Object: scanner.Ref{Kind: "Secret", Namespace: namespace, Name: "k"}, Keys: []string{"key-" + namespace}}
	}
	id := func(i int) string { return plan.Moves[i].ID }
	return &Changeset{Input: report.Input{Plan: plan, Changeset: &rewriter.Changeset{
		Files: []rewriter.File{
			file("1.yaml", Migrate, id(0)), file("2.yaml", Migrate, id(0), id(1)), file("3.yaml", Migrate, id(1), id(2)), file("4.yaml", Migrate, id(3)), file("5.yaml", Migrate),
			file("k.yaml", Cleanup), file("s.yaml", Cleanup), file("t.yaml", Cleanup), file("u.yaml", Cleanup),
		},
		Removals: []rewriter.Removal{secret("k.yaml", "a"), secret("s.yaml", "a"), secret("k.yaml", "b"), secret("t.yaml", "b"), secret("u.yaml", "d")},
	}}}
}

// Groups whose moves share a file go together, under a name that says so; the others stay apart.
func TestGroupsThatShareAFile(t *testing.T) {
	for _, test := range []struct {
		stage, way string
		want       []string
	}{
		{Migrate, "", []string{"dekey/migrate"}},
		{Migrate, ByNamespace, []string{"dekey/migrate/a-b-c", "dekey/migrate/d", "dekey/migrate/no-namespace"}},
		{Migrate, ByWave, []string{"dekey/migrate/1-2", "dekey/migrate/others"}},
		{Cleanup, ByNamespace, []string{"dekey/cleanup/a-b", "dekey/cleanup/d"}},
		{Cleanup, ByWorkload, []string{"dekey/cleanup/a-secret-k-b-secret-k", "dekey/cleanup/d-secret-k"}},
		{Cleanup, ByWave, []string{"dekey/cleanup/1-2"}},
	} {
		var got []string
		for _, g := range shared().groups(test.stage, test.way, nil) {
			got = append(got, g.branch)
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s by %q: %q, want %q", test.stage, test.way, got, test.want)
		}
	}
}
