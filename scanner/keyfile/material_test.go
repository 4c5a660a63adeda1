package keyfile

import (
	"bytes"
	"strings"
	"testing"
)

func TestIsKeyMaterial(t *testing.T) {
	key := strings.Split(strings.TrimSpace(pkcs8(rsaKey())), "\n")
	encoded := b64(whole())
	tests := []struct {
		name string
		line string
		want bool
	}{
		{"a PEM marker", key[0], true},
		{"a line of a PEM body", "    " + key[1], true},
		{"a line of a PEM body, quoted", `"` + key[5] + `\n"`, true},
		{"the key's field, in JSON", `  "private_key": "` + strings.Join(key, `\n`) + `",`, true},
		{"the key's field with escaped quotes", `value: "{\"private_key\":\"abc\"}"`, true},
		{"a key in one line of YAML", "  key.json: " + encoded, true},
		{"a line of wrapped base64", "    " + encoded[100:176], true},
		{"a URL-safe token", "t: " + strings.NewReplacer("+", "-", "/", "_").Replace(encoded[:80]), true},
		{"a refresh token", `"refresh_token": "1//0abc"`, true},
		{"an argument with a key", `- --json-credentials={"type":"service_account","private_key":"x"}`, true},

		{"the key's id is public", `  "private_key_id": "0123456789abcdef0123456789abcdef01234567",`, false},
		{"an account", `  "client_email": "a-very-long-account-name-here@a-very-long-project-name-1.iam.gserviceaccount.com",`, false},
		{"a path", "        value: /var/run/secrets/google/Credentials/service-account-key/application_default_credentials.json", false},
		{"an image's digest", "image: gcr.io/acme/api@sha256:" + strings.Repeat("0a1b2c3d", 8), false},
		{"a long name", "  name: thirdPartyIntegrationServiceAccountCredentialsVolumeForTheReportingJob", false},
		{"an annotation", "    cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes: google-cloud-key", false},
		{"a reference to a Secret", "privateKeySecretRef: {name: letsencrypt-account-key}", false},
		{"a path to a private key", "private_key: /etc/tls/private.key", false},
		{"an empty field", "private_key:", false},
		{"a member", "serviceAccount:acme-prod-123456.svc.id.goog[team-payments-production/payments-api-worker-v2]", false},
		{"nothing", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := IsKeyMaterial([]byte(test.line)); got != test.want {
				t.Errorf("%q: got %v", test.line, got)
			}
		})
	}
}

// Every line that holds a part of the key is marked, also the last, short one; the others are not.
func TestKeyLines(t *testing.T) {
	tests := []struct {
		name          string
		before, after string
		key           string
	}{
		{"a PEM block in a block scalar", "stringData:\n  email: a@b.iam.gserviceaccount.com\n  key: |\n", "type: Opaque\n---\nkind: Pod\n", indent(pkcs8(rsaKey()), "    ") + "\n"},
		{"a PEM block without an end of line", "", "", strings.TrimSpace(pkcs8(ecKey()))},
		{"wrapped base64", "data:\n  key.json: |\n", "kind: Secret\n", wrap(b64(whole()), "    ", 76) + "\n"},
		{"wrapped base64 with CRLF", "data:\r\n  key.json: |\r\n", "kind: Secret\r\n", strings.ReplaceAll(wrap(b64(whole()), "    ", 76)+"\n", "\n", "\r\n")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := KeyLines([]byte(test.before + test.key + test.after))
			before, inside, after := lines(test.before), lines(test.key), lines(test.after)
			if len(got) != before+inside+after {
				t.Fatalf("got %d lines, want %d", len(got), before+inside+after)
			}
			for i, marked := range got {
				if want := i >= before && i < before+inside; marked != want {
					t.Errorf("line %d: got %v", i+1, marked)
				}
			}
		})
	}
}

func lines(s string) int {
	if s == "" {
		return 0
	}
	return bytes.Count([]byte(strings.TrimSuffix(s, "\n")), []byte("\n")) + 1
}
