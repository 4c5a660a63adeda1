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
	serviceAccount := func(name string, more map[string]any) map[string]any {
		o := map[string]any{"kind": "ServiceAccount", "metadata": map[string]any{"name": name, "namespace": "shop"}}
		for key, value := range more {
			o[key] = value
		}
		return o
	}
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
	return []doubt{
		{step, "the kubeconfig has no such context", begun, precondition.CodeCluster, cloudly(func(c *cloud) { delete(c.Servers, shopCTX) })},
		{step, "the kubeconfig can not be read", begun, precondition.CodeCluster, unreadable("config view")},
		{step, "another cluster behind the context", begun, precondition.CodeCluster, cloudly(func(c *cloud) { c.Servers[shopCTX] = "https://198.51.100.1" })},
		{step, "the cluster is gone", begun, precondition.CodeCluster, cloudly(func(c *cloud) { delete(c.Clusters, shopGKE) })},
		{step, "the cluster can not be read", begun, precondition.CodeCluster, unreadable("clusters describe")},
		{step, "another pool", begun, precondition.CodeCluster, cloudly(func(c *cloud) { c.Clusters[shopGKE].Pool = "other.svc.id.goog" })},
		{step, "no pool", begun, precondition.CodeCluster, cloudly(func(c *cloud) { c.Clusters[shopGKE].Pool = "" })},
		{step, "the API is off", begun, precondition.CodeAPI, cloudly(func(c *cloud) { c.APIs = nil })},
		{step, "the APIs can not be read", begun, precondition.CodeAPI, unreadable("services list")},
		{step, "a node pool with the node's metadata", begun, precondition.CodeNodes, cloudly(func(c *cloud) { c.Clusters[shopGKE].NodePools["old"] = "GCE_METADATA" })},
		{step, "a node pool that says nothing", begun, precondition.CodeNodes, cloudly(func(c *cloud) { c.Clusters[shopGKE].NodePools["old"] = "" })},
		{step, "the workload selects nodes with the metadata server", begun, "", selects("iam.gke.io/gke-metadata-server-enabled", "true")},
		{step, "the workload selects the good node pool", begun, "", selects("cloud.google.com/gke-nodepool", "main")},
		{step, "the workload selects the old node pool", begun, precondition.CodeNodes, selects("cloud.google.com/gke-nodepool", "old")},
		{step, "an old node pool on Autopilot", begun, "", cloudly(func(c *cloud) {
			c.Clusters[shopGKE].Autopilot = true
			c.Clusters[shopGKE].NodePools["old"] = ""
		})},
		{step, "the name is somebody's", begun, precondition.CodeNameFree, cloudly(func(c *cloud) { c.Objects[shopCTX] = append(c.Objects[shopCTX], serviceAccount("api", nil)) })},
		{step, "the name is there as the changeset makes it", begun, "", cloudly(func(c *cloud) { c.Objects[shopCTX] = append(c.Objects[shopCTX], newAccount()) })},
		{step, "a pull secret that nobody saw", begun, precondition.CodeCarried, cloudly(func(c *cloud) {
			c.Objects[shopCTX][3]["imagePullSecrets"] = []any{map[string]any{"name": "registry"}, map[string]any{"name": "more"}}
		})},
		{step, "an annotation that nobody saw", begun, precondition.CodeCarried, annotate("eks.amazonaws.com/role-arn")},
		{step, "an annotation that a tool writes", begun, "", annotate("meta.helm.sh/release-name")},
		{step, "a role binding that nobody saw", begun, precondition.CodeCarried, binding("RoleBinding", "far", "extra", subject("ServiceAccount", "shop", "default"))},
		{step, "a role binding that has the new one too", begun, "", binding("RoleBinding", "far", "extra", subject("ServiceAccount", "shop", "default"), subject("ServiceAccount", "shop", "api"))},
		{step, "a cluster role binding by user name", begun, precondition.CodeCarried, binding("ClusterRoleBinding", "", "admin", subject("User", "", "system:serviceaccount:shop:default"))},
		{step, "a role binding of a service account elsewhere", begun, "", binding("RoleBinding", "far", "extra", subject("ServiceAccount", "far", "default"))},
		{step, "another account's key", begun, precondition.CodePossession, cloudly(func(c *cloud) { theKey(c).PEM = keyPairs()[1].pem })},
		{step, "garbage for a public key", begun, precondition.CodePossession, cloudly(func(c *cloud) { theKey(c).PEM = "garbage" })},
		{step, "the key is deleted", begun, precondition.CodePossession, cloudly(func(c *cloud) { c.Accounts[account].Keys = c.Accounts[account].Keys[:1] })},
		{step, "the key is disabled", begun, precondition.CodePossession, cloudly(func(c *cloud) { theKey(c).Disabled = true })},
		{step, "the key has expired", begun, precondition.CodePossession, cloudly(func(c *cloud) { theKey(c).Expires = "2020-01-01T00:00:00Z" })},
		{step, "the account is gone", begun, precondition.CodePossession, cloudly(func(c *cloud) { delete(c.Accounts, account) })},
		{step, "the keys can not be read", begun, precondition.CodePossession, unreadable("keys list")},
		{step, "the policy can not be read", begun, precondition.CodePolicy, unreadable("get-iam-policy")},
		{step, "a proven key that is disabled since", granted, "", cloudly(func(c *cloud) { theKey(c).Disabled = true })},
		{step, "an edited record", granted, precondition.CodeEvidence, spoil("granted-")},
		{step, "an edited record of a possession", granted, precondition.CodeEvidence, spoil("possession-")},
	}
}

func verifyDoubts() []doubt {
	const step = precondition.Verify
	key := map[string]any{"name": "key", "secret": map[string]any{"secretName": "api-key"}}
	inTemplate := func(change func(spec map[string]any)) func(*place) {
		return cloudly(func(c *cloud) { c.edit("Deployment", "api", func(o map[string]any) { change(templateOf(o)) }) })
	}
	container := func(spec map[string]any) map[string]any { return spec["containers"].([]any)[0].(map[string]any) }
	add := func(make func() map[string]any) func(*place) {
		return cloudly(func(c *cloud) { c.Objects[shopCTX] = append(c.Objects[shopCTX], make()) })
	}
	return []doubt{
		{step, "another cluster behind the context", merged, precondition.CodeCluster, cloudly(func(c *cloud) { c.Servers[shopCTX] = "https://198.51.100.1" })},
		{step, "the grant is gone", merged, precondition.CodeGrant, cloudly(func(c *cloud) { c.Accounts[account].Policy = nil })},
		{step, "the grant in the other spelling", merged, "", cloudly(func(c *cloud) {
			c.Accounts[account].Policy = []policyBinding{{Role: planner.RoleWorkloadIdentityUser, Members: []string{planner.Principal{Pool: pool, Number: "123456789012", Namespace: "shop", Name: "api"}.URI()}}}
		})},
		{step, "the grant for another pool's number", merged, precondition.CodeGrant, cloudly(func(c *cloud) {
			c.Accounts[account].Policy = []policyBinding{{Role: planner.RoleWorkloadIdentityUser, Members: []string{planner.Principal{Pool: pool, Number: "999", Namespace: "shop", Name: "api"}.URI()}}}
		})},
		{step, "the grant under a condition", merged, precondition.CodeGrant, cloudly(func(c *cloud) {
			c.Accounts[account].Policy = []policyBinding{{Role: planner.RoleWorkloadIdentityUser, Members: []string{member}, Condition: &condition{"until", "false"}}}
		})},
		{step, "the policy can not be read", merged, precondition.CodeGrant, unreadable("get-iam-policy")},
		{step, "no service account", merged, precondition.CodeServiceAccount, cloudly(func(c *cloud) {
			c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool {
				return o["kind"] == "ServiceAccount" && o["metadata"].(map[string]any)["name"] == "api"
			})
		})},
		{step, "a service account without annotation", merged, precondition.CodeServiceAccount, cloudly(func(c *cloud) {
			c.edit("ServiceAccount", "api", func(o map[string]any) { delete(o["metadata"].(map[string]any), "annotations") })
		})},
		{step, "a service account of another account", merged, precondition.CodeServiceAccount, cloudly(func(c *cloud) {
			c.edit("ServiceAccount", "api", func(o map[string]any) {
				o["metadata"].(map[string]any)["annotations"] = map[string]any{planner.AccountAnnotation: "x@acme.iam.gserviceaccount.com"}
			})
		})},
		{step, "the workload is gone", merged, precondition.CodeWorkload, cloudly(func(c *cloud) {
			c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool { return o["kind"] == "Deployment" })
		})},
		{step, "the volume is left", merged, precondition.CodeWorkload, inTemplate(func(spec map[string]any) { spec["volumes"] = []any{key} })},
		{step, "the variable is left", merged, precondition.CodeWorkload, inTemplate(func(spec map[string]any) {
			container(spec)["env"] = []any{map[string]any{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/x"}}
		})},
		{step, "the flag is left", merged, precondition.CodeWorkload, inTemplate(func(spec map[string]any) { container(spec)["args"] = []any{"--credentials-file=/x"} })},
		{step, "a longer flag", merged, "", inTemplate(func(spec map[string]any) { container(spec)["args"] = []any{"--credentials-file-ttl=5m"} })},
		{step, "an argument with quotes and newlines", merged, "", inTemplate(func(spec map[string]any) { container(spec)["args"] = []any{"a\"b\nc\\"} })},
		{step, "the old service account in the template", merged, precondition.CodeWorkload, inTemplate(func(spec map[string]any) { spec["serviceAccountName"] = "default" })},
		{step, "no service account in the template", merged, precondition.CodeWorkload, inTemplate(func(spec map[string]any) { delete(spec, "serviceAccountName") })},
		{step, "an old pod runs on", merged, precondition.CodePods, add(func() map[string]any { return podObject("api-1", false) })},
		{step, "an old pod has ended", merged, "", add(func() map[string]any {
			pod := podObject("api-1", false)
			pod["status"] = map[string]any{"phase": "Failed"}
			return pod
		})},
		{step, "a pod under another service account", merged, precondition.CodePods, add(func() map[string]any {
			pod := podObject("api-1", true)
			pod["spec"].(map[string]any)["serviceAccountName"] = "other"
			return pod
		})},
		{step, "somebody else's pod", merged, "", add(func() map[string]any {
			pod := podObject("web-1", false)
			pod["metadata"].(map[string]any)["labels"] = map[string]any{"app": "web"}
			return pod
		})},
		{step, "a node with the node's metadata server", merged, precondition.CodePodNodes, cloudly(func(c *cloud) {
			c.edit("Node", "node-1", func(o map[string]any) { o["metadata"] = map[string]any{"name": "node-1"} })
		})},
		{step, "such a node on Autopilot", merged, "", cloudly(func(c *cloud) {
			c.edit("Node", "node-1", func(o map[string]any) { o["metadata"] = map[string]any{"name": "node-1"} })
			c.Clusters[shopGKE].Autopilot = true
		})},
		{step, "a node that is gone", merged, precondition.CodePodNodes, cloudly(func(c *cloud) {
			c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool { return o["kind"] == "Node" })
		})},
		{step, "undone after it was verified", verified, precondition.CodePods, cloudly(unmerge)},
		{step, "an edited cut-over", verified, precondition.CodeEvidence, spoil("cutover-")},
	}
}

func disableDoubts() []doubt {
	const step = precondition.Disable
	return []doubt{
		{step, "another cluster behind the context", soaked, precondition.CodeCluster, cloudly(func(c *cloud) { c.Servers[shopCTX] = "https://198.51.100.1" })},
		{step, "a lost cut-over", soaked, precondition.CodeCutOver, lose("cutover-")},
		{step, "an edited cut-over", soaked, precondition.CodeEvidence, spoil("cutover-")},
		{step, "an hour too early", verified, precondition.CodeSoak, func(p *place) { p.offset = 14*24*time.Hour - time.Hour; p.seen(time.Now()) }},
		{step, "Google says nothing", soaked, precondition.CodeUnused, cloudly(func(c *cloud) { c.Activity = nil })},
		{step, "the evidence is old", soaked, precondition.CodeUnused, func(p *place) {
			later := p.offset
			p.offset = 0
			p.seen(time.Now())
			p.offset = later
		}},
		{step, "used the day after the cut-over", soaked, "", func(p *place) { p.seen(time.Now().Add(24 * time.Hour)) }},
		{step, "used two days after the cut-over", soaked, precondition.CodeUnused, func(p *place) { p.seen(time.Now().Add(48 * time.Hour)) }},
		{step, "never used", soaked, "", func(p *place) { p.seen(time.Time{}) }},
		{step, "its last use can not be read", soaked, precondition.CodeUnused, unreadable("query-activity")},
		{step, "the keys can not be read", soaked, precondition.CodeKeyState, unreadable("keys list")},
		{step, "the public keys can not be read", soaked, precondition.CodeKeyState, unreadable("get-public-key")},
		{step, "disabled by somebody else", soaked, precondition.CodeKeyState, cloudly(func(c *cloud) { theKey(c).Disabled = true })},
		{step, "deleted by somebody else", soaked, precondition.CodeKeyState, cloudly(func(c *cloud) { c.Accounts[account].Keys = c.Accounts[account].Keys[:1] })},
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
		{step, "enabled since", soakedAgain, precondition.CodeKeyState, cloudly(func(c *cloud) { theKey(c).Disabled = false })},
		{step, "deleted since", soakedAgain, "", cloudly(func(c *cloud) { c.Accounts[account].Keys = c.Accounts[account].Keys[:1] })},
		{step, "the keys can not be read", soakedAgain, precondition.CodeKeyState, unreadable("keys list")},
		{step, "the account is gone", soakedAgain, precondition.CodeKeyState, cloudly(func(c *cloud) { delete(c.Accounts, account) })},
		{step, "an hour too early", disabled, precondition.CodeSoak, func(p *place) { p.offset += 30*24*time.Hour - time.Hour }},
		{step, "a lost export", soakedAgain, precondition.CodeDisabled, lose("export-")},
		{step, "an edited export", soakedAgain, precondition.CodeEvidence, spoil("export-")},
		{step, "a lost record of the disabling", soakedAgain, precondition.CodeDisabled, lose("disabled-")},
		{step, "a lost cut-over", soakedAgain, precondition.CodeCutOver, lose("cutover-")},
		{step, "verified again", soakedAgain, precondition.CodeCutOver, func(p *place) {
			lose("cutover-")(p)
			p.must(0, "keyless", "2-verify.sh")
		}},
		{step, "rolled back", soakedAgain, precondition.CodeDisabled, func(p *place) { p.must(0, "are enabled", "rollback.sh", "disable") }},
	}
}
