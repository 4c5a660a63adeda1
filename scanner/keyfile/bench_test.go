package keyfile

import (
	"strings"
	"testing"
)

// What a value costs that holds no key: nearly all that a scan looks at.
func BenchmarkFind(b *testing.B) {
	values := map[string]string{
		"key":       whole(),
		"encoded":   b64(whole()),
		"password":  "correct horse battery staple",
		"script":    strings.Repeat("  if [ -f \"$FILE\" ]; then gsutil cp \"$FILE\" gs://bucket/path; fi\n", 200),
		"json":      `{"a":[` + strings.Repeat(`{"name":"x","value":"some text that is longer than sixty characters, for no reason at all"},`, 200) + `{}]}`,
		"base64":    strings.Repeat("aB3dE5fG7hI9", 400),
		"arguments": "--listen=0.0.0.0:8080",
	}
	for _, name := range sortedKeys(values) {
		data := []byte(values[name])
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				Find(data, "value")
			}
		})
	}
}

func BenchmarkKeyLines(b *testing.B) {
	data := []byte(strings.Repeat("  - name: GOOGLE_APPLICATION_CREDENTIALS\n    value: /var/secrets/google/key.json\n", 500))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		KeyLines(data)
	}
}
