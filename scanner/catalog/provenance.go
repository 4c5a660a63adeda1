package catalog

import (
	"cmp"
	"slices"

	"dekey/scanner/object"
)

// A Made is a Secret that an object makes, or a statement that something makes this Secret.
type Made struct {
	Kind   string        // sealed-secret, external-secret, sops, ...: the provenance kinds of the contract's inventory
	Entry  string        // the ID of the catalogue entry
	Secret object.Holder // Name "" where the name cannot be read from the object; Namespace "" where it is not known
	By     object.Ref    // the object that makes it; the Secret itself for markers that it bears
	Field  object.Path   // what says so
	// Recreates: the Secret (or the key in it) comes back after a deletion as long as By is there.
	Recreates bool
}

// A makerRule finds Secrets that objects make.
type makerRule struct {
	Match []selector  `json:"match"`
	When  []condition `json:"when"`
	Kind  string      `json:"kind"`
	// At are patterns of what describes the Secret; Name is where its name stands, from there. Name's default may use
	// "${name}".
	At        []string `json:"at"`
	Name      value    `json:"name"`
	Namespace value    `json:"namespace"`
	Recreates bool     `json:"recreates"`

	at []pattern
}

func (r *makerRule) compile() error {
	for _, at := range r.At {
		p, err := parsePattern(at)
		if err != nil {
			return err
		}
		r.at = append(r.at, p)
	}
	return nil
}

// Provenance gives the Secrets that o makes, and for a Secret what its own marks say about its maker, sorted.
func Provenance(o *object.Object) []Made {
	if o == nil || len(o.Content) == 0 || IsSchemaOrBait(o) {
		return nil
	}
	var made []Made
	group := groupOf(o)
	for r := range index().makers.of(o.Ref.Kind) {
		if anyMatches(r.rule.Match, o, group) {
			made = append(made, r.rule.made(r.entry, o)...)
		}
	}
	made = append(made, marks(o)...)
	slices.SortStableFunc(made, func(a, b Made) int {
		return cmp.Or(
			cmp.Compare(a.Secret.Namespace, b.Secret.Namespace),
			cmp.Compare(a.Secret.Name, b.Secret.Name),
			cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Field.String(), b.Field.String()),
		)
	})
	return made
}

func (r *makerRule) made(entry string, o *object.Object) []Made {
	var made []Made
	for _, at := range r.at {
		for _, m := range at.find(o.Content) {
			if slices.ContainsFunc(r.When, func(c condition) bool { return !c.holds(o.Content, m.path) }) {
				continue
			}
			field := m.path
			if path, ok := r.Name.Field.resolve(m.path); ok && r.Name.Field != "" {
				if found, _ := path.Lookup(o.Content); text(found) != "" {
					field = path
				}
			}
			name := r.Name.read(o.Content, m.path)
			if name == "${name}" {
				name = o.Ref.Name
			}
			namespace := r.Namespace.read(o.Content, m.path)
			if namespace == "" {
				namespace = o.Ref.Namespace
			}
			made = append(made, Made{
				Kind: r.Kind, Entry: entry, By: o.Ref, Field: field, Recreates: r.Recreates,
				Secret: object.Holder{Kind: "Secret", Namespace: namespace, Name: name},
			})
		}
	}
	return made
}
