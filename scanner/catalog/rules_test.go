package catalog

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner/object"
)

func decode(t testing.TB, text string) *object.Object {
	t.Helper()
	var content map[string]any
	if err := json.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	return decoded(content)
}

func TestIsSchemaOrBait(t *testing.T) {
	tests := []struct {
		name    string
		content string
		want    bool
	}{
		{"a CRD that describes a Secret's field", `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","spec":{"names":{"kind":"Issuer"}}}`, true},
		{"the first version of CRDs", `{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition","spec":{}}`, true},
		{"a Crossplane definition", `{"apiVersion":"apiextensions.crossplane.io/v1","kind":"CompositeResourceDefinition"}`, true},
		{"somebody's own kind of that name", `{"apiVersion":"example.com/v1","kind":"ConstraintTemplate"}`, false},
		{"an OpenAPI document", `{"swagger":"2.0","definitions":{}}`, true},
		{"Compose", `{"version":"3","services":{"api":{"environment":{"GOOGLE_APPLICATION_CREDENTIALS":"/k"}}}}`, true},
		{"a workflow of a forge", `{"on":"push","jobs":{}}`, true},
		{"a Deployment", `{"apiVersion":"apps/v1","kind":"Deployment","spec":{}}`, false},
		{"a custom resource with steps", `{"apiVersion":"tekton.dev/v1","kind":"Task","steps":[]}`, false},
		{"Prow's jobs", `{"periodics":[]}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := IsSchemaOrBait(decode(t, test.content)); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if IsSchemaOrBait(nil) {
		t.Error("nothing is no bait")
	}
}

func TestSignalOf(t *testing.T) {
	tests := []struct {
		name string
		want Signal
	}{
		{"--google-admin-email", DelegationSignal},
		{"GOOGLE_ADMIN_EMAIL", DelegationSignal},
		{"PROVIDER_GOOGLE_GOOGLE_IMPERSONATE", DelegationSignal},
		{"OAUTH2_PROXY_GOOGLE_ADMIN_EMAIL", DelegationSignal},
		{"GSUITE_IMPERSONATED_USER", DelegationSignal},
		{"WORKSPACE_ADMIN_SUBJECT", DelegationSignal},
		{"GOOGLE_DELEGATED_SUBJECT", DelegationSignal},
		{"GCS_SIGNED_URL_TTL", SigningSignal},
		{"SIGNED_URLS_ENABLED", SigningSignal},
		{"GOOGLE_SIGNER_EMAIL", SigningSignal},
		{"GOOGLE_APPLICATION_CREDENTIALS", NoSignal},
		{"ADMIN_EMAIL", NoSignal},
		{"--impersonate-service-account", NoSignal},
		{"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", NoSignal},
		{"DESIGNED_URL", NoSignal},
		{"", NoSignal},
	}
	for _, test := range tests {
		if got := SignalOf(test.name); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestWellKnownPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/root/.config/gcloud/application_default_credentials.json":      true,
		"/home/app/.config/gcloud/application_default_credentials.json":  true,
		"/home/app/.config//gcloud/application_default_credentials.json": true,
		"/etc/google/auth/application_default_credentials.json":          true,
		"/var/secrets/google/application_default_credentials.json":       false,
		"/root/.config/gcloud/credentials.db":                            false,
		"/root/.config/gcloud":                                           false,
		"":                                                               false,
	} {
		if got := WellKnownPath(path); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}

// A flag's name tells of a key only when it says whose and what.
func TestLookupFlagByName(t *testing.T) {
	for flag, want := range map[string]bool{
		"--gcs-credentials":             true,
		"--google-credentials-file":     true,
		"--gcp-service-account-key":     true,
		"--gcp.credentials-file":        true,
		"--service-account-key-file":    false, // the API server's public key
		"--tls-private-key-file":        false,
		"--credentials":                 false,
		"--google-client-secret-file":   false,
		"--google-service-account-mail": true, // the caller sees that the value is no path
		"--gcp-project":                 false,
		"--key-file":                    false,
		"gcs-credentials":               false,
		"-c":                            false,
		"":                              false,
	} {
		got, ok := LookupFlag("example.com/app:1", "app", flag)
		if ok != want || ok && (got.Removable || got.Hold == nil || got.Value != ValuePath) {
			t.Errorf("%s: got %+v, %v", flag, got, ok)
		}
	}
}

func TestMarks(t *testing.T) {
	tests := []struct {
		name    string
		content string
		want    []wantMade
	}{
		{"Helm", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"k","namespace":"web","annotations":{"meta.helm.sh/release-name":"api"}}}`,
			[]wantMade{{Kind: "helm", Secret: "web/k", Field: `metadata.annotations["meta.helm.sh/release-name"]`, Recreates: true}}},
		{"SOPS", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"k","namespace":"web"},"sops":{"version":"3.8.1"}}`,
			[]wantMade{{Kind: "sops", Secret: "web/k", Field: "sops"}}},
		{"Terraform, live", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"k","namespace":"web","managedFields":[{"manager":"kubectl"},{"manager":"Terraform"}]}}`,
			[]wantMade{{Kind: "terraform", Secret: "web/k", Field: "metadata.managedFields[1].manager", Recreates: true}}},
		{"an operator's child", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"k","namespace":"web","ownerReferences":[{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","name":"k"}]}}`,
			[]wantMade{{Kind: "sealed-secret", Secret: "web/k", Field: "metadata.ownerReferences[0]", Recreates: true}}},
		{"somebody else's child", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"k","namespace":"web","ownerReferences":[{"apiVersion":"example.com/v1","kind":"App","name":"k"}]}}`, nil},
		{"a plain Secret", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"k","namespace":"web"}}`, nil},
		{"a Deployment of a release", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"k","annotations":{"meta.helm.sh/release-name":"api"}}}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []wantMade
			for _, m := range Provenance(decode(t, test.content)) {
				got = append(got, wantMade{Kind: m.Kind, Secret: m.Secret.Namespace + "/" + m.Secret.Name, Field: m.Field.String(), Recreates: m.Recreates})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePattern(t *testing.T) {
	content := decode(t, `{"a":{"x":[{"n":"1"},{"n":"2"}],"y.z/w":"3"},"b":{"n":"4"}}`).Content
	tests := []struct {
		pattern string
		want    []string
	}{
		{"a.x[*].n", []string{"a.x[0].n", "a.x[1].n"}},
		{"a.x[n=2].n", []string{"a.x[n=2].n"}},
		{`a["y.z/w"]`, []string{`a["y.z/w"]`}},
		{"*.n", []string{"b.n"}},
		{"**.n", []string{"a.x[0].n", "a.x[1].n", "b.n"}},
		{"a.**.n", []string{"a.x[0].n", "a.x[1].n"}},
		{"c.n", nil},
		{"a.x.n", nil},
	}
	for _, test := range tests {
		p, err := parsePattern(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		var got []string
		for _, m := range p.find(content) {
			got = append(got, m.path.String())
			if value, ok := m.path.Lookup(content); !ok || !cmp.Equal(value, m.value) {
				t.Errorf("%s: the path %s leads to %v, not %v", test.pattern, m.path, value, m.value)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.pattern, diff)
		}
	}
	for _, bad := range []string{".a", "a..b", "a[", `a["x`, "a[*]b", "a[x"} {
		if _, err := parsePattern(bad); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// A Secret that is its own wiring and has no name yet (generateName) names nothing.
func TestSelfWithoutAName(t *testing.T) {
	o := decoded(map[string]any{
		"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"generateName": "repo-", "labels": map[string]any{"argocd.argoproj.io/secret-type": "repository"}},
		"data":     map[string]any{"username": "X2pzb25fa2V5", "password": "eA=="},
	})
	if got := References(o); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	o.Ref.Name = "repo"
	o.Content["metadata"].(map[string]any)["name"] = "repo"
	if got := References(o); len(got) == 0 {
		t.Error("the same Secret with a name gives nothing: the case above can not fail")
	}
}

// A hostile object costs bounded time and never panics.
func FuzzReferences(f *testing.F) {
	for _, entry := range Entries() {
		for _, c := range entry.Cases {
			if data, err := json.Marshal(c.Object); err == nil && c.Object != nil {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var content map[string]any
		if json.Unmarshal(data, &content) != nil {
			return
		}
		o := decoded(content)
		for _, r := range References(o) {
			if r.Entry == "" || r.Secret.Name == "" && r.Env == "" {
				t.Errorf("%+v names nothing", r)
			}
			if _, ok := r.Field.Lookup(content); !ok {
				t.Errorf("the field %s is not in the object", r.Field)
			}
			if (len(r.Recipe) == 0) == (r.Hold == nil) {
				t.Errorf("%s: exactly one of recipe and hold", r.Field)
			}
		}
		for _, m := range Provenance(o) {
			if _, ok := m.Field.Lookup(content); !ok {
				t.Errorf("the field %s is not in the object", m.Field)
			}
		}
	})
}
