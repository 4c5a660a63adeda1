package catalog

import (
	"path"
	"slices"
	"strings"
)

// StandardEnv says that Google's client libraries or gcloud read the variable as the path of a credential file by
// themselves. Without it they fall through to the metadata server; set but unreadable, they stop with an error.
// Source: "How Application Default Credentials works" and the gcloud property auth/credential_file_override.
func StandardEnv(name string) bool {
	return hasVariable(name, "standard")
}

// KeyEnv says that the name alone tells of a Google credential file: a Secret volume that the variable points into is a
// key volume although nothing is known of the Secret's content. Every StandardEnv is one; E2E_GOOGLE_APPLICATION_CREDENTIALS
// too; KEY_FILE is not.
func KeyEnv(name string) bool {
	if hasVariable(name, "standard") || hasVariable(name, "key") {
		return true
	}
	return looksLikeKey(name)
}

func hasVariable(name, kind string) bool {
	return slices.ContainsFunc(index().variables[name], func(r of[*variableRule]) bool { return r.rule.Kind == kind })
}

// looksLikeKey takes the name apart: a word for Google and words for a credential file, and none that makes it something
// else (an OAuth client, a public certificate).
func looksLikeKey(name string) bool {
	upper := strings.ToUpper(name)
	if strings.Contains(upper, "GOOGLE_APPLICATION_CREDENTIALS") {
		return true
	}
	words := strings.FieldsFunc(upper, func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	var google, credential bool
	for i, word := range words {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch word {
		case "GOOGLE", "GCP", "GCLOUD", "GCS", "GSA", "GCR", "GAR", "GKE", "FIREBASE", "FIRESTORE", "BIGQUERY", "BQ", "BIGTABLE",
			"PUBSUB", "SPANNER", "STACKDRIVER", "CLOUDSQL", "CLOUDSDK", "DATASTORE", "VERTEX", "VERTEXAI", "GSUTIL":
			google = true
		case "CREDENTIAL", "CREDENTIALS", "CREDS", "KEYFILE", "SERVICEACCOUNT":
			credential = true
		case "KEY":
			credential = credential || next == "FILE" || next == "PATH" || next == "JSON"
		case "SA", "SERVICE":
			credential = credential || next == "KEY" || next == "JSON" || next == "ACCOUNT"
		case "OAUTH", "OAUTH2", "CLIENT", "API", "HMAC", "SSH", "TLS", "CERT", "CERTIFICATE", "CA", "PUBLIC", "TOKEN", "EMAIL",
			"WEBHOOK", "SSL":
			return false
		}
	}
	return google && credential
}

// WellKnownPath says that client libraries look for a credential file at this path by themselves, in some home folder:
// gcloud's application default credentials, and the system-wide file of the Ruby library.
// Source: "How Application Default Credentials works"; googleapis/google-auth-library-ruby.
func WellKnownPath(file string) bool {
	file = path.Clean(file)
	return strings.HasSuffix(file, "/.config/gcloud/application_default_credentials.json") ||
		file == "/etc/google/auth/application_default_credentials.json"
}
