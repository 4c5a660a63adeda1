package catalog

import (
	"slices"
	"strings"
)

// A Signal is a hint that a program needs the private key itself, not only tokens.
type Signal string

const (
	NoSignal         Signal = ""
	DelegationSignal Signal = "delegation" // domain-wide delegation: acts as users of a Workspace domain
	SigningSignal    Signal = "signing"    // signs URLs or tokens
)

// SignalOf reads the name of a variable or flag (with or without dashes). A hint for delegation forbids an automatic move:
// Google's metadata server gives no token for a user. A hint for signing is a notice: signBlob needs a role more.
// Source: "Create short-lived credentials for a service account"; "Signed URLs" of Cloud Storage.
func SignalOf(name string) Signal {
	flat := strings.ToUpper(strings.ReplaceAll(strings.ReplaceAll(strings.TrimLeft(name, "-"), "-", "_"), ".", "_"))
	words := strings.Split(flat, "_")
	has := func(word string) bool { return slices.Contains(words, word) }
	switch {
	case strings.Contains(flat, "GOOGLE_ADMIN_EMAIL"),
		strings.Contains(flat, "ADMIN_EMAIL") && (has("GOOGLE") || has("GSUITE") || has("WORKSPACE") || has("GAPPS")),
		has("DELEGATED") && (has("USER") || has("ADMIN") || has("SUBJECT") || has("EMAIL") || has("ACCOUNT")),
		(has("GSUITE") || has("WORKSPACE")) && (has("IMPERSONATE") || has("IMPERSONATED") || has("SUBJECT") || has("ADMIN")),
		has("IMPERSONATE") && (has("USER") || has("ADMIN") || has("SUBJECT")),
		has("GOOGLE") && strings.HasSuffix(flat, "_IMPERSONATE"):
		return DelegationSignal
	case has("SIGNED") && (has("URL") || has("URLS")), has("SIGNURL"), has("SIGNER") && (has("GCS") || has("GOOGLE") || has("GCP")),
		has("SIGNING") && (has("GCS") || has("GOOGLE") || has("GCP") || has("URL")):
		return SigningSignal
	}
	return NoSignal
}
