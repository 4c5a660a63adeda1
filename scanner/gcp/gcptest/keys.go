package gcptest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/iam/v1"
)

func (k *Key) describe(a *Account, publicKeyType string) (*iam.ServiceAccountKey, error) {
	key := &iam.ServiceAccountKey{
		Name: "projects/" + a.project.ID + "/serviceAccounts/" + a.Email + "/keys/" + k.ID, KeyType: k.Type, KeyOrigin: k.Origin,
		ValidAfterTime: stamp(k.Created), ValidBeforeTime: stamp(k.Expires), Disabled: k.Disabled, DisableReason: k.Reason,
	}
	if public, ok := k.PublicKey.(*rsa.PublicKey); ok {
		key.KeyAlgorithm = fmt.Sprintf("KEY_ALG_RSA_%d", public.N.BitLen())
	}
	switch publicKeyType {
	case "TYPE_X509_PEM_FILE":
		key.PublicKeyData = base64.StdEncoding.EncodeToString([]byte(k.PEM()))
	case "TYPE_RAW_PUBLIC_KEY":
		der, err := x509.MarshalPKIXPublicKey(k.PublicKey)
		if err != nil {
			return nil, err
		}
		key.PublicKeyData = base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	return key, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (c *call) key() (*Account, *Key, *failure) {
	a, f := c.account()
	if f != nil {
		return nil, nil, f
	}
	k := a.Keys[c.vars["keysId"]]
	if k == nil {
		return nil, nil, failf(http.StatusNotFound, "NOT_FOUND", "Service account key %s does not exist.", c.vars["keysId"])
	}
	return a, k, nil
}

func getKey(c *call) (any, *failure) {
	a, k, f := c.key()
	if f != nil {
		return nil, f
	}
	key, err := k.describe(a, c.query.Get("publicKeyType"))
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "INTERNAL", "%v", err)
	}
	return key, nil
}

func listKeys(c *call) (any, *failure) {
	a, f := c.account()
	if f != nil {
		return nil, f
	}
	types := c.query["keyTypes"]
	answer := &iam.ListServiceAccountKeysResponse{}
	for _, id := range slices.Sorted(maps.Keys(a.Keys)) {
		if k := a.Keys[id]; len(types) == 0 || slices.Contains(types, k.Type) {
			key, err := k.describe(a, "")
			if err != nil {
				return nil, failf(http.StatusInternalServerError, "INTERNAL", "%v", err)
			}
			answer.Keys = append(answer.Keys, key)
		}
	}
	return answer, nil
}

// maxKeys is how many user-managed keys an account has at most.
// https://cloud.google.com/iam/quotas
const maxKeys = 10

func (a *Account) full() *failure {
	n := 0
	for _, k := range a.Keys {
		if k.Type == "USER_MANAGED" {
			n++
		}
	}
	if n >= maxKeys {
		return failf(http.StatusBadRequest, "FAILED_PRECONDITION", "Precondition check failed.")
	}
	return nil
}

func createKey(c *call) (any, *failure) {
	a, f := c.account()
	if f == nil {
		f = a.full()
	}
	if f != nil {
		return nil, f
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "INTERNAL", "%v", err)
	}
	k := a.AddKey("", &private.PublicKey)
	k.Created = c.state.Now
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "INTERNAL", "%v", err)
	}
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": a.project.ID, "private_key_id": k.ID, "client_email": a.Email, "client_id": a.UniqueID,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE " + "KEY", Bytes: der})), "universe_domain": "googleapis.com",
	})
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "INTERNAL", "%v", err)
	}
	key, err := k.describe(a, "")
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "INTERNAL", "%v", err)
	}
	key.PrivateKeyType = "TYPE_GOOGLE_CREDENTIALS_FILE"
	key.PrivateKeyData = base64.StdEncoding.EncodeToString(file)
	return key, nil
}

func uploadKey(c *call) (any, *failure) {
	a, f := c.account()
	if f == nil {
		f = a.full()
	}
	if f != nil {
		return nil, f
	}
	var request iam.UploadServiceAccountKeyRequest
	if f := c.decode(&request); f != nil {
		return nil, f
	}
	text, err := base64.StdEncoding.DecodeString(request.PublicKeyData)
	block, _ := pem.Decode(text)
	if err != nil || block == nil {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "the certificate is none")
	}
	found, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "the certificate is none")
	}
	sum := sha256.Sum256(found.Raw)
	k := a.AddKey(hex.EncodeToString(sum[:20]), found.PublicKey)
	k.Origin, k.Certificate, k.Created, k.Expires = "USER_PROVIDED", found.Raw, found.NotBefore, found.NotAfter
	key, err := k.describe(a, "")
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "INTERNAL", "%v", err)
	}
	return key, nil
}

func disableKey(c *call) (any, *failure) { return c.switchKey(true) }

func enableKey(c *call) (any, *failure) { return c.switchKey(false) }

func (c *call) switchKey(disabled bool) (any, *failure) {
	_, k, f := c.key()
	if f != nil {
		return nil, f
	}
	if k.Type == "SYSTEM_MANAGED" {
		return nil, failf(http.StatusBadRequest, "FAILED_PRECONDITION", "System-managed keys can not be changed.")
	}
	switch {
	case !disabled:
		k.Reason = ""
	case !k.Disabled:
		k.Reason = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"
	}
	k.Disabled = disabled
	return struct{}{}, nil
}

func deleteKey(c *call) (any, *failure) {
	a, k, f := c.key()
	if f != nil {
		return nil, f
	}
	if k.Type == "SYSTEM_MANAGED" {
		return nil, failf(http.StatusBadRequest, "FAILED_PRECONDITION", "System-managed keys can not be deleted.")
	}
	delete(a.Keys, k.ID)
	return struct{}{}, nil
}

const certificatesPrefix = "certificates"

// certificates is the public endpoint: every public key of an account, by id.
// https://cloud.google.com/iam/docs/service-account-creds
func (s *Server) certificates(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	email, ok := strings.CutPrefix(path, "service_accounts/v1/metadata/x509/")
	s.arrived(certificatesPrefix, r, body)
	if !ok || r.Method != http.MethodGet || strings.Contains(email, "/") || len(r.URL.Query()) > 0 {
		s.report.Errorf("gcptest: the public certificates have no %s %s", r.Method, r.URL)
		http.NotFound(w, r)
		return
	}
	if s.faulty(w, r, certificatesPrefix) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.state.account("-", email)
	if a == nil {
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	answer := map[string]string{}
	for id, k := range a.Keys {
		if !k.Disabled || !s.state.HideDisabled {
			answer[id] = k.PEM()
		}
	}
	data, err := json.Marshal(answer)
	if err != nil {
		s.report.Errorf("gcptest: %v", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(data) // a client that went away
}
