package wiring

import (
	"regexp"
	"strings"
)

// An environment is the variables of one container as it gets them: envFrom in order, then env in order, the later one
// winning.
type environment struct {
	values map[string]setting
	order  []string // the names, in order of their first appearance
	// open: there are variables whose names are not known.
	open bool
}

// A setting is the value of one variable that is in effect.
type setting struct {
	value string
	known bool
	index int // in env, or -1
	from  int // in envFrom, or -1
	entry Entry
	// earlier are the other entries of env with that name, which this one hides.
	earlier []int
}

func newEnvironment(c *container, k Knowledge) environment {
	env := environment{values: map[string]setting{}}
	for i, from := range c.from {
		content := k.Contents(from.kind, from.name)
		env.open = env.open || !content.Complete
		for _, entry := range content.Entries {
			env.set(from.prefix+entry.Name, setting{value: entry.Value, known: entry.Known, index: -1, from: i, entry: entry})
		}
	}
	// Of variables that were not kept only the name counts: it hides what envFrom sets.
	for _, name := range c.names {
		if _, ok := env.values[name]; ok {
			env.set(name, setting{index: -1, from: -1})
		}
	}
	for i, v := range c.env {
		s := setting{index: i, from: -1}
		switch v.kind {
		case "":
			s.value, s.known = env.expand(v.value), !v.dropped
		case "ConfigMap":
			if entry, ok := k.Contents("ConfigMap", v.object).Entry(v.entry); ok {
				s.value, s.known, s.entry = entry.Value, entry.Known, entry
			}
		case "Secret":
			if entry, ok := k.Contents("Secret", v.object).Entry(v.entry); ok {
				s.value, s.known, s.entry = entry.Value, entry.Known, entry
			}
		}
		if old, ok := env.values[v.name]; ok && old.index >= 0 {
			s.earlier = append(old.earlier, old.index)
		}
		env.set(v.name, s)
	}
	return env
}

func (e *environment) set(name string, s setting) {
	if _, ok := e.values[name]; !ok {
		e.order = append(e.order, name)
	}
	e.values[name] = s
}

// expand replaces $(NAME) by the variables so far, as the kubelet does: $$ is a dollar sign, and a name that is not known
// stays as it is.
func (e environment) expand(s string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		switch s[i+1] {
		case '$':
			b.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(s[i:], ')')
			if end < 0 {
				b.WriteByte('$')
				continue
			}
			if v, ok := e.values[s[i+2:i+end]]; ok && v.known {
				b.WriteString(v.value)
			} else {
				b.WriteString(s[i : i+end+1])
			}
			i += end
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

// shell replaces the shell's $NAME and ${NAME} too, where they are known: by the script's own assignments so far, or by
// the container.
func (e environment) shell(s string, local map[string]string) string {
	s = e.expand(s)
	if !strings.Contains(s, "$") {
		return s
	}
	return shellVariable.ReplaceAllStringFunc(s, func(m string) string {
		name := strings.Trim(m, "${}")
		if value, ok := local[name]; ok {
			return value
		}
		if v, ok := e.values[name]; ok && v.known {
			return v.value
		}
		return m
	})
}

var shellVariable = regexp.MustCompile(`\$(\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Za-z_][A-Za-z0-9_]*)`)
