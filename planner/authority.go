package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// How sure it is that code keeps the policy of a resource.
type keeping int

const (
	keepsNot  keeping = iota
	keepsAny          // nothing that tells which resource is written
	keepsThis         // what is written fits, and a part is hidden
	keepsSure
)

// keeps says whether code keeps the policy, or one of the roles, of an account.
func keeps(a scanner.Authority, email, uniqueID string, roles []string) keeping {
	name := strings.ToLower(a.Name)
	if a.Role != "" && !slices.ContainsFunc(roles, func(role string) bool { return fits(a.Role, role) }) {
		return keepsNot
	}
	if !fits(name, email) && (uniqueID == "" || name != uniqueID) {
		return keepsNot
	}
	id, _, _ := strings.Cut(name, "@")
	switch {
	case a.Target == "":
		return keepsAny
	case a.Target != "service_account":
		return keepsNot
	case !strings.Contains(name, "*"):
		return keepsSure
	case strings.Trim(id, "*") != "":
		return keepsThis
	}
	return keepsAny
}

// fits says whether text can be what a pattern spells, in which * stands for any text.
func fits(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// collections are what resources of a kind stand below in their full names.
// https://cloud.google.com/iam/docs/full-resource-names
var collections = map[string]string{
	"project": "cloudresourcemanager.googleapis.com/projects", "folder": "cloudresourcemanager.googleapis.com/folders",
	"organization": "cloudresourcemanager.googleapis.com/organizations", "storagebucket": "storage.googleapis.com",
	"pubsubtopic": "/topics", "pubsubsubscription": "/subscriptions", "secretmanagersecret": "/secrets", "kmscryptokey": "/cryptoKeys",
	"kmskeyring": "/keyRings", "artifactregistryrepository": "/repositories", "bigquerydataset": "/datasets", "bigquerytable": "/tables",
	"spannerdatabase": "/databases", "spannerinstance": "/instances", "serviceaccount": "/serviceAccounts",
}

// keepsResource says whether code keeps the policy of a resource, or the role of it.
func keepsResource(a scanner.Authority, g scanner.Grant) keeping {
	below, known := collections[strings.ReplaceAll(a.Target, "_", "")]
	at := strings.LastIndexByte(g.Resource, '/')
	if !known || at < 0 || !strings.HasSuffix(g.Resource[:at], below) || a.Role != "" && !fits(a.Role, g.Role) {
		return keepsNot
	}
	name := a.Name[strings.LastIndexByte(a.Name, '/')+1:]
	switch {
	case !fits(name, g.Resource[at+1:]):
		return keepsNot
	case !strings.Contains(name, "*"):
		return keepsSure
	case strings.Trim(name, "*") != "":
		return keepsThis
	}
	return keepsAny
}

// keepers are the code that keeps the policies that x's grants go to, by how sure that is: its account's own, or those of the
// resources on which the account's roles are repeated.
func (w *world) keepers(x *work) map[keeping][]string {
	found := map[keeping][]string{}
	account := cmp.Or(w.accounts[x.account], &scanner.Account{})
	repeats := x.target.split || x.target.model != Impersonation
	roles := []string{RoleWorkloadIdentityUser}
	if x.rule != nil && x.rule.Signs != nil && *x.rule.Signs {
		roles = append(roles, RoleTokenCreator)
	}
	if !repeats {
		found[keepsSure] = slices.Clone(account.Authoritative)
	}
	for _, a := range w.inv.Authorities {
		sure := keepsNot
		if !repeats {
			sure = keeps(a, x.account, account.UniqueID, roles)
		} else {
			for _, g := range account.Grants {
				sure = max(sure, keepsResource(a, g))
			}
		}
		if sure != keepsNot {
			found[sure] = append(found[sure], keeper(a))
		}
	}
	for sure, list := range found {
		found[sure] = sorted(list)
	}
	return found
}

// keeper is code as people read it, with what hides a part.
func keeper(a scanner.Authority) string {
	text := a.Owner + " in " + cmp.Or(a.Origin.Path, a.Origin.Source)
	if len(a.Hides) > 0 {
		text += " (" + strings.Join(a.Hides, ", ") + " hides which)"
	}
	return text
}

// judgeAuthority holds a workload whose grant the next run of other code would take away, or may.
func (w *world) judgeAuthority(x *work) {
	found := w.keepers(x)
	if sure := found[keepsSure]; len(sure) > 0 {
		x.hold(HoldAuthoritative, fmt.Sprintf("the policy that the grant goes to is kept by %s, whose next run would remove it", strings.Join(sure, ", ")))
	} else if likely := found[keepsThis]; len(likely) > 0 {
		x.hold(HoldAuthoritativeUnknown, fmt.Sprintf("the policy that the grant for %s goes to may be kept by %s: its next run would remove the grant", x.account, strings.Join(likely, ", ")))
	}
}

// sayAuthority says which code can keep the account's policy for all that is written of it.
func (w *world) sayAuthority(x *work, say sayer) {
	list := w.keepers(x)[keepsAny]
	if len(list) == 0 {
		return
	}
	const most = 3
	more := ""
	if n := len(list) - most; n > 0 {
		list, more = list[:most], fmt.Sprintf(" and %d more", n)
	}
	say(NoticeAuthoritativeUnknown, "whether a policy that the grants for %s go to is kept as a whole is not known: %s%s could, and its next run would then remove the grant", x.account, strings.Join(list, ", "), more)
}
