package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"dekey/scanner"
	"dekey/scanner/manifest/checkout"
	"dekey/scanner/manifest/kustomize"
)

// A pass is what one walk over a checkout saw: no content, only which files can matter.
type pass struct {
	tree  checkout.Tree
	files []file // sorted by name
	all   bool   // files has all YAML files, those without marks too
	gaps  []scanner.Gap
	// kustomizations are the files of that name, sorted, with their text.
	kustomizations []kustomizationFile
	overlays       *overlays
	chartFiles     []string // the Chart.yaml files
	names          []uint64 // of all files that were read, hashed and sorted
	charts         *charts
	settings       []setting // of key variables, in values files

	mu      sync.Mutex
	digests map[string]string // of the files that something was read from
	yielded map[place]bool
	asked   map[string]bool // names that were looked for
	// pointing are the names of ConfigMaps that mention keys.
	pointing map[string]bool
}

// A place is one object of a file.
type place struct {
	root     string
	file     string
	document int
	field    string
	ref      scanner.Ref // of what is rendered
}

// A file can matter. One with no marks is only parsed, to tell whether it can be read.
type file struct {
	name  string
	marks marks
	names []uint32 // that it mentions, hashed and sorted; where it is marked for names
}

// checkedBytes is the size of a checkout's YAML up to which all of it is parsed. What mentions nothing can not matter,
// but whoever wrote it wants to know that it is broken. In a larger checkout only what can matter is decoded.
const checkedBytes = 8 << 20

// walk reads every file of the tree once. mark says why a file can matter.
func (r *Reader) walk(ctx context.Context, tree checkout.Tree, mark func(name string, data []byte, names *nameIndex) marks) (*pass, error) {
	p := &pass{tree: tree, digests: map[string]string{}, yielded: map[place]bool{}, asked: map[string]bool{}, pointing: map[string]bool{}}
	found := make([][]file, tree.Workers())
	names := make([]nameIndex, tree.Workers())
	known := make([][]uint64, tree.Workers())
	var total atomic.Int64 // bytes of YAML
	var mu sync.Mutex
	err := tree.Walk(ctx, checkout.Walk{
		Want: func(name string) checkout.Amount {
			if r.skipped(name) {
				return checkout.None
			}
			if r.options.Also != nil && r.options.Also.Wants != nil && r.options.Also.Wants(name) {
				return checkout.Whole
			}
			return classify(name).amount()
		},
		Visit: func(worker int, name string, data []byte) {
			if !utf8.ValidString(name) {
				// No document can name it, so that nothing in it could be found again, or edited.
				x := &names[worker]
				x.reset()
				if mark(name, data, x)&^unmarked != 0 || kustomize.IsFile(name) || isChart(name) {
					mu.Lock()
					p.gaps = append(p.gaps, scanner.Gap{Source: r.source.ID, What: strings.ToValidUTF8(name, "\uFFFD"), Why: "its name is not UTF-8"})
					mu.Unlock()
				}
				return
			}
			if kustomize.IsFile(name) && len(data) <= checkout.HeadSize {
				mu.Lock()
				p.kustomizations = append(p.kustomizations, kustomizationFile{name: strings.Clone(name), text: string(data)})
				mu.Unlock()
			}
			known[worker] = append(known[worker], maphash.String(seed, name))
			if isChart(name) {
				mu.Lock()
				p.chartFiles = append(p.chartFiles, strings.Clone(name))
				mu.Unlock()
			}
			size := int64(0)
			if classify(name) == manifest && path.Ext(name) != ".json" {
				size = total.Add(int64(len(data)))
			}
			x := &names[worker]
			x.reset()
			if m := mark(name, data, x); m != 0 || size > 0 && size <= checkedBytes {
				found[worker] = append(found[worker], file{strings.Clone(name), m, x.finish(data)})
			}
		},
		Problem: func(name string, err error) {
			if err == checkout.ErrTooLarge && classify(name) == aside {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			p.gaps = append(p.gaps, scanner.Gap{Source: r.source.ID, What: strings.ToValidUTF8(name, "\uFFFD"), Why: checkout.Cause(err)})
		},
	})
	if err != nil {
		return nil, err
	}
	p.files, p.names = slices.Concat(found...), slices.Concat(known...)
	slices.Sort(p.names)
	if p.all = total.Load() <= checkedBytes; !p.all {
		p.files = slices.DeleteFunc(p.files, func(f file) bool { return f.marks == 0 })
	}
	slices.SortFunc(p.files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	slices.SortFunc(p.kustomizations, func(a, b kustomizationFile) int { return strings.Compare(a.name, b.name) })
	slices.SortFunc(p.gaps, func(a, b scanner.Gap) int { return strings.Compare(a.What, b.What) })
	p.overlays, p.charts = r.newOverlays(p), newCharts(p)
	p.charts.deployments = r.readGitOps(ctx, p, p.with(gitops))
	return p, nil
}

// has says whether a file was read by the walk.
func (p *pass) has(name string) bool {
	_, found := slices.BinarySearch(p.names, maphash.String(seed, name))
	return found
}

// with are the files that have any of the marks.
func (p *pass) with(m marks) []file {
	var files []file
	for _, f := range p.files {
		if f.marks&m != 0 || f.marks&^custom == 0 && m&unmarked != 0 {
			files = append(files, f)
		}
	}
	return files
}

// digest notes the content of a file that something was read from.
func (p *pass) digest(name string, data []byte) {
	sum := sha256.Sum256(data)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.digests[name] = hex.EncodeToString(sum[:])
}

func (p *pass) fileDigests() []scanner.FileDigest {
	list := make([]scanner.FileDigest, 0, len(p.digests))
	for name, sum := range p.digests {
		list = append(list, scanner.FileDigest{Path: name, SHA256: sum})
	}
	slices.SortFunc(list, func(a, b scanner.FileDigest) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// point notes a ConfigMap that mentions keys.
func (p *pass) point(o *scanner.Object) {
	if o.Ref.Kind == "ConfigMap" {
		p.pointing[o.Ref.Name] = true
	}
}

// once says whether a place is new, and notes it.
func (p *pass) once(at place) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.yielded[at] {
		return false
	}
	p.yielded[at] = true
	return true
}

// A class is what a file is by its name.
type class int

const (
	aside    class = iota // source code, pictures: not looked at
	manifest              // YAML or JSON
	template              // text that something turns into a manifest
	keystore              // PKCS #12
	other                 // anything else: its first bytes tell whether it is a key
)

func (c class) amount() checkout.Amount {
	switch c {
	case aside:
		return checkout.None
	case other:
		return checkout.Head
	}
	return checkout.Whole
}

// classify tells by the name alone.
func classify(name string) class {
	base := path.Base(name)
	if base == "-" || kustomize.IsFile(base) {
		return manifest // standard input; a kustomization without an extension
	}
	ext := strings.ToLower(path.Ext(base))
	switch ext {
	case ".yaml", ".yml", ".json":
		return manifest
	case ".tpl", ".tmpl", ".gotmpl", ".template", ".j2", ".jinja", ".jinja2", ".jsonnet", ".libsonnet", ".cue", ".erb", ".mustache", ".tf", ".in":
		return template
	case ".p12", ".pfx":
		return keystore
	}
	if asideExt[ext] {
		return aside
	}
	return other
}

var asideExt = func() map[string]bool {
	m := map[string]bool{}
	for _, ext := range strings.Fields(`.go .py .js .jsx .ts .tsx .mjs .java .kt .scala .rb .rs .c .h .cc .cpp .hpp .cs .php .swift .m .pl .lua .r
		.md .rst .adoc .html .htm .css .scss .less .svg .png .jpg .jpeg .gif .ico .webp .pdf .woff .woff2 .ttf .eot .mp4 .zip .gz .tgz .bz2 .xz
		.tar .jar .war .so .dll .exe .bin .o .a .class .pyc .lock .sum .mod .map .proto .sql .csv .xml .ipynb .gpg .asc .age .enc .pack .idx`) {
		m[ext] = true
	}
	return m
}()
