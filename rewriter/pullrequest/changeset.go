package pullrequest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter"
	"dekey/rewriter/report"
	"dekey/scanner"
)

// A Changeset is a saved changeset that is what was reviewed: every digest of it was checked.
type Changeset struct {
	Input report.Input
	// Evidence is OUT/runbook/evidence; it may be missing.
	Evidence fs.FS
	prefix   string // of the scanned root in its repository
}

// Read checks that the documents and files of a changeset folder belong together and are as they were written. in.Files
// holds every file that changeset.json lists.
func Read(in report.Input, evidence fs.FS) (*Changeset, error) {
	const do = "dekey report --verify OUT says what was changed; what should be otherwise belongs in the policy file: then draft again"
	if in.Plan == nil || in.Changeset == nil || in.Inventory == nil {
		return nil, problem("a changeset folder is what `dekey draft --out` or `dekey rewrite --out` wrote", "reading the changeset: plan.json, changeset.json or inventory.json is missing")
	}
	if err := planfile.Verify(*in.Plan); err != nil {
		return nil, &Error{What: "reading the changeset", Do: do, Err: err}
	}
	if in.Changeset.Plan != in.Plan.ID {
		return nil, problem(do, "reading the changeset: changeset.json is of another plan than plan.json")
	}
	digest, err := planfile.Digest(*in.Inventory)
	if err != nil {
		return nil, err
	}
	if len(in.Plan.Basis) == 1 && in.Plan.Basis[0].SHA256 != digest {
		return nil, problem(do, "reading the changeset: inventory.json is not the inventory that the plan was made from")
	}
	for _, file := range in.Changeset.Folder {
		if data, found := in.Files[file.Path]; !found || digestOf(data) != file.SHA256 {
			return nil, problem(do, "reading the changeset: %s is not as it was written", file.Path)
		}
	}
	c := &Changeset{Input: in, Evidence: evidence}
	repositories := 0
	for _, source := range in.Plan.Sources {
		if source.Kind == "repository" && !source.Dump && (in.Changeset.Source == "" || in.Changeset.Source == source.ID) {
			repositories++
			c.prefix = source.Prefix
		}
	}
	switch {
	case repositories > 1:
		return nil, problem("rewrite the plan once per checkout, and publish each changeset", "reading the changeset: its plan was made from %d checkouts", repositories)
	case repositories == 0 && in.Changeset.Source != "":
		return nil, problem(do, "reading the changeset: its plan has no checkout %s", in.Changeset.Source)
	}
	for _, file := range in.Changeset.Files {
		if !fs.ValidPath(c.prefix+file.Path) || strings.EqualFold(path.Base(file.Path), ".git") {
			return nil, fmt.Errorf("reading the changeset: %q is no path in a repository", file.Path)
		}
	}
	return c, nil
}

func (c *Changeset) plan() planner.Plan { return *c.Input.Plan }

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// The stages.
const (
	Migrate = rewriter.StageMigrate
	Cleanup = rewriter.StageCleanup
)

// A change is one file of one stage, by its path in the repository.
type change struct {
	rewriter.File
	path     string
	removals []rewriter.Removal // of the second stage, in that file
	direct   bool               // lines of it hold a key: no patch has it
	crlf     bool               // git keeps it with LF, and the checkout that was scanned had CRLF
}

// changes are the files of a stage, sorted by path.
func (c *Changeset) changes(stage string) []change {
	var list []change
	for _, file := range c.Input.Changeset.Files {
		if file.Stage != stage {
			continue
		}
		one := change{File: file, path: c.prefix + file.Path}
		if stage == Cleanup {
			for _, removal := range c.Input.Changeset.Removals {
				if removal.Path == file.Path {
					one.removals = append(one.removals, removal)
					one.direct = one.direct || removal.Key
				}
			}
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b change) int { return cmp.Compare(a.path, b.path) })
	return list
}

// patch is the patch of a stage.
func (c *Changeset) patch(stage string) []byte {
	if stage == Cleanup {
		return c.Input.Files["cleanup.patch"]
	}
	return c.Input.Files["changes.patch"]
}

// move looks a move up.
func (c *Changeset) move(id string) (planner.Move, bool) {
	i := slices.IndexFunc(c.Input.Plan.Moves, func(m planner.Move) bool { return m.ID == id })
	if i < 0 {
		return planner.Move{}, false
	}
	return c.Input.Plan.Moves[i], true
}

// key looks a key up.
func (c *Changeset) key(id string) scanner.Key {
	i := slices.IndexFunc(c.Input.Plan.Keys, func(k scanner.Key) bool { return k.ID == id })
	if i < 0 {
		return scanner.Key{ID: id}
	}
	return c.Input.Plan.Keys[i]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
