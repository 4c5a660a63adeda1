package shell

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"dekey/scanner"
	"dekey/scanner/iam"
	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// MaxBytes is the size of the largest script that is read.
const MaxBytes = 1 << 20

// IsFile says whether a path is one of a script or a CI file that is read.
func IsFile(name string) bool {
	kind := classify(name)
	return kind != none && kind != task && kind != nameless
}

// MayBeFile says whether a path without an extension may be one of a script: its first line tells.
func MayBeFile(name string) bool { return classify(name) == nameless }

// MaxPeek is the size from which on a script without an extension may be cut off.
const MaxPeek = 64 << 10

type class int

const (
	none class = iota
	script
	pipeline // YAML of a CI system, with scripts in it
	task     // any other YAML, which may have scripts in it
	makefile
	dockerfile
	nameless // without an extension: a script where its first line says so
)

func classify(name string) class {
	base, ext := path.Base(name), strings.ToLower(path.Ext(name))
	switch {
	case ext == ".sh" || ext == ".bash" || ext == ".bats" || ext == ".ksh":
		return script
	case base == "Makefile" || base == "makefile" || base == "GNUmakefile" || ext == ".mk":
		return makefile
	case isDockerfile(base):
		return dockerfile
	case ext == "" && !strings.HasPrefix(base, "."):
		return nameless
	case ext != ".yml" && ext != ".yaml":
		return none
	case strings.Contains("/"+path.Dir(name)+"/", "/.github/workflows/"), base == "action.yml" || base == "action.yaml":
		return pipeline
	case strings.HasPrefix(base, ".gitlab-ci"), strings.HasPrefix(base, "cloudbuild"), strings.HasSuffix(base, ".cloudbuild"+ext),
		strings.Contains("/"+path.Dir(name)+"/", "/.gitlab/"), strings.Contains("/"+path.Dir(name)+"/", "/.circleci/"),
		strings.Contains("/"+path.Dir(name)+"/", "/.buildkite/"), strings.HasPrefix(base, "azure-pipelines"),
		slices.Contains([]string{"bitbucket-pipelines", ".travis", ".drone", ".woodpecker"}, strings.TrimSuffix(base, ext)):
		return pipeline
	}
	return task
}

// Matters says whether a file is read: of those without an extension the scripts, of YAML the tasks that run gcloud. It is
// one cheap look.
func Matters(name string, data []byte) bool {
	switch classify(name) {
	case none:
		return false
	case nameless:
		line, _, _ := bytes.Cut(data[:min(len(data), 200)], []byte("\n"))
		return shebang.Match(line)
	case task:
		return bytes.Contains(data, []byte("gcloud iam ")) || bytes.Contains(data, []byte("-iam-policy")) && bytes.Contains(data, []byte("gcloud"))
	}
	return true
}

var shebang = regexp.MustCompile(`^#!.*\b(sh|bash|dash|ash|ksh)\b`)

// Concerns says whether a script can say anything about identities.
func Concerns(data []byte) bool {
	for _, word := range []string{"gcloud", "iam.gke.io", "gcp-service-account", "gsutil", "google-github-actions/", "_json_key", "github-actions/setup-gcloud"} {
		if bytes.Contains(data, []byte(word)) {
			return true
		}
	}
	return false
}

// Read reads one file. Lines count in the file, wherever the script stands in it.
func Read(source, name string, data []byte) (iam.Facts, []scanner.Gap) {
	r := &reader{source: source, name: name}
	switch kind := classify(name); {
	case kind == nameless && len(data) >= MaxPeek:
		r.gap(0, fmt.Sprintf("is larger than the limit of scripts without an extension (%d KiB)", MaxPeek>>10))
	case len(data) > MaxBytes:
		r.gap(0, fmt.Sprintf("is larger than the limit of scripts (%d MiB)", MaxBytes>>20))
	case kind == pipeline, kind == task:
		r.task = kind == task
		r.pipeline(data)
	case kind == dockerfile:
		r.dockerfile(data)
	case kind == makefile:
		r.makefile(data)
	default:
		r.script(string(data), func(line, column int) (int, int) { return line, column }, true)
	}
	return r.facts, r.gaps
}

type reader struct {
	source, name string
	task         bool // not a CI system's file: a scan reads its objects, and says what hands a key to gcloud
	level        int  // of scripts in scripts
	facts        iam.Facts
	gaps         []scanner.Gap
}

func (r *reader) gap(line int, why string) {
	what := r.name
	if line > 0 {
		what = fmt.Sprintf("%s:%d", what, line)
	}
	r.gaps = append(r.gaps, scanner.Gap{Source: r.source, What: what, Why: why})
}

func (r *reader) origin(line, column int) object.Origin {
	return object.Origin{Source: r.source, Path: r.name, Document: 1, Line: line, Column: column}
}

// A locate turns a position in a script into one in its file.
type locate func(line, column int) (int, int)

// script parses one script. strict says that one that does not parse is a gap: it is the whole file.
func (r *reader) script(text string, at locate, strict bool) {
	if !Concerns([]byte(text)) {
		return
	}
	if line := tooDeep(text); line > 0 {
		line, _ = at(line, 1)
		r.gap(line, "is nested deeper than the limit")
		return
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		line := 1
		if parse, ok := err.(syntax.ParseError); ok {
			line = int(parse.Pos.Line())
		}
		line, column := at(line, 1)
		if strict && !template.MatchString(text) {
			r.gap(line, "is no shell script that can be parsed")
		} else {
			here := r.origin(line, column)
			r.facts.Opaque = append(r.facts.Opaque, iam.Opaque{
				At: iam.At{Language: iam.Gcloud, What: r.name, Origin: here, Block: here}, Why: "has commands that can not be parsed",
			})
		}
	}
	if file == nil {
		return
	}
	s := &scope{reader: r, at: at, values: map[string]*syntax.Word{}, set: map[string]int{}}
	s.learn(file)
	s.walk(file)
}

// template is text that something turns into a script.
var template = regexp.MustCompile(`\{\{|\{%|<%`)

// pipeline reads the scripts of a CI file: every text under a key that CI systems run.
func (r *reader) pipeline(data []byte) {
	if !Concerns(data) {
		return
	}
	documents, _ := document.Split(data, maxDocuments)
	for _, d := range documents {
		node, parseError := document.Parse(d, maxLevels)
		if parseError != nil && r.task {
			continue // whoever reads it as a manifest says so
		}
		if parseError != nil {
			r.gap(parseError.Line, parseError.Why)
			continue
		}
		value, parseError := node.Value()
		if parseError != nil {
			if !r.task {
				r.gap(parseError.Line, parseError.Why)
			}
			continue
		}
		p := pipelineReader{reader: r, node: node, data: data}
		p.read(value, nil, "")
	}
}

const (
	maxDocuments = 1000
	maxLevels    = 200
)

type pipelineReader struct {
	*reader
	node *document.Node
	data []byte
}

// runs are the keys whose texts are scripts. Of args the last is one, where the entrypoint is a shell.
var runs = map[string]bool{"run": true, "script": true, "before_script": true, "after_script": true, "args": true, "command": true,
	"commands": true, "bash": true, "install": true, "before_install": true, "deploy": true}

func (p *pipelineReader) read(value any, field object.Path, key string) {
	switch value := value.(type) {
	case map[string]any:
		p.auth(value, field)
		for _, k := range sortedKeys(value) {
			if k == "run" && otherShell(value["shell"]) {
				continue
			}
			p.read(value[k], field.Join(object.Key(k)), k)
		}
	case []any:
		if words, ok := command(value, key); ok {
			p.words(words, field)
			return
		}
		for i, item := range value {
			p.read(item, field.Join(object.At(i)), key)
		}
	case string:
		if !runs[key] {
			return
		}
		text, ok := p.node.Text(field)
		if !ok {
			return
		}
		p.script(masked(text.Value), func(line, column int) (int, int) {
			at := text.InFile(document.Position{Line: line, Column: column}, p.data)
			return at.Line, at.Column
		}, !p.task)
	}
}

// otherShell says that a step is run by something else than a shell of this family.
func otherShell(value any) bool {
	name, given := value.(string)
	return given && name != "" && !strings.HasPrefix(name, "bash") && !strings.HasPrefix(name, "sh")
}

// command takes a Cloud Build step's args, when they are a gcloud command by themselves: its builder's entrypoint is
// gcloud, which args leave out or name.
func command(list []any, key string) ([]string, bool) {
	if key != "args" && key != "command" {
		return nil, false
	}
	var words []string
	for _, item := range list {
		word, ok := item.(string)
		if !ok || strings.ContainsAny(word, "\n") {
			return nil, false
		}
		words = append(words, word)
	}
	if len(words) < 3 || words[0] == "-c" || words[0] == "-ec" || words[0] == "-ceu" {
		return nil, false
	}
	if words[0] == "gcloud" {
		words = words[1:]
	}
	return words, words[0] == "iam" || words[0] == "projects" || words[0] == "storage" || words[0] == "auth"
}

func (p *pipelineReader) words(words []string, field object.Path) {
	at, ok := p.node.Locate(field)
	if !ok {
		return
	}
	c := call{reader: p.reader, origin: p.origin(at.Line, at.Column)}
	for _, word := range words {
		c.words = append(c.words, expanded(word, p.name))
	}
	c.gcloud()
}

// keyInputs are the inputs by which actions take a key, and the start of what uses them.
// https://github.com/google-github-actions/auth, https://github.com/docker/login-action#google-artifact-registry-gar
var keyInputs = []struct{ uses, input, value string }{
	{"google-github-actions/auth@", "credentials_json", ""},
	{"google-github-actions/setup-gcloud@", "service_account_key", ""},
	{"GoogleCloudPlatform/github-actions/setup-gcloud@", "service_account_key", ""},
	{"docker/login-action@", "username", "_json_key"},
}

// auth reads the step of a workflow that logs in with a key.
func (p *pipelineReader) auth(step map[string]any, field object.Path) {
	uses, _ := step["uses"].(string)
	with, _ := step["with"].(map[string]any)
	for _, k := range keyInputs {
		value, given := with[k.input]
		text, _ := value.(string)
		if !given || !strings.HasPrefix(uses, k.uses) || !strings.HasPrefix(text, k.value) {
			continue
		}
		at, _ := p.node.Locate(field.Join(object.Key("with"), object.Key(k.input)))
		origin := p.origin(at.Line, at.Column)
		p.facts.Activation = append(p.facts.Activation, iam.Activation{
			At:  iam.At{Language: iam.Gcloud, What: uses, Origin: origin, Block: origin},
			How: "logs in with " + cmp.Or(k.value, k.input),
		})
	}
}

var expression = regexp.MustCompile(`\$\{\{.*?\}\}`)

// masked replaces the expressions of a workflow by a variable of the same length, so that columns stay.
func masked(text string) string {
	return expression.ReplaceAllStringFunc(text, func(s string) string {
		return "${" + strings.Repeat("X", len(s)-3) + "}"
	})
}

// makefile reads recipes: the lines that start with a tab, those joined by a backslash as one.
func (r *reader) makefile(data []byte) {
	if !Concerns(data) {
		return
	}
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		if !strings.HasPrefix(lines[i], "\t") {
			continue
		}
		first := i
		for strings.HasSuffix(lines[i], `\`) && i+1 < len(lines) {
			i++
		}
		text := strings.Join(lines[first:i+1], "\n")
		body := strings.TrimLeft(text, "\t @-+")
		offset := len(text) - len(body)
		body = makeVariable.ReplaceAllString(strings.ReplaceAll(body, "$$", "$"), "$${$1}")
		r.script(body, func(line, column int) (int, int) {
			if line == 1 {
				column += offset
			}
			return first + line, column
		}, false)
	}
}

// makeVariable is a variable of make, which the shell does not see. What it spells is hidden either way.
var makeVariable = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)
