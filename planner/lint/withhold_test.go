package lint

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// A key's text is taken out wherever it stands, and the long names of people stay.
func TestWithhold(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var b strings.Builder
	for range 400 {
		b.WriteByte(alphabet[random.IntN(len(alphabet))])
	}
	key := b.String()
	for _, test := range []struct{ name, object, text string }{
		{"a key as the text", "shop/Deployment/api", "the member is " + key},
		{"a key as the object's name", "shop/Deployment/" + key, "fine"},
		{"a key as the kind", key + "/api", "fine"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Result{Violations: []Violation{{Object: test.object, Text: test.text}}}
			r.withhold()
			for at := 0; at+40 <= len(key); at += 20 {
				if v := r.Violations[0]; strings.Contains(v.Object+v.Text, key[at:at+40]) {
					t.Fatalf("a part of the key stands in %q, %q", v.Object, v.Text)
				}
			}
		})
	}
	const long = "ProwJob/ESPv2-gke-e2e-http-bookstore-managed"
	r := Result{Violations: []Violation{{Object: long, Text: "container a gets at Secret b"}}}
	r.withhold()
	if r.Violations[0].Object != long {
		t.Errorf("%s became %s", long, r.Violations[0].Object)
	}
}
