package wiring

import "encoding/binary"

// Words write what is kept of many objects in few bytes: texts that they share stand once, and as a number where they are
// used.
type Words struct {
	numbers map[string]uint64
	texts   []string
}

// maxWords bounds the texts that are shared, should every object have its own after all.
const maxWords = 1 << 16

// Shared appends a text that other objects have too.
func (w *Words) Shared(b []byte, s string) []byte {
	n, ok := w.numbers[s]
	if !ok {
		if len(w.texts) == maxWords {
			return Own(append(b, 0), s)
		}
		if w.numbers == nil {
			w.numbers = map[string]uint64{}
		}
		w.texts = append(w.texts, s)
		n = uint64(len(w.texts))
		w.numbers[s] = n
	}
	return binary.AppendUvarint(b, n)
}

// Own appends a text that the object has alone.
func Own(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// All appends a list of shared texts.
func (w *Words) All(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = w.Shared(b, s)
	}
	return b
}

// Pairs appends keys, which others have too, and values by turns.
func (w *Words) Pairs(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)/2))
	for i := 0; i+1 < len(list); i += 2 {
		b = Own(w.Shared(b, list[i]), list[i+1])
	}
	return b
}

// A WordReader reads what Words wrote, in the same order. What was never written reads as nothing.
type WordReader struct {
	words *Words
	rest  string
}

// Reader reads packed.
func (w *Words) Reader(packed string) WordReader { return WordReader{words: w, rest: packed} }

// Done says that all was read.
func (r *WordReader) Done() bool { return r.rest == "" }

// Number reads a number.
func (r *WordReader) Number() uint64 {
	var n uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		n |= uint64(r.rest[i]&0x7f) << (7 * i)
		if r.rest[i] < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.rest = ""
	return 0
}

// Shared reads a shared text.
func (r *WordReader) Shared() string {
	switch n := r.Number(); {
	case n == 0:
		return r.Own()
	case n <= uint64(len(r.words.texts)):
		return r.words.texts[n-1]
	}
	return ""
}

// Own reads a text that is the object's own.
func (r *WordReader) Own() string {
	n := r.Number()
	if n > uint64(len(r.rest)) {
		r.rest = ""
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// All reads a list of shared texts, nil where there are none.
func (r *WordReader) All() []string {
	var list []string
	for n := min(r.Number(), uint64(len(r.rest))); n > 0; n-- {
		list = append(list, r.Shared())
	}
	return list
}

// Pairs reads keys and values by turns, nil where there are none.
func (r *WordReader) Pairs() []string {
	var list []string
	for n := min(r.Number(), uint64(len(r.rest))); n > 0; n-- {
		list = append(list, r.Shared(), r.Own())
	}
	return list
}
