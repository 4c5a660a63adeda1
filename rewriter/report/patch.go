package report

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"dekey/rewriter"
)

// A Hunk is a part of changes.patch that carries out one move. A hunk that serves several moves is shown with the
// first; the others name it.
type Hunk struct {
	Path  string `json:"path"`
	Text  string `json:"text"`  // the hunk with its @@ line; "" where it is shown with another move
	Shown string `json:"shown"` // the id of the move that shows it, or ""
}

// A filePatch is one file of a patch.
type filePatch struct {
	path  string
	hunks []filePatchHunk
}

type filePatchHunk struct {
	from, to int // lines before the change
	text     string
}

// parsePatch splits a unified diff as git writes it. What it does not know it leaves out: the patch file is the
// authority, and stands beside the report.
func parsePatch(patch []byte) []filePatch {
	var files []filePatch
	var text strings.Builder
	flush := func() {
		if len(files) > 0 && text.Len() > 0 {
			last := &files[len(files)-1]
			last.hunks[len(last.hunks)-1].text = text.String()
		}
		text.Reset()
	}
	old, left, right := "", 0, 0
	for line := range bytes.Lines(patch) {
		s := string(line)
		trimmed := strings.TrimRight(s, "\r\n")
		switch {
		case left > 0 || right > 0:
			text.WriteString(s)
			switch s[0] {
			case '+':
				right--
			case '-':
				left--
			case '\\':
			default:
				left, right = left-1, right-1
			}
		case strings.HasPrefix(s, `\`) && text.Len() > 0:
			text.WriteString(s)
		case strings.HasPrefix(s, "--- "):
			flush()
			old = patchPath(trimmed[4:])
		case strings.HasPrefix(s, "+++ "):
			path := patchPath(trimmed[4:])
			if path == "/dev/null" {
				path = old
			}
			files = append(files, filePatch{path: path})
		case strings.HasPrefix(s, "@@ ") && len(files) > 0:
			flush()
			from, oldLines, newLines, ok := hunkHead(trimmed)
			if !ok {
				continue
			}
			left, right = oldLines, newLines
			last := &files[len(files)-1]
			last.hunks = append(last.hunks, filePatchHunk{from: from, to: from + max(oldLines, 1) - 1})
			text.WriteString(s)
		default:
			flush()
		}
	}
	flush()
	return files
}

// patchPath takes the quotes, the a/ or b/ and a trailing tab off a path of a --- or +++ line.
func patchPath(s string) string {
	s, _, _ = strings.Cut(s, "\t")
	if strings.HasPrefix(s, `"`) {
		if unquoted, err := strconv.Unquote(s); err == nil {
			s = unquoted
		}
	}
	if len(s) > 2 && (s[:2] == "a/" || s[:2] == "b/") {
		s = s[2:]
	}
	return s
}

// hunkHead reads "@@ -12,7 +12,5 @@": the first old line, and the numbers of old and new lines.
func hunkHead(s string) (from, oldLines, newLines int, ok bool) {
	fields := strings.Fields(s)
	if len(fields) < 3 || !strings.HasPrefix(fields[1], "-") || !strings.HasPrefix(fields[2], "+") {
		return 0, 0, 0, false
	}
	span := func(s string) (start, lines int, ok bool) {
		first, rest, found := strings.Cut(s, ",")
		start, err := strconv.Atoi(first)
		lines = 1
		if err == nil && found {
			lines, err = strconv.Atoi(rest)
		}
		return start, lines, err == nil && start >= 0 && lines >= 0
	}
	from, oldLines, ok = span(fields[1][1:])
	if !ok {
		return 0, 0, 0, false
	}
	_, newLines, ok = span(fields[2][1:])
	return from, oldLines, newLines, ok
}

// hunksByMove gives each move the hunks that its edits are in. The patch names files from the repository's top, files are
// named from the scanned folder: prefixes are where such folders lie.
func hunksByMove(files []rewriter.File, patch []byte, prefixes []string) map[string][]Hunk {
	patches := map[string]filePatch{}
	for _, file := range parsePatch(patch) {
		patches[file.path] = file
	}
	byMove := map[string][]Hunk{}
	for _, file := range files {
		diff, ok := patches[file.Path]
		for _, prefix := range prefixes {
			if prefixed, found := patches[prefix+file.Path]; found {
				diff, ok = prefixed, true
			}
		}
		if !ok || file.Stage == "cleanup" {
			continue
		}
		shown := make([]string, len(diff.hunks))
		add := func(move string, i int) {
			path := Visible(file.Path)
			switch shown[i] {
			case move:
			case "":
				shown[i] = move
				byMove[move] = append(byMove[move], Hunk{Path: path, Text: visibleLines(diff.hunks[i].text)})
			default:
				list := byMove[move]
				if len(list) == 0 || list[len(list)-1].Path != path || list[len(list)-1].Shown != Visible(shown[i]) {
					byMove[move] = append(list, Hunk{Path: path, Shown: Visible(shown[i])})
				}
			}
		}
		placed := map[string]bool{}
		for _, edit := range file.Edits {
			// The hunk whose old lines hold the edit; a new file has one.
			i, found := slices.BinarySearchFunc(diff.hunks, edit.Line, func(h filePatchHunk, line int) int {
				switch {
				case h.to < line:
					return -1
				case h.from > line:
					return 1
				}
				return 0
			})
			if file.Before == "" && len(diff.hunks) > 0 {
				i, found = 0, true
			}
			if found {
				add(edit.Move, i)
				placed[edit.Move] = true
			}
		}
		for _, move := range file.Moves {
			if !placed[move] && len(file.Moves) <= 3 {
				for i := range diff.hunks {
					add(move, i)
				}
			}
		}
	}
	return byMove
}
