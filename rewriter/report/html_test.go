package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"dekey/rewriter/report"
	"dekey/rewriter/report/reporttest"
)

// The page runs its own scripts, and asks for nothing: no address stands where a browser would fetch it.
func TestPageNeedsNothingElse(t *testing.T) {
	each(t, "html", func(t *testing.T, _ reporttest.World, out []byte) { pageNeedsNothingElse(t, out) })
}

func pageNeedsNothingElse(t *testing.T, out []byte) {
	t.Helper()
	page, err := html.Parse(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	allowed := words("html head meta title style body a header div nav form label input select option button output main section h1 h2 h3 h4 p b i ul ol li br span code pre ins del table thead tbody tr th td details summary dl dt dd footer script svg path rect g text desc wbr")
	scripts, styles, policy := 0, 0, ""
	walk(page, func(n *html.Node, _ map[string]bool) {
		if n.Type == html.CommentNode {
			t.Errorf("a comment: %q", n.Data)
		}
		if n.Type != html.ElementNode {
			return
		}
		if !allowed[n.Data] {
			t.Errorf("<%s> in the page", n.Data)
		}
		hash := ""
		if n.Data == "script" || n.Data == "style" {
			sum := sha256.Sum256([]byte(n.FirstChild.Data))
			hash = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			if !strings.Contains(policy, hash) {
				t.Errorf("the page's own policy does not allow its <%s>", n.Data)
			}
			if strings.Contains(n.FirstChild.Data, "canary") {
				t.Errorf("foreign text in <%s>", n.Data)
			}
		}
		switch n.Data {
		case "script":
			scripts++
		case "style":
			styles++
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcset", a.Key == "action", a.Key == "formaction", a.Key == "xlink:href":
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			case a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
				t.Errorf("a link out of the page: %q", a.Val)
			case a.Key == "content" && strings.HasPrefix(a.Val, "default-src"):
				policy = a.Val
			}
		}
	})
	if scripts != 2 || styles != 2 {
		t.Errorf("%d scripts and %d styles, want 2 and 2", scripts, styles)
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if strings.Contains(string(out), "@import") || strings.Contains(string(out), "url(") {
		t.Error("the style asks for something")
	}
}

// Every link of the page leads somewhere, no place has two names, and every label has its field.
func TestPageLinks(t *testing.T) {
	each(t, "html", func(t *testing.T, w reporttest.World, out []byte) {
		page, err := html.Parse(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		ids, links := map[string]bool{}, map[string]bool{}
		walk(page, func(n *html.Node, _ map[string]bool) {
			for _, a := range n.Attr {
				switch a.Key {
				case "id":
					if ids[a.Val] {
						t.Errorf("two places are called %q", a.Val)
					}
					ids[a.Val] = true
				case "href":
					links[strings.TrimPrefix(a.Val, "#")] = true
				case "for", "aria-labelledby":
					for id := range strings.FieldsSeq(a.Val) {
						links[id] = true
					}
				}
			}
		})
		for link := range links {
			if !ids[link] {
				t.Errorf("nothing is called %q", link)
			}
		}
	})
}

// What a change board asks is on the page: every workload with what belongs to it, the three dates, who decided.
func TestPageAnswersTheBoard(t *testing.T) {
	in := reporttest.World{Moves: 9, Holds: 3, Namespaces: 3, Changeset: true}.Input()
	var b bytes.Buffer
	if err := report.HTML(&b, report.New(in)); err != nil {
		t.Fatal(err)
	}
	page := strings.NewReplacer(`<span class="u">`, "", "</span><wbr>", "", "<wbr>", "").Replace(b.String())
	for _, move := range in.Plan.Moves {
		from := strings.Index(page, `<summary><b>`+move.Workload.String())
		if from < 0 {
			t.Errorf("%s has no part of its own", move.Workload)
			continue
		}
		part := page[from : from+strings.Index(page[from:], "</details>")]
		for _, want := range []string{"<del>-        - name: GOOGLE_APPLICATION_CREDENTIALS</del>", "<h4>Grants", "roles/iam.workloadIdentityUser", "<h4>Checks", "get-iam-policy", "<h4>Back-out", "remove-iam-policy-binding", move.Account} {
			if !strings.Contains(part, want) {
				t.Errorf("%s: no %q", move.Workload, want)
			}
		}
	}
	for _, want := range []string{
		"What changes", "Who is hit", "What can go wrong", "CHG-1234", "Change Board", "Tue 09:00-11:00 UTC", "Not before 14 days after the last workload", "Not before 30 days after the keys were disabled",
		"legacy/*/*", "2027-03-31", "goes away in spring", "Also hits:", "set -euo pipefail", "Who runs as whom", `seen <span class="d">2025-11-01</span> to`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if waves, ids := strings.Count(page, `<section class="wave"`), strings.Count(page, `<p class="foot">Plan `+in.Plan.ID); ids < waves {
		t.Errorf("%d waves, the plan's id stands on %d", waves, ids)
	}
	if !strings.Contains(page, `@bottom-left{content:"plan `+in.Plan.ID) {
		t.Error("printed pages do not carry the plan's id")
	}
}

// A plan's id that is none can not get into the style.
func TestPageFootTakesOnlyAnID(t *testing.T) {
	in := reporttest.World{Moves: 1, Namespaces: 1}.Input()
	in.Plan.ID = `x"}</style><script>alert(1)</script>`
	var b bytes.Buffer
	if err := report.HTML(&b, report.New(in)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script>alert") || strings.Contains(b.String(), `content:"plan`) {
		t.Error("it did")
	}
}

// Text against its ground has a contrast of at least 4.5 to 1, in the light, the dark and the printed page.
// https://www.w3.org/TR/WCAG22/#contrast-minimum
func TestContrast(t *testing.T) {
	style, err := os.ReadFile("page/style.css")
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`--([a-z]+):(#[0-9a-f]{3,6})`)
	roots := regexp.MustCompile(`:root\{[^}]*\}`).FindAllString(string(style), -1)
	if len(roots) != 3 {
		t.Fatalf("%d sets of colours, want light, dark and print", len(roots))
	}
	for i, root := range roots {
		colours := map[string]float64{}
		for _, match := range variable.FindAllStringSubmatch(root, -1) {
			colours[match[1]] = luminance(t, match[2])
		}
		for _, pair := range []string{"fg bg", "fg soft", "fg badbg", "fg warnbg", "fg goodbg", "dim bg", "dim soft", "dim badbg", "link bg", "link soft", "link badbg", "link warnbg", "bad badbg", "warn warnbg", "good goodbg", "key bg", "wi bg", "gained bg"} {
			ink, ground, _ := strings.Cut(pair, " ")
			a, okInk := colours[ink]
			b, okGround := colours[ground]
			if !okInk || !okGround {
				t.Errorf("set %d: no %s", i, pair)
				continue
			}
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("set %d: %s has a contrast of %.2f", i, pair, ratio)
			}
		}
	}
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	digits := colour[1:]
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value, err := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(value) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// A page that would be too long says what it leaves out, and stays under its size.
func TestPageStaysInItsSize(t *testing.T) {
	in := reporttest.World{Moves: 1500, Holds: 100, Namespaces: 40, Changeset: true}.Input()
	long := strings.Repeat("a long way to say why. ", 600)
	for i := range in.Plan.Moves {
		in.Plan.Moves[i].Why = long
	}
	var size counter
	var b bytes.Buffer
	if err := report.HTML(&b, report.New(in)); err != nil {
		t.Fatal(err)
	}
	size = counter(b.Len())
	if size > mostPage || size < mostPage/2 {
		t.Errorf("%d bytes", size)
	}
	if !strings.Contains(b.String(), "more workloads are not shown") {
		t.Error("nothing is said to be left out")
	}
	rows := regexp.MustCompile(`<tr data-k="move"`).FindAllIndex(b.Bytes(), -1)
	if len(rows) != len(in.Plan.Moves) {
		t.Errorf("the table of all workloads has %d rows", len(rows))
	}
}
