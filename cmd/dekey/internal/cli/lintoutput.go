package cli

import (
	"fmt"
	"io"
	"path"
	"strings"

	"dekey/planner/lint"
	"dekey/planner/planfile"
	"dekey/rewriter/report"
	"dekey/scanner"
)

// A lintDocument is what lint prints.
type lintDocument struct{ lint.Document }

func (d lintDocument) print(w io.Writer, format string) error {
	switch format {
	case "json":
		data, err := planfile.Marshal(d.Document)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	case "sarif":
		return d.sarif(w)
	case "github":
		return d.github(w)
	}
	return d.text(w)
}

// text is for people: what could not be read first, then one line for each violation, as compilers print them.
func (d lintDocument) text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, d.headline())
	for _, gap := range d.Gaps {
		fmt.Fprintf(&b, "gap: %s: %s\n", visibleLine(gap.What), visibleLine(gap.Why))
	}
	for _, v := range d.Violations {
		fmt.Fprintf(&b, "%s: %s %s: %s (%s)\n", place(v.Origin), v.Severity, v.Code, visibleLine(v.Text), visibleLine(v.Object))
	}
	for _, v := range d.Undecided {
		fmt.Fprintf(&b, "%s: not decided: %s: %s (%s)\n", place(v.Origin), v.Code, visibleLine(v.Text), visibleLine(v.Object))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func visibleLine(s string) string { return strings.ReplaceAll(visible(s), "\n", `\n`) }

// place is PATH:LINE:COLUMN as far as it is known, the path from where dekey runs.
func place(o scanner.Origin) string {
	text := visibleLine(sourcePath(o))
	if o.Line > 0 {
		text += fmt.Sprintf(":%d", o.Line)
	}
	if o.Column > 0 {
		text += fmt.Sprintf(":%d", o.Column)
	}
	return text
}

// sourcePath joins a path with its source, when that is not the current folder.
func sourcePath(o scanner.Origin) string {
	if o.Source == "-" || o.Path == "-" {
		return "standard input"
	}
	if strings.HasSuffix(o.Source, "/"+o.Path) || o.Source == o.Path {
		return o.Source // the source is the file itself
	}
	return path.Join(o.Source, o.Path)
}

// headline says how it stands, what was not seen first.
func (d lintDocument) headline() string {
	var parts []string
	if n := len(d.Gaps); n > 0 {
		parts = append(parts, plural(n, "place")+" could not be read")
	}
	parts = append(parts, plural(len(d.Violations), "violation"))
	if n := len(d.Undecided); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not decided", n))
	}
	comments, before := 0, 0
	for _, s := range d.Suppressed {
		if s.By == "baseline" {
			before++
		} else {
			comments++
		}
	}
	if comments > 0 {
		parts = append(parts, fmt.Sprintf("%d excused", comments))
	}
	if before > 0 {
		parts = append(parts, fmt.Sprintf("%d in the baseline", before))
	}
	return strings.Join(parts, ", ") + "."
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sarif is for code scanning.
func (d lintDocument) sarif(w io.Writer) error {
	results := []report.Result{}
	add := func(v lint.Violation, why string) {
		results = append(results, report.Result{
			Rule: v.Code, Level: string(v.Severity), Message: v.Text + ".", Path: v.Origin.Path, Line: v.Origin.Line, Column: v.Origin.Column,
			Object: v.Object, Fingerprint: v.Fingerprint, Suppressed: why,
		})
	}
	for _, v := range d.Violations {
		add(v, "")
	}
	for _, s := range d.Suppressed {
		add(s.Violation, s.Reason)
	}
	for _, v := range d.Undecided {
		v.Text = "Not decided: " + v.Text
		add(v, "")
	}
	var notifications []report.Notification
	for _, gap := range d.Gaps {
		notifications = append(notifications, report.Notification{Message: "Not seen: " + gap.What + ": " + gap.Why})
	}
	return report.WriteSARIF(w, tool(), results, notifications)
}

// github is the workflow commands that make annotations on a pull request.
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
func (d lintDocument) github(w io.Writer) error {
	var b strings.Builder
	for _, gap := range d.Gaps {
		fmt.Fprintf(&b, "::warning title=dekey%%3A not read::%s\n", commandText(gap.What+": "+gap.Why))
	}
	annotate := func(command, title string, v lint.Violation) {
		properties := []string{"file=" + property(sourcePath(v.Origin))}
		if v.Origin.Line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", v.Origin.Line))
		}
		if v.Origin.Column > 0 {
			properties = append(properties, fmt.Sprintf("col=%d", v.Origin.Column))
		}
		properties = append(properties, "title="+property(title))
		fmt.Fprintf(&b, "::%s %s::%s\n", command, strings.Join(properties, ","), commandText(v.Object+": "+v.Text))
	}
	for _, v := range d.Violations {
		annotate(string(v.Severity), "dekey "+v.Code, v)
	}
	for _, v := range d.Undecided {
		annotate("notice", "dekey, not decided: "+v.Code, v)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// What a workflow command would read as its own. The runner undoes it.
var (
	commandEscapes  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func commandText(s string) string { return commandEscapes.Replace(visible(s)) }

func property(s string) string { return propertyEscapes.Replace(visible(s)) }
