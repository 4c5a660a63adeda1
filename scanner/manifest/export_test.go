package manifest

// SearchedFor are the texts that every file is searched for.
func SearchedFor() []string {
	var texts []string
	for _, p := range allPatterns() {
		if p.text != "apiVersion" { // it marks nothing: names near it are noted
			texts = append(texts, p.text)
		}
	}
	return texts
}
