package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"dekey/scanner"
)

// Expired says whether the exclusion is over. Its last day still counts.
func (e Exclusion) Expired(now time.Time) bool {
	return !e.Expires.IsZero() && !now.IsZero() && !now.Before(e.Expires.AddDate(0, 0, 1))
}

func (e Exclusion) text() string {
	reason := e.Reason
	if reason == "" {
		reason = "no reason was given"
	}
	text := "excluded: " + reason
	if e.By != "" {
		text += fmt.Sprintf(" (%s)", e.By)
	}
	if !e.Expires.IsZero() {
		text += ", until " + e.Expires.Format("2006-01-02")
	}
	return text
}

// matchRef matches NAMESPACE/KIND/NAME, of which each part may be *. KIND/NAME is an object without a namespace.
func matchRef(pattern string, ref scanner.Ref) bool {
	parts := strings.Split(pattern, "/")
	if len(parts) == 2 {
		parts = append([]string{""}, parts...)
	}
	if len(parts) != 3 {
		return false
	}
	for i, value := range []string{ref.Namespace, ref.Kind, ref.Name} {
		if parts[i] != "*" && parts[i] != value {
			return false
		}
	}
	return true
}

// standsIn says whether the workload, or all of its uses, stand in the file or folder.
func (x *work) standsIn(path string) bool {
	origins := []scanner.Origin{}
	if x.obj != nil {
		origins = append(origins, x.obj.Origins...)
	}
	for _, u := range x.uses {
		origins = append(origins, u.Origins...)
	}
	return standsIn(path, origins)
}

// standsIn says whether one of the origins is in the file or folder.
func standsIn(path string, origins []scanner.Origin) bool {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "./"), "/")
	return slices.ContainsFunc(origins, func(o scanner.Origin) bool {
		return path == "." || path == "" || o.Path == path || strings.HasPrefix(o.Path, path+"/")
	})
}

// exceptions is the register: every exclusion, in force or over.
func (w *world) exceptions() []Exception {
	list := []Exception{}
	for _, e := range w.policy.Exclude {
		what := cmp.Or(e.Workload, e.Path, e.Project)
		if e.Code != "" {
			what += " (" + e.Code + ")"
		}
		x := Exception{What: what, Reason: e.Reason, By: e.By, Expired: e.Expired(w.policy.Now)}
		if !e.Expires.IsZero() {
			x.Expires = e.Expires.Format("2006-01-02")
		}
		list = append(list, x)
	}
	return append(list, Commented(w.inv.Exceptions, w.policy.Now)...)
}

// Commented are the entries of the register that comments in the checkouts make. now is the day of the judgement; on the zero
// day none is over.
func Commented(comments []scanner.Exception, now time.Time) []Exception {
	list := []Exception{}
	for _, c := range comments {
		until, err := time.Parse(time.DateOnly, c.Until)
		list = append(list, Exception{
			What: fmt.Sprintf("%s:%d (%s)", c.Origin.Path, c.Origin.Line, strings.Join(c.Codes, ", ")), Reason: c.Reason, By: "a comment",
			Expires: c.Until, Expired: err == nil && !now.IsZero() && !now.Before(until.AddDate(0, 0, 1)),
		})
	}
	return list
}
