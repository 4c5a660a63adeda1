package keyfile

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
)

// placeholder matches a value that stands for another: of envsubst, shells, CI systems, and people who write examples.
var placeholder = regexp.MustCompile(`(?i)^(\$\{?[a-z_][a-z0-9_.:-]*\}?|\$\{[^}]*\}|\$\([^)]*\)|\$\[\[[^\]]*\]\]|#\{[^}]*\}#?|<[^<>]*>|\[[^\[\]{}"]*\]|%[a-z0-9_]+%|%%[^%]+%%|@@?[a-z0-9_.-]+@@?|__[a-z0-9_]+__|\(\([^)]*\)\)|\.\.\.|x{3,}|-+)$`)

// dummy matches the words of examples in short values.
var dummy = regexp.MustCompile(`(?i)(change[-_ ]?me|replace[-_ ]?(me|with)|place[-_ ]?holder|redacted|\byour[-_ ]|\btodo\b|fill[-_ ]?(me|in)\b|\binsert[-_ ]|base64[-_ ]?(encoded|of)|\bdummy\b|\.\.\.|x{8,}|\*{5,})`)

// references are the prefixes of values that a plug-in replaces: bank-vaults, vals, argocd-vault-plugin, 1Password, Ansible.
var references = []string{"vault:", "ref+", "secretref+", "op://", "<path:", "awssm://", "gcpsm://", "azurekeyvault://", "gcp:secretmanager:"}

// opaque says why the content of a whole value cannot be known, or "".
func opaque(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\x00GITCRYPT")), bytes.HasPrefix(data, []byte("$ANSIBLE_VAULT;")),
		bytes.HasPrefix(data, []byte("age-encryption.org/")):
		return WhyEncrypted
	}
	// No copy: this is asked of every value of every Secret.
	text := bytes.TrimSpace(data[:min(len(data), 4<<10)])
	switch {
	case len(text) == 0:
		return WhyEmpty
	case bytes.HasPrefix(text, []byte("ENC[")), bytes.Contains(text, []byte("ENC[AES256_GCM,")):
		return WhySOPS
	case bytes.Contains(text, pemBegin) && (bytes.Contains(text, []byte("-----BEGIN PGP MESSAGE-----")) || bytes.Contains(text, []byte("-----BEGIN AGE ENCRYPTED FILE-----"))):
		return WhyEncrypted
	case isSealed(text):
		return WhySealed
	}
	for _, prefix := range references {
		if len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix {
			return WhyReference
		}
	}
	if bytes.Contains(text, []byte("{{")) && bytes.Contains(text, []byte("}}")) || bytes.HasPrefix(text, []byte("{%")) {
		return WhyTemplate
	}
	if strings.IndexByte("$#<[%@_(.xX-", text[0]) >= 0 && placeholder.Match(text) || len(text) < 200 && len(bytes.Fields(text)) <= 6 && dummy.Match(text) {
		return WhyPlaceholder
	}
	if isPlaceholderPEM(text) {
		return WhyPlaceholder
	}
	return ""
}

// isPlaceholderPEM says that a PEM block has a body that is none.
func isPlaceholderPEM(text []byte) bool {
	if !bytes.HasPrefix(text, pemBegin) || len(text) > 600 {
		return false
	}
	return dummy.Match(text) || bytes.Contains(text, []byte("${")) || bytes.Contains(text, []byte("<")) || bytes.Contains(text, []byte("…"))
}

// isSealed recognises the ciphertext of a SealedSecret: base64 of a length (of an RSA 4096 block) and that block.
func isSealed(text []byte) bool {
	if !bytes.HasPrefix(text, []byte("Ag")) || len(text) < 700 {
		return false
	}
	head, err := base64.StdEncoding.DecodeString(string(text[:4]))
	return err == nil && head[0] == 2 && head[1] == 0
}
