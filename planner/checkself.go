package planner

import (
	"slices"
	"strings"

	"dekey/scanner"
)

// selves: what pods can do without any key is not lost either: as their service account itself, where that holds roles, and as
// the node, where a container is known to use the metadata server and has no key. Both end with an annotation, and with another
// service account. What a workload's owner answered is no loss.
func (c *check) selves(now, then *model) {
	for _, w := range c.inv.Workloads {
		key := refKey(w.Ref)
		for path, before := range now.runs[key] {
			after, stays := then.runs[key][path]
			if len(now.annotated[before]) > 0 || stays && after == before && len(then.annotated[after]) == 0 {
				continue // its pods act as the account that they acted as, or as what they were
			}
			if grant, ok := c.holdsItself(before, c.moves[key]); ok && !c.answeredBy(w.Ref, HoldDirectGrants) {
				c.fail("lost", w.Ref, "%s on %s, which the service account %s holds itself", grant.Role, grant.Resource, before.name)
			}
			if container := c.usesNode(w, path); container != "" && !c.answeredBy(w.Ref, HoldMetadataIdentity) {
				c.fail("lost", w.Ref, "the node's identity, which the container %s uses", container)
			}
		}
	}
}

// holdsItself is a grant of the service account itself which the move does not repeat for the one that the workload gets.
func (c *check) holdsItself(ksa name, m *Move) (scanner.Grant, bool) {
	for _, sa := range c.definitions[ksa] {
		for _, g := range sa.Grants {
			repeated := m != nil && m.Model == Direct && slices.ContainsFunc(m.Grants, func(h Grant) bool {
				return h.Resource == g.Resource && h.Role == g.Role && h.Condition == g.Condition
			})
			if !repeated {
				return g, true
			}
		}
	}
	return scanner.Grant{}, false
}

// usesNode is a container of the pod spec that is known to use the metadata server and has no key, "" where there is none.
func (c *check) usesNode(w scanner.Workload, path string) string {
	for _, p := range w.PodSpecs {
		if path != "" && p.Path.String() != path {
			continue
		}
		for _, k := range p.Containers {
			keyed := slices.ContainsFunc(c.findingsOf(refKey(w.Ref)), func(f scanner.Finding) bool {
				return f.Container == k.Name && f.Via != scanner.ImagePull
			})
			if verdict, _, _ := strings.Cut(k.Metadata, ":"); verdict == "used" && !keyed {
				return k.Name
			}
		}
	}
	return ""
}

// answeredBy says whether the plan says that the workload's owner answered the code.
func (c *check) answeredBy(ref scanner.Ref, code string) bool {
	answers := func(n Notice) bool { return n.Code == NoticeAnswered && strings.HasPrefix(n.Text, code+":") }
	if m := c.moves[refKey(ref)]; m != nil && slices.ContainsFunc(m.Notices, answers) {
		return true
	}
	return slices.ContainsFunc(c.plan.Notices, func(n Notice) bool {
		return n.Object != nil && refKey(*n.Object) == refKey(ref) && answers(n)
	})
}
