package planner

import (
	"slices"
	"strings"

	"dekey/scanner"
)

// carried: a new service account has what the old one carries, bystanders keep what they have, and default is left alone.
func (c *check) carried() {
	exists := make(map[name]bool)
	for _, sa := range c.inv.ServiceAccounts {
		exists[name{sa.Ref.Namespace, sa.Ref.Name}] = true
	}
	for _, pods := range c.model().runs {
		for _, ksa := range pods {
			exists[ksa] = true
		}
	}
	// Workloads whose service account one value of a chart chooses have the same new one.
	choices, makers := make(map[scanner.Ref]string), make(map[name]string)
	for _, x := range c.inv.Workloads {
		if x.AccountChoice != nil {
			choices[refKey(x.Ref)] = x.AccountChoice.By
		}
	}
	for i := range c.plan.Moves {
		m := &c.plan.Moves[i]
		for _, e := range m.Edits {
			c.allowed(m, e)
		}
		if !m.ServiceAccount.Create {
			continue
		}
		made := name{m.ServiceAccount.Namespace, m.ServiceAccount.Name}
		choice := choices[refKey(m.Workload)]
		if exists[made] && (choice == "" || makers[made] != choice) {
			c.fail("name", m.Workload, "the new service account %s/%s exists, or something runs under it", made.namespace, made.name)
		}
		exists[made], makers[made] = true, choice
		c.carriedBindings(m)
		c.carriedSettings(m)
	}
}

// allowed: an edit is of the workload itself, of its own service account, or additive.
func (c *check) allowed(m *Move, e Edit) {
	switch kind := e.Object.Kind; {
	case refKey(e.Object) == refKey(m.Workload):
	case kind == "ServiceAccount" && e.Object.Name == "default":
		c.fail("default", m.Workload, "edits the service account default")
	case kind == "ServiceAccount" && e.Object.Name == m.ServiceAccount.Name && e.Object.Namespace == m.ServiceAccount.Namespace &&
		(e.Op == OpCreate) == m.ServiceAccount.Create && (e.Op == OpCreate || e.Op == OpSet && strings.Contains(e.Field.String(), AccountAnnotation)):
	case (kind == "RoleBinding" || kind == "ClusterRoleBinding") && (e.Op == OpAppend && e.Field.String() == "subjects" || e.Op == OpCreate):
		if !namesSubject(e, m.ServiceAccount) {
			c.fail("gained", m.Workload, "%s gives roles to somebody else than %s", e.Object, m.ServiceAccount.Name)
		}
	case kind == "NetworkPolicy" && e.Op == OpCreate:
		c.selectsOthers(m, e)
	case kind == "ConfigMap" && e.Op == OpCreate:
	case kind == "ConfigMap" && e.Op == OpRemove && c.soleVariable(m, e):
	default:
		c.fail("bystander", m.Workload, "%s %s of %s", e.Op, e.Field, e.Object)
	}
}

// selectsOthers: a new network policy selects the workload's pods alone. It would isolate others, and open the metadata server
// to them.
func (c *check) selectsOthers(m *Move, e Edit) {
	content, _ := e.Value.(map[string]any)
	spec, _ := content["spec"].(map[string]any)
	selector, _ := spec["podSelector"].(map[string]any)
	labels, _ := selector["matchLabels"].(map[string]any)
	for _, w := range c.inv.Workloads {
		if w.Ref.Namespace != e.Object.Namespace || refKey(w.Ref) == refKey(m.Workload) {
			continue
		}
		for _, p := range w.PodSpecs {
			selects := true
			for key, value := range labels {
				have, there := p.Labels[key]
				selects = selects && there && have == value
			}
			if selects {
				c.fail("bystander", m.Workload, "%s selects %s too", e.Object, w.Ref)
			}
		}
	}
}

// namesSubject says whether everybody whom the edit of a role binding adds is the service account.
func namesSubject(e Edit, sa ServiceAccount) bool {
	subjects := []any{e.Value}
	if e.Op == OpCreate {
		content, _ := e.Value.(map[string]any)
		subjects, _ = content["subjects"].([]any)
	}
	for _, s := range subjects {
		subject, _ := s.(map[string]any)
		switch subject["kind"] {
		case "ServiceAccount":
			if subject["name"] != sa.Name || subject["namespace"] != sa.Namespace {
				return false
			}
		case "User":
			if subject["name"] != "system:serviceaccount:"+sa.Namespace+":"+sa.Name {
				return false
			}
		default:
			return false
		}
	}
	return len(subjects) > 0
}

// soleVariable says whether the entry sets the variable of this workload's key, and of no other's.
func (c *check) soleVariable(m *Move, e Edit) bool {
	mine := false
	for _, f := range c.inv.Findings {
		if f.Elsewhere == nil || f.Elsewhere.Name != e.Object.Name || f.Elsewhere.Namespace != e.Object.Namespace {
			continue
		}
		if refKey(f.Workload) != refKey(m.Workload) {
			return false
		}
		mine = mine || e.Field.String() == scanner.Path{{Key: "data"}, {Key: f.Elsewhere.Entry}}.String()
	}
	return mine
}

// carriedBindings: every role of the old service account is one of the new.
func (c *check) carriedBindings(m *Move) {
	for _, b := range c.roles[name{m.ServiceAccount.Namespace, m.Before}] {
		if !slices.ContainsFunc(m.Edits, func(e Edit) bool {
			if e.Op == OpAppend && refKey(e.Object) == refKey(b.Ref) {
				return true
			}
			content, _ := e.Value.(map[string]any)
			role, _ := content["roleRef"].(map[string]any)
			return e.Op == OpCreate && e.Object.Kind == b.Ref.Kind && e.Object.Namespace == b.Ref.Namespace && role["kind"] == b.RoleRef.Kind && role["name"] == b.RoleRef.Name
		}) {
			c.fail("lost", m.Workload, "the role %s of %s", b.RoleRef.Name, b.Ref)
		}
	}
}

// carriedSettings: pull secrets, the automount setting, and annotations that other clouds read.
func (c *check) carriedSettings(m *Move) {
	i := slices.IndexFunc(m.Edits, func(e Edit) bool { return e.Op == OpCreate && e.Object.Kind == "ServiceAccount" })
	if i < 0 {
		c.fail("lost", m.Workload, "the new service account is not written")
		return
	}
	content, _ := m.Edits[i].Value.(map[string]any)
	metadata, _ := content["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	pulls, _ := content["imagePullSecrets"].([]any)
	for _, sa := range c.definitions[name{m.ServiceAccount.Namespace, m.Before}] {
		for _, secret := range sa.ImagePullSecrets {
			if !slices.ContainsFunc(pulls, func(p any) bool { r, _ := p.(map[string]any); return r["name"] == secret }) {
				c.fail("lost", m.Workload, "the pull secret %s", secret)
			}
		}
		if automount, written := content["automountServiceAccountToken"]; sa.Automount != nil && !written || written && automount == true && sa.Automount != nil && !*sa.Automount && !c.automounts(sa) {
			c.fail("lost", m.Workload, "the automount setting")
		}
		for key := range sa.Annotations {
			if (strings.HasPrefix(key, "eks.amazonaws.com/") || strings.HasPrefix(key, "azure.workload.identity/")) && annotations[key] == nil {
				c.fail("lost", m.Workload, "the annotation %s", key)
			}
		}
	}
}

// automounts says whether another definition of the service account mounts tokens.
func (c *check) automounts(sa scanner.ServiceAccount) bool {
	return slices.ContainsFunc(c.definitions[name{sa.Ref.Namespace, sa.Ref.Name}], func(o scanner.ServiceAccount) bool {
		return o.Automount != nil && *o.Automount
	})
}

// wiring: what names a key goes with it, and nothing that others use goes.
func (c *check) wiring() {
	for _, w := range c.inv.Workloads {
		m := c.moves[refKey(w.Ref)]
		if m == nil {
			continue
		}
		gone := make(map[string]bool)
		changed := make(map[string]bool)
		for _, e := range m.Edits {
			if refKey(e.Object) != refKey(w.Ref) {
				continue
			}
			changed[e.Field.String()] = true
			if e.Op == OpRemove {
				gone[e.Field.String()] = true
			}
		}
		moved := make(map[string]scanner.Finding)
		for _, f := range c.findingsOf(refKey(w.Ref)) {
			if !slices.Contains(m.Findings, f.ID) {
				continue
			}
			moved[f.ID] = f
			c.unnamed(m, f, gone, changed)
		}
		for _, p := range w.PodSpecs {
			for _, v := range p.Volumes {
				c.volume(m, p, v, gone, moved)
			}
		}
	}
}

// shown says whether a mount shows a file of a volume, or the volume is mounted nowhere.
func shown(p scanner.PodSpec, v scanner.Volume, f scanner.VolumeFile) bool {
	mounted := false
	for _, k := range p.Containers {
		for _, mount := range k.Mounts {
			if mount.Volume != v.Name {
				continue
			}
			mounted = true
			if at := strings.Trim(mount.SubPath, "/"); at == "" || at == "." || at == f.Path || strings.HasPrefix(f.Path, at+"/") {
				return true
			}
		}
	}
	return !mounted
}

// unnamed: what names the key is gone, or points elsewhere.
func (c *check) unnamed(m *Move, f scanner.Finding, gone, changed map[string]bool) {
	for _, r := range f.Recipe {
		if !changed[r.Field.String()] {
			c.fail("wiring", m.Workload, "%s stays", r.Field)
		}
	}
	if len(f.Recipe) > 0 {
		return
	}
	for _, at := range f.At {
		if !gone[at.String()] && !changed[at.String()+".value"] {
			c.fail("wiring", m.Workload, "%s stays", at)
		}
	}
}

// volume: a volume goes with all of its mounts; what goes shows nothing but keys that are given up, to containers that give
// them up.
func (c *check) volume(m *Move, p scanner.PodSpec, v scanner.Volume, gone map[string]bool, moved map[string]scanner.Finding) {
	given := func(s scanner.VolumeSource, f scanner.VolumeFile) bool {
		for _, u := range moved {
			if u.Volume == v.Name && u.Secret.Name == s.Name && (u.Secret.Entry == f.Entry || u.Secret.Entry == "") && (len(u.PodSpec) == 0 || u.PodSpec.Equal(p.Path)) {
				return true
			}
		}
		return false
	}
	goes := func(s scanner.VolumeSource, f scanner.VolumeFile) bool {
		return gone[v.Field.String()] || gone[s.Field.String()] || len(f.Field) > 0 && gone[f.Field.String()]
	}
	if gone[v.Field.String()] && v.Other {
		c.fail("bystander", m.Workload, "the volume %s has other sources", v.Name)
	}
	for _, s := range v.Sources {
		for _, f := range s.Files {
			if goes(s, f) && !given(s, f) && shown(p, v, f) {
				c.fail("bystander", m.Workload, "the entry %s of %s goes from the volume %s", f.Entry, s.Name, v.Name)
			}
		}
	}
	for _, k := range p.Containers {
		for _, mount := range k.Mounts {
			if mount.Volume != v.Name {
				continue
			}
			c.mount(m, k, v, mount, gone, given, goes, moved)
		}
	}
}

func (c *check) mount(m *Move, k scanner.Container, v scanner.Volume, mount scanner.VolumeMount, gone map[string]bool, given, goes func(scanner.VolumeSource, scanner.VolumeFile) bool, moved map[string]scanner.Finding) {
	removed := gone[mount.Field.String()]
	if gone[v.Field.String()] && !removed {
		c.fail("wiring", m.Workload, "the container %s still mounts the volume %s, which is gone", k.Name, v.Name)
	}
	if !removed && !gone[v.Field.String()] && mount.SubPath == "" && !slices.ContainsFunc(v.Sources, func(s scanner.VolumeSource) bool { return gone[s.Field.String()] }) {
		return
	}
	touched, known := removed, mount.SubPath == ""
	for _, s := range v.Sources {
		known = known || len(s.Files) == 0
		for _, f := range s.Files {
			if mount.SubPath != "" && f.Path != strings.Trim(mount.SubPath, "/") && !strings.HasPrefix(f.Path, strings.Trim(mount.SubPath, "/")+"/") {
				continue
			}
			known = true
			touched = touched || goes(s, f)
			if removed && !given(s, f) {
				c.fail("bystander", m.Workload, "the container %s loses the entry %s of %s", k.Name, f.Entry, s.Name)
			}
		}
	}
	if !touched {
		return
	}
	if !known {
		c.fail("bystander", m.Workload, "the container %s loses %s, of which nothing is known", k.Name, mount.SubPath)
	}
	if len(mount.Mentions) > 0 {
		c.fail("bystander", m.Workload, "the mount %s of %s goes, and %s names it", mount.MountPath, k.Name, mount.Mentions[0])
	}
	uses := false
	for _, f := range moved {
		uses = uses || f.Container == k.Name && f.Volume == v.Name
	}
	if !uses {
		c.fail("bystander", m.Workload, "the container %s loses the mount %s, and gives up no key in it", k.Name, mount.MountPath)
	}
}
