package planner

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"dekey/scanner"
)

// unwire are the edits that take the uses of a workload out of its object: what names the key, then mounts and volumes
// that nothing else needs.
func (w *world) unwire(x *work) []Edit {
	if x.token {
		return w.useToken(x)
	}
	var edits []Edit
	for _, u := range x.uses {
		if u.Elsewhere != nil && len(u.At) == 0 && len(u.Recipe) == 0 {
			edits = append(edits, w.unset(x, u)...)
			continue
		}
		edits = append(edits, x.unname(u)...)
	}
	if x.obj != nil {
		for i := range x.obj.PodSpecs {
			edits = append(edits, x.unmount(&x.obj.PodSpecs[i])...)
		}
	}
	return compactEdits(edits)
}

// unname removes what names the key: the catalogue's recipe, or the variable, flag or field.
func (x *work) unname(u *use) []Edit {
	var edits []Edit
	if len(u.Recipe) > 0 {
		for _, r := range u.Recipe {
			e := Edit{Object: x.ref, Op: r.Op, Field: r.Field, Was: x.was(u, r.Field), Why: "the way without a key"}
			if r.Op != OpRemove {
				e.Value = r.Value
			}
			edits = append(edits, e)
		}
		return edits
	}
	for _, at := range u.At {
		edits = append(edits, Edit{Object: x.ref, Op: OpRemove, Field: at, Was: x.was(u, at), Why: u.named()})
	}
	return edits
}

// was is the text at a field of a live object, where that is an argument: a patch tests it before it goes. The edits of a checkout
// are proven by what they leave.
func (x *work) was(u *use, field scanner.Path) string {
	if i := slices.IndexFunc(u.At, field.Equal); x.move.Live && i >= 0 && i < len(u.Was) {
		return u.Was[i]
	}
	return ""
}

// named says what a field is that names the key.
func (u *use) named() string {
	switch u.Via {
	case scanner.EnvFile:
		return "the variable that points at the key"
	case scanner.EnvValue:
		return "the variable that holds the key"
	case scanner.EnvFrom:
		return "the key as variables"
	case scanner.ArgFile:
		return "the flag that points at the key"
	case scanner.Reference:
		return "the field that names the key's Secret"
	}
	return "the key's wiring"
}

// unmount removes mounts and volumes of keys. What other uses, entries or containers need stays: a file goes when every
// container that sees it gives it up, an item goes with its file where items are listed, a source when all of its files
// go, the volume when all of its sources go. A mount of which something is named elsewhere stays, and so does its volume.
func (x *work) unmount(p *scanner.PodSpec) []Edit {
	var edits []Edit
	for i := range p.Volumes {
		v := &p.Volumes[i]
		going := x.goingFiles(p, v)
		if going == nil {
			continue
		}
		edits = append(edits, x.unmountVolume(p, v, going)...)
	}
	return edits
}

// A sight is a container that still sees a key after the edits, at a path.
type sight struct{ container, path string }

// sights are the containers that still see a use's file when the edits are made: its volume stays, for another entry, another
// use, or a place that names the file and is no finding.
func (x *work) sights(u *use, edits []Edit) []sight {
	if u.Volume == "" || x.obj == nil {
		return nil
	}
	gone := make(map[string]bool)
	for _, e := range edits {
		if e.Op == OpRemove && e.Object == x.ref {
			gone[e.Field.String()] = true
		}
	}
	var list []sight
	for i := range x.obj.PodSpecs {
		p := &x.obj.PodSpecs[i]
		for j := range p.Volumes {
			v := &p.Volumes[j]
			for _, file := range u.filesLeft(p, v, gone) {
				for _, c := range p.Containers {
					for _, m := range c.Mounts {
						if at, ok := seenAt(m, file); ok && m.Volume == v.Name && !gone[m.Field.String()] {
							list = append(list, sight{c.Name, at})
						}
					}
				}
			}
		}
	}
	return list
}

// filesLeft are the paths in the volume of the use's files that stay in it: "" for a file whose name is not known.
func (u *use) filesLeft(p *scanner.PodSpec, v *scanner.Volume, gone map[string]bool) []string {
	var files []string
	for _, s := range v.Sources {
		if gone[v.Field.String()] || gone[s.Field.String()] {
			continue
		}
		if len(s.Files) == 0 && u.fills(p, v, s, "") {
			files = append(files, "")
		}
		for _, f := range s.Files {
			if u.fills(p, v, s, f.Entry) && (len(f.Field) == 0 || !gone[f.Field.String()]) {
				files = append(files, f.Path)
			}
		}
	}
	return files
}

// seenAt is where a mount shows a file of its volume.
func seenAt(m scanner.VolumeMount, file string) (string, bool) {
	sub := strings.Trim(m.SubPath, "/")
	if sub == "." {
		sub = ""
	}
	if file == "" {
		return m.MountPath, true
	}
	return path.Join(m.MountPath, strings.TrimPrefix(file, sub)), behind(m.SubPath, file)
}

// judgeMounts holds, answered or not, a program that knows the file's path by itself where the file stays: it goes on using it.
func (w *world) judgeMounts(x *work) {
	if x.obj == nil || !slices.ContainsFunc(x.uses, func(u *use) bool { return u.Via == scanner.Mount }) {
		return
	}
	var edits []Edit
	for i := range x.obj.PodSpecs {
		edits = append(edits, x.unmount(&x.obj.PodSpecs[i])...)
	}
	for _, u := range x.uses {
		if u.Via != scanner.Mount {
			continue
		}
		for _, s := range x.sights(u, edits) {
			if s.container == u.Container {
				u.problems = append(u.problems, problem{code: HoldMountNeeded, reason: fmt.Sprintf("the volume %s is mounted for something else too, so the program still finds the key at %s", quoted(u.Volume), quoted(s.path))})
				break
			}
		}
	}
}

// A going says which files of a volume go: by source, by index of the file. A source without known files goes whole.
type going struct {
	files [][]bool
	whole []bool // of a source
}

// goingFiles finds the files of a volume that the workload gives up, nil when there are none or they cannot go.
func (x *work) goingFiles(p *scanner.PodSpec, v *scanner.Volume) *going {
	g := &going{files: make([][]bool, len(v.Sources)), whole: make([]bool, len(v.Sources))}
	any := false
	for i, s := range v.Sources {
		g.files[i] = make([]bool, len(s.Files))
		given := func(entry string) bool {
			return slices.ContainsFunc(x.uses, func(u *use) bool { return u.fills(p, v, s, entry) })
		}
		all := len(s.Files) > 0
		for j, f := range s.Files {
			g.files[i][j] = given(f.Entry)
			any = any || g.files[i][j]
			all = all && g.files[i][j]
		}
		g.whole[i] = all || len(s.Files) == 0 && given("")
		any = any || g.whole[i]
	}
	if !any || !x.givenUp(p, v, g) {
		return nil
	}
	g.keepUnknown(p, v)
	return g
}

// keepUnknown keeps volume and sources where a subPath mounts a file that is not known: it is another entry.
func (g *going) keepUnknown(p *scanner.PodSpec, v *scanner.Volume) {
	for _, c := range p.Containers {
		for _, m := range c.Mounts {
			if m.Volume == v.Name && len(visible(m, v, g)) == 0 {
				clear(g.whole)
			}
		}
	}
}

// fills says whether the use reads that entry of that source of the volume. An empty entry on either side is the whole.
func (u *use) fills(p *scanner.PodSpec, v *scanner.Volume, s scanner.VolumeSource, entry string) bool {
	if u.Volume != v.Name || u.Secret.Name != s.Name || len(u.PodSpec) > 0 && !u.PodSpec.Equal(p.Path) {
		return false
	}
	if u.Secret.Kind != "" && u.Secret.Kind != s.Kind {
		return false
	}
	return u.Secret.Entry == entry || u.Secret.Entry == "" || entry == ""
}

// givenUp says whether every container that sees a file that goes gives it up: it has a use of the volume, and nothing else
// in the pod names a file of the mount.
func (x *work) givenUp(p *scanner.PodSpec, v *scanner.Volume, g *going) bool {
	for _, c := range p.Containers {
		for _, m := range c.Mounts {
			if m.Volume != v.Name || !sees(m, v, g) {
				continue
			}
			uses := slices.ContainsFunc(x.uses, func(u *use) bool {
				return u.Volume == v.Name && u.Container == c.Name && (len(u.PodSpec) == 0 || u.PodSpec.Equal(p.Path))
			})
			if len(m.Mentions) > 0 || !uses {
				return false
			}
		}
	}
	return true
}

// sees says whether a file that goes is visible through the mount.
func sees(m scanner.VolumeMount, v *scanner.Volume, g *going) bool {
	return slices.ContainsFunc(visible(m, v, g), func(goes bool) bool { return goes })
}

// visible says of each file behind a mount whether it goes. A source without known files counts as one file.
func visible(m scanner.VolumeMount, v *scanner.Volume, g *going) []bool {
	var list []bool
	for i, s := range v.Sources {
		if len(s.Files) == 0 {
			list = append(list, g.whole[i])
			continue
		}
		for j, f := range s.Files {
			if behind(m.SubPath, f.Path) {
				list = append(list, g.files[i][j])
			}
		}
	}
	return list
}

// behind says whether the file is what a subPath mounts, or below it.
func behind(subPath, file string) bool {
	subPath = strings.Trim(subPath, "/")
	return subPath == "" || subPath == "." || file == subPath || strings.HasPrefix(file, subPath+"/")
}

func (x *work) unmountVolume(p *scanner.PodSpec, v *scanner.Volume, g *going) []Edit {
	var edits []Edit
	remove := func(field scanner.Path, why string) {
		edits = append(edits, Edit{Object: x.ref, Op: OpRemove, Field: field, Why: why})
	}
	wholeVolume := !v.Other && !slices.Contains(g.whole, false)
	mounts := 0
	for _, c := range p.Containers {
		for _, m := range c.Mounts {
			if m.Volume != v.Name {
				continue
			}
			mounts++
			files := visible(m, v, g)
			if wholeVolume || m.SubPath != "" && len(files) > 0 && !slices.Contains(files, false) {
				remove(m.Field, "the key's mount")
			}
		}
	}
	// A volume that no mount is left of shows its other entries to nobody, and would keep the pod from starting without its Secret.
	if wholeVolume || !v.Other && mounts > 0 && len(edits) == mounts {
		remove(v.Field, "the key's volume")
		return edits
	}
	for i, s := range v.Sources {
		switch {
		case g.whole[i] && len(v.Sources) > 1 || g.whole[i] && v.Other:
			remove(s.Field, "the key's source in the volume")
		case s.Items:
			for j, f := range s.Files {
				if g.files[i][j] && len(f.Field) > 0 {
					remove(f.Field, "the key's item in the volume")
				}
			}
		}
	}
	return edits
}

// compactEdits drops repeats: two uses of one thing. Of appended and created values only equal ones are repeats.
func compactEdits(edits []Edit) []Edit {
	type key struct {
		object    scanner.Ref
		op, field string
	}
	seen := make(map[key][]any, len(edits))
	return slices.DeleteFunc(edits, func(e Edit) bool {
		k := key{e.Object, e.Op, e.Field.String()}
		values, repeat := seen[k]
		if e.Op == OpAppend || e.Op == OpCreate {
			repeat = slices.ContainsFunc(values, func(v any) bool { return reflect.DeepEqual(v, e.Value) })
		}
		seen[k] = append(values, e.Value)
		return repeat
	})
}
