package catalog

import (
	"encoding/json"
	"strings"
	"testing"
)

// A reader that decodes only what has one of the words misses no case.
func TestWords(t *testing.T) {
	words := Words()
	for _, word := range words {
		if len(word) < minWord || strings.ContainsAny(word, "*?[") {
			t.Errorf("word %q", word)
		}
	}
	for _, entry := range Entries() {
		for _, c := range entry.Cases {
			if entry.ID == "pod-presets" || strings.Contains(c.Name, "a preset with a key") {
				continue // pieces of a pod spec
			}
			sure := false
			for _, w := range c.Want {
				sure = sure || w.Sure
			}
			if !sure {
				continue
			}
			text, err := json.Marshal(c.Object)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, word := range words {
				found = found || strings.Contains(string(text), word)
			}
			if !found {
				t.Errorf("%s/%s: no word is in the object", entry.ID, c.Name)
			}
		}
	}
}
