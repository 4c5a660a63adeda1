package planfile

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dekey/planner"
)

const wholePolicy = `# everything that a policy can say
apiVersion: dekey/v1
kind: Policy
pool: acme-shop.svc.id.goog
projectNumber: 123456789012
model: impersonation
accounts:
  payments/api-key: Payments@acme-shop.iam.gserviceaccount.com
  payments/db-key/sa.json: db@acme-shop.iam.gserviceaccount.com
  /free: free@acme-shop.iam.gserviceaccount.com
  "*/any": any@acme-shop.iam.gserviceaccount.com
  "*": rest@acme-shop.iam.gserviceaccount.com
namespaces:
  ./apps/web/: web
clusters:
- acme-shop/europe-west1/prod=gke_prod
- {project: acme-shop, location: europe-west1-b, name: dev}
workloads:
- workload: payments/Deployment/api
  model: direct
  account: api@acme-shop.iam.gserviceaccount.com
  answers: {program-reads-key: reads-adc, by: jo, reason: read the code}
  wave: first
  signs: true
  split: false
  hold: not before May
exclude:
- path: legacy/
  reason: goes away
  by: jo
  expires: 2027-01-31
- workload: "*/Job/*"
  code: key-wiring
  reason: bait
  expires: "2027-02-01"
soak: {disable: 7, delete: 60}
limits: {fileBytes: 1MiB, levels: 10, documents: 5, renderTime: 20s, renderBytes: 1GiB}
split: true
hostNetwork: projected-token
approval: {ticket: CHG-1, approver: board, window: sunday}
`

func TestReadPolicy(t *testing.T) {
	yes, no := true, false
	want := planner.Policy{
		Pool: "acme-shop.svc.id.goog", ProjectNumber: "123456789012", Model: "impersonation",
		Accounts: []planner.AccountRule{
			{Namespace: "payments", Secret: "api-key", Email: "payments@acme-shop.iam.gserviceaccount.com"},
			{Namespace: "payments", Secret: "db-key", Entry: "sa.json", Email: "db@acme-shop.iam.gserviceaccount.com"},
			{Secret: "free", Email: "free@acme-shop.iam.gserviceaccount.com"},
			{Namespace: "*", Secret: "any", Email: "any@acme-shop.iam.gserviceaccount.com"},
			{Namespace: "*", Secret: "*", Email: "rest@acme-shop.iam.gserviceaccount.com"},
		},
		Namespaces: []planner.NamespaceRule{{Path: "apps/web", Namespace: "web"}},
		Clusters: []planner.ClusterRule{
			{Project: "acme-shop", Location: "europe-west1", Name: "prod", Context: "gke_prod"},
			{Project: "acme-shop", Location: "europe-west1-b", Name: "dev"},
		},
		Workloads: []planner.WorkloadRule{{
			Workload: "payments/Deployment/api", Model: "direct", Account: "api@acme-shop.iam.gserviceaccount.com",
			Answers: map[string]string{"program-reads-key": "reads-adc"}, By: "jo", Reason: "read the code", Wave: "first", Signs: &yes, Split: &no, Hold: "not before May",
		}},
		Exclude: []planner.Exclusion{
			{Path: "legacy", Reason: "goes away", By: "jo", Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)},
			{Workload: "*/Job/*", Code: "key-wiring", Reason: "bait", Expires: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)},
		},
		Soak:   planner.Soak{Disable: 7, Delete: 60},
		Limits: planner.Limits{FileBytes: 1 << 20, Levels: 10, Documents: 5, RenderTime: 20 * time.Second, RenderBytes: 1 << 30},
		Split:  true, HostNetwork: "projected-token", Approval: planner.Approval{Ticket: "CHG-1", Approver: "board", Window: "sunday"},
	}
	got, err := ReadPolicy("dekey.yaml", []byte(wholePolicy))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Whoever can push to the checkout must not choose who is granted what: of the same file nothing but exclusions, holds, a
// longer soak and lower limits counts, and the rest is listed.
func TestReadCheckoutPolicy(t *testing.T) {
	got, err := ReadCheckoutPolicy("dekey.yaml", []byte(wholePolicy))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := ReadPolicy("dekey.yaml", []byte(wholePolicy))
	if err != nil {
		t.Fatal(err)
	}
	want := planner.Policy{
		Exclude: whole.Exclude, Workloads: []planner.WorkloadRule{{Workload: "payments/Deployment/api", Hold: "not before May"}},
		Soak: planner.Soak{Delete: 60}, Limits: planner.Limits{FileBytes: 1 << 20, Levels: 10, Documents: 5},
		Untrusted: []string{
			"accounts", "approval", "clusters", "hostNetwork", "model", "namespaces", "pool", "projectNumber", "split",
			"workloads[payments/Deployment/api].account", "workloads[payments/Deployment/api].answers", "workloads[payments/Deployment/api].model",
			"workloads[payments/Deployment/api].signs", "workloads[payments/Deployment/api].split", "workloads[payments/Deployment/api].wave",
			"soak.disable", "limits.renderTime", "limits.renderBytes",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestReadPolicyMistakes(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"a setting that does not exist", "pool: a.svc.id.goog\npools: x\n", "reading p.yaml:2:1: the policy has no setting \"pools\""},
		{"a setting of a workload that does not exist", "workloads:\n- workload: a/Job/b\n  modell: direct\n", "reading p.yaml:3:3: a workload has no setting \"modell\""},
		{"a tab", "accounts:\n\ta/b: c\n", "reading p.yaml:2:2: malformed YAML"},
		{"a key twice", "pool: a.svc.id.goog\npool: b.svc.id.goog\n", "reading p.yaml:2:1: \"pool\" is given twice"},
		{"another version", "apiVersion: dekey/v2\n", "reading p.yaml:1:13: apiVersion is \"dekey/v2\", want dekey/v1"},
		{"another kind", "kind: Plan\n", "reading p.yaml:1:7: kind is \"Plan\", want Policy"},
		{"no pool", "pool: acme\n", "reading p.yaml:1:7: parsing pool \"acme\""},
		{"an id for a number", "projectNumber: acme\n", "reading p.yaml:1:16: parsing project number"},
		{"a person's e-mail", "accounts:\n  a/b: me@example.com\n", "reading p.yaml:2:8: parsing account \"a/b\": \"me@example.com\" is not the e-mail"},
		{"an e-mail with shell in it", "accounts:\n  a/b: $(id)@acme.iam.gserviceaccount.com\n", "is not the e-mail"},
		{"a Secret without a namespace", "accounts:\n  b: a@acme.iam.gserviceaccount.com\n", "want NAMESPACE/SECRET[/ENTRY]"},
		{"an unknown answer", "workloads:\n- workload: a/Job/b\n  answers: {program-reads-key: maybe}\n", "reading p.yaml:3:32: program-reads-key is answered by reads-adc"},
		{"several accounts take no answer", "workloads:\n- workload: a/Job/b\n  answers: {several-accounts: yes}\n", "\"several-accounts\" takes no answer"},
		{"an invalid name takes no answer", "workloads:\n- workload: a/Job/b\n  answers: {invalid-name: x}\n", "\"invalid-name\" takes no answer"},
		{"a key of somebody else takes no answer", "workloads:\n- workload: a/Job/b\n  answers: {key-not-owned: x}\n", "\"key-not-owned\" takes no answer"},
		{"a person's credential takes no answer", "workloads:\n- workload: a/Job/b\n  answers: {user-credential: x}\n", "\"user-credential\" takes no answer"},
		{"a Secret with two accounts", "accounts:\n- a/b=a@acme.iam.gserviceaccount.com\n- a/b=b@acme.iam.gserviceaccount.com\n", "reading p.yaml:3:3: the account of a/b is a@acme.iam.gserviceaccount.com and b@acme.iam.gserviceaccount.com"},
		{"a folder with two namespaces", "namespaces:\n  apps: a\n  apps/: b\n", "reading p.yaml:3:10: the namespace of \"apps\" is a and b"},
		{"a cluster with two contexts", "clusters:\n- acme-shop/europe-west1/prod=a\n- {project: acme-shop, location: europe-west1, name: prod, context: b}\n", "reading p.yaml:3:3: the cluster acme-shop/europe-west1/prod has the contexts"},
		{"a workload without a name", "workloads:\n- wave: a\n", "a workload needs its name"},
		{"a workload twice", "workloads:\n- workload: a/Job/b\n- workload: a/Job/b\n", "reading p.yaml:3:3: workload \"a/Job/b\" is given twice"},
		{"an exclusion without a reason", "exclude:\n- path: a\n  expires: 2027-01-01\n", "needs a reason"},
		{"an exclusion without an end", "exclude:\n- path: a\n  reason: b\n", "reading p.yaml:2:3: an exclusion needs a last day"},
		{"an exclusion of nothing", "exclude:\n- reason: b\n  expires: 2027-01-01\n", "needs a workload or a path"},
		{"a date that is none", "exclude:\n- path: a\n  reason: b\n  expires: soon\n", "expires must be a date"},
		{"a path out of the root", "namespaces:\n  ../x: y\n", "below the scanned root"},
		{"a soak of no days", "soak: {disable: 0}\n", "at least 1"},
		{"a size in words", "limits: {fileBytes: many}\n", "must be a size"},
		{"an alias", "approval: &a {ticket: b}\nsoak: *a\n", "aliases"},
		{"two documents", "pool: a.svc.id.goog\n---\npool: b.svc.id.goog\n", "one document"},
		{"a list for the whole", "- a\n", "must be a mapping"},
		{"split in words", "split: maybe\n", "must be true or false"},
	} {
		_, err := ReadPolicy("p.yaml", []byte(test.data))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestReadPolicyOfNothing(t *testing.T) {
	for _, data := range []string{"", "\n", "# nothing\n", "---\n", "{}\n", "null\n"} {
		if got, err := ReadPolicy("p.yaml", []byte(data)); err != nil || !cmp.Equal(got, planner.Policy{}) {
			t.Errorf("%q: %+v, %v", data, got, err)
		}
	}
}

func FuzzReadPolicy(f *testing.F) {
	f.Add([]byte(wholePolicy))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := ReadPolicy("p.yaml", data); err != nil && !strings.HasPrefix(err.Error(), "reading p.yaml") {
			t.Errorf("the error does not say where: %v", err)
		}
		_, _ = ReadCheckoutPolicy("p.yaml", data)
	})
}
