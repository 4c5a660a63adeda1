package yamledit

import (
	"encoding/json"
	"strconv"
)

// Decode gives one document of a file (counted from 1) as data: map[string]any, []any, string, bool, nil, and
// json.Number as it is written. It is for small files that say where others are, such as a kustomization: a
// document with aliases or merge keys is refused, and so is one that Apply could not read.
func Decode(file []byte, document int) (any, error) {
	p := yamlParser{}
	documents, err := p.documents(file)
	if err != nil {
		return nil, err
	}
	if document < 1 || document > len(documents) {
		return nil, refuse("the file has no document %d", document)
	}
	t, err := p.parse(file, documents[document-1])
	if err != nil {
		return nil, at(err, document, 0, nil)
	}
	if t.root == nil {
		return nil, nil
	}
	if len(t.aliases) > 0 {
		return nil, refuse("the document has aliases")
	}
	return t.root.decode(), nil
}

func (n *node) decode() any {
	switch n.kind {
	case mapping:
		m := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			if e.key != nil {
				m[e.key.value] = e.value.decode()
			}
		}
		return m
	case sequence:
		list := make([]any, 0, len(n.entries))
		for _, e := range n.entries {
			list = append(list, e.value.decode())
		}
		return list
	}
	switch n.tag {
	case "!!null":
		return nil
	case "!!bool":
		if b, err := strconv.ParseBool(n.value); err == nil {
			return b
		}
	case "!!int", "!!float":
		return json.Number(n.value)
	}
	return n.value
}
