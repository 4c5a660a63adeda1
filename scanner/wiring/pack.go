package wiring

import (
	"encoding/binary"

	"dekey/scanner/object"
)

// The flags of a packed pod and its containers.
const (
	packedElsewhere = 1 << iota
	packedHost
	packedAffinity
	packedSidecar
)

// Pack appends a plain pod in some dozen bytes, from which Unpack makes the same again. The second result is false for one
// that is not plain.
func (p *Pod) Pack(w *Words, b []byte) ([]byte, bool) {
	if !p.Plain() {
		return b, false
	}
	b = w.Shared(b, p.path.String())
	b = w.Shared(b, p.account)
	b = w.Shared(b, p.deprecated)
	b = w.Shared(b, p.accountField.String())
	b = w.Shared(b, string(p.automount))
	b = w.Pairs(b, p.labels)
	b = w.Pairs(b, p.nodeSelector)
	b = w.Shared(b, p.scheduling)
	b = append(b, flag(p.accountElsewhere, packedElsewhere)|flag(p.hostNetwork, packedHost)|flag(p.affinity, packedAffinity))
	b = binary.AppendUvarint(b, uint64(len(p.containers)))
	for i := range p.containers {
		c := &p.containers[i]
		b = w.Shared(b, c.name)
		b = w.Shared(b, c.typ)
		b = Own(b, c.image)
		b = w.Shared(b, c.suffix.String())
		b = append(b, flag(c.sidecar, packedSidecar))
	}
	return b, true
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

// Unpack reads what Pack wrote.
func Unpack(r *WordReader) Pod {
	p := Pod{plain: true}
	p.path = pathOf(r.Shared())
	p.account, p.deprecated = r.Shared(), r.Shared()
	p.accountField = pathOf(r.Shared())
	p.automount = object.Tri(r.Shared())
	p.labels, p.nodeSelector = r.Pairs(), r.Pairs()
	p.scheduling = r.Shared()
	flags := r.Number()
	p.accountElsewhere, p.hostNetwork, p.affinity = flags&packedElsewhere != 0, flags&packedHost != 0, flags&packedAffinity != 0
	for n := min(r.Number(), uint64(len(r.rest))); n > 0; n-- {
		c := container{name: r.Shared(), typ: r.Shared(), image: r.Own(), suffix: pathOf(r.Shared())}
		c.sidecar = r.Number()&packedSidecar != 0
		p.containers = append(p.containers, c)
	}
	return p
}

// pathOf reads a path that String wrote.
func pathOf(s string) object.Path {
	path, err := object.ParsePath(s)
	if err != nil {
		return nil // not possible: Pack wrote it
	}
	return path
}
