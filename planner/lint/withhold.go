package lint

import (
	"strings"

	"dekey/scanner/keyfile"
)

// What stands in place of text that may hold a part of a key. Everything that a rule quotes comes from a file, and people
// paste keys wherever text goes: into a member, a label, the reason of a comment.
const (
	withheld     = "[key material]"
	withheldText = "what stands here may hold key material, and is not shown"
)

// withhold takes the text out of a result that may hold a part of a key. Fingerprints were taken before.
func (r *Result) withhold() {
	clear := func(v *Violation) {
		v.Object, v.Text = name(v.Object), instead(v.Text, withheldText)
	}
	for i := range r.Violations {
		clear(&r.Violations[i])
	}
	for i := range r.Undecided {
		clear(&r.Undecided[i])
	}
	for i := range r.Suppressed {
		clear(&r.Suppressed[i].Violation)
		r.Suppressed[i].Reason = instead(r.Suppressed[i].Reason, withheld)
	}
	for i := range r.Exceptions {
		e := &r.Exceptions[i]
		e.What, e.Reason, e.By = instead(e.What, withheld), instead(e.Reason, withheld), instead(e.By, withheld)
	}
}

// name judges NAMESPACE/KIND/NAME by its parts: together, a kind and a long name look like base64.
func name(s string) string {
	parts := strings.SplitN(s, "/", 3)
	for i, part := range parts {
		parts[i] = instead(part, withheld)
	}
	return strings.Join(parts, "/")
}

// instead is s, or other where s may hold a part of a key. Line breaks do not hide one.
func instead(s, other string) string {
	if keyfile.IsKeyMaterial([]byte(strings.NewReplacer("\r", "", "\n", "").Replace(s))) {
		return other
	}
	return s
}
