package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/iam"
	"dekey/scanner/object"
)

// bucketPrefix is a condition on the names of buckets that begin with something: in it no slash follows the bucket.
// https://cloud.google.com/iam/docs/conditions-resource-attributes
var bucketPrefix = regexp.MustCompile(`(!\s*)?resource\s*\.\s*name\s*\.\s*startsWith\s*\(\s*["']projects/_/buckets/([^/"']+)["']\s*\)`)

// conditions reports conditions that mean one bucket and match every bucket whose name begins alike.
func (w *world) conditions() {
	for _, g := range w.Facts.Grants {
		if g.Condition == "" || g.Target == iam.TargetBucket {
			continue
		}
		for _, m := range bucketPrefix.FindAllStringSubmatch(string(g.Condition), -1) {
			bucket := iam.Value(m[2])
			if m[1] != "" || bucket.EndsHidden() && !isBucketName(bucket) {
				continue
			}
			at := g.At
			at.Origin = g.ConditionAt
			w.report(RulePrefixCondition, at, bucket.String(), fmt.Sprintf("the condition matches bucket %s and every bucket whose name begins so (%s-2): a slash after the bucket is missing", bucket, bucket))
		}
	}
}

// isBucketName says that what hides the end of a bucket's name is the name of a bucket, and so has no slash.
func isBucketName(v iam.Value) bool {
	holes := v.Holes()
	last := holes[len(holes)-1]
	_, name, _ := strings.Cut(last, ":")
	return strings.HasPrefix(name, "google_storage_bucket.") && strings.HasSuffix(name, ".name")
}

// authoritative reports what takes away grants that it does not list: all of a Google service account's, of a project's
// policy, and any policy or binding whose target and role somebody grants one by one.
func (w *world) authoritative() {
	for i, g := range w.Facts.Grants {
		if g.Mode == iam.Additive {
			continue
		}
		what := fmt.Sprintf("%s owns the whole policy of %s %s", g.What, article(g.Target), g.Name)
		if g.Mode == iam.Binding {
			what = fmt.Sprintf("%s owns %s on %s %s", g.What, orRole(g.Role), article(g.Target), g.Name)
		}
		if other, ok := w.additive(i); ok {
			w.report(RuleAuthoritative, g.At, g.What, fmt.Sprintf("%s: it removes what %s grants there", what, other.What), other.Origin)
			continue
		}
		switch {
		case g.Target == iam.TargetAccount && (g.Mode == iam.Policy || impersonates(g.Role) == object.Yes):
			w.report(RuleAuthoritative, g.At, g.What, what+": it removes every member that it does not list, the grants of a migration included")
		case g.Mode == iam.Policy && (g.Target == iam.TargetProject || g.Target == iam.TargetFolder || g.Target == iam.TargetOrganization):
			w.report(RuleAuthoritative, g.At, g.What, what+": it removes every grant that it does not list, those of a migration and of Google's agents included")
		}
	}
}

func article(target string) string { return "the " + strings.ReplaceAll(target, "_", " ") }

// additive finds a grant to a Kubernetes service account, or of impersonation, that an authoritative one takes away.
func (w *world) additive(i int) (iam.Grant, bool) {
	g := w.Facts.Grants[i]
	for j, a := range w.Facts.Grants {
		if i == j || a.Mode != iam.Additive || a.Target != g.Target || a.Name.Is(g.Name) != object.Yes || a.Name == "" {
			continue
		}
		if g.Mode == iam.Binding && a.Role.Is(g.Role) != object.Yes {
			continue
		}
		for _, m := range a.Members {
			if _, ok, _, _ := parse(m.Value); !ok && impersonates(a.Role) != object.Yes {
				continue
			}
			if !w.lists(g, a.Role, m.Value) {
				return a, true
			}
		}
	}
	return iam.Grant{}, false
}

// lists says whether an authoritative grant, or another part of the same policy, lists a member.
func (w *world) lists(g iam.Grant, role, member iam.Value) bool {
	for _, other := range w.Facts.Grants {
		if other.Mode != g.Mode || other.What != g.What || other.Block != g.Block {
			continue
		}
		if other.More || other.Role.Is(role) == object.No {
			if other.More && other.Role.Is(role) != object.No {
				return true
			}
			continue
		}
		for _, m := range other.Members {
			if m.Value.Is(member) != object.No {
				return true
			}
		}
	}
	return false
}

// pairs reports annotations without their grant, and grants without their service account, where both would be written in
// the checkout.
func (w *world) pairs() {
	for _, k := range w.Facts.KSAs {
		for _, a := range k.Annotations {
			if a.Key != iam.AccountAnnotation || !a.Value.Known() || !planner.ValidEmail(string(a.Value)) || !k.Name.Known() || k.Name == "" {
				continue
			}
			declared, ok := w.declared(a.Value)
			if !ok || w.mayBeGranted(a.Value, k) {
				continue
			}
			at := k.At
			at.Origin = a.Origin
			w.report(RuleAnnotationNoGrant, at, string(a.Value), fmt.Sprintf("no grant lets %s act as %s, whose grants are written here", who(k), a.Value), declared)
		}
	}
	for _, g := range w.Facts.Grants {
		if g.Target != iam.TargetAccount || impersonates(g.Role) != object.Yes {
			continue
		}
		for _, m := range g.Members {
			p, ok, _, _ := parse(m.Value)
			if !ok || p.set != "" || !p.namespace.Known() || !p.name.Known() || p.name == "default" {
				continue
			}
			if w.Facts.Namespaces[string(p.namespace)] && !w.exists(p) {
				w.report(RuleGrantNoAccount, placed(g.At, m), m.Value.String(), fmt.Sprintf("nothing here declares or runs as the service account %s in namespace %s, which can act as %s", p.name, p.namespace, g.Name))
			}
		}
	}
}

func who(k iam.KSA) string {
	if k.Namespace.Known() && k.Namespace != "" {
		return k.Namespace.String() + "/" + k.Name.String()
	}
	return k.Name.String()
}

// declared says whether the checkout is where an account's grants are written: it declares the account, or grants
// impersonation of it. The place is the first that does.
func (w *world) declared(email iam.Value) (scanner.Origin, bool) {
	for _, a := range w.Facts.Accounts {
		if a.Email.Is(email) != object.No && !a.Email.Wholly() && idKnown(a.Email) {
			return a.Origin, true
		}
	}
	for _, g := range w.Facts.Grants {
		if g.Target == iam.TargetAccount && g.Name == email && impersonates(g.Role) == object.Yes {
			return g.Origin, true
		}
	}
	return scanner.Origin{}, false
}

// idKnown says that the part before the @ is written.
func idKnown(email iam.Value) bool {
	id, _, found := email.Cut("@")
	return found && id.Known() && id != ""
}

// mayBeGranted says whether anything that was read can let a service account act as an account.
func (w *world) mayBeGranted(email iam.Value, k iam.KSA) bool {
	for _, g := range w.Facts.Grants {
		if impersonates(g.Role) == object.No || g.Role == "" && !g.More {
			continue
		}
		switch g.Target {
		case iam.TargetAccount:
			if g.Name.Is(email) == object.No {
				continue
			}
		case iam.TargetProject, iam.TargetFolder, iam.TargetOrganization:
		default:
			continue
		}
		if g.More {
			return true
		}
		for _, m := range g.Members {
			p, ok, _, _ := parse(m.Value)
			if ok && p.covers(k.Namespace, k.Name) != object.No || !ok && !m.Value.Known() {
				return true
			}
		}
	}
	id, _, _ := strings.Cut(string(email), "@")
	for _, o := range w.Facts.Opaque {
		if o.Values == nil {
			return true
		}
		for _, v := range o.Values {
			if !v.Wholly() && (v.Is(email) != object.No || v.Is(k.Name) != object.No || v.Is(iam.Value(id)) != object.No) {
				return true
			}
		}
	}
	return len(w.Inventory.Gaps) > 0
}

// exists says whether the service account can be there.
func (w *world) exists(p principal) bool {
	if w.Facts.Templates || len(w.Inventory.Gaps) > 0 {
		return true
	}
	for _, k := range w.Facts.KSAs {
		if k.Name.Is(p.name) != object.No && k.Namespace.Is(p.namespace) != object.No {
			return true
		}
	}
	for _, u := range w.Facts.Uses {
		if u.Name == string(p.name) && (u.Namespace == "" || u.Namespace == string(p.namespace)) {
			return true
		}
	}
	for _, o := range w.Facts.Opaque {
		if o.Values == nil {
			return true
		}
		for _, v := range o.Values {
			if v.Wholly() || v == "" {
				continue
			}
			// Charts name what they make after their release.
			if v.Is(p.name) != object.No || v.Known() && len(v) > 2 && strings.HasPrefix(string(p.name), string(v)) {
				return true
			}
		}
	}
	return false
}

// Interest is what a scan has to look for beside keys: the service accounts that grants name, and nobody was seen to declare.
func Interest(facts iam.Facts) scanner.Interest {
	var interest scanner.Interest
	type name struct{ namespace, name iam.Value }
	declared := map[name]bool{}
	for _, k := range facts.KSAs {
		declared[name{k.Namespace, k.Name}] = true
	}
	for _, g := range facts.Grants {
		for _, m := range g.Members {
			p, ok, _, _ := parse(m.Value)
			if ok && p.set == "" && p.namespace.Known() && p.name.Known() && !declared[name{p.namespace, p.name}] {
				interest.ServiceAccounts = append(interest.ServiceAccounts, scanner.Ref{
					APIVersion: "v1", Kind: "ServiceAccount", Namespace: string(p.namespace), Name: string(p.name),
				})
			}
		}
	}
	slices.SortFunc(interest.ServiceAccounts, scanner.Ref.Compare)
	interest.ServiceAccounts = slices.Compact(interest.ServiceAccounts)
	return interest
}
