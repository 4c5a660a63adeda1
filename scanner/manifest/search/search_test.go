package search_test

import (
	"bytes"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"dekey/scanner/manifest/search"
)

type hit struct{ pattern, offset int }

func find(set *search.Set, data []byte) []hit {
	var hits []hit
	set.Find(data, func(pattern, offset int) bool { hits = append(hits, hit{pattern, offset}); return true })
	return sorted(hits)
}

func sorted(hits []hit) []hit {
	slices.SortFunc(hits, func(a, b hit) int {
		if a.offset != b.offset {
			return a.offset - b.offset
		}
		return a.pattern - b.pattern
	})
	return hits
}

// naive is the same by bytes.Index.
func naive(patterns []string, data []byte) []hit {
	var hits []hit
	for n, p := range patterns {
		for at := 0; ; at++ {
			i := bytes.Index(data[at:], []byte(p))
			if i < 0 {
				break
			}
			at += i
			hits = append(hits, hit{n, at})
		}
	}
	return sorted(hits)
}

func TestFind(t *testing.T) {
	tests := []struct {
		name     string
		patterns []string
		text     string
	}{
		{"no text", []string{"ab"}, ""},
		{"shorter than the window", []string{"abc"}, "ab"},
		{"at both ends", []string{"abc"}, "abcxxabc"},
		{"one pattern inside of another", []string{"bc", "abcd", "abcde"}, "xabcdexabcd"},
		{"overlapping itself", []string{"aa"}, "aaaaaaaaa"},
		{"two patterns with one window", []string{"xab", "yab"}, "xabyabxab"},
		{"across the cuts", []string{"abcdef"}, strings.Repeat("abcdefg", 9)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, want := find(search.New(test.patterns...), []byte(test.text)), naive(test.patterns, []byte(test.text))
			if !slices.Equal(got, want) {
				t.Errorf("Find: %v, want %v", got, want)
			}
		})
	}
}

func TestFindAgreesWithIndex(t *testing.T) {
	seed := rand.Int63()
	random := rand.New(rand.NewSource(seed))
	word := func(low, high int) string {
		b := make([]byte, low+random.Intn(high-low+1))
		for i := range b {
			b[i] = "abc"[random.Intn(3)]
		}
		return string(b)
	}
	for range 3000 {
		var patterns []string
		for range 1 + random.Intn(6) {
			patterns = append(patterns, word(2, 7))
		}
		text := []byte(word(0, 200))
		if got, want := find(search.New(patterns...), text), naive(patterns, text); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %q in %q: %v, want %v", seed, patterns, text, got, want)
		}
	}
}
