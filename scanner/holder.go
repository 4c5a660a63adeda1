package scanner

import (
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/keyfile"
	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// A holder is one Secret, ConfigMap or SecretProviderClass, at one place.
type holder struct {
	place
	ref       Ref
	typ       string
	origins   []Origin
	entries   []wiring.Entry // sorted by name
	complete  bool           // every entry was read
	managers  []string
	generated bool // a kustomize generator makes it
	templated bool // a chart's template makes it
	replica   Ref  // the Secret whose copy a replicator writes here
}

// lastApplied is the annotation in which kubectl keeps a copy of the object, key material included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// secret looks at a Secret: what each entry is, and whose keys they are.
func (c *collector) secret(o *Object, at place) {
	h := &holder{place: at, ref: o.Ref, typ: text(o.Content["type"]), origins: slices.Clone(o.Origins), managers: slices.Clone(o.Managers)}
	h.complete = true
	values, fields := o.Values, map[string]string(nil) // a field is data where it is not said
	if values == nil {
		values, fields = map[string][]byte{}, map[string]string{}
		for _, field := range []string{"data", "stringData"} {
			for name, raw := range mapping(o.Content[field]) {
				fields[name] = field
				if s, ok := raw.(string); ok {
					values[name] = []byte(s)
				} else {
					delete(values, name)
					h.entries = append(h.entries, wiring.Entry{Name: name, Holds: object.Unknown})
					h.complete = false
				}
			}
		}
		// A Secret without entries is filled by somebody else, unless a cluster says that this is all.
		if len(fields) == 0 && !o.Live {
			h.complete = false
		}
	}
	names := sortedKeys(values)
	for i, found := range keyfile.FindIn(names, values) {
		name := names[i]
		var at []Origin
		if o.Locator == nil {
			at = slices.Clone(o.Origins)
		} else {
			at = origins(o, object.Keys(firstOf(fields[name], "data"), name))
		}
		entry := c.entry(found, Holder{Kind: "Secret", Namespace: o.Ref.Namespace, Name: o.Ref.Name, Entry: name}, at)
		if entry.Holds == object.Unknown {
			h.complete = false
		}
		if value := values[name]; catalog.KeyEnv(name) && entry.Holds == object.No {
			entry.Value, entry.Known = pathValue(value)
		}
		h.entries = append(h.entries, entry)
	}
	h.sort()
	h.generated = generatedBy(o)
	h.templated = writtenAs(o, object.Template)
	h.replica = replicaOf(o)
	if !c.quiet.take(h) {
		c.holders = append(c.holders, h)
	}
	for name, value := range texts(lookup(o.Content, "metadata", "annotations")) {
		field := object.Keys("metadata", "annotations", name)
		if mayHoldKey(value) {
			c.copies(keyfile.Find([]byte(value), name), Holder{Kind: "Secret", Namespace: o.Ref.Namespace, Name: o.Ref.Name, Entry: field.String()}, origins(o, field)...)
		}
	}
}

// entry is what is known of one value.
func (c *collector) entry(found keyfile.Result, holder Holder, at []Origin) wiring.Entry {
	entry := wiring.Entry{Name: holder.Entry, At: at}
	switch found.Kind {
	case keyfile.Key, keyfile.Malformed:
		entry.Holds = object.Yes
		entry.Keys = c.copies(found, holder, at...)
		for _, identity := range found.Identities {
			entry.Part = entry.Part || identity.InField()
			entry.Bare = entry.Bare || identity.Bare()
			entry.Impersonates = max(entry.Impersonates, identity.Impersonates)
		}
	case keyfile.Unknown:
		entry.Holds = object.Unknown
	default:
		entry.Holds = object.No
	}
	return entry
}

// pathValue is a Secret's value where it is a path (in plain text or base64): a path is no secret, and joins a variable
// with its file.
func pathValue(value []byte) (string, bool) {
	s := string(decoded(value))
	if strings.HasPrefix(s, "/") && len(s) < 256 && !strings.ContainsAny(s, "\n ") {
		return s, true
	}
	return "", false
}

func (h *holder) sort() {
	slices.SortStableFunc(h.entries, func(a, b wiring.Entry) int { return strings.Compare(a.Name, b.Name) })
	h.entries = slices.CompactFunc(h.entries, func(a, b wiring.Entry) bool { return a.Name == b.Name })
}

// generatedBy says that a kustomize generator makes the object.
func generatedBy(o *Object) bool {
	return writtenAs(o, object.Generator)
}

func writtenAs(o *Object, role object.Role) bool {
	return o.Locator != nil && slices.ContainsFunc(o.Places(nil), func(p object.Place) bool { return p.Role == role })
}

// replicaOf is the Secret that a replicator copies into this one, by its annotation, or nothing.
// Source: mittwald/kubernetes-replicator, "Pull-based replication"; emberstack/kubernetes-reflector, "Create a mirror".
func replicaOf(o *Object) Ref {
	for _, key := range []string{"replicator.v1.mittwald.de/replicate-from", "reflector.v1.k8s.emberstack.com/reflects"} {
		if namespace, name, found := strings.Cut(text(lookup(o.Content, "metadata", "annotations", key)), "/"); found {
			return Ref{Kind: "Secret", Namespace: namespace, Name: name}
		}
	}
	return Ref{}
}

// The bounds of what is kept of a ConfigMap: pieces of paths, and what longer texts say.
const (
	shortValue = 256
	longText   = 1 << 20
)

// configMap looks at a ConfigMap: keys in it, values that can be paths, and what its scripts do.
func (c *collector) configMap(o *Object, at place) {
	h := &holder{place: at, ref: o.Ref, origins: slices.Clone(o.Origins), managers: slices.Clone(o.Managers), complete: true}
	found := keysOfConfigMap(o)
	for _, field := range []string{"binaryData", "data"} {
		for name, raw := range mapping(o.Content[field]) {
			value, ok := raw.(string)
			if !ok {
				h.complete = false
				h.entries = append(h.entries, wiring.Entry{Name: name, Holds: object.Unknown})
				continue
			}
			entry := wiring.Entry{Name: name, Holds: object.No}
			fieldAt := object.Keys(field, name)
			if mayHoldKey(value) {
				entry = c.entry(found[name], Holder{Kind: "ConfigMap", Namespace: o.Ref.Namespace, Name: o.Ref.Name, Entry: name}, origins(o, fieldAt))
			}
			if len(value) <= shortValue && !strings.Contains(strings.TrimRight(value, "\n"), "\n") {
				entry.Value, entry.Known = value, true
			} else if len(value) <= longText {
				entry.Facts = wiring.ReadText(value)
			}
			if entry.At == nil && (catalog.KeyEnv(name) || len(entry.Facts) > 0) {
				entry.At = origins(o, fieldAt)
			}
			h.entries = append(h.entries, entry)
		}
	}
	h.sort()
	h.generated = generatedBy(o)
	c.holders = append(c.holders, h)
}

// keysOfConfigMap looks at the entries of a ConfigMap together: one can name the account of another's private key.
func keysOfConfigMap(o *Object) map[string]keyfile.Result {
	values, may := map[string][]byte{}, false
	for _, field := range []string{"binaryData", "data"} {
		for name, value := range texts(o.Content[field]) {
			if mayHoldKey(value) {
				values[name], may = []byte(value), true
			} else if len(value) <= shortValue {
				values[name] = []byte(value)
			}
		}
	}
	if !may {
		return nil
	}
	return keyfile.FindAll(values)
}

// points says that a ConfigMap can make a workload use a key: it holds one, or sets a variable that names one.
func (h *holder) points() bool {
	return slices.ContainsFunc(h.entries, func(e wiring.Entry) bool {
		return e.Holds == object.Yes || e.Known && strings.HasPrefix(e.Value, "/") && catalog.KeyEnv(e.Name)
	})
}
