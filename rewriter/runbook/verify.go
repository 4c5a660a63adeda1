package runbook

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"dekey/planner"
	"dekey/scanner"
	"dekey/scanner/object"
)

const aboutVerify = `2-verify.sh: after the merge. Is each workload really keyless? It only reads, and prints no token.
The cut-over of each workload is written to evidence/ when it is first seen: the soak counts from there.
runbook/probe.yaml asks the four questions that only a pod can answer; it is for people to apply.`

// verifyScript is 2-verify.sh.
func (j *job) verifyScript() (string, error) {
	s := &script{}
	s.line("main() {\n  verify=$(turn verify)\n  check_evidence")
	if len(j.plan.Moves) == 0 {
		s.line("  say 'this changeset moves nothing'\n}\n\nmain")
		return s.whole(j.plan.ID, aboutVerify, "common")
	}
	if len(j.clusters) == 0 {
		for _, move := range j.plan.Moves {
			s.call("  ", "say", "missing: the cluster of "+move.Workload.String()+", to see that its pods run as "+
				move.ServiceAccount.Name+" without the key")
		}
		s.line("  stop 'the plan knows no cluster, so nothing can be verified: plan again with --cluster PROJECT/LOCATION/NAME'\n}\n\nmain")
		return s.whole(j.plan.ID, aboutVerify, "common", "cluster", "verify")
	}
	for _, c := range j.clusters {
		moves := slices.DeleteFunc(slices.Clone(j.plan.Moves), func(m planner.Move) bool { return !j.runsIn(m, c) })
		if len(moves) == 0 {
			continue
		}
		s.line("")
		s.comment("  ", "The cluster "+cmp.Or(c.ID, c.Context)+".")
		j.clusterCheck(s, c)
		s.line("  autopilot_%s=$autopilot", id(c.Context))
	}
	for _, move := range j.plan.Moves {
		clusters := j.clustersOf(move)
		s.line("")
		s.call("  ", "begin_consumer", moveID(move), move.Workload.String())
		if len(clusters) == 0 {
			s.call("  ", "no", "the plan does not know its cluster: plan again with --cluster PROJECT/LOCATION/NAME")
		}
		for _, g := range move.Grants {
			s.WriteString("  " + Line([]string{"check_binding", g.Resource, g.Role, g.Member, j.otherSpelling(g.Member), g.Title, g.Condition}) + " \\\n")
			s.call("    ", AddBinding(g)...)
		}
		for _, c := range clusters {
			s.line("  autopilot=$autopilot_%s", id(c.Context))
			j.verifyMove(s, move, c)
		}
		s.line("  end_consumer")
	}
	s.line("\n  if ((failures > 0)); then stop \"$failures of the workloads above are not verified\"; fi")
	s.line("  say 'Every workload is verified: 3-disable.sh, when the soak is over.'\n}\n\nmain")
	return s.whole(j.plan.ID, aboutVerify, "common", "cluster", "policy", "verify")
}

// verifyMove asks one cluster about one workload.
func (j *job) verifyMove(s *script, m planner.Move, c target) {
	account := m.Account
	if m.Model == planner.Direct {
		account = ""
	}
	sa := m.ServiceAccount
	s.call("  ", "check_account", c.Context, sa.Namespace, sa.Name, account)
	w := j.wiring(m)
	name := []string{c.Context, m.Workload.Namespace, Resource(m.Workload), m.Workload.Name}
	if w.spec != "" {
		s.call("  ", slices.Concat([]string{"check_template"}, name, []string{w.spec, sa.Name}, w.words)...)
		s.call("  ", slices.Concat([]string{"check_pods"}, name, []string{sa.Name}, w.words)...)
	}
	if len(w.fields) > 0 {
		s.call("  ", slices.Concat([]string{"check_fields"}, name, w.fields)...)
	}
	for _, what := range w.unsaid {
		s.call("  ", "say", "not checked: "+what)
	}
}

// wiring is what a move takes out of its workload, as 2-verify.sh looks for it.
type wiring struct {
	spec   string         // the pod spec as a Go template's field: .spec.template.spec, or ""
	words  []string       // of the pod spec: see pod_words in lib/verify.sh
	fields []string       // other fields, for kubectl's jsonpath
	paths  []scanner.Path // the same
	unsaid []string       // what neither can say
}

func (j *job) wiring(m planner.Move) wiring {
	var w wiring
	spec := podSpec(m)
	if !slices.ContainsFunc(spec, func(s object.Step) bool { return s.Key == "" }) {
		w.spec, _ = jsonPath(spec)
	}
	for _, edit := range m.Edits {
		if edit.Op != planner.OpRemove || edit.Object.Compare(m.Workload) != 0 {
			continue
		}
		last := edit.Field[len(edit.Field)-1]
		if last.Key == "serviceAccount" {
			continue // the API server fills the deprecated spelling in
		}
		if w.spec != "" && edit.Field.HasPrefix(spec) {
			words := j.podWords(m, edit.Field[len(spec):])
			if len(words) > 0 {
				w.words = append(w.words, words...)
				continue
			}
		}
		field, ok := jsonPath(edit.Field)
		if !ok || slices.ContainsFunc(edit.Field, func(s object.Step) bool { return s.Key == "" && s.By == "" }) {
			w.unsaid = append(w.unsaid, "that "+edit.Field.String()+" of "+m.Workload.String()+" is gone")
			continue
		}
		if last.By != "" {
			field += "." + last.By
		}
		w.fields, w.paths = append(w.fields, field), append(w.paths, edit.Field)
	}
	slices.Sort(w.words)
	w.words = slices.Compact(w.words)
	return w
}

// podWords are the lines of pod_words that a removed field of a pod spec stands in.
func (j *job) podWords(m planner.Move, field scanner.Path) []string {
	if len(field) < 2 || field[1].By != "name" {
		return nil
	}
	name := field[1].Value
	var words []string
	add := func(parts ...string) {
		word := strings.Join(parts, " ")
		if word == visible(word) {
			words = append(words, word)
		}
	}
	switch field[0].Key {
	case "volumes":
		switch last := field[len(field)-1]; {
		case len(field) == 2:
			add("volume", name)
		case len(field) == 5 && field[3].Key == "sources":
			for _, f := range j.findingsOf(m, "") {
				add("source", name, f.Secret.Name)
			}
		case field[len(field)-2].Key == "items" && last.By == "key":
			add("item", name, last.Value)
		case field[len(field)-2].Key == "items":
			for _, f := range j.findingsOf(m, "") {
				if f.Secret.Entry != "" {
					add("item", name, f.Secret.Entry)
				}
			}
		}
	case "containers", "initContainers", "ephemeralContainers":
		if len(field) != 4 {
			return nil
		}
		switch last := field[3]; field[2].Key {
		case "env":
			if last.By == "name" {
				add("env", name, last.Value)
			}
		case "volumeMounts":
			if last.By == "mountPath" {
				add("mount", name, last.Value)
			}
		case "envFrom":
			for _, f := range j.findingsOf(m, name) {
				if f.Via == scanner.EnvFrom {
					add("envFrom", name, f.Secret.Name)
				}
			}
		case "args", "command":
			for _, f := range j.findingsOf(m, name) {
				if f.Via == scanner.ArgFile && f.Named != "" {
					quoted := strconv.Quote(f.Named)
					add("arg", name, quoted[:len(quoted)-1])
				}
			}
		}
	}
	return words
}

// findingsOf are a move's findings, of one container or ("") all.
func (j *job) findingsOf(m planner.Move, container string) []planner.PlannedFinding {
	var list []planner.PlannedFinding
	for _, f := range j.plan.Findings {
		if slices.Contains(m.Findings, f.ID) && (container == "" || f.Container == container) {
			list = append(list, f)
		}
	}
	return list
}
