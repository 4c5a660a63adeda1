package planner

import (
	"slices"
	"strings"

	"dekey/scanner"
)

// A model is who runs under what, and whom that may act as.
type model struct {
	runs      map[scanner.Ref]map[string]name // by workload and pod spec: the service account
	annotated map[name][]string               // accounts
	granted   map[string][]modelGrant         // by namespace; "" for sets of a cluster
}

type modelGrant struct {
	principal Principal
	email     string
}

// model is the world as the inventory shows it.
func (c *check) model() *model {
	m := &model{runs: make(map[scanner.Ref]map[string]name), annotated: make(map[name][]string), granted: make(map[string][]modelGrant)}
	for _, w := range c.inv.Workloads {
		pods := make(map[string]name)
		for _, p := range w.PodSpecs {
			sa := p.ServiceAccountName
			if sa == "" {
				sa = p.DeprecatedServiceAccount
			}
			if sa == "" {
				sa = "default"
			}
			if len(w.PodSpecs) == 1 && w.ServiceAccount != "" {
				sa = w.ServiceAccount
			}
			pods[p.Path.String()] = name{w.Ref.Namespace, sa}
		}
		if len(pods) == 0 && w.ServiceAccount != "" {
			pods[""] = name{w.Ref.Namespace, w.ServiceAccount}
		}
		m.runs[refKey(w.Ref)] = pods
	}
	for _, sa := range c.inv.ServiceAccounts {
		if email := strings.ToLower(strings.TrimSpace(sa.Annotations[AccountAnnotation])); email != "" {
			key := name{sa.Ref.Namespace, sa.Ref.Name}
			m.annotated[key] = append(m.annotated[key], email)
		}
	}
	for _, a := range c.inv.Accounts {
		for _, b := range a.Bindings {
			for _, member := range b.Members {
				if p, ok := ParsePrincipal(member); ok && (b.Role == RoleWorkloadIdentityUser || b.Role == RoleTokenCreator) {
					m.granted[p.Namespace] = append(m.granted[p.Namespace], modelGrant{p, strings.ToLower(a.Email)})
				}
			}
		}
	}
	return m
}

// carryOut makes the plan's changes in the model.
func (c *check) carryOut(m *model) {
	for _, move := range c.plan.Moves {
		for _, e := range move.Edits {
			object := name{e.Object.Namespace, e.Object.Name}
			field := e.Field.String()
			value, _ := e.Value.(string)
			switch {
			case e.Object.Kind == "ServiceAccount" && e.Op == OpCreate:
				content, _ := e.Value.(map[string]any)
				metadata, _ := content["metadata"].(map[string]any)
				annotations, _ := metadata["annotations"].(map[string]any)
				if email, ok := annotations[AccountAnnotation].(string); ok {
					m.annotated[object] = append(m.annotated[object], strings.ToLower(email))
				}
			case e.Object.Kind == "ServiceAccount" && e.Op == OpSet && strings.Contains(field, AccountAnnotation):
				m.annotated[object] = []string{strings.ToLower(value)}
			case refKey(e.Object) == refKey(move.Workload) && e.Op == OpSet && c.namesAccount(move, field):
				for path := range m.runs[refKey(move.Workload)] {
					if path == "" || strings.HasPrefix(field, path+".") || len(m.runs[refKey(move.Workload)]) == 1 {
						m.runs[refKey(move.Workload)][path] = name{move.ServiceAccount.Namespace, value}
					}
				}
			}
		}
		for _, g := range move.Grants {
			if p, ok := ParsePrincipal(g.Member); ok && g.Role == RoleWorkloadIdentityUser {
				m.granted[p.Namespace] = append(m.granted[p.Namespace], modelGrant{p, strings.TrimPrefix(g.Resource, AccountResource(""))})
			}
		}
	}
}

// namesAccount says whether the field is where the workload's service account is written.
func (c *check) namesAccount(m Move, field string) bool {
	if strings.HasSuffix(field, ".serviceAccountName") {
		return true
	}
	return slices.ContainsFunc(c.pods[refKey(m.Workload)], func(p scanner.PodSpec) bool {
		return len(p.AccountField) > 0 && p.AccountField.String() == field
	})
}

// acts are the accounts of the service accounts that a workload runs under. Sure are those of annotations and of grants of
// any pool that was seen for the workload; possible are those of grants in any pool.
func (m *model) acts(ref scanner.Ref, pools []string) (sure, possible []string) {
	for _, ksa := range m.runs[ref] {
		sure = append(sure, m.annotated[ksa]...)
		possible = append(possible, m.annotated[ksa]...)
		for _, g := range slices.Concat(m.granted[ksa.namespace], m.granted[""]) {
			if !g.principal.Covers(Principal{Pool: g.principal.Pool, Number: g.principal.Number, Namespace: ksa.namespace, Name: ksa.name}) {
				continue
			}
			possible = append(possible, g.email)
			if slices.Contains(pools, g.principal.Pool) {
				sure = append(sure, g.email)
			}
		}
	}
	return sorted(sure), sorted(possible)
}

// identities: nobody can act after the plan as somebody new, unless access says so and a notice names it; nobody loses one.
func (c *check) identities() {
	now, then := c.model(), c.model()
	c.carryOut(then)
	c.selves(now, then)
	pools := c.poolsSeen()
	refs := make(map[scanner.Ref]scanner.Ref)
	for _, w := range c.inv.Workloads {
		refs[refKey(w.Ref)] = w.Ref
	}
	for _, f := range c.inv.Findings {
		if _, known := refs[refKey(f.Workload)]; !known {
			refs[refKey(f.Workload)] = f.Workload
		}
	}
	rows := make(map[scanner.Ref]Access)
	for _, a := range c.plan.Access {
		rows[refKey(a.Workload)] = a
	}
	for key, ref := range refs {
		if !canAct(ref) {
			continue
		}
		had, keeps := c.keysOf(key)
		sure, possible := now.acts(key, pools[key])
		afterSure, afterPossible := then.acts(key, pools[key])
		if move := c.moves[key]; move != nil && move.Model == Impersonation && c.actsElsewhere(key) {
			afterSure, afterPossible = append(afterSure, move.Account), append(afterPossible, move.Account)
		}
		before := span{sorted(slices.Concat(had, sure)), sorted(slices.Concat(had, possible))}
		after := span{sorted(slices.Concat(keeps, afterSure)), sorted(slices.Concat(keeps, afterPossible))}
		row := rows[key]
		c.compare(ref, "before", before, row.Before)
		c.compare(ref, "after", after, row.After)
		c.gains(ref, row)
		c.losses(key, ref, row)
	}
}

type span struct{ sure, possible []string }

// compare: what the plan says lies between what is sure and what is possible.
func (c *check) compare(ref scanner.Ref, side string, s span, says []string) {
	for _, email := range s.sure {
		if !slices.Contains(says, email) {
			c.fail("access", ref, "%s leaves out %s", side, email)
		}
	}
	for _, email := range says {
		if !slices.Contains(s.possible, email) {
			c.fail("access", ref, "%s has %s, which nothing shows", side, email)
		}
	}
}

// gains: each has a notice that names it.
func (c *check) gains(ref scanner.Ref, row Access) {
	for _, email := range row.After {
		if slices.Contains(row.Before, email) {
			continue
		}
		notices := slices.Clone(c.plan.Notices)
		notices = slices.DeleteFunc(notices, func(n Notice) bool { return n.Object == nil || refKey(*n.Object) != refKey(ref) })
		if m := c.moves[refKey(ref)]; m != nil {
			notices = append(notices, m.Notices...)
		}
		named := slices.ContainsFunc(notices, func(n Notice) bool {
			switch n.Code {
			case NoticeAccountAsserted, NoticeAnswered, NoticeSplitAccount, NoticeControllerIdentity:
				return strings.Contains(n.Text, email)
			}
			return false
		})
		if !named {
			c.fail("gained", ref, "%s, and no notice names it", email)
		}
	}
}

// losses: none, but the old account of a split, one that an answer gives up, and the account whose roles the service account
// itself gets.
func (c *check) losses(key, ref scanner.Ref, row Access) {
	for _, email := range row.Before {
		if slices.Contains(row.After, email) {
			continue
		}
		m := c.moves[key]
		switch {
		case m == nil:
			c.fail("lost", ref, "%s, and it does not move", email)
		case m.Model == Direct && email == m.Account:
		case m.Account != email && slices.ContainsFunc(c.plan.Accounts, func(a NewAccount) bool { return a.Email == m.Account && refKey(a.For) == key }):
		case slices.ContainsFunc(m.Notices, func(n Notice) bool {
			return n.Code == NoticeAnswered && strings.HasPrefix(n.Text, HoldServiceAccountClaimed)
		}):
		default:
			c.fail("lost", ref, "%s", email)
		}
	}
}

// index reads the inventory's lists once.
func (c *check) index() {
	c.pods = make(map[scanner.Ref][]scanner.PodSpec)
	for _, w := range c.inv.Workloads {
		c.pods[refKey(w.Ref)] = append(c.pods[refKey(w.Ref)], w.PodSpecs...)
	}
	c.byWorkload = make(map[scanner.Ref][]scanner.Finding)
	for _, f := range c.inv.Findings {
		c.byWorkload[refKey(f.Workload)] = append(c.byWorkload[refKey(f.Workload)], f)
	}
	c.dead, c.owner = make(map[string]bool), make(map[string]string)
	for _, f := range c.inv.KeyFacts {
		switch f.Verdict {
		case scanner.VerdictDeletedKey, scanner.VerdictDeletedAccount, scanner.VerdictDisabled, scanner.VerdictExpired, scanner.VerdictForeign:
			c.dead[f.Key] = true
		}
	}
	for _, k := range c.inv.Keys {
		if k.Type == scanner.TypeServiceAccount {
			c.owner[k.ID] = strings.ToLower(k.Email)
		}
	}
	c.definitions = make(map[name][]scanner.ServiceAccount)
	for _, sa := range c.inv.ServiceAccounts {
		key := name{sa.Ref.Namespace, sa.Ref.Name}
		c.definitions[key] = append(c.definitions[key], sa)
	}
	c.roles = make(map[name][]scanner.RoleBinding)
	for _, b := range c.inv.RoleBindings {
		for _, s := range b.Subjects {
			key := name{s.Namespace, s.Name}
			if s.Namespace == "" {
				key.namespace = b.Ref.Namespace
			}
			if s.Kind == "User" {
				parts := strings.Split(s.Name, ":")
				if len(parts) != 4 || parts[0] != "system" || parts[1] != "serviceaccount" {
					continue
				}
				key = name{parts[2], parts[3]}
			}
			if s.Kind == "User" || s.Kind == "ServiceAccount" {
				c.roles[key] = append(c.roles[key], b)
			}
		}
	}
}

// keysOf are the accounts of the keys wired to a workload, before and after. Keys that were not read, or are known to be
// dead or somebody else's, give nobody access.
func (c *check) keysOf(key scanner.Ref) (before, after []string) {
	for _, f := range c.findingsOf(key) {
		email := c.owner[f.Key]
		if f.Via == scanner.ImagePull || email == "" || c.dead[f.Key] {
			continue
		}
		before = append(before, email)
		if c.moves[key] == nil || !slices.Contains(c.moves[key].Findings, f.ID) {
			after = append(after, email)
		}
	}
	return before, after
}

func (c *check) findingsOf(key scanner.Ref) []scanner.Finding {
	return c.byWorkload[key]
}

// actsElsewhere says whether the object's references are used under another object's service account.
func (c *check) actsElsewhere(key scanner.Ref) bool {
	return slices.ContainsFunc(c.findingsOf(key), func(f scanner.Finding) bool { return f.Identity != nil && f.Identity.Name != "" })
}

// poolsSeen are the pools of the clusters that each workload was seen in.
func (c *check) poolsSeen() map[scanner.Ref][]string {
	bySource := make(map[string]string)
	for _, cluster := range c.inv.Clusters {
		for _, id := range []string{cluster.ID, cluster.Source} {
			if id != "" && cluster.Pool != "" {
				bySource[id] = cluster.Pool
			}
		}
	}
	pools := make(map[scanner.Ref][]string)
	for _, w := range c.inv.Workloads {
		for _, o := range w.Origins {
			if p := bySource[o.Source]; p != "" {
				pools[refKey(w.Ref)] = append(pools[refKey(w.Ref)], p)
			}
		}
	}
	return pools
}
