package precondition

import (
	"slices"
	"strings"

	"dekey/rewriter/runbook"
)

func (c *checker) verify() {
	c.note("Whether a pod gets a token, and as whom, only the pod can ask: runbook/probe.yaml has the four questions, for people to apply.")
	if len(c.q.Moves) == 0 {
		return
	}
	reached := make([]bool, len(c.q.Clusters))
	for i, at := range c.q.Clusters {
		if slices.ContainsFunc(c.q.Moves, func(m runbook.MoveQuestions) bool { return slices.Contains(m.On, i) }) {
			reached[i] = c.cluster(at)
		}
	}
	for _, m := range c.q.Moves {
		if len(m.On) == 0 {
			c.unknown(CodeClusterKnown, m.Workload.String(), "plan again with --cluster PROJECT/LOCATION/NAME", "the plan does not know its cluster, so nothing shows that its pods run as %s without the key", m.ServiceAccount.Name)
		}
		for _, g := range m.Grants {
			c.stored(g)
		}
		for _, i := range m.On {
			if reached[i] {
				c.verifyMove(i, m)
			}
		}
	}
}

func (c *checker) verifyMove(i int, m runbook.MoveQuestions) {
	context := c.q.Clusters[i].Context
	c.annotated(context, m)
	if m.PodSpec != nil || len(m.Fields) > 0 {
		workload, why := c.one(workloadList(context, m))
		switch {
		case why != "":
			c.unknown(CodeWorkload, m.Workload.String(), "let dekey list "+kindOf(m), "it could not be read in %s: %s", context, why)
		case workload == nil:
			c.no(CodeWorkload, m.Workload.String(), "merge, and let it roll out", "it is not there in %s", context)
		default:
			c.keyless(context, m, workload)
		}
		if m.PodSpec != nil {
			c.pods(i, m, workload)
		}
	}
	for _, what := range m.Unsaid {
		c.unasked(CodeUnasked, m.Workload.String(), "look at the live object", "not checked: %s", what)
	}
}

// annotated asks for the new service account.
func (c *checker) annotated(context string, m runbook.MoveQuestions) {
	sa := m.ServiceAccount
	object := sa.Namespace + "/ServiceAccount/" + sa.Name
	live, why := c.one(accountList(context, sa.Namespace, sa.Name))
	const do = "merge, and let it roll out"
	switch email := annotationOf(live); {
	case why != "":
		c.unknown(CodeServiceAccount, object, "let dekey list serviceaccounts", "it could not be read in %s: %s", context, why)
	case live == nil:
		c.no(CodeServiceAccount, object, do, "it is not there in %s", context)
	case email == m.Email:
		c.yes(CodeServiceAccount, object, "it is annotated for %s in %s", orNone(email, "no account"), context)
	case email == "":
		c.no(CodeServiceAccount, object, do, "it has no annotation in %s, and should be annotated for %s", context, m.Email).Symptom = "email-is-pool"
	default:
		c.no(CodeServiceAccount, object, do, "it is annotated for %s in %s, and should be for %s", email, context, orNone(m.Email, "no account")).Symptom = "email-is-other-account"
	}
}

// keyless asks the workload's own template.
func (c *checker) keyless(context string, m runbook.MoveQuestions, workload map[string]any) {
	const do = "merge, and let it roll out; if it did, something else writes this object"
	fine := true
	if m.PodSpec != nil {
		spec, _ := m.PodSpec.Lookup(workload)
		words := runbook.Words(mapping(spec))
		if len(mapping(spec)) == 0 {
			fine = false
			c.no(CodeWorkload, m.Workload.String(), do, "its pod spec is not there in %s", context)
		} else {
			if runs := words[0]; runs != "serviceAccount "+m.ServiceAccount.Name {
				fine = false
				c.no(CodeWorkload, m.Workload.String(), do, "it runs as %s in %s, and should as %s", strings.TrimPrefix(runs, "serviceAccount "), context, m.ServiceAccount.Name).Symptom = symptomOfAccount(runs)
			}
			if thing := runbook.Wired(words, m.Words); thing != "" {
				fine = false
				c.no(CodeWorkload, m.Workload.String(), do, "it still has the %s in %s", shown(thing), context).Symptom = symptomOfWiring(words, m.Words)
			}
		}
	}
	for _, field := range m.Fields {
		if value, ok := field.Lookup(workload); ok && value != nil && value != "" {
			fine = false
			c.no(CodeWorkload, m.Workload.String(), do, "it still has the field %s in %s", field, context)
		}
	}
	if fine {
		c.yes(CodeWorkload, m.Workload.String(), "nothing of the key's wiring is left in %s", context)
	}
}

// pods asks every pod of the workload that runs.
func (c *checker) pods(i int, m runbook.MoveQuestions, workload map[string]any) {
	context := c.q.Clusters[i].Context
	pods, sure, why := c.podsOf(context, m, workload)
	if why != "" {
		c.unknown(CodePods, m.Workload.String(), "let dekey list pods (and jobs)", "its pods could not be read in %s: %s", context, why)
		return
	}
	const do = "let the rollout end, or replace the pod"
	count, fine := 0, true
	for _, pod := range pods {
		if ended(pod) {
			continue
		}
		words := runbook.Words(mapping(pod["spec"]))
		thing := runbook.Wired(words, m.Words)
		if thing != "" {
			fine = false
			c.no(CodePods, m.Workload.String(), do, "the pod %s still has the %s in %s", nameOf(pod), shown(thing), context).Symptom = symptomOfWiring(words, m.Words)
		}
		if !sure && thing == "" {
			continue // it may be another workload's
		}
		if thing == "" && words[0] != "serviceAccount "+m.ServiceAccount.Name {
			fine = false
			c.no(CodePods, m.Workload.String(), do, "the pod %s runs as %s in %s, and should as %s", nameOf(pod), strings.TrimPrefix(words[0], "serviceAccount "), context, m.ServiceAccount.Name).Symptom = symptomOfAccount(words[0])
		}
		count++
		c.podNode(i, m, pod)
	}
	switch {
	case fine && count == 0 && sure:
		c.yes(CodePods, m.Workload.String(), "no pod of it runs in %s now", context)
	case fine:
		c.yes(CodePods, m.Workload.String(), "%d pods run as %s without the key in %s", count, m.ServiceAccount.Name, context)
	}
}

// podsOf are a workload's pods. Not sure: nothing says which are its own, so all of the namespace are in question.
func (c *checker) podsOf(context string, m runbook.MoveQuestions, workload map[string]any) (pods []map[string]any, sure bool, why string) {
	all, why := c.all(podList(context, m.Workload.Namespace))
	if why != "" {
		return nil, false, why
	}
	of := func(s selector) []map[string]any {
		return slices.DeleteFunc(slices.Clone(all), func(pod map[string]any) bool { return !s.selects(pod) })
	}
	job := func(name string) selector { return selector{labels: map[string]any{"job-name": name}} }
	switch kind := kindOf(m); kind {
	case "pods":
		return slices.DeleteFunc(slices.Clone(all), func(pod map[string]any) bool { return nameOf(pod) != m.Workload.Name }), true, ""
	case "jobs.batch":
		return of(job(m.Workload.Name)), true, ""
	case "cronjobs.batch":
		jobs, why := c.all(jobList(context, m.Workload.Namespace))
		if why != "" {
			return nil, false, why
		}
		for _, j := range jobs {
			for _, owner := range mappings(mapping(j["metadata"])["ownerReferences"]) {
				if owner["kind"] == "CronJob" && owner["name"] == m.Workload.Name {
					pods = append(pods, of(job(nameOf(j)))...)
				}
			}
		}
		return pods, true, ""
	default:
		s := selectorOf(kind, workload)
		if s.empty() {
			return all, false, ""
		}
		return of(s), true, ""
	}
}

// podNode asks whether a pod's node has the metadata server of GKE.
func (c *checker) podNode(i int, m runbook.MoveQuestions, pod map[string]any) {
	at := c.q.Clusters[i]
	name, _ := mapping(pod["spec"])["nodeName"].(string)
	if name == "" || at.Name != "" && c.Facts.Clusters[clusterName(at)].Autopilot {
		return
	}
	nodes, why := c.all(nodeList(at.Context))
	if why != "" {
		c.unknown(CodePodNodes, m.Workload.String(), "let dekey list nodes", "the node %s could not be read in %s: %s", name, at.Context, why)
		return
	}
	n := slices.IndexFunc(nodes, func(node map[string]any) bool { return nameOf(node) == name })
	switch {
	case n < 0:
		c.unknown(CodePodNodes, m.Workload.String(), "ask again: nodes come and go", "the node %s of the pod %s is not among the nodes of %s", name, nameOf(pod), at.Context)
	case !isTrue(mapping(mapping(nodes[n]["metadata"])["labels"])["iam.gke.io/gke-metadata-server-enabled"]):
		c.no(CodePodNodes, m.Workload.String(), "the report's prerequisites have the commands for the node pool", "the pod %s runs on the node %s, whose metadata server is not that of GKE", nameOf(pod), name).Symptom = "email-is-node-account"
	}
}

// symptomOfAccount is what a pod sees under another service account.
func symptomOfAccount(runs string) string {
	if runs == "serviceAccount default" {
		return "default-service-account"
	}
	return "email-is-other-account"
}

// symptomOfWiring is what a pod sees with a part of the key's wiring: a variable without its file stops the client library.
func symptomOfWiring(words, wiring []string) string {
	env, file := false, false
	for _, thing := range wiring {
		if runbook.Wired(words, []string{thing}) == "" {
			continue
		}
		kind, _, _ := strings.Cut(thing, " ")
		env = env || kind == "env" || kind == "arg"
		file = file || kind == "volume" || kind == "mount" || kind == "source" || kind == "item"
	}
	if env && !file {
		return "adc-file-missing"
	}
	return ""
}
