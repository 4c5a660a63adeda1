package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// A Violation is one place where a finished plan breaks a promise.
type Violation struct {
	Code   string // finding-place, gained, lost, bystander, wiring, grant, name, default, ready, access, wave
	Object scanner.Ref
	What   string
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Code, v.Object, v.What) }

// Check holds a finished plan against the inventory that it was made from. It shares nothing with the code that builds
// plans: it carries out the edits and grants on a model of who runs under what, and compares who can act as whom, what
// bystanders have, and what is left mounted, before and after. A plan without violations widens nothing that it does not
// name, takes nothing away, and leaves every finding in exactly one place.
func Check(inv scanner.Inventory, plan Plan) []Violation {
	c := &check{inv: namespaced(inv, plan.Namespaces), plan: plan, moves: make(map[scanner.Ref]*Move), emails: make(map[string]string)}
	for i := range plan.Moves {
		m := &plan.Moves[i]
		if c.moves[refKey(m.Workload)] != nil {
			c.fail("finding-place", m.Workload, "has two moves")
		}
		c.moves[refKey(m.Workload)] = m
	}
	for _, f := range plan.Findings {
		c.emails[f.ID] = f.Email
	}
	c.index()
	c.places()
	c.waves()
	c.grants()
	c.retirements()
	c.identities()
	c.carried()
	c.wiring()
	slices.SortFunc(c.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), a.Object.Compare(b.Object), cmp.Compare(a.What, b.What))
	})
	return c.found
}

type check struct {
	inv    scanner.Inventory
	plan   Plan
	moves  map[scanner.Ref]*Move
	emails map[string]string // of findings, as the plan says
	found  []Violation

	byWorkload map[scanner.Ref][]scanner.Finding
	pods       map[scanner.Ref][]scanner.PodSpec
	dead       map[string]bool                // keys that give nobody access
	owner      map[string]string              // accounts of keys
	roles      map[name][]scanner.RoleBinding // by the service account that they name

	definitions map[name][]scanner.ServiceAccount
}

func (c *check) fail(code string, object scanner.Ref, format string, args ...any) {
	c.found = append(c.found, Violation{code, object, fmt.Sprintf(format, args...)})
}

// places: every finding is in exactly one move or hold, and a workload moves with all of its findings but image pulls.
func (c *check) places() {
	place := make(map[string][]string)
	for _, m := range c.plan.Moves {
		for _, id := range m.Findings {
			place[id] = append(place[id], "move of "+m.ID)
		}
	}
	for _, h := range c.plan.Holds {
		for _, id := range h.Findings {
			place[id] = append(place[id], "hold "+h.Code)
		}
		if c.moves[refKey(h.Workload)] != nil && h.Code != HoldImagePull && !c.onlyPulls(h.Findings) {
			c.fail("finding-place", h.Workload, "moves and is held: %s", h.Code)
		}
	}
	for _, f := range c.inv.Findings {
		switch n := len(place[f.ID]); {
		case n != 1:
			c.fail("finding-place", f.Workload, "finding %s is in %d places: %s", f.ID, n, strings.Join(place[f.ID], ", "))
		case f.Via == scanner.ImagePull && strings.HasPrefix(place[f.ID][0], "move"):
			c.fail("finding-place", f.Workload, "the image pull %s moves", f.ID)
		}
		delete(place, f.ID)
	}
	for id, where := range place {
		if len(where) > 0 {
			c.fail("finding-place", scanner.Ref{}, "finding %s is in no inventory", id)
		}
	}
}

func (c *check) onlyPulls(ids []string) bool {
	for _, f := range c.inv.Findings {
		if f.Via != scanner.ImagePull && slices.Contains(ids, f.ID) {
			return false
		}
	}
	return true
}

// waves: every move is in exactly one.
func (c *check) waves() {
	in := make(map[string]int)
	for _, w := range c.plan.Waves {
		for _, id := range w.Moves {
			in[id]++
		}
	}
	for _, m := range c.plan.Moves {
		if in[m.ID] != 1 {
			c.fail("wave", m.Workload, "the move is in %d waves", in[m.ID])
		}
	}
}

// grants: each names the move's account and service account, and nobody else; never default.
func (c *check) grants() {
	for _, m := range c.plan.Moves {
		if m.ServiceAccount.Name == "default" {
			c.fail("default", m.Workload, "the service account default is used")
		}
		if m.Model == Direct {
			c.directGrants(m)
			continue
		}
		own := 0
		for _, g := range m.Grants {
			p, isPrincipal := ParsePrincipal(g.Member)
			switch {
			case g.Resource != AccountResource(m.Account):
				c.fail("grant", m.Workload, "grants on %s, which is not its account", g.Resource)
			case isPrincipal && g.Role == RoleWorkloadIdentityUser && p.Namespace == m.ServiceAccount.Namespace && p.Name == m.ServiceAccount.Name && p.Cluster == "" && ValidPool(p.Pool):
				own++
			case g.Role == RoleTokenCreator && g.Member == "serviceAccount:"+m.Account:
			default:
				c.fail("grant", m.Workload, "grants %s to %s", g.Role, g.Member)
			}
		}
		if own == 0 {
			c.fail("grant", m.Workload, "no grant lets its service account act as %s", m.Account)
		}
	}
}

// directGrants: the service account gets what the account holds, and no more.
func (c *check) directGrants(m Move) {
	i := slices.IndexFunc(c.inv.Accounts, func(a scanner.Account) bool { return strings.EqualFold(a.Email, m.Account) })
	if i < 0 || !c.inv.Accounts[i].GrantsRead {
		c.fail("grant", m.Workload, "what %s holds was not read", m.Account)
		return
	}
	for _, g := range m.Grants {
		p, ok := ParsePrincipal(g.Member)
		if !ok || p.Namespace != m.ServiceAccount.Namespace || p.Name != m.ServiceAccount.Name || p.Cluster != "" || p.Number == "" {
			c.fail("grant", m.Workload, "grants to %s", g.Member)
		}
		if !slices.ContainsFunc(c.inv.Accounts[i].Grants, func(h scanner.Grant) bool {
			return h.Resource == g.Resource && h.Role == g.Role && h.Condition == g.Condition
		}) {
			c.fail("gained", m.Workload, "%s on %s, which %s does not hold", g.Role, g.Resource, m.Account)
		}
	}
	for _, h := range c.inv.Accounts[i].Grants {
		if !slices.ContainsFunc(m.Grants, func(g Grant) bool {
			return h.Resource == g.Resource && h.Role == g.Role && h.Condition == g.Condition
		}) {
			c.fail("lost", m.Workload, "%s on %s", h.Role, h.Resource)
		}
	}
}

// retirements: no key is ready while a consumer has not moved, or anything about it is unknown.
func (c *check) retirements() {
	type count struct{ consumers, moved int }
	counts := make(map[string]count)
	users := make(map[string]map[scanner.Ref][]scanner.Finding)
	for _, f := range c.inv.Findings {
		if f.Key == "" {
			continue
		}
		if users[f.Key] == nil {
			users[f.Key] = make(map[scanner.Ref][]scanner.Finding)
		}
		users[f.Key][refKey(f.Workload)] = append(users[f.Key][refKey(f.Workload)], f)
	}
	for key, by := range users {
		n := count{}
		for ref, findings := range by {
			if !canAct(ref) && !slices.ContainsFunc(findings, func(f scanner.Finding) bool { return f.Via != scanner.Inline }) {
				continue // a text with a copy of the key
			}
			n.consumers++
			if c.moves[ref] != nil && !slices.ContainsFunc(findings, func(f scanner.Finding) bool { return f.Via == scanner.ImagePull }) {
				n.moved++
			}
		}
		counts[key] = n
	}
	retired := make(map[string]bool)
	for _, r := range c.plan.Retirements {
		retired[r.Key] = true
		object := scanner.Ref{Kind: "Key", Name: r.Key}
		n := counts[r.Key]
		if r.Key != "" && (r.Consumers != n.consumers || r.Moved != n.moved) {
			c.fail("ready", object, "%d of %d consumers moved, the plan says %d of %d", n.moved, n.consumers, r.Moved, r.Consumers)
		}
		if r.Ready != (r.Key != "" && len(r.BlockedBy) == 0) {
			c.fail("ready", object, "ready is %t with %d blockers", r.Ready, len(r.BlockedBy))
		}
		if r.Ready && (n.moved < n.consumers || !c.notUsed(r.Key) || len(c.inv.Gaps) > 0) {
			c.fail("ready", object, "is ready, and a consumer has not moved, its use is unknown, or something was not read")
		}
	}
	for _, k := range c.inv.Keys {
		if k.Type == scanner.TypeServiceAccount && !retired[k.ID] {
			c.fail("ready", scanner.Ref{Kind: "Key", Name: k.ID}, "has no retirement")
		}
	}
}

func (c *check) notUsed(key string) bool {
	return slices.ContainsFunc(c.inv.KeyFacts, func(f scanner.KeyFact) bool { return f.Key == key && f.Use == scanner.NotUsed })
}

func canAct(ref scanner.Ref) bool {
	return !slices.Contains([]string{"", "Secret", "ConfigMap", "ServiceAccount"}, ref.Kind)
}
