package gcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// A pace is how fast and how often Google is asked: so many requests at a time over all APIs, so many a second of one API
// (IAM takes 100 reads a second of a project), each with a deadline, and again after what passes by itself.
// https://cloud.google.com/iam/quotas
type pace struct {
	slots    *semaphore.Weighted
	timeout  time.Duration
	attempts int
	wait     func(context.Context, time.Duration) error
	now      func() time.Time
	gauge    *gauge
	limit    func() *rate.Limiter
}

// A gauge counts requests.
type gauge struct{ n atomic.Int64 }

func (g *gauge) sent() int { return int(g.n.Load()) }

// over is the transport of one API.
func (p *pace) over(base http.RoundTripper) http.RoundTripper {
	return &paced{pace: p, base: base, limiter: p.limit()}
}

type paced struct {
	*pace
	base    http.RoundTripper
	limiter *rate.Limiter
}

// errWrites keeps the promise that dekey changes nothing.
var errWrites = errors.New("dekey only reads, and this request would write")

// reads says whether a request can change nothing.
func reads(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet:
		return true
	case http.MethodPost:
		for _, verb := range []string{":getIamPolicy", ":getAncestry", ":testIamPermissions"} {
			if strings.HasSuffix(r.URL.Path, verb) {
				return true
			}
		}
	}
	return false
}

// maxAnswer bounds what one answer may take.
const maxAnswer = 64 << 20

// patience is the longest that a server may ask to wait.
const patience = time.Minute

// RoundTrip sends a request, and again after a refusal for now: 429, 5xx, a broken connection. It waits as long as
// Retry-After says, or twice as long each time, at random. The body of the answer is read whole, within the deadline.
func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if !reads(r) {
		return nil, errWrites
	}
	for attempt := 1; ; attempt++ {
		again, err := rewound(r, attempt)
		if err != nil {
			return nil, err
		}
		answer, err := p.once(again)
		if r.Context().Err() != nil {
			return nil, context.Cause(r.Context())
		}
		if err == nil && !passing(answer) || err != nil && !broken(err) || attempt >= p.attempts {
			return answer, err
		}
		pause := time.Duration(rand.Int64N(int64(time.Second) << min(attempt-1, 4)))
		if asked, ok := retryAfter(answer, p.now()); ok {
			if asked > patience {
				return answer, err
			}
			pause = asked + time.Duration(rand.Int64N(int64(100*time.Millisecond)))
		}
		if err := p.wait(r.Context(), pause); err != nil {
			return nil, err
		}
	}
}

// rewound is the request with its body at the start again.
func rewound(r *http.Request, attempt int) (*http.Request, error) {
	if attempt == 1 || r.Body == nil {
		return r, nil
	}
	if r.GetBody == nil {
		return nil, errors.New("the request can not be sent again")
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.Body = body
	return again, nil
}

func (p *paced) once(r *http.Request) (*http.Response, error) {
	if err := p.slots.Acquire(r.Context(), 1); err != nil {
		return nil, err
	}
	defer p.slots.Release(1)
	if err := p.limiter.Wait(r.Context()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), p.timeout, fmt.Errorf("%w within %s", errSlow, p.timeout))
	defer cancel()
	p.gauge.n.Add(1)
	answer, err := p.base.RoundTrip(r.WithContext(ctx))
	if err == nil {
		err = readAll(answer)
	}
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// readAll reads an answer's body, so that what breaks in the middle is asked for again.
func readAll(answer *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if closed := answer.Body.Close(); err == nil {
		err = closed
	}
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	if err == nil && hollow(body) {
		err = errors.New("the answer has null where something must be")
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return err
}

// hollow says that an answer, or an item of a list in it, is null: Google sends none, and the generated clients give nil for
// it.
func hollow(body []byte) bool {
	if !bytes.Contains(body, []byte("null")) {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var open []json.Delim
	for {
		token, err := decoder.Token()
		if err != nil {
			return false // whoever decodes it says so
		}
		in := json.Delim('[') // the top counts as a list of one
		if len(open) > 0 {
			in = open[len(open)-1]
		}
		switch d, delimiter := token.(json.Delim); {
		case delimiter && (d == '[' || d == '{'):
			open = append(open, d)
		case delimiter:
			open = open[:len(open)-1]
		case token == nil && in == '[':
			return true
		}
	}
}

// passing says whether the refusal may pass by itself.
// https://cloud.google.com/apis/design/errors
func passing(answer *http.Response) bool {
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusForbidden:
		return limited(answer)
	}
	return false
}

// limited says that a 403 is a quota's: Google's older APIs do not answer 429.
// https://cloud.google.com/resource-manager/docs/core_errors
func limited(answer *http.Response) bool {
	body, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && (bytes.Contains(body, []byte(`"rateLimitExceeded"`)) || bytes.Contains(body, []byte(`"RATE_LIMIT_EXCEEDED"`)))
}

// broken says whether a request ended on its way, which may pass by itself. A login that is refused, or a name that nobody
// has, does not.
func broken(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsTemporary || dns.IsTimeout
	}
	var operation *net.OpError
	return errors.As(err, &operation) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errSlow)
}

// errSlow is of an answer that did not come in time.
var errSlow = errors.New("no answer")

// retryAfter is what the header asks for: seconds, or a date.
func retryAfter(answer *http.Response, now time.Time) (time.Duration, bool) {
	if answer == nil {
		return 0, false
	}
	value := answer.Header.Get("Retry-After")
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return time.Duration(n) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

var (
	errNoCredentials  = errors.New("there are no Application Default Credentials")
	errBadCredentials = errors.New("the Application Default Credentials can not be used")
)

// refused stands where no credentials were found, or none that can be used.
type refused struct{ err error }

func (r refused) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }
