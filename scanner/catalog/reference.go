package catalog

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"dekey/scanner/object"
)

// A Reference is a field of an object (a custom resource, a ConfigMap, an annotation) that names a Secret with a key.
type Reference struct {
	Entry string      // the ID of the catalogue entry
	Via   object.Via  // always object.Reference today
	Field object.Path // the string that names the Secret (or the variable of the scale target)
	// Secret is the Secret that is named: Entry is "" where the field names the whole Secret, Namespace "" where it is not
	// known (a cluster-scoped object).
	Secret object.Holder
	// Sure says that the field alone tells a Google key, also where the Secret is not in the input. Otherwise the reference
	// counts only where the Secret is known to hold one.
	Sure bool
	// Env and Target are set where the field names a variable of another object's pods (KEDA) and not a Secret: the Secret
	// is the one that fills that variable.
	Env    string
	Target *object.Ref
	// Embedded says that the name stands inside a longer text (YAML in a ConfigMap): no edit by path.
	Embedded bool
	// Recipe is the way out as edits of this object; empty when Hold says why there is none.
	Recipe []object.FieldEdit
	// Identity is the Kubernetes service account that is used afterwards, nil where it is the object's own. It is the
	// documented default of the controller: it must be seen before anything is granted to it.
	Identity *object.Ref
	Hold     *object.Obstacle
}

// A referenceRule finds References.
type referenceRule struct {
	Match []selector  `json:"match"` // any of these
	When  []condition `json:"when"`  // all of these

	// At are patterns of the field that is the reference: a mapping with name and entry, or the name itself.
	At []string `json:"at"`
	// Name is where the Secret's name stands, from At; "." where At is the name.
	Name location `json:"name"`
	// Entry is where the Secret's entry stands; Default where it is not written.
	Entry     value `json:"entry"`
	Namespace value `json:"namespace"` // default: the object's own

	// Text is a regular expression with the groups name and (optional) entry (or entry2, where it may stand elsewhere too)
	// and namespace, searched in every string that At finds.
	Text string `json:"text"`
	// OfKey says that Text is about the key of the field that At finds, and not its value.
	OfKey bool `json:"ofKey"`
	// Sought says that the words are worth a look at an object, although what they find is not Sure.
	Sought bool `json:"sought"`
	// Self says that the object is the Secret itself, which a controller picks up by the field At (a label).
	Self bool `json:"self"`
	// Variable says that Name names a variable of Target.
	Variable bool       `json:"variable"`
	Target   *targetRef `json:"target"`
	// Wired wants a variable of pieces of a pod spec to point into the volume that At is in.
	Wired *pieces `json:"wired"`

	Sure bool `json:"sure"`
	// Words are texts of which every object has one that the rule finds something in, where its fields' names tell nothing.
	// With Text, they stand in that text.
	Words    []string         `json:"words"`
	Recipe   []edit           `json:"recipe"`
	Identity *identity        `json:"identity"`
	Hold     *object.Obstacle `json:"hold"`

	at   []pattern
	text *regexp.Regexp
	only []string // all groups that match can name, nil where that is any
}

// compile parses what the entry spells as text.
func (r *referenceRule) compile() error {
	for _, s := range r.Match {
		if s.Group == "" || !exact(s.Group) {
			r.only = nil
			break
		}
		r.only = append(r.only, s.Group)
	}
	for _, at := range r.At {
		p, err := parsePattern(at)
		if err != nil {
			return err
		}
		r.at = append(r.at, p)
	}
	var err error
	if r.Text != "" {
		r.text, err = regexp.Compile(r.Text)
	}
	return err
}

// The pieces of a pod spec that stand loose in some objects (a PodPreset, a preset of Prow).
type pieces struct {
	Env    location `json:"env"`
	Mounts location `json:"mounts"`
	Volume location `json:"volume"` // the volume's name
}

// holds says that a variable whose name tells of a key points into the volume.
func (p *pieces) holds(root any, at object.Path) bool {
	volume, _ := p.Volume.lookup(root, at)
	env, _ := p.Env.lookup(root, at)
	mounts, _ := p.Mounts.lookup(root, at)
	for _, mount := range list(mounts) {
		folder := strings.TrimSuffix(text(lookup(mount, "mountPath")), "/")
		if folder == "" || text(lookup(mount, "name")) != text(volume) {
			continue
		}
		for _, variable := range list(env) {
			file := text(lookup(variable, "value"))
			if KeyEnv(text(lookup(variable, "name"))) && (file == folder || strings.HasPrefix(file, folder+"/")) {
				return true
			}
		}
	}
	return false
}

// A value is read from a field, or is a default.
type value struct {
	Field   location `json:"field"`
	Default string   `json:"default"`
}

func (v value) read(root any, at object.Path) string {
	if v.Field != "" {
		if found, ok := v.Field.lookup(root, at); ok && text(found) != "" {
			return text(found)
		}
	}
	return v.Default
}

// A targetRef names another object: the scale target.
type targetRef struct {
	APIVersion value `json:"apiVersion"`
	Kind       value `json:"kind"`
	Name       value `json:"name"`
}

// An edit is a FieldEdit whose field is a location.
type edit struct {
	Op    string   `json:"op"`
	Field location `json:"field"`
	Value any      `json:"value"`
	// When limits the edit; a condition on what else the object says.
	When []condition `json:"when"`
}

// An identity is a service account. Namespace "" is the object's own. In Name, "${name}" is the object's name and
// "${namespace}" its namespace.
type identity struct {
	Namespace value `json:"namespace"`
	Name      value `json:"name"`
}

// References gives the fields of o that an entry knows to name a Secret with a key, sorted by field. A field that several
// rules know is given once, by the first entry.
func References(o *object.Object) []Reference {
	if o == nil || len(o.Content) == 0 || IsSchemaOrBait(o) {
		return nil
	}
	var found []Reference
	group := groupOf(o)
	for r := range index().references.of(o.Ref.Kind) {
		if (r.rule.only == nil || slices.Contains(r.rule.only, group)) && r.rule.about(o, group) {
			found = append(found, r.rule.references(r.entry, o)...)
		}
	}
	slices.SortStableFunc(found, func(a, b Reference) int {
		return cmp.Or(strings.Compare(a.Field.String(), b.Field.String()), strings.Compare(a.Secret.Name, b.Secret.Name))
	})
	return slices.CompactFunc(found, func(a, b Reference) bool {
		return a.Field.Equal(b.Field) && a.Secret == b.Secret && a.Env == b.Env
	})
}

func (r *referenceRule) about(o *object.Object, group string) bool {
	if !anyMatches(r.Match, o, group) {
		return false
	}
	return !slices.ContainsFunc(r.When, func(c condition) bool { return c.Field.absolute() && !c.holds(o.Content, nil) })
}

func (r *referenceRule) references(entry string, o *object.Object) []Reference {
	var found []Reference
	for _, at := range r.at {
		for _, m := range at.find(o.Content) {
			found = append(found, r.read(entry, o, m)...)
		}
	}
	return found
}

func (r *referenceRule) read(entry string, o *object.Object, m match) []Reference {
	for _, c := range r.When {
		if !c.holds(o.Content, m.path) {
			return nil
		}
	}
	if r.Wired != nil && !r.Wired.holds(o.Content, m.path) {
		return nil
	}
	switch {
	case r.text != nil:
		return r.readText(entry, o, m)
	case r.Self:
		if o.Ref.Name == "" { // generateName, or no object at all: there is no Secret that it could name
			return nil
		}
		ref := r.reference(entry, o, m.path)
		ref.Field = m.path
		ref.Secret.Name, ref.Secret.Entry = o.Ref.Name, r.Entry.Default
		return []Reference{ref}
	}
	field, ok := r.Name.resolve(m.path)
	if !ok {
		return nil
	}
	raw, _ := field.Lookup(o.Content)
	name := text(raw)
	if name == "" {
		return nil
	}
	ref := r.reference(entry, o, m.path)
	ref.Field = field
	if r.Variable {
		ref.Env = name
		ref.Target = r.Target.resolve(o, m.path)
		return []Reference{ref}
	}
	ref.Secret.Name = name
	ref.Secret.Entry = r.Entry.read(o.Content, m.path)
	if ns := r.Namespace.read(o.Content, m.path); ns != "" {
		ref.Secret.Namespace = ns
	}
	return []Reference{ref}
}

// maxTexts bounds the references in one text.
const maxTexts = 100

// readText finds names inside a longer text: configuration in another language than Kubernetes' own.
func (r *referenceRule) readText(entry string, o *object.Object, m match) []Reference {
	value := text(m.value)
	if r.OfKey {
		value = m.path[len(m.path)-1].Key
	}
	if !slices.ContainsFunc(r.Words, func(word string) bool { return strings.Contains(value, word) }) {
		return nil // most texts are something else, and long
	}
	var found []Reference
	for _, groups := range r.text.FindAllStringSubmatch(value, maxTexts) {
		ref := r.reference(entry, o, m.path)
		ref.Field, ref.Embedded = m.path, true
		ref.Secret.Entry = r.Entry.Default
		for i, group := range r.text.SubexpNames() {
			if i == 0 || groups[i] == "" {
				continue
			}
			switch group {
			case "name":
				ref.Secret.Name = groups[i]
			case "entry", "entry2":
				ref.Secret.Entry = groups[i]
			case "namespace":
				ref.Secret.Namespace = groups[i]
			}
		}
		if ref.Secret.Name != "" && !slices.ContainsFunc(found, func(other Reference) bool { return other.Secret == ref.Secret }) {
			found = append(found, ref)
		}
	}
	return found
}

// reference is what every Reference of the rule at that place has in common.
func (r *referenceRule) reference(entry string, o *object.Object, at object.Path) Reference {
	ref := Reference{
		Entry:    entry,
		Via:      object.Reference,
		Secret:   object.Holder{Kind: "Secret", Namespace: o.Ref.Namespace},
		Sure:     r.Sure,
		Identity: r.Identity.resolve(o, at),
		Hold:     r.Hold,
	}
	if ref.Hold == nil {
		ref.Recipe = edits(r.Recipe, o.Content, at)
	}
	return ref
}

// edits resolves a recipe at a place.
func edits(recipe []edit, root any, at object.Path) []object.FieldEdit {
	var resolved []object.FieldEdit
	for _, e := range recipe {
		field, ok := e.Field.resolve(at)
		if !ok || slices.ContainsFunc(e.When, func(c condition) bool { return !c.holds(root, at) }) {
			continue
		}
		resolved = append(resolved, object.FieldEdit{Op: e.Op, Field: field, Value: e.Value})
	}
	return resolved
}

func (t *targetRef) resolve(o *object.Object, at object.Path) *object.Ref {
	if t == nil {
		return nil
	}
	return &object.Ref{
		APIVersion: t.APIVersion.read(o.Content, at),
		Kind:       t.Kind.read(o.Content, at),
		Namespace:  o.Ref.Namespace,
		Name:       t.Name.read(o.Content, at),
	}
}

func (i *identity) resolve(o *object.Object, at object.Path) *object.Ref {
	if i == nil {
		return nil
	}
	expand := strings.NewReplacer("${name}", o.Ref.Name, "${namespace}", o.Ref.Namespace)
	ref := &object.Ref{
		APIVersion: "v1",
		Kind:       "ServiceAccount",
		Namespace:  expand.Replace(i.Namespace.read(o.Content, at)),
		Name:       expand.Replace(i.Name.read(o.Content, at)),
	}
	if ref.Namespace == "" {
		ref.Namespace = o.Ref.Namespace
	}
	if ref.Name == "" {
		return nil
	}
	return ref
}
