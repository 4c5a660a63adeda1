package catalog

import (
	"slices"
	"strings"
)

// Groups are the API groups of the custom resources that entries name outright, sorted: whoever reads a cluster needs
// the right to list them. A group that an entry knows by a pattern is not among them.
func Groups() []string {
	var groups []string
	add := func(match []selector) {
		for _, s := range match {
			// "core", "apps", ... are Kubernetes' own; a group of a custom resource is a domain.
			if strings.Contains(s.Group, ".") && !strings.Contains(s.Group, "*") {
				groups = append(groups, s.Group)
			}
		}
	}
	for _, e := range Entries() {
		for _, r := range e.References {
			add(r.Match)
		}
		for _, m := range e.Makes {
			add(m.Match)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}
