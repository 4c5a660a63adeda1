package iam_test

import (
	"slices"
	"testing"

	"dekey/scanner/iam"
	"dekey/scanner/object"
)

// Two texts are one, are not, or may be: what is hidden can be anything, and what is written must fit.
func TestValueIs(t *testing.T) {
	p, q := iam.Hidden("a:var.p"), iam.Hidden("a:var.q")
	for _, test := range []struct {
		a, b iam.Value
		want object.Tri
	}{
		{"x", "x", object.Yes},
		{"x", "y", object.No},
		{"", "", object.Yes},
		{p, p, object.Yes},
		{p, q, object.Unknown},
		{p, iam.Hidden("b:var.p"), object.Unknown},
		{p, "anything", object.Unknown},
		{p, "", object.Unknown},
		{"api@" + p, "api@acme", object.Unknown},
		{"api@" + p, "web@acme", object.No},
		{"api@" + p + ".com", "api@acme.com", object.Unknown},
		{"api@" + p + ".com", "api@acme.org", object.No},
		{"api@" + p + ".com", "api@.com", object.Unknown},
		{"aba" + p + "aba", "aba", object.No}, // one letter can not be both the start and the end
		{"a" + p + "b" + q + "c", "axbyc", object.Unknown},
		{"a" + p + "b" + q + "c", "axyc", object.No},
		{"api-" + p, "web-" + q, object.No},
		{p + "-api", q + "-web", object.No},
		{"api-" + p, q + "-web", object.Unknown},
	} {
		if got := test.a.Is(test.b); got != test.want {
			t.Errorf("%s is %s: %s, want %s", test.a, test.b, got, test.want)
		}
		if got := test.b.Is(test.a); got != test.want {
			t.Errorf("%s is %s: %s, want %s", test.b, test.a, got, test.want)
		}
	}
}

func TestValueIsCut(t *testing.T) {
	project := iam.Hidden("a:sep@name") // the name of a hole does not count
	v := "serviceAccount:" + project + ".svc.id.goog[ns/api]"
	before, after, found := v.Cut("@")
	if found || before != v || after != "" {
		t.Errorf("cut at the name of a hole: %q, %q", before, after)
	}
	before, after, found = v.Cut("[")
	if !found || before != "serviceAccount:"+project+".svc.id.goog" || after != "ns/api]" {
		t.Errorf("cut: %q, %q", before, after)
	}
	if v.Known() || v.Wholly() || !project.Wholly() || iam.Value("").Wholly() || !project.EndsHidden() || v.EndsHidden() {
		t.Error("what is known is not told from what is hidden")
	}
	if got := v.Holes(); !slices.Equal(got, []string{"a:sep@name"}) {
		t.Errorf("holes %q", got)
	}
	if got := v.String(); got != "serviceAccount:${sep@name}.svc.id.goog[ns/api]" {
		t.Errorf("shown as %q", got)
	}
	if got := ("API@" + iam.Hidden("a:Var") + ".COM").Lower(); got != "api@"+iam.Hidden("a:Var")+".com" {
		t.Errorf("in lower case %q", got)
	}
}

// Text of a checkout that holds the mark of holes can not make one.
func TestTextMakesNoHole(t *testing.T) {
	if v := iam.Text("a\x00var.x\x00b"); !v.Known() || v != "avar.xb" {
		t.Errorf("%q", string(v))
	}
	if v := iam.Hidden("a\x00b"); len(v.Holes()) != 1 || v.Holes()[0] != "ab" {
		t.Errorf("%q", string(v))
	}
}
