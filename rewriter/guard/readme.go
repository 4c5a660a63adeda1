package guard

import (
	"fmt"
	"strings"
)

// readme is what the files are, in which order they are used, what they break, and how they are switched off.
func (g *Guard) readme() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Policies that keep service account keys out

Written by dekey guard; nothing was applied. Read what each breaks before you do.

## In the clusters: admission policies

| file | what it sees |
|---|---|
| admission/key-secrets.yaml | Secrets and ConfigMaps that newly hold a key file |
| admission/key-wiring.yaml | workloads that newly use one |

    kubectl --context=CONTEXT apply -f admission/

They need Kubernetes 1.30 or newer. The mode is **%s**: %s.

Only what is new is judged. What is there can be scaled, restarted, changed and rolled on; a key can be replaced by its
successor in the same entry; what a controller made is judged where its owner is. What counts as new, and is refused in
the mode deny:

- a workload or Secret that is made again under its name: a Job at every release, a restore from a backup, another
  cluster, a Helm hook, a forced replacement;
- the way back of a migration (git revert, kubectl rollout undo) after the workload had left its key;
- a Secret whose name has a hash and whose key was replaced (Kustomize), unless it is excepted.

So: warn while you migrate, read the audit log (validation.policy.admission.k8s.io/validation_failure), and deny when
the second soak is over. To go back at once:

    kubectl --context=CONTEXT patch validatingadmissionpolicybinding dekey-key-wiring --type=merge --patch='{"spec":{"validationActions":["Warn","Audit"]}}'
    kubectl --context=CONTEXT delete validatingadmissionpolicybinding dekey-key-secrets dekey-key-wiring

They are a rail, not a wall: what they do not see stands at the top of each file. dekey scan and dekey lint see more.

## In Google Cloud: organisation policies

    bash organisation-policy/set.sh

or terraform/organisation-policy.tf, one of the two. Set on: %s.

%s
## Exceptions

`, g.mode, map[Mode]string{Audit: "the audit log says it, nothing else does", Warn: "clients are warned, nothing is refused", Deny: "what is new is refused"}[g.mode],
		strings.Join(g.on, ", "), breaks)
	exceptions := g.register(func(exception) bool { return true })
	if len(exceptions) == 0 {
		b.WriteString("None. They come from exclude of the policy file.\n")
	} else {
		b.WriteString("From exclude of the policy file. Neither a cluster nor Google Cloud knows their last day: write the files again and\napply them when one is over; a project's tag is taken off by hand.\n\n")
		for _, e := range exceptions {
			fmt.Fprintf(&b, "    %s\n", e)
		}
	}
	if len(g.Notices) > 0 {
		b.WriteString("\n## Notices\n\n")
		for _, n := range g.Notices {
			fmt.Fprintf(&b, "    %s\n", n)
		}
	}
	return b.String()
}
