package yamledit

import "testing"

// TestProofRefuses gives the proof texts that are wrong on purpose.
func TestProofRefuses(t *testing.T) {
	const in = "a: &x 'one'\nb: [1, {c: *x}]\nd: 2\n---\ne: 1\n"
	parse := func(text string) ([]Document, []*plan) {
		documents, err := Documents([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		first, err := yamlParser{}.parse([]byte(text), documents[0])
		if err != nil {
			t.Fatal(err)
		}
		p := newPlan(first)
		for _, e := range edits(t, "remove d", "set f = on", "append b = y") {
			if _, err := p.add(e); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.splices(); err != nil {
			t.Fatal(err)
		}
		return documents, []*plan{nil, p, nil}
	}
	tests := []struct {
		name, text string
		ok         bool
	}{
		{"right", "a: &x 'one'\nb: [1, {c: *x}, \"y\"]\nf: \"on\"\n---\ne: 1\n", true},
		{"a new text that YAML 1.1 reads as a bool", "a: &x 'one'\nb: [1, {c: *x}, \"y\"]\nf: on\n---\ne: 1\n", false},
		{"another value", "a: &x 'two'\nb: [1, {c: *x}, \"y\"]\nf: \"on\"\n---\ne: 1\n", false},
		{"another style", "a: &x \"one\"\nb: [1, {c: *x}, \"y\"]\nf: \"on\"\n---\ne: 1\n", false},
		{"another layout", "a: &x 'one'\nb:\n- 1\n- {c: *x}\n- \"y\"\nf: \"on\"\n---\ne: 1\n", false},
		{"another type", "a: &x 'one'\nb: ['1', {c: *x}, \"y\"]\nf: \"on\"\n---\ne: 1\n", false},
		{"another anchor", "a: &y 'one'\nb: [1, {c: *y}, \"y\"]\nf: \"on\"\n---\ne: 1\n", false},
		{"the anchor's value for its alias", "a: &x 'one'\nb: [1, {c: 'one'}, \"y\"]\nf: \"on\"\n---\ne: 1\n", false},
		{"another order", "a: &x 'one'\nf: \"on\"\nb: [1, {c: *x}, \"y\"]\n---\ne: 1\n", false},
		{"what was to go", "a: &x 'one'\nb: [1, {c: *x}, \"y\"]\nd: 2\nf: \"on\"\n---\ne: 1\n", false},
		{"more than was to go", "b: [1, {c: x}, \"y\"]\nf: \"on\"\n---\ne: 1\n", false},
		{"another document", "a: &x 'one'\nb: [1, {c: *x}, \"y\"]\nf: \"on\"\n---\ne: 2\n", false},
		{"a document more", "a: &x 'one'\nb: [1, {c: *x}, \"y\"]\nf: \"on\"\n---\ne: 1\n---\n", false},
		{"a document less", "a: &x 'one'\nb: [1, {c: *x}, \"y\"]\nf: \"on\"\n", false},
		{"no YAML", "a: [\n---\ne: 1\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			documents, plans := parse(in)
			if err := prove([]byte(in), []byte(test.text), documents, plans, yamlParser{}); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
