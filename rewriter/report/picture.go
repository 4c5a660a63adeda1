package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Picture shows who can act as whom: on the left who can today, in the middle the Google accounts, on the right who
// can after the change. With many workloads it is collapsed by namespace; then the accounts that only one namespace uses
// are one box, so that those which several share stand out.
type Picture struct {
	Width, Height int
	Boxes         []Box
	Lines         []Line
	Heads         []Head
	Note          string // how it was collapsed, or ""

	rest bool // columns start at the top, and what stands for many comes last
}

// A Box is a name in a frame. Title is the whole name where the label is shortened.
type Box struct {
	X, Y, W, H   int
	TextX, TextY int
	Label, Title string
	Class        string
}

// A Line joins two boxes by a curve.
type Line struct {
	D     string // of the SVG path
	Class string
	Title string
	Width float64
}

// A Head is a column's title.
type Head struct {
	X     int
	Label string
}

const (
	maxBoxes   = 30 // in a column, before it is collapsed
	maxSpaces  = 24 // namespaces, before the smallest share a box
	boxHeight  = 26
	rowHeight  = 34
	boxWidth   = 300
	pictureGap = 110
	labelRunes = 38
)

// edge is one side of the picture: who, as whom, and how.
type edge struct {
	who, account string
	class        string
	count        int
	members      map[string]bool
}

// pictureOf lays the access of a plan out. nil where there is none.
func pictureOf(r *Report) *Picture {
	if len(r.Access) == 0 {
		return nil
	}
	moves := make(map[string]*Move, len(r.Moves))
	for _, move := range r.Moves {
		moves[move.Workload.Text] = move
	}
	names, byNamespace := workloadLabels(r.Access)
	account, collapsed := accountLabels(r.Access, names)

	before, after := map[[3]string]*edge{}, map[[3]string]*edge{}
	add := func(side map[[3]string]*edge, who, email, class, member string) {
		key := [3]string{who, account(email), class}
		if side[key] == nil {
			side[key] = &edge{who: who, account: account(email), class: class, members: map[string]bool{}}
		}
		side[key].count++
		side[key].members[member] = true
	}
	for _, a := range r.Access {
		who := names(a.Workload)
		move, moved := moves[a.Workload.Text]
		for _, email := range a.Before {
			class := "same"
			if moved && email == move.Account {
				class = "key"
			} else if !moved {
				class = "held"
			}
			add(before, who, email, class, a.Workload.Text)
		}
		for _, email := range a.After {
			class, then, member := "same", who, a.Workload.Text
			asserted := moved && move.Asserted && email == move.Account && slices.Contains(a.Gained, email)
			if asserted {
				add(before, who, email, "asserted", a.Workload.Text)
			}
			switch {
			case asserted:
				class = "asserted"
			case slices.Contains(a.Gained, email):
				class = "gained"
			case moved:
				class = "wi"
			default:
				class = "held"
			}
			if moved {
				member = joinNonEmpty("/", a.Workload.Namespace, move.After)
				if !byNamespace {
					then = member
				}
			}
			add(after, then, email, class, member)
		}
	}
	left, right := sortedEdges(before), sortedEdges(after)
	p := &Picture{Width: 3*boxWidth + 2*pictureGap + 2}
	for i, label := range []string{"Today", "Google service account", "After the change"} {
		p.Heads = append(p.Heads, Head{X: i * (boxWidth + pictureGap), Label: label})
	}
	whoLeft, whoRight, accounts := column(left, false), column(right, false), column(append(slices.Clone(left), right...), true)
	if byNamespace {
		p.rest = restLast(whoLeft, whoRight, accounts)
	}
	rows := max(len(whoLeft), len(whoRight), len(accounts))
	top := 30
	p.Height = top + rows*rowHeight + 4
	leftY := p.boxes(whoLeft, 0, top, rows, sizes(left))
	rightY := p.boxes(whoRight, 2*(boxWidth+pictureGap), top, rows, sizes(right))
	midY := p.boxes(accounts, boxWidth+pictureGap, top, rows, nil)
	for _, e := range left {
		p.join(boxWidth, leftY[e.who], boxWidth+pictureGap, midY[e.account], e)
	}
	for _, e := range right {
		p.join(2*boxWidth+pictureGap, midY[e.account], 2*(boxWidth+pictureGap), rightY[e.who], e)
	}
	var notes []string
	if byNamespace {
		notes = append(notes, "workloads are shown by namespace")
	}
	if collapsed {
		notes = append(notes, "accounts that one of them uses alone are together")
	}
	p.Note = strings.Join(notes, ", ")
	return p
}

// workloadLabels gives each workload its box: its own where there are few, its namespace's where there are many; the
// smallest of many namespaces share one.
func workloadLabels(access []Access) (label func(Name) string, byNamespace bool) {
	count := map[string]int{}
	workloads := map[string]bool{}
	for _, a := range access {
		count[a.Workload.Namespace]++
		workloads[a.Workload.Text] = true
	}
	if len(workloads) <= maxBoxes {
		return func(n Name) string { return n.Short() }, false
	}
	own := largest(count, maxSpaces-1)
	return func(n Name) string {
		switch {
		case !own[n.Namespace]:
			return fmt.Sprintf("%s other namespaces", thousands(len(count)-len(own)))
		case n.Namespace == "":
			return "(namespace unknown)"
		}
		return n.Namespace
	}, true
}

// accountLabels gives each account its box: its own where there are few. Of many, those that one box on the left uses
// alone are one box, and those that are shared by most have their own.
func accountLabels(access []Access, who func(Name) string) (label func(string) string, collapsed bool) {
	users := map[string]map[string]bool{}
	for _, a := range access {
		for _, email := range slices.Concat(a.Before, a.After) {
			if users[email] == nil {
				users[email] = map[string]bool{}
			}
			users[email][who(a.Workload)] = true
		}
	}
	if len(users) <= maxBoxes {
		return shortAccount, false
	}
	alone, shared := map[string]int{}, map[string]int{}
	for email, set := range users {
		if len(set) == 1 {
			alone[sortedKeys(set)[0]]++
		} else {
			shared[email] = len(set)
		}
	}
	own := largest(shared, max(0, maxBoxes-1-len(alone)))
	return func(email string) string {
		switch {
		case own[email]:
			return shortAccount(email)
		case shared[email] > 0:
			return count(len(shared)-len(own), "shared account")
		}
		user := sortedKeys(users[email])[0]
		return fmt.Sprintf("%s of %s alone", count(alone[user], "account"), user)
	}, true
}

// shortAccount leaves out what every account has.
func shortAccount(email string) string {
	return strings.TrimSuffix(email, accountSuffix)
}

const accountSuffix = ".iam.gserviceaccount.com"

// largest are the n keys with the highest counts; all where there are no more than n+1.
func largest(count map[string]int, n int) map[string]bool {
	keys := sortedKeys(count)
	slices.SortStableFunc(keys, func(x, y string) int { return cmp.Compare(count[y], count[x]) })
	own := map[string]bool{}
	for i, key := range keys {
		if i < n || len(keys) <= n+1 {
			own[key] = true
		}
	}
	return own
}

func sortedEdges(side map[[3]string]*edge) []*edge {
	list := make([]*edge, 0, len(side))
	for _, e := range side {
		list = append(list, e)
	}
	slices.SortFunc(list, func(x, y *edge) int {
		return cmp.Or(strings.Compare(x.who, y.who), strings.Compare(x.account, y.account), strings.Compare(x.class, y.class))
	})
	return list
}

// column lists the names of one side, in the order of the edges.
func column(edges []*edge, account bool) []string {
	seen := map[string]bool{}
	var list []string
	for _, e := range edges {
		name := e.who
		if account {
			name = e.account
		}
		if !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return list
}

// restLast orders the columns of a collapsed picture: what stands for one namespace in its row, then shared accounts,
// then what stands for the rest.
func restLast(columns ...[]string) bool {
	place := func(name string) int {
		switch {
		case strings.HasSuffix(name, " other namespaces alone"):
			return 1
		case strings.HasSuffix(name, " other namespaces"):
			return 1
		case strings.HasSuffix(name, " shared accounts"), strings.HasSuffix(name, " shared account"):
			return 3
		case strings.Contains(name, "@"):
			return 2
		}
		return 0
	}
	for _, column := range columns {
		slices.SortStableFunc(column, func(x, y string) int { return place(x) - place(y) })
	}
	return true
}

// sizes counts who stands behind a collapsed name.
func sizes(edges []*edge) map[string]int {
	members := map[string]map[string]bool{}
	for _, e := range edges {
		if members[e.who] == nil {
			members[e.who] = map[string]bool{}
		}
		for member := range e.members {
			members[e.who][member] = true
		}
	}
	n := map[string]int{}
	for who, set := range members {
		n[who] = len(set)
	}
	return n
}

// boxes puts a column's boxes in the middle of the rows and gives their heights' middles.
func (p *Picture) boxes(names []string, x, top, rows int, size map[string]int) map[string]int {
	offset := 0
	if !p.rest {
		offset = (rows - len(names)) * rowHeight / 2
	}
	middle := map[string]int{}
	for i, name := range names {
		y := top + offset + i*rowHeight
		label := name
		if size[name] > 1 {
			label = fmt.Sprintf("%s (%s)", name, thousands(size[name]))
		}
		p.Boxes = append(p.Boxes, Box{X: x + 1, Y: y, W: boxWidth, H: boxHeight, TextX: x + 8, TextY: y + 17, Label: shorten(label), Title: label})
		middle[name] = y + boxHeight/2
	}
	return middle
}

func (p *Picture) join(x1, y1, x2, y2 int, e *edge) {
	half := (x2 - x1) / 2
	width := 1.5
	for n := e.count; n > 1 && width < 6; n /= 3 {
		width++
	}
	words := map[string]string{"key": "with a key file", "held": "with a key file, and stays so", "wi": "through Workload Identity", "gained": "new", "same": "unchanged", "asserted": "named by hand, not seen"}
	p.Lines = append(p.Lines, Line{
		D:     fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+half, y1, x2-half, y2, x2, y2),
		Class: e.class, Width: width, Title: fmt.Sprintf("%s acts as %s %s (%s)", e.who, e.account, words[e.class], thousands(e.count)),
	})
}

// shorten keeps both ends of a long label.
func shorten(s string) string {
	runes := []rune(s)
	if len(runes) <= labelRunes {
		return s
	}
	return string(runes[:labelRunes-14]) + "…" + string(runes[len(runes)-13:])
}
