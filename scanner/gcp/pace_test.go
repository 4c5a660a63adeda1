package gcp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"dekey/scanner/gcp"
	"dekey/scanner/gcp/gcptest"
)

// A clock records how long a client would have waited.
type clock struct {
	mu     sync.Mutex
	waited []time.Duration
}

func (c *clock) wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waited = append(c.waited, d)
	return ctx.Err()
}

func TestErrorShapes(t *testing.T) {
	const get = "iam.v1:projects.serviceAccounts.get"
	tests := []struct {
		name   string
		fault  gcptest.Fault
		calls  int
		waits  []time.Duration // at least
		notOK  string          // what the error says; "" is no error
		absent bool
	}{
		{name: "403 is asked once and names the role", fault: gcptest.Denied(get, "iam.serviceAccounts.get"), calls: 1, notOK: "roles/iam.serviceAccountViewer"},
		{name: "an API that is off is named", fault: gcptest.Disabled(get, "iam.googleapis.com"), calls: 1, notOK: "gcloud services enable iam.googleapis.com"},
		{name: "404 is known to be missing", fault: gcptest.Fault{Method: get, Code: 404}, calls: 1, notOK: "not found", absent: true},
		{name: "401 is a login that ended", fault: gcptest.Fault{Method: get, Code: 401}, calls: 1, notOK: "log in again"},
		{name: "400 is told as Google tells it", fault: gcptest.Fault{Method: get, Code: 400, Message: "bad name"}, calls: 1, notOK: "Google answered 400: bad name"},
		{name: "409 is told, not repeated", fault: gcptest.Fault{Method: get, Code: 409}, calls: 1, notOK: "Google answered 409"},
		{name: "500 once passes", fault: gcptest.Fault{Method: get, Code: 500, Times: 1}, calls: 2, waits: []time.Duration{0}},
		{name: "500 for ever is given up", fault: gcptest.Fault{Method: get, Code: 500}, calls: 5, waits: make([]time.Duration, 4), notOK: "Google answered 500"},
		{name: "503 without Google's shape passes", fault: gcptest.Fault{Method: get, Code: 503, Body: "<html>", Times: 2}, calls: 3, waits: make([]time.Duration, 2)},
		{name: "429 waits as long as it is told", fault: gcptest.Fault{Method: get, Code: 429, RetryAfter: "7", Times: 1}, calls: 2, waits: []time.Duration{7 * time.Second}},
		{name: "429 with a date", fault: gcptest.Fault{Method: get, Code: 429, RetryAfter: "Fri, 20 Nov 2026 12:00:09 GMT", Times: 1}, calls: 2, waits: []time.Duration{9 * time.Second}},
		{name: "429 that asks for an hour is given up at once", fault: gcptest.Fault{Method: get, Code: 429, RetryAfter: "3600"}, calls: 1, notOK: "Google answered 429"},
		{name: "403 for a quota passes", fault: gcptest.Fault{Method: get, Code: 403, Reason: "RATE_LIMIT_EXCEEDED", Times: 1}, calls: 2, waits: []time.Duration{0}},
		{name: "403 for a quota that stays is told", fault: gcptest.Fault{Method: get, Code: 403, Reason: "RATE_LIMIT_EXCEEDED"}, calls: 5, waits: make([]time.Duration, 4), notOK: "quota"},
		{name: "a connection that breaks is made again", fault: gcptest.Fault{Method: get, Cut: true, Times: 1}, calls: 2, waits: []time.Duration{0}},
		{name: "an empty answer is no account", fault: gcptest.Fault{Method: get}, calls: 1, notOK: "empty"},
		{name: "an answer that is no JSON", fault: gcptest.Fault{Method: get, Body: "<html>hello</html>"}, calls: 1, notOK: "a proxy's page?"},
		{name: "an answer that is cut short", fault: gcptest.Fault{Method: get, Body: `{"email": "api-gsa@`}, calls: 1, notOK: "cut short"},
		{name: "an answer of another type", fault: gcptest.Fault{Method: get, Body: `["x"]`}, calls: 1, notOK: "not Google's"},
		{name: "an answer that is null", fault: gcptest.Fault{Method: get, Body: `null`}, calls: 1, notOK: "null"},
		{name: "a proxy that wants a login", fault: gcptest.Fault{Method: get, Code: 407, Body: "<html>"}, calls: 1, notOK: "Proxy Authentication Required"},
		{name: "no project to charge", fault: gcptest.Fault{Method: get, Code: 403, Reason: "SERVICE_DISABLED", Service: "iam.googleapis.com", Message: "The iam.googleapis.com API requires a quota project, which is not set by default."}, calls: 1, notOK: "--google-quota-project"},
		{name: "a project that may not be charged", fault: gcptest.Fault{Method: get, Code: 403, Reason: "USER_PROJECT_DENIED", Message: "Caller does not have required permission to use project acme."}, calls: 1, notOK: "roles/serviceusage.serviceUsageConsumer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			google := gcptest.Start(t)
			google.Update(func(s *gcptest.State) { s.Project(project, number).Account(email) })
			google.Fail(test.fault)
			var clock clock
			c := client(t, google, gcp.Options{Wait: clock.wait})
			_, err := c.Account(t.Context(), email)
			switch {
			case test.notOK == "" && err != nil:
				t.Errorf("error %v", err)
			case test.notOK != "" && (err == nil || !strings.Contains(err.Error(), test.notOK)):
				t.Errorf("error %v, want %q", err, test.notOK)
			case errors.Is(err, gcp.ErrNotFound) != test.absent:
				t.Errorf("error %v says that it is missing: want %v", err, test.absent)
			}
			if got := len(google.Requests()); got != test.calls || c.Calls() != got {
				t.Errorf("%d requests, %d counted, want %d", got, c.Calls(), test.calls)
			}
			if len(clock.waited) != len(test.waits) {
				t.Fatalf("waits %v, want %d", clock.waited, len(test.waits))
			}
			for i, least := range test.waits {
				if clock.waited[i] < least || clock.waited[i] > least+16*time.Second {
					t.Errorf("waited %s, want %s and a little", clock.waited[i], least)
				}
			}
		})
	}
}

func TestSlowAnswersAreCutOff(t *testing.T) {
	google := gcptest.Start(t)
	google.Update(func(s *gcptest.State) { s.Project(project, number).Account(email) })
	google.Fail(gcptest.Fault{Method: "iam.*", Hang: true})
	c := client(t, google, gcp.Options{Timeout: 20 * time.Millisecond, Attempts: 2})
	if _, err := c.Account(t.Context(), email); err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("error %v", err)
	}
	if n := len(google.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestEndedContextEndsCalls(t *testing.T) {
	google := gcptest.Start(t)
	google.Update(func(s *gcptest.State) { s.Project(project, number).Account(email) })
	google.Fail(gcptest.Fault{Method: "iam.*", Hang: true})
	c := client(t, google, gcp.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := c.Account(ctx, email); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Nothing but reads leaves the client, whatever a future change of it asks for.
func TestWritesAreRefused(t *testing.T) {
	google := gcptest.Start(t)
	transport := gcp.Paced(http.DefaultTransport)
	for _, r := range []struct{ method, path string }{
		{"POST", "/iam/v1/projects/p/serviceAccounts/e:setIamPolicy"}, {"POST", "/iam/v1/projects/p/serviceAccounts/e/keys/k:disable"},
		{"DELETE", "/iam/v1/projects/p/serviceAccounts/e/keys/k"}, {"PUT", "/container/v1/projects/p/locations/l/clusters/c"},
		{"POST", "/iam/v1/projects/p/serviceAccounts/e:signBlob"}, {"POST", "/iam/v1/projects/p/serviceAccounts"},
		{"POST", "/iam/v1/projects/p/serviceAccounts/e:signJwt"}, {"PATCH", "/orgpolicy/v2/projects/p/policies/c"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), r.method, google.URL+r.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := transport.RoundTrip(request); err == nil {
			answer.Body.Close()
			t.Errorf("%s %s is sent", r.method, r.path)
		}
	}
	if n := len(google.Requests()); n > 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestEndpoints(t *testing.T) {
	for entry, ok := range map[string]bool{
		"https://iam.example.com": true, "http://127.0.0.1:80": true, "http://[::1]:80/x/": true, "http://localhost:1": true,
		"http://example.com": false, "iam=https://iam.example.com/": true, "nosuch=https://x.example": false, "iam=": false, "": false,
		"https://user:word@x.example": false, "https://x.example/?a=b": false, "ftp://x.example": false, "http://127.0.0.1.evil.example": false,
	} {
		if err := gcp.CheckEndpoint(entry); (err == nil) != ok {
			t.Errorf("%q: %v", entry, err)
		}
	}
	google := gcptest.Start(t)
	google.Update(func(s *gcptest.State) { s.Project(project, number).Account(email) })
	settings := map[string]string{"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM": google.URL + "/iam/"}
	look := func(name string) (string, bool) { value, ok := settings[name]; return value, ok }
	c, err := gcp.Open(t.Context(), gcp.Options{Endpoints: []string{"http://127.0.0.1:1"}, LookupEnv: look})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Account(t.Context(), email); err != nil {
		t.Errorf("gcloud's own setting is not honoured: %v", err)
	}
	settings["CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM"] = "http://example.com/"
	if _, err := gcp.Open(t.Context(), gcp.Options{LookupEnv: look}); err == nil {
		t.Error("an endpoint in the clear is taken from the environment")
	}
}

// A login that is refused is told at once: asking again would lock the account, and takes minutes over many calls.
func TestRefusedLoginIsNotRepeated(t *testing.T) {
	var clock clock
	asked := 0
	transport := gcp.PacedBy(clock.wait, func(*http.Request) (*http.Response, error) {
		asked++
		return nil, errors.New("oauth2: cannot fetch token: 400 Bad Request")
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://iam.example.com/v1/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := transport.RoundTrip(request); err == nil {
		answer.Body.Close()
		t.Error("there is an answer")
	}
	if asked != 1 || len(clock.waited) > 0 {
		t.Errorf("asked %d times, waited %v", asked, clock.waited)
	}
}
