package catalog

import "slices"

// KeyNames gives the names by which a key is known whatever program runs: the variables that are StandardEnv or of which an
// entry says that they point at a key or hold one, and the flags that mean a key file with any program. Names that only look
// like a key's (KeyEnv) are not listed. Both lists are sorted.
func KeyNames() (variables, flags []string) {
	for _, entry := range index().entries {
		for i := range entry.Variables {
			if rule := &entry.Variables[i]; rule.Kind == "standard" || rule.Kind == "key" {
				variables = append(variables, rule.Names...)
			}
		}
		for i := range entry.Flags {
			if rule := &entry.Flags[i]; !rule.Only && rule.Value == ValuePath {
				flags = append(flags, rule.Names...)
			}
		}
	}
	slices.Sort(variables)
	slices.Sort(flags)
	return slices.Compact(variables), slices.Compact(flags)
}
