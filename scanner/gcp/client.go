package gcp

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
	"google.golang.org/api/cloudasset/v1"
	resourcemanagerv1 "google.golang.org/api/cloudresourcemanager/v1"
	resourcemanager "google.golang.org/api/cloudresourcemanager/v3"
	"google.golang.org/api/container/v1"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/monitoring/v3"
	"google.golang.org/api/option"
	"google.golang.org/api/orgpolicy/v2"
	"google.golang.org/api/policyanalyzer/v1"
	"google.golang.org/api/serviceusage/v1"

	"dekey/scanner"
)

// A Client reads Google's APIs. It is safe for concurrent use.
type Client struct {
	now          func() time.Time
	certificates string // the address of the public keys
	public       *http.Client

	iam             *iam.Service
	container       *container.Service
	projects        *resourcemanager.Service
	ancestry        *resourcemanagerv1.Service
	activity        *policyanalyzer.Service
	monitoring      *monitoring.Service
	assets          *cloudasset.Service
	services        *serviceusage.Service
	policies        *orgpolicy.Service
	gauge           *gauge
	accountAnswers  memo[scanner.Account]
	policyAnswers   memo[[]scanner.Binding]
	keyLists        memo[[]Key]
	keyAnswers      memo[Key]
	publicAnswers   memo[map[string]string]
	clusterAnswers  memo[ClusterFacts]
	projectAnswers  memo[scanner.Project]
	serviceAnswers  memo[[]scanner.API]
	constraints     memo[Constraint]
	ancestorAnswers memo[[]string]
	projectPolicies memo[[]scanner.Binding]
}

// Open prepares a client. It asks Google nothing yet. Without Application Default Credentials the client still reads the
// public certificates, and everything else is an *Error that says so.
func Open(ctx context.Context, o Options) (*Client, error) {
	addresses, err := o.resolve()
	if err != nil {
		return nil, err
	}
	c := &Client{now: o.Now, certificates: addresses[certificates], gauge: new(gauge)}
	if c.now == nil {
		c.now = time.Now
	}
	pace := &pace{
		slots: semaphore.NewWeighted(int64(cmp.Or(o.Parallel, 8))), timeout: cmp.Or(o.Timeout, 30*time.Second),
		attempts: cmp.Or(o.Attempts, 5), wait: o.Wait, now: c.now, gauge: c.gauge,
		limit: func() *rate.Limiter { return rate.NewLimiter(20, 20) },
	}
	if pace.wait == nil {
		pace.wait = wait
	}
	base := http.DefaultTransport
	c.public = &http.Client{Transport: pace.over(base), CheckRedirect: noRedirect}
	clients := map[string]*http.Client{}
	for _, name := range apiNames() {
		transport, err := o.authenticated(ctx, base, addresses[name])
		if err != nil { // every call says so
			transport = refused{errNoCredentials}
			if !strings.Contains(err.Error(), "could not find default credentials") {
				transport = refused{errBadCredentials} // of what the file holds nothing is said
			}
		}
		clients[name] = &http.Client{Transport: pace.over(transport), CheckRedirect: noRedirect}
	}
	return c, c.connect(ctx, addresses, clients)
}

// noRedirect: an API does not send its callers elsewhere, with their tokens.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// connect makes the generated clients.
func (c *Client) connect(ctx context.Context, addresses map[string]string, clients map[string]*http.Client) error {
	var failed error
	with := func(name string) []option.ClientOption {
		return []option.ClientOption{option.WithEndpoint(addresses[name]), option.WithHTTPClient(clients[name])}
	}
	note := func(name string, err error) {
		if err != nil && failed == nil {
			failed = fmt.Errorf("opening %s: %w", name, err)
		}
	}
	var err error
	c.iam, err = iam.NewService(ctx, with("iam")...)
	note("iam", err)
	c.container, err = container.NewService(ctx, with("container")...)
	note("container", err)
	c.projects, err = resourcemanager.NewService(ctx, with("cloudresourcemanager")...)
	note("cloudresourcemanager", err)
	c.ancestry, err = resourcemanagerv1.NewService(ctx, with("cloudresourcemanager")...)
	note("cloudresourcemanager", err)
	c.activity, err = policyanalyzer.NewService(ctx, with("policyanalyzer")...)
	note("policyanalyzer", err)
	c.monitoring, err = monitoring.NewService(ctx, with("monitoring")...)
	note("monitoring", err)
	c.assets, err = cloudasset.NewService(ctx, with("cloudasset")...)
	note("cloudasset", err)
	c.services, err = serviceusage.NewService(ctx, with("serviceusage")...)
	note("serviceusage", err)
	c.policies, err = orgpolicy.NewService(ctx, with("orgpolicy")...)
	note("orgpolicy", err)
	return failed
}

// Calls is how many requests were sent so far, repeated ones included.
func (c *Client) Calls() int { return c.gauge.sent() }

// A memo asks for each thing once, however many ask at the same time.
type memo[T any] struct {
	mu   sync.Mutex
	have map[string]func() (T, error)
}

func (m *memo[T]) get(name string, ask func() (T, error)) (T, error) {
	m.mu.Lock()
	if m.have == nil {
		m.have = make(map[string]func() (T, error))
	}
	once := m.have[name]
	if once == nil {
		once = sync.OnceValues(ask)
		m.have[name] = once
	}
	m.mu.Unlock()
	return once()
}
