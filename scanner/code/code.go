// Package code reads the files of a checkout that are no manifests and say something about identities all the same:
// Terraform, scripts, CI files, Makefiles.
//
//	read, err := code.Read(ctx, code.Options{Root: "."})
//
// A checkout is hostile: nothing outside of its root is read, nothing is fetched, nothing in it is run.
package code

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"dekey/scanner"
	"dekey/scanner/iam"
	"dekey/scanner/manifest/checkout"
	"dekey/scanner/shell"
	"dekey/scanner/terraform"
)

// Options say what to read.
type Options struct {
	// Root is a folder or a file, as it was given.
	Root string
	// ID is the source's id; Root where it is "".
	ID string
	// Skip are folders below the root that are not read. Relative, with forward slashes.
	Skip []string
	// Levels bounds the depth of folders: 1,000.
	Levels int
	// Note is text that makes a file worth keeping: comments that are read later.
	Note string
}

// A Result is what was read.
type Result struct {
	Facts iam.Facts
	Gaps  []scanner.Gap // sorted
	Noted []Noted       // sorted by path
}

// Noted is a file that holds Options.Note.
type Noted struct {
	Source, Path string
	Data         []byte
}

// wholeBytes is the size of a checkout's Terraform, and of its scripts, up to which all of it is parsed. What mentions no
// identity can not matter, but whoever wrote it wants to know that it is broken. Beyond it only what can matter is parsed.
const wholeBytes = 8 << 20

// maxFile is the larger of the readers' limits: no file beyond it is loaded.
const maxFile = terraform.MaxBytes

// Read reads a checkout. An error means that the root can not be read at all.
func Read(ctx context.Context, o Options) (Result, error) {
	o.ID, o.Levels = cmp.Or(o.ID, o.Root), cmp.Or(o.Levels, 1000)
	if o.Root == "-" {
		return Result{}, nil // standard input is manifests
	}
	info, err := os.Stat(o.Root)
	if err != nil {
		return Result{}, fmt.Errorf("reading %s: %s", o.Root, checkout.Cause(err))
	}
	folder, only := o.Root, ""
	if !info.IsDir() {
		folder, only = filepath.Split(o.Root)
		folder = cmp.Or(folder, ".")
	}
	tree, err := checkout.Open(folder, maxFile, o.Levels)
	if err != nil {
		return Result{}, fmt.Errorf("reading %s: %s", o.Root, checkout.Cause(err))
	}
	defer tree.Close()
	r := &reading{Options: o}
	if only != "" {
		r.single(tree, only)
	} else if err := r.walk(ctx, tree); err != nil {
		return Result{}, err
	}
	return r.result(), nil
}

type reading struct {
	Options
	mu      sync.Mutex
	tf      []terraform.File
	scripts []terraform.File // of the same shape
	found   Result
}

func (r *reading) wanted(name string) bool {
	if !terraform.IsFile(name) && !shell.IsFile(name) || strings.Contains("/"+name, "/.terraform/") {
		return false
	}
	return !slices.ContainsFunc(r.Skip, func(folder string) bool { return strings.HasPrefix(name, folder+"/") })
}

func (r *reading) walk(ctx context.Context, tree checkout.Tree) error {
	return tree.Walk(ctx, checkout.Walk{
		Want: func(name string) checkout.Amount {
			if r.wanted(name) {
				return checkout.Whole
			}
			return checkout.None
		},
		Visit:   func(_ int, name string, data []byte) { r.take(strings.Clone(name), bytes.Clone(data)) },
		Problem: func(name string, err error) { r.problem(name, err) },
	})
}

// problem notes what could not be read of the files that are wanted. Folders and links are the manifests' reader's to say.
func (r *reading) problem(name string, err error) {
	if !r.wanted(name) || errors.Is(err, checkout.ErrLeavesRoot) || errors.Is(err, checkout.ErrDangling) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.Gaps = append(r.found.Gaps, scanner.Gap{Source: r.ID, What: name, Why: checkout.Cause(err)})
}

func (r *reading) single(tree checkout.Tree, name string) {
	if !r.wanted(name) {
		return
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		r.problem(name, err)
		return
	}
	r.take(name, data)
}

func (r *reading) take(name string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// The manifests' reader looks at YAML.
	if ext := path.Ext(name); r.Note != "" && ext != ".yaml" && ext != ".yml" && bytes.Contains(data, []byte(r.Note)) {
		r.found.Noted = append(r.found.Noted, Noted{r.ID, name, data})
	}
	if terraform.IsFile(name) {
		r.tf = append(r.tf, terraform.File{Path: name, Data: data})
	} else {
		r.scripts = append(r.scripts, terraform.File{Path: name, Data: data})
	}
}

func (r *reading) result() Result {
	out := r.found
	byPath := func(a, b terraform.File) int { return cmp.Compare(a.Path, b.Path) }
	slices.SortFunc(r.tf, byPath)
	slices.SortFunc(r.scripts, byPath)
	facts, gaps := terraform.Read(r.ID, r.modules())
	out.Facts.Add(facts)
	out.Gaps = append(out.Gaps, gaps...)
	all := size(r.scripts) <= wholeBytes
	for _, f := range r.scripts {
		if !all && len(f.Data) <= shell.MaxBytes && !shell.Concerns(f.Data) {
			continue
		}
		facts, gaps := shell.Read(r.ID, f.Path, f.Data)
		out.Facts.Add(facts)
		out.Gaps = append(out.Gaps, gaps...)
	}
	slices.SortFunc(out.Gaps, func(a, b scanner.Gap) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
	slices.SortFunc(out.Noted, func(a, b Noted) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

func size(files []terraform.File) int {
	total := 0
	for _, f := range files {
		total += len(f.Data)
	}
	return total
}

// modules are the Terraform files that are parsed: in a large checkout, those of folders in which any can matter.
func (r *reading) modules() []terraform.File {
	if size(r.tf) <= wholeBytes {
		return r.tf
	}
	matters := map[string]bool{}
	for _, f := range r.tf {
		if terraform.Concerns(f.Data) {
			matters[path.Dir(f.Path)] = true
		}
	}
	return slices.DeleteFunc(r.tf, func(f terraform.File) bool { return !matters[path.Dir(f.Path)] })
}
