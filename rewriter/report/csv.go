package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The tables of CSV.
const (
	TableFindings = "findings" // one row a finding
	TableMoves    = "moves"    // one row a move
	TableKeys     = "keys"     // one row a key
)

// CSV writes one of the tables. No cell starts a formula in a spreadsheet.
func CSV(w io.Writer, r *Report, table string) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	put := func(cells ...string) error {
		for i, cell := range cells {
			cells[i] = harmless(cell)
		}
		return out.Write(cells)
	}
	var err error
	switch table {
	case TableFindings, "":
		err = csvFindings(put, r)
	case TableMoves:
		err = csvMoves(put, r)
	case TableKeys:
		err = csvKeys(put, r)
	default:
		return fmt.Errorf("writing CSV: no table %q: it is %s, %s or %s", Visible(table), TableFindings, TableMoves, TableKeys)
	}
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a spreadsheet from taking a cell for a formula: an apostrophe makes it text. Numbers stay numbers.
// https://owasp.org/www-community/attacks/CSV_Injection
func harmless(cell string) string {
	if _, err := strconv.ParseInt(cell, 10, 64); err == nil {
		return cell
	}
	trimmed := strings.TrimLeft(cell, " ")
	if trimmed != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(trimmed)[0]) {
		return "'" + cell
	}
	return cell
}

func csvFindings(put func(...string) error, r *Report) error {
	if err := put("id", "outcome", "code", "namespace", "kind", "name", "container", "via", "named", "secret", "key", "account", "file", "line"); err != nil {
		return err
	}
	for _, f := range r.Findings {
		file, line := "", ""
		if len(f.Places) > 0 {
			file, line = f.Places[0].Path, lineNumber(f.Places[0].Line)
		}
		if err := put(f.ID, f.Outcome, f.Code, f.Workload.Namespace, f.Workload.Kind, f.Workload.Name, f.Container, f.Via, f.Named, f.Secret, f.Key, f.Email, file, line); err != nil {
			return err
		}
	}
	return nil
}

func csvMoves(put func(...string) error, r *Report) error {
	if err := put("id", "wave", "namespace", "kind", "name", "account", "model", "service account before", "service account after", "new", "notices", "findings", "grants", "file", "line", "cluster"); err != nil {
		return err
	}
	for _, m := range r.Moves {
		if err := put(m.ID, m.Wave, m.Workload.Namespace, m.Workload.Kind, m.Workload.Name, m.Account, m.Model, m.Before, m.After, strconv.FormatBool(m.Create),
			strings.Join(codesOfMove(m), " "), strconv.Itoa(len(m.Findings)), strconv.Itoa(len(m.Grants)), m.Place.Path, lineNumber(m.Place.Line), m.Cluster); err != nil {
			return err
		}
	}
	return nil
}

func csvKeys(put func(...string) error, r *Report) error {
	if err := put("key", "type", "account", "key id", "project", "verdict", "use", "last use", "evidence from", "evidence to", "created", "expires", "age days", "copies", "consumers", "moved", "ready", "blocked by"); err != nil {
		return err
	}
	for _, k := range r.Keys {
		var blockers []string
		for _, b := range k.Blockers {
			blockers = append(blockers, b.Code)
		}
		age := ""
		if k.AgeDays >= 0 {
			age = strconv.Itoa(k.AgeDays)
		}
		if err := put(k.ID, k.Type, k.Email, k.KeyID, k.Project, k.Verdict, k.Use, k.LastUse, k.From, k.To, k.Created, k.Expires, age,
			strings.Join(k.Copies, "; "), strconv.Itoa(k.Consumers), strconv.Itoa(k.Moved), strconv.FormatBool(k.Ready), strings.Join(blockers, " ")); err != nil {
			return err
		}
	}
	return nil
}

func lineNumber(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
