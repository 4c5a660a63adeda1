// Package search finds many fixed strings in one pass over a text.
//
// The method is that of Wu and Manber, "A Fast Algorithm for Multi-Pattern Searching" (University of Arizona, TR
// 94-17): a table says, for every pair of bytes, how far the text can be skipped when that pair ends the window.
package search

// A Set is a set of patterns, ready to be searched for. It is safe for use by several goroutines.
type Set struct {
	patterns []string
	window   int // the length of the shortest pattern, at most 255
	shift    [1 << 16]uint8
	buckets  map[uint16][]candidate // by the pair that ends the window
}

// A candidate is a pattern whose window ends with the bucket's pair.
type candidate struct {
	pattern int
	offset  int // of the window in the pattern
}

// New makes a set. Every pattern has at least two bytes; the longer the shortest one is, the faster the search.
func New(patterns ...string) *Set {
	s := &Set{patterns: patterns, window: 255, buckets: map[uint16][]candidate{}}
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
		s.buckets[last] = append(s.buckets[last], candidate{pattern: i, offset: offset})
	}
	return s
}

// rarest is the offset of the window of p whose last pair is least likely in manifests: capitals, underscores and
// digits before small letters before blanks.
func rarest(p string, window int) int {
	best, bestScore := 0, -1
	for offset := 0; offset+window <= len(p); offset++ {
		score := rarity(p[offset+window-2]) + rarity(p[offset+window-1])
		if score > bestScore {
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

// Find calls hit for every occurrence of every pattern, in the order in which their windows end, until hit returns
// false.
func (s *Set) Find(data []byte, hit func(pattern, offset int) bool) {
	if len(s.patterns) == 0 {
		return
	}
	window := s.window
	for at := window; at <= len(data); {
		pair := uint16(data[at-2]) | uint16(data[at-1])<<8
		if shift := s.shift[pair]; shift > 0 {
			at += int(shift)
			continue
		}
		for _, c := range s.buckets[pair] {
			start, p := at-window-c.offset, s.patterns[c.pattern]
			if start >= 0 && start+len(p) <= len(data) && string(data[start:start+len(p)]) == p {
				if !hit(c.pattern, start) {
					return
				}
			}
		}
		at++
	}
}

// Has says whether any pattern occurs.
func (s *Set) Has(data []byte) bool {
	found := false
	s.Find(data, func(int, int) bool { found = true; return false })
	return found
}
