package cluster

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/klog/v2"
)

// The media types of the three ways in which a list is read.
const (
	acceptTyped    = "application/vnd.kubernetes.protobuf,application/json"
	acceptMetadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," +
		"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
	acceptCustom = "application/json"
)

// longestWait is the longest Retry-After that is waited for.
const longestWait = time.Minute

// A client asks the API server, with a deadline for each call, and again where that can help.
type client struct {
	rest     *rest.RESTClient
	timeout  time.Duration
	attempts int
	patience *patience
	sleep    func(context.Context, time.Duration) error
	jitter   func() float64 // in [0, 1)
	answers  answers
	shapes   shapes
}

func newClient(config *rest.Config, o Options) (*client, error) {
	c := rest.CopyConfig(config)
	c.UserAgent = o.UserAgent
	c.QPS, c.Burst = o.QPS, o.Burst
	c.Timeout = 0 // each call has a deadline of its own
	c.DisableCompression = c.DisableCompression || loopback(c.Host)
	c.WarningHandler = rest.NoWarnings{}
	// A handful of large answers side by side gains nothing from HTTP/2, and pays for its windows: a tenth of a scan.
	c.NextProtos = []string{"http/1.1"}
	if file := c.BearerTokenFile; file != "" {
		// client-go reads the file again once a minute. A token that is renewed because the old one ended is needed at once: this
		// source reads the file again after a 401, and the call is made again.
		c.BearerToken, c.BearerTokenFile = "", ""
		c.Wrap(transport.ResettableTokenSourceWrapTransport(transport.NewCachedFileTokenSource(file)))
	}
	c.APIPath = "/"
	c.GroupVersion = &schema.GroupVersion{}
	c.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return noteRetryAfter{next} })
	api, err := rest.UnversionedRESTClientFor(c)
	if err != nil {
		return nil, err
	}
	return &client{
		rest: api, timeout: o.Timeout, attempts: o.Attempts, patience: &patience{left: o.Patience},
		sleep: sleep, jitter: rand.Float64,
	}, nil
}

// A call is one GET. Decode is given the whole answer, which is its own where it gives no error: to be given back to answers.
type call struct {
	path   []string
	accept string
	param  map[string]string
	most   int // bytes of the answer that are read before errLarge; 0 is any
	decode func([]byte) error
}

// errLarge is given for an answer that is longer than asked for.
var errLarge = errors.New("the answer is too large")

// errDecode stands for every decoder's error: those may quote what they could not read.
var errDecode = errors.New("the answer is cut short or malformed")

// errPatience is given once the scan has waited long enough for calls without result.
var errPatience = errors.New("not asked for: the server failed to answer for too long")

// do makes the call until it has an answer or there is no sense in asking again.
func (c *client) do(ctx context.Context, call call) error {
	return c.repeat(ctx, func(ctx context.Context) error { return c.get(ctx, call) })
}

// repeat asks until there is an answer or no sense in asking again. Each time has the deadline of one call.
func (c *client) repeat(ctx context.Context, ask func(context.Context) error) error {
	// client-go would log what bodies it could not read.
	ctx = klog.NewContext(ctx, logr.Discard())
	for attempt := 1; ; attempt++ {
		if c.patience.exhausted() {
			return errPatience
		}
		start := time.Now()
		wait, err := c.try(ctx, ask)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		attempts := c.attempts
		switch again(err) {
		case never:
			return err
		case once:
			attempts = min(attempts, 2)
		}
		c.patience.spend(time.Since(start))
		if attempt >= attempts || wait > longestWait {
			return err
		}
		if wait == 0 {
			// 0.25 s, 0.5 s, 1 s, ... and up to as much again, so that clients that failed together do not return together.
			step := 250 * time.Millisecond << (attempt - 1)
			wait = min(step, 8*time.Second) + time.Duration(c.jitter()*float64(step))
		}
		c.patience.spend(wait)
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// try asks once. The duration is what the server asked to wait.
func (c *client) try(ctx context.Context, ask func(context.Context) error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var note retryNote
	err := ask(context.WithValue(ctx, retryKey{}, &note))
	return time.Duration(note.wait.Load()), err
}

func (c *client) get(ctx context.Context, call call) error {
	request := c.rest.Get().AbsPath(call.path...).SetHeader("Accept", call.accept).MaxRetries(0)
	for name, value := range call.param {
		request.Param(name, value)
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	answer, err := readAll(c.answers.take(), body, call.most)
	if err == nil {
		err = call.decode(answer)
	}
	if err != nil {
		c.answers.giveBack(answer)
	}
	return err
}

// answers are buffers for whole answers, the one that was used last on top: a list of a hundred pages needs one, not a
// hundred. A sync.Pool would lose them at each collection.
type answers struct {
	mu   sync.Mutex
	free [][]byte
}

// The bounds of the buffers that are kept.
const (
	firstAnswer = 256 << 10
	keptAnswers = 4
	keptAnswer  = 2 * pageBytes
)

func (a *answers) take() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 0 {
		answer := a.free[n-1]
		a.free = a.free[:n-1]
		return answer[:0]
	}
	return make([]byte, 0, firstAnswer)
}

// drop keeps none: what follows reads nothing.
func (a *answers) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = nil
}

// trim keeps the last one alone: what follows reads less at once.
func (a *answers) trim() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 1 {
		a.free = append([][]byte(nil), a.free[n-1])
	}
}

func (a *answers) giveBack(answer []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.free) < keptAnswers && cap(answer) <= keptAnswer {
		a.free = append(a.free, answer)
	}
}

// readAll appends what r has to data. It grows by a quarter where bytes.Buffer doubles: pages are as large as the one
// before.
func readAll(data []byte, r io.Reader, most int) ([]byte, error) {
	for {
		if most > 0 && len(data) > most {
			return data, errLarge
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case err == io.EOF:
			return data, nil
		case err != nil:
			return data, err
		}
	}
}

type retries int

const (
	never retries = iota
	once
	often
)

// again says whether a call that failed is worth repeating.
func again(err error) retries {
	var status apierrors.APIStatus
	switch {
	case errors.Is(err, errLarge):
		return never
	case errors.Is(err, context.DeadlineExceeded):
		return once
	case !errors.As(err, &status):
		return often // the connection, or what came through it
	}
	switch code := status.Status().Code; {
	case code == http.StatusUnauthorized:
		return once // a credential plugin renews an expired token after the first refusal
	case code == http.StatusTooManyRequests, code >= 500 && code != http.StatusNotImplemented:
		return often
	}
	return never
}

// patience is what is left of Options.Patience.
type patience struct {
	mu   sync.Mutex
	left time.Duration
}

func (p *patience) spend(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left -= d
}

func (p *patience) exhausted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left <= 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

type retryKey struct{}

// A retryNote is the last Retry-After of the answers to one call (discovery asks several times at once). client-go
// forgets it where the answer's body is a Status.
type retryNote struct{ wait atomic.Int64 }

type noteRetryAfter struct{ next http.RoundTripper }

func (t noteRetryAfter) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	if note, ok := r.Context().Value(retryKey{}).(*retryNote); ok && err == nil {
		if wait := retryAfter(answer.Header.Get("Retry-After"), time.Now()); wait > 0 {
			note.wait.Store(int64(wait))
		}
	}
	return answer, err
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3); 0 is nothing asked.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
