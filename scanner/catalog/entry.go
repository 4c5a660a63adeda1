package catalog

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"iter"
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

	Programs   []programRule   `json:"programs"`
	Variables  []variableRule  `json:"variables"`
	Flags      []flagRule      `json:"flags"`
	References []referenceRule `json:"references"`
	Makes      []makerRule     `json:"makes"`
	Charts     []ChartEntry    `json:"charts"`
	Cases      []entryCase     `json:"cases"`
}

// Entries lists the catalogue, sorted by ID.
func Entries() []Entry { return slices.Clone(index().entries) }

// An of is a rule with its entry's ID.
type of[R any] struct {
	entry string
	rule  R
}

// byKind holds rules by the kinds that they are about; "" for any.
type byKind[R any] map[string][]of[R]

// of gives the rules about a kind, and those about any.
func (b byKind[R]) of(kind string) iter.Seq[of[R]] {
	return func(yield func(of[R]) bool) {
		if kind != "" {
			for _, rule := range b[kind] {
				if !yield(rule) {
					return
				}
			}
		}
		for _, rule := range b[""] {
			if !yield(rule) {
				return
			}
		}
	}
}

func (b byKind[R]) add(rule of[R], match []selector) {
	seen := map[string]bool{}
	for _, s := range match {
		kinds := s.Kinds
		if len(kinds) == 0 {
			kinds = []string{""}
		}
		for _, kind := range kinds {
			if !seen[kind] {
				b[kind] = append(b[kind], rule)
			}
			seen[kind] = true
		}
	}
}

// An indexed catalogue answers without a walk over all entries: it is asked about every object and every word of an
// argument.
type indexed struct {
	entries    []Entry
	references byKind[*referenceRule]
	makers     byKind[*makerRule]
	flags      map[string][]of[*flagRule]
	variables  map[string][]of[*variableRule]
	programs   []*programRule
	charts     map[string]ChartEntry
}

// index decodes the embedded files once. They are part of the program: one that does not decode is a defect of the build,
// which TestEntries finds.
var index = sync.OnceValue(func() *indexed {
	all, err := load()
	if err != nil {
		panic(err)
	}
	x := &indexed{
		entries: all, references: byKind[*referenceRule]{}, makers: byKind[*makerRule]{},
		flags: map[string][]of[*flagRule]{}, variables: map[string][]of[*variableRule]{}, charts: map[string]ChartEntry{},
	}
	for i := range all {
		x.add(&all[i])
	}
	return x
})

func (x *indexed) add(entry *Entry) {
	for i := range entry.References {
		rule := &entry.References[i]
		x.references.add(of[*referenceRule]{entry.ID, rule}, rule.Match)
	}
	for i := range entry.Makes {
		rule := &entry.Makes[i]
		x.makers.add(of[*makerRule]{entry.ID, rule}, rule.Match)
	}
	for i := range entry.Flags {
		for _, name := range entry.Flags[i].Names {
			x.flags[name] = append(x.flags[name], of[*flagRule]{entry.ID, &entry.Flags[i]})
		}
	}
	for i := range entry.Programs {
		x.programs = append(x.programs, &entry.Programs[i])
	}
	for i := range entry.Variables {
		for _, name := range entry.Variables[i].Names {
			x.variables[name] = append(x.variables[name], of[*variableRule]{entry.ID, &entry.Variables[i]})
		}
	}
	for _, c := range entry.Charts {
		c.Entry = entry.ID
		for _, name := range c.Names {
			x.charts[name] = c
		}
	}
}

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
		if err := entry.compile(); err != nil {
			return nil, fmt.Errorf("compiling catalogue entry %s: %w", name.Name(), err)
		}
		all = append(all, entry)
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

func (e *Entry) compile() error {
	for i := range e.References {
		if err := e.References[i].compile(); err != nil {
			return err
		}
	}
	for i := range e.Makes {
		if err := e.Makes[i].compile(); err != nil {
			return err
		}
	}
	for i := range e.Charts {
		if err := e.Charts[i].compile(); err != nil {
			return err
		}
	}
	return nil
}
