package scanner

import (
	"hash/maphash"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dekey/scanner/catalog"
	"dekey/scanner/keyfile"
	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// A collector is the Sink of a scan: it looks at each object once and keeps facts.
type collector struct {
	mu sync.Mutex
	// heard counts what readers gave: an analysis holds until it changes.
	heard int

	sources  map[string]Source
	gaps     []Gap
	hints    []Hint
	clusters map[string]Cluster

	seen   map[[2]uint64]struct{} // digests of the objects and files that were looked at
	seeds  [2]maphash.Seed
	buffer []byte
	specs  *wiring.Extractor

	keys      map[string]*Key
	holders   []*holder // Secrets, ConfigMaps, SecretProviderClasses
	quiet     quiet     // Secrets of clusters that hold no key
	workloads []*definition
	idle      idle        // workloads of clusters that can use no key
	resources []*resource // what may name a Secret beside pod specs
	inline    []inlineKey
	made      []maker

	presets []preset // of Prow configurations

	accounts []ServiceAccount
	bindings []RoleBinding
	policies []NetworkPolicy
	mentions []mention
}

// A place is where an object was defined: what decides which of several objects of one name a reference means.
type place struct {
	source, file, root string
	live               bool
}

func (p place) dir() string { return path.Dir(p.file) }

// A definition is one object with pod specs, at one place.
type definition struct {
	place
	Workload
	pods []wiring.Pod
	// labels are the object's own, as keys and values by turns: a mapping would weigh more than all the rest.
	labels []string
	// owners are the objects that own this one, as managers spell them: KIND/NAME.
	owners []string
}

// A resource is an object whose fields may name Secrets.
type resource struct {
	place
	ref        Ref
	origins    []Origin
	generated  string
	managers   []string
	references []located[catalog.Reference]
	names      []nameField
}

// A preset is one of a Prow configuration, with its source.
type preset struct {
	wiring.Preset
	source string
}

// located is something with where it stands.
type located[T any] struct {
	what T
	at   []Origin
}

// A maker is an object that makes a Secret.
type maker struct {
	place
	catalog.Made
	at *Origin
}

func newCollector() *collector {
	return &collector{
		sources:  map[string]Source{},
		clusters: map[string]Cluster{},
		seen:     map[[2]uint64]struct{}{},
		seeds:    [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		specs:    wiring.NewExtractor(),
		keys:     map[string]*Key{},
	}
}

// Source implements Sink.
func (c *collector) Source(s Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Files = slices.Clone(s.Files)
	c.sources[s.ID] = s
}

// Gap implements Sink.
func (c *collector) Gap(g Gap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gaps = append(c.gaps, g)
}

// Hint implements Sink.
func (c *collector) Hint(h Hint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard++
	c.hints = append(c.hints, h)
}

// Cluster implements Sink.
func (c *collector) Cluster(cl Cluster) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard++
	c.clusters[cl.ID] = cl
}

// first says whether this object or file was not looked at yet. Nobody who does not know the seeds can make two digests alike.
func (c *collector) first(parts ...string) bool {
	b := c.buffer[:0]
	for _, part := range parts {
		b = append(append(b, part...), 0)
	}
	c.buffer = b
	key := [2]uint64{maphash.Bytes(c.seeds[0], b), maphash.Bytes(c.seeds[1], b)}
	_, again := c.seen[key]
	c.seen[key] = struct{}{}
	return !again
}

// File implements Sink.
func (c *collector) File(at Origin, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard++
	if !c.first("file", at.Source, at.Path) {
		return
	}
	found := keyfile.Find(data, path.Base(at.Path))
	if at.Line == 0 {
		at.Document, at.Line, at.Column = 1, 1, 1
	}
	c.copies(found, Holder{Kind: "File", Name: at.Path}, at)
}

// copies takes the keys of one value, and gives their ids.
func (c *collector) copies(found keyfile.Result, holder Holder, at ...Origin) []string {
	var ids []string
	for _, identity := range found.Identities {
		if identity.ID == "" {
			continue
		}
		key := c.keys[identity.ID]
		if key == nil {
			key = &Key{ID: identity.ID, Type: identity.Type}
			c.keys[identity.ID] = key
		}
		key.learn(identity)
		for _, origin := range at {
			key.Copies = append(key.Copies, Copy{Holder: holder, Origin: origin})
		}
		if !slices.Contains(ids, identity.ID) {
			ids = append(ids, identity.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// learn adds what one copy of the key says. Copies can say different things: a file may be edited, a bare private key says
// nothing. Of two values the one that sorts last is kept, so that the order of reading does not matter.
func (k *Key) learn(identity keyfile.Identity) {
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&k.Email, identity.Email}, {&k.Project, identity.Project}, {&k.KeyID, identity.KeyID},
		{&k.Algorithm, identity.Algorithm}, {&k.Universe, identity.Universe}, {&k.ClientID, identity.ClientID},
	} {
		if f.from > *f.to {
			*f.to = f.from
		}
	}
}

// Object implements Sink.
func (c *collector) Object(o *Object) {
	if o == nil || catalog.IsSchemaOrBait(o) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard++
	at := placeOf(o)
	if !c.first("object", o.Ref.APIVersion, o.Ref.Kind, o.Ref.Namespace, o.Ref.Name, at.source, at.root, spell(o.Origins)) {
		return
	}
	if o.Ref.Kind == "" {
		c.settings(o, at)
		return
	}
	switch {
	case isKind(o.Ref, "Secret", ""):
		c.secret(o, at)
	case isKind(o.Ref, "ConfigMap", ""):
		c.configMap(o, at)
	case isKind(o.Ref, "SecretProviderClass", "secrets-store.csi.x-k8s.io"):
		c.holders = append(c.holders, &holder{place: at, ref: o.Ref, origins: slices.Clone(o.Origins), managers: slices.Clone(o.Managers)})
	case isKind(o.Ref, "ServiceAccount", ""):
		c.accounts = append(c.accounts, serviceAccount(o))
	case isKind(o.Ref, "RoleBinding", "rbac.authorization.k8s.io"), isKind(o.Ref, "ClusterRoleBinding", "rbac.authorization.k8s.io"):
		c.bindings = append(c.bindings, roleBinding(o))
		return
	case policyKind(o.Ref):
		if p, ok := networkPolicy(o); ok {
			c.policies = append(c.policies, p)
		}
	}
	c.makers(o, at)
	pods := c.specs.Extract(o)
	known := len(c.made) + len(c.resources) + len(c.inline)
	c.resource(o, at, pods)
	seen := glanceAt(o.Content)
	if seen.key {
		c.findInline(o, at, pods)
	}
	if !seen.onlyOwn(o, pods) {
		c.findMentions(o, pods)
	}
	if len(pods) == 0 {
		return
	}
	d := c.workload(o, at, pods)
	if known < len(c.made)+len(c.resources)+len(c.inline) || !c.idle.take(d) {
		c.workloads = append(c.workloads, d)
	}
}

// settings looks at a document without a kind: what a Prow configuration says beside its jobs. It goes by its
// file, spelled as a name.
func (c *collector) settings(o *Object, at place) {
	for _, p := range wiring.Presets(o) {
		c.presets = append(c.presets, preset{p, at.source})
	}
	r := &resource{
		place: at, origins: slices.Clone(o.Origins), generated: o.Generated, managers: slices.Clone(o.Managers),
		ref: Ref{APIVersion: "prow.k8s.io/v1", Kind: "ProwConfig", Name: nameOf(at.file)},
	}
	for _, ref := range catalog.References(o) {
		r.references = append(r.references, located[catalog.Reference]{ref, origins(o, ref.Field)})
	}
	if len(r.references) > 0 {
		c.resources = append(c.resources, r)
	}
}

// nameOf makes a name that Kubernetes could accept of a file's path.
func nameOf(file string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, file)
	return strings.Trim(name, "-.")
}

func placeOf(o *Object) place {
	p := place{root: o.Root, live: o.Live}
	if len(o.Origins) > 0 {
		p.source, p.file = o.Origins[0].Source, o.Origins[0].Path
	}
	return p
}

// spell writes origins as one string, for comparison.
func spell(origins []Origin) string {
	var b strings.Builder
	for _, o := range origins {
		b.WriteString(o.Source + "\x01" + o.Path + "\x01" + strconv.Itoa(o.Document) + "\x01" + strconv.Itoa(o.Line) + "\x02")
	}
	return b.String()
}

func isKind(ref Ref, kind, group string) bool {
	return ref.Kind == kind && ref.Group() == group
}

func (c *collector) makers(o *Object, at place) {
	for _, m := range catalog.Provenance(o) {
		mk := maker{place: at, Made: m}
		if places := o.Places(m.Field); len(places) > 0 {
			origin := places[0].Origin
			mk.at = &origin
		}
		c.made = append(c.made, mk)
	}
}

func (c *collector) workload(o *Object, at place, pods []wiring.Pod) *definition {
	d := &definition{place: at, pods: pods}
	d.Workload = Workload{
		Ref: o.Ref, Origins: slices.Clone(o.Origins), Managers: slices.Clone(o.Managers), Live: o.Live, Root: o.Root,
		Generated: o.Generated,
	}
	if o.Live && slices.ContainsFunc(pods, func(p wiring.Pod) bool { return !p.Plain() }) {
		d.Pointers = object.PointersOf(o.Content)
	}
	d.labels = c.specs.Pairs(lookup(o.Content, "metadata", "labels"))
	if d.labels == nil && o.Ref.Kind == "ProwJob" {
		d.labels = c.specs.Pairs(o.Content["labels"]) // in a configuration, a job is no object yet
	}
	account, here := pods[0].Account()
	d.ServiceAccount = account
	if account == "" && here {
		d.ServiceAccount = "default"
	}
	for _, p := range pods {
		d.HostNetwork = d.HostNetwork || p.HostNetwork()
	}
	if chooser, ok := o.Locator.(object.AccountChooser); ok {
		if choice, ok := chooser.AccountChoice(); ok {
			d.AccountChoice = &choice
		}
	}
	d.Replicas = integer(lookup(o.Content, "spec", "replicas"))
	d.Suspended, _ = lookup(o.Content, "spec", "suspend").(bool)
	d.Schedule = text(lookup(o.Content, "spec", "schedule"))
	if schedules := list(lookup(o.Content, "spec", "schedules")); d.Schedule == "" && len(schedules) > 0 {
		d.Schedule = text(schedules[0])
	}
	for _, m := range o.Managers {
		if owner, ok := strings.CutPrefix(m, "owner:"); ok {
			d.owners = append(d.owners, owner)
		}
	}
	return d
}

// origins locates a field: every place that makes it up, or the object's own.
func origins(o *Object, field object.Path) []Origin {
	if o.Locator == nil {
		return slices.Clone(o.Origins)
	}
	var at []Origin
	for _, p := range o.Places(field) {
		at = append(at, p.Origin)
	}
	return at
}
