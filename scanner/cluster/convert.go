package cluster

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// convert gives a built-in object as decoded JSON. The general converter is slow where there is most: metadata, pod specs and
// their containers. Those are converted here, the rest by it.
func convert(o runtime.Object, about *metav1.ObjectMeta) (map[string]any, error) {
	saved := *about
	*about = metav1.ObjectMeta{}
	spec := podSpec(o)
	if pod, ok := o.(*corev1.Pod); ok {
		spec = &pod.Spec
	}
	var whole corev1.PodSpec
	if spec != nil {
		whole, *spec = *spec, corev1.PodSpec{}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, errDecode
	}
	content["metadata"] = metadataContent(&saved)
	if spec == nil {
		return content, nil
	}
	holder := podSpecHolder(content)
	if holder == nil {
		return nil, errDecode
	}
	if holder["spec"], err = podSpecContent(&whole); err != nil {
		return nil, err
	}
	return content, nil
}

// podSpecHolder is the mapping of converted content whose spec is the pod spec.
func podSpecHolder(content map[string]any) map[string]any {
	holder := content
	spec, _ := content["spec"].(map[string]any)
	if job, ok := spec["jobTemplate"].(map[string]any); ok {
		spec, _ = job["spec"].(map[string]any)
	}
	if template, ok := spec["template"].(map[string]any); ok {
		holder = template
	}
	return holder
}

// podSpecContent converts by hand what nearly every pod spec has.
func podSpecContent(spec *corev1.PodSpec) (map[string]any, error) {
	rest := *spec
	rest.Containers, rest.InitContainers = nil, nil
	rest.RestartPolicy, rest.DNSPolicy, rest.SchedulerName, rest.TerminationGracePeriodSeconds = "", "", "", nil
	rest.ServiceAccountName, rest.DeprecatedServiceAccount = "", ""
	if rest.SecurityContext != nil && reflect.ValueOf(rest.SecurityContext).Elem().IsZero() {
		rest.SecurityContext = nil
	}
	content := map[string]any{}
	if !reflect.ValueOf(&rest).Elem().IsZero() {
		var err error
		if content, err = runtime.DefaultUnstructuredConverter.ToUnstructured(&rest); err != nil {
			return nil, errDecode
		}
		delete(content, "containers") // null is written where there are none
	}
	set := func(key, value string) {
		if value != "" {
			content[key] = value
		}
	}
	set("restartPolicy", string(spec.RestartPolicy))
	set("dnsPolicy", string(spec.DNSPolicy))
	set("schedulerName", spec.SchedulerName)
	set("serviceAccountName", spec.ServiceAccountName)
	set("serviceAccount", spec.DeprecatedServiceAccount)
	if spec.TerminationGracePeriodSeconds != nil {
		content["terminationGracePeriodSeconds"] = *spec.TerminationGracePeriodSeconds
	}
	if spec.SecurityContext != nil && rest.SecurityContext == nil {
		content["securityContext"] = map[string]any{}
	}
	if err := setContainers(content, "containers", spec.Containers); err != nil {
		return nil, err
	}
	return content, setContainers(content, "initContainers", spec.InitContainers)
}

func setContainers(content map[string]any, key string, list []corev1.Container) error {
	if len(list) == 0 {
		return nil
	}
	converted := make([]any, len(list))
	for i := range list {
		var err error
		if converted[i], err = containerContent(&list[i]); err != nil {
			return err
		}
	}
	content[key] = converted
	return nil
}

// metadataContent is an object's metadata without what the system keeps in it for itself.
func metadataContent(m *metav1.ObjectMeta) map[string]any {
	about := map[string]any{"name": m.Name}
	if m.Namespace != "" {
		about["namespace"] = m.Namespace
	}
	if m.UID != "" {
		about["uid"] = string(m.UID)
	}
	if len(m.Labels) > 0 {
		about["labels"] = stringMap(m.Labels)
	}
	if len(m.Annotations) > 0 {
		about["annotations"] = stringMap(m.Annotations)
	}
	if len(m.OwnerReferences) > 0 {
		owners := make([]any, len(m.OwnerReferences))
		for i := range m.OwnerReferences {
			ref := &m.OwnerReferences[i]
			owner := map[string]any{"apiVersion": ref.APIVersion, "kind": ref.Kind, "name": ref.Name, "uid": string(ref.UID)}
			if ref.Controller != nil {
				owner["controller"] = *ref.Controller
			}
			owners[i] = owner
		}
		about["ownerReferences"] = owners
	}
	return about
}

func containerContent(c *corev1.Container) (map[string]any, error) {
	rest := *c
	rest.Name, rest.Image, rest.WorkingDir, rest.Command, rest.Args, rest.Env, rest.VolumeMounts = "", "", "", nil, nil, nil, nil
	content := map[string]any{}
	if !reflect.ValueOf(&rest).Elem().IsZero() {
		var err error
		if content, err = runtime.DefaultUnstructuredConverter.ToUnstructured(&rest); err != nil {
			return nil, errDecode
		}
		if len(rest.Resources.Limits)+len(rest.Resources.Requests)+len(rest.Resources.Claims) == 0 {
			delete(content, "resources") // {} is written where there are none
		}
	}
	content["name"] = c.Name
	set := func(key, value string) {
		if value != "" {
			content[key] = value
		}
	}
	set("image", c.Image)
	set("workingDir", c.WorkingDir)
	if len(c.Command) > 0 {
		content["command"] = words(c.Command)
	}
	if len(c.Args) > 0 {
		content["args"] = words(c.Args)
	}
	if len(c.Env) > 0 {
		env := make([]any, len(c.Env))
		for i := range c.Env {
			v := map[string]any{"name": c.Env[i].Name}
			if c.Env[i].Value != "" {
				v["value"] = c.Env[i].Value
			}
			if from := c.Env[i].ValueFrom; from != nil {
				converted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(from)
				if err != nil {
					return nil, errDecode
				}
				v["valueFrom"] = converted
			}
			env[i] = v
		}
		content["env"] = env
	}
	if len(c.VolumeMounts) > 0 {
		mounts := make([]any, len(c.VolumeMounts))
		for i := range c.VolumeMounts {
			m := &c.VolumeMounts[i]
			mount := map[string]any{"name": m.Name, "mountPath": m.MountPath}
			if m.ReadOnly {
				mount["readOnly"] = true
			}
			if m.SubPath != "" {
				mount["subPath"] = m.SubPath
			}
			if m.SubPathExpr != "" {
				mount["subPathExpr"] = m.SubPathExpr
			}
			mounts[i] = mount // how a mount is propagated is nothing to us
		}
		content["volumeMounts"] = mounts
	}
	return content, nil
}

func words(list []string) []any {
	converted := make([]any, len(list))
	for i, w := range list {
		converted[i] = w
	}
	return converted
}

func stringMap(m map[string]string) map[string]any {
	converted := make(map[string]any, len(m))
	for k, v := range m {
		converted[k] = v
	}
	return converted
}
