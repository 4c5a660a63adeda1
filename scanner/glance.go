package scanner

import "dekey/scanner/wiring"

// A glance is what an unordered look at an object's strings tells: whether the walks that say where something stands can
// find anything. Nearly every object has neither a key nor a service account's name in a place that is not its own, and a
// look costs a fraction of a walk.
type glance struct {
	key      bool // a string may hold a key
	accounts int  // strings and fields that may name a service account
}

// glanceAt looks at all content.
func glanceAt(content map[string]any) glance {
	var g glance
	g.mapping(content, 0)
	return g
}

func (g *glance) mapping(m map[string]any, depth int) {
	if depth > 1000 {
		return
	}
	for key, value := range m {
		g.value(value, key, depth+1)
	}
}

func (g *glance) value(value any, key string, depth int) {
	switch v := value.(type) {
	case string:
		g.key = g.key || mayHoldKey(v)
		if key != lastApplied && canMention(v, key) {
			g.accounts++
		}
	case map[string]any:
		if containsFold(key, "serviceaccount") {
			g.accounts++
		}
		g.mapping(v, depth)
	case []any:
		if depth > 1000 {
			return
		}
		for _, item := range v {
			g.value(item, key, depth+1)
		}
	}
}

// onlyOwn says that whatever may name a service account is the pods' own field.
func (g *glance) onlyOwn(o *Object, pods []wiring.Pod) bool {
	own := 0
	seen := map[string]bool{}
	for _, p := range pods {
		if g.accounts == own {
			break
		}
		for _, field := range p.AccountFields() {
			value, ok := field.Lookup(o.Content)
			if name := field.String(); ok && !seen[name] {
				seen[name] = true
				if s, isText := value.(string); isText && canMention(s, field[len(field)-1].Key) {
					own++
				}
			}
		}
	}
	return g.accounts == own
}
