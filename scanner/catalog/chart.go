package catalog

import (
	"path"

	"dekey/scanner/object"
)

// A ChartEntry is what is known of a public chart's values: where they name a Secret with a key, and what to set instead.
type ChartEntry struct {
	Entry string   `json:"-"`     // the ID of the catalogue entry
	Names []string `json:"names"` // of the chart, without repository
	// Secrets are the values that name a Secret, or hold a key.
	Secrets []ChartSecret `json:"secrets"`
	// Extra are lists or mappings of variables, volumes and mounts, in Kubernetes' own form.
	Extra ChartExtra `json:"extra"`
	// ServiceAccount is where the values set up the chart's service account, "" for values that do not have it.
	ServiceAccount ChartServiceAccount `json:"serviceAccount"`
	Namespace      string              `json:"namespace"` // the usual one, for people only
	Hold           *object.Obstacle    `json:"hold"`      // what forbids a change of values alone
}

// A ChartSecret is a value that names a Secret with a key (or is one).
type ChartSecret struct {
	Value  string           `json:"value"` // the path in the values, with wildcards
	Entry  string           `json:"entry"` // the path of the value that names the entry; or "" and Default
	Holds  string           `json:"holds"` // "name": a Secret's name; "key": the key itself; "objectStorage": YAML with a key inside
	Sure   bool             `json:"sure"`  // as of a Reference
	Recipe []ChartEdit      `json:"recipe"`
	Hold   *object.Obstacle `json:"hold"`
}

// A ChartEdit is one change of values. Where a chart's default is not empty, a value is set to null or "" and not removed.
type ChartEdit struct {
	Op    string `json:"op"`
	Value string `json:"value"` // the path in the values
	Set   any    `json:"set"`
}

// A ChartExtra says where the values hold pieces of a pod spec.
type ChartExtra struct {
	Env     []string `json:"env"`
	EnvMap  []string `json:"envMap"` // name: value mappings
	EnvFrom []string `json:"envFrom"`
	Volumes []string `json:"volumes"`
	Mounts  []string `json:"mounts"`
	Args    []string `json:"args"`
	Secrets []string `json:"secrets"` // lists of {name, secretName, mountPath} as several charts have them
}

// A ChartServiceAccount says where the values set up a service account.
type ChartServiceAccount struct {
	Create      string `json:"create"`
	Name        string `json:"name"`
	Annotations string `json:"annotations"`
}

// ChartValues gives what is known of a chart by its name ("external-dns", "oci://.../velero": the last part counts).
func ChartValues(chart string) (ChartEntry, bool) {
	c, ok := index().charts[path.Base(chart)]
	return c, ok
}
