package manifest

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
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
	names := newNames(interest, p)
	files := names.files(p)
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

// names are what became interesting, by name: the namespaces of each.
type names struct {
	secrets, accounts, configs map[string][]string
	pointing                   map[string][]string // ConfigMaps that name a key's file: who uses them matters
	policies                   bool
	hashes                     map[uint32]bool // of all of them, and of what a kustomization makes them from
	spelled                    map[string]bool // the same as text
}

// newNames leaves out what was asked for before.
func newNames(interest scanner.Interest, p *pass) *names {
	n := &names{
		secrets: map[string][]string{}, accounts: map[string][]string{}, configs: map[string][]string{}, pointing: map[string][]string{},
		hashes: map[uint32]bool{wild: true}, spelled: map[string]bool{},
	}
	prefixes, suffixes := p.affixes()
	add := func(to map[string][]string, class marks, namespace, name string) {
		if !p.ask(fmt.Sprintf("%d %s/%s", class, namespace, name)) {
			return
		}
		to[name] = append(to[name], namespace)
		for _, spelling := range spellings(name, prefixes, suffixes) {
			n.spelled[spelling] = true
			n.hashes[hashName(class, []byte(spelling))] = true
		}
	}
	for _, holder := range interest.Secrets {
		add(n.secrets, secrets, holder.Namespace, holder.Name)
	}
	for _, ref := range interest.ServiceAccounts {
		add(n.accounts, accounts, ref.Namespace, ref.Name)
	}
	for _, holder := range interest.ConfigMaps {
		if p.pointing[holder.Name] {
			add(n.pointing, configUsers, holder.Namespace, holder.Name)
		} else {
			add(n.configs, configs, holder.Namespace, holder.Name)
		}
	}
	n.policies = len(interest.Workloads) > 0 && p.ask("policies")
	return n
}

// ask says whether something is asked for the first time.
func (p *pass) ask(what string) bool {
	if p.asked[what] {
		return false
	}
	p.asked[what] = true
	return true
}

// files are the files that can mention one of the names, and kustomizations that do.
func (n *names) files(p *pass) []file {
	var files []file
	for _, f := range p.files {
		if f.marks&policies != 0 && n.policies || slices.ContainsFunc(f.names, func(h uint32) bool { return n.hashes[h] }) {
			files = append(files, f)
		}
	}
	for _, k := range p.kustomizations {
		mentions := false
		eachToken([]byte(k.text), func(word []byte) bool { mentions = n.spelled[string(word)]; return !mentions })
		if mentions {
			files = append(files, file{name: k.name})
		}
	}
	return files
}

// document says whether a document mentions one of the names, in a way that its marks allow, and in its namespace if
// it tells one.
func (n *names) document(m marks, text []byte) bool {
	if m&policies != 0 && n.policies {
		return true
	}
	found := false
	var written [][]byte // the namespaces that the document names
	asked := false
	in := func(namespaces []string, word []byte) bool {
		if len(namespaces) == 0 {
			return false
		}
		if !asked {
			asked, written = true, namespacesIn(text)
		}
		return slices.ContainsFunc(namespaces, func(namespace string) bool { return inNamespace(namespace, word, written, text) })
	}
	eachToken(text, func(word []byte) bool {
		found = m&(secrets|custom) != 0 && in(n.secrets[string(word)], word) || m&accounts != 0 && in(n.accounts[string(word)], word) ||
			m&configs != 0 && in(n.configs[string(word)], word) || m&configUsers != 0 && in(n.pointing[string(word)], word)
		return !found
	})
	return found
}

// namespacesIn are the values of all keys namespace of a document.
func namespacesIn(text []byte) [][]byte {
	var found [][]byte
	for {
		i := bytes.Index(text, []byte("namespace"))
		if i < 0 {
			return found
		}
		text = text[i+len("namespace"):]
		rest := bytes.TrimLeft(bytes.TrimLeft(text, "\"'"), " \t")
		if len(rest) == 0 || rest[0] != ':' {
			continue
		}
		rest = bytes.TrimLeft(rest[1:], " \t\"'")
		end := 0
		for end < len(rest) && wordByte[rest[end]] != 0 {
			end++
		}
		found = append(found, rest[:end])
	}
}

// inNamespace says whether a document can mean a name of a namespace: it names the namespace, or none at all, or spells
// both together as service accounts are spelled.
func inNamespace(namespace string, name []byte, written [][]byte, text []byte) bool {
	if namespace == "" || len(written) == 0 {
		return true
	}
	if slices.ContainsFunc(written, func(w []byte) bool { return string(w) == namespace }) {
		return true
	}
	return bytes.Contains(text, []byte(namespace+":"+string(name))) || bytes.Contains(text, []byte("/"+namespace+"/sa/"+string(name))) ||
		bytes.Contains(text, []byte(string(name)+"."+namespace)) || listsNamespace(text, namespace)
}

// listsNamespace says whether a document has a list of namespaces (of a role of Vault, a policy) that may have this one.
func listsNamespace(text []byte, namespace string) bool {
	_, list, found := bytes.Cut(text, []byte("amespaces"))
	if !found {
		return false
	}
	listed := bytes.IndexByte(list, '*') >= 0
	eachToken(list, func(word []byte) bool {
		listed = listed || string(word) == namespace
		return !listed
	})
	return listed
}

// affix is what kustomizations add to names.
var affix = regexp.MustCompile(`(?m)(namePrefix|nameSuffix)["']?\s*:\s*["']?([a-z0-9.-]+)`)

// affixes are all that kustomizations of the checkout add to names.
func (p *pass) affixes() (prefixes, suffixes []string) {
	for _, k := range p.kustomizations {
		if !strings.Contains(k.text, "name") {
			continue
		}
		for _, m := range affix.FindAllStringSubmatch(k.text, -1) {
			if m[1] == "namePrefix" {
				prefixes = append(prefixes, m[2])
			} else {
				suffixes = append(suffixes, m[2])
			}
		}
	}
	slices.Sort(prefixes)
	slices.Sort(suffixes)
	return slices.Compact(prefixes), slices.Compact(suffixes)
}

// spellings are a name, and what is left of it without what kustomizations can have added, several times over.
func spellings(name string, prefixes, suffixes []string) []string {
	all := []string{name}
	for i := 0; i < len(all) && len(all) < 100; i++ {
		for _, prefix := range prefixes {
			if rest, ok := strings.CutPrefix(all[i], prefix); ok && rest != "" && !slices.Contains(all, rest) {
				all = append(all, rest)
			}
		}
		for _, suffix := range suffixes {
			if rest, ok := strings.CutSuffix(all[i], suffix); ok && rest != "" && !slices.Contains(all, rest) {
				all = append(all, rest)
			}
		}
	}
	return all
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
