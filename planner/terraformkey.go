package planner

import (
	"cmp"
	"fmt"
	"slices"

	"dekey/scanner"
)

// terraformKeys say in which order the keys go that Terraform in the checkout makes. A block that is removed deletes its
// key at the next apply, and a key that is deleted under its block is made anew.
// A block whose account has no key that was seen is named too: its key is somewhere.
func terraformKeys(all []scanner.KeyMaker, retirements []Retirement) []Notice {
	var makers []scanner.KeyMaker
	for _, r := range retirements {
		makers = append(makers, r.Makers...)
	}
	slices.SortFunc(makers, scanner.KeyMaker.Compare)
	list := []Notice{}
	for _, m := range slices.Compact(makers) {
		list = append(list, Notice{Code: NoticeTerraformKey, Text: fmt.Sprintf("%s (%s:%d) makes keys of %s. Leave the block until 3-disable.sh has disabled the key and the second "+
			"soak is over; then remove it, with what reads it: the next apply deletes the key, and 4-delete.sh takes it as done. Removed earlier, the apply deletes a live key; deleted by hand "+
			"under its block, the next apply makes a new key", m.Resource, m.Origin.Path, m.Origin.Line, m.Account)})
	}
	for _, m := range all {
		if !slices.Contains(makers, m) {
			list = append(list, Notice{Code: NoticeTerraformKey, Text: fmt.Sprintf("%s (%s:%d) makes keys of %s, none of which was seen: find out where it goes", m.Resource, m.Origin.Path, m.Origin.Line, cmp.Or(m.Account, "an account that the code does not name"))})
		}
	}
	return list
}
