package githubtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"
)

// A Fault is something that goes wrong at a request, or happens beside it. Faults are tried in the order in which they
// came; the first that matches and is not used up has its say.
type Fault struct {
	// On is an operation of GitHub's description ("pulls/create"), "git/fetch", "git/push", "graphql", "write" for any
	// API request that changes something, "api" for any API request, or "" for every request.
	On string
	// Skip lets that many matching requests pass first; Times is for how many the fault is there, 0 for every one.
	Skip, Times int

	// Do happens before the request is worked on: somebody else's push, for example.
	Do func()
	// Wait holds the request until the channel is closed or the client is gone.
	Wait <-chan struct{}
	// Status, Message, Page and Header are the answer, instead of any work; 0 is no such answer.
	Status  int
	Message string
	Page    string // the end of documentation_url, from "/" on
	Header  map[string]string
	// CutBefore closes the connection without any work; CutAfter does the work and closes the connection without an answer.
	CutBefore, CutAfter bool
}

type pendingFault struct {
	Fault
	seen int
}

// Fault makes something go wrong from now on.
func (s *Server) Fault(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &pendingFault{Fault: fault})
}

// Mend takes all faults away.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// BadCredentials is GitHub's answer to a token that it does not take.
func BadCredentials(on string) Fault {
	return Fault{On: on, Status: http.StatusUnauthorized, Message: "Bad credentials"}
}

// NotAccessible is GitHub's answer to a token that lacks a permission.
func NotAccessible(on string) Fault {
	return Fault{On: on, Status: http.StatusForbidden, Message: "Resource not accessible by personal access token"}
}

// NotFound is GitHub's answer where a token may not even know that there is something.
func NotFound(on string) Fault {
	return Fault{On: on, Status: http.StatusNotFound, Message: "Not Found"}
}

// Unavailable is what a GitHub says that has a bad day.
func Unavailable(on string) Fault {
	return Fault{On: on, Status: http.StatusBadGateway, Message: "Server Error"}
}

const limitsPage = "/using-the-rest-api/rate-limits-for-the-rest-api"

// PrimaryLimit is GitHub's answer when the hour's requests are used up, until reset.
func PrimaryLimit(on string, reset time.Time) Fault {
	return Fault{On: on, Status: http.StatusForbidden, Message: "API rate limit exceeded for user ID 1.", Page: limitsPage, Header: map[string]string{
		"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Used": "5000", "X-RateLimit-Reset": fmt.Sprint(reset.Unix()), "X-RateLimit-Resource": "core",
	}}
}

const secondaryMessage = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."

// SecondaryLimit is GitHub's 403 for too much at once, with Retry-After in seconds.
func SecondaryLimit(on string, retryAfter int) Fault {
	return Fault{On: on, Status: http.StatusForbidden, Message: secondaryMessage, Page: limitsPage + "#about-secondary-rate-limits",
		Header: map[string]string{"Retry-After": fmt.Sprint(retryAfter)}}
}

// TooMany is GitHub's 429 for too much at once, with Retry-After in seconds.
func TooMany(on string, retryAfter int) Fault {
	fault := SecondaryLimit(on, retryAfter)
	fault.Status = http.StatusTooManyRequests
	return fault
}

// Redirected sends requests to another address, as GitHub does for a repository that was renamed.
func Redirected(on, to string) Fault {
	return Fault{On: on, Status: http.StatusTemporaryRedirect, Message: "Moved Permanently", Header: map[string]string{"Location": to}}
}

func (f *pendingFault) matches(request Request) bool {
	switch f.On {
	case "":
		return request.Host != "elsewhere"
	case "api":
		return request.Host == "api"
	case "write":
		return request.Mutates()
	}
	return f.On == request.Operation
}

// fault lets the faults have their say about a request, and the host its own where they leave it one. It is false when
// the connection is to be cut.
func (s *Server) fault(request Request, w *httptest.ResponseRecorder, r *http.Request, next http.Handler) bool {
	s.mu.Lock()
	var fault Fault
	for _, pending := range s.faults {
		if !pending.matches(request) {
			continue
		}
		pending.seen++
		if pending.seen > pending.Skip && (pending.Times == 0 || pending.seen <= pending.Skip+pending.Times) {
			fault = pending.Fault
			break
		}
	}
	s.mu.Unlock()
	if fault.Do != nil {
		fault.Do()
	}
	if fault.Wait != nil {
		select {
		case <-fault.Wait:
		case <-r.Context().Done():
			return false
		}
	}
	switch {
	case fault.CutBefore:
		return false
	case fault.Status != 0:
		for _, name := range slices.Sorted(maps.Keys(fault.Header)) {
			w.Header().Set(name, fault.Header[name])
		}
		if request.Host == "git" {
			http.Error(w, strings.TrimSuffix(fault.Message, "\n"), fault.Status)
		} else {
			refusal(w, fault.Status, fault.Message, fault.Page)
		}
		return true
	}
	next.ServeHTTP(w, r)
	return !fault.CutAfter
}
