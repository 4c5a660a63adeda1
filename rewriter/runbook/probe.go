package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dekey/planner"
)

const aboutProbe = `A pod for every service account of this changeset, for people to apply after 1-grant.sh and to delete again. It asks the four
questions that only a pod can answer, and prints no token:
  1. does the metadata server answer?  2. who does it say that the pod is?
  3. does it give a token?             4. which project does it name?
  kubectl --context=CONTEXT apply -f probe.yaml; kubectl --context=CONTEXT --namespace=NAMESPACE logs pod/NAME; kubectl --context=CONTEXT delete -f probe.yaml
An answer of 403 to the third question says that the binding is missing or has not spread yet.
On Autopilot remove the nodeSelector: it is refused there. Any image with curl will do.`

// probe is runbook/probe.yaml.
func (j *job) probe() []byte {
	var b strings.Builder
	for line := range strings.Lines(aboutProbe) {
		b.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
	}
	type pod struct{ namespace, account, email string }
	var pods []pod
	for _, m := range j.plan.Moves {
		email := m.Account
		if m.Model == planner.Direct {
			email = "the workload identity pool, because there is no account"
		}
		p := pod{m.ServiceAccount.Namespace, m.ServiceAccount.Name, email}
		if !slices.Contains(pods, p) {
			pods = append(pods, p)
		}
	}
	slices.SortFunc(pods, func(a, b pod) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.account, b.account), cmp.Compare(a.email, b.email))
	})
	for i, p := range pods {
		if i > 0 {
			b.WriteString("---\n")
		}
		fmt.Fprintf(&b, probePod, scalar("dekey-probe-"+id(p.namespace, p.account)), scalar(p.namespace), scalar(p.account), p.email)
	}
	return []byte(b.String())
}

const probePod = `apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: %s
spec:
  serviceAccountName: %s
  restartPolicy: Never
  nodeSelector:
    iam.gke.io/gke-metadata-server-enabled: "true"
  securityContext:
    runAsNonRoot: true
    runAsUser: 65534
    seccompProfile:
      type: RuntimeDefault
  containers:
  - name: probe
    image: curlimages/curl:8.11.1
    securityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop: [ALL]
    command:
    - sh
    - -c
    # The second answer should be %s.
    - |
      ask() { curl -sS -H 'Metadata-Flavor: Google' --retry 5 --retry-connrefused --max-time 30 "$@"; echo; }
      at=http://169.254.169.254/computeMetadata/v1
      echo "1. $(ask -o /dev/null -w '%%{http_code}' "$at/instance/zone")"
      echo "2. $(ask "$at/instance/service-accounts/default/email")"
      echo "3. $(ask -o /dev/null -w '%%{http_code}' "$at/instance/service-accounts/default/token")"
      echo "4. $(ask "$at/project/project-id")"
`
