package iam

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"dekey/scanner"
)

// A Listener hears what readers yield, and keeps what the objects say as Facts. One Listener can hear several readers.
type Listener struct {
	// Wants says which objects are listened to; nil is all.
	Wants func(*scanner.Object) bool

	mu    sync.Mutex
	facts Facts
	seen  map[string]bool
}

// Reader is r, heard.
func (l *Listener) Reader(r scanner.Reader) scanner.Reader { return heard{r, l} }

// Facts are what was heard, and what more says.
func (l *Listener) Facts(more ...Facts) Facts {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := Facts{connector: l.facts.connector}
	all.Add(l.facts)
	for _, f := range more {
		all.Add(f)
	}
	all.Settle()
	return all
}

func (l *Listener) object(o *scanner.Object) {
	if o == nil || o.Ref.Kind == "" || l.Wants != nil && !l.Wants(o) {
		return
	}
	key := o.Ref.APIVersion + "\x00" + o.Ref.Kind + "\x00" + o.Ref.Namespace + "\x00" + o.Ref.Name + "\x00" + o.Root
	for _, at := range o.Origins {
		key += "\x00" + strings.Join([]string{at.Source, at.Path, strconv.Itoa(at.Document), strconv.Itoa(at.Line)}, "\x01")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[key] {
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[key] = true
	l.facts.Object(o)
}

type heard struct {
	scanner.Reader
	listener *Listener
}

func (h heard) Read(ctx context.Context, sink scanner.Sink) error {
	return h.Reader.Read(ctx, tee{sink, h.listener})
}

func (h heard) Related(ctx context.Context, interest scanner.Interest, sink scanner.Sink) error {
	return h.Reader.Related(ctx, interest, tee{sink, h.listener})
}

type tee struct {
	scanner.Sink
	listener *Listener
}

func (t tee) Object(o *scanner.Object) {
	t.listener.object(o)
	t.Sink.Object(o)
}

// Silence is a Sink that keeps nothing: for a Reader that a Listener hears after the scan.
type Silence struct{}

// Source implements scanner.Sink.
func (Silence) Source(scanner.Source) {}

// Object implements scanner.Sink.
func (Silence) Object(*scanner.Object) {}

// File implements scanner.Sink.
func (Silence) File(scanner.Origin, []byte) {}

// Hint implements scanner.Sink.
func (Silence) Hint(scanner.Hint) {}

// Gap implements scanner.Sink.
func (Silence) Gap(scanner.Gap) {}

// Cluster implements scanner.Sink.
func (Silence) Cluster(scanner.Cluster) {}
