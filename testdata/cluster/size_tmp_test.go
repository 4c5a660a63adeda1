package cluster_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"strconv"
	"testing"
	"time"

	"dekey/testdata/cluster/controlplane"
)

func TestSeed(t *testing.T) {
	dir := os.Getenv("SMOKE_DIR")
	ns, _ := strconv.Atoi(os.Getenv("NS"))
	nw, _ := strconv.Atoi(os.Getenv("NW"))
	os.MkdirAll(dir, 0o755)
	p, err := controlplane.Start(t.Context(), dir, controlplane.Options{Audit: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	t.Log(p.URL, p.Kubeconfig())
	start := time.Now()
	k, _ := rsa.GenerateKey(rand.Reader, 2048)
	der, _ := x509.MarshalPKCS8PrivateKey(k)
	key, _ := json.Marshal(map[string]string{"type": "service_account", "project_id": "acme", "private_key_id": "abcd", "client_id": "1234",
		"client_email": "api@acme.iam.gserviceaccount.com", "private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))})
	if err := p.Create(t.Context(), manyNamespaces()); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(t.Context(), manySecrets(0, ns, key)); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(t.Context(), manyWorkloads(nw)); err != nil {
		t.Fatal(err)
	}
	t.Log("seeded", time.Since(start))
	os.WriteFile(dir+"/seeded", nil, 0o600)
	for {
		if _, err := os.Stat(dir + "/stop"); err == nil {
			return
		}
		time.Sleep(time.Second)
	}
}
