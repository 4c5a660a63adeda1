package manifest

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"dekey/scanner"
	"dekey/scanner/catalog"
	"dekey/scanner/manifest/document"
)

// actions are the marks of the template languages that are met among manifests.
var actions = []struct {
	mark *regexp.Regexp
	what string
}{
	{yttAction, "a ytt template"},
	{regexp.MustCompile(`\{%[-+]?\s|\{#.*#\}`), "a Jinja template"},
	{regexp.MustCompile(`\{\{-?\s*(\.|\$|include|template|toYaml|tpl|if|range|with|define|end|else|required|default|quote|printf|lookup)\b?`), "a Helm or Go template"},
	{regexp.MustCompile(`\{\{`), "a template"},
	{regexp.MustCompile(`#\{[^}\n]*\}#?`), "a file with #{...}# tokens"},
	{regexp.MustCompile(`\$\{[A-Za-z_][^}\n]*\}`), "a file with ${...} tokens"},
	{regexp.MustCompile(`<%[=-]?|\(@=|#@`), "a template"},
}

func isTemplate(text []byte) bool { return templateName(text) != "" }

func templateName(text []byte) string {
	for _, a := range actions {
		if a.mark.Match(text) {
			return a.what
		}
	}
	return ""
}

// token is what a template puts in place of a name.
var token = regexp.MustCompile(`\{\{|\{%|\$\{|#\{|<%|__[A-Z0-9_]+__|@[A-Z0-9_]+@`)

// hiddenToken is a token that YAML takes for a comment: the value that it stands for is lost.
var hiddenToken = regexp.MustCompile(`[ \t]#\{[^}\n]*\}#`)

// yttAction is code of ytt, which YAML takes for a comment: what it computes, and what it stands around, is not what is written.
// https://carvel.dev/ytt/docs/latest/lang/
var yttAction = regexp.MustCompile(`(?m)(?:^|[ \t])#@(?:[ \t]|(?:data|overlay|schema|yaml|assert|library|ytt|template|text)[/-])`)

// templated says that an object is the text of a template: what names it is still to be filled in.
func templated(o *scanner.Object, text []byte) bool {
	metadata, _ := o.Content["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	for _, s := range []string{o.Ref.APIVersion, o.Ref.Kind, o.Ref.Name, namespace} {
		if token.MatchString(s) {
			return true
		}
	}
	for _, field := range []string{"name", "namespace"} {
		switch metadata[field].(type) {
		case nil, string:
		default:
			return true // {{ .Release.Name }} reads as a mapping
		}
	}
	return bytes.Contains(text, []byte("#{")) && hiddenToken.Match(text) || bytes.Contains(text, []byte("#@")) && yttAction.Match(text)
}

// manifestLike says that text becomes a Kubernetes object once it is filled in: compose files, playbooks and pipelines
// name the same variables.
var manifestLike = regexp.MustCompile(`(?m)^[\s,{"']*apiVersion["']?\s*:[\s\S]*^[\s,{"']*kind["']?\s*:|^[\s,{"']*kind["']?\s*:[\s\S]*^[\s,{"']*apiVersion["']?\s*:`)

// schema is a template that describes resources, and is none.
var schema = regexp.MustCompile(`(?m)^kind:\s*CustomResourceDefinition\b`)

// templateHints are the mentions of keys in a template, or in a part of a file that starts at line.
func (r *Reader) templateHints(name string, text []byte, index, line int) []scanner.Hint {
	what := templateLanguage(name)
	switch {
	case schema.Match(text):
		return nil
	case what == "a Terraform file":
		if !bytes.Contains(text, []byte("kubernetes_")) && !bytes.Contains(text, []byte("kubectl_manifest")) {
			return nil
		}
	case what == "":
		// A helper of a chart (_pod.tpl) is a part of a manifest.
		if !manifestLike.Match(text) && !strings.HasSuffix(name, ".tpl") {
			return nil
		}
		what = templateName(text)
	}
	return r.hints(name, text, index, line, "template", what)
}

func templateLanguage(name string) string {
	for _, language := range []struct{ ext, what string }{
		{".j2", "a Jinja template"}, {".jinja", "a Jinja template"}, {".jinja2", "a Jinja template"},
		{".jsonnet", "a Jsonnet file"}, {".libsonnet", "a Jsonnet file"}, {".cue", "a CUE file"}, {".erb", "an ERB template"},
		{".mustache", "a Mustache template"}, {".tf", "a Terraform file"},
	} {
		if strings.HasSuffix(strings.ToLower(name), language.ext) {
			return language.what
		}
	}
	return ""
}

// hints gives one hint for every line that mentions a key.
func (r *Reader) hints(name string, text []byte, index, line int, code, what string) []scanner.Hint {
	var offsets []int
	flags := map[int]bool{}
	first().Find(text, func(n, offset int) bool {
		if p := &allPatterns()[n]; p.hint {
			offsets = append(offsets, offset)
			flags[offset] = p.flag
		}
		return true
	})
	for _, m := range secretVariable.FindAllSubmatchIndex(text, -1) {
		if catalog.KeyEnv(string(text[m[2]:m[3]])) {
			offsets = append(offsets, m[2])
		}
	}
	if secretKind.Match(text) {
		for _, m := range quotedName.FindAllSubmatchIndex(text, -1) {
			if catalog.KeyEnv(string(text[m[2]:m[3]])) {
				offsets = append(offsets, m[2])
				flags[m[2]] = true // compared with, not assigned to
			}
		}
	}
	slices.Sort(offsets)
	var hints []scanner.Hint
	last := -1
	for _, offset := range offsets {
		start := bytes.LastIndexByte(text[:offset], '\n') + 1
		if start == last {
			continue
		}
		last = start
		named := word(text, offset)
		flag := flags[offset] || strings.HasPrefix(named, "-")
		if commented(text[start:offset]) || deleted(text, start) || !flag && !assigns(text[start:], offset-start) {
			continue
		}
		if named == activation {
			named = "--key-file"
		}
		hints = append(hints, scanner.Hint{
			Origin: scanner.Origin{
				Source: r.source.ID, Path: name, Document: index,
				Line:   line + document.LineAt(text, offset) - 1,
				Column: 1 + utf8.RuneCount(bytes.TrimPrefix(text[start:offset], []byte("\ufeff"))),
			},
			Code: code, What: what, Env: named,
		})
	}
	return hints
}

// secretVariable is a variable that an entry of a Secret fills: its name can tell that this is a key.
var secretVariable = regexp.MustCompile(`(?m)^[ \t]*-?[ \t]*name:[ \t]*["']?([A-Z][A-Z0-9_]{4,100})["']?[ \t]*\r?\n[ \t]*valueFrom:[ \t]*\r?\n[ \t]*secretKeyRef:`)

// quotedName is a name that a template compares with: one of a Secret can make its entries in a loop over values, and name the
// key's entry in a condition alone.
var quotedName = regexp.MustCompile(`["']([A-Z][A-Z0-9]*(?:_[A-Z0-9]+){1,12})["']`)

// assigned is a line, up to and after a variable's name, that sets the variable: an item's name, a key, an assignment.
var (
	assignedBefore = regexp.MustCompile(`(^|[\s{,])["']?name["']?\s*[:=]\s*["']?[A-Za-z0-9_-]*$`)
	assignedAfter  = regexp.MustCompile(`^[A-Za-z0-9_-]*["']?\s*[:=]`)
)

// assigns says whether the line sets the variable at offset; a sentence about it does not.
func assigns(line []byte, offset int) bool {
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	return assignedBefore.Match(line[:offset]) || assignedAfter.Match(line[offset:])
}

// commented says that what stands before a mention makes it a comment.
func commented(before []byte) bool {
	before = bytes.TrimSpace(before)
	return bytes.HasPrefix(before, []byte("#")) || bytes.HasPrefix(before, []byte("//"))
}

// A patch takes an item out of a list by naming it beside this directive.
// Source: kubernetes.io, "Update API Objects in Place Using kubectl patch", strategic merge.
var (
	deletedBefore = regexp.MustCompile(`(?m)^[ \t]*-[ \t]*["']?\$patch["']?:[ \t]*["']?delete["']?[ \t]*\r?\n$`)
	deletedAfter  = regexp.MustCompile(`^[ \t]*-[ \t]*[^\n]*\n(?:[ \t]*value:[^\n]*\n)?[ \t]*["']?\$patch["']?:[ \t]*["']?delete["']?[ \t]*\r?(?:\n|$)`)
)

// deleted says that the line at start names an item of a list that a patch deletes.
func deleted(text []byte, start int) bool {
	if start > 0 {
		before := bytes.LastIndexByte(text[:start-1], '\n') + 1
		if deletedBefore.Match(text[before:start]) {
			return true
		}
	}
	return deletedAfter.Match(text[start:min(len(text), start+2000)])
}

// word is the name around offset: a variable or a field.
func word(text []byte, offset int) string {
	isWord := func(c byte) bool {
		return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	start, end := offset, offset
	for start > 0 && isWord(text[start-1]) {
		start--
	}
	for end < len(text) && isWord(text[end]) {
		end++
	}
	if end-start > 200 {
		return ""
	}
	return string(text[start:end])
}

// encrypted says that a document is a SOPS file, or another one whose text is closed.
func encrypted(text []byte) bool {
	return bytes.Contains(text, []byte("ENC[AES256_GCM,")) && !readableObject.Match(text) ||
		bytes.HasPrefix(bytes.TrimSpace(text), []byte("$ANSIBLE_VAULT;"))
}

// readableObject: SOPS usually leaves what names an object readable, and encrypts the values alone.
var readableObject = regexp.MustCompile(`(?m)^\s*"?kind"?: *"?[A-Z][A-Za-z]+"?,?\s*$`)

func (r *Reader) encryptedHints(name string, d document.Document) []scanner.Hint {
	return r.hints(name, d.Text, d.Index, d.Line, "account-unknown", "a SOPS file")
}

// holdsKeyText says that text may hold a key, in clear or in base64.
func holdsKeyText(text []byte) bool {
	found := false
	first().Find(text, func(n, _ int) bool {
		found = allPatterns()[n].key
		return !found
	})
	return found
}
