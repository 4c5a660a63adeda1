package pullrequest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// A fakeClock moves when it is slept on.
type fakeClock struct {
	now   time.Time
	slept []time.Duration
}

func (c *fakeClock) Now() time.Time { return c.now }

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.slept = append(c.slept, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

type answers struct {
	list   []*http.Response
	bodies []string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		data, _ := io.ReadAll(r.Body)
		body = string(data)
	}
	a.bodies = append(a.bodies, r.Method+" "+body)
	next := a.list[0]
	if len(a.list) > 1 {
		a.list = a.list[1:]
	}
	return next, nil
}

func answer(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func TestPace(t *testing.T) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	const second = time.Second
	for _, test := range []struct {
		name    string
		methods []string
		answers []*http.Response
		slept   []time.Duration
		sent    int
		status  int
	}{
		{"reading waits for nothing", []string{"GET", "GET"}, []*http.Response{answer(200, "")}, nil, 2, 200},
		{"changes are a second apart", []string{"POST", "PATCH", "GET", "POST"}, []*http.Response{answer(200, "")}, []time.Duration{second, second}, 4, 200},
		{"Retry-After in seconds", []string{"POST"}, []*http.Response{answer(403, "", "Retry-After", "60"), answer(201, "")}, []time.Duration{60 * second}, 2, 201},
		{"Retry-After as a date", []string{"GET"}, []*http.Response{answer(429, "", "Retry-After", "Mon, 02 Mar 2026 09:02:00 GMT"), answer(200, "")}, []time.Duration{120 * second}, 2, 200},
		{"the hour is used up", []string{"GET"}, []*http.Response{answer(403, "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1772442030"), answer(200, "")}, []time.Duration{31 * second}, 2, 200},
		{"the last one of the hour: the next waits", []string{"GET", "GET"}, []*http.Response{answer(200, "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1772442030"), answer(200, "")}, []time.Duration{31 * second}, 2, 200},
		{"a secondary limit without a time: a minute, then two", []string{"POST"},
			[]*http.Response{answer(403, "You have exceeded a secondary rate limit."), answer(403, "You have exceeded a secondary rate limit."), answer(201, "")}, []time.Duration{60 * second, 120 * second}, 3, 201},
		{"another 403 is no limit", []string{"POST"}, []*http.Response{answer(403, "Resource not accessible")}, nil, 1, 403},
		{"more than may be waited", []string{"GET"}, []*http.Response{answer(403, "", "Retry-After", "3600")}, nil, 1, 403},
		{"a bad day: read again", []string{"GET"}, []*http.Response{answer(502, ""), answer(200, "")}, []time.Duration{5 * second}, 2, 200},
		{"a bad day: a change is not repeated", []string{"POST"}, []*http.Response{answer(502, "")}, nil, 1, 502},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := &fakeClock{now: start}
			server := &answers{list: test.answers}
			p := &pace{next: server, clock: clock, most: 10 * time.Minute, say: func(string) {}}
			status := 0
			for _, method := range test.methods {
				r, err := http.NewRequestWithContext(t.Context(), method, "https://api.github.com/x", strings.NewReader("body"))
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				status = got.StatusCode
			}
			if !slices.Equal(clock.slept, test.slept) {
				t.Errorf("slept %v, want %v", clock.slept, test.slept)
			}
			if len(server.bodies) != test.sent || status != test.status {
				t.Errorf("%d requests and %d, want %d and %d", len(server.bodies), status, test.sent, test.status)
			}
			for _, body := range server.bodies {
				if !strings.HasSuffix(body, "body") {
					t.Errorf("sent again without its body: %q", body)
				}
			}
		})
	}
}

// The token goes to the one host, whatever an answer says.
func TestGate(t *testing.T) {
	host, _ := url.Parse("https://api.github.com/")
	for address, passes := range map[string]bool{
		"https://api.github.com/x":            true,
		"http://api.github.com/x":             false,
		"https://api.github.com.evil.example": false,
		"https://api.github.com:444/x":        false,
		"https://github.com/x":                false,
	} {
		var sent http.Header
		g := gate{host, bearer{"secret", roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = r.Header
			return nil, errors.New("sent")
		})}}
		r, _ := http.NewRequest("GET", address, nil)
		_, err := g.RoundTrip(r)
		if got := sent.Get("Authorization") == "Bearer secret"; got != passes {
			t.Errorf("%s: sent %v", address, got)
		}
		if !passes && (err == nil || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", address, err)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("the caller's request has the token")
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A server that takes a request and says nothing, or stops in the middle of its answer, is given up.
func TestSilentServer(t *testing.T) {
	for _, said := range []string{"", "[{\"number\": 1"} {
		over := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if said != "" {
				io.WriteString(w, said)
				w.(http.Flusher).Flush()
			}
			<-over
		}))
		r, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
		answer, err := hurried{http.DefaultTransport, 50 * time.Millisecond}.RoundTrip(r)
		if err == nil {
			_, err = io.ReadAll(answer.Body)
			answer.Body.Close()
		}
		if err == nil || err.Error() != "GitHub did not answer within 50ms" {
			t.Errorf("it said %q: %v", said, err)
		}
		close(over)
		server.Close()
	}
}

// git gives up on a server that stops in the middle of a transfer, by itself or as the user has set it.
func TestStalledTransfer(t *testing.T) {
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		io.WriteString(w, "001e# service=git-upload-pack\n0000")
		w.(http.Flusher).Flush()
		<-over
	}))
	defer server.Close()
	defer close(over)
	dir := t.TempDir()
	gitIn(t, dir, "init", "--quiet")
	clone, err := OpenClone(t.Context(), dir, append(withoutGit(os.Environ()), quiet...))
	if err != nil {
		t.Fatal(err)
	}
	if got := clone.stall(t.Context()); !slices.Equal(got, []string{"http.lowSpeedLimit=1", "http.lowSpeedTime=120"}) {
		t.Errorf("by itself: %v", got)
	}
	gitIn(t, dir, "config", "http."+server.URL+".lowSpeedTime", "1")
	gitIn(t, dir, "config", "http.lowSpeedLimit", "1")
	if got := clone.stall(t.Context()); got != nil {
		t.Errorf("over what the user has set: %v", got)
	}
	_, err = clone.look(t.Context(), Remote{Name: server.URL}, "")
	if err == nil || !strings.Contains(err.Error(), "too slow") || !strings.Contains(hintOf(err), "stopped sending") {
		t.Errorf("%v; hint: %s", err, hintOf(err))
	}
	clone.env = append(clone.env, "GIT_HTTP_LOW_SPEED_TIME=1")
	if got := clone.stall(t.Context()); got != nil {
		t.Errorf("over what the environment has set: %v", got)
	}
}
