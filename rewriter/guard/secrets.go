package guard

import (
	"encoding/base64"
	"strings"
)

// A credential is a kind of file that is refused: text that has all of the marks. Two marks tell a key file from a keyless
// configuration (external_account), which has neither an e-mail of a client nor a private key in it.
//
// https://cloud.google.com/iam/docs/keys-create-delete shows a key file; the file of a person's refresh token is that of
// gcloud auth application-default login.
var credentials = []struct {
	variable, what string
	marks          [2]string
}{
	{"keys", "a Google service account key", [2]string{"client_email", "PRIVATE KEY"}},
	{"tokens", "a person's refresh token", [2]string{"authorized_user", "refresh_token"}},
}

// fragments are what of mark stands in the base64 of any text that has it: one for each place that its first byte can have in
// a group of three. CEL has no decoder for base64 in Kubernetes, and its search is counted by length, so that a fragment has no
// more than twenty characters.
func fragments(mark string) []string {
	var found []string
	for before := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + mark))
		first := (before*8 + 5) / 6          // the first character that no byte before the mark has a part in
		last := (before + len(mark)) * 8 / 6 // and the one behind the last
		found = append(found, encoded[first:min(last, first+20)])
	}
	return found
}

// twice are the fragments of a mark in text that was encoded twice, short enough that five of them can be searched for in the
// largest Secret.
func twice(mark string) []string {
	var found []string
	for _, once := range fragments(mark) {
		for _, f := range fragments(once) {
			found = append(found, f[:min(len(f), 10)])
		}
	}
	return found
}

// contains is CEL for: value has one of the texts.
func contains(value string, texts []string) string {
	var parts []string
	for _, text := range texts {
		parts = append(parts, value+".contains("+celString(text)+")")
	}
	return strings.Join(parts, " || ")
}

// celString writes s, which has neither quotes nor backslashes nor line breaks, as a string of CEL.
func celString(s string) string { return `"` + s + `"` }

const (
	now    = "object.data[k]"
	before = "oldObject.data[k]"
)

// secretVariables find the entries that hold a credential now and held none before. Each expression may cost 1,000,000 of
// CEL's units, and together they may cost 10,000,000: one search for a fragment in the largest Secret costs 280,000, or 140,000
// where the fragment has no more than ten characters.
// https://kubernetes.io/docs/reference/using-api/cel/
func secretVariables() []variable {
	list := []variable{{
		"changed", "the entries that are new or other than they were",
		"has(object.data) ? object.data.filter(k,\n  oldObject == null || !has(oldObject.data) || !(k in oldObject.data) ||\n  oldObject.data[k] != object.data[k]) : []",
	}}
	for _, c := range credentials {
		first, second := c.marks[0], c.marks[1]
		mark := func(value, mark string) string {
			return "(request.kind.kind == \"ConfigMap\" ? " + value + ".contains(" + celString(mark) + ") :\n  " + contains(value, fragments(mark)) + ")"
		}
		list = append(list,
			variable{c.variable + "Named", "those with the first mark of " + c.what, "variables.changed.filter(k, " + mark(now, first) + ")"},
			variable{c.variable, "and the second", "variables." + c.variable + "Named.filter(k, " + mark(now, second) + ")"},
			variable{c.variable + "Fresh", "without those whose entry held one before: a key is replaced by its successor",
				"variables." + c.variable + ".filter(k,\n  oldObject == null || !has(oldObject.data) || !(k in oldObject.data) || !" + mark(before, first) + ")"},
		)
	}
	// A key that was encoded before it became a Secret is encoded twice.
	const name = "keysTwice"
	first, second := twice(credentials[0].marks[0]), twice(credentials[0].marks[1])
	search := func(in, value string, texts []string) string {
		return in + ".filter(k, " + contains(value, texts) + ")"
	}
	return append(list,
		variable{name + "NamedA", "entries with the first mark of a key that is encoded twice", search("variables.changed", now, first[:5])},
		variable{name + "NamedB", "and those with its other forms", search("variables.changed", now, first[5:])},
		variable{name + "A", "of these with the second mark",
			"(variables." + name + "NamedA + variables." + name + "NamedB).filter(k, " + contains(now, second[:5]) + ")"},
		variable{name + "B", "and those with its other forms",
			"(variables." + name + "NamedA + variables." + name + "NamedB).filter(k, " + contains(now, second[5:]) + ")"},
		variable{name + "Fresh", "without those whose entry held one before",
			"(variables." + name + "A + variables." + name + "B).filter(k,\n  oldObject == null || !has(oldObject.data) || !(k in oldObject.data) ||\n  !(" + contains(before, first[:5]) + " || " + contains(before, first[5:]) + "))"},
	)
}

// secrets is the policy for Secrets and ConfigMaps.
func (g *Guard) secrets() string {
	p := admission{
		name: "dekey-key-secrets", about: "Secrets and ConfigMaps must not newly hold a Google service account key or a person's refresh token.",
		notes: `The texts that are searched for are what stands in the base64 of every key file, whatever its entry is called;
stringData becomes data before any policy sees it. Not seen: a key that is compressed, PKCS #12, binaryData of a
ConfigMap. A configuration for keyless federation (external_account) is let through.`,
		rules:      []resourceRule{{"", []string{"secrets", "configmaps"}}},
		conditions: []condition{g.exemption([]string{"Secret", "ConfigMap"})},
		variables:  secretVariables(),
	}
	for _, v := range []struct{ variable, what string }{
		{"keys", credentials[0].what}, {"tokens", credentials[1].what}, {"keysTwice", credentials[0].what + " that is encoded twice"},
	} {
		fresh := "variables." + v.variable + "Fresh"
		p.validations = append(p.validations, validation{
			expression: "size(" + fresh + ") == 0",
			message:    `"entry " + ` + fresh + `.join(", ") + " holds ` + v.what + `; see dekey explain admission-policy"`,
			reason:     "Forbidden",
		})
	}
	return g.render(p)
}
