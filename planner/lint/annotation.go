package lint

import (
	"fmt"
	"regexp"
	"strings"

	"dekey/planner"
	"dekey/scanner/iam"
)

// annotations reports keys and values that GKE would not read as they are meant.
func (w *world) annotations() {
	for _, k := range w.Facts.KSAs {
		for _, a := range k.Annotations {
			if !a.Key.Known() {
				continue
			}
			at := k.At
			at.Origin = a.Origin
			key := string(a.Key)
			if meant := typo(key, a.Value); meant != "" {
				w.report(RuleAnnotationKey, at, key, fmt.Sprintf("the annotation %q is not read by GKE; %s is", key, meant))
				continue
			}
			if wrong := wrongValue(key, a.Value); wrong != "" {
				w.report(RuleAnnotationValue, at, key+"\x00"+a.Value.String(), fmt.Sprintf("%s: %s", key, wrong))
			}
		}
	}
}

// ours are the annotations of GKE.
var ours = []string{iam.AccountAnnotation, iam.QuotaAnnotation, iam.EmailAnnotation, iam.DelegatesAnnotation}

// typo gives the annotation that a key was meant to be, "" for one that is right or is something else.
func typo(key string, value iam.Value) string {
	for _, right := range ours {
		if key == right {
			return ""
		}
	}
	lower := strings.ToLower(strings.TrimSpace(key))
	for _, right := range ours {
		if lower == right {
			return right
		}
	}
	names := planner.ValidEmail(strings.TrimSpace(value.String())) || !value.Known()
	prefix, name, _ := strings.Cut(lower, "/")
	switch {
	case near(lower, iam.AccountAnnotation, 4):
		return iam.AccountAnnotation
	case names && (prefix == "iam.gke.io" || near(prefix, "iam.gke.io", 3) && near(name, "gcp-service-account", 8)):
		return iam.AccountAnnotation
	case names && (name == "gcp-service-account" || lower == "gcp-service-account"):
		return iam.AccountAnnotation
	}
	for _, right := range ours[1:] {
		if near(lower, right, 3) {
			return right
		}
	}
	return ""
}

// near says whether two words differ in at most limit letters: added, dropped, changed, or swapped with their neighbour.
func near(a, b string, limit int) bool {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > 200 {
		return false
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)] <= limit
}

// placeholder is text that something fills in before GKE sees it: ${GSA}, {{ .email }}, <EMAIL>, GSA_NAME@PROJECT_ID.
var placeholder = regexp.MustCompile(`\$|\{\{|<[^>]*>|%[A-Z_]+%|@@|__[A-Z]|\b[A-Z][A-Z0-9]*([_-][A-Z0-9]+)*@|@[A-Z][A-Z0-9]*([_-][A-Z0-9]+)*\b|^[A-Z][A-Z0-9_-]+$`)

// wrongValue says what is wrong with an annotation's value, "" where nothing is, or where it can not be read.
func wrongValue(key string, value iam.Value) string {
	if value == "" || value.Known() && placeholder.MatchString(string(value)) {
		return ""
	}
	text := string(value)
	switch key {
	case iam.AccountAnnotation:
		return wrongEmail(value)
	case iam.QuotaAnnotation:
		if value.Known() && !planner.ValidProject(text) {
			return fmt.Sprintf("%q is no project", text)
		}
	case iam.EmailAnnotation:
		if value.Known() && text != "true" && text != "false" {
			return fmt.Sprintf("%q is neither true nor false", text)
		}
	}
	return ""
}

func wrongEmail(value iam.Value) string {
	text := string(value)
	if !value.Known() {
		_, domain, found := value.Cut("@")
		if found && domain.Known() && !strings.HasSuffix(string(domain), ".gserviceaccount.com") {
			return fmt.Sprintf("%q is no e-mail of a Google service account: they end in .gserviceaccount.com", value)
		}
		return ""
	}
	switch trimmed := strings.TrimSpace(text); {
	case planner.ValidEmail(text) || planner.ValidEmail(strings.ToLower(text)):
		return ""
	case trimmed != text && planner.ValidEmail(trimmed):
		return fmt.Sprintf("there is white space around %q", trimmed)
	case strings.HasPrefix(text, "serviceAccount:"):
		return fmt.Sprintf("%q starts with serviceAccount:, and the value is the e-mail alone", text)
	case strings.Contains(text, "/serviceAccounts/"):
		return fmt.Sprintf("%q is a resource name, and the value is the e-mail alone", text)
	case strings.Contains(text, poolSuffix):
		return fmt.Sprintf("%q is a member of the pool, and the value is the e-mail of the Google service account", text)
	}
	return fmt.Sprintf("%q is no e-mail of a Google service account", text)
}

// misplaced reports annotations that stand where GKE does not look.
func (w *world) misplaced() {
	for _, m := range w.Facts.Misplaced {
		w.report(RuleAnnotationMisplaced, m.At, m.Key+"\x00"+m.Place, fmt.Sprintf("%s stands in %s, and GKE reads the annotations of the ServiceAccount alone", m.Key, m.Place))
	}
}
