package cluster

import (
	"bytes"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dekey/scanner/claim"
	"dekey/scanner/object"
)

// An item is one object of a page.
type item struct {
	meta   metav1.Object
	raw    map[string]any
	values map[string][]byte // of a Secret in protobuf: raw has no data then
}

func newItem(raw map[string]any) item {
	return item{meta: &unstructured.Unstructured{Object: raw}, raw: raw}
}

// leaving says that somebody deleted the object, which goes when its finalizers are done.
func (it item) leaving() bool {
	_, leaving := below(it.raw, "metadata")["deletionTimestamp"]
	return leaving
}

func (r resource) accept() string {
	switch r.form {
	case metadata:
		return acceptMetadata
	case custom:
		return acceptCustom
	default:
		return acceptTyped
	}
}

// decode reads one page. Its errors never quote the answer.
func (r resource) decode(answer []byte) (page, error) {
	if r.form != custom && bytes.HasPrefix(answer, protoMagic) {
		raw, next, err := split(answer)
		return page{raw: raw, next: next}, err
	}
	// Of a custom resource, or of a server that does not speak protobuf.
	decoded, _, err := unstructured.UnstructuredJSONScheme.Decode(answer, nil, nil)
	if err != nil {
		return page{}, errDecode
	}
	list, ok := decoded.(*unstructured.UnstructuredList)
	if !ok {
		return page{}, errDecode // one object where a list was asked for
	}
	p := page{next: list.GetContinue(), items: make([]item, len(list.Items))}
	for i := range list.Items {
		p.items[i] = newItem(list.Items[i].Object)
	}
	return p, nil
}

// object gives an item of the resource as dekey reads objects. What is written by the system about an object (its
// status, who set which field) is left out: it is nobody's wish. Of field managers the names are kept that claim an object.
func (r resource) object(it item) *object.Object {
	keepManagers(it.raw)
	delete(it.raw, "status")
	o := &object.Object{Ref: object.Ref{
		APIVersion: r.GroupVersion().String(), Kind: r.kind, Namespace: it.meta.GetNamespace(), Name: it.meta.GetName(),
	}, Live: true, Content: it.raw, Values: it.values}
	o.Content["apiVersion"], o.Content["kind"] = o.Ref.APIVersion, o.Ref.Kind
	return o
}

// keepManagers leaves of an object's managed fields the names of the tools that claim it.
func keepManagers(content map[string]any) {
	about, _ := content["metadata"].(map[string]any)
	entries, _ := about["managedFields"].([]any)
	delete(about, "managedFields")
	var kept []any
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		if manager, _ := entry["manager"].(string); claim.FieldManager(manager) != "" {
			kept = append(kept, map[string]any{"manager": manager})
		}
	}
	if kept != nil {
		about["managedFields"] = kept
	}
}
