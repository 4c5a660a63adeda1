package gcptest

import (
	"encoding/json"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A document is a discovery document, as far as requests and answers are held to it.
// https://developers.google.com/discovery/v1/reference/apis
type document struct {
	Name       string                `json:"name"`
	Version    string                `json:"version"`
	Parameters map[string]*schema    `json:"parameters"`
	Schemas    map[string]*schema    `json:"schemas"`
	Methods    map[string]*method    `json:"methods"`
	Resources  map[string]*resources `json:"resources"`
}

type resources struct {
	Methods   map[string]*method    `json:"methods"`
	Resources map[string]*resources `json:"resources"`
}

// A method is one call of an API.
type method struct {
	ID         string             `json:"id"`
	HTTPMethod string             `json:"httpMethod"`
	Path       string             `json:"path"`
	FlatPath   string             `json:"flatPath"`
	Parameters map[string]*schema `json:"parameters"`
	Request    *schema            `json:"request"`
	Response   *schema            `json:"response"`

	name    string // ID with the API's version: iam.v1:projects.serviceAccounts.get
	doc     *document
	pattern *regexp.Regexp
	verb    bool
}

// A schema is the type of a parameter, a field or a body.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Format               string             `json:"format"`
	Enum                 []string           `json:"enum"`
	Items                *schema            `json:"items"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *schema            `json:"additionalProperties"`
	Location             string             `json:"location"`
	Required             bool               `json:"required"`
	Repeated             bool               `json:"repeated"`
	Pattern              string             `json:"pattern"`
}

// apis are the documents that the server knows, by the prefix of its paths.
var apis = []struct{ prefix, file string }{
	{"iam", "iam/v1/iam-api.json"},
	{"container", "container/v1/container-api.json"},
	{"cloudresourcemanager", "cloudresourcemanager/v1/cloudresourcemanager-api.json"},
	{"cloudresourcemanager", "cloudresourcemanager/v3/cloudresourcemanager-api.json"},
	{"policyanalyzer", "policyanalyzer/v1/policyanalyzer-api.json"},
	{"cloudasset", "cloudasset/v1/cloudasset-api.json"},
	{"serviceusage", "serviceusage/v1/serviceusage-api.json"},
	{"orgpolicy", "orgpolicy/v2/orgpolicy-api.json"},
	{"monitoring", "monitoring/v3/monitoring-api.json"},
	{"logging", "logging/v2/logging-api.json"},
}

// Prefixes are the names of the APIs, as the server's paths and gcloud's overrides spell them.
func Prefixes() []string {
	var names []string
	for _, api := range apis {
		names = append(names, api.prefix)
	}
	return slices.Compact(names)
}

// methods are every method of the documents, by prefix. Reading them costs a second, once.
var methods = sync.OnceValues(func() (map[string][]*method, error) {
	// FindOnly asks the go command for the folder of the module that go.mod names.
	pkg, err := build.Default.Import("google.golang.org/api/googleapi", sourceDir(), build.FindOnly)
	if err != nil {
		return nil, fmt.Errorf("finding google.golang.org/api: %w", err)
	}
	root := filepath.Dir(pkg.Dir)
	all := map[string][]*method{}
	for _, api := range apis {
		name := filepath.Join(root, filepath.FromSlash(api.file))
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		doc := new(document)
		if err := json.Unmarshal(data, doc); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		list, err := doc.list()
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		all[api.prefix] = append(all[api.prefix], list...)
	}
	for _, list := range all {
		// A path with a verb also fits the same path without one, whose last part may be anything.
		slices.SortStableFunc(list, func(a, b *method) int {
			switch {
			case a.verb == b.verb:
				return 0
			case a.verb:
				return -1
			}
			return 1
		})
	}
	return all, nil
})

func sourceDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

func (d *document) list() ([]*method, error) {
	var list []*method
	var walk func(methods map[string]*method, below map[string]*resources) error
	walk = func(methods map[string]*method, below map[string]*resources) error {
		for _, m := range methods {
			m.doc = d
			_, rest, _ := strings.Cut(m.ID, ".")
			m.name = d.Name + "." + d.Version + ":" + rest
			if err := m.compile(); err != nil {
				return err
			}
			list = append(list, m)
		}
		for _, r := range below {
			if err := walk(r.Methods, r.Resources); err != nil {
				return err
			}
		}
		return nil
	}
	err := walk(d.Methods, d.Resources)
	slices.SortFunc(list, func(a, b *method) int { return strings.Compare(a.name, b.name) })
	return list, err
}

var variable = regexp.MustCompile(`\{\+?([A-Za-z0-9_]+)\}`)

// compile turns v1/projects/{projectsId}/serviceAccounts/{serviceAccountsId}:disable into an expression for paths.
func (m *method) compile() error {
	template := m.FlatPath
	if template == "" {
		template = m.Path
	}
	var b strings.Builder
	at := 0
	for _, v := range variable.FindAllStringSubmatchIndex(template, -1) {
		name, what := template[v[2]:v[3]], "[^/]+"
		if v[1] == len(template) && !strings.HasPrefix(name, "project") {
			what = "[^/:]+" // only a project's id has a colon that starts no verb
		}
		b.WriteString(regexp.QuoteMeta(template[at:v[0]]) + "(?P<" + name + ">" + what + ")")
		at = v[1]
	}
	b.WriteString(regexp.QuoteMeta(template[at:]))
	m.verb = strings.Contains(template[strings.LastIndex(template, "/")+1:], ":")
	var err error
	m.pattern, err = regexp.Compile("^" + b.String() + "$")
	return err
}

// find is the method of a request, and the variables of its path.
func find(prefix, httpMethod, path string) (*method, map[string]string, error) {
	all, err := methods()
	if err != nil {
		return nil, nil, err
	}
	for _, m := range all[prefix] {
		found := m.pattern.FindStringSubmatch(path)
		if m.HTTPMethod != httpMethod || found == nil {
			continue
		}
		vars := map[string]string{}
		for i, name := range m.pattern.SubexpNames() {
			if name != "" {
				vars[name] = found[i]
			}
		}
		return m, vars, m.checkPath(path)
	}
	return nil, nil, fmt.Errorf("no method of %s answers to %s %s", prefix, httpMethod, path)
}

// checkPath holds the variables of the path to their patterns: {+name} spans several parts.
func (m *method) checkPath(path string) error {
	var b strings.Builder
	var names []string
	at := 0
	for _, v := range variable.FindAllStringSubmatchIndex(m.Path, -1) {
		b.WriteString(regexp.QuoteMeta(m.Path[at:v[0]]))
		if m.Path[v[0]+1] == '+' {
			b.WriteString("(.+)")
		} else {
			b.WriteString("([^/]+)")
		}
		names = append(names, m.Path[v[2]:v[3]])
		at = v[1]
	}
	b.WriteString(regexp.QuoteMeta(m.Path[at:]))
	found := regexp.MustCompile("^" + b.String() + "$").FindStringSubmatch(path)
	if found == nil {
		return fmt.Errorf("%s: the path %s is not %s", m.name, path, m.Path)
	}
	for i, name := range names {
		p := m.Parameters[name]
		if p == nil || p.Pattern == "" {
			continue
		}
		if ok, err := regexp.MatchString(p.Pattern, found[i+1]); err != nil || !ok {
			return fmt.Errorf("%s: %s is %q, which is not %s", m.name, name, found[i+1], p.Pattern)
		}
	}
	return nil
}
