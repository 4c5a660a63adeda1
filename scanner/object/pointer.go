package object

import (
	"strconv"
	"strings"
)

// Pointers are JSON pointers (RFC 6901) by the path of what they point to, as Path.String writes it.
type Pointers map[string]string

// podLists are the lists of a pod spec whose items a path names, with the field that names them.
var podLists = map[string]string{
	"containers": "name", "initContainers": "name", "ephemeralContainers": "name", "volumes": "name",
	"env": "name", "volumeMounts": "mountPath",
}

// PointersOf gives the pointers to the named items of the pod specs in an object's content, and to the lists that hold them.
// A plan names items, and a JSON patch needs their places.
func PointersOf(content map[string]any) Pointers {
	found := Pointers{}
	found.collect(nil, "", content, 0)
	return found
}

func (p Pointers) collect(at Path, pointer string, content map[string]any, depth int) {
	const deepest = 32
	if depth > deepest {
		return
	}
	for key, value := range content {
		field, place := at.Join(Key(key)), pointer+"/"+escape(key)
		switch v := value.(type) {
		case map[string]any:
			if key != "annotations" && key != "labels" {
				p.collect(field, place, v, depth+1)
			}
		case []any:
			by := podLists[key]
			if by == "" {
				continue
			}
			p[field.String()] = place
			for i, item := range v {
				m, _ := item.(map[string]any)
				name, ok := m[by].(string)
				if !ok || (Item(by, name)).Position(v) != i {
					continue
				}
				named := field.Join(Item(by, name))
				p[named.String()] = place + "/" + strconv.Itoa(i)
				p.collect(named, place+"/"+strconv.Itoa(i), m, depth+1)
			}
		}
	}
}

// Find gives the pointer to a field, by the nearest of its ancestors that has one. False: an item on the way has none.
func (p Pointers) Find(field Path) (string, bool) {
	rest := ""
	for i := len(field); i > 0; i-- {
		if pointer, ok := p[field[:i].String()]; ok {
			return pointer + rest, true
		}
		step := field[i-1]
		switch {
		case step.Key != "":
			rest = "/" + escape(step.Key) + rest
		case step.By != "":
			return "", false
		default:
			rest = "/" + strconv.Itoa(step.Index) + rest
		}
	}
	return rest, true
}

func escape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}
