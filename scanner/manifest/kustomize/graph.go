package kustomize

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"dekey/scanner/manifest/document"
)

// A Graph is the kustomizations of a checkout that can matter, and what they use.
type Graph struct {
	Files  Files
	Levels int

	byDir   map[string]*Kustomization
	broken  map[string]*document.Error // by the kustomization's file
	parents map[string][]string        // folders of the kustomizations that use a folder
	users   map[string][]string        // folders of the kustomizations that use a file
}

// NewGraph makes an empty graph.
func NewGraph(files Files, levels int) *Graph {
	return &Graph{
		Files: files, Levels: levels, byDir: map[string]*Kustomization{}, broken: map[string]*document.Error{},
		parents: map[string][]string{}, users: map[string][]string{},
	}
}

// Add reads a kustomization, and those that it uses.
func (g *Graph) Add(file string) {
	queue := []string{file}
	for len(queue) > 0 {
		file, queue = queue[0], queue[1:]
		dir := dirOf(file)
		if g.byDir[dir] != nil || g.broken[file] != nil {
			continue
		}
		k, err := Parse(g.Files, file, g.Levels)
		if err != nil {
			g.broken[file] = err
			continue
		}
		g.byDir[dir] = k
		for _, u := range k.Uses {
			switch {
			case u.Path == "":
			case u.Role == Base || u.Role == Component:
				g.parents[u.Path] = appendOnce(g.parents[u.Path], dir)
				queue = append(queue, fileIn(g.Files, u.Path))
			default:
				g.users[u.Path] = appendOnce(g.users[u.Path], dir)
			}
		}
	}
}

func dirOf(file string) string {
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		return file[:i]
	}
	return "."
}

func appendOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// At gives the kustomization of a folder, or nil.
func (g *Graph) At(dir string) *Kustomization { return g.byDir[dir] }

// Roots are the outermost kustomizations that a file reaches, sorted; a kustomization file reaches its own. The file
// of a component that nothing uses reaches none.
func (g *Graph) Roots(file string) []string {
	start := g.users[file]
	if dir := dirOf(file); IsFile(file) && g.byDir[dir] != nil {
		start = []string{dir}
	}
	return g.outermost(start)
}

func (g *Graph) outermost(start []string) []string {
	var roots []string
	seen := map[string]bool{}
	queue := slices.Clone(start)
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if parents := g.parents[dir]; len(parents) > 0 {
			queue = append(queue, parents...)
		} else if k := g.byDir[dir]; k != nil && !k.IsPatcher {
			roots = append(roots, dir)
		}
	}
	slices.Sort(roots)
	return roots
}

// Uses says whether any kustomization names a file.
func (g *Graph) Uses(file string) bool { return len(g.users[file]) > 0 }

// below gives the kustomizations that a root is made of, in the order in which they are applied: what one uses, then
// itself. cycle names a folder that uses itself.
func (g *Graph) below(root string) (order []*Kustomization, cycle string) {
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(dir string)
	visit = func(dir string) {
		switch state[dir] {
		case visiting:
			cycle = dir
			return
		case done:
			return
		}
		state[dir] = visiting
		k := g.byDir[dir]
		if k == nil {
			state[dir] = done
			return
		}
		for _, u := range k.Uses {
			if u.Path != "" && (u.Role == Base || u.Role == Component) {
				visit(u.Path)
			}
		}
		state[dir] = done
		order = append(order, k)
	}
	visit(root)
	return order, cycle
}

// Plain says that a root does nothing but list resources, all the way down: its files say what it renders. What can not
// be read of it is left out in either way.
func (g *Graph) Plain(root string) bool {
	order, cycle := g.below(root)
	if cycle != "" {
		return false
	}
	for _, k := range order {
		if !k.Plain {
			return false
		}
		for _, u := range k.Uses {
			if u.Role != Resource && u.Role != Base {
				return false
			}
		}
	}
	return true
}

// A Problem is what a kustomization names and is left out of its rendering.
type Problem struct {
	File string
	Line int
	Why  string
}

// Problems are what is left out of every rendering, sorted.
func (g *Graph) Problems() []Problem {
	var problems []Problem
	for file, err := range g.broken {
		problems = append(problems, Problem{file, err.Line, err.Why})
	}
	for dir, k := range g.byDir {
		problems = append(problems, k.problems()...)
		if _, cycle := g.below(dir); cycle == dir {
			problems = append(problems, Problem{k.File, 0, "uses itself, by what it lists"})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Why, b.Why))
	})
	return problems
}

func (k *Kustomization) problems() []Problem {
	var problems []Problem
	for _, u := range k.Uses {
		if u.Problem == "" {
			continue
		}
		node, _ := k.parsed()
		at, _ := node.LocateValue(u.Field)
		why := "an entry " + u.Problem
		if u.Entry != "" {
			why = "its " + strconv.Quote(u.Entry) + " " + u.Problem
		}
		problems = append(problems, Problem{k.File, at.Line, why})
	}
	return problems
}
