package githubtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the description has is served, and what is served the description has.
func TestEveryOperationIsServed(t *testing.T) {
	spec, err := description()
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(context.Background()); err != nil {
		t.Errorf("the reduced description is none: %v", err)
	}
	var described []string
	for _, item := range spec.Paths.Map() {
		for _, operation := range item.Operations() {
			described = append(described, operation.OperationID)
		}
	}
	slices.Sort(described)
	if diff := cmp.Diff(described, slices.Sorted(maps.Keys(handlers))); diff != "" {
		t.Errorf("described (-) and served (+):\n%s", diff)
	}
	for name := range need {
		if handlers[name] == nil {
			t.Errorf("%s needs access and is not served", name)
		}
	}
}

// Each check catches what is planted for it.
func TestPlantedViolationsAreCaught(t *testing.T) {
	const pulls = "repos/acme/shop/pulls"
	for _, test := range []struct {
		name   string
		method string
		path   string // behind the API's address, or a whole one
		body   string
		header map[string]string
		plant  func(*Server, *Repository)
		want   string
	}{
		{name: "nothing", method: "GET", path: pulls},
		{name: "a call that the description lacks", method: "GET", path: "repos/acme/shop/pullrequests", want: "no operation"},
		{name: "a body without what it must have", method: "POST", path: pulls, body: `{"title":"t","base":"main"}`, want: `"head" is missing`},
		{name: "a field of the wrong type", method: "POST", path: pulls, body: `{"title":"t","head":"h","base":"main","draft":"yes"}`, want: "draft"},
		{name: "a field that is misspelt", method: "POST", path: pulls, body: `{"title":"t","head":"h","base":"main","drafts":true}`, want: `"drafts"`},
		{name: "a value that is none of the list", method: "GET", path: pulls + "?state=merged", want: "allowed values"},
		{name: "a number that is none", method: "GET", path: pulls + "/one", want: "invalid integer"},
		{name: "a token in the query", method: "GET", path: pulls + "?access_token=TOKEN", want: "a token in the address"},
		{name: "a token in the body", method: "POST", path: "repos/acme/shop/issues/1/comments", body: `{"body":"TOKEN"}`, want: "a token in the body"},
		{name: "a token in another header", method: "GET", path: pulls, header: map[string]string{"X-Token": "TOKEN"}, want: "a token in the header X-Token"},
		{name: "a token at another host", method: "GET", path: "ELSEWHERE/", header: map[string]string{"Authorization": "Bearer TOKEN"}, want: "not GitHub's"},
		{name: "a token in a commit", method: "GET", path: pulls, want: "a token in its objects", plant: func(s *Server, r *Repository) {
			r.Commit("main", "robot", "change", map[string]string{".git-credentials": s.Token})
		}},
		{name: "a token in a branch's name", method: "GET", path: pulls, want: "a token in its references", plant: func(s *Server, r *Repository) {
			r.Commit("dekey/"+s.Token, "robot", "change", nil)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			hub, err := Start(t.TempDir(), Config{Fatalf: t.Fatalf})
			if err != nil {
				t.Fatal(err)
			}
			defer hub.Close()
			repository := hub.Repository("acme/shop", map[string]string{"a": "b"})
			if test.plant != nil {
				test.plant(hub, repository)
			}
			fill := strings.NewReplacer("TOKEN", hub.Token, "ELSEWHERE", hub.Elsewhere).Replace
			address := fill(test.path)
			if !strings.HasPrefix(address, "http") {
				address = hub.API + address
			}
			request, err := http.NewRequestWithContext(t.Context(), test.method, address, strings.NewReader(fill(test.body)))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(test.path, "ELSEWHERE") {
				request.Header.Set("Authorization", "Bearer "+hub.Token)
			}
			for name, value := range test.header {
				request.Header.Set(name, fill(value))
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			found := strings.Join(hub.Violations(), "\n")
			if (found == "") != (test.want == "") || !strings.Contains(found, test.want) {
				t.Errorf("violations %q, want %q", found, test.want)
			}
		})
	}
}

// An answer that is not as GitHub describes it is told of, field by field.
func TestPlantedAnswersAreCaught(t *testing.T) {
	for _, test := range []struct{ name, path, answer, want string }{
		{"fields that are missing", "/repos/acme/shop/git/ref/heads/main", `{"ref":"refs/heads/main"}`, `/node_id: property "node_id" is missing`},
		{"a wrong type", "/repos/acme/shop/git/ref/heads/a/b", `{"ref":1,"node_id":"","url":"http://x/","object":{"type":"commit","sha":"1111111111111111111111111111111111111111","url":"http://x/"}}`, "/ref: value must be a string"},
		{"no list", "/repos/acme/shop/pulls", `{}`, "value must be an array"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var found []string
			held := Held(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json; charset=utf-8")
				fmt.Fprint(w, test.answer)
			}), func(err error) { found = append(found, err.Error()) })
			held.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", test.path, http.NoBody))
			if !strings.Contains(strings.Join(found, "\n"), test.want) {
				t.Errorf("told of %q, want %q", found, test.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	hub, repository := shop(t, Config{})
	c := client(t, hub, hub.Token)
	ask := func() error {
		_, _, err := c.Repositories.Get(t.Context(), "acme", "shop")
		return err
	}
	hub.Fault(Fault{On: "repos/get", Skip: 1, Times: 1, Status: 502, Message: "Server Error"})
	if first, second, third := ask(), ask(), ask(); first != nil || status(second) != 502 || third != nil {
		t.Errorf("before %v, at it %v, behind it %v", first, second, third)
	}
	hub.Fault(Fault{On: "write", CutAfter: true, Times: 1})
	repository.Commit("dekey/migrate", "robot", "change", map[string]string{"a": "c"})
	name, base := "dekey/migrate", "main"
	if _, _, err := c.PullRequests.Create(t.Context(), "acme", "shop", pullOf(name, base)); err == nil || status(err) != 0 {
		t.Errorf("a cut connection: %v", err)
	}
	if len(repository.Pulls()) != 1 {
		t.Error("the work was not done before the cut")
	}
	hub.Fault(Fault{On: "api", CutBefore: true})
	if err := ask(); err == nil || status(err) != 0 {
		t.Errorf("a cut connection: %v", err)
	}
	hub.Mend()
	released, answered := make(chan struct{}), make(chan error)
	hub.Fault(Fault{On: "repos/get", Wait: released, Times: 1})
	go func() { answered <- ask() }()
	close(released)
	if err := <-answered; err != nil {
		t.Errorf("a slow answer: %v", err)
	}
}
