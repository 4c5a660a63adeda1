package report

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
)

func TestVisible(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain text stays", "payments/api: default → api", "payments/api: default → api"},
		{"an escape sequence is acted on", "a\x1b[31mb", `a\u001b[31mb`},
		{"a right-to-left override hides an ending", "a\u202egpj.exe", `a\u202egpj.exe`},
		{"an isolate", "\u2066a\u2069", `\u2066a\u2069`},
		{"a line break forges a line", "a\nheld  b", `a\nheld  b`},
		{"a carriage return overwrites", "a\rb", `a\rb`},
		{"a tab shifts a column", "a\tb", `a\tb`},
		{"a zero-width space splits a name", "pay\u200bments", `pay\u200bments`},
		{"a byte-order mark inside", "a\ufeffb", `a\ufeffb`},
		{"a no-break space looks like a space", "a\u00a0b", `a\u00a0b`},
		{"a line separator", "a\u2028b", `a\u2028b`},
		{"a C1 control", "a\u009bb", `a\u009bb`},
		{"bytes that are no UTF-8", "a\xffb", `a\xffb`},
		{"NUL", "a\x00b", `a\u0000b`},
		{"a tag character", "a\U000e0041b", `a\U000e0041b`},
		{"a Hangul filler is blank", "a\u3164b", `a\u3164b`},
		{"a variation selector", "a\ufe0fb", `a\ufe0fb`},
		{"letters of other scripts stay", "größe 本 ש", "größe 本 ש"},
	} {
		if got := Visible(test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	if got := visibleLines("a\r\nb\tc\rd"); got != "a\nb\tc\\rd" {
		t.Errorf("lines: %q", got)
	}
}

func TestMarkdownEscapes(t *testing.T) {
	for _, test := range []struct{ name, got, want string }{
		{"words stay words", mdProse("the pod runs as default (which others share)."), "the pod runs as default (which others share)."},
		{"a mention", mdProse("ask @team, now"), "ask `@team`, now"},
		{"an issue number", mdProse("see #12 and GH-7"), "see `#12` and `GH-7`"},
		{"a commit", mdProse("at deadbeef1"), "at `deadbeef1`"},
		{"an all-letter commit", mdProse("at deadbeef"), "at `deadbeef`"},
		{"brackets stay outside", mdProse("named (--account or (--x), f(y), a) b)."), "named (`--account` or (`--x`), `f(y)`, a) b)."},
		{"a quotation of several words", mdProse(`the schedule "15 3 * * 1" (or ("@daily x"), so) comes`), "the schedule `\"15 3 * * 1\"` (or (`\"@daily x\"`), so) comes"},
		{"a quotation of plain words", mdProse(`it runs "as default" here`), `it runs "as default" here`},
		{"a quotation that never ends", mdProse(`a "b* c @d`), "a `\"b*` c `@d`"},
		{"marks inside a word end no quotation", mdProse(`"a* b"@c d"`), "`\"a*` `b\"@c` d\""},
		{"a link's two halves", mdProse("[a](b) [a] (b)"), "`[a](b)` `[a]` (b)"},
		{"emphasis", mdProse("a *b* _c_"), "a `*b*` `_c_`"},
		{"a heading or a list at the start", mdProse("# - 1."), "`#` `-` `1`."},
		{"a backtick", mdCode("a`b"), "``a`b``"},
		{"backticks at the ends", mdCode("``a`"), "``` ``a` ```"},
		{"a bar ends no cell", mdCode("a|b"), "`a\\|b`"},
		{"empty", mdCode(""), "–"},
		{"a fence inside a fence", mdFence("", "a\n```\nb"), "````\na\n```\nb\n````\n"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, test.got, test.want)
		}
	}
}

func TestHarmlessCells(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "+1", "-5": "-5", "-5+cmd()": "'-5+cmd()", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "  =1": "'  =1", "a=1": "a=1", "": "", "＝1": "'＝1", "|x": "'|x",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestAllot(t *testing.T) {
	for _, test := range []struct {
		name            string
		total           int64
		wishes, weights []int64
		want            []int64
	}{
		{"all fits", 100, []int64{10, 20, 0}, []int64{1, 1, 1}, []int64{10, 20, 0}},
		{"what one leaves the others get", 100, []int64{10, 1000}, []int64{1, 1}, []int64{10, 90}},
		{"by weight", 90, []int64{1000, 1000}, []int64{2, 1}, []int64{60, 30}},
		{"in several rounds", 100, []int64{10, 45, 1000}, []int64{1, 1, 1}, []int64{10, 45, 45}},
		{"nothing wished", 100, []int64{0, 0}, []int64{1, 1}, []int64{0, 0}},
	} {
		if diff := cmp.Diff(test.want, allot(test.total, test.wishes, test.weights)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

const patch = `diff --git a/a.yaml b/a.yaml
--- a/a.yaml
+++ b/a.yaml
@@ -1,3 +1,2 @@
 a: 1
-b: 2
 c: 3
@@ -20,4 +19,4 @@
 d: 1
--- not a file
++++ nor this
 e: 2
 f: 3
\ No newline at end of file
diff --git "a/with \"quote\".yaml" "b/with \"quote\".yaml"
new file mode 100644
--- /dev/null
+++ "b/with \"quote\".yaml"
@@ -0,0 +1,2 @@
+kind: ServiceAccount
+name: a
`

func TestParsePatch(t *testing.T) {
	files := parsePatch([]byte(patch))
	if len(files) != 2 || files[0].path != "a.yaml" || files[1].path != `with "quote".yaml` {
		t.Fatalf("files: %+v", files)
	}
	if h := files[0].hunks; len(h) != 2 || h[0].from != 1 || h[0].to != 3 || h[1].from != 20 || h[1].to != 23 {
		t.Fatalf("hunks: %+v", h)
	}
	want := "@@ -20,4 +19,4 @@\n d: 1\n--- not a file\n++++ nor this\n e: 2\n f: 3\n\\ No newline at end of file\n"
	if diff := cmp.Diff(want, files[0].hunks[1].text); diff != "" {
		t.Error(diff)
	}
	for _, broken := range []string{"@@ -1 +1 @@\n+a", "--- a\n+++ b\n@@ x @@\n a\n", "--- a\n+++ b\n@@ -1,9999999999999999999 +1 @@\n a\n", "+++ \"\n@@ -1 +1 @@\n-a\n+b\n", "\x00\n@@\n"} {
		parsePatch([]byte(broken)) // must not panic
	}
}

func TestHunksByMove(t *testing.T) {
	got := hunksByMove([]rewriter.File{
		{Path: "a.yaml", Before: "x", Moves: []string{"one", "two"}, Edits: []rewriter.FileEdit{{Move: "one", Line: 2}, {Move: "two", Line: 2}, {Move: "two", Line: 21}}},
		{Path: `with "quote".yaml`, Moves: []string{"one"}, Edits: []rewriter.FileEdit{{Move: "one", Line: 0}}},
		{Path: "not in the patch.yaml", Moves: []string{"one"}},
	}, []byte(patch), nil)
	want := map[string][]string{"one": {"a.yaml @@ -1,3 +1,2 @@", `with "quote".yaml @@ -0,0 +1,2 @@`}, "two": {"a.yaml shown with one", "a.yaml @@ -20,4 +19,4 @@"}}
	for move, hunks := range want {
		var list []string
		for _, hunk := range got[move] {
			head, _, _ := strings.Cut(hunk.Text, "\n")
			if hunk.Shown != "" {
				head = "shown with " + hunk.Shown
			}
			list = append(list, hunk.Path+" "+head)
		}
		if diff := cmp.Diff(hunks, list); diff != "" {
			t.Errorf("%s: %s", move, diff)
		}
	}
}

// A folder that was scanned alone: its patch names files from the repository's top.
func TestHunksOfAFolder(t *testing.T) {
	below := strings.NewReplacer("a/a.yaml", "a/apps/x/a.yaml", "b/a.yaml", "b/apps/x/a.yaml").Replace(patch)
	got := hunksByMove([]rewriter.File{{Path: "a.yaml", Before: "x", Moves: []string{"one"}, Edits: []rewriter.FileEdit{{Move: "one", Line: 2}}}}, []byte(below), []string{"apps/x/"})
	if len(got["one"]) != 1 || got["one"][0].Text == "" || got["one"][0].Path != "a.yaml" {
		t.Errorf("got %+v", got["one"])
	}
}

func TestPlacesNameTheirCheckout(t *testing.T) {
	in := Input{Plan: &planner.Plan{
		Approval: planner.Approval{Ticket: "OLD-1", Window: "tuesday"},
		Sources:  []scanner.Source{{ID: "shop", Kind: "repository"}, {ID: "live", Kind: "cluster"}},
		Findings: []planner.PlannedFinding{{ID: "f", Origins: []scanner.Origin{{Source: "shop", Path: "a.yaml", Line: 3}, {Source: "live"}}}},
	}, Approval: planner.Approval{Ticket: "NEW-2"}}
	texts := func() []string {
		var list []string
		for _, place := range New(in).Findings[0].Places {
			list = append(list, place.Text)
		}
		return list
	}
	if diff := cmp.Diff([]string{"a.yaml:3", "live"}, texts()); diff != "" {
		t.Errorf("one checkout: %s", diff)
	}
	in.Plan.Sources = append(in.Plan.Sources, scanner.Source{ID: "data", Kind: "repository"})
	if diff := cmp.Diff([]string{"shop: a.yaml:3", "live"}, texts()); diff != "" {
		t.Errorf("two checkouts: %s", diff)
	}
	if diff := cmp.Diff(Approval{Ticket: "NEW-2", Window: "tuesday"}, New(in).Approval); diff != "" {
		t.Error(diff)
	}
}

func TestHeadline(t *testing.T) {
	for _, test := range []struct {
		from   string
		counts Counts
		want   string
	}{
		{"plan", Counts{Workloads: 1, Moved: 1}, "No workload is held, 1 can move."},
		{"plan", Counts{Workloads: 1, Held: 1}, "1 of 1 workload is held, 0 can move."},
		{"plan", Counts{Workloads: 41, Held: 2, Gaps: 1, Moved: 39}, "2 of 41 workloads are held, 1 place could not be read, 39 can move."},
		{"plan", Counts{Workloads: 12000, Held: 1000, Gaps: 2, Moved: 11000}, "1,000 of 12,000 workloads are held, 2 places could not be read, 11,000 can move."},
		{"inventory", Counts{Workloads: 1, Findings: 2, Keys: 1}, "2 uses of 1 key in 1 workload found."},
	} {
		if got := headline(&Report{From: test.from, Counts: test.counts}); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestDates(t *testing.T) {
	move := planner.Move{Workload: scanner.Ref{Kind: "CronJob", Namespace: "shop", Name: "monthly"}, Period: 31 * 86400}
	plan := &planner.Plan{Soak: planner.Soak{Disable: 14, Delete: 30}, Moves: []planner.Move{{}, move}}
	dates := datesOf(Input{Plan: plan, Merge: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)})
	var days []string
	for _, date := range dates {
		days = append(days, date.Step+" "+date.Day)
	}
	if diff := cmp.Diff([]string{"merge 2026-03-01", "disable 2026-04-03", "delete 2026-05-03"}, days); diff != "" {
		t.Errorf("a monthly job soaks its month and two days: %s", diff)
	}
	if !strings.Contains(dates[1].Rule, "33 days") || !strings.Contains(dates[1].Rule, "shop/CronJob/monthly") {
		t.Errorf("rule %q", dates[1].Rule)
	}
	plan.Moves = plan.Moves[:1]
	if dates := datesOf(Input{Plan: plan}); dates[1].Day != "" || !strings.Contains(dates[1].Rule, "14 days") {
		t.Errorf("without a day: %+v", dates[1])
	}
	if datesOf(Input{Plan: &planner.Plan{}}) != nil {
		t.Error("dates of nothing")
	}
}

// What the evidence shows stands before what was meant, and half a step gives no day.
func TestDatesFromEvidence(t *testing.T) {
	grant := planner.Grant{Role: "r", Resource: "on", Member: "m"}
	plan := &planner.Plan{
		Soak:        planner.Soak{Disable: 14, Delete: 30},
		Moves:       []planner.Move{{ID: "a", Grants: []planner.Grant{grant}}, {ID: "b", Grants: []planner.Grant{grant}}},
		Retirements: []planner.Retirement{{Key: "k"}, {Email: "unread"}},
	}
	at := func(d int) time.Time { return time.Date(2026, 3, d, 9, 30, 0, 0, time.UTC) }
	granted := Done{Step: "grant", What: "granted", Time: at(1)}
	cutA, cutB := Done{Step: "verify", What: "cut over", Object: "a", Time: at(2)}, Done{Step: "verify", What: "cut over", Object: "b", Time: at(4)}
	disabled, deleted := Done{Step: "disable", What: "disabled", Time: at(20)}, Done{Step: "delete", What: "deleted", Time: at(20).AddDate(0, 1, 0)}
	for _, test := range []struct {
		name string
		done []Done
		days [3]string
		says [3]string
	}{
		{"nothing", nil, [3]string{"2026-02-01", "2026-02-15", "2026-03-17"}, [3]string{}},
		{"granted", []Done{granted}, [3]string{"2026-02-01", "2026-02-15", "2026-03-17"}, [3]string{"1 of 1 grant read back, the last at 2026-03-01 09:30 UTC.", "", ""}},
		{"half cut over", []Done{cutA}, [3]string{"2026-02-01", "2026-02-15", "2026-03-17"}, [3]string{"1 of 2 workloads cut over, the last at 2026-03-02 09:30 UTC.", "", ""}},
		{"cut over", []Done{cutA, cutB}, [3]string{"2026-03-04", "2026-03-18", "2026-04-17"}, [3]string{"2 of 2 workloads cut over, the last at 2026-03-04 09:30 UTC.", "", ""}},
		{"disabled", []Done{cutA, cutB, disabled}, [3]string{"2026-03-04", "2026-03-20", "2026-04-19"}, [3]string{"2 of 2 workloads cut over, the last at 2026-03-04 09:30 UTC.", "1 of 1 key disabled, the last at 2026-03-20 09:30 UTC.", ""}},
		{"deleted", []Done{cutA, cutB, disabled, deleted}, [3]string{"2026-03-04", "2026-03-20", "2026-04-20"}, [3]string{"2 of 2 workloads cut over, the last at 2026-03-04 09:30 UTC.", "1 of 1 key disabled, the last at 2026-03-20 09:30 UTC.", "1 of 1 key deleted, the last at 2026-04-20 09:30 UTC."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dates := datesOf(Input{Plan: plan, Done: test.done, Merge: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)})
			for i, date := range dates {
				if date.Day != test.days[i] || date.Done != test.says[i] {
					t.Errorf("%s: got %s, %q, want %s, %q", date.Step, date.Day, date.Done, test.days[i], test.says[i])
				}
			}
		})
	}
}

// Every format shows what was done, and an edited record stands with what was not seen.
func TestEvidenceIsShown(t *testing.T) {
	r := New(Input{
		Plan: &planner.Plan{Moves: []planner.Move{{ID: "a"}}},
		Done: []Done{{Step: "verify", What: "cut over", Object: "shop/Deployment/\x1b[31mapi", Time: time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC), Record: "verify-1/cutover-a"}},
		// The name of a file that somebody else may have put there.
		Edited: []string{"grant-1/<b>granted"},
	})
	for name, write := range map[string]func(io.Writer, *Report) error{
		"markdown": Markdown, "html": HTML,
		"text": func(w io.Writer, r *Report) error { return Text(w, r, TextOptions{Wide: true}) },
	} {
		var b strings.Builder
		if err := write(&b, r); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"2026-03-04 09:30 UTC", "cut over", "not as a script of this plan wrote it"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not show %q", name, want)
			}
		}
		if strings.Contains(b.String(), "\x1b") || name == "html" && strings.Contains(b.String(), "<b>granted") {
			t.Errorf("%s shows a name as it is", name)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"fits", "short", "short"},
		{"at spaces", "one two three four", "one two\nthree four"},
		{"long names break behind slashes", "a payments/Deployment/api b", "a payments/\nDeployment/\napi b"},
		{"a word longer than the line", "abcdefghijklmnopqrstuvwxyz", "abcdefghijkl\nmnopqrstuvwx\nyz"},
		{"line breaks stay", "a\nb", "a\nb"},
		{"a part that is like the first", "ab/cdefghij/ab/cdefghij", "ab/cdefghij/\nab/cdefghij"},
	} {
		if got := wrap(test.in, 12); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestPictureCollapses(t *testing.T) {
	access := func(namespaces, each, accounts int) *Report {
		r := &Report{}
		for n := range namespaces {
			for i := range each {
				name := Name{Namespace: "ns-" + strings.Repeat("x", n%7) + string(rune('a'+n%26)) + string(rune('a'+n/26)), Kind: "Deployment", Name: "w" + string(rune('a'+i))}
				name.Text = name.Namespace + "/Deployment/" + name.Name
				email := "sa" + string(rune('a'+(n+i)%accounts%26)) + string(rune('a'+(n+i)%accounts/26)) + "@p" + string(rune('a'+n%3)) + ".iam.gserviceaccount.com"
				r.Access = append(r.Access, Access{Workload: name, Before: []string{email}, After: []string{email}})
			}
		}
		return r
	}
	if pictureOf(&Report{}) != nil {
		t.Error("a picture of nothing")
	}
	for _, test := range []struct {
		name string
		r    *Report
		note string
	}{
		{"ten workloads one by one", access(5, 2, 4), ""},
		{"hundreds by namespace", access(20, 25, 4), "workloads are shown by namespace"},
		{"many accounts together", access(20, 25, 200), "workloads are shown by namespace, accounts that one of them uses alone are together"},
		{"many namespaces", access(100, 2, 4), "workloads are shown by namespace"},
	} {
		p := pictureOf(test.r)
		if p.Note != test.note {
			t.Errorf("%s: note %q, want %q", test.name, p.Note, test.note)
		}
		column := map[int]int{}
		boxes := map[[2]int]bool{}
		for _, box := range p.Boxes {
			column[box.X]++
			at := [2]int{box.X, box.Y}
			if boxes[at] || box.X < 0 || box.Y < 20 || box.X+box.W > p.Width || box.Y+box.H > p.Height {
				t.Errorf("%s: %q lies on another box or outside", test.name, box.Title)
			}
			boxes[at] = true
			if len([]rune(box.Label)) > labelRunes {
				t.Errorf("%s: the label %q is too long for its box", test.name, box.Label)
			}
		}
		for x, n := range column {
			if n > maxBoxes {
				t.Errorf("%s: %d boxes in the column at %d", test.name, n, x)
			}
		}
	}
}

// Names break at slashes and before the at sign, never behind a hyphen of a short piece, and are text whatever they hold.
func TestParts(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "",
		"apps/api.yaml:3":        "apps/<wbr>api.yaml:3",
		"a-b/c-d":                `<span class="u">a-b/</span><wbr><span class="u">c-d</span>`,
		"api@acme-prod":          `api<wbr><span class="u">@acme-prod</span>`,
		"@/":                     "@/",
		"<b>-</b>":               `<span class="u">&lt;b&gt;-&lt;/</span><wbr>b&gt;`,
		strings.Repeat("a-", 30): strings.Repeat("a-", 30),
	} {
		if got := string(parts(name)); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// Who stays is neither leaving nor joining; who goes is named on both sides, and no name is left out in silence.
func TestWhoRuns(t *testing.T) {
	ref := func(name string) scanner.Ref {
		return scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "a", Name: name}
	}
	in := Input{Plan: &planner.Plan{Moves: []planner.Move{
		{ID: "1", Workload: ref("stays"), Before: "own", ServiceAccount: planner.ServiceAccount{Namespace: "a", Name: "own"}, Account: "x@p.iam.gserviceaccount.com"},
		{ID: "2", Workload: ref("goes"), Before: "default", ServiceAccount: planner.ServiceAccount{Namespace: "a", Name: "goes", Create: true}, Account: "y@p.iam.gserviceaccount.com"},
	}}}
	var got []string
	for _, s := range New(in).ServiceAccounts {
		got = append(got, s.Name+": "+strings.Join(s.whoRuns(5, func(name string) string { return name }), ", "))
	}
	want := []string{"default: Deployment/goes (leaves)", "goes: Deployment/goes (joins)", "own: Deployment/stays"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	many := ServiceAccount{Workloads: []string{"a", "b", "c", "d"}}
	if got := strings.Join(many.whoRuns(2, func(name string) string { return name }), " "); got != "a b and 2 more" {
		t.Errorf("got %q", got)
	}
}
