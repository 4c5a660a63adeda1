// Package keytest makes service account key files for tests: real ones, of keys that no account has.
//
// A key is made from its seed at run time, so that tests can name what they expect and the project holds no key.
package keytest

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"math/rand/v2"
	"strings"
	"sync"
)

// A Key is a service account key made from a seed.
type Key struct {
	Private *rsa.PrivateKey
	Email   string
	Project string
	KeyID   string
}

var made sync.Map // seed -> func() *rsa.PrivateKey

// New makes the RSA key of 2,048 bits that belongs to seed, and names it email's. The same seed gives the same key.
func New(seed, email string) Key {
	once, _ := made.LoadOrStore(seed, sync.OnceValue(func() *rsa.PrivateKey { return generate(seed) }))
	private := once.(func() *rsa.PrivateKey)()
	id := sha256.Sum256([]byte("key id of " + seed))
	project := ""
	if _, domain, found := strings.Cut(email, "@"); found {
		project, _, _ = strings.Cut(domain, ".")
	}
	return Key{Private: private, Email: email, Project: project, KeyID: hex.EncodeToString(id[:20])}
}

// generate finds primes by the seed's own random stream: crypto/rsa's generator gives another key at each call.
func generate(seed string) *rsa.PrivateKey {
	random := rand.NewChaCha8(sha256.Sum256([]byte(seed)))
	e := big.NewInt(65537)
	one := big.NewInt(1)
	for {
		p, q := prime(random), prime(random)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		n := new(big.Int).Mul(p, q)
		if d == nil || n.BitLen() != 2048 || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		return key
	}
}

func prime(random *rand.ChaCha8) *big.Int {
	bytes := make([]byte, 128)
	for {
		random.Read(bytes)
		bytes[0] |= 0xc0
		bytes[127] |= 1
		if n := new(big.Int).SetBytes(bytes); n.ProbablyPrime(20) {
			return n
		}
	}
}

// PEM is the private key as Google writes it: PKCS #8.
func (k Key) PEM() string {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// JSON is the key file as Google's console gives it.
func (k Key) JSON() []byte {
	fields := []struct{ name, value string }{
		{"type", "service_account"},
		{"project_id", k.Project},
		{"private_key_id", k.KeyID},
		{"private_key", k.PEM()},
		{"client_email", k.Email},
		{"client_id", "100000000000000000001"},
		{"auth_uri", "https://accounts.google.com/o/oauth2/auth"},
		{"token_uri", "https://oauth2.googleapis.com/token"},
		{"universe_domain", "googleapis.com"},
	}
	var b strings.Builder
	b.WriteString("{\n")
	for i, field := range fields {
		value, err := json.Marshal(field.value)
		if err != nil {
			panic(err)
		}
		b.WriteString(`  "` + field.name + `": ` + string(value))
		if i < len(fields)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

// Base64 is the file as a Secret's data holds it.
func (k Key) Base64() string { return base64.StdEncoding.EncodeToString(k.JSON()) }

// ID is the key's id in an Inventory: the SHA-256 of its public key (SPKI, DER) in hex.
func (k Key) ID() string {
	der, err := x509.MarshalPKIXPublicKey(&k.Private.PublicKey)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Secrets are texts that must appear in no output: parts of the private key in every encoding that an input uses.
func (k Key) Secrets() []string {
	body := strings.Split(strings.TrimSpace(k.PEM()), "\n")
	texts := []string{body[3], body[len(body)/2], body[len(body)-3]}
	encoded := k.Base64()
	for at := len(encoded) / 2; at < len(encoded)/2+3*40; at += 40 {
		texts = append(texts, encoded[at:at+40])
	}
	return texts
}
