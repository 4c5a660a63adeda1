package gcp

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// Paced is the transport of the client over another one, asking once.
func Paced(base http.RoundTripper) http.RoundTripper {
	return paceOf(1, func(context.Context, time.Duration) error { return nil }).over(base)
}

// PacedBy is the transport of the client over a function, asking five times.
func PacedBy(wait func(context.Context, time.Duration) error, base func(*http.Request) (*http.Response, error)) http.RoundTripper {
	return paceOf(5, wait).over(tripper(base))
}

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func paceOf(attempts int, wait func(context.Context, time.Duration) error) *pace {
	return &pace{
		slots: semaphore.NewWeighted(1), timeout: time.Minute, attempts: attempts, now: time.Now, gauge: new(gauge), wait: wait,
		limit: func() *rate.Limiter { return rate.NewLimiter(rate.Inf, 1) },
	}
}

// Cause is why a call failed, as gaps say it.
var Cause = cause
