package github

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"dekey/rewriter/pullrequest/githubtest"
)

// A hub is emulate behind the proxy, and a git server: an Enterprise server at URL.
type hub struct {
	URL        string
	Token      string // of robot
	Other      string // of ann
	git        *githubtest.Server
	Repository *githubtest.Repository // what git serves; emulate follows it

	emulate string
	mu      sync.Mutex
	synced  map[string]string // branches as emulate has them
	limits  []int             // statuses of GitHub's rate limits that the next requests get
}

// Limit answers the next requests with GitHub's limits for too much at once: 403 or 429, and a second to wait.
func (h *hub) Limit(statuses ...int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.limits = statuses
}

// emulated are answers of emulate that are not as GitHub describes them: they are emulate's, and nothing of dekey's reads
// the fields.
var emulated = []*regexp.Regexp{
	// An organisation that owns a repository lacks the addresses that a user has.
	regexp.MustCompile(`/(owner|user)/(\w+_url|gravatar_id): property "\w+" is missing$`),
	regexp.MustCompile(`of repos/get: /(subscribers|network)_count: property`),
	// A branch comes in the short form of the list.
	regexp.MustCompile(`of pulls/request-reviewers: status is not supported$`), // 200, where GitHub says 201
	regexp.MustCompile(`/commit/tree/url: property "url" is missing$`),
	regexp.MustCompile(`/labels/\d+/description: Value is not nullable$`),
	regexp.MustCompile(`of repos/get-branch: /(protection|_links|commit/\w+): property`),
}

// start starts a hub with one repository.
func start(t *testing.T, name string, files map[string]string) *hub {
	t.Helper()
	h := &hub{git: githubtest.New(t, githubtest.Config{}), synced: make(map[string]string)}
	h.Token, h.Other = h.git.Token, h.git.NewToken("ann", githubtest.Write)
	h.Repository = h.git.Repository(name, files)
	owner, short, _ := strings.Cut(name, "/")
	seed, err := json.Marshal(map[string]any{
		"tokens": map[string]any{
			h.Token: map[string]any{"login": "robot", "scopes": []string{"repo", "user", "admin:org"}},
			h.Other: map[string]any{"login": "ann", "scopes": []string{"repo", "user", "admin:org"}},
		},
		"github": map[string]any{
			"users": []map[string]string{{"login": "robot"}, {"login": "ann"}},
			"orgs":  []map[string]any{{"login": owner, "members": []map[string]string{{"login": "robot", "role": "admin"}, {"login": "ann", "role": "admin"}}}},
			"repos": []map[string]any{{"owner": owner, "name": short, "auto_init": true}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	front := httptest.NewServer(mux)
	t.Cleanup(front.Close)
	h.URL = front.URL
	h.emulate = run(t, seed, front.URL)
	address, err := url.Parse(h.git.Git)
	if err != nil {
		t.Fatal(err)
	}
	report := func(err error) {
		for _, known := range emulated {
			if known.MatchString(err.Error()) {
				return
			}
		}
		t.Error(err)
	}
	mux.Handle("/api/v3/", http.StripPrefix("/api/v3", githubtest.Held(http.HandlerFunc(h.serve), report)))
	mux.HandleFunc("/api/graphql", h.graphQL)
	mux.Handle("/", httputil.NewSingleHostReverseProxy(address))
	return h
}

// run starts emulate and waits until it answers.
func run(t *testing.T, seed []byte, base string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, "node", filepath.Join("node_modules", "emulate", "dist", "index.js"), "start", "--service", "github", "--seed", file, "--port", fmt.Sprint(port))
	command.Env = append(os.Environ(), "EMULATE_BASE_URL="+base, "NO_COLOR=1")
	output, writer := io.Pipe()
	command.Stdout, command.Stderr = writer, writer
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1000)
	go func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			select {
			case said <- lines.Text():
			default:
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		command.Wait()
		writer.Close()
	})
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	deadline, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for {
		if answer, err := http.Get(address + "/rate_limit"); err == nil {
			answer.Body.Close()
			return address
		}
		select {
		case <-deadline.Done():
			t.Fatalf("emulate does not answer; it said %q", <-said)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ask sends emulate a request of the hub's own and decodes its answer.
func (h *hub) ask(method, path string, body, into any) (int, error) {
	var sent io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		sent = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, h.emulate+path, sent)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+h.Token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	if into != nil && answer.StatusCode < 300 {
		err = json.Unmarshal(data, into)
	} else if answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, data)
	}
	return answer.StatusCode, err
}

// serve hands a request to emulate, once the branches are the same here and there.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = h.follow()
	}
	if err != nil {
		broken(w, err)
		return
	}
	if h.refuses(w, r, body) {
		return
	}
	request, err := http.NewRequestWithContext(r.Context(), r.Method, h.emulate+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		broken(w, err)
		return
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		broken(w, err)
		return
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && r.Method != http.MethodGet && answer.StatusCode < 300 {
		err = h.adopt()
	}
	if err != nil {
		broken(w, err)
		return
	}
	for name, values := range answer.Header {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.StatusCode)
	w.Write(h.complete(r, data))
}

// broken says that the hub itself does not work.
func broken(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusBadGateway)
	json.NewEncoder(w).Encode(map[string]string{"message": "the hub: " + err.Error()})
}

// run runs git in the bare repository.
func (h *hub) run(input []byte, args ...string) (string, error) {
	command := exec.Command("git", args...)
	command.Dir = h.Repository.Dir
	command.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	command.Stdin = bytes.NewReader(input)
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return string(output), nil
}

// branches are the bare repository's.
func (h *hub) branches() (map[string]string, error) {
	output, err := h.run(nil, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads")
	found := make(map[string]string)
	for line := range strings.Lines(output) {
		name, sha, _ := strings.Cut(strings.TrimSpace(line), " ")
		found[name] = sha
	}
	return found, err
}
