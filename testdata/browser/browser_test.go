package browser

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"dekey/rewriter/report"
	"dekey/rewriter/report/reporttest"
	"dekey/scanner"
)

// worlds are the pages that are looked at.
var worlds = map[string]reporttest.World{
	"small":   {Moves: 5, Holds: 1, Namespaces: 3, Changeset: true},
	"large":   {Moves: 480, Holds: 20, Namespaces: 25, Changeset: true},
	"hostile": {Moves: 25, Holds: 15, Namespaces: 3, Hostile: true, Changeset: true},
	"found":   {Moves: 9, Namespaces: 3, InventoryOnly: true},
}

func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("DEKEY_BROWSER"), "chromium", "chromium-browser", "google-chrome", "chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no browser: apt-get install -y --no-install-recommends chromium, or name one with DEKEY_BROWSER")
	return ""
}

// A tab is an open page and what it did.
type tab struct {
	context.Context
	mu       sync.Mutex
	troubles []string // console messages, exceptions, the page's policy
	requests []string // to anything but the page itself
}

// open shows a page in a browser that has no network: whatever it asks for besides the file is a request that fails
// and is recorded.
func open(t *testing.T, file string, script bool) *tab {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(browser(t)), chromedp.WindowSize(1280, 800),
		chromedp.NoSandbox, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.Flag("proxy-server", "127.0.0.1:9"), chromedp.Flag("hide-scrollbars", true))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, done := chromedp.NewContext(allocator)
	t.Cleanup(done)
	page := &tab{Context: ctx}
	if err := cmp.Or(
		chromedp.Listen(ctx, page.listen), call(ctx, network.Enable, network.EnableParams{}), call(ctx, log.Enable, cdp.Empty{}),
		call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script}),
	); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	// The browser lives as long as the context of the first call: only the later ones have a limit.
	limited, cancel := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	page.Context = limited
	page.run(t, chromedp.Navigate("file://"+file), chromedp.WaitReady(chromedp.CSS("main")))
	return page
}

func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		var args []string
		for _, arg := range e.Args {
			args = append(args, string(arg.Value))
		}
		p.troubles = append(p.troubles, "console: "+strings.Join(args, " "))
	case *runtime.EventExceptionThrown:
		p.troubles = append(p.troubles, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		p.troubles = append(p.troubles, "log: "+e.Entry.Text)
	case *cdppage.EventJavascriptDialogOpening:
		p.troubles = append(p.troubles, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file://") || e.Type != network.ResourceTypeDocument {
			p.requests = append(p.requests, e.Request.URL)
		}
	}
}

// quiet demands that the page asked for nothing and complained of nothing.
func (p *tab) quiet(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, trouble := range p.troubles {
		t.Error(trouble)
	}
	for _, request := range p.requests {
		t.Errorf("the page asked for %s", request)
	}
}

func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}

func (p *tab) run(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(p, actions...); err != nil {
		t.Fatal(err)
	}
}

// do runs a statement in the page.
func do(statement string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void]("void (" + statement + ")")
}

// value evaluates an expression in the page.
func value[T any](t *testing.T, p *tab, expression string) T {
	t.Helper()
	out, err := chromedp.Run(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, name string, render func(*os.File) error) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), name+".html"))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmp.Or(render(file), file.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

func pageOf(t *testing.T, name string) string {
	return write(t, name, func(f *os.File) error { return report.HTML(f, report.New(worlds[name].Input())) })
}

// shown counts the rows of a kind that can be seen.
const shown = `[...document.querySelectorAll('tr[data-k="%s"]')].filter(e => e.checkVisibility()).length`

func TestSearchFilterSort(t *testing.T) {
	for name, world := range worlds {
		t.Run(name, func(t *testing.T) {
			p := open(t, pageOf(t, name), true)
			kind, total := "move", world.Moves
			if world.InventoryOnly {
				kind = "use"
			}
			count := func() int { return value[int](t, p, fmt.Sprintf(shown, kind)) }
			if got := count(); got != total {
				t.Errorf("%d rows at first, want %d", got, total)
			}
			if world.Hostile {
				p.quiet(t)
				return
			}
			p.run(t, chromedp.SendKeys(chromedp.CSS("#q"), "service-2"), chromedp.Sleep(400*time.Millisecond))
			found := count()
			if found == 0 || found >= total {
				t.Errorf("the search for service-2 shows %d of %d rows", found, total)
			}
			if said := value[string](t, p, `document.getElementById("said").value`); !regexp.MustCompile(`^[\d,]+ of [\d,]+$`).MatchString(said) {
				t.Errorf("the page says %q", said)
			}
			p.run(t, chromedp.Click(chromedp.CSS(`#find button[type=reset]`)), chromedp.Sleep(200*time.Millisecond))
			if got := count(); got != total {
				t.Errorf("%d rows after clearing, want %d", got, total)
			}
			p.run(t, chromedp.SetValue(chromedp.CSS("#ns"), "team-01"), do(`document.getElementById("ns").dispatchEvent(new Event("change"))`))
			if wrong := value[int](t, p, fmt.Sprintf(`[...document.querySelectorAll('tr[data-k="%s"]')].filter(e => e.checkVisibility() && !e.textContent.includes("team-01")).length`, kind)); wrong != 0 {
				t.Errorf("%d rows of other namespaces after the filter", wrong)
			}
			p.run(t, chromedp.SetValue(chromedp.CSS("#ns"), ""), do(`document.getElementById("ns").dispatchEvent(new Event("change"))`))
			names := fmt.Sprintf(`[...document.querySelectorAll('tr[data-k="%s"] td:first-child')].map(e => e.textContent)`, kind)
			head := fmt.Sprintf(`document.querySelector('tr[data-k="%s"]').closest("table").querySelector("th button").click()`, kind)
			p.run(t, do(head))
			up := value[[]string](t, p, names)
			p.run(t, do(head))
			down := value[[]string](t, p, names)
			slices.Reverse(down)
			if len(up) != total || strings.Join(up, "\n") != strings.Join(down, "\n") || up[0] == up[len(up)-1] {
				t.Errorf("sorted up and down do not mirror each other: %.80q, %.80q", up, down)
			}
			p.quiet(t)
		})
	}
}

// The keyboard reaches the search and every workload, and what has the focus is on the screen.
func TestKeyboard(t *testing.T) {
	p := open(t, pageOf(t, "small"), true)
	p.run(t, chromedp.KeyEvent("/"))
	if id := value[string](t, p, `document.activeElement.id`); id != "q" {
		t.Errorf("/ leads to %q", id)
	}
	p.run(t, do(`document.activeElement.blur()`))
	reached := map[string]bool{}
	for rounds := 0; rounds < 2; {
		p.run(t, chromedp.KeyEvent("\t"))
		where := value[string](t, p, `(() => { const e = document.activeElement, r = e.getBoundingClientRect(); return e.tagName + (r.width > 0 && r.bottom > 0 && r.top < innerHeight ? "" : " outside") + (getComputedStyle(e).outlineStyle === "none" ? " unmarked" : "") })()`)
		reached[where] = true
		if strings.HasPrefix(where, "BODY") {
			rounds++ // past the end of the page, and around again
		}
	}
	for _, want := range []string{"A", "INPUT", "SELECT", "BUTTON", "SUMMARY"} {
		if !reached[want] {
			t.Errorf("no %s is reached with the tabulator: %v", want, reached)
		}
	}
	delete(reached, "BODY unmarked")
	for where := range reached {
		if strings.Contains(where, "outside") || strings.Contains(where, "unmarked") {
			t.Errorf("the focus is on %s", where)
		}
	}
	p.quiet(t)
}

// Nothing overlaps and nothing is cut off: no text is wider than its box, no box leaves the page, at the widths of a
// desk and of a telephone, in light and dark.
func TestNothingIsCutOff(t *testing.T) {
	for name := range worlds {
		for _, width := range []int64{1280, 800, 400} {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprintf("%s %d %s", name, width, scheme), func(t *testing.T) {
					p := open(t, pageOf(t, name), true)
					p.run(t, chromedp.EmulateViewport(width, 800), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
						return call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
					}))
					if over := value[int](t, p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
						t.Errorf("the page is %d pixels wider than the window", over)
					}
					cut := value[[]string](t, p, `(() => {
						const out = [];
						for (const e of document.querySelectorAll("h1,h2,h3,p,li,dt,dd,.card,.alert,summary,.c,svg text")) {
							if (!e.checkVisibility() || e.closest(".scroll,.skip")) continue;
							if (e.namespaceURI.endsWith("svg")) {
								const g = e.parentNode.querySelector("rect");
								if (g && e.getBBox().width > g.getBBox().width - 12) out.push("label: " + e.textContent);
								continue;
							}
							if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") out.push(e.tagName + ": " + e.textContent.slice(0, 60));
							const r = e.getBoundingClientRect();
							if (r.right > innerWidth + 1) out.push(e.tagName + " leaves the page: " + e.textContent.slice(0, 60));
						}
						const cards = [...document.querySelectorAll(".card,.alert,.dates>li,.board>div")].map(e => e.getBoundingClientRect());
						for (let i = 0; i < cards.length; i++) for (let j = 0; j < i; j++) {
							const a = cards[i], b = cards[j];
							if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) out.push("two boxes overlap");
						}
						return out.slice(0, 10);
					})()`)
					for _, what := range cut {
						t.Error(what)
					}
					picture(t, p, fmt.Sprintf("%s-%d-%s", name, width, scheme))
					p.quiet(t)
				})
			}
		}
	}
}

// The first screen answers the board's first question.
func TestFirstScreen(t *testing.T) {
	for _, name := range []string{"small", "large"} {
		p := open(t, pageOf(t, name), true)
		p.run(t, chromedp.EmulateViewport(1280, 800))
		for _, want := range []string{"held", "What changes", "Who is hit", "What can go wrong", "merge", "disable", "delete"} {
			bottom := value[float64](t, p, fmt.Sprintf(`Math.min(...[...document.querySelectorAll("#summary h1,#summary h2,#summary .dates b")].filter(e => e.textContent.includes(%q)).map(e => e.getBoundingClientRect().bottom))`, want))
			if bottom <= 0 || bottom > 800 {
				t.Errorf("%s: %q ends at %.0f", name, want, bottom)
			}
		}
		for part, selector := range map[string]chromedp.CSS{"access": "#access", "keys": "#keys", "accounts": "#accounts", "wave": "#w1"} {
			pictureOf(t, p, name+"-"+part, selector)
		}
		p.run(t, do(`location.hash = document.querySelectorAll("details.item")[1].id`), chromedp.Sleep(300*time.Millisecond))
		if !value[bool](t, p, `document.querySelector("details.item[open]").getBoundingClientRect().top < 300`) {
			t.Errorf("%s: a link to a workload does not open it", name)
		}
		picture(t, p, name+"-workload")
	}
}

// Without script everything can be read: nothing waits to be filled in, and details open by themselves.
func TestWithoutScript(t *testing.T) {
	p := open(t, pageOf(t, "small"), false)
	text, err := chromedp.Run(p, chromedp.TextContent(chromedp.CSS("main")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"team-02/Deployment/service-5", "- name: GOOGLE_APPLICATION_CREDENTIALS", "roles/iam.workloadIdentityUser", "Not before 30 days"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q without script", want)
		}
	}
	// The page's own script did not run, and does not start now: only the test's does.
	p.run(t, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		return call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{})
	}))
	if value[bool](t, p, `document.getElementById("find").checkVisibility()`) {
		t.Error("the search shows, and can not work")
	}
	p.run(t, do(`document.querySelector("details.item summary").click()`))
	if !value[bool](t, p, `document.querySelector("details.item[open] pre.diff").checkVisibility()`) {
		t.Error("a workload does not open")
	}
	p.quiet(t)
}

// The page of a whole fleet opens, and says what it leaves out.
func TestFleetOpens(t *testing.T) {
	p := open(t, write(t, "fleet", func(f *os.File) error {
		return report.HTML(f, report.New(reporttest.World{Moves: 18_000, Holds: 2_000, Namespaces: 500, Changeset: true}.Input()))
	}), true)
	count := func() int { return value[int](t, p, fmt.Sprintf(shown, "move")) }
	if n := value[int](t, p, `document.querySelectorAll('tr[data-k="move"]').length`); n != 18_000 {
		t.Errorf("%d workloads in the table", n)
	}
	if n := count(); n != 1000 {
		t.Errorf("%d of them are shown at first", n)
	}
	p.run(t, chromedp.SendKeys(chromedp.CSS("#q"), "service-19999"))
	if ok := value[bool](t, p, `new Promise(done => { const wait = () => [...document.querySelectorAll('tr[data-k="move"]')].filter(e => !e.hidden).length === 1 ? done(true) : setTimeout(wait, 200); wait(); })`); !ok {
		t.Error("the search does not find the one workload")
	}
	p.run(t, do(`document.querySelector("#find").reset()`), chromedp.Sleep(time.Second), do(`document.querySelector("#workloads .more").click()`))
	if n := count(); n != 18_000 {
		t.Errorf("%d workloads are shown when all are asked for", n)
	}
	p.quiet(t)
}

func TestPrint(t *testing.T) {
	for name, most := range map[string]int{"small": 16, "large": 140, "hostile": 80, "found": 8} {
		t.Run(name, func(t *testing.T) {
			p := open(t, pageOf(t, name), true)
			pdf, err := chromedp.Run(p, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
				t.Fatal("no PDF")
			}
			pages := len(regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(pdf, -1))
			if pages == 0 || pages > most {
				t.Errorf("%d pages, want at most %d", pages, most)
			}
			if !bytes.Contains(pdf, []byte("595")) || !bytes.Contains(pdf, []byte("842")) {
				t.Error("the paper is not A4")
			}
			keep(t, name+".pdf", pdf)
			p.quiet(t)
		})
	}
}

func TestLedgerPage(t *testing.T) {
	var entries []report.Entry
	for week := range 30 {
		in := reporttest.World{Moves: 200 - 6*week, Namespaces: 9, InventoryOnly: true}.Input()
		entries = append(entries, report.Entry{Name: fmt.Sprintf("2026-%02d", week+1), Inventory: in.Inventory})
	}
	entries[4].Inventory = &scanner.Inventory{}
	p := open(t, write(t, "ledger", func(f *os.File) error { return report.Ledger(entries).HTML(f) }), true)
	if n := value[int](t, p, `document.querySelectorAll("svg .dot").length`); n != 30 {
		t.Errorf("%d points", n)
	}
	picture(t, p, "ledger")
	p.quiet(t)
}

// picture keeps a picture of the whole page, where one is asked for.
func picture(t *testing.T, p *tab, name string) {
	t.Helper()
	if os.Getenv("DEKEY_SCREENSHOTS") == "" {
		return
	}
	png, err := chromedp.Run(p, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	keep(t, name+".png", png)
}

// pictureOf keeps a picture of one part of the page.
func pictureOf(t *testing.T, p *tab, name string, selector chromedp.CSS) {
	t.Helper()
	if os.Getenv("DEKEY_SCREENSHOTS") == "" {
		return
	}
	png, err := chromedp.Run(p, chromedp.Screenshot(selector))
	if err != nil {
		t.Fatal(err)
	}
	keep(t, name+".png", png)
}

func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	folder := os.Getenv("DEKEY_SCREENSHOTS")
	if folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}
