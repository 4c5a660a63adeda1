package githubtest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Config says what kind of GitHub it is.
type Config struct {
	// Enterprise serves API and git at one host, the API below /api/v3, as GitHub Enterprise Server does. Otherwise API
	// and git are two hosts, as api.github.com and github.com are.
	Enterprise bool
	// User is whose token Token is: "robot" unless it says otherwise.
	User string
	// Now is the clock of all that the API dates. Unless given, each reading is a second after the last.
	Now func() time.Time
	// Fatalf ends the test when the server's own work goes wrong; New sets it.
	Fatalf func(format string, args ...any)
}

// Access is what a token may do with the repositories.
type Access int

// The accesses, each with all of the ones before.
const (
	None Access = iota
	Read
	Write
	Admin
)

// A Server is a GitHub. Its methods may be called while it serves, from a Fault's Do too.
type Server struct {
	API       string // the REST API, with the slash at the end that go-github wants
	GraphQL   string // where GraphQL is asked
	Git       string // repositories are at Git + "/OWNER/NAME.git"
	Elsewhere string // a host that a token must never reach; requests to it are recorded
	Token     string // of Config.User, with Write

	config       Config
	dir          string
	listeners    []*httptest.Server
	mu           sync.Mutex
	ticks        int
	serial       int64
	tokens       map[string]*account
	users        []string
	teams        []string
	app          *app
	repositories []*Repository
	faults       []*pendingFault
	requests     []*Request
	violations   []string
}

// An account is who a token is, and what it may do.
type account struct {
	login   string
	access  Access
	app     bool // an installation of a GitHub App: GitHub signs its commits
	expired bool
}

// An app is a GitHub App that is installed for every repository.
type app struct {
	id, installation int64
	public           *rsa.PublicKey
}

// A Request is one that the server got, with what became of it.
type Request struct {
	Host      string // api, git or elsewhere
	Method    string
	Path      string // as it was sent, with the query
	Operation string // as GitHub's description names it; git/fetch, git/push and graphql beside those
	User      string // whose token it carried; "" for none, "?" for one that the server does not know
	Body      string // of API requests
	Status    int    // 0 when the connection was cut
}

// Mutates says whether the request is one that GitHub's limit for changes counts.
func (r Request) Mutates() bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Host == "api"
}

// New starts a server for a test, which fails for each violation when it ends.
func New(t testing.TB, config Config) *Server {
	t.Helper()
	config.Fatalf = t.Fatalf
	server, err := Start(t.TempDir(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		for _, violation := range server.Violations() {
			t.Error(violation)
		}
	})
	return server
}

// Start starts a server that keeps its repositories in a folder. Who calls it closes it, and looks at Violations.
func Start(dir string, config Config) (*Server, error) {
	if _, err := finder(); err != nil {
		return nil, err
	}
	s := &Server{config: config, dir: dir, tokens: make(map[string]*account), serial: 1000}
	s.config.User = cmp.Or(config.User, "robot")
	if s.config.Now == nil {
		s.config.Now = s.tick
	}
	if s.config.Fatalf == nil {
		s.config.Fatalf = func(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
	}
	listen := func(handler http.Handler) string {
		listener := httptest.NewServer(handler)
		s.listeners = append(s.listeners, listener)
		return listener.URL
	}
	api, git := s.host("api", http.HandlerFunc(s.serveAPI)), s.host("git", http.HandlerFunc(s.serveGit))
	if config.Enterprise {
		both := http.NewServeMux()
		both.Handle("/api/v3/", http.StripPrefix("/api/v3", api))
		both.Handle("/api/graphql", http.StripPrefix("/api", api))
		both.Handle("/", git)
		s.Git = listen(both)
		s.API, s.GraphQL = s.Git+"/api/v3/", s.Git+"/api/graphql"
	} else {
		s.API, s.Git = listen(api)+"/", listen(git)
		s.GraphQL = s.API + "graphql"
	}
	s.Elsewhere = listen(s.host("elsewhere", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "nothing is here", http.StatusNotFound)
	})))
	s.Token = s.NewToken(s.config.User, Write)
	return s, nil
}

// Close stops the server. Connections that are open are cut.
func (s *Server) Close() {
	for _, listener := range s.listeners {
		listener.CloseClientConnections()
		listener.Close()
	}
}

// tick is the clock unless there is another.
func (s *Server) tick() time.Time {
	s.ticks++
	return time.Date(2026, time.March, 2, 9, 0, s.ticks, 0, time.UTC)
}

// now is a time as GitHub writes it. The lock is held.
func (s *Server) now() string { return s.config.Now().UTC().Format(time.RFC3339) }

// next is a number that nothing else has. The lock is held.
func (s *Server) next() int64 {
	s.serial++
	return s.serial
}

// NewToken makes a token for a user, who is a collaborator from then on unless the access is None.
func (s *Server) NewToken(login string, access Access) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue("ghp_", &account{login: login, access: access})
}

// issue makes a token. The lock is held.
func (s *Server) issue(prefix string, who *account) string {
	random := make([]byte, 18)
	rand.Read(random)
	token := prefix + hex.EncodeToString(random)
	s.tokens[token] = who
	if who.access != None && !slices.Contains(s.users, who.login) {
		s.users = append(s.users, who.login)
	}
	return token
}

// Expire makes a token one that GitHub no longer takes.
func (s *Server) Expire(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if who := s.tokens[token]; who != nil {
		who.expired = true
	}
}

// AddUser makes somebody a collaborator of every repository, who can review and be assigned.
func (s *Server) AddUser(login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.users, login) {
		s.users = append(s.users, login)
	}
}

// AddTeam makes a team with access to every repository, by its slug.
func (s *Server) AddTeam(slug string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.teams = append(s.teams, slug)
}

// Install installs a GitHub App for every repository, with write access. The App signs its requests for a token with
// the private part of the key.
func (s *Server) Install(appID, installation int64, public *rsa.PublicKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = &app{id: appID, installation: installation, public: public}
}

// Requests are those that the server got so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Request, 0, len(s.requests))
	for _, request := range s.requests {
		list = append(list, *request)
	}
	return list
}

// Violations are what was not as GitHub's description says, and every place but the right one where a token was seen:
// in requests, in the repositories, in pull requests.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := slices.Clone(s.violations)
	for _, repository := range s.repositories {
		found = append(found, repository.leaks()...)
	}
	return found
}

func (s *Server) violate(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// holdsToken says whether a text has a token in it. The lock is held.
func (s *Server) holdsToken(text string) bool {
	for token := range s.tokens {
		if strings.Contains(text, token) {
			return true
		}
	}
	return false
}

// host records what one host gets, watches for tokens and lets the faults have their say before its own handler.
func (s *Server) host(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		request := Request{Host: name, Method: r.Method, Path: r.URL.RequestURI(), Operation: operation(name, r)}
		if name == "api" {
			request.Body = string(body)
		}
		who, known := s.authenticate(name, r)
		switch {
		case known:
			request.User = who.login
		case r.Header.Get("Authorization") != "":
			request.User = "?"
		}
		s.watch(request, r, body)
		s.mu.Lock()
		record := request
		s.requests = append(s.requests, &record)
		s.mu.Unlock()
		answer := httptest.NewRecorder()
		if !s.fault(request, answer, r, next) {
			panic(http.ErrAbortHandler)
		}
		s.mu.Lock()
		record.Status = answer.Code
		s.mu.Unlock()
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	})
}

// operation names what a request is for.
func operation(host string, r *http.Request) string {
	switch {
	case host == "git" && (strings.HasSuffix(r.URL.Path, "/git-receive-pack") && r.Method == http.MethodPost):
		return "git/push"
	case host == "git":
		return "git/fetch"
	case host == "api" && r.URL.Path == "/graphql":
		return "graphql"
	case host == "api":
		if found, ok, err := find(r); err == nil && ok {
			return found.name
		}
	}
	return ""
}

// watch looks for tokens where none may be.
func (s *Server) watch(request Request, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	where := ""
	switch {
	case s.holdsToken(r.URL.String()), s.holdsToken(r.Host):
		where = "in the address"
	case s.holdsToken(string(body)):
		where = "in the body"
	case request.Host == "elsewhere" && r.Header.Get("Authorization") != "":
		where = "at a host that is not GitHub's"
	}
	for name, values := range r.Header {
		if name != "Authorization" && s.holdsToken(strings.Join(values, "\n")) {
			where = "in the header " + name
		}
	}
	if where != "" {
		s.violations = append(s.violations, fmt.Sprintf("%s %s: a token %s", request.Method, r.URL.Path, where))
	}
}

// authenticate tells whose token a request carries; git sends it as a Basic password, API clients as Bearer or token.
func (s *Server) authenticate(host string, r *http.Request) (account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var token string
	if host == "git" {
		_, token, _ = r.BasicAuth()
	} else if scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token") {
		token = rest
	}
	who := s.tokens[token]
	if who == nil || who.expired {
		return account{}, false
	}
	return *who, true
}

// repository finds one by OWNER/NAME. The lock is held.
func (s *Server) repository(name string) *Repository {
	for _, repository := range s.repositories {
		if strings.EqualFold(repository.Name, name) {
			return repository
		}
	}
	return nil
}

// check ends the test for an error of the server's own work.
func (s *Server) check(err error) {
	if err != nil {
		s.config.Fatalf("githubtest: %v", err)
	}
}

// folder makes a folder of the server's own.
func (s *Server) folder(name string) string {
	dir := filepath.Join(s.dir, filepath.FromSlash(name))
	s.check(os.MkdirAll(dir, 0o777))
	return dir
}
