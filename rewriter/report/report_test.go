package report_test

import (
	"io"
	"os"
	"testing"

	"dekey/rewriter/report"
	"dekey/rewriter/report/reporttest"
)

func TestWriteSamples(t *testing.T) {
	dir := os.Getenv("REPORT_SAMPLES")
	if dir == "" {
		return
	}
	for name, w := range map[string]reporttest.World{"small": {Moves: 5, Holds: 1, Namespaces: 3, Changeset: true}, "big": {Moves: 480, Holds: 20, Namespaces: 25, Changeset: true}, "hostile": {Moves: 25, Holds: 15, Namespaces: 3, Hostile: true, Changeset: true}, "inv": {Moves: 9, Namespaces: 3, InventoryOnly: true}} {
		r := report.New(w.Input())
		for ext, write := range map[string]func(io.Writer) error{
			"html": func(w io.Writer) error { return report.HTML(w, r) }, "md": func(w io.Writer) error { return report.Markdown(w, r) },
			"txt": func(w io.Writer) error { return report.Text(w, r, report.TextOptions{}) }, "json": func(w io.Writer) error { return report.JSON(w, r) },
			"sum": func(w io.Writer) error { return report.Summary(w, r, report.TextOptions{}) },
		} {
			f, err := os.Create(dir + "/" + name + "." + ext)
			if err != nil {
				t.Fatal(err)
			}
			if err := write(f); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
