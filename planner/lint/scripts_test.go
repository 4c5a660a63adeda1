package lint_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/planner"
)

// Where a script hides: in another script, in an image, in a task, behind a name that says nothing.
var scriptCases = []struct {
	name  string
	files map[string]string
	want  []string
}{
	{"a shell in a shell", script("bash -c \"gcloud iam service-accounts keys create k.json\"\n"), []string{"a.sh:1 key-resource"}},
	{"options before the script", script("sudo -E bash -euo pipefail -c 'set -x\ngcloud iam service-accounts keys create k.json'\n"), []string{"a.sh:2 key-resource"}},
	{"a shell by its path", script("/bin/sh -lc 'gcloud iam service-accounts keys create k.json'\n"), []string{"a.sh:1 key-resource"}},
	{"eval", script("eval \"gcloud iam service-accounts keys create $FILE\"\n"), []string{"a.sh:1 key-resource"}},
	{"eval of words", script("eval gcloud iam service-accounts keys create k.json\n"), []string{"a.sh:1 key-resource"}},
	{"a here-document", script("bash <<EOF\necho\ngcloud iam service-accounts keys create k.json\nEOF\n"), []string{"a.sh:3 key-resource"}},
	{"a here-document that is not expanded", script("bash -s -- a <<'EOF'\ngcloud iam service-accounts keys create $1\nEOF\n"), []string{"a.sh:2 key-resource"}},
	{"a here-document behind a pipe", script("cat <<-EOF | bash\n\tgcloud iam service-accounts keys create k.json\nEOF\n"), []string{"a.sh:2 key-resource"}},
	{"a here-string", script("bash <<< 'gcloud iam service-accounts keys create k.json'\n"), []string{"a.sh:1 key-resource"}},
	{"an echo behind a pipe", script("echo 'gcloud iam service-accounts keys create k.json' | sh\n"), []string{"a.sh:1 key-resource"}},
	{"a member through a variable", script("M='serviceAccount:123456789012.svc.id.goog[shop/api]'\nbash -c \"gcloud iam service-accounts add-iam-policy-binding $GSA --role=roles/iam.workloadIdentityUser --member=$M\"\n"), []string{"a.sh:2 malformed-principal"}},
	{"shells in shells", script("bash -c 'bash -c \"gcloud iam service-accounts keys create k.json\"'\n"), []string{"a.sh:1 key-resource"}},
	{"a comment inside excuses", script("bash <<EOF\n# dekey:ignore key-resource made for a test until 2027-01-01\ngcloud iam service-accounts keys create k.json\nEOF\n"), []string{}},

	{"a text that is shown", script("cat <<EOF\ngcloud iam service-accounts keys create k.json\nEOF\n"), []string{}},
	{"a text that is shown by a shell", script("bash -c 'echo gcloud iam service-accounts keys create k.json'\n"), []string{}},
	{"a shell that runs a file", script("bash run.sh <<EOF\ngcloud iam service-accounts keys create k.json\nEOF\n"), []string{}},
	{"a script that is not known", script("bash -c \"$COMMAND\"\necho gcloud\n"), []string{}},
	{"a pattern", script("echo x | grep 'gcloud iam service-accounts keys create'\n"), []string{}},

	{"no extension", map[string]string{"bin/make-key": "#!/usr/bin/env bash\ngcloud iam service-accounts keys create k.json\n"}, []string{"bin/make-key:2 key-resource"}},
	{"no extension and no script", map[string]string{"NOTES": "gcloud iam service-accounts keys create k.json\n"}, []string{}},
	{"no extension and another language", map[string]string{"run": "#!/usr/bin/env python3\ngcloud iam service-accounts keys create k.json\n"}, []string{}},

	{"an image that makes a key", map[string]string{"Dockerfile": "FROM a\nRUN apt-get update && \\\n    # a comment\n    gcloud iam service-accounts keys create k.json\n"}, []string{"Dockerfile:4 key-resource"}},
	{"an image that hands a key to gcloud", map[string]string{"api.Dockerfile": "FROM a\nRUN --mount=type=secret,id=k gcloud auth activate-service-account --key-file=/run/secrets/k\n"}, []string{"api.Dockerfile:2 key-wiring"}},
	{"an image's list of words", map[string]string{"Dockerfile.dev": "FROM a\nRUN [\"gcloud\", \"iam\", \"service-accounts\", \"keys\", \"create\", \"k.json\"]\n"}, []string{"Dockerfile.dev:2 key-resource"}},
	{"an image's document", map[string]string{"Containerfile": "FROM a\nRUN <<EOF\nset -e\ngcloud iam service-accounts keys create k.json\nEOF\n"}, []string{"Containerfile:4 key-resource"}},
	{"an image's variable", map[string]string{"Dockerfile": "FROM a\nCOPY key.json /key.json\nENV A=b \\\n    GOOGLE_APPLICATION_CREDENTIALS=/key.json\n"}, []string{"Dockerfile:4 key-wiring"}},
	{"an image's variable as it once was written", map[string]string{"Dockerfile": "FROM a\nenv GOOGLE_APPLICATION_CREDENTIALS /key.json\n"}, []string{"Dockerfile:2 key-wiring"}},
	{"an image's exception", map[string]string{"Dockerfile": "FROM a\n# dekey:ignore key-wiring a test image until 2027-01-01\nENV GOOGLE_APPLICATION_CREDENTIALS=/key.json\n"}, []string{}},
	{"an image that empties the variable", map[string]string{"Dockerfile": "FROM a\nENV GOOGLE_APPLICATION_CREDENTIALS=\nENV NO_GOOGLE_APPLICATION_CREDENTIALS=/x\nENV GOOGLE_APPLICATION_CREDENTIALS=\"\"\n"}, []string{}},
	{"an image without keys", map[string]string{"Dockerfile": "FROM google/cloud-sdk\nRUN gcloud components install kubectl\n"}, []string{}},

	{"a task's script", map[string]string{"task.yaml": "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec:\n  steps:\n  - name: s\n    image: google/cloud-sdk\n    script: |\n      #!/usr/bin/env bash\n      gcloud iam service-accounts keys create k.json\n"}, []string{"task.yaml:10 key-resource"}},
	{"a job's arguments", map[string]string{"job.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n        image: google/cloud-sdk\n        command: [bash, -c]\n        args:\n        - gcloud iam service-accounts keys create k.json\n"}, []string{"job.yaml:12 key-resource"}},
	{"a workflow that logs in to a registry with a key", workflow("docker/login-action@v3", "username: _json_key_base64"), []string{".github/workflows/a.yml:6 key-wiring"}},
	{"a workflow that logs in to a registry without one", workflow("docker/login-action@v3", "username: oauth2accesstoken"), []string{}},
	{"a workflow that gives gcloud a key", workflow("google-github-actions/setup-gcloud@v0", "service_account_key: ${{ secrets.K }}"), []string{".github/workflows/a.yml:6 key-wiring"}},
	{"a pipeline of GitLab", map[string]string{".gitlab-ci.yml": "deploy:\n  script:\n  - echo a\n  - gcloud iam service-accounts keys create k.json\n"}, []string{".gitlab-ci.yml:4 key-resource"}},
	{"a pipeline of another system", map[string]string{".circleci/config.yml": "jobs:\n  a:\n    steps:\n    - run:\n        name: key\n        command: |\n          gcloud iam service-accounts keys create k.json\n"}, []string{".circleci/config.yml:7 key-resource"}},
	{"a step of Cloud Build", map[string]string{"cloudbuild.yaml": "steps:\n- name: gcr.io/google.com/cloudsdktool/cloud-sdk\n  entrypoint: bash\n  args:\n  - -c\n  - |\n    gcloud iam service-accounts keys create k.json\n"}, []string{"cloudbuild.yaml:7 key-resource"}},
	{"documentation in YAML", map[string]string{"a.yaml": "description: |\n  gcloud iam service-accounts keys create k.json\n"}, []string{}},

	{"OpenTofu", map[string]string{"a.tofu": "resource \"google_service_account_key\" \"k\" {}\n"}, []string{"a.tofu:1 key-resource"}},
	{"OpenTofu's JSON", map[string]string{"a.tofu.json": "{\"resource\": {\"google_service_account_key\": {\"k\": {}}}}"}, []string{"a.tofu.json:1 key-resource"}},
}

func script(text string) map[string]string { return map[string]string{"a.sh": text} }

func workflow(uses, with string) map[string]string {
	return map[string]string{".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - uses: " + uses + "\n      with:\n        " + with + "\n"}
}

func TestScripts(t *testing.T) {
	for _, test := range scriptCases {
		t.Run(test.name, func(t *testing.T) {
			result := run(t, test.files, planner.Policy{Now: day("2026-11-22")})
			if diff := cmp.Diff(test.want, summary(result)); diff != "" {
				t.Errorf("violations (-want +got)\n%s", diff)
				for _, v := range result.Violations {
					t.Logf("%s: %s", v.Object, v.Text)
				}
			}
		})
	}
}

// Scripts in scripts, as deep as a file is long: read so far, and no further.
func TestNestedScripts(t *testing.T) {
	text := "gcloud iam service-accounts keys create k.json"
	for range 12 {
		text = "bash -c '" + strings.ReplaceAll(text, "'", `'\''`) + "'"
		if len(text) > 1<<19 {
			break
		}
	}
	run(t, script(text+"\n"), planner.Policy{})
	run(t, script(strings.Repeat("bash <<EOF\n", 2000)+"gcloud\n"), planner.Policy{})
}
