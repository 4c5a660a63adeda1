package yamledit_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"dekey/rewriter/yamledit"
	"dekey/scanner/object"
)

func keys(k ...string) object.Path { return object.Keys(k...) }

// A target is a field that an edit can name.
type target struct {
	path object.Path
	node *yaml.Node
	only bool // nothing else stands beside it
	item bool // of a list
}

// targets are the fields of a document, by another walk than the editor's.
func targets(text []byte) []target {
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil || len(document.Content) == 0 {
		return nil
	}
	var out []target
	var walk func(n *yaml.Node, at object.Path, depth int)
	walk = func(n *yaml.Node, at object.Path, depth int) {
		if depth > 50 || len(out) > 2000 {
			return
		}
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if key := n.Content[i]; key.Kind == yaml.ScalarNode && key.Value != "" && key.Tag != "!!merge" {
					field := at.Join(object.Key(key.Value))
					out = append(out, target{field, n.Content[i+1], len(n.Content) == 2, false})
					walk(n.Content[i+1], field, depth+1)
				}
			}
		case yaml.SequenceNode:
			for i, item := range n.Content {
				field := at.Join(object.At(i))
				out = append(out, target{field, item, len(n.Content) == 1, true})
				walk(item, field, depth+1)
			}
		}
	}
	walk(document.Content[0], nil, 0)
	return out
}

// choose picks edits of one document by bytes: two for each edit.
func choose(document int, all []target, picks []byte) []yamledit.Edit {
	var edits []yamledit.Edit
	for ; len(picks) >= 2 && len(edits) < 8 && len(all) > 0; picks = picks[2:] {
		at := all[int(picks[0])%len(all)]
		e := yamledit.Edit{Document: document, Op: yamledit.Remove, Field: at.path}
		list := at.node.Kind == yaml.SequenceNode || at.node.ShortTag() == "!!null"
		switch pick := picks[1] % 8; {
		case pick == 4 && at.node.Kind == yaml.ScalarNode:
			e.Op, e.Value = yamledit.Set, fmt.Sprintf("value %d", picks[1])
		case pick == 5 && !at.item:
			e.Op, e.Value, e.Field = yamledit.Set, "new", at.path.Parent().Join(object.Key(fmt.Sprintf("new%d", picks[1])))
		case pick == 6 && list:
			e.Op, e.Value = yamledit.Append, map[string]any{"name": "NEW", "value": "on"}
		case pick == 7 && !at.item:
			e.Op, e.Value, e.Field = yamledit.Append, "new", at.path.Parent().Join(object.Key("list"))
		}
		edits = append(edits, e)
	}
	return edits
}

// check holds a result against everything that is promised of it. It says whether the second parser could judge.
func check(t *testing.T, file []byte, edits []yamledit.Edit, result yamledit.Result) (judged bool) {
	t.Helper()
	sound(t, file, edits, result)
	wrong := judge(file, result.Content, edits)
	if wrong != "" && wrong != "?" {
		t.Fatalf("%s\nedits %v\n%q\n%q", wrong, edits, file, result.Content)
	}
	return wrong == ""
}

// sound checks what holds for a result whatever a parser makes of it.
func sound(t *testing.T, file []byte, edits []yamledit.Edit, result yamledit.Result) {
	t.Helper()
	untouched(t, file, result)
	if len(file) > 0 && len(result.Content) > 0 && ends(file) != ends(result.Content) {
		t.Fatalf("the end of the file changed: %q, %q", file, result.Content)
	}
	minimal(t, file, edits, result)
}

// ends says whether the last line has a break: LF, CR LF or, as YAML has it, CR.
func ends(file []byte) bool { return file[len(file)-1] == '\n' || file[len(file)-1] == '\r' }

// untouched checks that the bytes outside of the splices are as they were.
func untouched(t *testing.T, file []byte, result yamledit.Result) {
	t.Helper()
	at, now := 0, 0
	for _, s := range result.Splices {
		if s.Start < at || s.End < s.Start {
			t.Fatalf("the splices overlap: %v", result.Splices)
		}
		if !bytes.HasPrefix(result.Content[now:], file[at:s.Start]) {
			t.Fatalf("bytes outside of the edits changed:\n%q\n%q", file, result.Content)
		}
		now += s.Start - at + len(s.Text)
		at = s.End
	}
	if !bytes.Equal(file[at:], result.Content[now:]) {
		t.Fatalf("bytes behind the edits changed:\n%q\n%q", file, result.Content)
	}
}

// minimal checks a single removal: what goes is the field (or all that only it kept alive), comments, blank lines, and a comma
// or a dash beside it.
func minimal(t *testing.T, file []byte, edits []yamledit.Edit, result yamledit.Result) {
	t.Helper()
	if len(edits) != 1 || edits[0].Op != yamledit.Remove {
		return
	}
	documents, _ := yamledit.Documents(file)
	d := documents[edits[0].Document-1]
	only := map[string]bool{}
	for _, at := range targets(file[d.Start:d.End]) {
		only[at.path.String()] = at.only
	}
	field := edits[0].Field
	for only[field.String()] && len(field) > 1 {
		field = field.Parent()
	}
	at, err := yamledit.Locate(file, edits[0].Document, field)
	if err != nil || at[0].Line == 0 {
		return
	}
	for _, s := range result.Splices {
		for pos := s.Start; pos < s.End; pos++ {
			if pos >= at[0].From && pos < at[0].To || strings.IndexByte(" \t\r\n,-", file[pos]) >= 0 {
				continue
			}
			if line := lineAround(file, pos); strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") || beside(line, "#") {
				continue
			}
			t.Fatalf("%v takes %q at byte %d of\n%s", edits[0].Field, file[pos], pos, file)
		}
	}
}

func lineAround(text []byte, pos int) string {
	start := bytes.LastIndexAny(text[:pos], "\r\n") + 1
	end := bytes.IndexAny(text[pos:], "\r\n")
	if end < 0 {
		end = len(text) - pos
	}
	return string(text[start : pos+end])
}

func beside(line, mark string) bool {
	return strings.Contains(line, " "+mark) || strings.Contains(line, "\t"+mark)
}

// TestRandomManifests makes manifests of many layouts and edits them at random. A refusal is allowed; a wrong result is not,
// and most edits must succeed.
func TestRandomManifests(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	done, judged, hard := 0, 0, 0
	for range 1500 {
		file := []byte(randomManifest(r))
		documents, err := yamledit.Documents(file)
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		number := 1 + r.Intn(len(documents))
		d := documents[number-1]
		picks := make([]byte, 2*(1+r.Intn(3)))
		r.Read(picks)
		edits := choose(number, targets(file[d.Start:d.End]), picks)
		if len(edits) == 0 {
			t.Fatalf("nothing can be edited in\n%s", file)
		}
		result, err := yamledit.Apply(file, edits)
		switch {
		case err == nil:
			done++
			if check(t, file, edits, result) {
				judged++
			}
		case strings.Contains(err.Error(), "nothing would be left") || strings.Contains(err.Error(), "two edits disagree") ||
			strings.Contains(err.Error(), "different values"):
		default:
			if hard++; testing.Verbose() {
				t.Logf("%v: %v\n%s", err, edits, file)
			}
		}
	}
	t.Logf("%d done, %d judged, %d refused that could be done", done, judged, hard)
	if done < 1000 || judged < done*9/10 || hard > 15 {
		t.Errorf("%d of 1500 edits succeeded, %d of them could be judged, %d were refused that could be done", done, judged, hard)
	}
}

// randomManifest writes a file of one to three documents.
func randomManifest(r *rand.Rand) string {
	w := layout{r: r, step: 1 + r.Intn(4), indented: r.Intn(2) == 0, comments: r.Intn(3)}
	var documents []string
	for range 1 + r.Intn(3) {
		documents = append(documents, strings.Join(w.mapping(0, 3), "\n"))
	}
	text := strings.Join(documents, "\n---\n") + "\n"
	switch r.Intn(6) {
	case 0:
		text = strings.TrimRight(text, "\n")
	case 1:
		text = strings.ReplaceAll(text, "\n", "\r\n")
	case 2:
		text = "# head\n---\n" + text
	case 3:
		text = "\ufeff" + text
	}
	return text
}

type layout struct {
	r        *rand.Rand
	step     int
	indented bool
	comments int
	keys     int
}

func (w *layout) key() string {
	w.keys++
	return fmt.Sprintf([]string{"env%d", "name%d", "größe%d", "a-b%d", "'q%d'", "x.y/z%d"}[w.r.Intn(6)], w.keys)
}

func (w *layout) pad(columns int) string { return strings.Repeat(" ", columns) }

// noise puts a comment, a blank line or a marker before an entry.
func (w *layout) noise(column int) []string {
	if w.r.Intn(10) >= w.comments*2 {
		return nil
	}
	return [][]string{
		{w.pad(column) + "# about the next"}, {""}, {w.pad(column) + "# - name: old"}, {w.pad(column+2) + "# deeper"},
		{"# at the margin"}, {w.pad(column) + "# the service account key", w.pad(column) + "# of two lines"}, {"", w.pad(column) + "# below a blank"},
	}[w.r.Intn(7)]
}

func (w *layout) mapping(column, depth int) []string {
	var lines []string
	for i := range 1 + w.r.Intn(4) {
		if i > 0 {
			lines = append(lines, w.noise(column)...)
		}
		lines = append(lines, w.entry(w.pad(column)+w.key()+":", column, depth)...)
	}
	return lines
}

func (w *layout) entry(head string, column, depth int) []string {
	tail := []string{"", "  # beside", " "}[w.r.Intn(3)]
	if depth > 0 && w.r.Intn(2) == 0 {
		if w.r.Intn(2) == 0 {
			return append([]string{head + tail}, w.mapping(column+w.step, depth-1)...)
		}
		dash := column
		if w.indented {
			dash += w.step
		}
		return append([]string{head + tail}, w.sequence(dash, depth-1)...)
	}
	switch w.r.Intn(9) {
	case 0:
		return []string{head + tail}
	case 1:
		return []string{head + " |", w.pad(column+2) + "text # no comment", "", w.pad(column+4) + "more"}
	case 2:
		return []string{head + " >-", w.pad(column+3) + "folded", w.pad(column+3) + "text"}
	case 3:
		return []string{head + " \"quoted", w.pad(column+1) + "\\\"on\""}
	case 4:
		return []string{head + " plain", w.pad(column+1) + "words" + tail}
	case 5:
		return []string{head + " [a, {b: c, \"d\": 'e'}, [f]]" + tail}
	case 6:
		return []string{head + " [", w.pad(column+2) + "a, # one", w.pad(column+2) + "# two", w.pad(column+2) + "{b: c},", w.pad(column) + "]"}
	case 7:
		return []string{head + " {}"}
	}
	return []string{head + " value" + tail}
}

func (w *layout) sequence(column, depth int) []string {
	var lines []string
	for i := range 1 + w.r.Intn(3) {
		if i > 0 {
			lines = append(lines, w.noise(column)...)
		}
		switch w.r.Intn(4) {
		case 0:
			lines = append(lines, w.pad(column)+"- item")
		case 1:
			lines = append(lines, w.pad(column)+"- 'it''s'   # beside")
		default:
			item := w.mapping(column+2, depth-1)
			item[0] = w.pad(column) + "- " + strings.TrimLeft(item[0], " ")
			lines = append(lines, item...)
		}
	}
	return lines
}
