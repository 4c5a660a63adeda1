package yamledit

import "gopkg.in/yaml.v3"

// styleAt is how new text beside n looks: its own mapping decides, then the whole document.
func (e *editor) styleAt(n *node) Style {
	c := census{steps: map[int]int{}}
	for at := n; at != nil && len(c.steps) == 0; at = at.parent {
		c.children(at)
	}
	if len(c.steps) == 0 || c.indented == 0 && c.flush == 0 {
		c.all(e.root)
	}
	return c.style(e.eol(n.start))
}

// StyleOf is the style of a manifest, for new text beside it. What cannot be told is as kubectl prints it.
func StyleOf(file []byte) Style {
	c := census{steps: map[int]int{}}
	eol := ""
	documents, err := Documents(file)
	if err == nil {
		for _, d := range documents {
			if t, err := (yamlParser{}).parse(file, d); err == nil && !t.json {
				c.all(t.root)
			}
		}
	}
	e := editor{tree: &tree{text: file}}
	if len(file) > 0 {
		eol = e.eol(0)
	}
	return c.style(eol)
}

// A census counts how a document is laid out.
type census struct {
	steps          map[int]int
	indented       int
	flush          int
	first          bool // whether the first list is indented: it decides a tie
	single, double int
}

func (c *census) all(n *node) {
	if n == nil {
		return
	}
	c.children(n)
	for _, e := range n.entries {
		c.all(e.value)
	}
}

func (c *census) children(n *node) {
	for _, e := range n.entries {
		switch {
		case e.value.style&yaml.SingleQuotedStyle != 0:
			c.single++
		case e.value.style&yaml.DoubleQuotedStyle != 0:
			c.double++
		}
		if n.kind != mapping || n.flow || e.value.flow || len(e.value.entries) == 0 {
			continue
		}
		step := e.value.column - n.column
		switch {
		case e.value.kind == mapping && step > 0:
			c.steps[step]++
		case e.value.kind == sequence && step > 0:
			c.first = c.first || c.indented+c.flush == 0
			c.indented++
		case e.value.kind == sequence:
			c.flush++
		}
	}
}

func (c *census) style(eol string) Style {
	s := Style{Indented: c.indented > c.flush || c.indented == c.flush && c.first, Single: c.single > c.double, EOL: eol}
	for step, count := range c.steps {
		if best := c.steps[s.Step]; s.Step == 0 || count > best || count == best && step < s.Step {
			s.Step = step
		}
	}
	return s.orDefault()
}

// inlineLike writes a value in the quotes of the scalar that it replaces.
func (s Style) inlineLike(value any, old *node) string {
	text, ok := value.(string)
	if !ok || old.kind != scalar {
		return s.inline(value, false)
	}
	switch {
	case old.style&yaml.SingleQuotedStyle != 0:
		if quoted, ok := singleQuoted(text); ok {
			return quoted
		}
		return doubleQuoted(text)
	case old.style&yaml.DoubleQuotedStyle != 0:
		return doubleQuoted(text)
	}
	return s.scalar(text, false)
}
