package guard

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"dekey/planner"
	"dekey/scanner/catalog"
	"dekey/scanner/keyfile/keytest"
)

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

// policy is a register with one of everything.
func policy() planner.Policy {
	return planner.Policy{Now: day("2026-11-22"), Exclude: []planner.Exclusion{
		{Workload: "payments/Deployment/ledger", Reason: "vendor", By: "Dana", Expires: day("2027-01-31")},
		{Workload: "legacy/*/*", Reason: "moves in spring", Expires: day("2027-04-30")},
		{Workload: "*/Secret/*", Code: planner.GuardAdmission, Labels: map[string]string{"team": "data"}, Reason: "rotation", Expires: day("2027-02-01")},
		{Workload: "old/Deployment/done", Reason: "was", Expires: day("2026-11-21")},
		{Path: "apps/legacy", Reason: "a path", Expires: day("2027-01-01")},
		{Workload: "lint/Deployment/only", Code: "key-file", Reason: "lint's", Expires: day("2027-01-01")},
		{Project: "acme-legacy", Code: planner.GuardOrganisation, Reason: "partner", Expires: day("2027-03-01")},
	}}
}

func made(t *testing.T, p planner.Policy, o Options) *Guard {
	t.Helper()
	g, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// text is all the files, sorted by name.
func text(g *Guard) string {
	var b strings.Builder
	files := g.Files()
	names := []string{}
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "-- %s --\n%s", name, files[name])
	}
	return b.String()
}

func TestExceptions(t *testing.T) {
	g := made(t, policy(), Options{Organization: "123456789012"})
	all := text(g)
	for _, want := range []string{
		`request.namespace == "payments" && request.kind.kind == "Deployment" && object.metadata.?name.orValue("") == "ledger"`,
		`request.namespace == "legacy"`, `request.kind.kind == "Secret" && object.metadata.?labels[?"team"] == optional.of("data")`,
		"payments/Deployment/ledger until 2027-01-31: vendor (Dana)", "resource.matchTag('123456789012/dekey-key-exception', 'allowed')",
		"tag acme-legacy 123456789012/dekey-key-exception/allowed", "# Until 2027-03-01: partner",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no file has %s", want)
		}
	}
	for _, never := range []string{`"done"`, `"only"`, placeholder} {
		if strings.Contains(all, never) {
			t.Errorf("a file has %s", never)
		}
	}
	if strings.Contains(string(g.Files()["admission/key-wiring.yaml"]), `"team"`) {
		t.Error("an exception for Secrets is in the policy for workloads")
	}
	want := []string{
		"the exception for old/Deployment/done was over on 2026-11-21: it is in no policy",
		"the exception for the path apps/legacy is of the checkout: a cluster knows no paths, and it is in no policy",
	}
	if !slices.Equal(g.Notices, want) {
		t.Errorf("notices %q, want %q", g.Notices, want)
	}
	if again := text(made(t, policy(), Options{Organization: "123456789012"})); again != all {
		t.Error("the same policy gives other bytes")
	}
}

// Its last day counts.
func TestLastDay(t *testing.T) {
	p := planner.Policy{Now: day("2027-01-31").Add(23 * time.Hour), Exclude: policy().Exclude[:1]}
	if g := made(t, p, Options{}); !strings.Contains(text(g), `"ledger"`) {
		t.Error("the exception is gone on its last day")
	}
	p.Now = day("2027-02-01")
	if g := made(t, p, Options{}); strings.Contains(text(g), `"ledger"`) {
		t.Error("the exception is there after its last day")
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		exclude planner.Exclusion
		options Options
		want    string
	}{
		{name: "quote in a name", exclude: planner.Exclusion{Workload: `a/Secret/x" || true || "`}, want: "no name that Kubernetes"},
		{name: "line break in a namespace", exclude: planner.Exclusion{Workload: "a\nb/Secret/x"}, want: "no namespace that Kubernetes"},
		{name: "kind that is CEL", exclude: planner.Exclusion{Workload: "a/Sec ret/x"}, want: "no kind that Kubernetes"},
		{name: "part of a name as a pattern", exclude: planner.Exclusion{Workload: "a/Secret/x-*"}, want: "no name that Kubernetes"},
		{name: "everything", exclude: planner.Exclusion{Workload: "*/*/*"}, want: "switch the whole policy off"},
		{name: "label with a quote", exclude: planner.Exclusion{Workload: "*/*/*", Code: planner.GuardAdmission, Labels: map[string]string{"a": `"`}}, want: "no label"},
		{name: "project that is a flag", exclude: planner.Exclusion{Project: "--help", Code: planner.GuardOrganisation}, want: "not the id of a project"},
		{name: "path for the cluster", exclude: planner.Exclusion{Path: "a", Code: planner.GuardAdmission}, want: "knows no paths"},
		{name: "workload for the organisation", exclude: planner.Exclusion{Workload: "a/b/c", Code: planner.GuardOrganisation}, want: "name the project"},
		{name: "mode", options: Options{Mode: "block"}, want: "audit, warn, deny"},
		{name: "organisation by name", options: Options{Organization: "acme.example"}, want: "want its number"},
		{name: "resource that leaves its folder", options: Options{On: []string{"projects/../x"}}, want: "want organizations/NUMBER"},
		{name: "resource of another kind", options: Options{On: []string{"buckets/x"}}, want: "want organizations/NUMBER"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := planner.Policy{Now: day("2026-11-22")}
			if test.exclude.Workload+test.exclude.Path+test.exclude.Project != "" {
				p.Exclude = []planner.Exclusion{test.exclude}
			}
			if _, err := New(p, test.options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

// What the register says in words stands in comments and annotations, and never ends one.
func TestHostileReason(t *testing.T) {
	hostile := "x\nkind: Nonsense\n---\n\u2028$(touch pwned) `id` \"' \\ \u202e\x00\r\nend"
	for _, e := range []planner.Exclusion{
		{Workload: "a/Secret/b", Reason: hostile, By: hostile, Expires: day("2027-01-01")},
		{Project: "acme", Code: planner.GuardOrganisation, Reason: hostile, Expires: day("2027-01-01")},
	} {
		g := made(t, planner.Policy{Now: day("2026-11-22"), Exclude: []planner.Exclusion{e}}, Options{Organization: "1"})
		for name, data := range g.Files() {
			for line := range strings.Lines(string(data)) {
				if strings.HasPrefix(line, "kind: Nonsense") || strings.HasPrefix(line, "end") || strings.ContainsAny(line, "\r\x00\u2028\u202e") {
					t.Errorf("%s: %q", name, line)
				}
				if strings.Contains(line, "touch pwned") && strings.HasSuffix(name, ".sh") && !strings.HasPrefix(line, "#") {
					t.Errorf("%s: outside a comment: %q", name, line)
				}
			}
		}
	}
}

// Every YAML file parses, has what the API expects at its top, and each exception that is shown has its last day.
func TestFilesParse(t *testing.T) {
	for _, mode := range Modes {
		g := made(t, policy(), Options{Mode: mode, On: []string{"folders/99", "projects/acme-shop"}})
		kinds := []string{}
		for name, data := range g.Files() {
			if !strings.HasSuffix(name, ".yaml") {
				continue
			}
			decoder := yaml.NewDecoder(strings.NewReader(string(data)))
			for {
				var object struct {
					APIVersion, Kind, Name string
					Spec                   struct {
						ValidationActions []string `yaml:"validationActions"`
						Rules             []map[string]any
					}
				}
				if err := decoder.Decode(&object); err != nil {
					break
				}
				kinds = append(kinds, object.Kind)
				if object.Kind == "ValidatingAdmissionPolicyBinding" && !slices.Equal(object.Spec.ValidationActions, mode.actions()) {
					t.Errorf("%s: actions %v in the mode %s", name, object.Spec.ValidationActions, mode)
				}
				if object.Kind == "" && (len(object.Spec.Rules) != 2 || !strings.Contains(object.Name, "/policies/iam.")) {
					t.Errorf("%s: %+v", name, object)
				}
			}
		}
		slices.Sort(kinds)
		want := []string{"", "", "", "", "", "", "", "", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicyBinding"}
		if !slices.Equal(kinds, want) {
			t.Errorf("objects %q, want %q", kinds, want)
		}
	}
}

// The fragments of a mark stand in the base64 of every text with it, whatever comes before and after, and in none without.
func TestFragments(t *testing.T) {
	key := keytest.New("guard", "guard@acme.iam.gserviceaccount.com").JSON()
	for before := range 7 {
		value := strings.Repeat(" ", before) + string(key) + strings.Repeat("\n", before)
		once := base64.StdEncoding.EncodeToString([]byte(value))
		again := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("-", before) + once))
		for _, mark := range credentials[0].marks {
			if !slices.ContainsFunc(fragments(mark), func(f string) bool { return strings.Contains(once, f) }) {
				t.Errorf("%s after %d bytes is not seen", mark, before)
			}
			if !slices.ContainsFunc(twice(mark), func(f string) bool { return strings.Contains(again, f) }) {
				t.Errorf("%s after %d bytes, encoded twice, is not seen", mark, before)
			}
		}
	}
	keyless := base64.StdEncoding.EncodeToString([]byte(`{"type":"external_account","service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/x"}`))
	for _, c := range credentials {
		for _, f := range fragments(c.marks[0]) {
			if strings.Contains(keyless, f) {
				t.Errorf("a keyless configuration has the fragment %s of %s", f, c.marks[0])
			}
			if len(f) > 20 || len(f) < 10 {
				t.Errorf("the fragment %s has %d characters", f, len(f))
			}
		}
	}
}

// The names of variables in CEL are those that the scanner knows.
func TestVariableNames(t *testing.T) {
	google, key, other := regexp.MustCompile(word(googleWord)), regexp.MustCompile(word(keyWord)), regexp.MustCompile(word(otherWord))
	exact, flags := catalog.KeyNames()
	seen := func(name string) bool {
		return slices.Contains(exact, name) || strings.Contains(strings.ToUpper(name), "GOOGLE_APPLICATION_CREDENTIALS") ||
			google.MatchString(name) && key.MatchString(name) && !other.MatchString(name)
	}
	for _, name := range append(slices.Clone(exact),
		"E2E_GOOGLE_APPLICATION_CREDENTIALS", "GCP_SA_KEY_PATH", "GCP_SA_KEY", "GOOGLE_SERVICE_ACCOUNT_JSON", "KEY_FILE", "GOOGLE_CLIENT_SECRET_FILE",
		"GOOGLE_CLOUD_PROJECT", "GOOGLE_SERVICE_ACCOUNT_EMAIL", "GOOGLE_MAPS_API_KEY", "FIREBASE_KEY_JSON", "gcs-key-file", "PATH", "MYGCP_KEYFILE",
		"GCP_OAUTH_CREDENTIALS", "BIGQUERY_CREDS", "SERVICE_ACCOUNT_KEY", "GCS_BUCKET", "GOOGLE_APPLICATION_CREDENTIALS_JSON", "GCP.SA.JSON") {
		if got, want := seen(name), catalog.KeyEnv(name); got != want {
			t.Errorf("%s: %v, and the scanner says %v", name, got, want)
		}
	}
	content := regexp.MustCompile("(?i)" + contentWord + "$")
	for name, want := range map[string]bool{"GCP_SA_KEY": true, "GOOGLE_CREDENTIALS": true, "GOOGLE_SERVICE_ACCOUNT_JSON": true, "GCP_KEY_B64": true,
		"GCP_SERVICE_ACCOUNT": false, "GOOGLE_SERVICE_ACCOUNT_NAME": false} {
		if content.MatchString(name) != want {
			t.Errorf("%s holds content: %v, want %v", name, !want, want)
		}
	}
	flag := regexp.MustCompile(keyFlag())
	for _, name := range flags {
		if !slices.ContainsFunc(flagStems, func(stem string) bool { return strings.Contains(name, stem) }) {
			t.Errorf("%s has none of the stems %q", name, flagStems)
		}
		for _, argument := range []string{name + "=/secrets/key.json", name + " /secrets/key.json", "sh -c 'proxy " + name + "=/secrets/key.json'"} {
			if !flag.MatchString(argument) {
				t.Errorf("%s is not seen", argument)
			}
		}
	}
	for _, argument := range []string{"--credential_file=key.json", "--x-service_account=/a", "proxy", "--log-file=/a"} {
		if flag.MatchString(argument) {
			t.Errorf("%s is taken for a key", argument)
		}
	}
}

func TestWithoutOrganisation(t *testing.T) {
	g := made(t, planner.Policy{}, Options{})
	if len(g.Notices) != 1 || !strings.Contains(g.Notices[0], "--organization") {
		t.Errorf("notices %q", g.Notices)
	}
	if script := string(g.Script()); !strings.Contains(script, "exit 2") || strings.Contains(script, "set-policy") {
		t.Error("the script would run with a placeholder")
	}
	if g := made(t, planner.Policy{}, Options{On: []string{"projects/acme"}}); len(g.Notices) != 0 || strings.Contains(text(g), placeholder) {
		t.Error("a policy for a project needs no organisation")
	}
	if g := made(t, planner.Policy{}, Options{On: []string{"organizations/7"}}); len(g.Notices) != 0 || strings.Contains(text(g), placeholder) {
		t.Error("the organisation is given with --on")
	}
}

// stub is a gcloud that keeps policies, tags and bindings as files. It answers as Google does: fields by name, with what only an
// answer has.
const stub = `#!/usr/bin/env bash
set -euo pipefail
printf '%s\n' "gcloud $*" >>"$STATE/calls"
case "$1 $2 $3" in
"org-policies describe "*)
  file="$STATE/${4#--*=}-$3"
  [ -f "$file" ] || { echo "NOT_FOUND" >&2; exit 1; }
  printf 'etag: abc\nname: projects/987/policies/%s\nspec:\n  etag: abc\n' "$3"
  sed -e '/^#/d' -e '1,/^spec:/d' -e 's/"//g' "$file"
  printf '  updateTime: now\n' ;;
"org-policies set-policy "*)
  name=$(sed -n 's/^name: "\(.*\)"$/\1/p' "$3")
  id=${name#*/}
  cp "$3" "$STATE/${id%%/*}-${name##*/}" ;;
"projects describe "*) echo 987 ;;
"resource-manager tags keys" | "resource-manager tags values")
  file="$STATE/$3-$(printf '%s' "$5" | tr / _)"
  case $4 in
  describe) [ -f "$STATE/$3" ] ;;
  create) touch "$STATE/$3" "$file" ;;
  esac ;;
"resource-manager tags bindings")
  case $4 in
  list) [ ! -f "$STATE/bound" ] || cat "$STATE/bound" ;;
  create) printf '%s\n' "${5#--tag-value=}" >>"$STATE/bound" ;;
  esac ;;
*) exit 2 ;;
esac
`

// The script sets what is missing, does nothing twice, and replaces no policy that somebody else set.
func TestScript(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	g := made(t, policy(), Options{Organization: "123456789012", On: []string{"organizations/123456789012", "projects/acme-shop"}})
	for name, data := range g.Files() {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "gcloud"), []byte(stub), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func() (string, error) {
		command := exec.Command("bash", filepath.Join(dir, "organisation-policy", "set.sh"))
		command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "STATE="+state)
		output, err := command.CombinedOutput()
		return string(output), err
	}
	output, err := run()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for what, want := range map[string]int{"+ gcloud org-policies set-policy": 8, "tags keys create": 1, "tags values create": 1, "tags bindings create": 1} {
		if got := strings.Count(output, what); got != want {
			t.Errorf("%d times %s, want %d\n%s", got, what, want, output)
		}
	}
	if !strings.Contains(output, "--parent=//cloudresourcemanager.googleapis.com/projects/987") {
		t.Errorf("the tag is not bound by the project's number\n%s", output)
	}
	if output, err = run(); err != nil || strings.Contains(output, "+ ") || strings.Count(output, "set already") != 8 {
		t.Errorf("the second run does something: %v\n%s", err, output)
	}
	theirs := filepath.Join(state, "acme-shop-iam.disableServiceAccountKeyCreation")
	if err := os.WriteFile(theirs, []byte("name: \"x\"\nspec:\n  rules:\n  - enforce: false\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if output, err = run(); err == nil || !strings.Contains(output, "there is another policy") {
		t.Errorf("somebody else's policy is replaced: %v\n%s", err, output)
	}
}
