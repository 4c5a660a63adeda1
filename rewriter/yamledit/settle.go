package yamledit

import "strconv"

func itoa(i int) string { return strconv.Itoa(i) }

// key is a value as a comparable string.
func key(value any) string { return Style{Step: 2}.inline(value, true) }

// ask notes that a request came to n by that route.
func (p *plan) ask(n *node, r request, route string) {
	if n.change.asked == nil {
		n.change.asked = map[request]map[string]bool{}
		p.changed = append(p.changed, n)
	}
	if n.change.asked[r] == nil {
		n.change.asked[r] = map[string]bool{}
	}
	n.change.asked[r][route] = true
}

// stops are the keys that an emptied list or mapping never takes with it: without them the object is another one.
var stops = map[string]bool{
	"spec": true, "template": true, "jobTemplate": true, "containers": true, "data": true, "stringData": true,
	"binaryData": true, "metadata": false,
}

// settle checks the edits against each other and against aliases, and lets emptied collections go with their keys.
func (p *plan) settle() error {
	for i := 0; i < len(p.touched); i++ { // grows in the loop
		n := p.touched[i]
		if !n.emptied() {
			continue
		}
		e := n.entryOf()
		switch {
		case n.parent == nil:
			return refuse("nothing would be left of the document")
		case e == nil || e.key == nil:
			return refuse("nothing would be left of a list item")
		case stops[e.key.value]:
			return refuse("nothing would be left under %q", e.key.value)
		case n.change.set != nil:
			return refuse("two edits disagree about one field")
		case !e.removed && p.refilled(n, *e):
			n.change.blank = true
		case !e.removed:
			e.removed = true
			p.touched = append(p.touched, n.parent)
		}
	}
	for _, n := range p.changed {
		if err := p.unshared(n); err != nil {
			return err
		}
		if n.change.set != nil && (n.change.keys != nil || len(n.change.items) > 0 || len(n.touchedEntries()) > 0) {
			return refuse("two edits disagree about one field")
		}
		for at := n; at.parent != nil; at = at.parent {
			e := at.entryOf()
			if e == nil {
				return refuse("a key of a mapping is to be changed")
			}
			adds := n.change.set != nil || n.change.keys != nil || len(n.change.items) > 0
			if e.removed && adds || at.parent.change.set != nil {
				return refuse("two edits disagree about one field")
			}
		}
	}
	for _, n := range p.kept {
		if n.gone() {
			return refuse("two edits disagree about one field")
		}
	}
	for _, a := range p.aliases {
		if !a.gone() && a.target.gone() {
			return refuse("an anchor in what goes is used elsewhere")
		}
	}
	return nil
}

// refilled says whether an action of the template writes more items of a list than those that the parser saw.
func (p *plan) refilled(n *node, entry entry) bool {
	e := &editor{tree: p.tree, seen: p.seen()}
	return len(p.actions) > 0 && n.kind == sequence && !n.flow && e.unwritten(n.parent, entry, true) != nil
}

func (n *node) emptied() bool {
	return len(n.entries) > 0 && len(n.touchedEntries()) == len(n.entries) && len(n.change.items) == 0 && n.change.keys == nil
}

func (n *node) touchedEntries() []int {
	var removed []int
	for i, e := range n.entries {
		if e.removed {
			removed = append(removed, i)
		}
	}
	return removed
}

// gone says whether the node is in what the edits take away.
func (n *node) gone() bool {
	for at := n; at.parent != nil; at = at.parent {
		if e := at.entryOf(); e != nil && e.removed || at.parent.change.set != nil {
			return true
		}
	}
	return n.change.set != nil
}

// unshared refuses a change of a node that aliases reach too, unless every way to it asks for the same.
func (p *plan) unshared(n *node) error {
	ways, err := p.ways(n, 0)
	if err != nil {
		return err
	}
	for _, routes := range n.change.asked {
		if len(routes) != ways {
			return refuse("the field is shared with another place through an anchor")
		}
	}
	return nil
}

const maxWays = 10000

// ways counts how a node is reached from the document's root: through its parent, and through aliases.
func (p *plan) ways(n *node, depth int) (int, error) {
	if depth > maxDepth {
		return 0, refuse("an alias refers to itself")
	}
	if n.parent == nil && n.anchor == "" {
		return 1, nil
	}
	ways := 0
	if n.parent == nil {
		ways = 1
	} else {
		above, err := p.ways(n.parent, depth+1)
		if err != nil {
			return 0, err
		}
		ways = above
	}
	if n.anchor != "" {
		for _, a := range p.aliases {
			if a.target != n {
				continue
			}
			more, err := p.ways(a, depth+1)
			if err != nil {
				return 0, err
			}
			if ways += more; ways > maxWays {
				return 0, refuse("aliases lead to the field in more than %d ways", maxWays)
			}
		}
	}
	return ways, nil
}
