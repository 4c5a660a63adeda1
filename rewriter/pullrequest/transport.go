package pullrequest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A gate lets requests to one host pass, with the token, and to no other.
type gate struct {
	host *url.URL
	auth http.RoundTripper // adds the token
}

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != g.host.Host || r.URL.Scheme != g.host.Scheme {
		return nil, fmt.Errorf("the answer leads to %s, and the token is for %s alone", r.URL.Host, g.host.Host)
	}
	return g.auth.RoundTrip(r)
}

// A bearer adds a token.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// narrow asks for installation tokens that are good for some repositories alone: by itself the client asks for all.
type narrow struct {
	repositories []string
	next         http.RoundTripper
}

func (n narrow) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/access_tokens") {
		return n.next.RoundTrip(r)
	}
	body, err := json.Marshal(map[string][]string{"repositories": n.repositories})
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return n.next.RoundTrip(r)
}

// A pace keeps requests as GitHub asks for: one at a time, changes a second apart, and after a refusal for the rate it
// waits as long as the answer says. https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
type pace struct {
	next  http.RoundTripper
	clock Clock
	most  time.Duration // that all waiting for the rate may take
	say   func(string)

	mu     sync.Mutex
	last   time.Time // when the last change was answered
	until  time.Time // when there are requests left again
	waited time.Duration
}

const between = time.Second

func (p *pace) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changes := r.Method != http.MethodGet && r.Method != http.MethodHead
	backoff := time.Minute // GitHub: wait at least one minute where a secondary limit names no time
	for try := 0; ; try++ {
		if changes && !p.last.IsZero() {
			if wait := between - p.clock.Now().Sub(p.last); wait > 0 {
				if err := p.clock.Sleep(r.Context(), wait); err != nil {
					return nil, err
				}
			}
		}
		if wait := p.until.Sub(p.clock.Now()); wait > 0 && p.waited+wait <= p.most {
			p.say(fmt.Sprintf("the rate limit is used up: waiting %s", wait.Round(time.Second)))
			if err := p.clock.Sleep(r.Context(), wait); err != nil {
				return nil, err
			}
			p.waited += wait
		}
		answer, err := p.next.RoundTrip(r)
		if changes {
			p.last = p.clock.Now()
		}
		if err != nil {
			return nil, err
		}
		wait, why := p.asks(answer, backoff)
		if why == "" && !changes && try < 3 && answer.StatusCode >= 500 && answer.StatusCode != http.StatusNotImplemented {
			wait, why = time.Duration(try+1)*5*time.Second, "GitHub is not well"
		}
		if why == "" || p.waited+wait > p.most {
			p.note(answer)
			return answer, nil
		}
		again, err := repeat(r)
		if err != nil {
			return answer, nil
		}
		io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
		answer.Body.Close()
		p.say(fmt.Sprintf("%s: waiting %s", why, wait.Round(time.Second)))
		if err := p.clock.Sleep(r.Context(), wait); err != nil {
			return nil, err
		}
		p.waited += wait
		r, backoff = again, 2*backoff
	}
}

// note remembers that the last request of the hour was used, and keeps it from the client, which would refuse the next
// one by a clock of its own.
func (p *pace) note(answer *http.Response) {
	if answer.StatusCode >= 300 || answer.Header.Get("X-RateLimit-Remaining") != "0" {
		return
	}
	if seconds, err := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		p.until = time.Unix(seconds, 0).Add(time.Second)
	}
	answer.Header.Del("X-RateLimit-Remaining")
	answer.Header.Del("X-RateLimit-Reset")
}

// repeat is a request that can be sent again.
func repeat(r *http.Request) (*http.Request, error) {
	again := r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		return again, nil
	}
	if r.GetBody == nil {
		return nil, errors.New("the body is gone")
	}
	body, err := r.GetBody()
	again.Body = body
	return again, err
}

// asks says how long GitHub asks to wait, and why; "" for an answer that is none of that kind.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
func (p *pace) asks(answer *http.Response, backoff time.Duration) (time.Duration, string) {
	if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusTooManyRequests {
		return 0, ""
	}
	if after, ok := retryAfter(answer.Header, p.clock.Now()); ok {
		return after, "GitHub asks to wait (Retry-After)"
	}
	if answer.Header.Get("X-RateLimit-Remaining") == "0" {
		if seconds, err := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return max(0, time.Unix(seconds, 0).Sub(p.clock.Now())) + time.Second, "the rate limit is used up"
		}
	}
	if answer.StatusCode == http.StatusTooManyRequests || secondary(answer) {
		return backoff, "GitHub's secondary rate limit"
	}
	return 0, ""
}

// secondary looks into a refusal for GitHub's words, and leaves it readable.
func secondary(answer *http.Response) bool {
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	answer.Body.Close()
	answer.Body = io.NopCloser(strings.NewReader(string(data)))
	return err == nil && strings.Contains(strings.ToLower(string(data)), "secondary rate limit")
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now)), true
	}
	return 0, false
}

// hurried ends an exchange that is not over in time, its body too: a server may stop in the middle of an answer.
type hurried struct {
	next http.RoundTripper
	most time.Duration
}

func (h hurried) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), h.most, fmt.Errorf("GitHub did not answer within %s", h.most))
	answer, err := h.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		defer cancel()
		return nil, late(ctx, err)
	}
	answer.Body = hurriedBody{answer.Body, ctx, cancel}
	return answer, nil
}

type hurriedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel func()
}

func (b hurriedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, late(b.ctx, err)
}

// late is an exchange's error: that it took too long, where that is the cause.
func late(ctx context.Context, err error) error {
	if err != nil && err != io.EOF && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (b hurriedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// WallClock is the machine's.
type WallClock struct{}

// Now is the time.
func (WallClock) Now() time.Time { return time.Now() }

// Sleep waits.
func (WallClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
