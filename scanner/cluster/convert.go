package cluster

import (
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"dekey/scanner/claim"
)

// convert gives a built-in object as decoded JSON. The general converter is slow where there is most: metadata, workloads, pod
// specs and their containers. Those are converted here, the rest by it.
func convert(o runtime.Object, about *metav1.ObjectMeta) (map[string]any, error) {
	saved := *about
	*about = metav1.ObjectMeta{}
	content := map[string]any{}
	spec, err := workloadContent(o)
	switch {
	case err != nil:
		return nil, err
	case spec != nil:
		content["spec"] = spec
	default:
		if content, err = general(o); err != nil {
			return nil, err
		}
	}
	content["metadata"] = metadataContent(&saved)
	return content, nil
}

func general(o any) (map[string]any, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, errDecode
	}
	return content, nil
}

// workloadContent is the spec of a workload of a kind of which there are many; nil of any other object.
func workloadContent(o runtime.Object) (map[string]any, error) {
	switch t := o.(type) {
	case *corev1.Pod:
		return podSpecContent(&t.Spec)
	case *corev1.ReplicationController:
		rest := t.Spec
		rest.Template = nil
		content, err := general(&rest)
		if err != nil || t.Spec.Template == nil {
			return content, err
		}
		spec, err := podSpecContent(&t.Spec.Template.Spec)
		if err != nil {
			return nil, err
		}
		content["template"], err = templateContent(&t.Spec.Template.ObjectMeta, spec)
		return content, err
	case *appsv1.Deployment:
		rest := t.Spec
		rest.Replicas, rest.Selector, rest.Template = nil, nil, corev1.PodTemplateSpec{}
		return ofWorkload(&rest, t.Spec.Replicas, t.Spec.Selector, &t.Spec.Template)
	case *appsv1.StatefulSet:
		rest := t.Spec
		rest.Replicas, rest.Selector, rest.Template = nil, nil, corev1.PodTemplateSpec{}
		return ofWorkload(&rest, t.Spec.Replicas, t.Spec.Selector, &t.Spec.Template)
	case *appsv1.DaemonSet:
		rest := t.Spec
		rest.Selector, rest.Template = nil, corev1.PodTemplateSpec{}
		return ofWorkload(&rest, nil, t.Spec.Selector, &t.Spec.Template)
	case *batchv1.Job:
		return jobContent(&t.Spec)
	case *batchv1.CronJob:
		rest := t.Spec
		rest.JobTemplate = batchv1.JobTemplateSpec{}
		content, err := general(&rest)
		if err != nil {
			return nil, err
		}
		job, err := jobContent(&t.Spec.JobTemplate.Spec)
		if err != nil {
			return nil, err
		}
		content["jobTemplate"], err = templateContent(&t.Spec.JobTemplate.ObjectMeta, job)
		return content, err
	}
	return nil, nil
}

func jobContent(spec *batchv1.JobSpec) (map[string]any, error) {
	rest := *spec
	rest.Selector, rest.Template = nil, corev1.PodTemplateSpec{}
	return ofWorkload(&rest, nil, spec.Selector, &spec.Template)
}

// ofWorkload is the spec of a workload: rest is what is not converted here.
func ofWorkload(rest any, replicas *int32, selector *metav1.LabelSelector, template *corev1.PodTemplateSpec) (map[string]any, error) {
	content := map[string]any{}
	if !reflect.ValueOf(rest).Elem().IsZero() {
		var err error
		if content, err = general(rest); err != nil {
			return nil, err
		}
	}
	if replicas != nil {
		content["replicas"] = int64(*replicas)
	}
	delete(content, "selector") // null is written where there is none
	if selector != nil {
		if len(selector.MatchExpressions) == 0 && len(selector.MatchLabels) > 0 {
			content["selector"] = map[string]any{"matchLabels": stringMap(selector.MatchLabels)}
		} else {
			var err error
			if content["selector"], err = general(selector); err != nil {
				return nil, err
			}
		}
	}
	spec, err := podSpecContent(&template.Spec)
	if err != nil {
		return nil, err
	}
	content["template"], err = templateContent(&template.ObjectMeta, spec)
	return content, err
}

// templateContent is a template with its metadata, which has labels and annotations and seldom anything else.
func templateContent(about *metav1.ObjectMeta, spec map[string]any) (map[string]any, error) {
	content := map[string]any{"spec": spec}
	rest := *about
	rest.Labels, rest.Annotations = nil, nil
	metadata := map[string]any{}
	if !reflect.ValueOf(&rest).Elem().IsZero() {
		var err error
		if metadata, err = general(&rest); err != nil {
			return nil, err
		}
	}
	if len(about.Labels) > 0 {
		metadata["labels"] = stringMap(about.Labels)
	}
	if len(about.Annotations) > 0 {
		metadata["annotations"] = stringMap(about.Annotations)
	}
	content["metadata"] = metadata
	return content, nil
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
		if content, err = general(&rest); err != nil {
			return nil, err
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
	var managers []any
	for i := range m.ManagedFields {
		if manager := m.ManagedFields[i].Manager; claim.FieldManager(manager) != "" {
			managers = append(managers, map[string]any{"manager": manager})
		}
	}
	if managers != nil {
		about["managedFields"] = managers
	}
	return about
}

func containerContent(c *corev1.Container) (map[string]any, error) {
	rest := *c
	rest.Name, rest.Image, rest.WorkingDir, rest.Command, rest.Args, rest.Env, rest.VolumeMounts = "", "", "", nil, nil, nil, nil
	content := map[string]any{}
	if !reflect.ValueOf(&rest).Elem().IsZero() {
		var err error
		if content, err = general(&rest); err != nil {
			return nil, err
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
				converted, err := general(from)
				if err != nil {
					return nil, err
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
