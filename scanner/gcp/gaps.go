package gcp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dekey/scanner"
)

// grouped makes gaps of refusals: one for each cause and permission, with what it concerns. A missing login and an API that
// is off are one gap each, however much they concern.
func grouped(refusals []error) []scanner.Gap {
	type cause struct{ permission, why string }
	concerned := map[cause][]string{}
	var list []scanner.Gap
	for _, err := range refusals {
		var e *Error
		switch {
		case !errors.As(err, &e):
			list = append(list, gap(err))
		case errors.Is(e.Err, errNoCredentials), errors.Is(e.Err, errBadCredentials):
			list = append(list, scanner.Gap{Source: Source, What: "Application Default Credentials", Why: e.why()})
		default:
			c := cause{e.Permission, e.why()}
			concerned[c] = append(concerned[c], e.What)
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(concerned), func(a, b cause) int {
		return strings.Compare(a.permission+"\x00"+a.why, b.permission+"\x00"+b.why)
	}) {
		what := concerned[c]
		slices.Sort(what)
		what = slices.Compact(what)
		const most = 3
		text := strings.Join(what[:min(most, len(what))], ", ")
		if n := len(what) - most; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
		list = append(list, scanner.Gap{Source: Source, What: text + ": " + c.permission, Why: c.why})
	}
	slices.SortFunc(list, func(a, b scanner.Gap) int { return strings.Compare(a.What+"\x00"+a.Why, b.What+"\x00"+b.Why) })
	return slices.Compact(list)
}
