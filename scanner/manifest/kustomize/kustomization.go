// Package kustomize knows which files a kustomization is made of, and where the fields of what it renders are written.
//
// It renders nothing: it prepares the files for a rendering, which is the library's work, and reads the result. Every
// document that takes part is marked with an annotation of its own, and a rendered object carries the marks of all
// documents that made it: base, patches and generators. Nothing is fetched; what a kustomization names and the
// checkout does not have is left out and said.
package kustomize

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// IsFile says whether a file's name makes it a kustomization.
func IsFile(name string) bool { return slices.Contains(fileNames, path.Base(name)) }

var fileNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// Files are the files of a checkout.
type Files interface {
	ReadFile(name string) ([]byte, error)
	// Kind says what stands at a path.
	Kind(name string) Kind
}

// A Kind is what stands at a path of a checkout.
type Kind int

// The kinds.
const (
	Nothing Kind = iota
	RegularFile
	Folder
)

// A Role is what a kustomization uses a file or folder for.
type Role int

// The roles.
const (
	Resource  Role = iota // a file of objects
	Base                  // a folder with a kustomization of its own
	Component             // one that is applied to what was read before
	Strategic             // a file of strategic-merge patches, or of JSON patches: the content tells
	Source                // the content of a generated Secret or ConfigMap
	Setting               // configuration of the rendering itself
)

// A Use is one entry of a kustomization that names a file or folder, or holds a patch.
type Use struct {
	Role  Role
	Path  string      // from the checkout's root; "" for what is written inline, and for a Problem
	Field object.Path // of the entry in the kustomization
	Text  object.Path // of the inline patch
	Entry string      // as it is written
	// Problem says why the entry is left out: it is remote, is missing, leaves the root, runs something.
	Problem string
}

// A Kustomization is one kustomization file.
type Kustomization struct {
	Dir       string // from the checkout's root
	File      string
	IsPatcher bool // a Component: never rendered alone
	Namespace string
	// Plain says that it does nothing but list resources: what it renders is what its files say.
	Plain bool
	Uses  []Use

	levels int
	node   *document.Node // see parsed
	value  map[string]any
	text   []byte
}

// plainLine is a line of the kustomizations that most are: a list of resources, and nothing that needs a parser.
var plainLine = regexp.MustCompile(`^(?:apiVersion: kustomize\.config\.k8s\.io/v1(?:beta1)?|kind: Kustomization|resources:|\s*- ([A-Za-z0-9_./-]*[A-Za-z_/-][A-Za-z0-9_./-]*)|\s*#.*|---)?\r?$`)

// plainEntries are the resources of such a kustomization.
func plainEntries(text []byte) (entries []string, ok bool) {
	resources := false
	indent := -1
	for line := range bytes.Lines(text) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		m := plainLine.FindSubmatch(line)
		if m == nil {
			return nil, false
		}
		switch {
		case bytes.HasPrefix(line, []byte("resources:")):
			if resources {
				return nil, false
			}
			resources = true
		case m[1] != nil:
			at := bytes.IndexByte(line, '-')
			if !resources || indent >= 0 && at != indent {
				return nil, false
			}
			indent = at
			entries = append(entries, string(m[1]))
		case indent >= 0 && len(line) > 0 && (line[0] == 'a' || line[0] == 'k'):
			resources = false // no more items may follow
			if bytes.HasPrefix(line, []byte("---")) {
				return nil, false
			}
		case bytes.HasPrefix(line, []byte("---")) && (resources || len(entries) > 0):
			return nil, false
		}
	}
	return entries, len(entries) > 0
}

// parsed is the kustomization as YAML. What is plain was read without a parser, and is parsed when more is asked.
func (k *Kustomization) parsed() (*document.Node, map[string]any) {
	if k.node == nil {
		documents, _ := document.Split(k.text, 2)
		k.node, k.value = &document.Node{}, map[string]any{}
		if len(documents) > 0 {
			if node, problem := document.Parse(documents[0], k.levels); problem == nil {
				k.node = node
				value, _ := node.Value()
				k.value, _ = value.(map[string]any)
			}
		}
	}
	return k.node, k.value
}

// plainFields are the fields of a kustomization that change nothing.
var plainFields = map[string]bool{"apiVersion": true, "kind": true, "metadata": true, "resources": true, "bases": true, "sortOptions": true}

// knownFields are those that Kustomize v5 reads.
var listFields = []string{"resources", "bases", "components"}

// Parse reads a kustomization file.
func Parse(files Files, file string, levels int) (*Kustomization, *document.Error) {
	text, err := files.ReadFile(file)
	if err != nil {
		return nil, &document.Error{Why: "can not be read"}
	}
	if entries, ok := plainEntries(text); ok {
		k := &Kustomization{Dir: path.Dir(file), File: file, Plain: true, text: text, levels: levels}
		for i, entry := range entries {
			k.addResource(files, "resources", entry, object.Keys("resources").Join(object.At(i)))
		}
		return k, nil
	}
	documents, _ := document.Split(text, 2)
	if len(documents) == 0 {
		return nil, &document.Error{Line: 1, Why: "is empty"}
	}
	node, problem := document.Parse(documents[0], levels)
	if problem != nil {
		return nil, problem
	}
	value, problem := node.Value()
	if problem != nil {
		return nil, problem
	}
	content, ok := value.(map[string]any)
	if !ok || node.Rest {
		return nil, &document.Error{Line: documents[0].Line, Why: "is no kustomization"}
	}
	k := &Kustomization{Dir: path.Dir(file), File: file, node: node, value: content, text: text, Plain: true, levels: levels}
	k.IsPatcher = content["kind"] == "Component"
	k.Namespace, _ = content["namespace"].(string)
	for field, value := range content {
		if !plainFields[field] && !isEmpty(value) {
			k.Plain = false
		}
	}
	for _, field := range listFields {
		k.eachString(object.Keys(field), func(entry string, at object.Path) { k.addResource(files, field, entry, at) })
	}
	k.addPatches(files)
	k.addGenerators(files)
	k.addSettings(files)
	return k, nil
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// list gives the items of a list in the kustomization.
func (k *Kustomization) list(at object.Path) []any {
	value, _ := at.Lookup(k.value)
	list, _ := value.([]any)
	return list
}

func (k *Kustomization) eachString(at object.Path, take func(entry string, at object.Path)) {
	for i, item := range k.list(at) {
		if entry, ok := item.(string); ok {
			take(entry, at.Join(object.At(i)))
		}
	}
}

func (k *Kustomization) eachMap(at object.Path, take func(entry map[string]any, at object.Path)) {
	for i, item := range k.list(at) {
		if entry, ok := item.(map[string]any); ok {
			take(entry, at.Join(object.At(i)))
		}
	}
}

func (k *Kustomization) use(u Use) { k.Uses = append(k.Uses, u) }

// find resolves an entry to a path of the checkout.
func (k *Kustomization) find(files Files, entry string) (name string, kind Kind, problem string) {
	name, ok := join(k.Dir, entry)
	if ok {
		if kind = files.Kind(name); kind != Nothing {
			return name, kind, ""
		}
	}
	switch {
	case isRemote(entry):
		return "", Nothing, "is remote and is not fetched"
	case !ok:
		return "", Nothing, "lies outside of the root"
	}
	return "", Nothing, "does not exist"
}

func join(dir, entry string) (string, bool) {
	if entry == "" || path.IsAbs(entry) || strings.Contains(entry, "\x00") {
		return "", false
	}
	name := path.Join(dir, entry)
	return name, name != ".." && !strings.HasPrefix(name, "../")
}

// isRemote says whether an entry names something that Kustomize would fetch.
func isRemote(entry string) bool {
	if strings.Contains(entry, "://") || strings.Contains(entry, "?ref=") || strings.Contains(entry, "git::") || strings.Contains(entry, "_git/") {
		return true
	}
	host, rest, found := strings.Cut(entry, "/")
	return found && rest != "" && strings.Contains(strings.Trim(host, "."), ".") || strings.Contains(host, "@") && strings.Contains(host, ":")
}

func (k *Kustomization) addResource(files Files, field, entry string, at object.Path) {
	u := Use{Field: at, Entry: entry, Role: Resource}
	if field == "components" {
		u.Role = Component
	}
	var kind Kind
	u.Path, kind, u.Problem = k.find(files, entry)
	switch {
	case u.Problem != "":
	case kind == Folder:
		if u.Role == Resource {
			u.Role = Base
		}
		if fileIn(files, u.Path) == "" {
			u.Problem, u.Path = "is a folder without a kustomization", ""
		}
	case u.Role == Component:
		u.Problem, u.Path = "is no folder", ""
	case IsFile(u.Path): // Kustomize refuses it
		u.Problem, u.Path = "is a kustomization; its folder should be named", ""
	}
	k.use(u)
}

// fileIn is the kustomization file of a folder, or "".
func fileIn(files Files, dir string) string {
	for _, name := range fileNames {
		if file := path.Join(dir, name); files.Kind(file) == RegularFile {
			return file
		}
	}
	return ""
}

func (k *Kustomization) addPatches(files Files) {
	k.eachString(object.Keys("patchesStrategicMerge"), func(entry string, at object.Path) {
		if strings.Contains(strings.TrimSpace(entry), "\n") || strings.Contains(entry, ": ") {
			k.use(Use{Role: Strategic, Field: at, Text: at})
			return
		}
		k.addFile(files, Strategic, entry, at)
	})
	for _, field := range []string{"patches", "patchesJson6902"} {
		k.eachMap(object.Keys(field), func(entry map[string]any, at object.Path) {
			if text, _ := entry["patch"].(string); text != "" {
				k.use(Use{Role: Strategic, Field: at, Text: at.Join(object.Key("patch"))})
			} else if name, _ := entry["path"].(string); name != "" {
				k.addFile(files, Strategic, name, at)
			}
		})
	}
}

func (k *Kustomization) addFile(files Files, role Role, entry string, at object.Path) {
	u := Use{Role: role, Field: at, Entry: entry}
	var kind Kind
	u.Path, kind, u.Problem = k.find(files, entry)
	if u.Problem == "" && kind != RegularFile {
		u.Problem, u.Path = "is no file", ""
	}
	k.use(u)
}

func (k *Kustomization) addGenerators(files Files) {
	for _, field := range []string{"secretGenerator", "configMapGenerator"} {
		k.eachMap(object.Keys(field), func(entry map[string]any, at object.Path) {
			for _, list := range []string{"files", "envs"} {
				k.eachString(at.Join(object.Key(list)), func(source string, at object.Path) {
					if list == "files" {
						if _, after, found := strings.Cut(source, "="); found {
							source = after
						}
					}
					k.addFile(files, Source, source, at)
				})
			}
			if env, _ := entry["env"].(string); env != "" {
				k.addFile(files, Source, env, at.Join(object.Key("env")))
			}
		})
	}
}

// runners are fields that fetch, or run programs.
var runners = map[string]string{
	"helmCharts":                  "inflates a Helm chart, which is not done for Kustomize",
	"helmChartInflationGenerator": "inflates a Helm chart, which is not done for Kustomize",
}

func (k *Kustomization) addSettings(files Files) {
	for _, field := range []string{"configurations", "crds"} {
		k.eachString(object.Keys(field), func(entry string, at object.Path) { k.addFile(files, Setting, entry, at) })
	}
	k.eachMap(object.Keys("replacements"), func(entry map[string]any, at object.Path) {
		if name, _ := entry["path"].(string); name != "" {
			k.addFile(files, Setting, name, at)
		}
	})
	if schema, ok := k.value["openapi"].(map[string]any); ok {
		if name, _ := schema["path"].(string); name != "" {
			k.addFile(files, Setting, name, object.Keys("openapi"))
		}
	}
	for _, field := range []string{"transformers", "generators", "validators"} {
		k.eachString(object.Keys(field), func(entry string, at object.Path) {
			if strings.Contains(entry, "\n") {
				k.use(Use{Role: Setting, Field: at, Text: at, Problem: pluginProblem([]byte(entry))})
				return
			}
			k.addFile(files, Setting, entry, at)
			u := &k.Uses[len(k.Uses)-1]
			if u.Problem == "is no file" {
				u.Problem = "is a folder of plugins, which are not run"
			} else if u.Problem == "" {
				if text, err := files.ReadFile(u.Path); err == nil {
					if u.Problem = pluginProblem(text); u.Problem != "" {
						u.Path = ""
					}
				}
			}
		})
	}
	for _, field := range []string{"helmCharts", "helmChartInflationGenerator"} {
		if len(k.list(object.Keys(field))) > 0 {
			k.use(Use{Role: Setting, Field: object.Keys(field), Problem: runners[field]})
		}
	}
}

// pluginProblem says why the configuration of a plugin is left out: only those built into Kustomize are used.
func pluginProblem(text []byte) string {
	documents, _ := document.Split(text, 100)
	for _, d := range documents {
		node, err := document.Parse(d, 1000)
		if err != nil {
			return "can not be read"
		}
		value, err := node.Value()
		content, ok := value.(map[string]any)
		if err != nil || !ok || content["apiVersion"] != "builtin" {
			return "is a plugin or function, which is not run"
		}
		if _, runs := object.Keys("metadata", "annotations", "config.kubernetes.io/function").Lookup(content); runs {
			return "is a plugin or function, which is not run"
		}
	}
	return ""
}
