package keyfile

import (
	"crypto/x509"
	"regexp"
	"slices"
	"strings"
)

// An orphan is a private key whose account is not known from the value that holds it.
type orphan struct {
	identity Identity
	name     string // of the entry or file
	google   bool   // it is a Google key, whoever the account is
}

// FindAll looks at all entries of a Secret (or ConfigMap) together: a P12 file or a bare private key in one entry belongs to
// the account that another entry names. The result has every entry.
func FindAll(entries map[string][]byte) map[string]Result {
	names := sortedKeys(entries)
	results := make(map[string]Result, len(entries))
	for i, result := range FindIn(names, entries) {
		results[names[i]] = result
	}
	return results
}

// FindIn is FindAll for the entries of some names, in their order: a mapping of results is most of what the look at a small
// Secret costs, and a cluster has tens of thousands.
func FindIn(names []string, entries map[string][]byte) []Result {
	searchers := make([]searcher, len(names))
	var certificates map[string]certificate
	var emails []string
	for i, name := range names {
		data, s := entries[name], &searchers[i]
		s.name, s.budget = name, workFactor*len(data)+workFloor
		s.search(data, where{})
		emails = append(emails, s.emails...)
		for id, c := range s.certificates {
			if certificates == nil {
				certificates = map[string]certificate{}
			}
			certificates[id] = c
		}
	}
	results := make([]Result, len(names))
	for i := range searchers {
		s := &searchers[i]
		s.certificates = certificates
		s.settle(emails)
		results[i] = s.result()
	}
	return results
}

// certificate keeps what a certificate says about the private key beside it.
func (s *searcher) certificate(der []byte) {
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return
	}
	if id, c, ok := readCertificate(parsed); ok {
		if s.certificates == nil {
			s.certificates = map[string]certificate{}
		}
		s.certificates[id] = c
	}
}

// splitObject looks at the strings of one JSON object for a private key and the account that it belongs to.
func (s *searcher) splitObject(m map[string]any, keys []string, at where) {
	var emails []string
	var found []orphan
	for _, key := range keys {
		value, ok := m[key].(string)
		if !ok {
			continue
		}
		if trimmed := strings.TrimSpace(value); len(trimmed) < 254 && accounts.FindString(trimmed) == trimmed && trimmed != "" {
			if !strings.Contains(key, "iam.gke.io") && !strings.HasPrefix(key, "impersonate") {
				emails = append(emails, email(trimmed))
			}
			continue
		}
		if !isPEMKey(value) {
			continue
		}
		if public, algorithm, ok := publicKey([]byte(value)); ok {
			layer := "pem"
			if name := fieldLayer(key); name != "" {
				layer = name + " > pem"
			}
			found = append(found, orphan{
				name: key,
				identity: Identity{
					Type: ServiceAccount, ID: public, Algorithm: algorithm, Universe: DefaultUniverse, Where: at.inside(layer).String(),
				},
			})
		}
	}
	s.emails = append(s.emails, emails...)
	slices.Sort(emails)
	emails = slices.Compact(emails)
	for _, o := range found {
		if len(emails) == 1 {
			o.identity.Email = emails[0]
			s.keys = append(s.keys, o.identity)
			continue
		}
		s.orphans = append(s.orphans, o)
	}
}

// googleName matches an entry's name that says whose private key it holds.
var googleName = regexp.MustCompile(`(?i)(google|gcp|gcs|gcloud|gsa|gserviceaccount|bigquery|firebase)`)

// otherName matches an entry's name that says that its private key is something else's.
var otherName = regexp.MustCompile(`(?i)(^|[^a-z])(tls|ssl|ssh|id_(rsa|ecdsa|ed25519)|ca|server|webhook|jwt|saml|oidc|github|gitlab)([^a-z]|$|-?private)`)

// settle decides about the orphans, knowing the accounts that are named beside them. A private key beside its certificate is
// a server's, unless Google issued that. A key without any account counts only when its name says that it is Google's; its
// account is then not known.
func (s *searcher) settle(emails []string) {
	emails = slices.Clone(emails)
	slices.Sort(emails)
	emails = slices.Compact(emails)
	for _, o := range s.orphans {
		if slices.ContainsFunc(s.keys, func(k Identity) bool { return k.ID == o.identity.ID }) {
			continue
		}
		issued, beside := s.certificates[o.identity.ID]
		if !o.google && !issued.google() && (beside || otherName.MatchString(o.name) && !googleName.MatchString(o.name)) {
			continue
		}
		if o.identity.ClientID == "" {
			o.identity.ClientID = issued.clientID
		}
		switch {
		case issued.email != "":
			o.identity.Email = issued.email
		case o.identity.Email != "":
		case len(emails) == 1:
			o.identity.Email = emails[0]
		case len(emails) > 1:
			// Which of them is not known: the key is one, its account is not.
		case !o.google && !issued.google() && !googleName.MatchString(o.name):
			continue
		}
		s.keys = append(s.keys, o.identity)
	}
	s.orphans = nil
}
