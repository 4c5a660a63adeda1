package catalog

import (
	"slices"
	"strings"
	"sync"

	"dekey/scanner/object"
)

// minWord is the length of the shortest word: a search for shorter ones could not skip text.
const minWord = 10

// Words gives texts of which every object with a Reference that is Sure has at least one, as it is written in YAML or JSON:
// what a reader of many files looks for before it decodes one. Other references that are not Sure are found by the name of their
// Secret; those by pieces of a pod spec (PodPreset) by what a pod spec is found by. The words are sorted; none is shorter than ten bytes.
func Words() []string { return slices.Clone(words()) }

var words = sync.OnceValue(func() []string {
	var all []string
	for _, entry := range index().entries {
		for i := range entry.References {
			if rule := &entry.References[i]; rule.Sure && rule.Wired == nil || rule.Sought {
				all = append(all, rule.words()...)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(slices.Clone(all), func(word string) bool {
		return slices.ContainsFunc(all, func(other string) bool { return other != word && strings.Contains(word, other) })
	})
})

// words are the entry's own, or the telling key of each pattern, or the API groups.
func (r *referenceRule) words() []string {
	if len(r.Words) > 0 {
		return r.Words
	}
	var found []string
	for _, at := range r.at {
		word := at.word(r.Name)
		if word == "" {
			return r.groups()
		}
		found = append(found, word)
	}
	return found
}

// word is the longest key on the way to a Secret's name that tells of one.
func (p pattern) word(name location) string {
	keys := []string{}
	for _, s := range p {
		if s.kind == exactStep {
			keys = append(keys, s.step.Key)
		}
	}
	if path, ok := name.resolve(nil); ok && name != "" {
		for _, step := range object.Path(path) {
			keys = append(keys, step.Key)
		}
	}
	longest := ""
	for _, key := range keys {
		lower := strings.ToLower(key)
		if len(key) > len(longest) && (strings.Contains(lower, "secret") || strings.Contains(lower, "credential")) {
			longest = key
		}
	}
	if len(longest) < minWord+2 || slices.Contains(common, longest) {
		return ""
	}
	return longest
}

// common are keys that tell of a Secret in nearly every manifest.
var common = []string{"secretKeyRef", "secretName", "imagePullSecrets", "valueFromSecret"}

// groups are the beginnings of the rule's API versions.
func (r *referenceRule) groups() []string {
	var found []string
	for _, s := range r.Match {
		found = append(found, strings.TrimLeft(s.Group, "*")+"/v")
	}
	return found
}
