package scanner

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"dekey/scanner/wiring"
)

// idle keeps the workloads of live clusters whose pods can use no key. There are thousands of them, and only those under
// a service account that matters are ever asked for: each is about a hundred bytes, where a definition is a thousand.
type idle struct {
	packed []string
	words  wiring.Words
	buffer []byte
}

// An idleWorkload is what a packed workload says at its head: what decides whether it is asked for.
type idleWorkload struct {
	source   string
	ref, key Ref // key is workloadKey of ref
	accounts [2]string
}

// The flags of a packed workload.
const (
	idleHost = 1 << iota
	idleSuspended
	idleReplicas
)

// take packs a workload, and says whether it did.
func (i *idle) take(d *definition) bool {
	if !d.Live || d.place != (place{source: d.source, live: true}) || len(d.pods) != 1 || len(d.owners) > 0 || d.Root != "" ||
		len(d.Origins) != 1 || d.Origins[0] != (Origin{Source: d.source}) || d.Replicas != nil && *d.Replicas < 0 {
		return false
	}
	account, _ := d.pods[0].Account()
	b := i.buffer[:0]
	for _, s := range []string{d.source, d.Ref.Namespace, d.Ref.Kind, d.Ref.APIVersion, d.ServiceAccount, account} {
		b = i.words.Shared(b, s)
	}
	b = wiring.Own(b, d.Ref.Name)
	b = i.words.All(b, d.Managers)
	b = i.words.Shared(b, d.Generated)
	b = i.words.Shared(b, d.Schedule)
	b = i.words.Pairs(b, d.labels)
	flags := byte(0)
	if d.HostNetwork {
		flags |= idleHost
	}
	if d.Suspended {
		flags |= idleSuspended
	}
	if d.Replicas != nil {
		flags |= idleReplicas
	}
	b = append(b, flags)
	if d.Replicas != nil {
		b = binary.AppendUvarint(b, uint64(*d.Replicas))
	}
	b, ok := d.pods[0].Pack(&i.words, b)
	i.buffer = b
	if ok {
		i.packed = append(i.packed, string(b))
	}
	return ok
}

// head reads the head of the n-th workload; the reader goes on after it.
func (i *idle) head(n int) (idleWorkload, wiring.WordReader) {
	r := i.words.Reader(i.packed[n])
	var w idleWorkload
	w.source = r.Shared()
	w.ref.Namespace, w.ref.Kind, w.ref.APIVersion = r.Shared(), r.Shared(), r.Shared()
	w.accounts = [2]string{r.Shared(), r.Shared()}
	w.ref.Name = r.Own()
	w.key = workloadKey(w.ref)
	return w, r
}

func (w *idleWorkload) runsUnder(names map[accountName]bool) bool {
	return matters(names, w.ref.Namespace, w.accounts[0]) || matters(names, w.ref.Namespace, w.accounts[1])
}

// that unpacks the workloads that are asked for, in the order of their names.
func (i *idle) that(wanted func(*idleWorkload) bool) []*definition {
	var found []*definition
	for n := range i.packed {
		head, r := i.head(n)
		if !wanted(&head) {
			continue
		}
		d := &definition{place: place{source: head.source, live: true}}
		d.Workload = Workload{Ref: head.ref, ServiceAccount: head.accounts[0], Origins: []Origin{{Source: head.source}}, Live: true}
		d.Managers, d.Generated, d.Schedule = r.All(), r.Shared(), r.Shared()
		d.labels = r.Pairs()
		flags := r.Number()
		d.HostNetwork, d.Suspended = flags&idleHost != 0, flags&idleSuspended != 0
		if flags&idleReplicas != 0 {
			replicas := int64(r.Number())
			d.Replicas = &replicas
		}
		d.pods = []wiring.Pod{wiring.Unpack(&r)}
		found = append(found, d)
	}
	slices.SortFunc(found, func(a, b *definition) int {
		return cmp.Or(strings.Compare(a.source, b.source), a.Ref.Compare(b.Ref))
	})
	return found
}
