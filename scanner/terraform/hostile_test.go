package terraform

import (
	"strings"
	"testing"
)

// What would take a parser down: nesting of every kind, up to the limit of a file's size. A crash ends the test binary.
func TestHostileFiles(t *testing.T) {
	const size = MaxBytes - 100
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	for _, test := range []struct {
		name, path, data string
		gap              bool
	}{
		{"open lists", "a.tf", "locals { x = " + fill("["), true},
		{"open blocks", "a.tf", fill("a {\n"), true},
		{"open parentheses", "a.tf", "locals { x = " + fill("("), true},
		{"objects in objects", "a.tf", "locals { x = " + fill("{a="), true},
		{"calls in calls", "a.tf", "locals { x = " + fill("f("), true},
		{"templates in templates", "a.tf", `locals { x = ` + fill(`"${`), true},
		{"directives", "a.tf", `locals { x = "` + fill(`%{if true}`) + `" }`, true},
		{"directives that are closed at the end", "a.tf", `locals { x = "` + strings.Repeat(`%{if true}`, size/30) + strings.Repeat(`%{endif}`, size/30) + `" }`, true},
		{"negations", "a.tf", "locals { x = " + fill("!") + "a }", true},
		{"negations with spaces", "a.tf", "locals { x = " + fill("! ") + "a }", true},
		{"minus signs", "a.tf", "locals { x = " + fill("- ") + "1 }", true},
		{"conditionals", "a.tf", "locals { x = " + fill("a?b:") + "c }", true},
		{"for expressions", "a.tf", "locals { x = " + fill("[for a in "), true},
		{"a sum", "a.tf", "locals { x = 1" + fill("+1") + " }", false},
		{"an index of an index", "a.tf", "locals { x = a" + fill("[0]") + " }", false},
		{"splats", "a.tf", "locals { x = a" + fill("[*]") + " }", true},
		{"old splats", "a.tf", "locals { x = a" + fill(".*") + " }", true},
		{"attributes", "a.tf", "locals { x = a" + fill(".b") + " }", false},
		{"many heredocs", "a.tf", "locals {\n" + strings.Repeat("x = <<A\n${1}\nA\n", 5_000), true},
		{"an open heredoc", "a.tf", "locals {\nx = <<A\n" + strings.Repeat("text\n", 20_000), true},
		{"an open string", "a.tf", `locals { x = "` + fill("x"), true},
		{"an open comment", "a.tf", "/*" + fill("x"), true},
		{"rulers in comments", "a.tf", fill("# ---------------------------------------------\n"), false},
		{"zero bytes", "a.tf", fill("\x00"), true},
		{"bytes that are no text", "a.tf", fill("\xff"), true},
		{"one long name", "a.tf", fill("a"), true},
		{"many blocks", "a.tf", fill("resource \"a\" \"b\" {}\n"), false},
		{"too large", "a.tf", strings.Repeat(" ", MaxBytes+1), true},
		{"open JSON lists", "a.tf.json", fill("["), true},
		{"open JSON objects", "a.tf.json", fill(`{"a":`), true},
		{"JSON templates", "a.tf.json", `{"locals": {"x": "` + fill("${[") + `"}, "resource": {"google_service_account": {"a": {"account_id": "${local.x}"}}}}`, false},
		{"an open JSON string", "a.tf.json", `{"a": "` + fill("x"), true},
		{"empty", "a.tf", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, gaps := Read("s", []File{{test.path, []byte(test.data)}})
			// On a machine that has much else to do, any of these may take too long: that is a gap, too.
			slow := len(gaps) > 0 && strings.HasPrefix(gaps[0].Why, "takes longer")
			if (len(gaps) > 0) != test.gap && !slow {
				t.Errorf("gaps %v, want any: %v", gaps, test.gap)
			}
			for _, gap := range gaps {
				if len(gap.Why) > 200 || !strings.HasPrefix(gap.What, test.path) {
					t.Errorf("gap %.300v", gap)
				}
			}
		})
	}
}

// What an expression does to whoever evaluates it: circles, and texts that double.
func TestHostileExpressions(t *testing.T) {
	var doubling strings.Builder
	doubling.WriteString("locals {\n  a0 = \"xxxxxxxxxxxxxxxx\"\n")
	for i := 1; i < 40; i++ {
		doubling.WriteString("  a" + itoa(i) + " = \"${local.a" + itoa(i-1) + "}${local.a" + itoa(i-1) + "}\"\n")
	}
	doubling.WriteString("}\nresource \"google_service_account\" \"x\" { account_id = local.a39 }\n")
	for _, test := range []struct{ name, data string }{
		{"a circle", "locals {\n a = local.b\n b = local.a\n}\nresource \"google_service_account\" \"x\" { account_id = local.a }\n"},
		{"itself", "resource \"google_service_account\" \"x\" { account_id = google_service_account.x.account_id }\n"},
		{"its own e-mail", "resource \"google_service_account\" \"x\" { account_id = google_service_account.x.email }\n"},
		{"doubling", doubling.String()},
		{"a list of itself", "locals {\n a = concat(local.a, local.a)\n}\nresource \"google_service_account_iam_binding\" \"x\" { members = local.a }\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts, _ := Read("s", []File{{"a.tf", []byte(test.data)}})
			if len(facts.Accounts)+len(facts.Grants) != 1 {
				t.Fatalf("%d accounts, %d grants, want one", len(facts.Accounts), len(facts.Grants))
			}
			for _, a := range facts.Accounts {
				if a.Email.Known() || len(a.Email) > 4*maxText {
					t.Errorf("an e-mail of %d bytes, known: %v", len(a.Email), a.Email.Known())
				}
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("resource \"google_service_account_iam_member\" \"x\" {\n  member = \"serviceAccount:${var.p}.svc.id.goog[a/b]\"\n}\n"), false)
	f.Add([]byte(`{"resource":{"google_service_account":{"x":{"account_id":"${local.a}"}}},"locals":{"a":"b"}}`), true)
	f.Add([]byte("locals { x = [for a in [1] : \"${a}\"] }\nmodule \"m\" { source = \"./x\"\n y = local.x }\n"), false)
	f.Fuzz(func(_ *testing.T, data []byte, isJSON bool) {
		name := "a.tf"
		if isJSON {
			name += ".json"
		}
		Read("s", []File{{name, data}})
	})
}
