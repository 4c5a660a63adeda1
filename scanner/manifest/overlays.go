package manifest

import (
	"context"
	"path"
	"slices"
	"strings"

	"dekey/scanner"
	"dekey/scanner/manifest/checkout"
	"dekey/scanner/manifest/document"
	"dekey/scanner/manifest/kustomize"
	"dekey/scanner/manifest/render"
	"dekey/scanner/manifest/search"
)

// A kustomizationFile is one as it was read by the walk.
type kustomizationFile struct{ name, text string }

// overlays are the kustomizations of a checkout that can matter.
type overlays struct {
	files treeFiles
	graph *kustomize.Graph
	child *child

	rendered map[string]*rendering // by root
	said     map[string]bool       // roots whose problems were said
}

// A rendering is what one root gave. The objects are kept while they are few.
type rendering struct {
	build   *kustomize.Build
	objects [][]byte
	why     string
}

// treeFiles is a Tree as package kustomize asks for it.
type treeFiles struct {
	checkout.Tree
	pass *pass
}

func (t treeFiles) Kind(name string) kustomize.Kind {
	if t.pass.has(name) {
		return kustomize.RegularFile
	}
	info, err := t.Stat(name)
	switch {
	case err != nil:
		return kustomize.Nothing
	case info.IsDir():
		return kustomize.Folder
	case info.Mode().IsRegular():
		return kustomize.RegularFile
	}
	return kustomize.Nothing
}

// outward is text of a kustomization that names something that can not be read here: its problems are said although
// nothing in the checkout that it uses can matter.
var outward = search.New("://", "?ref=", "github.com", "git@", "_git/", "helmChart", "generators:", "transformers:", "validators:", "../")

// newOverlays knows no kustomization yet.
func (r *Reader) newOverlays(p *pass) *overlays {
	files := treeFiles{p.tree, p}
	return &overlays{
		files: files, child: &child{argv: r.options.Child, limits: r.options.Limits},
		graph:    kustomize.NewGraph(files, r.options.Limits.Levels),
		rendered: map[string]*rendering{}, said: map[string]bool{},
	}
}

// reach reads the kustomizations that reach the files, and says what is left out of them.
func (r *Reader) reach(p *pass, sink scanner.Sink, files []file, every bool) {
	matter := map[string]bool{}
	for _, f := range files {
		matter[f.name] = true
	}
	for _, name := range reaching(p.kustomizations, matter, every) {
		p.overlays.graph.Add(name)
	}
	for _, problem := range p.overlays.graph.Problems() {
		gap := scanner.Gap{Source: r.source.ID, What: where(problem.File, problem.Line), Why: problem.Why}
		if key := gap.What + gap.Why; !p.overlays.said[key] {
			p.overlays.said[key] = true
			sink.Gap(gap)
		}
	}
}

// reaching are the kustomizations whose text names a file that can matter, or another kustomization that does, or
// something outside. It reads words, not YAML: it finds too many rather than too few.
func reaching(all []kustomizationFile, matter map[string]bool, every bool) []string {
	byDir := map[string]int{}
	for i, k := range all {
		byDir[path.Dir(k.name)] = i
	}
	parents := make([][]int, len(all))
	reached := make([]bool, len(all))
	var queue []int
	reach := func(i int) {
		if !reached[i] {
			reached[i] = true
			queue = append(queue, i)
		}
	}
	var name []byte // reused
	for i, k := range all {
		if every || matter[k.name] || outward.Has([]byte(k.text)) {
			reach(i)
		}
		dir := path.Dir(k.name)
		for word := range strings.FieldsFuncSeq(k.text, func(c rune) bool { return strings.ContainsRune(" \t\r\n\"'[]{},=", c) }) {
			if word == "-" || strings.HasSuffix(word, ":") || word[0] == '#' {
				continue
			}
			name = joined(name[:0], dir, word)
			if matter[string(name)] {
				reach(i)
			}
			if child, ok := byDir[string(name)]; ok && child != i {
				parents[child] = append(parents[child], i)
			}
		}
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, parent := range parents[i] {
			reach(parent)
		}
	}
	var names []string
	for i, k := range all {
		if reached[i] {
			names = append(names, k.name)
		}
	}
	return names
}

// joined is path.Join, into memory that is there.
func joined(name []byte, dir, word string) []byte {
	if strings.Contains(word, "./") || strings.Contains(word, "//") || strings.HasSuffix(word, "/") || strings.HasSuffix(word, "..") || word == "." {
		return append(name, path.Join(dir, word)...)
	}
	if dir != "." {
		name = append(append(name, dir...), '/')
	}
	return append(name, word...)
}

// standsIn are the roots for which a file's objects stand as they are written: "" for a file that no kustomization
// uses, and the roots that do nothing but list files. What other roots render of it stands in their renderings.
func (o *overlays) standsIn(file string) []string {
	if !o.graph.Uses(file) {
		return []string{""}
	}
	var plain []string
	for _, root := range o.graph.Roots(file) {
		if o.graph.Plain(root) {
			plain = append(plain, root)
		}
	}
	return plain
}

// roots are the outermost kustomizations that have to be rendered for what they make of the files.
func (o *overlays) roots(files []file) []string {
	var roots []string
	for root := range o.rendered { // what they render is at hand
		roots = append(roots, root)
	}
	for _, f := range files {
		for _, root := range o.graph.Roots(f.name) {
			if !o.graph.Plain(root) {
				roots = append(roots, root)
			}
		}
	}
	slices.Sort(roots)
	return slices.Compact(roots)
}

// render renders a root, once.
func (o *overlays) render(ctx context.Context, root string) *rendering {
	if done := o.rendered[root]; done != nil {
		return done
	}
	done := &rendering{build: o.graph.Build(root)}
	if done.why = done.build.Why; done.why == "" {
		response := o.child.render(ctx, render.Request{Kustomize: &render.Kustomize{Root: path.Join("/", root), Files: done.build.Files}})
		done.objects, done.why = response.Objects, response.Why
	}
	done.build.Files = nil
	o.rendered[root] = done
	return done
}

// renderOverlays renders roots, and yields the objects that are selected.
func (r *Reader) renderOverlays(ctx context.Context, p *pass, sink scanner.Sink, roots []string, s selection) error {
	for _, root := range roots {
		if err := ctx.Err(); err != nil {
			return err
		}
		done := p.overlays.render(ctx, root)
		if done.why != "" {
			r.failed(p, sink, root, done)
			continue
		}
		used := false
		for _, text := range done.objects {
			if s.document(text) && r.yieldRendered(p, sink, done.build, text, s) {
				used = true
			}
		}
		if used {
			for _, name := range done.build.Read {
				if data, err := p.tree.ReadFile(name); err == nil {
					p.digest(name, data)
				}
			}
		}
	}
	return nil
}

// yieldRendered hands on one rendered object, if it is selected.
func (r *Reader) yieldRendered(p *pass, sink scanner.Sink, build *kustomize.Build, text []byte, s selection) bool {
	node, problem := document.Parse(document.Document{Index: 1, Line: 1, Text: text}, r.options.Limits.Levels)
	if problem != nil {
		return false
	}
	value, problem := node.Value()
	content, ok := value.(map[string]any)
	if problem != nil || !ok {
		return false
	}
	made := build.Take(content, r.source.ID)
	if made == nil || len(made.Origins) == 0 {
		return false
	}
	found := objects(node, content, scanner.Origin{})
	if len(found) == 0 {
		return false
	}
	o := found[0].object // a rendering holds one object in each document
	o.Origins, o.Locator, o.Root = made.Origins, made, build.Root
	r.namespace(o, p, path.Join(build.Root, "kustomization.yaml"))
	r.namespace(o, p, made.Origins[0].Path)
	if s.object != nil && !s.object(o) {
		return false
	}
	if p.once(place{root: build.Root, ref: o.Ref}) {
		sink.Object(o)
	}
	return true
}

// failed says why a root is not rendered, and where keys are mentioned in what it would have been.
func (r *Reader) failed(p *pass, sink scanner.Sink, root string, done *rendering) {
	k := p.overlays.graph.At(root)
	if k == nil || p.overlays.said["failed "+root] {
		return
	}
	p.overlays.said["failed "+root] = true
	sink.Gap(scanner.Gap{Source: r.source.ID, What: k.File, Why: done.why})
	for _, f := range p.files {
		name := f.name
		if f.marks&wired == 0 || !slices.Contains(p.overlays.graph.Roots(name), root) {
			continue
		}
		data, err := p.tree.ReadFile(name)
		if err != nil {
			continue
		}
		documents, _ := document.Split(data, r.options.Limits.Documents)
		for _, d := range documents {
			for _, hint := range r.hints(name, d.Text, d.Index, d.Line, "not-provable", "a part of an overlay that can not be rendered") {
				sink.Hint(hint)
				p.digest(name, data)
			}
		}
	}
}
