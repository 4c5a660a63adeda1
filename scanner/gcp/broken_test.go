package gcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"dekey/scanner"
	"dekey/scanner/gcp"
	"dekey/scanner/gcp/gcptest"
	"dekey/scanner/keyfile/keytest"
)

// Whatever comes back in place of an answer, of whichever call, the facts that need it are unknown and a gap says so. Nothing
// panics: a proxy answers with anything.
func TestBrokenAnswersAreUnknown(t *testing.T) {
	methods := []string{
		"iam.v1:projects.serviceAccounts.get", "iam.v1:projects.serviceAccounts.getIamPolicy", "iam.v1:projects.serviceAccounts.keys.*",
		"container.*", "cloudresourcemanager.v3:projects.get", "cloudresourcemanager.v3:projects.getIamPolicy", "cloudresourcemanager.v1:*",
		"policyanalyzer.*", "monitoring.*", "cloudasset.*", "serviceusage.*", "orgpolicy.*",
	}
	bodies := []string{
		`null`, `<html>Log in</html>`, `{"name": "x`, `[]`, `7`, ` `,
		`{"keys":[null],"activities":[null],"timeSeries":[null],"results":[null],"services":[null],"bindings":[null],"etag":"x","nodePools":[null],"ancestor":[null],"spec":{"rules":[null]}}`,
	}
	k := keytest.New("own", email)
	for _, method := range methods {
		for _, body := range bodies {
			google, c := open(t, func(s *gcptest.State) {
				p := s.Project(project, number)
				p.Account(email).AddKey(k.KeyID, &k.Private.PublicKey)
				p.Cluster("us-central1", "c1")
			})
			google.Fail(gcptest.Fault{Method: method, Body: body})
			inv := inventory(key("own"))
			targets := gcp.Targets{Clusters: []gcp.ClusterTarget{{Project: project, Location: "us-central1", Name: "c1"}}}
			if err := c.Enrich(t.Context(), &inv, targets); err != nil {
				t.Errorf("%s answers %q: %v", method, body, err)
			}
			if len(inv.Gaps) == 0 {
				t.Errorf("%s answers %q, and nothing says so", method, body)
			}
			fact, account := inv.KeyFacts[0], inv.Accounts[0]
			service, _, _ := strings.Cut(method, ".")
			switch {
			case service == "policyanalyzer" && fact.Use != scanner.UseUnknown,
				service == "monitoring" && fact.Authentications != nil,
				(method == methods[0] || method == methods[2]) && (fact.Use != scanner.UseUnknown || fact.KeyID != "" && !strings.Contains(fact.Why, "public certificates")),
				method == methods[1] && account.PolicyRead,
				(service == "cloudasset" || method == "cloudresourcemanager.v1:*") && account.GrantsRead,
				service == "container" && len(inv.Clusters) > 0:
				t.Errorf("%s answers %q, and is taken at its word: %+v %+v %+v", method, body, fact, account, inv.Clusters)
			}
		}
	}
}

// A login that fails is a gap that says how to log in again, and tells nothing of what its server answered, or of the login.
func TestFailedLogins(t *testing.T) {
	const canary = "1//canary-refresh-token"
	refuse := func(status int, code, body string) http.RoundTripper {
		return gcp.PacedBy(func(context.Context, time.Duration) error { return nil }, func(*http.Request) (*http.Response, error) {
			return nil, &oauth2.RetrieveError{Response: &http.Response{StatusCode: status}, ErrorCode: code, Body: []byte(body)}
		})
	}
	for _, test := range []struct {
		name string
		base http.RoundTripper
		want string
	}{
		{"an expired login", refuse(400, "invalid_grant", `{"error":"invalid_grant","refresh_token":"`+canary+`"}`), "invalid_grant"},
		{"a proxy's page", refuse(407, "", "<html>"+canary), "Proxy Authentication Required"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = test.base.RoundTrip(request)
		why := gcp.Cause(err)
		if !strings.Contains(why, test.want) || !strings.Contains(why, "gcloud auth application-default login") || strings.Contains(why, canary) {
			t.Errorf("%s: %s", test.name, why)
		}
	}
	if why := gcp.Cause(errors.New("first\nsecond " + strings.Repeat("é", 400))); strings.Contains(why, "\n") || len(why) > 310 {
		t.Errorf("a long error is not one short line: %q", why)
	}
	if why := gcp.Cause(io.ErrUnexpectedEOF); !strings.Contains(why, "cut short") {
		t.Error(why)
	}
}

// Credentials that can not be read are told from none, and nothing of their file is shown.
func TestUnusableCredentials(t *testing.T) {
	const canary = "1//canary-refresh-token"
	file := filepath.Join(t.TempDir(), "adc.json")
	for _, text := range []string{`{"type":"authorized_user","refresh_token":"` + canary, `{"type":"` + canary + `"}`, ``} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
		c, err := gcp.Open(t.Context(), gcp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		inv := inventory()
		if err := c.Enrich(t.Context(), &inv, gcp.Targets{Clusters: []gcp.ClusterTarget{{Project: project, Location: "us-central1", Name: "c1"}}}); err != nil {
			t.Fatal(err)
		}
		said, err := json.Marshal(inv)
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Gaps) == 0 || !strings.Contains(inv.Gaps[0].Why, "can not be used") || strings.Contains(string(said), "canary") {
			t.Errorf("%q: %s", text, said)
		}
	}
}
