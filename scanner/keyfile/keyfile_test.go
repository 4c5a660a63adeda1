package keyfile

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"
)

// The keys of this test binary: nothing that looks like one stands in the tree.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pkcs8(key any) string {
	return block8("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
}

func block8(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func idOf(key crypto.Signer) string {
	digest := sha256.Sum256(must(x509.MarshalPKIXPublicKey(key.Public())))
	return hex.EncodeToString(digest[:])
}

const (
	address = "api@acme-prod.iam.gserviceaccount.com"
	keyID   = "0123456789abcdef0123456789abcdef01234567"
	unique1 = "100000000000000000001"
)

// file is a key file as Google writes it, without the fields in drop.
func file(privateKey string, drop ...string) string {
	fields := [][2]string{
		{"type", "service_account"},
		{"project_id", "acme-prod"},
		{"private_key_id", keyID},
		{"private_key", privateKey},
		{"client_email", address},
		{"client_id", unique1},
		{"auth_uri", "https://accounts.google.com/o/oauth2/auth"},
		{"token_uri", "https://oauth2.googleapis.com/token"},
		{"client_x509_cert_url", "https://www.googleapis.com/robot/v1/metadata/x509/api%40acme-prod.iam.gserviceaccount.com"},
		{"universe_domain", "googleapis.com"},
	}
	var lines []string
field:
	for _, f := range fields {
		for _, name := range drop {
			if f[0] == name {
				continue field
			}
		}
		lines = append(lines, fmt.Sprintf("  %q: %s", f[0], must(json.Marshal(f[1]))))
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}\n"
}

func whole() string { return file(pkcs8(rsaKey())) }

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func wrap(s, indent string, width int) string {
	var lines []string
	for len(s) > width {
		lines, s = append(lines, indent+s[:width]), s[width:]
	}
	return strings.Join(append(lines, indent+s), "\n")
}

func indent(s, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+by)
}

func zip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	must(w.Write([]byte(s)))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func quote(s string) string { return string(must(json.Marshal(s))) }

// issue is a self-signed certificate for key, as Google or a server has it.
func issue(key crypto.Signer, name string) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}
	return must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
}

func p12(password string) string {
	certificate := must(x509.ParseCertificate(issue(rsaKey(), unique1)))
	return string(must(pkcs12.LegacyDES.Encode(rsaKey(), certificate, nil, password)))
}

func TestFind(t *testing.T) {
	full := Identity{
		Type: ServiceAccount, ID: idOf(rsaKey()), Email: address, Project: "acme-prod", KeyID: keyID, Algorithm: "RSA-2048",
		Universe: "googleapis.com", ClientID: unique1,
	}
	with := func(change func(*Identity)) Identity {
		i := full
		change(&i)
		return i
	}
	at := func(where string) Identity { return with(func(i *Identity) { i.Where = where }) }
	bare := Identity{Type: ServiceAccount, ID: idOf(rsaKey()), Algorithm: "RSA-2048", Universe: "googleapis.com"}
	bareAt := func(email, where string) Identity {
		i := bare
		i.Email, i.Where = email, where
		return i
	}
	oneLine := strings.ReplaceAll(pkcs8(rsaKey()), "\n", `\n`)
	user := func(kind string) string {
		return fmt.Sprintf(`{"type":%q,"client_id":"1-a.apps.googleusercontent.com","client_secret":"s","refresh_token":"1//0abcdefghijklmnopqrstuvwxyz"}`, kind)
	}
	registry := func(password, user string) string {
		return fmt.Sprintf(`{"auths":{"europe-docker.pkg.dev":{"username":%q,"password":%s,"email":"x@example.com","auth":%q}}}`,
			user, quote(password), b64(user+":"+password))
	}
	release := func() string {
		manifest := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: gcp}\ndata:\n  key.json: " + b64(whole()) + "\n"
		return b64(zip(fmt.Sprintf(`{"name":"api","manifest":%s,"chart":{"metadata":{"name":"api"}}}`, quote(manifest))))
	}

	tests := []struct {
		name  string // what would be wrong
		value string
		entry string
		kind  Kind
		want  []Identity
		why   string
	}{
		{name: "a key file as downloaded", value: whole(), kind: Key, want: []Identity{at("json")}},
		{name: "a byte order mark and CRLF", value: "\xef\xbb\xbf" + strings.ReplaceAll(whole(), "\n", "\r\n"), kind: Key, want: []Identity{at("json")}},
		{name: "a hand-made file without a project", value: file(pkcs8(rsaKey()), "project_id", "client_id", "universe_domain"), kind: Key,
			want: []Identity{with(func(i *Identity) { i.Project, i.ClientID, i.Where = "", "", "json" })}},
		{name: "PKCS#1", value: file(block8("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))), kind: Key, want: []Identity{at("json")}},
		{name: "an elliptic key has its own digest", value: file(pkcs8(ecKey())), kind: Key,
			want: []Identity{with(func(i *Identity) { i.ID, i.Algorithm, i.Where = idOf(ecKey()), "EC-P256", "json" })}},
		{name: "SEC 1", value: file(block8("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey())))), kind: Key,
			want: []Identity{with(func(i *Identity) { i.ID, i.Algorithm, i.Where = idOf(ecKey()), "EC-P256", "json" })}},
		{name: "line breaks escaped twice", value: file(oneLine), kind: Key, want: []Identity{at("json")}},
		{name: "line breaks lost to spaces", value: file(strings.ReplaceAll(pkcs8(rsaKey()), "\n", " ")), kind: Key, want: []Identity{at("json")}},
		{name: "another universe", value: strings.ReplaceAll(whole(), `"universe_domain": "googleapis.com"`, `"universe_domain": "cloud.example"`), kind: Key,
			want: []Identity{with(func(i *Identity) { i.Universe, i.Where = "cloud.example", "json" })}},
		{name: "an e-mail in capitals is the same account", value: strings.ReplaceAll(whole(), address, "API@acme-prod.iam.gserviceaccount.com"), kind: Key, want: []Identity{at("json")}},

		{name: "base64 once more than Kubernetes asks for", value: b64(whole()), kind: Key, want: []Identity{at("base64 > json")}},
		{name: "base64 three deep", value: b64(b64(b64(whole()))), kind: Key, want: []Identity{at("base64 > base64 > base64 > json")}},
		{name: "URL-safe base64 without padding", value: base64.RawURLEncoding.EncodeToString([]byte(whole() + "\u00ff\u00fe?>")), kind: Key, want: []Identity{at("base64 > text > json")}},
		{name: "wrapped base64", value: wrap(b64(whole()), "", 76), kind: Key, want: []Identity{at("base64 > json")}},
		{name: "base64 of a text in Latin-1", value: b64("# cl\xe9\n" + whole()), kind: Key, want: []Identity{at("base64 > text > json")}},
		{name: "gzip", value: zip(whole()), kind: Key, want: []Identity{at("gzip > json")}},
		{name: "JSON in a JSON string", value: quote(whole()), kind: Key, want: []Identity{at("quoted > json")}},
		{name: "JSON in a JSON document", value: `{"serviceAccountJson":` + quote(whole()) + `}`, kind: Key, want: []Identity{at("json > serviceAccountJson > json")}},
		{name: "base64 in a JSON document", value: `[{"encodedkey":"` + b64(whole()) + `"}]`, kind: Key, want: []Identity{at("json > encodedkey > base64 > json")}},
		{name: "UTF-16 as PowerShell writes it", value: inUTF16(whole()), kind: Key, want: []Identity{at("json")}},

		{name: "a block scalar of an object store's configuration", kind: Key, want: []Identity{at("field service_account > json")},
			value: "type: GCS\nconfig:\n  bucket: metrics\n  service_account: |-\n" + indent(whole(), "    ") + "\n"},
		{name: "single quotes in YAML", value: "provider: Google\ngoogle_project: acme\ngoogle_json_key_string: '" + strings.ReplaceAll(whole(), "\n", "") + "'\n", kind: Key,
			want: []Identity{at("field google_json_key_string > json")}},
		{name: "single quotes in YAML with folded lines", kind: Key, want: []Identity{at("field key > json")},
			value: "key: '" + strings.ReplaceAll(strings.ReplaceAll(whole(), "\n", ""), " PRIVATE", "\n    PRIVATE") + "'\n"},
		{name: "double quotes in YAML", value: "key: " + quote(whole()) + "\n", kind: Key, want: []Identity{at("escaped > field key > json")}},
		{name: "double quotes in YAML with folded lines", kind: Key, want: []Identity{at("escaped > field key > json")},
			value: "key: " + strings.ReplaceAll(quote(whole()), `  \"client`, "\\\n    \\  \\\"client") + "\n"},
		{name: "base64 in YAML", value: "registry:\n  storage:\n    gcs:\n      encodedkey: " + b64(whole()) + "\n", kind: Key, want: []Identity{at("field encodedkey > base64 > json")}},
		{name: "wrapped base64 in a block scalar", value: "key: |\n" + wrap(b64(whole()), "  ", 64) + "\nnext: 1\n", kind: Key, want: []Identity{at("field key > base64 > json")}},
		{name: "a key file as a YAML mapping", kind: Key,
			value: "gcp:\n  type: service_account\n  client_email: " + address + "\n  private_key: |\n" + indent(pkcs8(rsaKey()), "    ") + "\n",
			want:  []Identity{bareAt(address, "field private_key > pem")}},
		{name: "a properties file", value: "google.email=" + address + "\ngoogle.key=" + oneLine + "\n", kind: Key, want: []Identity{bareAt(address, "field google.key > pem")}},
		{name: "a mark in a comment before the block", entry: "gcp.pem", value: "# a file with -----BEGIN PRIVATE" + " KEY----- in it\n" + pkcs8(rsaKey()), kind: Key, want: []Identity{bareAt("", "pem")}},
		{name: "an env file", value: "GOOGLE_CLIENT_EMAIL='" + address + "'\nGOOGLE_PRIVATE_KEY=\"" + oneLine + "\"\n", kind: Key,
			want: []Identity{bareAt(address, "field GOOGLE_PRIVATE_KEY > pem")}},
		{name: "an env file with the whole file", value: "PORT=1\nGCP_KEY='" + strings.ReplaceAll(whole(), "\n", "") + "'\n", kind: Key, want: []Identity{at("field GCP_KEY > json")}},
		{name: "a connection's URL", value: "google-cloud-platform://?keyfile_dict=" + url.QueryEscape(strings.ReplaceAll(whole(), "\n", "")) + "&num_retries=5", kind: Key,
			want: []Identity{at("percent > text > json")}},
		{name: "JSON with a comma too many", value: strings.Replace(whole(), "\"\n}", "\",\n}", 1), kind: Key, want: []Identity{bareAt(address, "field private_key > pem")}},
		{name: "a dictionary of Python", kind: Key, want: []Identity{bareAt(address, "field private_key > pem")},
			value: strings.ReplaceAll(whole(), `"`, "'")},
		{name: "JSON in XML", kind: Key, want: []Identity{bareAt(address, "pem")},
			value: "<settings><server><username>_json_key</username><password>" + strings.ReplaceAll(whole(), `"`, "&quot;") + "</password></server></settings>"},
		{name: "base64 in XML", kind: Key, want: []Identity{at("text > base64 > json")},
			value: "<server><username>_json_key_base64</username><password>" + b64(whole()) + "</password></server>"},
		{name: "a package manager's file", kind: Key, want: []Identity{at("text > base64 > base64 > json")},
			value: "//europe-npm.pkg.dev/acme/npm/:_password=\"" + b64(b64(whole())) + "\"\n//europe-npm.pkg.dev/acme/npm/:username=_json_key_base64\n"},
		{name: "an address with the key", kind: Key, want: []Identity{at("text > base64 > json")},
			value: "https://_json_key_base64:" + b64(whole()) + "@europe-python.pkg.dev/acme/py/simple/"},
		{name: "a split key in one JSON document", value: `{"clientEmail":"` + address + `","privateKey":` + quote(pkcs8(rsaKey())) + `,"tokenUri":"x"}`, kind: Key,
			want: []Identity{bareAt(address, "json > privateKey > pem")}},
		{name: "a split key in two nested objects", value: `{"jsonData":{"clientEmail":"` + address + `"},"secureJsonData":{"privateKey":` + quote(pkcs8(rsaKey())) + `}}`, kind: Key,
			want: []Identity{bareAt(address, "json > privateKey > pem")}},

		{name: "a pull secret with the file as password", value: registry(whole(), "_json_key"), kind: Key, want: []Identity{at("json > password > json")}},
		{name: "a pull secret with the encoded file as password", value: registry(b64(whole()), "_json_key_base64"), kind: Key, want: []Identity{at("json > password > base64 > json")}},
		{name: "a pull secret with auth alone", value: `{"auths":{"gcr.io":{"auth":"` + b64("_json_key:"+whole()) + `"}}}`, kind: Key,
			want: []Identity{at("json > auth > base64 > field _json_key > json")}},
		{name: "a pull secret with auth alone, encoded", value: `{"auths":{"gcr.io":{"auth":"` + b64("_json_key_base64:"+b64(whole())) + `"}}}`, kind: Key,
			want: []Identity{at("json > auth > base64 > field _json_key_base64 > base64 > json")}},
		{name: "the old form without auths", value: `{"https://gcr.io":{"auth":"` + b64("_json_key:"+whole()) + `"}}`, kind: Key,
			want: []Identity{at("json > auth > base64 > field _json_key > json")}},
		{name: "a pull secret of another registry", value: `{"auths":{"index.docker.io":{"auth":"` + b64("team:"+strings.Repeat("Passw0rd", 20)) + `"}}}`, kind: NotKey},

		{name: "a Helm release", value: release(), kind: Key, want: []Identity{at("base64 > gzip > json > manifest > field key.json > base64 > json")}},
		{name: "kubectl's last applied copy", kind: Key, want: []Identity{at("json > key.json > base64 > json")},
			value: `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"gcp"},"data":{"key.json":"` + b64(whole()) + `"}}`},
		{name: "kubectl's last applied copy of text", kind: Key, want: []Identity{at("json > key.json > json")},
			value: `{"apiVersion":"v1","kind":"Secret","stringData":{"key.json":` + quote(whole()) + `}}`},

		{name: "a P12 file has no e-mail, and the account's unique id", value: p12("notasecret"), kind: Key,
			want: []Identity{{Type: ServiceAccount, ID: idOf(rsaKey()), Algorithm: "RSA-2048", Universe: "googleapis.com", ClientID: unique1, Where: "p12"}}},
		{name: "a server's key store", value: p12("changeit"), kind: NotKey},
		{name: "a bare key whose entry names Google", value: pkcs8(rsaKey()), entry: "gcs-private-key", kind: Key, want: []Identity{bareAt("", "pem")}},
		{name: "a server's private key", value: pkcs8(rsaKey()), entry: "tls.key", kind: NotKey},
		{name: "a P12 file turned into PEM", value: pkcs8(rsaKey()) + block8("CERTIFICATE", issue(rsaKey(), unique1)), entry: "key.pem", kind: Key,
			want: []Identity{{Type: ServiceAccount, ID: idOf(rsaKey()), Algorithm: "RSA-2048", Universe: "googleapis.com", ClientID: unique1, Where: "pem"}}},
		{name: "a server's key and certificate beside an account's name", kind: NotKey,
			value: "serviceAccount: " + strings.Repeat("\n", 5000) + "email: " + address + "\n" + strings.Repeat("\n", 5000) + pkcs8(rsaKey()) + block8("CERTIFICATE", issue(rsaKey(), "api.example.com"))},
		{name: "an account in an annotation is not this key's", value: "metadata:\n  annotations:\n    iam.gke.io/gcp-service-account: " + address + "\nstringData:\n  tls.key: |\n" + indent(pkcs8(rsaKey()), "    "), kind: NotKey},

		{name: "impersonation with a key of another account", kind: Key,
			value: `{"type":"impersonated_service_account","service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/target@acme-prod.iam.gserviceaccount.com:generateAccessToken","source_credentials":` + whole() + `}`,
			want: []Identity{with(func(i *Identity) {
				i.Impersonates, i.Where = "target@acme-prod.iam.gserviceaccount.com", "json > source_credentials"
			})}},
		{name: "impersonation without a key", kind: ExternalAccount,
			value: `{"type":"impersonated_service_account","service_account_impersonation_url":"https://x/serviceAccounts/a@b:generateAccessToken","source_credentials":{"type":"external_account","audience":"//iam.googleapis.com/x"}}`},
		{name: "a person's token", value: user("authorized_user"), kind: Key,
			want: []Identity{{Type: AuthorizedUser, ID: userID("1-a.apps.googleusercontent.com", "1//0abcdefghijklmnopqrstuvwxyz"), Universe: "googleapis.com", ClientID: "1-a.apps.googleusercontent.com", Where: "json"}}},
		{name: "a workforce person's token", value: user("external_account_authorized_user"), kind: Key,
			want: []Identity{{Type: AuthorizedUser, ID: userID("1-a.apps.googleusercontent.com", "1//0abcdefghijklmnopqrstuvwxyz"), Universe: "googleapis.com", ClientID: "1-a.apps.googleusercontent.com", Where: "json"}}},
		{name: "gsutil's file of a person", value: "[Credentials]\ngs_oauth2_refresh_token = 1//0abcdefghijklmnopqrstuvwxyz\n[OAuth2]\nclient_id = 9.apps.googleusercontent.com\n", kind: Key,
			want: []Identity{{Type: AuthorizedUser, ID: userID("9.apps.googleusercontent.com", "1//0abcdefghijklmnopqrstuvwxyz"), Universe: "googleapis.com", ClientID: "9.apps.googleusercontent.com", Where: "boto"}}},
		{name: "a federation configuration holds no key", kind: ExternalAccount,
			value: `{"type":"external_account","audience":"identitynamespace:acme.svc.id.goog:https://container.googleapis.com/v1/x","subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"https://sts.googleapis.com/v1/token","credential_source":{"file":"/var/run/token"}}`},
		{name: "a federation configuration in YAML", kind: ExternalAccount,
			value: "config: |\n  {\n    \"type\": \"external_account\",\n    \"audience\": \"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q\"\n  }\n"},
		{name: "Google Distributed Cloud's keys are out of scope", value: `{"type":"gdch_service_account","private_key":` + quote(pkcs8(ecKey())) + `,"name":"x","project":"y"}`, kind: NotKey},
		{name: "an OAuth client is no key", value: `{"installed":{"client_id":"1.apps.googleusercontent.com","client_secret":"GOCSPX-abcdefgh","redirect_uris":["http://localhost"]}}`, kind: NotKey},
		{name: "HMAC keys are no keys", value: "[default]\naws_access_key_id = GOOG1E" + strings.Repeat("ABCD2345", 7) + "\naws_secret_access_key = " + strings.Repeat("aB3/", 10), kind: NotKey},
		{name: "API keys are no keys", value: `{"apiKey":"AIza` + strings.Repeat("SyA1b2C", 5) + `","projectId":"acme","authDomain":"acme.firebaseapp.com"}`, kind: NotKey},
		{name: "another program's object of that type", value: `{"type":"service_account","name":"robot","permissions":["read","write"],"description":"a bot of ours"}`, kind: NotKey},

		{name: "SOPS", value: "ENC[AES256_GCM,data:abc=,iv:abc=,tag:abc=,type:str]", kind: Unknown, why: WhySOPS},
		{name: "a SOPS file", value: `{"type":"ENC[AES256_GCM,data:abc=,iv:abc=,tag:abc=,type:str]","sops":{"kms":null,"version":"3.8.1"},"more":"` + strings.Repeat("x", 60) + `"}`, kind: Unknown, why: WhySOPS},
		{name: "a SealedSecret's ciphertext", value: sealed(), kind: Unknown, why: WhySealed},
		{name: "envsubst", value: "${GCP_KEY}", kind: Unknown, why: WhyPlaceholder},
		{name: "envsubst, encoded", value: b64("${GCP_KEY_BASE64}"), kind: Unknown, why: WhyPlaceholder},
		{name: "a Helm template", value: `{{ .Files.Get "key.json" | b64enc }}`, kind: Unknown, why: WhyTemplate},
		{name: "an example's words", value: "<base64-encoded-service-account-key>", kind: Unknown, why: WhyPlaceholder},
		{name: "a key file with a variable for the key", value: file("${PRIVATE_KEY}"), kind: Unknown, why: WhyPlaceholder},
		{name: "a key file with an example's key", value: file("-----BEGIN PRIVATE" + " KEY-----\n...\n-----END PRIVATE" + " KEY-----\n"), kind: Unknown, why: WhyPlaceholder},
		{name: "a value that a plug-in replaces", value: "vault:secret/data/gcp#key.json", kind: Unknown, why: WhyReference},
		{name: "an empty entry", value: " \n", kind: Unknown, why: WhyEmpty},
		{name: "a key that does not parse", value: file("-----BEGIN PRIVATE" + " KEY-----\n" + wrap(b64(strings.Repeat("not a key ", 100)), "", 64) + "\n-----END PRIVATE" + " KEY-----\n"), kind: Malformed, why: WhyBadKey,
			want: []Identity{with(func(i *Identity) { i.ID, i.Algorithm, i.Where = "", "", "json" })}},
		{name: "a key file without its key", value: file("", "private_key"), kind: Malformed, why: WhyNoKey,
			want: []Identity{with(func(i *Identity) { i.ID, i.Algorithm, i.Where = "", "", "json" })}},
		{name: "an encrypted key", value: file("-----BEGIN ENCRYPTED PRIVATE" + " KEY-----\n" + wrap(b64(strings.Repeat("0", 900)), "", 64) + "\n-----END ENCRYPTED PRIVATE" + " KEY-----\n"), kind: Unknown, why: WhyEncrypted},

		{name: "a password", value: "correct horse battery staple", kind: NotKey},
		{name: "documentation about keys", value: "Set private_key to the key of your service account, and client_email to its address. See https://cloud.google.com/iam.", kind: NotKey},
		{name: "a long random token", value: strings.Repeat("aB3dE5fG7", 40), kind: NotKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Find([]byte(test.value), test.entry)
			if got.Kind != test.kind || got.Why != test.why {
				t.Errorf("got %s (%s), want %s (%s)", got.Kind, got.Why, test.kind, test.why)
			}
			if diff := cmp.Diff(test.want, got.Identities); diff != "" {
				t.Errorf("identities (-want +got):\n%s", diff)
			}
		})
	}
}

func inUTF16(s string) string {
	var b bytes.Buffer
	b.WriteString("\xff\xfe")
	for _, c := range []byte(s) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

func sealed() string {
	cipher := make([]byte, 700)
	must(rand.Read(cipher))
	cipher[0], cipher[1] = 2, 0
	return base64.StdEncoding.EncodeToString(cipher)
}

func userID(client, token string) string {
	digest := sha256.Sum256([]byte(token))
	id := sha256.Sum256([]byte(client + "\x00" + hex.EncodeToString(digest[:])))
	return hex.EncodeToString(id[:])
}
