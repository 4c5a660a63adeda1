package pullrequest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"dekey/rewriter/report"
	"dekey/rewriter/report/reporttest"
)

func worldOf(w reporttest.World, stage string) (*Changeset, *writer) {
	c := &Changeset{Input: w.Input()}
	c.Input.Changeset.Files = slices.Clone(c.Input.Changeset.Files)
	g := group{branch: "dekey/" + stage, changes: c.changes(stage)}
	c.complete(stage, &g)
	return c, &writer{c: c, r: report.New(c.Input), stage: stage, g: g, moves: c.movesOf(g)}
}

// What comes from a manifest is shown, and is nothing but text: no link, image, mention or markup of its own.
func TestBodyHostile(t *testing.T) {
	for _, way := range append([]string{""}, Splits...) {
		c, all := worldOf(reporttest.World{Moves: 25, Holds: 21, Namespaces: 3, Hostile: true, Changeset: true}, Migrate)
		if len(all.moves) == 0 {
			t.Fatal("the world has no move with a file")
		}
		for _, g := range c.groups(Migrate, way, func(path string) []string { return []string{"@" + path} }) {
			w := *all
			w.moving = nil
			w.g, w.slug, w.moves = g, slugOf(g), c.movesOf(g)
			title, text, err := w.render(Templates{}, MaxBody)
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(title, "@#<>[]`\n") || strings.Contains(title, "canary") && way == "" {
				t.Errorf("title: %q", title)
			}
			body := managed(marker{Plan: c.Input.Plan.ID}, text)
			if _, own, after, found := split(body); !found || after != "" || !strings.Contains(own, "###") {
				t.Error("foreign text ends our part")
			}
			for i, r := range body {
				if r != '\n' && (r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)) {
					t.Fatalf("%U at byte %d: %q", r, i, body[max(0, i-40):min(len(body), i+20)])
				}
			}
			checkMarkup(t, body)
		}
	}
}

// checkMarkup reads a body as GitHub does, HTML included, and looks for what is not ours.
func checkMarkup(t *testing.T, body string) {
	t.Helper()
	var b bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(goldhtml.WithUnsafe())).Convert([]byte(body), &b); err != nil {
		t.Fatal(err)
	}
	page, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"html", "head", "body", "p", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "ul", "li", "input", "strong", "details", "summary"}
	var look func(n *html.Node, code bool)
	look = func(n *html.Node, code bool) {
		switch n.Type {
		case html.ElementNode:
			if !slices.Contains(ours, n.Data) {
				t.Errorf("an element that is not ours: <%s %v>", n.Data, n.Attr)
			}
			code = code || n.Data == "code"
		case html.CommentNode:
			if !strings.Contains(n.Data, "dekey:") {
				t.Errorf("a comment that is not ours: %s", n.Data)
			}
		case html.TextNode:
			if !code && (strings.Contains(n.Data, "canary") || strings.ContainsAny(n.Data, "@<>")) {
				t.Errorf("foreign text outside of code: %q", n.Data)
			}
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			look(child, code)
		}
	}
	look(page, false)
}

// A picture holds nothing that Mermaid takes for more than letters.
func TestPictureHostile(t *testing.T) {
	_, w := worldOf(reporttest.World{Moves: 25, Namespaces: 3, Hostile: true, Changeset: true}, Migrate)
	picture := w.picture(1000)
	if !strings.Contains(picture, "flowchart") {
		t.Fatalf("no picture:\n%s", picture)
	}
	for l := range strings.Lines(picture) {
		label, quoted := l, false
		if i, j := strings.IndexByte(l, '"'), strings.LastIndexByte(l, '"'); i >= 0 && j > i {
			label, quoted = l[i+1:j], true
		}
		if quoted && strings.ContainsAny(label, "\"`<>&@:%{}()|\\") {
			t.Errorf("a label that could be more: %s", l)
		}
	}
}

// However large the change: the body is within GitHub's limit, in characters and in bytes, says that it is cut, and keeps
// what comes first.
func TestBodyLimit(t *testing.T) {
	for _, moves := range []int{1, 40, 400, 4000} {
		_, w := worldOf(reporttest.World{Moves: moves, Holds: moves, Namespaces: 50, Changeset: true}, Migrate)
		_, text, err := w.render(Templates{}, MaxBody-1024)
		if err != nil {
			t.Fatal(err)
		}
		if body := managed(marker{}, text); len(body) > MaxBody {
			t.Errorf("%d moves: %d bytes", moves, len(body))
		}
		if !strings.Contains(text, "### Not done") || !strings.Contains(text, "1-grant.sh") || !strings.Contains(text, "3-disable.sh") {
			t.Errorf("%d moves: a section is gone", moves)
		}
		if cut := strings.Contains(text, "cut to GitHub's limit"); cut != (moves >= 400) {
			t.Errorf("%d moves: says that it is cut: %v", moves, cut)
		}
	}
}

func TestTemplates(t *testing.T) {
	_, w := worldOf(reporttest.World{Moves: 3, Namespaces: 1, Changeset: true, Text: "@all <b>"}, Migrate)
	title, body, err := w.render(Templates{Title: "Keys: {{.Workloads}}\n{{.Stage}}", Body: "Ours\n{{range .Report.Moves}}- {{code .Workload.Text}}\n{{end}}{{.Before}}"}, MaxBody)
	if err != nil || title != "Keys: 3 migrate" || !strings.HasPrefix(body, "Ours\n- `") || !strings.Contains(body, "1-grant.sh") {
		t.Errorf("%q, %v\n%s", title, err, body)
	}
	for _, bad := range []Templates{{Title: "{{"}, {Body: "{{.Nothing}}"}, {Body: strings.Repeat("x", MaxBody+1)}} {
		if _, _, err := w.render(bad, MaxBody); err == nil || hintOf(err) == "" {
			t.Errorf("%.20v: %v", bad, err)
		}
	}
}
