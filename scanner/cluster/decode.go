package cluster

import (
	"bytes"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"

	"dekey/scanner/claim"
	"dekey/scanner/object"
)

// An item is one object of a page, not yet converted.
type item struct {
	meta  metav1.Object
	typed runtime.Object // nil for an unstructured one
	raw   map[string]any
}

// metadataCodecs decode lists of PartialObjectMetadata, which the scheme of the built-in kinds does not know.
var metadataCodecs = func() serializer.CodecFactory {
	s := runtime.NewScheme()
	_ = metav1.AddMetaToScheme(s) // registers constant types; fails only where two of a name differ
	return serializer.NewCodecFactory(s)
}()

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
	// A server that does not speak protobuf, or not for this resource.
	var p page
	var list runtime.Object
	var err error
	switch r.form {
	case custom:
		list, _, err = unstructured.UnstructuredJSONScheme.Decode(answer, nil, nil)
	case metadata:
		list, _, err = metadataCodecs.UniversalDeserializer().Decode(answer, nil, nil)
	default:
		list, _, err = scheme.Codecs.UniversalDeserializer().Decode(answer, nil, nil)
	}
	if err != nil {
		return page{}, errDecode
	}
	about, err := meta.ListAccessor(list)
	if err != nil {
		return page{}, errDecode // one object where a list was asked for
	}
	p.next = about.GetContinue()
	p.items = make([]item, 0, meta.LenList(list))
	err = meta.EachListItem(list, func(o runtime.Object) error {
		it := item{typed: o}
		if u, ok := o.(*unstructured.Unstructured); ok {
			it = item{meta: u, raw: u.Object}
		} else if it.meta, ok = o.(metav1.Object); !ok {
			return errDecode
		}
		p.items = append(p.items, it)
		return nil
	})
	if err != nil {
		return page{}, errDecode
	}
	return p, nil
}

// object gives an item of the resource as dekey reads objects. What is written by the system about an object (its
// status, who set which field) is left out: it is nobody's wish. Of field managers the names are kept that claim an object.
func (r resource) object(it item) (*object.Object, error) {
	if it.raw != nil {
		keepManagers(it.raw)
	}
	o := &object.Object{Ref: object.Ref{
		APIVersion: r.GroupVersion().String(), Kind: r.kind, Namespace: it.meta.GetNamespace(), Name: it.meta.GetName(),
	}, Live: true}
	switch t := it.typed.(type) {
	case nil:
		delete(it.raw, "status")
		o.Content = it.raw
	case *corev1.Secret:
		o.Content, o.Values = secretContent(t), t.Data
	default:
		drop(t)
		about, ok := it.meta.(interface{ GetObjectMeta() metav1.Object }).GetObjectMeta().(*metav1.ObjectMeta)
		if !ok {
			return nil, errDecode
		}
		content, err := convert(t, about)
		if err != nil {
			return nil, err
		}
		delete(content, "status")
		o.Content = content
	}
	o.Content["apiVersion"], o.Content["kind"] = o.Ref.APIVersion, o.Ref.Kind
	return o, nil
}

// drop takes out what nobody asks for, before it is converted: the status, and of pods and containers what says nothing of
// what runs in them.
func drop(o runtime.Object) {
	switch t := o.(type) {
	case *corev1.Pod:
		t.Status = corev1.PodStatus{}
		dropOfPods(&t.Spec)
	case *appsv1.Deployment:
		t.Status, t.Spec.Strategy = appsv1.DeploymentStatus{}, appsv1.DeploymentStrategy{}
		t.Spec.RevisionHistoryLimit, t.Spec.ProgressDeadlineSeconds = nil, nil
	case *appsv1.StatefulSet:
		t.Status = appsv1.StatefulSetStatus{}
	case *batchv1.Job:
		t.Status = batchv1.JobStatus{}
	}
	if spec := podSpec(o); spec != nil {
		dropOfPods(spec)
	}
}

func dropOfPods(spec *corev1.PodSpec) {
	spec.SchedulerName, spec.TerminationGracePeriodSeconds = "", nil
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			c := &containers[i]
			c.Resources, c.Ports = corev1.ResourceRequirements{}, nil
			c.TerminationMessagePath, c.TerminationMessagePolicy, c.ImagePullPolicy = "", "", ""
			for _, probe := range []**corev1.Probe{&c.LivenessProbe, &c.ReadinessProbe, &c.StartupProbe} {
				if *probe != nil && (*probe).Exec == nil {
					*probe = nil
				}
			}
		}
	}
}

// secretContent is what the converter would give, without the data. There are more Secrets than anything else.
func secretContent(s *corev1.Secret) map[string]any {
	content := map[string]any{"metadata": metadataContent(&s.ObjectMeta), "type": string(s.Type)}
	if s.Immutable != nil {
		content["immutable"] = *s.Immutable
	}
	return content
}

// keepManagers leaves of an unstructured object's managed fields the names of the tools that claim it.
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
