// Package code reads the files of a checkout that are no manifests and say something about identities all the same:
// Terraform, scripts, CI files, Makefiles. Whoever walks the checkout shows it the files:
//
//	var collector code.Collector
//	if collector.Wants(name) {
//		collector.Take(name, data)
//	}
//	result := collector.Result("checkout")
//
// Nothing is fetched, and nothing is run.
package code

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"
	"sync"

	"dekey/scanner"
	"dekey/scanner/iam"
	"dekey/scanner/shell"
	"dekey/scanner/terraform"
)

// A Result is what was read.
type Result struct {
	Facts iam.Facts
	Gaps  []scanner.Gap // sorted
}

// wholeBytes is the size of a checkout's Terraform, and of its scripts, up to which all of it is parsed. What mentions no
// identity can not matter, but whoever wrote it wants to know that it is broken. Beyond it only what can matter is parsed.
const wholeBytes = 8 << 20

// A Collector takes files. Its methods can be called on several goroutines at once. The zero Collector is ready.
type Collector struct {
	mu      sync.Mutex
	tf      []terraform.File
	scripts []terraform.File // of the same shape
}

// Wants says whether a file is read, by its path from the checkout's root. What Terraform downloaded is not.
func (c *Collector) Wants(name string) bool {
	return (terraform.IsFile(name) || shell.IsFile(name)) && !downloaded(name)
}

// Peeks says whether the first bytes of a file tell if it is read: a script without an extension.
func (c *Collector) Peeks(name string) bool { return shell.MayBeFile(name) && !downloaded(name) }

func downloaded(name string) bool { return strings.Contains("/"+name, "/.terraform/") }

// Take keeps a file that it wants, a script that it peeked at, and YAML that runs gcloud. data is copied.
func (c *Collector) Take(name string, data []byte) {
	if downloaded(name) || !terraform.IsFile(name) && !shell.Matters(name, data) {
		return
	}
	file := terraform.File{Path: strings.Clone(name), Data: bytes.Clone(data)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if terraform.IsFile(name) {
		c.tf = append(c.tf, file)
	} else {
		c.scripts = append(c.scripts, file)
	}
}

// Result reads what was taken.
func (c *Collector) Result(source string) Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := reading{source: source, tf: c.tf, scripts: c.scripts}
	return r.result()
}

type reading struct {
	source      string
	tf, scripts []terraform.File
}

func (r *reading) result() Result {
	var out Result
	byPath := func(a, b terraform.File) int { return cmp.Compare(a.Path, b.Path) }
	slices.SortFunc(r.tf, byPath)
	slices.SortFunc(r.scripts, byPath)
	facts, gaps := terraform.Read(r.source, r.modules())
	out.Facts.Add(facts)
	out.Gaps = append(out.Gaps, gaps...)
	all := size(r.scripts) <= wholeBytes
	for _, f := range r.scripts {
		if !all && len(f.Data) <= shell.MaxBytes && !shell.Concerns(f.Data) {
			continue
		}
		facts, gaps := shell.Read(r.source, f.Path, f.Data)
		out.Facts.Add(facts)
		out.Gaps = append(out.Gaps, gaps...)
	}
	slices.SortFunc(out.Gaps, func(a, b scanner.Gap) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
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
