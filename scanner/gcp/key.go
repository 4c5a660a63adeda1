package gcp

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/iam/v1"
)

// A Key is a key of an account as Google knows it: the public half's digest, and its state.
type Key struct {
	ID       string // 40 hexadecimal digits
	Digest   string // SHA-256 of the public key (SPKI, DER) in hex, as scanner.Key.ID; "" from Keys
	Managed  bool   // by users; Google's own keys are not in any Secret
	Uploaded bool
	Created  time.Time
	// Expires is zero for a key that does not.
	Expires  time.Time
	Disabled bool
	// Reason that it is disabled: SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED, ..._EXPOSED, ..._COMPROMISE_DETECTED.
	Reason string
}

// Expired says whether the key's time is over.
func (k Key) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

var keyID = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Keys lists the user-managed keys of an account, sorted by id, without their digests.
func (c *Client) Keys(ctx context.Context, email string) ([]Key, error) {
	email, err := normal(email)
	if err != nil {
		return nil, err
	}
	return c.keyLists.get(email, func() ([]Key, error) {
		found, err := c.iam.Projects.ServiceAccounts.Keys.List(resource(email)).KeyTypes("USER_MANAGED").Context(ctx).Do()
		if err != nil {
			return nil, c.fail(err, needKeys, email, "listing the keys of %s", email)
		}
		keys := []Key{}
		for _, k := range found.Keys {
			key, err := describe(k)
			if err != nil {
				return nil, &Error{Doing: "listing the keys of " + email, What: email, Permission: needKeys.permission, Role: needKeys.role, Err: err}
			}
			keys = append(keys, key)
		}
		slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
		return keys, nil
	})
}

// Key reads one key with its public half. ErrNotFound: the account has none of this id (any more), or is gone itself.
func (c *Client) Key(ctx context.Context, email, id string) (Key, error) {
	email, err := normal(email)
	if err != nil {
		return Key{}, err
	}
	if !keyID.MatchString(id) {
		return Key{}, fmt.Errorf("key %q of %s: %w", id, email, ErrNotFound)
	}
	return c.keyAnswers.get(email+"/"+id, func() (Key, error) {
		found, err := c.iam.Projects.ServiceAccounts.Keys.Get(resource(email) + "/keys/" + id).PublicKeyType("TYPE_X509_PEM_FILE").Context(ctx).Do()
		if err != nil {
			return Key{}, c.fail(err, needKey, email, "reading the key %s of %s", id, email)
		}
		key, err := describe(found)
		if err == nil {
			key.Digest, err = digestOf(found.PublicKeyData)
		}
		if err == nil && key.ID != id {
			err = errors.New("the answer is of another key")
		}
		if err != nil {
			return Key{}, &Error{Doing: "reading the key " + id + " of " + email, What: email, Permission: needKey.permission, Role: needKey.role, Err: err}
		}
		return key, nil
	})
}

// describe reads Google's description of a key.
func describe(k *iam.ServiceAccountKey) (Key, error) {
	key := Key{
		ID: k.Name[strings.LastIndex(k.Name, "/")+1:], Managed: k.KeyType == "USER_MANAGED", Uploaded: k.KeyOrigin == "USER_PROVIDED",
		Disabled: k.Disabled, Reason: k.DisableReason,
	}
	if key.ID == "" {
		return Key{}, errors.New("the answer is empty")
	}
	var err error
	if key.Created, err = moment(k.ValidAfterTime); err != nil {
		return Key{}, err
	}
	if key.Expires, err = moment(k.ValidBeforeTime); err != nil {
		return Key{}, err
	}
	if key.Expires.Year() == 9999 {
		key.Expires = time.Time{} // the year in which a key without an expiry expires
	}
	return key, nil
}

// moment reads a time of an answer; "" is none.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time", text)
	}
	return t.UTC(), nil
}

// digestOf is the digest of a public key that IAM gives: base64 of PEM, a certificate or the bare key.
func digestOf(data string) (string, error) {
	text, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(text) == 0 {
		return "", errors.New("the answer has no public key")
	}
	return digest(text)
}

// digest is that of the public key in a PEM certificate or public key. A certificate's signature is not verified: Google's
// are made with SHA-1 by the key itself, and say nothing.
func digest(text []byte) (string, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return "", errors.New("the answer has no PEM block")
	}
	var public any
	if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
		public = certificate.PublicKey
	} else if public, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return "", errors.New("the answer has no public key that can be read")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", errors.New("the answer has a public key of an unknown kind")
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// PublicKeys reads the public endpoint, which needs no permission: the digests of an account's public keys by id. Its
// address is built from the e-mail, never taken from a file. Whether disabled keys are among them Google does not say.
// ErrNotFound: no such account.
//
// https://cloud.google.com/iam/docs/service-account-creds
func (c *Client) PublicKeys(ctx context.Context, email string) (map[string]string, error) {
	email, err := normal(email)
	if err != nil {
		return nil, err
	}
	return c.publicAnswers.get(email, func() (map[string]string, error) {
		digests, err := c.publicKeys(ctx, email)
		return digests, c.fail(err, need{}, email, "reading the public certificates of %s", email)
	})
}

func (c *Client) publicKeys(ctx context.Context, email string) (map[string]string, error) {
	address := c.certificates + "service_accounts/v1/metadata/x509/" + url.PathEscape(email)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.public.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, &googleapi.Error{Code: answer.StatusCode}
	}
	var certificates map[string]string
	if json.Unmarshal(body, &certificates) != nil {
		return nil, errors.New("the answer is no list of certificates")
	}
	digests := make(map[string]string, len(certificates))
	for id, text := range certificates {
		if digests[id], err = digest([]byte(text)); err != nil {
			return nil, err
		}
	}
	return digests, nil
}
