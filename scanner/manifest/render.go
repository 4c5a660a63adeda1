package manifest

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"dekey/scanner"
	"dekey/scanner/manifest/checkout"
	"dekey/scanner/manifest/kustomize"
	"dekey/scanner/manifest/search"
)

// Render yields the objects of tree that refs name, or all of them for nil, as a scan of those files would see them,
// with locators. Objects stand in the order of their files. What can not be read is left out: a scan says it.
func (r *Reader) Render(ctx context.Context, tree fs.FS, refs []scanner.Ref) ([]*scanner.Object, error) {
	limits := r.options.Limits
	wanted, exact, spelled := map[scanner.Ref]bool{}, map[string]bool{}, map[string]bool{}
	files := checkout.FS{Files: tree, Size: limits.FileBytes, Levels: limits.Levels}
	prefixes, suffixes, err := r.findAffixes(ctx, files)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		wanted[ref], exact[ref.Name] = true, true
		for _, spelling := range spellings(ref.Name, prefixes, suffixes) {
			spelled[spelling] = true
		}
	}
	odd := search.New(oddNames(spelled)...)
	mentions := func(text []byte, names map[string]bool) bool {
		found := refs == nil
		if !found {
			eachToken(text, func(word []byte) bool { found = names[string(word)]; return !found })
		}
		return found || odd.Has(text)
	}
	p, err := r.walk(ctx, files, func(name string, data []byte, _ *nameIndex) marks {
		if classify(name) != manifest || bomOf16(data) {
			return 0
		}
		// What says where things are deployed gives them their namespace, whatever is asked for.
		found := look(name, data, nil) & gitops
		switch {
		case mentions(data, exact):
			found |= named
		case mentions(data, spelled):
			found |= nearly
		}
		return found
	})
	if err != nil {
		return nil, err
	}
	defer p.overlays.child.stop()
	all := &collector{}
	matter := p.with(named | nearly)
	r.reach(p, all, matter, refs == nil)
	err = r.give(ctx, p, all, p.with(named), matter, selection{
		document: func(text []byte) bool { return mentions(text, exact) },
		object:   func(o *scanner.Object) bool { return refs == nil || wanted[o.Ref] },
		quiet:    true,
	})
	return all.objects, err
}

// findAffixes reads the kustomizations alone, for what they add to names.
func (r *Reader) findAffixes(ctx context.Context, tree checkout.Tree) (prefixes, suffixes []string, err error) {
	p := &pass{}
	err = tree.Walk(ctx, checkout.Walk{
		Want: func(name string) checkout.Amount {
			if kustomize.IsFile(name) && !r.skipped(name) {
				return checkout.Head
			}
			return checkout.None
		},
		Visit: func(_ int, name string, data []byte) {
			p.kustomizations = append(p.kustomizations, kustomizationFile{name: name, text: string(data)})
		},
		Problem: func(string, error) {}, // the second walk meets it again
	})
	prefixes, suffixes = p.affixes()
	return prefixes, suffixes, err
}

// oddNames are the names that are no Kubernetes names, sorted: those of Prow jobs have capitals and underscores. They are
// searched for as text.
func oddNames(names map[string]bool) []string {
	var odd []string
	for name := range names {
		if len(name) >= 2 && strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 || wordByte[r]&^noName == 0 }) {
			odd = append(odd, name)
		}
	}
	slices.Sort(odd)
	return odd
}

// collector is a Sink that keeps objects.
type collector struct{ objects []*scanner.Object }

func (c *collector) Object(o *scanner.Object)    { c.objects = append(c.objects, o) }
func (c *collector) Source(scanner.Source)       {}
func (c *collector) File(scanner.Origin, []byte) {}
func (c *collector) Hint(scanner.Hint)           {}
func (c *collector) Gap(scanner.Gap)             {}
func (c *collector) Cluster(scanner.Cluster)     {}
