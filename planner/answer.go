package planner

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"dekey/scanner"
)

// Answers are the values that the policy file's workloads[].answers takes for a hold's code, with what each says. A code
// that is not here takes no answer: what settles it is a fact (an account, a pool, a namespace), a change, or nothing.
var Answers = map[string]map[string]string{
	HoldProgramReadsKey:       {"reads-adc": "without the key the program uses Application Default Credentials: variable, flag and mount go"},
	HoldHostNetwork:           {"projected-token": "a projected token and a credential configuration replace the key"},
	HoldDelegation:            {"not-delegated": "the program does not act for users of a domain"},
	HoldServiceAccountUnseen:  {"carries-nothing": "the service account exists and has no role bindings, pull secrets or annotations: a new one replaces it"},
	HoldServiceAccountClaimed: {"not-used": "the workload does not use the account that the service account is annotated for: a new service account replaces it"},
	HoldManagedElsewhere:      {"unmanaged": "nothing applies the object any more: the edit stays"},
	HoldGenerated:             {"edited-by-hand": "the banner is a leftover: people edit the file"},
	HoldNotGKE:                {"runs-on-gke": "the workload runs on GKE"},
	HoldKeyNotLive:            {"grant-again": "the workload shall have the account's access again, although its key is gone"},
	HoldAuthoritative:         {"granted-by-owner": "the grant is added where the policy is kept"},
	HoldAuthoritativeUnknown:  {"other-policy": "the code keeps another policy, or has the grant"},
	HoldMetadataIdentity:      {"not-used": "the container does not need the node's identity"},
	HoldDirectGrants:          {"not-used": "the workload does not need the roles that its service account holds itself"},
}

// settles says what settles a hold: lines of YAML as the policy file has them, to be pasted into one. Words in capitals stand
// for what only the operator knows: EMAIL, NAMESPACE, PROJECT.svc.id.goog, NUMBER, PROJECT/LOCATION/NAME. "" where nothing in a
// policy file settles it.
func (w *world) settles(code string, x *work, u *use) string {
	switch code {
	case HoldServiceAccountUnseen, HoldServiceAccountClaimed:
		if x.identity {
			return "" // the controller's service account is not this object's to replace
		}
	case HoldProgramReadsKey:
		if u != nil && (u.Via == scanner.Inline || u.Via == scanner.Reference) {
			return "" // no answer edits a line with key material, or a field that the catalogue has no recipe for
		}
	case HoldHostNetwork:
		return w.settlesHostNetwork(x)
	case HoldAccountUnknown:
		return w.settlesAccount(x, u)
	case HoldNamespaceUnknown:
		return x.settlesNamespace(u)
	case HoldPoolUnknown:
		return w.settlesPool(x)
	case HoldRolesUnknown:
		switch {
		case x.target.split:
			return x.ofWorkload("split: false")
		case w.splits(x):
			return x.ofWorkload("model: "+Impersonation, "split: false")
		}
		return x.ofWorkload("model: " + Impersonation)
	}
	for value := range Answers[code] {
		return x.answer(code, value)
	}
	return ""
}

// settlesHostNetwork is what asks for the alternative to the host network, with all that it lacks; "" where it cannot be had.
func (w *world) settlesHostNetwork(x *work) string {
	t := &x.target
	clusters, known := w.settlesCluster(x)
	if !tokenFits(x) || len(t.pools) > 1 || !known {
		return ""
	}
	var lines, own []string
	if len(t.pools) == 0 {
		lines = append(lines, settlesPoolName)
	}
	if clusters != "" {
		lines = append(lines, clusters)
	}
	if w.modelOf(x) != Impersonation {
		own = append(own, "model: "+Impersonation)
	}
	if !w.projectedToken(x) {
		own = append(own, "answers: {"+HoldHostNetwork+": projected-token}")
	}
	if len(own) > 0 {
		lines = append(lines, x.ofWorkload(own...))
	}
	return strings.Join(lines, "\n")
}

// settlesCluster is what names the one cluster that the workload runs in, "" where that is named. It reports false where nothing
// can: there are several, or the one there is cannot be told by its context.
func (w *world) settlesCluster(x *work) (line string, ok bool) {
	if len(x.target.clusters) == 0 {
		return "clusters: [PROJECT/LOCATION/NAME]", len(w.refs) == 0
	}
	for _, r := range w.refs {
		switch {
		case r.ID != x.target.clusters[0] || len(x.target.clusters) > 1:
		case r.Name != "":
			return "", true
		case r.Context != "":
			return "clusters: [" + scalar("PROJECT/LOCATION/NAME="+r.Context) + "]", true
		}
	}
	return "", false
}

const settlesPoolName = "pool: PROJECT.svc.id.goog"

func (w *world) settlesPool(x *work) string {
	t := &x.target
	if w.modelOf(x) != Direct {
		return settlesPoolName
	}
	for _, p := range t.pools {
		if p.number == "" && w.policy.Pool != "" && w.policy.Pool != p.pool {
			return x.ofWorkload("model: " + Impersonation) // the policy has room for one pool's number only
		}
	}
	number := "projectNumber: \"NUMBER\""
	switch {
	case len(t.pools) > 0 && t.unread == "":
		return number
	case w.policy.ProjectNumber != "":
		return settlesPoolName
	}
	return settlesPoolName + "\n" + number
}

// settlesNamespace gives every file that has a part of the object its namespace: files that differ give it none.
func (x *work) settlesNamespace(u *use) string {
	var origins []scanner.Origin
	if u != nil {
		origins = u.Origins
	}
	if x.obj != nil {
		origins = x.obj.Origins
	}
	var entries []string
	for _, o := range origins {
		if o.Path == "" {
			return "" // what a cluster shows has its namespace
		}
		if entry := scalar(o.Path) + ": NAMESPACE"; !slices.Contains(entries, entry) {
			entries = append(entries, entry)
		}
	}
	if len(entries) == 0 {
		return ""
	}
	return "namespaces: {" + strings.Join(entries, ", ") + "}"
}

// settlesAccount names the account of the Secret, or of its one entry where others of its entries are asked for too.
func (w *world) settlesAccount(x *work, u *use) string {
	switch {
	case x.ref.Kind == "" || u == nil:
		return "" // an encrypted file: no account makes an edit of it possible
	case u.Secret.Name == "":
		return x.ofWorkload("account: EMAIL")
	}
	key := u.Secret.Namespace + "/" + u.Secret.Name
	if entry := u.Secret.Entry; entry != "" && len(w.unreadSecrets[name{u.Secret.Namespace, u.Secret.Name}]) > 1 {
		key += "/" + entry
	}
	return "accounts: {" + scalar(key) + ": EMAIL}"
}

// answer is an answer of the workload's.
func (x *work) answer(code, value string) string {
	return x.ofWorkload("answers: {" + code + ": " + value + "}")
}

// ofWorkload is an entry of the policy's workloads.
func (x *work) ofWorkload(settings ...string) string {
	return "workloads: [{workload: " + scalar(x.ref.String()) + ", " + strings.Join(settings, ", ") + "}]"
}

// plainScalar is text that is itself as a plain scalar of a flow mapping, in every schema of YAML.
var plainScalar = regexp.MustCompile(`^/?[A-Za-z][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)+$`)

// scalar is a text as a scalar of YAML. A text of JSON is one, too. https://yaml.org/spec/1.2.2/#12-yaml-history
func scalar(s string) string {
	if plainScalar.MatchString(s) {
		return s
	}
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text)
}
