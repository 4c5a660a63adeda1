package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"dekey/rewriter/report"
	"dekey/rewriter/report/reporttest"
)

// worlds are what every property is tried on.
var worlds = map[string]reporttest.World{
	"ordinary":            {Moves: 12, Holds: 4, Namespaces: 3, Changeset: true},
	"hostile":             {Moves: 25, Holds: 21, Namespaces: 3, Hostile: true, Changeset: true},
	"hostile plan":        {Moves: 21, Holds: 21, Namespaces: 3, Hostile: true},
	"hostile inventory":   {Moves: 21, Namespaces: 3, Hostile: true, InventoryOnly: true},
	"nothing at all":      {},
	"holds and no move":   {Holds: 9, Namespaces: 2},
	"more than one table": {Moves: 90, Holds: 10, Namespaces: 40, Changeset: true},
}

func render(t *testing.T, name string, w reporttest.World) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writers[name](&b, report.New(w.Input())); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b.Bytes()
}

// each runs a test on every world.
func each(t *testing.T, format string, test func(t *testing.T, w reporttest.World, out []byte)) {
	for name, w := range worlds {
		t.Run(format+" "+name, func(t *testing.T) { test(t, w, render(t, format, w)) })
	}
}

func TestSameInputSameBytes(t *testing.T) {
	for format := range writers {
		each(t, format, func(t *testing.T, w reporttest.World, out []byte) {
			if again := render(t, format, w); !bytes.Equal(out, again) {
				t.Error("two runs differ")
			}
		})
	}
}

// No format but JSON hands on a character that a terminal, an editor or a spreadsheet acts on.
func TestNothingInvisible(t *testing.T) {
	for format := range writers {
		if format == "json" {
			continue
		}
		each(t, format, func(t *testing.T, _ reporttest.World, out []byte) {
			for i, r := range string(out) {
				if r == '\n' || r == '\r' && strings.HasPrefix(format, "csv") || r == '\t' && format == "html" {
					continue
				}
				if r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
					t.Fatalf("%U at byte %d: %q", r, i, out[max(0, i-40):min(len(out), i+20)])
				}
			}
		})
	}
}

// Colour comes only when it is asked for, and then as escapes of our own.
func TestColourOnlyWhenTold(t *testing.T) {
	r := report.New(reporttest.World{Moves: 3, Holds: 2, Namespaces: 2}.Input())
	for _, colour := range []bool{false, true} {
		var b bytes.Buffer
		if err := report.Text(&b, r, report.TextOptions{Color: colour}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "\x1b["); got != colour {
			t.Errorf("Color %v: escapes %v", colour, got)
		}
	}
}

func TestTextFitsTheTerminal(t *testing.T) {
	for _, width := range []int{80, 120} {
		for name, w := range worlds {
			var text, summary bytes.Buffer
			r := report.New(w.Input())
			if err := report.Text(&text, r, report.TextOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			if err := report.Summary(&summary, r, report.TextOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(text.String() + summary.String()) {
				line = strings.TrimSuffix(line, "\n")
				if n := len([]rune(line)); n > width {
					t.Errorf("%s, width %d: a line of %d: %q", name, width, n, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s: trailing space: %q", name, line)
				}
			}
		}
	}
}

// What could not be done comes before what can.
func TestHoldsAndGapsComeFirst(t *testing.T) {
	w := reporttest.World{Moves: 3, Holds: 2, Namespaces: 2, Changeset: true}
	for _, format := range []string{"text", "wide", "bare", "markdown", "html"} {
		out := string(render(t, format, w))
		hold, gap, move := strings.Index(out, "names the key file in a flag"), strings.Index(out, "broken.yaml"), strings.Index(out, "service-4")
		if format == "wide" || format == "bare" || format == "text" {
			hold, move = strings.Index(out, "held  "), strings.Index(out, "move  ")
		}
		if hold < 0 || gap < 0 || move < 0 || hold > move || gap > move {
			t.Errorf("%s: hold at %d, gap at %d, move at %d", format, hold, gap, move)
		}
	}
}

// Markdown as a forge renders it: no link, image, raw HTML or table cell comes from a manifest, and no mention, issue
// number or address stands outside code.
func TestMarkdownIsOnlyText(t *testing.T) {
	each(t, "markdown", func(t *testing.T, _ reporttest.World, out []byte) { markdownIsOnlyText(t, out) })
}

func markdownIsOnlyText(t *testing.T, out []byte) {
	t.Helper()
	forge := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(goldhtml.WithUnsafe()))
	var b bytes.Buffer
	if err := forge.Convert(out, &b); err != nil {
		t.Fatal(err)
	}
	page, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	allowed := words("html head body h1 h2 h3 p strong em ul ol li code pre table thead tbody tr th td br")
	columns := 0
	walk(page, func(n *html.Node, inside map[string]bool) {
		switch n.Type {
		case html.ElementNode:
			if !allowed[n.Data] {
				t.Errorf("<%s> in what a forge shows", n.Data)
			}
			for _, a := range n.Attr {
				if !(n.Data == "code" && a.Key == "class" && a.Val == "language-sh") {
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
			}
			if n.Data == "tr" {
				cells := 0
				for c := n.FirstChild; c != nil; c = c.NextSibling {
					if c.Type == html.ElementNode {
						cells++
					}
				}
				if inside["thead"] {
					columns = cells
				} else if cells != columns {
					t.Errorf("a row of %d cells under %d heads", cells, columns)
				}
			}
		case html.TextNode:
			if !inside["code"] && strings.ContainsAny(n.Data, "@#<>`[]") || !inside["code"] && strings.Contains(n.Data, "://") {
				t.Errorf("outside code: %q", n.Data)
			}
		case html.CommentNode:
			t.Errorf("a comment: %q", n.Data)
		}
	})
}

func TestCSVStartsNoFormula(t *testing.T) {
	for _, table := range []string{"csv findings", "csv moves", "csv keys"} {
		each(t, table, func(t *testing.T, w reporttest.World, out []byte) {
			rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			r := report.New(w.Input())
			want := map[string]int{"csv findings": len(r.Findings), "csv moves": len(r.Moves), "csv keys": len(r.Keys)}[table]
			if len(rows)-1 != want {
				t.Errorf("%d rows, want %d", len(rows)-1, want)
			}
			for _, row := range rows {
				for _, cell := range row {
					trimmed := strings.TrimLeft(cell, " \t\r\n")
					if trimmed == "" {
						continue
					}
					if _, err := strconv.Atoi(cell); err != nil && strings.ContainsAny(trimmed[:1], "=+-@|%") {
						t.Errorf("a spreadsheet takes %q for a formula", cell)
					}
				}
			}
		})
	}
	if err := report.CSV(&bytes.Buffer{}, report.New(report.Input{}), "nonsense"); err == nil {
		t.Error("an unknown table was written")
	}
}

func TestSARIFIsValid(t *testing.T) {
	each(t, "sarif", func(t *testing.T, w reporttest.World, out []byte) {
		log, err := sarif.FromBytes(out)
		if err != nil {
			t.Fatal(err)
		}
		// The library fills in empty values of its own that its schema refuses.
		for _, run := range log.Runs {
			run.Language, run.Tool.Driver.Language, run.NewlineSequences = "en", "en", []string{"\n"}
		}
		if err := log.Validate(); err != nil {
			t.Errorf("against the schema of SARIF 2.1.0: %v", err)
		}
		// What the model of SARIF does not know it drops: nothing may be dropped.
		again, err := json.Marshal(log)
		if err != nil {
			t.Fatal(err)
		}
		var have, kept any
		if json.Unmarshal(out, &have) != nil || json.Unmarshal(again, &kept) != nil {
			t.Fatal("no JSON")
		}
		if missing := notIn(have, kept, ""); missing != "" {
			t.Errorf("SARIF knows no %s", missing)
		}
		run := log.Runs[0]
		r := report.New(w.Input())
		if len(run.Results) != len(r.Findings) {
			t.Errorf("%d results for %d findings", len(run.Results), len(r.Findings))
		}
		for _, result := range run.Results {
			rule := run.Tool.Driver.Rules[result.RuleIndex]
			if *rule.ID != *result.RuleID {
				t.Errorf("rule %q has the index of %q", *result.RuleID, *rule.ID)
			}
			for _, location := range result.Locations {
				if uri := *location.PhysicalLocation.ArtifactLocation.URI; strings.ContainsAny(uri, ":\\<> \"") || strings.HasPrefix(uri, "/") || strings.Contains(uri, "..") {
					t.Errorf("%q is no path of the checkout", uri)
				}
			}
			if strings.Contains(strings.ReplaceAll(*result.Message.Text, `\]`, ""), "](") {
				t.Errorf("a link in a message: %q", *result.Message.Text)
			}
		}
	})
	if err := func() error {
		log, _ := sarif.FromBytes([]byte(`{"version":"2.1.0","runs":[{}]}`))
		return log.Validate()
	}(); err == nil {
		t.Error("a run without a tool is valid: the check checks nothing")
	}
}

// notIn finds the first key of want that got does not have.
func notIn(want, got any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for key, value := range want {
			inner, ok := object[key]
			if list, isList := value.([]any); !ok && !(isList && len(list) == 0) {
				return at + "/" + key
			}
			if missing := notIn(value, inner, at+"/"+key); missing != "" {
				return missing
			}
		}
	case []any:
		list, _ := got.([]any)
		for i, value := range want {
			if i >= len(list) {
				return at + "/" + strconv.Itoa(i)
			}
			if missing := notIn(value, list[i], at+"/"+strconv.Itoa(i)); missing != "" {
				return missing
			}
		}
	}
	return ""
}

func TestJSONHasNoNull(t *testing.T) {
	each(t, "json", func(t *testing.T, w reporttest.World, out []byte) {
		var doc map[string]any
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatal(err)
		}
		if doc["apiVersion"] != "dekey/v1" || doc["kind"] != "Report" {
			t.Errorf("apiVersion %v, kind %v", doc["apiVersion"], doc["kind"])
		}
		body := doc["report"].(map[string]any)
		for key, value := range body {
			if value == nil {
				t.Errorf("report.%s is null", key)
			}
		}
		if w.InventoryOnly {
			if _, ok := doc["plan"]; ok {
				t.Error("a plan out of nowhere")
			}
		} else if diff := cmp.Diff(w.Input().Plan.ID, body["plan"]); diff != "" {
			t.Error(diff)
		}
	})
}

// A file of the folder that is not shown never gets into a report.
func TestOnlyWhatIsShownIsRead(t *testing.T) {
	in := reporttest.World{Moves: 2, Holds: 1, Namespaces: 1, Changeset: true}.Input()
	const canary = "canary-of-cleanup"
	in.Files["cleanup.patch"] = []byte(canary)
	in.Files["runbook/evidence/keys.json"] = []byte(canary)
	in.Files["inventory.json"] = []byte(canary)
	for format, write := range writers {
		var b bytes.Buffer
		if err := write(&b, report.New(in)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), canary) {
			t.Errorf("%s shows it", format)
		}
	}
}

// FuzzForeignText puts one text wherever a manifest's text can stand, and looks at what a forge and a browser make of it.
func FuzzForeignText(f *testing.F) {
	for _, text := range reporttest.Hostile {
		f.Add(text)
	}
	f.Add("~~~\n# a\n1. b\n- [x] c\n| d |\n<!-- e -->")
	f.Add("0.") // a list that starts at nought
	f.Add("www.example.org mailto:a@b.c xmpp:d@e &#64;f ~~g~~ ^h[^1] $i$ :j:")
	f.Fuzz(func(t *testing.T, text string) {
		r := report.New(reporttest.World{Moves: 1, Holds: 1, Namespaces: 1, Text: text, Changeset: true}.Input())
		var mark, page bytes.Buffer
		if err := report.Markdown(&mark, r); err != nil {
			t.Fatal(err)
		}
		markdownIsOnlyText(t, mark.Bytes())
		if err := report.HTML(&page, r); err != nil {
			t.Fatal(err)
		}
		pageNeedsNothingElse(t, page.Bytes())
		for name, write := range writers {
			if err := write(&page, r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}

func words(s string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(s) {
		set[word] = true
	}
	return set
}

// walk visits every node with the names of the elements around it.
func walk(n *html.Node, visit func(*html.Node, map[string]bool)) {
	inside := map[string]bool{}
	var step func(*html.Node)
	step = func(n *html.Node) {
		visit(n, inside)
		was := inside[n.Data]
		if n.Type == html.ElementNode {
			inside[n.Data] = true
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			step(c)
		}
		if n.Type == html.ElementNode {
			inside[n.Data] = was
		}
	}
	step(n)
}
