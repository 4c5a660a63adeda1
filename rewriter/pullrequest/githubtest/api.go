package githubtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A call is one request to the API on its way. The server's lock is held.
type call struct {
	*Server
	r          *http.Request
	who        account
	repository *Repository // where the address names one
	values     map[string]string
	body       []byte
	header     http.Header // of the answer
}

// An answer is a status and what goes with it; a refused says why there is nothing else.
type refused struct {
	status  int
	message string
	details []object
}

func (e *refused) Error() string { return e.message }

func refuse(status int, message string, details ...object) (int, any, error) {
	return 0, nil, &refused{status: status, message: message, details: details}
}

// invalid is the refusal of values that do not do.
func invalid(details ...object) (int, any, error) {
	return refuse(http.StatusUnprocessableEntity, "Validation Failed", details...)
}

func notFound() (int, any, error) { return refuse(http.StatusNotFound, "Not Found") }

// need is the access that an operation needs when it is more than reading, or less.
var need = map[string]Access{
	"git/create-blob": Write, "git/create-commit": Write, "git/create-ref": Write, "git/create-tree": Write, "git/delete-ref": Write, "git/update-ref": Write,
	"issues/add-assignees": Write, "issues/add-labels": Write, "issues/create-label": Write, "issues/remove-assignees": Write, "issues/remove-label": Write,
	"issues/set-labels": Write, "pulls/merge": Write, "pulls/request-reviewers": Write, "pulls/remove-requested-reviewers": Write,
	"repos/create-or-update-file-contents": Write, "repos/get-branch-protection": Admin, "repos/get-collaborator-permission-level": Write,
}

// handlers are what the server does, by the operation's name in GitHub's description.
var handlers = map[string]func(*call) (int, any, error){
	"apps/create-installation-access-token": (*call).createToken, "apps/get-authenticated": (*call).getApp, "apps/get-repo-installation": (*call).getInstallation,
	"git/create-blob": (*call).createBlob, "git/create-commit": (*call).createCommit, "git/create-ref": (*call).createRef, "git/create-tree": (*call).createTree,
	"git/delete-ref": (*call).deleteRef, "git/get-blob": (*call).getBlob, "git/get-commit": (*call).getGitCommit, "git/get-ref": (*call).getRef,
	"git/get-tree": (*call).getTree, "git/list-matching-refs": (*call).matchingRefs, "git/update-ref": (*call).updateRef,
	"issues/add-assignees": (*call).addAssignees, "issues/add-labels": (*call).addLabels, "issues/create-comment": (*call).createComment,
	"issues/create-label": (*call).createLabel, "issues/get": (*call).getIssue, "issues/get-label": (*call).getLabel, "issues/list-assignees": (*call).listAssignees,
	"issues/list-comments": (*call).listComments, "issues/list-labels-for-repo": (*call).repositoryLabels, "issues/list-labels-on-issue": (*call).issueLabels,
	"issues/remove-assignees": (*call).removeAssignees, "issues/remove-label": (*call).removeLabel, "issues/set-labels": (*call).setLabels,
	"issues/update": (*call).updateIssue, "issues/update-comment": (*call).updateComment,
	"pulls/check-if-merged": (*call).checkMerged, "pulls/create": (*call).createPull, "pulls/get": (*call).getPull, "pulls/list": (*call).listPulls,
	"pulls/list-commits": (*call).pullCommits, "pulls/list-files": (*call).pullFiles, "pulls/list-requested-reviewers": (*call).listReviewers,
	"pulls/merge": (*call).mergePull, "pulls/remove-requested-reviewers": (*call).removeReviewers, "pulls/request-reviewers": (*call).requestReviewers,
	"pulls/update": (*call).updatePull, "rate-limit/get": (*call).rateLimit,
	"repos/compare-commits-with-basehead": (*call).compare, "repos/create-fork": (*call).createFork, "repos/create-or-update-file-contents": (*call).putContent,
	"repos/get": (*call).getRepository, "repos/get-branch": (*call).getBranch, "repos/get-branch-protection": (*call).getProtection,
	"repos/get-collaborator-permission-level": (*call).getPermission, "repos/get-commit": (*call).getCommit, "repos/get-content": (*call).getContent,
	"repos/list-branches": (*call).listBranches, "repos/list-commits": (*call).listCommits, "repos/list-forks": (*call).listForks,
	"repos/list-pull-requests-associated-with-commit": (*call).commitPulls,
	"users/get-authenticated":                         (*call).getMe, "users/get-by-username": (*call).getUser,
}

// serveAPI answers REST and GraphQL. What REST answers is held to the description on its way out.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/graphql" {
		s.serveGraphQL(w, r)
		return
	}
	Held(http.HandlerFunc(s.serveREST), func(err error) { s.violate("%v", err) }).ServeHTTP(w, r)
}

func (s *Server) serveREST(w http.ResponseWriter, r *http.Request) {
	found := r.Context().Value(routeKey{}).(*route)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	who, known := s.authenticate("api", r)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{Server: s, r: r, who: who, values: found.values, body: body, header: w.Header()}
	handler := handlers[found.name]
	status, answer, err := 0, any(nil), error(nil)
	switch {
	case handler == nil:
		status, answer, err = refuse(http.StatusNotImplemented, "githubtest does not serve "+found.name)
	case strings.HasPrefix(found.name, "apps/"):
		status, answer, err = handler(c)
	case !known && r.Header.Get("Authorization") != "":
		status, answer, err = refuse(http.StatusUnauthorized, "Bad credentials")
	case !known && found.name == "users/get-authenticated":
		status, answer, err = refuse(http.StatusUnauthorized, "Requires authentication")
	default:
		status, answer, err = c.permit(found.name, handler)
	}
	s.rateHeaders(w.Header())
	if refusedBy, is := err.(*refused); is {
		refusal(w, refusedBy.status, refusedBy.message, "", refusedBy.details...)
		return
	}
	s.check(err)
	write(w, status, answer)
}

// permit finds the repository that a call is for and lets only those in who may.
func (c *call) permit(name string, handler func(*call) (int, any, error)) (int, any, error) {
	if c.values["repo"] == "" {
		return handler(c)
	}
	c.repository = c.Server.repository(c.values["owner"] + "/" + c.values["repo"])
	if c.repository == nil || !c.mayRead(c.who, c.repository) {
		return notFound()
	}
	owned := owner(c.repository.Name) == c.who.login
	switch {
	case need[name] == Write && !c.mayWrite(c.who, c.repository):
		// GitHub hides from a token without permission even that there is something that it may not do.
		return refuse(http.StatusForbidden, "Resource not accessible by personal access token")
	case need[name] == Admin && c.who.access < Admin && !owned:
		return notFound()
	}
	c.repository.settle()
	return handler(c)
}

func (s *Server) rateHeaders(header http.Header) {
	header.Set("X-RateLimit-Limit", "5000")
	header.Set("X-RateLimit-Remaining", strconv.Itoa(max(1, 5000-len(s.requests))))
	header.Set("X-RateLimit-Used", strconv.Itoa(min(4999, len(s.requests))))
	header.Set("X-RateLimit-Reset", "4102444800")
	header.Set("X-RateLimit-Resource", "core")
	header.Set("X-GitHub-Request-Id", fmt.Sprintf("%04X:%04X", len(s.requests), len(s.repositories)))
	if s.config.Enterprise {
		header.Set("X-GitHub-Enterprise-Version", "3.19.0")
	}
}

// take reads the request's body, which the description held already.
func (c *call) take(into any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		return &refused{status: http.StatusBadRequest, message: "Problems parsing JSON"}
	}
	return nil
}

// query is a parameter of the address, or what holds without it.
func (c *call) query(name, otherwise string) string {
	if value := c.r.URL.Query().Get(name); value != "" {
		return value
	}
	return otherwise
}

// number is a parameter of the path that is a number.
func (c *call) number(name string) int {
	number, err := strconv.Atoi(c.values[name])
	if err != nil {
		return -1
	}
	return number
}

// url is an address of the API.
func (s *Server) url(parts ...string) string { return s.API + strings.Join(parts, "/") }

// page cuts a list to the page that was asked for, and says where the next is.
func page[T any](c *call, list []T) (int, any, error) {
	size, _ := strconv.Atoi(c.query("per_page", "30"))
	size = min(max(size, 1), 100)
	number, _ := strconv.Atoi(c.query("page", "1"))
	number = max(number, 1)
	first := min((number-1)*size, len(list))
	last := min(first+size, len(list))
	if last < len(list) {
		next := func(page int, relation string) string {
			query := url.Values{}
			for name, values := range c.r.URL.Query() {
				query[name] = values
			}
			query.Set("page", strconv.Itoa(page))
			return fmt.Sprintf("<%s%s?%s>; rel=%q", strings.TrimSuffix(c.API, "/"), c.r.URL.EscapedPath(), query.Encode(), relation)
		}
		c.header.Set("Link", next(number+1, "next")+", "+next((len(list)+size-1)/size, "last"))
	}
	shown := make([]T, 0, size)
	return http.StatusOK, append(shown, list[first:last]...), nil
}
