package report_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"dekey/rewriter/report"
	"dekey/rewriter/report/reporttest"
	"dekey/scanner"
)

func TestCompare(t *testing.T) {
	whole := reporttest.World{Moves: 4, Holds: 2, Namespaces: 2}
	for _, test := range []struct {
		name     string
		new      func(in *report.Input)
		headline string
		warnings []string
		first    []string // the first rows' change and what
	}{
		{name: "nothing changed", new: func(*report.Input) {}, headline: "Nothing changed."},
		{
			name: "a workload is keyless, its key gone", headline: "no longer planned: 1, key gone: 1, workload keyless: 1.",
			new: func(in *report.Input) {
				in.Plan.Keys = in.Plan.Keys[:5]
				in.Plan.Findings = in.Plan.Findings[:5]
				in.Inventory = nil
				in.Plan.Moves = in.Plan.Moves[:3]
			},
			first: []string{"no longer planned team-01/Deployment/service-5"},
		},
		{
			name: "a new hold comes before good news", headline: "new hold: 1, hold cleared: 1.",
			new:   func(in *report.Input) { in.Plan.Holds[0].Code = "host-network" },
			first: []string{"new hold team-00/Deployment/service-0 host-network", "hold cleared team-00/Deployment/service-0 program-reads-key"},
		},
		{
			name: "a new gap is said first", headline: "new gap: 1.",
			new: func(in *report.Input) {
				in.Plan.Gaps = append(in.Plan.Gaps, scanner.Gap{What: "namespace legacy", Why: "secrets: forbidden"})
			},
			warnings: []string{"namespace legacy: secrets: forbidden"}, first: []string{"new gap namespace legacy: secrets: forbidden"},
		},
		{
			name: "a source that is missing takes nothing away", headline: "Nothing changed in what both of them saw.",
			new: func(in *report.Input) {
				in.Plan.Sources = []scanner.Source{{ID: "other", Kind: "repository"}}
				in.Inventory = nil
				in.Plan.Holds, in.Plan.Findings, in.Plan.Keys, in.Plan.Moves = nil, nil, nil, nil
			},
			warnings: []string{"source repo is not in the new one: what it had is not counted as gone"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			old, now := whole.Input(), whole.Input()
			old.Plan.Keys, now.Plan.Keys = old.Inventory.Keys, whole.Input().Inventory.Keys
			old.Plan.Sources, now.Plan.Sources = old.Inventory.Sources, old.Inventory.Sources
			test.new(&now)
			s := report.Compare(old, now)
			if s.Headline != test.headline {
				t.Errorf("headline %q, want %q", s.Headline, test.headline)
			}
			if diff := cmp.Diff(test.warnings, s.Warnings); diff != "" {
				t.Error(diff)
			}
			for i, want := range test.first {
				if got := strings.Join(s.Tables[0].Rows[i][:2], " "); got != want {
					t.Errorf("row %d: %q, want %q", i, got, want)
				}
			}
		})
	}
}

func TestLedger(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	inventory := func(gaps int, ids ...string) *scanner.Inventory {
		inv := &scanner.Inventory{}
		for i, id := range ids {
			ref := scanner.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: id}
			inv.Keys = append(inv.Keys, scanner.Key{ID: id, Email: id + "@acme.iam.gserviceaccount.com"})
			inv.Findings = append(inv.Findings, scanner.Finding{ID: id, Key: id, Workload: ref})
			if id != "undated" {
				inv.KeyFacts = append(inv.KeyFacts, scanner.KeyFact{Key: id, Created: day(20 - i)})
			}
		}
		for range gaps {
			inv.Gaps = append(inv.Gaps, scanner.Gap{What: "namespace legacy", Why: "forbidden"})
		}
		return inv
	}
	s := report.Ledger([]report.Entry{
		{Name: "monday", Inventory: inventory(0, "a", "b", "c")},
		{Name: "tuesday", Inventory: inventory(0, "a")},
		{Name: "wednesday", Inventory: inventory(1, "a", "c", "undated")},
	})
	if want := "2 new since the inventory before. At least 3 keys left of 3 at the start."; s.Headline != want {
		t.Errorf("headline %q", s.Headline)
	}
	if diff := cmp.Diff([]string{"namespace legacy: forbidden"}, s.Warnings); diff != "" {
		t.Error(diff)
	}
	want := [][]string{
		{"monday", "3", "0", "0", "3", "3", "2026-01-18", "0", "0"},
		{"tuesday", "1", "0", "2", "1", "1", "2026-01-20", "0", "0"},
		{"wednesday", "3", "2", "0", "3", "3", "2026-01-19 (age of 1 unknown)", "1", "0"},
	}
	if diff := cmp.Diff(want, s.Tables[0].Rows); diff != "" {
		t.Error(diff)
	}
	wantKeys := [][]string{
		{"c", "c@acme.iam.gserviceaccount.com", "wednesday", "2026-01-19", "0", "shop/Deployment/c"},
		{"a", "a@acme.iam.gserviceaccount.com", "monday", "2026-01-20", "0", "shop/Deployment/a"},
		{"undated", "undated@acme.iam.gserviceaccount.com", "wednesday", "-", "0", "shop/Deployment/undated"},
	}
	if diff := cmp.Diff(wantKeys, s.Tables[1].Rows); diff != "" {
		t.Error(diff)
	}
	unseen := report.Ledger([]report.Entry{{Name: "monday", Inventory: inventory(0, "a", "b")}, {Name: "tuesday", Inventory: inventory(1, "a")}})
	if got := unseen.Tables[0].Rows[1][3]; got != "1, or unseen" {
		t.Errorf("a key that a gap may hide counts as gone: %q", got)
	}
	unread := inventory(0, "a")
	for _, name := range []string{"b", "c", "c"} { // the second use of one Secret counts once
		unread.Findings = append(unread.Findings, scanner.Finding{Secret: scanner.Holder{Kind: "Secret", Namespace: "shop", Name: name, Entry: "key.json"}})
	}
	if s := report.Ledger([]report.Entry{{Name: "monday", Inventory: unread}}); s.Headline != "1 key left of 1 at the start. 2 Secrets in use have a key that was not read." || s.Chart.Values[0] != 3 {
		t.Errorf("headline %q, chart %v", s.Headline, s.Chart.Values)
	}
	if s := report.Ledger(nil); s.Headline != "No inventory was given." {
		t.Errorf("headline %q", s.Headline)
	}
}

// Sheets are as harmless as reports.
func TestSheetsAreOnlyText(t *testing.T) {
	hostile := reporttest.World{Moves: 21, Holds: 21, Namespaces: 3, Hostile: true}.Input()
	for name, s := range map[string]*report.Sheet{
		"compare": report.Compare(reporttest.World{Moves: 2, Namespaces: 1}.Input(), hostile),
		"ledger":  report.Ledger([]report.Entry{{Name: reporttest.Hostile[0], Inventory: hostile.Inventory}, {Name: reporttest.Hostile[5], Inventory: hostile.Inventory}}),
	} {
		var page, text, mark bytes.Buffer
		if err := s.HTML(&page); err != nil {
			t.Fatal(err)
		}
		if err := s.Text(&text, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Markdown(&mark); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(text.String()+mark.String()+page.String(), "\x1b\x00\u202e\u2066") {
			t.Errorf("%s: an invisible character", name)
		}
		for line := range strings.Lines(text.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
				t.Errorf("%s: a line of %d", name, n)
			}
		}
		tree, err := html.Parse(&page)
		if err != nil {
			t.Fatal(err)
		}
		walk(tree, func(n *html.Node, _ map[string]bool) {
			if n.Type == html.ElementNode && n.Data == "img" || n.Data == "script" && n.Type == html.ElementNode && strings.Contains(n.FirstChild.Data, "canary") {
				t.Errorf("%s: <%s>", name, n.Data)
			}
		})
		for _, table := range s.Tables {
			var out bytes.Buffer
			if err := s.CSV(&out, table.Name); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&out).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != len(table.Rows)+1 {
				t.Errorf("%s %s: %d rows", name, table.Name, len(rows))
			}
			for _, row := range rows {
				for _, cell := range row {
					if cell != "" && cell != "-" && strings.ContainsAny(cell[:1], "=+@|\t") {
						t.Errorf("%s: a formula: %q", name, cell)
					}
				}
			}
		}
		if err := s.CSV(&bytes.Buffer{}, "nonsense"); err == nil {
			t.Errorf("%s: an unknown table was written", name)
		}
	}
}
