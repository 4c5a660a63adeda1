package runbook

import (
	"slices"

	"dekey/planner"
	"dekey/scanner"
)

// Questions are what the scripts of a plan ask, for whoever asks the same in another way. Each list is in the order of the
// scripts.
type Questions struct {
	// Clusters are those that a context reaches. Context is the one that the scripts use; Project, Location and Name are "" where
	// the plan does not say which GKE cluster it is.
	Clusters []planner.ClusterRef
	Moves    []MoveQuestions
	// Keys are those whose possession is proven before the first grant, with the project that commands about them name.
	Keys []scanner.Key
	// Grants are all bindings, each once: those of new accounts, then those of moves.
	Grants   []GrantQuestions
	Accounts []planner.NewAccount
	Retirees []Retiree
}

// MoveQuestions are what the scripts ask about one move.
type MoveQuestions struct {
	planner.Move
	// On are the clusters where its workload may run, by their place in Questions.Clusters.
	On []int
	// Email is what the new service account is annotated with: "" in the direct model.
	Email string
	// PodSpec is where the pod spec stands; nil where that is not known. Scheduled is the same where it may lie in a list too.
	PodSpec, Scheduled scanner.Path
	// Words are the key's wiring in the pod spec that goes, as lines of Words.
	Words []string
	// Fields are other fields that go.
	Fields []scanner.Path
	// Unsaid is what no script can ask.
	Unsaid []string
	// Carries are the names of what the new service account gets of the old one, or may do without: pull secrets, annotations,
	// and bindings as KIND/NAMESPACE/NAME.
	Carries []string
}

// GrantQuestions are what the scripts ask about one binding.
type GrantQuestions struct {
	planner.Grant
	For []string // workloads, or the new account
}

// Ask gives the questions of a plan. The error is that of Files.
func Ask(plan planner.Plan) (Questions, error) {
	j, err := newJob(plan)
	if err != nil {
		return Questions{}, err
	}
	q := Questions{Accounts: plan.Accounts}
	for _, c := range j.clusters {
		q.Clusters = append(q.Clusters, c.ClusterRef)
	}
	for _, m := range plan.Moves {
		q.Moves = append(q.Moves, j.ask(m))
	}
	for _, key := range j.provenKeys() {
		key.Project = j.accountProject(key.Email, key.Project)
		q.Keys = append(q.Keys, key)
	}
	for _, b := range j.bindings() {
		q.Grants = append(q.Grants, GrantQuestions{b.Grant, b.who})
	}
	q.Retirees, err = Retirees(plan)
	return q, err
}

func (j *job) ask(m planner.Move) MoveQuestions {
	q := MoveQuestions{Move: m, Email: m.Account}
	if m.Model == planner.Direct {
		q.Email = ""
	}
	for i, c := range j.clusters {
		if j.runsIn(m, c) {
			q.On = append(q.On, i)
		}
	}
	w := j.wiring(m)
	q.Words, q.Unsaid, q.Fields = w.words, w.unsaid, w.paths
	spec := podSpec(m)
	if w.spec != "" {
		q.PodSpec = spec
	}
	if path, ok := jsonPath(spec); ok && path != "" {
		q.Scheduled = spec
	}
	c := carries(m)
	q.Carries = slices.Concat(c.pullSecrets, c.annotations, c.bindings)
	return q
}

// Bound says whether a policy has the binding of a grant, in either spelling of its member.
func (q Questions) Bound(g planner.Grant, policy []scanner.Binding) bool {
	want, isPrincipal := planner.ParsePrincipal(g.Member)
	for _, c := range q.Clusters {
		if c.Pool == want.Pool && want.Number == "" {
			want.Number = c.ProjectNumber
		}
	}
	for _, b := range policy {
		if b.Role != g.Role || b.Condition != g.Condition || b.Title != g.Title {
			continue
		}
		for _, member := range b.Members {
			if p, ok := planner.ParsePrincipal(member); member == g.Member || isPrincipal && ok && want.Name != "" && p.Same(want) {
				return true
			}
		}
	}
	return false
}
