package keyfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindAll(t *testing.T) {
	escaped := strings.ReplaceAll(pkcs8(rsaKey()), "\n", `\n`)
	bare := Identity{Type: ServiceAccount, ID: idOf(rsaKey()), Algorithm: "RSA-2048", Universe: "googleapis.com", Where: "pem"}
	known := func(email, where string) []Identity {
		i := bare
		i.Email, i.Where = email, where
		return []Identity{i}
	}
	other := "other@acme-prod.iam.gserviceaccount.com"
	tests := []struct {
		name    string
		entries map[string]string
		want    map[string][]Identity // entries that hold a key
	}{
		{
			name:    "e-mail and key in two entries",
			entries: map[string]string{"GOOGLE_CLIENT_EMAIL": address, "GOOGLE_PRIVATE_KEY": pkcs8(rsaKey())},
			want:    map[string][]Identity{"GOOGLE_PRIVATE_KEY": known(address, "pem")},
		},
		{
			name:    "literal line breaks, and names that say nothing",
			entries: map[string]string{"user": address + "\n", "secret": escaped},
			want:    map[string][]Identity{"secret": known(address, "pem")},
		},
		{
			name:    "both encoded once more",
			entries: map[string]string{"user": b64(address), "secret": b64(pkcs8(rsaKey()))},
			want:    map[string][]Identity{"secret": known(address, "base64 > pem")},
		},
		{
			name:    "the account in a configuration beside it",
			entries: map[string]string{"boto": "[Credentials]\ngs_service_client_id = " + address + "\ngs_service_key_file = /k/key.pem\n", "key.pem": pkcs8(rsaKey())},
			want:    map[string][]Identity{"key.pem": known(address, "pem")},
		},
		{
			name:    "which of two accounts is not known",
			entries: map[string]string{"a.email": address, "b.email": other, "key": pkcs8(rsaKey())},
			want:    map[string][]Identity{"key": known("", "pem")},
		},
		{
			name:    "a P12 file and its account",
			entries: map[string]string{"email": address, "key.p12": p12("notasecret")},
			want: map[string][]Identity{"key.p12": {{
				Type: ServiceAccount, ID: idOf(rsaKey()), Algorithm: "RSA-2048", Universe: "googleapis.com", Email: address, ClientID: unique1, Where: "p12",
			}}},
		},
		{
			name:    "a P12 file, encoded, without an account",
			entries: map[string]string{"key": b64(p12("notasecret"))},
			want: map[string][]Identity{"key": {{
				Type: ServiceAccount, ID: idOf(rsaKey()), Algorithm: "RSA-2048", Universe: "googleapis.com", ClientID: unique1, Where: "base64 > p12",
			}}},
		},
		{
			name:    "a server's certificate is beside its key",
			entries: map[string]string{"tls.key": pkcs8(rsaKey()), "tls.crt": block8("CERTIFICATE", issue(rsaKey(), "api.example.com")), "email": address},
			want:    map[string][]Identity{},
		},
		{
			name:    "another program's key beside an account",
			entries: map[string]string{"github-app.pem": pkcs8(rsaKey()), "email": address},
			want:    map[string][]Identity{},
		},
		{
			name:    "a private key of nobody",
			entries: map[string]string{"ssh-privatekey": pkcs8(rsaKey())},
			want:    map[string][]Identity{},
		},
		{
			name:    "the whole file says more than the bare key beside it",
			entries: map[string]string{"key.json": whole(), "key.pem": pkcs8(rsaKey())},
			want: map[string][]Identity{
				"key.json": {{Type: ServiceAccount, ID: idOf(rsaKey()), Email: address, Project: "acme-prod", KeyID: keyID, Algorithm: "RSA-2048",
					Universe: "googleapis.com", ClientID: unique1, Where: "json"}},
				"key.pem": known(address, "pem"),
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			entries := map[string][]byte{}
			for name, value := range test.entries {
				entries[name] = []byte(value)
			}
			got := map[string][]Identity{}
			results := FindAll(entries)
			if len(results) != len(entries) {
				t.Errorf("got %d results for %d entries", len(results), len(entries))
			}
			for name, result := range results {
				if result.Kind == Key {
					got[name] = result.Identities
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
