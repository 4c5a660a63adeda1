package wiring

import (
	"slices"

	"dekey/scanner/object"
)

// A Preset is what a Prow configuration adds to the pods of every job that bears its labels: variables, volumes, mounts.
// Source: docs.prow.k8s.io, "ProwJobs", presets.
type Preset struct {
	Labels map[string]string
	pod    Pod
}

// Name spells the preset's labels.
func (p Preset) Name() string {
	name := ""
	for _, key := range sortedLabels(p.Labels) {
		if name != "" {
			name += ","
		}
		name += key + "=" + p.Labels[key]
	}
	return name
}

func sortedLabels(labels map[string]string) []string {
	keys := make([]string, 0, len(labels))
	for key := range labels {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Presets are the presets of a Prow configuration that bring something, in its order.
func Presets(o *object.Object) []Preset {
	var presets []Preset
	for i, raw := range list(o.Content["presets"]) {
		m, _ := raw.(map[string]any)
		labels := texts(m["labels"])
		if len(labels) == 0 {
			continue
		}
		at := object.Keys("presets").Join(object.At(i))
		e := &extraction{Extractor: NewExtractor(), object: o}
		p := Preset{Labels: labels}
		p.pod.volumes = e.decodeVolumes(m["volumes"], at)
		e.container(&p.pod, m, "container", at)
		e.locate(&p.pod)
		presets = append(presets, p)
	}
	return presets
}

// First is the name of the first thing that the preset brings: it orders presets with the same labels.
func (p Preset) First() string {
	c := p.pod.containers[0]
	names := make([]string, 0, len(c.env)+len(p.pod.volumes))
	for _, v := range c.env {
		names = append(names, v.name+"="+v.value)
	}
	for _, v := range p.pod.volumes {
		names = append(names, v.name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// AppliesTo says that a job with these labels gets the preset.
func (p Preset) AppliesTo(labels map[string]string) bool {
	for key, value := range p.Labels {
		if labels[key] != value {
			return false
		}
	}
	return len(p.Labels) > 0
}

// With is the pod as it runs with a preset: its variables, volumes and mounts are added to every container. What they
// bring stands in another object, and is edited by nobody here.
func (p Pod) With(preset Preset) Pod {
	p.volumes = slices.Clone(p.volumes)
	for _, v := range preset.pod.volumes {
		v.preset = preset.Name()
		p.volumes = append(p.volumes, v)
	}
	p.containers = slices.Clone(p.containers)
	brought := preset.pod.containers[0]
	for i := range p.containers {
		c := &p.containers[i]
		c.env, c.names = slices.Clone(c.env), slices.Clone(c.names)
		for _, v := range brought.env {
			if slices.Contains(c.names, v.name) {
				continue
			}
			v.preset = preset.Name()
			c.env = append(c.env, v)
		}
		c.mounts = slices.Clone(c.mounts)
		for _, m := range brought.mounts {
			m.preset = preset.Name()
			c.mounts = append(c.mounts, m)
		}
	}
	p.preset = true
	return p
}

// byPreset is the obstacle of a use that a preset brings, whole or in part.
func byPreset(name string) object.Obstacle {
	return hold(noRecipe, "the preset %s brings the key to every job with its labels, and cannot set serviceAccountName", visible(name))
}

// AccountPreset is the label by which jobs ask for the preset that brings the variable GOOGLE_APPLICATION_CREDENTIALS and
// the key behind it. Source: kubernetes/test-infra, config/prow/config.yaml.
const AccountPreset = "preset-service-account"

const standardVariable = "GOOGLE_APPLICATION_CREDENTIALS"

// WithoutPreset is the use of a key by a pod whose job asks for AccountPreset when that is not to be seen. A pod that
// sets the variable itself has none.
func (p Pod) WithoutPreset() (u Use, ok bool) {
	if len(p.containers) == 0 || slices.ContainsFunc(p.containers, func(c container) bool { return slices.Contains(c.names, standardVariable) }) {
		return Use{}, false
	}
	c := p.containers[0]
	return Use{
		PodSpec: p.path, Container: c.name, ContainerType: c.typ, Via: object.EnvFile, Env: standardVariable, Standard: true, Dangling: true,
		Hold: []object.Obstacle{hold(dangling, "the label %s brings %s and a key, and no preset with that label was read", AccountPreset, standardVariable)},
	}, true
}
