package catalog

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"dekey/scanner/object"
)

// A ChartEntry is what is known of a public chart's values: where they name a Secret with a key, and what to set instead.
// Paths in it are paths in the chart's values; for a chart that is a dependency, in the part of the values that is its own.
type ChartEntry struct {
	Entry string   `json:"-"`     // the ID of the catalogue entry
	Names []string `json:"names"` // of the chart, without repository
	// Secrets are the values that name a Secret, or hold a key.
	Secrets []chartRule `json:"secrets"`
	// Extra says where the values hold pieces of a pod spec.
	Extra ChartExtra `json:"extra"`
	// ServiceAccount is where the values set up the service account of the pods that use the key.
	ServiceAccount ChartServiceAccount `json:"serviceAccount"`
}

// A ChartExtra says where the values hold pieces of a pod spec, in Kubernetes' own form unless said otherwise. Paths may
// have wildcards.
type ChartExtra struct {
	Env     []string `json:"env"`
	EnvMap  []string `json:"envMap"` // mappings of name to value
	EnvFrom []string `json:"envFrom"`
	Volumes []string `json:"volumes"`
	Mounts  []string `json:"mounts"`
	Args    []string `json:"args"`
	// SecretMounts are lists of {name, secretName, mountPath, ...}, each volume and mount in one.
	SecretMounts []string `json:"secretMounts"`
}

// A ChartServiceAccount says where the values set up a service account; "" where they do not.
type ChartServiceAccount struct {
	Create      string `json:"create"`
	Name        string `json:"name"`
	Annotations string `json:"annotations"`
}

// The kinds of values that a ChartUse can be.
const (
	HoldsName   = "name"   // the name of a Secret
	HoldsKey    = "key"    // the key itself
	HoldsConfig = "config" // configuration that may have a key in it: look with keyfile
)

// A chartRule knows a value of a chart.
type chartRule struct {
	Value   string           `json:"value"`   // the path in the values, with wildcards
	Holds   string           `json:"holds"`   // HoldsName | HoldsKey | HoldsConfig
	Entry   string           `json:"entry"`   // the entry of the Secret, where the chart fixes it
	EntryAt location         `json:"entryAt"` // the value that names the entry
	When    []condition      `json:"when"`
	Sure    bool             `json:"sure"` // as of a Reference
	Recipe  []edit           `json:"recipe"`
	Hold    *object.Obstacle `json:"hold"`

	at pattern
}

// A ChartUse is one value of a chart that names a Secret with a key or holds a key.
type ChartUse struct {
	Entry       string // the ID of the catalogue entry
	Value       object.Path
	Holds       string // HoldsName | HoldsKey | HoldsConfig
	Secret      string // the Secret's name; "" unless Holds is HoldsName
	SecretEntry string // "" where it is not known
	Sure        bool   // as of a Reference
	// Recipe is the way out, as edits of the values: a set where the chart's own default is to be overruled, a remove
	// where it is what is wanted. Empty when Hold says why there is none.
	Recipe []object.FieldEdit
	Hold   *object.Obstacle
}

// ChartValues gives what is known of a chart by its name ("velero", "bitnami/external-dns", "oci://.../velero": the last
// part counts).
func ChartValues(chart string) (ChartEntry, bool) {
	c, ok := index().charts[path.Base(chart)]
	return c, ok
}

// Uses gives the values that name a Secret with a key or hold a key, sorted. Values that are empty are no uses.
func (c ChartEntry) Uses(values map[string]any) []ChartUse {
	var uses []ChartUse
	for i := range c.Secrets {
		rule := &c.Secrets[i]
		for _, m := range rule.at.find(values) {
			value := text(m.value)
			if strings.TrimSpace(value) == "" || slices.ContainsFunc(rule.When, func(w condition) bool { return !w.holds(values, m.path) }) {
				continue
			}
			uses = append(uses, rule.use(c.Entry, values, m.path, value))
		}
	}
	slices.SortStableFunc(uses, func(a, b ChartUse) int { return cmp.Compare(a.Value.String(), b.Value.String()) })
	return slices.CompactFunc(uses, func(a, b ChartUse) bool { return a.Value.Equal(b.Value) })
}

func (r *chartRule) use(entry string, values map[string]any, at object.Path, value string) ChartUse {
	use := ChartUse{Entry: entry, Value: at, Holds: r.Holds, Sure: r.Sure, Hold: r.Hold, SecretEntry: r.Entry}
	if r.Holds == HoldsName {
		use.Secret = value
	}
	if found, ok := r.EntryAt.lookup(values, at); ok && r.EntryAt != "" && text(found) != "" {
		use.SecretEntry = text(found)
	}
	if r.Hold == nil {
		use.Recipe = edits(r.Recipe, values, at)
	}
	return use
}

func (c *ChartEntry) compile() error {
	for i := range c.Secrets {
		var err error
		if c.Secrets[i].at, err = parsePattern(c.Secrets[i].Value); err != nil {
			return err
		}
	}
	return nil
}
