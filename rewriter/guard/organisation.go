package guard

import (
	"fmt"
	"slices"
	"strings"

	"dekey/rewriter/runbook"
)

// The constraints, the managed form of each first. The managed ones also stop HMAC keys of Cloud Storage from being made.
// https://docs.cloud.google.com/organization-policy/restrict-service-accounts
var constraints = []string{
	"iam.managed.disableServiceAccountKeyCreation",
	"iam.managed.disableServiceAccountKeyUpload",
	"iam.disableServiceAccountKeyCreation",
	"iam.disableServiceAccountKeyUpload",
}

// The tag that a project has while keys may be made in it.
const (
	tagKey   = "dekey-key-exception"
	tagValue = "allowed"
)

// breaks is what the constraints break, for every file that would set them.
const breaks = `What these policies break, from the moment that they are set:
- Nobody can make or upload a service account key below the resource: what does so fails with FAILED_PRECONDITION.
  That is also Terraform's google_service_account_key, Config Connector's IAMServiceAccountKey, Crossplane's
  ServiceAccountKey, the Google Cloud engine of Vault, and CI jobs that rotate keys.
- The way back by a new key is gone: a migration that goes wrong can only enable an old key again. Set them after the
  second soak, or give the project an exception until then.
- The managed form of key creation also stops new HMAC keys of Cloud Storage.
- Keys that exist go on working: the constraints are not retroactive. Upload matters to who brings certificates of
  their own.
Organisations made since 2024-05-03 have key creation and upload forbidden already.
`

// policyFile is where the policy for a constraint on a resource stands.
func policyFile(on, constraint string) string {
	return "organisation-policy/" + strings.ReplaceAll(strings.ReplaceAll(on, ":", "_"), "/", "-") + "-" + constraint + ".yaml"
}

// tag is the tag's value as conditions and commands name it.
func (g *Guard) tag() string { return g.organization + "/" + tagKey + "/" + tagValue }

// exempts is the condition by which tagged projects are left out.
func (g *Guard) exempts() string {
	return fmt.Sprintf("resource.matchTag('%s/%s', '%s')", g.organization, tagKey, tagValue)
}

// policyYAML is one policy, for gcloud org-policies set-policy.
func (g *Guard) policyYAML(on, constraint string) string {
	var b strings.Builder
	comment(&b, breaks)
	if exceptions := g.register(func(x exception) bool { return x.project != "" }); len(exceptions) > 0 {
		comment(&b, "Exceptions are projects with the tag "+g.tag()+":\n  "+strings.Join(exceptions, "\n  ")+"\n")
	}
	if strings.Contains(constraint, ".managed.") {
		comment(&b, "To watch first and refuse nothing: rename spec to dryRunSpec, and set it with --update-mask=dryRunSpec.\n")
	}
	fmt.Fprintf(&b, "name: %s\nspec:\n  rules:\n", quoted(on+"/policies/"+constraint))
	if len(g.projects()) > 0 {
		fmt.Fprintf(&b, "  - condition:\n      expression: %s\n      title: %s\n    enforce: false\n", quoted(g.exempts()), quoted("Projects that still make keys"))
	}
	b.WriteString("  - enforce: true\n")
	return b.String()
}

func comment(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(b, strings.TrimRight("# "+strings.TrimRight(line, "\n"), " "))
	}
}

// script sets the organisation policies with gcloud. It replaces no policy that somebody set.
func (g *Guard) script() string {
	var b strings.Builder
	b.WriteString("#!/usr/bin/env bash\n")
	comment(&b, "Sets the organisation policies that stop new service account keys, and tags the projects that are excepted.\n"+
		"It stops where a constraint has a policy on the resource already: join the two by hand.\n\n"+breaks)
	b.WriteString("set -euo pipefail\ncd \"$(dirname \"$0\")\"\n\n")
	if g.needsOrganization() {
		fmt.Fprintf(&b, "printf '%%s\\n' 'these files name %s: write them again with dekey guard --organization NUMBER' >&2\nexit 2\n", placeholder)
		return b.String()
	}
	b.WriteString(`run() {
  printf '+ %s\n' "$*"
  "$@"
}

# rules FILE: the rules of a policy, without what only Google's answer has and without the ways to write YAML.
rules() {
  sed -e '/^#/d' -e '1,/^spec:/d' "$1" | sed -e '/^  etag:/d' -e '/^  updateTime:/d' | tr -d " '\"\n-"
}

# set_policy FILE CONSTRAINT FLAG: a policy that is there is shown, and stays.
set_policy() {
  local there
  if there=$(gcloud org-policies describe "$2" "$3" --format=yaml 2>/dev/null); then
    if [ "$(rules <(printf '%s\n' "$there"))" = "$(rules "$1")" ]; then
      printf 'set already: %s\n' "$1"
      return
    fi
    printf 'there is another policy; join it with %s by hand:\n%s\n' "$1" "$there" >&2
    return 1
  fi
  run gcloud org-policies set-policy "$1"
}

`)
	line := func(argv ...string) { fmt.Fprintln(&b, "run "+runbook.Line(argv)) }
	projects := g.projects()
	if len(projects) > 0 {
		b.WriteString(`# tag PROJECT VALUE: tags are bound by the project's number.
tag() {
  local number parent
  number=$(gcloud projects describe "$1" --format='value(projectNumber)')
  parent=//cloudresourcemanager.googleapis.com/projects/$number
  if gcloud resource-manager tags bindings list --parent="$parent" --format='value(tagValueNamespacedName)' | grep -qxF "$2"; then
    printf 'tagged already: %s\n' "$1"
    return
  fi
  run gcloud resource-manager tags bindings create --tag-value="$2" --parent="$parent"
}

`)
		parent := "organizations/" + g.organization
		fmt.Fprintf(&b, "# The tag of projects that still make keys.\nif ! gcloud resource-manager tags keys describe %s >/dev/null 2>&1; then\n  ", runbook.Quote(g.organization+"/"+tagKey))
		line("gcloud", "resource-manager", "tags", "keys", "create", tagKey, "--parent="+parent, "--description=Projects in which service account keys may still be made")
		fmt.Fprintf(&b, "fi\nif ! gcloud resource-manager tags values describe %s >/dev/null 2>&1; then\n  ", runbook.Quote(g.tag()))
		line("gcloud", "resource-manager", "tags", "values", "create", tagValue, "--parent="+g.organization+"/"+tagKey)
		b.WriteString("fi\n")
		var done []string
		for _, x := range projects {
			fmt.Fprintf(&b, "\n# Until %s: %s\n", x.until, x.why)
			if slices.Contains(done, x.project) {
				continue
			}
			done = append(done, x.project)
			fmt.Fprintln(&b, runbook.Line([]string{"tag", x.project, g.tag()}))
		}
		b.WriteString("\n")
	}
	for _, on := range g.on {
		kind, id, _ := strings.Cut(on, "/")
		for _, c := range constraints {
			name := strings.TrimPrefix(policyFile(on, c), "organisation-policy/")
			fmt.Fprintln(&b, runbook.Line([]string{"set_policy", name, c, "--" + strings.TrimSuffix(kind, "s") + "=" + id}))
		}
	}
	return b.String()
}
