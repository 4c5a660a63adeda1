package rewriter

import (
	"context"
	"io/fs"

	"dekey/planner"
	"dekey/rewriter/runbook"
	"dekey/scanner"
)

// A Changeset is what is proposed: the document of that kind, and the files of its folder.
type Changeset struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"` // Changeset
	Plan       string `json:"plan"` // the plan's id, as it was carried out (moves that became holds included)
	Commit     string `json:"commit"`
	// Source is the id of the plan's source that the files are of, where the plan was made from several checkouts.
	Source string `json:"source,omitempty"`
	Files  []File `json:"files"`
	Steps  []Step `json:"steps"`
	// Removals are the second stage, for after the deletion.
	Removals []Removal `json:"removals"`
	// Manual are edits that people make in places that dekey does not write: what, where, why.
	Manual []Manual `json:"manual"`
	// Folder are the digests of the folder's patches, scripts and generated files, so that anyone can see that they are
	// what was reviewed. Reports are not among them: they can be made again.
	Folder []scanner.FileDigest `json:"folder"`
	// Reports are the digests of the reports as they were written first: report --verify says whether they still are.
	Reports []scanner.FileDigest `json:"reports"`
}

// A File is one file of the checkout before and after. SHA-256 in hex, "" where the file does not exist.
type File struct {
	Path   string   `json:"path"`
	Before string   `json:"before"`
	After  string   `json:"after"`
	Moves  []string `json:"moves"` // ids
	Stage  string   `json:"stage"` // migrate | cleanup
	// Edits say what changed, in words, with the line before the change (0 for a new file).
	Edits []FileEdit `json:"edits"`
	Mode  string     `json:"mode,omitempty"` // of a file that exists: 100644 or 100755

	old, new []byte
	patched  []byte // of the second stage: what the patch makes of it, without the removals that would print a key
	prefix   string // of the scanned root in its git repository
}

// A FileEdit is one planned edit where it landed.
type FileEdit struct {
	Move  string       `json:"move"`
	Line  int          `json:"line"`
	Op    string       `json:"op"`
	Field scanner.Path `json:"field"`
	Why   string       `json:"why"`
}

// A Removal is a second-stage removal: lines From to To of Path. Key says that the lines hold key material: they are
// in no patch, and `publish --stage cleanup` makes the removal itself.
type Removal struct {
	Path   string      `json:"path"`
	From   int         `json:"from"`
	To     int         `json:"to"`
	Whole  bool        `json:"whole"` // the whole file goes
	Key    bool        `json:"key"`
	Object scanner.Ref `json:"object"`
	Keys   []string    `json:"keys"` // ids of the keys that must be deleted first
	Why    string      `json:"why"`
	// Document and Field say what goes, in the file as it is before any removal: Sweep makes the removal again from them.
	// Document counts from 1, 0 is the whole file; no Field is the whole document.
	Document int          `json:"document,omitempty"`
	Field    scanner.Path `json:"field,omitempty"`
}

// A Manual is an edit for people.
type Manual struct {
	Where string `json:"where"`
	What  string `json:"what"`
	Why   string `json:"why"`
}

// A Phase of the migration. Deletion alone has no undo.
type Phase string

// The phases, in order.
const (
	PhaseGrant   Phase = "grant"
	PhaseMerge   Phase = "merge"
	PhaseVerify  Phase = "verify"
	PhaseDisable Phase = "disable"
	PhaseDelete  Phase = "delete"
)

// A Step is one thing that people do in a phase.
type Step struct {
	Phase Phase     `json:"phase"`
	What  string    `json:"what"`
	Moves []string  `json:"moves,omitempty"`
	Keys  []string  `json:"keys,omitempty"`
	Run   []Command `json:"run"`
	Check []Command `json:"check"`
	Undo  []Command `json:"undo"` // empty for deletion, which says so in What
}

// A Command is an argv.
type Command []string

// String quotes the command for a POSIX shell, so that it reads back as the same argv.
func (c Command) String() string { return runbook.Line(c) }

// Quote writes one word for a POSIX shell, as an argument. NUL can not be written in a word and is dropped.
func Quote(word string) string { return runbook.Quote(word) }

// Content is the file's bytes after the change; nil for one that goes.
func (f File) Content() []byte { return f.new }

// Original is the file's bytes before the change; nil for a new one.
func (f File) Original() []byte { return f.old }

// A Result is a Changeset with the plan as it was carried out: moves that could not be proven are holds in it.
type Result struct {
	Changeset Changeset
	Plan      planner.Plan
	// Patch and Cleanup are the two stages as `git apply` takes them.
	Patch, Cleanup []byte
	// Folder are the other files of OUT, by path: runbook/1-grant.sh, terraform/main.tf, ....
	Folder map[string][]byte
}

// A Renderer yields the objects of a checkout as the scan saw them, with locators: raw manifests, and the renderings
// of overlays and charts. It is given by the caller, because rendering needs more of the world than this package has.
type Renderer interface {
	// Render yields the objects that refs name (all of them for nil) from tree, whose root is the scanned root. It is
	// called with the checkout, and again with the edited files laid over it: the proof of an edit.
	Render(ctx context.Context, tree fs.FS, refs []scanner.Ref) ([]*scanner.Object, error)
}
