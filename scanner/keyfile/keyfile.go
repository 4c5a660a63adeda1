package keyfile

import (
	"cmp"
	"slices"
	"strings"
)

// A Kind says what a value is.
type Kind string

const (
	// NotKey: the content was read, and there is no key in it.
	NotKey Kind = "not-key"
	// Key: a service account's key, or a person's refresh token. Identities says whose.
	Key Kind = "key"
	// ExternalAccount: a federation configuration, which holds no secret. Not a key.
	ExternalAccount Kind = "external-account"
	// Unknown: the content is not to be had from here (encrypted, a placeholder, empty, or a limit was reached); there may
	// be a key in it. Why says which.
	Unknown Kind = "unknown"
	// Malformed: it says that it is a service account's key, and the key in it cannot be read. Identities gives what the
	// file says, with an empty ID: a use of it is a use of a key, but nothing can be proven about it.
	Malformed Kind = "malformed"
)

// The types of an Identity, as the files spell them.
const (
	ServiceAccount = "service_account"
	AuthorizedUser = "authorized_user"
)

// DefaultUniverse is the universe of a file that names none.
const DefaultUniverse = "googleapis.com"

// The values of Result.Why.
const (
	WhyEmpty       = "empty"
	WhyPlaceholder = "placeholder"   // ${X}, <your key here>, a dummy
	WhyTemplate    = "template"      // {{ .Values.x }}
	WhySOPS        = "sops"          // ENC[...]
	WhySealed      = "sealed-secret" // ciphertext of a SealedSecret
	WhyReference   = "reference"     // a reference that a plug-in resolves: vault:, ref+, op://
	WhyEncrypted   = "encrypted"     // an encrypted PEM key, age, PGP, git-crypt
	WhyLimit       = "limit"         // a limit was reached before all was read
	WhyNoKey       = "no-private-key"
	WhyBadKey      = "unreadable-private-key"
)

// An Identity is whose a key is. All of it is safe to print: nothing in it is secret, and text that no Google file would
// have there is left out. Email is as written, in lower case; it need not be a valid one.
type Identity struct {
	Type string `json:"type"` // service_account | authorized_user
	// ID is the SHA-256 of the public key (SPKI, DER) in hex, derived from the private key; for an authorized_user, of the
	// client id and the token's digest. "" where the key cannot be read (Malformed).
	ID        string `json:"id"`
	Email     string `json:"email"`
	Project   string `json:"project"`
	KeyID     string `json:"keyID"`
	Algorithm string `json:"algorithm"` // RSA-2048, EC-P256, ...
	Universe  string `json:"universe"`
	ClientID  string `json:"clientID"` // the account's numeric unique id; an authorized_user's OAuth client
	// Impersonates is the account that the file acts as with the key, where that is another one
	// (impersonated_service_account).
	Impersonates string `json:"impersonates,omitempty"`
	// Where says how the key was nested in the value: "json", "base64 > base64 > json", "field service_account > json".
	Where string `json:"where"`
}

// InField says whether the key stood in a field of a larger text: a product's configuration that has more than the key.
func (i Identity) InField() bool {
	return slices.ContainsFunc(strings.Split(i.Where, " > "), func(layer string) bool { return strings.HasPrefix(layer, "field ") })
}

// Bare says that the value is the private key by itself (PEM, P12) and no credential file: no client library takes it as
// Application Default Credentials.
func (i Identity) Bare() bool {
	layers := strings.Split(i.Where, " > ")
	return slices.Contains([]string{"pem", "p12"}, layers[len(layers)-1])
}

// A Result is what a value is. Identities is never nil for Key and Malformed; it is sorted and without repeats.
type Result struct {
	Kind       Kind
	Identities []Identity
	// Why is set for Unknown and Malformed.
	Why string
	// Incomplete says that a limit was reached or a part could not be read, so that there may be more than Identities.
	Incomplete bool
}

// Find says what a value is. Name is the name of the entry or file that holds it, a hint for keys without an account; it
// may be "". A Secret's data may be given as it stands (base64) or decoded.
func Find(data []byte, name string) Result {
	s := searcher{name: name, budget: workFactor*len(data) + workFloor}
	s.search(data, where{})
	s.settle(s.emails)
	return s.result()
}

// result sums up what was found. A key outweighs what else there is; what is not known outweighs a federation
// configuration, because it may be a key.
func (s *searcher) result() Result {
	r := Result{Incomplete: s.limit || s.unknown != ""}
	switch {
	case len(s.keys) > 0:
		r.Kind, r.Identities = Key, unique(s.keys)
	case len(s.malformed) > 0:
		r.Kind, r.Identities, r.Why = Malformed, unique(s.malformed), s.malformedWhy
	case s.limit:
		r.Kind, r.Why = Unknown, WhyLimit
	case s.unknown != "":
		r.Kind, r.Why = Unknown, s.unknown
	case s.external:
		r.Kind = ExternalAccount
	default:
		r.Kind = NotKey
	}
	return r
}

// unique sorts identities and keeps of several for one key the one that says most.
func unique(identities []Identity) []Identity {
	sorted := slices.Clone(identities)
	slices.SortFunc(sorted, func(a, b Identity) int {
		return cmp.Or(
			strings.Compare(a.Type, b.Type),
			strings.Compare(a.ID, b.ID),
			-cmp.Compare(a.said(), b.said()),
			strings.Compare(a.Email, b.Email),
			strings.Compare(a.KeyID, b.KeyID),
			strings.Compare(a.Project, b.Project),
			cmp.Compare(len(a.Where), len(b.Where)),
			strings.Compare(a.Where, b.Where),
		)
	})
	return slices.CompactFunc(sorted, func(a, b Identity) bool {
		return a.Type == b.Type && a.ID == b.ID && (b.Email == "" || a.Email == b.Email)
	})
}

// said counts what is known beyond the key itself; the account's name weighs most.
func (i Identity) said() int {
	n := 0
	for _, s := range []string{i.Email, i.Email, i.Email, i.Project, i.KeyID, i.ClientID, i.Impersonates} {
		if s != "" {
			n++
		}
	}
	return n
}
