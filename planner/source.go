package planner

import (
	"fmt"
	"slices"

	"dekey/scanner"
)

// sourceText says what makes a Secret.
func sourceText(secret *scanner.Secret, p scanner.Provenance) string {
	return fmt.Sprintf("the Secret %s/%s is made by %s%s", secret.Ref.Namespace, secret.Ref.Name, p.Kind, ofObject(p.Object))
}

// secretSources name what makes the keys' Secrets that no move names: those of held workloads, and those that nothing uses.
func (w *world) secretSources() []Notice {
	moved := make(map[name]bool)
	for _, x := range w.work {
		if x.move == nil {
			continue
		}
		for _, u := range x.uses {
			if u.Secret.Kind == "Secret" {
				moved[name{u.Secret.Namespace, u.Secret.Name}] = true
			}
		}
	}
	list := []Notice{}
	for i := range w.inv.Secrets {
		secret := &w.inv.Secrets[i]
		if secret.Ref.Kind != "Secret" || moved[name{secret.Ref.Namespace, secret.Ref.Name}] {
			continue
		}
		for _, p := range secret.Provenance {
			if p.Kind != "plain" {
				list = append(list, Notice{Code: NoticeSecretSource, Text: sourceText(secret, p), Object: refOf(secret.Ref)})
			}
		}
	}
	slices.SortFunc(list, compareNotices)
	return slices.CompactFunc(list, func(a, b Notice) bool { return compareNotices(a, b) == 0 })
}
