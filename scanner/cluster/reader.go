package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"dekey/scanner"
	"dekey/scanner/claim"
	"dekey/scanner/object"
)

// A Reader reads one cluster. It is a scanner.Reader, and good for one scan.
type Reader struct {
	client *client
	opts   Options
	place  place
}

func newReader(config *rest.Config, p place, o Options) (*Reader, error) {
	o = o.withDefaults()
	c, err := newClient(config, o)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %q: %w", p.context, err)
	}
	p.server = config.Host
	return &Reader{client: c, opts: o, place: p}, nil
}

// Read implements scanner.Reader. It lists everything that matters: Related has nothing left to find. The error is for a
// server of which nothing could be read.
func (r *Reader) Read(ctx context.Context, sink scanner.Sink) error {
	s := &scan{
		Reader: r, sink: sink, source: r.place.id(), workloads: map[string]resource{}, failed: map[string]bool{}, open: map[string]bool{},
		unreadable: map[string]bool{}, missing: map[types.UID]bool{}, pending: map[types.UID]made{},
	}
	about := scanner.Source{ID: s.source, Kind: "cluster", Context: r.place.context, Server: r.place.server}
	about.Project, about.Location, about.Cluster = r.place.gke()
	sink.Source(about)
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("reading cluster %s: %w", r.place.name(), err)
	}
	return nil
}

// Related implements scanner.Reader.
func (*Reader) Related(context.Context, scanner.Interest, scanner.Sink) error { return nil }

// A scan is one Read under way.
type scan struct {
	*Reader
	sink   scanner.Sink
	source string
	claims claim.Index
	owners owners
	nodes  nodeFacts

	workloads map[string]resource // by kind: what can own pods

	mu         sync.Mutex
	namespaces []string           // that exist, as far as they are known
	failed     map[string]bool    // namespaces with a gap; "" is all
	open       map[string]bool    // namespaces of which something could be read
	unreadable map[string]bool    // resources with a gap
	missing    map[types.UID]bool // owners that were looked for and not found
	pending    map[types.UID]made // custom resources that a controller made
	resolved   bool               // all owners among custom resources are known
}

func (s *scan) run(ctx context.Context) error {
	found, groups, err := s.client.discover(ctx)
	if err != nil {
		return fmt.Errorf("asking what the server serves: %w", err)
	}
	for _, gv := range groups {
		if passedOver(schema.GroupResource{Group: gv.Group}) {
			continue // metrics that nobody serves hide nothing
		}
		s.fail("")
		s.sink.Gap(scanner.Gap{Source: s.source, What: "resources of " + gv.String(), Why: "the server does not say which there are"})
	}
	version := ""
	_ = s.client.repeat(ctx, func(ctx context.Context) error {
		v, err := discovery.NewDiscoveryClient(s.client.rest).ServerVersionWithContext(ctx)
		if err == nil {
			version = v.GitVersion
		}
		return err
	})
	if err := s.readNamespaces(ctx); err != nil {
		return err
	}
	if err := s.readNodes(ctx); err != nil {
		return err
	}
	for _, r := range found {
		if r.phase == phaseWorkloads || r.phase == phaseOwned {
			s.workloads[r.kind] = r
		}
	}
	for p := range phases {
		s.client.answers.trim()
		if p > phasePods {
			s.owners = owners{} // nothing is climbed over any more, and there are as many as workloads
		}
		lists := slices.DeleteFunc(slices.Clone(found), func(r resource) bool { return r.phase != p })
		if err := s.readPhase(ctx, lists); err != nil {
			return err
		}
		if p == phaseCustom {
			if err := s.readPhase(ctx, s.made(lists)); err != nil {
				return err
			}
		}
	}
	s.client.answers.drop()
	facts := s.nodes.cluster(s.place, version)
	facts.Complete = s.complete()
	s.sink.Cluster(facts)
	return nil
}

// large is how many large lists are under way at once.
const large = 2

// readPhase reads lists side by side.
func (s *scan) readPhase(ctx context.Context, lists []resource) error {
	group, ctx := errgroup.WithContext(ctx)
	limit := s.opts.Parallel
	if len(lists) > 0 && lists[0].phase >= phaseWorkloads {
		limit = min(limit, large) // each has a page in memory, and there are many pages
	}
	group.SetLimit(limit)
	for _, r := range lists {
		if !r.namespaced && len(s.opts.Namespaces) > 0 && !asked(r.GroupResource()) {
			continue
		}
		if !r.namespaced || len(s.opts.Namespaces) == 0 {
			group.Go(func() error { return s.read(ctx, r) })
			continue
		}
		for _, namespace := range s.opts.Namespaces {
			group.Go(func() error { return s.readIn(ctx, r, namespace) })
		}
	}
	return group.Wait()
}

// read lists a resource in the whole cluster, or namespace by namespace where only some may be read.
func (s *scan) read(ctx context.Context, r resource) error {
	err := s.list(ctx, r, "")
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case forbidden(err) && r.namespaced:
		return s.readEach(ctx, r, err)
	}
	s.gap(r, "", err)
	return nil
}

// refusals is after how many of them in a row, with nothing allowed before, every other namespace is taken to refuse
// too. Each is a request.
const refusals = 20

// readEach lists a resource in each namespace, those first that allowed something before.
func (s *scan) readEach(ctx context.Context, r resource, refused error) error {
	s.mu.Lock()
	namespaces := slices.Clone(s.namespaces)
	slices.SortStableFunc(namespaces, func(a, b string) int {
		switch {
		case s.open[a] == s.open[b]:
			return 0
		case s.open[a]:
			return -1
		default:
			return 1
		}
	})
	s.mu.Unlock()
	allowed, closed := false, map[string]error{}
	for i, namespace := range namespaces {
		if len(closed) == refusals && i == refusals {
			break
		}
		err := s.list(ctx, r, namespace)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			closed[namespace] = err
			continue
		}
		s.mu.Lock()
		s.open[namespace], allowed = true, true
		s.mu.Unlock()
	}
	if !allowed {
		s.gap(r, "", refused)
		return nil
	}
	for _, namespace := range namespaces {
		if err := closed[namespace]; err != nil {
			s.gap(r, namespace, err)
		}
	}
	return nil
}

func (s *scan) readIn(ctx context.Context, r resource, namespace string) error {
	err := s.list(ctx, r, namespace)
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.gap(r, namespace, err)
	return nil
}

func (s *scan) list(ctx context.Context, r resource, namespace string) error {
	if r.phase == phaseSecrets && s.opts.NoSecretValues {
		r.form = metadata
	}
	return s.client.list(ctx, r, query{namespace: namespace}, func(it item) error { return s.take(ctx, r, it) })
}

// take looks at one object and hands it on.
func (s *scan) take(ctx context.Context, r resource, it item) error {
	if it.leaving() && r.phase != phaseSecrets && r.phase != phaseConfig {
		return nil // on its way out
	}
	keep, err := s.climb(ctx, r, it)
	if err != nil || !keep {
		return err
	}
	if r.phase == phaseFacts && r.Resource == "serviceaccounts" {
		s.seenNamespace(it.meta.GetNamespace())
	}
	o := r.object(it)
	if r.phase == phaseSecrets && r.form == metadata {
		o.Withheld = true
		withhold(o)
	}
	o.Origins = []object.Origin{{Source: s.source}}
	o.Managers = s.managers(r, o)
	s.sink.Object(o)
	return nil
}

// managers are who claims an object. What GitOps objects say is learnt in the first phase, and only read afterwards.
func (s *scan) managers(r resource, o *object.Object) []string {
	if r.phase == phaseSources {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.claims.Learn(o.Ref, o.Content)
	}
	return s.claims.Of(o.Ref, o.Content)
}

// withhold takes out what may hold a value although only metadata was asked for: kubectl's copy of the manifest.
func withhold(o *object.Object) {
	about, _ := o.Content["metadata"].(map[string]any)
	annotations, _ := about["annotations"].(map[string]any)
	delete(annotations, corev1.LastAppliedConfigAnnotation)
}

func (s *scan) readNamespaces(ctx context.Context) error {
	r := resource{GroupVersionResource: schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, kind: "Namespace"}
	if len(s.opts.Namespaces) > 0 {
		s.namespaces = slices.Clone(s.opts.Namespaces)
		return nil
	}
	err := s.client.list(ctx, r, query{}, func(it item) error {
		s.seenNamespace(it.meta.GetName())
		return s.take(ctx, r, it)
	})
	if err != nil && ctx.Err() == nil {
		s.gap(r, "", err)
		return nil
	}
	return err
}

func (s *scan) readNodes(ctx context.Context) error {
	r := resource{GroupVersionResource: schema.GroupVersionResource{Version: "v1", Resource: "nodes"}, kind: "Node"}
	err := s.client.list(ctx, r, query{}, func(it item) error {
		var node corev1.Node
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(it.raw, &node); err != nil {
			return errDecode
		}
		s.nodes.add(&node)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.gap(r, "", err)
		return nil
	}
	return err
}

func (s *scan) seenNamespace(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.namespaces, name) {
		s.namespaces = append(s.namespaces, name)
	}
}

func (s *scan) fail(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed[namespace] = true
}

// gap notes a list that is not there, with the rule that would allow it.
func (s *scan) gap(r resource, namespace string, err error) {
	if r.namespaced {
		s.fail(namespace)
	}
	s.mu.Lock()
	s.unreadable[r.String()] = true
	s.mu.Unlock()
	where := ""
	switch {
	case namespace != "":
		where = " in namespace " + namespace
	case r.namespaced:
		where = " in all namespaces"
	}
	why := plain(err).Error()
	if forbidden(err) {
		why += ": needs " + Rule{Groups: []string{r.Group}, Resources: []string{r.Resource}, Verbs: []string{"list"}}.String()
	}
	s.sink.Gap(scanner.Gap{Source: s.source, What: r.String() + where, Why: why})
}

// complete are the namespaces without a gap.
func (s *scan) complete() []string {
	complete := []string{}
	if s.failed[""] {
		return complete
	}
	for _, n := range s.namespaces {
		if !s.failed[n] {
			complete = append(complete, n)
		}
	}
	slices.Sort(complete)
	return complete
}

func (p place) name() string {
	if p.context != "" {
		return p.context
	}
	return p.server
}
