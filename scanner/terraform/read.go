package terraform

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"

	"dekey/scanner"
	"dekey/scanner/iam"
	"dekey/scanner/object"
)

// A File is one file of a checkout, with its path from the root.
type File struct {
	Path string
	Data []byte
}

// MaxBytes is the size of the largest file that is read. People write no larger ones, and a parser's memory is a
// hundred times its input.
const MaxBytes = 1 << 20

// IsFile says whether a path is one of a Terraform file, or of one for OpenTofu alone.
// https://opentofu.org/docs/language/files/
func IsFile(name string) bool {
	name = strings.TrimSuffix(name, ".json")
	return strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tofu")
}

// Read reads files of one source, module by module: a module is a folder. Facts stand in the order of the paths.
func Read(source string, files []File) (iam.Facts, []scanner.Gap) {
	var facts iam.Facts
	var gaps []scanner.Gap
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int {
		return cmp.Or(cmp.Compare(path.Dir(a.Path), path.Dir(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	var modules []*module
	for len(files) > 0 {
		dir := path.Dir(files[0].Path)
		n := 1
		for n < len(files) && path.Dir(files[n].Path) == dir {
			n++
		}
		m := newModule(source, dir)
		m.files = files[:n]
		modules = append(modules, m)
		files = files[n:]
	}
	var wait sync.WaitGroup
	next := make(chan *module)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for m := range next {
				m.read()
			}
		})
	}
	for _, m := range modules {
		next <- m
	}
	close(next)
	wait.Wait()
	for _, m := range modules {
		facts.Add(m.found)
		gaps = append(gaps, m.gaps...)
	}
	return facts, gaps
}

// words are those without which a module says nothing about identities.
var words = [][]byte{
	[]byte("google_service_account"), []byte("_iam_"), []byte("gcp-service-account"), []byte("iam.gke.io"),
	[]byte("kubernetes_service_account"), []byte("kubernetes_annotations"), []byte("workload_pool"), []byte("workloadIdentityUser"), []byte("generate_keys"),
	[]byte("workload-identity"), []byte("svc.id.goog"),
}

// Concerns says whether a file has any of the words that what is read is written with.
func Concerns(data []byte) bool {
	return slices.ContainsFunc(words, func(word []byte) bool { return bytes.Contains(data, word) })
}

type problem struct{ where, why string }

// read parses the module's files and finds what they say.
func (m *module) read() {
	for _, f := range m.files {
		if err := m.parse(f); err != nil {
			m.gaps = append(m.gaps, scanner.Gap{Source: m.source, What: err.where, Why: err.why})
		}
	}
	m.facts(&m.found)
}

// A module is the files of one folder.
type module struct {
	files       []File
	found       iam.Facts
	gaps        []scanner.Gap
	source, dir string
	blocks      []block
	locals      map[string]hcl.Expression
	resources   map[string]*block // by type.name; data sources as data.type.name
	evaluating  map[string]bool   // locals, against circles
	budget      int               // of steps that are left for evaluation
}

// A block is one block at the top of a file.
type block struct {
	typ    string // resource, data, module
	labels []string
	body   hcl.Body
	at     object.Origin
	path   string
}

// address is how Terraform names it.
func (b *block) address() string {
	name := strings.Join(b.labels, ".")
	if b.typ == "resource" {
		return name
	}
	return b.typ + "." + name
}

func newModule(source, dir string) *module {
	return &module{
		source: source, dir: dir, locals: map[string]hcl.Expression{}, resources: map[string]*block{},
		evaluating: map[string]bool{}, budget: maxSteps,
	}
}

// fileSchema are the blocks that are looked at.
var fileSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "resource", LabelNames: []string{"type", "name"}},
	{Type: "data", LabelNames: []string{"type", "name"}},
	{Type: "module", LabelNames: []string{"name"}},
	{Type: "locals"},
}}

// parse adds one file.
func (m *module) parse(f File) *problem {
	if len(f.Data) > MaxBytes {
		return &problem{f.Path, fmt.Sprintf("is larger than the limit of Terraform files (%d MiB)", MaxBytes>>20)}
	}
	if line := tooDeep(f.Data, strings.HasSuffix(f.Path, ".json")); line > 0 {
		return &problem{fmt.Sprintf("%s:%d", f.Path, line), "is nested deeper than the limit"}
	}
	file, diagnostics, inTime := parse(f)
	if !inTime {
		return &problem{f.Path, fmt.Sprintf("takes longer than %v to parse", parseTime)}
	}
	var found *problem
	for _, d := range diagnostics {
		if d.Severity == hcl.DiagError && found == nil {
			found = &problem{f.Path, "is no Terraform"}
			if d.Subject != nil {
				found.where = fmt.Sprintf("%s:%d", f.Path, d.Subject.Start.Line)
			}
		}
	}
	if file == nil || file.Body == nil {
		return found
	}
	content, _, _ := file.Body.PartialContent(fileSchema)
	if content == nil {
		return found
	}
	for _, b := range content.Blocks {
		if b.Type == "locals" {
			attributes, _ := b.Body.JustAttributes()
			for name, attribute := range attributes {
				m.locals[name] = attribute.Expr
			}
			continue
		}
		one := block{typ: b.Type, labels: b.Labels, body: b.Body, at: m.origin(b.DefRange), path: f.Path}
		m.blocks = append(m.blocks, one)
	}
	return found
}

// parseTime is far from what any file of this size that people write takes. Some that nobody writes take hours.
const parseTime = 10 * time.Second

// parse parses a file. A parser can not be stopped: one that takes too long is left behind.
func parse(f File) (*hcl.File, hcl.Diagnostics, bool) {
	type parsed struct {
		file        *hcl.File
		diagnostics hcl.Diagnostics
	}
	done := make(chan parsed, 1)
	go func() {
		var p parsed
		if strings.HasSuffix(f.Path, ".json") {
			p.file, p.diagnostics = json.Parse(f.Data, f.Path)
			done <- p
			return
		}
		chopped := chop(f.Data)
		p.file, p.diagnostics = hclsyntax.ParseConfig(chopped, f.Path, hcl.InitialPos)
		if p.diagnostics.HasErrors() && len(chopped) != len(f.Data) {
			p.file, p.diagnostics = hclsyntax.ParseConfig(f.Data, f.Path, hcl.InitialPos)
		}
		done <- p
	}()
	timer := time.NewTimer(parseTime)
	defer timer.Stop()
	select {
	case p := <-done:
		return p.file, p.diagnostics, true
	case <-timer.C:
		return nil, nil, false
	}
}

// origin is where a range starts. HCL counts columns in grapheme clusters, which people count too.
func (m *module) origin(r hcl.Range) object.Origin {
	return object.Origin{Source: m.source, Path: r.Filename, Document: 1, Line: r.Start.Line, Column: r.Start.Column}
}

// The limits of nesting, far from what people write and from what a parser's stack can hold.
const (
	maxLevels = 500
	maxRun    = 500  // of operators that nest without brackets: !!!x, a ? b : c ? d : e
	maxChoice = 5000 // of ? in a file, of directives in templates (%{if}), of splats
)

// tooDeep gives the line on which a file nests too deep, or 0. It counts brackets, in comments and strings too where
// they are closed there: a parser that recurses must not see what it has not seen.
func tooDeep(data []byte, isJSON bool) int {
	level, run, choices, line := 0, 0, 0, 1
	inString := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		if c == '\n' {
			line++
		}
		if isJSON {
			switch {
			case inString && c == '\\':
				i++
				continue
			case c == '"':
				inString = !inString
				continue
			case inString:
				continue
			}
		}
		switch c {
		case '(', '[', '{':
			level++
		case ')', ']', '}':
			if level > 0 {
				level--
			}
		case '!', '-':
			run++
		case '?':
			choices++
		case '%':
			if i+1 < len(data) && data[i+1] == '{' {
				choices++
			}
		case '*':
			if i > 0 && (data[i-1] == '[' || data[i-1] == '.') {
				choices++
			}
		case ' ', '\t', '\r', '\n':
		default:
			run = 0
		}
		if c == '\n' && !isJSON && dashes(data, i, run) {
			run = 0
		}
		if level > maxLevels || run > maxRun || choices > maxChoice {
			return line
		}
	}
	return 0
}

// dashes says that a run so far is a ruler in a comment: the line that ends at i is one.
func dashes(data []byte, i, run int) bool {
	if run == 0 {
		return false
	}
	start := bytes.LastIndexByte(data[:i], '\n') + 1
	text := bytes.TrimLeft(data[start:i], " \t")
	return bytes.HasPrefix(text, []byte("#")) || bytes.HasPrefix(text, []byte("//")) || bytes.HasPrefix(text, []byte("*"))
}
