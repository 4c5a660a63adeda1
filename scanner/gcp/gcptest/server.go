package gcptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// A Reporter is told what is wrong. A *testing.T is one; so is what a script command makes of its own.
type Reporter interface {
	Errorf(format string, args ...any)
	Cleanup(func())
}

// A Server is Google on loopback.
type Server struct {
	// URL has no slash at its end; each API is below it by its name.
	URL string

	report   Reporter
	mu       sync.Mutex
	state    *State
	faults   []*Fault
	requests []Request
	secrets  []string
	pageSize int
}

// A Request is one that arrived.
type Request struct {
	Method string // iam.v1:projects.serviceAccounts.get, or "" where none answers
	HTTP   string // the HTTP method
	Path   string
	Query  url.Values
	Header http.Header
}

// Writes says whether the request asks for a change.
func (r Request) Writes() bool {
	_, verb, _ := strings.Cut(r.Path[strings.LastIndex(r.Path, "/")+1:], ":")
	switch {
	case r.HTTP == http.MethodGet:
		return false
	case verb == "getIamPolicy", verb == "testIamPermissions", verb == "getAncestry", r.Method == "logging.v2:entries.list":
		return false
	}
	return true
}

// Start starts a server with nothing in it. It ends with the test.
func Start(report Reporter) *Server {
	s := &Server{report: report, state: newState()}
	if _, err := methods(); err != nil {
		report.Errorf("gcptest: %v", err)
	}
	http := httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = http.URL
	report.Cleanup(http.Close)
	return s
}

// Update changes the state.
func (s *Server) Update(change func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.state)
}

// View looks at the state, which must not be kept.
func (s *Server) View(look func(*State)) { s.Update(look) }

// Secret names texts that must never arrive.
func (s *Server) Secret(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, texts...)
}

// PageSize makes every list end after n entries, whatever the request asks for.
func (s *Server) PageSize(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageSize = n
}

// Requests are what arrived, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request{}, s.requests...)
}

// Forget forgets the requests that arrived.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Calls are the requests of each method, by its name.
func (s *Server) Calls() map[string]int {
	calls := map[string]int{}
	for _, r := range s.Requests() {
		calls[r.Method]++
	}
	return calls
}

// Environment is what points the real gcloud at the server: it asks nobody else, has no credentials, and keeps what it
// writes in the folder.
// https://cloud.google.com/sdk/docs/properties
func (s *Server) Environment(folder string) []string {
	list := []string{
		"CLOUDSDK_CONFIG=" + filepath.Join(folder, "gcloud"), "CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true", "CLOUDSDK_CORE_DISABLE_PROMPTS=1",
		"CLOUDSDK_CORE_CHECK_GCE_METADATA=false", "NO_GCE_CHECK=true", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true",
		"CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=true",
	}
	for _, name := range Prefixes() {
		list = append(list, "CLOUDSDK_API_ENDPOINT_OVERRIDES_"+strings.ToUpper(name)+"="+s.URL+"/"+name+"/")
	}
	return list
}

// A failure is an error answer.
type failure struct {
	code       int
	status     string
	message    string
	details    []any
	retryAfter string
}

func failf(code int, status, format string, args ...any) *failure {
	return &failure{code: code, status: status, message: fmt.Sprintf(format, args...)}
}

// A call is one request at a method.
type call struct {
	server *Server
	state  *State
	method *method
	vars   map[string]string
	query  url.Values
	body   []byte
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return // the client went away
	}
	prefix, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if prefix == certificatesPrefix {
		s.certificates(w, r, path, body)
		return
	}
	path = strings.TrimPrefix(path, "/")
	query := r.URL.Query()
	m, vars, err := find(prefix, r.Method, path)
	if err == nil {
		err = m.checkQuery(query)
	}
	if err == nil {
		_, err = m.checkRequest(body)
	}
	name := ""
	if m != nil {
		name = m.name
	}
	s.arrived(name, r, body)
	if err != nil {
		s.report.Errorf("gcptest: request: %v", err)
		write(w, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "%v", err))
		return
	}
	if s.faulty(w, r, name) {
		return
	}
	s.answer(w, &call{server: s, method: m, vars: vars, query: query, body: body})
}

// answer runs the method and holds what it gives to its type.
func (s *Server) answer(w http.ResponseWriter, c *call) {
	run := handlers[c.method.name]
	if run == nil {
		s.report.Errorf("gcptest: %s is not built", c.method.name)
		write(w, failf(http.StatusNotImplemented, "UNIMPLEMENTED", "%s is not built", c.method.name))
		return
	}
	s.mu.Lock()
	c.state = s.state
	answer, failure := run(c)
	var data []byte
	var err error
	if failure == nil {
		data, err = json.Marshal(answer)
	}
	s.mu.Unlock()
	if failure != nil {
		write(w, failure)
		return
	}
	if err == nil {
		err = c.method.checkResponse(data)
	}
	if err != nil {
		s.report.Errorf("gcptest: answer: %v", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(data) // a client that went away
}

// arrived records a request, and fails the test where it brings what must never leave dekey.
func (s *Server) arrived(name string, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{Method: name, HTTP: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone()})
	text := r.URL.String() + "\n" + string(body)
	for _, values := range r.Header {
		text += "\n" + strings.Join(values, "\n")
	}
	if strings.Contains(text, "PRIVATE KEY") {
		s.report.Errorf("gcptest: %s %s brings a private key", r.Method, r.URL.Path)
	}
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			s.report.Errorf("gcptest: %s %s brings key material", r.Method, r.URL.Path)
		}
	}
}

// write sends an error in the shape of Google's.
// https://cloud.google.com/apis/design/errors
func write(w http.ResponseWriter, f *failure) {
	body := map[string]any{"code": f.code, "message": f.message, "status": f.status}
	if len(f.details) > 0 {
		body["details"] = f.details
	}
	data, err := json.Marshal(map[string]any{"error": body})
	if err != nil {
		panic(err) // plain values
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if f.retryAfter != "" {
		w.Header().Set("Retry-After", f.retryAfter)
	}
	w.WriteHeader(f.code)
	_, _ = w.Write(data) // a client that went away
}

// decode reads the request's body into a type of the Go client.
func (c *call) decode(into any) *failure {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	if json.Unmarshal(c.body, into) != nil {
		return failf(http.StatusBadRequest, "INVALID_ARGUMENT", "the body can not be decoded")
	}
	return nil
}

// page cuts a list: from is the first entry, next the token of the following page or "".
func (c *call) page(total int) (from, to int, next string, f *failure) {
	size := 0
	for _, name := range []string{"pageSize", "maxResults"} {
		if n, err := strconv.Atoi(c.query.Get(name)); err == nil {
			size = n
		}
	}
	if n := c.server.pageSize; n > 0 {
		size = n
	}
	if token := c.query.Get("pageToken"); token != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(token, "from-"))
		if err != nil || n < 0 || n > total {
			return 0, 0, "", failf(http.StatusBadRequest, "INVALID_ARGUMENT", "invalid page token")
		}
		from = n
	}
	to = total
	if size > 0 && from+size < total {
		to = from + size
		next = fmt.Sprintf("from-%d", to)
	}
	return from, to, next, nil
}
