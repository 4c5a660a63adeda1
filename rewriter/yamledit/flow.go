package yamledit

func (e *editor) flow(n *node, removed, added bool, depth int) error {
	return refuse("flow collections")
}

func (e *editor) replaceFlow(n *node, value any, depth int) error {
	return refuse("flow collections")
}
