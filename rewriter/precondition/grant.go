package precondition

import (
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/rewriter/runbook"
	"dekey/scanner"
	"dekey/scanner/wiring"
)

func (c *checker) grant() {
	if len(c.q.Clusters) == 0 {
		const do = "plan again with --cluster PROJECT/LOCATION/NAME"
		c.unasked(CodeClusterKnown, "the plan", do, "the plan knows no cluster, so its pool, its API, its nodes and the live service accounts were not looked at")
	}
	reached := make([]bool, len(c.q.Clusters))
	for i, at := range c.q.Clusters {
		if reached[i] = c.cluster(at); reached[i] && at.Name != "" {
			c.api(i)
			c.nodes(i)
		}
	}
	seen := map[List]bool{}
	for _, m := range c.q.Moves {
		for _, i := range m.On {
			if !m.ServiceAccount.Create || !reached[i] {
				continue
			}
			name := accountList(c.q.Clusters[i].Context, m.ServiceAccount.Namespace, m.ServiceAccount.Name)
			if !seen[name] {
				seen[name] = true
				c.nameFree(name, m)
				c.carried(name.Context, m)
			}
		}
	}
	for _, key := range c.q.Keys {
		c.possession(key)
	}
	for _, g := range c.resources() {
		c.policyReadable(g)
	}
}

func (c *checker) api(i int) {
	at := c.q.Clusters[i]
	if !impersonates(c.q, i) {
		return
	}
	object := at.Project + "/" + credentialsAPI
	do := runbook.Line([]string{"gcloud", "services", "enable", credentialsAPI, "--project=" + at.Project})
	switch api, ok := c.Facts.APIs[API{at.Project, credentialsAPI}]; {
	case !ok || api.Why != "":
		c.unknown(CodeAPI, object, "serviceusage.services.get on the project lets dekey read it", "whether the API is on could not be read: %s", unread(api.Why))
	case !api.On:
		c.no(CodeAPI, object, do, "the API is off: pods would get no token")
	default:
		c.yes(CodeAPI, object, "the API is on")
	}
}

// nodes asks whether a workload may land on a node whose metadata server is not GKE's: there it gets the node's identity,
// whatever is granted.
func (c *checker) nodes(i int) {
	at := c.q.Clusters[i]
	facts := c.Facts.Clusters[clusterName(at)]
	if facts.Autopilot {
		c.yes(CodeNodes, clusterName(at), "on Autopilot every node has the metadata server of GKE")
		return
	}
	old := slices.DeleteFunc(slices.Clone(facts.NodePools), func(p scanner.NodePool) bool { return p.MetadataMode == "GKE_METADATA" })
	slices.SortFunc(old, func(a, b scanner.NodePool) int { return strings.Compare(a.Name, b.Name) })
	if len(old) == 0 {
		c.yes(CodeNodes, clusterName(at), "every node pool has the metadata server of GKE")
		return
	}
	const do = "the report's prerequisites have the commands: a new node pool first, then the old one"
	for _, m := range c.q.Moves {
		if m.Scheduled == nil || !slices.Contains(m.On, i) {
			continue
		}
		workload, why := c.one(workloadList(at.Context, m))
		if why != "" {
			c.unknown(CodeNodes, m.Workload.String(), "let dekey list "+kindOf(m), "the workload could not be read: %s", why)
			continue
		}
		spec, _ := m.Scheduled.Lookup(workload)
		fine := true
		for _, pool := range old {
			pool.MetadataMode = "GCE_METADATA" // a pool that says nothing has Compute Engine's server
			if pool.Takes(texts(mapping(spec)["nodeSelector"]), wiring.SchedulingOf(mapping(spec))) {
				fine = false
				c.no(CodeNodes, m.Workload.String(), do, "it may run in the node pool %s, where workloadMetadataConfig.mode is not GKE_METADATA", pool.Name).Symptom = "email-is-node-account"
			}
		}
		if fine {
			c.yes(CodeNodes, m.Workload.String(), "its node selector, affinity and tolerations keep it from every node pool without the metadata server of GKE")
		}
	}
}

// texts are the pairs of a mapping whose values are text.
func texts(value any) map[string]string {
	pairs := map[string]string{}
	for key, value := range mapping(value) {
		if text, ok := value.(string); ok {
			pairs[key] = text
		}
	}
	return pairs
}

// nameFree asks whether a new service account's name is free, or there as this changeset makes it.
func (c *checker) nameFree(name List, m runbook.MoveQuestions) {
	object := name.Namespace + "/ServiceAccount/" + name.Name
	live, why := c.one(name)
	email := annotationOf(live)
	switch {
	case why != "":
		c.unknown(CodeNameFree, object, "let dekey list serviceaccounts", "whether the name is free in %s could not be read: %s", name.Context, why)
	case live == nil:
		c.yes(CodeNameFree, object, "the name is free in %s", name.Context)
	case m.Email != "" && email == m.Email:
		c.yes(CodeNameFree, object, "it is there in %s, as this changeset makes it", name.Context)
	case c.madeByUs(name) && email == m.Email:
		c.yes(CodeNameFree, object, "it was not there in %s before the first run of 1-grant.sh", name.Context)
	default:
		c.no(CodeNameFree, object, "plan again with the cluster in the scan: the planner gives another name", "it exists in %s and is not this changeset's", name.Context)
	}
}

func (c *checker) madeByUs(name List) bool {
	record, err := c.Evidence.NewAccount(name.Context, name.Namespace, name.Name)
	return err == nil && record.Field("state") == "absent"
}

// passed are annotations that tools write on what they manage.
var passed = []string{"kubectl.kubernetes.io/", "meta.helm.sh/", "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "config.kubernetes.io/"}

// carried asks whether the live old service account has something that the new one does not get.
func (c *checker) carried(context string, m runbook.MoveQuestions) {
	namespace, old, fresh := m.ServiceAccount.Namespace, oldName(m), m.ServiceAccount.Name
	object := namespace + "/ServiceAccount/" + old
	const do = "plan again with the cluster in the scan, so that the new service account gets it too"
	live, why := c.one(accountList(context, namespace, old))
	if why != "" {
		c.unknown(CodeCarried, object, "let dekey list serviceaccounts", "what it carries in %s could not be read: %s", context, why)
		return
	}
	fine := true
	leaves := func(format string, args ...any) {
		fine = false
		c.no(CodeCarried, object, do, format, args...)
	}
	for _, secret := range mappings(live["imagePullSecrets"]) {
		if name := fmt.Sprint(secret["name"]); !slices.Contains(m.Carries, name) {
			leaves("live, it has the secret %s, which %s/%s does not get", name, namespace, fresh)
		}
	}
	for _, key := range keysOf(mapping(mapping(live["metadata"])["annotations"])) {
		if !slices.Contains(m.Carries, key) && !slices.ContainsFunc(passed, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			leaves("live, it has the annotation %s, which %s/%s does not get", key, namespace, fresh)
		}
	}
	for _, kind := range []string{"RoleBinding", "ClusterRoleBinding"} {
		bindings, why := c.all(bindingList(context, kind))
		if why != "" {
			c.unknown(CodeCarried, object, "let dekey list rolebindings and clusterrolebindings", "the role bindings in %s could not be read: %s", context, why)
			return
		}
		for _, b := range bindings {
			metadata := mapping(b["metadata"])
			name := kind + "/"
			if in, _ := metadata["namespace"].(string); in != "" {
				name += in + "/"
			}
			name += fmt.Sprint(metadata["name"])
			if names(b, namespace, old, true) && !slices.Contains(m.Carries, name) && !names(b, namespace, fresh, false) {
				leaves("the live %s names it, and this changeset does not add %s/%s to it", name, namespace, fresh)
			}
		}
	}
	if fine {
		c.yes(CodeCarried, object, "it carries nothing in %s that %s/%s does not get", context, namespace, fresh)
	}
}

// names says whether a binding names a service account, also by its user name.
func names(binding map[string]any, namespace, name string, user bool) bool {
	return slices.ContainsFunc(mappings(binding["subjects"]), func(s map[string]any) bool {
		switch s["kind"] {
		case "ServiceAccount":
			return s["namespace"] == namespace && s["name"] == name
		case "User":
			return user && s["name"] == "system:serviceaccount:"+namespace+":"+name
		}
		return false
	})
}

// possession asks whether the key that was found is one of the account's: else an account could be had by writing its e-mail into a
// file.
func (c *checker) possession(key scanner.Key) {
	object := key.Email + " key " + short(key.ID)
	if record, err := c.Evidence.Proven(key.ID); err == nil {
		c.yes(CodePossession, object, "1-grant.sh has proven it at %s", moment(record.Time))
		return
	}
	account, ok := c.Facts.Accounts[key.Email]
	if !ok || account.Why != "" {
		c.unknown(CodePossession, object, "iam.serviceAccountKeys.list and .get on the account (roles/iam.serviceAccountViewer) let dekey read them", "the account's keys could not be read, so nothing proves that the key found is one of them: %s", unread(account.Why))
		return
	}
	live, why := find(account, key.ID)
	const do = "plan again with --google, which holds the move"
	switch {
	case why != "":
		c.unknown(CodePossession, object, "iam.serviceAccountKeys.get on the account lets dekey read them", "%s", why)
	case live == nil:
		c.no(CodePossession, object, do, "no public key of the account has the digest %s: the key found is not this account's, or is deleted", key.ID)
	case live.Disabled:
		c.no(CodePossession, object, do, "the key %s is disabled: a grant would give back access that is gone", live.ID)
	case !live.Expires.IsZero() && live.Expires.Before(c.Now):
		c.no(CodePossession, object, do, "the key %s expired at %s: a grant would give back access that is gone", live.ID, moment(live.Expires))
	default:
		c.yes(CodePossession, object, "the key %s of the account has the digest of the key that was found", live.ID)
	}
}

// find looks a key up by the digest of its public key. The reason is for one that could not be told apart, because a public key was
// not read.
func find(account AccountKeys, digest string) (*Key, string) {
	hidden := ""
	for i, key := range account.Keys {
		switch key.Digest {
		case digest:
			return &account.Keys[i], ""
		case "":
			hidden = key.ID
		}
	}
	if hidden != "" {
		return nil, "the public key " + hidden + " could not be read"
	}
	return nil, ""
}

// resources are one grant for each resource that the plan grants on. The accounts that it makes are not there yet.
func (c *checker) resources() []planner.Grant {
	var list []planner.Grant
	for _, g := range c.q.Grants {
		made := slices.ContainsFunc(c.q.Accounts, func(a planner.NewAccount) bool { return planner.AccountResource(a.Email) == g.Resource })
		if !made && !slices.ContainsFunc(list, func(o planner.Grant) bool { return o.Resource == g.Resource }) {
			list = append(list, g.Grant)
		}
	}
	return list
}

func (c *checker) policyReadable(g planner.Grant) {
	policy, ok := c.Facts.Policies[g.Resource]
	if policy.Unsupported {
		c.unasked(CodePolicy, g.Resource, readPolicy(g), "dekey does not read policies of this kind of resource; 1-grant.sh does, before it grants")
		return
	}
	if !ok || policy.Why != "" {
		c.unknown(CodePolicy, g.Resource, readPolicy(g), "its policy could not be read: %s", unread(policy.Why))
		return
	}
	c.yes(CodePolicy, g.Resource, "its policy can be read")
}

func readPolicy(g planner.Grant) string { return runbook.Line(runbook.ReadPolicy(g)) + " must answer" }

func short(key string) string { return key[:min(len(key), 16)] }
