package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const aboutConfigConnector = `The same grants as runbook/1-grant.sh: use one of the two. IAMPolicyMember adds one member to one role and leaves the
rest of the policy alone; an IAMPolicy would replace it.`

// configConnector are the files of config-connector/, one for each namespace.
func (j *job) configConnector() map[string][]byte {
	byNamespace := map[string]*strings.Builder{}
	document := func(namespace string) *strings.Builder {
		b := byNamespace[namespace]
		if b == nil {
			b = &strings.Builder{}
			for line := range strings.Lines(aboutConfigConnector) {
				b.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
			}
			byNamespace[namespace] = b
		} else {
			b.WriteString("---\n")
		}
		return b
	}
	made := map[string]string{} // namespaces of new accounts
	for _, account := range j.plan.Accounts {
		namespace := account.For.Namespace
		made[account.Email] = namespace
		name, _, _ := strings.Cut(account.Email, "@")
		b := document(namespace)
		fmt.Fprintf(b, "# A new account for %s.\napiVersion: iam.cnrm.cloud.google.com/v1beta1\nkind: IAMServiceAccount\nmetadata:\n  name: %s\n  namespace: %s\n  annotations:\n    cnrm.cloud.google.com/project-id: %s\nspec:\n  displayName: %s\n",
			visible(account.For.String()), scalar(name), scalar(namespace), scalar(account.Project), scalar(account.DisplayName))
	}
	for _, grant := range j.bindings() {
		f, ok := find(grant.Grant)
		if !ok {
			continue
		}
		namespace := grant.namespace
		b := document(namespace)
		fmt.Fprintf(b, "# For %s.\napiVersion: iam.cnrm.cloud.google.com/v1beta1\nkind: IAMPolicyMember\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  member: %s\n  role: %s\n",
			visible(strings.Join(grant.who, ", ")), scalar(objectName(grant)), scalar(namespace), scalar(grant.Member), scalar(grant.Role))
		if grant.Condition != "" {
			fmt.Fprintf(b, "  condition:\n    title: %s\n    expression: %s\n", scalar(grant.Title), scalar(grant.Condition))
		}
		b.WriteString("  resourceRef:\n")
		if f.object[0] != "" {
			fmt.Fprintf(b, "    apiVersion: %s\n", scalar(f.object[0]))
		}
		fmt.Fprintf(b, "    kind: %s\n", scalar(f.object[1]))
		if namespace, isNew := made[accountOf(grant.Resource)]; isNew {
			name, _, _ := strings.Cut(accountOf(grant.Resource), "@")
			fmt.Fprintf(b, "    name: %s\n    namespace: %s\n", scalar(name), scalar(namespace))
			continue
		}
		fmt.Fprintf(b, "    external: %s\n", scalar(f.fill(f.external)))
	}
	files := map[string][]byte{}
	for namespace, b := range byNamespace {
		files["config-connector/"+namespace+".yaml"] = []byte(b.String())
	}
	return files
}

// objectName names an IAMPolicyMember. All of its fields are immutable: another grant is another object.
func objectName(b binding) string {
	role := strings.ToLower(b.Role[strings.LastIndexAny(b.Role, "/.")+1:])
	role = strings.Trim(notName.ReplaceAllString(role, "-"), "-")
	who := memberName(b.Member)
	who = strings.Trim(notName.ReplaceAllString(strings.ToLower(who[strings.IndexByte(who, '/')+1:]), "-"), "-")
	words := slices.DeleteFunc([]string{who, role, b.id[:8]}, func(word string) bool { return word == "" })
	name := strings.Join(words, "-")
	return strings.TrimLeft(name[max(0, len(name)-253):], "-")
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

var plainScalar = regexp.MustCompile(`^[A-Za-z][-A-Za-z0-9_./@]*$`)

// scalar writes a string for YAML: bare where every reader takes it for a string, else as a JSON string, which is YAML too.
func scalar(text string) string {
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
	default:
		if plainScalar.MatchString(text) {
			return text
		}
	}
	return strconv.QuoteToASCII(strings.ToValidUTF8(text, "?"))
}
