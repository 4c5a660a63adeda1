package runbook_test

import (
	"slices"
	"strings"
	"time"

	"dekey/planner"
	"dekey/rewriter/precondition"
)

// A doubt is one thing that is not as a step needs it, or can not be read.
type doubt struct {
	step, name string
	at         stage
	code       string // the condition that check names; "": the step goes on
	change     func(*place)
}

// cloudly makes a change of a place out of one of its cloud.
func cloudly(change func(*cloud)) func(*place) { return func(p *place) { p.change(change) } }

// unreadable makes every command that contains the words fail.
func unreadable(words string) func(*place) {
	return cloudly(func(c *cloud) { c.FailOn = words })
}

// spoil edits a record.
func spoil(part string) func(*place) {
	return func(p *place) {
		for name, text := range p.evidence() {
			if strings.Contains(name, part) {
				p.write("runbook/evidence/"+name, strings.Replace(text, "epoch: ", "epoch: 1", 1), 0o644)
			}
		}
	}
}

// lose removes a record.
func lose(part string) func(*place) {
	return func(p *place) {
		for name := range p.evidence() {
			if strings.Contains(name, part) {
				p.remove("runbook/evidence/" + name)
			}
		}
	}
}

func theKey(c *cloud) *gsaKey { return c.Accounts[account].Keys[1] }

func doubts() []doubt {
	return slices.Concat(grantDoubts(), verifyDoubts(), disableDoubts(), deleteDoubts())
}

func grantDoubts() []doubt {
	const step = precondition.Grant
	binding := func(kind, namespace, name string, subjects ...any) func(*place) {
		return cloudly(func(c *cloud) {
			metadata := map[string]any{"name": name}
			if namespace != "" {
				metadata["namespace"] = namespace
			}
			c.Objects[shopCTX] = append(c.Objects[shopCTX], map[string]any{"kind": kind, "metadata": metadata, "subjects": subjects})
		})
	}
	subject := func(kind, namespace, name string) any {
		s := map[string]any{"kind": kind, "name": name}
		if namespace != "" {
			s["namespace"] = namespace
		}
		return s
	}
	annotate := func(key string) func(*place) {
		return cloudly(func(c *cloud) {
			c.Objects[shopCTX][3]["metadata"].(map[string]any)["annotations"] = map[string]any{key: "x"}
		})
	}
	selects := func(key, value string) func(*place) {
		return cloudly(func(c *cloud) {
			c.Clusters[shopGKE].NodePools["old"] = "GCE_METADATA"
			c.edit("Deployment", "api", func(o map[string]any) { templateOf(o)["nodeSelector"] = map[string]any{key: value} })
		})
	}
	// lands is an old node pool with a taint, and what the workload's pod spec says of it.
	lands := func(key, value string) func(*place) {
		return cloudly(func(c *cloud) {
			k := c.Clusters[shopGKE]
			k.NodePools["old"], k.PoolTaints = "GCE_METADATA", map[string][]string{"old": {"team=ml:NoSchedule"}}
			c.edit("Deployment", "api", func(o map[string]any) {
				templateOf(o)["tolerations"] = []any{map[string]any{"key": key, "value": value}}
			})
		})
	}
	return []doubt{
		{step, "a taint of the old pool is tolerated", begun, precondition.CodeNodes, lands("team", "ml")},
		{step, "a taint of the old pool is not tolerated", begun, "", lands("team", "web")},
		{step, "the kubeconfig has no such context", begun, precondition.CodeCluster, cloudly(func(c *cloud) { delete(c.Servers, shopCTX) })},
		{step, "the kubeconfig can not be read", begun, precondition.CodeCluster, unreadable("config view")},
		{step, "the cluster is gone", begun, precondition.CodeCluster, cloudly(func(c *cloud) { delete(c.Clusters, shopGKE) })},
		{step, "the cluster can not be read", begun, precondition.CodeCluster, unreadable("clusters describe")},
		{step, "the APIs can not be read", begun, precondition.CodeAPI, unreadable("services list")},
		{step, "a node pool that says nothing", begun, precondition.CodeNodes, cloudly(func(c *cloud) { c.Clusters[shopGKE].NodePools["old"] = "" })},
		{step, "the workload selects nodes with the metadata server", begun, "", selects("iam.gke.io/gke-metadata-server-enabled", "true")},
		{step, "the workload selects the good node pool", begun, "", selects("cloud.google.com/gke-nodepool", "main")},
		{step, "the workload selects the old node pool", begun, precondition.CodeNodes, selects("cloud.google.com/gke-nodepool", "old")},
		{step, "an old node pool on Autopilot", begun, "", cloudly(func(c *cloud) {
			c.Clusters[shopGKE].Autopilot = true
			c.Clusters[shopGKE].NodePools["old"] = ""
		})},
		{step, "the name is there as the changeset makes it", begun, "", cloudly(func(c *cloud) { c.Objects[shopCTX] = append(c.Objects[shopCTX], newAccount()) })},
		{step, "an annotation that a tool writes", begun, "", annotate("meta.helm.sh/release-name")},
		{step, "a role binding that has the new one too", begun, "", binding("RoleBinding", "far", "extra", subject("ServiceAccount", "shop", "default"), subject("ServiceAccount", "shop", "api"))},
		{step, "a role binding of a service account elsewhere", begun, "", binding("RoleBinding", "far", "extra", subject("ServiceAccount", "far", "default"))},
		{step, "the keys can not be read", begun, precondition.CodePossession, unreadable("keys list")},
		{step, "the policy can not be read", begun, precondition.CodePolicy, unreadable("get-iam-policy")},
		{step, "a proven key that is disabled since", granted, "", cloudly(func(c *cloud) { theKey(c).Disabled = true })},
		{step, "an edited record", granted, precondition.CodeEvidence, spoil("granted-")},
		{step, "an edited record of a possession", granted, precondition.CodeEvidence, spoil("possession-")},
	}
}

func verifyDoubts() []doubt {
	const step = precondition.Verify
	inTemplate := func(change func(spec map[string]any)) func(*place) {
		return cloudly(func(c *cloud) { c.edit("Deployment", "api", func(o map[string]any) { change(templateOf(o)) }) })
	}
	container := func(spec map[string]any) map[string]any { return spec["containers"].([]any)[0].(map[string]any) }
	return []doubt{
		{step, "the grant in the other spelling", merged, "", cloudly(func(c *cloud) {
			c.Accounts[account].Policy = []policyBinding{{Role: planner.RoleWorkloadIdentityUser, Members: []string{planner.Principal{Pool: pool, Number: "123456789012", Namespace: "shop", Name: "api"}.URI()}}}
		})},
		{step, "the grant for another pool's number", merged, precondition.CodeGrant, cloudly(func(c *cloud) {
			c.Accounts[account].Policy = []policyBinding{{Role: planner.RoleWorkloadIdentityUser, Members: []string{planner.Principal{Pool: pool, Number: "999", Namespace: "shop", Name: "api"}.URI()}}}
		})},
		{step, "the grant under a condition", merged, precondition.CodeGrant, cloudly(func(c *cloud) {
			c.Accounts[account].Policy = []policyBinding{{Role: planner.RoleWorkloadIdentityUser, Members: []string{member}, Condition: &condition{"until", "false"}}}
		})},
		{step, "a service account without annotation", merged, precondition.CodeServiceAccount, cloudly(func(c *cloud) {
			c.edit("ServiceAccount", "api", func(o map[string]any) { delete(o["metadata"].(map[string]any), "annotations") })
		})},
		{step, "an argument with quotes and newlines", merged, "", inTemplate(func(spec map[string]any) { container(spec)["args"] = []any{"a\"b\nc\\"} })},
		{step, "no service account in the template", merged, precondition.CodeWorkload, inTemplate(func(spec map[string]any) { delete(spec, "serviceAccountName") })},
		{step, "a node that is gone", merged, precondition.CodePodNodes, cloudly(func(c *cloud) {
			c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool { return o["kind"] == "Node" })
		})},
		{step, "undone after it was verified", verified, precondition.CodePods, cloudly(unmerge)},
	}
}

func disableDoubts() []doubt {
	const step = precondition.Disable
	return []doubt{
		{step, "a lost cut-over", soaked, precondition.CodeCutOver, lose("cutover-")},
		{step, "an hour too early", verified, precondition.CodeSoak, func(p *place) { p.offset = 14*24*time.Hour - time.Hour; p.seen(time.Now()) }},
		{step, "the evidence is old", soaked, precondition.CodeUnused, func(p *place) {
			later := p.offset
			p.offset = 0
			p.seen(time.Now())
			p.offset = later
		}},
		{step, "used the day after the cut-over", soaked, "", func(p *place) { p.seen(time.Now().Add(24 * time.Hour)) }},
		{step, "never used", soaked, "", func(p *place) { p.seen(time.Time{}) }},
		{step, "its last use can not be read", soaked, precondition.CodeUnused, unreadable("query-activity")},
		{step, "the keys can not be read", soaked, precondition.CodeKeyState, unreadable("keys list")},
		{step, "the public keys can not be read", soaked, precondition.CodeKeyState, unreadable("get-public-key")},
		{step, "the account is gone", soaked, precondition.CodeKeyState, cloudly(func(c *cloud) { delete(c.Accounts, account) })},
		{step, "cut before the record of the disabling", disabled, "", lose("disabled-")},
		{step, "cut, and disabled by Google", disabled, precondition.CodeKeyState, func(p *place) {
			lose("disabled-")(p)
			p.change(func(c *cloud) { theKey(c).Reason = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_EXPOSED" })
		}},
		{step, "enabled since", disabled, precondition.CodeKeyState, cloudly(func(c *cloud) { theKey(c).Disabled = false })},
		{step, "deleted since", disabled, "", cloudly(func(c *cloud) { c.Accounts[account].Keys = c.Accounts[account].Keys[:1] })},
		{step, "an edited record of the disabling", disabled, precondition.CodeEvidence, spoil("disabled-")},
	}
}

func deleteDoubts() []doubt {
	const step = precondition.Delete
	return []doubt{
		{step, "another cluster behind the context", soakedAgain, precondition.CodeCluster, cloudly(func(c *cloud) { c.Servers[shopCTX] = "https://198.51.100.1" })},
		{step, "deleted since", soakedAgain, "", cloudly(func(c *cloud) { c.Accounts[account].Keys = c.Accounts[account].Keys[:1] })},
		{step, "the keys can not be read", soakedAgain, precondition.CodeKeyState, unreadable("keys list")},
		{step, "the account is gone", soakedAgain, precondition.CodeKeyState, cloudly(func(c *cloud) { delete(c.Accounts, account) })},
		{step, "an hour too early", disabled, precondition.CodeSoak, func(p *place) { p.offset += 30*24*time.Hour - time.Hour }},
		{step, "a lost export", soakedAgain, precondition.CodeDisabled, lose("export-")},
		{step, "a lost record of the disabling", soakedAgain, precondition.CodeDisabled, lose("disabled-")},
		{step, "a lost cut-over", soakedAgain, precondition.CodeCutOver, lose("cutover-")},
		{step, "verified again", soakedAgain, precondition.CodeCutOver, func(p *place) {
			lose("cutover-")(p)
			p.must(0, "keyless", "2-verify.sh")
		}},
	}
}
