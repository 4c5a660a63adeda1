package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	"strings"
)

// A Sheet is a small report: a sentence, warnings, and tables. Comparisons and ledgers are sheets.
type Sheet struct {
	Title    string
	Headline string
	Basis    []string // the plans that are compared
	Warnings []string // what was not seen; shown first
	Chart    *Chart
	Tables   []Table
}

// A Table is one of a Sheet's. Cells are safe to print.
type Table struct {
	Name string // in CSV: which table
	Head []string
	Rows [][]string
}

// A Chart is a line of numbers in time.
type Chart struct {
	Title  string
	Labels []string
	Values []int
}

// Text writes the sheet for a terminal.
func (s *Sheet) Text(w io.Writer, opt TextOptions) error {
	g := newGrid(w, opt)
	if !opt.NoHeaders {
		g.paragraph(s.Headline)
		for _, plan := range s.Basis {
			g.line("%s", plan)
		}
	}
	for _, warning := range s.Warnings {
		g.paragraph(g.paint("33", "not seen") + "  " + warning)
	}
	for _, table := range s.Tables {
		if len(table.Rows) == 0 {
			continue
		}
		g.title(strings.ToUpper(table.Name))
		head := make([]string, len(table.Head))
		for i, name := range table.Head {
			head[i] = strings.ToUpper(name)
		}
		rows := make([][]string, len(table.Rows))
		for i, row := range table.Rows {
			rows[i] = make([]string, len(row))
			for j, cell := range row {
				if rows[i][j] = orDash(cell); !opt.Wide {
					rows[i][j] = strings.ReplaceAll(rows[i][j], accountSuffix, "")
				}
			}
		}
		g.rows(head, rows)
	}
	return g.w.Flush()
}

// Markdown writes the sheet for a ticket.
func (s *Sheet) Markdown(w io.Writer) error {
	m := markdown{bufio.NewWriter(w)}
	m.line("# %s\n\n**%s**\n", mdProse(s.Title), mdProse(s.Headline))
	for _, plan := range s.Basis {
		m.line("- %s", mdProse(plan))
	}
	for _, warning := range s.Warnings {
		m.line("- not seen: %s", mdProse(warning))
	}
	for _, table := range s.Tables {
		if len(table.Rows) == 0 {
			continue
		}
		m.line("\n## %s\n", mdProse(table.Name))
		m.head(table.Head...)
		for _, row := range table.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = mdProse(orDash(cell))
			}
			m.row(cells...)
		}
	}
	return m.w.Flush()
}

// CSV writes one table of the sheet, the first for "".
func (s *Sheet) CSV(w io.Writer, name string) error {
	var names []string
	for _, table := range s.Tables {
		names = append(names, table.Name)
		if name != "" && name != table.Name {
			continue
		}
		out := csv.NewWriter(w)
		out.UseCRLF = true
		for _, row := range append([][]string{table.Head}, table.Rows...) {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = harmless(cell)
			}
			if err := out.Write(cells); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	}
	return fmt.Errorf("writing CSV: no table %q: it is one of %s", Visible(name), strings.Join(names, ", "))
}

// HTML writes the sheet as a page that needs nothing else.
func (s *Sheet) HTML(w io.Writer) error {
	set, err := loadPage()
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	p := &page{set: set, w: bufio.NewWriterSize(w, 1<<16)}
	foot := footOf("")
	p.put("top", map[string]any{"Title": s.Title, "Guard": set.guard(foot), "Style": template.CSS(set.style), "Foot": template.CSS(foot), "Nav": []link(nil), "Mark": template.JS(set.mark), "Many": true})
	p.put("sheet", map[string]any{"S": s, "Plot": plotOf(s.Chart)})
	p.put("end", map[string]any{"R": map[string]string{"Tool": "dekey", "PlanID": ""}, "Script": template.JS(set.script)})
	if p.err != nil {
		return fmt.Errorf("writing the page: %w", p.err)
	}
	return p.w.Flush()
}

// A plot is a chart with its places in the picture.
type plot struct {
	Width, Height int
	Title         string
	Line          string // of the SVG polyline
	Points        []plotPoint
	Grid          []plotLine
}

type plotPoint struct {
	X, Y, LabelY int
	Value, Label string
	Named        bool // the label stands below the axis
}

type plotLine struct {
	Y, TextY int
	Label    string
}

func plotOf(c *Chart) *plot {
	if c == nil || len(c.Values) == 0 {
		return nil
	}
	const width, height, left, top, bottom = 1000, 260, 50, 20, 40
	highest := 1
	for _, value := range c.Values {
		highest = max(highest, value)
	}
	p := &plot{Width: width, Height: height, Title: c.Title}
	y := func(value int) int { return top + (height-top-bottom)*(highest-value)/highest }
	for i := range 5 {
		value := highest * i / 4
		if i > 0 && value == highest*(i-1)/4 {
			continue
		}
		p.Grid = append(p.Grid, plotLine{Y: y(value), TextY: y(value) + 4, Label: thousands(value)})
	}
	every := (len(c.Values) + 11) / 12
	var points []string
	for i, value := range c.Values {
		x := left + (width-left-60)*i/max(1, len(c.Values)-1)
		points = append(points, fmt.Sprintf("%d,%d", x, y(value)))
		if len(c.Values) <= 60 || i%every == 0 || i == len(c.Values)-1 {
			label := c.Labels[i]
			if runes := []rune(label); len(runes) > 14 {
				label = "…" + string(runes[len(runes)-13:])
			}
			p.Points = append(p.Points, plotPoint{X: x, Y: y(value), LabelY: height - 14, Value: thousands(value), Label: label, Named: i%every == 0})
		}
	}
	p.Line = strings.Join(points, " ")
	return p
}
