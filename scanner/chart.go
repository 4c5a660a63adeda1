package scanner

import (
	"dekey/scanner/catalog"
	"dekey/scanner/object"
)

// chartReferences are the values of charts, held by o, that name a Secret with a key.
func chartReferences(o *Object) []catalog.Reference {
	var references []catalog.Reference
	for _, c := range o.Charts {
		entry, known := catalog.ChartValues(c.Name)
		found, _ := c.Values.Lookup(o.Content)
		values, ok := found.(map[string]any)
		if !known || !ok {
			continue
		}
		for _, use := range entry.Uses(values) {
			if use.Holds != catalog.HoldsName {
				continue // a key among the values is found as any other text
			}
			ref := catalog.Reference{
				Entry: use.Entry, Via: object.Reference, Field: c.Values.Join(use.Value...), Sure: use.Sure, Hold: use.Hold,
				Secret: Holder{Kind: "Secret", Namespace: c.Namespace, Name: use.Secret, Entry: use.SecretEntry},
			}
			for _, edit := range use.Recipe {
				edit.Field = c.Values.Join(edit.Field...)
				ref.Recipe = append(ref.Recipe, edit)
			}
			if ref.Hold == nil && len(ref.Recipe) == 0 {
				ref.Hold = &object.Obstacle{Code: "no-recipe", What: "a value of the chart " + c.Name + " names the Secret"}
			}
			references = append(references, ref)
		}
	}
	return references
}
