package scanner

import (
	"regexp"
	"slices"
	"strings"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// A mention is a Mention whose service account is not yet known to matter. Of an expression only the text is kept: which
// accounts it names is asked when they are known.
type mention struct {
	Mention
	expression bool
}

// The spellings of a service account inside a longer string.
// Sources: SPIFFE and istio.io (principals), kubernetes.io (user names), linkerd.io (identities).
var (
	principal   = regexp.MustCompile(`(?:^|/)ns/([a-z0-9-]+)/sa/([a-z0-9.-]+)`)
	userName    = regexp.MustCompile(`system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)`)
	linkerdName = regexp.MustCompile(`(?:^|[^a-z0-9.-])([a-z0-9][a-z0-9.-]*)\.([a-z0-9-]+)\.serviceaccount\.identity\.`)
)

// accountFields are fields whose string is the name of a service account, by what they tell.
var accountFields = map[string]string{
	"serviceAccountName": "operator", "serviceAccount": "operator", "service_account_name": "operator",
	"targetServiceAccounts": "vault", "boundServiceAccountNames": "vault", "bound_service_account_names": "vault",
	"serviceAccounts":                              "policy",
	"io.cilium.k8s.policy.serviceaccount":          "cilium",
	"k8s:io.cilium.k8s.policy.serviceaccount":      "cilium",
	"k8s.io.cilium.k8s.policy.serviceaccount":      "cilium",
	"any:io.cilium.k8s.policy.serviceaccount":      "cilium",
	"kubernetes.io/service-account.name":           "token",
	"any.io.cilium.k8s.policy.serviceaccount":      "cilium",
	"k8s:io.kubernetes.pod.service-account":        "cilium",
	"azure.workload.identity/service-account-name": "federation",
}

// findMentions looks for service accounts in an object's strings. A pod spec's own service account is no mention, and
// neither are role bindings, which are decoded.
func (c *collector) findMentions(o *Object, pods []wiring.Pod) {
	if isKind(o.Ref, "ConfigMap", "") {
		return // free text; what a program does with it is not known
	}
	own := map[string]bool{}
	for _, p := range pods {
		for _, field := range p.AccountFields() {
			own[field.String()] = true
		}
	}
	m := mentionWalk{object: o, own: own}
	if !isKind(o.Ref, "Secret", "") {
		for _, key := range sortedKeys(o.Content) {
			if key != "status" && key != "metadata" && !object.Aside(key) {
				m.walk(o.Content[key], o.Content, key, append(trail(), object.Key(key)), 0)
			}
		}
	}
	for _, key := range sortedKeys(mapping(lookup(o.Content, "metadata", "annotations"))) {
		if key != lastApplied {
			m.walk(lookup(o.Content, "metadata", "annotations", key), nil, key, object.Keys("metadata", "annotations", key), 0)
		}
	}
	c.mentions = append(c.mentions, m.found...)
}

type mentionWalk struct {
	object *Object
	own    map[string]bool
	found  []mention
}

func (w *mentionWalk) walk(value any, parent map[string]any, key string, at object.Path, depth int) {
	if depth > maxNameDepth || len(w.found) > maxNames || key == "volumeMounts" || key == "volumes" {
		return // where a token is mounted names nobody
	}
	switch v := value.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			w.walk(v[k], v, k, append(at, object.Key(k)), depth+1)
		}
		if name := text(v["name"]); name != "" && depth > 0 && (text(v["kind"]) == "ServiceAccount" || isRefKey(key)) {
			namespace := text(v["namespace"])
			w.add(namespaceOr(namespace, w.object), name, at.Join(object.Key("name")), name, "reference", false)
		}
		if names := words(v["names"]); key == "serviceAccounts" {
			for i, name := range names {
				w.add(w.object.Ref.Namespace, name, at.Join(object.Key("names"), object.At(i)), name, "calico", false)
			}
		}
	case []any:
		for i, item := range v {
			w.walk(item, parent, key, append(at, object.At(i)), depth+1)
		}
	case string:
		w.text(v, parent, key, at)
	}
}

func isRefKey(key string) bool {
	return key == "serviceAccountRef" || key == "serviceAccountReference" || key == "serviceAccount"
}

func namespaceOr(stated string, o *Object) string { return firstOf(stated, o.Ref.Namespace) }

// canMention is a cheap look at a string: nearly all of them are none of what text looks for.
func canMention(v, key string) bool {
	_, field := accountFields[key]
	return field || strings.Contains(v, "/sa/") || containsFold(v, "serviceaccount") || containsFold(key, "serviceaccount")
}

// containsFold says that s contains a text of small ASCII letters, in whatever letters.
func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if s[i]|0x20 == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

func (w *mentionWalk) text(v string, parent map[string]any, key string, at object.Path) {
	if len(v) > longText || !canMention(v, key) || w.own[at.String()] {
		return
	}
	found := false
	spelled := func(mark string, expression *regexp.Regexp, namespace, name int, why string) {
		if !strings.Contains(v, mark) {
			return
		}
		for _, m := range expression.FindAllStringSubmatch(v, -1) {
			w.add(m[namespace], m[name], at, v, why, false)
			found = true
		}
	}
	spelled("/sa/", principal, 1, 2, "istio")
	spelled("system:serviceaccount:", userName, 1, 2, "username")
	spelled(".serviceaccount.identity.", linkerdName, 2, 1, "linkerd")
	if found {
		return
	}
	if why, ok := accountFields[key]; ok {
		namespace, name, both := strings.Cut(v, "/") // Istio's serviceAccounts: NAMESPACE/NAME or NAME
		if !both {
			namespace, name = namespaceOr(text(parent["namespace"]), w.object), v
		}
		if why == "vault" && !both {
			namespace = "" // the role's own namespace is Vault's
		}
		if objectName.MatchString(name) {
			w.add(namespace, name, at, v, why, false)
			return
		}
	}
	if mayHoldKey(v) {
		return
	}
	// A Google service account's e-mail address names no Kubernetes one.
	lower := strings.ReplaceAll(strings.ToLower(v), "gserviceaccount", "")
	if strings.Contains(lower, "serviceaccount") || strings.Contains(strings.ToLower(key), "serviceaccount") && strings.ContainsAny(v, "*|?'\"") {
		w.add(w.object.Ref.Namespace, "", at, v, "expression", true)
	}
}

func (w *mentionWalk) add(namespace, name string, at object.Path, value, why string, expression bool) {
	if mayHoldKey(value) {
		value = ""
	}
	w.found = append(w.found, mention{expression: expression, Mention: Mention{
		ServiceAccount: Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: namespace, Name: name},
		Object:         w.object.Ref,
		Field:          at.String(),
		Value:          value,
		Why:            why,
		Origins:        origins(w.object, at),
	}})
}

// about gives the Mentions of the accounts that matter. An expression names an account when the whole name stands in it,
// in quotes or between other characters than those of a name.
func (m mention) about(accounts map[accountName]bool) []Mention {
	if !m.expression {
		sa := m.ServiceAccount
		if accounts[accountName{sa.Namespace, sa.Name}] {
			return []Mention{m.short()}
		}
		if sa.Namespace != "" {
			return nil
		}
		var found []Mention
		for a := range accounts {
			if a.name != sa.Name {
				continue
			}
			one := m.short()
			if m.Why == "vault" { // the roles' namespaces are named elsewhere, or are all
				one.ServiceAccount.Namespace = a.namespace
			} else if len(found) > 0 {
				break
			}
			found = append(found, one)
		}
		return found
	}
	var found []Mention
	for a := range accounts {
		if a.name == "default" || !wholeWord(m.Value, a.name) {
			continue
		}
		if m.ServiceAccount.Namespace != "" && m.ServiceAccount.Namespace != a.namespace {
			continue
		}
		one := m.short()
		one.ServiceAccount.Namespace, one.ServiceAccount.Name = a.namespace, a.name
		found = append(found, one)
	}
	return found
}

// short bounds the text that is shown.
func (m mention) short() Mention {
	out := m.Mention
	if len(out.Value) > shortValue {
		out.Value = strings.ToValidUTF8(out.Value[:shortValue], "") + "…"
	}
	out.Origins = slices.Clone(out.Origins)
	return out
}

func wholeWord(s, word string) bool {
	for rest := s; ; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		before := i == 0 || !nameByte(rest[i-1])
		after := i+len(word) == len(rest) || !nameByte(rest[i+len(word)])
		if before && after {
			return true
		}
		rest = rest[i+len(word):]
	}
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_'
}
