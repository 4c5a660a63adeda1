package chart

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"dekey/scanner/object"
)

// An account is a part of the values that decides which service account pods run under, and mostly whether the chart makes it:
// serviceAccount.create, name and annotations, as `helm create` spells them, or a name alone.
type account struct {
	at   object.Path // the map, or the name where it stands alone
	flat bool        // the name stands alone
	// What rendering with a made one showed.
	made  map[string]any // the manifest, nil where the chart makes none
	named string         // what the chart calls it where no name is given
	more  bool           // making it makes other objects too
}

// Accounts are the parts of a release's values that may decide a service account.
type Accounts []*account

// accountProbe starts the names by which it is seen whose service account a value names.
const accountProbe = "dekey-account-"

// accountPlaces are the parts of the values that look like the settings of a service account, those of charts below it included.
// values are all of them, with the defaults of the charts below.
func (r *Release) accountPlaces() (values map[string]any, found Accounts) {
	values = r.Chart.below()
	merge(values, r.Values())
	var find func(value any, at object.Path)
	find = func(value any, at object.Path) {
		m, _ := value.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if key == "" || len(at) > 8 {
				continue
			}
			here, lower := at.Join(object.Key(key)), strings.ToLower(key)
			settings, isMap := m[key].(map[string]any)
			_, isText := m[key].(string)
			switch {
			case isMap && strings.HasSuffix(lower, "serviceaccount"):
				found = append(found, &account{at: here})
			case lower == "serviceaccountname" && (isText || m[key] == nil):
				found = append(found, &account{at: here, flat: true})
			}
			find(settings, here)
		}
	}
	find(values, nil)
	return values, found
}

// maxLevels bounds the depth of what is read of the charts below.
const maxLevels = 100

// below are the default values of the charts that the chart holds, by the keys of its values.
func (c *Chart) below() map[string]any {
	values := map[string]any{}
	for _, file := range slices.Sorted(maps.Keys(c.Files)) {
		parts := strings.Split(file, "/")
		if len(parts) != 3 || parts[0] != "charts" || parts[2] != "values.yaml" {
			continue
		}
		name, _ := decode(c.Files[path.Join("charts", parts[1], "Chart.yaml")], maxLevels)["name"].(string)
		keys := c.keys[name]
		if len(keys) == 0 && name != "" {
			keys = []string{name}
		}
		for _, key := range keys {
			if own := decode(c.Files[file], maxLevels); own != nil {
				values[key] = own
			}
		}
	}
	return values
}

// AccountProbes are values in which each part that looks like the settings of a service account asks for one: first with a name
// that is recognised, then without one. There are none where nothing looks so.
func (r *Release) AccountProbes() (probes []map[string]any, found Accounts) {
	values, found := r.accountPlaces()
	if len(found) == 0 {
		return nil, nil
	}
	named, unnamed := Clone(values), Clone(values)
	for i, a := range found {
		name := accountProbe + strconv.Itoa(i)
		if a.flat {
			named = put(named, a.at, name)
			continue
		}
		for _, probe := range []struct {
			values *any
			name   string
		}{{&named, name}, {&unnamed, ""}} {
			v := put(*probe.values, a.at.Join(object.Key("create")), true)
			v = put(v, a.at.Join(object.Key("name")), probe.name)
			*probe.values = put(v, a.at.Join(object.Key("annotations"), object.Key(annotationProbe+strconv.Itoa(i))), "")
		}
	}
	for _, v := range []any{named, unnamed} {
		m, _ := v.(map[string]any)
		probes = append(probes, m)
	}
	return probes, found
}

// LearnAccounts sees whose service accounts the settings name, and what the chart makes of them. all are the objects without the
// probes, objects those of them that matter.
func LearnAccounts(objects, all, named, unnamed []*Object, found Accounts) {
	before, natural, probed := map[string]*Object{}, map[string]*Object{}, map[string]*Object{}
	for _, o := range all {
		before[o.identity()] = o
	}
	for _, o := range unnamed {
		natural[o.Key()] = o
	}
	for _, o := range named {
		probed[o.Key()] = o
	}
	for i, a := range found {
		probe := accountProbe + strconv.Itoa(i)
		for _, o := range named {
			if before[o.identity()] != nil {
				continue
			}
			if o.Content["kind"] != "ServiceAccount" {
				a.more = a.more || mentions(o.Content, probe)
				continue
			}
			if name(o.Content) != probe {
				continue
			}
			a.made = o.Content
			if other := natural[o.Key()]; other != nil {
				a.named = name(other.Content)
			}
		}
		for _, o := range objects {
			other := probed[o.Key()]
			if other == nil || !reflect.DeepEqual(shape(o.Content), shape(other.Content)) {
				continue
			}
			eachText(other.Content, nil, func(at object.Path, text string) {
				if text == probe && at[len(at)-1].Key == "serviceAccountName" {
					o.accounts = append(o.accounts, decision{at, a})
				}
			})
		}
	}
}

// A decision is a field that names a service account, and the part of the values that decides it.
type decision struct {
	field object.Path
	by    *account
}

// identity is an object's kind and name in its template.
func (o *Object) identity() string {
	kind, _ := o.Content["kind"].(string)
	return o.Template + "\x00" + kind + "\x00" + name(o.Content)
}

// shape is what must not change when a service account is asked for: the kind and the name.
func shape(content map[string]any) [2]any { return [2]any{content["kind"], name(content)} }

// mentions says whether a text in a value is the name of a probe.
func mentions(value any, probe string) bool {
	found := false
	eachText(value, nil, func(_ object.Path, text string) { found = found || text == probe })
	return found
}

// AccountChoice is the way of object.AccountChooser.
func (o *Object) AccountChoice() (object.AccountChoice, bool) {
	if len(o.accounts) == 0 || slices.ContainsFunc(o.accounts, func(d decision) bool { return d.by != o.accounts[0].by }) {
		return object.AccountChoice{}, false
	}
	a := o.accounts[0].by
	return object.AccountChoice{By: o.release.ID + ": " + a.at.String(), Name: a.named}, true
}

// LocateAccount is the way of object.AccountLocator.
func (o *Object) LocateAccount(field object.Path, manifest map[string]any, own bool) (edits []object.ValueEdit, made bool) {
	if len(field) == 0 {
		return nil, false
	}
	above := byIndex(field.Parent(), o.Content)
	i := slices.IndexFunc(o.accounts, func(n decision) bool { return above != nil && n.field.Equal(above.Join(field[len(field)-1])) })
	if i < 0 {
		return nil, false
	}
	a := o.accounts[i].by
	wanted := name(manifest)
	values := o.release.Chart.below()
	merge(values, o.release.Values())
	if a.flat || a.made == nil {
		at := a.at
		if !a.flat {
			at = at.Join(object.Key("name"))
			if created, _ := at.Parent().Join(object.Key("create")).Lookup(values); truth(created) {
				return nil, false
			}
		}
		edit, _, ok := o.set(at, wanted, own, -1)
		if !ok {
			return nil, false
		}
		return []object.ValueEdit{edit}, false
	}
	if a.more {
		return nil, false
	}
	return o.create(a, values, manifest, own)
}

// create asks the chart for the service account.
func (o *Object) create(a *account, values, manifest map[string]any, own bool) ([]object.ValueEdit, bool) {
	current := func(key string) any {
		value, _ := a.at.Join(object.Key(key)).Lookup(values)
		return value
	}
	if truth(current("create")) || !fits(a.made, manifest) {
		return nil, false
	}
	edit, base, ok := o.set(a.at.Join(object.Key("create")), true, own, -1)
	if !ok {
		return nil, false
	}
	edits := []object.ValueEdit{edit}
	add := func(value any, keys ...string) bool {
		edit, _, ok := o.set(a.at.Join(object.Keys(keys...)...), value, own, base)
		edits = append(edits, edit)
		return ok
	}
	wanted := name(manifest)
	if text, _ := current("name").(string); text != wanted && (text != "" || a.named != wanted) {
		ok = add(wanted, "name")
	}
	annotations, _ := object.Keys("metadata", "annotations").Lookup(manifest)
	m, _ := annotations.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		ok = ok && add(m[key], "annotations", key)
	}
	automount, has := manifest["automountServiceAccountToken"].(bool)
	if want := !has || automount; want != (a.made["automountServiceAccountToken"] != false) {
		key := "automount"
		if current(key) == nil {
			key = "automountServiceAccountToken"
		}
		ok = ok && current(key) != nil && add(want, key)
	}
	return edits, ok
}

// fits says whether the chart can make the manifest: it has annotations, and nothing else that the manifest lacks.
func fits(made, manifest map[string]any) bool {
	for key := range manifest {
		if key == "imagePullSecrets" || key == "secrets" {
			return false
		}
	}
	for key := range made {
		if key == "imagePullSecrets" || key == "secrets" {
			return false
		}
	}
	if labels, _ := object.Keys("metadata", "labels").Lookup(manifest); labels != nil {
		return false
	}
	if wanted, _ := object.Keys("metadata", "annotations").Lookup(manifest); wanted == nil {
		return true
	}
	annotations, _ := object.Keys("metadata", "annotations").Lookup(made)
	m, _ := annotations.(map[string]any)
	for key := range m {
		if strings.HasPrefix(key, annotationProbe) {
			return true
		}
	}
	return false
}

// truth is what a template's `if` makes of a value.
func truth(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	}
	return true
}

// set is where a value is to be set: where it has its value now, else beside what is set in the layer base, else in the last
// layer that has the map around it. own asks for a layer that no other release gets. The number of the layer is given too.
func (o *Object) set(value object.Path, to any, own bool, base int) (object.ValueEdit, int, bool) {
	layers := o.release.all()
	may := func(i int) bool { return !own || len(o.release.roots(layers[i].Name())) == 1 }
	edit := func(i int, p object.Place) (object.ValueEdit, int, bool) {
		p.Origin.Source, p.Roots = o.source, o.release.roots(layers[i].Name())
		if b, isBool := to.(bool); isBool && layers[i].writesText(value) {
			to = strconv.FormatBool(b)
		}
		return object.ValueEdit{Place: p, Value: to}, i, true
	}
	wins := -1 // later layers would win over it
	for i, l := range layers {
		if _, ok := l.place(value); ok {
			wins = i
		}
	}
	if wins >= max(base, 0) && may(wins) {
		p, _ := layers[wins].place(value)
		return edit(wins, p)
	}
	if base > wins && may(base) {
		if p, ok := layers[base].room(value); ok {
			return edit(base, p)
		}
	}
	for n := len(value) - 1; n >= 0; n-- {
		for i := len(layers) - 1; i > wins; i-- {
			if _, there := layers[i].place(value[:n]); !there && n > 0 || !may(i) {
				continue
			}
			if p, ok := layers[i].room(value); ok {
				return edit(i, p)
			}
		}
	}
	return object.ValueEdit{}, 0, false
}
