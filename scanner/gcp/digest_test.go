package gcp_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"testing"
)

func digestOf(t *testing.T, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
