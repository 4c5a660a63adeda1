package cluster

import (
	"context"
	"iter"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// owners knows which objects carry the pod template that others are made from.
type owners struct {
	mu sync.Mutex
	// templates are the objects with a pod template that was yielded, or that comes from such a one, by UID. The value
	// is what pods made from it may name (nil where that is not known: a custom resource, a chain of owners). There are as many
	// as workloads: a digest is half of a UID's text.
	templates map[[16]byte]*template
	plain     *template // of every object whose pods may name no Secret
}

// A template is what is remembered of a pod template: the names that its pods may use, and its own.
type template struct {
	owner types.UID // the object that it was made from
	names []string  // of Secrets, sorted; nil is unknown
}

func (o *owners) add(uid types.UID, t *template) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.templates == nil {
		o.templates, o.plain = map[[16]byte]*template{}, &template{names: []string{}}
	}
	if t.owner == "" && t.names != nil && len(t.names) == 0 {
		t = o.plain
	}
	o.templates[digest(string(uid))] = t
}

// top is the template at the end of the chain of owners from uid.
func (o *owners) top(uid types.UID) (*template, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range 10 { // deeper than any chain of controllers
		t, ok := o.templates[digest(string(uid))]
		if !ok || t.owner == "" {
			return t, ok
		}
		uid = t.owner
	}
	return nil, false
}

// controllerOf is the owner that made an object and keeps it as it is.
func controllerOf(o metav1.Object) *metav1.OwnerReference {
	refs := o.GetOwnerReferences()
	i := slices.IndexFunc(refs, func(r metav1.OwnerReference) bool { return r.Controller != nil && *r.Controller })
	if i < 0 {
		return nil
	}
	return &refs[i]
}

// A made is a custom resource with a controller, before it is known whether its owner carries the pod template.
type made struct {
	owner    types.UID
	resource string
}

// climb says whether an object is one that people edit (or that must be shown for another reason), and remembers what
// climbing over it needs.
func (s *scan) climb(ctx context.Context, r resource, it item) (keep bool, err error) {
	if r.phase < phaseCustom || r.phase > phasePods {
		return true, nil
	}
	uid, owner := it.meta.GetUID(), controllerOf(it.meta)
	if owner == nil {
		if r.phase == phaseCustom && s.resolved {
			return false, nil // yielded when it was met first
		}
		if r.form == metadata {
			return false, s.takeWhole(ctx, r, it)
		}
		s.remember(r, uid, it)
		return true, nil
	}
	top, known := s.owners.top(owner.UID)
	if !known {
		if r.form == custom && !s.second(r, uid, owner.UID) {
			return false, nil
		}
		if err := s.find(ctx, owner, it.meta.GetNamespace()); err != nil {
			return false, err
		}
		top, known = s.owners.top(owner.UID)
	}
	if !known {
		if r.form == metadata {
			return false, s.takeWhole(ctx, r, it)
		}
		s.remember(r, uid, it)
		return true, nil // an operator made it from something else than a pod template
	}
	if r.phase == phasePods {
		spec, _ := r.podSpec(it.raw)
		return top.names != nil && !within(secretNames(spec), top.names), nil
	}
	s.owners.add(uid, &template{owner: owner.UID})
	return false, nil
}

// remember keeps the name of an object with a pod template.
func (s *scan) remember(r resource, uid types.UID, it item) {
	if spec, ok := r.podSpec(it.raw); ok {
		if r.phase != phasePods {
			s.owners.add(uid, &template{names: secretNames(spec)})
		}
	} else if hasPodSpec(it.raw["spec"], 12) {
		s.owners.add(uid, &template{})
	}
}

// second says whether a custom resource with a controller is met for the second time. The first time its owner may not
// have been read yet: it is only remembered.
func (s *scan) second(r resource, uid, owner types.UID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resolved {
		return true
	}
	s.pending[uid] = made{owner: owner, resource: r.String()}
	return false
}

// made are the lists of custom resources in which something must be read again, now that all owners are known.
func (s *scan) made(lists []resource) []resource {
	s.resolved = true
	// A chain of custom resources may be met in any order.
	for changed := true; changed; {
		changed = false
		for uid, m := range s.pending {
			if _, known := s.owners.top(m.owner); known {
				s.owners.add(uid, &template{owner: m.owner})
				delete(s.pending, uid)
				changed = true
			}
		}
	}
	left := map[string]bool{}
	for _, m := range s.pending {
		left[m.resource] = true
	}
	return slices.DeleteFunc(slices.Clone(lists), func(r resource) bool { return !left[r.String()] })
}

// takeWhole reads an object of which only the metadata is known, and takes it.
func (s *scan) takeWhole(ctx context.Context, r resource, it item) error {
	r.form = typed
	err := s.client.list(ctx, r, query{namespace: it.meta.GetNamespace(), name: it.meta.GetName()}, func(it item) error {
		return s.take(ctx, r, it)
	})
	if err != nil && ctx.Err() == nil {
		s.gap(r, it.meta.GetNamespace(), err)
		return nil
	}
	return err
}

// find looks for an owner that was not in its list: it was made after that was read. An owner that is there is taken
// like any other object.
func (s *scan) find(ctx context.Context, owner *metav1.OwnerReference, namespace string) error {
	r, ok := s.workloads[owner.Kind]
	s.mu.Lock()
	lost := !ok || r.GroupVersion().String() != owner.APIVersion || s.unreadable[r.String()] || s.missing[owner.UID]
	s.mu.Unlock()
	if lost {
		return nil
	}
	if r.form == metadata {
		r.form = typed
	}
	found := false
	err := s.client.list(ctx, r, query{namespace: namespace, name: owner.Name}, func(it item) error {
		if it.meta.GetUID() != owner.UID {
			return nil
		}
		found = true
		return s.take(ctx, r, it)
	})
	if !found && ctx.Err() == nil {
		s.mu.Lock()
		s.missing[owner.UID] = true
		s.mu.Unlock()
		return nil
	}
	return err
}

// podSpec is the pod spec of an object of a built-in kind that has one; false of any other.
func (r resource) podSpec(content map[string]any) (map[string]any, bool) {
	switch r.GroupResource() {
	case schema.GroupResource{Group: "apps", Resource: "deployments"}, schema.GroupResource{Group: "apps", Resource: "statefulsets"},
		schema.GroupResource{Group: "apps", Resource: "daemonsets"}, schema.GroupResource{Group: "apps", Resource: "replicasets"},
		schema.GroupResource{Group: "batch", Resource: "jobs"}, schema.GroupResource{Resource: "replicationcontrollers"}:
		return below(content, "spec", "template", "spec"), true
	case schema.GroupResource{Group: "batch", Resource: "cronjobs"}:
		return below(content, "spec", "jobTemplate", "spec", "template", "spec"), true
	case schema.GroupResource{Resource: "pods"}:
		return below(content, "spec"), true
	}
	return nil, false
}

// below is the object below keys, or nil.
func below(content map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		content, _ = content[key].(map[string]any)
	}
	return content
}

// secretNames are the Secrets that a pod spec wires into its containers, sorted. What every pod is given (tokens, pull
// secrets of its service account) is not among them.
func secretNames(spec map[string]any) []string {
	names := []string{}
	add := func(from any, key string) {
		reference, _ := from.(map[string]any)
		if name, ok := reference[key].(string); ok {
			names = append(names, name)
		}
	}
	tokens := map[string]bool{}
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		for c := range objectsOf(spec[list]) {
			for v := range objectsOf(c["env"]) {
				from, _ := v["valueFrom"].(map[string]any)
				add(from["secretKeyRef"], "name")
			}
			for from := range objectsOf(c["envFrom"]) {
				add(from["secretRef"], "name")
			}
			for m := range objectsOf(c["volumeMounts"]) {
				if name, ok := m["name"].(string); ok && m["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount" {
					tokens[name] = true
				}
			}
		}
	}
	for v := range objectsOf(spec["volumes"]) {
		if name, _ := v["name"].(string); tokens[name] {
			continue
		}
		add(v["secret"], "secretName")
		projected, _ := v["projected"].(map[string]any)
		for source := range objectsOf(projected["sources"]) {
			add(source["secret"], "name")
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// objectsOf goes through the objects of a list.
func objectsOf(list any) iter.Seq[map[string]any] {
	items, _ := list.([]any)
	return func(yield func(map[string]any) bool) {
		for _, item := range items {
			if m, ok := item.(map[string]any); ok && !yield(m) {
				return
			}
		}
	}
}

// within says that every name of a is one of b; both are sorted.
func within(a, b []string) bool {
	for _, name := range a {
		if _, found := slices.BinarySearch(b, name); !found {
			return false
		}
	}
	return true
}

// hasPodSpec says whether an unstructured object carries a pod spec somewhere: a list of containers with names.
func hasPodSpec(value any, depth int) bool {
	if depth == 0 {
		return false
	}
	switch v := value.(type) {
	case map[string]any:
		if containers, ok := v["containers"].([]any); ok && len(containers) > 0 {
			if c, ok := containers[0].(map[string]any); ok && c["name"] != nil {
				return true
			}
		}
		for _, child := range v {
			if hasPodSpec(child, depth-1) {
				return true
			}
		}
	case []any:
		for _, child := range v {
			if hasPodSpec(child, depth-1) {
				return true
			}
		}
	}
	return false
}
