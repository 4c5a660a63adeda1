package keyfile

import (
	"math/rand/v2"
	"testing"
)

// nextRun finds the same rows as a look at every byte.
func TestNextRun(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 5000 {
		data := make([]byte, random.IntN(400))
		for i := 0; i < len(data); {
			n := 1 + random.IntN(100)
			c := "aZ09+/-_"[random.IntN(8)]
			if random.IntN(2) == 0 {
				c = " =\n{"[random.IntN(4)]
				n = 1 + random.IntN(3)
			}
			for ; n > 0 && i < len(data); n-- {
				data[i] = c
				i++
			}
		}
		naive := func(i int) int {
			for start := i; start < len(data); start++ {
				end := start
				for end < len(data) && isBase64(data[end]) {
					end++
				}
				if end-start >= minLine {
					return start
				}
				start = end
			}
			return len(data)
		}
		for i := 0; i <= len(data); i++ {
			if got, want := nextRun(data, i), naive(i); got != want {
				t.Fatalf("from %d: %d, want %d in %q", i, got, want, data)
			}
		}
	}
}
