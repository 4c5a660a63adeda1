package scanner

import (
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/object"
)

// referencesPresume takes from the catalogue what a field alone tells of a Secret.
func (a *analysis) referencesPresume() {
	for _, r := range a.resources {
		for _, ref := range r.references {
			if ref.what.Sure && ref.what.Env == "" {
				a.presume(ref.what.Secret, ref.what.Secret.Namespace, r.place)
			}
		}
	}
}

// referenceFindings are the fields of resources that name a key's Secret: those that the catalogue knows, and by the
// generic rule every string of a custom resource that equals the Secret's name.
func (a *analysis) referenceFindings() {
	made := a.makersOf()
	values := a.chartValues()
	rendered := a.rendered()
	for _, r := range a.resources {
		known := map[string]bool{}
		for _, n := range r.names {
			if slices.ContainsFunc(values[r.ref], func(value string) bool { return strings.HasSuffix(n.field, "."+value) }) {
				known[n.field] = true // the chart's values were read by themselves, and gave it
			}
			if isChartValue(r.ref, n.field) && rendered[deploys{deployment(r.ref), n.value}] {
				known[n.field] = true // the chart was rendered with it
			}
		}
		for _, ref := range r.references {
			known[ref.what.Field.String()] = true
			known[ref.what.Field.Parent().String()] = true
			a.catalogued(r, ref.what, ref.at)
		}
		a.named(r, known, made)
	}
}

// chartValues are the values that charts' entries know, by the object that deploys the chart, without the step to the values.
func (a *analysis) chartValues() map[Ref][]string {
	values := map[Ref][]string{}
	for _, r := range a.resources {
		for _, ref := range r.references {
			if value, ok := strings.CutPrefix(ref.what.Field.String(), "values."); ok {
				values[r.ref] = append(values[r.ref], value)
			}
		}
	}
	return values
}

// A deploys says that what a deployment renders names a Secret.
type deploys struct{ deployment, secret string }

// rendered are the Secrets of the findings in rendered charts, by what deploys the chart.
func (a *analysis) rendered() map[deploys]bool {
	found := map[deploys]bool{}
	for _, f := range a.findings {
		if _, id, ok := strings.Cut(f.place.root, "@"); ok {
			found[deploys{id, f.Secret.Name}] = true
			if strings.HasPrefix(id, "argocd:") {
				found[deploys{"argocd:", f.Secret.Name}] = true
			}
		}
	}
	return found
}

// deployment is what the renderings of a chart are called that the object deploys: "argocd:" alone for one that makes several.
func deployment(ref Ref) string {
	switch {
	case isKind(ref, "HelmRelease", "helm.toolkit.fluxcd.io"):
		return "flux:" + ref.Namespace + "/" + ref.Name
	case isKind(ref, "Application", "argoproj.io"):
		return "argocd:" + ref.Name
	case isKind(ref, "ApplicationSet", "argoproj.io"):
		return "argocd:"
	}
	return ""
}

// isChartValue says whether a field of an object is one of the values of the chart that it deploys.
func isChartValue(ref Ref, field string) bool {
	if ref.Kind == "HelmRelease" {
		return strings.HasPrefix(field, "spec.values.")
	}
	return deployment(ref) != "" && strings.Contains(field, ".helm.")
}

// catalogued adds a reference that an entry of the catalogue knows.
func (a *analysis) catalogued(r *resource, ref catalog.Reference, at []Origin) {
	f := Finding{
		Workload: r.ref, Via: object.Reference, Field: ref.Field.String(), At: []Path{ref.Field}, Origins: at,
		Catalog: ref.Entry, Recipe: ref.Recipe, Identity: ref.Identity, Embedded: ref.Embedded, Secret: ref.Secret,
	}
	if ref.Hold != nil {
		f.Hold = []Obstacle{*ref.Hold}
	}
	if ref.Env != "" {
		a.variableOf(r, ref, f)
		return
	}
	entries := a.entries(ref.Secret, r.place)
	if len(entries) == 0 {
		return
	}
	if entries[0].holds != object.Yes && !ref.Sure {
		return
	}
	for _, e := range entries {
		f.Secret.Entry, f.Key = e.name, e.key
		a.add(f, r.place, r.origins, r.generated, nil)
	}
}

// variableOf adds a reference by a variable of another workload's pods (KEDA): a use of the key that fills it.
func (a *analysis) variableOf(r *resource, ref catalog.Reference, f Finding) {
	for i, c := range slices.Clone(a.findings) {
		if c.Env != ref.Env || ref.Target == nil || c.Workload.Name != ref.Target.Name || c.Workload.Namespace != r.ref.Namespace {
			continue
		}
		if ref.Target.Kind != "" && c.Workload.Kind != ref.Target.Kind {
			continue
		}
		if c.Workload != r.ref {
			a.findings[i].Hold = append(slices.Clone(c.Hold), Obstacle{
				Code: "no-recipe", What: r.ref.Kind + " " + r.ref.Name + " reads the variable " + ref.Env + " of this object's pods, and loses its credentials with it: it moves first",
			})
		}
		f.Secret, f.Key = c.Secret, c.Key
		a.add(f, r.place, r.origins, r.generated, nil)
	}
}

// A heldEntry is one entry of a Secret with one key in it.
type heldEntry struct {
	name, key string
	holds     Tri
}

// entries gives the key entries of a Secret that a reference names; the one that it names, unknown, where nothing is known
// of it; and nothing where it is known to hold no key.
func (a *analysis) entries(secret Holder, at place) []heldEntry {
	content := a.view(secret.Namespace, at).Contents(secret.Kind, secret.Name)
	var found []heldEntry
	for _, e := range content.Entries {
		if e.Holds != object.Yes || secret.Entry != "" && e.Name != secret.Entry {
			continue
		}
		ids := e.Keys
		if len(ids) == 0 {
			ids = []string{""}
		}
		for _, id := range ids {
			found = append(found, heldEntry{e.Name, id, object.Yes})
		}
	}
	if len(found) > 0 || content.Complete {
		return found
	}
	if e, ok := content.Entry(secret.Entry); ok && e.Holds == object.No {
		return nil
	}
	return []heldEntry{{secret.Entry, "", object.Unknown}}
}

// named adds the references that only the generic rule knows.
func (a *analysis) named(r *resource, known map[string]bool, made map[madeBy]bool) {
	for _, n := range r.names {
		if known[n.field] || slices.ContainsFunc(sortedKeys(known), func(k string) bool { return k != "" && strings.HasPrefix(n.field, k+".") }) {
			continue
		}
		namespace := firstOf(n.namespace, r.ref.Namespace)
		if made[madeBy{r.ref, n.value}] || !a.holdsKey(n.value) {
			continue
		}
		field, err := object.ParsePath(n.field)
		if err != nil {
			continue
		}
		secret := Holder{Kind: "Secret", Namespace: namespace, Name: n.value}
		entries := a.entries(secret, r.place)
		if n.entry != "" && slices.ContainsFunc(entries, func(e heldEntry) bool { return e.name == n.entry }) {
			entries = filter(entries, func(e heldEntry) bool { return e.name == n.entry })
		} else if n.entry != "" {
			continue // it names another entry
		}
		for _, e := range entries {
			if e.holds != object.Yes {
				continue
			}
			secret.Entry = e.name
			a.add(Finding{
				Workload: r.ref, Via: object.Reference, Field: n.field, At: []Path{field}, Secret: secret, Key: e.key, Origins: n.at,
			}, r.place, r.origins, r.generated, nil)
		}
	}
}

// holdsKey says that some Secret of that name holds a key, wherever it is.
func (a *analysis) holdsKey(name string) bool {
	for _, h := range a.index.loud[holderName{"Secret", name}] {
		for _, e := range h.entries {
			if e.Holds == object.Yes {
				return true
			}
		}
	}
	return a.presumedNames()[name]
}

func (a *analysis) presumedNames() map[string]bool {
	if a.names == nil {
		a.names = map[string]bool{}
		for p := range a.presumed {
			if p.kind == "Secret" {
				a.names[p.name] = true
			}
		}
	}
	return a.names
}

// A madeBy says that an object makes a Secret of that name: its own fields that name it are no uses.
type madeBy struct {
	object Ref
	secret string
}

func (a *analysis) makersOf() map[madeBy]bool {
	made := map[madeBy]bool{}
	for _, m := range a.made {
		made[madeBy{m.By, m.Secret.Name}] = true
	}
	return made
}
