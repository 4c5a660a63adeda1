package pullrequest

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"dekey/planner"
)

// The ways to split a changeset into pull requests. "" is one for all.
const (
	ByNamespace  = "namespace"
	ByWorkload   = "workload"
	ByDirectory  = "directory"
	ByCodeowners = "codeowners"
	ByWave       = "wave"
)

// Splits are the values of Request.Split.
var Splits = []string{ByNamespace, ByWorkload, ByDirectory, ByCodeowners, ByWave}

// A group is what one pull request proposes. Its files belong to no other group: what shares a file goes together.
type group struct {
	name    string // as people know it; "" for all
	branch  string
	changes []change
	moves   []string // ids, of the first stage
	keys    []string // that must be deleted first, of the second stage
	unknown []string // objects of the second stage whose keys nobody knows
	joined  []string // the groups that it is made of, where they share a file
}

// A unit is what is never split: a move, or in the second stage an object whose removal touches several files.
type unit struct {
	id    string
	names []string // of the groups that it belongs to
	files []string
}

// groups splits a stage's changes. owners says who owns a file, for ByCodeowners.
func (c *Changeset) groups(stage, split string, owners func(string) []string) []group {
	list := c.changes(stage)
	if len(list) == 0 {
		return nil
	}
	prefix := "dekey/" + stage
	if split == "" {
		g := group{branch: prefix, changes: list}
		c.complete(stage, &g)
		return []group{g}
	}
	units := c.units(stage, split, list, owners)
	sets := newSets()
	for _, u := range units {
		for _, file := range u.files {
			sets.join("f "+u.files[0], "f "+file)
		}
		for _, name := range u.names {
			sets.join("f "+u.files[0], "g "+name)
		}
	}
	names, files := map[string]map[string]bool{}, map[string][]change{}
	for _, u := range units {
		root := sets.find("f " + u.files[0])
		if names[root] == nil {
			names[root] = map[string]bool{}
		}
		for _, name := range u.names {
			names[root][name] = true
		}
	}
	for _, one := range list {
		root := sets.find("f " + one.path)
		files[root] = append(files[root], one)
	}
	var result []group
	for root, changes := range files {
		g := group{joined: sortedKeys(names[root]), changes: changes}
		switch len(g.joined) {
		case 0:
			g.name = "others"
		case 1, 2, 3:
			g.name = strings.Join(g.joined, ", ")
		default:
			g.name = fmt.Sprintf("%s and %d more", g.joined[0], len(g.joined)-1)
		}
		c.complete(stage, &g)
		result = append(result, g)
	}
	waves := map[string]int{}
	for i, wave := range c.plan().Waves {
		waves[wave.Name] = i
	}
	slices.SortFunc(result, func(a, b group) int {
		if split == ByWave && len(a.joined) > 0 && len(b.joined) > 0 {
			if n := cmp.Compare(waves[a.joined[0]], waves[b.joined[0]]); n != 0 {
				return n
			}
		}
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.changes[0].path, b.changes[0].path))
	})
	taken := map[string]bool{}
	for i := range result {
		word := slug(result[i].name)
		for n := 2; taken[word]; n++ {
			word = fmt.Sprintf("%s-%d", slug(result[i].name), n)
		}
		taken[word] = true
		result[i].branch = prefix + "/" + word
	}
	return result
}

// complete fills in what a group's changes say: moves, keys.
func (c *Changeset) complete(stage string, g *group) {
	moves, keys, unknown := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, one := range g.changes {
		for _, id := range one.Moves {
			moves[id] = true
		}
		for _, removal := range one.removals {
			for _, key := range removal.Keys {
				keys[key] = true
			}
			if len(removal.Keys) == 0 {
				unknown[removal.Object.String()] = true
			}
		}
	}
	for _, move := range c.plan().Moves { // in the plan's order
		if moves[move.ID] {
			g.moves = append(g.moves, move.ID)
		}
	}
	if stage == Cleanup {
		g.moves = nil
	}
	g.keys, g.unknown = sortedKeys(keys), sortedKeys(unknown)
}

// units are what a stage's changes are made of, each with the groups that it would be in.
func (c *Changeset) units(stage, split string, list []change, owners func(string) []string) []unit {
	files := map[string][]string{}
	var order []string
	add := func(id, file string) {
		if files[id] == nil {
			order = append(order, id)
		}
		files[id] = append(files[id], file)
	}
	namespace, waves := map[string]string{}, map[string][]string{}
	for _, one := range list {
		if stage == Migrate {
			for _, id := range one.Moves {
				add(id, one.path)
				if move, found := c.move(id); found {
					namespace[id], waves[id] = move.Workload.Namespace, []string{move.Wave}
				}
			}
			if len(one.Moves) == 0 {
				add("file "+one.path, one.path)
			}
			continue
		}
		for _, removal := range one.removals {
			id := removal.Object.String()
			add(id, one.path)
			namespace[id] = removal.Object.Namespace
			for _, key := range removal.Keys {
				waves[id] = append(waves[id], c.wavesOf(key)...)
			}
		}
		if len(one.removals) == 0 {
			add("file "+one.path, one.path)
		}
	}
	slices.Sort(order)
	units := make([]unit, 0, len(order))
	for _, id := range order {
		u := unit{id: id, files: files[id]}
		switch split {
		case ByNamespace:
			u.names = []string{cmp.Or(namespace[id], "no namespace")}
		case ByWorkload:
			u.names = []string{id}
		case ByWave:
			for _, wave := range waves[id] {
				u.names = append(u.names, cmp.Or(wave, "no wave"))
			}
		case ByDirectory:
			u.names = []string{directoryOf(u.files, list)}
		case ByCodeowners:
			who := map[string]bool{}
			for _, file := range u.files {
				for _, owner := range owners(file) {
					who[owner] = true
				}
			}
			u.names = []string{cmp.Or(strings.Join(sortedKeys(who), " "), "no owner")}
		}
		units = append(units, u)
	}
	return units
}

// directoryOf is the folder of the first file that was there before: the workload's manifest.
func directoryOf(files []string, list []change) string {
	first := files[0]
	for _, one := range list {
		if one.Before != "" && slices.Contains(files, one.path) && !strings.HasPrefix(path.Base(one.path), "kustomization.") {
			first = one.path
			break
		}
	}
	if dir := path.Dir(first); dir != "." {
		return dir
	}
	return "top"
}

// wavesOf are the waves in which a key's consumers move.
func (c *Changeset) wavesOf(key string) []string {
	var waves []string
	for _, move := range c.plan().Moves {
		if slices.Contains(move.Keys, key) && !slices.Contains(waves, move.Wave) {
			waves = append(waves, move.Wave)
		}
	}
	return waves
}

// slug writes a group's name as the end of a branch's: letters, digits, dots and dashes, so that it means nothing to git,
// a shell, or GitHub.
func slug(name string) string {
	const most = 60
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	word := b.String()
	if len(word) > most {
		word = word[:most]
	}
	return cmp.Or(strings.Trim(word, "-"), "group")
}

// A sets is a union of strings.
type sets struct{ parent map[string]string }

func newSets() *sets { return &sets{map[string]string{}} }

func (s *sets) find(x string) string {
	p, found := s.parent[x]
	if !found || p == x {
		return x
	}
	root := s.find(p)
	s.parent[x] = root
	return root
}

func (s *sets) join(x, y string) {
	x, y = s.find(x), s.find(y)
	if x > y {
		x, y = y, x
	}
	s.parent[y] = x
}

// movesOf are a group's moves in the plan.
func (c *Changeset) movesOf(g group) []planner.Move {
	var list []planner.Move
	for _, id := range g.moves {
		if move, found := c.move(id); found {
			list = append(list, move)
		}
	}
	return list
}
