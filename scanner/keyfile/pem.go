package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// maxDER bounds the keys that are parsed: RSA 8192 takes 4.7 kB, and larger ones only time.
const maxDER = 6 << 10

var (
	pemBegin = []byte("-----BEGIN ")
	pemEnd   = []byte("-----END ")
	pemDash  = []byte("-----")
	pemKey   = []byte("PRIVATE KEY")
)

// A block is one PEM block in a text, however its lines are broken: real line breaks, escapes, spaces, none at all.
type block struct {
	start, end int // of the whole, in the text
	label      string
	der        []byte // nil where the body is no base64
}

// blocks finds the PEM blocks of a text, at most limit of them. Encoding/pem wants whole lines, which keys in variables,
// JSON and properties files have not.
func blocks(text []byte, limit int) []block {
	var found []block
	next := -1 // the first end mark that is not before offset
	for offset := 0; len(found) < limit; {
		begin := bytes.Index(text[offset:], pemBegin)
		if begin < 0 {
			break
		}
		begin += offset
		offset = begin + len(pemBegin)
		labelEnd := bytes.Index(text[offset:min(len(text), offset+60)], pemDash)
		if labelEnd < 0 {
			continue
		}
		body := offset + labelEnd + len(pemDash)
		if next < body {
			if next = bytes.Index(text[body:], pemEnd); next < 0 {
				break
			}
			next += body
		}
		if next-body > 4*maxDER || bytes.Contains(text[body:next], pemBegin) {
			continue // a begin without an end, before one that has it
		}
		found = append(found, block{start: begin, end: next, label: string(text[offset : offset+labelEnd]), der: pemBody(text[body:next])})
		offset = next
	}
	return found
}

// pemBody decodes the base64 between a PEM block's dashes. Line breaks may be real, or escaped one or several times.
func pemBody(body []byte) []byte {
	clean := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\':
			for i+1 < len(body) && body[i+1] == '\\' {
				i++
			}
			if i+1 < len(body) && (body[i+1] == 'n' || body[i+1] == 'r' || body[i+1] == 't') {
				i++
			}
		case isBase64(c) && c != '-' && c != '_':
			clean = append(clean, c)
		}
	}
	der := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, err := base64.RawStdEncoding.Decode(der, clean)
	if err != nil {
		return nil
	}
	return der[:n]
}

func isPEMKey(text string) bool {
	found := blocks([]byte(text), 1)
	return len(found) == 1 && bytes.HasSuffix([]byte(found[0].label), pemKey)
}

func isEncryptedPEM(text []byte) bool {
	return bytes.Contains(text, []byte("BEGIN ENCRYPTED PRIVATE KEY")) || bytes.Contains(text, []byte("Proc-Type: 4,ENCRYPTED"))
}

// publicKey gives the digest and the algorithm of the public part of the first private key in text.
func publicKey(text []byte) (id, algorithm string, ok bool) {
	for _, b := range blocks(text, 4) {
		if bytes.HasSuffix([]byte(b.label), pemKey) {
			return publicPart(b.der)
		}
	}
	return "", "", false
}

// publicPart parses a private key (PKCS#8, PKCS#1 or SEC 1) and keeps its public part alone.
func publicPart(der []byte) (id, algorithm string, ok bool) {
	if len(der) == 0 || len(der) > maxDER {
		return "", "", false
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if private, err = x509.ParsePKCS1PrivateKey(der); err != nil {
			if private, err = x509.ParseECPrivateKey(der); err != nil {
				return "", "", false
			}
		}
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return "", "", false // a key that cannot sign (X25519) is no account's key
	}
	return describePublic(signer.Public())
}

// describePublic gives a public key's digest and algorithm.
func describePublic(public crypto.PublicKey) (id, algorithm string, ok bool) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", "", false
	}
	digest := sha256.Sum256(spki)
	switch key := public.(type) {
	case *rsa.PublicKey:
		algorithm = fmt.Sprintf("RSA-%d", key.N.BitLen())
	case *ecdsa.PublicKey:
		algorithm = "EC-" + ecName(key.Params().Name)
	case ed25519.PublicKey:
		algorithm = "Ed25519"
	}
	return hex.EncodeToString(digest[:]), algorithm, true
}

func ecName(curve string) string {
	if len(curve) > 2 && curve[:2] == "P-" {
		return "P" + curve[2:]
	}
	return curve
}

// A certificate is what a certificate beside a private key says about it.
type certificate struct {
	clientID string // the account's unique id: Google's certificates for user-managed keys are issued to it
	email    string // system-managed ones are issued to the e-mail
}

func (c certificate) google() bool { return c.clientID != "" || c.email != "" }

// readCertificate gives the public key's digest and what the certificate says of it.
func readCertificate(parsed *x509.Certificate) (id string, c certificate, ok bool) {
	id, _, ok = describePublic(parsed.PublicKey)
	if !ok {
		return "", certificate{}, false
	}
	name := parsed.Subject.CommonName
	if name != parsed.Issuer.CommonName {
		return id, certificate{}, true
	}
	if accounts.MatchString(name) {
		c.email = email(name)
	} else if len(name) >= 15 {
		c.clientID = shaped(name, uniqueShape)
	}
	return id, c, true
}
