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
	pods := wiring.Extract(o)
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

var podTests = []struct {
	name  string
	spec  string
	known contents
	want  []string
}{
	{
		name: "the variable, the mount and the volume belong together",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /var/secrets/google/key.json}]
  volumeMounts: [{name: creds, mountPath: /var/secrets/google/}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{"app env-file GOOGLE_APPLICATION_CREDENTIALS /var/secrets/google/key.json = Secret/sa/key.json standard at env[name=GOOGLE_APPLICATION_CREDENTIALS]"},
	},
	{
		name: "content known to be no key wins over the variable's name",
		spec: `
containers:
- name: app
  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /creds/config.json}]
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"config.json": "no"}},
	},
	{
		name: "the longest mount wins, whatever fills it",
		spec: `
containers:
- name: app
  env: [{name: KEY, value: /etc/app/google/key.json}, {name: OTHER, value: /etc/app/key.json}]
  volumeMounts: [{name: creds, mountPath: /etc/app}, {name: scratch, mountPath: /etc/app/google}]
volumes: [{name: creds, secret: {secretName: sa}}, {name: scratch, emptyDir: {}}]`,
		known: contents{"Secret/sa": {"key.json": "key"}},
		want:  []string{"app env-file OTHER /etc/app/key.json = Secret/sa/key.json known at env[name=OTHER] hold program-reads-key"},
	},
	{
		name: "a mount that nothing names is a use of its own",
		spec: `
containers:
- name: app
  volumeMounts: [{name: creds, mountPath: /creds}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		known: contents{"Secret/sa": {"a.json": "key", "b.json": "key", "password": "no"}},
		want: []string{
			"app mount  /creds/a.json = Secret/sa/a.json known hold program-reads-key",
			"app mount  /creds/b.json = Secret/sa/b.json known hold program-reads-key",
		},
	},
	{
		name: "a proxy's flag",
		spec: `
containers:
- name: proxy
  image: gcr.io/cloudsql-docker/gce-proxy:1.16
  command: [/cloud_sql_proxy, -instances=p:r:i=tcp:3306, -credential_file=/secrets/cloudsql/credentials.json]
  volumeMounts: [{name: creds, mountPath: /secrets/cloudsql}]
volumes: [{name: creds, secret: {secretName: sa}}]`,
		want: []string{"proxy arg-file -credential_file /secrets/cloudsql/credentials.json = Secret/sa/credentials.json at command[2] removable"},
	},
}
