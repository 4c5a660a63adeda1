package gcptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"time"
)

// issuer signs certificates. Google's are signed by the account's own key, which tests do not hand over; nobody checks
// the signature.
var issuer = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

// certificate is one for a public key, named after the account's unique id as Google does.
func certificate(name string, public any, now time.Time) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, Issuer: pkix.Name{CommonName: name},
		NotBefore: now.AddDate(-2, 0, 0), NotAfter: never, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, issuer())
	if err != nil {
		panic(err)
	}
	return der
}
