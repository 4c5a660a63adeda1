package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/scanner"
)

// binding is one grant of the plan, with who it is for.
type binding struct {
	planner.Grant
	id        string
	who       []string // workloads, or the new account
	namespace string   // of the first
}

// bindings are all grants of the plan in order, each once: first those of new accounts, then those of moves.
func (j *job) bindings() []binding {
	var list []binding
	at := map[string]int{}
	add := func(g planner.Grant, who, namespace string) {
		key := bindingID(g)
		if i, ok := at[key]; ok {
			list[i].who = append(list[i].who, who)
			return
		}
		at[key] = len(list)
		list = append(list, binding{Grant: g, id: key, who: []string{who}, namespace: namespace})
	}
	for _, account := range j.plan.Accounts {
		for _, grant := range account.Grants {
			add(grant, account.Email, account.For.Namespace)
		}
	}
	for _, move := range j.plan.Moves {
		for _, grant := range move.Grants {
			add(grant, move.Workload.String(), move.ServiceAccount.Namespace)
		}
	}
	return list
}

func bindingID(g planner.Grant) string { return id(g.Resource, g.Role, g.Member, g.Condition) }

// otherSpelling is a glob for the second spelling of a member, "" where it has none.
func (j *job) otherSpelling(member string) string {
	p, ok := planner.ParsePrincipal(member)
	if !ok || p.Namespace == "" || p.Name == "" {
		return ""
	}
	if strings.HasPrefix(member, "principal:") {
		return strings.NewReplacer("[", `\[`, "]", `\]`).Replace(p.Member())
	}
	for _, c := range j.plan.Clusters {
		if c.Pool == p.Pool && c.ProjectNumber != "" {
			p.Number = c.ProjectNumber
			return p.URI()
		}
	}
	p.Number = "[0-9]*"
	return p.URI()
}

// project is what commands about an account are charged to.
func (j *job) accountProject(email, project string) string {
	if project != "" {
		return project
	}
	return planner.ProjectOf(email)
}

const aboutGrant = `1-grant.sh: before the merge. Accounts and bindings, and nothing else.
It may be run twice: what is there is left as it is. What was there before, and when each binding was
read back, is written to evidence/, once. Undo: rollback.sh grant`

// grantScript is 1-grant.sh.
func (j *job) grantScript() (string, error) {
	s := &script{}
	s.line("main() {\n  grant=$(turn grant)\n  check_evidence")
	j.clusterChecks(s)
	j.accountChecks(s)
	s.line("")
	s.comment("  ", "Possession of every key whose account gets a grant.")
	for _, key := range j.provenKeys() {
		s.call("  ", "prove", key.Email, j.accountProject(key.Email, key.Project), keyNumber(key.KeyID), key.ID)
	}
	s.line("  stop_if_refused")
	s.line("  record_accounts")
	for _, account := range j.plan.Accounts {
		s.line("")
		s.comment("  ", "A new account for "+account.For.String()+".")
		s.call("  ", "create_account", id(account.Email), account.Email, account.Project, visible(account.DisplayName))
	}
	for _, b := range j.bindings() {
		argv := AddBinding(b.Grant)
		if argv == nil || !Grantable(b.Grant) {
			return "", fmt.Errorf("grant of %s on %s: gcloud has no command for it", b.Role, b.Resource)
		}
		s.line("")
		s.comment("  ", "For "+strings.Join(b.who, ", ")+".")
		s.WriteString("  " + Line([]string{"bind", b.id, b.Resource, b.Role, b.Member, j.otherSpelling(b.Member), b.Title, b.Condition}) + " \\\n")
		s.call("    ", argv...)
	}
	s.line("\n  record \"$grant/done\" 'bindings: %d'", len(j.bindings()))
	s.line("  say 'Everything is granted. Grants take up to seven minutes to be known everywhere: merge after that.'\n}\n\nmain")
	return s.whole(j.plan.ID, aboutGrant, "common", "cluster", "key", "policy", "grant")
}

// clusterChecks make sure that every cluster is the one that the plan means, and is ready.
func (j *job) clusterChecks(s *script) {
	if len(j.clusters) == 0 {
		s.line("")
		for _, unmade := range []string{
			"that the workload pool of the cluster is the one that the grants name",
			"that the API iamcredentials.googleapis.com is on in the project of the cluster",
			"that the nodes have the metadata server of GKE",
			"that the names of new service accounts are free",
			"that old service accounts carry nothing that the new ones do not get",
		} {
			s.call("  ", "say", "not checked, because the plan knows no cluster (--cluster PROJECT/LOCATION/NAME): "+unmade)
		}
		return
	}
	for _, c := range j.clusters {
		s.line("")
		s.comment("  ", "The cluster "+cmp.Or(c.ID, c.Context)+".")
		j.clusterCheck(s, c)
		if c.Name == "" {
			continue
		}
		if j.impersonates(c) {
			s.call("  ", "check_api", c.Project, "iamcredentials.googleapis.com")
		}
		s.call("  ", "list_nodes", c.Project, c.Location, c.Name)
		for _, move := range j.plan.Moves {
			path, ok := jsonPath(podSpec(move))
			if ok && path != "" && j.runsIn(move, c) {
				s.call("  ", "check_nodes", c.Context, move.Workload.Namespace, Resource(move.Workload), move.Workload.Name, path)
			}
		}
	}
}

func (j *job) clusterCheck(s *script, c target) {
	s.call("  ", "check_cluster", c.Project, c.Location, c.Name, c.Context, c.Pool, c.Server)
}

func (j *job) runsIn(m planner.Move, c target) bool {
	return slices.ContainsFunc(j.clustersOf(m), func(o target) bool { return o.ID == c.ID && o.Context == c.Context })
}

func (j *job) impersonates(c target) bool {
	return slices.ContainsFunc(j.plan.Moves, func(m planner.Move) bool {
		return m.Model == planner.Impersonation && j.runsIn(m, c)
	})
}

// accountChecks ask the clusters about the new and the old Kubernetes service accounts.
func (j *job) accountChecks(s *script) {
	seen := map[string]bool{}
	for _, move := range j.plan.Moves {
		if !move.ServiceAccount.Create {
			continue
		}
		for _, c := range j.clustersOf(move) {
			account := move.Account
			if move.Model == planner.Direct {
				account = ""
			}
			sa := move.ServiceAccount
			once := id(c.Context, sa.Namespace, sa.Name)
			if seen[once] {
				continue
			}
			seen[once] = true
			s.line("")
			s.comment("  ", move.Workload.String()+" goes from "+sa.Namespace+"/"+cmp.Or(move.Before, "default")+" to "+sa.Namespace+"/"+sa.Name+".")
			s.call("  ", "check_new_account", once, c.Context, sa.Namespace, sa.Name, account)
			carried := carries(move)
			s.call("  ", "check_old_account", c.Context, sa.Namespace, cmp.Or(move.Before, "default"), sa.Name,
				set(carried.pullSecrets), set(carried.annotations), set(carried.bindings))
		}
	}
}

// carried is what a move's new service account gets of the old one, as the script looks names up.
type carried struct{ pullSecrets, annotations, bindings []string }

func carries(m planner.Move) carried {
	var c carried
	if m.Model == planner.Impersonation {
		c.annotations = append(c.annotations, planner.AccountAnnotation)
	}
	if m.Carried == nil {
		return c
	}
	c.pullSecrets = append(c.pullSecrets, m.Carried.ImagePullSecrets...)
	c.annotations = append(append(c.annotations, m.Carried.Annotations...), m.Carried.Left...)
	for _, ref := range m.Carried.Bindings {
		name := ref.Kind + "/"
		if ref.Namespace != "" && ref.Kind == "RoleBinding" {
			name += ref.Namespace + "/"
		}
		c.bindings = append(c.bindings, name+ref.Name)
	}
	slices.Sort(c.pullSecrets)
	slices.Sort(c.annotations)
	slices.Sort(c.bindings)
	return c
}

// provenKeys are the keys whose possession is proven before the first grant, each once.
func (j *job) provenKeys() []scanner.Key {
	var keys []scanner.Key
	for _, move := range j.plan.Moves {
		keys = append(keys, j.ownerKeys(move)...)
	}
	sortKeys(keys)
	return slices.CompactFunc(keys, func(a, b scanner.Key) bool { return a.ID == b.ID })
}

// keyNumber is a key's id at Google where the file's is one, else "".
func keyNumber(id string) string {
	if len(id) < 8 || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id
}
