// Package search finds many fixed strings in one pass over a text.
//
// The method is that of Wu and Manber, "A Fast Algorithm for Multi-Pattern Searching" (University of Arizona, TR
// 94-17): a table says, for every pair of bytes, how far the text can be skipped when that pair ends the window. A
// step has to wait for the memory reads of the step before it, so a text is cut in four, and the four parts are
// searched in turns: that is twice as fast.
package search

import "encoding/binary"

// A Set is a set of patterns, ready to be searched for. It is safe for use by several goroutines.
type Set struct {
	patterns []string
	window   int // the length of the shortest pattern, at most 255
	shift    [1 << 16]uint8
	bucket   [1 << 16]uint8 // in buckets, by the pair that ends the window; read where shift is 0
	buckets  [][]candidate
}

// A candidate is a pattern whose window ends with the bucket's pair.
type candidate struct {
	pattern int
	offset  int // of the window in the pattern
}

// New makes a set. Every pattern has at least two bytes; the longer the shortest one is, the faster the search.
func New(patterns ...string) *Set {
	s := &Set{patterns: patterns, window: 255, buckets: [][]candidate{nil}}
	for _, p := range patterns {
		if len(p) < 2 {
			panic("search: a pattern is shorter than two bytes")
		}
		s.window = min(s.window, len(p))
	}
	for i := range s.shift {
		s.shift[i] = uint8(s.window - 1)
	}
	for i, p := range patterns {
		offset := rarest(p, s.window)
		w := p[offset : offset+s.window]
		for end := 2; end <= len(w); end++ {
			pair := uint16(w[end-2]) | uint16(w[end-1])<<8
			s.shift[pair] = min(s.shift[pair], uint8(len(w)-end))
		}
		last := uint16(w[len(w)-2]) | uint16(w[len(w)-1])<<8
		if s.bucket[last] == 0 {
			if len(s.buckets) == 256 {
				panic("search: too many patterns")
			}
			s.bucket[last] = uint8(len(s.buckets))
			s.buckets = append(s.buckets, nil)
		}
		n := s.bucket[last]
		s.buckets[n] = append(s.buckets[n], candidate{pattern: i, offset: offset})
	}
	return s
}

// rarest is the offset of the window of p whose last pair is least likely in manifests: capitals, underscores and
// digits before small letters before blanks.
func rarest(p string, window int) int {
	best, bestScore := 0, -1
	for offset := 0; offset+window <= len(p); offset++ {
		if score := rarity(p[offset+window-2]) + rarity(p[offset+window-1]); score > bestScore {
			best, bestScore = offset, score
		}
	}
	return best
}

func rarity(c byte) int {
	switch {
	case c == ' ' || c == '\n':
		return 0
	case c >= 'A' && c <= 'Z' || c == '_' || c >= '0' && c <= '9':
		return 3
	case c >= 'a' && c <= 'z':
		return 2
	}
	return 1
}

// Find calls hit for every occurrence of every pattern, in no certain order, until hit returns false.
func (s *Set) Find(data []byte, hit func(pattern, offset int) bool) {
	window, quarter := s.window, len(data)/4
	if len(s.patterns) == 0 || len(data) < window {
		return
	}
	// Ends of windows: one for each quarter, and where its quarter's last one is past.
	a, b, c, d := window, quarter+window, 2*quarter+window, 3*quarter+window
	for a < quarter+window && b < 2*quarter+window && c < 3*quarter+window && d <= len(data) {
		pairA := binary.LittleEndian.Uint16(data[a-2:])
		pairB := binary.LittleEndian.Uint16(data[b-2:])
		pairC := binary.LittleEndian.Uint16(data[c-2:])
		pairD := binary.LittleEndian.Uint16(data[d-2:])
		shiftA, shiftB, shiftC, shiftD := s.shift[pairA], s.shift[pairB], s.shift[pairC], s.shift[pairD]
		if shiftA == 0 {
			if shiftA = 1; !s.check(data, a, pairA, hit) {
				return
			}
		}
		if shiftB == 0 {
			if shiftB = 1; !s.check(data, b, pairB, hit) {
				return
			}
		}
		if shiftC == 0 {
			if shiftC = 1; !s.check(data, c, pairC, hit) {
				return
			}
		}
		if shiftD == 0 {
			if shiftD = 1; !s.check(data, d, pairD, hit) {
				return
			}
		}
		a += int(shiftA)
		b += int(shiftB)
		c += int(shiftC)
		d += int(shiftD)
	}
	_ = s.rest(data, a, quarter+window, hit) && s.rest(data, b, 2*quarter+window, hit) &&
		s.rest(data, c, 3*quarter+window, hit) && s.rest(data, d, len(data)+1, hit)
}

// rest searches what is left of a part: window ends from at to before stop.
func (s *Set) rest(data []byte, at, stop int, hit func(pattern, offset int) bool) bool {
	for at < min(stop, len(data)+1) {
		pair := binary.LittleEndian.Uint16(data[at-2:])
		shift := s.shift[pair]
		if shift == 0 {
			if shift = 1; !s.check(data, at, pair, hit) {
				return false
			}
		}
		at += int(shift)
	}
	return true
}

// check compares the patterns whose window may end at end.
func (s *Set) check(data []byte, end int, pair uint16, hit func(pattern, offset int) bool) bool {
	for _, c := range s.buckets[s.bucket[pair]] {
		start, p := end-s.window-c.offset, s.patterns[c.pattern]
		if start >= 0 && start+len(p) <= len(data) && string(data[start:start+len(p)]) == p && !hit(c.pattern, start) {
			return false
		}
	}
	return true
}

// Has says whether any pattern occurs.
func (s *Set) Has(data []byte) bool {
	found := false
	s.Find(data, func(int, int) bool { found = true; return false })
	return found
}
