package manifest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"

	"dekey/scanner"
	"dekey/scanner/manifest/checkout"
	"dekey/scanner/manifest/document"
	"dekey/scanner/manifest/kustomize"
)

// Read walks the checkout once, and yields what can matter by itself: objects that name keys or hold them, whole key
// files, mentions in templates. The order is that of the files' names.
func (r *Reader) Read(ctx context.Context, sink scanner.Sink) error {
	tree, closeTree, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer closeTree()
	sink.Source(r.source)
	seen, err := r.walk(ctx, tree, r.look)
	if err != nil {
		return err
	}
	r.seen = seen
	for _, gap := range seen.gaps {
		sink.Gap(gap)
	}
	matter := seen.with(wired | lone | also)
	r.reach(seen, sink, matter, seen.all)
	defer seen.overlays.child.stop()
	err = r.give(ctx, seen, sink, seen.with(wired|lone|also|unreadable|unmarked), matter, selection{
		document: func(text []byte) bool {
			return searchText(text)&wired != 0 || r.options.Also != nil && r.options.Also.Document(text)
		},
		object: func(o *scanner.Object) bool {
			seen.point(o)
			r.source.Dump = r.source.Dump || o.Live
			return true
		},
		check: seen.all,
	})
	if err != nil {
		return err
	}
	r.source.Files = seen.fileDigests()
	sink.Source(r.source)
	return nil
}

// look searches a file for keys, and for what else is asked for.
func (r *Reader) look(name string, data []byte, x *nameIndex) marks {
	found := look(name, data, x)
	if r.options.Also == nil || found&unreadable != 0 {
		return found
	}
	kind := classify(name)
	wanted := r.options.Also.Wants != nil && r.options.Also.Wants(name) || kind == other && r.options.Also.Peeks != nil && r.options.Also.Peeks(name)
	if (wanted || kind == manifest || kind == template) && r.options.Also.File(name, data) && kind == manifest {
		found |= also
	}
	return found
}

// open opens what Root names.
func (r *Reader) open(ctx context.Context) (checkout.Tree, func(), error) {
	limits := r.options.Limits
	if r.options.Root == "-" {
		data, err := io.ReadAll(io.LimitReader(r.options.Stdin, limits.FileBytes+1))
		if err != nil {
			return nil, nil, fmt.Errorf("reading standard input: %w", err)
		}
		return checkout.Single{Name: "-", Data: data, Size: limits.FileBytes}, func() {}, nil
	}
	info, err := os.Stat(r.options.Root)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %s", r.options.Root, checkout.Cause(err))
	}
	folder, only := r.options.Root, ""
	if !info.IsDir() {
		folder, only = path.Split(r.options.Root)
		if folder == "" {
			folder = "."
		}
	}
	tree, err := checkout.Open(folder, limits.FileBytes, limits.Levels)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %s", r.options.Root, checkout.Cause(err))
	}
	if only != "" {
		data, err := tree.ReadFile(only)
		tree.Close()
		if err != nil && !errors.Is(err, checkout.ErrTooLarge) {
			return nil, nil, fmt.Errorf("reading %s: %s", r.options.Root, checkout.Cause(err))
		}
		return checkout.Single{Name: only, Data: data, Size: limits.FileBytes}, func() {}, nil
	}
	r.source.Commit, r.source.Prefix = repository(ctx, folder)
	return tree, func() { tree.Close() }, nil
}

// A selection says which documents of the files are decoded, and which objects are yielded.
type selection struct {
	document func(text []byte) bool
	object   func(*scanner.Object) bool // nil: all
	check    bool                       // the other documents are parsed too, for what is wrong with them
	quiet    bool                       // no gaps, hints and key files: an earlier selection gave them
}

// give yields what is selected of files, and of the renderings that what matters takes part in.
func (r *Reader) give(ctx context.Context, p *pass, sink scanner.Sink, files, matter []file, s selection) error {
	if err := r.yield(ctx, p, sink, files, s); err != nil {
		return err
	}
	if err := r.renderOverlays(ctx, p, sink, p.overlays.roots(matter), s); err != nil {
		return err
	}
	r.yieldDeployments(p, sink, s)
	if err := r.renderCharts(ctx, p, sink, p.charts.needed(matter), s); err != nil || s.quiet {
		return err
	}
	r.settingHints(p, sink)
	r.writtenSecrets(p, sink)
	return nil
}

// outcome is what one file gives.
type outcome struct {
	objects []*written
	hints   []scanner.Hint
	gaps    []scanner.Gap
	values  []setting
	lone    *scanner.Origin // the file is a key, or may hold one
	data    []byte
	name    string
}

// yield reads files again, several at once, and hands on what they give in the order of their names.
func (r *Reader) yield(ctx context.Context, p *pass, sink scanner.Sink, files []file, s selection) error {
	return inOrder(ctx, p.tree.Workers(), files, func(f file) outcome { return r.readFile(p, f, s) }, func(o outcome) {
		used := o.lone != nil
		if o.lone != nil && !s.quiet {
			sink.File(*o.lone, o.data)
		}
		claimed(o.objects)
		for _, w := range o.objects {
			for _, root := range p.overlays.standsIn(w.origin.Path) {
				if s.object != nil && !s.object(w.object) {
					continue
				}
				used = true
				w.roots = p.overlays.graph.Roots(w.origin.Path)
				if p.once(place{root: root, file: w.origin.Path, document: w.origin.Document, field: w.prefix.String()}) {
					same := *w.object
					same.Root = root
					sink.Object(&same)
				}
			}
		}
		if !s.quiet {
			p.settings = append(p.settings, o.values...)
			for _, hint := range o.hints {
				used = true
				sink.Hint(hint)
			}
			for _, gap := range o.gaps {
				sink.Gap(gap)
			}
		}
		if used {
			p.digest(o.name, o.data)
		}
	})
}

func (r *Reader) readFile(p *pass, f file, s selection) outcome {
	o := outcome{name: f.name}
	data, err := p.tree.ReadFile(f.name)
	if err != nil {
		o.gaps = append(o.gaps, scanner.Gap{Source: r.source.ID, What: f.name, Why: checkout.Cause(err)})
		return o
	}
	o.data = data
	origin := scanner.Origin{Source: r.source.ID, Path: f.name, Document: 1, Line: 1, Column: 1}
	switch {
	case f.marks&unreadable != 0:
		o.gaps = append(o.gaps, scanner.Gap{Source: r.source.ID, What: f.name, Why: "is UTF-16 text, and only UTF-8 is read"})
		return o
	case f.marks&lone != 0:
		o.lone = &origin
		return o
	}
	if p.charts.renders(f.name) {
		return o
	}
	if classify(f.name) == template {
		o.hints = r.templateHints(f.name, data, 1, 1)
		return o
	}
	documents, more := document.Split(data, r.options.Limits.Documents)
	if more {
		o.gaps = append(o.gaps, scanner.Gap{Source: r.source.ID, What: f.name, Why: fmt.Sprintf("holds more than %d documents", r.options.Limits.Documents)})
	}
	for _, d := range documents {
		switch {
		case s.document(d.Text):
			r.readDocument(p, &o, d, origin)
		case s.check:
			r.checkDocument(&o, d)
		}
	}
	return o
}

// readDocument decodes one document and adds what it gives.
func (r *Reader) readDocument(p *pass, o *outcome, d document.Document, origin scanner.Origin) {
	gap := func(err *document.Error) {
		o.gaps = append(o.gaps, scanner.Gap{Source: r.source.ID, What: where(o.name, err.Line), Why: err.Why})
	}
	origin.Document, origin.Line = d.Index, d.Line
	if encrypted(d.Text) {
		o.hints = append(o.hints, r.encryptedHints(o.name, d)...)
		return
	}
	node, err := document.Parse(d, r.options.Limits.Levels)
	if err != nil || node.Rest {
		switch {
		case err != nil && err.Limit:
			gap(err)
		case isTemplate(d.Text):
			o.hints = append(o.hints, r.templateHints(o.name, d.Text, d.Index, d.Line)...)
		case err == nil:
			gap(&document.Error{Line: d.Line, Why: "found text after the end of the document"})
		case path.Ext(o.name) != ".json": // JSON with comments and the like is no manifest
			gap(err)
		default:
			o.lone = &origin
		}
		return
	}
	value, err := node.Value()
	if err != nil {
		gap(err)
		return
	}
	found := objects(node, value, origin)
	if len(found) == 0 {
		first := searchText(d.Text)
		if first&wired != 0 {
			o.values = append(o.values, r.settings(o.name, d, node, value)...)
		}
		if first&wired != 0 && isTemplate(d.Text) {
			o.hints = append(o.hints, r.templateHints(o.name, d.Text, d.Index, d.Line)...)
		} else if holdsKeyText(d.Text) && !kustomize.IsFile(o.name) {
			o.lone = &origin
		}
		return
	}
	for _, w := range found {
		if templated(w.object, d.Text) {
			o.hints = append(o.hints, r.templateHints(o.name, d.Text, d.Index, d.Line)...)
			break
		}
		r.namespace(w.object, p, o.name)
		_, dump := p.tree.(checkout.Single)
		w.object.Live = dump && fromCluster(w.object)
		w.object.Generated = cmp.Or(banner(o.data), banner(d.Text))
		o.objects = append(o.objects, w)
	}
}

// checkDocument says what is wrong with a document that mentions nothing.
func (r *Reader) checkDocument(o *outcome, d document.Document) {
	node, err := document.Parse(d, r.options.Limits.Levels)
	if err == nil {
		_, err = node.Value()
	}
	if err == nil || path.Ext(o.name) == ".json" && !err.Limit || !err.Limit && (isTemplate(d.Text) || encrypted(d.Text)) {
		return
	}
	o.gaps = append(o.gaps, scanner.Gap{Source: r.source.ID, What: where(o.name, err.Line), Why: err.Why})
}

// inOrder works on items, several at once, and emits the results in the order of the items.
func inOrder[T, R any](ctx context.Context, workers int, items []T, work func(T) R, emit func(R)) error {
	type slot struct{ done chan R }
	slots := make(chan slot, workers) // bounds what waits to be emitted
	jobs := make(chan func())
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	go func() {
		defer close(slots)
		defer close(jobs)
		for _, item := range items {
			if ctx.Err() != nil {
				return
			}
			s := slot{make(chan R, 1)}
			slots <- s
			jobs <- func() { s.done <- work(item) }
		}
	}()
	for s := range slots {
		emit(<-s.done)
	}
	wait.Wait()
	return ctx.Err()
}

func bomOf16(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF})
}
