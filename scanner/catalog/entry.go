package catalog

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed entries/*.json
var files embed.FS

// An Entry is what is known of one product: what reports and documents list. Entries are sorted by ID.
type Entry struct {
	ID      string   `json:"id"`      // the name of the entry's file
	Product string   `json:"product"` // for people
	Sources []string `json:"sources"` // the public documents that say so

	Variables  []variableRule  `json:"variables"`
	Flags      []flagRule      `json:"flags"`
	References []referenceRule `json:"references"`
	Makes      []makerRule     `json:"makes"`
	Charts     []ChartEntry    `json:"charts"`
	Cases      []entryCase     `json:"cases"`
}

// Entries lists the catalogue, sorted by ID.
func Entries() []Entry { return slices.Clone(entries()) }

// entries decodes the embedded files once. They are part of the program: one that does not decode is a defect of the
// build, which TestEntries finds.
var entries = sync.OnceValue(func() []Entry {
	all, err := load()
	if err != nil {
		panic(err)
	}
	return all
})

func load() ([]Entry, error) {
	names, err := files.ReadDir("entries")
	if err != nil {
		return nil, fmt.Errorf("listing the catalogue: %w", err)
	}
	var all []Entry
	for _, name := range names {
		data, err := files.ReadFile(path.Join("entries", name.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading catalogue entry %s: %w", name.Name(), err)
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		var entry Entry
		if err := decoder.Decode(&entry); err != nil {
			return nil, fmt.Errorf("decoding catalogue entry %s: %w", name.Name(), err)
		}
		if entry.ID != strings.TrimSuffix(name.Name(), ".json") {
			return nil, fmt.Errorf("catalogue entry %s calls itself %q", name.Name(), entry.ID)
		}
		all = append(all, entry)
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}
