package gcp

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// Paced is the transport of the client over another one.
func Paced(base http.RoundTripper) http.RoundTripper {
	p := &pace{
		slots: semaphore.NewWeighted(1), timeout: time.Minute, attempts: 1, now: time.Now, gauge: new(gauge),
		wait:  func(context.Context, time.Duration) error { return nil },
		limit: func() *rate.Limiter { return rate.NewLimiter(rate.Inf, 1) },
	}
	return p.over(base)
}
