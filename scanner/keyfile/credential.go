package keyfile

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// credential looks at a JSON object as a credential file, and says whether it is one.
// The types are those of cloud.google.com/go/auth's credsfile, which the other languages share.
func (s *searcher) credential(m map[string]any, at where) bool {
	switch kind := field(m, "type"); kind {
	case ServiceAccount:
		if field(m, "private_key") == "" && field(m, "client_email") == "" {
			return false // another program's object of that type
		}
		s.serviceAccount(m, at)
		return true
	case AuthorizedUser, "external_account_authorized_user":
		s.authorizedUser(field(m, "client_id"), field(m, "refresh_token"), field(m, "universe_domain"), at)
		return true
	case "external_account":
		s.external = true
		return true
	case "impersonated_service_account":
		s.impersonated(m, at)
		return true
	case "gdch_service_account":
		return true // a key of Google Distributed Cloud, which Google's IAM does not know
	case "":
		if isPEMKey(field(m, "private_key")) && field(m, "client_email") != "" {
			s.serviceAccount(m, at)
			return true
		}
	}
	return false
}

func field(m map[string]any, name string) string {
	value, _ := m[name].(string)
	return strings.TrimSpace(value)
}

// serviceAccount reads a service account's key file.
func (s *searcher) serviceAccount(m map[string]any, at where) {
	identity := Identity{
		Type:     ServiceAccount,
		Email:    email(field(m, "client_email")),
		Project:  shaped(field(m, "project_id"), projectShape),
		KeyID:    shaped(field(m, "private_key_id"), keyIDShape),
		ClientID: shaped(field(m, "client_id"), uniqueShape),
		Universe: universe(field(m, "universe_domain")),
		Where:    at.String(),
	}
	key := field(m, "private_key")
	if public, algorithm, ok := publicKey([]byte(key)); ok {
		identity.ID, identity.Algorithm = public, algorithm
		s.keys = append(s.keys, identity)
		return
	}
	switch why := opaque([]byte(key)); {
	case key == "":
		s.bad(identity, WhyNoKey)
	case why != "":
		s.opaque(why)
	case isEncryptedPEM([]byte(key)):
		s.opaque(WhyEncrypted)
	default:
		s.bad(identity, WhyBadKey)
	}
}

func (s *searcher) bad(identity Identity, why string) {
	s.malformed = append(s.malformed, identity)
	if s.malformedWhy == "" {
		s.malformedWhy = why
	}
}

// authorizedUser reads a person's refresh token. A file without one is only an OAuth client.
func (s *searcher) authorizedUser(client, token, domain string, at where) {
	if token == "" {
		return
	}
	if why := opaque([]byte(token)); why != "" {
		s.opaque(why)
		return
	}
	digest := sha256.Sum256([]byte(token))
	id := sha256.Sum256([]byte(client + "\x00" + hex.EncodeToString(digest[:])))
	s.keys = append(s.keys, Identity{
		Type:     AuthorizedUser,
		ID:       hex.EncodeToString(id[:]),
		ClientID: shaped(client, clientShape),
		Universe: universe(domain),
		Where:    at.String(),
	})
}

// impersonated reads a file that acts as one account with the credential of another, which it holds.
func (s *searcher) impersonated(m map[string]any, at where) {
	source, ok := m["source_credentials"].(map[string]any)
	if !ok {
		return
	}
	keys, malformed := len(s.keys), len(s.malformed)
	s.object(source, at.in("source_credentials"))
	target := impersonationTarget(field(m, "service_account_impersonation_url"))
	for i := keys; i < len(s.keys); i++ {
		s.keys[i].Impersonates = target
	}
	for i := malformed; i < len(s.malformed); i++ {
		s.malformed[i].Impersonates = target
	}
}

// impersonationTarget is the account in .../serviceAccounts/EMAIL:generateAccessToken.
func impersonationTarget(url string) string {
	_, rest, ok := strings.Cut(url, "/serviceAccounts/")
	if !ok {
		return ""
	}
	target, _, _ := strings.Cut(rest, ":")
	return email(target)
}

// What an identity may hold. A file is hostile: where Google writes a number or a name, it may have the key itself. So a
// value must have the shape of what Google writes, and is left out otherwise.
var (
	projectShape = regexp.MustCompile(`^([a-z0-9][-a-z0-9.]{0,62}\.[a-z]{2,20}:)?[a-z][-a-z0-9]{0,28}[a-z0-9]$`)
	keyIDShape   = regexp.MustCompile(`^[0-9a-fA-F]{1,40}$`)
	uniqueShape  = regexp.MustCompile(`^[0-9]{1,25}$`)
	clientShape  = regexp.MustCompile(`^[0-9]{1,25}(-[0-9a-z]{1,40})?\.apps\.googleusercontent\.com$`)
	domainShape  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?){1,6}$`)
	longWord     = regexp.MustCompile(`[a-zA-Z0-9+/]{32}`)
)

// shaped is the value, or "" where it has not the shape.
func shaped(value string, shape *regexp.Regexp) string {
	if len(value) > 254 || !shape.MatchString(value) {
		return ""
	}
	return value
}

// email is an account's e-mail as written, in lower case: also one that no account could have, so that it can be refused by
// name; but nothing that could be a piece of a key. No part of a real one is longer than 30 characters.
func email(value string) string {
	value = strings.TrimSpace(value)
	if len(value) > 254 || longWord.MatchString(value) || IsKeyMaterial([]byte(value)) {
		return ""
	}
	return strings.ToLower(value)
}

func universe(value string) string {
	if value = shaped(strings.ToLower(value), domainShape); value == "" || longWord.MatchString(value) {
		return DefaultUniverse
	}
	return value
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
