package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"dekey/scanner"
	"dekey/scanner/manifest/chart"
	"dekey/scanner/manifest/document"
	"dekey/scanner/manifest/render"
	"dekey/scanner/object"
)

// charts are the Helm charts of a checkout, and what deploys them.
type charts struct {
	dirs        []string // of the charts that stand for themselves, sorted
	deployments []*deployment
	loaded      map[string]*chart.Chart
	releases    map[string][]*release // by the chart's folder
	users       map[string][]string   // the roots that a file takes part in
	said        map[string]bool
}

// A release is a chart with its values, and what it renders to once it is rendered.
type release struct {
	*chart.Release
	done    bool
	why     string
	objects []*chart.Object
	file    string // that is named when it can not be rendered
	line    int
	gaps    []string
}

// isChart says whether a file makes its folder a chart.
func isChart(name string) bool { return path.Base(name) == "Chart.yaml" }

// newCharts finds the charts among the files of a pass.
func newCharts(p *pass) *charts {
	c := &charts{loaded: map[string]*chart.Chart{}, releases: map[string][]*release{}, users: map[string][]string{}, said: map[string]bool{}}
	var dirs []string
	for _, name := range p.chartFiles {
		dirs = append(dirs, path.Dir(name))
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		if !slices.ContainsFunc(dirs, func(parent string) bool { return parent != dir && strings.HasPrefix(dir, inDir(parent)+"charts/") }) {
			c.dirs = append(c.dirs, dir)
		}
	}
	return c
}

func inDir(dir string) string {
	if dir == "." {
		return ""
	}
	return dir + "/"
}

// of is the folder of the chart that a file belongs to: to its templates, its values, a chart below it.
func (c *charts) of(file string) (dir string, ok bool) {
	for _, d := range c.dirs {
		if strings.HasPrefix(file, inDir(d)) && (!ok || len(d) > len(dir)) {
			dir, ok = d, true
		}
	}
	return dir, ok
}

// renders says whether a file is rendered as a part of a chart, and so not read as it is written.
func (c *charts) renders(file string) bool {
	dir, ok := c.of(file)
	if !ok {
		return false
	}
	rest := strings.TrimPrefix(file, inDir(dir))
	return strings.HasPrefix(rest, "templates/") || strings.HasPrefix(rest, "charts/")
}

// needed are the charts that what matters takes part in: a file of the chart, or of values that it gets.
func (c *charts) needed(files []file) []string {
	matter := map[string]bool{}
	var dirs []string
	for dir := range c.loaded { // what they render is at hand
		dirs = append(dirs, dir)
	}
	for _, f := range files {
		matter[f.name] = true
		if dir, ok := c.of(f.name); ok {
			dirs = append(dirs, dir)
		}
	}
	for _, d := range c.deployments {
		if d.path == "" || !slices.Contains(c.dirs, d.path) {
			continue
		}
		if slices.ContainsFunc(d.layers, func(l *chart.Layer) bool { return matter[l.File] }) {
			dirs = append(dirs, d.path)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// load reads a chart and makes its releases.
func (r *Reader) loadChart(p *pass, dir string) (why string) {
	c := p.charts
	if c.loaded[dir] != nil {
		return ""
	}
	loaded, why := chart.Load(p.tree, dir, r.options.Limits.Levels)
	if why != "" {
		return why
	}
	c.loaded[dir] = loaded
	if loaded.Library {
		return ""
	}
	roots := func(file string) []string {
		if d, ok := c.of(file); ok && d == dir && c.users[file] == nil {
			var all []string
			for _, release := range c.releases[dir] {
				all = append(all, release.ID)
			}
			return all
		}
		return c.users[file]
	}
	used := map[string]bool{}
	add := func(id, name, namespace string, layers []*chart.Layer) *release {
		for slices.ContainsFunc(c.releases[dir], func(o *release) bool { return o.ID == id }) {
			id += "+"
		}
		release := &release{
			Release: chart.NewRelease(id, loaded, name, namespace, layers, r.options.Limits.Levels, roots),
			file:    path.Join(dir, "Chart.yaml"),
		}
		for _, l := range layers {
			used[l.File] = true
			for _, name := range []string{l.File, l.Name()} {
				if !slices.Contains(c.users[name], id) {
					c.users[name] = append(c.users[name], id)
				}
			}
		}
		c.releases[dir] = append(c.releases[dir], release)
		return release
	}
	for _, d := range c.deployments {
		if d.path == dir {
			release := add(dir+"@"+d.id, d.release, d.namespace, d.layers)
			release.file, release.line, release.gaps = d.file, d.line, d.gaps
		}
	}
	for _, name := range loaded.BesideValues() {
		if used[name] {
			continue
		}
		text, err := p.tree.ReadFile(name)
		if err != nil {
			continue
		}
		layer, problem := chart.ParseLayer(name, text, r.options.Limits.Levels)
		if problem == nil {
			add(dir+"@"+strings.TrimPrefix(name, inDir(dir)), loaded.Name, "", []*chart.Layer{layer}).file = name
		}
	}
	if len(c.releases[dir]) == 0 {
		add(dir, loaded.Name, "", nil)
	}
	return ""
}

// renderCharts renders charts with the values of each release, and yields the objects that are selected.
func (r *Reader) renderCharts(ctx context.Context, p *pass, sink scanner.Sink, dirs []string, s selection) error {
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if why := r.loadChart(p, dir); why != "" {
			r.chartFailed(p, sink, dir, path.Join(dir, "Chart.yaml"), 0, why)
			continue
		}
		r.thirdParty(p, sink, dir, s)
		covered := map[string][]byte{} // what templates gave that was selected
		for _, release := range p.charts.releases[dir] {
			r.renderRelease(ctx, p, release, s)
			for _, gap := range release.gaps {
				r.sayChart(p, sink, release.file, release.line, gap)
			}
			if release.why != "" {
				r.sayChart(p, sink, release.file, release.line, release.why)
				continue
			}
			r.yieldRelease(p, sink, release, s, covered)
		}
		if !s.quiet {
			r.chartHints(p, sink, dir, "template", covered)
		}
	}
	return nil
}

func (r *Reader) sayChart(p *pass, sink scanner.Sink, file string, line int, why string) {
	gap := scanner.Gap{Source: r.source.ID, What: where(file, line), Why: why}
	if key := gap.What + gap.Why; !p.charts.said[key] {
		p.charts.said[key] = true
		sink.Gap(gap)
	}
}

// chartFailed says why a chart is not rendered, and where it mentions keys.
func (r *Reader) chartFailed(p *pass, sink scanner.Sink, dir, file string, line int, why string) {
	r.sayChart(p, sink, file, line, why)
	if !p.charts.said["hints "+dir] {
		p.charts.said["hints "+dir] = true
		r.chartHints(p, sink, dir, "template", nil)
	}
}

// chartHints are the mentions of keys in templates that no object has that they gave: a branch that no values of this
// checkout switch on, or a chart that can not be rendered.
func (r *Reader) chartHints(p *pass, sink scanner.Sink, dir, code string, covered map[string][]byte) {
	for _, f := range p.files {
		if f.marks&wired == 0 || !p.charts.renders(f.name) {
			continue
		}
		if d, _ := p.charts.of(f.name); d != dir {
			continue
		}
		data, err := p.tree.ReadFile(f.name)
		if err != nil || schema.Match(data) {
			continue
		}
		for _, hint := range r.hints(f.name, data, 1, 1, code, "a Helm template") {
			if shows(covered[f.name], hint.Env) {
				continue
			}
			sink.Hint(hint)
			p.digest(f.name, data)
		}
	}
}

// shows says whether a rendered text mentions what a template does.
func shows(text []byte, name string) bool {
	if name == "--key-file" {
		name = activation
	}
	return bytes.Contains(text, []byte(name))
}

// renderRelease renders a release once, and traces the texts of what it gives when any of it is selected.
func (r *Reader) renderRelease(ctx context.Context, p *pass, release *release, s selection) {
	if release.done {
		return
	}
	release.done = true
	render := func(values ...map[string]any) [][]*chart.Object {
		all, why := r.helm(ctx, p, release, values)
		if why != "" && release.why == "" {
			release.why = why
		}
		return all
	}
	plain := render(release.Values())
	if len(plain) != 1 || release.why != "" {
		return
	}
	release.objects = plain[0]
	var wanted []*chart.Object
	for _, o := range release.objects {
		if s.document(o.Text) || searchText(o.Text)&(wired|accounts) != 0 {
			wanted = append(wanted, o)
		}
	}
	if len(wanted) == 0 {
		return
	}
	marks := release.Marks(wanted)
	every := make([]int, len(marks))
	for i := range marks {
		every[i] = i
	}
	probed, places := release.Probed()
	accounts, found := release.AccountProbes()
	second := render(append([]map[string]any{release.Marked(marks, every...), probed}, accounts...)...)
	if len(second) != 2+len(accounts) {
		release.why = "" // the plain rendering was done
		return
	}
	chart.LearnProbes(wanted, second[1], places)
	if len(accounts) > 0 {
		chart.LearnAccounts(wanted, release.objects, second[2], second[3], found)
	}
	r.learnToggles(release, wanted, render)
	if chart.Trace(wanted, second[0], marks) {
		release.why = ""
		return
	}
	// A mark changed what is rendered: each is tried alone.
	var each []map[string]any
	for i := range marks[:min(len(marks), 60)] {
		each = append(each, release.Marked(marks, i))
	}
	for _, objects := range render(each...) {
		chart.Trace(wanted, objects, marks)
	}
	release.why = "" // the plain rendering was done: a mark alone can fail
}

// learnToggles sees which values switch the wiring of objects off, where there is any.
func (r *Reader) learnToggles(release *release, wanted []*chart.Object, render func(...map[string]any) [][]*chart.Object) {
	if !slices.ContainsFunc(wanted, func(o *chart.Object) bool { return searchText(o.Text)&wired != 0 }) {
		return
	}
	toggles := release.Toggles()
	var values []map[string]any
	for _, t := range toggles {
		values = append(values, release.Without(t))
	}
	if len(values) == 0 {
		return
	}
	if off := render(values...); len(off) == len(toggles) {
		chart.LearnToggles(wanted, off, toggles)
	}
}

// helm renders a release with several values.
func (r *Reader) helm(ctx context.Context, p *pass, release *release, values []map[string]any) (all [][]*chart.Object, why string) {
	request := render.Helm{Files: release.Chart.Files, Name: release.Name, Namespace: release.Namespace}
	if request.Namespace == "" {
		request.Namespace = chart.UnknownNamespace
	}
	for _, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, "its values can not be passed on"
		}
		request.Values = append(request.Values, text)
	}
	response := p.overlays.child.render(ctx, render.Request{Helm: &request})
	if response.Why != "" {
		return nil, response.Why
	}
	for _, rendering := range response.Charts {
		if rendering.Why != "" {
			all, why = append(all, nil), rendering.Why
			continue
		}
		var texts []chart.Rendered
		for _, t := range rendering.Templates {
			texts = append(texts, chart.Rendered{Template: t.Name, Text: t.Text, Again: t.Again})
		}
		objects, bad := release.Objects(texts, r.source.ID)
		if bad != "" {
			why = bad
		}
		all = append(all, objects)
	}
	return all, why
}

// yieldRelease hands on the selected objects of a release.
func (r *Reader) yieldRelease(p *pass, sink scanner.Sink, release *release, s selection, covered map[string][]byte) {
	used := false
	for _, rendered := range release.objects {
		if !s.document(rendered.Text) {
			continue
		}
		template := path.Join(release.Chart.Dir, rendered.Template)
		for _, w := range objects(&document.Node{}, rendered.Content, object.Origin{}) {
			o := w.object
			o.Root, o.Origins, o.Locator = release.ID, rendered.Origins(), rendered
			forget(o, release.Namespace)
			if release.Namespace != "" && o.Ref.Namespace == "" && !object.ClusterScoped(o.Ref.Kind) {
				o.Ref.Namespace = release.Namespace
			}
			for _, l := range release.Layers {
				r.namespace(o, p, l.File)
			}
			r.namespace(o, p, template)
			if s.object != nil && !s.object(o) {
				continue
			}
			used, covered[template] = true, append(covered[template], rendered.Text...)
			if p.once(place{root: release.ID, file: template, document: rendered.Index, ref: o.Ref}) {
				sink.Object(o)
			}
		}
	}
	if used {
		for _, name := range release.Files() {
			if data, err := p.tree.ReadFile(name); err == nil {
				p.digest(name, data)
			}
		}
	}
}

// forget takes the stand-in for an unknown namespace out of an object.
func forget(o *scanner.Object, namespace string) {
	if namespace != "" {
		return
	}
	if o.Ref.Namespace == chart.UnknownNamespace {
		o.Ref.Namespace = ""
	}
	var walk func(value any) any
	walk = func(value any) any {
		switch v := value.(type) {
		case map[string]any:
			for key, item := range v {
				if item == chart.UnknownNamespace {
					delete(v, key)
				} else {
					v[key] = walk(item)
				}
			}
		case []any:
			for i, item := range v {
				v[i] = walk(item)
			}
		case string:
			return strings.ReplaceAll(v, chart.UnknownNamespace, "")
		}
		return value
	}
	walk(o.Content)
}
