package manifest

import (
	"strconv"
	"strings"

	"dekey/scanner"
	"dekey/scanner/claim"
	"dekey/scanner/manifest/document"
	"dekey/scanner/object"
)

// A written object is one object of a file, with the document that it stands in.
type written struct {
	object *scanner.Object
	node   *document.Node
	prefix object.Path // of the object in its document: items[3], or nothing
	origin scanner.Origin
	roots  []string // that its file reaches
}

// Locate finds a field of the object in its file.
func (w *written) Locate(field object.Path) []object.Place {
	full := w.prefix.Join(field...)
	at, ok := w.node.Locate(full)
	if !ok {
		return nil
	}
	origin := w.origin
	origin.Line, origin.Column = at.Line, at.Column
	return []object.Place{{Origin: origin, Role: object.Manifest, Field: full, Roots: w.roots}}
}

// objects are the Kubernetes objects of a decoded document: itself, or the items of a list. A value that is none
// gives nothing.
func objects(node *document.Node, value any, origin scanner.Origin) []*written {
	var found []*written
	collect(node, value, nil, origin, &found)
	return found
}

func collect(node *document.Node, value any, at object.Path, origin scanner.Origin, found *[]*written) {
	content, ok := value.(map[string]any)
	if !ok {
		return
	}
	apiVersion, _ := content["apiVersion"].(string)
	kind, _ := content["kind"].(string)
	if apiVersion == "" || kind == "" {
		if len(at) == 0 && apiVersion == "" && kind == "" {
			collectProw(node, content, origin, found)
		}
		return
	}
	if items, ok := content["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		for i, item := range items {
			if m, ok := item.(map[string]any); ok && kind != "List" {
				inherit(m, apiVersion, strings.TrimSuffix(kind, "List"))
			}
			collect(node, item, at.Join(object.Key("items"), object.At(i)), origin, found)
		}
		return
	}
	metadata, _ := content["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	if name == "" {
		name, _ = metadata["generateName"].(string)
	}
	if name == "" || strings.HasPrefix(apiVersion, "kustomize.config.k8s.io/") {
		return
	}
	namespace, _ := metadata["namespace"].(string)
	w := &written{node: node, prefix: at, origin: origin}
	if place, ok := node.LocateValue(at); ok {
		w.origin.Line, w.origin.Column = place.Line, place.Column
	}
	w.object = &scanner.Object{
		Ref:     scanner.Ref{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name},
		Content: content,
		Origins: []scanner.Origin{w.origin},
		Locator: w,
	}
	*found = append(*found, w)
}

// inherit gives an item of a typed list (DeploymentList) the kind that the list spares it.
func inherit(item map[string]any, apiVersion, kind string) {
	if item["apiVersion"] == nil && item["kind"] == nil && kind != "" {
		item["apiVersion"], item["kind"] = apiVersion, kind
	}
}

// namespace gives an object that names no namespace the one that its file is deployed to, else the one that a rule gives
// its file.
func (r *Reader) namespace(o *scanner.Object, p *pass, file string) {
	if object.ClusterScoped(o.Ref.Kind) {
		return
	}
	if namespace, forced, ok := destination(p.charts.deployments, file); ok && (forced || o.Ref.Namespace == "") {
		o.Ref.Namespace = namespace
	}
	if o.Ref.Namespace != "" {
		return
	}
	best := -1
	for _, rule := range r.options.Namespaces {
		at := strings.Trim(strings.TrimPrefix(rule.Path, "./"), "/")
		if at == "." {
			at = "" // the root: anything else is longer
		}
		below := at == "" || file == at || strings.HasPrefix(file, at+"/")
		if below && len(at) > best {
			best, o.Ref.Namespace = len(at), rule.Namespace
		}
	}
}

// fromCluster says whether an object was printed by a cluster: it carries what only the API server sets.
func fromCluster(o *scanner.Object) bool {
	metadata, _ := o.Content["metadata"].(map[string]any)
	uid, _ := metadata["uid"].(string)
	_, version := metadata["resourceVersion"].(string)
	return uid != "" && version
}

// claimed says of what a dump shows of a cluster who claims it, as for a cluster itself.
func claimed(objects []*written) {
	var index claim.Index
	for _, w := range objects {
		if w.object.Live {
			index.Learn(w.object.Ref, w.object.Content)
		}
	}
	for _, w := range objects {
		if w.object.Live {
			w.object.Managers = index.Of(w.object.Ref, w.object.Content)
		}
	}
}

func where(file string, line int) string {
	if line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(line)
}
