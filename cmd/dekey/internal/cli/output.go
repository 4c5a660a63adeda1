package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"dekey/rewriter/report"
)

// formats are what -o takes.
var formats = []string{"text", "markdown", "html", "json", "csv", "sarif"}

// An output is how a result is shown on standard output.
type output struct {
	format    string
	table     string
	wide      bool
	noHeaders bool
}

func (o *output) add(flags *pflag.FlagSet, format string) {
	flags.StringVarP(&o.format, "output", "o", format, "`FORMAT` of standard output: "+strings.Join(formats, ", "))
	flags.StringVar(&o.table, "table", "findings", "the `TABLE` that csv prints: findings, moves or keys")
	flags.BoolVar(&o.wide, "wide", false, "text: one line a row, however long")
	flags.BoolVar(&o.noHeaders, "no-headers", false, "text and csv: rows alone")
}

func (o *output) check() error {
	if slices.Contains(formats, o.format) {
		return nil
	}
	return usagef("--output %q: it is one of %s (a format, never a path)", o.format, strings.Join(formats, ", "))
}

// text are the terminal's options.
func (o *output) text(sys System) report.TextOptions {
	return report.TextOptions{Width: sys.Width, Wide: o.wide, NoHeaders: o.noHeaders, Color: sys.ColorOutput}
}

// print shows r. document is what json prints: the document itself, where there is one.
func (o *output) print(sys System, r *report.Report, document []byte) error {
	var b bytes.Buffer
	var err error
	switch o.format {
	case "text":
		err = report.Text(&b, r, o.text(sys))
	case "markdown":
		err = report.Markdown(&b, r)
	case "html":
		err = report.HTML(&b, r)
	case "csv":
		if tables := []string{report.TableFindings, report.TableMoves, report.TableKeys}; !slices.Contains(tables, o.table) {
			return usagef("--table %q: it is one of %s", o.table, strings.Join(tables, ", "))
		}
		err = report.CSV(&b, r, o.table)
	case "sarif":
		err = report.SARIF(&b, r)
	case "json":
		if document != nil {
			b.Write(document)
			break
		}
		err = report.JSON(&b, r)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(sys.Stdout, &b)
	return err
}

// summarize says on standard error what happened: held and unseen first.
func summarize(sys System, r *report.Report) error {
	if err := report.Summary(sys.Stderr, r, report.TextOptions{Width: 80, Color: sys.Terminal && sys.ColorOutput}); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}
