package manifest

import (
	"bytes"
	"context"
	"strings"

	"dekey/scanner"
)

// Related reads again the files that can hold what became interesting, and yields the objects that name it.
func (r *Reader) Related(ctx context.Context, interest scanner.Interest, sink scanner.Sink) error {
	if r.seen == nil || interest.Empty() {
		return nil
	}
	tree, closeTree, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer closeTree()
	p := r.seen
	p.tree, p.overlays.files.Tree = tree, tree
	p.overlays.graph.Files = p.overlays.files
	defer p.overlays.child.stop()
	names := newNames(interest)
	var files []file // that mention a name
	for _, f := range p.files {
		if !names.file(f.marks) {
			continue
		}
		if data, err := tree.ReadFile(f.name); err == nil && names.nearly(f.marks, data) {
			files = append(files, f)
		}
	}
	r.reach(p, sink, files, false)
	err = r.give(ctx, p, sink, files, files, selection{
		document: func(text []byte) bool { return names.document(searchText(text), text) },
		quiet:    true,
	})
	if err != nil {
		return err
	}
	r.source.Files = r.seen.fileDigests()
	sink.Source(r.source)
	return nil
}

// names are the names that became interesting, by the marks of the files that can mention them.
type names struct {
	secrets, accounts, configs map[string]bool
	policies                   bool
	parts                      map[string]bool // of all of them
}

func newNames(interest scanner.Interest) *names {
	n := &names{secrets: map[string]bool{}, accounts: map[string]bool{}, configs: map[string]bool{}, policies: len(interest.Workloads) > 0, parts: map[string]bool{}}
	for _, holder := range interest.Secrets {
		n.secrets[holder.Name] = true
		addParts(n.parts, holder.Name)
	}
	for _, ref := range interest.ServiceAccounts {
		n.accounts[ref.Name] = true
		addParts(n.parts, ref.Name)
	}
	for _, holder := range interest.ConfigMaps {
		n.configs[holder.Name] = true
		addParts(n.parts, holder.Name)
	}
	return n
}

func (n *names) file(m marks) bool {
	return m&secrets != 0 && len(n.secrets) > 0 || m&accounts != 0 && len(n.accounts) > 0 || m&configs != 0 && len(n.configs) > 0 ||
		m&policies != 0 && n.policies
}

// document says whether a document mentions one of the names, in a way that its marks allow.
func (n *names) document(m marks, text []byte) bool {
	if m&policies != 0 && n.policies {
		return true
	}
	found := false
	eachToken(text, func(word []byte) bool {
		found = m&secrets != 0 && n.secrets[string(word)] || m&accounts != 0 && n.accounts[string(word)] || m&configs != 0 && n.configs[string(word)]
		return !found
	})
	return found
}

// nearly says whether a file mentions one of the names, or a part of one.
func (n *names) nearly(m marks, text []byte) bool {
	if m&policies != 0 && n.policies {
		return true
	}
	found := false
	eachToken(text, func(word []byte) bool {
		found = n.parts[string(word)]
		return !found
	})
	return found
}

// addParts adds a name, and what is left of it without a beginning or an end: what a kustomization's namePrefix and
// nameSuffix can have added.
func addParts(parts map[string]bool, name string) {
	words := strings.Split(name, "-")
	if len(words) > 8 {
		parts[name] = true
		return
	}
	for i := range words {
		for j := i + 1; j <= len(words); j++ {
			parts[strings.Join(words[i:j], "-")] = true
		}
	}
	delete(parts, "")
}

// eachToken calls take for every word that a Kubernetes name can be, and, where it has dots, for the parts between
// them, until take returns false.
func eachToken(text []byte, take func(word []byte) bool) {
	for i := 0; i < len(text); {
		if wordByte[text[i]] == 0 {
			i++
			continue
		}
		start, kinds := i, byte(0)
		for ; i < len(text) && wordByte[text[i]] != 0; i++ {
			kinds |= wordByte[text[i]]
		}
		if kinds&noName != 0 || i-start > 253 {
			continue
		}
		word := text[start:i]
		if !take(word) {
			return
		}
		if kinds&dot != 0 {
			for part := range bytes.SplitSeq(word, []byte(".")) {
				if len(part) > 0 && !take(part) {
					return
				}
			}
		}
	}
}

// The kinds of bytes in words.
const (
	letter byte = 1 << iota
	dot
	noName // in a word, but in no name
)

var wordByte = func() (table [256]byte) {
	for c := range table {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-':
			table[c] = letter
		case c == '.':
			table[c] = dot
		case c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80:
			table[c] = noName
		}
	}
	return table
}()
