package manifest

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"dekey/scanner/manifest/chart"
	"dekey/scanner/manifest/checkout"
	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// A deployment is what an Argo CD Application, a Flux object or a helmfile says about a part of a repository: where it
// goes, and with which values.
type deployment struct {
	id        string // argocd:NAME, flux:NAMESPACE/NAME, helmfile:NAME
	release   string // the name of the Helm release
	namespace string // "" where it is not known
	forces    bool   // the namespace overrides what manifests say: Flux's targetNamespace
	// path is a folder of this checkout, "" where there is none; chart is the name of a chart that is elsewhere.
	path, chart string
	source      string // the GitRepository that has the path, NAMESPACE/NAME; "" where nothing says so
	layers      []*chart.Layer
	gaps        []string // values that are not read

	object *written // where it is written; nil for a helmfile
	file   string
	line   int
}

// A gitOps reads what the tools that deploy a checkout say.
type gitOps struct {
	tree    checkout.Tree
	levels  int
	prefix  string   // where in its repository the tree lies: apps/
	remotes []string // repositoryName of what the checkout was cloned from
	found   []*deployment
	sources map[string]string // repositoryName by NAMESPACE/NAME of Flux's GitRepositories
}

// readGitOps reads the files that are marked for it.
func (r *Reader) readGitOps(ctx context.Context, p *pass, files []file) []*deployment {
	if len(files) == 0 {
		return nil
	}
	g := &gitOps{tree: p.tree, levels: r.options.Limits.Levels, prefix: r.source.Prefix, remotes: remotes(ctx, r.options.Root), sources: map[string]string{}}
	for _, f := range files {
		data, err := p.tree.ReadFile(f.name)
		if err != nil {
			continue // the pass over the files says it
		}
		documents, _ := document.Split(data, r.options.Limits.Documents)
		for _, d := range documents {
			if base := path.Base(f.name); base == "helmfile.yaml" || base == "helmfile.yml" {
				g.helmfile(f.name, data, d)
			} else if searchText(d.Text)&(gitops|releases) != 0 {
				g.document(f.name, data, d, r.source.ID)
			}
		}
	}
	for _, d := range g.found {
		if d.path != "" && !g.here(g.sources[d.source]) {
			d.elsewhere()
		}
	}
	return g.found
}

// elsewhere makes the path one of another repository: at best that of a chart which the catalogue knows by its name.
func (d *deployment) elsewhere() { d.path, d.chart = "", path.Base(d.path) }

// here says whether a repository, by its repositoryName, is the one of this checkout: a path in another one is none here, even
// where a folder is called the same. What nothing is known of may be here.
func (g *gitOps) here(repository string) bool {
	return repository == "" || len(g.remotes) == 0 || slices.Contains(g.remotes, repository)
}

func (g *gitOps) document(file string, data []byte, d document.Document, source string) {
	node, problem := document.Parse(d, g.levels)
	if problem != nil || node.Rest {
		return
	}
	value, problem := node.Value()
	if problem != nil {
		return
	}
	for _, w := range objects(node, value, object.Origin{Source: source, Path: file, Document: d.Index, Line: d.Line}) {
		in := written1{written: w, data: data}
		switch group := w.object.Ref.Group(); {
		case group == "argoproj.io" && w.object.Ref.Kind == "Application":
			g.application(in, w.object.Ref.Name, w.object.Content, nil)
		case group == "argoproj.io" && w.object.Ref.Kind == "ApplicationSet":
			g.applicationSet(in)
		case group == "source.toolkit.fluxcd.io" && w.object.Ref.Kind == "GitRepository":
			g.sources[w.object.Ref.Namespace+"/"+w.object.Ref.Name] = repositoryName(textAt(w.object.Content, "spec", "url"))
		case group == "kustomize.toolkit.fluxcd.io" && w.object.Ref.Kind == "Kustomization":
			g.fluxKustomization(in)
		case group == "helm.toolkit.fluxcd.io" && w.object.Ref.Kind == "HelmRelease":
			g.helmRelease(in)
		}
	}
}

// written1 is an object with the text of its file.
type written1 struct {
	*written
	data []byte
}

func textAt(content any, keys ...string) string {
	value, _ := object.Keys(keys...).Lookup(content)
	s, _ := value.(string)
	return s
}

func listAt(content any, keys ...string) []any {
	value, _ := object.Keys(keys...).Lookup(content)
	list, _ := value.([]any)
	return list
}

func (g *gitOps) add(in written1, d *deployment) {
	d.object, d.file, d.line = in.written, in.origin.Path, in.origin.Line
	g.found = append(g.found, d)
}

// application reads an Application, or what an ApplicationSet makes of its template at a path.
func (g *gitOps) application(in written1, name string, content any, at object.Path) {
	spec := at.Join(object.Key("spec"))
	sources := []object.Path{spec.Join(object.Key("source"))}
	for i := range listAt(content, "spec", "sources") {
		sources = append(sources, spec.Join(object.Key("sources"), object.At(i)))
	}
	for _, source := range sources {
		value, _ := source[len(at):].Lookup(content)
		s, ok := value.(map[string]any)
		if !ok {
			continue
		}
		d := &deployment{
			id: "argocd:" + name, release: name, namespace: known(textAt(content, "spec", "destination", "namespace")),
			chart: known(textAt(s, "chart")),
		}
		if folder := textAt(s, "path"); d.chart == "" {
			if d.path = g.inRepository(folder); d.path == "" {
				continue
			}
			if !g.here(repositoryName(known(textAt(s, "repoURL")))) {
				d.elsewhere()
			}
		}
		if releaseName := known(textAt(s, "helm", "releaseName")); releaseName != "" {
			d.release = releaseName
		}
		g.argoValues(in, d, s, source, listAt(content, "spec", "sources"))
		g.add(in, d)
	}
}

// known is a text without an action in it, or "".
func known(s string) string {
	if strings.Contains(s, "{{") {
		return ""
	}
	return s
}

// inRepository is a path from the top of the repository, as one of the checkout: that may be a part of it.
func (g *gitOps) inRepository(name string) string {
	clean := inCheckout("", name)
	if rest, ok := strings.CutPrefix(clean+"/", g.prefix); ok && g.prefix != "" {
		return path.Clean("./" + rest)
	}
	return clean
}

// inCheckout is a path from the root, or "" where it is none.
func inCheckout(dir, name string) string {
	if name == "" || strings.Contains(name, "{{") || strings.Contains(name, "://") {
		return ""
	}
	if strings.HasPrefix(name, "/") {
		dir = ""
	}
	joined := path.Join(dir, strings.TrimLeft(name, "/"))
	if joined == ".." || strings.HasPrefix(joined, "../") {
		return ""
	}
	return joined
}

// argoValues reads the layers of an Application's source, in the order in which Argo CD lays them: files, values as a
// text, values as an object, parameters. A file of another source of the Application is looked up where that is this repository.
func (g *gitOps) argoValues(in written1, d *deployment, source map[string]any, at object.Path, sources []any) {
	helm := at.Join(object.Key("helm"))
	for _, item := range listAt(source, "helm", "valueFiles") {
		name, _ := item.(string)
		base := d.path
		if rest, ok := strings.CutPrefix(name, "$"); ok {
			var ref string
			ref, name, _ = strings.Cut(rest, "/")
			if elsewhere := slices.ContainsFunc(sources, func(s any) bool {
				return textAt(s, "ref") == ref && !g.here(repositoryName(known(textAt(s, "repoURL"))))
			}); elsewhere {
				g.file(d, "", name, source)
				continue
			}
			base, name = "", g.inRepository(name)
		}
		g.file(d, inCheckout(base, name), name, source)
	}
	doc := func(field object.Path) object.Path { return in.prefix.Join(field...) }
	if text := textAt(source, "helm", "values"); text != "" {
		field := doc(helm.Join(object.Key("values")))
		if layer, problem := chart.TextLayer(in.origin.Path, in.origin.Document, in.data, in.node, field, g.levels); problem == nil {
			d.layers = append(d.layers, layer)
		} else {
			d.gaps = append(d.gaps, "its values are no YAML")
		}
	}
	if value, _ := object.Keys("helm", "valuesObject").Lookup(source); value != nil {
		if values, ok := value.(map[string]any); ok {
			d.layers = append(d.layers, chart.WrittenLayer(in.origin.Path, in.origin.Document, in.data, in.node, doc(helm.Join(object.Key("valuesObject"))), values))
		}
	}
	parameters := chart.ParameterLayer(in.origin.Path, in.origin.Document, in.data, in.node)
	for i, item := range listAt(source, "helm", "parameters") {
		if name := textAt(item, "name"); name != "" {
			m, _ := item.(map[string]any)
			setParameter(parameters, name, m["value"], m["forceString"] == true, doc(helm.Join(object.Key("parameters"), object.At(i), object.Key("value"))))
		}
	}
	if parameters.Parameters != nil {
		d.layers = append(d.layers, parameters)
	}
}

// setParameter gives one value that stands as a text, or as what a text would be read as.
func setParameter(l *chart.Layer, name string, value any, forceString bool, field object.Path) {
	if text, ok := value.(string); ok && !forceString {
		l.SetText(name, text, field)
		return
	}
	l.Set(name, value, field)
}

// file adds a file of values.
func (g *gitOps) file(d *deployment, name, spelled string, source map[string]any) {
	if name == "" {
		d.gaps = append(d.gaps, "its value file "+quote(spelled)+" is not in the checkout")
		return
	}
	data, err := g.tree.ReadFile(name)
	if err != nil {
		if ignore, _ := object.Keys("helm", "ignoreMissingValueFiles").Lookup(source); ignore != true {
			d.gaps = append(d.gaps, "its value file "+quote(spelled)+" is not in the checkout")
		}
		return
	}
	layer, problem := chart.ParseLayer(name, data, g.levels)
	if problem != nil {
		d.gaps = append(d.gaps, "its value file "+quote(spelled)+" can not be read")
		return
	}
	d.layers = append(d.layers, layer)
}

func (g *gitOps) fluxKustomization(in written1) {
	o := in.object
	folder := textAt(o.Content, "spec", "path")
	if folder == "" {
		folder = "."
	}
	target := textAt(o.Content, "spec", "targetNamespace")
	g.add(in, &deployment{
		id: "flux:" + o.Ref.Namespace + "/" + o.Ref.Name, path: g.inRepository(folder), namespace: target, forces: target != "",
		source: fluxSource(o, "spec", "sourceRef"),
	})
}

// fluxSource is the GitRepository that a reference names, "" for another kind of source.
func fluxSource(o *object.Object, at ...string) string {
	if textAt(o.Content, append(at, "kind")...) != "GitRepository" {
		return ""
	}
	namespace := textAt(o.Content, append(at, "namespace")...)
	if namespace == "" {
		namespace = o.Ref.Namespace
	}
	return namespace + "/" + textAt(o.Content, append(at, "name")...)
}

func (g *gitOps) helmRelease(in written1) {
	o := in.object
	d := &deployment{
		id: "flux:" + o.Ref.Namespace + "/" + o.Ref.Name, release: textAt(o.Content, "spec", "releaseName"),
		namespace: textAt(o.Content, "spec", "targetNamespace"),
	}
	if d.release == "" {
		d.release = o.Ref.Name
		if d.namespace != "" {
			d.release = d.namespace + "-" + o.Ref.Name // as Flux names it
		}
	}
	if d.namespace == "" {
		d.namespace = o.Ref.Namespace
	}
	spec := textAt(o.Content, "spec", "chart", "spec", "chart")
	switch kind := textAt(o.Content, "spec", "chart", "spec", "sourceRef", "kind"); {
	case kind == "GitRepository" || kind == "Bucket" || strings.HasPrefix(spec, "./"):
		d.path, d.source = g.inRepository(spec), fluxSource(o, "spec", "chart", "spec", "sourceRef")
	default:
		d.chart = spec
	}
	for _, item := range listAt(o.Content, "spec", "chart", "spec", "valuesFiles") {
		if name, _ := item.(string); d.path != "" {
			g.file(d, g.inRepository(name), name, nil)
		}
	}
	if from := listAt(o.Content, "spec", "valuesFrom"); len(from) > 0 {
		d.gaps = append(d.gaps, "its values come from Secrets or ConfigMaps too (valuesFrom), which are not laid over them here")
	}
	if value, _ := object.Keys("spec", "values").Lookup(o.Content); value != nil {
		if values, ok := value.(map[string]any); ok {
			d.layers = append(d.layers, chart.WrittenLayer(in.origin.Path, in.origin.Document, in.data, in.node, in.prefix.Join(object.Keys("spec", "values")...), values))
		}
	}
	g.add(in, d)
}

// helmfile reads the releases of a helmfile that is plain YAML.
func (g *gitOps) helmfile(file string, data []byte, d document.Document) {
	node, problem := document.Parse(d, g.levels)
	if problem != nil || node.Rest {
		return
	}
	value, problem := node.Value()
	if problem != nil {
		return
	}
	for i, item := range listAt(value, "releases") {
		name, chartName := textAt(item, "name"), textAt(item, "chart")
		if name == "" || chartName == "" || item.(map[string]any)["installed"] == false {
			continue
		}
		at := object.Keys("releases").Join(object.At(i))
		place, _ := node.LocateValue(at)
		r := &deployment{id: "helmfile:" + name, release: name, namespace: known(textAt(item, "namespace")), file: file, line: place.Line}
		if strings.HasPrefix(chartName, ".") {
			r.path = inCheckout(path.Dir(file), chartName)
		} else {
			r.chart = known(chartName)
		}
		for k, values := range listAt(item, "values") {
			switch v := values.(type) {
			case string:
				g.file(r, inCheckout(path.Dir(file), v), v, nil)
			case map[string]any:
				r.layers = append(r.layers, chart.WrittenLayer(file, d.Index, data, node, at.Join(object.Key("values"), object.At(k)), v))
			}
		}
		set := chart.ParameterLayer(file, d.Index, data, node)
		for k, parameter := range listAt(item, "set") {
			m, _ := parameter.(map[string]any)
			if key := textAt(parameter, "name"); key != "" && m["value"] != nil {
				setParameter(set, key, m["value"], m["forceString"] == true, at.Join(object.Key("set"), object.At(k), object.Key("value")))
			}
		}
		if set.Parameters != nil {
			r.layers = append(r.layers, set)
		}
		g.found = append(g.found, r)
	}
}

// destination is the namespace that the deployments of a folder agree on, for what is at or below it.
func destination(all []*deployment, file string) (namespace string, forced, ok bool) {
	longest := -1
	var found []*deployment
	for _, d := range all {
		if d.path == "" || d.release != "" && d.chart != "" {
			continue
		}
		if d.path != "." && file != d.path && !strings.HasPrefix(file, d.path+"/") {
			continue
		}
		if len(d.path) > longest {
			longest, found = len(d.path), nil
		}
		if len(d.path) == longest {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return "", false, false
	}
	if slices.ContainsFunc(found, func(d *deployment) bool { return d.namespace != found[0].namespace || d.forces != found[0].forces }) {
		return "", false, true
	}
	return found[0].namespace, found[0].forces, true
}

func quote(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return string(bytes.ToValidUTF8([]byte(`"`+strings.ReplaceAll(s, `"`, `'`)+`"`), []byte("?")))
}
