package planner

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"dekey/scanner"
)

// What Kubernetes and Google accept as names. E-mails are checked for what could do harm and for Google's domains, not
// for the length of the account's id: old accounts have other lengths than new ones may have.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
// https://cloud.google.com/iam/docs/service-accounts-create
var (
	label     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	kindName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	version   = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9.]*(/[A-Za-z0-9][-A-Za-z0-9.]*)?$`)
	pathName  = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._:]*$`)
	fileName  = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._:/]*$`)
	entryName = regexp.MustCompile(`^[-._A-Za-z0-9]+$`)
	email     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?@([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+iam\.gserviceaccount\.com$|` +
		`^[0-9]+(-[a-z0-9]+)?@developer\.gserviceaccount\.com$|` +
		`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?@appspot\.gserviceaccount\.com$`)
	pool      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.:][a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.svc\.id\.goog$`)
	project   = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+:)?[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	labelName = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	number    = regexp.MustCompile(`^[0-9]{1,20}$`)
	keyNumber = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// ValidEmail says whether email is one of a Google service account. Upper case is not: Google stores lower case.
func ValidEmail(s string) bool { return len(s) <= 254 && email.MatchString(s) }

// ValidNamespace says whether Kubernetes accepts the name of a namespace.
func ValidNamespace(s string) bool { return len(s) <= 63 && label.MatchString(s) }

// ValidName says whether Kubernetes accepts the name for a service account, Secret, or workload.
func ValidName(s string) bool { return len(s) <= 253 && subdomain.MatchString(s) }

// ValidPool says whether the name has the shape of a cluster's workload identity pool.
func ValidPool(s string) bool { return len(s) <= 253 && pool.MatchString(s) }

// ValidProject says whether the name has the shape of a project's id, domain-scoped ones included.
func ValidProject(s string) bool { return len(s) <= 128 && project.MatchString(s) }

// ValidProjectNumber says whether it is decimal digits.
func ValidProjectNumber(s string) bool { return number.MatchString(s) }

// ValidSecretEntry says whether Kubernetes accepts the name of an entry of a Secret.
func ValidSecretEntry(s string) bool { return len(s) <= 253 && entryName.MatchString(s) }

// ValidLabel says whether Kubernetes accepts the key and the value of a label.
func ValidLabel(key, value string) bool {
	prefix, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		prefix, name = "", key
	}
	return (!prefixed || ValidName(prefix)) && labelName.MatchString(name) && (value == "" || labelName.MatchString(value))
}

// ValidKind says whether it can be the name of a kind.
func ValidKind(s string) bool { return len(s) <= 63 && kindName.MatchString(s) }

// validKind says whether it can be a kind with its API version.
func validKind(ref scanner.Ref) bool {
	return len(ref.Kind) <= 63 && kindName.MatchString(ref.Kind) && len(ref.APIVersion) <= 317 && version.MatchString(ref.APIVersion)
}

// validBinding says whether RBAC accepts the name: it takes colons and upper case too.
func validBinding(s string) bool { return len(s) <= 253 && pathName.MatchString(s) }

// validObject says whether the name of an object that is read is harmless: what Kubernetes accepts for any kind, and paths,
// which name objects that are configuration files.
func validObject(s string) bool { return len(s) <= 253 && fileName.MatchString(s) }

// ProjectOf is the project of an account as its email gives it: the id, or the number for the default service account of
// Compute Engine. "" where the email does not say.
// https://cloud.google.com/iam/docs/service-account-types
func ProjectOf(email string) string {
	id, domain, _ := strings.Cut(email, "@")
	switch {
	case domain == "developer.gserviceaccount.com":
		number, _, _ := strings.Cut(id, "-")
		return number
	case domain == "appspot.gserviceaccount.com":
		return id
	case strings.HasSuffix(domain, ".iam.gserviceaccount.com"):
		return projectOfDomain(strings.TrimSuffix(domain, ".iam.gserviceaccount.com"))
	}
	return ""
}

// ProjectOfPool is the id of the project that owns a workload identity pool, "" where the pool's name does not say.
func ProjectOfPool(pool string) string {
	name, found := strings.CutSuffix(pool, ".svc.id.goog")
	if !found {
		return ""
	}
	if strings.Contains(name, ":") {
		return name
	}
	return projectOfDomain(name)
}

// projectOfDomain turns the domain-scoped form proj.example.com into example.com:proj. A plain id has no dot.
func projectOfDomain(name string) string {
	id, domain, scoped := strings.Cut(name, ".")
	if !scoped {
		return name
	}
	return domain + ":" + id
}

// shorten fits name into limit bytes: what does not fit is replaced by a digest of the whole, so that two long names stay
// two names.
func shorten(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	digest := hex.EncodeToString(sum[:])[:8]
	return strings.TrimRight(name[:limit-len(digest)-1], "-.") + "-" + digest
}

// newName is a free name for the service account of a workload: its own name, NAME-wi where that is taken, then
// NAME-wi-2 and so on. What a service account's name cannot have becomes a hyphen.
func newName(workload string, taken func(string) bool) string {
	base := strings.Trim(dnsName(workload), "-.")
	if !ValidName(shorten(base, 253)) {
		base = strings.ReplaceAll(base, ".", "-") // a dot beside a hyphen or a dot
	}
	name := shorten(base, 253)
	for i := 1; taken(name); i++ {
		suffix := "-wi"
		if i > 1 {
			suffix += "-" + strconv.Itoa(i)
		}
		name = shorten(base, 253-len(suffix)) + suffix
	}
	return name
}

// dnsName writes a name as Kubernetes takes one: a job of Prow may have capitals and underscores.
func dnsName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
}

// accountEmail normalises an email for comparison: Google's are lower case.
func accountEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// compareNotices orders notices by code, object and text.
func compareNotices(a, b Notice) int {
	return cmp.Or(cmp.Compare(a.Code, b.Code), compareObjects(a.Object, b.Object), cmp.Compare(a.Text, b.Text))
}

func compareObjects(a, b *scanner.Ref) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Compare(*b)
}
