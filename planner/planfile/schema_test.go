package planfile_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"dekey/planner"
	"dekey/planner/lint"
	"dekey/planner/planfile"
	"dekey/rewriter"
	"dekey/rewriter/precondition"
	"dekey/scanner"
	"dekey/scanner/object"
)

var update = flag.Bool("update", false, "write the schemas that are made from the Go types")

// enums are the fields that take one of a list, by type and JSON name.
var enums = map[string][]any{
	"Source.kind":           {"repository", "cluster", "stdin"},
	"Key.type":              {scanner.TypeServiceAccount, scanner.TypeAuthorizedUser},
	"Finding.containerType": {"container", "initContainer", "ephemeralContainer", ""},
	"KeyFact.verdict": {
		scanner.VerdictLive, scanner.VerdictDisabled, scanner.VerdictExpired, scanner.VerdictDeletedKey, scanner.VerdictDeletedAccount,
		scanner.VerdictForeign, scanner.VerdictNoPermission, scanner.VerdictOffline, scanner.VerdictMalformed,
	},
	"KeyFact.use":        {scanner.Used, scanner.NotUsed, scanner.UseUnknown},
	"Violation.severity": {lint.Error, lint.Warning, lint.Note},
	"Suppressed.by":      {"comment", "policy", "baseline"},
	"Move.model":         {planner.Impersonation, planner.Direct},
	"Edit.op":            {planner.OpRemove, planner.OpSet, planner.OpAppend, planner.OpCreate},
	"FieldEdit.op":       {planner.OpRemove, planner.OpSet, planner.OpAppend},
	"Step.phase":         {rewriter.PhaseGrant, rewriter.PhaseMerge, rewriter.PhaseVerify, rewriter.PhaseDisable, rewriter.PhaseDelete},
}

// typeEnums are the types of which every value is known.
var typeEnums = map[reflect.Type][]any{
	reflect.TypeFor[object.Via](): {object.EnvFile, object.EnvValue, object.EnvFrom, object.ArgFile, object.Mount, object.Reference, object.ImagePull, object.Inline},
	reflect.TypeFor[object.Tri](): {object.Yes, object.No, object.Unknown, ""},
}

// codes are fields that hold a word in kebab-case.
var codes = []string{"Notice.code", "Hold.code", "Blocker.code", "Prerequisite.code", "Obstacle.code"}

var documents = []struct {
	kind string
	of   any
	own  string // the folder of types that no other document has
}{
	{"Inventory", scanner.Inventory{}, ""},
	{"Plan", planner.Plan{}, ""},
	{"Changeset", rewriter.Changeset{}, ""},
	{"Lint", lint.Document{}, "../lint"},
	{"Baseline", lint.Baseline{}, "../lint"},
	{"Check", precondition.Result{}, "../../rewriter/precondition"},
}

// A generator makes a schema from Go types, with their comments.
type generator struct {
	defs     map[string]any
	comments map[string]string
}

func (g *generator) document(kind string, t reflect.Type) map[string]any {
	root := g.object(t)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://dekey.dev/schema/v1/" + strings.ToLower(kind) + ".json"
	root["title"] = kind
	properties := root["properties"].(map[string]any)
	properties["apiVersion"] = map[string]any{"const": scanner.APIVersion}
	properties["kind"] = map[string]any{"const": kind}
	root["$defs"] = g.defs
	return root
}

func (g *generator) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			inner := g.object(f.Type)
			maps.Copy(properties, inner["properties"].(map[string]any))
			required = append(required, inner["required"].([]string)...)
			continue
		}
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		s := g.schema(f.Type)
		if values := enums[t.Name()+"."+name]; values != nil {
			s = map[string]any{"enum": values}
		}
		if slices.Contains(codes, t.Name()+"."+name) {
			s = map[string]any{"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}
		}
		if comment := g.comments[t.Name()+"."+f.Name]; comment != "" {
			s["description"] = comment
		}
		properties[name] = s
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "required": required}
	if comment := g.comments[t.Name()]; comment != "" {
		s["description"] = comment
	}
	return s
}

func (g *generator) schema(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "integer"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return map[string]any{"type": "string"}
	case typeEnums[t] != nil:
		return map[string]any{"enum": typeEnums[t]}
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": g.schema(t.Elem())}
	case reflect.Map:
		// encoding/json writes a nil map as null; readers take both.
		return map[string]any{"type": []any{"object", "null"}, "additionalProperties": g.schema(t.Elem())}
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{g.schema(t.Elem()), map[string]any{"type": "null"}}}
	case reflect.Struct:
		name := t.Name()
		if g.defs[name] == nil {
			g.defs[name] = true // a type that holds itself ends here
			g.defs[name] = g.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	}
	panic("no schema for " + t.String())
}

// comments reads the doc comments of types and fields.
func comments(t *testing.T, own string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, dir := range []string{"../../scanner", "../../scanner/object", "../../scanner/wiring", "..", "../../rewriter", own} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				decl, ok := n.(*ast.GenDecl)
				if !ok {
					return true
				}
				for _, spec := range decl.Specs {
					typed, ok := spec.(*ast.TypeSpec)
					if !ok {
						continue
					}
					structure, ok := typed.Type.(*ast.StructType)
					if !ok {
						continue
					}
					found[typed.Name.Name] = line(decl.Doc)
					for _, field := range structure.Fields.List {
						for _, name := range field.Names {
							found[typed.Name.Name+"."+name.Name] = line(field.Doc) + line(field.Comment)
						}
					}
				}
				return true
			})
		}
	}
	return found
}

func line(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// The schemas in the tree are those of the Go types. Run with -update after a type has changed.
func TestSchemasAreCurrent(t *testing.T) {
	for _, d := range documents {
		g := &generator{defs: map[string]any{}, comments: comments(t, d.own)}
		want, err := planfile.Marshal(g.document(d.kind, reflect.TypeOf(d.of)))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("schema", strings.ToLower(d.kind)+".json")
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := planfile.Schema(d.kind)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not current; go test ./planner/planfile -update (-want +got):\n%.2000s", file, diff)
		}
	}
}

func compile(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	data, err := planfile.Schema(kind)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(kind+".json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(kind + ".json")
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

// sample is a document of the type with every list, pointer and interface filled, so that no part of the schema is left out.
func sample(t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	switch {
	case depth > 12:
		return v
	case t == reflect.TypeFor[time.Time]():
		return reflect.ValueOf(time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC))
	case t == reflect.TypeFor[scanner.Path]():
		return reflect.ValueOf(object.Keys("spec"))
	case typeEnums[t] != nil:
		return reflect.ValueOf(typeEnums[t][0]).Convert(t)
	}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				continue
			}
			v.Field(i).Set(sample(f.Type, depth+1))
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if values := enums[t.Name()+"."+name]; values != nil {
				v.Field(i).Set(reflect.ValueOf(values[0]).Convert(f.Type))
			}
		}
	case reflect.Slice:
		v = reflect.Append(v, sample(t.Elem(), depth+1))
	case reflect.Map:
		v = reflect.MakeMap(t)
		v.SetMapIndex(reflect.ValueOf("a").Convert(t.Key()), sample(t.Elem(), depth+1))
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		v.Elem().Set(sample(t.Elem(), depth+1))
	case reflect.Interface:
		v.Set(reflect.ValueOf("x"))
	case reflect.String:
		v.SetString("word")
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(true)
	}
	return v
}

// Every document that can be written fits its schema, and one in which any required field is missing, or any value has
// another type, does not.
func TestSchemasAcceptAndReject(t *testing.T) {
	for _, d := range documents {
		s := compile(t, d.kind)
		v := sample(reflect.TypeOf(d.of), 0)
		v.FieldByName("APIVersion").SetString(scanner.APIVersion)
		v.FieldByName("Kind").SetString(d.kind)
		data, err := planfile.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, data); err != nil {
			t.Errorf("%s: %v", d.kind, err)
		}
		var whole map[string]any
		if err := json.Unmarshal(data, &whole); err != nil {
			t.Fatal(err)
		}
		added, _ := planfile.Marshal(withField(whole, "newer", "x"))
		if err := validate(t, s, added); err != nil {
			t.Errorf("%s: a field that a newer dekey wrote is refused: %v", d.kind, err)
		}
		breakEach(whole, func(at string) {
			broken, err := planfile.Marshal(whole)
			if err != nil {
				t.Fatal(err)
			}
			if validate(t, s, broken) == nil {
				t.Errorf("%s: %s broken and accepted", d.kind, at)
			}
		})
	}
}

func withField(m map[string]any, key string, value any) map[string]any {
	out := map[string]any{key: value}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// breakEach gives every scalar of a decoded document another type, one at a time. Values of any type are passed over.
func breakEach(root any, broken func(at string)) {
	var walk func(v any, at string)
	walk = func(v any, at string) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if key == "value" || key == "Value" {
					continue
				}
				switch value.(type) {
				case map[string]any, []any:
					walk(value, at+"."+key)
				default:
					v[key] = []any{map[string]any{"no": "such"}}
					broken(at + "." + key)
					v[key] = value
				}
			}
		case []any:
			for _, item := range v {
				walk(item, at+"[]")
			}
		}
	}
	walk(root, "")
}

// The policy's schema accepts what ReadPolicy accepts and refuses what it refuses, as far as a schema can say.
func TestPolicySchema(t *testing.T) {
	s := compile(t, "policy")
	for _, test := range []struct {
		name, data string
		ok         bool
	}{
		{"nothing", "{}", true},
		{"everything", planfile.WholePolicy, true},
		{"a setting that does not exist", "pools: x", false},
		{"no pool", "pool: acme", false},
		{"no model", "model: both", false},
		{"no e-mail", "accounts: {a/b: me@example.com}", false},
		{"an answer that does not exist", "workloads: [{workload: a/Job/b, answers: {program-reads-key: maybe}}]", false},
		{"a code that takes no answer", "workloads: [{workload: a/Job/b, answers: {several-accounts: a}}]", false},
		{"an exclusion without an end", "exclude: [{path: a, reason: b}]", false},
		{"an exclusion by labels", "exclude: [{workload: a/*/*, code: admission-policy, labels: {team: data}, reason: b, expires: '2027-01-01'}]", true},
		{"labels that plan would ignore", "exclude: [{workload: a/*/*, labels: {team: data}, reason: b, expires: '2027-01-01'}]", false},
		{"a project that makes keys", "exclude: [{project: acme, code: organisation-policy, reason: b, expires: '2027-01-01'}]", true},
		{"a project without its code", "exclude: [{project: acme, reason: b, expires: '2027-01-01'}]", false},
		{"a project and a workload", "exclude: [{project: acme, workload: a/b/c, code: organisation-policy, reason: b, expires: '2027-01-01'}]", false},
		{"a project that is none", "exclude: [{project: -x, code: organisation-policy, reason: b, expires: '2027-01-01'}]", false},
		{"an exclusion of nothing", "exclude: [{reason: b, expires: '2027-01-01'}]", false},
		{"a workload without a name", "workloads: [{wave: a}]", false},
		{"a soak in words", "soak: {disable: long}", false},
	} {
		var value any
		if err := yaml.Unmarshal([]byte(test.data), &value); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(plainDates(value))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, data); (err == nil) != test.ok {
			t.Errorf("%s: schema says %v", test.name, err)
		}
		if _, err := planfile.ReadPolicy("p.yaml", []byte(test.data)); (err == nil) != test.ok {
			t.Errorf("%s: ReadPolicy says %v", test.name, err)
		}
	}
	for code, values := range planner.Answers {
		for value := range values {
			data, _ := json.Marshal(map[string]any{"workloads": []any{map[string]any{"workload": "a/Job/b", "answers": map[string]any{code: value}}}})
			if err := validate(t, s, data); err != nil {
				t.Errorf("answer %s: %s: %v", code, value, err)
			}
		}
	}
}

// plainDates turns YAML's timestamps back into the days that were written.
func plainDates(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = plainDates(value)
		}
	case []any:
		for i := range v {
			v[i] = plainDates(v[i])
		}
	case time.Time:
		return v.Format(time.DateOnly)
	}
	return v
}
