package manifest

import (
	"path"
	"strings"

	"dekey/scanner"
	"dekey/scanner/catalog"
	"dekey/scanner/manifest/chart"
	"dekey/scanner/object"
)

// thirdParty yields the charts of others that a chart depends on and the checkout does not have: their values stand in
// the values of the chart.
func (r *Reader) thirdParty(p *pass, sink scanner.Sink, dir string, s selection) {
	loaded := p.charts.loaded[dir]
	for _, release := range p.charts.releases[dir] {
		layers := release.Layers
		if loaded.Own != nil {
			layers = append([]*chart.Layer{loaded.Own}, layers...)
		}
		var known []object.ChartValues
		for _, d := range loaded.Missing {
			if _, ok := catalog.ChartValues(d.Name); ok {
				known = append(known, object.ChartValues{Name: d.Name, Values: object.Keys("values", d.Key), Namespace: release.Namespace})
			}
		}
		if len(known) > 0 {
			for _, k := range known {
				for _, l := range layers {
					p.charts.said["values "+l.File+" "+k.Values[len(k.Values)-1].Key] = true
				}
			}
			r.yieldValues(p, sink, s, release.ID, object.Ref{APIVersion: "helm.sh/v3", Kind: "HelmChart", Namespace: release.Namespace, Name: release.Name}, layers, known)
		}
	}
}

// yieldDeployments yields the releases of charts that are elsewhere, and known to the catalogue.
func (r *Reader) yieldDeployments(p *pass, sink scanner.Sink, s selection) {
	for _, d := range p.charts.deployments {
		if d.chart == "" || len(d.layers) == 0 {
			continue
		}
		if _, ok := catalog.ChartValues(d.chart); !ok {
			continue
		}
		ref := object.Ref{APIVersion: "helmfile", Kind: "Release", Namespace: d.namespace, Name: d.release}
		if d.object != nil {
			ref = d.object.object.Ref
		}
		for _, gap := range d.gaps {
			r.sayChart(p, sink, d.file, d.line, gap)
		}
		for _, l := range d.layers {
			p.charts.said["values "+l.File+" "] = true
		}
		r.yieldValues(p, sink, s, d.id, ref, d.layers, []object.ChartValues{{Name: d.chart, Values: object.Keys("values"), Namespace: d.namespace}})
	}
}

// yieldValues yields an object that holds merged values, each of which is traced to its layer.
func (r *Reader) yieldValues(p *pass, sink scanner.Sink, s selection, root string, ref object.Ref, layers []*chart.Layer, known []object.ChartValues) {
	if s.quiet {
		return
	}
	values := &chart.Values{Layers: layers, Source: r.source.ID, Roots: []string{root}}
	o := &scanner.Object{
		Ref: ref, Root: root, Charts: known, Locator: values, Origins: values.Origins(),
		Content: map[string]any{
			"apiVersion": ref.APIVersion, "kind": ref.Kind, "metadata": map[string]any{"name": ref.Name},
			"values": chart.Merge(layers),
		},
	}
	if s.object != nil && !s.object(o) || !p.once(place{root: root, ref: ref}) {
		return
	}
	sink.Object(o)
	for _, l := range layers {
		if data, err := p.tree.ReadFile(l.File); err == nil {
			p.digest(l.File, data)
		}
	}
}

// isHelmfile says whether a file lists releases for helmfile.
func isHelmfile(name string) bool {
	base := path.Base(name)
	return base == "helmfile.yaml" || base == "helmfile.yml" || strings.HasPrefix(name, "helmfile.d/") && strings.HasSuffix(name, ".yaml")
}
