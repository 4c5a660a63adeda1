// Package manifest reads a GitOps checkout, or manifests on standard input, as objects with the places where their
// fields are written.
//
// It reads raw YAML and JSON: several documents in a file, lists, kubectl dumps. Every file is read once and searched
// for what can matter; only documents that can are decoded. A file that can not be read, a broken document, a link
// that leaves the root, a limit that is reached is a gap, and the rest goes on. YAML that is no Kubernetes object is
// passed over.
//
// A checkout is hostile: nothing outside of its root is read, nothing is fetched, nothing in it is run.
//
//	reader := manifest.New(manifest.Options{Root: "."})
//	inventory, err := scanner.Scan(ctx, reader)
//	objects, err := reader.Render(ctx, editedFiles, nil) // what the scan would see in other files
package manifest

import (
	"cmp"
	"io"
	"strings"
	"time"

	"dekey/scanner"
	"dekey/scanner/manifest/checkout"
)

// Options say what to read.
type Options struct {
	// Root is a folder, a file of manifests, or "-" for standard input, as it was given.
	Root string
	// ID is the source's id; Root where it is "".
	ID string
	// Stdin is read when Root is "-".
	Stdin io.Reader
	// Namespaces are the namespaces of manifests that name none.
	Namespaces []NamespaceRule
	Limits     Limits
	// Skip are folders below the root that are not read: dekey's own output. Relative, with forward slashes.
	Skip []string
	// Child is the command, with its arguments, that runs RenderChild: dekey itself. Without it nothing is rendered, and
	// every overlay and chart that would have to be is a gap.
	Child []string
	// Also says what matters beside keys; nil is nothing. `dekey lint` asks for what names identities.
	Also *Also
}

// PeekBytes is how much of a file is read that Also.Peeks names: one as long as that may be longer.
const PeekBytes = checkout.HeadSize

// An Also says which files and documents matter beside those that have to do with keys. Its functions are called on
// several goroutines at once; text is valid during the call only.
type Also struct {
	// File looks at a whole file: a manifest, which matters where File says so, with the renderings that take it in; or a
	// template, which is only shown.
	File func(name string, text []byte) bool
	// Wants names files that would not be read whole, or not at all: File looks at those too, and its answer is not asked.
	Wants func(name string) bool
	// Peeks names files at whose first PeekBytes File looks, where nothing else wants them whole.
	Peeks func(name string) bool
	// Document looks at one document of a file that matters.
	Document func(text []byte) bool
}

// A NamespaceRule gives the namespace of the manifests at or below Path, relative to the root, that name none and are
// rendered by nothing. The longest match wins.
type NamespaceRule struct{ Path, Namespace string }

// Limits bound what is read of a checkout that nobody vouches for. Zero fields are the defaults. Each limit that is
// reached is a gap.
type Limits struct {
	FileBytes   int64         // of one file: 32 MiB
	Levels      int           // of folders, and of values inside of each other: 1,000
	Documents   int           // in one file: 100,000
	RenderTime  time.Duration // of one overlay or chart: 10 s
	RenderBytes int64         // of memory for it: 512 MiB
}

func (l Limits) withDefaults() Limits {
	return Limits{
		FileBytes:   cmp.Or(l.FileBytes, 32<<20),
		Levels:      cmp.Or(l.Levels, 1000),
		Documents:   cmp.Or(l.Documents, 100_000),
		RenderTime:  cmp.Or(l.RenderTime, 10*time.Second),
		RenderBytes: cmp.Or(l.RenderBytes, 512<<20),
	}
}

// A Reader reads one checkout. It is a scanner.Reader, and its Render method makes it the rewriter's Renderer.
type Reader struct {
	options Options
	source  scanner.Source
	seen    *pass // what the last Read saw
}

var _ scanner.Reader = (*Reader)(nil)

// New makes a Reader. Nothing is read before Read or Render is called.
func New(options Options) *Reader {
	options.Limits = options.Limits.withDefaults()
	options.ID = cmp.Or(options.ID, options.Root)
	return &Reader{
		options: options,
		source:  scanner.Source{ID: options.ID, Kind: "repository", Root: options.Root},
	}
}

// skipped says whether a file lies in a folder that is not read.
func (r *Reader) skipped(name string) bool {
	for _, folder := range r.options.Skip {
		if strings.HasPrefix(name, folder+"/") {
			return true
		}
	}
	return false
}
