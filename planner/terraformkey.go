package planner

import (
	"fmt"
	"slices"

	"dekey/scanner"
)

// terraformKeys say in which order the keys go that Terraform in the checkout makes. A block that is removed deletes its
// key at the next apply, and a key that is deleted under its block is made anew.
func terraformKeys(retirements []Retirement) []Notice {
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
	return list
}
