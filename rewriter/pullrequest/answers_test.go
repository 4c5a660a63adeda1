package pullrequest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A server that answers what GitHub does not, or refuses for a reason of the organisation's: each says what to do, and
// shows nothing of an answer that is not GitHub's.
func TestWrongAnswers(t *testing.T) {
	for _, test := range []struct {
		name, body string
		status     int
		header     []string
		says, do   string
	}{
		{name: "a login page", status: 200, body: "<html>secret-canary</html>", says: "the answer is not GitHub's", do: "no proxy or login page"},
		{name: "another shape", status: 200, body: `{"canary": 1}`, says: "the answer is not GitHub's", do: "a GitHub server"},
		{name: "half of an answer", status: 200, body: `[{"number": 1, "canary`, says: "unexpected EOF", do: "run the same command again"},
		{name: "nothing in a list", status: 200, body: `[{}, null, {"head": null, "user": null}]`},
		{name: "single sign-on, by its header", status: 403, body: `{"message": "Resource protected"}`, header: []string{"X-GitHub-SSO", "required; url=https://github.com/orgs/acme/sso"}, says: "(403)", do: "single sign-on"},
		{name: "single sign-on, by its words", status: 403, body: `{"message": "Resource protected by organization SAML enforcement."}`, says: "SAML", do: "single sign-on"},
		{name: "two factors", status: 403, body: `{"message": "The organization requires two-factor authentication."}`, says: "(403)", do: "two-factor"},
		{name: "archived", status: 403, body: `{"message": "Repository was archived so is read-only."}`, says: "(403)", do: "unarchive it"},
		{name: "gone", status: 410, body: `{"message": "Pull requests are disabled"}`, says: "(410)", do: "run the same command again"},
		{name: "a refusal that is no JSON", status: 403, body: "<h1>canary</h1>", says: "(403)", do: "contents: write"},
		{name: "another host", status: 307, header: []string{"Location", "https://evil.example/x"}, says: "the token is for api.github.com alone", do: "again"},
		{name: "in the clear", status: 302, header: []string{"Location", "http://api.github.com/x"}, says: "the token is for api.github.com alone", do: "again"},
		{name: "round and round", status: 301, header: []string{"Location", "https://api.github.com/x"}, says: "stopped after 10 redirects", do: "again"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, err := NewGitHub(GitHubOptions{Server: "https://github.com", Owner: "acme", Name: "shop", Token: "ghp_secret", Clock: &fakeClock{}, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host != "api.github.com" || r.URL.Scheme != "https" {
					t.Errorf("asked %s", r.URL)
				}
				got := answer(test.status, test.body, test.header...)
				got.Request = r
				return got, nil
			})})
			if err != nil {
				t.Fatal(err)
			}
			list, err := g.Own(t.Context(), time.Time{})
			if test.says == "" {
				if err != nil || len(list) != 0 {
					t.Errorf("%v, %v", list, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(hintOf(err), test.do) {
				t.Errorf("error %v\nhint %s", err, hintOf(err))
			}
			if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "secret")) {
				t.Errorf("it shows what it must not: %v", err)
			}
		})
	}
}

// A repository that was renamed: GitHub answers from its new place on the same host, and what is sent goes there whole.
func TestRenamedRepository(t *testing.T) {
	var bodies []string
	g, err := NewGitHub(GitHubOptions{Server: "https://github.com", Owner: "acme", Name: "old", Token: "ghp_secret", Clock: &fakeClock{}, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "Bearer ghp_secret" {
			t.Errorf("%s without the token", r.URL)
		}
		var got *http.Response
		if strings.HasPrefix(r.URL.Path, "/repos/") {
			got = answer(http.StatusTemporaryRedirect, "", "Location", "https://api.github.com/repositories/7/pulls")
		} else {
			data, _ := io.ReadAll(r.Body)
			bodies = append(bodies, r.Method+" "+string(data))
			got = answer(http.StatusCreated, `{"number": 3, "state": "open", "head": {"ref": "dekey/migrate"}}`)
		}
		got.Request = r
		return got, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	made, err := g.Create(t.Context(), Proposal{Branch: "dekey/migrate", Base: "main", Title: "title", Body: "body"})
	if err != nil || made.Number != 3 || len(bodies) != 1 || !strings.HasPrefix(bodies[0], "POST {") || !strings.Contains(bodies[0], `"title":"title"`) {
		t.Errorf("%+v, %v, sent %q", made, err, bodies)
	}
}
