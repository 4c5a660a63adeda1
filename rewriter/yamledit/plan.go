package yamledit

import "dekey/scanner/object"

// A change is what the edits want of one node. Its entries say themselves whether they go.
type change struct {
	set   *pending // a new value in place of the node's own
	keys  *pending // entries to add to a mapping
	items []any    // items to add to a list
	asked map[request]map[string]bool
	// blank: every item that the parser saw goes, and an action of the template writes others: the list stays.
	blank bool
	// order is where what is added stands among the entries: before the one of that index.
	order int
}

// A request is one wish about a node, as it reads from there. The same wish comes by several routes where aliases
// lead to the node.
type request struct {
	op, field, value string
}

// A plan collects the edits of one document.
type plan struct {
	*tree
	touched []*node // collections with removed entries
	changed []*node // nodes with requests
	kept    []*node // nodes that have the value already that they are to get
}

func newPlan(t *tree) *plan { return &plan{tree: t} }

// A walk is where a path led: the node, the aliases passed, and the steps for which nothing is there yet.
type walk struct {
	node  *node
	route string
	rest  object.Path
}

// follow walks the path as far as it goes.
func (p *plan) follow(path object.Path) (walk, error) {
	w := walk{node: p.root}
	if w.node == nil {
		return w, refuse("the document is empty")
	}
	for i, step := range path {
		if err := p.dereference(&w); err != nil {
			return w, err
		}
		next, err := p.step(&w, step)
		if err != nil {
			return w, err
		}
		if next == nil {
			w.rest = path[i:]
			return w, nil
		}
		w.node = next
	}
	return w, nil
}

func (p *plan) dereference(w *walk) error {
	for n := 0; w.node.kind == alias; n++ {
		if n > maxDepth {
			return refuse("an alias refers to itself")
		}
		w.route += "*" + itoa(w.node.start)
		w.node = w.node.target
	}
	return nil
}

func (p *plan) step(w *walk, step object.Step) (*node, error) {
	n := w.node
	if step.Key != "" {
		switch {
		case n.kind == mapping:
			return p.lookup(w, n, step.Key)
		case n.isNull():
			return nil, nil
		}
		return nil, refuse("%q is asked of what is no mapping", step.Key)
	}
	if n.kind != sequence {
		return nil, refuse("an item is asked of what is no list")
	}
	if step.By == "" {
		if step.Index < 0 || step.Index >= len(n.entries) {
			return nil, refuse("the list has no item %d", step.Index)
		}
		return n.entries[step.Index].value, nil
	}
	var found *node
	for _, e := range n.entries {
		item := walk{node: e.value}
		if err := p.dereference(&item); err != nil {
			return nil, err
		}
		if item.node.kind != mapping {
			continue
		}
		field, err := p.lookup(&item, item.node, step.By)
		if err != nil {
			return nil, err
		}
		if field == nil {
			continue
		}
		value := walk{node: field}
		if err := p.dereference(&value); err != nil {
			return nil, err
		}
		if value.node.kind != scalar || value.node.tag != "!!str" || value.node.value != step.Value {
			continue
		}
		if found != nil {
			return nil, refuse("several items have the %s %q", step.By, step.Value)
		}
		found = e.value
	}
	if found == nil {
		return nil, refuse("no item has the %s %q", step.By, step.Value)
	}
	return found, nil
}

// lookup finds a key, in merged mappings too. A nil node says that the key is absent.
func (p *plan) lookup(w *walk, n *node, key string) (*node, error) {
	return p.lookupMerged(w, n, key, map[*node]bool{})
}

// lookupMerged looks into each mapping once: merge keys can lead to one in very many ways.
func (p *plan) lookupMerged(w *walk, n *node, key string, seen map[*node]bool) (*node, error) {
	switch i := n.find(key); {
	case i == -2:
		return nil, refuse("the key %q stands twice in one mapping", key)
	case i >= 0:
		return n.entries[i].value, nil
	}
	seen[n] = true
	for _, e := range n.entries {
		if e.key == nil || e.key.tag != "!!merge" {
			continue
		}
		sources := []*node{e.value}
		if e.value.kind == sequence {
			sources = sources[:0]
			for _, item := range e.value.entries {
				sources = append(sources, item.value)
			}
		}
		for _, source := range sources {
			merged := walk{node: source, route: w.route}
			if err := p.dereference(&merged); err != nil {
				return nil, err
			}
			if merged.node.kind != mapping || seen[merged.node] {
				continue
			}
			found, err := p.lookupMerged(&merged, merged.node, key, seen)
			if err != nil {
				return nil, err
			}
			if found != nil {
				w.route = merged.route
				return found, nil
			}
		}
	}
	return nil, nil
}

// add takes an edit into the plan and gives the offset of the place that it concerns.
func (p *plan) add(edit Edit) (int, error) {
	switch edit.Op {
	case Remove:
		return p.remove(edit)
	case Set:
		return p.set(edit)
	case Append:
		return p.append(edit)
	}
	return 0, refuse("the operation %q is not known", edit.Op)
}

func (p *plan) remove(edit Edit) (int, error) {
	w, err := p.follow(edit.Field)
	if err != nil {
		return 0, err
	}
	e := w.node.entryOf()
	if len(w.rest) > 0 {
		return w.node.start, refuse("there is no such field")
	}
	if e == nil {
		return w.node.start, refuse("the document as a whole is no field")
	}
	if err := expect(p, w, edit.Was); err != nil {
		return e.mark, err
	}
	if err := p.single(w.node.parent, e.mark); err != nil {
		return e.mark, err
	}
	p.ask(w.node.parent, request{op: Remove, field: itoa(w.node.index)}, w.route)
	if !e.removed {
		e.removed = true
		p.touched = append(p.touched, w.node.parent)
	}
	return e.mark, nil
}

func (p *plan) set(edit Edit) (int, error) {
	value, err := normal(edit.Value)
	if err != nil {
		return 0, err
	}
	if len(edit.Field) == 0 {
		return 0, refuse("the document as a whole is no field")
	}
	w, err := p.follow(edit.Field)
	if err != nil {
		return 0, err
	}
	if len(w.rest) > 0 {
		if edit.Was != "" {
			return w.node.start, refuse("there is no such field")
		}
		target, err := p.create(w, Set, value)
		if err != nil {
			return place(w.node), err
		}
		if !target.isUnset() && (target.kind != scalar || !sameValue(target.leaf, value)) {
			return w.node.start, refuse("two edits give the field different values")
		}
		target.leaf = value
		return place(w.node), nil
	}
	if err := expect(p, w, edit.Was); err != nil {
		return place(w.node), err
	}
	if n := w.node; p.has(n, value) && n.change.set == nil {
		p.kept = append(p.kept, n)
		return place(n), nil
	}
	// Where the value is an alias, the alias is replaced: changing what it stands for would change other places.
	n := w.node
	if n.change.set != nil && (n.change.set.kind != scalar || !sameValue(n.change.set.leaf, value)) {
		return place(n), refuse("two edits give the field different values")
	}
	p.ask(n, request{op: Set, value: key(value)}, w.route)
	n.change.set = &pending{leaf: value}
	return place(n), nil
}

// has says whether a field, or what its alias stands for, is the value already.
func (p *plan) has(n *node, value any) bool {
	w := walk{node: n}
	return p.dereference(&w) == nil && matches(w.node, value)
}

func (p *plan) append(edit Edit) (int, error) {
	value, err := normal(edit.Value)
	if err != nil {
		return 0, err
	}
	w, err := p.follow(edit.Field)
	if err != nil {
		return 0, err
	}
	if err := p.dereference(&w); err != nil {
		return 0, err
	}
	n := w.node
	if len(w.rest) == 0 && n.kind == sequence && len(n.entries) > 0 {
		p.ask(n, request{op: Append, value: key(value)}, w.route)
		n.change.items = addItem(n.change.items, value)
		return place(n), nil
	}
	var target *pending
	switch {
	case len(w.rest) > 0:
		if target, err = p.create(w, Append, value); err != nil {
			return place(n), err
		}
	case n.isNull() || n.kind == sequence:
		p.ask(n, request{op: Append, value: key(value)}, w.route)
		if n.change.set == nil {
			n.change.set = &pending{leaf: unset{}}
		}
		target = n.change.set
	default:
		return place(n), refuse("an item is to be added to what is no list")
	}
	if !target.isUnset() && target.kind != sequence {
		return place(n), refuse("two edits give the field different values")
	}
	target.kind = sequence
	target.items = addItem(target.items, value)
	return place(n), nil
}

// addItem adds an item once, however many edits want it.
func addItem(items []any, value any) []any {
	for _, item := range items {
		if sameValue(item, value) {
			return items
		}
	}
	return append(items, value)
}

// create makes the missing part of a path, and gives its last field.
func (p *plan) create(w walk, op string, value any) (*pending, error) {
	n := w.node
	for _, step := range w.rest {
		if step.Key == "" {
			return nil, refuse("the list of an item is not there")
		}
	}
	var at *pending
	switch {
	case n.kind == mapping && len(n.entries) > 0:
		if n.change.keys == nil {
			n.change.keys = &pending{kind: mapping}
		}
		at = n.change.keys
	case n.kind == mapping || n.isNull():
		if n.change.set == nil {
			n.change.set = &pending{kind: mapping}
		}
		at = n.change.set
	default:
		return nil, refuse("a field is to be added to what is no mapping")
	}
	p.ask(n, request{op: op, field: w.rest.String(), value: key(value)}, w.route)
	for _, step := range w.rest {
		if at.isUnset() {
			at.kind = mapping
		}
		if at.kind != mapping {
			return nil, refuse("two edits give the field different values")
		}
		at = at.field(step.Key)
	}
	return at, nil
}

// expect checks the value that the planner saw.
func expect(p *plan, w walk, was string) error {
	if was == "" {
		return nil
	}
	if err := p.dereference(&w); err != nil {
		return err
	}
	if w.node.kind != scalar || w.node.value != was {
		return refuse("the field has another value than planned for")
	}
	return nil
}

// place is where a node is spoken of: its key or dash.
func place(n *node) int {
	if e := n.entryOf(); e != nil {
		return e.mark
	}
	return n.start
}
