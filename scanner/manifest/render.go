package manifest

import (
	"context"
	"io/fs"

	"dekey/scanner"
	"dekey/scanner/manifest/checkout"
)

// Render yields the objects of tree that refs name, or all of them for nil, as a scan of those files would see them,
// with locators. Objects stand in the order of their files. What can not be read is left out: a scan says it.
func (r *Reader) Render(ctx context.Context, tree fs.FS, refs []scanner.Ref) ([]*scanner.Object, error) {
	limits := r.options.Limits
	wanted := map[scanner.Ref]bool{}
	names := map[string]bool{}
	for _, ref := range refs {
		wanted[ref], names[ref.Name] = true, true
	}
	mentions := func(text []byte) bool {
		found := refs == nil
		if !found {
			eachToken(text, func(word []byte) bool { found = names[string(word)]; return !found })
		}
		return found
	}
	seen, err := r.walk(ctx, checkout.FS{Files: tree, Size: limits.FileBytes, Levels: limits.Levels}, func(name string, data []byte) marks {
		if classify(name) == manifest && !bomOf16(data) && mentions(data) {
			return named
		}
		return 0
	})
	if err != nil {
		return nil, err
	}
	all := &collector{}
	err = r.yield(ctx, seen, all, selection{
		file:     func(m marks) bool { return m == named },
		document: mentions,
		object:   func(o *scanner.Object) bool { return refs == nil || wanted[o.Ref] },
		quiet:    true,
	})
	return all.objects, err
}

// collector is a Sink that keeps objects.
type collector struct{ objects []*scanner.Object }

func (c *collector) Object(o *scanner.Object)    { c.objects = append(c.objects, o) }
func (c *collector) Source(scanner.Source)       {}
func (c *collector) File(scanner.Origin, []byte) {}
func (c *collector) Hint(scanner.Hint)           {}
func (c *collector) Gap(scanner.Gap)             {}
func (c *collector) Cluster(scanner.Cluster)     {}
