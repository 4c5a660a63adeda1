package scanner

import (
	"slices"
	"strings"

	"dekey/scanner/wiring"
)

// dangling is the obstacle of a variable or flag that names a file which nothing in the object brings.
const dangling = "dangling"

// Dangling says that nothing in the object brings the file that the finding names.
func (f *Finding) Dangling() bool {
	return slices.ContainsFunc(f.Hold, func(o Obstacle) bool { return o.Code == dangling })
}

// FilledElse says that the file lies in a volume that something else than a Secret or ConfigMap fills: a node's disk, a
// claim, a folder that another container fills.
func (f *Finding) FilledElse() bool {
	return slices.ContainsFunc(f.Hold, func(o Obstacle) bool { return o.Code == dangling && strings.HasSuffix(o.What, wiring.FilledElse) })
}

// Unproven says why nobody who read only this input can know whether the finding is a use of a key at all, "" where its
// wiring says so. A job of Prow may ask by a label for a preset that was not read, and the configuration of keyless
// federation, which holds no key, stands in ConfigMaps.
// https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes
func (f *Finding) Unproven() string {
	switch {
	case f.Workload.Kind == "ProwJob" && f.Dangling() && f.Path == "":
		return "no preset with the label that the job bears was read: it may bring a key"
	case f.Secret.Kind == "ConfigMap" && f.Key == "" && f.Via == EnvFile:
		return "the ConfigMap " + f.Secret.Name + " was not read, or names no account: it may hold a key, or the configuration of keyless federation"
	}
	return ""
}
