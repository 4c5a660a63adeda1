package report

import (
	"io"
	"os"
	"testing"
)

func TestWriteSamples(t *testing.T) {
	dir := os.Getenv("REPORT_SAMPLES")
	if dir == "" {
		return
	}
	for name, w := range map[string]world{"small": {moves: 5, holds: 1, namespaces: 3, changeset: true}, "big": {moves: 480, holds: 20, namespaces: 25, changeset: true}, "hostile": {moves: 25, holds: 15, namespaces: 3, hostile: true, changeset: true}, "inv": {moves: 9, namespaces: 3, inventoryOnly: true}} {
		r := New(w.input())
		for ext, write := range map[string]func(io.Writer) error{
			"html": func(w io.Writer) error { return HTML(w, r) }, "md": func(w io.Writer) error { return Markdown(w, r) },
			"txt": func(w io.Writer) error { return Text(w, r, TextOptions{}) }, "json": func(w io.Writer) error { return JSON(w, r) },
			"sum": func(w io.Writer) error { return Summary(w, r, TextOptions{}) },
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
