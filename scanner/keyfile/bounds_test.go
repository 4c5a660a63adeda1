package keyfile

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// Values that are made to cost a lot end soon, and are never taken for no key when something was left unread.
func TestBoundedWork(t *testing.T) {
	iterations := func(n int) string {
		certificate := must(x509.ParseCertificate(issue(rsaKey(), unique1)))
		return string(must(pkcs12.LegacyDES.WithRand(rand.Reader).WithIterations(n).Encode(rsaKey(), certificate, nil, "notasecret")))
	}
	deep := b64(whole())
	for range maxDepth + 1 {
		deep = b64(deep)
	}
	tests := []struct {
		name  string
		value string
		kind  Kind
	}{
		{"braces before a marker", strings.Repeat("{", 1<<20) + `"private_key":`, NotKey},
		{"objects that never end", strings.Repeat(`{"a":`, 1<<18) + `"private_key":`, NotKey},
		{"markers without objects", strings.Repeat(`"private_key"`, 1<<16), Unknown},
		{"markers in an object that never ends", `{"a":"` + strings.Repeat(`x","private_key":"`, 1<<14), Unknown},
		{"nested arrays", strings.Repeat("[", 1<<18), NotKey},
		{"PEM blocks without end", strings.Repeat("-----BEGIN PRIVATE"+" KEY-----\n", 1<<15), NotKey},
		{"PEM blocks without content", strings.Repeat("-----BEGIN PRIVATE"+" KEY----- -----END PRIVATE"+" KEY-----\n", 1<<15), Unknown},
		{"accounts without number", strings.Repeat("email: a@b.iam.gserviceaccount.com\n", 1<<15), NotKey},
		{"a compressed bomb", zip(strings.Repeat("a", maxGunzip+1)), Unknown},
		{"a compressed bomb in a compressed bomb", zip(zip(strings.Repeat("a", maxGunzip+1))), Unknown},
		{"too many layers", deep, Unknown},
		{"lines of base64", strings.Repeat(strings.Repeat("QUFB", 20)+"\n", 1<<15), NotKey},
		{"escapes of escapes", strings.Repeat(`\`, 1<<21) + `"private_key`, Unknown},
		{"a P12 file that asks for much", iterations(maxIterations + 1), Unknown},
		{"a P12 file that asks for what is usual", iterations(2048), Key},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			got := Find([]byte(test.value), "")
			if got.Kind != test.kind {
				t.Errorf("got %s (%s), want %s", got.Kind, got.Why, test.kind)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v for %d bytes", took, len(test.value))
			}
			KeyLines([]byte(test.value))
		})
	}
}

// A P12 file whose key hides inside the encrypted part is not opened: how much work it asks for shows only afterwards.
func TestP12HiddenWork(t *testing.T) {
	data := []byte(p12("notasecret"))
	safe, ok := rewrap(data)
	if !ok {
		t.Fatal("a usual file is refused")
	}
	if bytes.Equal(safe, data) {
		t.Error("the file is opened as it came")
	}
	certificates := must(pkcs12.LegacyDES.EncodeTrustStore([]*x509.Certificate{must(x509.ParseCertificate(issue(rsaKey(), unique1)))}, "notasecret"))
	if _, ok := rewrap(certificates); ok {
		t.Error("a file without a key in the open is accepted")
	}
	for i := 0; i < len(data); i += 11 {
		broken := bytes.Clone(data)
		broken[i] ^= 0x41
		Find(broken, "")
	}
}
