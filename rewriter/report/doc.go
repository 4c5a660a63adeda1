// Package report shows one report of an inventory, a plan or a changeset folder to people and to other programs: as
// text, Markdown, HTML, JSON, CSV and SARIF. It is made from saved documents, long after the scan, without access to
// anything.
//
//	r := report.New(report.Input{Inventory: inv, Plan: plan, Changeset: cs, Files: files})
//	err := report.HTML(w, r)
//
// Every report opens with what was held and what could not be read. It is pure: no clock (an age is shown only when
// Input.Now is given), no network, no files. The same input gives the same bytes.
//
// Everything that comes from a manifest is hostile. New makes control, bidirectional and escape characters visible
// once, for every format; each format then escapes what it would interpret: HTML through html/template, Markdown by
// putting foreign words into code spans, CSV by never starting a cell as a formula, SARIF by escaping its own links.
package report
