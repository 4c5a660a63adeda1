package wiring_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"dekey/scanner/object"
	"dekey/scanner/wiring"
)

// contents is what a test knows: "Secret/NAME" or "ConfigMap/NAME" to entries. An entry is "key" (a key, its id is the
// entry's name), "no", "unknown", or a ConfigMap's text.
type contents map[string]map[string]string

func (c contents) Contents(kind, name string) wiring.Contents {
	entries, ok := c[kind+"/"+name]
	if !ok {
		return wiring.Contents{}
	}
	out := wiring.Contents{Complete: true}
	for entry, value := range entries {
		e := wiring.Entry{Name: entry, Holds: object.No}
		switch value {
		case "key":
			e.Holds, e.Keys = object.Yes, []string{"id-of-" + entry}
		case "unknown":
			e.Holds = object.Unknown
			out.Complete = false
		default:
			if kind == "ConfigMap" {
				e.Value, e.Known, e.Facts = value, true, wiring.ReadText(value)
			}
		}
		out.Entries = append(out.Entries, e)
	}
	slices.SortFunc(out.Entries, func(a, b wiring.Entry) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func decode(t testing.TB, text string) *object.Object {
	t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatalf("decoding the test's manifest: %v", err)
	}
	o := &object.Object{Content: content}
	o.Ref.APIVersion, _ = content["apiVersion"].(string)
	o.Ref.Kind, _ = content["kind"].(string)
	return o
}

// spell writes a use on one line.
func spell(u wiring.Use) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", u.Container, u.Via, u.Named())
	if u.Path != "" {
		fmt.Fprintf(&b, " %s", u.Path)
	}
	if u.Secret.Name != "" {
		fmt.Fprintf(&b, " = %s/%s/%s", u.Secret.Kind, u.Secret.Name, u.Secret.Entry)
	}
	if u.Key != "" {
		b.WriteString(" known")
	}
	if u.Standard {
		b.WriteString(" standard")
	}
	if u.Optional {
		b.WriteString(" optional")
	}
	if u.Embedded {
		b.WriteString(" embedded")
	}
	if u.Elsewhere != nil {
		fmt.Fprintf(&b, " by %s/%s/%s", u.Elsewhere.Kind, u.Elsewhere.Name, u.Elsewhere.Entry)
	}
	var at []string
	for _, p := range u.At {
		at = append(at, p[max(0, len(p)-2):].String())
	}
	if len(at) > 0 {
		fmt.Fprintf(&b, " at %s", strings.Join(at, ","))
	}
	if len(u.Recipe) > 0 {
		b.WriteString(" removable")
	}
	var codes []string
	for _, h := range u.Hold {
		codes = append(codes, h.Code)
	}
	slices.Sort(codes)
	if codes = slices.Compact(codes); len(codes) > 0 {
		fmt.Fprintf(&b, " hold %s", strings.Join(codes, ","))
	}
	return b.String()
}

func uses(t testing.TB, o *object.Object, k wiring.Knowledge) []string {
	t.Helper()
	var got []string
	pods := wiring.NewExtractor().Extract(o)
	for i := range pods {
		_, found := wiring.Resolve(&pods[i], k)
		for _, u := range found {
			got = append(got, spell(u))
		}
	}
	return got
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(got)
	want = slices.Clone(want)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestPodSpecs(t *testing.T) {
	for _, test := range podTests {
		t.Run(test.name, func(t *testing.T) {
			text := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  " + strings.ReplaceAll(strings.TrimSpace(test.spec), "\n", "\n  ") + "\n"
			compare(t, uses(t, decode(t, text), test.known), test.want)
		})
	}
}

func TestArguments(t *testing.T) {
	for _, test := range argumentTests {
		t.Run(test.name, func(t *testing.T) {
			text := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes: [{name: creds, secret: {secretName: sa}}, {name: scripts, configMap: {name: scripts}}]\n" +
				"  containers:\n  - name: app\n    volumeMounts: [{name: creds, mountPath: /creds}, {name: scripts, mountPath: /scripts}]\n    " +
				strings.ReplaceAll(strings.TrimSpace(test.spec), "\n", "\n    ") + "\n"
			known := contents{"Secret/sa": {"key.json": "key", "other.json": "no"}}
			for name, entries := range test.known {
				known[name] = entries
			}
			compare(t, uses(t, decode(t, text), known), test.want)
		})
	}
}
