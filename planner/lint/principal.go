package lint

import (
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/scanner/iam"
	"dekey/scanner/object"
)

// A principal is Kubernetes service accounts, as far as a member can be read.
type principal struct {
	pool, number    iam.Value
	namespace, name iam.Value
	set             string // "" for one; namespace, cluster
}

// poolSuffix ends the pools of GKE. Other pools are made by people, and have other members.
const poolSuffix = ".svc.id.goog"

const principalHost = "//iam.googleapis.com/projects/"

// parse reads a member. wrong says what is wrong with it, under which rule; ok says that it names Kubernetes service
// accounts. Neither, for a member that is about something else or can not be read.
// https://cloud.google.com/iam/docs/principal-identifiers
func parse(member iam.Value) (p principal, ok bool, rule, wrong string) {
	malformed := func(format string, args ...any) (principal, bool, string, string) {
		return principal{}, false, RuleMalformedPrincipal, fmt.Sprintf(format, args...)
	}
	if member.Known() && strings.ContainsAny(string(member), " \t\r\n") && (member.Has(poolSuffix) || member.Has("gserviceaccount")) {
		return malformed("it holds white space")
	}
	if rest, found := member.CutPrefix("deleted:"); found && rest != "" {
		return p, false, "", ""
	}
	if rest, found := member.CutPrefix("serviceAccount:"); found {
		return parseBracket(rest, malformed)
	}
	if rest, found := member.CutPrefix("group:"); found && rest.Has(poolSuffix+":/allAuthenticatedUsers/") {
		return p, false, RulePoolWildcard, "a GKE pool has no member for all of its service accounts any more"
	}
	one, isOne := member.CutPrefix("principal:" + principalHost)
	many, isMany := member.CutPrefix("principalSet:" + principalHost)
	switch {
	case isOne:
		return parseURI(one, false, malformed)
	case isMany:
		return parseURI(many, true, malformed)
	case member.Known() && member.Has(poolSuffix+"["):
		return malformed("it does not start with serviceAccount:")
	case member.Known() && strings.HasPrefix(string(member), "principal") && member.Has(poolSuffix):
		return malformed("it does not start with principal:%s or principalSet:%s", principalHost, principalHost)
	}
	return p, false, "", ""
}

type complaint func(format string, args ...any) (principal, bool, string, string)

// parseBracket reads POOL[NAMESPACE/NAME], behind serviceAccount:.
func parseBracket(rest iam.Value, malformed complaint) (p principal, ok bool, rule, wrong string) {
	pool, inside, found := rest.Cut("[")
	if !found {
		switch {
		case rest.Known() && strings.HasSuffix(string(rest), poolSuffix):
			return malformed("[NAMESPACE/NAME] is missing after the pool")
		case rest.Known() && rest.Has("@") && rest.Has("gserviceaccount") && !strings.HasSuffix(string(rest), ".gserviceaccount.com"):
			return malformed("%q is no e-mail of a service account: they end in .gserviceaccount.com", rest)
		}
		return p, false, "", ""
	}
	p.pool = pool
	if pool.Known() && !strings.HasSuffix(string(pool), poolSuffix) {
		return malformed("%q is no pool of GKE, which is PROJECT%s", pool, poolSuffix)
	}
	if wrong := wrongPool(pool); wrong != "" {
		return malformed("%s", wrong)
	}
	inner, closed := inside.CutSuffix("]")
	if !closed {
		if !inside.EndsHidden() {
			return malformed("the bracket is not closed, or something follows it")
		}
		return p, false, "", ""
	}
	namespace, name, found := inner.Cut("/")
	if !found {
		if inner.Known() {
			return malformed("between the brackets stands NAMESPACE/NAME")
		}
		return p.unknown(), true, "", ""
	}
	p.namespace, p.name = namespace, name
	if wrong := wrongNames(namespace, name); wrong != "" {
		return malformed("%s", wrong)
	}
	return p, true, "", ""
}

// unknown hides which service account it is.
func (p principal) unknown() principal {
	p.namespace, p.name = iam.Hidden("member"), iam.Hidden("member")
	return p
}

// parseURI reads NUMBER/locations/global/workloadIdentityPools/POOL/..., behind principal: or principalSet:.
func parseURI(rest iam.Value, set bool, malformed complaint) (p principal, ok bool, rule, wrong string) {
	number, after, found := rest.Cut("/")
	location, isPool := after.CutPrefix("locations/global/workloadIdentityPools/")
	if !found || !isPool {
		if rest.Has(poolSuffix) && rest.Known() {
			return malformed("after the project number stands locations/global/workloadIdentityPools/POOL")
		}
		return p, false, "", ""
	}
	pool, subject, found := location.Cut("/")
	if pool.Known() && !strings.HasSuffix(string(pool), poolSuffix) {
		return p, false, "", "" // a pool that people made
	}
	if !pool.Known() && !strings.HasSuffix(string(pool), poolSuffix) {
		p.pool, p.number = pool, number
		return p.unknown(), false, "", "" // it may be one that people made
	}
	if wrong := wrongPool(pool); wrong != "" {
		return malformed("%s", wrong)
	}
	if number.Known() && !planner.ValidProjectNumber(string(number)) {
		return malformed("%q stands where the project's number belongs", number)
	}
	p.pool, p.number = pool, number
	if !found {
		return malformed("nothing follows the pool: subject/ns/NAMESPACE/sa/NAME, or for a set namespace/NAMESPACE")
	}
	if subject == "*" {
		return p, false, RulePoolWildcard, "pools of GKE have no /*: the binding is refused, or grants nothing"
	}
	if subject.Has("attribute.") || strings.HasPrefix(string(subject), "group/") {
		return malformed("attribute and group members belong to pools that people make; a namespace of a GKE pool is namespace/NAMESPACE")
	}
	if pair, isSubject := subject.CutPrefix("subject/ns/"); isSubject {
		if set {
			return malformed("one service account is principal:, not principalSet:")
		}
		namespace, name, found := pair.Cut("/sa/")
		if !found {
			if pair.Known() {
				return malformed("after subject/ns/NAMESPACE stands /sa/NAME")
			}
			return p.unknown(), true, "", ""
		}
		p.namespace, p.name = namespace, name
		if wrong := wrongNames(namespace, name); wrong != "" {
			return malformed("%s", wrong)
		}
		return p, true, "", ""
	}
	if _, uid := subject.CutPrefix("kubernetes.serviceaccount.uid/"); uid {
		return p.unknown(), !set, "", ""
	}
	if namespace, isNamespace := subject.CutPrefix("namespace/"); isNamespace {
		if !set {
			return malformed("all service accounts of a namespace are principalSet:, not principal:")
		}
		if namespace.Known() && !planner.ValidNamespace(string(namespace)) {
			return malformed("%q is no namespace", namespace)
		}
		p.namespace, p.set = namespace, "namespace"
		return p, true, "", ""
	}
	if _, isCluster := subject.CutPrefix("kubernetes.cluster/"); isCluster {
		if !set {
			return malformed("all service accounts of a cluster are principalSet:, not principal:")
		}
		p.set = "cluster"
		return p, true, "", ""
	}
	if subject.Known() {
		return malformed("%q is none of subject/ns/NAMESPACE/sa/NAME, namespace/NAMESPACE, kubernetes.cluster/URL", subject)
	}
	return p.unknown(), false, "", ""
}

func wrongPool(pool iam.Value) string {
	name, found := pool.CutSuffix(poolSuffix)
	switch {
	case !found || !pool.Known():
		return ""
	case planner.ValidProjectNumber(string(name)):
		return fmt.Sprintf("the pool is named after the project's number %s, and pools are named after its id", name)
	case !planner.ValidPool(string(pool)):
		return fmt.Sprintf("%q is no pool of GKE", pool)
	}
	return ""
}

func wrongNames(namespace, name iam.Value) string {
	switch {
	case namespace.Known() && !planner.ValidNamespace(string(namespace)):
		return fmt.Sprintf("%q is no namespace", namespace)
	case name.Known() && !planner.ValidName(string(name)):
		return fmt.Sprintf("%q is no name of a service account", name)
	}
	return ""
}

// covers says whether the principal is, or includes, a service account.
func (p principal) covers(namespace, name iam.Value) object.Tri {
	switch p.set {
	case "cluster":
		return object.Unknown
	case "namespace":
		return p.namespace.Is(namespace)
	}
	a, b := p.namespace.Is(namespace), p.name.Is(name)
	switch {
	case a == object.No || b == object.No:
		return object.No
	case a == object.Yes && b == object.Yes:
		return object.Yes
	}
	return object.Unknown
}

// placed is at, at a member.
func placed(at iam.At, m iam.Member) iam.At {
	if m.Origin.Path != "" {
		at.Origin = m.Origin
	}
	return at
}

// principals reports members that are malformed.
func (w *world) principals() {
	for _, g := range w.Facts.Grants {
		for _, m := range g.Members {
			if _, _, rule, wrong := parse(m.Value); rule != "" {
				w.report(rule, placed(g.At, m), m.Value.String(), fmt.Sprintf("the member %s: %s", m.Value, wrong))
			}
		}
	}
}

// foreign reports pools and numbers that do not belong together, or to the cluster.
func (w *world) foreign() {
	numbers := map[string]string{} // by project id
	know := func(id, number string) {
		if id != "" && number != "" {
			numbers[id] = number
		}
	}
	for _, p := range w.Inventory.Projects {
		know(p.ID, p.Number)
	}
	for _, p := range w.Facts.Projects {
		know(p.ID, p.Number)
	}
	know(planner.ProjectOfPool(w.Policy.Pool), w.Policy.ProjectNumber)
	ids := map[string]string{}
	for id, number := range numbers {
		ids[number] = id
	}
	spelled := map[iam.Value][]string{} // numbers by pool
	var own []string                    // pools that are the operator's
	if w.Policy.Pool != "" {
		own = append(own, w.Policy.Pool)
		for _, c := range w.Policy.Clusters {
			own = append(own, c.Project+poolSuffix)
		}
	}
	type use struct {
		grant  iam.Grant
		member iam.Member
		p      principal
	}
	var uses []use
	for _, g := range w.Facts.Grants {
		for _, m := range g.Members {
			p, ok, _, _ := parse(m.Value)
			if !ok || !p.pool.Known() {
				continue
			}
			uses = append(uses, use{g, m, p})
			if p.number != "" && p.number.Known() && !slices.Contains(spelled[p.pool], string(p.number)) {
				spelled[p.pool] = append(spelled[p.pool], string(p.number))
			}
		}
	}
	for _, u := range uses {
		pool, number := string(u.p.pool), string(u.p.number)
		project := planner.ProjectOfPool(pool)
		at := placed(u.grant.At, u.member)
		say := func(format string, args ...any) {
			w.report(RuleForeignPrincipal, at, u.member.Value.String(), fmt.Sprintf("the member %s: %s", u.member.Value, fmt.Sprintf(format, args...)))
		}
		if len(own) > 0 && !slices.Contains(own, pool) {
			say("the pool is %s", w.Policy.Pool)
			continue
		}
		if number == "" || !u.p.number.Known() {
			continue
		}
		right, known := numbers[project]
		id, taken := ids[number]
		switch {
		case known && right != number:
			say("the number of project %s is %s", project, right)
		case taken && id != project:
			say("%s is the number of project %s", number, id)
		case !known && len(spelled[u.p.pool]) > 1:
			list := slices.Clone(spelled[u.p.pool])
			slices.Sort(list)
			say("the pool is written with the numbers %s, and a project has one", strings.Join(list, " and "))
		}
	}
}

// impersonates says whether a role lets its members act as an account: yes, no, or unknown for custom and hidden roles.
func impersonates(role iam.Value) object.Tri {
	switch {
	case role == planner.RoleWorkloadIdentityUser || role == planner.RoleTokenCreator:
		return object.Yes
	case role.Known() && strings.HasPrefix(string(role), "roles/") && role != "roles/owner":
		return object.No
	}
	return object.Unknown
}

// defaults reports grants to the default service account of a namespace, and annotations of it.
func (w *world) defaults() {
	for _, g := range w.Facts.Grants {
		for _, m := range g.Members {
			if p, ok, _, _ := parse(m.Value); ok && p.set == "" && p.name == "default" {
				w.report(RuleDefaultAccount, placed(g.At, m), m.Value.String()+"\x00"+g.Role.String(),
					fmt.Sprintf("%s is granted to the default service account: every pod of namespace %s that names none has it", orRole(g.Role), p.namespace))
			}
		}
	}
	for _, k := range w.Facts.KSAs {
		if k.Name != "default" {
			continue
		}
		for _, a := range k.Annotations {
			if a.Key == iam.AccountAnnotation && a.Value != "" {
				at := k.At
				at.Origin = a.Origin
				w.report(RuleDefaultAccount, at, a.Value.String(), "the default service account is annotated: every pod of the namespace that names none acts as "+a.Value.String())
			}
		}
	}
}

func orRole(role iam.Value) string {
	if role == "" || role.Wholly() {
		return "a role"
	}
	return role.String()
}

// wide reports impersonation that is granted to whole namespaces and clusters, or of all accounts of a project.
func (w *world) wide() {
	for _, g := range w.Facts.Grants {
		if impersonates(g.Role) != object.Yes {
			continue
		}
		for _, m := range g.Members {
			p, ok, _, _ := parse(m.Value)
			if !ok {
				continue
			}
			switch {
			case p.set == "namespace":
				w.report(RuleNamespaceWide, placed(g.At, m), m.Value.String(), fmt.Sprintf("every service account of namespace %s can act as %s, those that come later included", p.namespace, g.Name))
			case p.set == "cluster":
				w.report(RuleNamespaceWide, placed(g.At, m), m.Value.String(), fmt.Sprintf("every service account of a cluster can act as %s, those that come later included", g.Name))
			}
			if g.Role != planner.RoleWorkloadIdentityUser && holdsAccounts(g.Target) {
				w.report(RuleProjectWide, placed(g.At, m), m.Value.String(), fmt.Sprintf("%s on a %s: the member can act as every service account in it", g.Role, g.Target))
			}
		}
		if g.Role == planner.RoleWorkloadIdentityUser && holdsAccounts(g.Target) {
			w.report(RuleProjectWide, g.At, string(g.Role), fmt.Sprintf("%s on a %s: its members can act as every service account in it", g.Role, g.Target))
		}
	}
}

// holdsAccounts says that a kind of target has service accounts below it.
func holdsAccounts(target string) bool {
	return target == iam.TargetProject || target == iam.TargetFolder || target == iam.TargetOrganization
}
