package planner

import (
	"dekey/scanner"
	"dekey/scanner/object"
)

// unset are the edits for a variable that a ConfigMap sets through envFrom. Where only this workload reads it, its entry goes.
// Where others do, the ConfigMap stays as it is, and the container sets the variable to nothing: client libraries take an
// empty variable for none.
func (w *world) unset(x *work, u *use) []Edit {
	from := *u.Elsewhere
	if w.soleReader(x, from) {
		ref := scanner.Ref{APIVersion: "v1", Kind: from.Kind, Namespace: from.Namespace, Name: from.Name}
		return []Edit{{Object: ref, Op: OpRemove, Field: object.Keys("data", from.Entry), Why: "the variable that pointed at the key, which this workload alone reads"}}
	}
	c := x.container(u)
	if c == nil {
		return nil
	}
	return []Edit{{
		Object: x.ref, Op: OpAppend, Field: c.Field.Join(object.Key("env")), Value: map[string]any{"name": u.Env, "value": ""},
		Why: "the variable of the shared ConfigMap, which points at the key, is empty here",
	}}
}

// soleReader says whether no other workload with a key takes variables from the ConfigMap.
func (w *world) soleReader(x *work, from scanner.Holder) bool {
	for _, y := range w.elsewhere[holderKey(from)] {
		if y != x {
			return false
		}
	}
	return true
}

// container is the container of a use, nil where its pods were not read.
func (x *work) container(u *use) *scanner.Container {
	if x.obj == nil {
		return nil
	}
	for i := range x.obj.PodSpecs {
		p := &x.obj.PodSpecs[i]
		if len(u.PodSpec) > 0 && !u.PodSpec.Equal(p.Path) {
			continue
		}
		for j := range p.Containers {
			c := &p.Containers[j]
			if c.Name == u.Container && (u.ContainerType == "" || u.ContainerType == c.Type) {
				return c
			}
		}
	}
	return nil
}
