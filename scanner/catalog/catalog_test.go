package catalog

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner/object"
)

// Every rule of every entry can be used: patterns and locations parse, and nothing is left to guess.
func TestEntries(t *testing.T) {
	all, err := load()
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	for _, entry := range all {
		t.Run(entry.ID, func(t *testing.T) {
			if !word.MatchString(entry.ID) || entry.Product == "" {
				t.Errorf("id %q, product %q", entry.ID, entry.Product)
			}
			if len(entry.Sources) == 0 {
				t.Error("no source")
			}
			for _, source := range entry.Sources {
				if !strings.HasPrefix(source, "https://") {
					t.Errorf("source %q is no public address", source)
				}
			}
			if len(entry.Cases) == 0 {
				t.Error("no case")
			}
			for _, rule := range entry.References {
				checkReference(t, rule)
			}
			for _, rule := range entry.Makes {
				checkSelectors(t, rule.Match)
				checkConditions(t, rule.When)
				if rule.Kind == "" || rule.Name.Field == "" && rule.Name.Default == "" {
					t.Errorf("maker %+v has no kind or no name", rule)
				}
			}
			for _, c := range entry.Charts {
				checkChartEntry(t, c)
			}
			for _, rule := range entry.Flags {
				checkProgram(t, rule.program, rule.Value, rule.Removable, rule.Hold)
				for _, name := range rule.Names {
					if !strings.HasPrefix(name, "-") {
						t.Errorf("flag %q has no dash", name)
					}
				}
			}
			for _, rule := range entry.Variables {
				switch rule.Kind {
				case "program":
					checkProgram(t, rule.program, rule.Value, rule.Removable, rule.Hold)
				case "standard", "key":
				default:
					t.Errorf("variables %v: kind %q", rule.Names, rule.Kind)
				}
			}
		})
	}
}

func checkReference(t *testing.T, rule referenceRule) {
	t.Helper()
	checkSelectors(t, rule.Match)
	checkConditions(t, rule.When)
	if len(rule.At) == 0 {
		t.Error("a reference without a field")
	}
	ways := 0
	for _, used := range []bool{rule.Name != "", rule.Text != "", rule.Self} {
		if used {
			ways++
		}
	}
	if ways != 1 {
		t.Errorf("at %v: exactly one of name, text and self", rule.At)
	}
	if rule.text != nil && !slices.Contains(rule.text.SubexpNames(), "name") {
		t.Errorf("text %q has no group name", rule.Text)
	}
	if (len(rule.Recipe) == 0) == (rule.Hold == nil) {
		t.Errorf("at %v: exactly one of recipe and hold", rule.At)
	}
	if rule.Text != "" && len(rule.Words) == 0 {
		t.Errorf("text %q has no words to look for first", rule.Text)
	}
	if rule.Text != "" && rule.Hold == nil {
		t.Errorf("at %v: no edit is possible inside a text", rule.At)
	}
	checkHold(t, rule.Hold)
	for _, e := range rule.Recipe {
		if e.Op != "remove" && e.Op != "set" || e.Op == "set" && e.Value == nil {
			t.Errorf("edit %+v", e)
		}
		checkLocation(t, e.Field)
		checkConditions(t, e.When)
	}
	for _, l := range []location{rule.Name, rule.Entry.Field, rule.Namespace.Field} {
		if l != "" {
			checkLocation(t, l)
		}
	}
	if rule.Variable != (rule.Target != nil) {
		t.Errorf("at %v: a variable and its target go together", rule.At)
	}
}

func checkChartEntry(t *testing.T, c ChartEntry) {
	t.Helper()
	if len(c.Names) == 0 {
		t.Error("a chart without a name")
	}
	for _, rule := range c.Secrets {
		if !slices.Contains([]string{HoldsName, HoldsKey, HoldsConfig}, rule.Holds) {
			t.Errorf("value %s holds %q", rule.Value, rule.Holds)
		}
		if (len(rule.Recipe) == 0) == (rule.Hold == nil) {
			t.Errorf("value %s: exactly one of recipe and hold", rule.Value)
		}
		checkHold(t, rule.Hold)
		checkConditions(t, rule.When)
		for _, e := range rule.Recipe {
			checkLocation(t, e.Field)
		}
		if rule.EntryAt != "" {
			checkLocation(t, rule.EntryAt)
		}
	}
	for _, p := range slices.Concat(c.Extra.Env, c.Extra.EnvMap, c.Extra.EnvFrom, c.Extra.Volumes, c.Extra.Mounts, c.Extra.Args, c.Extra.SecretMounts,
		[]string{c.ServiceAccount.Create, c.ServiceAccount.Name, c.ServiceAccount.Annotations}) {
		if _, err := parsePattern(p); err != nil {
			t.Error(err)
		}
	}
}

func checkHold(t *testing.T, hold *object.Obstacle) {
	t.Helper()
	if hold != nil && (hold.Code == "" || hold.What == "") {
		t.Errorf("hold %+v", hold)
	}
}

func checkSelectors(t *testing.T, selectors []selector) {
	t.Helper()
	if len(selectors) == 0 {
		t.Error("a rule about everything")
	}
	for _, s := range selectors {
		if s.Group == "" {
			t.Errorf("selector %+v has no group", s)
		}
		for _, g := range append([]string{s.Group}, s.Names...) {
			if _, err := path.Match(g, ""); err != nil {
				t.Errorf("glob %q: %v", g, err)
			}
		}
	}
}

func checkConditions(t *testing.T, conditions []condition) {
	t.Helper()
	for _, c := range conditions {
		checkLocation(t, c.Field)
		ways := 0
		for _, used := range []bool{len(c.In) > 0, c.Absent, c.Exists, c.Items > 0, c.Prefix != ""} {
			if used {
				ways++
			}
		}
		if ways != 1 {
			t.Errorf("condition on %q: exactly one of in, absent, exists, items, prefix", c.Field)
		}
	}
}

func checkLocation(t *testing.T, l location) {
	t.Helper()
	deep := make(object.Path, 10)
	for i := range deep {
		deep[i] = object.Key("x")
	}
	if _, ok := l.resolve(deep); !ok {
		t.Errorf("location %q", l)
	}
}

func checkProgram(t *testing.T, p program, value string, removable bool, hold *object.Obstacle) {
	t.Helper()
	if value != ValuePath && value != ValueJSON {
		t.Errorf("value %q", value)
	}
	if removable && len(p.Images)+len(p.Commands) == 0 {
		t.Error("removable from any program")
	}
	if removable && hold != nil {
		t.Error("removable and held")
	}
	checkHold(t, hold)
	for _, g := range slices.Concat(p.Images, p.Versions) {
		if _, err := path.Match(g, ""); err != nil {
			t.Errorf("glob %q: %v", g, err)
		}
	}
}

// Every entry answers for itself.
func TestCases(t *testing.T) {
	for _, entry := range Entries() {
		for _, c := range entry.Cases {
			t.Run(entry.ID+"/"+c.Name, func(t *testing.T) {
				switch {
				case c.Object != nil:
					checkObject(t, c)
					return
				case c.Chart != "":
					checkChart(t, c)
					return
				}
				if got := answer(c); got != c.Is {
					t.Errorf("image %q command %q flag %q env %q: got %s, want %s", c.Image, c.Command, c.Flag, c.Env, got, c.Is)
				}
			})
		}
	}
}

func answer(c entryCase) string {
	if c.Flag != "" {
		flag, ok := LookupFlag(c.Image, c.Command, c.Flag)
		return state(ok, flag.Removable, flag.Hold)
	}
	if c.Env == "" {
		return Signs(c.Image, c.Command)
	}
	if variable, ok := LookupEnv(c.Image, c.Command, c.Env); ok {
		return state(ok, variable.Removable, variable.Hold)
	}
	switch {
	case StandardEnv(c.Env):
		return "standard"
	case KeyEnv(c.Env):
		return "key"
	}
	return "none"
}

func state(known, removable bool, hold *object.Obstacle) string {
	switch {
	case !known:
		return "none"
	case removable && hold == nil:
		return "removable"
	case !removable && hold != nil:
		return "held"
	}
	return "contradicts itself"
}

func checkObject(t *testing.T, c entryCase) {
	t.Helper()
	o := decoded(c.Object)
	var got []wantReference
	for _, r := range References(o) {
		got = append(got, describe(r))
		if r.Env == "" {
			if name, ok := r.Field.Lookup(o.Content); !ok || !r.Embedded && r.Secret.Name != o.Ref.Name && name != r.Secret.Name {
				t.Errorf("field %s holds %v, not %q", r.Field, name, r.Secret.Name)
			}
		}
		if (len(r.Recipe) == 0) == (r.Hold == nil) {
			t.Errorf("field %s: exactly one of recipe and hold, got %+v", r.Field, r)
		}
	}
	if diff := cmp.Diff(c.Want, got); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	var made []wantMade
	for _, m := range Provenance(o) {
		made = append(made, wantMade{Kind: m.Kind, Secret: m.Secret.Namespace + "/" + m.Secret.Name, Field: m.Field.String(), Recreates: m.Recreates})
	}
	if diff := cmp.Diff(c.Made, made); diff != "" {
		t.Errorf("provenance (-want +got):\n%s", diff)
	}
}

func decoded(content map[string]any) *object.Object {
	o := &object.Object{Content: content}
	o.Ref.APIVersion = text(content["apiVersion"])
	o.Ref.Kind = text(content["kind"])
	o.Ref.Namespace = text(lookup(content, "metadata", "namespace"))
	o.Ref.Name = text(lookup(content, "metadata", "name"))
	return o
}

func describe(r Reference) wantReference {
	w := wantReference{Field: r.Field.String(), Env: r.Env, Sure: r.Sure}
	if r.Secret.Name != "" {
		w.Secret = r.Secret.Namespace + "/" + r.Secret.Name + "/" + r.Secret.Entry
	}
	if r.Target != nil {
		w.Target = r.Target.String()
	}
	w.Recipe = recipe(r.Recipe)
	if r.Identity != nil {
		w.Identity = r.Identity.Namespace + "/" + r.Identity.Name
	}
	if r.Hold != nil {
		w.Hold = r.Hold.Code
	}
	return w
}

func recipe(edits []object.FieldEdit) []string {
	var lines []string
	for _, e := range edits {
		line := e.Op + " " + e.Field.String()
		if e.Op == "set" {
			value, err := json.Marshal(e.Value)
			if err != nil {
				line += fmt.Sprint("=", err)
			}
			line += "=" + string(value)
		}
		lines = append(lines, line)
	}
	return lines
}

func checkChart(t *testing.T, c entryCase) {
	t.Helper()
	chart, ok := ChartValues(c.Chart)
	if !ok {
		t.Fatalf("chart %s is not known", c.Chart)
	}
	var got []wantUse
	for _, u := range chart.Uses(c.Values) {
		w := wantUse{Value: u.Value.String(), Secret: u.Holds, Sure: u.Sure, Recipe: recipe(u.Recipe)}
		if u.Holds == HoldsName {
			w.Secret = u.Secret + "/" + u.SecretEntry
		}
		if u.Hold != nil {
			w.Hold = u.Hold.Code
		}
		if (len(u.Recipe) == 0) == (u.Hold == nil) {
			t.Errorf("value %s: exactly one of recipe and hold, got %+v", u.Value, u)
		}
		got = append(got, w)
	}
	if diff := cmp.Diff(c.Uses, got); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

// What an object costs that is no use of a key: nearly all that a scan looks at.
func BenchmarkReferences(b *testing.B) {
	dashboard := strings.Repeat("{\"panel\": \"requests\", \"unit\": \"seconds\", \"secret:\": 1},\n", 20000)
	objects := map[string]*object.Object{
		"ConfigMap":  decoded(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "dashboards"}, "data": map[string]any{"a.json": dashboard}}),
		"Deployment": decoded(map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "api"}, "spec": map[string]any{"template": map[string]any{}}}),
		"Workflow":   decoded(map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": map[string]any{"templates": []any{map[string]any{"name": "m", "container": map[string]any{"image": "i"}}}}}),
	}
	for _, kind := range sortedNames(objects) {
		o := objects[kind]
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				References(o)
				Provenance(o)
			}
		})
	}
}

func sortedNames(objects map[string]*object.Object) []string {
	names := make([]string, 0, len(objects))
	for name := range objects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
