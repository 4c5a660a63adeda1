package wiring

import (
	"path"
	"slices"
	"strings"

	"dekey/scanner/object"
)

// A hit is one file (or, in a volume whose content is not known, one possible file) that a path names.
type hit struct {
	volume *volume
	mount  int // of the container
	source source
	file   VolumeFile
	path   string // in the container
	// folder: the path names a folder above the file.
	folder bool
	// possible: whether the file is there is not known.
	possible bool
}

func (h hit) holder() object.Holder {
	return object.Holder{Kind: h.source.kind, Name: h.source.name, Entry: h.file.Entry}
}

// FilledElse ends the text of the obstacle dangling where the file lies in a volume that no Secret or ConfigMap fills.
const FilledElse = "the volume is filled by something else"

// A landing is where a path ends up.
type landing string

const (
	noPath      landing = "where that lies is decided elsewhere"
	unmounted   landing = "nothing is mounted there"
	noVolume    landing = "the mount names a volume that this object does not have"
	otherVolume landing = FilledElse
	noFile      landing = "the volume has no such file"
	onFile      landing = "file"
)

// asPath gives a value as a clean absolute path, or "".
func asPath(value, workingDir string) string {
	value = strings.TrimSpace(value)
	if strings.ContainsAny(value, "\n\x00") || len(value) > longValue {
		return ""
	}
	for _, scheme := range []string{"file://localhost", "file://", "file:"} {
		if rest, ok := strings.CutPrefix(value, scheme); ok {
			value = rest
			break
		}
	}
	value = strings.TrimPrefix(value, "@") // curl's spelling of "from this file"
	if value == "" || strings.Contains(value, "://") {
		return ""
	}
	if !strings.HasPrefix(value, "/") {
		if workingDir == "" || !strings.Contains(value, "/") && !strings.Contains(value, ".") {
			return ""
		}
		value = workingDir + "/" + value
	}
	return path.Clean(value)
}

// below says whether file is folder or lies below it, and where.
func below(file, folder string) (rest string, ok bool) {
	if file == folder {
		return "", true
	}
	if folder == "/" {
		return file[1:], true
	}
	rest, ok = strings.CutPrefix(file, folder+"/")
	return rest, ok
}

// find says what a path in container i names. The mount with the longest path wins, whatever fills it.
func (r *resolver) find(i int, value string) ([]hit, landing) {
	c := &r.pod.containers[i]
	file := asPath(value, c.workingDir)
	if file == "" {
		if file = r.relative(i, value); file == "" {
			return nil, noPath
		}
	}
	best, length, rest := -1, -1, ""
	for j, m := range c.mounts {
		at := path.Clean(r.env[i].expand(m.path))
		if tail, ok := below(file, at); ok && len(at) > length {
			best, length, rest = j, len(at), tail
		}
	}
	if best < 0 {
		return nil, unmounted
	}
	m := c.mounts[best]
	v := r.pod.volume(m.volume)
	switch {
	case v == nil && r.pod.declared(m.volume):
		return nil, otherVolume
	case v == nil:
		return nil, noVolume
	}
	hits := r.inVolume(v, best, path.Join(r.subPath(i, m), rest), file)
	if len(hits) == 0 {
		if v.other || v.token {
			return nil, otherVolume
		}
		return nil, noFile
	}
	return hits, onFile
}

func (r *resolver) subPath(i int, m mount) string {
	if m.expand {
		return r.env[i].expand(m.subPath)
	}
	return m.subPath
}

// relative resolves a path that is relative to a folder that only the image knows, where exactly one mount fits.
func (r *resolver) relative(i int, value string) string {
	value = strings.TrimPrefix(strings.TrimSpace(value), "./")
	if strings.HasPrefix(value, "/") || strings.HasPrefix(value, "..") || !strings.Contains(value, "/") || strings.ContainsAny(value, " :\n$") {
		return ""
	}
	var found []string
	for _, m := range r.pod.containers[i].mounts {
		if r.pod.volume(m.volume) == nil {
			continue
		}
		at := path.Clean(m.path)
		folder := path.Dir(value)
		for {
			if strings.HasSuffix(at, "/"+folder) {
				found = append(found, strings.TrimSuffix(at, folder)+value)
				break
			}
			if folder = path.Dir(folder); folder == "." {
				break
			}
		}
		if strings.HasSuffix(at, "/"+value) {
			found = append(found, at)
		}
	}
	slices.Sort(found)
	if found = slices.Compact(found); len(found) != 1 {
		return ""
	}
	return path.Clean(found[0])
}

// inVolume gives the files of a volume that rel names, as a file or as a folder above them.
func (r *resolver) inVolume(v *volume, mount int, rel, file string) []hit {
	rel = path.Clean("/" + rel)[1:]
	var sure, possible []hit
	for _, s := range v.sources {
		files, complete := v.files(s, r.know)
		matched := false
		for _, f := range files {
			h := hit{volume: v, mount: mount, source: s, file: f, path: file, possible: f.presumed && !s.listed}
			switch {
			case f.Path == rel:
				matched = true
			case rel == "" || strings.HasPrefix(f.Path, rel+"/"):
				h.folder = true
				h.path = path.Join(file, strings.TrimPrefix(f.Path, rel))
				matched = matched || rel != ""
			default:
				continue
			}
			sure = append(sure, h)
		}
		if !complete && !matched && !strings.Contains(rel, "/") {
			f := VolumeFile{Entry: rel, Path: rel, Holds: object.Unknown}
			possible = append(possible, hit{volume: v, mount: mount, source: s, file: f, path: file, folder: rel == "", possible: true})
		}
	}
	if rel != "" && slices.ContainsFunc(sure, func(h hit) bool { return !h.folder }) {
		return sure
	}
	return append(sure, possible...)
}

// under gives every file that a mount shows, with its path in the container.
func (r *resolver) under(i, j int) []hit {
	m := r.pod.containers[i].mounts[j]
	v := r.pod.volume(m.volume)
	if v == nil {
		return nil
	}
	hits := r.inVolume(v, j, r.subPath(i, m), path.Clean(r.env[i].expand(m.path)))
	return slices.DeleteFunc(hits, func(h hit) bool { return h.file.Path == "" })
}
