package pullrequest

import (
	"encoding/json"
	"regexp"
	"strings"
)

// A pull request's body has one part of ours, between two lines. What people write before or behind it stays, and so do
// the boxes that they tick in it.
const (
	begin      = "<!-- dekey:begin: what stands between these lines is written anew; write above or below -->"
	end        = "<!-- dekey:end -->"
	markerHead = "<!-- dekey:pull-request "
	markerTail = " -->"
)

// A marker is the hidden line by which a pull request is known again. As JSON it holds no > and so does not end early.
type marker struct {
	Plan  string `json:"plan"`
	Stage string `json:"stage"`
	// Folder is the scanned one in the repository, with a slash at its end; "" for the top.
	Folder string `json:"folder,omitempty"`
	// Commits are ours on the branch, newest first: the forge's own can be told from amended ones by nothing else.
	Commits []string `json:"commits,omitempty"`
	// Title is the digest of the title that dekey gave: another one is a person's, and stays.
	Title string `json:"title"`
	// Dressed says that labels, assignees and reviewers were put on it: once, so that who takes one off keeps it off.
	Dressed bool `json:"dressed"`
	// Closed is why dekey itself closed it, "" where it did not.
	Closed string `json:"closed,omitempty"`
}

// The reasons of marker.Closed.
const (
	closedVanished = "vanished"
	closedAsked    = "asked"
)

func (m marker) String() string {
	data, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return markerHead + string(data) + markerTail
}

// split cuts a body at the lines of our part. found is false where it has none.
func split(body string) (before, own, after string, found bool) {
	at := lineAt(body, begin)
	if at < 0 {
		return "", "", "", false
	}
	rest := body[at+len(begin):]
	stop := lineAt(rest, end)
	if stop < 0 {
		return "", "", "", false
	}
	return body[:at], rest[:stop], rest[stop+len(end):], true
}

// lineAt is where a line that is exactly words starts, -1 where there is none.
func lineAt(text, words string) int {
	at := 0
	for l := range strings.Lines(text) {
		if strings.TrimRight(l, " \t\r\n") == words {
			return at
		}
		at += len(l)
	}
	return -1
}

// readMarker reads the marker of a body, and false where there is none.
func readMarker(body string) (marker, bool) {
	_, own, _, found := split(body)
	if !found {
		return marker{}, false
	}
	for l := range strings.Lines(own) {
		l = strings.TrimSpace(l)
		if data, is := strings.CutPrefix(l, markerHead); is {
			var m marker
			if json.Unmarshal([]byte(strings.TrimSuffix(data, markerTail)), &m) == nil {
				return m, true
			}
		}
	}
	return marker{}, false
}

// managed is our part of a body.
func managed(m marker, text string) string {
	return begin + "\n" + m.String() + "\n\n" + strings.Trim(text, "\n") + "\n\n" + end
}

var box = regexp.MustCompile(`(?m)^(\s*[-*] )\[[ xX]\] (.*)$`)
var ticked = regexp.MustCompile(`(?m)^\s*[-*] \[[xX]\] (.*)$`)

// merge puts our part into a body that may have one, with the boxes that are ticked there.
func merge(body string, m marker, text string) string {
	before, own, after, found := split(body)
	if !found {
		return managed(m, text)
	}
	on := map[string]bool{}
	for _, match := range ticked.FindAllStringSubmatch(own, -1) {
		on[strings.TrimSpace(match[1])] = true
	}
	text = box.ReplaceAllStringFunc(text, func(l string) string {
		parts := box.FindStringSubmatch(l)
		if on[strings.TrimSpace(parts[2])] {
			return parts[1] + "[x] " + parts[2]
		}
		return l
	})
	return before + managed(m, text) + after
}

// remark changes the marker of a body alone.
func remark(body string, change func(*marker)) string {
	m, found := readMarker(body)
	if !found {
		return body
	}
	old := m.String()
	change(&m)
	return strings.Replace(body, old, m.String(), 1)
}
