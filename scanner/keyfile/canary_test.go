package keyfile

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// pieceLength is how much of a key's text has to come out to count: no public text shares so much by chance.
const pieceLength = 12

// secrets are the spellings of a private key's secret numbers, in pieces, in lower case too.
func secrets(key *rsa.PrivateKey) map[string]bool {
	pieces := map[string]bool{}
	keep := func(text string) {
		for i := 0; i+pieceLength <= len(text); i += pieceLength {
			pieces[text[i:i+pieceLength]] = true
			pieces[strings.ToLower(text[i:i+pieceLength])] = true
		}
	}
	add := func(secret []byte) {
		for _, text := range []string{hex.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret), base64.URLEncoding.EncodeToString(secret), string(secret)} {
			keep(text)
		}
	}
	add(key.D.Bytes())
	for _, prime := range key.Primes {
		add(prime.Bytes())
	}
	// The lines of the PEM body, from where the private numbers begin.
	der := must(x509.MarshalPKCS8PrivateKey(key))
	body := base64.StdEncoding.EncodeToString(der)
	keep(body[400:])
	return pieces
}

// leaks says whether a piece of a key is in anything that can be got from a result.
func leaks(result Result, pieces map[string]bool) bool {
	out := fmt.Sprintf("%s %v %+v %#v %s", result.Kind, result, result, result, must(json.Marshal(result)))
	for i := 0; i+pieceLength <= len(out); i++ {
		if pieces[out[i:i+pieceLength]] {
			return true
		}
	}
	return false
}

// Whatever is put where, no piece of the private key comes out: in no field, no JSON, no formatting of a result.
func TestNothingSecretComesOut(t *testing.T) {
	key := pkcs8(rsaKey())
	flat := strings.ReplaceAll(strings.TrimSpace(key), "\n", "")
	body := strings.TrimSuffix(strings.TrimPrefix(flat, "-----BEGIN PRIVATE"+" KEY-----"), "-----END PRIVATE"+" KEY-----")
	number := hex.EncodeToString(rsaKey().D.Bytes())
	inputs := []string{
		whole(), b64(b64(whole())), "a: " + quote(whole()), p12("notasecret"), zip(whole()),
		`{"auths":{"gcr.io":{"auth":"` + b64("_json_key:"+whole()) + `"}}}`,
		file(key + "garbage"), file("-----BEGIN PRIVATE" + " KEY-----" + body[:300]), whole()[:1200], whole()[200:],
		"key: |\n" + indent(key, "  ") + "\nemail: " + address,
		`{` + quote(body) + `:` + quote(whole()) + `}`,
		`{"` + body[400:460] + `":"` + b64(whole()) + `"}`,
		body[400:440] + ": |\n" + indent(whole(), "  "),
		"email: " + body[400:450] + "@acme-prod.iam.gserviceaccount.com\n" + key,
	}
	// The key in every other field of the file.
	for _, field := range []string{"project_id", "private_key_id", "client_email", "client_id", "universe_domain", "type", "token_uri"} {
		for _, value := range []string{key, body, body[400:440], body[400:464], number, number[:64], number[:40], strings.ToLower(body)} {
			var m map[string]string
			if err := json.Unmarshal([]byte(whole()), &m); err != nil {
				t.Fatal(err)
			}
			if field == "private_key_id" && value == number[:40] {
				continue // an id is 40 hexadecimal digits, and no others can be told from it
			}
			m[field] = value
			inputs = append(inputs, string(must(json.Marshal(m))))
			m["type"], m["refresh_token"] = "authorized_user", value
			inputs = append(inputs, string(must(json.Marshal(m))))
			m["type"] = "impersonated_service_account"
			m["service_account_impersonation_url"] = "https://x/serviceAccounts/" + value + ":generateAccessToken"
			inputs = append(inputs, string(must(json.Marshal(map[string]any{
				"type": "impersonated_service_account", "service_account_impersonation_url": m["service_account_impersonation_url"],
				"source_credentials": json.RawMessage(whole()),
			}))))
		}
	}
	pieces := secrets(rsaKey())
	for i, input := range inputs {
		for _, result := range []Result{
			Find([]byte(input), "key.json"),
			FindAll(map[string][]byte{"email": []byte(address), "key": []byte(input)})["key"],
		} {
			if leaks(result, pieces) {
				t.Fatalf("input %d: a piece of the private key came out (kind %s)", i, result.Kind)
			}
		}
	}
	if !leaks(Result{Why: key[700:800]}, pieces) {
		t.Error("a leak is not seen")
	}
}
