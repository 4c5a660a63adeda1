package keyfile

import (
	"encoding/base64"
	"strings"
	"testing"
)

// FuzzFind wraps a key as the input says, and puts the input around it. Nothing panics, nothing secret comes out, and
// wrapping once more hides nothing.
func FuzzFind(f *testing.F) {
	key, bare := whole(), pkcs8(rsaKey())
	pieces := secrets(rsaKey())
	for _, seed := range []struct {
		steps, before, after string
	}{
		{"", "", ""},
		{"b", "", ""},
		{"bb", "key: ", "\n"},
		{"q", `{"a":`, "}"},
		{"z", "", ""},
		{"zb", "", ""},
		{"i", "config:\n  service_account: |\n", "\nnext: 1\n"},
		{"w", "data: |\n", "\n"},
		{"p", "email: " + address + "\n", ""},
		{"pe", "GOOGLE_CLIENT_EMAIL=" + address + "\nGOOGLE_PRIVATE_KEY=\"", "\"\n"},
		{"t", "", ""},
		{"s", `_json_key:`, ""},
		{"c", "", `"}`},
		{"u", "keyfile_dict=", "&x=1"},
		{"", "# cl\xe9\n", ""}, // Latin-1
	} {
		f.Add(seed.steps, seed.before, seed.after)
	}
	f.Fuzz(func(t *testing.T, steps, before, after string) {
		if len(steps) > 6 || len(before)+len(after) > 1<<12 {
			return
		}
		value := key
		for _, step := range steps {
			switch step {
			case 'b':
				value = b64(value)
			case 'r':
				value = base64.RawURLEncoding.EncodeToString([]byte(value))
			case 'q':
				value = quote(value)
			case 'z':
				value = zip(value)
			case 'i':
				value = indent(value, "    ")
			case 'w':
				value = wrap(b64(value), "  ", 64)
			case 'p':
				value = bare
			case 'e':
				value = strings.ReplaceAll(value, "\n", `\n`)
			case 't':
				value = value[:len(value)/2]
			case 's':
				value = strings.ReplaceAll(value, "\n", "")
			case 'c':
				value = value[len(value)/3:]
			case 'u':
				value = strings.NewReplacer("%", "%25", `"`, "%22", "{", "%7B", "\n", "%0A").Replace(value)
			}
		}
		data := before + value + after
		got := Find([]byte(data), before)
		check(t, got, pieces)
		all := FindAll(map[string][]byte{"a": []byte(data), "b": []byte(before), before: []byte(after)})
		for _, result := range all {
			check(t, result, pieces)
		}
		KeyLines([]byte(data))
		if got.Kind == Key && steps == "" && plausible([]byte(data[:min(len(data), 48)])) {
			if again := Find([]byte(b64(data)), before); again.Kind != Key {
				t.Errorf("found in the value, and not in its base64: %s (%s)", again.Kind, again.Why)
			}
		}
	})
}

func check(t *testing.T, r Result, pieces map[string]bool) {
	t.Helper()
	if leaks(r, pieces) {
		t.Error("a piece of the private key came out")
	}
	if (r.Kind == Key || r.Kind == Malformed) != (len(r.Identities) > 0) {
		t.Errorf("%s with %d identities", r.Kind, len(r.Identities))
	}
	if (r.Kind == Unknown || r.Kind == Malformed) != (r.Why != "") {
		t.Errorf("%s with reason %q", r.Kind, r.Why)
	}
	for _, i := range r.Identities {
		if (len(i.ID) == 64) != (r.Kind == Key) || i.Type == "" || i.Universe == "" {
			t.Errorf("%s with identity %+v", r.Kind, i)
		}
	}
}
